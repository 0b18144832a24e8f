//! Reclaim (actor A7), kswapd's way and posix_fadvise's: a clean folio leaves the page cache.
//!
//! The steps from the trylock to the removal all run under the folio lock, which is only tried, so one
//! operation with its outcomes is enough: evicted, kept, or kept with its per-block state gone (the state is
//! freed before it is known whether the removal succeeds). Left out: a reference that arrives between
//! posix_fadvise's look at the count and its removal, which would lose the per-block state there, too.

use crate::backend::{Backend, Leaf, Lock, Op};
use crate::design::ReclaimWriteback;
use crate::event::{Bound, Branch};
use crate::folio::Eviction;
use crate::geometry::FolioIndex;
use crate::inode::Inode;
use crate::tracepoint;

/// `shrink_folio_list` for one folio (mm/vmscan.c).
pub async fn shrink_folio<B: Backend>(inode: &Inode<B>, index: FolioIndex) {
    let mut slot = inode.page(index).lock(Op::on("shrink_folio", u32::from(index))).await;
    let ignore = inode.sb.config.design.reclaim_writeback == ReclaimWriteback::Ignore;
    let outcome = slot.shrink(ignore);
    drop(slot);
    tell(inode, index, outcome);
}

/// `mapping_evict_folio` for one folio (mm/truncate.c): looks at references first. Writeback is not started
/// for dirty folios, unlike by posix_fadvise itself; a scenario says `sync_range` for that.
pub async fn invalidate_folio<B: Backend>(inode: &Inode<B>, index: FolioIndex) {
    let mut slot = inode.page(index).lock(Op::on("invalidate_folio", u32::from(index))).await;
    let outcome = slot.invalidate();
    drop(slot);
    tell(inode, index, outcome);
}

fn tell<B: Backend>(inode: &Inode<B>, index: FolioIndex, outcome: Eviction) {
    match outcome {
        Eviction::Evicted => {
            inode.sb.backend.reach(Branch::Evict);
            inode.say(|| format!("drop folio {index}"));
            inode.trace(|| tracepoint::delete_from_page_cache(inode, index));
            if let Some(bound) = inode.sb.config.evictions {
                inode.sb.evictions.update(|count| *count += 1);
                if inode.sb.evictions.read(|count| *count) > bound {
                    inode.sb.backend.cut(Bound::Evictions);
                }
            }
        }
        Eviction::KeptIfsLost => {
            inode.sb.backend.reach(Branch::IfsLost);
            inode.say(|| format!("folio {index} stays, per-block state lost"));
        }
        Eviction::Kept => inode.say(|| format!("folio {index} stays")),
    }
}
