//! The facade of the model over the engine's memory: what a path calls, and what it makes of the mode it runs in.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use stalemap_facade::{
    ActorId, Atomic, Backend, Bound, Branch, Call, Counter, Event, Leaf, Lock, Op, Ordering, Property,
    Returned, Shared, SystemEvent, View,
};

use super::object::{Object, Slot};
use super::relaxed::Sides;
use super::word::{Word, of_load, of_read_modify_write, of_store};
use super::{Core, Enabled, LEAF_READ, Memory, Observed, PEEK};
use crate::weight::Weighed;

/// A visible operation that is answered from the log, or performed with leave, or pending.
struct Visible<A, E, P>(Rc<Core>, Op, Option<(A, E, P)>);

impl<A, E, P, R> Future for Visible<A, E, P>
where
    A: FnOnce(Observed) -> R + Unpin,
    E: FnOnce() -> Enabled + Unpin,
    P: FnOnce(&Core, u32) -> R + Unpin,
{
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<R> {
        let this = &mut *self;
        let Some((answer, enabled, perform)) = this.2.take() else { return Poll::Pending };
        if let Some(observed) = this.0.answer(this.1) {
            return Poll::Ready(answer(observed));
        }
        match this.0.ask(this.1, enabled()) {
            Some(outcome) => Poll::Ready(perform(&this.0, outcome)),
            // The engine never polls a pending future again; it rebuilds it.
            None => Poll::Pending,
        }
    }
}

fn value_of<T: Shared>(observed: Observed) -> Rc<Weighed<T>> {
    match observed {
        Observed::Value(value) => {
            value.downcast::<Weighed<T>>().unwrap_or_else(|_| unreachable!("logged with its type"))
        }
        Observed::Word(_) | Observed::Busy => unreachable!("logged as a value"),
    }
}

fn word_of(observed: &Observed) -> u64 {
    match observed {
        Observed::Word(word) => *word,
        Observed::Value(_) | Observed::Busy => unreachable!("logged as a word"),
    }
}

/// Locked data of the exhaustive engine.
pub struct MemoryLock<T: Shared> {
    core: Rc<Core>,
    slot: Rc<Slot<T>>,
    /// What taking it acquires and dropping it releases, in relaxed memory.
    view: Option<usize>,
}

/// A held lock of the exhaustive engine.
pub struct MemoryGuard<'a, T: Shared> {
    lock: &'a MemoryLock<T>,
    value: Rc<Weighed<T>>,
    changed: bool,
}

impl<T: Shared> MemoryLock<T> {
    fn guard(&self, value: Rc<Weighed<T>>) -> MemoryGuard<'_, T> {
        MemoryGuard { lock: self, value, changed: false }
    }

    fn take(&self, core: &Core, op: Op) -> MemoryGuard<'_, T> {
        let value = Rc::clone(&self.slot.value.borrow());
        core.record(op, Observed::Value(Rc::<Weighed<T>>::clone(&value)), self.slot.value_print.get());
        core.touch(self.slot.number);
        self.slot.owner.set(Some(core.current.get()));
        self.slot.taken.set(true);
        core.taken.borrow_mut().push(Rc::<Slot<T>>::clone(&self.slot));
        core.acquire(self.slot.number, self.view);
        self.guard(value)
    }
}

impl<T: Shared> Lock<T> for MemoryLock<T> {
    type Guard<'a>
        = MemoryGuard<'a, T>
    where
        Self: 'a;

    fn lock(&self, op: Op) -> impl Future<Output = MemoryGuard<'_, T>> {
        Visible(
            Rc::clone(&self.core),
            op,
            Some((
                |observed| self.guard(value_of(observed)),
                || Enabled::Free(Rc::<Slot<T>>::clone(&self.slot)),
                move |core: &Core, _| self.take(core, op),
            )),
        )
    }

    fn try_lock(&self, op: Op) -> impl Future<Output = Option<MemoryGuard<'_, T>>> {
        Visible(
            Rc::clone(&self.core),
            op,
            Some((
                |observed| match observed {
                    Observed::Busy => None,
                    value => Some(self.guard(value_of(value))),
                },
                || Enabled::Always,
                move |core: &Core, _| {
                    if self.slot.is_free() {
                        return Some(self.take(core, op));
                    }
                    core.touch(self.slot.number);
                    core.record(op, Observed::Busy, 1);
                    None
                },
            )),
        )
    }

    fn lock_when(
        &self,
        op: Op,
        condition: fn(&T, u64) -> bool,
        argument: u64,
    ) -> impl Future<Output = MemoryGuard<'_, T>> {
        Visible(
            Rc::clone(&self.core),
            op,
            Some((
                |observed| self.guard(value_of(observed)),
                move || {
                    let slot = Rc::clone(&self.slot);
                    Enabled::When(
                        slot.number,
                        Rc::new(move || slot.is_free() && condition(&slot.value.borrow(), argument)),
                    )
                },
                move |core: &Core, _| self.take(core, op),
            )),
        )
    }

    fn release(&self, change: impl FnOnce(&mut T)) {
        // The guard has its own copy of the data, and would bring back what was released.
        assert!(!self.core.is_live() || self.slot.is_free(), "data is released that is under a guard");
        self.core.update(&self.slot, change);
        if self.core.is_live() {
            self.core.release(self.slot.number, self.view);
        }
    }

    fn audit(&self, look: impl FnOnce(&T)) {
        self.core.audit(&self.slot, look);
    }
}

impl<T: Shared> Deref for MemoryGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Shared> DerefMut for MemoryGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.changed = true;
        &mut *Rc::make_mut(&mut self.value)
    }
}

impl<T: Shared> Drop for MemoryGuard<'_, T> {
    fn drop(&mut self) {
        let MemoryLock { core, slot, view } = self.lock;
        if !core.is_live() {
            return;
        }
        core.release(slot.number, *view);
        if slot.taken.replace(false) {
            slot.owner.set(None);
        } else {
            core.modify(slot, |slot| slot.owner.set(None));
        }
        if self.changed {
            core.set_value(slot, Rc::clone(&self.value));
        }
    }
}

/// A lock-free word of the exhaustive engine. In sequentially consistent memory orderings are ignored.
pub struct MemoryAtomic {
    core: Rc<Core>,
    slot: Rc<Slot<u64>>,
    /// Where its messages are, in relaxed memory; the slot stays as it is then.
    relaxed: Option<Word>,
}

impl MemoryAtomic {
    fn value(&self) -> u64 {
        ***self.slot.value.borrow()
    }

    /// A visible access that observes the word and may write it.
    fn access(
        &self,
        op: Op,
        sides: Sides,
        reads: Sides,
        write: impl Fn(u64) -> Option<u64> + Unpin,
    ) -> impl Future<Output = u64> {
        Visible(
            Rc::clone(&self.core),
            op,
            Some((
                |observed| word_of(&observed),
                || Enabled::Always,
                move |core: &Core, _| {
                    if let Some(word) = self.relaxed {
                        let seen = core.relaxed_access(word, sides, reads, write);
                        core.record(op, Observed::Word(seen), u128::from(seen));
                        return seen;
                    }
                    let seen = self.value();
                    core.touch(self.slot.number);
                    core.record(op, Observed::Word(seen), u128::from(seen));
                    if let Some(value) = write(seen) {
                        core.set_value(&self.slot, Rc::new(Weighed::new(value)));
                    }
                    seen
                },
            )),
        )
    }

    fn put(&self, core: &Core, value: u64, ordering: Ordering) {
        match self.relaxed {
            Some(word) => core.relaxed_store(word, value, of_store(ordering)),
            None => core.set_value(&self.slot, Rc::new(Weighed::new(value))),
        }
    }

    /// Reads in the current transition, as `relaxed` says where that makes a difference.
    fn look(&self, relaxed: impl FnOnce(&Core, Word) -> u64) -> u64 {
        if let Some(observed) = self.core.answer(PEEK) {
            return word_of(&observed);
        }
        if !self.core.is_live() || self.core.auditing.get() {
            if self.core.auditing.get() {
                self.core.touch(self.slot.number);
            }
            return self.relaxed.map_or_else(|| self.value(), |word| self.core.relaxed_newest(word));
        }
        let seen = if let Some(word) = self.relaxed {
            relaxed(&self.core, word)
        } else {
            self.core.touch(self.slot.number);
            self.value()
        };
        self.core.record(PEEK, Observed::Word(seen), u128::from(seen));
        seen
    }
}

impl Atomic for MemoryAtomic {
    fn load(&self, op: Op, ordering: Ordering) -> impl Future<Output = u64> {
        self.access(op, of_load(ordering), of_load(ordering), |_| None)
    }

    fn store(&self, op: Op, value: u64, ordering: Ordering) -> impl Future<Output = ()> {
        Visible(
            Rc::clone(&self.core),
            op,
            Some((
                |_| (),
                || Enabled::Always,
                move |core: &Core, _| {
                    core.record(op, Observed::Word(0), 0);
                    self.put(core, value, ordering);
                },
            )),
        )
    }

    fn fetch_add(&self, op: Op, value: u64, ordering: Ordering) -> impl Future<Output = u64> {
        self.access(op, of_read_modify_write(ordering), Sides::Neither, move |seen| {
            Some(seen.wrapping_add(value))
        })
    }

    fn compare_exchange(
        &self,
        op: Op,
        current: u64,
        new: u64,
        ordering: Ordering,
    ) -> impl Future<Output = u64> {
        let sides = of_read_modify_write(ordering);
        self.access(op, sides, Sides::Neither, move |seen| (seen == current).then_some(new))
    }

    fn publish(&self, value: u64, ordering: Ordering) {
        if self.core.is_live() {
            self.put(&self.core, value, ordering);
        }
    }

    fn peek(&self) -> u64 {
        self.look(|core, word| core.relaxed_access(word, Sides::Neither, Sides::Neither, |_| None))
    }

    fn newest(&self) -> u64 {
        self.look(Core::relaxed_newest)
    }
}

/// What is handed over, in the exhaustive engine: nothing, where memory is sequentially consistent.
pub struct MemoryView {
    core: Rc<Core>,
    /// The object that it counts as, and its place in relaxed memory.
    at: Option<(usize, usize)>,
}

impl MemoryView {
    fn live(&self) -> Option<(usize, Option<usize>)> {
        let (object, view) = self.at?;
        self.core.is_live().then_some((object, Some(view)))
    }
}

impl View for MemoryView {
    fn acquire(&self) {
        if let Some((object, view)) = self.live() {
            self.core.acquire(object, view);
        }
    }

    fn observe(&self) {
        if let Some((object, view)) = self.live() {
            self.core.observe(object, view);
        }
    }

    fn release(&self) {
        if let Some((object, view)) = self.live() {
            self.core.release(object, view);
        }
    }

    fn reset(&self) {
        if let Some((object, view)) = self.live() {
            self.core.reset(object, view);
        }
    }
}

/// Leaf data of the exhaustive engine.
pub struct MemoryLeaf<T: Shared> {
    core: Rc<Core>,
    slot: Rc<Slot<T>>,
}

impl<T: Shared> Leaf<T> for MemoryLeaf<T> {
    fn read<R: Shared>(&self, look: impl FnOnce(&T) -> R) -> R {
        if let Some(observed) = self.core.answer(LEAF_READ) {
            return R::clone(&value_of::<R>(observed));
        }
        let seen = look(&self.slot.value.borrow());
        if self.core.auditing.get() {
            self.core.touch(self.slot.number);
        } else if self.core.is_live() {
            self.core.touch(self.slot.number);
            let (print, value) = self.core.weighed(self.slot.number, seen.clone());
            self.core.record(LEAF_READ, Observed::Value(value), print);
        }
        seen
    }

    fn update(&self, change: impl FnOnce(&mut T)) {
        self.core.update(&self.slot, change);
    }

    fn audit(&self, look: impl FnOnce(&T)) {
        self.core.audit(&self.slot, look);
    }
}

impl Backend for Memory {
    type Lock<T: Shared> = MemoryLock<T>;
    type Atomic = MemoryAtomic;
    type Leaf<T: Shared> = MemoryLeaf<T>;
    type View = MemoryView;

    fn lock<T: Shared>(&self, _: &'static str, value: T) -> MemoryLock<T> {
        MemoryLock { core: Rc::clone(&self.0), slot: self.new_slot(value), view: self.0.new_view() }
    }

    fn unordered<T: Shared>(&self, _: &'static str, value: T) -> MemoryLock<T> {
        MemoryLock { core: Rc::clone(&self.0), slot: self.new_slot(value), view: None }
    }

    fn view(&self, _: &'static str) -> MemoryView {
        // Only what has something to hand over is an object.
        let view = self.0.new_view();
        let at = view.map(|view| (self.new_slot(()).number, view));
        MemoryView { core: Rc::clone(&self.0), at }
    }

    fn atomic(&self, name: &'static str, value: u64) -> MemoryAtomic {
        let slot = self.new_slot(value);
        let word = self.0.new_word(value);
        let relaxed = word.map(|number| Word { name, object: slot.number, number });
        MemoryAtomic { core: Rc::clone(&self.0), slot, relaxed }
    }

    fn leaf<T: Shared>(&self, _: &'static str, value: T) -> MemoryLeaf<T> {
        MemoryLeaf { core: Rc::clone(&self.0), slot: self.new_slot(value) }
    }

    fn choose(&self, op: Op, alternatives: u32) -> impl Future<Output = u32> {
        assert!(alternatives > 0, "`{op}` has nothing to choose from");
        Visible(
            Rc::clone(&self.0),
            op,
            Some((
                |observed| word_of(&observed) as u32,
                move || Enabled::Choice(alternatives),
                move |core: &Core, outcome| {
                    core.record(op, Observed::Word(u64::from(outcome)), u128::from(outcome));
                    outcome
                },
            )),
        )
    }

    fn current(&self) -> ActorId {
        self.0.current.get()
    }

    fn violate(&self, property: Property, why: impl FnOnce() -> String) {
        if self.0.is_live() {
            let violated = self.0.violated.get();
            if violated & property.bit() == 0 {
                self.0.named.borrow_mut().insert(property);
                if self.0.watching.get() {
                    self.0.events.borrow_mut().push(Event::Violated { property, detail: why() });
                }
            }
            self.0.violated.set(violated | property.bit());
            self.0.found.set(self.0.found.get() | property.bit());
        }
    }

    fn cut(&self, bound: Bound) {
        if self.0.is_live() {
            self.0.cut.set(Some(bound));
        }
    }

    fn reach(&self, branch: Branch) {
        if self.0.is_live() && self.0.gathering.get() {
            self.0.gathered.borrow_mut().reached |= branch.bit();
        }
    }

    fn maximum(&self, counter: Counter, value: u32) {
        if self.0.is_live() && self.0.gathering.get() {
            let greatest = &mut self.0.gathered.borrow_mut().maxima[counter.number()];
            *greatest = (*greatest).max(value);
        }
    }

    fn returned(&self, call: Call, returned: Returned) {
        if self.0.is_live() {
            self.0.gathered.borrow_mut().calls.note(call, returned);
        }
    }

    fn emit<E: SystemEvent>(&self, event: impl FnOnce() -> E) {
        if self.0.is_live() && self.0.watching.get() {
            self.0.events.borrow_mut().push(Event::System(Rc::new(event())));
        }
    }

    fn account<E: SystemEvent>(&self, event: impl FnOnce() -> Option<E>) {
        if self.0.is_live()
            && self.0.metering.get()
            && let Some(event) = event()
        {
            self.0.events.borrow_mut().push(Event::System(Rc::new(event)));
        }
    }
}
