//! What changes the file as a whole: truncate and the modes of fallocate.
//!
//! All of them exclude everybody who could bring something into the page cache or into the file: i_rwsem, then
//! invalidate_lock, both exclusive. What they do then is a list of jobs that is drawn up once the locks are held,
//! since until they are dropped nobody else changes the size ([`setattr`],
//! [`modes`]). The order of the jobs is what matters: the page cache of a block is gone before the
//! block is, so that no folio lies over a freed block.
//!
//! Left out: the space that fallocate and truncate reserve for their transactions, layout leases, RT extents.

pub mod modes;
pub mod plan;
pub mod setattr;

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Op, Returned};

use crate::fallocate::plan::{Job, Meaning, Plan, Refused, flush_folios};
use crate::fs::stuffed::{self, UnstuffState};
use crate::fs::{bmap_util, glock};
use crate::iomap::{self, Written};
use crate::path::{Part, Path};
use crate::state::dio_count::inode_dio_wait;
use crate::state::event::{Errno, What};
use crate::state::glock::Mode;
use crate::state::inode::Inode;
use crate::state::world::World;
use crate::truncate::{self, pagecache_isize_extended};
use crate::words::command::Command;
use crate::words::extent::Enospc;
use crate::words::geometry::{Cell, FileBlock};
use crate::words::ordering::Link;
use crate::writeback::flush;

/// What is done to the file.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Change {
    /// ftruncate.
    Truncate(Cell),
    /// fallocate of a range; whether it keeps the size.
    Falloc(Range<Cell>, bool),
    /// FALLOC_FL_PUNCH_HOLE.
    Punch(Range<Cell>),
    /// FALLOC_FL_ZERO_RANGE; whether it keeps the size.
    Zero(Range<Cell>, bool),
    /// FALLOC_FL_COLLAPSE_RANGE.
    Collapse(Range<Cell>),
    /// FALLOC_FL_INSERT_RANGE.
    Insert(Range<Cell>),
}

/// Where a change stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ChangeState {
    /// Before i_rwsem.
    Enter(Change),
    /// Before invalidate_lock.
    Lock(Change),
    /// Before the next job.
    Run(Plan),
}

impl Path for ChangeState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let cells = |range| part.cells(range);
        let change = match part.first()? {
            Command::Truncate { size } => Change::Truncate(part.inode.sb.geometry.cell_at(*size)),
            Command::Falloc { range, keep_size } => Change::Falloc(cells(range), *keep_size),
            Command::Fpunch { range } => Change::Punch(cells(range)),
            Command::Fzero { range, keep_size } => Change::Zero(cells(range), *keep_size),
            Command::Fcollapse { range } => Change::Collapse(cells(range)),
            Command::Finsert { range } => Change::Insert(cells(range)),
            _ => return None,
        };
        Some(ChangeState::Enter(change))
    }

    async fn step<B: Backend>(
        self,
        _: &World<B>,
        inode: &Inode<B>,
        me: ActorId,
    ) -> ControlFlow<Returned, Self> {
        step(inode, me, self).await
    }
}

/// One step.
pub async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: ChangeState,
) -> ControlFlow<Returned, ChangeState> {
    match state {
        ChangeState::Enter(change) => {
            inode.i_rwsem.down_write(Op::new("down_write i_rwsem"), me).await;
            glock::acquire(inode, me, Mode::Exclusive).await;
            ControlFlow::Continue(ChangeState::Lock(change))
        }
        ChangeState::Lock(change) => {
            if inode.sb.config.fs.invalidate_lock {
                inode.invalidate_lock.down_write(Op::new("down_write invalidate_lock"), me).await;
            }
            inode_dio_wait(inode).await;
            let Ok(plan) = draw_up(inode, change) else {
                unlock(inode, me);
                return ControlFlow::Break(Returned::Error);
            };
            let Meaning { zeroed, taken_out, grown } = &plan.meaning;
            for cells in [zeroed, taken_out, grown] {
                inode.oracle.begin_zero(&inode.sb.geometry, cells);
                inode.forget_data(cells);
            }
            ControlFlow::Continue(ChangeState::Run(plan))
        }
        ChangeState::Run(mut plan) => {
            let mut failed = false;
            if let Some(job) = plan.jobs.pop_front() {
                match work(inode, me, job).await {
                    Worked::Partly(rest) => plan.jobs.push_front(rest),
                    Worked::Done => {}
                    // The call returns the error; what was done so far stays.
                    Worked::Failed => {
                        plan.jobs.clear();
                        failed = true;
                    }
                }
            }
            if !plan.jobs.is_empty() {
                return ControlFlow::Continue(ChangeState::Run(plan));
            }
            let Meaning { zeroed, taken_out, grown } = &plan.meaning;
            if failed {
                for cells in [zeroed, taken_out, grown] {
                    inode.oracle.fail_write(&inode.sb.geometry, 0, cells);
                }
            } else {
                inode.oracle.complete_zero(&inode.sb.geometry, zeroed);
                inode.oracle.complete_growth(&inode.sb.geometry, grown);
            }
            unlock(inode, me);
            ControlFlow::Break(if failed { Returned::Error } else { Returned::Success })
        }
    }
}

/// Lets all the others in again.
fn unlock<B: Backend>(inode: &Inode<B>, me: ActorId) {
    if inode.sb.config.fs.invalidate_lock {
        inode.invalidate_lock.up_write(me);
    }
    glock::release(inode, me);
    inode.i_rwsem.up_write(me);
}

fn draw_up<B: Backend>(inode: &Inode<B>, change: Change) -> Result<Plan, Refused> {
    let size = inode.i_size_peek();
    let unstuff = match &change {
        Change::Truncate(new_size) => stuffed::outgrown(inode, *new_size),
        Change::Falloc(..) => inode.is_stuffed(),
        Change::Punch(cells) if inode.is_stuffed() => return Ok(modes::punch_stuffed(inode, size, cells)),
        _ => false,
    };
    let mut plan = match change {
        Change::Truncate(new_size) => setattr::xfs_setattr_size(inode, size, new_size),
        Change::Falloc(cells, keep_size) => modes::preallocate(inode, size, &cells, keep_size),
        Change::Punch(cells) => modes::punch_hole(inode, size, &cells),
        Change::Zero(cells, keep_size) => modes::zero_range(inode, size, &cells, keep_size),
        Change::Collapse(cells) => modes::collapse_range(inode, size, &cells)?,
        Change::Insert(cells) => modes::insert_range(inode, size, &cells)?,
    };
    if unstuff {
        plan.jobs.push_front(Job::Unstuff(UnstuffState::Begin));
    }
    Ok(plan)
}

/// What came of a step of a job.
enum Worked {
    /// This remains of it.
    Partly(Job),
    /// Nothing remains.
    Done,
    /// It could not be done.
    Failed,
}

/// One step of a job.
async fn work<B: Backend>(inode: &Inode<B>, me: ActorId, job: Job) -> Worked {
    fn rest<S>(flow: ControlFlow<(), S>, wrap: impl FnOnce(S) -> Job) -> Worked {
        match flow {
            ControlFlow::Continue(state) => Worked::Partly(wrap(state)),
            ControlFlow::Break(()) => Worked::Done,
        }
    }
    match job {
        Job::Flush(state) => return rest(flush::step(inode, me, state).await, Job::Flush),
        Job::FlushUnlogged(size, new_size) => {
            let logged = bmap_util::logged_size(inode).await;
            if new_size > logged && size != logged {
                return Worked::Partly(flush_folios(inode, &(logged..new_size)));
            }
        }
        Job::Drop(state) => return rest(truncate::step(inode, me, state).await, Job::Drop),
        Job::Zero(state) => {
            return match iomap::step(inode, me, *state).await {
                ControlFlow::Continue(state) => Worked::Partly(Job::Zero(Box::new(state))),
                ControlFlow::Break(Written { full: true }) => Worked::Done,
                ControlFlow::Break(Written { full: false }) => Worked::Failed,
            };
        }
        Job::Unstuff(state) => {
            return match stuffed::step(inode, me, state).await {
                ControlFlow::Continue(state) => Worked::Partly(Job::Unstuff(state)),
                ControlFlow::Break(Ok(())) => Worked::Done,
                ControlFlow::Break(Err(Enospc)) => Worked::Failed,
            };
        }
        Job::ZeroStuffed(cells) => stuffed::zero_range(inode, &cells).await,
        Job::SetSize(size) => {
            inode.i_size.store(Op::new("i_size_write"), u64::from(size), inode.order(Link::SizeStore)).await;
            stuffed::clear_tail(inode, size);
            if inode.merges_transactions() {
                inode.commit_inode();
            }
            inode.emit(|| What::Size(inode.sb.geometry.byte_at(size)));
        }
        Job::Shrink(size) => bmap_util::truncate_extents(inode, size).await,
        Job::Unmap(blocks) => bmap_util::remove_extents(inode, &blocks).await,
        Job::Extend { name, blocks, size } => {
            if extend(inode, Op::new(name), &blocks, size).await.is_err() {
                inode.emit(|| What::Failed(Errno::NoSpace));
                return Worked::Failed;
            }
        }
        Job::ShiftDown(blocks) => bmap_util::collapse_extents(inode, &blocks).await,
        Job::ShiftUp(blocks) => bmap_util::insert_extents(inode, &blocks).await,
    }
    Worked::Done
}

/// `xfs_alloc_file_space`, which also allocates for what was only reserved, and a size that grows. One
/// ILOCK section: the kernel stores the size in a step of its own, but nobody is modelled who reads both counter
/// and size without a lock and decides by their order.
async fn extend<B: Backend>(
    inode: &Inode<B>,
    op: Op,
    blocks: &Range<FileBlock>,
    new_size: Option<Cell>,
) -> Result<(), Enospc> {
    let mut map = inode.lock_map(op).await;
    let result = map.preallocate(blocks);
    let size = inode.i_size_peek();
    if let Some(target) = new_size.filter(|target| result.is_ok() && *target > size) {
        inode.i_size.publish(u64::from(target), inode.order(Link::SizeStore));
        map.log_size(target);
        map.end();
        pagecache_isize_extended(inode, size, target).await;
    }
    result
}
