//! The direct write: `xfs_file_dio_write` (fs/xfs/xfs_file.c) and `iomap_dio_rw`
//! (fs/iomap/direct-io.c), 6.2, up to the submission of its I/O. What follows is in
//! [`complete`].
//!
//! A direct write never takes a folio lock while it uses a mapping, so there is nothing under which a mapping
//! could be checked. What keeps its mappings good is i_rwsem, as long as it is held, and that others who change
//! extents wait for i_dio_count; against page faults, nothing does. A design may compare all the same, before the write pads
//! (`dio_write_check`): nothing keeps the answer true until the zeros are on the device.
//!
//! ext4 holds i_rwsem exclusively for a write that makes the file longer, and waits for it: nothing grows in flight.
//! gfs2 and zonefs hold i_rwsem exclusively; gfs2 has its glock besides, and allocates nothing (fs/gfs2/file.c).
//!
//! Shared blocks are not overwritten: the data goes to copies in the COW fork, which the completion puts in their
//! place. A part of a block cannot be copied that way, and is written through the page cache. While blocks of the file
//! are being shared (IREMAPPING), i_rwsem is taken exclusively, that is, the end of it is waited for (6.7).
//!
//! Left out: O_DSYNC as the open flag (`pwrite -w` is what it does), I/O that reaches the device while further extents are still being mapped, that a look-up under
//! the ILOCK which must not wait may find that held.

pub mod complete;
pub mod device;
pub mod invalidate;
pub mod read;

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Lock, Op};

use crate::direct_io::complete::Completion;
use crate::direct_io::invalidate::InvalidateState;
use crate::fs::eof::{Grower, eof_tail};
use crate::fs::xfs_dio::{Overwrite, Refusal};
use crate::fs::{self, glock};
use crate::iomap::valid::valid_or_dropped;
use crate::iomap::write_state::{Write, WriteState};
use crate::iomap::zero::{zero_range, zero_range_unlocked};
use crate::iomap::{self, Written};
use crate::path::{Part, Path, Stepped};
use crate::state::aio::{Aio, Completer, DeviceWrite, Dio, Payload, Submission};
use crate::state::dio_count::{inode_dio_begin, inode_dio_end, inode_dio_wait};
use crate::state::event::{
    Checker, DataEvent, Dropped, Errno, Expense, Fallback, Mapping, Method, Sampler, What,
};
use crate::state::glock::Mode;
use crate::state::i_state::InodeDirty;
use crate::state::inode::Inode;
use crate::state::leases::{break_layout, wait_for_layouts};
use crate::state::mapping::{Iomap, IomapType};
use crate::state::slot::Eviction;
use crate::state::sync::IoLock;
use crate::state::trace::{self, IomapFlags};
use crate::state::world::World;
use crate::words::asked::Asked;
use crate::words::branches;
use crate::words::check_design::DioWriteCheck;
use crate::words::command::{Command, Io};
use crate::words::design::{Design, ZeroLock};
use crate::words::dio_design::{DioBusy, DioCached, DioDrain, DioStable, DioUnaligned};
use crate::words::geometry::{Cell, FolioIndex};
use crate::words::ordering::Link;
use crate::words::personality::{CloneLock, DioLock};
use crate::words::value::WriteId;

/// What a write holds that goes back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    /// Nothing.
    Nothing,
    /// i_rwsem, as [`Dio::lock`] says.
    IoLock,
}

/// Where a direct write stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum DioState {
    /// Before it is decided how i_rwsem is taken.
    Start(Dio),
    /// Before i_rwsem.
    Lock(Dio),
    /// Waiting for clients to give their layouts back, without a lock.
    Recall(Dio),
    /// Before the glock.
    Glock(Dio),
    /// Before waiting for direct I/O in flight.
    Drain(Dio),
    /// Zeroing the tail of the old last block.
    Zero(Dio, Box<WriteState>),
    /// Before the lock under which it zeroes these, if any.
    ZeroLock(Dio, Range<Cell>),
    /// Before the next folio is looked for: a write that must not wait gives up if there is any.
    Cached(Dio, FolioIndex),
    /// Getting the page cache out of the way.
    Invalidate(Dio, InvalidateState),
    /// Before `iomap_begin` for the rest from a cell on.
    Begin(Dio, Cell),
    /// Submitted, and waited for.
    Complete(Completion),
    /// Done through the page cache instead.
    Fallback(WriteState),
}

impl Path for DioState {
    type Ended = Written;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Pwrite { range, chunk, io: io @ (Io::Direct | Io::Aio), nowait, dontcache, .. } =
            part.command()
        else {
            return None;
        };
        let worker = part.worker().map(|worker| worker.number);
        let completer = match worker {
            Some(worker) if *io == Io::Aio => Completer::Worker(worker),
            Some(worker) => Completer::WorkerAfterData(worker),
            None => Completer::Submitter,
        };
        let dio = Dio::new(part.write(), part.call(range, *chunk)?, completer);
        Some(DioState::Start(Dio { nowait: *nowait, dontcache: *dontcache, ..dio }))
    }

    /// One step of a direct write(2), until it returns.
    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        ControlFlow::Continue(match self {
            DioState::Start(dio) => return start(inode, me, dio).await,
            DioState::Lock(dio) => return lock(inode, me, dio).await,
            DioState::Recall(dio) => {
                wait_for_layouts(inode).await;
                DioState::Lock(dio)
            }
            DioState::Glock(dio) => {
                glock::acquire(inode, me, Mode::Deferred).await;
                return ControlFlow::Continue(gfs2_file_direct_write(inode, me, dio));
            }
            DioState::Drain(dio) => {
                inode_dio_wait(inode).await;
                return zero_gap(inode, me, dio);
            }
            DioState::ZeroLock(mut dio, tail) => {
                let locks = inode.sb.config.design.zero_lock() == ZeroLock::InvalidateLock;
                if inode.sb.config.design.zero_raises_size() {
                    dio.size_before = Some(inode.i_size_peek());
                    // That a crash may leave the zeros and no data is not judged.
                    inode.oracle.gap(&inode.sb.geometry, &tail);
                }
                if locks {
                    inode.invalidate_lock.down_write(Op::new("down_write invalidate_lock"), me).await;
                }
                DioState::Zero(
                    dio,
                    Box::new(if locks { zero_range(inode, tail) } else { zero_range_unlocked(inode, tail) }),
                )
            }
            DioState::Zero(dio, inner) => match iomap::step(inode, me, *inner).await {
                ControlFlow::Continue(inner) => DioState::Zero(dio, Box::new(inner)),
                ControlFlow::Break(Written { full }) => {
                    if inode.sb.config.design.zero_lock() == ZeroLock::InvalidateLock {
                        inode.invalidate_lock.up_write(me);
                    }
                    return if full {
                        checked(inode, me, dio)
                    } else {
                        nothing_written(inode, me, &dio, Held::IoLock)
                    };
                }
            },
            DioState::Cached(dio, index) => return filemap_range_has_page(inode, me, dio, index).await,
            DioState::Invalidate(dio, inner) => match invalidate::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => DioState::Invalidate(dio, inner),
                ControlFlow::Break(outcome) => return invalidated(inode, me, dio, outcome),
            },
            DioState::Begin(dio, pos) => return begin(inode, me, dio, pos).await,
            DioState::Complete(inner) => match complete::step(inode, inner).await {
                ControlFlow::Continue(inner) => DioState::Complete(inner),
                ControlFlow::Break(dio) => {
                    unlock(inode, me, dio.lock);
                    return ControlFlow::Break(Written { full: !dio.failed });
                }
            },
            DioState::Fallback(inner) => DioState::Fallback(iomap::step(inode, me, inner).await?),
        })
    }
}

/// Whether a range of cells is one of whole blocks.
fn is_aligned<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> bool {
    inode.sb.geometry.cells_of_blocks(&inode.sb.geometry.blocks_touched(cells)) == *cells
}

/// `xfs_file_dio_write_aligned` or `xfs_file_dio_write_unaligned`. The size is read before i_rwsem is held: a
/// write that may extend the file is not even tried shared.
async fn start<B: Backend>(inode: &Inode<B>, me: ActorId, mut dio: Dio) -> Stepped<DioState> {
    if inode.sb.config.design.dio_cached() == DioCached::BeforeLock {
        let mut uncached = true;
        for index in inode.sb.geometry.folios_touched(&dio.request) {
            uncached &= inode.page(index).lock(Op::on("nrpages", u32::from(index))).await.current().is_none();
        }
        dio.uncached = uncached;
    }
    if inode.sb.config.fs.dio_lock() == DioLock::Exclusive {
        return ControlFlow::Continue(DioState::Lock(Dio { lock: IoLock::Exclusive, ..dio }));
    }
    if is_aligned(inode, &dio.request) {
        return ControlFlow::Continue(DioState::Lock(dio));
    }
    match inode.sb.config.design.dio_unaligned() {
        DioUnaligned::Shared => return ControlFlow::Continue(DioState::Lock(dio)),
        DioUnaligned::Exclusive => return alone(inode, me, dio, Held::Nothing),
        DioUnaligned::OverwriteOnly => {}
    }
    let size = if inode.size_changes {
        inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await as Cell
    } else {
        inode.i_size_peek()
    };
    let overwrites = match inode.sb.config.fs.dio_lock() {
        DioLock::ExtendingExclusive => dio.request.end <= size,
        DioLock::Shared | DioLock::Exclusive => dio.request.end < size,
    };
    if !overwrites {
        return alone(inode, me, dio, Held::Nothing);
    }
    dio.submission = Submission::OverwriteOnly;
    ControlFlow::Continue(DioState::Lock(dio))
}

/// Before i_rwsem is taken exclusively, to do the write alone; one that must not wait is not done that way.
fn alone<B: Backend>(inode: &Inode<B>, me: ActorId, dio: Dio, held: Held) -> Stepped<DioState> {
    if dio.nowait {
        return would_block(inode, me, &dio, held);
    }
    release(inode, me, &dio, held);
    ControlFlow::Continue(DioState::Lock(Dio {
        submission: Submission::Alone,
        lock: IoLock::Exclusive,
        ..dio
    }))
}

/// -EAGAIN is returned: nothing was written.
fn would_block<B: Backend>(inode: &Inode<B>, me: ActorId, dio: &Dio, held: Held) -> Stepped<DioState> {
    inode.sb.backend.reach(branches::NOWAIT_EAGAIN);
    inode.emit(|| What::Failed(Errno::Again));
    nothing_written(inode, me, dio, held)
}

fn nothing_written<B: Backend>(inode: &Inode<B>, me: ActorId, dio: &Dio, held: Held) -> Stepped<DioState> {
    if dio.begun {
        inode.oracle.end_write(&inode.sb.geometry, dio.id, &dio.request, dio.request.start);
    }
    inode.judge_size_left(dio.size_before);
    release(inode, me, dio, held);
    ControlFlow::Break(Written { full: false })
}

fn release<B: Backend>(inode: &Inode<B>, me: ActorId, dio: &Dio, held: Held) {
    if held == Held::IoLock {
        unlock(inode, me, dio.lock);
    }
}

fn drains_before(design: &Asked<Design>) -> bool {
    matches!(design.dio_drain(), DioDrain::BeforeAndAfter | DioDrain::Before)
}

fn waits_after(design: &Asked<Design>) -> bool {
    matches!(design.dio_drain(), DioDrain::BeforeAndAfter | DioDrain::After)
}

/// `xfs_ilock_iocb_for_write`, and what comes before the size is looked at: i_rwsem, exclusively while the file's blocks are being
/// shared with another.
async fn lock<B: Backend>(inode: &Inode<B>, me: ActorId, mut dio: Dio) -> Stepped<DioState> {
    match dio.lock {
        IoLock::Shared if dio.nowait => {
            if !inode.i_rwsem.down_read_trylock(Op::new("down_read_trylock i_rwsem"), me).await {
                return would_block(inode, me, &dio, Held::Nothing);
            }
        }
        IoLock::Shared => inode.i_rwsem.down_read(Op::new("down_read i_rwsem"), me).await,
        IoLock::Exclusive if dio.nowait => {
            if !inode.i_rwsem.down_write_trylock(Op::new("down_write_trylock i_rwsem"), me).await {
                return would_block(inode, me, &dio, Held::Nothing);
            }
        }
        IoLock::Exclusive => inode.i_rwsem.down_write(Op::new("down_write i_rwsem"), me).await,
    }
    let guarded = || inode.sb.config.fs.clone_lock() != CloneLock::DemotedUnguarded;
    if dio.lock == IoLock::Shared && inode.reflinks && guarded() && inode.remapping.peek() != 0 {
        inode.sb.backend.reach(branches::DIO_REMAPPING);
        inode.i_rwsem.up_read(me);
        return ControlFlow::Continue(DioState::Lock(Dio { lock: IoLock::Exclusive, ..dio }));
    }
    if break_layout(inode).await {
        if dio.nowait {
            return would_block(inode, me, &dio, Held::IoLock);
        }
        unlock(inode, me, dio.lock);
        return ControlFlow::Continue(DioState::Recall(Dio { lock: IoLock::Exclusive, ..dio }));
    }
    if inode.sb.config.fs.data_checksum() && inode.sb.config.design.dio_stable() == DioStable::Buffered {
        return not_direct(inode, me, dio);
    }
    if !dio.begun {
        inode.begin_write(dio.id, &dio.request);
        dio.begun = true;
    }
    if inode.glock.is_some() {
        file_update_time(inode);
        return ControlFlow::Continue(DioState::Glock(dio));
    }
    if inode.sb.config.fs.dio_lock() == DioLock::Exclusive {
        let gap = inode.i_size_peek()..dio.request.start;
        inode.oracle.begin_growth(&inode.sb.geometry, dio.id, &gap);
        return ControlFlow::Continue(flush(inode, dio));
    }
    if inode.reflinks && !is_aligned(inode, &dio.request) {
        // xfs_is_cow_inode
        let shares = inode.lock_map(Op::new("xfs_is_cow_inode")).await.reflink;
        if shares {
            return ControlFlow::Continue(fall_back(inode, me, dio));
        }
    }
    write_checks(inode, me, dio).await
}

/// `xfs_file_write_checks`, `ext4_dio_write_checks`: i_rwsem exclusively for a write that begins beyond end of file, and on ext4 for
/// one that ends there. The size is looked at as soon as it is held; completions may still raise it.
async fn write_checks<B: Backend>(inode: &Inode<B>, me: ActorId, mut dio: Dio) -> Stepped<DioState> {
    let extends = extends(inode, &dio).await;
    let beyond = dio.request.start > inode.i_size_peek();
    dio.submission = match dio.submission {
        Submission::Plain | Submission::Extending if extends => Submission::Extending,
        Submission::Plain | Submission::Extending => Submission::Plain,
        Submission::OverwriteOnly if extends => Submission::Alone,
        other @ (Submission::OverwriteOnly | Submission::Alone) => other,
    };
    match dio.lock {
        _ if (beyond || extends) && dio.nowait => would_block(inode, me, &dio, Held::IoLock),
        IoLock::Shared if beyond || extends => {
            inode.i_rwsem.up_read(me);
            let dio = not_begun(inode, dio);
            ControlFlow::Continue(DioState::Lock(Dio { lock: IoLock::Exclusive, ..dio }))
        }
        IoLock::Shared => checked(inode, me, dio),
        IoLock::Exclusive if drains(inode, &dio) => ControlFlow::Continue(DioState::Drain(dio)),
        IoLock::Exclusive => zero_gap(inode, me, dio),
    }
}

/// Whether a write that has i_rwsem exclusively waits for direct I/O in flight: one that is alone, and one beyond end of file. One
/// that ext4 holds i_rwsem for since it makes the file longer does not: none that is in flight does so.
fn drains<B: Backend>(inode: &Inode<B>, dio: &Dio) -> bool {
    let beyond = dio.request.start > inode.i_size_peek();
    let design = &inode.sb.config.design;
    match dio.submission {
        Submission::Extending => false,
        Submission::Alone if drains_before(design) => true,
        Submission::Plain | Submission::OverwriteOnly | Submission::Alone => beyond && design.dio_eof_drain(),
    }
}

/// `ext4_extending_io`: whether a write makes the file longer, in memory or on disk.
async fn extends<B: Backend>(inode: &Inode<B>, dio: &Dio) -> bool {
    if inode.sb.config.fs.dio_lock() != DioLock::ExtendingExclusive {
        return false;
    }
    let end = dio.request.end;
    end > inode.i_size_peek() || end > inode.lock_map(Op::new("ext4_extending_io")).await.disk_size
}

/// `file_update_time` in `gfs2_file_write_iter`, of releases that call it for a direct write, too.
fn file_update_time<B: Backend>(inode: &Inode<B>) {
    if inode.sb.config.fs.dio_times() {
        inode.mark_dirty(InodeDirty::Times);
    }
}

/// Zeros from the end of file to where a write beyond it begins, with i_rwsem held exclusively.
fn zero_gap<B: Backend>(inode: &Inode<B>, me: ActorId, dio: Dio) -> Stepped<DioState> {
    let size = inode.i_size_peek();
    inode.oracle.begin_growth(&inode.sb.geometry, dio.id, &(size..dio.request.start));
    match eof_tail(inode, size, dio.request.start, Grower::Direct) {
        Some(tail) => ControlFlow::Continue(DioState::ZeroLock(dio, tail)),
        None => checked(inode, me, dio),
    }
}

/// The checks are done: `iomap_dio_rw` begins.
fn checked<B: Backend>(inode: &Inode<B>, me: ActorId, mut dio: Dio) -> Stepped<DioState> {
    let kept =
        dio.submission == Submission::Alone || inode.sb.config.fs.dio_lock() == DioLock::ExtendingExclusive;
    if !kept && dio.lock == IoLock::Exclusive {
        inode.i_rwsem.downgrade_write(me);
        dio.lock = IoLock::Shared;
    }
    if dio.submission == Submission::OverwriteOnly && dio.request.end > inode.i_size_peek() {
        return again(inode, me, dio);
    }
    if dio.uncached {
        inode_dio_begin(inode);
        let pos = dio.request.start;
        return ControlFlow::Continue(DioState::Begin(dio, pos));
    }
    ControlFlow::Continue(flush(inode, dio))
}

/// `iomap_dio_rw`, to begin with: the page cache of the range is written back and dropped.
fn flush<B: Backend>(inode: &Inode<B>, dio: Dio) -> DioState {
    let folios = inode.sb.geometry.folios_touched(&dio.request);
    if dio.nowait {
        DioState::Cached(dio, folios.start)
    } else {
        DioState::Invalidate(dio, InvalidateState::new(folios))
    }
}

/// `filemap_range_has_page` for one folio.
async fn filemap_range_has_page<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    dio: Dio,
    index: FolioIndex,
) -> Stepped<DioState> {
    let slot = inode.page(index).lock(Op::on("filemap_range_has_page", u32::from(index))).await;
    let cached = slot.current().is_some();
    drop(slot);
    if cached {
        return would_block(inode, me, &dio, Held::IoLock);
    }
    let folios = inode.sb.geometry.folios_touched(&dio.request);
    ControlFlow::Continue(if index + 1 < folios.end {
        DioState::Cached(dio, index + 1)
    } else {
        DioState::Invalidate(dio, InvalidateState::new(folios))
    })
}

/// `gfs2_file_direct_write` (fs/gfs2/file.c, 6.2), with i_rwsem held exclusively and the glock deferred: what goes
/// beyond end of file is done as a buffered write.
fn gfs2_file_direct_write<B: Backend>(inode: &Inode<B>, me: ActorId, dio: Dio) -> DioState {
    if dio.request.end > inode.i_size_peek() { fall_back(inode, me, dio) } else { flush(inode, dio) }
}

/// -ENOTBLK: nothing was written, and the buffered write begins on its own. gfs2 keeps i_rwsem in between; without it
/// others may only come earlier.
fn fall_back<B: Backend>(inode: &Inode<B>, me: ActorId, dio: Dio) -> DioState {
    inode.oracle.end_write(&inode.sb.geometry, dio.id, &dio.request, dio.request.start);
    unlock(inode, me, dio.lock);
    buffered_instead(inode, dio, Fallback::NotBlock)
}

/// `btrfs_direct_write` (fs/btrfs/direct-io.c, 6.12.118), of a file with checksums: a write that must not wait is not done through
/// the page cache.
fn not_direct<B: Backend>(inode: &Inode<B>, me: ActorId, dio: Dio) -> Stepped<DioState> {
    if dio.nowait {
        return would_block(inode, me, &dio, Held::IoLock);
    }
    unlock(inode, me, dio.lock);
    ControlFlow::Continue(buffered_instead(inode, dio, Fallback::Checksums))
}

/// The buffered write in the place of one that has nothing and holds nothing.
fn buffered_instead<B: Backend>(inode: &Inode<B>, dio: Dio, why: Fallback) -> DioState {
    inode.sb.backend.reach(branches::DIO_FALLBACK);
    inode.emit(|| What::BufferedInstead(why));
    let mut write = Write::to(inode, dio.id, dio.request);
    (write.nowait, write.dontcache) = (dio.nowait, dio.dontcache);
    DioState::Fallback(WriteState::Enter(write))
}

/// Nothing has been done, and the locks are dropped: as if the write had not begun.
fn not_begun<B: Backend>(inode: &Inode<B>, mut dio: Dio) -> Dio {
    if std::mem::take(&mut dio.begun) {
        inode.oracle.end_write(&inode.sb.geometry, dio.id, &dio.request, dio.request.start);
    }
    dio
}

/// -EAGAIN: once more, alone.
fn again<B: Backend>(inode: &Inode<B>, me: ActorId, dio: Dio) -> Stepped<DioState> {
    inode.sb.backend.reach(branches::DIO_EAGAIN);
    inode.emit(|| What::Failed(Errno::Again));
    alone(inode, me, not_begun(inode, dio), Held::IoLock)
}

fn unlock<B: Backend>(inode: &Inode<B>, me: ActorId, lock: IoLock) {
    glock::release(inode, me);
    match lock {
        IoLock::Shared => inode.i_rwsem.up_read(me),
        IoLock::Exclusive => inode.i_rwsem.up_write(me),
    }
}

/// The page cache is out of the way, or a folio was dirty again: then it is a buffered write, or fails.
fn invalidated<B: Backend>(inode: &Inode<B>, me: ActorId, dio: Dio, outcome: Eviction) -> Stepped<DioState> {
    let busy = outcome != Eviction::Evicted;
    let design = inode.sb.config.design.dio_busy();
    if busy && design == DioBusy::Fallback || inode.sb.config.fs.is_out_of_place() {
        return ControlFlow::Continue(fall_back(inode, me, dio));
    }
    if busy && design == DioBusy::Refuse {
        inode.emit(|| What::Failed(Errno::Busy));
        inode.judge_collision("EBUSY", &inode.sb.geometry.blocks_touched(&dio.request));
        return nothing_written(inode, me, &dio, Held::IoLock);
    }
    inode_dio_begin(inode);
    let pos = dio.request.start;
    ControlFlow::Continue(DioState::Begin(dio, pos))
}

/// `iomap_begin` and `iomap_dio_bio_iter` for one extent.
async fn begin<B: Backend>(inode: &Inode<B>, me: ActorId, mut dio: Dio, pos: Cell) -> Stepped<DioState> {
    let geometry = &inode.sb.geometry;
    let blocks = geometry.blocks_touched(&(pos..dio.request.end));
    let overwrite = match dio.submission {
        Submission::OverwriteOnly => Overwrite::Only,
        Submission::Plain | Submission::Alone | Submission::Extending if dio.nowait => Overwrite::OrConvert,
        Submission::Plain | Submission::Alone | Submission::Extending => Overwrite::OrAllocate,
    };
    match fs::direct_write_begin(inode, &blocks, overwrite).await {
        Err(Refusal::Again) => {
            inode_dio_end(inode);
            if overwrite == Overwrite::OrConvert {
                return would_block(inode, me, &dio, Held::IoLock);
            }
            again(inode, me, dio)
        }
        Err(Refusal::Buffered) => {
            inode_dio_end(inode);
            ControlFlow::Continue(fall_back(inode, me, dio))
        }
        Err(Refusal::NoSpace) => {
            inode.emit(|| What::Failed(Errno::NoSpace));
            inode.judge_no_space(&blocks);
            dio.failed = true;
            submit(inode, me, dio)
        }
        Ok(iomap) => {
            inode.emit(|| What::Sampled(Sampler::DirectWrite, Mapping::of(&inode.sb.geometry, &iomap)));
            trace::mapped(inode, IomapFlags::Direct, &(pos..dio.request.end), &iomap);
            let end = dio.request.end.min(geometry.cells_of_blocks(&(iomap.start..iomap.end)).end);
            if !may_pad(inode, &iomap, &(pos..end)).await {
                return ControlFlow::Continue(DioState::Begin(dio, pos));
            }
            add(inode, &mut dio, &iomap, pos..end);
            inode.emit(|| What::Dropped(Dropped::Done));
            if end < dio.request.end {
                return ControlFlow::Continue(DioState::Begin(dio, end));
            }
            submit(inode, me, dio)
        }
    }
}

/// The I/O for the part of the write that one mapping covers: the data and, in blocks that are new or unwritten,
/// zeros for the rest of the first and the last one; behind end of file in the last one in any case.
fn add<B: Backend>(inode: &Inode<B>, dio: &mut Dio, iomap: &Iomap, cells: Range<Cell>) {
    let geometry = &inode.sb.geometry;
    dio.unwritten |= iomap.kind == IomapType::Unwritten;
    dio.cow |= iomap.shared;
    let [head, tail] = padding(inode, iomap, &cells);
    if !head.is_empty() || !tail.is_empty() {
        inode.sb.backend.reach(branches::DIO_PAD);
    }
    let shared = iomap.shared;
    let zeros = |cells| (cells, Payload::Zeros);
    let parts = std::iter::once(zeros(head)).chain(payload(inode, dio.id, cells)).chain([zeros(tail)]);
    let place = |(cells, data): (Range<Cell>, Payload)| {
        let phys = iomap.addr_of(geometry.blocks_touched(&cells).next()?)?;
        Some(DeviceWrite { cells, phys, data, shared })
    };
    dio.device.extend(parts.filter_map(place));
}

/// The cells around a part of a write that are zeroed with it, before and behind.
fn padding<B: Backend>(inode: &Inode<B>, iomap: &Iomap, cells: &Range<Cell>) -> [Range<Cell>; 2] {
    let geometry = &inode.sb.geometry;
    let blocks = geometry.cells_of_blocks(&geometry.blocks_touched(cells));
    let fresh = iomap.kind == IomapType::Unwritten || iomap.new;
    let head = if fresh { blocks.start..cells.start } else { cells.start..cells.start };
    // A completion may raise the size meanwhile, but not while an unaligned write is alone.
    let tail =
        if fresh || cells.end >= inode.i_size_peek() { cells.end..blocks.end } else { cells.end..cells.end };
    [head, tail]
}

/// Whether the write goes on with a mapping: there is nothing to pad, it is valid, or nobody asks.
async fn may_pad<B: Backend>(inode: &Inode<B>, iomap: &Iomap, cells: &Range<Cell>) -> bool {
    let padded = padding(inode, iomap, cells).into_iter().find(|part| !part.is_empty());
    let Some(part) = padded.filter(|_| fs::dio_write_check(&inode.sb.config) != DioWriteCheck::Never) else {
        return true;
    };
    inode.account(Expense::Called(Method::IomapValidForDirect));
    let block = inode.sb.geometry.block_of(part.start);
    valid_or_dropped(inode, iomap, block, Checker::DirectWrite).await
}

/// What the device is given for cells of a write. Where others may store into the user's buffer, the device reads one block after
/// the other, unless the data were copied before.
fn payload<B: Backend>(inode: &Inode<B>, id: WriteId, cells: Range<Cell>) -> Vec<(Range<Cell>, Payload)> {
    let buffers = &inode.sb.user_buffers;
    if !buffers.are_shared(id) {
        return vec![(cells, Payload::Written(id))];
    }
    if inode.sb.config.fs.data_checksum() && inode.sb.config.design.dio_stable() == DioStable::Bounce {
        let data = buffers.contents(id, &cells);
        inode.report_buffer_copied(id, &cells);
        return vec![(cells, Payload::Copied(id, data))];
    }
    let geometry = &inode.sb.geometry;
    if inode.sb.config.fs.data_checksum() {
        inode.emit(|| What::Data(DataEvent::Summed(geometry.bytes_of_cells(&cells))));
    }
    let of_block = |block| {
        let block = geometry.cells_of_block(block);
        let part = block.start.max(cells.start)..block.end.min(cells.end);
        let submitted = buffers.contents(id, &part);
        (part, Payload::InPlace(id, submitted))
    };
    geometry.blocks_touched(&cells).map(of_block).collect()
}

/// All is submitted: waits, or leaves the rest to the worker.
fn submit<B: Backend>(inode: &Inode<B>, me: ActorId, mut dio: Dio) -> Stepped<DioState> {
    let waits = match dio.submission {
        Submission::Alone => waits_after(&inode.sb.config.design),
        Submission::Extending => matches!(dio.completer, Completer::Worker(_)),
        Submission::Plain | Submission::OverwriteOnly => false,
    };
    if waits {
        dio.completer = Completer::Submitter;
    }
    dio.may_fail = inode.sb.may_fail(me);
    let Completer::Worker(worker) = dio.completer else {
        return ControlFlow::Continue(DioState::Complete(complete::submitted(dio)));
    };
    let (lock, full) = (dio.lock, !dio.failed);
    inode.sb.aio[usize::from(worker)].release(|queue| queue.add(Aio::Write(inode.number, dio)));
    unlock(inode, me, lock);
    ControlFlow::Break(Written { full })
}
