//! A task: an actor that runs commands, one after the other.
//!
//! Which parts of a command lead into a path, and where it begins, is for the paths to say ([`Path`]); here are the list
//! of paths, and those that each command can lead into.

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Backend, Call, Returned};

use crate::actors::ActorState;
use crate::copy::CopyState;
use crate::direct_io::DioState;
use crate::direct_io::complete::Getevents;
use crate::direct_io::read::DirectReadState;
use crate::exchange::ExchangeState;
use crate::fallocate::ChangeState;
use crate::fiemap::FiemapState;
use crate::fsync::FsyncState;
use crate::fsync::shutdown::ShutdownState;
use crate::iomap::write_state::WriteState;
use crate::layout::LayoutState;
use crate::mmap::state::MmapState;
use crate::mmap::zap::Zap;
use crate::path::{Ended, Part, Path};
use crate::read::ReadState;
use crate::reclaim::Invalidate;
use crate::redirty::RedirtyState;
use crate::reflink::{CowExtentSize, ReflinkState};
use crate::relocate::RelocateState;
use crate::seek::SeekState;
use crate::state::directed_run;
use crate::state::event::{Errno, What};
use crate::state::inode::Inode;
use crate::state::world::World;
use crate::sync::SyncState;
use crate::system::umount;
use crate::user_buffer::BufferStore;
use crate::valid_size::{MmapFile, VmaClose};
use crate::words::command::Command;
use crate::words::config::{FileCommand, Repeats};
use crate::words::program::Program;
use crate::writeback::flusher::FlusherState;
use crate::writeback::sync_range::SyncRangeState;

/// Where a task stands: which command, and where in it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TaskState {
    command: u16,
    /// Which part of it.
    part: u16,
    at: At,
}

/// Lists the paths that a command can be in, each by its state.
macro_rules! paths {
    ($($path:ident($state:ty),)*) => {
        /// Where in a command a task stands.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        enum At {
            /// Waiting for directed runs to reach their holds.
            Held,
            /// Between two parts.
            Next,
            /// Before a call that begins looks whether the file system has shut down.
            Look(Box<At>),
            $($path($state),)*
        }

        $(impl From<$state> for At {
            fn from(state: $state) -> Self {
                At::$path(state)
            }
        })*

        /// One step inside a part.
        async fn go_on<B: Backend>(
            w: &World<B>,
            inode: &Inode<B>,
            me: ActorId,
            at: At,
        ) -> ControlFlow<Over, At> {
            match at {
                At::Held | At::Next => ControlFlow::Break(Over { gives_up: false, returned: Returned::Success }),
                At::Look(_) if w.sb.is_shutdown().await => {
                    inode.emit(|| What::Failed(Errno::Io));
                    ControlFlow::Break(Over { gives_up: true, returned: Returned::Error })
                }
                At::Look(at) => ControlFlow::Continue(*at),
                $(At::$path(state) => match Path::step(state, w, inode, me).await {
                    ControlFlow::Continue(state) => ControlFlow::Continue(At::$path(state)),
                    ControlFlow::Break(ended) => {
                        ControlFlow::Break(Over { gives_up: ended.gives_up(), returned: ended.returned() })
                    }
                },)*
            }
        }
    };
}

paths! {
    Write(WriteState),
    Read(ReadState),
    DirectWrite(DioState),
    DirectRead(DirectReadState),
    Seek(SeekState),
    Copy(CopyState),
    Fiemap(FiemapState),
    Getevents(Getevents),
    Mmap(MmapState),
    MmapFile(MmapFile),
    VmaClose(VmaClose),
    Zap(Zap),
    Fsync(FsyncState),
    Sync(SyncState),
    Shutdown(ShutdownState),
    SyncRange(SyncRangeState),
    Flusher(FlusherState),
    Change(ChangeState),
    Reflink(ReflinkState),
    Exchange(ExchangeState),
    Relocate(RelocateState),
    Layout(LayoutState),
    Redirty(RedirtyState),
    BufferStore(BufferStore),
    CowExtentSize(CowExtentSize),
    Invalidate(Invalidate),
    Actor(ActorState),
}

/// Where a part of a command begins; `None` when there is no such part.
///
/// A command that is a state of its task alone, or one that the scenario was read with, leads nowhere.
fn begin<B: Backend>(part: &Part<'_, B>) -> Progress {
    match part.command() {
        Command::Pwrite { .. } => at::<WriteState, B>(part)
            .or_else(|| at::<DioState, B>(part))
            .or_else(|| at::<FsyncState, B>(part)),
        Command::Pread { .. } => at::<ReadState, B>(part).or_else(|| at::<DirectReadState, B>(part)),
        Command::Seek { .. } => at::<SeekState, B>(part),
        Command::Fiemap { .. } => at::<FiemapState, B>(part),
        Command::CopySparse => at::<CopyState, B>(part),
        Command::Wait => at::<Getevents, B>(part),
        Command::Mread { .. } | Command::Mwrite { .. } | Command::Dma { .. } => at::<MmapState, B>(part),
        Command::Munmap | Command::MadviseDontneed { .. } => {
            at::<Zap, B>(part).or_else(|| at::<VmaClose, B>(part))
        }
        Command::Msync { .. } | Command::Fsync | Command::Fdatasync => at::<FsyncState, B>(part),
        Command::Sync | Command::Syncfs => at::<SyncState, B>(part),
        Command::SyncRange { .. } => at::<SyncRangeState, B>(part),
        Command::Flusher => at::<FlusherState, B>(part),
        Command::Truncate { .. }
        | Command::Falloc { .. }
        | Command::Fpunch { .. }
        | Command::Fzero { .. }
        | Command::Fcollapse { .. }
        | Command::Finsert { .. }
        | Command::Funshare { .. }
        | Command::Chattr { .. } => at::<ChangeState, B>(part),
        Command::Reflink { .. } => at::<ReflinkState, B>(part),
        Command::Exchange { .. } => at::<ExchangeState, B>(part),
        Command::Relocate { .. } => at::<RelocateState, B>(part),
        Command::Layoutget { .. }
        | Command::Layoutwrite { .. }
        | Command::Layoutcommit
        | Command::Layoutreturn => at::<LayoutState, B>(part),
        Command::BufferStore { .. } => at::<BufferStore, B>(part),
        Command::Redirty { .. } => at::<RedirtyState, B>(part),
        Command::Cowextsize { .. } => at::<CowExtentSize, B>(part),
        Command::Shutdown { .. } => at::<ShutdownState, B>(part),
        Command::FadviseDontneed { .. } => at::<Invalidate, B>(part),
        Command::Extension { .. } => at::<ActorState, B>(part),
        Command::Mmap { .. } => at::<MmapFile, B>(part),
        Command::Crash | Command::Fail { .. } | Command::Short { .. } | Command::Kill { .. } => None,
    }
}

/// Where a path begins, if the part leads into it.
fn at<P: Path + Into<At>, B: Backend>(part: &Part<'_, B>) -> Progress {
    P::begin(part).map(Into::into)
}

impl TaskState {
    /// Before the first command.
    pub fn start(waits: bool) -> Self {
        TaskState { command: 0, part: 0, at: if waits { At::Held } else { At::Next } }
    }

    /// The number of the command, from 0.
    pub fn command(&self) -> usize {
        usize::from(self.command)
    }
}

/// Whether a call looks when it begins whether the file system has shut down: `xfs_file_write_iter`, `xfs_file_read_iter`,
/// `xfs_file_llseek`, `xfs_vn_change_ok`, `xfs_exchange_contents`, `xfs_zone_gc_can_start_chunk`, and who needs a transaction or
/// `->iomap_begin` before all else (7.3). fsync(2) looks when it has waited; what writes back, at its submission; a mapping never.
fn looks_at_shutdown(at: &At) -> bool {
    match at {
        At::Write(_)
        | At::Read(_)
        | At::DirectWrite(_)
        | At::DirectRead(_)
        | At::Seek(_)
        | At::Copy(_)
        | At::Fiemap(_)
        | At::Change(_)
        | At::Exchange(_)
        | At::Relocate(_) => true,
        At::Held
        | At::Next
        | At::Look(_)
        | At::Getevents(_)
        | At::Mmap(_)
        | At::MmapFile(_)
        | At::VmaClose(_)
        | At::Zap(_)
        | At::Fsync(_)
        | At::Sync(_)
        | At::Shutdown(_)
        | At::SyncRange(_)
        | At::Flusher(_)
        | At::Reflink(_)
        | At::Layout(_)
        | At::Redirty(_)
        | At::CowExtentSize(_)
        | At::Invalidate(_)
        | At::BufferStore(_)
        | At::Actor(_) => false,
    }
}

/// What stands still in one run and goes on in the next: `Some(at)` is more of this part.
type Progress = Option<At>;

/// How a part was over: whether its command is given up, and what its call returned.
struct Over {
    gives_up: bool,
    returned: Returned,
}

/// One step of a task.
pub async fn step<B: Backend>(
    w: &World<B>,
    me: ActorId,
    program: &Program,
    state: TaskState,
) -> ControlFlow<(), TaskState> {
    let TaskState { command, part, at } = state;
    if matches!(at, At::Held) {
        directed_run::wait_for_holds(&w.sb).await;
        return ControlFlow::Continue(TaskState { command, part, at: At::Next });
    }
    let again = program.repeats == Repeats::Forever && usize::from(command) == program.commands.len();
    let command = if again { 0 } else { command };
    let Some(FileCommand { file, command: call, .. }) = program.commands.get(usize::from(command)) else {
        directed_run::finished(&w.sb, me);
        return ControlFlow::Break(());
    };
    let inode = &w.inodes[usize::from(*file)];
    let next_command = TaskState { command: command + 1, part: 0, at: At::Next };
    ControlFlow::Continue(if matches!(at, At::Next) {
        match begin(&Part { me, inode, program, command, number: part }) {
            Some(at) if w.sb.config.may_shut_down() && looks_at_shutdown(&at) => {
                TaskState { command, part, at: At::Look(Box::new(at)) }
            }
            Some(at) => TaskState { command, part, at },
            None => next_command,
        }
    } else {
        let looks = matches!(at, At::Look(_));
        match go_on(w, inode, me, at).await {
            ControlFlow::Continue(at) => TaskState { command, part, at },
            ControlFlow::Break(Over { gives_up, returned }) => {
                if looks && call.may_answer() {
                    w.sb.answers.refused(me, Errno::Io);
                }
                inode.emit(|| What::Returned(command, returned));
                w.sb.backend.returned(Call { actor: me, command, number: part }, returned);
                // xfs_io gives a command up at the first short or failed call.
                if gives_up { next_command } else { TaskState { command, part: part + 1, at: At::Next } }
            }
        }
    })
}

/// Where the epilogue stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct UmountState(u8, Option<Box<TaskState>>);

impl UmountState {
    /// Before anything is judged.
    pub fn start() -> Self {
        UmountState(0, None)
    }
}

/// One step of the epilogue: judge the cache, fsync, judge the disk.
pub async fn umount_step<B: Backend>(
    w: &World<B>,
    me: ActorId,
    fsync: &Program,
    state: UmountState,
) -> ControlFlow<(), UmountState> {
    match state {
        UmountState(0, _) => {
            for inode in &w.inodes {
                umount::judge_cache(inode, me).await;
            }
            ControlFlow::Continue(UmountState(1, Some(Box::new(TaskState::start(false)))))
        }
        UmountState(1, Some(inner)) => ControlFlow::Continue(match step(w, me, fsync, *inner).await {
            ControlFlow::Continue(inner) => UmountState(1, Some(Box::new(inner))),
            ControlFlow::Break(()) => UmountState(2, None),
        }),
        UmountState(..) => {
            for inode in &w.inodes {
                umount::judge_disk(inode, me).await;
            }
            umount::judge_space(w);
            ControlFlow::Break(())
        }
    }
}
