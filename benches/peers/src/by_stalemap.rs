//! The race for the engine of stalemap: shared objects, and actors that await operations on them.
//!
//! A step is one operation, so that where an actor stands is its state and nothing else, as in the other tools.

use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Duration;

use stalemap_explore::{
    Budget, Exploration, Loom, Options, Runs, Shuttle, Strategy, Workers, run_loom, run_shuttle,
};
use stalemap_facade::{ActorId, ActorSpec, Atomic, Backend, Lock, Op, Ordering, Property, Role, System};

use crate::race::{Check, Data, Finals, Folio, Race, final_state, is_unwritten};
use crate::report::Counts;

/// A reader does not find what was stored last.
const LOST: Property = Property::new(0, "lost-write");

/// The race, and a judge who looks at its end.
#[derive(Clone)]
struct Judged(Race);

/// What the actors share.
struct World<B: Backend> {
    race: Race,
    backend: B,
    folios: Vec<B::Lock<Folio>>,
    /// The extent map, under the ILOCK: which blocks are unwritten.
    unwritten: B::Lock<u8>,
    /// The counter of the extent map.
    seq: B::Atomic,
    device: B::Lock<Device>,
}

/// What the device has finished.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Device {
    ioends: u8,
    submitted: bool,
}

/// Where an actor stands, at which folio.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum At {
    Writer(u8, Writer),
    Fault(Fault),
    Flusher(u8, Flusher),
    Kworker(Kworker),
    Reclaim(u8, Reclaim),
    Judge,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Writer {
    Begin,
    Lock(Mapping),
    Check(Mapping),
    Copy(Mapping),
}

/// What a writer samples.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Mapping {
    unwritten: u8,
    cookie: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Fault {
    Lock,
    Sample,
    Fill { is_unwritten: bool },
    Mkwrite,
    Store,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Flusher {
    Next,
    Start,
    Submit,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Kworker {
    Take,
    Convert(u8),
    Finish(u8),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Reclaim {
    Look,
    Drop,
}

/// The actors, and where they begin.
const CAST: [(&str, At); 5] = [
    ("writer", At::Writer(0, Writer::Begin)),
    ("flusher", At::Flusher(0, Flusher::Next)),
    ("kworker", At::Kworker(Kworker::Take)),
    ("reclaim", At::Reclaim(0, Reclaim::Look)),
    ("fault", At::Fault(Fault::Lock)),
];

impl System for Judged {
    type World<B: Backend> = World<B>;
    type State = At;

    fn world<B: Backend>(&self, backend: &B) -> World<B> {
        let Judged(race) = *self;
        World {
            race,
            backend: backend.clone(),
            folios: race.file()[..race.folios].iter().map(|folio| backend.lock("folio", *folio)).collect(),
            unwritten: backend.lock("extents", race.unwritten()),
            seq: backend.atomic("seq", 0),
            device: backend.lock("device", Device { ioends: 0, submitted: false }),
        }
    }

    fn actors(&self) -> Vec<ActorSpec> {
        let actors = CAST[..self.0.cast.actors()].iter();
        let actors = actors.map(|(name, _)| ActorSpec { name: (*name).to_owned(), role: Role::Main });
        actors.chain([ActorSpec { name: "judge".to_owned(), role: Role::Epilogue }]).collect()
    }

    fn start(&self, actor: ActorId) -> At {
        if actor == self.0.cast.actors() { At::Judge } else { CAST[actor].1 }
    }

    async fn step<B: Backend>(&self, w: &World<B>, _: ActorId, at: At) -> ControlFlow<(), At> {
        match at {
            At::Writer(at, state) => w.write(at, state).await,
            At::Fault(state) => w.fault(state).await.map_continue(At::Fault),
            At::Flusher(at, state) => w.flush(at, state).await,
            At::Kworker(state) => w.complete(state).await.map_continue(At::Kworker),
            At::Reclaim(at, state) => w.reclaim(at, state).await,
            At::Judge => {
                w.judge().await;
                Break(())
            }
        }
    }

    fn observe<B: Backend>(&self, w: &World<B>) -> Option<String> {
        let mut folios = Vec::new();
        w.folios.iter().for_each(|folio| folio.audit(|folio| folios.push(*folio)));
        let mut unwritten = 0;
        w.unwritten.audit(|bits| unwritten = *bits);
        Some(final_state(&folios, unwritten, w.seq.newest()))
    }
}

impl<B: Backend> World<B> {
    fn folio(&self, at: u8) -> &B::Lock<Folio> {
        &self.folios[usize::from(at)]
    }

    fn last(&self) -> &B::Lock<Folio> {
        &self.folios[self.race.last()]
    }

    async fn write(&self, at: u8, state: Writer) -> ControlFlow<(), At> {
        let next = match state {
            Writer::Begin => {
                let extents = self.unwritten.lock(Op::new("iomap_begin")).await;
                // Whoever changes the counter holds the ILOCK.
                let cookie = if self.race.check == Check::IomapValid { self.seq.peek() } else { 0 };
                Writer::Lock(Mapping { unwritten: *extents, cookie })
            }
            Writer::Lock(mapping) => {
                let op = Op::on("folio_lock", u32::from(at));
                let mut folio = self.folio(at).lock_when(op, |folio, _| !folio.locked, 0).await;
                (folio.locked, folio.present) = (true, true);
                match self.race.check {
                    Check::IomapValid => Writer::Check(mapping),
                    Check::None => Writer::Copy(mapping),
                }
            }
            Writer::Check(mapping) => {
                let seq = self.seq.load(Op::new("iomap_valid"), Ordering::Relaxed).await;
                if seq == mapping.cookie {
                    Writer::Copy(mapping)
                } else {
                    self.folio(at).release(|folio| folio.locked = false);
                    Writer::Begin
                }
            }
            Writer::Copy(mapping) => return self.copy(at, mapping).await,
        };
        Continue(At::Writer(at, next))
    }

    async fn copy(&self, at: u8, mapping: Mapping) -> ControlFlow<(), At> {
        let is_last = usize::from(at) == self.race.last();
        let mut folio = self.folio(at).lock(Op::on("copy", u32::from(at))).await;
        if is_last && !folio.uptodate {
            (folio.head, folio.tail) = folio.below(is_unwritten(mapping.unwritten, usize::from(at)));
            folio.uptodate = true;
            return Continue(At::Writer(at, Writer::Copy(mapping)));
        }
        folio.head = Data::Written;
        if !is_last {
            folio.tail = Data::Written;
        }
        (folio.uptodate, folio.dirty, folio.locked) = (true, true, false);
        if is_last { Break(()) } else { Continue(At::Writer(at + 1, Writer::Lock(mapping))) }
    }

    async fn fault(&self, state: Fault) -> ControlFlow<(), Fault> {
        Continue(match state {
            Fault::Lock => {
                let op = Op::new("filemap_fault");
                let mut folio = self.last().lock_when(op, |folio, _| !folio.locked, 0).await;
                (folio.locked, folio.present) = (true, true);
                if folio.uptodate { Fault::Mkwrite } else { Fault::Sample }
            }
            Fault::Sample => {
                let extents = self.unwritten.lock(Op::new("iomap_begin")).await;
                Fault::Fill { is_unwritten: is_unwritten(*extents, self.race.last()) }
            }
            Fault::Fill { is_unwritten } => {
                let mut folio = self.last().lock(Op::new("read_folio")).await;
                (folio.head, folio.tail) = folio.below(is_unwritten);
                folio.uptodate = true;
                Fault::Mkwrite
            }
            Fault::Mkwrite => {
                let mut folio = self.last().lock(Op::new("page_mkwrite")).await;
                (folio.dirty, folio.writable, folio.locked) = (true, true, false);
                Fault::Store
            }
            Fault::Store => {
                let mut folio = self.last().lock(Op::new("store")).await;
                if folio.writable {
                    folio.tail = Data::Stored;
                    return Break(());
                }
                Fault::Lock
            }
        })
    }

    async fn flush(&self, at: u8, state: Flusher) -> ControlFlow<(), At> {
        if usize::from(at) == self.race.folios {
            self.device.lock(Op::new("submitted")).await.submitted = true;
            return Break(());
        }
        let target = u32::from(at);
        let (at, next) = match state {
            Flusher::Next => {
                let skips_or_locks = |folio: &Folio, _| !folio.wants_writeback() || !folio.locked;
                let op = Op::on("writeback_iter", target);
                let mut folio = self.folio(at).lock_when(op, skips_or_locks, 0).await;
                if folio.wants_writeback() {
                    folio.locked = true;
                    (at, Flusher::Start)
                } else {
                    (at + 1, Flusher::Next)
                }
            }
            Flusher::Start => {
                let mut folio = self.folio(at).lock(Op::on("folio_start_writeback", target)).await;
                (folio.dirty, folio.writable, folio.writeback, folio.locked) = (false, false, true, false);
                (at, Flusher::Submit)
            }
            Flusher::Submit => {
                let mut folio = self.folio(at).lock(Op::on("submit", target)).await;
                (folio.disk_head, folio.disk_tail) = (folio.head, folio.tail);
                self.device.release(|device| device.ioends |= 1 << at);
                (at + 1, Flusher::Next)
            }
        };
        Continue(At::Flusher(at, next))
    }

    async fn complete(&self, state: Kworker) -> ControlFlow<(), Kworker> {
        Continue(match state {
            Kworker::Take => {
                let has_work = |device: &Device, _| device.ioends != 0 || device.submitted;
                let mut device = self.device.lock_when(Op::new("take"), has_work, 0).await;
                if device.ioends == 0 {
                    return Break(());
                }
                let at = device.ioends.trailing_zeros() as u8;
                device.ioends &= device.ioends - 1;
                Kworker::Convert(at)
            }
            Kworker::Convert(at) => {
                let mut unwritten = self.unwritten.lock(Op::on("convert", u32::from(at))).await;
                if is_unwritten(*unwritten, usize::from(at)) {
                    *unwritten &= !(1 << at);
                    self.seq.publish(self.seq.peek() + 1, Ordering::Relaxed);
                }
                Kworker::Finish(at)
            }
            Kworker::Finish(at) => {
                self.folio(at).lock(Op::on("folio_end_writeback", u32::from(at))).await.writeback = false;
                Kworker::Take
            }
        })
    }

    async fn reclaim(&self, at: u8, state: Reclaim) -> ControlFlow<(), At> {
        let (at, next) = match state {
            Reclaim::Look => {
                let mut folio = self.folio(at).lock(Op::on("folio_trylock", u32::from(at))).await;
                if folio.is_reclaimable() {
                    folio.locked = true;
                    (at, Reclaim::Drop)
                } else {
                    (at + 1, Reclaim::Look)
                }
            }
            Reclaim::Drop => {
                let mut folio = self.folio(at).lock(Op::on("remove_mapping", u32::from(at))).await;
                (folio.present, folio.uptodate, folio.locked) = (false, false, false);
                (folio.head, folio.tail) = (Data::Zero, Data::Zero);
                (at + 1, Reclaim::Look)
            }
        };
        if usize::from(at) == self.race.folios { Break(()) } else { Continue(At::Reclaim(at, next)) }
    }

    async fn judge(&self) {
        let folio = self.last().lock(Op::new("read")).await;
        let mut unwritten = 0;
        self.unwritten.audit(|bits| unwritten = *bits);
        if self.race.is_lost(&folio, unwritten) {
            self.backend.violate(LOST, || format!("a reader finds {:?}", folio.tail));
        }
    }
}

/// How the engine searches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Search {
    /// Depth first, every transition of every state.
    All,
    /// As the product searches: depth first, one order of independent transitions; what is large begins again, breadth first.
    Product,
    /// Breadth first from the beginning, on so many threads.
    BreadthFirst(usize),
}

impl Search {
    fn options(self) -> Options {
        let options = Options::default();
        match self {
            Search::All => Options { sleep_sets: false, ..options },
            Search::Product => options,
            Search::BreadthFirst(threads) => {
                Options { breadth_after: Some(0), workers: Workers::new(threads), ..options }
            }
        }
    }
}

/// Explores the race.
pub fn explore(race: Race, how: Search) -> Counts {
    let found = search(race, how);
    Counts {
        finished: found.is_complete(),
        lost: found.violated & LOST.bit() != 0,
        states: Some(found.statistics.states),
        transitions: Some(found.statistics.transitions),
        executions: None,
    }
}

/// The final states.
pub fn finals(race: Race) -> Finals {
    search(race, Search::Product).outcomes.into_keys().collect()
}

fn search(race: Race, how: Search) -> Exploration {
    let found =
        stalemap_explore::explore(&Judged(race), &how.options(), &mut |_| ()).expect("a sound system");
    assert!(found.deadlocks.is_empty(), "nobody waits for ever");
    found
}

/// The same actors under loom, which is told of operations only.
pub fn under_loom(race: Race, most: Duration) -> Counts {
    let loom = Loom { budget: within(most), ..Loom::default() };
    executed(&run_loom(&Judged(race), &loom).expect("a sound system"))
}

/// The same actors under shuttle's depth-first search, which is asked about operations only.
pub fn under_shuttle(race: Race, most: Duration) -> Counts {
    let shuttle = Shuttle { strategy: Strategy::Dfs, budget: within(most) };
    executed(&run_shuttle(&Judged(race), &shuttle).expect("a sound system"))
}

fn within(most: Duration) -> Budget {
    Budget { executions: None, time: Some(most) }
}

fn executed(runs: &Runs) -> Counts {
    Counts {
        finished: runs.is_complete(),
        lost: runs.violated & LOST.bit() != 0,
        states: None,
        transitions: Some(runs.transitions),
        executions: Some(runs.executions),
    }
}
