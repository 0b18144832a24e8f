//! What changes the file as a whole: truncate and the modes of fallocate.
//!
//! All of them exclude everybody who could bring something into the page cache or into the file: i_rwsem, then
//! invalidate_lock, both exclusive. What they do then is a list of jobs that is drawn up once the locks are held,
//! since until they are dropped nobody else changes the size; the file
//! system draws it up ([`fs::setattr_size`], [`fs::fallocate`]). The order of the jobs is what matters: the page cache of a block is gone before the
//! block is, so that no folio lies over a freed block.
//!
//! Left out: the space that fallocate and truncate reserve for their transactions, RT extents.

pub mod plan;

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Op, Returned};

use crate::fallocate::plan::{JobState, Running};
use crate::fs::change::{AtOnce, FallocMode, Job, Meaning, SizeAfter, Sizes};
use crate::fs::{self, bmap_util, gfs2_log, glock, stuffed};
use crate::iomap::{self, Written, ordered};
use crate::path::{Part, Path, Stepped};
use crate::state::dio_count;
use crate::state::event::{Errno, What};
use crate::state::glock::Mode;
use crate::state::i_state::InodeDirty;
use crate::state::inode::Inode;
use crate::state::leases::{break_layout, wait_for_layouts};
use crate::state::world::World;
use crate::truncate::{self, pagecache_isize_extended};
use crate::words::command::Command;
use crate::words::dio_design::DioWait;
use crate::words::extent::{Enospc, Extent};
use crate::words::geometry::{Cell, FileBlock};
use crate::words::ordering::Link;
use crate::words::personality::{Hooks, OldSize, TruncateDioWait};
use crate::writeback::{flush, jdata};

/// What is done to the file.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Change {
    /// ftruncate.
    Truncate(Cell),
    /// fallocate.
    Fallocate(FallocMode),
    /// FS_IOC_SETFLAGS, which says whether the data are journalled.
    SetFlags(Hooks),
}

/// Where a change stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ChangeState {
    /// Before i_rwsem.
    Enter(Change),
    /// Before invalidate_lock.
    Lock(Change),
    /// Waiting for clients to give their layouts back, without a lock.
    Recall(Change),
    /// Before the next job.
    Run(Running),
}

impl Path for ChangeState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let cells = |range| part.cells(range);
        let after = |keep_size: &bool| if *keep_size { SizeAfter::Kept } else { SizeAfter::Grown };
        let change = match part.first()? {
            Command::Truncate { size } => Change::Truncate(part.inode.sb.geometry.cell_at(*size)),
            Command::Falloc { range, keep_size } => {
                Change::Fallocate(FallocMode::Allocate(cells(range), after(keep_size)))
            }
            Command::Fpunch { range } => Change::Fallocate(FallocMode::PunchHole(cells(range))),
            Command::Fzero { range, keep_size } => {
                Change::Fallocate(FallocMode::ZeroRange(cells(range), after(keep_size)))
            }
            Command::Fcollapse { range } => Change::Fallocate(FallocMode::CollapseRange(cells(range))),
            Command::Finsert { range } => Change::Fallocate(FallocMode::InsertRange(cells(range))),
            Command::Funshare { range } => Change::Fallocate(FallocMode::UnshareRange(cells(range))),
            Command::Chattr { hooks } => Change::SetFlags(*hooks),
            _ => return None,
        };
        Some(ChangeState::Enter(change))
    }

    /// One step.
    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        match self {
            ChangeState::Enter(change) => {
                if is_refused(inode, &change).await {
                    inode.emit(|| What::Failed(Errno::NotSupported));
                    return ControlFlow::Break(Returned::Error);
                }
                dio_count::wait_if(inode, DioWait::BeforeLock).await;
                inode.i_rwsem.down_write(Op::new("down_write i_rwsem"), me).await;
                glock::acquire(inode, me, Mode::Exclusive).await;
                ControlFlow::Continue(ChangeState::Lock(change))
            }
            ChangeState::Lock(change) => lock(inode, me, change).await,
            ChangeState::Recall(change) => {
                wait_for_layouts(inode).await;
                ControlFlow::Continue(ChangeState::Enter(change))
            }
            ChangeState::Run(mut plan) => {
                let mut failed = false;
                if let Some(job) = plan.jobs.pop_front() {
                    match work(inode, me, job, &mut plan).await {
                        Worked::Partly(rest) => plan.jobs.push_front(rest),
                        Worked::Done => {}
                        // The call returns the error; what was done so far stays.
                        Worked::Failed => {
                            if plan.is_in_transaction() {
                                gfs2_log::trans_end(inode, me);
                            }
                            plan.give_up(inode);
                            failed = true;
                        }
                    }
                }
                if !plan.jobs.is_empty() {
                    return ControlFlow::Continue(ChangeState::Run(plan));
                }
                ControlFlow::Break(finish(inode, me, &plan.meaning, failed))
            }
        }
    }
}

/// `gfs2_fallocate` asks whether the data are journalled before it has a lock.
async fn is_refused<B: Backend>(inode: &Inode<B>, change: &Change) -> bool {
    let asks = inode.sets_data_mode && matches!(change, Change::Fallocate(_));
    asks && inode.load_hooks().await == Hooks::Jdata
}

/// The call returns.
fn finish<B: Backend>(inode: &Inode<B>, me: ActorId, meaning: &Meaning, failed: bool) -> Returned {
    let Meaning { zeroed, taken_out, grown } = meaning;
    if failed {
        for cells in [zeroed, taken_out, grown] {
            inode.oracle.fail_write(&inode.sb.geometry, 0, cells);
        }
    } else {
        complete_zero(inode, zeroed);
        inode.oracle.complete_growth(&inode.sb.geometry, grown);
    }
    unlock(inode, me);
    if failed { Returned::Error } else { Returned::Success }
}

/// Cells read as zeros. At the edges the block stays, and the zeros are dirty in the page cache, as what is written is. If
/// their writeback fails, the folio is clean, and valid, and with it goes what was in memory only: `mapping_set_error` and
/// `folio_end_writeback` are all that `iomap_finish_ioend` does (6.1.192, 6.12.118; `iomap_finish_ioend_buffered_write`, 7.3.4).
fn complete_zero<B: Backend>(inode: &Inode<B>, zeroed: &Range<Cell>) {
    let geometry = &inode.sb.geometry;
    if !inode.sb.config.fs.io_errors() {
        return inode.oracle.complete_zero(geometry, zeroed);
    }
    inode.audit_map(|map| {
        for block in geometry.blocks_touched(zeroed) {
            let cells = geometry.cells_of_block(block);
            let cells = cells.start.max(zeroed.start)..cells.end.min(zeroed.end);
            if let Extent::Written(_) = map.get(block) {
                inode.oracle.complete_zero_in_place(geometry, &cells);
            } else {
                inode.oracle.complete_zero(geometry, &cells);
            }
        }
    });
}

/// invalidate_lock, the last one of the locks; who is to be waited for; and what is to be done then.
async fn lock<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    change: Change,
) -> ControlFlow<Returned, ChangeState> {
    if inode.sb.config.fs.invalidate_lock() {
        inode.invalidate_lock.down_write(Op::new("down_write invalidate_lock"), me).await;
    }
    if break_layout(inode).await {
        unlock(inode, me);
        return ControlFlow::Continue(ChangeState::Recall(change));
    }
    let read = old_size(inode, &change).await;
    if waits_for_direct_io(inode, &change) {
        dio_count::wait_if(inode, DioWait::Locked).await;
    }
    let size = inode.i_size_peek();
    let plan = match change {
        Change::Truncate(new_size) => {
            let old = Sizes { read: read.unwrap_or(size), now: size };
            Ok(fs::setattr_size(inode, old, new_size))
        }
        Change::Fallocate(mode) => fs::fallocate(inode, size, &mode),
        Change::SetFlags(hooks) => Ok(fs::set_flags(inode, hooks)),
    };
    let Ok(plan) = plan else {
        inode.emit(|| What::Failed(Errno::Invalid));
        unlock(inode, me);
        return ControlFlow::Break(Returned::Error);
    };
    let Meaning { zeroed, taken_out, grown } = &plan.meaning;
    let end = size.clamp(zeroed.start, zeroed.end);
    inode.oracle.begin_zero_behind(&inode.sb.geometry, &(end..zeroed.end));
    for cells in [&(zeroed.start..end), taken_out, grown] {
        inode.oracle.begin_zero(&inode.sb.geometry, cells);
    }
    for cells in [zeroed, taken_out, grown] {
        inode.forget_data(cells);
    }
    ControlFlow::Continue(ChangeState::Run(Running::new(inode, plan)))
}

/// Whether it is of those that wait for direct I/O in flight once the locks are held.
fn waits_for_direct_io<B: Backend>(inode: &Inode<B>, change: &Change) -> bool {
    match (inode.sb.config.fs.truncate_dio_wait(), change) {
        (TruncateDioWait::Shrink, Change::Truncate(new_size)) => *new_size < inode.i_size_peek(),
        (TruncateDioWait::Always, Change::Truncate(_)) | (_, Change::Fallocate(_) | Change::SetFlags(_)) => {
            true
        }
    }
}

/// What a truncate reads before it waits for direct I/O, if that may raise the size meanwhile.
async fn old_size<B: Backend>(inode: &Inode<B>, change: &Change) -> Option<Cell> {
    let reads = inode.sb.config.fs.old_size() == OldSize::BeforeWait && matches!(change, Change::Truncate(_));
    if !reads || !inode.grows_in_flight() {
        return None;
    }
    Some(inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await as Cell)
}

/// Lets all the others in again.
fn unlock<B: Backend>(inode: &Inode<B>, me: ActorId) {
    if inode.sb.config.fs.invalidate_lock() {
        inode.invalidate_lock.up_write(me);
    }
    glock::release(inode, me);
    inode.i_rwsem.up_write(me);
}

/// What came of a step of a job.
enum Worked {
    /// This remains of it.
    Partly(JobState),
    /// Nothing remains.
    Done,
    /// It could not be done.
    Failed,
}

/// One step of a job.
async fn work<B: Backend>(inode: &Inode<B>, me: ActorId, job: JobState, plan: &mut Running) -> Worked {
    fn rest<S>(flow: ControlFlow<(), S>, wrap: impl FnOnce(S) -> JobState) -> Worked {
        match flow {
            ControlFlow::Continue(state) => Worked::Partly(wrap(state)),
            ControlFlow::Break(()) => Worked::Done,
        }
    }
    match job {
        JobState::Flush(state) => match flush::step(inode, me, state).await {
            ControlFlow::Continue(state) => Worked::Partly(JobState::Flush(state)),
            ControlFlow::Break(Ok(())) => Worked::Done,
            ControlFlow::Break(Err(_)) => Worked::Failed,
        },
        JobState::LogFlush(state) => rest(jdata::step(inode, me, state).await, JobState::LogFlush),
        JobState::Order(state) => rest(flush::write_and_wait(inode, me, state).await, JobState::Order),
        JobState::Drop(state) => rest(truncate::step(inode, me, state).await, JobState::Drop),
        JobState::Write(state) => {
            let before = state.before_copy();
            match iomap::step(inode, me, *state).await {
                ControlFlow::Continue(state) => {
                    if let Some((_, kind)) = before.filter(|(from, _)| state.has_filled(*from)) {
                        plan.note_zeroed(kind);
                    }
                    Worked::Partly(JobState::Write(Box::new(state)))
                }
                ControlFlow::Break(Written { full: true }) => Worked::Done,
                ControlFlow::Break(Written { full: false }) => Worked::Failed,
            }
        }
        JobState::IfReflink(jobs) => {
            if inode.lock_map(Op::new("xfs_is_reflink_inode")).await.reflink {
                jobs.into_iter().rev().for_each(|job| plan.jobs.push_front(job));
            }
            Worked::Done
        }
        JobState::Unstuff(state) => match stuffed::step(inode, me, state).await {
            ControlFlow::Continue(state) => Worked::Partly(JobState::Unstuff(state)),
            ControlFlow::Break(Ok(())) => Worked::Done,
            ControlFlow::Break(Err(Enospc)) => Worked::Failed,
        },
        JobState::TransBegin => {
            gfs2_log::trans_begin(inode, me).await;
            Worked::Done
        }
        JobState::TransEnd => {
            gfs2_log::trans_end(inode, me);
            Worked::Done
        }
        JobState::AtOnce(job) => at_once(inode, job, plan.has_zeroed()).await,
    }
}

/// A job that is done at once; `zeroed` says whether one before it has zeroed anything.
async fn at_once<B: Backend>(inode: &Inode<B>, job: AtOnce, zeroed: bool) -> Worked {
    match job {
        AtOnce::FlushUnlogged { size, new_size } => {
            let logged = bmap_util::logged_size(inode).await;
            if new_size > logged && (zeroed || size != logged) {
                return Worked::Partly(JobState::new(inode, Job::Flush(logged..new_size)));
            }
        }
        AtOnce::OrderZeroed(cells) if zeroed => {
            return Worked::Partly(JobState::Order(ordered::write(inode, &cells)));
        }
        AtOnce::OrderZeroed(_) => {}
        AtOnce::MarkDirty => inode.mark_dirty(InodeDirty::Datasync),
        AtOnce::ZeroStuffed(cells) => stuffed::zero_range(inode, &cells).await,
        AtOnce::SetSize(size) => {
            inode.i_size.store(Op::new("i_size_write"), u64::from(size), inode.order(Link::SizeStore)).await;
            inode.oracle.take_out(&inode.sb.geometry, &(size..inode.sb.geometry.cells()));
            stuffed::clear_tail(inode, size);
            if inode.merges_transactions() {
                inode.commit_inode();
            }
            inode.emit(|| What::Size(inode.sb.geometry.byte_at(size)));
        }
        AtOnce::Grow(grown) if inode.sb.config.fs.valid_size() => {
            truncate::grow_with_valid_size(inode, &grown).await;
        }
        AtOnce::Grow(grown) => {
            let op = Op::new("i_size_write");
            inode.i_size.store(op, u64::from(grown.end), inode.order(Link::SizeStore)).await;
            inode.emit(|| What::Size(inode.sb.geometry.byte_at(grown.end)));
            pagecache_isize_extended(inode, grown.start, grown.end).await;
        }
        AtOnce::LogSize(size) => bmap_util::log_size(inode, size).await,
        AtOnce::Shrink(size) => bmap_util::truncate_extents(inode, size).await,
        AtOnce::Unmap(blocks) => bmap_util::remove_extents(inode, &blocks).await,
        AtOnce::CancelCow(blocks) => bmap_util::cancel_cow(inode, blocks).await,
        AtOnce::Extend { name, blocks, size } => {
            if extend(inode, Op::new(name), &blocks, size).await.is_err() {
                inode.emit(|| What::Failed(Errno::NoSpace));
                inode.judge_no_space(&blocks);
                return Worked::Failed;
            }
        }
        AtOnce::ClearReflink => bmap_util::clear_reflink(inode).await,
        AtOnce::SetAops(hooks) => inode.set_hooks(hooks).await,
        AtOnce::ShiftDown(blocks) => bmap_util::collapse_extents(inode, &blocks).await,
        AtOnce::ShiftUp(blocks) => bmap_util::insert_extents(inode, &blocks).await,
    }
    Worked::Done
}

/// `xfs_alloc_file_space`, which also allocates for what was only reserved, and with the last extent, where a file system logs a
/// size that grows with i_size, that: such a kernel stores the size in a step of its own, but nobody is modelled who reads both
/// counter and size without a lock and decides by their order. Of a size that i_size has reached already, the log is told alone
/// (`ext4_update_inode_size`, fs/ext4/ext4.h, 6.1 to 7.3).
async fn extend<B: Backend>(
    inode: &Inode<B>,
    op: Op,
    blocks: &Range<FileBlock>,
    new_size: Option<Cell>,
) -> Result<(), Enospc> {
    let (mut map, result) = bmap_util::alloc_extents(inode, op, blocks).await;
    let Some(target) = new_size.filter(|_| result.is_ok()) else { return result };
    let size = inode.i_size_peek();
    if target > size {
        inode.i_size.publish(u64::from(target), inode.order(Link::SizeStore));
        map.log_size(target);
        map.end();
        pagecache_isize_extended(inode, size, target).await;
    } else if target > map.disk_size {
        map.raise_logged_size(target);
    }
    Ok(())
}
