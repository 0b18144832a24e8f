//! Litmus tests as data, and how they run on a backend: threads of accesses to words, with orderings.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use stalemap_facade::{
    ActorId, ActorSpec, Atomic, Backend, Leaf, Lock, MemoryModel, Op, Ordering, Role, System,
};

pub(crate) const WORDS: usize = 3;
pub(crate) const LOCKS: usize = 2;
pub(crate) const REGISTERS: usize = 4;

pub(crate) type Registers = [u64; REGISTERS];

/// What is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Constant(u64),
    /// What an earlier load of the thread returned, and one.
    Successor(usize),
}

impl Value {
    pub(crate) fn of(self, registers: &Registers) -> u64 {
        match self {
            Value::Constant(value) => value,
            Value::Successor(register) => registers[register] + 1,
        }
    }
}

/// One access. The last number of those that read is the register that receives what was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    Load(usize, Ordering, usize),
    Store(usize, Value, Ordering),
    Add(usize, Value, Ordering, usize),
    Exchange {
        word: usize,
        current: u64,
        new: Value,
        ordering: Ordering,
        register: usize,
    },
    /// A second time by the same thread, this waits for ever.
    Lock(usize),
    Unlock(usize),
    /// In the transition of the access before.
    Publish(usize, Value, Ordering),
    Peek(usize, usize),
}

/// What locks order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Locks {
    /// What was done under the lock before is seen.
    Order,
    /// They exclude, and that is all.
    OnlyExclude,
}

/// A litmus test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Litmus {
    pub(crate) threads: Vec<Vec<Access>>,
    pub(crate) locks: Locks,
    pub(crate) memory: MemoryModel,
}

impl Litmus {
    /// In relaxed memory, with locks that order.
    pub(crate) fn relaxed<const N: usize>(threads: [Vec<Access>; N]) -> Self {
        Litmus { threads: threads.into(), locks: Locks::Order, memory: MemoryModel::Relaxed }
    }
}

pub(crate) struct World<B: Backend> {
    words: [B::Atomic; WORDS],
    locks: [B::Lock<()>; LOCKS],
    results: B::Leaf<Vec<Registers>>,
}

fn on(name: &'static str, target: usize) -> Op {
    Op::on(name, target as u32)
}

impl System for Litmus {
    type World<B: Backend> = World<B>;
    type State = ();

    fn world<B: Backend>(&self, backend: &B) -> World<B> {
        World {
            words: std::array::from_fn(|_| backend.atomic("word", 0)),
            locks: std::array::from_fn(|_| match self.locks {
                Locks::Order => backend.lock("lock", ()),
                Locks::OnlyExclude => backend.unordered("lock", ()),
            }),
            results: backend.leaf("results", vec![[0; REGISTERS]; self.threads.len()]),
        }
    }

    fn memory(&self) -> MemoryModel {
        self.memory
    }

    fn actors(&self) -> Vec<ActorSpec> {
        let name = |number| ActorSpec { name: format!("P{number}"), role: Role::Main };
        (0..self.threads.len()).map(name).collect()
    }

    fn start(&self, _: ActorId) {}

    async fn step<B: Backend>(&self, shared: &World<B>, thread: ActorId, (): ()) -> ControlFlow<(), ()> {
        let mut registers = [0; REGISTERS];
        let mut held: [Option<<B::Lock<()> as Lock<()>>::Guard<'_>>; LOCKS] = std::array::from_fn(|_| None);
        let r = &mut registers;
        for access in &self.threads[thread] {
            match *access {
                Access::Load(word, ordering, register) => {
                    r[register] = shared.words[word].load(on("load", word), ordering).await;
                }
                Access::Store(word, value, ordering) => {
                    shared.words[word].store(on("store", word), value.of(r), ordering).await;
                }
                Access::Add(word, value, ordering, register) => {
                    r[register] = shared.words[word].fetch_add(on("add", word), value.of(r), ordering).await;
                }
                Access::Exchange { word, current, new, ordering, register } => {
                    let object = &shared.words[word];
                    let new = new.of(r);
                    r[register] = object.compare_exchange(on("cmpxchg", word), current, new, ordering).await;
                }
                Access::Lock(lock) => held[lock] = Some(shared.locks[lock].lock(on("lock", lock)).await),
                Access::Unlock(lock) => held[lock] = None,
                Access::Publish(word, value, ordering) => shared.words[word].publish(value.of(r), ordering),
                Access::Peek(word, register) => r[register] = shared.words[word].peek(),
            }
        }
        shared.results.update(|results| results[thread] = registers);
        ControlFlow::Break(())
    }

    fn observe<B: Backend>(&self, world: &World<B>) -> Option<String> {
        let memory = world.words.each_ref().map(Atomic::newest);
        Some(observation(&world.results.read(Clone::clone), &memory))
    }
}

/// What is left in the end: the registers of each thread, and the latest value of each word.
pub(crate) fn observation(results: &[Registers], memory: &[u64; WORDS]) -> String {
    let mut text = String::new();
    for registers in results {
        let _ = write!(text, "{registers:?} ");
    }
    let _ = write!(text, "{memory:?}");
    text
}
