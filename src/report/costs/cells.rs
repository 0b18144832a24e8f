//! The cells of tables of costs, and which designs share a column.

use stalemap_explore::Mean;

use crate::costs::quantity::{self, Counted};
use crate::costs::{Cost, Costs, OfOneCall, Retries};

/// How the mean is weighted, in words.
pub(super) const WEIGHT: &str = "the mean over final states: each counts once, and in it each run that ends there as much as \
                          the others";

/// What is said of a scenario under several designs that cost the same.
pub(super) struct Column<'c> {
    pub(super) designs: Vec<&'c str>,
    pub(super) costs: &'c Costs,
}

/// The designs of one scenario, those together that cost the same.
pub(super) fn columns<'c>(counted: &[&'c Costs]) -> Vec<Column<'c>> {
    let mut columns: Vec<Column<'c>> = Vec::new();
    for costs in counted {
        let same = |column: &&mut Column<'c>| {
            let other = column.costs;
            other.counts == costs.counts
                && other.of_one_call == costs.of_one_call
                && in_words(&other.retries) == in_words(&costs.retries)
                && other.limits_hit == costs.limits_hit
                && other.halted == costs.halted
        };
        match columns.iter_mut().find(same) {
            Some(column) => column.designs.push(&costs.design),
            None => columns.push(Column { designs: vec![&costs.design], costs }),
        }
    }
    columns
}

/// The scenarios in their order, each with what it was counted under.
pub(super) fn by_scenario(counted: &[Costs]) -> Vec<Vec<&Costs>> {
    let mut groups: Vec<Vec<&Costs>> = Vec::new();
    for costs in counted {
        match groups.iter_mut().find(|group| group[0].scenario == costs.scenario) {
            Some(group) => group.push(costs),
            None => groups.push(vec![costs]),
        }
    }
    groups
}

/// The counts that are not zero everywhere, and not the same as the one before in the list that they are a part of.
pub(super) fn rows(columns: &[Column<'_>]) -> Vec<&'static Counted> {
    let any = |counted: &&Counted| columns.iter().any(|column| column.costs.of(counted).is_some());
    quantity::ALL.iter().filter(any).collect()
}

/// The most, in words. Where a limit cut runs, it is at least that.
pub(super) fn most(most: Option<i64>, costs: &Costs) -> String {
    match most {
        None => "no end".to_owned(),
        Some(most) if costs.limits_hit.is_empty() => most.to_string(),
        Some(most) => format!(">={most}"),
    }
}

/// The most and the mean.
pub(super) fn cell(cost: Option<&Cost>, costs: &Costs) -> String {
    match cost {
        _ if costs.halted => "-".to_owned(),
        None => "0".to_owned(),
        Some(Cost { most: greatest, mean: Some(Mean { of_states, .. }), .. }) => {
            format!("{} {of_states:.2}", most(*greatest, costs))
        }
        Some(Cost { most: greatest, mean: None, .. }) => format!("{} -", most(*greatest, costs)),
    }
}

/// What `-` means in cells, as far as it occurs.
pub(super) fn signs(counted: &[Costs]) -> Vec<&'static str> {
    let has_no_mean = |costs: &Costs| {
        let mut each = quantity::ALL.iter().filter_map(|counted| costs.of(counted));
        !costs.halted && each.any(|cost| cost.mean.is_none())
    };
    let halted = counted.iter().any(|costs| costs.halted);
    let meanings = [
        counted.iter().any(has_no_mean).then_some("no mean, where a limit cut runs, or some have no end"),
        halted.then_some("nothing was counted, where the setup does not come to its end"),
    ];
    meanings.into_iter().flatten().collect()
}

/// The most of one call: all, and the needless ones.
pub(super) fn of_one_call(costs: &Costs) -> String {
    let OfOneCall { stale_aborts, spurious_aborts } = costs.of_one_call;
    format!("{}, {}", most(stale_aborts, costs), most(spurious_aborts, costs))
}

/// What is known of retries.
pub(super) fn in_words(retries: &Retries) -> String {
    match retries {
        Retries::NoCheck => "no check".to_owned(),
        Retries::NeverStale => "none".to_owned(),
        Retries::Bounded => "proved".to_owned(),
        Retries::BoundedSoFar => "so far".to_owned(),
        Retries::Exceeded { by, .. } => format!("refuted +{by}"),
        Retries::Endless { .. } => "endless".to_owned(),
    }
}

/// The heads of the two rows about single calls, and what they mean.
pub(super) const OF_ONE_CALL: &str = "stale, spurious of one call";
pub(super) const OF_ONE_CALL_MEANS: &str = "the most mappings that one call of a buffered write gives up in any run, and the most of \
                                            these where a fresh mapping says the same for what is left";
pub(super) const RETRIES: &str = "stale of one call <= changes";
pub(super) const RETRIES_MEANS: &str = "whether no call of a buffered write gives up more mappings than others move the change \
                                        counters of its file after it got its first";

/// The answers that occur to that, each with what it means, without a number that it ends with.
pub(super) fn answers(counted: &[Costs]) -> Vec<(&'static str, &'static str)> {
    let mut answers: Vec<(&str, &str)> = counted.iter().map(|costs| answer(&costs.retries)).collect();
    answers.sort_unstable();
    answers.dedup();
    answers
}

fn answer(retries: &Retries) -> (&'static str, &'static str) {
    match retries {
        Retries::NoCheck => ("no check", "the design never asks whether a mapping is stale"),
        Retries::NeverStale => ("none", "no mapping is given up in any run"),
        Retries::Bounded => ("proved", "so it is in every run"),
        Retries::BoundedSoFar => {
            ("so far", "so it is in every run that was counted before a limit was reached")
        }
        Retries::Exceeded { .. } => ("refuted +N", "some call gives up N more"),
        Retries::Endless { .. } => ("endless", "some call gives up mappings for ever"),
    }
}
