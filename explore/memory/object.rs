//! Shared objects, as the undo log and the fingerprint see them: a value that can be taken out and put back, and
//! an owner while it is held.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use stalemap_facade::{ActorId, Shared};

use crate::fingerprint::owned_print;
use crate::weight::Weighed;

/// A shared object as the undo log sees it.
pub(crate) trait Object {
    fn number(&self) -> usize;
    fn is_free(&self) -> bool;
    /// Whether it was taken in the current transition and is still held; forgets that it was.
    fn take_taken(&self) -> Option<ActorId>;
    fn set_owner(&self, owner: Option<ActorId>);
    fn is_saved_in(&self, transition: u64) -> bool;
    fn save(&self) -> Saved;
    fn restore(&self, saved: &Saved);
    fn identity(&self) -> u128;
}

/// An object's value at some time.
#[derive(Clone)]
pub(crate) struct Saved {
    value: Rc<dyn Any>,
    value_print: u128,
    owner: Option<ActorId>,
}

pub(super) struct Slot<T> {
    pub(super) number: usize,
    pub(super) value: RefCell<Rc<Weighed<T>>>,
    pub(super) value_print: Cell<u128>,
    pub(super) owner: Cell<Option<ActorId>>,
    /// The transition in which the object was last saved into the undo log.
    pub(super) saved_in: Cell<u64>,
    /// Taken in the current transition. Most locks are released in the transition that takes them, and then
    /// nothing has happened; only one that is still held when it ends is entered into the undo log.
    pub(super) taken: Cell<bool>,
}

impl<T: Shared> Object for Slot<T> {
    fn number(&self) -> usize {
        self.number
    }

    fn is_free(&self) -> bool {
        self.owner.get().is_none()
    }

    fn take_taken(&self) -> Option<ActorId> {
        if self.taken.replace(false) { self.owner.get() } else { None }
    }

    fn set_owner(&self, owner: Option<ActorId>) {
        self.owner.set(owner);
    }

    fn is_saved_in(&self, transition: u64) -> bool {
        self.saved_in.replace(transition) == transition
    }

    fn save(&self) -> Saved {
        Saved {
            value: Rc::<Weighed<T>>::clone(&self.value.borrow()),
            value_print: self.value_print.get(),
            owner: self.owner.get(),
        }
    }

    fn restore(&self, saved: &Saved) {
        let value = Rc::clone(&saved.value).downcast::<Weighed<T>>();
        *self.value.borrow_mut() = value.unwrap_or_else(|_| unreachable!("an object keeps its type"));
        self.value_print.set(saved.value_print);
        self.owner.set(saved.owner);
    }

    fn identity(&self) -> u128 {
        owned_print(self.value_print.get(), self.owner.get())
    }
}

impl Saved {
    /// An object's share of the fingerprint while it has this value.
    pub(crate) fn identity(&self) -> u128 {
        owned_print(self.value_print, self.owner)
    }
}

/// An object, by its number, and a value of it.
pub(crate) type SavedObject = (usize, Saved);
