//! The page cache: what is read into it, reclaim, folios that are dropped, and seeking.

use stalemap_model::judge::properties;
use stalemap_model::words::branches;
use stalemap_model::words::design::{ReclaimDirty, ReclaimWriteback, SeekCheck};
use stalemap_model::words::personality::{Dropbehind, JdataFlip, SeekMap};
use stalemap_model::words::writeback_design::{FillLock, ReadEnd};

use super::{Mutation, caught, holds, violates};

/// A file's data begin, or cease, to be journalled, and its page cache stays as it is. A folio of one block has nothing of its
/// own in ordered mode that could be mistaken.
#[test]
fn a_page_cache_of_the_other_data_mode() {
    let keep: Mutation = |_, fs| fs.jdata_flip = JdataFlip::Keep;
    for scenario in ["gfs2/jdata-flip-blocks", "gfs2/jdata-unflip"] {
        caught(scenario, keep, &[properties::WRONG_PRIVATE], &[]);
    }
    holds("gfs2/jdata-flip", keep, &[]);
}

/// Reclaim looks whether a folio is dirty before it is the last one to refer to it.
#[test]
fn reclaim_looks_at_the_dirty_flag_first() {
    caught(
        "xfs/m23",
        |design, _| design.reclaim_dirty = ReclaimDirty::BeforeFreeze,
        &[properties::LOST_WRITE],
        &[branches::EVICT, branches::MKWRITE],
    );
}

/// Harmless where every page is dirtied under its lock: reclaim looks at the dirty flag first.
#[test]
fn nobody_dirties_by_a_reference() {
    for scenario in ["xfs/t2", "xfs/t7-d2"] {
        let first: Mutation = |design, _| design.reclaim_dirty = ReclaimDirty::BeforeFreeze;
        holds(scenario, first, &[branches::MKWRITE]);
    }
}

/// Reclaim drops folios under writeback.
#[test]
fn reclaim_ignores_writeback() {
    caught(
        "xfs/t1",
        |design, _| design.reclaim_writeback = ReclaimWriteback::Ignore,
        &[properties::LOST_WRITE],
        &[branches::EVICT],
    );
}

/// SEEK_DATA looks at less than it should, or too far: what lies there is called a hole.
#[test]
fn seeking_passes_over_data() {
    let stale = &[properties::STALE_READ];
    caught("xfs/seek-cow", |_, fs| fs.seek_map = SeekMap::DataFork, stale, &[branches::COW_REMAP]);
    caught("xfs/seek-cow-untrimmed", |_, fs| fs.seek_map = SeekMap::CowUntrimmed, stale, &[]);
    caught("xfs/seek-delalloc", |_, fs| fs.seek_map = SeekMap::Allocated, stale, &[branches::ALLOCATE]);
    for scenario in ["xfs/seek-cow", "xfs/seek-cow-untrimmed", "xfs/seek-delalloc"] {
        holds(scenario, |_, fs| fs.seek_map = SeekMap::CowAndCache, &[]);
    }
}

/// A search uses a mapping that writeback and reclaim have made stale. i_rwsem does not help, a comparison does.
#[test]
fn seeking_uses_a_stale_mapping() {
    for scenario in ["xfs/seek-stale", "xfs/seek-hole", "ext4/seek"] {
        violates(scenario, |_, fs| fs.seek_takes_i_rwsem = true, &[properties::STALE_READ]);
        let checked: Mutation = |design, _| design.seek_check = SeekCheck::AfterProbe;
        holds(scenario, checked, &[branches::STALE, branches::EVICT]);
    }
}

/// The end of writeback, or a reader, drops an uncached folio that is under writeback again.
#[test]
fn an_uncached_folio_dropped_unseen() {
    caught(
        "xfs/dontcache",
        |_, fs| fs.dropbehind = Dropbehind::Ungated,
        &[properties::STALE_READ],
        &[branches::DROPBEHIND, branches::CACHE_FILL],
    );
    caught(
        "ext4/dontcache-read",
        |_, fs| fs.dropbehind = Dropbehind::Ungated,
        &[properties::STALE_READ],
        &[branches::DROPBEHIND, branches::CACHE_FILL],
    );
}

/// A reader lets invalidate_lock go when it has submitted its I/O: harmless.
#[test]
fn invalidate_lock_is_let_go_before_the_read_is_complete() {
    for scenario in ["xfs/read-pieces", "xfs/d9"] {
        holds(scenario, |design, _| design.fill_lock = FillLock::Submitted, &[branches::CACHE_FILL]);
    }
}

/// A folio is uptodate with the first of its pieces.
#[test]
fn a_folio_uptodate_too_early() {
    caught(
        "xfs/read-pieces",
        |design, _| design.read_end = ReadEnd::FirstPiece,
        &[properties::STALE_EXPOSURE],
        &[branches::CACHE_FILL],
    );
}
