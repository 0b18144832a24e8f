//! The direct read: `xfs_file_dio_read` (fs/xfs/xfs_file.c) and `iomap_dio_rw`
//! (fs/iomap/direct-io.c), 6.2.
//!
//! Dirty folios of the range are written back first, but nothing is dropped, and nothing keeps a page fault from
//! dirtying a folio again: if that has reserved space, the read meets a delayed allocation and fails.
//!
//! A hole is read as soon as it is mapped: the zeros were right then, and zeros that are filled in later are the
//! same zeros. A design may compare before that (`dio_read_check`). Left out: NOWAIT.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Lock, Op, Returned};

use crate::fs::valid_size::is_behind;
use crate::fs::{self, glock};
use crate::iomap::valid::valid_or_dropped;
use crate::path::{Part, Path, Stepped};
use crate::state::aio::{Aio, DirectRead, Reader};
use crate::state::dio_count::{inode_dio_begin, inode_dio_end};
use crate::state::event::{Checker, DataEvent, Dropped, Errno, Expense, Mapping, Method, Sampler, What};
use crate::state::glock::Mode;
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType};
use crate::state::trace::{self, IomapFlags};
use crate::state::world::World;
use crate::words::branches;
use crate::words::check_design::DioReadCheck;
use crate::words::command::{Command, Io};
use crate::words::extent::Phys;
use crate::words::geometry::{Cell, FileBlock, FolioIndex, within};
use crate::words::value::Value;
use crate::writeback::io::{self, SyncMode};
use crate::writeback::{self, WritebackState};

/// Where a direct read stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum DirectReadState {
    /// Before i_rwsem or the glock.
    Enter(DirectRead),
    /// Writing dirty folios back.
    Flush(DirectRead, WritebackState),
    /// Waiting for writeback of the next folio.
    Wait(DirectRead, FolioIndex),
    /// Before `iomap_begin` for the rest from a cell on.
    Begin(DirectRead, Cell),
    /// Submitted, and waited for.
    Complete(DirectRead),
}

impl DirectReadState {
    /// A direct read, completed by a worker or waited for.
    pub fn new(reader: Reader, request: Range<Cell>) -> Self {
        let end = request.end;
        DirectReadState::Enter(DirectRead {
            reader,
            request,
            end,
            zeros: Vec::new(),
            device: Vec::new(),
            valid: None,
        })
    }
}

impl Path for DirectReadState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Pread { range, chunk, io: Io::Direct | Io::Aio, .. } = part.command() else {
            return None;
        };
        let worker = part.worker();
        let reader = Reader {
            actor: worker.map_or(part.me, |worker| worker.actor),
            worker: worker.map(|worker| worker.number),
        };
        Some(DirectReadState::new(reader, part.call(range, *chunk)?))
    }

    /// One step of a direct read(2), until it returns.
    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        let geometry = &inode.sb.geometry;
        ControlFlow::Continue(match self {
            DirectReadState::Enter(mut read) => {
                lock(inode, me).await;
                inode.oracle.begin_read(geometry, read.reader.actor, &read.request);
                inode.sb.answers.reads(read.reader.actor);
                // Completions may raise it meanwhile; this is the one look that the read takes at it.
                read.end = read.end.min(inode.i_size_peek());
                if read.request.start >= read.end {
                    inode.found_the_end(read.reader.actor, read.request.clone());
                    inode.oracle.end_read(geometry, read.reader.actor, &read.request);
                    unlock(inode, me);
                    return ControlFlow::Break(Returned::Success);
                }
                let folios = geometry.folios_touched(&(read.request.start..read.end));
                DirectReadState::Flush(read, WritebackState::new(SyncMode::Integrity, folios))
            }
            DirectReadState::Flush(read, inner) => match writeback::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => DirectReadState::Flush(read, inner),
                ControlFlow::Break(()) => {
                    let first = geometry.folio_of(read.request.start);
                    DirectReadState::Wait(read, first)
                }
            },
            DirectReadState::Wait(read, index) => {
                io::wait(inode, index).await;
                if index + 1 < geometry.folios_touched(&(read.request.start..read.end)).end {
                    DirectReadState::Wait(read, index + 1)
                } else {
                    inode_dio_begin(inode);
                    let pos = read.request.start;
                    DirectReadState::Begin(read, pos)
                }
            }
            DirectReadState::Begin(read, pos) => return begin(inode, me, read, pos).await,
            DirectReadState::Complete(read) => {
                let read = match complete(inode, read).await {
                    ControlFlow::Continue(read) => read,
                    ControlFlow::Break(returned) => {
                        unlock(inode, me);
                        return ControlFlow::Break(returned);
                    }
                };
                DirectReadState::Complete(read)
            }
        })
    }
}

/// i_rwsem, shared; on gfs2 the glock, deferred, and nothing else (`gfs2_file_direct_read`, fs/gfs2/file.c).
async fn lock<B: Backend>(inode: &Inode<B>, me: ActorId) {
    if inode.glock.is_some() {
        glock::acquire(inode, me, Mode::Deferred).await;
    } else {
        inode.i_rwsem.down_read(Op::new("down_read i_rwsem"), me).await;
    }
}

fn unlock<B: Backend>(inode: &Inode<B>, me: ActorId) {
    if inode.glock.is_some() {
        glock::release(inode, me);
    } else {
        inode.i_rwsem.up_read(me);
    }
}

/// `iomap_begin` and `iomap_dio_iter` for one extent.
async fn begin<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut read: DirectRead,
    pos: Cell,
) -> Stepped<DirectReadState> {
    let geometry = &inode.sb.geometry;
    let wanted = geometry.blocks_touched(&(pos..read.end));
    let map = inode.lock_map(Op::new(inode.sb.config.fs.names().read_begin)).await;
    let iomap = fs::read_begin(inode, &map, wanted.start);
    drop(map);
    inode.emit(|| {
        let behind_valid = is_behind(inode, &iomap);
        What::Sampled(Sampler::DirectRead, Mapping { behind_valid, ..Mapping::of(geometry, &iomap) })
    });
    trace::mapped(inode, IomapFlags::DirectRead, &(pos..read.end), &iomap);
    let blocks = wanted.start..iomap.end.min(wanted.end);
    if !may_zero(inode, &iomap, blocks.start).await {
        return ControlFlow::Continue(DirectReadState::Begin(read, pos));
    }
    match (iomap.kind, iomap.addr_of(blocks.start)) {
        (IomapType::Delalloc, _) => {
            inode.sb.backend.reach(branches::DIO_EIO);
            inode.emit(|| What::Dropped(Dropped::Failed(Errno::Io)));
            inode.sb.answers.call_fails(read.reader.actor, Errno::Io);
            inode.judge_collision("EIO", &blocks);
            inode_dio_end(inode);
            inode.oracle.end_read(geometry, read.reader.actor, &read.request);
            unlock(inode, me);
            return ControlFlow::Break(Returned::Error);
        }
        // iomap_dio_inline_iter: copied at once.
        (IomapType::Inline, _) => {
            let data = inode.stuffed_data().unwrap_or_default();
            judge(inode, &read, 0, |at| data.get(at).copied().unwrap_or(Value::METADATA));
        }
        (IomapType::Mapped, Some(phys)) => {
            read.valid = iomap.valid.or(read.valid);
            read.device.push((blocks.clone(), phys));
        }
        (IomapType::Mapped | IomapType::Hole | IomapType::Unwritten, _) => read.zeros.extend(blocks.clone()),
    }
    inode.emit(|| What::Dropped(Dropped::Done));
    if blocks.end < wanted.end {
        let next = geometry.cells_of_block(blocks.end).start;
        return ControlFlow::Continue(DirectReadState::Begin(read, next));
    }
    for block in std::mem::take(&mut read.zeros) {
        judge(inode, &read, block, |_| Value::ZERO);
    }
    match (read.device.is_empty(), read.reader.worker) {
        (true, None) => {
            returned(inode, &read);
            unlock(inode, me);
            ControlFlow::Break(Returned::Success)
        }
        (false, None) => ControlFlow::Continue(DirectReadState::Complete(read)),
        (_, Some(worker)) => {
            inode.sb.aio[usize::from(worker)].release(|queue| queue.add(Aio::Read(inode.number, read)));
            unlock(inode, me);
            ControlFlow::Break(Returned::Success)
        }
    }
}

/// Whether the read goes on with a mapping: it gives no zeros, it is valid, or nobody asks.
async fn may_zero<B: Backend>(inode: &Inode<B>, iomap: &Iomap, block: FileBlock) -> bool {
    let zeros = matches!(iomap.kind, IomapType::Hole | IomapType::Unwritten);
    if !zeros || fs::dio_read_check(&inode.sb.config) == DioReadCheck::Never {
        return true;
    }
    inode.account(Expense::Called(Method::IomapValidForDirect));
    valid_or_dropped(inode, iomap, block, Checker::DirectRead).await
}

/// The device reads one extent; with the last one the read is complete.
pub async fn complete<B: Backend>(
    inode: &Inode<B>,
    mut read: DirectRead,
) -> ControlFlow<Returned, DirectRead> {
    if !read.device.is_empty() {
        let alternatives = read.device.len() as u32;
        let which = inode.sb.backend.choose(Op::new("device_read"), alternatives).await;
        let (blocks, first) = read.device.remove(which as usize);
        for block in blocks.clone() {
            let phys = first + (block - blocks.start);
            if other_checksum(inode, &read, block, phys) {
                inode.emit(|| What::Failed(Errno::Io));
                inode.sb.answers.call_fails(read.reader.actor, Errno::Io);
                inode.judge_checksum(block);
                returned(inode, &read);
                return ControlFlow::Break(Returned::Error);
            }
            let cells = inode.sb.geometry.cells_of_block(block);
            let beyond = |at: usize| read.valid.is_some_and(|valid| cells.start + at as Cell >= valid);
            let value = |at| if beyond(at) { Value::ZERO } else { inode.sb.read_disk(phys, at) };
            judge(inode, &read, block, value);
        }
    }
    if !read.device.is_empty() {
        return ControlFlow::Continue(read);
    }
    inode.found_the_end(read.reader.actor, read.end..read.request.end);
    returned(inode, &read);
    ControlFlow::Break(Returned::Success)
}

/// Whether the device has something of a block with a checksum of something else.
fn other_checksum<B: Backend>(inode: &Inode<B>, read: &DirectRead, block: FileBlock, phys: Phys) -> bool {
    let of_block = inode.sb.geometry.cells_of_block(block);
    let cells = within(&of_block, &(read.request.start..read.end));
    inode.sb.config.fs.data_checksum()
        && cells.into_iter().any(|at| inode.sb.read_disk(phys, at).has_other_checksum())
}

/// Judges what is returned of a block.
fn judge<B: Backend>(inode: &Inode<B>, read: &DirectRead, block: FileBlock, value: impl Fn(usize) -> Value) {
    let geometry = &inode.sb.geometry;
    let of_block = geometry.cells_of_block(block);
    let cells = of_block.start.max(read.request.start)..of_block.end.min(read.end);
    let values: Vec<Value> = cells.clone().map(|cell| value(usize::from(cell - of_block.start))).collect();
    inode.oracle.copied_out(geometry, read.reader.actor, &cells, &values);
    inode.sb.answers.read(read.reader.actor, cells.clone(), &values);
    inode.emit(|| What::Data(DataEvent::Read(inode.given(&cells, &values))));
}

/// The read is over, and not counted any more.
fn returned<B: Backend>(inode: &Inode<B>, read: &DirectRead) {
    inode_dio_end(inode);
    inode.oracle.end_read(&inode.sb.geometry, read.reader.actor, &read.request);
}
