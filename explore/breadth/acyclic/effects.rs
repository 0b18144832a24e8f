//! Whether some effects can form a cycle, by what each does to one object or actor.
//!
//! On a cycle of states every object and every actor comes back to where it was. So an effect of a cycle lies, for each column that
//! it writes, on a cycle of that column's numbers; one that does not is left out, and others may fall with it. And all effects
//! of a cycle find a column in numbers that lie on cycles with each other: where there are several groups of these, they are
//! looked at one by one. A counter that only rises leaves out who moves it, then tells apart who has met which value; with it a
//! retry is no cycle that comes of nothing but a changed counter.
//!
//! Where effects are left over nothing is known: they need not come in a row.

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
        let groups: Vec<Groups> =
            (0..known.columns()).map(|column| groups_of(known, &effects, column)).collect();
        let before = effects.len();
        effects.retain(|effect| {
            known.moves(*effect).all(|(column, from, to)| {
                let groups = &groups[usize::from(column)];
                groups[usize::from(from)] == groups[usize::from(to)]
            })
        });
        if effects.len() == before {
            break groups;
        }
    };
    let group =
        |(column, number): (Column, Number)| groups[usize::from(column)].get(usize::from(number)).copied();
    let Some((column, found)) = most_divided(known, &effects, &group) else { return false };
    found.into_iter().all(|wanted| {
        let is_there = |effect: &EffectId| {
            let mut meets = known.meets(*effect).filter(|(met, _)| *met == column);
            meets.all(|met| group(met) == wanted)
        };
        no_cycle_of(known, effects.iter().copied().filter(is_there).collect(), left)
    })
}

/// The groups of the numbers of a column.
fn groups_of(known: &Known, effects: &[EffectId], column: usize) -> Groups {
    let mut edges: Vec<(Number, Number)> = Vec::new();
    let mut numbers = 0;
    for effect in effects {
        let moves = known.moves(*effect).filter(|(moved, ..)| usize::from(*moved) == column);
        edges.extend(moves.map(|(_, from, to)| (from, to)));
        let meets = known.meets(*effect).filter(|(met, _)| usize::from(*met) == column);
        numbers = meets.map(|(_, number)| usize::from(number) + 1).fold(numbers, usize::max);
    }
    edges.sort_unstable();
    edges.dedup();
    numbers = edges.iter().map(|(_, to)| usize::from(*to) + 1).fold(numbers, usize::max);
    let first =
        (0..=numbers).map(|number| edges.partition_point(|(from, _)| usize::from(*from) < number) as u32);
    let first: Vec<u32> = first.collect();
    let mut groups = vec![0; numbers];
    let found = components(&first, |edge| u32::from(edges[edge as usize].1));
    for (group, members) in (0..).zip(found) {
        for member in members {
            groups[member as usize] = group;
        }
    }
    groups
}

/// The column of which the effects meet numbers of the most groups, if of more than one; and the groups.
fn most_divided(
    known: &Known,
    effects: &[EffectId],
    group: &dyn Fn((Column, Number)) -> Option<u32>,
) -> Option<(Column, Vec<Option<u32>>)> {
    let mut met: Vec<Vec<Option<u32>>> = vec![Vec::new(); known.columns()];
    for at in effects.iter().flat_map(|effect| known.meets(*effect)) {
        met[usize::from(at.0)].push(group(at));
    }
    for groups in &mut met {
        groups.sort_unstable();
        groups.dedup();
    }
    let (column, groups) = met.into_iter().enumerate().max_by_key(|(_, groups)| groups.len())?;
    (groups.len() > 1).then_some((column as Column, groups))
}
