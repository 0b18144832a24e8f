//! How many threads work at one search.
//!
//! Who runs several searches side by side gives what one of them does not need any more to the others, while they run: a search
//! asks before each batch. What it finds does not depend on the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of threads that can be changed while searches run. Copies are the same number.
#[derive(Clone, Debug)]
pub struct Workers(Arc<AtomicUsize>);

impl Workers {
    /// So many threads, and at least one.
    pub fn new(threads: usize) -> Self {
        Workers(Arc::new(AtomicUsize::new(threads)))
    }

    /// From now on so many.
    pub fn set(&self, threads: usize) {
        self.0.store(threads, Ordering::Relaxed);
    }

    /// How many there are now; at least one.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed).max(1)
    }
}

impl Default for Workers {
    fn default() -> Self {
        Workers::new(1)
    }
}
