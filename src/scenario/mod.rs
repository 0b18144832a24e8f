//! Scenario files: a race as a person writes it down, with the verdict expected of each design.
//!
//! Reading a file gives either a [`Scenario`] or all of its errors at once, each with its place.

mod actors;
pub mod catalogue;
mod command;
mod designs;
mod diagnostics;
mod errors;
mod expectations;
mod files;
#[cfg(test)]
mod language;
mod names;
mod number;
mod options;
mod ranges;
mod read;
mod session;
mod syntax;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod verb;

use std::collections::{BTreeMap, BTreeSet};

use stalemap_facade::{Branch, MemoryModel, Property};
use stalemap_model::words::config::{
    ActorConfig, Config, DEFAULT_RETRIES, FileCommand, FileRange, Hold, MixedIo,
};
use stalemap_model::words::design::Design;
use stalemap_model::words::ordering::Orderings;
use stalemap_model::words::personality::Personality;

pub use actors::CommandLine;
pub use diagnostics::{Diagnostic, Diagnostics};
pub use names::nearest;
pub use read::{MAX_BYTES, read};
pub(crate) use verb::{Asks, MAY_FAIL, XfsIo, in_xfs_io, prefix};

/// What a file expects of a design.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expectation {
    /// No property is violated.
    Holds,
    /// Exactly these are, except that `wrong-zero` and `unsound-cookie` may accompany the loss they explain.
    Violates(Vec<Property>),
}

/// The limits that a file sets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FileLimits {
    /// States stored.
    pub states: Option<u64>,
    /// Bytes of the visited set.
    pub memory: Option<u64>,
    /// Seconds.
    pub seconds: Option<u64>,
    /// Stale mappings of one write.
    pub retries: Option<u32>,
    /// Folios evicted in one run.
    pub evictions: Option<u32>,
    /// Preemptions of one run.
    pub preemptions: Option<u32>,
}

/// A scenario file that was understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scenario {
    /// Its place in the catalogue (`xfs/t1`), or the path given.
    pub name: String,
    /// One sentence.
    pub title: String,
    /// Where the race comes from.
    pub refs: Vec<String>,
    /// Bytes of a block.
    pub block: u64,
    /// Bytes of a folio.
    pub folio: u64,
    /// The file system, with the file's overrides.
    pub fs: Personality,
    /// The names of the files.
    pub files: Vec<String>,
    /// Commands that run first, alone.
    pub setup: Vec<FileCommand>,
    /// The line of each of these.
    pub setup_lines: Vec<CommandLine>,
    /// The concurrent actors.
    pub actors: Vec<ActorConfig>,
    /// The line of each of their commands.
    pub actor_lines: Vec<Vec<CommandLine>>,
    /// Directed runs.
    pub holds: Vec<Hold>,
    /// Byte ranges whose final contents are counted.
    pub observe: Vec<FileRange>,
    /// What is expected, by design.
    pub expect: BTreeMap<String, Expectation>,
    /// The designs that the file defines.
    pub designs: BTreeMap<String, Design>,
    /// Branches that some run must reach, by a design that is expected to hold and checks.
    pub reach_must: Option<Vec<Branch>>,
    /// Branches that none may reach.
    pub reach_never: Vec<Branch>,
    /// Limits.
    pub limits: FileLimits,
    /// What is judged where direct and buffered writes meet.
    pub mixed_io: MixedIo,
    /// The memory that it runs on. No file says that; whoever runs it does.
    pub memory: MemoryModel,
    /// What orders it.
    pub orderings: Orderings,
    /// The file, verbatim.
    pub source: String,
}

impl Scenario {
    /// The line of the file that a command stands in, from 1.
    pub fn line_of(&self, line: &CommandLine) -> usize {
        self.source[..line.place.start].matches('\n').count() + 1
    }

    /// A design by name: one of the file's own, or a built-in one.
    pub fn design(&self, name: &str) -> Option<Design> {
        self.designs.get(name).cloned().or_else(|| Design::built_in(name))
    }

    /// The system to explore under a design.
    pub fn config(&self, design: Design) -> Config {
        Config {
            block: self.block,
            folio: self.folio,
            fs: self.fs.clone(),
            design,
            files: self.files.clone(),
            setup: self.setup.clone(),
            actors: self.actors.clone(),
            holds: self.holds.clone(),
            observe: self.observe.clone(),
            retries: self.limits.retries.unwrap_or(DEFAULT_RETRIES),
            evictions: self.limits.evictions,
            mixed_io: self.mixed_io,
            memory: self.memory,
            orderings: self.orderings,
        }
    }

    /// A command of an actor as the file has it.
    pub fn command_text(&self, actor: usize, command: usize) -> &str {
        let line = self.actor_lines.get(actor).and_then(|lines| lines.get(command));
        line.map_or("", |line| line.text.as_str())
    }

    /// The report that these commands of the setup fail under a design.
    pub fn failed_setup(&self, commands: &BTreeSet<usize>, design: &str) -> Diagnostics {
        // `sync` is a command for each file, and one line.
        let places: BTreeSet<(usize, usize)> = commands
            .iter()
            .filter_map(|command| self.setup_lines.get(*command))
            .map(|line| (line.place.start, line.place.end))
            .collect();
        let error = |(start, end): (usize, usize)| Diagnostic {
            span: start..end,
            message: format!("this command of the setup fails under {design}"),
            help: "change it, or say that it is meant to: `@may_fail COMMAND`".to_owned(),
        };
        Diagnostics::new(&self.name, Some(self.source.clone()), places.into_iter().map(error).collect())
    }

    /// The designs that `[expect]` names, in the order of tables: built-in ones by their history, then the
    /// file's own by name.
    pub fn expected_designs(&self) -> Vec<String> {
        let named = |name: &&str| self.expect.contains_key(*name);
        let built_in = Design::BUILT_IN.iter().copied().filter(named);
        let own = self.designs.keys().map(String::as_str).filter(named);
        built_in.chain(own).map(str::to_owned).collect()
    }
}
