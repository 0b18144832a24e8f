//! Which states lie on a cycle of the state graph.
//!
//! R. Tarjan, "Depth-first search and linear graph algorithms", SIAM Journal on Computing 1(2), 1972, with the
//! recursion unrolled: a state lies on a cycle when its strongly connected component has another member, or
//! when a transition leads from it to itself. Every transition counts here, so nothing is reduced.

use std::time::Instant;

use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};
use stalemap_facade::{ActorId, System};

use crate::error::EngineError;
use crate::fingerprint::IdentityState;
use crate::limits::Limits;
use crate::machine::{ActorSet, Frame, Machine};
use crate::memory::Outcome;

/// Fingerprints of states.
pub(crate) type StateSet = HashSet<u128, IdentityState>;

/// Where a state stands in the search.
#[derive(Clone, Copy)]
enum Mark {
    /// Entered as the number-th, and its component is not known yet.
    Open(u32),
    /// Its component is known.
    Closed,
}

/// A state on the path.
struct Node<State> {
    fingerprint: u128,
    number: u32,
    /// The smallest number that is known to be reachable within the component.
    low: u32,
    loops: bool,
    arrival: Option<Frame<State>>,
    todo: ActorSet,
    /// The actor being explored, and the outcome to be tried next.
    current: Option<(ActorId, Outcome)>,
}

/// The fingerprints of the reachable states that lie on a cycle. `None`: the limits ended the search.
pub(crate) fn states_on_cycles<S: System>(
    machine: &mut Machine<'_, S>,
    limits: &Limits,
) -> Result<Option<StateSet>, EngineError> {
    let started = Instant::now();
    let mut marks: HashMap<u128, Mark, IdentityState> = HashMap::default();
    let mut open: Vec<u128> = Vec::new();
    let mut on_cycles = StateSet::default();
    let mut path = Vec::new();
    let enter = |machine: &Machine<'_, S>, arrival, number| Node {
        fingerprint: machine.fingerprint(),
        number,
        low: number,
        loops: false,
        arrival,
        todo: machine.enabled(),
        current: None,
    };
    marks.insert(machine.fingerprint(), Mark::Open(0));
    open.push(machine.fingerprint());
    path.push(enter(machine, None, 0));
    while let Some(node) = path.last_mut() {
        let (actor, outcome) = match node.current {
            Some(next) => next,
            None if node.todo != 0 => {
                let actor = node.todo.trailing_zeros() as ActorId;
                node.todo &= !(1 << actor);
                node.current = Some((actor, Outcome::FIRST));
                continue;
            }
            None => {
                close(machine, &mut path, &mut open, &mut marks, &mut on_cycles);
                continue;
            }
        };
        let (_, frame) = match machine.fire(actor, outcome) {
            // There is more to read than can be told, and so more states than can be looked at.
            Err(EngineError::NoSuchOutcome { .. }) => return Ok(None),
            fired => fired?,
        };
        node.current = machine.next_outcome().map(|next| (actor, next));
        if machine.memory().take_cut().is_some() {
            machine.undo(frame);
            continue;
        }
        let number = marks.len() as u32;
        match marks.entry(machine.fingerprint()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Mark::Open(number));
                open.push(machine.fingerprint());
                path.push(enter(machine, Some(frame), number));
            }
            Entry::Occupied(known) => {
                if let Mark::Open(number) = known.get() {
                    node.low = node.low.min(*number);
                    node.loops |= *number == node.number;
                }
                machine.undo(frame);
            }
        }
        let over = limits.states.is_some_and(|most| marks.len() as u64 > most)
            || marks.len().is_multiple_of(1024) && limits.time.is_some_and(|time| started.elapsed() >= time);
        if over {
            return Ok(None);
        }
    }
    Ok(Some(on_cycles))
}

/// Leaves the last state of the path. If it is the first of its component, the component is complete.
fn close<S: System>(
    machine: &mut Machine<'_, S>,
    path: &mut Vec<Node<S::State>>,
    open: &mut Vec<u128>,
    marks: &mut HashMap<u128, Mark, IdentityState>,
    on_cycles: &mut StateSet,
) {
    let Some(node) = path.pop() else { return };
    if node.low == node.number {
        let first = open.iter().rposition(|state| *state == node.fingerprint).unwrap_or(0);
        let component = open.split_off(first);
        let cyclic = component.len() > 1 || node.loops;
        for state in component {
            marks.insert(state, Mark::Closed);
            if cyclic {
                on_cycles.insert(state);
            }
        }
    }
    if let Some(before) = path.last_mut() {
        before.low = before.low.min(node.low);
    }
    if let Some(frame) = node.arrival {
        machine.undo(frame);
    }
}
