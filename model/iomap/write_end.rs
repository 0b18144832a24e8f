//! The copy and `iomap_write_end`: what is put into the folio, the size that moves with it, and the release of the folio.

use std::ops::Range;

use stalemap_facade::{ActorId, Atomic, Backend, Lock, Op};

use crate::fs::{stuffed, valid_size};
use crate::iomap::audit::audit_backed;
use crate::iomap::fill::zero_blocks;
use crate::iomap::jdata;
use crate::iomap::write_failed::cut_beyond_eof;
use crate::iomap::write_state::{IomapIter, Locked, Write, WriteState};
use crate::state::event::{DataEvent, Fill, What};
use crate::state::folio::{Folio, FolioRef};
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType, StaleFlag};
use crate::state::private::Taken;
use crate::state::trace;
use crate::truncate::pagecache_isize_extended;
use crate::words::branches;
use crate::words::design::{ExtendedEof, FailedCut, PageDone, ShortCopy};
use crate::words::geometry::{Cell, FileBlock, FolioIndex, within};
use crate::words::ordering::Link;
use crate::words::personality::{Hooks, SizeLog};
use crate::words::value::Value;

/// Zeroing, the copy, `iomap_write_end`, the size, and the release of the folio. Others
/// cannot tell it from one step: page-table entries exist only for folios that are valid already, and reads
/// are excluded by i_rwsem. Where a personality lets them pass, the zeroing was a step of its own if it makes the
/// block valid: a reader may come by before the copy.
pub(super) async fn copy<B: Backend>(
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
    let copied_to = end_of_copy(inode, me, write, locked).await;
    let mut slot = inode.page(index).lock(Op::on("copy", u32::from(index))).await;
    let folio = slot.locked_mut(id, me);
    if !to_zero.is_empty() {
        zero_blocks(inode, &iter.iomap, to_zero, locked, folio);
    }
    attach_buffers(inode, &iter.iomap, folio);
    let short = copied_to < stop;
    let accepted = !short || folio.uptodate || inode.sb.config.design.short_copy() == ShortCopy::Accept;
    let done = if accepted { copied_to } else { write.pos };
    let cut = short && (done == write.pos || inode.sb.config.design.failed_cut() == FailedCut::Always);
    // Also if nothing was copied behind end of file: up to where it was to be copied.
    let raises = done > size && raises_size(inode, write.fill);
    if raises && locked.invalid.is_empty() {
        outdate(inode, folio, index, size.max(write.pos)..done);
    }
    // Also what does not count is in the page.
    copy_from_iter(inode, folio, write, index, copied_to);
    if accepted {
        put(inode, folio, write, &iter.iomap, locked, done);
    }
    valid_size::put_folio(inode, &iter.iomap, folio, &inode.sb.geometry.cells_of_folio(index), done);
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
        let design = &inode.sb.config.design;
        let early = grown.take_if(|_| {
            design.extended_eof() == ExtendedEof::BeforeHook && design.page_done() == PageDone::AfterUnlock
        });
        jdata::page_done(inode, me, write, locked.folio, slot, done, early).await;
    } else {
        drop(slot);
        unlock_written(inode, me, locked.folio, &(write.pos..done)).await;
    }
    if raises && inode.sb.config.fs.size_log() == SizeLog::Write {
        let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names().setfilesize)).await;
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

/// How far a copy comes: to the end of what can be read of its source, or less.
async fn end_of_copy<B: Backend>(inode: &Inode<B>, me: ActorId, write: &Write, locked: &Locked) -> Cell {
    let source_end = [write.resident_until, write.faults_at].into_iter().flatten().min().unwrap_or(Cell::MAX);
    let end = locked.covered.end.min(source_end);
    let copied_to = end - missing(inode, me, write, locked.folio.index, end.saturating_sub(write.pos)).await;
    if copied_to < locked.covered.end {
        inode.sb.backend.reach(branches::SHORT_COPY);
    }
    copied_to
}

/// How many of the cells a copy from the user's buffer leaves out, where it may.
async fn missing<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    write: &Write,
    index: FolioIndex,
    cells: Cell,
) -> Cell {
    let fallible = inode.sb.config.fs.short_copies() && inode.sb.config_actor(me).is_some();
    if fallible && write.fill == Fill::Data && cells > 1 {
        let op = Op::on("copy_from_user", u32::from(index));
        inode.sb.backend.choose(op, u32::from(cells)).await as Cell
    } else {
        0
    }
}

/// `copy_page_from_iter_atomic`, up to `end`; or zeros.
fn copy_from_iter<B: Backend>(
    inode: &Inode<B>,
    folio: &mut Folio,
    write: &Write,
    index: FolioIndex,
    end: Cell,
) {
    let folio_cells = inode.sb.geometry.cells_of_folio(index);
    let cells = &mut folio.cells[within(&folio_cells, &(write.pos..end))];
    match write.fill {
        Fill::Data => inode.sb.user_buffers.copy_to(cells, write.id, &(write.pos..end)),
        Fill::Zero => cells.fill(Value::ZERO),
        Fill::Unshare => {}
    }
}

/// What was copied, up to `done`, counts.
fn put<B: Backend>(
    inode: &Inode<B>,
    folio: &mut Folio,
    write: &Write,
    iomap: &Iomap,
    locked: &Locked,
    done: Cell,
) {
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
        Fill::Zero => inode.sb.config.design.zero_raises_size(),
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
        inode.mark_pages_dirty();
    }
    if !folio.dirty {
        inode.trace(|| trace::writeback_dirty_folio(inode, locked.folio.index));
    }
    folio.set_dirty(in_folio(written));
    inode.dirties(inode.sb.geometry.blocks_touched(written));
}
