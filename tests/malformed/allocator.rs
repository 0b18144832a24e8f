//! An allocator that counts what each thread has taken and not given back.
//!
//! A trial runs on one thread, which makes and drops what it needs; so what a thread takes is what an input costs.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static TAKEN: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

/// What was taken by another thread may be given back by this one: the count stays at nothing.
fn count(taken: usize, given_back: usize) {
    // A thread that ends has no count any more.
    let _ = TAKEN.try_with(|count| {
        let now = count.get().saturating_add(taken);
        let _ = MOST.try_with(|most| most.set(most.get().max(now)));
        count.set(now.saturating_sub(given_back));
    });
}

// SAFETY: everything is handed on to the system's allocator; the counts are plain cells without destructors and allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: what the caller promises is what is asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both exist while it is moved.
        count(size, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// The most bytes that this thread had at a time beyond what it had before, while it did something.
pub(crate) fn most_of<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = TAKEN.get();
    MOST.set(before);
    let result = work();
    (result, MOST.get().saturating_sub(before))
}
