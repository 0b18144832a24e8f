//! The numbers of values and standings: what they stand for, and how transitions are learned.
//!
//! What is not known is done on the machine: the state is put together from its parts, the transition is made, and what it
//! changed is numbered and undone. This is the only part of the search that touches the system, and it runs on one thread.

use std::rc::Rc;

use hashbrown::HashMap;
use stalemap_facade::{ActorId, System};

use super::effect::{Column, EffectId, Index, Number};
use super::known::{Gate, Known, Learned, Waiting};
use super::states::Width;
use crate::actors::actors_of;
use crate::checkpoint::another;
use crate::error::EngineError;
use crate::fingerprint::IdentityState;
use crate::machine::parts::StateParts;
use crate::machine::{Machine, Standing, Waits};
use crate::memory::Saved;

/// Things of one kind, numbered in the order in which they were met.
struct Numbered<T> {
    by_print: HashMap<u128, Number, IdentityState>,
    things: Vec<T>,
}

/// Why a state space is not to be searched in numbers.
#[derive(Debug)]
pub(crate) enum Refused {
    /// There are more objects and actors than columns, one of them has more values than there are numbers (or there are more
    /// sets of violated properties), or a transition cannot be told by an outcome.
    TooMany,
    Engine(EngineError),
}

impl Refused {
    /// What is kept of a search was not refused before, if it is one of this system.
    pub(crate) fn of_another(self) -> Self {
        match self {
            Refused::TooMany => Refused::Engine(another()),
            engine @ Refused::Engine(_) => engine,
        }
    }
}

impl From<EngineError> for Refused {
    fn from(error: EngineError) -> Self {
        Refused::Engine(error)
    }
}

/// The column in this place.
fn column(place: usize) -> Result<Column, Refused> {
    Column::try_from(place).map_err(|_| Refused::TooMany)
}

impl<T> Numbered<T> {
    fn new() -> Self {
        Numbered { by_print: HashMap::default(), things: Vec::new() }
    }

    /// The number of the thing with this fingerprint; if it is new, also `true`.
    fn number(&mut self, print: u128, thing: impl FnOnce() -> T) -> Result<(Number, bool), Refused> {
        if let Some(number) = self.by_print.get(&print) {
            return Ok((*number, false));
        }
        let number = Number::try_from(self.things.len()).map_err(|_| Refused::TooMany)?;
        self.things.push(thing());
        self.by_print.insert(print, number);
        Ok((number, true))
    }

    fn bytes(&self) -> usize {
        self.by_print.allocation_size() + self.things.capacity() * size_of::<T>()
    }
}

/// What the numbers stand for.
pub(super) struct Numbering<State> {
    /// By object.
    values: Vec<Numbered<Saved>>,
    /// By actor.
    standings: Vec<Numbered<Rc<Standing<State>>>>,
    /// The actors that move.
    movers: Vec<ActorId>,
    pub(super) known: Known,
}

impl<State: Clone> Numbering<State> {
    /// Numbers the state in which the machine stands; its row.
    pub(super) fn begin<S: System<State = State>>(
        machine: &Machine<'_, S>,
    ) -> Result<(Self, Vec<Number>), Refused> {
        let parts = machine.take_apart();
        let (objects, actors) = (parts.values.len(), parts.standings.len());
        let movers: Vec<ActorId> = actors_of(machine.movers()).collect();
        // Every object and actor has a column, and the violated properties have the last one.
        column(objects + actors)?;
        let columns: Result<Vec<Column>, Refused> =
            movers.iter().map(|actor| column(objects + actor)).collect();
        let mut numbering = Numbering {
            values: (0..objects).map(|_| Numbered::new()).collect(),
            standings: (0..actors).map(|_| Numbered::new()).collect(),
            movers,
            known: Known::new(&columns?, objects + actors),
        };
        let mut row = Vec::new();
        for (object, value) in parts.values.iter().enumerate() {
            row.push(numbering.value(object, value)?);
        }
        for (actor, standing) in parts.standings.iter().enumerate() {
            row.push(numbering.standing(actor, standing)?);
        }
        row.push(numbering.violated(machine, parts.violated)?);
        Ok((numbering, row))
    }

    /// What a row consists of.
    pub(super) fn width(&self) -> Width {
        Width { numbers: self.values.len() + self.standings.len() + 1, movers: self.movers.len() }
    }

    /// Whether all numbers of a row stand for something.
    pub(super) fn knows(&self, row: &[Number]) -> bool {
        let known = self.values.iter().map(|known| known.things.len());
        let known = known.chain(self.standings.iter().map(|known| known.things.len()));
        let mut all = known.chain([self.known.violated().count()]).zip(row);
        row.len() == self.width().numbers && all.all(|(things, number)| usize::from(*number) < things)
    }

    fn value(&mut self, object: usize, value: &Saved) -> Result<Number, Refused> {
        self.values[object].number(value.identity(), || value.clone()).map(|(number, _)| number)
    }

    fn standing(&mut self, actor: ActorId, standing: &Rc<Standing<State>>) -> Result<Number, Refused> {
        let (number, is_new) = self.standings[actor].number(standing.print(), || Rc::clone(standing))?;
        if let (true, Some(mover)) = (is_new, self.movers.iter().position(|mover| *mover == actor)) {
            self.known.add_standing(
                mover,
                match standing.waits() {
                    Waits::Finished => Waiting::Finished,
                    Waits::Nothing => Waiting::Nothing,
                    Waits::Object(object) => Waiting::For(column(object)?, Vec::new()),
                },
            );
        }
        Ok(number)
    }

    fn violated<S: System<State = State>>(
        &mut self,
        machine: &Machine<'_, S>,
        violated: u64,
    ) -> Result<Number, Refused> {
        if let Some(known) = self.known.number_of_violated(violated) {
            return Ok(known);
        }
        let share = machine.memory().share_of_violated(violated);
        self.known.add_violated(violated, share).ok_or(Refused::TooMany)
    }

    /// Puts the machine into a state.
    pub(super) fn put_together<S: System<State = State>>(
        &self,
        machine: &mut Machine<'_, S>,
        row: &[Number],
    ) {
        let (values, rest) = row.split_at(self.values.len());
        let values = self.values.iter().zip(values);
        let standings = self.standings.iter().zip(rest);
        machine.put_together(StateParts {
            values: values.map(|(known, number)| known.things[usize::from(*number)].clone()).collect(),
            standings: standings
                .map(|(known, number)| Rc::clone(&known.things[usize::from(*number)]))
                .collect(),
            violated: self.known.violated_in(row),
        });
    }

    /// Learns everything that is not known of the transitions from a state.
    pub(super) fn learn<S: System<State = State>>(
        &mut self,
        machine: &mut Machine<'_, S>,
        row: &[Number],
    ) -> Result<(), Refused> {
        self.put_together(machine, row);
        for mover in 0..self.movers.len() {
            let actor = self.movers[mover];
            if self.known.gate(mover, row) == Gate::Unknown {
                let gate = if machine.is_enabled(actor) { Gate::Open } else { Gate::Shut };
                self.known.set_gate(mover, row, gate);
            }
            if self.known.gate(mover, row) != Gate::Open {
                continue;
            }
            let mut next = Some(self.known.first(mover, row));
            while let Some(beginning) = next {
                let effect = match self.known.effect(beginning, row) {
                    Some(effect) => effect,
                    None => self.make(machine, mover, beginning, row)?,
                };
                // The properties that are violated after it are to be known, too.
                let violated = self.known.violated_in(row) | self.known.finds(effect).violated;
                self.violated(machine, violated)?;
                next = self.known.next(effect);
            }
        }
        Ok(())
    }

    /// Makes a transition, and takes it back.
    fn make<S: System<State = State>>(
        &mut self,
        machine: &mut Machine<'_, S>,
        mover: usize,
        beginning: Index,
        row: &[Number],
    ) -> Result<EffectId, Refused> {
        let actor = self.movers[mover];
        let share =
            |machine: &Machine<'_, S>| machine.memory().share_of_violated(machine.memory().violated());
        let before = machine.fingerprint().wrapping_sub(share(machine));
        let fired = match machine.fire(actor, self.known.outcome(beginning)) {
            Err(EngineError::NoSuchOutcome { .. }) => return Err(Refused::TooMany),
            fired => fired?,
        };
        let (footprint, frame) = fired;
        let next = machine.next_outcome();
        let (violated, cut) = (machine.memory().found(), machine.memory().take_cut());
        let delta = machine.fingerprint().wrapping_sub(share(machine)).wrapping_sub(before);
        let touched = machine.touched(footprint).into_iter().map(|object| column(object as usize));
        let touched = touched.collect::<Result<Vec<Column>, Refused>>()?;
        let mut writes = Vec::new();
        for (object, value) in machine.written(&frame) {
            writes.push((column(object)?, self.value(object, &value)?));
        }
        let standing = Rc::clone(machine.standing(actor));
        writes.push((column(self.values.len() + actor)?, self.standing(actor, &standing)?));
        machine.undo(frame);
        let actor = actor as u8;
        let learned = Learned { touched: &touched, writes: &writes, delta, violated, cut, actor, next };
        self.known.add_effect(mover, beginning, row, &learned).ok_or(Refused::TooMany)
    }

    /// Bytes taken beside the values.
    pub(super) fn bytes(&self) -> u64 {
        let values: usize = self.values.iter().map(Numbered::bytes).sum();
        let standings: usize = self.standings.iter().map(Numbered::bytes).sum();
        (values + standings) as u64 + self.known.bytes()
    }
}
