//! Which run something is a part of: the program, what it was asked, and the list of pairs.

use serde::{Deserialize, Serialize};
use stalemap_facade::MemoryModel;
use xxhash_rust::xxh3::Xxh3;

use crate::engine::Engine;
use crate::run::GivenLimits;
use crate::scenario::Scenario;

/// The command whose run it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunOf {
    /// `check`.
    Check,
    /// `compare`.
    Compare,
}

impl RunOf {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            RunOf::Check => "check",
            RunOf::Compare => "compare",
        }
    }
}

/// The limits of the command line, as a document has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    states: Option<u64>,
    memory: Option<u64>,
    seconds: Option<u64>,
    preemptions: Option<u32>,
}

impl From<GivenLimits> for Limits {
    fn from(given: GivenLimits) -> Self {
        // Bits are not for parts.
        let GivenLimits { states, memory, seconds, preemptions, bitstate: _ } = given;
        Limits { states, memory, seconds, preemptions }
    }
}

impl From<Limits> for GivenLimits {
    fn from(limits: Limits) -> Self {
        let Limits { states, memory, seconds, preemptions } = limits;
        GivenLimits { states, memory, seconds, preemptions, bitstate: None }
    }
}

/// Which run. Two parts are of one run if these are equal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The version of the program, and the commit that it was built from; where that is not known or something was changed, the
    /// build.
    pub program: String,
    /// The command.
    pub command: RunOf,
    /// The engine, with its settings.
    pub engine: String,
    /// The name of the memory.
    pub memory: String,
    /// The limits of each search.
    pub limits: Limits,
    /// The designs that were asked for by name.
    pub designs: Vec<String>,
    /// The kernels that were asked for by name.
    pub kernels: Vec<String>,
    /// How many pairs of a scenario and a design or kernel there are.
    pub pairs: usize,
    /// The sum of the list of these, with the contents of the scenarios.
    pub list: String,
}

impl Identity {
    /// The memory that the run is on.
    pub fn memory(&self) -> Option<MemoryModel> {
        let all = [MemoryModel::Sequential, MemoryModel::Relaxed, MemoryModel::Cumulative];
        all.into_iter().find(|memory| memory.name() == self.memory)
    }

    /// In what another run differs, in words; empty if it does not.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, ours: &dyn ToString, theirs: &dyn ToString| {
            let (ours, theirs) = (ours.to_string(), theirs.to_string());
            if ours != theirs {
                found.push(format!("{what}: {theirs}, not {ours}"));
            }
        };
        compare("the program is another", &self.program, &other.program);
        compare("the command is another", &self.command.name(), &other.command.name());
        compare("the engine is another", &self.engine, &other.engine);
        compare("the memory is another", &self.memory, &other.memory);
        for (name, ours, theirs) in self.limits.beside(&other.limits) {
            compare(&format!("`--limit-{name}` is another"), &ours, &theirs);
        }
        compare("`--design` is another", &listed(&self.designs), &listed(&other.designs));
        compare("`--kernel` is another", &listed(&self.kernels), &listed(&other.kernels));
        if self.list != other.list {
            let pairs = |count: usize| format!("{count} pair{}", if count == 1 { "" } else { "s" });
            found.push(if self.pairs == other.pairs {
                "the scenarios, or what they are run under, are others".to_owned()
            } else {
                format!("the list is another: {}, not {}", pairs(other.pairs), pairs(self.pairs))
            });
        }
        found
    }
}

impl Limits {
    fn beside(&self, other: &Self) -> [(&'static str, String, String); 4] {
        let said = |limit: Option<u64>| limit.map_or_else(|| "none".to_owned(), |most| most.to_string());
        [
            ("states", said(self.states), said(other.states)),
            ("memory", said(self.memory), said(other.memory)),
            ("seconds", said(self.seconds), said(other.seconds)),
            ("preemptions", said(self.preemptions.map(u64::from)), said(other.preemptions.map(u64::from))),
        ]
    }
}

fn listed(names: &[String]) -> String {
    // `none` is a design.
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// An engine, with its settings: what it finds depends on them.
pub fn of_engine(engine: Engine) -> String {
    match engine {
        Engine::Exhaustive => engine.name().to_owned(),
        Engine::Loom(settings) => format!("{settings:?}"),
        Engine::Shuttle(settings) => format!("{settings:?}"),
    }
}

/// The sum of a list of pairs, each a scenario and the name of a design or kernel.
pub fn sum_of<'p>(pairs: impl Iterator<Item = (&'p Scenario, &'p str)>) -> String {
    let mut sum = Xxh3::new();
    for (scenario, under) in pairs {
        for text in [scenario.name.as_str(), scenario.source.as_str(), under] {
            // So that the end of one is not the beginning of the next.
            sum.update(&(text.len() as u64).to_le_bytes());
            sum.update(text.as_bytes());
        }
    }
    format!("{:032x}", sum.digest128())
}
