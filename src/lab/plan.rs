//! A plan: a schedule as what the tasks of a real kernel do, and where they are held.
//!
//! It is data. The tasks are processes; the *turns* are what another process does, the main one, one after the other, to
//! make them come in the schedule's order: begin a command, wait until a task is held, let it go on. What the model
//! predicts is part of the plan, for the forced run and for the control, in which the tasks run one after the other.

use std::ops::Range;

use stalemap_facade::Property;
use stalemap_model::words::config::{ActorConfig, FileCommand};
use stalemap_model::words::personality::Personality;

use super::variant::Variant;

/// What is to be done on a real kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// The kernel that it is a plan for, `linux-6.12`.
    pub kernel: String,
    /// What is changed in it.
    pub variant: Variant,
    /// What the schedule violates.
    pub property: Option<Property>,
    /// The check under which it does, where that is another one: the kernel of the plan prevents what the turns of that
    /// counterexample would come to.
    pub counterexample_to: Option<Variant>,
    /// Whether the schedule writes to a block that is another file's by then, or free: a program of that is for guests alone, and is
    /// not handed out, whatever kernel it was planned for; it would run on others.
    pub touches_others: bool,
    /// Bytes of a block.
    pub block: u64,
    /// Bytes of a folio.
    pub folio: u64,
    /// The file system.
    pub fs: Personality,
    /// How far the race is moved up, behind folios that make a batch of writeback full: bytes.
    pub moved_up: u64,
    /// The names of the files; never empty.
    pub files: Vec<String>,
    /// The names of the buffers that tasks store into.
    pub buffers: Vec<String>,
    /// What is done first, alone.
    pub setup: Vec<FileCommand>,
    /// The lines of the scenario file that these commands stand in.
    pub setup_lines: Vec<String>,
    /// The tasks: processes, called by their names.
    pub tasks: Vec<ActorConfig>,
    /// The lines of their commands.
    pub task_lines: Vec<Vec<String>>,
    /// Where tasks are held. A hold is armed, hit at most once, and released.
    pub holds: Vec<Hold>,
    /// What the main process does, in order.
    pub turns: Vec<Turn>,
    /// Of what that is the order.
    pub order: Order,
    /// The order in which the tasks run in the control, one after the other, by their places in `tasks`.
    pub control: Vec<usize>,
    /// The orders of the schedule that nothing forces.
    pub unforced: Vec<Unforced>,
    /// Tasks that go on later in the schedule than the kernel lets them: they waited for somebody. It may not matter.
    pub eager: Vec<Unforced>,
    /// What the schedule leaves, by the model.
    pub predicted: Left,
    /// What the control leaves, by the model.
    pub predicted_control: Left,
    /// Whether the control violates the property, too: no order is needed for the loss.
    pub lost_in_control: bool,
    /// What the tasks leave one after the other, in whatever order, by the model; what depends on the order is not said. With this
    /// natural rounds are compared. Nothing where the model does not say.
    pub in_any_order: Left,
    /// What the same turns leave with another check, by the model: on the kernel as it is, or without its check.
    pub beside: Option<(Variant, Left)>,
}

impl Plan {
    /// What the plan is a schedule of, in words: `linux-6.12: lost-write`; or what is prevented there.
    pub fn shows(&self) -> String {
        let check = self
            .variant
            .design()
            .map_or_else(String::new, |design| format!(" with the check of design {design}"));
        let kernel = format!("{}{check}", self.kernel);
        let property = self.property.map_or_else(|| "a schedule".to_owned(), |property| property.to_string());
        match self.counterexample_to {
            None => format!("{kernel}: {property}"),
            Some(Variant::Stock) => {
                format!(
                    "{kernel}: prevented; the turns are those of a counterexample to the kernel as it is ({property})"
                )
            }
            Some(other) => format!(
                "{kernel}: prevented; the turns are those of a counterexample to it with the check of design {} ({property})",
                other.design().unwrap_or_default()
            ),
        }
    }

    /// Whether the bytes and the calls of the schedule are other ones than those of the control.
    pub fn tells(&self) -> bool {
        self.predicted != self.predicted_control
    }
}

/// Of what the turns are the order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Of a schedule: tasks are held within their calls.
    Schedule,
    /// Of whole commands, one after the other.
    Commands,
}

/// A place where a task is held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// Who is held.
    pub whom: Whom,
    /// The kernel's function.
    pub function: &'static str,
    /// Before it is called, or after it has returned.
    pub at: At,
    /// The call that is held, from 1, of those that match.
    pub nth: u32,
    /// Only calls whose first argument is a folio of this file, by its place in `Plan::files`, and the folio's index.
    pub folio: Option<(usize, u64)>,
}

/// Who is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whom {
    /// A task of the plan, by its place.
    Task(usize),
    /// A thread of the kernel: a worker, of which it is not known which it will be.
    Worker,
}

/// On which side of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum At {
    /// Before it.
    Before,
    /// After it.
    After,
    /// In it, before the instruction that stores i_size: what was loaded before is stored, whatever others have made of it.
    SizeStore,
}

/// What the main process does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// Arms a hold, by its place in `Plan::holds`.
    Arm(usize),
    /// Lets a task begin one of its commands, both by their places.
    Begin(usize, usize),
    /// Waits until a hold is hit.
    UntilHeld(usize),
    /// Waits until a task is through with a command; of one that was killed, until it is at its end.
    UntilDone(usize, usize),
    /// Waits until a task sleeps in the kernel, because it has to wait for somebody else.
    UntilWaits(usize),
    /// Waits until nothing of the files is under writeback any more: what a worker does that cannot be watched.
    UntilWritten,
    /// Lets who is held go on.
    Release(usize),
    /// Waits until the call that was held has returned: of a kernel thread it cannot be known otherwise.
    UntilReturned(usize),
    /// Takes out of memory what the source of a task's write has behind the byte of its `@short`, so that the copy is short
    /// there. It is in between the time at which the kernel has faulted the source in, where a hold must be, and the copy.
    DropSource(usize),
    /// A fatal signal for a task, which is held: it finds it when it goes on.
    Kill(usize),
    /// Writes that are submitted from here on do not reach the disk, and what was submitted before has; reads find what is there
    /// (a `delay` of device mapper, whose table is changed).
    KeepWrites,
    /// Those that were kept reach it, and are complete.
    LetWrites,
    /// Power is lost: the file system is shut down, as it is on the device.
    Crash,
}

/// An order of the schedule that nothing forces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unforced {
    /// The step before which its actor would have to be held, from 0.
    pub step: usize,
    /// The actor's name.
    pub actor: String,
    /// The operation.
    pub op: String,
    /// Why it cannot be held there.
    pub why: &'static str,
}

/// What is left of the files, and what the calls of the tasks returned.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Left {
    /// What the tasks were given and which calls failed, in the order of tasks and commands.
    pub calls: Vec<Call>,
    /// What a read finds at the end, before anything is written back or dropped, by file. `None` after a crash.
    pub cached: Option<Vec<Contents>>,
    /// What a read finds after fsync, with nothing cached. `None` after a crash.
    pub stable: Option<Vec<Contents>>,
    /// What a read finds when the file system has been mounted anew; after a crash, when the log was recovered.
    pub remounted: Vec<Contents>,
}

impl Left {
    /// What is left of the files: cached, after fsync, and mounted anew.
    pub fn files(&self) -> (&Option<Vec<Contents>>, &Option<Vec<Contents>>, &[Contents]) {
        (&self.cached, &self.stable, &self.remounted)
    }
}

/// What a command of a task returned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The task, by its place.
    pub task: usize,
    /// The command, by its place.
    pub command: usize,
    /// What it gave.
    pub gave: Vec<Answer>,
    /// Whether a call failed, or did less than it was asked for.
    pub failed: bool,
}

impl Call {
    /// The bytes that it read or loaded.
    pub fn bytes(&self) -> impl Iterator<Item = &Contents> {
        self.gave.iter().filter_map(|answer| match answer {
            Answer::Bytes(contents) => Some(contents),
            Answer::Place(_) => None,
        })
    }
}

/// What a call gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Bytes of the file that were read or loaded.
    Bytes(Contents),
    /// Where lseek(2) found data or a hole; `None` for ENXIO.
    Place(Option<u64>),
}

/// The contents of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contents {
    /// Neighbouring parts, from byte 0 to end of file.
    pub parts: Vec<Part>,
}

/// A part of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Its bytes.
    pub bytes: Range<u64>,
    /// What is there.
    pub value: Value,
}

/// What a part of a file contains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// This byte, again and again.
    Byte(u8),
    /// What the device had there before: [`DEVICE_PATTERN`] in a guest.
    Device,
    /// What a page of memory had before it was the file's: zeros, but where the kernel does not clear pages;
    /// [`MEMORY_PATTERN`] in a guest.
    Memory,
    /// The model does not say.
    Unknown,
}

/// The byte that a guest's free memory is filled with where pages are not cleared (`PAGE_POISON`, include/linux/poison.h, 6.1 to
/// 7.3).
pub const MEMORY_PATTERN: u8 = 0xaa;

/// The byte that a guest's device is filled with before mkfs.
pub const DEVICE_PATTERN: u8 = 0xe5;
