//! Moving blocks of a file to other places on the device: the garbage collection of zoned XFS, fs/xfs/xfs_zone_gc.c and
//! `xfs_zoned_end_io` (fs/xfs/xfs_zone_alloc.c), 7.3.
//!
//! The blocks of an extent are read into memory and written to a new place, while anybody may write to the file, truncate it or
//! shift its extents: no lock is held for that. Only then is it looked whether the file still has the old blocks there. If it
//! has not, the copy is of no use and dropped. Before the extents change, who could still read from the old blocks is waited for: by
//! i_rwsem, invalidate_lock and the count of direct I/O.
//!
//! What is locked, and for how long, is a value of the file system, so that the same path can move blocks that are written in
//! place; what is looked at again is a value of the design.
//!
//! Left out: how a victim is chosen (the command names what is moved); that the kernel has several copies under way; that one is
//! of at most 1 MiB; errors of the device, which shut the file system down; zones: an old block is free at once, in the
//! kernel when the last one of its zone is free, and the zone is erased, which waits for no copy and no reader.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Op, Returned};

use crate::path::{Part, Path, Stepped};
use crate::state::dio_count::inode_dio_wait;
use crate::state::event::{DataEvent, Dropped, Errno, Mapping, Sampler, Says, Truth, Use, What};
use crate::state::inode::Inode;
use crate::state::leases::{break_layout, wait_for_layouts};
use crate::state::map_change::MapSection;
use crate::state::mapping::Iomap;
use crate::state::validity::{Cookie, CookieSource};
use crate::state::world::World;
use crate::words::branches;
use crate::words::command::Command;
use crate::words::extent::{Extent, Phys};
use crate::words::geometry::FileBlock;
use crate::words::map_design::RelocateRecheck;
use crate::words::personality::Relocate;
use crate::words::value::Value;
use crate::writeback::flush::{self, FlushState};
use crate::writeback::io::write_disk;

/// An extent that is being moved (struct xfs_gc_bio).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Chunk {
    /// Its blocks in the file that are still to be moved.
    blocks: Range<FileBlock>,
    /// Where the first of them is.
    old: Phys,
    /// Where each of them is to be.
    new: Vec<Phys>,
    /// What the counter was, where that is looked at again.
    cookie: Option<Cookie>,
}

/// Where a relocation stands. What is left to look at are the first blocks of each.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum RelocateState {
    /// Before i_rwsem, which is held to the end.
    Enter(Range<FileBlock>),
    /// Before invalidate_lock, which is held to the end.
    EnterMapping(Range<FileBlock>),
    /// Writing back.
    Flush(Range<FileBlock>, FlushState),
    /// Before the next extent is looked up.
    Query(Range<FileBlock>),
    /// Before it is read.
    Read(Range<FileBlock>, Chunk),
    /// Before it is written to its new place.
    Write {
        /// What is left behind it.
        rest: Range<FileBlock>,
        /// What is moved.
        chunk: Chunk,
        /// What was read, by block.
        data: Vec<Vec<Value>>,
    },
    /// Waiting for clients to give their layouts back, without a lock, before the first lock is taken again.
    Recall(Range<FileBlock>, Option<Chunk>),
    /// The copy is made; before i_rwsem.
    Lock(Range<FileBlock>, Chunk),
    /// Before invalidate_lock.
    LockMapping(Range<FileBlock>, Chunk),
    /// Before the next extent of the file, as it is now, is replaced.
    Remap(Range<FileBlock>, Chunk),
}

impl Path for RelocateState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Relocate { range } = part.first()? else { return None };
        let geometry = &part.inode.sb.geometry;
        let blocks = geometry.blocks_touched(&part.cells(range));
        Some(match part.inode.sb.config.fs.relocate() {
            Relocate::LocksHeld => RelocateState::Enter(blocks),
            Relocate::Absent | Relocate::LocksCycled | Relocate::LocksKept | Relocate::NoLocks => {
                RelocateState::Query(blocks)
            }
        })
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        ControlFlow::Continue(match self {
            RelocateState::Enter(rest) => {
                inode.i_rwsem.down_write(Op::new("down_write i_rwsem"), me).await;
                RelocateState::EnterMapping(rest)
            }
            RelocateState::EnterMapping(rest) => {
                if !lock_mapping(inode, me).await {
                    return ControlFlow::Continue(RelocateState::Recall(rest, None));
                }
                let cells = inode.sb.geometry.cells_of_blocks(&rest);
                RelocateState::Flush(rest, FlushState::new(inode.sb.geometry.folios_touched(&cells)))
            }
            RelocateState::Recall(rest, chunk) => {
                wait_for_layouts(inode).await;
                match chunk {
                    Some(chunk) => RelocateState::Lock(rest, chunk),
                    None => RelocateState::Enter(rest),
                }
            }
            RelocateState::Flush(rest, inner) => match flush::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => RelocateState::Flush(rest, inner),
                ControlFlow::Break(Ok(())) => RelocateState::Query(rest),
                ControlFlow::Break(Err(_)) => {
                    unlock(inode, me);
                    return ControlFlow::Break(Returned::Error);
                }
            },
            RelocateState::Query(rest) => return query(inode, me, rest).await,
            RelocateState::Read(rest, chunk) => {
                let data = read(inode, &chunk).await;
                RelocateState::Write { rest, chunk, data }
            }
            RelocateState::Write { rest, chunk, data } => {
                write(inode, &chunk, data).await;
                match inode.sb.config.fs.relocate() {
                    Relocate::LocksCycled | Relocate::LocksKept => RelocateState::Lock(rest, chunk),
                    Relocate::Absent | Relocate::LocksHeld | Relocate::NoLocks => {
                        RelocateState::Remap(rest, chunk)
                    }
                }
            }
            RelocateState::Lock(rest, chunk) => {
                inode.i_rwsem.down_write(Op::new("down_write i_rwsem"), me).await;
                RelocateState::LockMapping(rest, chunk)
            }
            RelocateState::LockMapping(rest, chunk) => {
                if !lock_mapping(inode, me).await {
                    return ControlFlow::Continue(RelocateState::Recall(rest, Some(chunk)));
                }
                if inode.sb.config.fs.relocate() == Relocate::LocksCycled {
                    unlock(inode, me);
                }
                RelocateState::Remap(rest, chunk)
            }
            RelocateState::Remap(rest, chunk) => remap(inode, me, rest, chunk).await,
        })
    }
}

/// invalidate_lock, the last one of the locks; and then nobody is in the middle of direct I/O. If somebody has a layout, all
/// locks are let go: `false`.
async fn lock_mapping<B: Backend>(inode: &Inode<B>, me: ActorId) -> bool {
    inode.invalidate_lock.down_write(Op::new("down_write invalidate_lock"), me).await;
    if break_layout(inode).await {
        unlock(inode, me);
        return false;
    }
    inode_dio_wait(inode).await;
    true
}

fn unlock<B: Backend>(inode: &Inode<B>, me: ActorId) {
    inode.invalidate_lock.up_write(me);
    inode.i_rwsem.up_write(me);
}

/// The end of the command, with whatever is held to the end.
fn finish<B: Backend>(inode: &Inode<B>, me: ActorId, returned: Returned) -> Stepped<RelocateState> {
    if inode.sb.config.fs.relocate() == Relocate::LocksHeld {
        unlock(inode, me);
    }
    ControlFlow::Break(returned)
}

/// The next extent that is written, and room for it in another place (`xfs_zone_gc_query`, `xfs_zone_gc_start_chunk`).
async fn query<B: Backend>(inode: &Inode<B>, me: ActorId, rest: Range<FileBlock>) -> Stepped<RelocateState> {
    let map = inode.lock_map(Op::new("xfs_zone_gc_query")).await;
    let written = |block: FileBlock| {
        if let Extent::Written(phys) = map.get(block) { Some((block, phys)) } else { None }
    };
    let Some((start, old)) = rest.clone().find_map(written) else {
        drop(map);
        return finish(inode, me, Returned::Success);
    };
    let blocks = start..map.extent_around(start).end.min(rest.end);
    let Ok(new) = inode.sb.allocate_blocks(inode.number, &blocks) else {
        drop(map);
        inode.emit(|| What::Failed(Errno::NoSpace));
        return finish(inode, me, Returned::Error);
    };
    let found = Iomap::of_found(Extent::Written(old), blocks.clone(), &inode.data_sequence());
    inode.emit(|| What::Sampled(Sampler::Relocate, Mapping::of(&inode.sb.geometry, &found)));
    let counter = inode.sb.config.design.relocate_recheck() == RelocateRecheck::Counter;
    let cookie = Some(found.cookie).filter(|_| counter);
    drop(map);
    let rest = blocks.end..rest.end;
    ControlFlow::Continue(RelocateState::Read(rest, Chunk { blocks, old, new, cookie }))
}

/// The device reads the old blocks, whosever they are by now.
async fn read<B: Backend>(inode: &Inode<B>, chunk: &Chunk) -> Vec<Vec<Value>> {
    let sb = &inode.sb;
    sb.backend.choose(Op::new("xfs_zone_gc_start_chunk"), 1).await;
    let cells = |block: FileBlock| 0..sb.geometry.cells_of_block(block).len();
    let data = chunk.blocks.clone().zip(chunk.old..);
    let data = data.map(|(block, phys)| cells(block).map(|at| sb.read_disk(phys, at)).collect()).collect();
    inode.emit(|| What::Data(DataEvent::BlockRead(sb.geometry.bytes_of_blocks(&chunk.blocks))));
    data
}

/// The device writes the copy.
async fn write<B: Backend>(inode: &Inode<B>, chunk: &Chunk, data: Vec<Vec<Value>>) {
    inode.sb.backend.choose(Op::new("xfs_zone_gc_write_chunk"), 1).await;
    for (phys, cells) in chunk.new.iter().zip(data) {
        write_disk(inode, *phys, cells);
    }
    inode.emit(|| {
        let bytes = inode.sb.geometry.bytes_of_blocks(&chunk.blocks);
        What::Data(DataEvent::OnDevice { bytes, zeros: false })
    });
}

/// `xfs_zoned_map_extent`: what the file has at the first block, as far as that is one extent. The copies take its place, or are
/// dropped. The kernel compares the first block of it, and both sides are of one extent there.
async fn remap<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    rest: Range<FileBlock>,
    mut chunk: Chunk,
) -> RelocateState {
    let mut map = inode.lock_map(Op::new("xfs_zoned_map_extent")).await;
    let start = chunk.blocks.start;
    let end = map.extent_around(start).end.min(chunk.blocks.end);
    let moved = start..end;
    if is_current(inode, &map, &chunk) {
        let extent = map.get(start);
        let bytes = vec![inode.sb.geometry.bytes_of_blocks(&moved)];
        let truth = match extent {
            Extent::Written(phys) if phys == chunk.old => Truth::AsItSays,
            Extent::Written(phys) => Truth::At(phys),
            Extent::Hole | Extent::Delalloc | Extent::Unwritten(_) => Truth::Extent(extent),
        };
        inode.emit(|| What::Used(Use { says: Says::Device(chunk.old), at: bytes, truth, skips: None }));
        for (block, phys) in moved.clone().zip(&chunk.new) {
            map.refer_to(&(block..block + 1), *phys, inode.sb.config.fs.bump_with_change());
        }
        inode.sb.backend.reach(branches::RELOCATE);
        chunk.cookie = chunk.cookie.map(|_| inode.data_sequence().cookie_of(chunk.blocks.clone()));
    } else {
        chunk.new[..moved.len()].iter().for_each(|phys| inode.sb.put_block(*phys));
        inode.emit(|| What::Data(DataEvent::CopyUnused(inode.sb.geometry.bytes_of_blocks(&moved))));
        inode.sb.backend.reach(branches::RELOCATE_SKIP);
    }
    map.end();
    chunk.new.drain(..moved.len());
    chunk.old += moved.len() as Phys;
    chunk.blocks.start = end;
    if !chunk.blocks.is_empty() {
        return RelocateState::Remap(rest, chunk);
    }
    inode.emit(|| What::Dropped(Dropped::Done));
    if inode.sb.config.fs.relocate() == Relocate::LocksKept {
        unlock(inode, me);
    }
    RelocateState::Query(rest)
}

/// Whether the copies are taken to be what the file has at the first block.
fn is_current<B: Backend>(inode: &Inode<B>, map: &MapSection<'_, B>, chunk: &Chunk) -> bool {
    match inode.sb.config.design.relocate_recheck() {
        RelocateRecheck::Address => map.get(chunk.blocks.start).phys() == Some(chunk.old),
        RelocateRecheck::Counter => {
            let now = inode.data_sequence().cookie_of(chunk.blocks.clone());
            chunk.cookie.is_none_or(|cookie| !inode.counters.have_moved(cookie, now))
        }
        RelocateRecheck::Nothing => true,
    }
}
