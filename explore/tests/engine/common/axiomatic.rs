//! What a litmus test may end in, by axioms.
//!
//! Every execution is a graph of events with program order, reads-from and, by word, a modification order; those that
//! satisfy the axioms of C++20 for release, acquire and relaxed accesses are counted (H.-J. Boehm, S. V. Adve,
//! "Foundations of the C++ concurrency memory model", PLDI 2008; O. Lahav and others, "Repairing sequential
//! consistency in C/C++11", PLDI 2017, without SC accesses), with the further one that program order and reads-from
//! together have no cycle. There are no views, no ranks and no sharing of states here: all graphs are enumerated.

use std::collections::BTreeSet;

use stalemap_facade::{MemoryModel, Ordering};

use super::litmus::{Access, LOCKS, Litmus, Locks, REGISTERS, Registers, WORDS, observation};

/// An event's place: its thread, and its number there.
type Place = (usize, usize);

/// What a read reads from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
enum Source {
    Initial,
    Write(Place),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
enum Event {
    /// A load, a store or a read-modify-write: what it reads from, and what it writes.
    Access {
        word: usize,
        reads: Option<Source>,
        writes: Option<u64>,
        acquires: bool,
        releases: bool,
    },
    /// The how-manieth taking of the lock.
    Lock(usize, usize),
    Unlock(usize, usize),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Execution {
    events: Vec<Vec<Event>>,
    registers: Vec<Registers>,
    /// By lock, how often it was taken, and by whom it is held.
    locks: [(usize, Option<usize>); LOCKS],
}

/// Everything that the test may end in.
pub(crate) fn outcomes(litmus: &Litmus) -> BTreeSet<String> {
    let threads = litmus.threads.len();
    let empty = Execution {
        events: vec![Vec::new(); threads],
        registers: vec![[0; REGISTERS]; threads],
        locks: [(0, None); LOCKS],
    };
    let mut known = BTreeSet::from([empty.clone()]);
    let mut open = vec![empty];
    let mut outcomes = BTreeSet::new();
    while let Some(execution) = open.pop() {
        let finished = |thread: usize| execution.events[thread].len() == litmus.threads[thread].len();
        if (0..threads).all(finished) {
            outcomes.extend(execution.outcomes(litmus));
        }
        for thread in (0..threads).filter(|thread| !finished(*thread)) {
            for next in execution.after(litmus, thread) {
                if known.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
    }
    outcomes
}

impl Execution {
    /// The executions with one more event of a thread. Reading only from what is there already is what keeps
    /// program order and reads-from from having a cycle.
    fn after(&self, litmus: &Litmus, thread: usize) -> Vec<Execution> {
        let access = litmus.threads[thread][self.events[thread].len()];
        let sides = |ordering: Ordering| {
            let acquires = matches!(ordering, Ordering::Acquire | Ordering::AcqRel);
            (acquires, matches!(ordering, Ordering::Release | Ordering::AcqRel))
        };
        let with = |event: Event, register: Option<(usize, u64)>| {
            let mut next = self.clone();
            next.events[thread].push(event);
            if let Some((register, value)) = register {
                next.registers[thread][register] = value;
            }
            next
        };
        let own = &self.registers[thread];
        match access {
            Access::Lock(lock) => {
                let (taken, None) = self.locks[lock] else { return Vec::new() };
                let mut next = with(Event::Lock(lock, taken), None);
                next.locks[lock] = (taken + 1, Some(thread));
                vec![next]
            }
            Access::Unlock(lock) => {
                let (taken, holder) = self.locks[lock];
                let mut next = with(Event::Unlock(lock, taken.wrapping_sub(1)), None);
                if holder == Some(thread) {
                    next.locks[lock].1 = None;
                } else if let Some(last) = next.events[thread].last_mut() {
                    *last = Event::Unlock(lock, usize::MAX);
                }
                vec![next]
            }
            Access::Store(word, value, ordering) | Access::Publish(word, value, ordering) => {
                let (_, releases) = sides(ordering);
                let writes = Some(value.of(own));
                vec![with(Event::Access { word, reads: None, writes, acquires: false, releases }, None)]
            }
            Access::Load(word, ordering, register) => {
                let (acquires, _) = sides(ordering);
                self.reads(word, |from, value| {
                    let reads = Some(from);
                    let event = Event::Access { word, reads, writes: None, acquires, releases: false };
                    with(event, Some((register, value)))
                })
            }
            Access::Peek(word, register) => self.reads(word, |from, value| {
                let reads = Some(from);
                let event = Event::Access { word, reads, writes: None, acquires: false, releases: false };
                with(event, Some((register, value)))
            }),
            Access::Add(word, value, ordering, register) => {
                let (acquires, releases) = sides(ordering);
                let more = value.of(own);
                self.reads(word, |from, value| {
                    let writes = Some(value + more);
                    let event = Event::Access { word, reads: Some(from), writes, acquires, releases };
                    with(event, Some((register, value)))
                })
            }
            Access::Exchange { word, current, new, ordering, register } => {
                let (acquires, releases) = sides(ordering);
                self.reads(word, |from, value| {
                    let writes = (value == current).then(|| new.of(own));
                    let acquires = acquires && writes.is_some();
                    let event = Event::Access { word, reads: Some(from), writes, acquires, releases };
                    with(event, Some((register, value)))
                })
            }
        }
    }

    fn reads(&self, word: usize, with: impl Fn(Source, u64) -> Execution) -> Vec<Execution> {
        let mut all = vec![with(Source::Initial, 0)];
        all.extend(self.writes(word).into_iter().map(|(place, value)| with(Source::Write(place), value)));
        all
    }

    fn all(&self) -> Vec<(Place, Event)> {
        let mut all = Vec::new();
        for (thread, events) in self.events.iter().enumerate() {
            all.extend(events.iter().enumerate().map(|(number, event)| ((thread, number), *event)));
        }
        all
    }

    fn writes(&self, of: usize) -> Vec<(Place, u64)> {
        let write = |(place, event)| match event {
            Event::Access { word, writes: Some(value), .. } if word == of => Some((place, value)),
            _ => None,
        };
        self.all().into_iter().filter_map(write).collect()
    }

    fn event(&self, (thread, number): Place) -> Event {
        self.events[thread][number]
    }

    /// Whether an acquiring read of `from` synchronises with `release`: it is that, or a read-modify-write that
    /// has read what does.
    fn in_release_sequence(&self, from: Place, release: Place) -> bool {
        from == release
            || match self.event(from) {
                Event::Access { reads: Some(Source::Write(earlier)), .. } => {
                    self.in_release_sequence(earlier, release)
                }
                _ => false,
            }
    }

    fn happens_before(&self, locks: Locks, memory: MemoryModel) -> BTreeSet<(Place, Place)> {
        let all = self.all();
        let mut before = BTreeSet::new();
        let mut synchronised = Vec::new();
        for (a, first) in &all {
            for (b, second) in &all {
                let ordered = match (*first, *second) {
                    (
                        Event::Access { releases: true, writes: Some(_), .. },
                        Event::Access { acquires: true, reads: Some(Source::Write(from)), .. },
                    ) => self.in_release_sequence(from, *a),
                    (Event::Unlock(lock, taken), Event::Lock(other, later)) => {
                        let follows = lock == other && taken != usize::MAX && later == taken + 1;
                        follows && locks == Locks::Order
                    }
                    _ => false,
                };
                if ordered {
                    synchronised.push((*a, *b));
                }
                if a.0 == b.0 && a.1 < b.1 || ordered {
                    before.insert((*a, *b));
                }
            }
        }
        loop {
            let more: Vec<(Place, Place)> = before
                .iter()
                .flat_map(|(a, b)| before.iter().filter(move |(c, _)| c == b).map(move |(_, d)| (*a, *d)))
                .filter(|pair| !before.contains(pair))
                .collect();
            let more = match memory {
                MemoryModel::Cumulative => [more, self.cumulated(&synchronised, &before)].concat(),
                MemoryModel::Sequential | MemoryModel::Relaxed => more,
            };
            if more.is_empty() {
                return before;
            }
            before.extend(more);
        }
    }

    /// What an A-cumulative release passes on: whatever came before a release that was read, without acquiring it,
    /// in the thread that releases. It comes before what follows the acquiring event, not that itself.
    fn cumulated(
        &self,
        synchronised: &[(Place, Place)],
        before: &BTreeSet<(Place, Place)>,
    ) -> Vec<(Place, Place)> {
        let all = self.all();
        let mut more = Vec::new();
        for (release, acquire) in synchronised {
            let reads = all.iter().filter(|(place, _)| place.0 == release.0 && place.1 < release.1);
            for (_, read) in reads {
                let Event::Access { reads: Some(Source::Write(from)), .. } = *read else { continue };
                let released = all.iter().filter(|(place, event)| {
                    matches!(event, Event::Access { releases: true, writes: Some(_), .. })
                        && self.in_release_sequence(from, *place)
                });
                for (earlier, _) in released {
                    let passed = before.iter().filter(|(_, later)| later == earlier).map(|(event, _)| *event);
                    let after =
                        (acquire.1 + 1..self.events[acquire.0].len()).map(|number| (acquire.0, number));
                    let after: Vec<Place> = after.collect();
                    for event in passed.chain([*earlier]) {
                        more.extend(after.iter().map(|later| (event, *later)));
                    }
                }
            }
        }
        more.retain(|pair| !before.contains(pair));
        more
    }

    /// The final states of this execution under every modification order that the axioms allow.
    fn outcomes(&self, litmus: &Litmus) -> Vec<String> {
        let before = self.happens_before(litmus.locks, litmus.memory);
        let orders: Vec<Vec<Vec<Place>>> = (0..WORDS).map(|word| self.orders(word, &before)).collect();
        let mut finals = vec![[0; WORDS]];
        for (word, orders) in orders.iter().enumerate() {
            let last: BTreeSet<u64> = orders.iter().map(|order| self.last(word, order)).collect();
            let extend = |memory: &[u64; WORDS]| {
                let memory = *memory;
                last.iter().map(move |value| {
                    let mut memory = memory;
                    memory[word] = *value;
                    memory
                })
            };
            finals = finals.iter().flat_map(extend).collect();
        }
        finals.iter().map(|memory| observation(&self.registers, memory)).collect()
    }

    fn last(&self, word: usize, order: &[Place]) -> u64 {
        let value = |last: &Place| {
            self.writes(word).iter().find(|(place, _)| place == last).map_or(0, |(_, value)| *value)
        };
        order.last().map_or(0, value)
    }

    /// The modification orders of a word that are coherent. Words do not concern one another here.
    fn orders(&self, word: usize, before: &BTreeSet<(Place, Place)>) -> Vec<Vec<Place>> {
        let mut orders = vec![Vec::new()];
        for (write, _) in self.writes(word) {
            let insert = |order: &Vec<Place>| {
                let order = order.clone();
                (0..=order.len()).map(move |at| {
                    let mut order = order.clone();
                    order.insert(at, write);
                    order
                })
            };
            orders = orders.iter().flat_map(insert).collect();
        }
        orders.retain(|order| self.is_coherent(word, order, before));
        orders
    }

    fn is_coherent(&self, of: usize, order: &[Place], before: &BTreeSet<(Place, Place)>) -> bool {
        // The initial value is at 0.
        let rank = |source: Source| match source {
            Source::Initial => 0,
            Source::Write(place) => {
                1 + order.iter().position(|other| *other == place).expect("a write of the word")
            }
        };
        let accesses: Vec<(Place, Option<usize>, Option<usize>)> = self
            .all()
            .into_iter()
            .filter_map(|(place, event)| match event {
                Event::Access { word, reads, writes, .. } if word == of => {
                    Some((place, reads.map(rank), writes.map(|_| rank(Source::Write(place)))))
                }
                _ => None,
            })
            .collect();
        let atomic = accesses.iter().all(|(_, read, written)| match (read, written) {
            (Some(read), Some(written)) => *written == read + 1,
            _ => true,
        });
        let coherent = |a: &(Place, Option<usize>, Option<usize>),
                        b: &(Place, Option<usize>, Option<usize>)| {
            if !before.contains(&(a.0, b.0)) {
                return true;
            }
            // Whatever the first has seen or written, the second does not go back behind it.
            let seen = a.1.max(a.2);
            let reads = b.1.is_none_or(|read| Some(read) >= seen);
            let writes = b.2.is_none_or(|written| Some(written) > seen);
            reads && writes
        };
        atomic && accesses.iter().all(|a| accesses.iter().all(|b| coherent(a, b)))
    }
}
