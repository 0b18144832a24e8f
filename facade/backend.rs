//! What an actor's code runs on: shared memory, nondeterminism, and reporting.
//!
//! A path is ordinary sequential `async` code. Every `.await` on something of this module is one *visible
//! operation*: the point at which an engine may let another actor run first. Nothing else is visible to
//! another actor. An engine brings its own [`Backend`]; the paths never learn which one drives them.
//!
//! Locks are *guards*, not attempts: an operation that has to wait ([`Lock::lock`] on a held lock,
//! [`Lock::lock_when`] on a condition that does not hold) is a transition that is not enabled. No path spins.
//!
//! Between two visible operations a path may touch further shared data only through [`Leaf`], through
//! [`Atomic::publish`] and [`Atomic::peek`], and through guards that it holds. Each of these runs in the same
//! transition as the operation before it. This loses no behaviour as long as the transition consists of
//! right movers (taking locks), at most one access that conflicts with other actors, and left movers
//! (releasing locks): R. J. Lipton, "Reduction", CACM 18(12), 1975. Each use says why it may.

use std::fmt::{self, Debug};
use std::future::Future;
use std::hash::Hash;
use std::ops::DerefMut;

use crate::actor::ActorId;
use crate::call::{Call, Returned};
use crate::event::SystemEvent;
use crate::name::{Bound, Branch, Counter};
use crate::property::Property;

/// What may live in shared memory, in a step's state or in an observation: comparable and hashable, so that
/// the engine can tell states apart, and free of borrowed data, so that nothing escapes that identity.
pub trait Shared: Clone + Eq + Hash + Debug + 'static {}
impl<T: Clone + Eq + Hash + Debug + 'static> Shared for T {}

/// The name of a visible operation, as it stands in schedules: what is done, and to which of several like
/// objects (a folio index, a block).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Op {
    /// What is done, in the kernel's word for it (`folio_lock`, `iomap_begin`).
    pub name: &'static str,
    /// The object's number, when there are several of its kind.
    pub target: Option<u32>,
}

impl Op {
    /// An operation on the only object of its kind.
    pub const fn new(name: &'static str) -> Self {
        Op { name, target: None }
    }

    /// An operation on object number `target`.
    pub const fn on(name: &'static str, target: u32) -> Self {
        Op { name, target: Some(target) }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.target {
            Some(target) => write!(f, "{} {target}", self.name),
            None => f.write_str(self.name),
        }
    }
}

/// The kernel's memory ordering of an atomic access. Sequentially consistent engines ignore it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ordering {
    /// `READ_ONCE` / `WRITE_ONCE`.
    Relaxed,
    /// `smp_load_acquire`.
    Acquire,
    /// `smp_store_release`.
    Release,
    /// Fully ordered read-modify-write.
    AcqRel,
}

/// Data that is only reachable while its lock is held.
pub trait Lock<T: Shared> {
    /// The held lock. Dropping it releases the lock, in the transition that drops it.
    type Guard<'a>: DerefMut<Target = T>
    where
        Self: 'a;

    /// Takes the lock; enabled when it is free.
    fn lock(&self, op: Op) -> impl Future<Output = Self::Guard<'_>>;

    /// Takes the lock if it is free; always enabled.
    fn try_lock(&self, op: Op) -> impl Future<Output = Option<Self::Guard<'_>>>;

    /// Takes the lock when it is free and `condition(data, argument)` holds: a conditional critical region.
    /// Waiting for a bit, for a queue to fill or for a semaphore to be released is this.
    fn lock_when(
        &self,
        op: Op,
        condition: fn(&T, u64) -> bool,
        argument: u64,
    ) -> impl Future<Output = Self::Guard<'_>>;

    /// Changes the data in the current transition, without taking the lock. For releases (a left mover) of
    /// what the data says the actor owns: a semaphore, a folio's lock bit, a reference.
    fn release(&self, change: impl FnOnce(&mut T));

    /// Shows the data to the oracle in the current transition. What is seen must not steer the actor: it is
    /// not part of what the actor has observed.
    fn audit(&self, look: impl FnOnce(&T));
}

/// A word that is read or written without a lock.
pub trait Atomic {
    /// Reads the word.
    fn load(&self, op: Op, ordering: Ordering) -> impl Future<Output = u64>;

    /// Writes the word.
    fn store(&self, op: Op, value: u64, ordering: Ordering) -> impl Future<Output = ()>;

    /// Adds to the word, modulo 2^64, and returns what it held.
    fn fetch_add(&self, op: Op, value: u64, ordering: Ordering) -> impl Future<Output = u64>;

    /// Writes `new` if the word is `current`; returns what it held. Where it is not, nothing is
    /// written and the access is relaxed.
    fn compare_exchange(
        &self,
        op: Op,
        current: u64,
        new: u64,
        ordering: Ordering,
    ) -> impl Future<Output = u64>;

    /// Writes the word in the current transition. For a writer inside a critical section whose only
    /// lock-free access this is.
    fn publish(&self, value: u64, ordering: Ordering);

    /// Reads the word in the current transition. For a reader that holds the lock that all writers hold.
    fn peek(&self) -> u64;

    /// Shows the word to the oracle, as the latest store left it, in the current transition. What is seen must not
    /// steer the actor.
    fn newest(&self) -> u64 {
        self.peek()
    }
}

/// What a lock, or any other hand-over, passes on from one actor to the next: which stores the next one has to
/// see. Where memory is sequentially consistent everybody sees every store, and nothing is to be passed on.
///
/// One object of the model often stands for several of the kernel's (a page-cache slot for a folio's lock bit, its
/// flags and a part of the xarray), and which of them hand something over is the very question. So what is handed
/// over is said apart from the object: [`Backend::unordered`] data hand over nothing, and a `View` says at which
/// operation something is.
///
/// All calls belong to the current transition.
pub trait View {
    /// The actor sees from here on whatever was [released](View::release) here.
    fn acquire(&self);

    /// The actor has read what was released here, and acquired nothing by that; it passes it on where releases are
    /// cumulative ([`MemoryModel::Cumulative`](crate::MemoryModel::Cumulative)).
    fn observe(&self) {}

    /// Whatever the actor sees by now is passed on to who [acquires](View::acquire).
    fn release(&self);

    /// The object is a new one: nothing has been released to it.
    fn reset(&self);
}

/// For engines whose memory is sequentially consistent, or that leave the hand-over to their own locks.
impl View for () {
    fn acquire(&self) {}

    fn release(&self) {}

    fn reset(&self) {}
}

/// Data without a lock of its own, touched only as part of somebody's visible operation: the device, the
/// page tables, the oracle. Accesses take part in the dependence relation of the engine like any other.
pub trait Leaf<T: Shared> {
    /// Looks at the data; what is seen becomes part of what the actor has observed.
    fn read<R: Shared>(&self, look: impl FnOnce(&T) -> R) -> R;

    /// Changes the data.
    fn update(&self, change: impl FnOnce(&mut T));

    /// Shows the data to the oracle; see [`Lock::audit`].
    fn audit(&self, look: impl FnOnce(&T));
}

/// An engine's shared memory, nondeterminism and reporting.
pub trait Backend: Clone + 'static {
    /// Locked data.
    type Lock<T: Shared>: Lock<T>;
    /// A lock-free word.
    type Atomic: Atomic;
    /// Data inside other operations.
    type Leaf<T: Shared>: Leaf<T>;
    /// What is passed on from one actor to the next.
    type View: View;

    /// Creates locked data. `name` is for messages only. Taking the lock acquires what dropping it released.
    fn lock<T: Shared>(&self, name: &'static str, value: T) -> Self::Lock<T>;

    /// Creates locked data whose lock orders nothing: what is passed on is said by [`View`]s.
    fn unordered<T: Shared>(&self, name: &'static str, value: T) -> Self::Lock<T> {
        self.lock(name, value)
    }

    /// Creates a hand-over to which nothing has been released.
    fn view(&self, name: &'static str) -> Self::View;

    /// Creates a lock-free word.
    fn atomic(&self, name: &'static str, value: u64) -> Self::Atomic;

    /// Creates leaf data.
    fn leaf<T: Shared>(&self, name: &'static str, value: T) -> Self::Leaf<T>;

    /// Picks one of `alternatives` ways to go on (0 based); all of them are explored. In a setup or an epilogue
    /// ([`Role`](crate::Role)) all have to come to the same.
    fn choose(&self, op: Op, alternatives: u32) -> impl Future<Output = u32>;

    /// The actor whose code is running.
    fn current(&self) -> ActorId;

    /// Records that `property` is violated from here on. `why` is what a reader of the counterexample wants to know.
    fn violate(&self, property: Property, why: impl FnOnce() -> String);

    /// Gives this run up because it reached a bound that the user set; the verdict says so.
    fn cut(&self, bound: Bound);

    /// Records that some run reached `branch`.
    fn reach(&self, branch: Branch);

    /// Records that `counter` was `value` in some run; the greatest is reported.
    fn maximum(&self, counter: Counter, value: u32);

    /// Records what a call returned in some run, also in one of setup or epilogue.
    fn returned(&self, call: Call, returned: Returned);

    /// Reports what just happened to whoever watches a replay. Not part of the state.
    fn emit<E: SystemEvent>(&self, event: impl FnOnce() -> E);

    /// Reports what the transition has spent to whoever counts costs ([`SystemEvent`] says what an event is). Who watches a
    /// replay is not told. Not part of the state.
    fn account<E: SystemEvent>(&self, event: impl FnOnce() -> Option<E>) {
        let _ = event;
    }
}
