//! One folio of a buffered write: `iomap_write_begin`, the copy, `iomap_write_end` (fs/iomap/buffered-io.c).
//!
//! Here are its steps. How the folio is got is in `get_folio.rs`. Where the designs check the cached mapping is said here, and
//! `stale.rs` does it; what the mapping is used for, zeroing in memory or reading from disk, is in `fill.rs`.

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::fs;
use crate::iomap::fill::{read_blocks, sort_blocks, write_begin_inline, zero_blocks, zeroed_unseen};
use crate::iomap::get_folio::{Lookup, NoFolio, filemap_alloc_folio, iomap_get_folio, lock_found};
use crate::iomap::jdata;
use crate::iomap::stale::{half_filled, stale, still_valid};
use crate::iomap::write_end::copy;
use crate::iomap::write_failed::{begin_failed, fail};
use crate::iomap::write_state::{Checked, FolioState, IomapIter, Locked, Write, WriteState};
use crate::state::directed_run;
use crate::state::event::{Errno, Expense, Fill};
use crate::state::folio::FolioRef;
use crate::state::inode::Inode;
use crate::state::mapping::{IomapType, StaleFlag};
use crate::words::design::Check;
use crate::words::geometry::FileBlock;
use crate::words::personality::SourceFault;
use crate::writeback::io::wait_stable;

/// One pass of `iomap_write_iter`, up to its folio.
pub(super) async fn iomap_write_iter<B: Backend>(
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
        if inode.sb.config.fs.source_fault() == SourceFault::EndsPass {
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
pub(super) async fn in_folio<B: Backend>(
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
