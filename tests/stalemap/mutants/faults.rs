//! Faults: when a folio is mapped, and what is held by then.

use stalemap_model::judge::properties;
use stalemap_model::words::branches;
use stalemap_model::words::design::{Design, FaultMap, MkwriteMap, RedirtyLock};
use stalemap_model::words::personality::{MkwriteUnlock, Personality};
use stalemap_model::words::valid_size::{MkwriteValid, ValidMoved, ValidRead};

use super::{Mutation, caught, holds, violates};

/// A write fault maps before it locks its folio. A direct write takes the folio away, and before the fault is
/// retried a truncate leaves a part of its reservation in the file and the store outside.
#[test]
fn fault_maps_before_the_folio_lock() {
    caught(
        "xfs/m17",
        maps_first,
        &[properties::LEAKED_RESERVATION],
        &[branches::MKWRITE_RETRY, branches::UNMAP],
    );
}

/// The same where a reservation made in vain is all that there is space for: no folio is dirty yet when the fault
/// fails.
#[test]
fn fault_fails_with_a_clean_folio() {
    caught("xfs/a10", maps_first, &[properties::LEAKED_RESERVATION], &[branches::MKWRITE]);
}

/// Harmless: a write fault that maps early is retried and finds its own reservation; without direct I/O nobody takes the
/// folio away.
#[test]
fn fault_finds_its_reservation() {
    holds("xfs/m17-retried", maps_first, &[branches::MKWRITE_RETRY, branches::MKWRITE]);
    holds("xfs/m17-control", maps_first, &[branches::MKWRITE, branches::UNMAP, branches::EVICT]);
    holds("xfs/t2", maps_first, &[branches::MKWRITE, branches::STALE, branches::EVICT]);
}

fn maps_first(design: &mut Design, _: &mut Personality) {
    design.mkwrite_map = MkwriteMap::BeforeLock;
}

/// A fault maps all pages of its folio: harmless.
#[test]
fn fault_maps_its_folio() {
    holds("xfs/sigbus-page", |design, _| design.fault_map = FaultMap::Folio, &[branches::MKWRITE]);
}

/// The fault of a load that waits for invalidate_lock, as up to 6.2, finds nothing of what a punch does to a large folio.
#[test]
fn loads_wait_for_who_takes_blocks_away() {
    violates("xfs/punch-large-folio", |_, _| (), &[properties::STALE_READ]);
    holds("xfs/punch-large-folio", |_, fs| fs.map_pages_lock = true, &[]);
}

/// A write fault on gfs2 lets go of the glock before its folio is dirty.
#[test]
fn write_faults_let_go_of_the_glock_early() {
    let held: Mutation = |_, fs| fs.mkwrite_unlock = MkwriteUnlock::AfterDirty;
    holds("gfs2/punch-fault", held, &[branches::MKWRITE, branches::UNMAP]);
    let early: Mutation = |_, fs| fs.mkwrite_unlock = MkwriteUnlock::BeforeDirty;
    violates("gfs2/punch-fault-locked", early, &[properties::LOST_WRITE]);
}

/// Who dirties a folio as it is holds a lock that does not keep direct writes, or punches, out.
#[test]
fn folios_are_dirtied_with_too_little_held() {
    let folio: Mutation = |design, _| design.redirty_lock = RedirtyLock::Folio;
    let fault: Mutation = |design, _| design.redirty_lock = RedirtyLock::InvalidateLock;
    for lock in [folio, fault] {
        caught("xfs/redirty-direct", lock, &[properties::LOST_WRITE], &[branches::CACHE_FILL]);
    }
    caught("xfs/redirty-punch", folio, &[properties::DIRTY_OVER_HOLE], &[branches::UNMAP]);
    holds("xfs/redirty-punch", fault, &[branches::UNMAP]);
}

/// What lies behind the valid size is read, nobody moves it for a store, it is moved over what nobody has zeroed, or too late.
#[test]
fn the_valid_size_is_not_what_is_on_the_blocks() {
    caught(
        "ntfs3/read-folio-valid",
        |_, fs| fs.valid_read = ValidRead::Device,
        &[properties::STALE_EXPOSURE],
        &[branches::CACHE_FILL, branches::MKWRITE],
    );
    violates(
        "ntfs3/read-folio-valid",
        |_, fs| fs.mkwrite_valid = MkwriteValid::Nothing,
        &[properties::LOST_WRITE],
    );
    caught(
        "exfat/mmap-grow",
        |_, fs| fs.mkwrite_valid = MkwriteValid::Moved,
        &[properties::STALE_EXPOSURE],
        &[branches::MKWRITE],
    );
    violates(
        "exfat/mmap-grow",
        |_, fs| fs.mkwrite_valid = MkwriteValid::AtMmap,
        &[properties::STALE_EXPOSURE],
    );
    caught(
        "ntfs3/read-zeroes-dirty",
        |_, fs| fs.valid_read = ValidRead::ZerosFolio,
        &[properties::LOST_WRITE],
        &[branches::CACHE_FILL],
    );
    caught(
        "ntfs3/valid-moved-late",
        |_, fs| fs.valid_moved = ValidMoved::IomapEnd,
        &[properties::LOST_WRITE],
        &[branches::EVICT, branches::CACHE_FILL],
    );
}
