//! A row of designs or kernels, each one change further than the one before: at which of them a verdict changes.

use stalemap_facade::Property;
use stalemap_model::words::implementation::Implementation;

use crate::comparison::SERIES;
use crate::comparison::class::{Class, violations};
use crate::run::Outcome;
use crate::scenario::Scenario;
use crate::scenario::implementations::Kind;

/// What the name of a stable branch ends with.
const STABLE: &str = ".y";

/// The built-in names of a row `A..B`, both included: patches of the series, or releases. A stable branch is no step between two
/// releases, since what it has was taken from later ones: it can only stand beside the release that it is a branch of.
pub fn row(text: &str) -> Result<Vec<&'static str>, String> {
    let example = "for example `series-00..series-10` or `linux-6.1..linux-7.3`";
    let Some((first, last)) = text.split_once("..") else {
        return Err(format!("`{text}` is no row: write the first and the last, {example}"));
    };
    let (designs, kernels) = (Kind::Design.built_in(), Kind::Kernel.built_in());
    let known = |name: &&str| designs.contains(name) || kernels.contains(name);
    if let Some(unknown) = [first, last].iter().find(|name| !known(name)) {
        return Err(format!("there is no design or kernel `{unknown}`; {example}"));
    }
    let is_branch = |name: &str| name.ends_with(STABLE);
    let branch = kernels.iter().position(|name| is_branch(last) && *name == last);
    if let Some(branch) = branch.filter(|_| last.strip_suffix(STABLE) == Some(first)) {
        return Ok(kernels
            .iter()
            .copied()
            .filter(|name| *name == first || *name == kernels[branch])
            .collect());
    }
    if let Some(branch) = [first, last].into_iter().find(|name| is_branch(name)) {
        let release = branch.trim_end_matches(STABLE);
        return Err(format!(
            "{branch} is a stable branch, with what was taken from later releases: it is compared with its own, \
             `{release}..{branch}`, or with any other by `--between`"
        ));
    }
    let series = |name: &&str| name.starts_with(SERIES);
    let rows = [designs.into_iter().filter(series).collect::<Vec<_>>(), kernels];
    for row in rows {
        let row: Vec<&str> = row.into_iter().filter(|name| !is_branch(name)).collect();
        let place = |name: &str| row.iter().position(|known| *known == name);
        match (place(first), place(last)) {
            (Some(from), Some(to)) if from < to => return Ok(row[from..=to].to_vec()),
            (Some(_), Some(_)) => return Err(format!("{first} does not come before {last}")),
            _ => {}
        }
    }
    Err(format!(
        "{first} and {last} are not of one row: a row is of patches of the series, or of releases; {example}"
    ))
}

/// Neighbours in a row that are the same in every field.
pub type Step = (Vec<String>, Implementation);

/// The row on the file system of a scenario, neighbours that are the same in every field together. `None`: it cannot run under all.
pub fn steps(scenario: &Scenario, names: &[&str]) -> Option<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    for name in names {
        let implementation = scenario.implementation(name)?;
        if scenario.refused_by(&implementation).is_some() {
            return None;
        }
        match steps.last_mut() {
            Some((same, last)) if last.differences(&implementation).next().is_none() => {
                same.push((*name).to_owned());
            }
            _ => steps.push((vec![(*name).to_owned()], implementation)),
        }
    }
    Some(steps)
}

/// A scenario along a row.
pub struct Course<'s> {
    /// The scenario.
    pub scenario: &'s Scenario,
    /// The names that are the same in every field, and what they came to.
    pub parts: Vec<(Vec<String>, Outcome)>,
}

/// What a change in a row does to a verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Does {
    /// It held, and is broken now.
    Breaks,
    /// It was broken, and holds now.
    Repairs,
    /// It is broken before and after, in other properties: those that it ends, and those that it adds.
    Changes {
        /// Violated before alone.
        ended: Vec<Property>,
        /// Violated after alone.
        added: Vec<Property>,
    },
    /// A limit was reached on one side.
    Unknown,
}

/// A place in a row at which a verdict changes.
#[derive(Clone, Debug)]
pub struct Change<'c> {
    /// The first name after it.
    pub at: &'c str,
    /// What it does.
    pub does: Does,
    /// What comes of it.
    pub outcome: &'c Outcome,
}

impl Course<'_> {
    /// Where the verdict changes, in the order of the row.
    pub fn changes(&self) -> Vec<Change<'_>> {
        let mut changes = Vec::new();
        for pair in self.parts.windows(2) {
            let [(_, before), (names, after)] = pair else { continue };
            if let (Some(does), Some(at)) = (does(before, after), names.first()) {
                changes.push(Change { at, does, outcome: after });
            }
        }
        changes
    }

    /// Whether it is broken all along, and nothing changes that.
    pub fn is_broken(&self) -> bool {
        self.parts.first().is_some_and(|(_, outcome)| Class::of(outcome).is_broken())
    }

    /// Whether it is known of each whether it holds.
    pub fn is_decided(&self) -> bool {
        self.parts.iter().all(|(_, outcome)| Class::of(outcome) != Class::Undecided)
    }
}

fn does(before: &Outcome, after: &Outcome) -> Option<Does> {
    if Class::of(before) == Class::Undecided || Class::of(after) == Class::Undecided {
        return (Class::of(before) != Class::of(after)).then_some(Does::Unknown);
    }
    match (Class::of(before).is_broken(), Class::of(after).is_broken()) {
        (false, false) => None,
        (false, true) => Some(Does::Breaks),
        (true, false) => Some(Does::Repairs),
        (true, true) => {
            let alone = |one: &Outcome, other: &Outcome| -> Vec<Property> {
                violations(one).filter(|property| !other.violated.contains(property)).collect()
            };
            let (ended, added) = (alone(before, after), alone(after, before));
            let same = ended.is_empty() && added.is_empty();
            (!same).then_some(Does::Changes { ended, added })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_both_ends() {
        assert_eq!(row("series-01..series-03"), Ok(vec!["series-01", "series-02", "series-03"]));
        for (wrong, says) in [
            ("series-01", "is no row"),
            ("series-03..series-01", "does not come before"),
            ("series-01..linux-6.2", "not of one row"),
            ("series-01..series-11", "there is no design or kernel `series-11`"),
            ("none..series-01", "not of one row"),
            ("linux-6.1.y..linux-6.2", "`linux-6.1..linux-6.1.y`"),
        ] {
            let problem = row(wrong).expect_err(wrong);
            assert!(problem.contains(says), "{problem}");
        }
    }

    #[test]
    fn a_stable_branch_is_no_step_between_releases() {
        assert_eq!(row("linux-6.1..linux-6.6"), Ok(vec!["linux-6.1", "linux-6.2", "linux-6.6"]));
        assert_eq!(row("linux-6.1..linux-6.1.y"), Ok(vec!["linux-6.1", "linux-6.1.y"]));
    }
}
