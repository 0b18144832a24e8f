//! What the reports of a synthesis have in common.

use std::collections::BTreeSet;

use stalemap_model::words::count::count;

use crate::scenario::Scenario;
use crate::synthesis::answer::{Answer, Loss, Need, Set};
use crate::synthesis::enough::enough;
use crate::synthesis::lattice::{BATCH, Candidate, Lattice};
use crate::synthesis::search::{Asks, Study};
use crate::synthesis::trial::{Standing, Subject};

/// How many names are written out of a list that may be long.
const NAMES: usize = 8;

/// The scenarios of an answer by what they ask for.
#[derive(Default)]
pub(super) struct Sorted<'a> {
    /// They ask for something, each with its minimal candidates.
    pub(super) asking: Vec<(&'a str, &'a [Candidate])>,
    /// They hold under the weakest candidate.
    pub(super) content: Vec<&'a str>,
    /// They break under every candidate.
    pub(super) lost_anyway: Vec<&'a str>,
    /// They break under the strongest and under the weakest, and what is in between is not decided.
    pub(super) both_ends: Vec<&'a str>,
    /// A limit was reached before a candidate was found that holds.
    pub(super) unknown: Vec<&'a str>,
}

impl<'a> Sorted<'a> {
    pub(super) fn of(answer: &'a Answer<'_>) -> Self {
        let mut sorted = Sorted::default();
        for (name, study) in studies(answer) {
            match &study.asks {
                Asks::OneOf(minimal) => sorted.asking.push((name, minimal)),
                Asks::Nothing => sorted.content.push(name),
                Asks::LostAnyway(_) => sorted.lost_anyway.push(name),
                Asks::BreaksAtBothEnds(_) => sorted.both_ends.push(name),
                Asks::Unknown => sorted.unknown.push(name),
            }
        }
        sorted
    }

    /// How many scenarios decide what is enough.
    pub(super) fn decide(&self) -> usize {
        self.asking.len() + self.content.len()
    }
}

/// The scenarios of an answer with what was found about them.
pub(super) fn studies<'a>(answer: &'a Answer<'_>) -> impl Iterator<Item = (&'a str, &'a Study)> {
    let names = answer.scope.subjects.iter().map(|subject| subject.scenario.name.as_str());
    names.zip(&answer.studies)
}

/// The name and the title of a scenario, by its place.
pub(super) fn scenario<'a>(answer: &'a Answer<'_>, place: usize) -> (&'a str, &'a str) {
    let subject = answer.scope.subjects.get(place);
    subject.map_or(("", ""), |subject| (subject.scenario.name.as_str(), subject.scenario.title.as_str()))
}

/// `xfs/t1, xfs/t2 and 3 more`.
pub(super) fn names(all: &[&str]) -> String {
    let shown = all[..all.len().min(NAMES)].join(", ");
    match all.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `write after-lock`.
pub(super) fn part(lattice: &Lattice, dimension: usize, value: usize) -> String {
    let of = lattice.dimensions.get(dimension);
    let key = of.map_or("", |of| of.key);
    format!("{key} {}", value_name(lattice, dimension, value))
}

pub(super) fn value_name(lattice: &Lattice, dimension: usize, value: usize) -> &'static str {
    let of = lattice.dimensions.get(dimension).and_then(|of| of.values.get(value));
    of.map_or("", |value| value.name)
}

/// `write after-lock + writeback range-data`; `nothing`.
pub(super) fn in_short(lattice: &Lattice, candidate: &Candidate) -> String {
    let parts: Vec<String> =
        candidate.present().map(|dimension| part(lattice, dimension, candidate.at(dimension))).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(" + ") }
}

/// A part of a candidate as a sentence: `a buffered write compares its mapping once it has locked the folio`.
pub(super) fn sentence(lattice: &Lattice, dimension: usize, value: usize) -> String {
    let Some(of) = lattice.dimensions.get(dimension) else { return String::new() };
    format!("{} {}", of.words, of.values.get(value).map_or("", |value| value.words))
}

/// `lost-write in 17 operations, 1 preemption`.
pub(super) fn loss(loss: &Loss) -> String {
    match loss.size {
        None => loss.property.to_string(),
        Some((operations, switches)) => format!(
            "{} in {}, {}",
            loss.property,
            count(u64::from(operations), "operation"),
            count(switches.into(), "preemption")
        ),
    }
}

/// What is known of a weaker value of which no counterexample is shown.
pub(super) fn not_shown(need: &Need) -> String {
    match need.open.len() {
        0 => "breaks nothing after all".to_owned(),
        open => format!("undecided, since a limit was reached in {}", count(open as u64, "scenario")),
    }
}

/// What a part of a set has instead: `write before-lock`, `no write`.
pub(super) fn instead(lattice: &Lattice, need: &Need) -> String {
    part(lattice, need.dimension, need.instead)
}

/// The dimensions that some scenario asks for.
pub(super) fn asked_for(sorted: &Sorted<'_>) -> Vec<usize> {
    let candidates = sorted.asking.iter().flat_map(|(_, minimal)| minimal.iter());
    candidates.flat_map(Candidate::present).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The dimensions that no scenario asks for, with how many scenarios look at them; and those that none looks at.
pub(super) fn needed_by_none(answer: &Answer<'_>, sorted: &Sorted<'_>) -> Vec<String> {
    let Some(lattice) = answer.lattice().filter(|_| sorted.decide() > 0) else { return Vec::new() };
    let asked = asked_for(sorted);
    let (mut in_vain, mut unseen) = (Vec::new(), Vec::new());
    for (place, dimension) in lattice.dimensions.iter().enumerate() {
        match answer.looked_at(place) {
            _ if asked.contains(&place) => {}
            None => in_vain.push(dimension.key.to_owned()),
            Some(0) => unseen.push(dimension.key.to_owned()),
            Some(scenarios) => in_vain.push(format!("{} (runs of {scenarios} come there)", dimension.key)),
        }
    }
    let said =
        |some: &[String], what: &str| (!some.is_empty()).then(|| format!("{what}: {}.", some.join(", ")));
    let both =
        [said(&in_vain, "Needed by no scenario"), said(&unseen, "Not put to the test, no run comes there")];
    both.into_iter().flatten().collect()
}

/// What stands for nothing in a cell.
pub(super) const NONE: &str = "-";

/// What a scenario asks of a dimension: the value of each of its minimal candidates, `-` for none.
pub(super) fn cell(lattice: &Lattice, minimal: &[Candidate], dimension: usize) -> String {
    let of = |candidate: &Candidate| match candidate.at(dimension) {
        0 => NONE,
        value => value_name(lattice, dimension, value),
    };
    let mut values: Vec<&str> = minimal.iter().map(of).collect();
    if values.iter().all(|value| Some(value) == values.first()) {
        values.truncate(1);
    }
    if values == [NONE] { String::new() } else { values.join(" or ") }
}

/// How many scenarios of a file system need something.
pub(super) fn head(answer: &Answer<'_>, sorted: &Sorted<'_>) -> String {
    format!(
        "{} of {} {} something",
        sorted.asking.len(),
        count(sorted.decide() as u64, "scenario"),
        if sorted.asking.len() == 1 { "needs" } else { "need" }
    ) + &format!(" on {}, {}", answer.scope.fs, under(answer))
}

/// What all else is as in.
fn under(answer: &Answer<'_>) -> String {
    let base = answer.scope.subjects.first().map(|subject| &subject.base);
    let batches = if base.is_some_and(|base| u64::from(base.design.writeback_batch.get()) != BATCH) {
        ", but for batches of one folio in writeback"
    } else {
        ""
    };
    format!("all else as in {}{batches}", answer.scope.base)
}

/// The scenarios that decide: `the one scenario`, `all 248 scenarios`.
pub(super) fn all_scenarios(sorted: &Sorted<'_>) -> String {
    match sorted.decide() {
        1 => "the one scenario".to_owned(),
        all => format!("all {}", count(all as u64, "scenario")),
    }
}

/// What the exploration of a set in all scenarios came to.
pub(super) fn confirmed(answer: &Answer<'_>, sorted: &Sorted<'_>, set: &Set) -> String {
    if set.not_confirmed.is_empty() {
        return format!("Explored in {}: holds.", all_scenarios(sorted));
    }
    let (broken, open): (Vec<_>, Vec<_>) =
        set.not_confirmed.iter().partition(|(_, standing)| standing.breaks());
    let of = |some: &[&(usize, _)]| -> Vec<&str> {
        some.iter().map(|(place, _)| scenario(answer, *place).0).collect()
    };
    let mut said = Vec::new();
    if !broken.is_empty() {
        said.push(format!("Not enough after all: {} breaks.", names(&of(&broken))));
    }
    if !open.is_empty() {
        said.push(format!("Undecided, since a limit was reached: {}.", names(&of(&open))));
    }
    said.join(" ")
}

/// Where candidates need a counter that the file system does not have.
pub(super) fn counter(answer: &Answer<'_>) -> Option<String> {
    let base = &answer.scope.subjects.first()?.base;
    (!base.fs.counter).then(|| {
        format!(
            "{} counts no changes of its extent maps; whatever compares anything here has a counter added.",
            answer.scope.fs
        )
    })
}

/// What there is to say of scenarios that do not count, of what is undecided, and of what a stronger check breaks.
pub(super) fn left_out<'a>(answer: &'a Answer<'_>, sorted: &Sorted<'a>) -> Vec<String> {
    let mut said = Vec::new();
    let mut say = |some: &[&str], what: &str| {
        if !some.is_empty() {
            said.push(format!("{what} ({}): {}.", some.len(), names(some)));
        }
    };
    say(&sorted.lost_anyway, "Not counted, broken with every candidate");
    say(
        &sorted.both_ends,
        "Undecided in between, broken with nothing, with each value alone, and with all of it",
    );
    let limits = limits(answer);
    say(
        &sorted.unknown,
        &format!("Undecided, since a limit was reached before a set was found that keeps it{limits}"),
    );
    let undecided: Vec<&str> = studies(answer)
        .filter(|(_, study)| !study.undecided.is_empty() && !matches!(study.asks, Asks::Unknown))
        .map(|(name, _)| name)
        .collect();
    say(&undecided, &format!("Undecided for some candidates, since a limit was reached{limits}"));
    let of = |some: &[&'a Scenario]| -> Vec<&'a str> {
        some.iter().map(|scenario| scenario.name.as_str()).collect()
    };
    say(&of(&answer.scope.others), "Not counted, since the file changes the file system");
    say(&of(&answer.scope.refused), "Not counted, cannot run there");
    let directed = answer.scope.subjects.iter().filter(|subject| subject.is_directed());
    say(&directed.map(|subject| subject.scenario.name.as_str()).collect::<Vec<_>>(), DIRECTED);
    said.extend(not_monotone(answer));
    said
}

/// What is to be said of a scenario with a `[[hold]]`.
const DIRECTED: &str =
    "Directed by a [[hold]], so that only few runs are explored: a need is shown, that it is enough is not";

/// If no set is enough for all: which scenarios have none in common, what each needs, and what it breaks with of what the others need.
pub(super) fn no_set(answer: &Answer<'_>) -> Option<String> {
    let lattice = answer.lattice().filter(|_| !answer.conflict.is_empty())?;
    let study = |place: &usize| answer.studies.get(*place);
    let said = answer.conflict.iter().filter_map(|place| {
        let needs = match &study(place)?.asks {
            Asks::OneOf(minimal) => {
                minimal.iter().map(|one| in_short(lattice, one)).collect::<Vec<_>>().join(", or ")
            }
            _ => "nothing".to_owned(),
        };
        let others: Vec<&Study> =
            answer.conflict.iter().filter(|other| *other != place).filter_map(study).collect();
        let of_others = enough(lattice, &others);
        let harm = of_others.iter().find(|one| {
            let standing = study(place).and_then(|study| study.standing(lattice, one));
            !one.is_bottom() && standing.is_some_and(Standing::breaks)
        });
        let harm =
            harm.map_or_else(String::new, |one| format!(" and breaks with {}", in_short(lattice, one)));
        Some(format!("{} needs {needs}{harm}", scenario(answer, *place).0))
    });
    let said = said.collect::<Vec<_>>().join("; ");
    let all_known = answer.conflict.iter().filter_map(study).all(Study::all_known);
    let none = if all_known { "No set is enough for all" } else { "No set is known to be enough for all" };
    Some(format!("{none}: {said}."))
}

/// What there is to say of an answer about one scenario, if it is not what one expects.
pub(super) fn of_one(answer: &Answer<'_>) -> Vec<String> {
    let sorted = Sorted::of(answer);
    let doubtful = answer.sets.iter().filter(|set| !set.not_confirmed.is_empty());
    let mut said: Vec<String> = doubtful.map(|set| confirmed(answer, &sorted, set)).collect();
    let undecided: usize = answer.studies.iter().map(|study| study.undecided.len()).sum();
    if undecided > 0 {
        let limits = limits(answer);
        said.push(format!("{} left undecided by a limit{limits}.", count(undecided as u64, "candidate")));
    }
    if answer.scope.subjects.iter().any(Subject::is_directed) {
        said.push(format!("{DIRECTED}."));
    }
    said.extend(not_monotone(answer));
    said
}

/// The limits that left something open: `, retries`.
fn limits(answer: &Answer<'_>) -> String {
    let hit: BTreeSet<_> = answer.studies.iter().flat_map(|study| study.limits_hit.iter()).collect();
    let names: Vec<&str> = hit.into_iter().map(|limit| limit.name()).collect();
    if names.is_empty() { String::new() } else { format!(", {}", names.join(", ")) }
}

/// Where something stronger breaks what something weaker keeps, with a pair.
fn not_monotone(answer: &Answer<'_>) -> Vec<String> {
    let Some(lattice) = answer.lattice() else { return Vec::new() };
    let broken = studies(answer).filter_map(|(name, study)| {
        let (weaker, stronger) = study.not_monotone.first()?;
        let then = match (study.is_exact, &study.asks) {
            (true, _) => "so that nothing was concluded there from what is weaker or stronger",
            (false, Asks::Nothing) => {
                "and there are too many candidates to explore each: others may break it, too"
            }
            (false, _) => "and there are too many candidates to explore each: other minimal sets may exist",
        };
        Some(format!(
            "{name} holds with {} and breaks with {}, {then}.",
            in_short(lattice, weaker),
            in_short(lattice, stronger)
        ))
    });
    broken.collect()
}

/// How candidates were decided.
pub(super) fn numbers(answer: &Answer<'_>) -> String {
    let counts = answer.counts;
    let size = answer.lattice().map_or(0, Lattice::size);
    format!(
        "{} for each scenario. {} {} tried: {} explored ({}), {} rejected by a run of another, {} with the same runs as one that was \
         explored, {} decided by what is weaker or stronger; the rest follows. {} to confirm the sets and what breaks with less \
         ({}).",
        count(size, "candidate"),
        counts.tried,
        if counts.tried == 1 { "was" } else { "were" },
        counts.explored,
        count(counts.states, "state"),
        counts.replayed,
        counts.same_runs,
        counts.follows,
        count(answer.confirmed.0, "exploration"),
        count(answer.confirmed.1, "state")
    )
}
