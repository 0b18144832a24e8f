//! A table of outcomes: a row for each scenario, a column for each design or kernel, and cells that are empty where
//! nothing was run.

use std::collections::BTreeMap;

use super::class::{Class, violations};
use crate::run::Outcome;
use crate::scenario::Scenario;

/// A table of outcomes.
#[derive(Default)]
pub struct Matrix<'o> {
    /// The names of the columns, in the order of their history. Each has a cell in some row.
    pub columns: Vec<String>,
    /// A row for each scenario that has a cell.
    pub rows: Vec<Row<'o>>,
}

/// The outcomes of a scenario.
#[derive(Clone)]
pub struct Row<'o> {
    /// The scenario.
    pub scenario: &'o Scenario,
    /// A cell for each column; `None` where it was not run.
    pub cells: Vec<Option<&'o Outcome>>,
}

/// How the cells of a row compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Likeness {
    /// There is only one.
    Alone,
    /// All come to the same, and violate the same.
    Alike,
    /// All are broken, and not in the same properties.
    BrokenOtherwise,
    /// Some come to something else than others.
    Differ,
}

/// Rows in which the same columns come to the same.
pub struct Group<'m, 'o> {
    /// What each column comes to.
    pub classes: Vec<Option<Class>>,
    /// How the cells of each row compare.
    pub likeness: Likeness,
    /// The rows, in the order of the scenarios.
    pub rows: Vec<&'m Row<'o>>,
}

impl<'o> Row<'o> {
    /// The cells that there are.
    pub fn outcomes(&self) -> impl Iterator<Item = &'o Outcome> {
        self.cells.iter().copied().flatten()
    }

    /// Whether no cell is empty.
    pub fn is_full(&self) -> bool {
        self.cells.iter().all(Option::is_some)
    }

    /// How its cells compare.
    pub fn likeness(&self) -> Likeness {
        let mut outcomes = self.outcomes();
        let Some(first) = outcomes.next() else { return Likeness::Alone };
        let others: Vec<&Outcome> = outcomes.collect();
        if others.is_empty() {
            Likeness::Alone
        } else if others.iter().any(|other| Class::of(other) != Class::of(first)) {
            Likeness::Differ
        } else if others.iter().any(|other| !violations(other).eq(violations(first))) {
            Likeness::BrokenOtherwise
        } else {
            Likeness::Alike
        }
    }
}

impl<'o> Matrix<'o> {
    /// The table of outcomes that have one of these names.
    pub fn new<'n>(
        scenarios: &[&'o Scenario],
        outcomes: &'o [Outcome],
        columns: impl Iterator<Item = &'n str>,
    ) -> Self {
        let by: BTreeMap<(&str, &str), &'o Outcome> = outcomes
            .iter()
            .map(|outcome| ((outcome.scenario.as_str(), outcome.design.as_str()), outcome))
            .collect();
        let any = |name: &&str| outcomes.iter().any(|outcome| outcome.design == *name);
        let columns: Vec<String> = columns.filter(any).map(str::to_owned).collect();
        let row = |scenario: &&'o Scenario| {
            let cells = columns.iter().map(|name| by.get(&(scenario.name.as_str(), name.as_str())).copied());
            Row { scenario, cells: cells.collect() }
        };
        let mut rows: Vec<Row<'o>> = scenarios.iter().map(row).collect();
        rows.retain(|row| row.outcomes().next().is_some());
        Matrix { columns, rows }
    }

    /// The rows by what their columns come to: first the groups of rows that differ, the rarest first, then the others.
    pub fn groups(&self) -> Vec<Group<'_, 'o>> {
        let mut groups: Vec<Group<'_, 'o>> = Vec::new();
        for row in &self.rows {
            let classes: Vec<_> = row.cells.iter().map(|cell| cell.map(Class::of)).collect();
            let likeness = row.likeness();
            match groups.iter_mut().find(|group| group.likeness == likeness && group.classes == classes) {
                Some(group) => group.rows.push(row),
                None => groups.push(Group { classes, likeness, rows: vec![row] }),
            }
        }
        groups.sort_by_key(|group| if group.differs() { (0, group.rows.len()) } else { (1, 0) });
        groups
    }
}

impl Group<'_, '_> {
    /// Whether its rows have cells that differ.
    pub fn differs(&self) -> bool {
        matches!(self.likeness, Likeness::Differ | Likeness::BrokenOtherwise)
    }

    /// The columns by what they come to, the first column's first.
    pub fn by_class<'c>(&self, columns: &'c [String]) -> Vec<(Class, Vec<&'c str>)> {
        let mut by: Vec<(Class, Vec<&str>)> = Vec::new();
        for (column, class) in columns.iter().zip(&self.classes) {
            let Some(class) = class else { continue };
            match by.iter_mut().find(|(known, _)| known == class) {
                Some((_, names)) => names.push(column),
                None => by.push((*class, vec![column])),
            }
        }
        by
    }
}
