//! A race in many places of large files: the same commands again and again, far apart, so that a round of a loop has many races.
//!
//! The files have the size of all places from the beginning. So it is the same race only where no command is about the whole
//! file, or its end: then a round has one place, and small files.

use stalemap_model::words::command::facts::{SizeEffect, Touches};
use stalemap_model::words::command::{Command, Then};
use stalemap_model::words::config::{ActorConfig, Config, FileCommand};

use super::plan::Plan;

/// Bytes from the beginning of a place to that of the next one: a multiple of blocks, folios, and what file systems allocate at once
/// (a copy of 128 KiB), and more than what is read ahead.
pub const STRIDE: u64 = 1 << 20;

/// The most bytes of a file that a place has: behind them is as much that nobody touches.
const LONGEST: u64 = STRIDE / 2;

/// A page; what is mapped at end of file is one.
const PAGE: u64 = 4096;

const FSYNC: &str = "`fsync` is about the whole file";
const RESIZED: &str = "`truncate` is about the end of the file";
const SHIFTED: &str = "`fcollapse` and `finsert` move all that is behind";
const SEARCHED: &str = "what is searched for may be found anywhere in the file";
const OF_FILE: &str = "`chattr` and `cowextsize` are about the whole file";
const BUFFER: &str = "others store to the memory that is written from, and there is one of it";
const KILLED: &str = "who is killed comes to no other place";
const CRASHES: &str = "power is lost once";
const NOBODY: &str = "layouts, moved blocks and the flusher are nothing that a program can do";
const SIZE: &str = "the file ends within a folio, and that end is part of the race";
const EMPTY: &str = "a file is empty at first, and where it ends is part of the race";
const BEHIND: &str = "a command reaches behind the end of the file";
const LONG: &str = "the files are too long";

/// The commands of a race.
#[derive(Clone, Copy, Debug)]
pub struct Race<'r> {
    /// What is done first, alone.
    pub setup: &'r [FileCommand],
    /// The tasks.
    pub tasks: &'r [ActorConfig],
    /// How many files there are.
    pub files: usize,
    /// Bytes of a block.
    pub block: u64,
    /// Bytes of a folio.
    pub folio: u64,
}

impl<'r> From<&'r Plan> for Race<'r> {
    fn from(plan: &'r Plan) -> Self {
        let Plan { setup, tasks, files, block, folio, .. } = plan;
        Race { setup, tasks, files: files.len(), block: *block, folio: *folio }
    }
}

impl<'r> From<&'r Config> for Race<'r> {
    fn from(config: &'r Config) -> Self {
        let Config { setup, actors, files, block, folio, .. } = config;
        Race { setup, tasks: actors, files: files.len(), block: *block, folio: *folio }
    }
}

impl Race<'_> {
    fn of_tasks(&self) -> impl Iterator<Item = &FileCommand> {
        self.tasks.iter().flat_map(|task| &task.run)
    }

    /// Why a race has one place alone; `None` where it may have many.
    pub fn one_alone(&self) -> Option<&'static str> {
        let sizes = self.sizes();
        let size = |call: &&FileCommand| sizes.get(usize::from(call.file)).copied().unwrap_or(0);
        let unit = self.folio.max(self.block).max(PAGE);
        let of_tasks = || self.of_tasks().find_map(|call| of_whole_file(&call.command));
        let mut all = self.setup.iter().chain(self.of_tasks());
        of_tasks()
            .or_else(|| self.in_setup())
            .or_else(|| sizes.contains(&0).then_some(EMPTY))
            .or_else(|| sizes.iter().any(|size| *size > LONGEST).then_some(LONG))
            .or_else(|| sizes.iter().any(|size| !size.is_multiple_of(unit)).then_some(SIZE))
            .or_else(|| all.any(|call| reach(&call.command) > size(&call)).then_some(BEHIND))
    }

    /// What of the setup cannot be done to many places.
    fn in_setup(&self) -> Option<&'static str> {
        let mut sizes = vec![0; self.files];
        self.setup.iter().find_map(|call| {
            let before = enter(&mut sizes, call);
            match call.command.facts().size {
                SizeEffect::Becomes(size) => (size < before).then_some(RESIZED),
                SizeEffect::Loses(_) | SizeEffect::Gains(_) => Some(SHIFTED),
                SizeEffect::Keeps | SizeEffect::GrowsTo(_) => None,
            }
        })
    }

    /// The sizes that the setup gives the files.
    pub fn sizes(&self) -> Vec<u64> {
        let mut sizes = vec![0; self.files];
        for call in self.setup {
            enter(&mut sizes, call);
        }
        sizes
    }
}

/// Does to the sizes of the files what a command does; the size of its file before.
fn enter(sizes: &mut [u64], call: &FileCommand) -> u64 {
    let Some(size) = sizes.get_mut(usize::from(call.file)) else { return 0 };
    let before = *size;
    *size = call.command.facts().size.after(before);
    before
}

/// Where the bytes end that a command names; a range without an end of its own ends with its place.
fn reach(command: &Command) -> u64 {
    let range = match command.facts().touches {
        Touches::Bytes(range) | Touches::Pages(range) | Touches::Calls(range, _) => range,
        Touches::Copy(from, range) => {
            let length = range.end.saturating_sub(range.start);
            return range.end.max(from.saturating_add(length));
        }
        Touches::Nothing | Touches::From(_) | Touches::End(_) => return 0,
    };
    if range.end == u64::MAX { range.start } else { range.end }
}

/// Why a command of a task is about a file as a whole.
fn of_whole_file(command: &Command) -> Option<&'static str> {
    match command {
        Command::BufferStore { .. } | Command::Pwrite { buffer: Some(_), .. } => Some(BUFFER),
        Command::Pwrite { then: Then::Fsync | Then::Fdatasync, .. }
        | Command::Fsync
        | Command::Fdatasync
        | Command::Sync
        | Command::Syncfs => Some(FSYNC),
        Command::Truncate { .. } => Some(RESIZED),
        Command::Fcollapse { .. } | Command::Finsert { .. } => Some(SHIFTED),
        Command::Seek { .. } | Command::Fiemap { .. } | Command::CopySparse => Some(SEARCHED),
        Command::Cowextsize { .. } | Command::Chattr { .. } => Some(OF_FILE),
        Command::Kill { .. } => Some(KILLED),
        Command::Crash | Command::Shutdown { .. } => Some(CRASHES),
        Command::Flusher
        | Command::Relocate { .. }
        | Command::Layoutget { .. }
        | Command::Layoutwrite { .. }
        | Command::Layoutcommit
        | Command::Layoutreturn => Some(NOBODY),
        Command::Pwrite { then: Then::Nothing, buffer: None, .. }
        | Command::Pread { .. }
        | Command::Wait
        | Command::Mmap { .. }
        | Command::Munmap
        | Command::Mread { .. }
        | Command::Mwrite { .. }
        | Command::Dma { .. }
        | Command::Msync { .. }
        | Command::SyncRange { .. }
        | Command::Falloc { .. }
        | Command::Fpunch { .. }
        | Command::Fzero { .. }
        | Command::Funshare { .. }
        | Command::Reflink { .. }
        | Command::Exchange { .. }
        | Command::Redirty { .. }
        | Command::FadviseDontneed { .. }
        | Command::MadviseDontneed { .. }
        | Command::Extension { .. }
        | Command::Fail { .. }
        | Command::Short { .. } => None,
    }
}
