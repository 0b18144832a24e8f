//! The folio of a buffered write: `__iomap_get_folio` (fs/iomap/buffered-io.c) and `__filemap_get_folio` (mm/filemap.c), which
//! looks it up or adds it, and locks it.
//!
//! Who has found one holds a reference to it while it waits for the lock, and has to look again then: it may have left the page cache.
//! Each operation is a step of its own ([`FolioState`](crate::iomap::write_state::FolioState)).

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::fs;
use crate::iomap::write_state::{Checked, IomapIter, Locked};
use crate::state::event::{Expense, FolioEvent, Method, What};
use crate::state::folio::{FolioId, FolioRef};
use crate::state::inode::Inode;
use crate::state::slot::Slot;
use crate::state::trace;
use crate::words::branches;
use crate::words::design::Check;
use crate::words::geometry::{Cell, FileBlock, FolioIndex};

/// What looking a folio up led to.
pub(crate) enum Lookup {
    /// It is in the page cache, and there is a reference to it.
    Found(FolioRef),
    /// It is locked and in the page cache.
    Locked(Locked),
    /// There is none, and memory for one is still to be had.
    Absent,
    /// No folio was to be had.
    None(NoFolio),
}

/// Why there is no folio.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoFolio {
    /// It has left the page cache meanwhile.
    Gone,
    /// So has one of a batch: the mapping is stale.
    BatchGone,
    /// It is locked by somebody else, and the write must not wait.
    Busy,
    /// There is no memory for one.
    NoMemory,
}

/// `__iomap_get_folio`: the next folio of a batch, or the one at the position.
pub(crate) async fn iomap_get_folio<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    iter: &mut IomapIter,
) -> Lookup {
    account_hooks(inode, iter);
    match next_of_batch(inode, iter) {
        Some(folio) => lock_batched(inode, me, iter, folio).await,
        None => filemap_get_folio(inode, me, iter).await,
    }
}

/// The hooks around a folio, where there are any: both, or the one that looks it up and compares.
fn account_hooks<B: Backend>(inode: &Inode<B>, iter: &IomapIter) {
    if fs::has_folio_hooks(inode, &iter.iomap) {
        inode.account(Expense::Called(Method::GetFolio));
        inode.account(Expense::Called(Method::PutFolio));
    } else if fs::check(&inode.sb.config, iter.write.fill) == Check::InGetFolio {
        inode.account(Expense::Called(Method::GetFolio));
    }
}

/// The next folio of a batch; the write skips what lies before it, which is clean.
fn next_of_batch<B: Backend>(inode: &Inode<B>, iter: &mut IomapIter) -> Option<FolioRef> {
    let batch = iter.write.batch.as_mut().filter(|batch| !batch.is_empty())?;
    let folio = batch.0.remove(0);
    iter.write.pos = iter.write.pos.max(inode.sb.geometry.cells_of_folio(folio.index).start);
    Some(folio)
}

/// Locks a folio of a batch, to which there is a reference already (7.3).
async fn lock_batched<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    iter: &IomapIter,
    folio: FolioRef,
) -> Lookup {
    let FolioRef { index, id } = folio;
    let op = Op::on("folio_lock", u32::from(index));
    let mut slot = inode.page(index).lock_when(op, is_unlocked, u64::from(id)).await;
    inode.sb.backend.reach(branches::ZERO_BATCH);
    slot.folio_mut(id).locked = Some(me);
    inode.folio_locked(index, id);
    still_cached(inode, me, iter, folio, &mut slot, NoFolio::BatchGone)
}

fn is_unlocked(slot: &Slot, id: u64) -> bool {
    slot.is_unlocked(id as FolioId)
}

/// `__filemap_get_folio`: looks the folio up or adds one. A write that must not wait adds a folio all the same: memory is only
/// tried for.
async fn filemap_get_folio<B: Backend>(inode: &Inode<B>, me: ActorId, iter: &IomapIter) -> Lookup {
    let index = inode.sb.geometry.folio_of(iter.write.pos);
    let mut slot = inode.page(index).lock(Op::on("filemap_get_folio", u32::from(index))).await;
    if let Some((id, _)) = slot.current() {
        if iter.write.nowait && !slot.is_unlocked(id) {
            return Lookup::None(NoFolio::Busy);
        }
        slot.folio_mut(id).refs |= 1 << me;
        let folio = FolioRef { index, id };
        return if iter.write.nowait {
            take_found(inode, me, iter, folio, &mut slot)
        } else {
            Lookup::Found(folio)
        };
    }
    if inode.sb.config.fs.alloc_errors() && inode.sb.config_actor(me).is_some() {
        return Lookup::Absent;
    }
    filemap_add_folio(inode, me, iter, index, &mut slot)
}

/// Memory for a folio, which there may be none of, and then the folio, unless somebody else has added one.
pub(crate) async fn filemap_alloc_folio<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    iter: &IomapIter,
) -> Lookup {
    let index = inode.sb.geometry.folio_of(iter.write.pos);
    let target = u32::from(index);
    if inode.sb.backend.choose(Op::on("filemap_alloc_folio", target), 2).await == 1 {
        inode.sb.backend.reach(branches::NO_MEMORY);
        return Lookup::None(NoFolio::NoMemory);
    }
    let mut slot = inode.page(index).lock(Op::on("filemap_add_folio", target)).await;
    if slot.current().is_some() {
        return Lookup::None(NoFolio::Gone);
    }
    filemap_add_folio(inode, me, iter, index, &mut slot)
}

/// `filemap_add_folio` to a slot that has none: it is locked.
fn filemap_add_folio<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    iter: &IomapIter,
    index: FolioIndex,
    slot: &mut Slot,
) -> Lookup {
    let cells = inode.sb.geometry.cells_of_folio(index).len();
    inode.emit(|| What::Folio(FolioEvent::Added(index)));
    inode.trace(|| trace::add_to_page_cache(inode, index));
    let id = slot.insert_locked(me, inode.sb.geometry.blocks_per_folio(), inode.sb.fresh_page(cells));
    slot.folio_mut(id).dropbehind = iter.write.dontcache;
    inode.folio_added(index, id);
    still_cached(inode, me, iter, FolioRef { index, id }, slot, NoFolio::Gone)
}

/// The lock of a folio that was found, which may have left the page cache meanwhile.
pub(crate) async fn lock_found<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    iter: &IomapIter,
    folio: FolioRef,
) -> Lookup {
    let op = Op::on("folio_lock", u32::from(folio.index));
    let mut slot = inode.page(folio.index).lock_when(op, is_unlocked, u64::from(folio.id)).await;
    take_found(inode, me, iter, folio, &mut slot)
}

/// Marks a folio locked that was found, and sees that it is still in the page cache.
fn take_found<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    iter: &IomapIter,
    folio: FolioRef,
    slot: &mut Slot,
) -> Lookup {
    let found = slot.folio_mut(folio.id);
    found.locked = Some(me);
    found.dropbehind &= iter.write.dontcache;
    inode.folio_locked(folio.index, folio.id);
    still_cached(inode, me, iter, folio, slot, NoFolio::Gone)
}

/// A folio is locked: what the write is about to do with it, unless it has left the page cache.
fn still_cached<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    iter: &IomapIter,
    folio: FolioRef,
    slot: &mut Slot,
    gone: NoFolio,
) -> Lookup {
    let (write, FolioRef { index, id }) = (&iter.write, folio);
    let folio_cells = inode.sb.geometry.cells_of_folio(index);
    let Some(folio) = slot.folio(id).filter(|folio| folio.in_cache) else {
        inode.emit(|| What::Folio(FolioEvent::GoneForWrite(index)));
        inode.account(Expense::LockedInVain);
        inode.folio_unlocked(index, id);
        slot.unlock_and_put(id, me);
        return Lookup::None(gone);
    };
    let mapped_end = iter.mapped_end(inode);
    let stop = folio_cells.end.min(write.end).min(mapped_end).min(write.at_most.unwrap_or(Cell::MAX));
    let covered = write.pos..stop;
    let valid = |block: &FileBlock| folio.block_uptodate(inode.sb.block_in_folio(*block));
    let invalid = inode.sb.geometry.blocks_touched(&covered).filter(|block| !valid(block)).collect();
    Lookup::Locked(Locked { folio: FolioRef { index, id }, covered, invalid, checked: Checked::NotYet })
}
