//! What the holder of a folio's lock owes to the judge, which debug builds see to.
//!
//! The door to the extent map judges by itself when it is left ([`map_change`](crate::state::map_change)). A folio has no such
//! door: it is changed in several operations, and the path asks the judge where others begin to see what became of it, with
//! [`audit_folio`](crate::state::inode::Inode::audit_folio) before it is unlocked and
//! [`audit_backing`](crate::state::inode::Inode::audit_backing) after. A path that forgets it makes every search blind, and
//! no test fails. So a folio remembers in debug builds what was done to it under its lock, and unlocking it panics where the
//! judge has not been asked. What is done to a folio that nobody has locked is owed at the end of the step ([`Step::end`]).
//!
//! This is not state: folios that differ in nothing else are the same, and debug builds explore what release builds do, count
//! for count. Engines share values that are equal, so what is owed counts only in the step that it was done in
//! ([`Step::begin`]). What a path does to a folio and shows in another step is not seen to.

#[cfg(debug_assertions)]
use std::cell::Cell;
use std::fmt;
use std::hash::{Hash, Hasher};

#[cfg(debug_assertions)]
thread_local! {
    /// Which of the steps that this thread has begun is the latest.
    static STEP: Cell<u64> = const { Cell::new(0) };

    /// How many steps are under way.
    static UNDER_WAY: Cell<u32> = const { Cell::new(0) };

    /// A set of debts of the latest step, for folios that nobody has locked.
    static UNLOCKED: Cell<u8> = const { Cell::new(0) };
}

/// A step of an actor, while it is done.
#[must_use]
pub struct Step(());

impl Step {
    /// An actor begins a step, or does it over: nothing is owed that was owed before.
    pub fn begin() -> Self {
        #[cfg(debug_assertions)]
        {
            STEP.set(STEP.get() + 1);
            UNDER_WAY.set(UNDER_WAY.get() + 1);
            UNLOCKED.set(0);
        }
        Step(())
    }

    /// The step is over. Engines that keep actors on stacks have others under way, whose debts this may be; there nothing is
    /// asked.
    ///
    /// # Panics
    /// In debug builds, when blocks of a folio that nobody had locked became valid or dirty and the judge has not been asked.
    pub fn end(self) {
        #[cfg(debug_assertions)]
        if UNDER_WAY.get() == 1 {
            let owes = |debt: Debt| UNLOCKED.get() & debt as u8 != 0;
            assert!(
                !owes(Debt::Contents),
                "blocks of an unlocked folio became valid: Inode::audit_folio comes next"
            );
            assert!(!owes(Debt::Backing), "an unlocked folio was dirtied: Inode::audit_backing comes next");
        }
    }
}

#[cfg(debug_assertions)]
impl Drop for Step {
    fn drop(&mut self) {
        UNDER_WAY.set(UNDER_WAY.get() - 1);
    }
}

/// From here on this is owed by who does the step, for a folio that nobody has locked.
pub fn owe_unlocked(debt: Debt) {
    #[cfg(debug_assertions)]
    UNLOCKED.set(UNLOCKED.get() | debt as u8);
    #[cfg(not(debug_assertions))]
    let _ = debt;
}

/// The judge has been asked about folios that nobody has locked.
pub fn pay_unlocked(debt: Debt) {
    #[cfg(debug_assertions)]
    UNLOCKED.set(UNLOCKED.get() & !(debt as u8));
    #[cfg(not(debug_assertions))]
    let _ = debt;
}

/// What may be owed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Debt {
    /// Blocks became valid: whoever unlocks the folio asks `Inode::audit_folio` before.
    Contents = 1,
    /// Blocks became dirty: whoever unlocks the folio asks `Inode::audit_backing` after, and says so with
    /// [`Slot::unlock_dirtied`](crate::state::slot::Slot::unlock_dirtied).
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
        if step == STEP.get() { debts } else { 0 }
    }

    /// From here on this is owed.
    pub fn owe(&self, debt: Debt) {
        self.debts.set((self.now() | debt as u8, STEP.get()));
    }

    /// The judge has been asked, or is going to be.
    pub fn pay(&self, debt: Debt) {
        self.debts.set((self.now() & !(debt as u8), STEP.get()));
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
