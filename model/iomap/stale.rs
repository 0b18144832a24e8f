//! Whether a mapping may still be used, and what follows if not: the folio is let go, and the design says what becomes of the rest.

use stalemap_facade::{ActorId, Backend, Lock};

use crate::fs;
use crate::iomap::jdata;
use crate::iomap::valid::iomap_valid;
use crate::iomap::write_failed::cut_beyond_eof;
use crate::iomap::write_state::{IomapIter, WriteState, unused_reservation};
use crate::judge::properties;
use crate::state::event::{AfterStale, Expense, LookedUp, Method, Needless, Seq, Verdict, What};
use crate::state::folio::FolioRef;
use crate::state::inode::Inode;
use crate::state::mapping::StaleFlag;
use crate::state::owed::Debt;
use crate::state::trace;
use crate::words::design::{Check, HookRelease, OnStale, PunchLock, StaleCleanup};
use crate::words::{bounds, branches};

/// Whether the mapping may still be used where the pass stands.
pub(super) async fn still_valid<B: Backend>(inode: &Inode<B>, iter: &IomapIter) -> bool {
    let (config, fill) = (&inode.sb.config, iter.write.fill);
    if fs::check(config, fill) != Check::InGetFolio {
        inode.account(Expense::Called(Method::IomapValid));
    }
    let block = inode.sb.geometry.block_of(iter.write.pos);
    iomap_valid(inode, &iter.iomap, block, fs::checker(config, fill)).await
}

/// A mapping was found stale: the folio is released, and what follows is the design's.
pub(super) fn stale<B: Backend>(
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
        let then = match design.on_stale() {
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
    let keeps = design.punch_lock() == PunchLock::UnderFolioLock
        && folio.is_some()
        && unused_reservation(inode, &iter).is_some();
    let kept = folio.filter(|_| keeps);
    if let Some(folio) = folio.filter(|_| !keeps) {
        release_folio(inode, me, folio);
    }
    let IomapIter { write, iomap, .. } = &mut iter;
    if design.on_stale() == OnStale::KeepMapping {
        iomap.stale = StaleFlag::Clear;
        inode.retries.sampled(me);
        iomap.cookie = inode.counters.sample_again(iomap.cookie, iomap.start..iomap.end, &inode.i_size);
        return WriteState::Folio(iter);
    }
    if design.on_stale() == OnStale::Fail {
        write.failed = true;
    }
    let wanted =
        write.pos..write.end.min(inode.sb.geometry.cells_of_folio(inode.sb.geometry.folio_of(write.pos)).end);
    let next = WriteState::End(iter, kept);
    match design.stale_cleanup() {
        StaleCleanup::TruncateBeyondEof => cut_beyond_eof(inode, wanted, next),
        StaleCleanup::Nothing => next,
    }
}

/// A mutant lets others see blocks that are valid and whose other part nobody has copied. What comes of that is judged when
/// they are read.
pub(super) fn half_filled<B: Backend>(inode: &Inode<B>, folio: FolioRef) {
    inode.page(folio.index).audit(|slot| {
        if let Some(folio) = slot.folio(folio.id) {
            folio.owed.pay(Debt::Contents);
        }
    });
}

/// Unlocks and puts the folio of a stale mapping, as the design does it.
fn release_folio<B: Backend>(inode: &Inode<B>, me: ActorId, folio: FolioRef) {
    let FolioRef { index, id } = folio;
    let (page, release) = (inode.page(index), inode.sb.config.design.hook_release());
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
