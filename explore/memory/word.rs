//! Relaxed memory in the engine: an object like any other for the undo log and the fingerprint, and what an access
//! does there.
//!
//! Where memory is sequentially consistent there is none, and exploring is to cost nothing for it: what follows the
//! question whether there is any is marked cold, and stays out of the way.
//!
//! The object is no part of a transition's footprint: what an access depends on is its word, or its view, which are
//! objects of their own for that purpose. An actor's own view is nobody else's business, and forgetting messages that
//! nobody can read commutes with everything.

use std::rc::Rc;

use stalemap_facade::Event;
use stalemap_facade::{ActorId, MemoryModel, Ordering};

use super::object::{Object, Slot};
use super::relaxed::{Messages, Releases, Sides};
use super::{Core, Memory, NOBODY};
use crate::footprint::Footprint;

impl Memory {
    /// Makes the object, if the system runs on relaxed memory.
    pub(super) fn set_up_relaxed(&self, model: MemoryModel) {
        let releases = match model {
            MemoryModel::Sequential => return,
            MemoryModel::Relaxed => Releases::Seen,
            MemoryModel::Cumulative => Releases::Read,
        };
        let slot = self.new_slot(Messages::new(releases));
        self.0.relaxed.get_or_init(|| slot);
    }

    /// These actors run concurrently from here on.
    pub(crate) fn start(&self, actors: impl Iterator<Item = ActorId>) {
        self.0.set_up(|messages| {
            messages.start(actors);
            messages.forget();
        });
    }

    /// An actor has finished.
    pub(crate) fn retire(&self, actor: ActorId) {
        self.0.change_messages(|messages| messages.retire(actor));
    }
}

/// What an ordering makes of a load.
pub(super) fn of_load(ordering: Ordering) -> Sides {
    match ordering {
        Ordering::Acquire | Ordering::AcqRel => Sides::Acquire,
        Ordering::Relaxed | Ordering::Release => Sides::Neither,
    }
}

/// What an ordering makes of a store.
pub(super) fn of_store(ordering: Ordering) -> Sides {
    match ordering {
        Ordering::Release | Ordering::AcqRel => Sides::Release,
        Ordering::Relaxed | Ordering::Acquire => Sides::Neither,
    }
}

/// What an ordering makes of a read-modify-write that succeeds; one that fails orders nothing.
pub(super) fn of_read_modify_write(ordering: Ordering) -> Sides {
    match ordering {
        Ordering::Relaxed => Sides::Neither,
        Ordering::Acquire => Sides::Acquire,
        Ordering::Release => Sides::Release,
        Ordering::AcqRel => Sides::Both,
    }
}

/// A word of relaxed memory: its object, and its place in [`Messages`].
#[derive(Clone, Copy)]
pub(super) struct Word {
    pub(super) name: &'static str,
    pub(super) object: usize,
    pub(super) number: usize,
}

impl Core {
    /// Changes relaxed memory outside of transitions, if there is any.
    fn set_up<R>(&self, change: impl FnOnce(&mut Messages) -> R) -> Option<R> {
        let slot = self.relaxed.get()?;
        let result = change(&mut *Rc::make_mut(&mut *slot.value.borrow_mut()));
        self.reprint(slot);
        Some(result)
    }

    /// A word; where memory is sequentially consistent, none.
    pub(super) fn new_word(&self, value: u64) -> Option<usize> {
        self.set_up(|messages| messages.new_word(value))
    }

    /// A lock or hand-over; where memory is sequentially consistent, none.
    pub(super) fn new_view(&self) -> Option<usize> {
        self.set_up(Messages::new_view)
    }

    fn reprint(&self, slot: &Slot<Messages>) {
        let messages = slot.value.borrow();
        slot.value_print.set(self.print_of(slot.number, &messages));
        messages.weigh(messages.owned());
        self.account(slot.number, slot.identity());
    }

    /// Changes relaxed memory in a transition, if there is any. The fingerprint follows when the transition ends.
    #[cold]
    fn change_messages(&self, change: impl FnOnce(&mut Messages)) {
        let Some(slot) = self.relaxed.get() else { return };
        if !slot.is_saved_in(self.transition.get()) {
            self.undo.borrow_mut().push((slot.number, slot.save()));
        }
        change(&mut *Rc::make_mut(&mut *slot.value.borrow_mut()));
    }

    /// Ends a transition: what nobody can see any more is forgotten, and the fingerprint is that of what remains.
    pub(super) fn settle(&self) {
        if let Some(slot) = self.relaxed.get() {
            self.settle_messages(slot);
        }
    }

    #[cold]
    fn settle_messages(&self, slot: &Slot<Messages>) {
        if slot.saved_in.get() == self.transition.get() {
            Rc::make_mut(&mut slot.value.borrow_mut()).forget();
            self.reprint(slot);
        }
    }

    /// `None` where memory is sequentially consistent.
    fn look_at_messages<R>(&self, look: impl FnOnce(&Messages) -> R) -> Option<R> {
        self.relaxed.get().map(|slot| look(&slot.value.borrow()))
    }

    fn changed(&self, object: usize) {
        self.changed.set(self.changed.get() | Footprint::bit(object));
    }

    fn say_older(&self, name: &'static str, value: u64, older: usize) {
        if older > 0 && self.watching.get() {
            self.events.borrow_mut().push(Event::SawOlder { word: name, value, behind: older });
        }
    }

    /// Reads a word, and stores what `write` makes of the value right behind what was read. What only reads orders as
    /// `reads` says: a read-modify-write that fails orders nothing (Documentation/atomic_t.txt).
    #[cold]
    pub(super) fn relaxed_access(
        &self,
        at: Word,
        sides: Sides,
        reads: Sides,
        write: impl Fn(u64) -> Option<u64>,
    ) -> u64 {
        let Word { name, object, number: word } = at;
        let actor = self.current.get();
        self.touch(object);
        let fits = |messages: &Messages, rank: &u16| {
            write(messages.value(word, *rank)).is_none() || messages.has_room_behind(word, *rank)
        };
        let ranks = self.look_at_messages(|messages| {
            let mut ranks = messages.readable(actor, word);
            ranks.retain(|rank| fits(messages, rank));
            ranks
        });
        let ranks = ranks.unwrap_or_default();
        let older = self.picks.pick(ranks.len());
        let rank = ranks[older];
        let seen = self.look_at_messages(|messages| messages.value(word, rank)).unwrap_or_default();
        self.say_older(name, seen, older);
        match write(seen) {
            // Who looks without being an actor is in no transition, and has no view to move.
            None if actor == NOBODY => {}
            None => self.change_messages(|messages| messages.read(actor, word, rank, reads)),
            Some(new) => {
                self.changed(object);
                self.change_messages(|messages| {
                    messages.read(actor, word, rank, sides);
                    messages.store_behind(actor, word, rank, new, sides, true);
                });
            }
        }
        seen
    }

    /// Stores into a word.
    #[cold]
    pub(super) fn relaxed_store(&self, at: Word, value: u64, sides: Sides) {
        let Word { name, object, number: word } = at;
        let actor = self.current.get();
        self.touch(object);
        self.changed(object);
        let ranks = self.look_at_messages(|messages| {
            let mut ranks = messages.readable(actor, word);
            ranks.retain(|rank| messages.has_room_behind(word, *rank));
            ranks
        });
        let ranks = ranks.unwrap_or_default();
        let older = self.picks.pick(ranks.len());
        if older > 0 && self.watching.get() {
            self.events.borrow_mut().push(Event::StoredBefore { word: name, value });
        }
        self.change_messages(|messages| {
            messages.store_behind(actor, word, ranks[older], value, sides, false);
        });
    }

    /// What the latest store left.
    #[cold]
    pub(super) fn relaxed_newest(&self, at: Word) -> u64 {
        self.touch(at.object);
        self.look_at_messages(|messages| messages.newest_value(at.number)).unwrap_or_default()
    }

    /// Acquires what was released to a view that belongs to an object.
    pub(super) fn acquire(&self, object: usize, view: Option<usize>) {
        if let Some(view) = view {
            self.touch(object);
            self.change_messages(|messages| messages.acquire(self.current.get(), view));
        }
    }

    /// Reads what was released, without acquiring it.
    pub(super) fn observe(&self, object: usize, view: Option<usize>) {
        if let Some(view) = view {
            self.touch(object);
            self.change_messages(|messages| messages.observe(self.current.get(), view));
        }
    }

    /// Releases.
    pub(super) fn release(&self, object: usize, view: Option<usize>) {
        if let Some(view) = view {
            self.change_view(object, view, |messages, view| messages.release(self.current.get(), view));
        }
    }

    /// Forgets what was released.
    pub(super) fn reset(&self, object: usize, view: Option<usize>) {
        if let Some(view) = view {
            self.change_view(object, view, Messages::reset);
        }
    }

    #[cold]
    fn change_view(&self, object: usize, view: usize, change: impl FnOnce(&mut Messages, usize)) {
        self.touch(object);
        self.change_messages(|messages| {
            let before = messages.released(view).clone();
            change(messages, view);
            if *messages.released(view) != before {
                self.changed(object);
            }
        });
    }
}
