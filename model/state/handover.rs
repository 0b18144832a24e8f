//! What passes from one task to the next, and locks whose two sides are links of the kernel's chain
//! ([`ordering`](crate::words::ordering)).

use std::ops::{Deref, DerefMut};

use stalemap_facade::{Backend, Lock, Op, Shared, View};

use crate::words::ordering::{Link, Orderings};

/// What passes from who releases to who acquires, by two links (which may be one: a lock).
pub struct Handover<B: Backend> {
    view: B::View,
    acquires: bool,
    releases: bool,
}

impl<B: Backend> Handover<B> {
    /// Nothing has been released. `by` acquires, and `from` releases, unless they are weakened.
    pub fn new(backend: &B, name: &'static str, orderings: Orderings, by: Link, from: Link) -> Self {
        let (acquires, releases) = (orderings.keeps(by), orderings.keeps(from));
        Handover { view: backend.view(name), acquires, releases }
    }

    /// In the current transition.
    pub fn acquire(&self) {
        if self.acquires {
            self.view.acquire();
        }
    }

    /// In the current transition: a plain read of what is released.
    pub fn observe(&self) {
        self.view.observe();
    }

    /// In the current transition.
    pub fn release(&self) {
        if self.releases {
            self.view.release();
        }
    }

    /// In the current transition: the object is a new one.
    pub fn reset(&self) {
        self.view.reset();
    }
}

/// A lock whose two sides are links.
pub struct LinkedLock<B: Backend, T: Shared> {
    lock: B::Lock<T>,
    handover: Handover<B>,
}

impl<B: Backend, T: Shared> LinkedLock<B, T> {
    /// A free lock.
    pub fn new(backend: &B, name: &'static str, value: T, handover: Handover<B>) -> Self {
        LinkedLock { lock: backend.unordered(name, value), handover }
    }

    /// See [`Lock::lock`].
    pub async fn lock(&self, op: Op) -> LinkedGuard<'_, B, T> {
        let guard = self.lock.lock(op).await;
        self.handover.acquire();
        LinkedGuard { guard, handover: &self.handover }
    }

    /// See [`Lock::audit`].
    pub fn audit(&self, look: impl FnOnce(&T)) {
        self.lock.audit(look);
    }
}

/// A held [`LinkedLock`]. Dropping it releases it.
pub struct LinkedGuard<'a, B: Backend, T: Shared> {
    guard: <B::Lock<T> as Lock<T>>::Guard<'a>,
    handover: &'a Handover<B>,
}

impl<B: Backend, T: Shared> Deref for LinkedGuard<'_, B, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<B: Backend, T: Shared> DerefMut for LinkedGuard<'_, B, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl<B: Backend, T: Shared> Drop for LinkedGuard<'_, B, T> {
    fn drop(&mut self) {
        self.handover.release();
    }
}
