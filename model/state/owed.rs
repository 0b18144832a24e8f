//! What the holder of a folio's lock owes to the judge, which debug builds see to.
//!
//! The door to the extent map judges by itself when it is left ([`map_change`](crate::state::map_change)). A folio has no such
//! door: it is changed in several operations, and the path asks the judge where others begin to see what became of it, with
//! [`audit_folio`](crate::state::inode::Inode::audit_folio) before it is unlocked and
//! [`audit_backing`](crate::state::inode::Inode::audit_backing) after. A path that forgets it makes every search blind, and
//! no test fails. So a folio remembers in debug builds what was done to it under its lock, and unlocking it panics where the
//! judge has not been asked.
//!
//! This is not state: folios that differ in nothing else are the same, and debug builds explore what release builds do, count
//! for count. Engines share values that are equal, so what is owed counts only in the step that it was done in
//! ([`step_begins`]). What a path does to a folio and shows in another step is not seen to.

#[cfg(debug_assertions)]
use std::cell::Cell;
use std::fmt;
use std::hash::{Hash, Hasher};

#[cfg(debug_assertions)]
thread_local! {
    /// Which of the steps that this thread has begun is the latest.
    static STEP: Cell<u64> = const { Cell::new(0) };
}

/// An actor begins a step, or does it over: nothing is owed that was owed before.
pub fn step_begins() {
    #[cfg(debug_assertions)]
    STEP.with(|step| step.set(step.get() + 1));
}

/// What may be owed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Debt {
    /// Blocks became valid: whoever unlocks the folio asks `Inode::audit_folio` before.
    Contents = 1,
    /// Blocks became dirty: whoever unlocks the folio asks `Inode::audit_backing` after, and says so with
    /// [`Slot::unlock_dirtied`](crate::state::folio::Slot::unlock_dirtied).
    Backing = 2,
}

/// What is owed for a folio. Empty in release builds.
#[derive(Clone, Default)]
pub struct Owed {
    /// A set of debts, and the step that they are of. A judge sees the folio as others do, and pays all the same.
    #[cfg(debug_assertions)]
    debts: Cell<(u8, u64)>,
}

#[cfg(debug_assertions)]
impl Owed {
    fn now(&self) -> u8 {
        let (debts, step) = self.debts.get();
        if step == STEP.with(Cell::get) { debts } else { 0 }
    }

    /// From here on this is owed.
    pub fn owe(&self, debt: Debt) {
        self.debts.set((self.now() | debt as u8, STEP.with(Cell::get)));
    }

    /// The judge has been asked, or is going to be.
    pub fn pay(&self, debt: Debt) {
        self.debts.set((self.now() & !(debt as u8), STEP.with(Cell::get)));
    }

    /// Whether it is owed.
    pub fn is_owed(&self, debt: Debt) -> bool {
        self.now() & debt as u8 != 0
    }
}

#[cfg(not(debug_assertions))]
impl Owed {
    /// Nothing is remembered.
    pub fn owe(&self, _: Debt) {}

    /// Nothing is remembered.
    pub fn pay(&self, _: Debt) {}

    /// Nothing is remembered.
    pub fn is_owed(&self, _: Debt) -> bool {
        false
    }
}

impl PartialEq for Owed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Owed {}

impl Hash for Owed {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl fmt::Debug for Owed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}
