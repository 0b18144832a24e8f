//! The modelled inode with its actors, as one closed system for an engine.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZero;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use stalemap_facade::{ActorId, ActorSpec, Backend, Calls, MemoryModel, Picture, Role, System};

use crate::direct_io::complete::{self, WorkerState};
use crate::state::answers::Answer;
use crate::state::disk::on_disk;
use crate::state::inode::Inode;
use crate::state::mapping::IomapType;
use crate::state::owed::Step;
use crate::state::superblock::SuperBlock;
use crate::state::world::World;
use crate::system::gutter;
use crate::system::panel;
use crate::system::task::{self, TaskState, UmountState};
use crate::words::actor_names::{KWORKER, SETUP, UMOUNT, is_reserved, worker_name};
use crate::words::command::{Command, FileId, Io};
use crate::words::config::{ActorConfig, Config, FileCommand, FileRange};
use crate::words::design::{CookieScope, Design};
use crate::words::geometry::{Bytes, Geometry, GeometryError};
use crate::words::implementation::Implementation;
use crate::words::misfit::Misfit;
use crate::words::personality::{Allocate, FsType};
use crate::words::program::{Program, Worker};
use crate::words::value::{MAX_WRITES, Value};
use crate::writeback::completion::{self, CompletionState};

/// The most actors that a scenario may have, beside the model's own.
pub const MAX_ACTORS: usize = 12;

/// Why a configuration cannot be explored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// The file cannot be cut.
    Geometry(GeometryError),
    /// More writes than the oracle tells apart.
    TooManyWrites(usize),
    /// More actors than an engine takes.
    TooManyActors(usize),
    /// An actor goes on for ever, and counters are stamped on blocks.
    EndlessStamps {
        /// Its name.
        actor: String,
    },
    /// An actor has the name of another one, or of one of the model's own.
    ActorName(String),
    /// More actors and commands that are not waited for, each of which takes an actor more.
    TooManyAios {
        /// How many actors.
        actors: usize,
        /// How many commands.
        aios: usize,
    },
    /// Fields of the file system do not go together.
    Misfit(Misfit),
    /// Blocks of zones are to be moved.
    RelocatedZones,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Geometry(error) => error.fmt(f),
            ConfigError::TooManyWrites(n) => {
                write!(f, "{n} commands write; at most {MAX_WRITES} can be told apart")
            }
            ConfigError::TooManyActors(n) => write!(f, "{n} actors; at most {MAX_ACTORS} can be explored"),
            ConfigError::ActorName(name) => write!(f, "the name `{name}` belongs to another actor"),
            ConfigError::Misfit(misfit) => misfit.fmt(f),
            ConfigError::EndlessStamps { actor } => write!(
                f,
                "`{actor}` repeats for ever, which is modelled with `cookie = \"fork\"` alone; set that, or let it end"
            ),
            ConfigError::RelocatedZones => f.write_str("`@relocate` is not modelled with `zone_blocks`"),
            ConfigError::TooManyAios { actors, aios } => {
                let most = MAX_ACTORS + 1;
                write!(
                    f,
                    "{actors} actors and {aios} asynchronous commands; at most {most} together can be explored"
                )
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// A configuration made ready.
#[derive(Clone, Debug)]
pub struct Kernel {
    config: Config,
    geometry: Geometry,
    setup: Program,
    actors: Vec<Program>,
    fsync: Program,
    /// By file.
    size_changes: Vec<bool>,
    /// What each write number wrote, for reports.
    patterns: Vec<u8>,
    /// Whether a change of one file may change what a crash leaves of another: blocks may pass between them.
    crosses_files: bool,
}

/// Where an actor stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ActorState {
    /// One of the scenario's, or the setup.
    Task(TaskState),
    /// The kworker.
    Kworker(CompletionState),
    /// Completes asynchronous direct I/O.
    Dio(WorkerState),
    /// The epilogue.
    Umount(UmountState),
}

impl Kernel {
    /// Makes a configuration ready.
    pub fn new(mut config: Config) -> Result<Self, ConfigError> {
        if config.actors.len() > MAX_ACTORS {
            return Err(ConfigError::TooManyActors(config.actors.len()));
        }
        let taken = |(place, actor): &(usize, &ActorConfig)| {
            is_reserved(&actor.name) || config.actors[..*place].iter().any(|other| other.name == actor.name)
        };
        if let Some((_, actor)) = config.actors.iter().enumerate().find(taken) {
            return Err(ConfigError::ActorName(actor.name.clone()));
        }
        if let Some(actor) = config.endless().filter(|_| config.design.cookie() != CookieScope::Fork) {
            return Err(ConfigError::EndlessStamps { actor: actor.name.clone() });
        }
        let (actors, aios) = (config.actors.len(), config.workers());
        if aios > 0 && actors + aios > MAX_ACTORS + 1 {
            return Err(ConfigError::TooManyAios { actors, aios });
        }
        let geometry = config.geometry().map_err(ConfigError::Geometry)?;
        if let Some(misfit) = config.fs.unnoted().misfits(config.block).into_iter().next() {
            return Err(ConfigError::Misfit(misfit));
        }
        if config.fs.zone_blocks() > 0 && config.relocates() {
            return Err(ConfigError::RelocatedZones);
        }
        let calls = || config.setup.iter().chain(config.actors.iter().flat_map(|actor| &actor.run));
        let commands = || calls().map(|call| &call.command);
        let writes = commands().filter(|command| command.writes()).count();
        if writes > MAX_WRITES - 1 {
            return Err(ConfigError::TooManyWrites(writes));
        }
        let patterns = std::iter::once(0).chain(commands().filter_map(Command::pattern)).collect();
        let files = 0..config.files.len() as FileId;
        let size_changes = files.clone().map(|file| may_change_size(&config, file)).collect();
        let mut next = 1;
        // Workers come behind the kworker.
        let mut worker = Worker { number: 0, actor: actors + 2 };
        let setup = Program::new(&config, &config.setup, &mut next, &mut worker);
        let actors = config
            .actors
            .iter()
            .map(|actor| {
                let program = Program::new(&config, &actor.run, &mut next, &mut worker);
                Program { repeats: actor.repeats, ..program }
            })
            .collect();
        let fsync: Vec<_> = files.map(|file| FileCommand::new(file, Command::Fsync)).collect();
        let fsync = Program::new(&config, &fsync, &mut next, &mut worker);
        // A block may also come to the other file when this one has freed it.
        let crosses_files = config.judges_crashes() && config.files.len() > 1;
        let design = with_batches(config.design.unnoted(), &geometry);
        *config.design.unnoted_mut() = design;
        Ok(Kernel { config, geometry, setup, actors, fsync, size_changes, patterns, crosses_files })
    }

    /// Whether all that has been found of this system so far is found with another design and file system in their places, too:
    /// they answer alike all that was asked when this one was made ready and since.
    pub fn finds_alike(&self, other: &Implementation) -> bool {
        let Config { design, fs, block, .. } = &self.config;
        // What does not go together is looked for in all fields, and notes none.
        design.answers_alike(&with_batches(&other.design, &self.geometry))
            && fs.answers_alike(&other.fs)
            && other.fs.misfits(*block).is_empty()
    }

    /// The cut of the file.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The commands of the setup that failed and were not meant to, by their places in it.
    pub fn failed_setup(&self, calls: &Calls) -> BTreeSet<usize> {
        let of_setup = calls.failed().filter(|call| call.actor == 0);
        let commands = of_setup.map(|call| usize::from(call.command));
        commands.filter(|command| !self.setup.may_fail(*command)).collect()
    }

    /// The commands of actors with a call that failed in some run, succeeded in none, and was not meant to fail. Each is
    /// given by the actor's place in the scenario and its own in what the actor does.
    pub fn never_succeeded(&self, calls: &Calls) -> BTreeSet<(usize, usize)> {
        let commands = calls.never_succeeded().filter_map(|call| {
            let actor = call.actor.checked_sub(1)?;
            let command = usize::from(call.command);
            (!self.actors.get(actor)?.may_fail(command)).then_some((actor, command))
        });
        commands.collect()
    }

    fn kworker(&self) -> ActorId {
        self.actors.len() + 1
    }

    /// A value in the words of the scenario: the pattern byte that was written.
    fn show(&self, value: Value) -> String {
        match value.write() {
            Some(id) => format!("{:02x}", self.patterns.get(usize::from(id)).copied().unwrap_or(0)),
            None => "~~".to_owned(),
        }
    }

    /// What the calls of an actor returned: `reader:0=57 00;`.
    fn answers<B: Backend>(&self, w: &World<B>, actor: usize) -> Vec<String> {
        let name = self.config.actors.get(actor).map_or("", |actor| actor.name.as_str());
        let said = |answer: Answer| match answer {
            Answer::Read(cells) if cells.is_empty() => "nothing".to_owned(),
            Answer::Read(cells) => {
                cells.into_values().map(|value| self.show(value)).collect::<Vec<_>>().join(" ")
            }
            Answer::Map(found) => {
                let show = |(cells, kind): (Range<_>, IomapType)| {
                    format!("{kind} {}", self.geometry.show_cells(&cells))
                };
                found.into_iter().map(show).collect::<Vec<_>>().join(", ")
            }
            Answer::Failed(error) => error.name().to_owned(),
            Answer::Seek(None) => "ENXIO".to_owned(),
            Answer::Seek(Some(cell)) => Bytes(self.geometry.byte_at(cell)).to_string(),
        };
        let answers = w.sb.answers.of(actor + 1).into_iter().enumerate();
        answers.map(|(call, answer)| format!("{name}:{call}={};", said(answer))).collect()
    }

    fn contents<B: Backend>(&self, inode: &Inode<B>, range: &Range<u64>) -> String {
        let cells = self.geometry.cells_of_bytes(range);
        let size = inode.i_size_newest();
        let values: Vec<String> = cells
            .map(|cell| if cell < size { self.show(on_disk(inode, cell)) } else { "--".to_owned() })
            .collect();
        values.join(" ")
    }
}

/// A design whose batches of writeback are no larger than a file: whatever is larger is one batch, too.
fn with_batches(design: &Design, geometry: &Geometry) -> Design {
    let folios = NonZero::new(geometry.folios()).unwrap_or(NonZero::<u16>::MIN);
    Design { writeback_batch: design.writeback_batch.min(folios), ..design.clone() }
}

/// Whether a file's i_size may change once the setup is over. A static file has its size for good.
fn may_change_size(config: &Config, file: FileId) -> bool {
    if config.fs.allocate() == Allocate::Static {
        return false;
    }
    let of_file = |calls: &'_ [FileCommand]| -> Vec<Command> {
        calls.iter().filter(|call| call.file == file).map(|call| call.command.clone()).collect()
    };
    let setup = of_file(&config.setup);
    let before = setup.iter().fold(0, |size, command| command.size_after(size));
    let fails = |command: &Command| command.fault().is_some_and(|fault| fault.kind.ends_write());
    // A setup command that fails may leave another size; then nothing is assumed.
    let uncertain = config.fs.free_blocks().is_some()
        || config.setup.iter().any(|call| call.may_fail || fails(&call.command))
        || leaves_growth_in_flight(&setup);
    let changes =
        |command: Command| command.size_after(before) != before || punch_raises(config, &command, before);
    uncertain || config.actors.iter().flat_map(|actor| of_file(&actor.run)).any(changes)
}

/// Whether direct I/O that was submitted makes a file grow whenever it completes.
fn leaves_growth_in_flight(setup: &[Command]) -> bool {
    let mut size = 0;
    setup.iter().any(|command| {
        let before = size;
        size = command.size_after(before);
        size > before && command.io() == Some(Io::Aio)
    })
}

/// Whether a punch makes a file of this size grow: one of gfs2 zeroes its ends wherever they are, and zeroing raises i_size
/// (`__gfs2_punch_hole`, 6.1.192).
fn punch_raises(config: &Config, command: &Command, size: u64) -> bool {
    let Command::Fpunch { range } = command else { return false };
    range.end > size && config.fs.fs_type() == FsType::Gfs2 && config.design.zero_raises_size()
}

impl System for Kernel {
    type World<B: Backend> = World<B>;
    type State = ActorState;

    fn world<B: Backend>(&self, backend: &B) -> World<B> {
        let sb = Arc::new(SuperBlock::new(backend, &self.config, &self.geometry, &self.patterns));
        let inode = |(file, size_changes): (usize, &bool)| {
            Inode::new(
                backend,
                &sb,
                file as FileId,
                self.actors.len() + self.config.workers() + 3,
                *size_changes,
            )
        };
        World { inodes: self.size_changes.iter().enumerate().map(inode).collect(), sb: Arc::clone(&sb) }
    }

    fn memory(&self) -> MemoryModel {
        self.config.memory
    }

    fn actors(&self) -> Vec<ActorSpec> {
        let spec = |name: &str, role: Role| ActorSpec { name: name.to_owned(), role };
        let main = self.config.actors.iter().map(|actor| spec(&actor.name, Role::Main));
        let setup = std::iter::once(spec(SETUP, Role::Setup));
        let workers = (1..=self.config.workers()).map(|number| spec(&worker_name(number), Role::Daemon));
        let kworker = std::iter::once(spec(KWORKER, Role::Daemon));
        setup.chain(main).chain(kworker).chain(workers).chain([spec(UMOUNT, Role::Epilogue)]).collect()
    }

    fn start(&self, actor: ActorId) -> ActorState {
        let kworker = self.kworker();
        if actor == kworker {
            return ActorState::Kworker(CompletionState::Idle);
        }
        if actor > kworker && actor <= kworker + self.config.workers() {
            return ActorState::Dio(WorkerState::Idle);
        }
        if actor > kworker {
            return ActorState::Umount(UmountState::start());
        }
        let held = self.config.holds.iter().any(|hold| hold.actor + 1 == actor);
        ActorState::Task(TaskState::start(actor > 0 && !self.config.holds.is_empty() && !held))
    }

    fn command(&self, state: &ActorState) -> Option<usize> {
        match state {
            ActorState::Task(state) => Some(state.command()),
            _ => None,
        }
    }

    async fn step<B: Backend>(
        &self,
        w: &World<B>,
        me: ActorId,
        state: ActorState,
    ) -> ControlFlow<(), ActorState> {
        let step = Step::begin();
        let next = match state {
            ActorState::Task(state) => {
                let program = if me == 0 { &self.setup } else { &self.actors[me - 1] };
                wrap(task::step(w, me, program, state).await, ActorState::Task)
            }
            ActorState::Kworker(state) => wrap(completion::step(w, me, state).await, ActorState::Kworker),
            ActorState::Dio(state) => {
                let worker = (me - self.kworker() - 1) as u8;
                wrap(complete::worker_step(w, worker, state).await, ActorState::Dio)
            }
            ActorState::Umount(state) => {
                wrap(task::umount_step(w, me, &self.fsync, state).await, ActorState::Umount)
            }
        };
        let ends_setup = me == 0 && next.is_break();
        if ends_setup {
            w.sb.end_setup();
        }
        if ends_setup || self.crosses_files {
            w.inodes.iter().for_each(Inode::audit_crash);
        }
        step.end();
        next
    }

    fn observe<B: Backend>(&self, w: &World<B>) -> Option<String> {
        if self.config.observe.is_empty() && self.config.heard.is_empty() {
            return None;
        }
        let show = |observed: &FileRange| {
            let cells = self.geometry.show_cells(&self.geometry.cells_of_bytes(&observed.range));
            let inode = &w.inodes[usize::from(observed.file)];
            let named = self.config.files.len() > 1;
            let name = if named {
                format!("[{}] ", self.config.files[usize::from(observed.file)])
            } else {
                String::new()
            };
            format!("{name}{cells}={};", self.contents(inode, &observed.range))
        };
        let ranges = self.config.observe.iter().map(show);
        let calls = self.config.heard.iter().flat_map(|actor| self.answers(w, *actor));
        Some(ranges.chain(calls).collect::<Vec<_>>().join(" "))
    }

    fn picture<B: Backend>(&self, w: &World<B>) -> Picture {
        Picture::new(panel::panels(w, &self.config))
    }

    fn gutter<B: Backend>(&self, w: &World<B>) -> Vec<(String, String)> {
        gutter::columns(w, &self.config)
    }
}

fn wrap<S>(flow: ControlFlow<(), S>, to: impl FnOnce(S) -> ActorState) -> ControlFlow<(), ActorState> {
    match flow {
        ControlFlow::Continue(state) => ControlFlow::Continue(to(state)),
        ControlFlow::Break(()) => ControlFlow::Break(()),
    }
}
