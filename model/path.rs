//! What the paths of the kernel have in common for a task that runs commands: each says itself which commands lead
//! into it and where it begins, and takes steps until it is over.
//!
//! A command has parts, numbered from 0: the calls of `pwrite -b`, the sync behind `pwrite -w`, what `sync_range`
//! does one after the other. A task asks the paths of a command for one part after the other, until none begins with it. So
//! a path names its parts in one place, beside its code; [`task`](crate::system::task) says which paths a command has.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Returned};

use crate::state::inode::Inode;
use crate::state::world::World;
use crate::words::command::facts::Fault;
use crate::words::command::{Command, Io};
use crate::words::config::FileCommand;
use crate::words::geometry::{Cell, FolioIndex};
use crate::words::program::{Program, Worker};
use crate::words::value::WriteId;

/// A path that commands lead into: its state between two steps.
pub trait Path: Sized {
    /// What it ends with: `()`, or what says whether it failed or a write was short.
    type Ended: Ended;

    /// Where it begins for this part of a command; `None` if the part does not lead here.
    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self>;

    /// One step on the command's file. The rules of a step are those of [`stalemap_facade`].
    fn step<B: Backend>(
        self,
        w: &World<B>,
        inode: &Inode<B>,
        me: ActorId,
    ) -> impl Future<Output = Stepped<Self>>;
}

/// What a step of a path comes to: the state that it goes on from, or how it ended.
pub type Stepped<P> = ControlFlow<<P as Path>::Ended, P>;

/// How a path ended.
pub trait Ended {
    /// Whether the command is given up, as xfs_io does at the first short or failed call.
    fn gives_up(&self) -> bool;

    /// What is reported of the call.
    fn returned(&self) -> Returned;
}

/// Of a path that cannot fail.
impl Ended for () {
    fn gives_up(&self) -> bool {
        false
    }

    fn returned(&self) -> Returned {
        Returned::Success
    }
}

/// Of a path that is its command, so that nothing is left to give up.
impl Ended for Returned {
    fn gives_up(&self) -> bool {
        false
    }

    fn returned(&self) -> Returned {
        *self
    }
}

/// One part of one command of a program.
pub struct Part<'p, B: Backend> {
    /// Whose command it is.
    pub me: ActorId,
    /// The command's file.
    pub inode: &'p Inode<B>,
    /// The program.
    pub program: &'p Program,
    /// Which command.
    pub command: u16,
    /// Which part of it.
    pub number: u16,
}

impl<'p, B: Backend> Part<'p, B> {
    /// The command.
    pub fn command(&self) -> &'p Command {
        &self.program.commands[usize::from(self.command)].command
    }

    /// The command, for paths that it leads into once: nothing for every part but the first.
    pub fn first(&self) -> Option<&'p Command> {
        (self.number == 0).then(|| self.command())
    }

    /// The number of the command's write.
    pub fn write(&self) -> WriteId {
        self.program.writes[usize::from(self.command)]
    }

    /// Who completes the command, if it is not waited for to its end.
    pub fn worker(&self) -> Option<Worker> {
        self.program.workers[usize::from(self.command)]
    }

    /// Who completes what was submitted before and not waited for.
    pub fn submitted(&self) -> impl Iterator<Item = Worker> {
        let before = usize::from(self.command);
        let calls = self.program.commands[..before].iter().zip(&self.program.workers[..before]);
        calls.filter(|(call, _)| call.command.io() == Some(Io::Aio)).filter_map(|(_, worker)| *worker)
    }

    /// What of the file the task has mapped before, if that is to be stored to, too.
    pub fn mapped_to_store(&self) -> Option<&'p Range<u64>> {
        let commands = &self.program.commands[..=usize::from(self.command)];
        let file = commands.last()?.file;
        let mapped = |call: &'p FileCommand| {
            let Command::Mmap { range, writable } = &call.command else { return None };
            Some((range, *writable))
        };
        let last = commands.iter().rev().filter(|call| call.file == file).find_map(mapped);
        last.filter(|(_, writable)| *writable).map(|(range, _)| range)
    }

    /// What was said right before the command about the source of its write, last first.
    pub fn modifiers(&self) -> impl Iterator<Item = Fault> + 'p {
        self.program.modifiers(usize::from(self.command))
    }

    /// The cells of the read(2) or write(2) that this part is, of a command that makes one for each `chunk` bytes.
    pub fn call(&self, range: &Range<u64>, chunk: u64) -> Option<Range<Cell>> {
        let start = range.start.saturating_add(chunk.saturating_mul(u64::from(self.number)));
        (start < range.end).then(|| self.cells(&(start..range.end.min(start.saturating_add(chunk)))))
    }

    /// Which part this is of those behind the calls of such a command; the first is 0.
    pub fn behind_calls(&self, range: &Range<u64>, chunk: u64) -> Option<u16> {
        self.number.checked_sub(range.end.saturating_sub(range.start).div_ceil(chunk) as u16)
    }

    /// The cells of a range of bytes.
    pub fn cells(&self, range: &Range<u64>) -> Range<Cell> {
        self.inode.sb.geometry.cells_of_bytes(range)
    }

    /// The folios that a range of bytes touches.
    pub fn folios(&self, range: &Range<u64>) -> Range<FolioIndex> {
        self.inode.sb.geometry.folios_touched(&self.cells(range))
    }

    /// The pages that the actor has mapped of the file, as bytes.
    pub fn vma(&self) -> Range<u64> {
        let calls = &self.program.commands[..=usize::from(self.command)];
        let file = calls.last().map(|call| call.file);
        let mapped = calls.iter().rev().filter(|call| Some(call.file) == file).find_map(|call| {
            if let Command::Mmap { range, .. } = &call.command { Some(range) } else { None }
        });
        mapped.map_or(0..0, |range| self.inode.sb.geometry.whole_pages(range))
    }

    /// All folios of the file.
    pub fn all_folios(&self) -> Range<FolioIndex> {
        0..self.inode.sb.geometry.folios()
    }
}
