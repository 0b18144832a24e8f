//! gfs2 with journalled data: a transaction around each folio of a write, and a writeback of its own.
//!
//! The data of such a file goes to the journal first. A write dirties the folio's buffers and then joins them to a
//! transaction, which pins them: until the log is flushed they must not be written in place. If the folio is
//! unlocked between the two, writeback sees buffers that are dirty and not pinned, and writes them past the journal;
//! reclaim can free them, and the hook finds none. fs/gfs2/bmap.c, aops.c and log.c, 6.2.
//!
//! The same hooks are around each folio of a write into a [stuffed](super::stuffed) file, which has no buffers to join: what
//! it changes is the inode.
//!
//! Left out: the journal's space and its contents (only whether a block's present contents are in
//! it), the zeroing of the rest of a new buffer after a short copy.

use std::ops::Range;

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::iomap::write_state::Write;
use crate::judge::properties;
use crate::state::buffers::{Buffers, bits};
use crate::state::event::{Fill, What};
use crate::state::folio::{Folio, FolioId, FolioRef};
use crate::state::inode::Inode;
use crate::state::slot::Slot;
use crate::truncate::pagecache_isize_extended;
use crate::words::design::{Check, FolioLookup, PageDone, PageDoneOnStale};
use crate::words::geometry::{Cell, FileBlock, FolioIndex};

fn broken<B: Backend>(inode: &Inode<B>, why: impl FnOnce() -> String) {
    inode.violate(properties::BROKEN_TRANSACTION, why);
}

/// `gfs2_iomap_page_prepare`: `gfs2_trans_begin`, before the folio is looked up. A task has one transaction; in the
/// kernel a second one is a BUG, here it is reported and the first one goes on.
pub(crate) async fn page_prepare<B: Backend>(inode: &Inode<B>, me: ActorId, write: &mut Write) {
    if write.transaction {
        broken(inode, || "a transaction is begun inside another one".to_owned());
        return;
    }
    inode.sb.log_flush_lock.down_read(Op::new("gfs2_trans_begin"), me).await;
    write.transaction = true;
}

/// `gfs2_trans_end`: what was joined is committed, in memory.
pub(crate) fn trans_end<B: Backend>(inode: &Inode<B>, me: ActorId, write: &mut Write) {
    inode.sb.log_flush_lock.up_read(me);
    write.transaction = false;
    inode.audit_crash();
}

/// `__block_write_begin_int`, before anything is copied: the folio gets buffers, and keeps them, however short the copy is.
pub(crate) fn attach_buffers(folio: &mut Folio) -> &mut Buffers {
    folio.buffers.get_or_insert_with(Buffers::default)
}

/// `block_write_end`: marks the buffers of `blocks` dirty.
pub(crate) fn dirty_buffers(folio: &mut Folio, blocks: Range<u16>) {
    let buffers = attach_buffers(folio);
    buffers.dirty |= bits(blocks.clone());
    buffers.logged &= !bits(blocks);
}

/// `gfs2_page_add_databufs`: the buffers become part of the transaction, which pins them. One that is pinned already stays as it is
/// (`gfs2_trans_add_data`; it is `gfs2_pin` that makes a buffer clean, 6.1 to 7.3): dirty, since the copy has made it so, and
/// writeback takes it for one that it may write in place. Needs buffers; a folio without any is a BUG in the kernel.
fn add_databufs<B: Backend>(inode: &Inode<B>, slot: &mut Slot, id: FolioId, blocks: u64) {
    if let Some(buffers) = &mut slot.folio_mut(id).buffers {
        buffers.pin(blocks);
        inode.emit(|| What::BuffersJoined);
    } else {
        broken(inode, || "the folio has no buffers to join to the transaction".to_owned());
    }
}

/// The buffers that the hook's loop goes over for `pos..done`. Where nothing was copied the loop still takes the
/// buffer that an unaligned `pos` lies in.
fn hook_blocks<B: Backend>(inode: &Inode<B>, index: FolioIndex, pos: Cell, done: Cell) -> Range<u16> {
    let first = inode.sb.geometry.blocks_of_folio(index).start;
    let start = inode.sb.geometry.block_of(pos);
    let aligned = inode.sb.geometry.cells_of_block(start).start == pos;
    let end = if done > pos {
        inode.sb.geometry.blocks_touched(&(pos..done)).end
    } else {
        start + FileBlock::from(!aligned)
    };
    start - first..end - first
}

/// `gfs2_iomap_page_done` after a copy up to `done`, with the folio still locked: joins the buffers, unlocks, puts,
/// and ends the transaction, in the order that the design says. If the file has grown over `grown` and the design has
/// that first, the folio at the old end is taken care of as soon as this one is unlocked.
pub(crate) async fn page_done<'a, B: Backend>(
    inode: &'a Inode<B>,
    me: ActorId,
    write: &mut Write,
    folio: FolioRef,
    mut slot: <B::Lock<Slot> as Lock<Slot>>::Guard<'a>,
    done: Cell,
    grown: Option<Range<Cell>>,
) {
    let FolioRef { index, id } = folio;
    let blocks = bits(hook_blocks(inode, index, write.pos, done));
    if write.fill == Fill::Data {
        inode.log_data(write.id, &(write.pos..done));
    }
    match inode.sb.config.design.page_done() {
        PageDone::BeforeUnlock => {
            if blocks != 0 && !inode.is_stuffed() {
                add_databufs(inode, &mut slot, id, blocks);
            }
            inode.folio_unlocked(index, id);
            slot.unlock_dirtied(id, me);
            slot.put(id, me);
        }
        PageDone::AfterUnlock => {
            inode.folio_unlocked(index, id);
            slot.unlock_dirtied(id, me);
            drop(slot);
            if let Some(grown) = grown {
                pagecache_isize_extended(inode, grown.start, grown.end).await;
            }
            slot = inode.page(index).lock(Op::on("page_done", u32::from(index))).await;
            if blocks != 0 && !inode.is_stuffed() {
                add_databufs(inode, &mut slot, id, blocks);
            }
            slot.put(id, me);
        }
    }
    drop(slot);
    trans_end(inode, me, write);
}

/// No folio was to be had: the transaction is ended by the core's call of the hook at the end, without a folio, or by the
/// hook that has looked it up.
pub(crate) fn no_folio<B: Backend>(inode: &Inode<B>, me: ActorId, write: &mut Write) {
    match inode.sb.config.design.folio_lookup() {
        FolioLookup::Core | FolioLookup::Hook => trans_end(inode, me, write),
        FolioLookup::HookForgets => {}
    }
}

/// The hook for a folio whose mapping went stale: nothing was prepared, nothing was copied.
pub(crate) fn page_done_on_stale<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    write: &mut Write,
    folio: Option<FolioRef>,
) {
    match inode.sb.config.design.page_done_on_stale() {
        PageDoneOnStale::NotCalled => {}
        PageDoneOnStale::NoFolio => without_folio(inode, me, write, folio),
        PageDoneOnStale::Folio => nothing_copied(inode, me, write, folio),
    }
}

/// The hook for a folio that could not be prepared: a read failed, or must not wait. A hook that finds stale mappings by
/// itself is called for this one all the same.
pub(crate) fn page_done_on_error<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    write: &mut Write,
    folio: FolioRef,
) {
    let design = &inode.sb.config.design;
    if design.page_done_on_stale() == PageDoneOnStale::NoFolio && design.check() != Check::InGetFolio {
        without_folio(inode, me, write, Some(folio));
    } else {
        nothing_copied(inode, me, write, Some(folio));
    }
}

/// The hook is called, but not shown the folio: it only ends the transaction.
fn without_folio<B: Backend>(inode: &Inode<B>, me: ActorId, write: &mut Write, folio: Option<FolioRef>) {
    if folio.is_some() && write.transaction {
        trans_end(inode, me, write);
    }
}

/// The hook is called with the folio and a length of 0, and joins the block of the position all the same.
fn nothing_copied<B: Backend>(inode: &Inode<B>, me: ActorId, write: &mut Write, folio: Option<FolioRef>) {
    let Some(FolioRef { index, id }) = folio.filter(|_| write.transaction) else { return };
    let blocks = hook_blocks(inode, index, write.pos, write.pos);
    if !blocks.is_empty() && !inode.is_stuffed() {
        inode.page(index).release(|slot| {
            add_databufs(inode, slot, id, bits(blocks.clone()));
            let folio = slot.locked_mut(id, me);
            if folio.buffers.is_some() {
                // The buffer is marked uptodate, whatever it holds.
                folio.set_uptodate(blocks);
            }
        });
        inode.page(index).audit(|slot| inode.audit_folio(index, slot));
    }
    trans_end(inode, me, write);
}
