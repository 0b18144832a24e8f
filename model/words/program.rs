//! A task's program: its commands, with what tells their writes apart and who completes what is not waited for.

use stalemap_facade::ActorId;

use crate::words::command::facts::Fault;
use crate::words::config::{Config, FileCommand, Repeats};
use crate::words::value::WriteId;

/// A task's program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// The commands, each with its file.
    pub commands: Vec<FileCommand>,
    /// The number of each command's write; 0 for those that write nothing.
    pub writes: Vec<WriteId>,
    /// Who completes each command that is not waited for, or not to its end ([`Config::has_worker`]).
    pub workers: Vec<Option<Worker>>,
    /// Whether it begins anew when it is over.
    pub repeats: Repeats,
}

/// Who completes the I/O of one command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Worker {
    /// Its place in [`SuperBlock::aio`](crate::state::superblock::SuperBlock).
    pub number: u8,
    /// The actor.
    pub actor: ActorId,
}

impl Program {
    /// Numbers the writes of `commands`, which are of `config`, from `next` on, and moves it; likewise the workers.
    pub fn new(config: &Config, commands: &[FileCommand], next: &mut u16, next_worker: &mut Worker) -> Self {
        let assign = |call: &FileCommand| {
            let worker = *next_worker;
            config.has_worker(&call.command).then(|| {
                next_worker.number += 1;
                next_worker.actor += 1;
                worker
            })
        };
        let workers = commands.iter().map(assign).collect();
        let number = |call: &FileCommand| {
            if !call.command.writes() {
                return 0;
            }
            *next += 1;
            (*next - 1) as WriteId
        };
        let writes = commands.iter().map(number).collect();
        Program { writes, commands: commands.to_vec(), workers, repeats: Repeats::Once }
    }

    /// Whether it is meant that a command fails: it says so itself, or something is said to end its write.
    pub fn may_fail(&self, command: usize) -> bool {
        self.commands.get(command).is_some_and(|call| call.may_fail)
            || self.modifiers(command).any(|fault| fault.kind.ends_write())
    }

    /// What was said right before a command about its write, last first.
    pub(crate) fn modifiers(&self, command: usize) -> impl Iterator<Item = Fault> {
        let before = self.commands[..command.min(self.commands.len())].iter().rev();
        before.map_while(|call| call.command.fault())
    }
}
