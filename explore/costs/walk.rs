//! The walk through all states that makes a [`CostGraph`], and back to schedules.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use hashbrown::hash_map::Entry;
use stalemap_facade::{ActorId, MemoryModel, System};

use super::graph::{CostGraph, CostMove, Edge, Meter, Note, Toll, Way};
use crate::components::components;
use crate::error::EngineError;
use crate::fingerprint::{IdentityState, part};
use crate::labels::{Label, Labels};
use crate::limits::{LimitHit, Limits};
use crate::machine::{Frame, Halt, Machine};
use crate::memory::Outcome;
use crate::moves::Moves;
use crate::schedule::Choice;
use crate::transition_cache::KEPT;

/// A vertex on the path.
struct Node<State> {
    vertex: u32,
    note: u32,
    arrival: Option<Frame<State>>,
    moves: Moves,
}

/// Where a note is followed by another one.
type Paid = HashMap<(u32, ActorId, Label), (u32, u32)>;

struct Walk<'m, State> {
    meter: &'m dyn Meter,
    notes: Vec<Note>,
    numbers: HashMap<Note, u32>,
    prices: Vec<Box<[Toll]>>,
    price_numbers: HashMap<Box<[Toll]>, u32>,
    paid: Paid,
    vertices: hashbrown::HashMap<u128, u32, IdentityState>,
    edges: Vec<Edge>,
    finals: Vec<(u32, u128)>,
    path: Vec<Node<State>>,
    limits_hit: BTreeSet<LimitHit>,
    /// Vertices beyond those that are states: where runs are given up.
    given_up: u32,
}

/// Walks through all states of a system. In relaxed memory there are none to walk through: whoever asks takes care of that.
pub fn cost_graph<S: System>(
    system: &S,
    meter: &dyn Meter,
    limits: &Limits,
) -> Result<CostGraph, EngineError> {
    debug_assert_eq!(system.memory(), MemoryModel::Sequential, "outcomes are those of the model alone");
    let mut machine = Machine::new(system)?;
    machine.remember_transitions(KEPT);
    machine.label_transitions(Labels::new(Box::new(|event, items| meter.read(event, items))));
    let start = Note::new();
    let mut walk = Walk {
        meter,
        notes: vec![start.clone()],
        numbers: HashMap::from([(start, 0)]),
        prices: vec![Box::default()],
        price_numbers: HashMap::from([(Box::default(), 0)]),
        paid: HashMap::new(),
        vertices: hashbrown::HashMap::default(),
        edges: Vec::new(),
        finals: Vec::new(),
        path: Vec::new(),
        limits_hit: BTreeSet::new(),
        given_up: 0,
    };
    let halted = machine.halted().map(|halted| halted.why.clone());
    match &halted {
        Some(Halt::GivenUp(bound)) => drop(walk.limits_hit.insert(LimitHit::Bound(*bound))),
        Some(_) => {}
        None => walk.run(&mut machine, limits)?,
    }
    Ok(walk.into_graph(halted.is_some()))
}

impl<State> Walk<'_, State> {
    fn run<S: System<State = State>>(
        &mut self,
        machine: &mut Machine<'_, S>,
        limits: &Limits,
    ) -> Result<(), EngineError> {
        let started = Instant::now();
        let root = Self::key(machine, 0);
        self.vertices.insert(root, 0);
        self.enter(machine, 0, 0, None);
        while let Some(node) = self.path.last_mut() {
            let next = node.moves.take();
            // Where a limit has ended the walk, what is known is a part of the runs.
            match next.filter(|_| !self.is_stopped()) {
                Some((actor, outcome)) => self.advance(machine, actor, outcome)?,
                None => self.leave(machine),
            }
            if let Some(limit) = self.limit(limits, started) {
                self.limits_hit.insert(limit);
            }
        }
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.limits_hit.iter().any(|limit| limit.is_of_the_search())
    }

    fn key<S: System<State = State>>(machine: &Machine<'_, S>, note: u32) -> u128 {
        let fingerprint = machine.fingerprint();
        if note == 0 {
            return fingerprint;
        }
        fingerprint.wrapping_add(machine.memory().print(part::NOTE, &note))
    }

    fn enter<S: System<State = State>>(
        &mut self,
        machine: &Machine<'_, S>,
        vertex: u32,
        note: u32,
        arrival: Option<Frame<State>>,
    ) {
        let todo = machine.enabled();
        if todo == 0 && machine.main_finished() {
            self.finals.push((vertex, machine.fingerprint()));
        }
        self.path.push(Node { vertex, note, arrival, moves: Moves::of(todo) });
    }

    fn leave<S: System<State = State>>(&mut self, machine: &mut Machine<'_, S>) {
        if let Some(Node { arrival: Some(frame), .. }) = self.path.pop() {
            machine.undo(frame);
        }
    }

    /// Lets an actor move from the last vertex of the path.
    fn advance<S: System<State = State>>(
        &mut self,
        machine: &mut Machine<'_, S>,
        actor: ActorId,
        outcome: Outcome,
    ) -> Result<(), EngineError> {
        let Some(last) = self.path.last_mut() else { return Ok(()) };
        let (from, before) = (last.vertex, last.note);
        let (_, frame) = machine.fire(actor, outcome)?;
        last.moves.put_back(actor, machine.next_outcome());
        let (told, price) = self.pay(machine, before, actor);
        let way = Way::new(actor, outcome.choice());
        let number = self.vertices.len() as u32 + self.given_up;
        if let Some(bound) = machine.memory().take_cut() {
            self.limits_hit.insert(LimitHit::Bound(bound));
            self.given_up += 1;
            self.edges.push(Edge { from, to: number, price, way });
            machine.undo(frame);
            return Ok(());
        }
        let key = Self::key(machine, told);
        let (to, new) = match self.vertices.entry(key) {
            Entry::Occupied(known) => (*known.get(), false),
            Entry::Vacant(vacant) => (*vacant.insert(number), true),
        };
        self.edges.push(Edge { from, to, price, way });
        if new {
            self.enter(machine, to, told, Some(frame));
        } else {
            machine.undo(frame);
        }
        Ok(())
    }

    /// What the last transition costs, and the note after it.
    fn pay<S: System<State = State>>(
        &mut self,
        machine: &Machine<'_, S>,
        note: u32,
        actor: ActorId,
    ) -> (u32, u32) {
        let label = machine.label();
        if let Some(paid) = self.paid.get(&(note, actor, label)) {
            return *paid;
        }
        let items = machine.labels().map_or(&[][..], |labels| labels.items(label));
        let mut next = self.notes[note as usize].clone();
        let mut tolls = Vec::new();
        self.meter.pay(&mut next, actor, items, &mut tolls);
        let fresh = self.notes.len() as u32;
        let number = *self.numbers.entry(next.clone()).or_insert(fresh);
        if number == fresh {
            self.notes.push(next);
        }
        let tolls: Box<[Toll]> = tolls.into();
        let fresh = self.prices.len() as u32;
        let price = *self.price_numbers.entry(tolls.clone()).or_insert(fresh);
        if price == fresh {
            self.prices.push(tolls);
        }
        self.paid.insert((note, actor, label), (number, price));
        (number, price)
    }

    fn limit(&self, limits: &Limits, started: Instant) -> Option<LimitHit> {
        let states = self.vertices.len() as u64;
        // The edges are sorted into another list at the end.
        let edges = 2 * self.edges.capacity() * size_of::<Edge>();
        let vertices = self.vertices.allocation_size() + self.vertices.len() * 6 * size_of::<u32>();
        if limits.states.is_some_and(|most| states > most) {
            return Some(LimitHit::States);
        }
        if limits.memory.is_some_and(|most| (edges + vertices) as u64 > most) {
            return Some(LimitHit::Memory);
        }
        let late = self.edges.len().is_multiple_of(1024)
            && limits.time.is_some_and(|time| started.elapsed() >= time);
        late.then_some(LimitHit::Seconds)
    }

    fn into_graph(self, halted: bool) -> CostGraph {
        let vertices = (self.vertices.len() as u32 + self.given_up).max(1);
        let mut edges = self.edges;
        edges.sort_by_key(|edge| edge.from);
        let mut first = vec![0; vertices as usize + 1];
        for edge in &edges {
            first[edge.from as usize + 1] += 1;
        }
        for vertex in 0..vertices as usize {
            first[vertex + 1] += first[vertex];
        }
        let components = components(&first, |edge| edges[edge as usize].to);
        let (finals, prices, limits_hit) = (self.finals, self.prices, self.limits_hit);
        CostGraph { edges, first, prices, finals, components, limits_hit, halted }
    }
}

/// The moves of a run of a system, as a schedule names them.
pub fn cost_way<S: System>(system: &S, moves: &[CostMove]) -> Result<Vec<Choice>, EngineError> {
    let mut machine = Machine::new(system)?;
    let play = |CostMove(way): &CostMove| {
        let (actor, outcome) = (way.actor(), Outcome::new(way.outcome(), 0));
        let choice = Choice::of(machine.pending(actor), actor, outcome);
        machine.fire(actor, outcome)?;
        Ok(choice)
    };
    moves.iter().map(play).collect()
}
