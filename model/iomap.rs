//! The buffered write: `iomap_file_buffered_write`, fs/iomap/buffered-io.c.
//!
//! A write(2) is a loop around one mapping: sample it ([`WriteState::Begin`]), use it for one folio after the
//! other with no extent lock held ([`WriteState::Folio`]), give it back ([`WriteState::End`]), and again for
//! the rest. Between two folios everything may change but what i_rwsem protects; whether the mapping is
//! looked at again once the folio is locked is what the designs differ in.
//!
//! Left out: the mapping that gfs2 samples once more before it notices that a pass cannot go on, dirty throttling,
//! large folios of varying size.

mod audit;
pub(crate) mod fill;
mod get_folio;
pub mod jdata;
pub mod ordered;
pub mod punch;
mod stale;
pub mod unshare;
pub mod valid;
mod write;
mod write_end;
mod write_failed;
pub mod write_state;
pub mod zero;

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Lock, Op, Returned};

use crate::fs::eof::{Grower, eof_tail};
use crate::fs::stuffed::{self, UnstuffState};
use crate::fs::{self, gfs2_log, glock, valid_size};
use crate::iomap::punch::PunchState;
use crate::iomap::write::{in_folio, iomap_write_iter};
use crate::iomap::write_state::{IomapIter, Write, WriteState, punching, unused_reservation};
use crate::iomap::zero::Over;
use crate::judge::properties;
use crate::path::{Ended, Part, Path, Stepped};
use crate::state::dio_count::inode_dio_wait;
use crate::state::event::{Dropped, Errno, Expense, Fill, Mapping, Method, Sampler, Seq, What};
use crate::state::folio::FolioRef;
use crate::state::glock::Mode;
use crate::state::i_state::InodeDirty;
use crate::state::inode::Inode;
use crate::state::leases::{break_layout, wait_for_layouts};
use crate::state::mapping::{IomapType, StaleFlag};
use crate::state::sync::IoLock;
use crate::state::trace::{self, IomapFlags};
use crate::state::world::World;
use crate::truncate;
use crate::words::branches;
use crate::words::command::facts::FaultKind;
use crate::words::command::{Command, Io};
use crate::words::design::{IterCalls, OnStale, PassError, Sample, ZeroLock};
use crate::words::extent::Enospc;
use crate::words::geometry::Cell;
use crate::words::personality::{ShortBudget, SourceFault, WriteDioWait, WriteEnd};
use crate::writeback::flush;

/// What a write(2) returned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Written {
    /// Whether all of the request was written.
    pub full: bool,
}

impl Ended for Written {
    fn gives_up(&self) -> bool {
        !self.full
    }

    fn returned(&self) -> Returned {
        if self.full { Returned::Success } else { Returned::Error }
    }
}

impl Path for WriteState {
    type Ended = Written;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Pwrite { range, chunk, io: Io::Buffered, nowait, dontcache, .. } = part.command() else {
            return None;
        };
        let mut write = Write::to(part.inode, part.write(), part.call(range, *chunk)?);
        write.nowait = *nowait;
        write.dontcache = *dontcache;
        let at = |after: u64| Some(part.inode.sb.geometry.cell_at(range.start + after));
        for fault in part.modifiers() {
            match fault.kind {
                FaultKind::Fail => write.faults_at = at(fault.after),
                FaultKind::Short => write.resident_until = at(fault.after),
                FaultKind::Kill => {
                    write.killed_at = at(fault.after).map(|cell| part.inode.sb.geometry.folio_of(cell));
                }
            }
        }
        Some(WriteState::Enter(write))
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        step(inode, me, self).await
    }
}

/// One step of a write(2).
pub async fn step<B: Backend>(inode: &Inode<B>, me: ActorId, state: WriteState) -> Stepped<WriteState> {
    match state {
        WriteState::Enter(write) => enter(inode, me, write).await,
        WriteState::Recall(write) => {
            wait_for_layouts(inode).await;
            ControlFlow::Continue(WriteState::Enter(write))
        }
        WriteState::Pass(write) => pass(inode, me, write).await,
        WriteState::Sample(write) => ControlFlow::Continue(zero::sample(inode, write).await),
        WriteState::Flush(mut write, inner) => match flush::step(inode, me, inner).await {
            ControlFlow::Continue(inner) => ControlFlow::Continue(WriteState::Flush(write, inner)),
            // The mapping was marked stale for this.
            ControlFlow::Break(Ok(())) => advance(inode, me, write, StaleFlag::Set, Progress::None),
            ControlFlow::Break(Err(_)) => {
                write.failed = true;
                finish(inode, me, &write)
            }
        },
        WriteState::Order(write, inner) => {
            ControlFlow::Continue(ordered::step(inode, me, write, inner).await)
        }
        WriteState::Begin(write, left) => begin(inode, me, write, left).await,
        WriteState::Unstuff(mut write, inner) => match stuffed::step(inode, me, inner).await {
            ControlFlow::Continue(inner) => ControlFlow::Continue(WriteState::Unstuff(write, inner)),
            ControlFlow::Break(Ok(())) => {
                inode.mark_dirty(InodeDirty::Datasync);
                ControlFlow::Continue(WriteState::Begin(write, StaleFlag::Clear))
            }
            ControlFlow::Break(Err(Enospc)) => {
                inode.emit(|| What::Failed(Errno::NoSpace));
                write.failed = true;
                finish(inode, me, &write)
            }
        },
        WriteState::Folio(iter) => ControlFlow::Continue(iomap_write_iter(inode, me, iter).await),
        WriteState::InFolio(iter, state) => ControlFlow::Continue(in_folio(inode, me, iter, state).await),
        WriteState::Cleanup(inner, next) => {
            ControlFlow::Continue(match truncate::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => WriteState::Cleanup(inner, next),
                ControlFlow::Break(()) => *next,
            })
        }
        WriteState::End(iter, held) => {
            if valid_size::moves_at_end(inode) && iter.write.pos > iter.from {
                valid_size::advance(inode, &(iter.from..iter.write.pos)).await;
            }
            let Some(blocks) = unused_reservation(inode, &iter) else {
                gfs2_log::iomap_end(inode, me, &iter.iomap).await;
                return iomap_iter(inode, me, iter, held);
            };
            if iter.write.nowait {
                // Nothing tells the punch that it must not wait.
                inode.invalidate_lock.audit_free(|| inode.sb.backend.reach(branches::NOWAIT_BLOCKED));
            }
            gfs2_log::ordered_add(inode, &iter.iomap).await;
            let punch = PunchState::Enter(punching(inode, &iter, blocks));
            ControlFlow::Continue(WriteState::Punch { iter, held, punch })
        }
        WriteState::Punch { mut iter, held, punch } => match punch::step(inode, me, punch).await {
            ControlFlow::Continue(punch) => ControlFlow::Continue(WriteState::Punch { iter, held, punch }),
            ControlFlow::Break(freed) => {
                iter.write.budget += freed;
                gfs2_log::iomap_end(inode, me, &iter.iomap).await;
                iomap_iter(inode, me, iter, held)
            }
        },
    }
}

/// i_rwsem, as the write holds it. Whether it has it: one that must not wait tries.
async fn take_i_rwsem<B: Backend>(inode: &Inode<B>, me: ActorId, write: &Write) -> bool {
    match write.lock {
        IoLock::Shared if write.nowait => {
            inode.i_rwsem.down_read_trylock(Op::new("down_read_trylock i_rwsem"), me).await
        }
        IoLock::Shared => {
            inode.i_rwsem.down_read(Op::new("down_read i_rwsem"), me).await;
            true
        }
        IoLock::Exclusive if write.nowait => {
            inode.i_rwsem.down_write_trylock(Op::new("down_write_trylock i_rwsem"), me).await
        }
        IoLock::Exclusive => {
            inode.i_rwsem.down_write(Op::new("down_write i_rwsem"), me).await;
            true
        }
    }
}

/// `xfs_file_buffered_write`: i_rwsem, and zeros up to a position beyond end of file. Where writes share i_rwsem, only those
/// do that leave the size alone.
async fn enter<B: Backend>(inode: &Inode<B>, me: ActorId, mut write: Write) -> Stepped<WriteState> {
    if !take_i_rwsem(inode, me, &write).await {
        inode.emit(|| What::Failed(Errno::Again));
        return ControlFlow::Break(Written { full: false });
    }
    if write.lock == IoLock::Shared && write.request.end > inode.i_size_peek() {
        // It grows the file: alone.
        inode.i_rwsem.up_read(me);
        return ControlFlow::Continue(WriteState::Enter(Write { lock: IoLock::Exclusive, ..write }));
    }
    if break_layout(inode).await {
        return recall(inode, me, write);
    }
    // file_update_time.
    inode.mark_dirty(InodeDirty::Times);
    inode.begin_write(write.id, &write.request);
    inode.trace_xfs(|| trace::xfs_file_io("xfs_file_buffered_write", inode, &write.request));
    let Ok(budget) = fs::reserve_budget(inode, &write.request) else {
        inode.emit(|| What::Failed(Errno::NoSpace));
        write.failed = true;
        return finish(inode, me, &write);
    };
    write.budget = budget;
    let mut size = inode.i_size_peek();
    if write.nowait && write.request.start > size {
        inode.emit(|| What::Failed(Errno::Again));
        write.failed = true;
        return finish(inode, me, &write);
    }
    let waits = match inode.sb.config.fs.write_dio_wait() {
        WriteDioWait::BeyondEof => write.request.start > size && inode.sb.config.design.dio_eof_drain(),
        WriteDioWait::Always => true,
    };
    if waits {
        inode_dio_wait(inode).await;
        size = inode.i_size_peek();
    }
    inode.oracle.begin_growth(&inode.sb.geometry, write.id, &(size..write.request.start));
    let Ok(zeroed_first) = zeroed_first(inode, size, &mut write).await else {
        inode.emit(|| What::Failed(Errno::NoSpace));
        write.failed = true;
        return finish(inode, me, &write);
    };
    if let Some(tail) = zeroed_first {
        if inode.sb.config.design.zero_lock() == ZeroLock::InvalidateLock {
            inode.invalidate_lock.down_write(Op::new("down_write invalidate_lock"), me).await;
            write.holds_invalidate_lock = true;
        }
        write.fill = Fill::Zero;
        write.pos = tail.start;
        write.end = tail.end;
    }
    let pass = inode.glock.is_some() || inode.sb.config.fs.source_probe();
    ControlFlow::Continue(match write.fill {
        _ if pass => WriteState::Pass(write),
        Fill::Zero => zero::start(inode, write),
        Fill::Data | Fill::Unshare => WriteState::Begin(write, StaleFlag::Clear),
    })
}

/// What a write zeroes before it begins, in a file of `size`. One with a valid size is as long as the zeros reach before they are
/// there.
async fn zeroed_first<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    write: &mut Write,
) -> Result<Option<Range<Cell>>, Enospc> {
    let start = write.request.start;
    if inode.sb.config.fs.valid_size() {
        let gap = valid_size::gap(inode, size, start).await?;
        if start > size {
            write.size_before = Some(size);
            truncate::grow_with_valid_size(inode, &(size..start)).await;
        }
        return Ok(gap);
    }
    Ok(eof_tail(inode, size, start, Grower::Write))
}

/// Somebody has a layout: he is waited for without a lock, and the write begins anew, alone. One that must not wait fails.
fn recall<B: Backend>(inode: &Inode<B>, me: ActorId, write: Write) -> Stepped<WriteState> {
    match write.lock {
        IoLock::Shared => inode.i_rwsem.up_read(me),
        IoLock::Exclusive => inode.i_rwsem.up_write(me),
    }
    if write.nowait {
        inode.emit(|| What::Failed(Errno::Again));
        return ControlFlow::Break(Written { full: false });
    }
    ControlFlow::Continue(WriteState::Recall(Write { lock: IoLock::Exclusive, ..write }))
}

/// A pass begins. Where the source is probed, one that cannot be read at all fails before `iomap_begin`, and one that can be
/// read in part makes the pass shorter. A page may still go away after the probe.
async fn pass<B: Backend>(inode: &Inode<B>, me: ActorId, mut write: Write) -> Stepped<WriteState> {
    if let Some(at) = write.faults_at.filter(|_| inode.sb.config.fs.source_probe()) {
        // What is zeroed in front has no source.
        if write.pos.max(write.request.start) >= at {
            inode.emit(|| What::Failed(Errno::Fault));
            write.failed = true;
            return finish(inode, me, &write);
        }
        write.end = write.end.min(at);
    }
    glock::acquire(inode, me, Mode::Exclusive).await;
    ControlFlow::Continue(match write.fill {
        Fill::Zero => zero::start(inode, write),
        Fill::Data | Fill::Unshare => WriteState::Begin(write, StaleFlag::Clear),
    })
}

/// `iomap_begin`: samples a mapping in one ILOCK section.
async fn begin<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut write: Write,
    left: StaleFlag,
) -> Stepped<WriteState> {
    let wanted = write.pos..write.end;
    let blocks = inode.sb.geometry.blocks_touched(&wanted);
    gfs2_log::trans_begin(inode, me).await;
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names().write_begin)).await;
    if write.fill == Fill::Data && stuffed::outgrown(inode, wanted.end) {
        drop(map);
        gfs2_log::trans_end(inode, me);
        return ControlFlow::Continue(WriteState::Unstuff(write, UnstuffState::Begin));
    }
    let mut sampled = match write.fill {
        Fill::Data => fs::write_begin(inode, &mut map, &wanted, &mut write.budget),
        Fill::Zero | Fill::Unshare => fs::zero_begin(inode, &mut map, &wanted, &mut write.budget),
    };
    let copies = map.cow.covering(blocks.start);
    let over = zero::look_over(inode, me, &mut write, &mut sampled, &copies).await;
    drop(map);
    gfs2_log::iomap_begun(inode, me, sampled.as_ref().ok());
    if over == Over::Dirty {
        return ControlFlow::Continue(zero::flush_first(inode, write));
    }
    inode.retries.sampled(me);
    let Ok(mut iomap) = sampled else {
        inode.emit(|| What::Failed(Errno::NoSpace));
        inode.judge_no_space(&blocks);
        write.failed = true;
        return finish(inode, me, &write);
    };
    inode.emit(|| What::Sampled(sampler(write.fill), Mapping::of(&inode.sb.geometry, &iomap)));
    if inode.sb.config.design.sample() == Sample::Outside {
        iomap.cookie = inode.counters.sample_late(iomap.cookie, iomap.start..iomap.end).await;
        inode.emit(|| What::SampledCookie(Seq::of_cookie(&inode.sb.geometry, iomap.cookie)));
    }
    iomap.stale = left;
    if iomap.stale == StaleFlag::Set {
        inode.violate(properties::LEAKED_FLAG, || "iomap_begin returned with IOMAP_F_STALE set".to_owned());
    }
    let flags = match write.fill {
        Fill::Data => IomapFlags::Write,
        Fill::Zero => IomapFlags::Zero,
        Fill::Unshare => IomapFlags::Unshare,
    };
    trace::mapped(inode, flags, &wanted, &iomap);
    let nothing_mapped = matches!(iomap.source_kind(), IomapType::Hole | IomapType::Unwritten);
    if write.fill == Fill::Zero && nothing_mapped && write.batch.as_ref().is_none_or(|batch| batch.is_empty())
    {
        return match zero::nothing_mapped(inode, write, &iomap).await {
            ControlFlow::Continue(flush) => ControlFlow::Continue(flush),
            ControlFlow::Break(write) => advance(inode, me, write, StaleFlag::Clear, Progress::Made),
        };
    }
    if write.fill == Fill::Unshare && iomap.is_private() {
        let covered = inode.sb.geometry.cells_of_blocks(&(iomap.start..iomap.end)).end;
        let skipped = write.pos..covered.min(write.end);
        unshare::report_skip(inode, &iomap, &skipped);
        write.pos = skipped.end;
        return advance(inode, me, write, StaleFlag::Clear, Progress::Made);
    }
    let from = write.pos;
    ControlFlow::Continue(WriteState::Folio(IomapIter { write, iomap, from }))
}

/// Who samples, by what it is for.
const fn sampler(fill: Fill) -> Sampler {
    match fill {
        Fill::Data => Sampler::Write,
        Fill::Zero => Sampler::Zero,
        Fill::Unshare => Sampler::Unshare,
    }
}

/// Whether the last mapping has brought a write any further.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// It has.
    Made,
    /// It has not.
    None,
}

/// `iomap_iter` after `iomap_end`: whether and how the write goes on.
fn iomap_iter<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut iter: IomapIter,
    held: Option<FolioRef>,
) -> Stepped<WriteState> {
    zero::clean_batch(inode, me, &mut iter.write);
    if let Some(FolioRef { index, id }) = held {
        inode.folio_unlocked(index, id);
        inode.page(index).release(|slot| slot.unlock_and_put(id, me));
    }
    inode.emit(|| What::Dropped(Dropped::IomapEnd));
    let progress = if iter.write.pos > iter.from { Progress::Made } else { Progress::None };
    ordered::note(inode, &mut iter);
    advance(inode, me, iter.write, iter.iomap.stale, progress)
}

/// `iomap_iter_advance`: done, given up, or on to the next mapping.
fn advance<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut write: Write,
    stale: StaleFlag,
    progress: Progress,
) -> Stepped<WriteState> {
    let design = &inode.sb.config.design;
    let ends = || design.iter_calls() == IterCalls::BeginEnd;
    if inode.sb.config.fs.write_end() != WriteEnd::Nothing {
        inode.account_call(|| ends().then_some(Expense::Called(Method::IomapEnd)));
    }
    let is_stale = stale == StaleFlag::Set;
    let stuck = progress == Progress::None;
    let at_once = || design.pass_error() == PassError::Ends || design.on_stale() == OnStale::Fail && is_stale;
    let given_up = write.failed && (stuck || at_once());
    let done = write.pos == write.end;
    let stalled = stuck && (!is_stale || design.on_stale() == OnStale::Done);
    if done && write.fill == Fill::Zero && !write.request.is_empty() {
        zeroed_up_to(inode, me);
        write.holds_invalidate_lock = false;
        write.fill = Fill::Data;
        write.pos = write.request.start;
        write.end = write.request.end;
        return ControlFlow::Continue(ordered::to_data(inode, write));
    }
    if done && write.fill == Fill::Data && write.end < write.request.end {
        // The probe has cut the pass; that of the next one finds nothing.
        glock::release(inode, me);
        return ControlFlow::Continue(WriteState::Pass(write));
    }
    if given_up || done || stalled && !write.source_missing() {
        return finish(inode, me, &write);
    }
    if write.source_missing() && inode.sb.config.fs.source_fault() == SourceFault::EndsPass {
        // The pass has returned what it wrote, or nothing; the source is brought in with no lock but i_rwsem.
        glock::release(inode, me);
        write.resident_until = None;
        inode.sb.backend.reach(branches::RETRY);
        inode.emit(|| What::SourceMissing);
        return ControlFlow::Continue(WriteState::Pass(write));
    }
    inode.sb.backend.reach(branches::RETRY);
    let left = if design.clear_stale() { StaleFlag::Clear } else { stale };
    ControlFlow::Continue(WriteState::Begin(write, left))
}

/// A write(2) beyond end of file has done with the zeros before it.
fn zeroed_up_to<B: Backend>(inode: &Inode<B>, me: ActorId) {
    if inode.sb.config.design.zero_lock() == ZeroLock::InvalidateLock {
        inode.invalidate_lock.up_write(me);
    }
}

/// The write(2) returns.
fn finish<B: Backend>(inode: &Inode<B>, me: ActorId, write: &Write) -> Stepped<WriteState> {
    if write.transaction {
        let why = || "write(2) returns with an open transaction".to_owned();
        inode.violate(properties::BROKEN_TRANSACTION, why);
    }
    let done = if write.fill == Fill::Data { write.pos } else { write.request.start };
    let full = done == write.request.end;
    // On a full device the same error is as it should be.
    let fs = &inode.sb.config.fs;
    let out_of_budget = fs.is_out_of_place() && fs.free_blocks().is_none() && !write.nowait;
    let judged = out_of_budget && fs.short_budget() == ShortBudget::Judged
        || inode.sb.config.design.on_stale() == OnStale::Fail;
    let excused = write.meant_to_fail() || write.failed && !judged;
    if !full && !excused {
        inode.violate(properties::SHORT_WRITE, || {
            let (asked, got) = (
                inode.sb.geometry.show_cells(&write.request),
                inode.sb.geometry.show_cells(&(write.request.start..done)),
            );
            format!("write(2) of {asked} returned after {got}")
        });
    }
    if done == write.request.start {
        inode.judge_size_left(write.size_before);
    }
    // The call that finds nothing more to do.
    let another = || inode.sb.config.design.iter_calls() == IterCalls::Next;
    inode.account_call(|| another().then_some(Expense::Called(Method::IomapNext)));
    fs::return_budget(inode, write.budget);
    if write.request.is_empty() {
        // Zeroing or unsharing on its own, under its caller's locks.
        return ControlFlow::Break(Written { full: write.pos == write.end });
    }
    if write.fill == Fill::Zero {
        zeroed_up_to(inode, me);
    }
    inode.oracle.end_write(&inode.sb.geometry, write.id, &write.request, done);
    glock::release(inode, me);
    match write.lock {
        IoLock::Shared => inode.i_rwsem.up_read(me),
        IoLock::Exclusive => inode.i_rwsem.up_write(me),
    }
    ControlFlow::Break(Written { full })
}
