//! The shared memory of engines that keep every actor on a stack: the facade of the model over plain values.
//!
//! An operation is a future that is polled twice: the first poll announces it, the second, when the engine has
//! let the actor go on, performs it. What follows up to the next operation runs in the same poll, so a
//! transition is one poll of the actor, and nothing of it can be interleaved. Nothing is logged, rebuilt or
//! undone here: this memory shares with that of the exhaustive engine only the fingerprint of a value.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use stalemap_facade::{
    ActorId, Atomic, Backend, Bound, Branch, Call, Calls, Counter, Leaf, Lock, Op, Ordering, Property,
    Returned, Shared, SystemEvent,
};

use crate::fingerprint::{CanonicalBytes, owned_print, part};
use crate::machine::MAX_SILENT_STEPS;

/// The operation that an actor performs next.
pub(super) struct Pending {
    pub(super) op: Op,
    ready: Ready,
}

enum Ready {
    Always,
    Choice(u32),
    When(Box<dyn Fn() -> bool>),
}

impl Pending {
    /// Whether it can be performed now.
    pub(super) fn is_enabled(&self) -> bool {
        match &self.ready {
            Ready::Always | Ready::Choice(_) => true,
            Ready::When(condition) => condition(),
        }
    }

    /// How many outcomes the model offers, if it is a choice.
    pub(super) fn alternatives(&self) -> Option<u32> {
        match self.ready {
            Ready::Choice(alternatives) => Some(alternatives),
            Ready::Always | Ready::When(_) => None,
        }
    }
}

/// A shared object, as the fingerprint of the memory sees it.
trait Object {
    fn print(&self, bytes: &mut CanonicalBytes) -> u128;
}

struct Slot<T> {
    number: usize,
    value: RefCell<Rc<T>>,
    owner: Cell<Option<ActorId>>,
}

impl<T: Shared> Slot<T> {
    fn get(&self) -> Rc<T> {
        Rc::clone(&self.value.borrow())
    }

    fn update(&self, change: impl FnOnce(&mut T)) {
        let mut value = self.get();
        change(Rc::make_mut(&mut value));
        *self.value.borrow_mut() = value;
    }
}

impl<T: Shared> Object for Slot<T> {
    fn print(&self, bytes: &mut CanonicalBytes) -> u128 {
        owned_print(bytes.fingerprint(self.number as u64, &**self.value.borrow()), self.owner.get())
    }
}

struct Core {
    objects: RefCell<Vec<Rc<dyn Object>>>,
    bytes: RefCell<CanonicalBytes>,
    /// Whether effects count; not while the actors are dropped.
    live: Cell<bool>,
    current: Cell<ActorId>,
    /// Leave to perform the announced operation, with this outcome.
    permit: Cell<Option<u32>>,
    pending: RefCell<Option<Pending>>,
    silent_steps: Cell<usize>,
    violated: Cell<u64>,
    /// The properties violated, by name.
    named: RefCell<BTreeSet<Property>>,
    cut: Cell<Option<Bound>>,
    /// Whether what is reached counts: not in setup and epilogue.
    gathering: Cell<bool>,
    reached: Cell<u64>,
    maxima: Cell<[u32; Counter::MOST]>,
    calls: RefCell<Calls>,
}

/// The backend of the engines that keep every actor on a stack.
#[derive(Clone)]
pub struct ThreadMemory(Rc<Core>);

impl ThreadMemory {
    pub(super) fn new() -> Self {
        ThreadMemory(Rc::new(Core {
            objects: RefCell::default(),
            bytes: RefCell::default(),
            live: Cell::new(true),
            current: Cell::new(0),
            permit: Cell::new(None),
            pending: RefCell::new(None),
            silent_steps: Cell::new(0),
            violated: Cell::new(0),
            named: RefCell::default(),
            cut: Cell::new(None),
            gathering: Cell::new(false),
            reached: Cell::new(0),
            maxima: Cell::default(),
            calls: RefCell::default(),
        }))
    }

    fn new_slot<T: Shared>(&self, value: T) -> Rc<Slot<T>> {
        let mut objects = self.0.objects.borrow_mut();
        let number = objects.len();
        let slot = Rc::new(Slot { number, value: RefCell::new(Rc::new(value)), owner: Cell::new(None) });
        objects.push(Rc::<Slot<T>>::clone(&slot));
        slot
    }

    /// The fingerprint of the memory, with the violations recorded so far.
    pub(super) fn identity(&self) -> u128 {
        let bytes = &mut self.0.bytes.borrow_mut();
        let objects = self.0.objects.borrow();
        let sum = objects.iter().fold(0, |sum: u128, object| sum.wrapping_add(object.print(bytes)));
        let violated = self.0.violated.get();
        let share = if violated == 0 { 0 } else { bytes.fingerprint(part::VIOLATED as u64, &violated) };
        sum.wrapping_add(share)
    }

    pub(super) fn print<T: std::hash::Hash>(&self, salt: usize, value: &T) -> u128 {
        self.0.bytes.borrow_mut().fingerprint(salt as u64, value)
    }

    /// The properties violated so far, in the order of their numbers.
    pub(super) fn violated(&self) -> Vec<Property> {
        self.0.named.borrow().iter().copied().collect()
    }

    pub(super) fn cut(&self) -> Option<Bound> {
        self.0.cut.get()
    }

    pub(super) fn reached(&self) -> u64 {
        self.0.reached.get()
    }

    pub(super) fn calls(&self) -> Calls {
        self.0.calls.borrow().clone()
    }

    pub(super) fn maxima(&self) -> [u32; Counter::MOST] {
        self.0.maxima.get()
    }

    pub(super) fn gather(&self, gathering: bool) {
        self.0.gathering.set(gathering);
    }

    /// From here on nothing counts any more.
    pub(super) fn freeze(&self) {
        self.0.live.set(false);
    }

    /// Prepares to poll `actor`, with leave to perform what it announced, if it has.
    pub(super) fn begin(&self, actor: ActorId, permit: Option<u32>) {
        self.0.current.set(actor);
        self.0.permit.set(permit);
        self.0.silent_steps.set(0);
    }

    /// What the actor announced since.
    pub(super) fn end(&self) -> Option<Pending> {
        self.0.pending.borrow_mut().take()
    }

    /// A step begins. Whether the actor has made none without an operation for too long.
    pub(super) fn begin_step(&self) -> bool {
        self.0.silent_steps.set(self.0.silent_steps.get() + 1);
        self.0.silent_steps.get() <= MAX_SILENT_STEPS
    }
}

impl Core {
    fn is_live(&self) -> bool {
        self.live.get()
    }
}

/// A visible operation: announced by the first poll, performed by the second.
struct Visible<'c, R, P> {
    core: &'c Core,
    op: Op,
    ready: Option<R>,
    perform: Option<P>,
}

impl<'c, R, P> Visible<'c, R, P> {
    fn new(core: &'c Core, op: Op, ready: R, perform: P) -> Self {
        Visible { core, op, ready: Some(ready), perform: Some(perform) }
    }
}

impl<O, R, P> Future for Visible<'_, R, P>
where
    R: FnOnce() -> Ready + Unpin,
    P: FnOnce(&Core, u32) -> O + Unpin,
{
    type Output = O;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<O> {
        let this = &mut *self;
        if let Some(ready) = this.ready.take() {
            *this.core.pending.borrow_mut() = Some(Pending { op: this.op, ready: ready() });
            return Poll::Pending;
        }
        match (this.core.permit.take(), this.perform.take()) {
            (Some(outcome), Some(perform)) => {
                this.core.silent_steps.set(0);
                Poll::Ready(perform(this.core, outcome))
            }
            _ => Poll::Pending,
        }
    }
}

/// Locked data.
pub struct ThreadLock<T: Shared> {
    core: Rc<Core>,
    slot: Rc<Slot<T>>,
}

/// A held lock: a copy of the data, which goes back when it is dropped.
pub struct ThreadGuard<'a, T: Shared> {
    lock: &'a ThreadLock<T>,
    value: Rc<T>,
    changed: bool,
}

impl<T: Shared> ThreadLock<T> {
    fn take(&self, core: &Core) -> ThreadGuard<'_, T> {
        assert!(self.slot.owner.get().is_none(), "a held lock was taken");
        self.slot.owner.set(Some(core.current.get()));
        ThreadGuard { lock: self, value: self.slot.get(), changed: false }
    }

    fn when(&self, condition: impl Fn(&T) -> bool + 'static) -> Ready {
        let slot = Rc::clone(&self.slot);
        Ready::When(Box::new(move || slot.owner.get().is_none() && condition(&slot.value.borrow())))
    }
}

impl<T: Shared> Lock<T> for ThreadLock<T> {
    type Guard<'a>
        = ThreadGuard<'a, T>
    where
        Self: 'a;

    fn lock(&self, op: Op) -> impl Future<Output = ThreadGuard<'_, T>> {
        Visible::new(&self.core, op, || self.when(|_| true), |core: &Core, _| self.take(core))
    }

    fn try_lock(&self, op: Op) -> impl Future<Output = Option<ThreadGuard<'_, T>>> {
        let take = |core: &Core, _| self.slot.owner.get().is_none().then(|| self.take(core));
        Visible::new(&self.core, op, || Ready::Always, take)
    }

    fn lock_when(
        &self,
        op: Op,
        condition: fn(&T, u64) -> bool,
        argument: u64,
    ) -> impl Future<Output = ThreadGuard<'_, T>> {
        let ready = move || self.when(move |value| condition(value, argument));
        Visible::new(&self.core, op, ready, |core: &Core, _| self.take(core))
    }

    fn release(&self, change: impl FnOnce(&mut T)) {
        if self.core.is_live() {
            assert!(self.slot.owner.get().is_none(), "data is released that is under a guard");
            self.slot.update(change);
        }
    }

    fn audit(&self, look: impl FnOnce(&T)) {
        if self.core.is_live() {
            look(&self.slot.get());
        }
    }
}

impl<T: Shared> Deref for ThreadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Shared> DerefMut for ThreadGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.changed = true;
        Rc::make_mut(&mut self.value)
    }
}

impl<T: Shared> Drop for ThreadGuard<'_, T> {
    fn drop(&mut self) {
        let ThreadLock { core, slot } = self.lock;
        if !core.is_live() {
            return;
        }
        slot.owner.set(None);
        if self.changed {
            *slot.value.borrow_mut() = Rc::clone(&self.value);
        }
    }
}

/// A lock-free word. Every access is a read-modify-write of the newest value: sequentially consistent,
/// whatever the ordering.
pub struct ThreadAtomic {
    core: Rc<Core>,
    slot: Rc<Slot<u64>>,
}

impl ThreadAtomic {
    fn access(&self, op: Op, write: impl FnOnce(u64) -> Option<u64> + Unpin) -> impl Future<Output = u64> {
        let perform = |_: &Core, _| {
            let seen = self.peek();
            if let Some(value) = write(seen) {
                self.slot.update(|word| *word = value);
            }
            seen
        };
        Visible::new(&self.core, op, || Ready::Always, perform)
    }
}

impl Atomic for ThreadAtomic {
    fn load(&self, op: Op, _: Ordering) -> impl Future<Output = u64> {
        self.access(op, |_| None)
    }

    async fn store(&self, op: Op, value: u64, _: Ordering) {
        self.access(op, move |_| Some(value)).await;
    }

    fn fetch_add(&self, op: Op, value: u64, _: Ordering) -> impl Future<Output = u64> {
        self.access(op, move |seen| Some(seen.wrapping_add(value)))
    }

    fn compare_exchange(&self, op: Op, current: u64, new: u64, _: Ordering) -> impl Future<Output = u64> {
        self.access(op, move |seen| (seen == current).then_some(new))
    }

    fn publish(&self, value: u64, _: Ordering) {
        if self.core.is_live() {
            self.slot.update(|word| *word = value);
        }
    }

    fn peek(&self) -> u64 {
        *self.slot.get()
    }
}

/// Leaf data.
pub struct ThreadLeaf<T: Shared> {
    core: Rc<Core>,
    slot: Rc<Slot<T>>,
}

impl<T: Shared> Leaf<T> for ThreadLeaf<T> {
    fn read<R: Shared>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.slot.get())
    }

    fn update(&self, change: impl FnOnce(&mut T)) {
        if self.core.is_live() {
            self.slot.update(change);
        }
    }

    fn audit(&self, look: impl FnOnce(&T)) {
        if self.core.is_live() {
            look(&self.slot.get());
        }
    }
}

impl Backend for ThreadMemory {
    type Lock<T: Shared> = ThreadLock<T>;
    type Atomic = ThreadAtomic;
    type Leaf<T: Shared> = ThreadLeaf<T>;
    // Sequentially consistent: there is nothing to pass on.
    type View = ();

    fn lock<T: Shared>(&self, _: &'static str, value: T) -> ThreadLock<T> {
        ThreadLock { core: Rc::clone(&self.0), slot: self.new_slot(value) }
    }

    fn view(&self, _: &'static str) {}

    fn atomic(&self, _: &'static str, value: u64) -> ThreadAtomic {
        ThreadAtomic { core: Rc::clone(&self.0), slot: self.new_slot(value) }
    }

    fn leaf<T: Shared>(&self, _: &'static str, value: T) -> ThreadLeaf<T> {
        ThreadLeaf { core: Rc::clone(&self.0), slot: self.new_slot(value) }
    }

    fn choose(&self, op: Op, alternatives: u32) -> impl Future<Output = u32> {
        assert!(alternatives > 0, "`{op}` has nothing to choose from");
        Visible::new(&self.0, op, move || Ready::Choice(alternatives), |_: &Core, outcome| outcome)
    }

    fn current(&self) -> ActorId {
        self.0.current.get()
    }

    fn violate(&self, property: Property, _: impl FnOnce() -> String) {
        if self.0.is_live() {
            self.0.violated.set(self.0.violated.get() | property.bit());
            self.0.named.borrow_mut().insert(property);
        }
    }

    fn cut(&self, bound: Bound) {
        if self.0.is_live() {
            self.0.cut.set(Some(bound));
        }
    }

    fn reach(&self, branch: Branch) {
        if self.0.is_live() && self.0.gathering.get() {
            self.0.reached.set(self.0.reached.get() | branch.bit());
        }
    }

    fn maximum(&self, counter: Counter, value: u32) {
        if self.0.is_live() && self.0.gathering.get() {
            let mut maxima = self.0.maxima.get();
            let greatest = &mut maxima[counter.number()];
            *greatest = (*greatest).max(value);
            self.0.maxima.set(maxima);
        }
    }

    fn returned(&self, call: Call, returned: Returned) {
        if self.0.is_live() {
            self.0.calls.borrow_mut().note(call, returned);
        }
    }

    fn emit<E: SystemEvent>(&self, _: impl FnOnce() -> E) {}
}
