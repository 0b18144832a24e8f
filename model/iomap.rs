//! The buffered write (actor A1): `iomap_file_buffered_write`, fs/iomap/buffered-io.c.
//!
//! A write(2) is a loop around one mapping: sample it ([`WriteState::Begin`]), use it for one folio after the
//! other with no extent lock held ([`WriteState::Folio`]), give it back ([`WriteState::End`]), and again for
//! the rest. Between two folios everything may change but what i_rwsem protects; whether the mapping is
//! looked at again once the folio is locked is what the designs differ in.
//!
//! Left out: dirty throttling, large folios of varying size, inline data, NOWAIT.

use std::ops::{ControlFlow, Range};

use crate::backend::{ActorId, Atomic, Backend, Leaf, Lock, Op, Ordering};
use crate::design::{Check, Compare, HookRelease, OnStale, PunchLock, PunchOwner, PunchRounding, Sample};
use crate::design::{ShortCopy, StaleCleanup};
use crate::event::{Bound, Branch, MappingEvent};
use crate::extent::{Extent, Iomap, IomapType};
use crate::folio::{FolioId, FolioRef, within};
use crate::fs::xfs::xfs_buffered_write_iomap_begin;
use crate::geometry::{Bytes, Cell, FileBlock};
use crate::hold;
use crate::oracle::Property;
use crate::punch::{self, PunchState};
use crate::truncate::{self, TruncateState};
use crate::value::{Value, WriteId};
use crate::world::World;

/// What a pass puts into the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fill {
    /// The user's data.
    Data,
    /// Zeros from the old end of file on, before a write or truncate beyond it (`iomap_zero_range`).
    ZeroEof,
}

/// One write(2).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Write {
    /// Which write of the scenario.
    pub id: WriteId,
    /// What it was asked to write.
    pub request: Range<Cell>,
    /// The source is not resident from here on: the copy there is short once.
    pub resident_until: Option<Cell>,
    /// The source faults for good from here on.
    pub faults_at: Option<Cell>,
    fill: Fill,
    pos: Cell,
    end: Cell,
    /// The next copy ends here at the latest: a short one was refused.
    at_most: Option<Cell>,
    /// An error ended the pass.
    failed: bool,
    /// A check was made already ([`Check::Once`]).
    checked: bool,
    /// Holds that this actor has stood at, as a set.
    held: u16,
}

impl Write {
    /// A write(2) of `request`.
    pub fn new(id: WriteId, request: Range<Cell>) -> Self {
        Write {
            id,
            pos: request.start,
            end: request.end,
            request,
            resident_until: None,
            faults_at: None,
            fill: Fill::Data,
            at_most: None,
            failed: false,
            checked: false,
            held: 0,
        }
    }

    /// The zeroing of `cells` on its own, for a truncate that extends the file.
    pub fn zero_eof(cells: Range<Cell>) -> Self {
        Write { fill: Fill::ZeroEof, request: cells.end..cells.end, ..Write::new(0, cells) }
    }
}

/// Where a write stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum WriteState {
    /// Before i_rwsem.
    Enter(Write),
    /// Before `iomap_begin`. With the STALE flag that the last mapping left behind, if the design lets it.
    Begin(Write, bool),
    /// Before the next folio, with the mapping and where it began.
    Folio(Write, Iomap, Cell),
    /// Cutting the page cache back to end of file after a stale or short copy, then on to the given state.
    Cleanup(TruncateState, Box<WriteState>),
    /// Before `iomap_end`. The folio that a mutant still holds.
    End(Write, Iomap, Cell, Option<FolioRef>),
    /// Inside `iomap_end`.
    Punch(Write, Iomap, Cell, Option<FolioRef>, PunchState),
}

/// What a write(2) returned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Written {
    /// Whether all of the request was written.
    pub full: bool,
}

/// One step of a write(2).
pub async fn step<B: Backend>(
    w: &World<B>,
    me: ActorId,
    state: WriteState,
) -> ControlFlow<Written, WriteState> {
    match state {
        WriteState::Enter(write) => ControlFlow::Continue(enter(w, me, write).await),
        WriteState::Begin(write, leaked) => begin(w, me, write, leaked).await,
        WriteState::Folio(write, iomap, from) => {
            ControlFlow::Continue(iomap_write_folio(w, me, write, iomap, from).await)
        }
        WriteState::Cleanup(inner, next) => ControlFlow::Continue(match truncate::step(w, me, inner).await {
            ControlFlow::Continue(inner) => WriteState::Cleanup(inner, next),
            ControlFlow::Break(()) => *next,
        }),
        WriteState::End(write, iomap, from, held) => match unused_reservation(w, &write, &iomap, from) {
            Some(blocks) => {
                let punch = PunchState::Enter(blocks);
                ControlFlow::Continue(WriteState::Punch(write, iomap, from, held, punch))
            }
            None => iomap_iter(w, me, write, &iomap, from, held),
        },
        WriteState::Punch(write, iomap, from, held, inner) => match punch::step(w, me, inner).await {
            ControlFlow::Continue(inner) => {
                ControlFlow::Continue(WriteState::Punch(write, iomap, from, held, inner))
            }
            ControlFlow::Break(()) => iomap_iter(w, me, write, &iomap, from, held),
        },
    }
}

/// `xfs_file_buffered_write`: i_rwsem, and zeros up to a position beyond end of file.
async fn enter<B: Backend>(w: &World<B>, me: ActorId, mut write: Write) -> WriteState {
    w.i_rwsem.down_write(Op::new("down_write i_rwsem"), me).await;
    w.oracle.begin_write(&w.geometry, write.id, &write.request);
    let size = w.i_size_peek();
    if let Some(tail) = eof_tail(w, size, write.request.start) {
        write.fill = Fill::ZeroEof;
        write.pos = tail.start;
        write.end = tail.end;
    }
    WriteState::Begin(write, false)
}

/// The cells of the block that end of file lies in the middle of, from there to `target` at most.
pub fn eof_tail<B: Backend>(w: &World<B>, size: Cell, target: Cell) -> Option<Range<Cell>> {
    if target <= size || size == 0 {
        return None;
    }
    let block_end = w.geometry.cells_of_block(w.geometry.block_of(size - 1)).end;
    (size < block_end).then(|| size..block_end.min(target))
}

/// `iomap_begin`: samples a mapping in one ILOCK section.
async fn begin<B: Backend>(
    w: &World<B>,
    me: ActorId,
    mut write: Write,
    leaked: bool,
) -> ControlFlow<Written, WriteState> {
    let block = w.geometry.block_of(write.pos);
    let limit = w.geometry.blocks_touched(&(write.pos..write.end)).end;
    let mut map = w.ilock.lock(Op::new("iomap_begin")).await;
    let sampled = match write.fill {
        Fill::Data => xfs_buffered_write_iomap_begin(w, me, &mut map, block, limit),
        // Zeroing allocates nothing.
        Fill::ZeroEof => Ok(map.map(block, w.data_seq.peek())),
    };
    drop(map);
    w.oracle.sampled(me);
    let Ok(mut iomap) = sampled else {
        w.say(|| "ENOSPC".to_owned());
        write.failed = true;
        return finish(w, me, &write);
    };
    if w.config.design.sample == Sample::Outside {
        iomap.cookie = w.data_seq.load(Op::new("sample_cookie"), Ordering::Relaxed).await;
    }
    iomap.stale = leaked;
    if iomap.stale {
        w.backend.violate(Property::LeakedFlag, || "iomap_begin returned with IOMAP_F_STALE set".to_owned());
    }
    w.tell(MappingEvent::Sampled, || w.show_iomap(&iomap));
    if write.fill == Fill::ZeroEof && matches!(iomap.kind, IomapType::Hole | IomapType::Unwritten) {
        // Up to 6.11: "already zero", whatever the page cache has.
        let covered = w.geometry.cells_of_blocks(&(iomap.start..iomap.end)).end;
        write.pos = covered.min(write.end);
        return advance(w, me, write, false, true);
    }
    let from = write.pos;
    ControlFlow::Continue(WriteState::Folio(write, iomap, from))
}

/// One pass of `iomap_write_iter` with `iomap_write_begin` and `iomap_write_end`: one folio.
async fn iomap_write_folio<B: Backend>(
    w: &World<B>,
    me: ActorId,
    mut write: Write,
    mut iomap: Iomap,
    from: Cell,
) -> WriteState {
    let design = &w.config.design;
    // Step 4.1: fault in the source, before any folio is locked.
    if write.faults_at.is_some_and(|at| write.pos >= at) {
        w.say(|| "EFAULT".to_owned());
        write.failed = true;
        return WriteState::End(write, iomap, from, None);
    }
    if write.resident_until.is_some_and(|until| write.pos >= until) {
        write.resident_until = None;
    }
    let index = w.geometry.folio_of(write.pos);
    for (number, hold) in w.config.holds.iter().enumerate() {
        let here = w.config_actor(me) == Some(hold.actor)
            && w.geometry.folio_of(w.geometry.cell_at(hold.at)) == index;
        if here && write.held & (1 << number) == 0 {
            write.held |= 1 << number;
            hold::stand_still(w, number, w.never_held()).await;
        }
    }
    if design.check == Check::BeforeLock && !iomap_valid(w, &iomap, write.pos).await {
        return stale(w, me, write, iomap, from, None);
    }

    // Step 4.2 and 4.3: look the folio up, or add one; lock it; see that it is still there.
    let folio_cells = w.geometry.cells_of_folio(index);
    let page = w.page(index);
    let target = u32::from(index);
    let mut slot = page.lock(Op::on("filemap_get_folio", target)).await;
    let (id, added) = match slot.current().map(|(id, _)| id) {
        Some(id) => {
            slot.folio_mut(id).refs |= 1 << me;
            (id, false)
        }
        None => (slot.insert_locked(me, w.geometry.blocks_per_folio(), folio_cells.len()), true),
    };
    if added {
        w.say(|| "new folio".to_owned());
    } else {
        drop(slot);
        slot = page
            .lock_when(
                Op::on("folio_lock", target),
                |slot, id| slot.is_unlocked(id as FolioId),
                u64::from(id),
            )
            .await;
        slot.folio_mut(id).locked = Some(me);
    }
    let Some(folio) = slot.folio(id).filter(|folio| folio.in_cache) else {
        w.say(|| format!("folio {index} has left the cache: look up again"));
        slot.unlock_and_put(id, me);
        return WriteState::Folio(write, iomap, from);
    };
    let mapped_end = w.geometry.cells_of_blocks(&(iomap.start..iomap.end)).end;
    let stop = folio_cells.end.min(write.end).min(mapped_end).min(write.at_most.unwrap_or(Cell::MAX));
    let touched = w.geometry.blocks_touched(&(write.pos..stop));
    // Under the folio lock nobody else makes blocks valid or invalid.
    let invalid: Vec<FileBlock> =
        touched.clone().filter(|block| !folio.block_uptodate(w.block_in_folio(*block))).collect();
    drop(slot);
    let held = FolioRef { index, id };

    // Step 4.4: the check.
    let check_now = match design.check {
        Check::AfterLock | Check::InGetFolio => true,
        Check::Once => !write.checked,
        Check::Never | Check::BeforeLock | Check::AfterPrepare => false,
    };
    write.checked = true;
    if check_now && !iomap_valid(w, &iomap, write.pos).await {
        return stale(w, me, write, iomap, from, Some(held));
    }
    if iomap.stale {
        return stale(w, me, write, iomap, from, Some(held));
    }
    if iomap.kind == IomapType::Hole {
        debug_assert_eq!(write.fill, Fill::ZeroEof, "a write's mapping is never a hole");
    }

    // Step 4.5: blocks that are not valid and not wholly overwritten are zeroed or read.
    let partial = |block: &FileBlock| {
        let cells = w.geometry.cells_of_block(*block);
        cells.start < write.pos || cells.end > stop
    };
    let size = w.i_size_peek();
    let must_zero = |block: &FileBlock| {
        iomap.kind != IomapType::Mapped || iomap.new || w.geometry.cells_of_block(*block).start >= size
    };
    let (to_zero, to_read): (Vec<_>, Vec<_>) = invalid.iter().copied().filter(partial).partition(must_zero);
    if !to_read.is_empty() {
        let mut slot = page.lock(Op::on("iomap_read_folio_sync", target)).await;
        audit_use(w, &iomap, &to_read, check_now);
        let folio = slot.locked_mut(id, me);
        for block in &to_read {
            read_block(w, &iomap, *block, &mut folio.cells);
            folio.set_uptodate(w.block_in_folio(*block)..w.block_in_folio(*block) + 1);
            w.say(|| format!("read {} from disk", w.geometry.show_blocks(&(*block..*block + 1))));
        }
        w.backend.reach(Branch::ReadFill);
    }
    if design.check == Check::AfterPrepare {
        if !to_zero.is_empty() {
            let mut slot = page.lock(Op::on("zero_blocks", target)).await;
            zero_blocks(w, &iomap, &to_zero, &(write.pos..stop), check_now, slot.locked_mut(id, me));
        }
        if !iomap_valid(w, &iomap, write.pos).await {
            return stale(w, me, write, iomap, from, Some(held));
        }
    }

    // Steps 4.5 to 4.9 under the folio lock, with nothing in between that others could tell apart.
    let mut slot = page.lock(Op::on("copy", target)).await;
    let folio = slot.locked_mut(id, me);
    if design.check != Check::AfterPrepare && !to_zero.is_empty() {
        zero_blocks(w, &iomap, &to_zero, &(write.pos..stop), check_now, folio);
    }
    let source_end = [write.resident_until, write.faults_at].into_iter().flatten().min().unwrap_or(Cell::MAX);
    let copied_to = stop.min(source_end);
    let short = copied_to < stop;
    let accepted = !short || folio.uptodate || design.short_copy == ShortCopy::Accept;
    if short {
        w.backend.reach(Branch::ShortCopy);
    }
    let mut done = write.pos;
    if accepted {
        done = copied_to;
        let value = if write.fill == Fill::Data { Value::written(write.id) } else { Value::ZERO };
        folio.cells[within(&folio_cells, &(write.pos..done))].fill(value);
        let in_folio = |blocks: Range<FileBlock>| {
            let first = w.geometry.blocks_of_folio(index).start;
            blocks.start - first..blocks.end - first
        };
        folio.set_uptodate(in_folio(touched.clone()));
        folio.set_dirty(in_folio(w.geometry.blocks_touched(&(write.pos..done))));
        if write.fill == Fill::Data && done > size {
            // Data before size: whoever sees the size finds the data. Both are done under the folio lock
            // and i_rwsem, and no reader can tell one transition from two (the data below the new size is
            // not read without the size).
            w.i_size.publish(u64::from(done), Ordering::Release);
            w.say(|| format!("i_size = {}", Bytes(w.geometry.byte_at(done))));
        }
    }
    w.say(|| {
        let what = if write.fill == Fill::Data { "copy" } else { "zero" };
        let cells = w.geometry.show_cells(&(write.pos..done));
        if short { format!("{what} {cells}, short") } else { format!("{what} {cells}") }
    });
    let released = slot.locked_mut(id, me);
    debug_assert!(released.in_cache);
    w.audit_folio(index, &slot);
    slot.unlock_and_put(id, me);
    drop(slot);
    w.audit_backing(w.geometry.blocks_of_folio(index));

    let refused = write.pos..stop;
    write.at_most = (short && !accepted).then_some(copied_to);
    write.pos = done;
    iomap.stale = false;
    let next = if write.pos == write.end || write.pos == mapped_end {
        WriteState::End(write, iomap, from, None)
    } else {
        WriteState::Folio(write, iomap, from)
    };
    // iomap_write_end -> iomap_write_failed: what was not written is cut off beyond end of file.
    if short { cut_beyond_eof(w, done..refused.end, next) } else { next }
}

/// `->iomap_valid`, or the same test inside `->get_folio`.
async fn iomap_valid<B: Backend>(w: &World<B>, iomap: &Iomap, pos: Cell) -> bool {
    let op = Op::new("iomap_valid");
    let valid = match w.config.design.compare {
        Compare::Counter => w.data_seq.load(op, Ordering::Relaxed).await == iomap.cookie,
        Compare::Type => {
            let block = w.geometry.block_of(pos);
            let map = w.ilock.lock(op).await;
            iomap.agrees_with(block, map.get(block))
        }
    };
    if valid {
        w.say(|| "still valid".to_owned());
    }
    valid
}

/// A mapping was found stale: the folio is released, and what follows is the design's.
fn stale<B: Backend>(
    w: &World<B>,
    me: ActorId,
    mut write: Write,
    mut iomap: Iomap,
    from: Cell,
    folio: Option<FolioRef>,
) -> WriteState {
    let design = &w.config.design;
    let block = w.geometry.block_of(write.pos);
    w.backend.reach(Branch::Stale);
    w.tell(MappingEvent::Dropped, || {
        format!("stale: sampled at seq {}, now {}", iomap.cookie, w.data_seq.peek())
    });
    // P-AMP: needless if a fresh mapping would say the same for all that this one was still to be used for.
    let rest = block..w.geometry.blocks_touched(&(0..write.end)).end.min(iomap.end);
    w.ilock.audit(|map| {
        let needless = rest.clone().all(|block| !iomap.misleads(block, map.get(block)));
        w.oracle.stale(me, needless);
    });
    if let Some(bound) = w.config.retries
        && u32::from(w.oracle.stale_count(me)) > bound
    {
        w.backend.cut(Bound::Retries);
    }
    iomap.stale = true;
    let mut kept = None;
    if let Some(FolioRef { index, id }) = folio {
        let page = w.page(index);
        if design.punch_lock == PunchLock::UnderFolioLock
            && unused_reservation(w, &write, &iomap, from).is_some()
        {
            kept = folio;
        } else {
            page.release(|slot| match design.hook_release {
                HookRelease::Core | HookRelease::PutFolio | HookRelease::Fs => slot.unlock_and_put(id, me),
                HookRelease::ForgetUnlock => slot.put(id, me),
                HookRelease::ForgetPut => slot.locked_mut(id, me).locked = None,
            });
            page.audit(|slot| {
                if slot.folio(id).is_some_and(|folio| folio.locked == Some(me) || folio.refs & (1 << me) != 0)
                {
                    w.backend.violate(Property::LeakedLock, || {
                        format!("folio {index} stays locked or referenced")
                    });
                }
            });
        }
    }
    if design.on_stale == OnStale::KeepMapping {
        iomap.stale = false;
        iomap.cookie = w.data_seq.peek();
        return WriteState::Folio(write, iomap, from);
    }
    if design.on_stale == OnStale::Fail {
        write.failed = true;
    }
    let wanted = write.pos..write.end.min(w.geometry.cells_of_folio(w.geometry.folio_of(write.pos)).end);
    let next = WriteState::End(write, iomap, from, kept);
    match design.stale_cleanup {
        StaleCleanup::TruncateBeyondEof => cut_beyond_eof(w, wanted, next),
        StaleCleanup::Nothing => next,
    }
}

/// `iomap_write_failed`: cuts the page cache of `cells` beyond end of file.
fn cut_beyond_eof<B: Backend>(w: &World<B>, cells: Range<Cell>, next: WriteState) -> WriteState {
    let size = w.i_size_peek();
    if cells.end <= size {
        return next;
    }
    let cells = cells.start.max(size)..cells.end;
    WriteState::Cleanup(TruncateState::new(w, cells), Box::new(next))
}

/// The blocks whose reservation `iomap_end` has to free: those of a NEW delayed allocation behind what was
/// written. The block partly written keeps its reservation: its folio is dirty.
fn unused_reservation<B: Backend>(
    w: &World<B>,
    write: &Write,
    iomap: &Iomap,
    from: Cell,
) -> Option<Range<FileBlock>> {
    let design = &w.config.design;
    let mapped_end = w.geometry.cells_of_blocks(&(iomap.start..iomap.end)).end;
    let end = write.end.min(mapped_end);
    let owned = iomap.new || design.punch_owner == PunchOwner::Any;
    if iomap.kind != IomapType::Delalloc || !owned || write.pos >= end || write.fill == Fill::ZeroEof {
        return None;
    }
    let first = if write.pos == from {
        w.geometry.block_of(write.pos)
    } else if design.punch_rounding == PunchRounding::Outward {
        w.geometry.block_of(write.pos - 1)
    } else {
        w.geometry.blocks_touched(&(0..write.pos)).end
    };
    let blocks = first..w.geometry.blocks_touched(&(0..end)).end;
    (!blocks.is_empty()).then_some(blocks)
}

/// `iomap_iter` after `iomap_end`: whether and how the write goes on.
fn iomap_iter<B: Backend>(
    w: &World<B>,
    me: ActorId,
    write: Write,
    iomap: &Iomap,
    from: Cell,
    held: Option<FolioRef>,
) -> ControlFlow<Written, WriteState> {
    if let Some(FolioRef { index, id }) = held {
        w.page(index).release(|slot| slot.unlock_and_put(id, me));
    }
    w.tell(MappingEvent::Dropped, || "iomap_end".to_owned());
    let progress = write.pos > from;
    advance(w, me, write, iomap.stale, progress)
}

fn advance<B: Backend>(
    w: &World<B>,
    me: ActorId,
    mut write: Write,
    stale: bool,
    progress: bool,
) -> ControlFlow<Written, WriteState> {
    let design = &w.config.design;
    let given_up = write.failed && (!progress || design.on_stale == OnStale::Fail && stale);
    let done = write.pos == write.end;
    let stalled = !progress && (!stale || design.on_stale == OnStale::Done);
    if done && write.fill == Fill::ZeroEof && !write.request.is_empty() {
        write.fill = Fill::Data;
        write.pos = write.request.start;
        write.end = write.request.end;
        return ControlFlow::Continue(WriteState::Begin(write, false));
    }
    if given_up || done || stalled {
        return finish(w, me, &write);
    }
    w.backend.reach(Branch::Retry);
    // A failure with progress is only returned by the next pass, which makes none.
    ControlFlow::Continue(WriteState::Begin(write, stale && !design.clear_stale))
}

/// The write(2) returns.
fn finish<B: Backend>(w: &World<B>, me: ActorId, write: &Write) -> ControlFlow<Written, WriteState> {
    let done = if write.fill == Fill::Data { write.pos } else { write.request.start };
    let full = done == write.request.end;
    let excused = write.faults_at.is_some() || write.failed && w.config.design.on_stale != OnStale::Fail;
    if !full && !excused {
        w.backend.violate(Property::ShortWrite, || {
            let (asked, got) =
                (w.geometry.show_cells(&write.request), w.geometry.show_cells(&(write.request.start..done)));
            format!("write(2) of {asked} returned after {got}")
        });
    }
    if !write.request.is_empty() {
        w.oracle.end_write(&w.geometry, write.id, &write.request, done);
        w.i_rwsem.up_write(me);
    }
    ControlFlow::Break(Written { full })
}

/// Zeroes what the write does not cover of blocks that are not valid (`iomap_block_needs_zeroing`).
fn zero_blocks<B: Backend>(
    w: &World<B>,
    iomap: &Iomap,
    blocks: &[FileBlock],
    covered: &Range<Cell>,
    checked: bool,
    folio: &mut crate::folio::Folio,
) {
    audit_use(w, iomap, blocks, checked);
    for block in blocks {
        let cells = w.geometry.cells_of_block(*block);
        let first = w.geometry.cells_of_folio(*block / w.geometry.blocks_per_folio()).start;
        for cell in cells.clone().filter(|cell| !covered.contains(cell)) {
            folio.cells[usize::from(cell - first)] = Value::ZERO;
        }
        let around = [cells.start..covered.start.min(cells.end), covered.end.max(cells.start)..cells.end];
        for part in around.iter().filter(|part| !part.is_empty()) {
            w.say(|| format!("zero {} in memory", w.geometry.show_cells(part)));
        }
        let n = w.block_in_folio(*block);
        folio.set_uptodate(n..n + 1);
        w.ilock.audit(|map| {
            if let Extent::Written(phys) = map.get(*block) {
                w.disk[usize::from(phys)].audit(|on_disk| {
                    for (at, cell) in cells.clone().enumerate().filter(|(_, cell)| !covered.contains(cell)) {
                        w.oracle.zeroing(&w.geometry, cell, crate::world::contents(on_disk, phys, at));
                    }
                });
            }
        });
    }
    w.backend.reach(Branch::ZeroFill);
}

/// Reads a block from where the mapping says into the folio's cells.
pub fn read_block<B: Backend>(w: &World<B>, iomap: &Iomap, block: FileBlock, cells: &mut [Value]) {
    let Some(phys) = iomap.addr_of(block) else { return };
    for (at, cell) in w.cells_in_folio(block).enumerate() {
        cells[cell] = w.read_disk(phys, at);
    }
}

/// The mapping is used to fill blocks: says so to who watches, and judges a check that had passed it.
fn audit_use<B: Backend>(w: &World<B>, iomap: &Iomap, blocks: &[FileBlock], checked: bool) {
    w.ilock.audit(|map| {
        let misled = blocks.iter().find(|block| iomap.misleads(**block, map.get(**block)));
        let event = if misled.is_some() { MappingEvent::Misused } else { MappingEvent::Used };
        w.tell(event, || {
            let show = |block: &FileBlock| w.geometry.show_blocks(&(*block..*block + 1));
            let at = blocks.iter().map(show).collect::<Vec<_>>().join(", ");
            match misled {
                Some(block) => {
                    let now = map.get(*block).letter();
                    format!("mapping says {} at {at}, the extent is {now}", iomap.kind)
                }
                None => format!("mapping says {} at {at}", iomap.kind),
            }
        });
        if let Some(block) = misled {
            w.backend.reach(Branch::StaleUse);
            if checked {
                w.backend.violate(Property::UnsoundCookie, || {
                    let now = map.get(*block).letter();
                    format!("the check passed a mapping that says {} where the extent is {now}", iomap.kind)
                });
            }
        }
    });
}
