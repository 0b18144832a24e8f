//! The race for [Stateright](https://docs.rs/stateright): a state, and what each actor makes of it.
//!
//! A state is hashed as five words, not field by field: that is faster, and says the same.

use std::hash::{Hash, Hasher};

use stateright::{Checker, Model, Property, StateRecorder};

use crate::race::{Check, Data, Finals, Folio, MOST, Race, final_state, is_unwritten};
use crate::report::Counts;

/// The race as Stateright asks for it.
struct Modelled(Race);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Actor {
    Writer,
    Fault,
    Flusher,
    Kworker,
    Reclaim,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Writer {
    Begin,
    Lock,
    Check,
    Copy,
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Fault {
    Lock,
    Locked,
    Fill,
    Store,
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Flusher {
    Next,
    Start,
    Submit,
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Kworker {
    Take,
    Convert,
    Finish,
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Reclaim {
    Look,
    Drop,
}

/// Everything that there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct State {
    folios: [Folio; MOST],
    unwritten: u8,
    seq: u8,
    ioends: u8,
    submitted: bool,
    writer: Writer,
    writer_at: u8,
    map: u8,
    cookie: u8,
    fault: Fault,
    hole: bool,
    flusher: Flusher,
    flusher_at: u8,
    kworker: Kworker,
    kworker_at: u8,
    reclaim: Reclaim,
    reclaim_at: u8,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let folio = |f: &Folio| {
            let flags = [f.present, f.uptodate, f.dirty, f.writeback, f.locked, f.writable];
            let data = [f.head, f.tail, f.disk_head, f.disk_tail];
            let flags = flags.iter().fold(0, |bits, flag| bits << 1 | u64::from(*flag));
            data.iter().fold(flags, |bits, data| bits << 3 | u64::from(*data as u8))
        };
        let [a, b, c, d] = &self.folios;
        hasher.write_u64(folio(a) << 32 | folio(b));
        hasher.write_u64(folio(c) << 32 | folio(d));
        let shared = [self.unwritten, self.seq, self.ioends, u8::from(self.submitted)];
        let writer = [self.writer as u8, self.writer_at, self.map, self.cookie];
        let fault = [self.fault as u8, u8::from(self.hole), self.flusher as u8, self.flusher_at];
        let others = [self.kworker as u8, self.kworker_at, self.reclaim as u8, self.reclaim_at];
        let word = |high: [u8; 4], low: [u8; 4]| {
            u64::from(u32::from_le_bytes(high)) << 32 | u64::from(u32::from_le_bytes(low))
        };
        hasher.write_u64(word(shared, writer));
        hasher.write_u64(word(fault, others));
    }
}

impl State {
    fn first(race: Race) -> State {
        let absent = |is_there: bool| if is_there { 0 } else { race.folios as u8 };
        State {
            folios: race.file(),
            unwritten: race.unwritten(),
            seq: 0,
            ioends: 0,
            submitted: false,
            writer: Writer::Begin,
            writer_at: 0,
            map: 0,
            cookie: 0,
            fault: if race.cast.has_fault() { Fault::Lock } else { Fault::Done },
            hole: false,
            flusher: Flusher::Next,
            flusher_at: 0,
            kworker: Kworker::Take,
            kworker_at: 0,
            reclaim: Reclaim::Look,
            reclaim_at: absent(race.cast.has_reclaim()),
        }
    }

    fn write(&mut self, race: Race) -> Option<()> {
        let at = usize::from(self.writer_at);
        let is_last = at == race.last();
        let folio = &mut self.folios[at];
        match self.writer {
            Writer::Begin => {
                self.map = self.unwritten;
                self.cookie = if race.check == Check::IomapValid { self.seq } else { 0 };
                self.writer = Writer::Lock;
            }
            Writer::Lock if folio.locked => return None,
            Writer::Lock => {
                (folio.locked, folio.present) = (true, true);
                self.writer = if race.check == Check::IomapValid { Writer::Check } else { Writer::Copy };
            }
            Writer::Check if self.cookie == self.seq => self.writer = Writer::Copy,
            Writer::Check => {
                folio.locked = false;
                (self.map, self.cookie) = (0, 0);
                self.writer = Writer::Begin;
            }
            Writer::Copy if is_last && !folio.uptodate => {
                (folio.head, folio.tail) = folio.below(is_unwritten(self.map, at));
                folio.uptodate = true;
            }
            Writer::Copy => {
                folio.head = Data::Written;
                if !is_last {
                    folio.tail = Data::Written;
                }
                (folio.uptodate, folio.dirty, folio.locked) = (true, true, false);
                if is_last {
                    (self.writer_at, self.map, self.cookie) = (0, 0, 0);
                    self.writer = Writer::Done;
                } else {
                    self.writer_at += 1;
                    self.writer = Writer::Lock;
                }
            }
            Writer::Done => return None,
        }
        Some(())
    }

    fn fault(&mut self, race: Race) -> Option<()> {
        let folio = &mut self.folios[race.last()];
        match self.fault {
            Fault::Lock if folio.locked => return None,
            Fault::Lock => {
                (folio.locked, folio.present) = (true, true);
                self.fault = Fault::Locked;
            }
            Fault::Locked if folio.uptodate => {
                (folio.dirty, folio.writable, folio.locked) = (true, true, false);
                self.fault = Fault::Store;
            }
            Fault::Locked => {
                self.hole = is_unwritten(self.unwritten, race.last());
                self.fault = Fault::Fill;
            }
            Fault::Fill => {
                (folio.head, folio.tail) = folio.below(self.hole);
                folio.uptodate = true;
                self.hole = false;
                self.fault = Fault::Locked;
            }
            Fault::Store if folio.writable => {
                folio.tail = Data::Stored;
                self.fault = Fault::Done;
            }
            Fault::Store => self.fault = Fault::Lock,
            Fault::Done => return None,
        }
        Some(())
    }

    fn flush(&mut self, race: Race) -> Option<()> {
        let at = usize::from(self.flusher_at);
        let Some(folio) = self.folios[..race.folios].get_mut(at) else {
            (self.submitted, self.flusher_at) = (true, 0);
            self.flusher = Flusher::Done;
            return Some(());
        };
        match self.flusher {
            Flusher::Next if !folio.wants_writeback() => self.flusher_at += 1,
            Flusher::Next if folio.locked => return None,
            Flusher::Next => {
                folio.locked = true;
                self.flusher = Flusher::Start;
            }
            Flusher::Start => {
                (folio.dirty, folio.writable, folio.writeback, folio.locked) = (false, false, true, false);
                self.flusher = Flusher::Submit;
            }
            Flusher::Submit => {
                (folio.disk_head, folio.disk_tail) = (folio.head, folio.tail);
                self.ioends |= 1 << at;
                self.flusher_at += 1;
                self.flusher = Flusher::Next;
            }
            Flusher::Done => return None,
        }
        Some(())
    }

    fn complete(&mut self) -> Option<()> {
        let block = 1 << self.kworker_at;
        match self.kworker {
            Kworker::Take if self.ioends != 0 => {
                self.kworker_at = self.ioends.trailing_zeros() as u8;
                self.ioends &= self.ioends - 1;
                self.kworker = Kworker::Convert;
            }
            Kworker::Take if self.submitted => self.kworker = Kworker::Done,
            Kworker::Convert => {
                if self.unwritten & block != 0 {
                    self.unwritten &= !block;
                    self.seq += 1;
                }
                self.kworker = Kworker::Finish;
            }
            Kworker::Finish => {
                self.folios[usize::from(self.kworker_at)].writeback = false;
                self.kworker_at = 0;
                self.kworker = Kworker::Take;
            }
            Kworker::Take | Kworker::Done => return None,
        }
        Some(())
    }

    fn reclaim(&mut self, race: Race) -> Option<()> {
        let at = usize::from(self.reclaim_at);
        if at == race.folios {
            return None;
        }
        let folio = &mut self.folios[at];
        match self.reclaim {
            Reclaim::Look if folio.is_reclaimable() => {
                folio.locked = true;
                self.reclaim = Reclaim::Drop;
            }
            Reclaim::Look => self.reclaim_at += 1,
            Reclaim::Drop => {
                (folio.present, folio.uptodate, folio.locked) = (false, false, false);
                (folio.head, folio.tail) = (Data::Zero, Data::Zero);
                self.reclaim_at += 1;
                self.reclaim = Reclaim::Look;
            }
        }
        Some(())
    }

    fn is_final(&self, race: Race) -> bool {
        self.writer == Writer::Done
            && self.fault == Fault::Done
            && self.flusher == Flusher::Done
            && self.kworker == Kworker::Done
            && usize::from(self.reclaim_at) == race.folios
    }
}

impl Model for Modelled {
    type State = State;
    type Action = Actor;

    fn init_states(&self) -> Vec<State> {
        vec![State::first(self.0)]
    }

    fn actions(&self, _: &State, actions: &mut Vec<Actor>) {
        actions.extend([Actor::Writer, Actor::Fault, Actor::Flusher, Actor::Kworker, Actor::Reclaim]);
    }

    fn next_state(&self, state: &State, actor: Actor) -> Option<State> {
        let mut next = *state;
        match actor {
            Actor::Writer => next.write(self.0),
            Actor::Fault => next.fault(self.0),
            Actor::Flusher => next.flush(self.0),
            Actor::Kworker => next.complete(),
            Actor::Reclaim => next.reclaim(self.0),
        }?;
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Modelled>> {
        let nothing_is_lost = |model: &Modelled, state: &State| {
            let Modelled(race) = *model;
            !state.is_final(race) || !race.is_lost(&state.folios[race.last()], state.unwritten)
        };
        // Once it has found a violation of each property, Stateright stops. Of this one there is none.
        let goes_on = |_: &Modelled, _: &State| true;
        vec![Property::always(LOST, nothing_is_lost), Property::always("goes on", goes_on)]
    }
}

const LOST: &str = "nothing is lost";

/// How Stateright goes through the states.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Breadth first.
    Breadth,
    /// Depth first.
    Depth,
}

/// Explores the race with so many threads.
pub fn explore(race: Race, order: Order, threads: usize) -> Counts {
    let builder = Modelled(race).checker().threads(threads);
    match order {
        Order::Breadth => counts(&builder.spawn_bfs().join()),
        Order::Depth => counts(&builder.spawn_dfs().join()),
    }
}

fn counts(checker: &impl Checker<Modelled>) -> Counts {
    Counts {
        finished: true,
        lost: checker.discoveries().contains_key(LOST),
        states: Some(checker.unique_state_count() as u64),
        // It counts the states that it makes, the first one included.
        transitions: Some(checker.state_count() as u64 - 1),
        executions: None,
    }
}

/// The final states.
pub fn finals(race: Race) -> Finals {
    let (recorder, states) = StateRecorder::new_with_accessor();
    Modelled(race).checker().visitor(recorder).spawn_bfs().join();
    let said =
        |state: &State| final_state(&state.folios[..race.folios], state.unwritten, u64::from(state.seq));
    states().iter().filter(|state| state.is_final(race)).map(said).collect()
}
