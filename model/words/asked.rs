//! A design or a file system as the model sees it: one field at a time, and it is noted which.
//!
//! What a search finds depends on a field only if a step asked for it, or what made the system ready. So what it finds is found under
//! every design, on every file system, that gives the same answers. That is no matter of care: the model has no way to a value
//! but the methods that note it, which `settable` (settings.rs) makes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most fields of one struct; what declares more does not compile.
pub(crate) const MAX_FIELDS: usize = 128;

/// Something with fields, and which of them have been asked for. Copies note it together.
#[derive(Clone)]
pub struct Asked<T> {
    pub(super) of: T,
    places: Arc<[AtomicU64; MAX_FIELDS / 64]>,
}

impl<T> Asked<T> {
    /// Nothing has been asked yet.
    pub fn new(of: T) -> Self {
        Asked { of, places: Arc::default() }
    }

    /// All of it, which is not noted: for who does not search, or looks before each search.
    pub fn unnoted(&self) -> &T {
        &self.of
    }

    /// All of it, to be changed before anything is asked.
    pub fn unnoted_mut(&mut self) -> &mut T {
        &mut self.of
    }

    /// Notes that the field at a place in the declaration was asked for.
    pub(super) fn note(&self, place: usize) {
        let (word, bit) = (&self.places[place / 64], 1 << (place % 64));
        // Nearly always it is known, and a processor that only reads does not disturb others.
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// Whether the field at a place was asked for.
    pub(super) fn is_noted(&self, place: usize) -> bool {
        self.places[place / 64].load(Ordering::Relaxed) & 1 << (place % 64) != 0
    }
}

impl<T: PartialEq> PartialEq for Asked<T> {
    /// What has been asked is nothing that they differ in.
    fn eq(&self, other: &Self) -> bool {
        self.of == other.of
    }
}

impl<T: Eq> Eq for Asked<T> {}

impl<T: fmt::Debug> fmt::Debug for Asked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.fmt(f)
    }
}
