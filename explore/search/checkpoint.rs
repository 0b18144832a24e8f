//! Checkpoints of a depth-first search (`checkpoint.rs`).
//!
//! The visited set is fingerprints, and is written as it is. The states on the stack are not: their values are the system's. So
//! the way to the last of them is written, and gone again; each state must have the fingerprint that it had, and with it the
//! transitions that are untried there and the sleep sets are right again. What a search knows by name (properties, bounds,
//! operations) is found in the same way: by going to where it was met first.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use stalemap_facade::{ActorId, Call, Calls, Property, Returned, System};

use super::{Node, Search};
use crate::actors::{ActorSet, MAX_ACTORS, actors_of};
use crate::checkpoint::found::{
    read_endings, read_statistics, read_visited, write_endings, write_statistics, write_visited,
};
use crate::checkpoint::{Kind, Reading, Written, another, damaged};
use crate::error::EngineError;
use crate::exploration::{Options, Statistics};
use crate::footprint::Footprint;
use crate::limits::LimitHit;
use crate::machine::{Ending, Frame, Machine};
use crate::memory::{Gathered, Outcome, Pending};
use crate::schedule::Choice;

/// A transition as it is written.
#[derive(Clone, Copy)]
struct Move {
    actor: ActorId,
    outcome: Outcome,
}

impl Move {
    fn of(choice: &Choice) -> Self {
        Move { actor: choice.actor, outcome: choice.to_outcome() }
    }

    fn write(self, to: &mut Written<'_>) -> io::Result<()> {
        to.number(self.actor as u64)?;
        to.number(self.outcome.choice().into())?;
        to.number(self.outcome.picks().into())
    }

    fn read(from: &mut Reading<'_>) -> Result<Self, EngineError> {
        let actor = actor(from)?;
        Ok(Move { actor, outcome: Outcome::new(from.small()?, from.small()?) })
    }

    /// Makes the transition, if it can be made.
    fn again<S: System>(
        self,
        machine: &mut Machine<'_, S>,
    ) -> Result<(Frame<S::State>, Choice), EngineError> {
        let Move { actor, outcome } = self;
        let alternatives = machine.pending(actor).map_or(0, Pending::alternatives);
        if machine.enabled() & (1 << actor) == 0 || outcome.choice() >= alternatives {
            return Err(another());
        }
        let choice = Choice::of(machine.pending(actor), actor, outcome);
        match machine.fire(actor, outcome) {
            Ok((_, frame)) => Ok((frame, choice)),
            Err(EngineError::NoSuchOutcome { .. }) => Err(another()),
            Err(error) => Err(error),
        }
    }
}

/// A node of the stack as it is written.
struct KeptNode {
    key: u128,
    arrival: Option<Move>,
    todo: ActorSet,
    asleep: BTreeMap<ActorId, Footprint>,
    current: Option<(ActorId, Option<Outcome>, Footprint)>,
    expanded: bool,
    running: Option<ActorId>,
    preemptions: u32,
}

/// Where a property or a bound was met first.
#[derive(Clone, Copy)]
enum Met {
    Property(u8),
    Bound(u8),
}

fn actor(from: &mut Reading<'_>) -> Result<ActorId, EngineError> {
    let actor: ActorId = from.small()?;
    if actor < MAX_ACTORS { Ok(actor) } else { Err(damaged()) }
}

fn write_maybe<T>(
    to: &mut Written<'_>,
    item: Option<T>,
    write: impl FnOnce(&mut Written<'_>, T) -> io::Result<()>,
) -> io::Result<()> {
    to.number(item.is_some().into())?;
    item.map_or(Ok(()), |item| write(to, item))
}

fn read_maybe<T>(
    from: &mut Reading<'_>,
    read: impl FnOnce(&mut Reading<'_>) -> Result<T, EngineError>,
) -> Result<Option<T>, EngineError> {
    if from.flag()? { read(from).map(Some) } else { Ok(None) }
}

fn write_footprint(to: &mut Written<'_>, footprint: Footprint) -> io::Result<()> {
    to.print(footprint.touched)?;
    to.print(footprint.changed)
}

fn read_footprint(from: &mut Reading<'_>) -> Result<Footprint, EngineError> {
    Ok(Footprint { touched: from.print()?, changed: from.print()? })
}

impl<S: System> Search<'_, '_, S> {
    /// Writes everything that is needed to go on.
    pub(crate) fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut to = Written::new(to);
        to.print(self.start_print)?;
        to.number(Kind::DepthFirst.number())?;
        self.write_counts(&mut to)?;
        write_endings(&mut to, &self.endings)?;
        self.write_gathered(&mut to)?;
        let properties = self.witnesses.iter().map(|(property, way)| (0, property.number(), way));
        let bounds = self.bounds.iter().map(|(bound, way)| (1, bound.number(), way));
        let ways: Vec<_> = properties.chain(bounds).collect();
        to.list(ways.into_iter(), |to, (kind, number, way)| {
            to.number(kind)?;
            to.number(number as u64)?;
            to.list(way.iter(), |to, choice| Move::of(choice).write(to))
        })?;
        to.list(self.stack.iter().enumerate(), |to, (depth, node)| self.write_node(to, depth, node))?;
        // A search that has ended needs no visited set.
        write_visited(&mut to, Some(&self.visited).filter(|_| !self.stack.is_empty()))?;
        to.end()
    }

    fn write_counts(&self, to: &mut Written<'_>) -> io::Result<()> {
        // The transition that was refused is made, and counted, again.
        let transitions = self.statistics.transitions - u64::from(self.refused);
        write_statistics(to, &Statistics { transitions, ..self.statistics })?;
        let cut = [LimitHit::Preemptions, LimitHit::Messages];
        for flag in cut.map(|limit| self.limits_hit.contains(&limit)).into_iter().chain([self.cycle_met]) {
            to.number(flag.into())?;
        }
        to.number(self.violated)?;
        to.number(self.bytes_kept)
    }

    fn write_gathered(&self, to: &mut Written<'_>) -> io::Result<()> {
        let Gathered { reached, maxima, calls, operations } = self.machine.memory().gathered();
        to.number(reached)?;
        for maximum in maxima {
            to.number(maximum.into())?;
        }
        to.list(calls.iter(), |to, (call, returned)| {
            to.number(call.actor as u64)?;
            to.number(call.command.into())?;
            to.number(call.number.into())?;
            to.number((returned == Returned::Error).into())
        })?;
        // After each resumption the names are met again, at their addresses in this process.
        let operations: BTreeSet<&str> = operations.iter().map(AsRef::as_ref).collect();
        to.list(operations.iter(), |to, name| to.list(name.bytes(), |to, byte| to.bytes(&[byte])))
    }

    fn write_node(&self, to: &mut Written<'_>, depth: usize, node: &Node<S::State>) -> io::Result<()> {
        to.print(node.key)?;
        write_maybe(to, node.arrival.as_ref(), |to, (_, choice)| Move::of(choice).write(to))?;
        to.number(node.todo.into())?;
        let asleep: Vec<ActorId> = actors_of(node.sleep).collect();
        to.list(asleep.into_iter(), |to, actor| {
            to.number(actor as u64)?;
            write_footprint(to, self.asleep[depth][actor])
        })?;
        write_maybe(to, node.current, |to, (actor, next, joint)| {
            to.number(actor as u64)?;
            write_maybe(to, next, |to, outcome| {
                to.number(outcome.choice().into())?;
                to.number(outcome.picks().into())
            })?;
            write_footprint(to, joint)
        })?;
        to.number(node.expanded.into())?;
        write_maybe(to, node.running, |to, actor| to.number(actor as u64))?;
        to.number(node.preemptions.into())
    }
}

impl<'s, 'o, S: System> Search<'s, 'o, S> {
    /// A search that goes on from what was kept. It must have been kept with the same options, but for the limits of states,
    /// memory and time.
    pub(crate) fn resume(
        machine: Machine<'s, S>,
        options: &'o Options,
        mut from: Reading<'_>,
    ) -> Result<Self, EngineError> {
        let mut search = Search::new(machine, options)?;
        search.read_counts(&mut from)?;
        search.endings = read_endings(&mut from)?;
        let gathered = read_gathered(&mut from)?;
        let ways: Vec<(Met, Vec<Move>)> = from.list(|from| {
            let bound = from.flag()?;
            let number = from.small()?;
            let met = if bound { Met::Bound(number) } else { Met::Property(number) };
            Ok((met, from.list(Move::read)?))
        })?;
        let nodes: Vec<KeptNode> = from.list(KeptNode::read)?;
        search.visited = read_visited(&mut from, options.limits.memory)?;
        from.end()?;
        search.begun = true;
        for (met, way) in ways {
            search.go(met, &way)?;
        }
        for node in nodes {
            search.put_back(node)?;
        }
        search.machine.memory().put_gathered(gathered);
        Ok(search)
    }

    fn read_counts(&mut self, from: &mut Reading<'_>) -> Result<(), EngineError> {
        self.statistics = read_statistics(from)?;
        for limit in [LimitHit::Preemptions, LimitHit::Messages] {
            if from.flag()? {
                self.limits_hit.insert(limit);
            }
        }
        self.cycle_met = from.flag()?;
        self.violated = from.number()?;
        self.bytes_kept = from.number()?;
        Ok(())
    }

    /// Goes to where a property or a bound was met first, and back.
    fn go(&mut self, met: Met, way: &[Move]) -> Result<(), EngineError> {
        let way = way.iter().map(|step| step.again(&mut self.machine).map(|(_, choice)| choice));
        let way = way.collect::<Result<Vec<Choice>, EngineError>>()?;
        let mut cut = self.machine.memory().take_cut();
        let mut violated = self.machine.violated();
        if cut.is_none() && self.machine.enabled() == 0 {
            if self.machine.main_finished() {
                let ending = |machine: &Machine<'_, S>, ending: &Ending| {
                    (ending.cut(), machine.violated() | ending.violates())
                };
                let (cut_by, found) = self.machine.with_epilogue(ending)?;
                (cut, violated) = (cut_by, violated | found);
            } else {
                violated |= Property::DEADLOCK.bit();
            }
        }
        match met {
            Met::Property(number) => {
                let bit = 1_u64.checked_shl(number.into()).ok_or_else(damaged)?;
                let properties = self.machine.memory().properties(violated & bit);
                let property = properties.first().ok_or_else(another)?;
                self.witnesses.insert(*property, way);
            }
            Met::Bound(number) => {
                let bound = cut.filter(|bound| bound.number() == usize::from(number)).ok_or_else(another)?;
                self.limits_hit.insert(LimitHit::Bound(bound));
                self.bounds.insert(bound, way);
            }
        }
        self.machine.restore(&self.start);
        Ok(())
    }

    /// Goes on to the next node of the stack.
    fn put_back(&mut self, node: KeptNode) -> Result<(), EngineError> {
        let KeptNode { key, arrival, todo, asleep, current, expanded, running, preemptions } = node;
        if arrival.is_none() != self.stack.is_empty() {
            return Err(damaged());
        }
        let arrival = arrival.map(|step| step.again(&mut self.machine)).transpose()?;
        if self.machine.memory().take_cut().is_some() || self.key(running, preemptions) != key {
            return Err(another());
        }
        if self.options.visited_set && self.visited.find(key).is_none() {
            return Err(damaged());
        }
        let mut row = [Footprint::default(); MAX_ACTORS];
        for (actor, would_do) in &asleep {
            row[*actor] = *would_do;
        }
        self.asleep.push(row);
        let sleep = asleep.keys().fold(0, |set, actor| set | 1 << actor);
        self.bytes_of_frames += arrival.as_ref().map_or(0, |(frame, _)| frame.owned() as u64);
        self.push(Node { key, arrival, todo, sleep, current, expanded, running, preemptions });
        Ok(())
    }
}

impl KeptNode {
    fn read(from: &mut Reading<'_>) -> Result<Self, EngineError> {
        Ok(KeptNode {
            key: from.print()?,
            arrival: read_maybe(from, Move::read)?,
            todo: from.small()?,
            asleep: from.list(|from| Ok((actor(from)?, read_footprint(from)?)))?,
            current: read_maybe(from, |from| {
                let actor = actor(from)?;
                let next = read_maybe(from, |from| Ok(Outcome::new(from.small()?, from.small()?)))?;
                Ok((actor, next, read_footprint(from)?))
            })?,
            expanded: from.flag()?,
            running: read_maybe(from, actor)?,
            preemptions: from.small()?,
        })
    }
}

fn read_gathered(from: &mut Reading<'_>) -> Result<Gathered, EngineError> {
    let mut gathered = Gathered { reached: from.number()?, ..Gathered::default() };
    for maximum in &mut gathered.maxima {
        *maximum = from.small()?;
    }
    let calls: Vec<(Call, Returned)> = from.list(|from| {
        let call = Call { actor: from.small()?, command: from.small()?, number: from.small()? };
        Ok((call, if from.flag()? { Returned::Error } else { Returned::Success }))
    })?;
    let mut all = Calls::default();
    for (call, returned) in calls {
        all.note(call, returned);
    }
    gathered.calls = all;
    gathered.operations = from.list(|from| Ok(Cow::Owned(from.text()?)))?;
    Ok(gathered)
}
