//! The hooks around a folio, and the transaction that they end.

use stalemap_model::judge::properties;
use stalemap_model::words::branches;
use stalemap_model::words::design::{Design, PageDone, PageDoneOnStale};
use stalemap_model::words::personality::Personality;

use super::{Mutation, holds, violates};

/// The fixed order of patch 02, on which the mistakes around the hooks are made.
fn before_unlock(design: &mut Design, _: &mut Personality) {
    design.page_done = PageDone::BeforeUnlock;
}

/// The hook joins the buffers after the folio was unlocked.
#[test]
fn page_done_after_unlock() {
    holds("gfs2/t6", before_unlock, &[branches::READ_FILL, branches::EVICT]);
    let late: Mutation = |design, _| design.page_done = PageDone::AfterUnlock;
    violates("gfs2/t6", late, &[properties::BROKEN_TRANSACTION]);
}

/// The hook is given a folio that was never prepared.
#[test]
fn page_done_with_an_unprepared_folio() {
    holds("gfs2/jdata-valid", before_unlock, &[branches::STALE]);
    let with_folio: Mutation = |design, fs| {
        before_unlock(design, fs);
        design.page_done_on_stale = PageDoneOnStale::Folio;
    };
    violates("gfs2/jdata-valid", with_folio, &[properties::BROKEN_TRANSACTION]);
}

/// A stale abort does not end the transaction.
#[test]
fn stale_abort_without_the_end_of_the_transaction() {
    holds("gfs2/jdata-valid", before_unlock, &[branches::STALE]);
    let not_called: Mutation = |design, fs| {
        before_unlock(design, fs);
        design.page_done_on_stale = PageDoneOnStale::NotCalled;
    };
    violates("gfs2/jdata-valid", not_called, &[properties::BROKEN_TRANSACTION]);
}
