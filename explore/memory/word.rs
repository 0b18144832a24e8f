//! Relaxed memory in the engine: where it is kept, how it is put back, and what an access does there.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use stalemap_model::backend::{MemoryModel, Ordering};
use stalemap_model::event::Event;

use super::Core;
use super::relaxed::{Messages, Releases, Sides};
use crate::footprint::Footprint;

/// Messages at rest, with their fingerprint.
#[derive(Clone)]
pub(crate) struct Settled {
    messages: Messages,
    print: u128,
}

/// Relaxed memory at some time; `None` where memory is sequentially consistent.
pub(crate) type RelaxedState = Option<Rc<Settled>>;

/// Relaxed memory, if the system runs on it.
pub(super) struct Relaxed {
    state: RefCell<RelaxedState>,
    /// As the current transition found it.
    before: RefCell<RelaxedState>,
    /// The fingerprint of `state`; 0 where there is none.
    print: Cell<u128>,
    /// Whether there is a state.
    present: bool,
}

impl Relaxed {
    pub(super) fn new(model: MemoryModel) -> Self {
        let releases = match model {
            MemoryModel::Sequential => None,
            MemoryModel::Relaxed => Some(Releases::Seen),
            MemoryModel::Cumulative => Some(Releases::Read),
        };
        let present = releases.is_some();
        let state = releases.map(|releases| Rc::new(Settled { messages: Messages::new(releases), print: 0 }));
        Relaxed {
            before: RefCell::new(state.clone()),
            state: RefCell::new(state),
            print: Cell::new(0),
            present,
        }
    }

    pub(super) fn print(&self) -> u128 {
        self.print.get()
    }

    pub(super) fn state(&self) -> RelaxedState {
        if self.present { self.state.borrow().clone() } else { None }
    }

    pub(super) fn before(&self) -> RelaxedState {
        if self.present { self.before.borrow().clone() } else { None }
    }

    pub(super) fn begin_transition(&self) {
        if self.present {
            self.before.borrow_mut().clone_from(&self.state.borrow());
        }
    }

    pub(super) fn put(&self, state: &RelaxedState) {
        if let Some(settled) = state {
            self.print.set(settled.print);
            *self.state.borrow_mut() = Some(Rc::clone(settled));
        }
    }

    /// Ends a transition.
    pub(super) fn settle(&self, print: impl FnOnce(&Messages) -> u128) {
        if !self.present {
            return;
        }
        self.change(Messages::forget);
        if let Some(settled) = &mut *self.state.borrow_mut() {
            let settled = Rc::make_mut(settled);
            settled.print = print(&settled.messages);
            self.print.set(settled.print);
        }
    }

    /// Does nothing where memory is sequentially consistent.
    pub(super) fn change(&self, change: impl FnOnce(&mut Messages)) {
        if let Some(settled) = &mut *self.state.borrow_mut() {
            change(&mut Rc::make_mut(settled).messages);
        }
    }

    /// `None` where memory is sequentially consistent.
    fn look<R>(&self, look: impl FnOnce(&Messages) -> R) -> Option<R> {
        self.state.borrow().as_ref().map(|settled| look(&settled.messages))
    }

    /// A word; where memory is sequentially consistent, none.
    pub(super) fn new_word(&self, value: u64) -> Option<usize> {
        let mut word = None;
        self.change(|messages| word = Some(messages.new_word(value)));
        word
    }

    /// A lock or hand-over; where memory is sequentially consistent, none.
    pub(super) fn new_view(&self) -> Option<usize> {
        let mut view = None;
        self.change(|messages| view = Some(messages.new_view()));
        view
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
    fn changed(&self, object: usize) {
        self.changed.set(self.changed.get() | Footprint::bit(object));
    }

    fn say_older(&self, name: &str, value: u64, older: usize) {
        if older > 0 && self.watching.get() {
            let stores = if older == 1 { "store" } else { "stores" };
            self.events
                .borrow_mut()
                .push(Event::plain(format!("{name} is still seen as {value}, {older} {stores} behind")));
        }
    }

    /// Reads a word, and stores what `write` makes of the value right behind what was read.
    pub(super) fn relaxed_access(&self, at: Word, sides: Sides, write: impl Fn(u64) -> Option<u64>) -> u64 {
        let Word { name, object, number: word } = at;
        let actor = self.current.get();
        self.touch(object);
        let fits = |messages: &Messages, rank: &u16| {
            write(messages.value(word, *rank)).is_none() || messages.has_room_behind(word, *rank)
        };
        let ranks = self.relaxed.look(|messages| {
            let mut ranks = messages.readable(actor, word);
            ranks.retain(|rank| fits(messages, rank));
            ranks
        });
        let ranks = ranks.unwrap_or_default();
        let older = self.picks.pick(ranks.len());
        let rank = ranks[older];
        let seen = self.relaxed.look(|messages| messages.value(word, rank)).unwrap_or_default();
        self.say_older(name, seen, older);
        match write(seen) {
            None => self.relaxed.change(|messages| messages.read(actor, word, rank, sides)),
            Some(new) => {
                self.changed(object);
                self.relaxed.change(|messages| {
                    messages.read(actor, word, rank, sides);
                    messages.store_behind(actor, word, rank, new, sides, true);
                });
            }
        }
        seen
    }

    /// Stores into a word.
    pub(super) fn relaxed_store(&self, at: Word, value: u64, sides: Sides) {
        let Word { name, object, number: word } = at;
        let actor = self.current.get();
        self.touch(object);
        self.changed(object);
        let ranks = self.relaxed.look(|messages| {
            let mut ranks = messages.readable(actor, word);
            ranks.retain(|rank| messages.has_room_behind(word, *rank));
            ranks
        });
        let ranks = ranks.unwrap_or_default();
        let older = self.picks.pick(ranks.len());
        if older > 0 && self.watching.get() {
            let text = format!("{name} = {value} comes before what others have stored");
            self.events.borrow_mut().push(Event::plain(text));
        }
        self.relaxed.change(|messages| messages.store_behind(actor, word, ranks[older], value, sides, false));
    }

    /// What the latest store left.
    pub(super) fn relaxed_newest(&self, at: Word) -> u64 {
        self.touch(at.object);
        self.relaxed.look(|messages| messages.newest_value(at.number)).unwrap_or_default()
    }

    /// Acquires what was released to a view that belongs to an object.
    pub(super) fn acquire(&self, object: usize, view: Option<usize>) {
        let Some(view) = view else { return };
        self.touch(object);
        self.relaxed.change(|messages| messages.acquire(self.current.get(), view));
    }

    /// Reads what was released, without acquiring it.
    pub(super) fn observe(&self, object: usize, view: Option<usize>) {
        let Some(view) = view else { return };
        self.touch(object);
        self.relaxed.change(|messages| messages.observe(self.current.get(), view));
    }

    /// Releases.
    pub(super) fn release(&self, object: usize, view: Option<usize>) {
        self.change_view(object, view, |messages, view| messages.release(self.current.get(), view));
    }

    /// Forgets what was released.
    pub(super) fn reset(&self, object: usize, view: Option<usize>) {
        self.change_view(object, view, Messages::reset);
    }

    fn change_view(&self, object: usize, view: Option<usize>, change: impl FnOnce(&mut Messages, usize)) {
        let Some(view) = view else { return };
        self.touch(object);
        self.relaxed.change(|messages| {
            let before = messages.released(view).clone();
            change(messages, view);
            if *messages.released(view) != before {
                self.changed(object);
            }
        });
    }
}
