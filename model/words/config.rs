//! Everything that defines one system to explore: what a scenario file says, ready for the model.

use std::ops::Range;

use stalemap_facade::MemoryModel;

use crate::words::asked::Asked;
use crate::words::command::{BufferId, Command, FileId, Io};
use crate::words::design::Design;
use crate::words::dio_design::DioAck;
use crate::words::geometry::{Geometry, GeometryError};
use crate::words::ordering::Orderings;
use crate::words::personality::{DeviceCache, Freed, Personality, SyncFs, WriteEnd, ZonedWriteError};
use crate::words::settings::choices;
use crate::words::value::WriteId;

/// A text about a file, which is named in front if it has a label.
pub fn labelled(label: Option<&str>, text: String) -> String {
    match label {
        Some(label) if !text.is_empty() => format!("[{label}] {text}"),
        _ => text,
    }
}

/// A command and the file that it works on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileCommand {
    /// The file.
    pub file: FileId,
    /// What is done with it.
    pub command: Command,
    /// Whether it is meant that this fails, if it does (`@may_fail`).
    pub may_fail: bool,
}

impl FileCommand {
    /// A command that should succeed.
    pub const fn new(file: FileId, command: Command) -> Self {
        FileCommand { file, command, may_fail: false }
    }
}

/// Memory that a write takes its data from while others may store there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserBuffer {
    /// Which.
    pub id: BufferId,
    /// What it is called.
    pub name: String,
    /// The write.
    pub write: WriteId,
    /// What it writes: the first byte is that of the buffer.
    pub range: Range<u64>,
    /// What is stored into the buffer.
    pub stores: Vec<WriteId>,
    /// Through what the write goes.
    pub io: Io,
}

/// A range of bytes of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileRange {
    /// The file.
    pub file: FileId,
    /// The bytes.
    pub range: Range<u64>,
}

/// A concurrent actor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActorConfig {
    /// Its name in schedules and reports.
    pub name: String,
    /// What it does, in order.
    pub run: Vec<FileCommand>,
    /// Whether it does it again.
    pub repeats: Repeats,
}

/// Whether an actor begins anew when it has done what it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Repeats {
    /// It has finished then.
    #[default]
    Once,
    /// It goes on for ever. Counters that only grow would make a new state of each round: so they are kept modulo
    /// [`ENDLESS_COUNTERS`], and what a writer has met is not counted.
    Forever,
}

/// What change counters are kept modulo where an actor goes on for ever. The kernel's are kept modulo 2^32: a mapping during
/// which a counter moves by a multiple of that passes for current.
pub const ENDLESS_COUNTERS: u64 = 4;

/// An actor that stands still at a place while the others run to their ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// The actor, by its place in [`Config::actors`].
    pub actor: usize,
    /// It is held when about to copy into the folio of this byte.
    pub at: u64,
}

choices! {
    /// What is judged of a folio that a direct write and one through the page cache touch at the same time.
    MixedIo {
        /// Everything: no acknowledged write may be lost.
        Strict = "strict",
        /// Only that nothing is exposed that nobody wrote. The kernel promises no more, and warns.
        Exempt = "exempt",
    }
}

choices! {
    /// What is judged of stores through a mapping behind end of file that a growing file finds.
    PostEof {
        /// Those that were complete when the call began that makes it grow do not become part of the file.
        Judged = "judged",
        /// Nothing: they are found in the file, or not.
        Exempt = "exempt",
    }
}

/// The mappings of one actor that may go stale when nothing is said. Without a bound, writers that make each other's
/// mappings stale by remapping would go on for ever, with counters that never repeat. It is more than any scenario of the
/// catalogue needs.
pub const DEFAULT_RETRIES: u32 = 16;

/// One system: files, their setup, the actors, a design and a personality.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// Bytes of a block.
    pub block: u64,
    /// Bytes of a folio.
    pub folio: u64,
    /// The file system.
    pub fs: Asked<Personality>,
    /// The design.
    pub design: Asked<Design>,
    /// The names of the files; a scenario that names none has one.
    pub files: Vec<String>,
    /// The names of the buffers that others store to, by their numbers.
    pub buffers: Vec<String>,
    /// What happens first, alone.
    pub setup: Vec<FileCommand>,
    /// What happens concurrently.
    pub actors: Vec<ActorConfig>,
    /// Directed runs.
    pub holds: Vec<Hold>,
    /// Byte ranges whose final contents are counted.
    pub observe: Vec<FileRange>,
    /// Actors whose calls' answers are counted with them, by their places in [`Config::actors`].
    pub heard: Vec<usize>,
    /// Mappings of one actor that may go stale before the run is given up ([`DEFAULT_RETRIES`]).
    pub retries: u32,
    /// Evictions before the run is given up.
    pub evictions: Option<u32>,
    /// What is judged where direct and buffered writes meet.
    pub mixed_io: MixedIo,
    /// What is judged of stores behind end of file.
    pub post_eof: PostEof,
    /// The memory.
    pub memory: MemoryModel,
    /// In relaxed memory, what orders it.
    pub orderings: Orderings,
}

impl Config {
    /// What reports call a file: only where there are several need it be said which one is meant.
    pub fn label(&self, file: FileId) -> Option<&str> {
        self.files.get(usize::from(file)).filter(|_| self.files.len() > 1).map(String::as_str)
    }

    /// The first actor that goes on for ever.
    pub fn endless(&self) -> Option<&ActorConfig> {
        self.actors.iter().find(|actor| actor.repeats == Repeats::Forever)
    }

    /// Whether some actor goes on for ever.
    pub fn is_endless(&self) -> bool {
        self.endless().is_some()
    }

    /// Whether some actor speaks of a crash: then every state is judged by what one would leave.
    pub fn judges_crashes(&self) -> bool {
        let crashes = |call: &FileCommand| call.command.stops();
        self.actors.iter().flat_map(|actor| &actor.run).any(crashes)
    }

    /// The cache of the device that an actor may make lose what it has. A shutdown does not: what the device has completed stays.
    pub fn device_cache(&self) -> DeviceCache {
        let loses_power = |call: &FileCommand| call.command.loses_power();
        let any = self.actors.iter().flat_map(|actor| &actor.run).any(loses_power);
        if any { self.fs.device_cache() } else { DeviceCache::Absent }
    }

    /// Whether a sync(2) forces the log alone, so that what the device has in its cache survives if it was complete at the last commit.
    pub fn forces_log_alone(&self) -> bool {
        let syncs = |call: &FileCommand| call.command.syncs_all();
        self.device_cache() == DeviceCache::Flushed
            && self.fs.sync_fs() == SyncFs::Log
            && self.actors.iter().flat_map(|actor| &actor.run).any(syncs)
    }

    /// Whether an actor's syncfs(2) asks whether writeback of any file has failed.
    pub fn asks_superblock(&self) -> bool {
        let asks = |call: &FileCommand| call.command == Command::Syncfs;
        self.fs.io_errors() && self.actors.iter().flat_map(|actor| &actor.run).any(asks)
    }

    /// Whether device blocks may become free, or change hands, while others run.
    pub fn frees_blocks(&self) -> bool {
        let undone = self.fs.write_end() == WriteEnd::TruncateAndFree;
        let frees = |command: &Command| command.moves_blocks() || undone && command.fault().is_some();
        self.actors.iter().flat_map(|actor| &actor.run).any(|call| frees(&call.command))
    }

    /// Whether a block that was freed can be taken again only when the log has been flushed. Where no actor frees any,
    /// nobody can tell.
    pub fn defers_freed(&self) -> bool {
        let undone = self.fs.write_end() == WriteEnd::TruncateAndFree && self.fs.alloc_errors();
        self.fs.freed() == Freed::WithTheLog && (undone || self.frees_blocks())
    }

    /// The end of the bytes that the commands can bring into a file or touch in it.
    pub fn reach(&self) -> u64 {
        let actors = self.actors.iter().flat_map(|actor| &actor.run);
        let commands = || self.setup.iter().chain(actors.clone()).map(|call| &call.command);
        let furthest = commands().map(Command::reach).max().unwrap_or(0);
        // Whatever lies furthest may be moved up by every insertion, and shared with a file that has more.
        commands().map(Command::moves_up).fold(furthest, u64::saturating_add)
    }

    /// Whether a command lets blocks pass between a file and another one, or another place in it.
    pub fn passes_blocks(&self, file: FileId) -> bool {
        let passes = |call: &FileCommand| {
            call.command.passes_blocks().is_some_and(|other| other == file || call.file == file)
        };
        self.calls().any(passes)
    }

    /// Whether a file may share blocks: a command lets some pass, and some are shared.
    pub fn reflinks(&self, file: FileId) -> bool {
        self.passes_blocks(file) && self.calls().any(|call| call.command.shares_blocks())
    }

    /// Whether a crash may find a block in two files because two exchange their blocks, and some share theirs by right.
    pub fn judges_owners_of_clones(&self) -> bool {
        let has = |is: fn(&Command) -> bool| self.calls().any(|call| is(&call.command));
        self.judges_crashes() && has(Command::exchanges_blocks) && has(Command::shares_blocks)
    }

    /// Whether a command moves blocks to other places.
    pub fn relocates(&self) -> bool {
        self.calls().any(|call| call.command.relocates())
    }

    /// Whether the file system may shut down: an error of writeback makes it do so.
    pub fn may_shut_down(&self) -> bool {
        self.fs.io_errors()
            && self.fs.is_out_of_place()
            && self.fs.zoned_write_error() == ZonedWriteError::Shutdown
    }

    /// All commands, setup first, in the order in which writes are numbered.
    fn calls(&self) -> impl Iterator<Item = &FileCommand> {
        self.setup.iter().chain(self.actors.iter().flat_map(|actor| &actor.run))
    }

    /// Whether somebody stores into a file through a mapping.
    pub fn stores_through_mappings(&self, file: FileId) -> bool {
        self.calls().any(|call| call.file == file && call.command.stores_through_mapping())
    }

    /// Whether somebody preallocates blocks of a file, which XFS remembers of it (XFS_DIFLAG_PREALLOC).
    pub fn preallocates(&self, file: FileId) -> bool {
        self.calls().any(|call| call.file == file && call.command.preallocates())
    }

    /// Whether somebody unshares blocks of a file.
    pub fn unshares(&self, file: FileId) -> bool {
        self.calls().any(|call| call.file == file && call.command.unshares())
    }

    /// Whether blocks of a file are handed out to clients.
    pub fn hands_out(&self, file: FileId) -> bool {
        self.calls().any(|call| call.file == file && call.command.hands_out())
    }

    /// Whether the data of a file begin, or cease, to be journalled by a command.
    pub fn sets_data_mode(&self, file: FileId) -> bool {
        self.calls().any(|call| call.file == file && call.command.sets_data_mode())
    }

    /// Whether anybody does direct I/O on a file.
    pub fn does_direct_io(&self, file: FileId) -> bool {
        self.calls().any(|call| call.file == file && call.command.io().is_some_and(|io| io != Io::Buffered))
    }

    /// Whether anybody writes to a file past the page cache.
    pub fn writes_directly(&self, file: FileId) -> bool {
        let direct =
            |command: &Command| command.writes() && command.io().is_some_and(|io| io != Io::Buffered);
        self.calls().any(|call| call.file == file && direct(&call.command))
    }

    /// Whether an actor syncs a file.
    pub fn syncs(&self, file: FileId) -> bool {
        let calls = self.actors.iter().flat_map(|actor| &actor.run);
        calls.filter(|call| call.file == file).any(|call| call.command.syncs())
    }

    /// Whether direct writes to a file are in flight when they have let i_rwsem go: they raise the size without it.
    pub fn grows_in_flight(&self, file: FileId) -> bool {
        let grows = |command: &Command| command.writes() && self.has_worker(command);
        self.calls().any(|call| call.file == file && grows(&call.command))
    }

    /// Whether a device stores into pages of a file.
    pub fn pins_pages(&self, file: FileId) -> bool {
        self.calls().any(|call| call.file == file && call.command.pins_pages())
    }

    /// Whether somebody asks where a file has data.
    pub fn searches(&self, file: FileId) -> bool {
        self.calls().any(|call| call.file == file && call.command.searches())
    }

    /// Whether blocks of a file are moved.
    pub fn moves_blocks(&self, file: FileId) -> bool {
        self.calls().any(|call| call.file == file && call.command.relocates())
    }

    /// Whether a command has a worker of its own that completes it: one that is submitted and not waited for, and a direct write
    /// that is waited for no longer than until its data are on the device.
    pub fn has_worker(&self, command: &Command) -> bool {
        match command.io() {
            Some(Io::Aio) => true,
            Some(Io::Direct) => command.writes() && self.design.dio_ack() == DioAck::BeforeEndIo,
            Some(Io::Buffered) | None => false,
        }
    }

    /// How many commands have a worker.
    pub fn workers(&self) -> usize {
        self.calls().filter(|call| self.has_worker(&call.command)).count()
    }

    /// The memory that writes take their data from while others store there.
    pub fn user_buffers(&self) -> Vec<UserBuffer> {
        let writes = || self.calls().filter(|call| call.command.writes()).zip(1..);
        let stored = |to: BufferId| {
            let into = |(call, id): (&FileCommand, WriteId)| {
                let Command::BufferStore { buffer, .. } = call.command else { return None };
                (buffer == to).then_some(id)
            };
            writes().filter_map(into).collect()
        };
        let buffer = |(call, write): (&FileCommand, WriteId)| {
            let Command::Pwrite { range, buffer: Some(id), io, .. } = &call.command else { return None };
            let name = self.buffers.get(usize::from(*id)).cloned().unwrap_or_default();
            Some(UserBuffer { id: *id, name, write, range: range.clone(), stores: stored(*id), io: *io })
        };
        writes().filter_map(buffer).collect()
    }

    /// The writes that are direct, as a set, if those that meet others are not judged.
    pub fn exempted(&self) -> Option<u64> {
        let writes = self.calls().filter(|call| call.command.writes());
        let direct =
            writes.zip(1..).filter(|(call, _)| call.command.io().is_some_and(|io| io != Io::Buffered));
        let set = direct.fold(0, |set, (_, id): (_, WriteId)| set | 1 << id);
        // What a direct write finds in its buffer it writes as its own.
        let buffers = self.user_buffers().into_iter().filter(|buffer| buffer.io != Io::Buffered);
        let set = buffers.flat_map(|buffer| buffer.stores).fold(set, |set, id| set | 1 << id);
        (self.mixed_io == MixedIo::Exempt).then_some(set)
    }

    /// The cut of the files: all are cut alike, wherever a command cuts one of them.
    pub fn geometry(&self) -> Result<Geometry, GeometryError> {
        let lists = || std::iter::once(&self.setup).chain(self.actors.iter().map(|actor| &actor.run));
        let commands = || lists().flatten().map(|call| &call.command);
        let holds = self.holds.iter().map(|hold| hold.at);
        let observed = self.observe.iter().flat_map(|observed| [observed.range.start, observed.range.end]);
        let reach = holds.fold(self.reach(), u64::max);
        let faults = lists().flat_map(|list| Command::fault_cuts(list.iter().map(|call| &call.command)));
        let cuts = commands().flat_map(Command::cuts).chain(observed).chain(faults);
        // Contents are kept by cells of the block on the device, and who moves a block moves its cells.
        let moves = commands().any(Command::moves_blocks) || self.fs.is_out_of_place();
        if self.files.len() > 1 || moves {
            Geometry::uniform(self.block, self.folio, reach.max(1), cuts)
        } else {
            Geometry::new(self.block, self.folio, reach.max(1), cuts)
        }
    }
}
