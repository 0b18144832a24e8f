//! Block layouts of pNFS: fs/xfs/xfs_pnfs.c and fs/nfsd/blocklayout.c, 7.3, and the client.
//!
//! A client asks for a layout of a range, which is a mapping. It keeps it as long as it likes, outside of all locks, writes to the
//! blocks on the device by itself, and says later what it has written: then blocks count as written, and the file may have
//! grown. What it has written is acknowledged with that. The mapping stays good because whoever writes to the file or takes blocks away
//! recalls it first, and waits ([`leases`](crate::state::leases)). A write fault does not, and so a store through a mapping on the server may
//! write a page back over what a client has written.
//!
//! Left out: reads by a layout; that each extent of a range is asked for in a call of its own (7.3), or the first alone is handed
//! out (6.1, 6.12); that the layout is put down after i_rwsem was let go, and a recall that comes between the two; that a hole is
//! looked up and filled in two sections of the ILOCK under i_rwsem; that blocks are converted in transactions of their own before
//! the size is; fencing.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Lock, Op, Returned};

use crate::direct_io::device::write_device;
use crate::direct_io::invalidate::{self, InvalidateState, invalidate_folio2};
use crate::fs::xfs::xfs_iomap_write_unwritten;
use crate::path::{Part, Path, Stepped};
use crate::state::aio::{DeviceWrite, Payload};
use crate::state::event::{Dropped, Errno, Mapping, Sampler, What};
use crate::state::inode::Inode;
use crate::state::mapping::Iomap;
use crate::state::slot::Eviction;
use crate::state::world::World;
use crate::words::command::Command;
use crate::words::design::LayoutReflink;
use crate::words::extent::{Extent, Fork, Phys};
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::ordering::Link;
use crate::words::value::WriteId;
use crate::writeback::io::misplaced;

/// What a client has written.
type Writes = Vec<(WriteId, Range<Cell>)>;

/// What a client says that it has written.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Committed {
    writes: Writes,
    /// The end of it, if the file was shorter when i_rwsem was taken.
    new_size: Option<Cell>,
}

/// Where a client's call stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum LayoutState {
    /// LAYOUTGET: before it is looked whether the file may share blocks.
    Get(Range<FileBlock>),
    /// Before i_rwsem.
    Lock(Range<FileBlock>),
    /// Writing back and dropping all of the page cache.
    Invalidate(Range<FileBlock>, InvalidateState),
    /// Before the next extent is mapped, with those that are.
    Map(Range<FileBlock>, Vec<(FileBlock, Phys)>),
    /// The client is about to write to the device.
    Write(WriteId, Range<Cell>),
    /// LAYOUTCOMMIT: before i_rwsem.
    Commit,
    /// Before the next of these folios is dropped.
    Drop(Committed, Vec<FolioIndex>),
    /// Before the extents and the size.
    Convert(Committed),
    /// LAYOUTRETURN.
    Return,
}

impl Path for LayoutState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let blocks = |range| part.inode.sb.geometry.blocks_touched(&part.cells(range));
        Some(match part.first()? {
            Command::Layoutget { range } => LayoutState::Get(blocks(range)),
            Command::Layoutwrite { range, .. } => LayoutState::Write(part.write(), part.cells(range)),
            Command::Layoutcommit => LayoutState::Commit,
            Command::Layoutreturn => LayoutState::Return,
            _ => return None,
        })
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        ControlFlow::Continue(match self {
            LayoutState::Get(blocks) if looks_before_lock(inode) => {
                if inode.lock_map(Op::new("xfs_is_reflink_inode")).await.reflink {
                    inode.emit(|| What::Failed(Errno::Invalid));
                    return ControlFlow::Break(Returned::Error);
                }
                LayoutState::Lock(blocks)
            }
            LayoutState::Get(blocks) | LayoutState::Lock(blocks) => {
                inode.i_rwsem.down_write(Op::new("down_write i_rwsem"), me).await;
                LayoutState::Invalidate(blocks, InvalidateState::new(0..inode.sb.geometry.folios()))
            }
            LayoutState::Invalidate(blocks, inner) => match invalidate::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => LayoutState::Invalidate(blocks, inner),
                ControlFlow::Break(Eviction::Kept) => return refuse(inode, me, Errno::Io),
                ControlFlow::Break(_) => LayoutState::Map(blocks, Vec::new()),
            },
            LayoutState::Map(blocks, mapped) => return xfs_fs_map_blocks(inode, me, blocks, mapped).await,
            LayoutState::Write(id, cells) => return write(inode, me, id, &cells).await,
            LayoutState::Commit => {
                inode.i_rwsem.down_write(Op::new("down_write i_rwsem"), me).await;
                let writes = take_writes(inode, me).await;
                if writes.is_empty() {
                    inode.i_rwsem.up_write(me);
                    return ControlFlow::Break(Returned::Success);
                }
                let folios = writes.iter().flat_map(|(_, cells)| inode.sb.geometry.folios_touched(cells));
                let folios = folios.collect();
                LayoutState::Drop(compared(inode, writes).await, folios)
            }
            LayoutState::Drop(committed, mut folios) => {
                // What is dirty stays; the kernel warns.
                if let Some(index) = folios.pop() {
                    invalidate_folio2(inode, index).await;
                }
                if folios.is_empty() {
                    LayoutState::Convert(committed)
                } else {
                    LayoutState::Drop(committed, folios)
                }
            }
            LayoutState::Convert(committed) => {
                xfs_fs_commit_blocks(inode, me, &committed).await;
                return ControlFlow::Break(Returned::Success);
            }
            LayoutState::Return => {
                give_back(inode, me).await;
                return ControlFlow::Break(Returned::Success);
            }
        })
    }
}

/// Whether LAYOUTGET looks at the flag of files that share blocks before it has a lock. Elsewhere, and where nobody can set it, it is
/// looked at with the extents.
fn looks_before_lock<B: Backend>(inode: &Inode<B>) -> bool {
    inode.reflinks && inode.sb.config.design.layout_reflink() == LayoutReflink::BeforeLock
}

fn refuse<B: Backend>(inode: &Inode<B>, me: ActorId, error: Errno) -> ControlFlow<Returned, LayoutState> {
    inode.i_rwsem.up_write(me);
    inode.emit(|| What::Failed(error));
    ControlFlow::Break(Returned::Error)
}

/// The next extent of the range: a hole gets blocks, which are unwritten and survive a crash. Page faults are not kept out, and may
/// have reserved something since the page cache was written back, of which nothing can be handed out; nor can be what may
/// be shared. With the last extent the client has its layout.
async fn xfs_fs_map_blocks<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    blocks: Range<FileBlock>,
    mut mapped: Vec<(FileBlock, Phys)>,
) -> ControlFlow<Returned, LayoutState> {
    let mut map = inode.lock_map(Op::new("xfs_fs_map_blocks")).await;
    let block = blocks.start + mapped.len() as FileBlock;
    let may_be_shared = map.reflink && !looks_before_lock(inode);
    let unmappable = may_be_shared || map.get(block) == Extent::Delalloc;
    let hole = map.hole_at(block, blocks.end);
    if unmappable {
        drop(map);
        return refuse(inode, me, Errno::Invalid);
    }
    if map.get(block) == Extent::Hole && map.allocate(Fork::Data, &hole).is_err() {
        drop(map);
        return refuse(inode, me, Errno::NoSpace);
    }
    let end = map.extent_around(block).end.min(blocks.end);
    mapped.extend((block..end).filter_map(|block| Some((block, map.get(block).phys()?))));
    let found = Iomap::of_found(map.get(block), block..end, &inode.data_sequence());
    inode.emit(|| What::Sampled(Sampler::Layout, Mapping::of(&inode.sb.geometry, &found)));
    map.end();
    if end < blocks.end {
        return ControlFlow::Continue(LayoutState::Map(blocks, mapped));
    }
    inode.log_force();
    if let Some(layouts) = &inode.layouts {
        layouts.lock(Op::new("nfsd4_insert_layout")).await.hand_out(me, mapped);
    }
    inode.i_rwsem.up_write(me);
    ControlFlow::Break(Returned::Success)
}

/// `bl_write_pagelist` (fs/nfs/blocklayout/blocklayout.c): the device writes where the layout says. Without a layout of all of it
/// nothing is written.
async fn write<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    id: WriteId,
    cells: &Range<Cell>,
) -> ControlFlow<Returned, LayoutState> {
    let geometry = &inode.sb.geometry;
    let blocks = geometry.blocks_touched(cells);
    let Some(layouts) = &inode.layouts else { return no_layout(inode) };
    let mut layouts = layouts.lock(Op::new("bl_write_pagelist")).await;
    let Some(layout) = layouts.known_to(me) else { return no_layout(inode) };
    let place = |block: FileBlock| Some((block, *layout.blocks.get(&block)?));
    let Some(places) = blocks.map(place).collect::<Option<Vec<_>>>() else { return no_layout(inode) };
    layout.written.push((id, cells.clone()));
    drop(layouts);
    let size = inode.i_size_peek();
    inode.oracle.begin_write(geometry, id, cells, size);
    inode.oracle.begin_growth(geometry, id, &(size..cells.start));
    for (block, phys) in places {
        let mut moved = false;
        inode.audit_map(|map| moved = map.get(block).phys() != Some(phys));
        if moved {
            misplaced(inode, block, phys);
        }
        let cells = geometry.cells_of_block(block);
        let data = Payload::Written(id);
        write_device(inode, &DeviceWrite { cells, phys, data, shared: false });
    }
    ControlFlow::Break(Returned::Success)
}

fn no_layout<B: Backend>(inode: &Inode<B>) -> ControlFlow<Returned, LayoutState> {
    inode.emit(|| What::Failed(Errno::Invalid));
    ControlFlow::Break(Returned::Error)
}

/// What the client says that it has written.
async fn take_writes<B: Backend>(inode: &Inode<B>, me: ActorId) -> Writes {
    let Some(layouts) = &inode.layouts else { return Vec::new() };
    let mut layouts = layouts.lock(Op::new("layoutcommit")).await;
    layouts.of(me).map_or_else(Vec::new, |layout| std::mem::take(&mut layout.written))
}

/// `xfs_fs_commit_blocks` reads i_size as soon as it has i_rwsem. A direct write in flight may raise it from then on: nobody waits for one.
async fn compared<B: Backend>(inode: &Inode<B>, writes: Writes) -> Committed {
    let size = if inode.grows_in_flight() {
        inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await as Cell
    } else {
        inode.i_size_peek()
    };
    let end = writes.iter().map(|(_, cells)| cells.end).max();
    Committed { writes, new_size: end.filter(|end| *end > size) }
}

/// What was unwritten is written, and the size becomes what the client says, if that was greater when it was looked at; the log is on
/// disk when the client hears of it.
async fn xfs_fs_commit_blocks<B: Backend>(inode: &Inode<B>, me: ActorId, committed: &Committed) {
    let geometry = &inode.sb.geometry;
    let mut map = inode.lock_map(Op::new("xfs_fs_commit_blocks")).await;
    for (_, cells) in &committed.writes {
        let bump = inode.sb.config.fs.bump_with_change();
        xfs_iomap_write_unwritten(inode, &mut map, &geometry.blocks_touched(cells), bump);
    }
    if let Some(size) = committed.new_size {
        let first = committed.writes.iter().map(|(_, cells)| cells.start).min().unwrap_or(size);
        // A direct write in flight may have changed it meanwhile: this is for the judge alone.
        inode.oracle.gap(geometry, &(inode.i_size_newest().min(first)..first));
        inode.i_size.publish(u64::from(size), inode.order(Link::SizeStore));
        map.log_size(size);
        inode.emit(|| What::Size(geometry.byte_at(size)));
    }
    map.end();
    inode.log_force();
    for (id, cells) in &committed.writes {
        inode.oracle.end_write(geometry, *id, cells, cells.end);
        // The transaction is a synchronous one (`xfs_trans_set_sync`).
        inode.oracle.synced(geometry, me, cells);
    }
    inode.audit_crash();
    inode.i_rwsem.up_write(me);
}

/// Whatever was written and not committed may be there or not.
async fn give_back<B: Backend>(inode: &Inode<B>, me: ActorId) {
    let Some(layouts) = &inode.layouts else { return };
    let returned = inode.sb.config.fs.layout_returned();
    let written = layouts.lock(Op::new("layoutreturn")).await.give_back(me, returned);
    for (id, cells) in written {
        inode.oracle.fail_write(&inode.sb.geometry, id, &cells);
    }
    inode.emit(|| What::Dropped(Dropped::Done));
}
