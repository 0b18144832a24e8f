//! What a program cannot do: the reasons for which a plan has none.

use std::collections::BTreeSet;

use stalemap_model::words::command::{Command, Io};
use stalemap_model::words::config::FileCommand;
use stalemap_model::words::personality::{FsType, Personality};

use super::statement::{self, Place};
use super::tables::short_name;
use crate::lab::plan::Plan;

/// The slots that the module has for holds.
const SLOTS: usize = 16;
/// Files that a program has room for.
const FILES: usize = 4;

/// Why there is no program of a plan; `None` where there is one.
pub fn unsayable(plan: &Plan) -> Option<String> {
    let lists = || std::iter::once(&plan.setup).chain(plan.tasks.iter().map(|task| &task.run));
    let command = lists().flatten().find_map(|call| statement::of(plan, call, Place::Task).err());
    file_system(&plan.fs)
        .or(command)
        .or_else(|| lists().find_map(|list| faults(list)))
        .or_else(|| shadows(&lists().flatten().collect::<Vec<_>>()))
        .map(str::to_owned)
        .or_else(|| names(plan))
        .or_else(|| sizes(plan))
}

/// File systems and devices that no mkfs in a guest makes.
fn file_system(fs: &Personality) -> Option<&'static str> {
    if fs.valid_size {
        return Some("a valid size: which file system has it, exFAT or ntfs3, is not said");
    }
    if fs.fs_type == FsType::Zonefs {
        return Some("zonefs: its files are the zones of a device, and none can be made");
    }
    if fs.data_checksum {
        return Some("`data_checksum`: needs a device that checks a checksum of the data");
    }
    (fs.zone_blocks > 0).then_some("`zone_blocks`: needs a device with zones of so few blocks")
}

/// Faults of sources that are not the program's to make.
fn faults(list: &[FileCommand]) -> Option<&'static str> {
    let announced = list.windows(2).filter(|pair| pair[0].command.fault().is_some());
    let other_source = |call: &FileCommand| {
        let Command::Pwrite { buffer, io, .. } = &call.command else { return false };
        buffer.is_some() || *io == Io::Aio
    };
    let mut others = announced.filter(|pair| other_source(&pair[1]));
    others
        .next()
        .map(|_| "`@fail`, `@short` or `@kill` before a write from a buffer, or one that is not waited for")
}

/// Reclaim leaves a shadow entry, which a search takes for data; what a program drops leaves none.
fn shadows(calls: &[&FileCommand]) -> Option<&'static str> {
    let reclaims = |call: &&&FileCommand| {
        let Command::Extension { .. } = call.command else { return false };
        true
    };
    let searched = |reclaimed: &&FileCommand| {
        calls.iter().any(|call| call.file == reclaimed.file && call.command.searches())
    };
    let both = calls.iter().filter(reclaims).any(searched);
    both.then_some("`@reclaim` of a file in which somebody searches: a program leaves no shadow entry; `fadvise -d` leaves none either")
}

/// Tasks are told apart by the beginnings of their names.
fn names(plan: &Plan) -> Option<String> {
    let mut seen = BTreeSet::new();
    let twice =
        plan.tasks.iter().map(|task| short_name(&task.name)).find(|name| !seen.insert(name.clone()))?;
    Some(format!("two tasks are called `{twice}` by the kernel, which keeps 15 bytes of a name; rename one"))
}

/// More than there is room for.
fn sizes(plan: &Plan) -> Option<String> {
    if plan.holds.len() > SLOTS {
        return Some(format!("{} holds, and the module has room for {SLOTS}", plan.holds.len()));
    }
    (plan.files.len() > FILES)
        .then(|| format!("{} files, and the program has room for {FILES}", plan.files.len()))
}
