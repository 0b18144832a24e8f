//! The shared memory of the exhaustive engine: the facade of the model, made of values that can be put back.
//!
//! Every shared object is a reference-counted value. A guard takes the value out and puts a (possibly new)
//! value back when it is dropped, so the memory is at rest between transitions, and undoing a transition is
//! putting the old values back.
//!
//! An actor in the middle of a step is a future, which can be neither copied nor rewound. It is *rebuilt*
//! instead: the step starts again from its state, and every operation up to the point is answered from the
//! log of what it observed the first time, without touching the memory. That is why observing is logged,
//! and why effects (releases, stores, reports) are ignored unless the actor runs live.

use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use stalemap_facade::{ActorId, Bound, Calls, Counter, Event, MemoryModel, Op, Property, Shared};

use crate::fingerprint::{CanonicalBytes, chain, part};
use crate::footprint::Footprint;
use crate::weight::Weighed;

mod facade;
mod object;
mod outcome;
mod relaxed;
mod word;

use object::{Object, Slot};
pub(crate) use object::{Saved, SavedObject};
use outcome::Picks;
pub(crate) use outcome::{Outcome, digits, of_digits};
use relaxed::Messages;

/// What an actor's code runs as at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// Operations are answered from the log.
    Rebuilding,
    /// The one operation that the engine allowed has been performed; effects count.
    Live,
    /// The future is being dropped; nothing counts.
    Discarding,
}

/// What an actor observed at one operation.
#[derive(Clone)]
pub(crate) enum Observed {
    /// The value of a lock taken, or of leaf data looked at.
    Value(Rc<dyn Any>),
    /// A word, a choice.
    Word(u64),
    /// A try-lock found the lock held.
    Busy,
}

/// One answered operation.
#[derive(Clone)]
pub(crate) struct Answered {
    op: Op,
    observed: Observed,
}

/// Who looks at the memory without being an actor.
pub(crate) const NOBODY: ActorId = ActorId::MAX;

const LEAF_READ: Op = Op::new("(leaf)");
const PEEK: Op = Op::new("(peek)");
/// What an actor performed that came to the end of its step without its operation.
const NOTHING: Op = Op::new("(nothing)");

/// Leave to perform one operation.
#[derive(Clone, Copy)]
pub(crate) struct Permit {
    /// The operation that the actor announced.
    pub(crate) op: Op,
    /// Which of its outcomes is to be tried.
    pub(crate) outcome: u32,
}

/// An actor that, rebuilt, did something else than the first time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Divergence {
    pub(crate) actor: ActorId,
    pub(crate) expected: Op,
    pub(crate) performed: Op,
}

/// The operation that an actor performs next.
#[derive(Clone)]
pub(crate) struct Pending {
    /// Its name.
    pub(crate) op: Op,
    enabled: Enabled,
}

#[derive(Clone)]
enum Enabled {
    Always,
    Choice(u32),
    Free(Rc<dyn Object>),
    /// The object, and whether it is free and as it should be.
    When(usize, Rc<dyn Fn() -> bool>),
}

impl Pending {
    /// Whether the operation can be performed now.
    #[inline]
    pub(crate) fn is_enabled(&self) -> bool {
        match &self.enabled {
            Enabled::Always | Enabled::Choice(_) => true,
            Enabled::Free(object) => object.is_free(),
            Enabled::When(_, condition) => condition(),
        }
    }

    /// How many outcomes the engine has to try.
    #[inline]
    pub(crate) fn alternatives(&self) -> u32 {
        match self.enabled {
            Enabled::Choice(alternatives) => alternatives,
            _ => 1,
        }
    }

    /// The object on which it depends whether the operation can be performed; if on none, it always can.
    pub(crate) fn waits_for(&self) -> Option<usize> {
        match &self.enabled {
            Enabled::Always | Enabled::Choice(_) => None,
            Enabled::Free(object) => Some(object.number()),
            Enabled::When(object, _) => Some(*object),
        }
    }

    /// Whether the outcomes are the model's choice (and belong into a schedule).
    pub(crate) fn is_choice(&self) -> bool {
        matches!(self.enabled, Enabled::Choice(_))
    }
}

/// The whole memory, as it is kept.
pub(crate) struct SavedMemory {
    /// By object.
    pub(crate) values: Vec<Saved>,
    /// A set of [`Property::bit`].
    pub(crate) violated: u64,
}

/// What a run of an actor's step has come to: what it has observed, and what it is about to do.
pub(crate) struct Run {
    pub(crate) log: Vec<Answered>,
    pub(crate) log_print: u128,
    pub(crate) pending: Option<Pending>,
}

/// What a transition did to the memory.
pub(crate) struct Ended {
    pub(crate) footprint: Footprint,
    /// The objects that it wrote, each with its value before.
    pub(crate) undo: Vec<SavedObject>,
    /// The properties it found violated, whether they had been before or not.
    pub(crate) violated: u64,
    /// The bound that it ran into.
    pub(crate) cut: Option<Bound>,
    /// How it could have gone otherwise in relaxed memory, from here on.
    pub(crate) next_picks: Option<u32>,
}

/// The report side of a run: what is gathered over all executions and never undone.
#[derive(Clone, Default, Debug)]
pub(crate) struct Gathered {
    pub(crate) reached: u64,
    pub(crate) maxima: [u32; Counter::MOST],
    pub(crate) calls: Calls,
    /// The names of the operations performed, each at least once.
    pub(crate) operations: Vec<Cow<'static, str>>,
}

impl Gathered {
    /// Notes that an operation was performed. A name written down in one place has one address, so that most calls compare
    /// no text.
    #[inline]
    fn perform(&mut self, name: &'static str) {
        if !self.operations.iter().any(|known| std::ptr::eq(&raw const **known, name)) {
            self.operations.push(Cow::Borrowed(name));
        }
    }
}

pub(crate) struct Core {
    objects: RefCell<Vec<Rc<dyn Object>>>,
    /// By object, its share of the fingerprint. Kept here, since known transitions are found by it: asking the objects
    /// one by one is what a search would spend its time with.
    identities: RefCell<Vec<u128>>,
    /// Their sum.
    sum: Cell<u128>,
    bytes: RefCell<CanonicalBytes>,

    mode: Cell<Mode>,
    /// Whether the oracle is looking: what it looks at is no observation of the actor.
    auditing: Cell<bool>,
    current: Cell<ActorId>,
    /// The outcome allowed for the next operation after the log; `None` once it is used up.
    permit: Cell<Option<Permit>>,
    cursor: Cell<usize>,
    log: RefCell<Vec<Answered>>,
    log_print: Cell<u128>,
    pending: RefCell<Option<Pending>>,
    diverged: RefCell<Option<Divergence>>,

    transition: Cell<u64>,
    undo: RefCell<Vec<SavedObject>>,
    /// Locks taken in the current transition.
    taken: RefCell<Vec<Rc<dyn Object>>>,
    touched: Cell<u128>,
    /// Objects that relaxed memory made different, beside those in the undo log.
    changed: Cell<u128>,
    /// Relaxed memory, if the system runs on it.
    relaxed: OnceCell<Rc<Slot<Messages>>>,
    picks: Picks,

    violated: Cell<u64>,
    /// The properties that were ever found violated, by name.
    named: RefCell<BTreeSet<Property>>,
    /// The properties that the current transition found violated.
    found: Cell<u64>,
    cut: Cell<Option<Bound>>,
    gathered: RefCell<Gathered>,
    /// Whether the run is part of the exploration: what setup and epilogue reach proves nothing.
    gathering: Cell<bool>,
    watching: Cell<bool>,
    /// Whether somebody counts costs.
    metering: Cell<bool>,
    events: RefCell<Vec<Event>>,
}

/// The backend of the exhaustive engine.
#[derive(Clone)]
pub struct Memory(Rc<Core>);

impl Memory {
    pub(crate) fn new(model: MemoryModel) -> Self {
        let memory = Memory(Rc::new(Core {
            objects: RefCell::default(),
            identities: RefCell::default(),
            sum: Cell::new(0),
            bytes: RefCell::default(),
            mode: Cell::new(Mode::Discarding),
            auditing: Cell::new(false),
            current: Cell::new(0),
            permit: Cell::new(None),
            cursor: Cell::new(0),
            log: RefCell::default(),
            log_print: Cell::new(0),
            pending: RefCell::new(None),
            diverged: RefCell::new(None),
            transition: Cell::new(1),
            undo: RefCell::default(),
            taken: RefCell::default(),
            touched: Cell::new(0),
            changed: Cell::new(0),
            relaxed: OnceCell::new(),
            picks: Picks::default(),
            violated: Cell::new(0),
            named: RefCell::new([Property::DEADLOCK, Property::LIVELOCK].into()),
            found: Cell::new(0),
            cut: Cell::new(None),
            gathered: RefCell::default(),
            gathering: Cell::new(false),
            watching: Cell::new(false),
            metering: Cell::new(false),
            events: RefCell::default(),
        }));
        memory.set_up_relaxed(model);
        memory
    }

    fn new_slot<T: Shared>(&self, value: T) -> Rc<Slot<T>> {
        let number = self.0.objects.borrow().len();
        let (print, value) = self.0.weighed(number, value);
        let slot = Rc::new(Slot {
            number,
            value: RefCell::new(value),
            value_print: Cell::new(print),
            owner: Cell::new(None),
            saved_in: Cell::new(0),
            taken: Cell::new(false),
        });
        self.0.objects.borrow_mut().push(Rc::<Slot<T>>::clone(&slot));
        self.0.identities.borrow_mut().push(0);
        self.0.account(number, slot.identity());
        slot
    }

    /// The memory's share of the state's fingerprint, with the violations recorded so far.
    #[inline]
    pub(crate) fn identity(&self) -> u128 {
        self.0.sum.get().wrapping_add(self.share_of_violated(self.0.violated.get()))
    }

    /// The share that these violated properties have in a fingerprint.
    #[inline]
    pub(crate) fn share_of_violated(&self, violated: u64) -> u128 {
        if violated == 0 { 0 } else { self.0.print(part::VIOLATED, &violated) }
    }

    /// Whether the last transition could not be told by an [`Outcome`]: too many ways, or one that is none.
    pub(crate) fn picked_wrongly(&self) -> bool {
        self.0.picks.went_wrong()
    }

    /// The properties violated so far, as a set of [`Property::bit`].
    #[inline]
    pub(crate) fn violated(&self) -> u64 {
        self.0.violated.get()
    }

    /// The properties of a set of [`Property::bit`], in the order of their numbers. The memory has met them all.
    pub(crate) fn properties(&self, bits: u64) -> Vec<Property> {
        self.0.named.borrow().iter().copied().filter(|property| bits & property.bit() != 0).collect()
    }

    /// Whether the system ran into a bound that nobody has taken yet.
    #[inline]
    pub(crate) fn cut(&self) -> Option<Bound> {
        self.0.cut.get()
    }

    /// The bound that the system ran into since the last call, if any.
    pub(crate) fn take_cut(&self) -> Option<Bound> {
        self.0.cut.take()
    }

    pub(crate) fn print<T: std::hash::Hash>(&self, salt: usize, value: &T) -> u128 {
        self.0.print(salt, value)
    }

    #[inline]
    pub(crate) fn is_gathering(&self) -> bool {
        self.0.gathering.get()
    }

    /// Whether what is reached from here on counts.
    pub(crate) fn gather(&self, gathering: bool) {
        self.0.gathering.set(gathering);
    }

    pub(crate) fn gathered(&self) -> Gathered {
        self.0.gathered.borrow().clone()
    }

    /// Counts on from what was gathered before.
    pub(crate) fn put_gathered(&self, gathered: Gathered) {
        self.0.gathered.replace(gathered);
    }

    /// The branches reached since the last call, as a set of [`Branch::bit`](stalemap_facade::Branch::bit).
    pub(crate) fn take_reached(&self) -> u64 {
        std::mem::take(&mut self.0.gathered.borrow_mut().reached)
    }

    /// Whether events are kept from here on; whether they were before.
    pub(crate) fn watch(&self, watching: bool) -> bool {
        self.0.watching.replace(watching)
    }

    /// From here on there is somebody who counts costs, and watches for that.
    pub(crate) fn meter(&self) {
        self.0.watching.set(true);
        self.0.metering.set(true);
    }

    pub(crate) fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.events.borrow_mut())
    }

    /// Opens a transition: from here on changes are logged for [`Memory::undo`]. `picks` says what it meets in relaxed
    /// memory.
    #[inline]
    pub(crate) fn begin_transition(&self, picks: u32) {
        self.0.transition.set(self.0.transition.get() + 1);
        self.0.touched.set(0);
        self.0.changed.set(0);
        self.0.picks.begin(picks);
        self.0.found.set(0);
        debug_assert!(self.0.undo.borrow().is_empty(), "a transition left its undo log behind");
    }

    /// Closes the transition. A violation that it recorded is part of the state but not of the footprint: the
    /// set only grows, so recording commutes.
    #[inline]
    pub(crate) fn end_transition(&self) -> Ended {
        self.0.enter_held();
        let mut changed = self.0.changed.get();
        for (number, before) in &*self.0.undo.borrow() {
            if self.0.identities.borrow()[*number] != before.identity() {
                changed |= Footprint::bit(*number);
            }
        }
        // Relaxed memory has kept its fingerprint so far, and is no part of the footprint.
        self.0.settle();
        let undo = std::mem::take(&mut *self.0.undo.borrow_mut());
        let footprint = Footprint { touched: self.0.touched.get(), changed };
        Ended {
            footprint,
            undo,
            violated: self.0.found.get(),
            cut: self.0.cut.get(),
            next_picks: self.0.picks.next(),
        }
    }

    /// Puts back what a transition changed.
    #[inline]
    pub(crate) fn undo(&self, undo: &[SavedObject], violated: u64) {
        self.put(undo);
        self.0.violated.set(violated);
    }

    /// Gives objects the values that a known transition gives them. Returns how to undo it.
    #[inline]
    pub(crate) fn redo(&self, after: &[SavedObject], violated: u64, cut: Option<Bound>) -> Vec<SavedObject> {
        let before = self.values_of(after);
        self.put(after);
        self.0.violated.set(self.0.violated.get() | violated);
        self.0.cut.set(self.0.cut.get().or(cut));
        before
    }

    /// The present values of the objects named in `list`.
    #[inline]
    pub(crate) fn values_of(&self, list: &[SavedObject]) -> Vec<SavedObject> {
        let objects = self.0.objects.borrow();
        list.iter().map(|(number, _)| (*number, objects[*number].save())).collect()
    }

    #[inline]
    fn put(&self, list: &[SavedObject]) {
        let objects = self.0.objects.borrow();
        for (number, saved) in list {
            self.0.restore(&*objects[*number], *number, saved);
        }
    }

    /// The objects whose bits are set in a footprint, and relaxed memory: what a transition may depend on.
    #[inline]
    pub(crate) fn objects_of(&self, touched: u128) -> Vec<u32> {
        let relaxed = self.0.relaxed.get().map(|slot| slot.number);
        let touched = |number: &usize| touched & Footprint::bit(*number) != 0 || relaxed == Some(*number);
        (0..self.0.objects.borrow().len()).filter(touched).map(|number| number as u32).collect()
    }

    /// The sum of some objects' shares of the fingerprint before the changes in `undo`.
    #[inline]
    pub(crate) fn identity_before(&self, numbers: &[u32], undo: &[SavedObject]) -> u128 {
        let identities = self.0.identities.borrow();
        undo.iter().fold(self.identity_of(numbers), |sum, (number, before)| {
            sum.wrapping_sub(identities[*number]).wrapping_add(before.identity())
        })
    }

    /// The sum of some objects' shares of the fingerprint.
    #[inline]
    pub(crate) fn identity_of(&self, numbers: &[u32]) -> u128 {
        let identities = self.0.identities.borrow();
        numbers.iter().fold(0, |sum: u128, number| sum.wrapping_add(identities[*number as usize]))
    }

    /// By object, its share of the fingerprint.
    pub(crate) fn identities(&self) -> Vec<u128> {
        self.0.identities.borrow().clone()
    }

    /// The properties that the last transition found violated, whether they had been before or not.
    pub(crate) fn found(&self) -> u64 {
        self.0.found.get()
    }

    /// The whole memory.
    pub(crate) fn save(&self) -> SavedMemory {
        let values = self.0.objects.borrow().iter().map(|object| object.save()).collect();
        SavedMemory { values, violated: self.0.violated.get() }
    }

    /// Puts the whole memory back.
    #[inline]
    pub(crate) fn restore(&self, saved: &SavedMemory) {
        for (number, (object, saved)) in self.0.objects.borrow().iter().zip(&saved.values).enumerate() {
            // Most objects have the same value in both states.
            let identity = self.0.identities.borrow()[number];
            if identity != saved.identity() {
                self.0.restore(&**object, number, saved);
            }
        }
        self.0.violated.set(saved.violated);
    }

    /// Prepares to run `actor` from the beginning of its step: `log` answers its first operations, and
    /// `permit` allows one more, with that outcome.
    #[inline]
    pub(crate) fn begin_run(
        &self,
        actor: ActorId,
        log: Vec<Answered>,
        log_print: u128,
        permit: Option<Permit>,
    ) {
        let core = &self.0;
        core.current.set(actor);
        core.permit.set(permit);
        core.cursor.set(0);
        // A step that has just begun has nothing to rebuild; what it does before its first operation is
        // the tail of the transition that ended the step before.
        core.mode.set(if log.is_empty() && permit.is_none() { Mode::Live } else { Mode::Rebuilding });
        *core.log.borrow_mut() = log;
        core.log_print.set(log_print);
        *core.pending.borrow_mut() = None;
    }

    /// Ends the run: effects of dropping the future do not count.
    #[inline]
    pub(crate) fn end_run(&self) -> Run {
        let core = &self.0;
        core.mode.set(Mode::Discarding);
        if let Some(permit) = core.permit.take() {
            core.diverge(permit.op, NOTHING);
        }
        Run {
            log: std::mem::take(&mut core.log.borrow_mut()),
            log_print: core.log_print.get(),
            pending: core.pending.borrow_mut().take(),
        }
    }

    /// Says how the last run differed from its log, if it did.
    pub(crate) fn take_divergence(&self) -> Option<Divergence> {
        self.0.diverged.borrow_mut().take()
    }
}

impl Core {
    fn print<T: std::hash::Hash>(&self, salt: usize, value: &T) -> u128 {
        self.bytes.borrow_mut().fingerprint(salt as u64, value)
    }

    /// A value's fingerprint as part number `salt`; weighs it.
    fn print_of<T: Shared>(&self, salt: usize, value: &Weighed<T>) -> u128 {
        let mut bytes = self.bytes.borrow_mut();
        let print = bytes.fingerprint(salt as u64, &**value);
        value.weigh(bytes.len());
        print
    }

    /// A value that nobody has yet, weighed, and its fingerprint.
    fn weighed<T: Shared>(&self, salt: usize, value: T) -> (u128, Rc<Weighed<T>>) {
        let value = Rc::new(Weighed::new(value));
        (self.print_of(salt, &value), value)
    }

    #[inline]
    fn restore(&self, object: &dyn Object, number: usize, saved: &Saved) {
        object.restore(saved);
        self.account(number, saved.identity());
    }

    /// Enters an object's share of the fingerprint in place of the one that it had.
    #[inline]
    fn account(&self, number: usize, identity: u128) {
        let before = std::mem::replace(&mut self.identities.borrow_mut()[number], identity);
        self.sum.set(self.sum.get().wrapping_sub(before).wrapping_add(identity));
    }

    #[inline]
    fn is_live(&self) -> bool {
        self.mode.get() == Mode::Live
    }

    #[inline]
    fn touch(&self, number: usize) {
        self.touched.set(self.touched.get() | Footprint::bit(number));
    }

    /// Enters the locks that are still held into the undo log and the sum of fingerprints, as if they had
    /// been taken just now.
    #[inline]
    fn enter_held(&self) {
        for object in self.taken.borrow_mut().drain(..) {
            let Some(owner) = object.take_taken() else { continue };
            object.set_owner(None);
            if !object.is_saved_in(self.transition.get()) {
                self.undo.borrow_mut().push((object.number(), object.save()));
            }
            object.set_owner(Some(owner));
            self.account(object.number(), object.identity());
        }
    }

    /// Applies `change` to an object's cell, keeping the undo log and the sum of fingerprints.
    fn modify<T: Shared>(&self, slot: &Rc<Slot<T>>, change: impl FnOnce(&Slot<T>)) {
        self.touch(slot.number);
        if slot.saved_in.replace(self.transition.get()) != self.transition.get() {
            self.undo.borrow_mut().push((slot.number, slot.save()));
        }
        change(slot);
        self.account(slot.number, slot.identity());
    }

    fn set_value<T: Shared>(&self, slot: &Rc<Slot<T>>, value: Rc<Weighed<T>>) {
        let print = self.print_of(slot.number, &value);
        self.modify(slot, |slot| {
            slot.value_print.set(print);
            *slot.value.borrow_mut() = value;
        });
    }

    fn update<T: Shared>(&self, slot: &Rc<Slot<T>>, change: impl FnOnce(&mut T)) {
        if self.is_live() {
            let mut value = Rc::clone(&slot.value.borrow());
            change(&mut **Rc::make_mut(&mut value));
            self.set_value(slot, value);
        }
    }

    /// Shows data to the oracle. An actor that is rebuilt makes no audits, so what is looked at meanwhile may decide what the
    /// transition does, and is touched, but is not recorded.
    fn audit<T: Shared>(&self, slot: &Rc<Slot<T>>, look: impl FnOnce(&T)) {
        if self.is_live() {
            self.touch(slot.number);
            let within = self.auditing.replace(true);
            look(&slot.value.borrow());
            self.auditing.set(within);
        }
    }

    /// The next answer from the log, if the actor is being rebuilt and the log is not used up. An actor that
    /// diverges gets none: the answer would be to another question.
    #[inline]
    fn answer(&self, op: Op) -> Option<Observed> {
        if self.mode.get() != Mode::Rebuilding {
            return None;
        }
        let cursor = self.cursor.get();
        let log = self.log.borrow();
        let answered = log.get(cursor)?;
        if answered.op != op {
            self.diverge(answered.op, op);
            return None;
        }
        self.cursor.set(cursor + 1);
        Some(answered.observed.clone())
    }

    fn diverge(&self, expected: Op, performed: Op) {
        self.diverged.borrow_mut().get_or_insert(Divergence {
            actor: self.current.get(),
            expected,
            performed,
        });
    }

    #[inline]
    fn record(&self, op: Op, observed: Observed, print: u128) {
        debug_assert!(
            !self.auditing.get(),
            "`{op}` is observed by an audit, which an actor that is rebuilt does not make"
        );
        self.log_print.set(chain(0, self.log_print.get(), print));
        self.log.borrow_mut().push(Answered { op, observed });
    }

    /// Asks for leave to perform a visible operation. `Some(outcome)` grants it; otherwise the operation is
    /// announced as pending. An actor that has diverged gets no further.
    #[inline]
    fn ask(&self, op: Op, enabled: Enabled) -> Option<u32> {
        if self.diverged.borrow().is_some() {
            return None;
        }
        if let Some(permit) = self.permit.take() {
            if permit.op != op {
                self.diverge(permit.op, op);
                return None;
            }
            self.mode.set(Mode::Live);
            if self.gathering.get() {
                self.gathered.borrow_mut().perform(op.name);
            }
            return Some(permit.outcome);
        }
        *self.pending.borrow_mut() = Some(Pending { op, enabled });
        None
    }
}
