//! Stuffed files of gfs2: as long as they are small, their data lie in the inode, behind the dinode.
//!
//! The mapping of such a file is `IOMAP_INLINE`. Reads copy from the dinode's buffer; a write fills the folio from
//! there, copies into it, and copies what it wrote on into the buffer, in a transaction that the folio hooks begin
//! and end. The folio stays clean: writeback has nothing to do. A write beyond what fits, a write fault, fallocate
//! and a truncate upwards *unstuff* the file first: its data get a block, and the folio is dirty from then on. After
//! that the dinode holds block pointers, so that a mapping sampled before points into metadata. A truncate to
//! nothing makes the file stuffed again. fs/gfs2/bmap.c (`__gfs2_iomap_get`, `gfs2_unstuff_dinode`) and
//! fs/iomap/buffered-io.c (`iomap_write_end_inline`), 6.2.
//!
//! Left out: reclaim of the dinode's buffer itself, which a mapping points into without a reference (until 6.19),
//! and the errors of reading it.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Leaf, Lock, Op};

use crate::judge::properties;
use crate::state::buffers::Buffers;
use crate::state::event::{DataEvent, FolioEvent, Says, Truth, Use, What};
use crate::state::folio::{Folio, FolioId};
use crate::state::i_state::InodeDirty;
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType};
use crate::state::owed::Debt;
use crate::state::private::Taken;
use crate::state::slot::Slot;
use crate::words::branches;
use crate::words::extent::{Enospc, ExtentMap};
use crate::words::geometry::{Cell, FileBlock};
use crate::words::personality::Hooks;
use crate::words::value::Value;

/// Whether a file that ends before `end` fits into its inode (`gfs2_max_stuffed_size`).
fn fits<B: Backend>(inode: &Inode<B>, end: Cell) -> bool {
    inode.sb.geometry.byte_at(end) <= u64::from(inode.sb.config.fs.stuffed())
}

/// Whether what reaches to `end` needs the file to be unstuffed first.
pub(crate) fn outgrown<B: Backend>(inode: &Inode<B>, end: Cell) -> bool {
    inode.is_stuffed() && !fits(inode, end)
}

/// `__gfs2_iomap_get` of a stuffed file: the data in the inode, and nothing behind them.
pub(super) fn iomap<B: Backend>(inode: &Inode<B>, map: &ExtentMap, block: FileBlock) -> Option<Iomap> {
    if !inode.is_stuffed() {
        return None;
    }
    let sequence = &inode.data_sequence();
    Some(if block == 0 { Iomap::inline(sequence) } else { map.map_part(block..block + 1, sequence) })
}

/// `iomap_read_inline_data` into a folio that is not valid: the data, and zeros to its end. A dinode that has pointers
/// by now is read all the same.
pub(crate) fn read_inline_data<B: Backend>(inode: &Inode<B>, folio: &mut Folio) {
    let first = inode.sb.cells_in_folio(0);
    match inode.stuffed_data() {
        Some(data) => folio.cells[first.clone()].copy_from_slice(&data),
        None => folio.cells[first.clone()].fill(Value::METADATA),
    }
    folio.cells[first.end..].fill(Value::ZERO);
    folio.set_uptodate(0..inode.sb.geometry.blocks_per_folio());
}

/// `iomap_write_end_inline`: what was copied into the folio goes on into the dinode. If that has pointers by now, they
/// are overwritten, and what was written is in a clean folio alone.
pub(crate) fn iomap_write_end_inline<B: Backend>(inode: &Inode<B>, folio: &Folio, cells: &Range<Cell>) {
    if !inode.is_stuffed() {
        inode.sb.backend.reach(branches::STALE_USE);
        inode.emit(|| What::Used(Use::bad(Says::Kind(IomapType::Inline), Vec::new(), Truth::BlockPointers)));
        inode.violate(properties::WRONG_ADDRESS, || {
            let cells = inode.sb.geometry.show_cells(cells);
            format!("{cells} is written into the inode, over its block pointers")
        });
        return;
    }
    inode.emit(|| What::Used(Use::good(Says::IntoInode, Vec::new())));
    let inside = usize::from(cells.start)..usize::from(cells.end);
    let written = folio.cells[inside.clone()].to_vec();
    inode.change_stuffed(|data| data[inside].copy_from_slice(&written));
    inode.mark_dirty(InodeDirty::Datasync);
    inode.commit_inode();
}

/// `gfs2_buffer_clear_tail` when a stuffed file shrinks.
pub(crate) fn clear_tail<B: Backend>(inode: &Inode<B>, size: Cell) {
    inode.change_stuffed(|data| {
        let from = data.len().min(usize::from(size));
        data[from..].fill(Value::ZERO);
    });
}

/// `stuffed_zero_range`: a hole is punched into a stuffed file.
pub(crate) async fn zero_range<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) {
    let mut map = inode.lock_map(Op::new("stuffed_zero_range")).await;
    map.change_stuffed(|data| data[usize::from(cells.start)..usize::from(cells.end)].fill(Value::ZERO));
    inode.emit(|| What::Data(DataEvent::ZeroedInInode(inode.sb.geometry.bytes_of_cells(cells))));
    map.end();
}

/// `trunc_end`: an empty file has no blocks, and is stuffed again.
pub(crate) fn restuff<B: Backend>(inode: &Inode<B>) {
    if let Some(dinode) = &inode.dinode {
        let cells = inode.sb.geometry.cells_of_block(0).len();
        dinode.update(|dinode| *dinode = Some(vec![Value::ZERO; cells]));
    }
}

/// Where unstuffing stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum UnstuffState {
    /// Before the transaction.
    Begin,
    /// Before the file's first folio is looked up.
    Lookup,
    /// Before its lock.
    Lock(FolioId, Reference),
    /// Before the inode changes, with the folio locked.
    Unstuff(FolioId, Reference),
}

/// Whose reference keeps the folio meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reference {
    /// One that is dropped at the end.
    Own,
    /// The caller's, who has it from a page fault.
    Callers,
}

/// One step of `gfs2_unstuff_dinode`, in a transaction of its own. (In the kernel it is that of what follows.)
pub(crate) async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: UnstuffState,
) -> ControlFlow<Result<(), Enospc>, UnstuffState> {
    let page = inode.page(0);
    ControlFlow::Continue(match state {
        UnstuffState::Begin => {
            inode.sb.log_flush_lock.down_read(Op::new("gfs2_trans_begin"), me).await;
            UnstuffState::Lookup
        }
        UnstuffState::Lookup => {
            let mut slot = page.lock(Op::on("filemap_grab_folio", 0)).await;
            if let Some((id, _)) = slot.current() {
                let refs = &mut slot.folio_mut(id).refs;
                let reference = if *refs & (1 << me) == 0 { Reference::Own } else { Reference::Callers };
                *refs |= 1 << me;
                UnstuffState::Lock(id, reference)
            } else {
                let cells = inode.sb.geometry.cells_of_folio(0).len();
                let id =
                    slot.insert_locked(me, inode.sb.geometry.blocks_per_folio(), inode.sb.fresh_page(cells));
                inode.folio_added(0, id);
                inode.emit(|| What::Folio(FolioEvent::Added(0)));
                UnstuffState::Unstuff(id, Reference::Own)
            }
        }
        UnstuffState::Lock(id, reference) => {
            let unlocked = |slot: &Slot, id: u64| slot.is_unlocked(id as FolioId);
            let mut slot = page.lock_when(Op::on("folio_lock", 0), unlocked, u64::from(id)).await;
            inode.folio_locked(0, id);
            if slot.folio(id).is_some_and(|folio| folio.in_cache) {
                slot.folio_mut(id).locked = Some(me);
                UnstuffState::Unstuff(id, reference)
            } else {
                inode.folio_unlocked(0, id);
                put(&mut slot, id, me, reference);
                UnstuffState::Lookup
            }
        }
        UnstuffState::Unstuff(id, reference) => {
            let done = unstuff(inode, me, id, reference).await;
            inode.sb.log_flush_lock.up_read(me);
            inode.audit_crash();
            return ControlFlow::Break(done);
        }
    })
}

fn put(slot: &mut Slot, id: FolioId, me: ActorId, reference: Reference) {
    if reference == Reference::Own {
        slot.put(id, me);
    }
}

/// `__gfs2_unstuff_inode`, under i_rw_mutex, and the release of the folio. Data that is journalled joins the
/// transaction; otherwise the folio is dirty, and is written before the transaction.
async fn unstuff<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    id: FolioId,
    reference: Reference,
) -> Result<(), Enospc> {
    let unlock = |slot: &mut Slot| {
        inode.folio_unlocked(0, id);
        // The section of the extent map judges the blocks of the folio when it is left.
        slot.unlock_dirtied(id, me);
        put(slot, id, me, reference);
    };
    let mut map = inode.lock_map(Op::new("gfs2_unstuff_dinode")).await;
    let page = inode.page(0);
    let data = inode.stuffed_data();
    let has_data = inode.i_size_peek() > 0;
    // Who comes second finds it done.
    let Some(data) = data else {
        page.release(unlock);
        return Ok(());
    };
    if let Err(error) = map.unstuff(has_data) {
        page.release(unlock);
        return Err(error);
    }
    let blocks = 0..inode.sb.geometry.blocks_per_folio();
    let first_cells = inode.sb.cells_in_folio(0);
    let hooks = inode.hooks();
    page.release(|slot| {
        let data_folio = slot.locked_mut(id, me);
        if !data_folio.uptodate && has_data {
            data_folio.cells[first_cells.clone()].copy_from_slice(&data);
            data_folio.cells[first_cells.end..].fill(Value::ZERO);
            data_folio.set_uptodate(blocks.clone());
        }
        match (has_data, hooks) {
            (false, _) => {}
            (true, Hooks::Jdata) => {
                inode.take_private(0, data_folio, hooks, Taken::Kept);
                data_folio.buffers.get_or_insert_with(Buffers::default).joined |= 1;
            }
            (true, Hooks::Nothing) => {
                inode.dirty_private(0, data_folio, hooks);
                data_folio.set_dirty(blocks);
            }
        }
        // A read has seen them where they were.
        slot.locked_mut(id, me).owed.pay(Debt::Contents);
        unlock(slot);
    });
    inode.ordered_add();
    map.end();
    Ok(())
}
