//! What direct I/O does about the page cache of its range: dirty folios are written back, and before and after
//! a write what is cached is dropped.
//!
//! `filemap_write_and_wait_range` (mm/filemap.c) and `invalidate_inode_pages2_range` (mm/truncate.c). Dropping
//! waits for writeback itself, one folio after the other, so a writer's flush need not wait beforehand. Left
//! out: the reference held while waiting for a folio's lock, and that mapped folios are unmapped once before
//! the lock is waited for; they are unmapped again under it.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::state::event::{FolioEvent, What};
use crate::state::inode::Inode;
use crate::state::slot::{Eviction, Slot};
use crate::state::trace;
use crate::words::geometry::FolioIndex;
use crate::words::ordering::Link;
use crate::writeback::io::SyncMode;
use crate::writeback::{self, WritebackState};

/// Where the preparation of a direct write stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum InvalidateState {
    /// Writing dirty folios back.
    Flush(Range<FolioIndex>, WritebackState),
    /// Before the next folio is dropped; what became of those before it.
    Drop(Range<FolioIndex>, Eviction),
}

impl InvalidateState {
    /// Before anything is done about `folios`.
    pub fn new(folios: Range<FolioIndex>) -> Self {
        let flush = WritebackState::new(SyncMode::Integrity, folios.clone());
        InvalidateState::Flush(folios, flush)
    }
}

/// One step. Ends with `Kept` if a folio was dirty again, and stays.
pub async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: InvalidateState,
) -> ControlFlow<Eviction, InvalidateState> {
    match state {
        InvalidateState::Flush(folios, inner) => {
            ControlFlow::Continue(match writeback::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => InvalidateState::Flush(folios, inner),
                ControlFlow::Break(()) => InvalidateState::Drop(folios, Eviction::Evicted),
            })
        }
        InvalidateState::Drop(mut folios, before) => {
            let Some(index) = folios.next() else { return ControlFlow::Break(before) };
            let this = invalidate_folio2(inode, index).await;
            let kept = if this == Eviction::Kept { this } else { before };
            if folios.is_empty() {
                ControlFlow::Break(kept)
            } else {
                ControlFlow::Continue(InvalidateState::Drop(folios, kept))
            }
        }
    }
}

/// Drops one folio, unless it is dirty: waits until nobody has it locked and it is not under writeback.
pub async fn invalidate_folio2<B: Backend>(inode: &Inode<B>, index: FolioIndex) -> Eviction {
    let at_rest = |slot: &Slot, _: u64| {
        slot.current().is_none_or(|(_, folio)| folio.locked.is_none() && !folio.writeback)
    };
    let op = Op::on("invalidate_inode_pages2", u32::from(index));
    let mut slot = inode.page(index).lock_when(op, at_rest, 0).await;
    let folio = slot.current().map(|(id, _)| id);
    let cached = folio.is_some();
    let outcome = slot.invalidate_unless_dirty();
    if cached && outcome == Eviction::Evicted {
        inode.xa_section(Link::XaRemove);
    }
    inode.folio_passed(index, folio);
    match outcome {
        Eviction::Kept | Eviction::KeptIfsLost => inode.emit(|| What::Folio(FolioEvent::KeptDirty(index))),
        Eviction::Evicted if cached => {
            inode.emit(|| What::Folio(FolioEvent::Dropped(index)));
            inode.trace(|| trace::delete_from_page_cache(inode, index));
        }
        Eviction::Evicted | Eviction::Absent => {}
    }
    outcome
}
