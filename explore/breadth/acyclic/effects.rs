//! Whether some effects can form a cycle, by what each does to one object or actor.
//!
//! On a cycle of states every object and every actor comes back to where it was. So an effect of a cycle lies, for each column that
//! it writes, on a cycle of that column's numbers; one that does not is left out, and others may fall with it. And all effects
//! of a cycle find a column in numbers that lie on cycles with each other: where there are several groups of these, they are
//! looked at one by one. A counter that only rises leaves out who moves it, then tells apart who has met which value; with it a
//! retry is no cycle that comes of nothing but a changed counter.
//!
//! Where effects are left over nothing is known: they need not come in a row.

use std::collections::BTreeMap;

use crate::breadth::effect::{Column, EffectId, Number};
use crate::breadth::known::Known;
use crate::components::components;

/// Effects that may be looked at in all.
const MOST_LOOKED_AT: usize = 1 << 22;

/// Numbers of a column that lie on cycles with each other have the same group.
type Groups = Vec<u32>;

/// Whether certainly no cycle consists of these effects.
pub(super) fn form_no_cycle(known: &Known) -> bool {
    let all: Vec<EffectId> = known.all().collect();
    let mut left = MOST_LOOKED_AT;
    no_cycle_of(known, all, &mut left)
}

fn no_cycle_of(known: &Known, mut effects: Vec<EffectId>, left: &mut usize) -> bool {
    let groups = loop {
        if effects.is_empty() {
            return true;
        }
        if *left < effects.len() {
            return false;
        }
        *left -= effects.len();
        let groups: BTreeMap<Column, Groups> =
            met_by(known, &effects).into_iter().map(|(column, met)| (column, met.groups())).collect();
        let group = |column: Column, number: Number| groups[&column][usize::from(number)];
        let before = effects.len();
        effects.retain(|effect| {
            known.moves(*effect).all(|(column, from, to)| group(column, from) == group(column, to))
        });
        if effects.len() == before {
            break groups;
        }
    };
    let group = |(column, number): (Column, Number)| groups.get(&column)?.get(usize::from(number)).copied();
    let Some((column, found)) = most_divided(known, &effects, &group) else { return false };
    found.into_iter().all(|wanted| {
        let is_there = |effect: &EffectId| {
            let mut meets = known.meets(*effect).filter(|(met, _)| *met == column);
            meets.all(|met| group(met) == wanted)
        };
        no_cycle_of(known, effects.iter().copied().filter(is_there).collect(), left)
    })
}

/// What some effects find in a column, and what they make of it.
#[derive(Default)]
struct Met {
    edges: Vec<(Number, Number)>,
    /// All numbers are less than this.
    numbers: usize,
}

impl Met {
    fn meet(&mut self, number: Number) {
        self.numbers = self.numbers.max(usize::from(number) + 1);
    }

    /// The groups of the numbers.
    fn groups(mut self) -> Groups {
        self.edges.sort_unstable();
        self.edges.dedup();
        let first = (0..=self.numbers)
            .map(|number| self.edges.partition_point(|(from, _)| usize::from(*from) < number) as u32);
        let first: Vec<u32> = first.collect();
        let mut groups = vec![0; self.numbers];
        let found = components(&first, |edge| u32::from(self.edges[edge as usize].1));
        for (group, members) in (0..).zip(found) {
            for member in members {
                groups[member as usize] = group;
            }
        }
        groups
    }
}

/// By column, what the effects meet. Most columns of a large system have nothing to do with most effects.
fn met_by(known: &Known, effects: &[EffectId]) -> BTreeMap<Column, Met> {
    let mut columns: BTreeMap<Column, Met> = BTreeMap::new();
    for effect in effects {
        for (column, number) in known.meets(*effect) {
            columns.entry(column).or_default().meet(number);
        }
        for (column, from, to) in known.moves(*effect) {
            let met = columns.entry(column).or_default();
            met.meet(to);
            met.edges.push((from, to));
        }
    }
    columns
}

/// The column of which the effects meet numbers of the most groups, if of more than one; and the groups.
fn most_divided(
    known: &Known,
    effects: &[EffectId],
    group: &dyn Fn((Column, Number)) -> Option<u32>,
) -> Option<(Column, Vec<Option<u32>>)> {
    let mut met: BTreeMap<Column, Vec<Option<u32>>> = BTreeMap::new();
    for at in effects.iter().flat_map(|effect| known.meets(*effect)) {
        met.entry(at.0).or_default().push(group(at));
    }
    for groups in met.values_mut() {
        groups.sort_unstable();
        groups.dedup();
    }
    met.into_iter().max_by_key(|(_, groups)| groups.len()).filter(|(_, groups)| groups.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breadth::known::{Learned, Waiting};

    /// The column of an actor behind as many objects as there may be.
    const ACTOR: Column = Column::MAX - 1;

    /// An actor that goes through so many standings, and from the last one to that.
    fn walk(standings: Number, last: Number) -> Known {
        let mut known = Known::new(&[ACTOR], usize::from(Column::MAX));
        assert!(known.add_violated(0, 0).is_some());
        let mut state = vec![0; usize::from(Column::MAX) + 1];
        for standing in 0..standings {
            known.add_standing(0, Waiting::Nothing);
            state[usize::from(ACTOR)] = standing;
            let beginning = known.first(0, &state);
            let to = if standing + 1 == standings { last } else { standing + 1 };
            let learned = Learned {
                touched: &[],
                writes: &[(ACTOR, to)],
                delta: 1,
                violated: 0,
                cut: None,
                actor: 0,
                next: None,
            };
            assert!(known.add_effect(0, beginning, &state, &learned).is_some());
        }
        known
    }

    /// What columns that nothing happens in cost, too, would take minutes.
    #[test]
    fn columns_that_nothing_happens_in_cost_nothing() {
        assert!(form_no_cycle(&walk(60_000, 60_000)));
        assert!(!form_no_cycle(&walk(60_000, 59_000)));
    }
}
