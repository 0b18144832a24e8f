//! The least counterexample, with a certificate.
//!
//! A 0-1 breadth-first search over (state, actor that moved last) with cost (preemptions, operations): a
//! *preemption* is a switch away from an actor that could have gone on. States come off the queue in the
//! order of their cost, so the first violating one is the least, and everything cheaper has been looked at:
//! that none with fewer preemptions exists is a by-product, and the number of states says how much it rests
//! on. No reduction is used here: sleep sets may drop the cheap representative.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use hashbrown::HashMap;
use stalemap_model::backend::{ActorId, System};
use stalemap_model::oracle::Property;

use crate::error::EngineError;
use crate::fingerprint::IdentityState;
use crate::limits::Limits;
use crate::machine::{Machine, Snapshot, actors_of};
use crate::memory::Pending;
use crate::schedule::Choice;
use crate::search::Lasso;

/// What the counterexample has to reach.
#[derive(Clone, Copy, Debug)]
pub enum Goal<'a> {
    /// A state in which the property is violated (for a deadlock: the deadlock).
    Violates(Property),
    /// A cycle found by the search; the counterexample goes round it once.
    Cycle(&'a Lasso),
}

/// A counterexample of least cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// The transitions from the initial state.
    pub schedule: Vec<Choice>,
    /// Preemptions among them.
    pub preemptions: u32,
    /// The number of transitions.
    pub operations: u32,
    /// Whether it was proved that none of lower cost exists. A cycle is only the nearest of those found.
    pub certified: bool,
    /// States examined with fewer preemptions, none of them violating.
    pub states_below: u64,
}

struct Node {
    parent: u32,
    choice: Option<Choice>,
}

struct Open<State> {
    node: u32,
    running: Option<ActorId>,
    snapshot: Snapshot<State>,
}

/// Searches for the least counterexample. `None`: the limits ended the search first, or there is none.
pub fn minimal_counterexample<S: System>(
    system: &S,
    goal: Goal<'_>,
    limits: &Limits,
) -> Result<Option<Counterexample>, EngineError> {
    let started = Instant::now();
    let mut machine = Machine::new(system)?;
    let mut nodes = vec![Node { parent: 0, choice: None }];
    let mut best: HashMap<(u128, Option<ActorId>), (u32, u32), IdentityState> = HashMap::default();
    let mut queue: BTreeMap<(u32, u32), VecDeque<Open<S::State>>> = BTreeMap::new();
    let mut settled_below = 0;
    let mut settled = 0;
    let mut level = 0;

    if machine.memory().take_cut().is_some() && !counts_when_cut(&machine, goal) {
        return Ok(None);
    }
    queue.entry((0, 0)).or_default().push_back(Open { node: 0, running: None, snapshot: machine.snapshot() });
    best.insert((machine.fingerprint(), None), (0, 0));
    while let Some(mut first) = queue.first_entry() {
        let cost = *first.key();
        let Some(open) = first.get_mut().pop_front() else {
            first.remove();
            continue;
        };
        machine.restore(&open.snapshot);
        if best.get(&(machine.fingerprint(), open.running)).is_some_and(|known| *known < cost) {
            continue;
        }
        if cost.0 > level {
            level = cost.0;
            settled_below = settled;
        }
        settled += 1;
        let over = limits.states.is_some_and(|most| settled > most)
            || settled.is_multiple_of(1024) && limits.time.is_some_and(|time| started.elapsed() >= time);
        if over {
            return Ok(None);
        }
        if reached(&mut machine, goal)? {
            let mut schedule = path(&nodes, open.node);
            let (mut preemptions, mut operations) = cost;
            if let Goal::Cycle(lasso) = goal {
                let at = lasso.states.iter().position(|print| *print == machine.fingerprint()).unwrap_or(0);
                let mut running = open.running;
                for choice in lasso.cycle[at..].iter().chain(&lasso.cycle[..at]) {
                    preemptions += u32::from(machine.preempts(running, choice.actor));
                    operations += 1;
                    machine.fire(choice.actor, choice.outcome.unwrap_or(0))?;
                    running = Some(choice.actor);
                    schedule.push(*choice);
                }
            }
            let certified = matches!(goal, Goal::Violates(_)) && limits.preemptions.is_none();
            return Ok(Some(Counterexample {
                schedule,
                preemptions,
                operations,
                certified,
                states_below: settled_below,
            }));
        }
        for actor in actors_of(machine.enabled()) {
            let next = (cost.0 + u32::from(machine.preempts(open.running, actor)), cost.1 + 1);
            if limits.preemptions.is_some_and(|most| next.0 > most) {
                continue;
            }
            let alternatives = machine.pending(actor).map_or(0, Pending::alternatives);
            for outcome in 0..alternatives {
                let choice = Choice::of(machine.pending(actor), actor, outcome);
                let (_, frame) = machine.fire(actor, outcome)?;
                if machine.memory().take_cut().is_none() || counts_when_cut(&machine, goal) {
                    let key = (machine.fingerprint(), Some(actor));
                    let known = best.get(&key);
                    if known.is_none_or(|known| next < *known) {
                        best.insert(key, next);
                        let node = nodes.len() as u32;
                        nodes.push(Node { parent: open.node, choice: Some(choice) });
                        let snapshot = machine.snapshot();
                        queue.entry(next).or_default().push_back(Open {
                            node,
                            running: Some(actor),
                            snapshot,
                        });
                    }
                }
                machine.undo(frame);
            }
        }
    }
    Ok(None)
}

/// Whether a run that has just been given up counts all the same. It goes no further, but a property that it
/// has violated by then is violated; the queue reaches no successors of such a state.
fn counts_when_cut<S: System>(machine: &Machine<'_, S>, goal: Goal<'_>) -> bool {
    matches!(goal, Goal::Violates(property) if machine.violated() & property.bit() != 0)
}

/// Whether the machine stands at the goal.
fn reached<S: System>(machine: &mut Machine<'_, S>, goal: Goal<'_>) -> Result<bool, EngineError> {
    match goal {
        Goal::Cycle(lasso) => Ok(lasso.states.contains(&machine.fingerprint())),
        Goal::Violates(property) => {
            if machine.violated() & property.bit() != 0 {
                return Ok(true);
            }
            if machine.enabled() != 0 {
                return Ok(false);
            }
            if !machine.main_finished() {
                return Ok(property == Property::Deadlock);
            }
            machine.with_epilogue(|machine, ending| {
                machine.violated() & property.bit() != 0 || ending.stuck && property == Property::Deadlock
            })
        }
    }
}

fn path(nodes: &[Node], mut node: u32) -> Vec<Choice> {
    let mut path = Vec::new();
    while let Some(choice) = nodes[node as usize].choice {
        path.push(choice);
        node = nodes[node as usize].parent;
    }
    path.reverse();
    path
}
