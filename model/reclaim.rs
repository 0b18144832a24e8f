//! Reclaim, kswapd's way, posix_fadvise's, and that of I/O which is not to be cached: a clean folio leaves the page cache.
//!
//! The steps from the trylock to the removal all run under the folio lock, which is only tried, so one
//! operation with its outcomes is enough: evicted, kept, or kept with its per-block state gone (the state is
//! freed before it is known whether the removal succeeds). It is not where somebody may dirty the folio by a
//! reference alone; then the removal decides by itself, last, and in an order that matters. Left out: a reference that arrives between
//! posix_fadvise's look at the count and its removal, which would lose the per-block state there, too.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Leaf, Lock, Op};

use crate::path::{Part, Path, Stepped};
use crate::state::dropbehind::Dropper;
use crate::state::event::{FolioEvent, What};
use crate::state::folio::FolioRef;
use crate::state::inode::Inode;
use crate::state::slot::{Eviction, Slot};
use crate::state::trace;
use crate::state::world::World;
use crate::words::command::Command;
use crate::words::design::ReclaimWriteback;
use crate::words::geometry::{Cell, FolioIndex, Geometry};
use crate::words::ordering::Link;
use crate::words::{bounds, branches};

/// `shrink_folio_list` for one folio (mm/vmscan.c). Where a device stores into pinned pages, there is somebody who dirties
/// a folio without its lock, and the removal is an operation of its own.
pub async fn shrink_folio<B: Backend>(inode: &Inode<B>, me: ActorId, index: FolioIndex) {
    let design = &inode.sb.config.design;
    let mut slot = inode.page(index).lock(Op::on("shrink_folio", u32::from(index))).await;
    let (locked, removal) = slot.reclaims(design.reclaim_writeback());
    let outcome = match slot.prepare_removal(design.reclaim_writeback()) {
        ControlFlow::Break(outcome) => outcome,
        ControlFlow::Continue(ifs) if inode.pins_pages => {
            slot.lock_current(me);
            drop(slot);
            slot = inode.page(index).lock(Op::on("__remove_mapping", u32::from(index))).await;
            slot.unlock_current(me);
            slot.remove_mapping(ifs, design.reclaim_dirty())
        }
        ControlFlow::Continue(ifs) => slot.remove_mapping(ifs, design.reclaim_dirty()),
    };
    if inode.keeps_shadows {
        leave_shadow(inode, &mut slot, outcome);
    }
    if let Some(id) = locked {
        inode.folio_locked(index, id);
        // The test of the writeback bit, which acquires nothing.
        inode.writeback(index).observe();
    }
    if removal {
        let failed = outcome != Eviction::Evicted;
        inode.xa_section(if failed { Link::XaRemoveFailed } else { Link::XaRemove });
    }
    if let Some(id) = locked {
        inode.folio_unlocked(index, id);
    }
    drop(slot);
    tell(inode, index, outcome);
}

/// What reclaim leaves of a folio that is gone (`__remove_mapping`, mm/vmscan.c, 6.1 to 7.3). Where there is none any more, the entry goes by
/// memory pressure as well, if it lies in a node of the xarray (`shadow_lru_isolate`, mm/workingset.c): not that of a file of one page,
/// which has none. That the node must have no folio is left out.
fn leave_shadow<B: Backend>(inode: &Inode<B>, slot: &mut Slot, outcome: Eviction) {
    let geometry = &inode.sb.geometry;
    match outcome {
        Eviction::Evicted => slot.leave_shadow(),
        Eviction::Absent if geometry.folios() * geometry.pages_per_folio() > 1 => slot.clear_shadow(),
        Eviction::Absent | Eviction::Kept | Eviction::KeptIfsLost => {}
    }
}

/// Where POSIX_FADV_DONTNEED stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Invalidate {
    /// Before it looks whether its range, which ends inside of a page, ends at end of file.
    Look(Range<u64>),
    /// Folio by folio: those that are left.
    Folios(Range<FolioIndex>),
}

impl Path for Invalidate {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::FadviseDontneed { range } = part.first()? else { return None };
        let geometry = &part.inode.sb.geometry;
        let whole = range.end == u64::MAX || range.end.is_multiple_of(geometry.page_size());
        Some(if whole {
            Invalidate::Folios(folios_inside(geometry, range.clone()))
        } else {
            Invalidate::Look(range.clone())
        })
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, _: ActorId) -> Stepped<Self> {
        ControlFlow::Continue(Invalidate::Folios(match self {
            Invalidate::Look(range) => pages_of(inode, range).await,
            Invalidate::Folios(mut folios) => {
                let Some(index) = folios.next() else { return ControlFlow::Break(()) };
                mapping_evict_folio(inode, index).await;
                folios
            }
        }))
    }
}

/// The folios of a range that ends inside of a page (`generic_fadvise`, mm/fadvise.c, 6.1 to 7.3): that page is left out, unless the
/// range ends at end of file, which is looked at without a lock.
async fn pages_of<B: Backend>(inode: &Inode<B>, range: Range<u64>) -> Range<FolioIndex> {
    let geometry = &inode.sb.geometry;
    let size = inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await as Cell;
    let page = geometry.page_size();
    let end = range.end / page * page;
    let end = if range.end == geometry.byte_at(size) { end + page } else { end };
    folios_inside(geometry, range.start..end)
}

/// The folios that lie in a range as a whole. It ends with a page, or not at all.
fn folios_inside(geometry: &Geometry, range: Range<u64>) -> Range<FolioIndex> {
    let (size, all) = (geometry.folio_size(), u64::from(geometry.folios()));
    let (start, end) = (range.start.div_ceil(size).min(all), (range.end / size).min(all));
    start as FolioIndex..end as FolioIndex
}

/// `mapping_evict_folio` for one folio (mm/truncate.c): looks at references first. Writeback is not started for
/// dirty folios, unlike by posix_fadvise itself; a scenario says `sync_range` for that.
async fn mapping_evict_folio<B: Backend>(inode: &Inode<B>, index: FolioIndex) {
    let mut slot = inode.page(index).lock(Op::on("invalidate_folio", u32::from(index))).await;
    let (locked, _) = slot.reclaims(ReclaimWriteback::Skip);
    let outcome = slot.invalidate();
    if let Some(id) = locked {
        inode.folio_locked(index, id);
        inode.writeback(index).observe();
        if outcome == Eviction::Evicted {
            inode.xa_section(Link::XaRemove);
        }
        inode.folio_unlocked(index, id);
    }
    drop(slot);
    tell(inode, index, outcome);
}

/// `folio_end_dropbehind`, `filemap_end_dropbehind_read` (mm/filemap.c, 7.3): a folio that nobody wants to stay is dropped, if
/// it can be locked at once. `me` gives its reference back.
pub(crate) async fn end_dropbehind<B: Backend>(inode: &Inode<B>, me: ActorId, folio: FolioRef, by: Dropper) {
    let FolioRef { index, id } = folio;
    let op = match by {
        Dropper::Completion => Op::on("folio_end_dropbehind", u32::from(index)),
        Dropper::Reader => Op::on("filemap_end_dropbehind_read", u32::from(index)),
    };
    let mut slot = inode.page(index).lock(op).await;
    let locks = slot.is_unlocked(id);
    if locks {
        inode.folio_locked(index, id);
        inode.writeback(index).observe();
    }
    let outcome = slot.end_dropbehind(id, me, by, inode.sb.config.fs.dropbehind());
    if outcome == Eviction::Evicted {
        inode.xa_section(Link::XaRemove);
        inode.sb.backend.reach(branches::DROPBEHIND);
    }
    if locks {
        inode.folio_unlocked(index, id);
    }
    drop(slot);
    tell(inode, index, outcome);
}

/// Reports what became of a folio that was to leave the page cache.
fn tell<B: Backend>(inode: &Inode<B>, index: FolioIndex, outcome: Eviction) {
    match outcome {
        Eviction::Evicted => {
            inode.sb.backend.reach(branches::EVICT);
            inode.emit(|| What::Folio(FolioEvent::Dropped(index)));
            inode.trace(|| trace::delete_from_page_cache(inode, index));
            if let Some(bound) = inode.sb.config.evictions {
                inode.sb.evictions.update(|count| *count += 1);
                if inode.sb.evictions.read(|count| *count) > bound {
                    inode.sb.backend.cut(bounds::EVICTIONS);
                }
            }
        }
        Eviction::KeptIfsLost => {
            inode.sb.backend.reach(branches::IFS_LOST);
            inode.emit(|| What::Folio(FolioEvent::KeptStateLost(index)));
        }
        Eviction::Kept => inode.emit(|| What::Folio(FolioEvent::Kept(index))),
        Eviction::Absent => inode.emit(|| What::Folio(FolioEvent::Absent(index))),
    }
}
