//! Ways to what a search in numbers has found violated.
//!
//! The search keeps no ways: they would take as much memory again. Where one is wanted, it is searched for once more, up to the
//! first state of each kind, with the state before and the transition kept for each.

use std::collections::BTreeMap;

use stalemap_facade::{Property, System};

use super::Breadth;
use super::effect::EffectId;
use super::known::Known;
use super::numbering::Refused;
use super::states::{Free, States, Width};
use crate::exploration::Progress;
use crate::schedule::Choice;
use crate::visited::VisitedSet;
use crate::weight::live;

/// How a state was come to: from the state with this number, by this effect; the first one by none.
type Link = (u32, Option<EffectId>);

pub(super) const BYTES_OF_LINK: u64 = size_of::<Link>() as u64;

/// A search for ways.
struct Ways {
    visited: VisitedSet,
    /// By number of a state.
    links: Vec<Link>,
    level: States,
    /// The number of the first state of the level.
    first: usize,
    next: States,
    free: Free,
}

impl<S: System> Breadth<'_, '_, S> {
    /// A way to each property that is wanted and violated. It takes no more memory than [`Breadth::bytes`] has counted.
    pub(super) fn ways(
        &mut self,
        mut wanted: u64,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<BTreeMap<Property, Vec<Choice>>, Refused> {
        let mut ways = BTreeMap::new();
        if wanted == 0 {
            return Ok(ways);
        }
        self.visited = VisitedSet::new();
        (self.level, self.next) = (Vec::new(), Vec::new());
        self.free = Free::new(self.numbering.width());
        let width = Width { movers: 0, ..self.numbering.width() };
        let mut search = Ways {
            visited: VisitedSet::new(),
            links: vec![(0, None)],
            level: States::new(width),
            first: 0,
            next: States::new(width),
            free: Free::new(width),
        };
        search.visited.enter(self.start.1, 0);
        search.level.enter_row(&self.start.0, self.start.1);
        let (mut effects, mut firsts) = (Vec::new(), vec![None; self.numbering.known.movers()]);
        while wanted != 0 && search.level.len() > 0 {
            for state in 0..search.level.len() {
                if state.is_multiple_of(super::STATES_OF_BATCH) {
                    progress(&Progress { bytes: search.bytes(), ..self.progress() });
                }
                let print = search.level.print(state);
                let here = self.numbering.known.violated_in(search.level.row(state))
                    | self
                        .violating_ends
                        .iter()
                        .filter(|(_, end)| **end == print)
                        .fold(0, |all, (property, _)| all | property.bit());
                self.note(&mut ways, &mut wanted, here, &search, state, None)?;
                firsts.fill(None);
                let row = search.level.row(state);
                if self.numbering.known.effects_from(row, &mut firsts, &mut effects).is_err() {
                    // The first search was stopped before it came here.
                    continue;
                }
                for effect in &effects {
                    let found = self.numbering.known.finds(*effect);
                    if found.cut.is_some() {
                        let violated = found.violated;
                        self.note(&mut ways, &mut wanted, violated, &search, state, Some(*effect))?;
                    } else {
                        search.go(&self.numbering.known, state, *effect);
                    }
                }
            }
            search.next_level();
        }
        Ok(ways)
    }

    /// Keeps the way to a state of the level, and on by an effect, for the properties of it that are wanted.
    fn note(
        &mut self,
        ways: &mut BTreeMap<Property, Vec<Choice>>,
        wanted: &mut u64,
        violated: u64,
        search: &Ways,
        state: usize,
        last: Option<EffectId>,
    ) -> Result<(), Refused> {
        let new = violated & *wanted;
        if new == 0 {
            return Ok(());
        }
        *wanted &= !new;
        let mut effects: Vec<EffectId> = last.into_iter().collect();
        let mut number = search.first + state;
        while number != 0 {
            let (before, effect) = search.links[number];
            effects.extend(effect);
            number = before as usize;
        }
        self.numbering.put_together(&mut self.machine, &self.start.0);
        let mut way = Vec::new();
        for effect in effects.iter().rev() {
            let (actor, outcome) = self.numbering.known.transition(*effect);
            way.push(Choice::of(self.machine.pending(actor), actor, outcome));
            self.machine.fire(actor, outcome)?;
            self.machine.memory().take_cut();
        }
        for property in self.machine.memory().properties(new) {
            ways.insert(property, way.clone());
        }
        Ok(())
    }
}

impl Ways {
    /// Enters the state that an effect leads to from a state of the level.
    fn go(&mut self, known: &Known, state: usize, effect: EffectId) {
        let row = self.level.row(state);
        let print = known.print_after(row, self.level.print(state), effect);
        if self.visited.find(print).is_none() {
            self.visited.enter(print, 0);
            self.links.push(((self.first + state) as u32, Some(effect)));
            known.apply(effect, self.next.enter(row, print, std::iter::empty()));
        }
    }

    fn next_level(&mut self) {
        self.first += self.level.len();
        std::mem::swap(&mut self.level, &mut self.next);
        self.next.clear(&mut self.free);
    }

    fn bytes(&self) -> u64 {
        let links = self.links.capacity() * size_of::<Link>() * 2;
        self.visited.bytes() * 2
            + self.level.bytes()
            + self.next.bytes()
            + self.free.bytes()
            + links as u64
            + live()
    }
}
