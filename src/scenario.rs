//! Scenario files: a race as a person writes it down, with the verdict expected of each design.
//!
//! Reading a file gives either a [`Scenario`] or all of its errors at once, each with its place.

mod actors;
mod buffers;
pub mod catalogue;
mod command;
mod diagnostics;
pub mod draft;
mod errors;
mod expectations;
mod fields;
mod file_system;
mod files;
mod headers;
pub mod implementations;
#[cfg(test)]
mod language;
mod lost;
mod misfits;
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
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use stalemap_facade::{Branch, MemoryModel, Property};
use stalemap_model::words::asked::Asked;
use stalemap_model::words::command::Command;
use stalemap_model::words::config::{
    ActorConfig, Config, DEFAULT_RETRIES, FileCommand, FileRange, Hold, MixedIo, PostEof,
};
use stalemap_model::words::count::count;
use stalemap_model::words::design::Design;
use stalemap_model::words::geometry::Bytes;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::kernel_version::{KernelVersion, MODERN};
use stalemap_model::words::ordering::Orderings;
use stalemap_model::words::personality::{DeviceCache, Personality};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

pub use actors::CommandLine;
use implementations::Kind;

pub use diagnostics::{Diagnostic, Diagnostics};
pub use names::nearest;
pub use read::{MAX_BYTES, read};
pub(crate) use verb::{Asks, MAY_FAIL, XfsIo, in_xfs_io, prefix};
pub use wanted::Wanted;

/// Pages of the machine.
const PAGE: u64 = 4096;

/// The field of the environment that has a value which no kernel has.
const DEVICE_CACHE: &str = "device_cache";

/// What a file expects of a design.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expectation {
    /// No property is violated.
    Holds,
    /// Exactly these are, except that `wrong-zero` and `unsound-cookie` may accompany the loss they explain.
    Violates(Vec<Property>),
}

/// What a file says of branches.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reach {
    /// Those that some run must reach, by what is expected to hold and checks; `None` if nothing is said.
    pub must: Option<Vec<Branch>>,
    /// Those that no run may reach.
    pub never: Vec<Branch>,
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
    /// The personality that `[fs]` names, or the one of a file that names none.
    pub personality: String,
    /// The file system, with the file's overrides.
    pub fs: Personality,
    /// The fields that the file sets in `[fs]`.
    pub fs_fields: BTreeSet<String>,
    /// The names of the files.
    pub files: Vec<String>,
    /// The names of the buffers that writes take their data from, by their numbers.
    pub buffers: Vec<String>,
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
    /// Actors whose calls' answers are counted with them, by their places.
    pub heard: Vec<usize>,
    /// What is expected, by design.
    pub expect: BTreeMap<String, Expectation>,
    /// The designs that the file defines.
    pub designs: BTreeMap<String, Implementation>,
    /// The kernels that it defines.
    pub kernels: BTreeMap<String, Implementation>,
    /// The branches that have to be reached, and those that must not, where nothing else is said.
    pub reach: Reach,
    /// The same for those that it names: designs and kernels.
    pub reach_of: BTreeMap<String, Reach>,
    /// Limits.
    pub limits: FileLimits,
    /// What is judged where direct and buffered writes meet.
    pub mixed_io: MixedIo,
    /// What is judged of stores behind end of file.
    pub post_eof: PostEof,
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

    /// What a name stands for: a design on the file's file system or a kernel, one of the file's own or a built-in one;
    /// `None` also for a release that does not have the file system.
    pub fn implementation(&self, name: &str) -> Option<Implementation> {
        let own = self.designs.get(name).or_else(|| self.kernels.get(name)).cloned();
        own.or_else(|| implementations::built_in(name, &self.fs))
    }

    /// Whether a name is that of a kernel, a release that has the file system or one of the file, or of a design.
    pub fn kind_of(&self, name: &str) -> Kind {
        let release = KernelVersion::from_name(name).is_some_and(|kernel| kernel.has(&self.fs));
        if release || self.kernels.contains_key(name) { Kind::Kernel } else { Kind::Design }
    }

    /// Why this scenario cannot run there, if so, behind the name of that: fields that do not go together, or a command that the
    /// file system does not have.
    pub fn refused_by(&self, implementation: &Implementation) -> Option<String> {
        let calls = self.setup.iter().chain(self.actors.iter().flat_map(|actor| &actor.run));
        let lines = self.setup_lines.iter().chain(self.actor_lines.iter().flatten());
        let calls = calls.zip(lines).map(|(call, line)| (&call.command, line.text.as_str()));
        implementations::refused(implementation, self.block, calls)
    }

    /// The fields of `[fs]` that the file sets and that have another value there, with that value: a kernel has its own, and so may
    /// a design of the file.
    pub fn overruled(&self, implementation: &Implementation) -> Vec<(&'static str, String)> {
        if implementation.fs == self.fs {
            return Vec::new();
        }
        let set = Personality::FIELDS.iter().filter(|field| self.fs_fields.contains(**field));
        let there = set.map(|field| (*field, implementation.fs.value(field)));
        there.filter(|(field, value)| *value != self.fs.value(field)).collect()
    }

    /// That no kernel has folios of this size, if that is so.
    pub fn odd_folio(&self) -> Option<String> {
        let is_odd = !self.folio.is_power_of_two() || self.folio < PAGE;
        is_odd.then(|| {
            let (folio, page) = (Bytes(self.folio), Bytes(PAGE));
            format!("no kernel has folios of {folio}: they are one page of {page}, or 2, 4, 8, ... of them")
        })
    }

    /// The value that `[fs]` gives a kernel, of what no kernel has, with its field: of the environment there is one such value.
    pub fn of_no_kernel(&self, implementation: &Implementation) -> Option<(&'static str, String)> {
        let is_so = implementation.fs.device_cache == DeviceCache::Unflushed
            && self.fs_fields.contains(DEVICE_CACHE)
            && self.kind_of(implementation.name()) == Kind::Kernel;
        is_so.then(|| (DEVICE_CACHE, implementation.fs.value(DEVICE_CACHE)))
    }

    /// The fields that `[fs]` sets, in the order of the page, with their values.
    pub fn set_fields(&self) -> Vec<(&'static str, String)> {
        let set = Personality::FIELDS.iter().filter(|field| self.fs_fields.contains(**field));
        set.map(|field| (*field, self.fs.value(field))).collect()
    }

    /// The buffers by name, each with what of which file is written from it.
    pub fn written_from_buffers(&self) -> Vec<(&str, FileRange)> {
        let calls = || self.actors.iter().flat_map(|actor| &actor.run);
        let from = |id: usize| {
            calls().find_map(|call| {
                let Command::Pwrite { buffer: Some(buffer), range, .. } = &call.command else { return None };
                (usize::from(*buffer) == id).then(|| FileRange { file: call.file, range: range.clone() })
            })
        };
        let named = self.buffers.iter().enumerate();
        named.filter_map(|(id, name)| Some((name.as_str(), from(id)?))).collect()
    }

    /// A built-in design, or one of the file's own, alone.
    pub fn design(&self, name: &str) -> Option<Design> {
        self.implementation(name).map(|implementation| implementation.design)
    }

    /// The system to explore under a design, on the file's file system.
    pub fn config(&self, design: Design) -> Config {
        self.config_of(Implementation { design, fs: self.fs.clone() })
    }

    /// The system to explore.
    pub fn config_of(&self, Implementation { design, fs }: Implementation) -> Config {
        Config {
            block: self.block,
            folio: self.folio,
            fs: Asked::new(fs),
            design: Asked::new(design),
            files: self.files.clone(),
            buffers: self.buffers.clone(),
            setup: self.setup.clone(),
            actors: self.actors.clone(),
            holds: self.holds.clone(),
            observe: self.observe.clone(),
            heard: self.heard.clone(),
            retries: self.limits.retries.unwrap_or(DEFAULT_RETRIES),
            evictions: self.limits.evictions,
            mixed_io: self.mixed_io,
            post_eof: self.post_eof,
            memory: self.memory,
            orderings: self.orderings,
        }
    }

    /// The report that these commands of the setup fail under a design.
    pub(crate) fn failed_setup(
        &self,
        commands: &BTreeSet<usize>,
        errors: &BTreeMap<usize, &'static str>,
        design: &str,
    ) -> Diagnostics {
        // `sync` is a command for each file, and one line.
        let mut places: BTreeMap<(usize, usize), Option<&str>> = BTreeMap::new();
        for command in commands {
            if let Some(line) = self.setup_lines.get(*command) {
                let error = places.entry((line.place.start, line.place.end)).or_default();
                *error = error.or_else(|| errors.get(command).copied());
            }
        }
        let failed = |((start, end), error): ((usize, usize), Option<&str>)| {
            let help = "change it, or say that it is meant to: `@may_fail COMMAND`";
            let help = match error {
                Some("ENOSPC") if self.fs.is_out_of_place() => format!(
                    "a write out of place reserves {} more than it fills (`spare_blocks`): raise `free_blocks`; or {help}",
                    count(u64::from(self.fs.spare_blocks), "block")
                ),
                _ => help.to_owned(),
            };
            let error = error.map_or_else(String::new, |error| format!(" with {error}"));
            Diagnostic {
                span: start..end,
                message: format!("this command of the setup fails{error} under {design}"),
                help,
            }
        };
        Diagnostics::new(&self.name, Some(self.source.clone()), places.into_iter().map(failed).collect())
    }

    /// What `[expect]` names, in the order of tables: built-in designs by their history, kernels by their age, then the
    /// file's own by name.
    pub fn expected(&self) -> Vec<String> {
        let own = self.designs.keys().chain(self.kernels.keys()).map(String::as_str);
        let names = implementations::built_in_names().chain([MODERN]).chain(own);
        names.filter(|name| self.expect.contains_key(*name)).map(str::to_owned).collect()
    }

    /// The line of the file that says what is expected of a name, from 1; for want of that, the one where `[expect]` begins.
    pub fn expectation_line(&self, name: &str) -> Option<usize> {
        let file = DeTable::parse(&self.source).ok()?;
        let (table, value) = file.get_ref().iter().find(|(key, _)| key.get_ref() == "expect")?;
        let DeValue::Table(expectations) = value.get_ref() else { return None };
        let of_name =
            |key: &&Spanned<DeString<'_>>| implementations::canonical(key.get_ref(), &self.fs) == name;
        let key = expectations.keys().find(of_name).unwrap_or(table);
        Some(self.source[..key.span().start].matches('\n').count() + 1)
    }

    /// What has to be reached under a name.
    pub fn reach(&self, name: &str) -> &Reach {
        self.reach_of.get(name).unwrap_or(&self.reach)
    }
}
