//! Models written for loom itself, past the facade.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// Everything that executions of a loom model report.
pub(crate) fn under_loom_directly<T: Ord + Send + 'static>(
    model: impl Fn(&Mutex<BTreeSet<T>>) + Send + Sync + 'static,
) -> BTreeSet<T> {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let into = Arc::clone(&seen);
    loom::model::Builder::new().check(move || model(&into));
    std::mem::take(&mut seen.lock().expect("nobody panics"))
}
