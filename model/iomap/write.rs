//! One folio of a buffered write: `iomap_write_begin`, the copy, `iomap_write_end` (fs/iomap/buffered-io.c).
//!
//! Here the cached mapping is used: it decides whether the part of a block that the write does not cover is
//! zeroed in memory or read from disk. And here the designs check it, or do not. How the folio is got is in `get_folio.rs`.

use std::ops::Range;

use stalemap_facade::{ActorId, Atomic, Backend, Leaf, Lock, Op};

use crate::fs::{self, stuffed, valid_size};
use crate::iomap::get_folio::{Lookup, NoFolio, filemap_alloc_folio, iomap_get_folio, lock_found};
use crate::iomap::jdata;
use crate::iomap::valid::iomap_valid;
use crate::iomap::write_state::{
    Checked, FolioState, IomapIter, Locked, Write, WriteState, unused_reservation,
};
use crate::judge::properties;
use crate::state::device::contents;
use crate::state::event::{
    AfterStale, DataEvent, Errno, Expense, Fill, LookedUp, Method, Needless, Says, Seq, Truth, Use, Verdict,
    What,
};
use crate::state::folio::{Folio, FolioRef};
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType, StaleFlag};
use crate::state::owed::Debt;
use crate::state::private::Taken;
use crate::state::sync::IoLock;
use crate::state::{directed_run, trace};
use crate::truncate::{TruncateState, pagecache_isize_extended};
use crate::words::config::MixedIo;
use crate::words::design::{
    BeginCut, Check, ExtendedEof, FailedCut, HookRelease, OnStale, PageDone, PunchLock, ShortCopy,
    StaleCleanup, UnshareRead, ZeroedUptodate,
};
use crate::words::extent::Extent;
use crate::words::geometry::{Cell, FileBlock, FolioIndex, within};
use crate::words::ordering::Link;
use crate::words::personality::{Hooks, SizeLog, SourceFault};
use crate::words::value::Value;
use crate::words::{bounds, branches};
use crate::writeback::io::wait_stable;

/// `iomap_write_begin` fails: the write ends with what it has done so far, and of what it was about to write is cut off
/// beyond end of file what the design says. The folio, if it had one, is unlocked by now.
fn begin_failed<B: Backend>(
    inode: &Inode<B>,
    iter: IomapIter,
    error: Errno,
    folio: Option<FolioIndex>,
) -> WriteState {
    let rest = iter.write.pos..iter.write.end.min(iter.mapped_end(inode));
    let cut = match (inode.sb.config.design.begin_cut, folio) {
        (BeginCut::WithFolio, Some(index)) => {
            Some(rest.start..rest.end.min(inode.sb.geometry.cells_of_folio(index).end))
        }
        (BeginCut::Always, _) if iter.write.fill == Fill::Data => Some(rest),
        _ => None,
    };
    let next = fail(inode, iter, error);
    match cut {
        Some(cells) => cut_beyond_eof(inode, cells, next),
        None => next,
    }
}

/// The write ends with what it has done so far.
fn fail<B: Backend>(inode: &Inode<B>, mut iter: IomapIter, error: Errno) -> WriteState {
    inode.emit(|| What::Failed(error));
    iter.write.failed = true;
    WriteState::End(iter, None)
}

/// One pass of `iomap_write_iter`, up to its folio.
pub(crate) async fn iomap_write_iter<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut iter: IomapIter,
) -> WriteState {
    let check = fs::check(&inode.sb.config, iter.write.fill);
    // The source is faulted in before any folio is locked.
    if iter.write.faults_at.is_some_and(|at| iter.write.pos >= at) {
        return fail(inode, iter, Errno::Fault);
    }
    if iter.write.source_missing() {
        if inode.sb.config.fs.source_fault == SourceFault::EndsPass {
            return WriteState::End(iter, None);
        }
        iter.write.resident_until = None;
    }
    stand_still(inode, me, &mut iter.write).await;
    if check == Check::BeforeLock && !still_valid(inode, &iter).await {
        return stale(inode, me, iter, None);
    }

    // `iomap_write_begin` looks for a fatal signal first.
    if iter.write.killed_at.is_some_and(|folio| inode.sb.geometry.folio_of(iter.write.pos) >= folio) {
        return begin_failed(inode, iter, Errno::Interrupted, None);
    }
    // A transaction is begun before any folio is locked.
    if fs::has_folio_hooks(inode, &iter.iomap) {
        jdata::page_prepare(inode, me, &mut iter.write).await;
    }
    WriteState::InFolio(iter, FolioState::Get)
}

/// The rest of the pass, with one folio. What has shown it the page cache or a counter ends a step: the next state holds what is
/// made of that, and nothing else.
pub(crate) async fn in_folio<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut iter: IomapIter,
    state: FolioState,
) -> WriteState {
    match state {
        FolioState::Get => {
            let lookup = iomap_get_folio(inode, me, &mut iter).await;
            looked_up(inode, me, iter, lookup)
        }
        FolioState::Alloc => {
            let lookup = filemap_alloc_folio(inode, me, &iter).await;
            looked_up(inode, me, iter, lookup)
        }
        FolioState::Lock(folio) => {
            let lookup = lock_found(inode, me, &iter, folio).await;
            looked_up(inode, me, iter, lookup)
        }
        FolioState::Stable(locked) => {
            wait_stable(inode, locked.folio.index).await;
            WriteState::InFolio(iter, FolioState::Compare(locked))
        }
        FolioState::Compare(locked) => compare(inode, me, iter, locked).await,
        FolioState::Inline(locked) => {
            write_begin_inline(inode, me, &iter.iomap, &locked).await;
            WriteState::InFolio(iter, FolioState::Read(locked))
        }
        FolioState::Read(locked) => read(inode, me, iter, locked).await,
        FolioState::Zero(locked, to_zero) => zero(inode, me, iter, locked, to_zero).await,
        FolioState::Zeroed(locked) => zeroed(inode, me, iter, locked).await,
        FolioState::Copy(locked, to_zero) => copy(inode, me, iter, &locked, &to_zero).await,
    }
}

/// The mapping is compared with the folio locked, if that is where the design does it.
async fn compare<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut iter: IomapIter,
    mut locked: Locked,
) -> WriteState {
    let check = fs::check(&inode.sb.config, iter.write.fill);
    locked.checked = checks_under_folio_lock(check, &iter.write);
    iter.write.checked = Checked::Already;
    let flagged = iter.iomap.stale == StaleFlag::Set;
    if flagged || locked.checked == Checked::Already && !still_valid(inode, &iter).await {
        return stale(inode, me, iter, Some(locked.folio));
    }
    debug_assert!(
        iter.iomap.kind != IomapType::Hole || iter.write.fill != Fill::Data,
        "a write's mapping is no hole"
    );
    let inline = iter.iomap.kind == IomapType::Inline;
    let next = if inline { FolioState::Inline(locked) } else { FolioState::Read(locked) };
    WriteState::InFolio(iter, next)
}

/// Blocks that are not valid and not wholly overwritten are read, or zeroed with the copy.
async fn read<B: Backend>(inode: &Inode<B>, me: ActorId, mut iter: IomapIter, locked: Locked) -> WriteState {
    let (to_zero, to_read) = sort_blocks(inode, iter.write.fill, &iter.iomap, &locked);
    if let Err(error) = read_blocks(inode, me, &iter, &locked, &to_read).await {
        let FolioRef { index, id } = locked.folio;
        jdata::page_done_on_error(inode, me, &mut iter.write, locked.folio);
        inode.folio_unlocked(index, id);
        inode.page(index).release(|slot| slot.unlock_and_put(id, me));
        return begin_failed(inode, iter, error, Some(index));
    }
    WriteState::InFolio(iter, FolioState::Zero(locked, to_zero))
}

/// The zeroing is an operation of its own where others can see the folio before the copy.
async fn zero<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    iter: IomapIter,
    locked: Locked,
    to_zero: Vec<FileBlock>,
) -> WriteState {
    let check = fs::check(&inode.sb.config, iter.write.fill);
    if check != Check::AfterPrepare && (to_zero.is_empty() || zeroed_unseen(inode, &iter.write)) {
        return WriteState::InFolio(iter, FolioState::Copy(locked, to_zero));
    }
    if !to_zero.is_empty() {
        let FolioRef { index, id } = locked.folio;
        let mut slot = inode.page(index).lock(Op::on("zero_blocks", u32::from(index))).await;
        zero_blocks(inode, &iter.iomap, &to_zero, &locked, slot.locked_mut(id, me));
    }
    WriteState::InFolio(iter, FolioState::Zeroed(locked))
}

/// A mutant compares the mapping now.
async fn zeroed<B: Backend>(inode: &Inode<B>, me: ActorId, iter: IomapIter, locked: Locked) -> WriteState {
    let check = fs::check(&inode.sb.config, iter.write.fill);
    if check == Check::AfterPrepare && !still_valid(inode, &iter).await {
        half_filled(inode, locked.folio);
        return stale(inode, me, iter, Some(locked.folio));
    }
    WriteState::InFolio(iter, FolioState::Copy(locked, Vec::new()))
}

/// On to the folio's lock, or to what is done under it; or no folio was to be had: the pass fails, or looks again.
fn looked_up<B: Backend>(inode: &Inode<B>, me: ActorId, iter: IomapIter, lookup: Lookup) -> WriteState {
    match lookup {
        Lookup::Found(folio) => WriteState::InFolio(iter, FolioState::Lock(folio)),
        Lookup::Locked(locked) => {
            inode.account(Expense::LockedFolio);
            WriteState::InFolio(iter, FolioState::Stable(locked))
        }
        Lookup::Absent => WriteState::InFolio(iter, FolioState::Alloc),
        Lookup::None(none) => not_locked(inode, me, iter, none),
    }
}

/// No folio was to be had: the pass fails, or looks again.
fn not_locked<B: Backend>(inode: &Inode<B>, me: ActorId, mut iter: IomapIter, none: NoFolio) -> WriteState {
    if iter.write.transaction {
        jdata::no_folio(inode, me, &mut iter.write);
    }
    match none {
        NoFolio::Busy => begin_failed(inode, iter, Errno::Again, None),
        NoFolio::NoMemory => begin_failed(inode, iter, Errno::NoMemory, None),
        NoFolio::BatchGone => {
            iter.iomap.stale = StaleFlag::Set;
            WriteState::End(iter, None)
        }
        NoFolio::Gone => WriteState::Folio(iter),
    }
}

/// Whether the design checks the mapping as soon as the folio is locked.
fn checks_under_folio_lock(check: Check, write: &Write) -> Checked {
    match check {
        Check::AfterLock | Check::InGetFolio => Checked::Already,
        Check::Once if write.checked == Checked::NotYet => Checked::Already,
        Check::Once | Check::Never | Check::BeforeLock | Check::AfterPrepare => Checked::NotYet,
    }
}

/// Directed runs: stands still before the folios that they name, once each.
async fn stand_still<B: Backend>(inode: &Inode<B>, me: ActorId, write: &mut Write) {
    let index = inode.sb.geometry.folio_of(write.pos);
    for (number, hold) in inode.sb.config.holds.iter().enumerate() {
        let here = inode.sb.config_actor(me) == Some(hold.actor)
            && inode.sb.geometry.folio_of(inode.sb.geometry.cell_at(hold.at)) == index;
        if here && write.held & (1 << number) == 0 {
            write.held |= 1 << number;
            directed_run::stand_still(&inode.sb, number, inode.sb.never_held()).await;
        }
    }
}

/// The blocks that are to be filled: those to zero, and those that the mapping says have data, to read.
fn sort_blocks<B: Backend>(
    inode: &Inode<B>,
    fill: Fill,
    iomap: &Iomap,
    locked: &Locked,
) -> (Vec<FileBlock>, Vec<FileBlock>) {
    // What is unshared is read even where it is covered: nobody brings new contents.
    let unshare = fill == Fill::Unshare && inode.sb.config.design.unshare_read == UnshareRead::Always;
    let partial = |block: &FileBlock| {
        let cells = inode.sb.geometry.cells_of_block(*block);
        unshare || cells.start < locked.covered.start || cells.end > locked.covered.end
    };
    let size = inode.i_size_peek();
    let must_zero = |block: &FileBlock| {
        !iomap.is_to_be_read()
            || iomap.valid.is_some_and(|valid| inode.sb.geometry.cells_of_block(*block).start >= valid)
            || inode.sb.geometry.cells_of_block(*block).start >= size
    };
    let partly = locked.invalid.iter().copied().filter(partial);
    // What lies in the inode is in the folio by now.
    partly.filter(|_| iomap.kind != IomapType::Inline).partition(must_zero)
}

/// `iomap_write_begin_inline`: fills the folio from the inode, however much the write covers.
async fn write_begin_inline<B: Backend>(inode: &Inode<B>, me: ActorId, iomap: &Iomap, locked: &Locked) {
    if locked.invalid.is_empty() {
        return;
    }
    let FolioRef { index, id } = locked.folio;
    let mut slot = inode.page(index).lock(Op::on("iomap_read_inline_data", u32::from(index))).await;
    audit_use(inode, iomap, &locked.invalid, locked);
    stuffed::read_inline_data(inode, slot.locked_mut(id, me));
    inode.sb.backend.reach(branches::READ_FILL);
}

/// Reads blocks, if the write may wait for them and the device gives them.
async fn read_blocks<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    iter: &IomapIter,
    locked: &Locked,
    to_read: &[FileBlock],
) -> Result<(), Errno> {
    if to_read.is_empty() {
        return Ok(());
    }
    if iter.write.nowait {
        return Err(Errno::Again);
    }
    if inode.sb.may_fail(me) && inode.sb.backend.choose(Op::new("bio_status"), 2).await == 1 {
        inode.sb.backend.reach(branches::IO_ERROR);
        return Err(Errno::Io);
    }
    let FolioRef { index, id } = locked.folio;
    let mut slot = inode.page(index).lock(Op::on("iomap_read_folio_sync", u32::from(index))).await;
    audit_use(inode, &iter.iomap, to_read, locked);
    let folio = slot.locked_mut(id, me);
    for block in to_read {
        read_block(inode, &iter.iomap, *block, &mut folio.cells);
        let n = inode.sb.block_in_folio(*block);
        folio.set_uptodate(n..n + 1);
        inode.emit(|| {
            What::Data(DataEvent::BlockRead(inode.sb.geometry.bytes_of_blocks(&(*block..*block + 1))))
        });
    }
    inode.sb.backend.reach(branches::READ_FILL);
    Ok(())
}

/// Whether nobody can look at a block between its zeroing and the copy: nobody reads, or it is not valid yet.
fn zeroed_unseen<B: Backend>(inode: &Inode<B>, write: &Write) -> bool {
    let unread = inode.sb.config.fs.read_takes_i_rwsem && write.lock == IoLock::Exclusive;
    unread || fs::zeroed_uptodate(inode) == ZeroedUptodate::AfterCopy
}

/// Zeroing, the copy, `iomap_write_end`, the size, and the release of the folio. Others
/// cannot tell it from one step: page-table entries exist only for folios that are valid already, and reads
/// are excluded by i_rwsem. Where a personality lets them pass, the zeroing was a step of its own if it makes the
/// block valid: a reader may come by before the copy.
async fn copy<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut iter: IomapIter,
    locked: &Locked,
    to_zero: &[FileBlock],
) -> WriteState {
    let write = &mut iter.write;
    let FolioRef { index, id } = locked.folio;
    let stop = locked.covered.end;
    let size = inode.i_size_peek();
    let source_end = [write.resident_until, write.faults_at].into_iter().flatten().min().unwrap_or(Cell::MAX);
    let mut copied_to = stop.min(source_end);
    copied_to -= missing(inode, me, write, index, copied_to.saturating_sub(write.pos)).await;
    let mut slot = inode.page(index).lock(Op::on("copy", u32::from(index))).await;
    let folio = slot.locked_mut(id, me);
    if !to_zero.is_empty() {
        zero_blocks(inode, &iter.iomap, to_zero, locked, folio);
    }
    attach_buffers(inode, &iter.iomap, folio);
    let short = copied_to < stop;
    let accepted = !short || folio.uptodate || inode.sb.config.design.short_copy == ShortCopy::Accept;
    if short {
        inode.sb.backend.reach(branches::SHORT_COPY);
    }
    let done = if accepted { copied_to } else { write.pos };
    let cut = short && (done == write.pos || inode.sb.config.design.failed_cut == FailedCut::Always);
    // Also if nothing was copied behind end of file: up to where it was to be copied.
    let raises = done > size && raises_size(inode, write.fill);
    if raises && locked.invalid.is_empty() {
        outdate(inode, folio, index, size.max(write.pos)..done);
    }
    if accepted {
        put(inode, folio, write, &iter.iomap, locked, done);
    }
    if raises {
        i_size_write(inode, write, size..done);
    }
    inode.emit(|| {
        let bytes = inode.sb.geometry.bytes_of_cells(&(write.pos..done));
        What::Data(DataEvent::Copied { fill: write.fill, bytes, short })
    });
    inode.audit_folio(index, &slot);
    let mut grown = (raises && write.pos > size).then_some(size..write.pos);
    if write.transaction {
        let first = inode.sb.config.design.extended_eof == ExtendedEof::BeforeHook
            && inode.sb.config.design.page_done == PageDone::AfterUnlock;
        let early = grown.take_if(|_| first);
        jdata::page_done(inode, me, write, locked.folio, slot, done, early).await;
    } else {
        drop(slot);
        unlock_written(inode, me, locked.folio, &(write.pos..done)).await;
    }
    if raises && inode.sb.config.fs.size_log == SizeLog::Write {
        let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names.setfilesize)).await;
        map.raise_logged_size(done);
    }
    if let Some(grown) = grown {
        pagecache_isize_extended(inode, grown.start, grown.end).await;
    }
    inode.audit_backing(inode.sb.geometry.blocks_of_folio(index));

    write.at_most = (short && !accepted).then_some(copied_to);
    write.pos = done;
    // What lies before its position is the file's by now, whatever the valid size was.
    iter.iomap.valid = iter.iomap.valid.map(|valid| valid.max(done));
    iter.iomap.stale = StaleFlag::Clear;
    let next = next_folio(inode, iter);
    // `iomap_write_failed`: what was not written is cut off beyond end of file.
    if cut { cut_beyond_eof(inode, done..stop, next) } else { next }
}

/// The folio is unlocked, once the valid size has moved over what was put there, where that is done first.
async fn unlock_written<B: Backend>(inode: &Inode<B>, me: ActorId, folio: FolioRef, written: &Range<Cell>) {
    let FolioRef { index, id } = folio;
    if valid_size::moves_locked(inode) {
        valid_size::advance(inode, written).await;
    }
    inode.folio_unlocked(index, id);
    inode.page(index).release(|slot| {
        slot.unlock_dirtied(id, me);
        slot.put(id, me);
    });
}

/// Whether the mapping has more to be used for. What lies behind the last folio of a batch is clean.
fn next_folio<B: Backend>(inode: &Inode<B>, mut iter: IomapIter) -> WriteState {
    let mapped = iter.write.end.min(iter.mapped_end(inode));
    if iter.write.batch.as_ref().is_some_and(|batch| batch.is_empty()) {
        iter.write.pos = mapped;
    }
    if iter.write.pos == mapped { WriteState::End(iter, None) } else { WriteState::Folio(iter) }
}

/// How many of the cells a copy from the user's buffer leaves out, where it may.
async fn missing<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    write: &Write,
    index: FolioIndex,
    cells: Cell,
) -> Cell {
    let fallible = inode.sb.config.fs.short_copies && inode.sb.config_actor(me).is_some();
    if fallible && write.fill == Fill::Data && cells > 1 {
        let op = Op::on("copy_from_user", u32::from(index));
        inode.sb.backend.choose(op, u32::from(cells)).await as Cell
    } else {
        0
    }
}

/// What was copied, up to `done`, is in the folio.
fn put<B: Backend>(
    inode: &Inode<B>,
    folio: &mut Folio,
    write: &Write,
    iomap: &Iomap,
    locked: &Locked,
    done: Cell,
) {
    let folio_cells = inode.sb.geometry.cells_of_folio(locked.folio.index);
    let cells = &mut folio.cells[within(&folio_cells, &(write.pos..done))];
    match write.fill {
        Fill::Data => inode.sb.user_buffers.copy_to(cells, write.id, &(write.pos..done)),
        Fill::Zero => cells.fill(Value::ZERO),
        Fill::Unshare => {}
    }
    if iomap.kind == IomapType::Inline {
        stuffed::iomap_write_end_inline(inode, folio, &(write.pos..done));
    } else {
        audit_backed(inode, iomap, &(write.pos..done));
        write_end(inode, folio, locked, &(write.pos..done));
    }
}

/// Whether end of file moves with what is put there.
fn raises_size<B: Backend>(inode: &Inode<B>, fill: Fill) -> bool {
    match fill {
        Fill::Data => true,
        Fill::Zero => inode.sb.config.design.zero_raises_size,
        // It stays inside end of file.
        Fill::Unshare => false,
    }
}

/// What is written to the inode itself has no buffers.
fn attach_buffers<B: Backend>(inode: &Inode<B>, iomap: &Iomap, folio: &mut Folio) {
    if inode.hooks() == Hooks::Jdata && iomap.kind != IomapType::Inline {
        jdata::attach_buffers(folio);
    }
}

/// In relaxed memory who reads the new size before the copy may find what the folio had.
fn outdate<B: Backend>(inode: &Inode<B>, folio: &Folio, index: FolioIndex, cells: Range<Cell>) {
    if inode.contents.are_weak() && !cells.is_empty() {
        let values = folio.cells[within(&inode.sb.geometry.cells_of_folio(index), &cells)].to_vec();
        inode.contents.outdate(index, cells, values);
    }
}

/// What was put there makes the file longer, which ended at the start of `grown`. Data before size: whoever sees the size finds
/// the data. Both are done under the folio lock and i_rwsem, and no reader can tell one transition from two (the data below the
/// new size is not read without the size).
fn i_size_write<B: Backend>(inode: &Inode<B>, write: &mut Write, grown: Range<Cell>) {
    let Range { start: size, end: done } = grown;
    inode.i_size.publish(u64::from(done), inode.order(Link::SizeStore));
    if write.fill == Fill::Zero {
        inode.sb.backend.reach(branches::ZERO_GROWS);
        if !write.request.is_empty() {
            write.size_before.get_or_insert(size);
        }
    } else {
        if done == write.request.start {
            write.size_before.get_or_insert(size);
        }
        let size = write.size_before.unwrap_or(size);
        inode.oracle.gap(&inode.sb.geometry, &(size..write.pos.max(size)));
    }
    inode.emit(|| What::Size(inode.sb.geometry.byte_at(done)));
}

/// `__iomap_write_end`, or `block_write_end` where there are buffers: the blocks are valid and dirty.
fn write_end<B: Backend>(inode: &Inode<B>, folio: &mut Folio, locked: &Locked, written: &Range<Cell>) {
    let first = inode.sb.geometry.blocks_of_folio(locked.folio.index).start;
    let in_folio = |cells: &Range<Cell>| {
        let blocks = inode.sb.geometry.blocks_touched(cells);
        blocks.start - first..blocks.end - first
    };
    let hooks = inode.hooks();
    inode.take_private(locked.folio.index, folio, hooks, Taken::Kept);
    folio.set_uptodate(in_folio(&locked.covered));
    if hooks == Hooks::Jdata {
        jdata::dirty_buffers(folio, in_folio(written));
    }
    if !folio.dirty {
        inode.trace(|| trace::writeback_dirty_folio(inode, locked.folio.index));
    }
    folio.set_dirty(in_folio(written));
    inode.counters.dirties(inode.sb.geometry.blocks_touched(written));
}

/// Whether the mapping may still be used where the pass stands.
async fn still_valid<B: Backend>(inode: &Inode<B>, iter: &IomapIter) -> bool {
    let (config, fill) = (&inode.sb.config, iter.write.fill);
    if fs::check(config, fill) != Check::InGetFolio {
        inode.account(Expense::Called(Method::IomapValid));
    }
    let block = inode.sb.geometry.block_of(iter.write.pos);
    iomap_valid(inode, &iter.iomap, block, fs::checker(config, fill)).await
}

/// A mapping was found stale: the folio is released, and what follows is the design's.
fn stale<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut iter: IomapIter,
    folio: Option<FolioRef>,
) -> WriteState {
    let design = &inode.sb.config.design;
    let checker = fs::checker(&inode.sb.config, iter.write.fill);
    let IomapIter { write, iomap, .. } = &mut iter;
    let block = inode.sb.geometry.block_of(write.pos);
    inode.sb.backend.reach(branches::STALE);
    // Observers must not load: that would be an observation of the actor's.
    let now = || inode.counters.newest(iomap.cookie, &iomap.used_at(block), &inode.i_size);
    inode.emit_use(iomap, block, || {
        let seq = |cookie| Seq::of_cookie(&inode.sb.geometry, cookie);
        let (sampled, now) = (seq(iomap.cookie), Some(seq(now())));
        let then = match design.on_stale {
            OnStale::KeepMapping => AfterStale::Kept,
            OnStale::Remap | OnStale::Fail | OnStale::Done => AfterStale::Dropped,
        };
        What::Checked(checker, Verdict::Stale { sampled, now, then })
    });
    inode.trace_xfs(|| trace::xfs_iomap_invalid(inode, iomap, now()));
    // Needless if a fresh mapping would say the same for all that this one was still to be used for.
    let rest = block..inode.sb.geometry.blocks_touched(&(0..write.end)).end.min(iomap.end);
    inode.audit_map(|map| {
        let needless = rest.clone().all(|block| {
            let reserved = !inode.sb.config.fs.is_out_of_place() || inode.sb.config.fs.is_backed(map, block);
            reserved && !fs::misleads(inode, iomap, block, map)
        });
        if inode.counters.beside_has_moved(iomap.cookie, now()) {
            inode.retries.moved_beside(me);
        }
        inode.retries.stale(me, needless);
        let needless = if needless { Needless::Yes } else { Needless::No };
        let looked_up = if folio.is_some() { LookedUp::Yes } else { LookedUp::No };
        inode.account(Expense::Aborted { needless, folio: looked_up });
        for block in rest.clone().filter(|_| !iomap.is_to_be_read()) {
            inode.account(Expense::NothingToRead(block));
        }
    });
    if inode.retries.of(me) > inode.sb.config.retries {
        inode.sb.backend.cut(bounds::RETRIES);
    }
    iomap.stale = StaleFlag::Set;
    jdata::page_done_on_stale(inode, me, write, folio);
    let keeps = design.punch_lock == PunchLock::UnderFolioLock
        && folio.is_some()
        && unused_reservation(inode, &iter).is_some();
    let kept = folio.filter(|_| keeps);
    if let Some(folio) = folio.filter(|_| !keeps) {
        release_folio(inode, me, folio);
    }
    let IomapIter { write, iomap, .. } = &mut iter;
    if design.on_stale == OnStale::KeepMapping {
        iomap.stale = StaleFlag::Clear;
        inode.retries.sampled(me);
        iomap.cookie = inode.counters.sample_again(iomap.cookie, iomap.start..iomap.end, &inode.i_size);
        return WriteState::Folio(iter);
    }
    if design.on_stale == OnStale::Fail {
        write.failed = true;
    }
    let wanted =
        write.pos..write.end.min(inode.sb.geometry.cells_of_folio(inode.sb.geometry.folio_of(write.pos)).end);
    let next = WriteState::End(iter, kept);
    match design.stale_cleanup {
        StaleCleanup::TruncateBeyondEof => cut_beyond_eof(inode, wanted, next),
        StaleCleanup::Nothing => next,
    }
}

/// A mutant lets others see blocks that are valid and whose other part nobody has copied. What comes of that is judged when
/// they are read.
fn half_filled<B: Backend>(inode: &Inode<B>, folio: FolioRef) {
    inode.page(folio.index).audit(|slot| {
        if let Some(folio) = slot.folio(folio.id) {
            folio.owed.pay(Debt::Contents);
        }
    });
}

/// Unlocks and puts the folio of a stale mapping, as the design does it.
fn release_folio<B: Backend>(inode: &Inode<B>, me: ActorId, folio: FolioRef) {
    let FolioRef { index, id } = folio;
    let (page, release) = (inode.page(index), inode.sb.config.design.hook_release);
    if release != HookRelease::ForgetUnlock {
        inode.folio_unlocked(index, id);
    }
    page.release(|slot| match release {
        HookRelease::Core | HookRelease::PutFolio | HookRelease::Fs => slot.unlock_and_put(id, me),
        HookRelease::ForgetUnlock => slot.put(id, me),
        HookRelease::ForgetPut => slot.unlock(id, me),
    });
    page.audit(|slot| {
        if slot.folio(id).is_some_and(|folio| folio.locked == Some(me) || folio.refs & (1 << me) != 0) {
            inode.violate(properties::LEAKED_LOCK, || format!("folio {index} stays locked or referenced"));
        }
    });
}

/// `iomap_write_failed`: cuts the page cache of `cells` beyond end of file.
fn cut_beyond_eof<B: Backend>(inode: &Inode<B>, cells: Range<Cell>, next: WriteState) -> WriteState {
    let size = inode.i_size_peek();
    if cells.end <= size {
        return next;
    }
    let cells = cells.start.max(size)..cells.end;
    WriteState::Cleanup(TruncateState::new(inode, cells), Box::new(next))
}

/// Zeroes what the write does not cover of blocks that are not valid (`iomap_block_needs_zeroing`).
fn zero_blocks<B: Backend>(
    inode: &Inode<B>,
    iomap: &Iomap,
    blocks: &[FileBlock],
    locked: &Locked,
    folio: &mut Folio,
) {
    let covered = &locked.covered;
    audit_use(inode, iomap, blocks, locked);
    for block in blocks {
        let cells = inode.sb.geometry.cells_of_block(*block);
        let first = inode.sb.geometry.cells_of_folio(*block / inode.sb.geometry.blocks_per_folio()).start;
        for cell in cells.clone().filter(|cell| !covered.contains(cell)) {
            folio.cells[usize::from(cell - first)] = Value::ZERO;
        }
        let around = [cells.start..covered.start.min(cells.end), covered.end.max(cells.start)..cells.end];
        for part in around.iter().filter(|part| !part.is_empty()) {
            inode.emit(|| What::Data(DataEvent::ZeroedInMemory(inode.sb.geometry.bytes_of_cells(part))));
        }
        if fs::zeroed_uptodate(inode) == ZeroedUptodate::AtOnce {
            let n = inode.sb.block_in_folio(*block);
            folio.set_uptodate(n..n + 1);
        }
        inode.audit_map(|map| {
            if let Extent::Written(phys) = map.get(*block) {
                inode.sb.disk[usize::from(phys)].audit(|on_disk| {
                    for (at, cell) in cells.clone().enumerate().filter(|(_, cell)| !covered.contains(cell)) {
                        inode.oracle.zeroing(&inode.sb.geometry, cell, contents(on_disk, phys, at));
                    }
                });
            }
        });
    }
    inode.sb.backend.reach(branches::ZERO_FILL);
}

/// Reads a block from where the mapping says into the folio's cells. What lies behind the valid size is zeroed.
pub fn read_block<B: Backend>(inode: &Inode<B>, iomap: &Iomap, block: FileBlock, cells: &mut [Value]) {
    let Some(phys) = iomap.source_of(block) else { return };
    inode.account(Expense::ReadBlock(block));
    let first = inode.sb.geometry.cells_of_block(block).start;
    for (at, cell) in inode.sb.cells_in_folio(block).enumerate() {
        if iomap.valid.is_some_and(|valid| first + at as Cell >= valid) {
            cells[cell] = Value::ZERO;
            continue;
        }
        let value = inode.sb.read_disk(phys, at);
        if value.has_other_checksum() {
            inode.judge_checksum(block);
        }
        cells[cell] = value.without_checksum();
    }
}

/// What the mapping says is there for writeback, and is not any more: reports it to observers. The judge of it comes when
/// the folio is unlocked.
fn audit_backed<B: Backend>(inode: &Inode<B>, iomap: &Iomap, written: &Range<Cell>) {
    if iomap.kind == IomapType::Hole {
        return;
    }
    inode.audit_map(|map| {
        let mut blocks = inode.sb.geometry.blocks_touched(written);
        if let Some(block) = blocks.find(|block| !inode.sb.config.fs.is_backed(map, *block)) {
            let position = inode.sb.geometry.block_of(written.start);
            inode.emit_use(iomap, position, || {
                let at = inode.sb.geometry.bytes_of_blocks(&(block..block + 1));
                What::Used(Use::bad(Says::Kind(iomap.kind), vec![at], Truth::Unbacked))
            });
        }
    });
}

/// What a mapping says of a block, and what is so instead.
fn contradiction(iomap: &Iomap, block: FileBlock, extent: Extent) -> (Says, Truth) {
    let fresh = |phys| extent == Extent::Written(phys) && iomap.kind == IomapType::Mapped && iomap.new;
    if iomap.addr_of(block).is_some_and(fresh) {
        return (Says::WrittenNew, Truth::WrittenSince);
    }
    match (iomap.source_kind(), iomap.source_of(block), extent) {
        (IomapType::Mapped, Some(says), Extent::Written(is)) if says != is => {
            (Says::Device(says), Truth::At(is))
        }
        (kind, ..) => (Says::Kind(kind), Truth::Extent(extent)),
    }
}

/// How a mapping contradicts an extent, for the detail of a violation.
fn contradiction_shown(iomap: &Iomap, block: FileBlock, extent: Extent) -> String {
    match contradiction(iomap, block, extent) {
        (Says::WrittenNew, _) => "says written NEW where the block has been written since".to_owned(),
        (Says::Device(says), Truth::At(is)) => {
            format!("says device block {says} where the extent is at device block {is}")
        }
        _ => format!("says {} where the extent is {}", iomap.source_kind(), extent.letter()),
    }
}

/// The mapping is used to fill `blocks` of a locked folio: reports it to observers, and judges a check that had passed it.
fn audit_use<B: Backend>(inode: &Inode<B>, iomap: &Iomap, blocks: &[FileBlock], locked: &Locked) {
    let position = inode.sb.geometry.block_of(locked.covered.start);
    inode.audit_map(|map| {
        let misled = blocks.iter().find(|block| fs::misleads(inode, iomap, **block, map));
        inode.emit_use(iomap, position, || {
            let bytes = |block: &FileBlock| inode.sb.geometry.bytes_of_blocks(&(*block..*block + 1));
            let all = || blocks.iter().map(bytes).collect();
            What::Used(match misled {
                Some(block) => match contradiction(iomap, *block, map.get(*block)) {
                    // An address is that of one block.
                    (says @ Says::Device(_), truth) => Use::bad(says, vec![bytes(block)], truth),
                    (says, truth) => Use::bad(says, all(), truth),
                },
                None => Use::good(Says::Kind(iomap.source_kind()), all()),
            })
        });
        if let Some(block) = misled {
            inode.sb.backend.reach(branches::STALE_USE);
            // What completions of direct writes do to a mapping in use is not the check's business where it is
            // exempt.
            let exempt = inode.direct && inode.sb.config.mixed_io == MixedIo::Exempt;
            if locked.checked == Checked::Already && !exempt {
                inode.violate(properties::UNSOUND_COOKIE, || {
                    let contradiction = contradiction_shown(iomap, *block, map.get(*block));
                    format!("the check passed a mapping that {contradiction}")
                });
            }
        }
    });
}
