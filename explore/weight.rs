//! What values take of memory.
//!
//! A search keeps values that are shared between many of its states, of types that it knows nothing of. So each value
//! counts itself: it enters its weight when it gets its fingerprint, and takes it out when it is dropped. The weight
//! is the size of its type and the length of its canonical bytes, which stand for what it owns. Values are counted
//! for each thread: they never leave the one that made them, and a search runs on one.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

thread_local! {
    static LIVE: Cell<u64> = const { Cell::new(0) };
}

/// The reference counts and what an allocation costs beside its contents.
const OVERHEAD: usize = 32;

/// Bytes of all weighed values of this thread.
pub(crate) fn live() -> u64 {
    LIVE.get()
}

/// Bytes that are counted as long as it lives; none at first.
#[derive(Default)]
pub(crate) struct Weight(Cell<u32>);

impl Weight {
    /// Counts this many bytes, and those of an allocation, in place of what was counted.
    #[inline]
    pub(crate) fn set(&self, bytes: usize) {
        let weight = u32::try_from(OVERHEAD + bytes).unwrap_or(u32::MAX);
        let before = self.0.replace(weight);
        LIVE.set(LIVE.get() + u64::from(weight) - u64::from(before));
    }
}

impl Drop for Weight {
    #[inline]
    fn drop(&mut self) {
        LIVE.set(LIVE.get() - u64::from(self.0.get()));
    }
}

/// A value that counts itself.
pub(crate) struct Weighed<T> {
    value: T,
    weight: Weight,
}

impl<T> Weighed<T> {
    #[inline]
    pub(crate) fn new(value: T) -> Self {
        Weighed { value, weight: Weight::default() }
    }

    /// Enters the weight of a value that owns about `owned` bytes; again, if it has changed.
    #[inline]
    pub(crate) fn weigh(&self, owned: usize) {
        self.weight.set(size_of::<Self>() + owned);
    }
}

/// A copy has a weight of its own, and none before it is weighed.
impl<T: Clone> Clone for Weighed<T> {
    #[inline]
    fn clone(&self) -> Self {
        Weighed::new(self.value.clone())
    }
}

impl<T> Deref for Weighed<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Weighed<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// Elements that a vector or table may get from one look at its bytes to the next.
pub(crate) const BETWEEN_LOOKS: usize = 64;

/// Bytes of a vector until the next look, and while it moves to a place of twice the size if it may have to.
pub(crate) fn bytes_of_vector<T>(vector: &Vec<T>) -> u64 {
    while_growing(vector.capacity() * size_of::<T>(), vector.capacity() - vector.len())
}

/// Bytes of a hash table or vector with this much room left until the next look, as [`bytes_of_vector`].
pub(crate) fn while_growing(bytes: usize, room: usize) -> u64 {
    let bytes = bytes as u64;
    if room < BETWEEN_LOOKS { 3 * bytes } else { bytes }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn a_value_counts_as_long_as_somebody_has_it() {
        let before = live();
        let value = Rc::new(Weighed::new(7_u64));
        assert_eq!(live(), before);
        value.weigh(100);
        let one = live() - before;
        assert!(one >= 108);
        let mut other = Rc::clone(&value);
        assert_eq!(live(), before + one);
        **Rc::make_mut(&mut other) += 1;
        assert_eq!(live(), before + one, "the copy is not weighed yet");
        other.weigh(100);
        other.weigh(100);
        assert_eq!(live(), before + 2 * one);
        drop(value);
        drop(other);
        assert_eq!(live(), before);
    }
}
