//! Models written for loom itself, past the facade.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// Everything that executions of a loom model report: of all, or of the first so many.
pub(crate) fn under_loom_directly<T: Ord + Send + 'static>(
    most: Option<usize>,
    model: impl Fn(&Mutex<BTreeSet<T>>) + Send + Sync + 'static,
) -> BTreeSet<T> {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let into = Arc::clone(&seen);
    let mut loom = loom::model::Builder::new();
    loom.max_permutations = most;
    loom.check(move || model(&into));
    std::mem::take(&mut seen.lock().expect("nobody panics"))
}
