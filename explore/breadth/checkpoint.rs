//! Checkpoints of a breadth-first search (`checkpoint.rs`).
//!
//! States are written as their numbers. What these stand for cannot be written; it is learned again, from the same states in the
//! same order, and so gets the same numbers. What is known by name (the properties that an end violates, the bound at which
//! an epilogue was given up) is found by looking at that end once more.

use std::io::{self, Write};

use stalemap_facade::System;

use super::Breadth;
use super::effect::Number;
use super::numbering::Refused;
use super::states::States;
use crate::checkpoint::found::{
    read_endings, read_statistics, read_visited, write_endings, write_statistics, write_visited,
};
use crate::checkpoint::{Kind, Reading, Written, another, damaged};
use crate::exploration::Options;
use crate::machine::Machine;
use crate::visited::PARTS;

fn write_row(to: &mut Written<'_>, row: &[Number]) -> io::Result<()> {
    row.iter().try_for_each(|number| to.bytes(&number.to_le_bytes()))
}

/// Writes the states from this one on.
fn write_states(to: &mut Written<'_>, states: &States, from: usize) -> io::Result<()> {
    to.list(from..states.len(), |to, state| {
        to.print(states.print(state))?;
        write_row(to, states.row(state))
    })
}

impl<S: System> Breadth<'_, '_, S> {
    /// Writes everything that is needed to go on.
    pub(crate) fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut to = Written::new(to);
        to.print(self.start.1)?;
        to.number(Kind::BreadthFirst.number())?;
        to.list(self.learned.rows_from(0), write_row)?;
        to.list(self.telling_ends.rows_from(0), write_row)?;
        write_statistics(&mut to, &self.statistics)?;
        write_endings(&mut to, &self.endings)?;
        to.number(self.is_cyclic.map_or(0, |is_cyclic| 1 + u64::from(is_cyclic)))?;
        to.list(self.level.iter().zip(self.expanded()), |to, (states, expanded)| {
            write_states(to, states, expanded)
        })?;
        to.list(self.next.iter(), |to, states| write_states(to, states, 0))?;
        write_visited(&mut to, Some(&self.visited).filter(|_| self.is_cyclic.is_none()))?;
        to.end()
    }
}

impl<'s, 'o, S: System> Breadth<'s, 'o, S> {
    /// A search that goes on from what was kept. It must have been kept with the same options, but for the limits and the
    /// number of threads.
    pub(crate) fn resume(
        machine: Machine<'s, S>,
        options: &'o Options,
        mut from: Reading<'_>,
    ) -> Result<Self, Refused> {
        let mut search = Breadth::new(machine, options)?;
        let width = search.numbering.width();
        let row = |from: &mut Reading<'_>| {
            (0..width.numbers).map(|_| from.half()).collect::<Result<Vec<Number>, _>>()
        };
        let learned: Vec<Vec<Number>> = from.list(row)?;
        let ends: Vec<Vec<Number>> = from.list(row)?;
        search.statistics = read_statistics(&mut from)?;
        search.endings = read_endings(&mut from)?;
        search.is_cyclic = match from.number()? {
            0 => None,
            known => Some(known > 1),
        };
        search.at = (0, 0);
        let states = |from: &mut Reading<'_>| {
            let mut states = States::new(width);
            for _ in 0..from.number()? {
                let print = from.print()?;
                states.enter_row(&row(from)?, print);
            }
            Ok(states)
        };
        search.level = from.list(states)?;
        search.next = from.list(states)?;
        search.visited = read_visited(&mut from, options.limits.memory)?;
        from.end()?;
        search.learn_again(&learned, &ends)?;
        let numbers = || search.level.iter().chain(&search.next).flat_map(|states| states.rows_from(0));
        if search.next.len() != PARTS || !numbers().all(|row| search.numbering.knows(row)) {
            return Err(Refused::Engine(damaged()));
        }
        Ok(search)
    }

    /// Learns what was learned, and looks at the ends that say something.
    fn learn_again(&mut self, learned: &[Vec<Number>], ends: &[Vec<Number>]) -> Result<(), Refused> {
        for row in learned {
            if !self.numbering.knows(row) {
                return Err(Refused::Engine(another()));
            }
            self.learn(row)?;
        }
        let endings = std::mem::take(&mut self.endings);
        for row in ends {
            if !self.numbering.knows(row) {
                return Err(Refused::Engine(another()));
            }
            self.numbering.put_together(&mut self.machine, row);
            let print = self.machine.fingerprint();
            self.look_at_end(row, print)?;
        }
        self.endings = endings;
        Ok(())
    }
}
