//! A task: an actor that runs commands, one after the other.

use std::ops::{ControlFlow, Range};

use crate::backend::{ActorId, Atomic, Backend, Op, Ordering};
use crate::change::{self, Change, ChangeState};
use crate::command::{Command, Io, Then};
use crate::config::FileCommand;
use crate::dio::{self, DioState};
use crate::dio_complete;
use crate::dio_read::{self, DirectReadState, Reader};
use crate::event::Branch;
use crate::geometry::FolioIndex;
use crate::hold;
use crate::inode::Inode;
use crate::iomap::{self, Written};
use crate::mmap::{self, Access, MmapState};
use crate::read::{self, ReadState};
use crate::reclaim;
use crate::reflink::{self, ReflinkState, Remap};
use crate::umount;
use crate::unshare::{self, UnshareState};
use crate::value::WriteId;
use crate::world::World;
use crate::write_state::{Write, WriteState};
use crate::writeback::{self, SyncMode, WritebackState};

/// A task's program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// The commands, each with its file.
    pub commands: Vec<FileCommand>,
    /// The number of each command's write; 0 for those that write nothing.
    pub writes: Vec<WriteId>,
    /// Who completes each command that is not waited for.
    pub workers: Vec<Option<Worker>>,
}

/// Who completes the I/O of one command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Worker {
    /// Its place in [`SuperBlock::aio`](crate::superblock::SuperBlock).
    pub number: u8,
    /// The actor.
    pub actor: ActorId,
}

impl Program {
    /// Numbers the writes of `commands` from `next` on, and moves it; likewise the workers.
    pub fn new(commands: &[FileCommand], next: &mut u16, next_worker: &mut Worker) -> Self {
        let assign = |call: &FileCommand| {
            let worker = *next_worker;
            (call.command.io() == Some(Io::Aio)).then(|| {
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
        Program { writes: commands.iter().map(number).collect(), commands: commands.to_vec(), workers }
    }
}

/// Where a task stands: which command, and where in it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TaskState {
    command: u16,
    /// Which of several calls that the command makes.
    call: u16,
    at: At,
}

/// A folio-by-folio walk.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Walk {
    kind: WalkKind,
    folios: Range<FolioIndex>,
}

/// What is done with each folio.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum WalkKind {
    Shrink,
    Invalidate,
    Zap,
    WaitBefore,
    WaitAfter,
}

/// What an fsync(2) does where a crash is judged, beside writing back.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum SyncPart {
    /// Before an fsync(2) that a crash may follow.
    Begin(Range<FolioIndex>),
    /// At the end of it, or before a shutdown.
    LogForce,
    /// At the end of an fsync(2) where writeback may fail.
    CheckError,
}

/// How a path ended.
trait Ended {
    /// Whether the command is given up, as xfs_io does at the first short or failed call.
    fn gives_up(&self) -> bool;
}

impl Ended for () {
    fn gives_up(&self) -> bool {
        false
    }
}

impl Ended for Written {
    fn gives_up(&self) -> bool {
        !self.full
    }
}

/// Lists the paths that a command can be in, each with its state and its step.
macro_rules! paths {
    ($w:ident, $inode:ident, $me:ident; $($path:ident($state:ty): |$at:ident| $step:expr,)*) => {
        /// Where in a command a task stands.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        enum At {
            /// Waiting for directed runs to reach their holds.
            Held,
            /// Between two commands.
            Next,
            $($path($state),)*
        }

        /// One step inside a call. The call goes on, or it is over, and whether its command is given up.
        async fn go_on<B: Backend>(
            $w: &World<B>,
            $inode: &Inode<B>,
            $me: ActorId,
            at: At,
        ) -> (Progress, bool) {
            match at {
                At::Held | At::Next => (None, false),
                $(At::$path($at) => match $step {
                    ControlFlow::Continue(state) => (Some(At::$path(state)), false),
                    ControlFlow::Break(ended) => (None, ended.gives_up()),
                },)*
            }
        }
    };
}

paths! { w, inode, me;
    Write(WriteState): |state| iomap::step(inode, me, state).await,
    Read(ReadState): |state| read::step(inode, me, state).await,
    DirectWrite(DioState): |state| dio::step(inode, me, state).await,
    DirectRead(DirectReadState): |state| dio_read::step(inode, me, state).await,
    // Waiting for what a worker completes.
    Getevents(u8): |worker| {
        dio_complete::wait(w, worker).await;
        ControlFlow::Break(())
    },
    Mmap(MmapState): |state| mmap::step(inode, me, state).await,
    Change(ChangeState): |state| change::step(inode, me, state).await,
    Reflink(ReflinkState): |state| reflink::step(w, me, state).await,
    Unshare(UnshareState): |state| unshare::step(inode, me, state).await,
    CowExtentSize(u16): |blocks| {
        set_cow_extent_size(inode, blocks).await;
        ControlFlow::Break(())
    },
    Writeback(WritebackState): |state| writeback::step(inode, me, state).await,
    Sync(SyncPart): |part| {
        sync_part(inode, me, part).await;
        ControlFlow::Break(())
    },
    Walk(Walk): |walk| walk_step(inode, me, walk).await,
}

impl TaskState {
    /// Before the first command.
    pub fn start(waits: bool) -> Self {
        TaskState { command: 0, call: 0, at: if waits { At::Held } else { At::Next } }
    }
}

/// What stands still in one run and goes on in the next: `Some(at)` is more of this command.
type Progress = Option<At>;

/// One step of a task.
pub async fn step<B: Backend>(
    w: &World<B>,
    me: ActorId,
    program: &Program,
    state: TaskState,
) -> ControlFlow<(), TaskState> {
    let TaskState { command: number, call, at } = state;
    if matches!(at, At::Held) {
        hold::wait_for_holds(&w.sb).await;
        return ControlFlow::Continue(TaskState { command: number, call, at: At::Next });
    }
    let Some(FileCommand { file, command }) = program.commands.get(usize::from(number)) else {
        hold::finished(&w.sb, me);
        return ControlFlow::Break(());
    };
    let inode = &w.inodes[usize::from(*file)];
    if matches!(at, At::Next) {
        let modifiers = program.commands[..usize::from(number)].iter().rev().map(|call| &call.command);
        let modifiers =
            modifiers.take_while(|command| matches!(command, Command::Fail { .. } | Command::Short { .. }));
        let write = program.writes[usize::from(number)];
        let worker = program.workers[usize::from(number)];
        let progress = match command {
            // All that was submitted before.
            Command::Wait => {
                let submitted = program.workers[..usize::from(number)].iter().flatten();
                submitted.map(|worker| At::Getevents(worker.number)).nth(usize::from(call))
            }
            Command::Pread { range, chunk, io: Io::Direct | Io::Aio } => {
                let reader = Reader {
                    actor: worker.map_or(me, |worker| worker.actor),
                    worker: worker.map(|worker| worker.number),
                };
                let cells =
                    chunk_of(range, *chunk, call).map(|bytes| inode.sb.geometry.cells_of_bytes(&bytes));
                cells.map(|cells| At::DirectRead(DirectReadState::new(reader, cells)))
            }
            command => begin(inode, command, write, worker, call, modifiers),
        };
        return ControlFlow::Continue(match progress {
            Some(at) => TaskState { command: number, call, at },
            None => TaskState { command: number + 1, call: 0, at: At::Next },
        });
    }
    let (progress, stop) = go_on(w, inode, me, at).await;
    ControlFlow::Continue(match progress {
        Some(at) => TaskState { command: number, call, at },
        // xfs_io gives a command up at the first short or failed call.
        None if stop => TaskState { command: number + 1, call: 0, at: At::Next },
        None => TaskState { command: number, call: call + 1, at: At::Next },
    })
}

/// The bytes of the `call`-th read(2) or write(2).
fn chunk_of(range: &Range<u64>, chunk: u64, call: u16) -> Option<Range<u64>> {
    let start = range.start + u64::from(call) * chunk;
    (start < range.end).then(|| start..range.end.min(start + chunk))
}

/// The `call`-th thing that a command does; `None` when there is no such thing.
fn begin<'c, B: Backend>(
    inode: &Inode<B>,
    command: &Command,
    write: WriteId,
    worker: Option<Worker>,
    call: u16,
    modifiers: impl Iterator<Item = &'c Command>,
) -> Progress {
    let geometry = &inode.sb.geometry;
    let folios = |range: &Range<u64>| geometry.folios_touched(&geometry.cells_of_bytes(range));
    let all = 0..geometry.folios();
    let bytes = |range: &Range<u64>| geometry.cells_of_bytes(range);
    let change = |change: Change| Some(At::Change(ChangeState::Enter(change)));
    let walk = |kind: WalkKind, folios: Range<FolioIndex>| Some(At::Walk(Walk { kind, folios }));
    match (command, call) {
        (Command::Pwrite { range, chunk, then, io, nowait, .. }, call) => {
            if let Some(bytes) = chunk_of(range, *chunk, call) {
                if *io != Io::Buffered {
                    let worker = worker.map(|worker| worker.number);
                    let cells = geometry.cells_of_bytes(&bytes);
                    return Some(At::DirectWrite(DioState::new(write, cells, worker, *nowait)));
                }
                let mut call = Write::new(write, geometry.cells_of_bytes(&bytes));
                call.nowait = *nowait;
                for modifier in modifiers {
                    match modifier {
                        Command::Fail { after } => {
                            call.faults_at = Some(geometry.cell_at(range.start + after));
                        }
                        Command::Short { after } => {
                            call.resident_until = Some(geometry.cell_at(range.start + after));
                        }
                        _ => {}
                    }
                }
                Some(At::Write(WriteState::Enter(call)))
            } else {
                let calls = range.end.saturating_sub(range.start).div_ceil(*chunk) as u16;
                match (then, call - calls) {
                    (Then::Fdatasync | Then::Fsync, part) => fsync_part(inode, all, part),
                    (Then::Nothing, _) => None,
                }
            }
        }
        (Command::Pread { range, chunk, .. }, _) => {
            let bytes = chunk_of(range, *chunk, call)?;
            Some(At::Read(ReadState::Enter(geometry.cells_of_bytes(&bytes))))
        }
        (Command::Mread { range }, 0) => {
            Some(At::Mmap(MmapState::Access(Access::Load, geometry.cells_of_bytes(range))))
        }
        (Command::Mwrite { range, .. }, 0) => {
            Some(At::Mmap(MmapState::Access(Access::Store(write), geometry.cells_of_bytes(range))))
        }
        (Command::Munmap, 0) => walk(WalkKind::Zap, all),
        (Command::MadviseDontneed { range }, 0) => walk(WalkKind::Zap, folios(range)),
        (Command::Msync { range, wait: true }, part) => fsync_part(inode, folios(range), part),
        (Command::Fsync | Command::Fdatasync, part) => fsync_part(inode, all, part),
        (Command::SyncRange { range, before, write, after }, call) => {
            let parts = [
                before.then(|| walk(WalkKind::WaitBefore, folios(range))),
                write.then(|| {
                    // SYNC_FILE_RANGE_WRITE_AND_WAIT is integrity writeback; less is not.
                    let mode = if *before && *after { SyncMode::Integrity } else { SyncMode::Background };
                    Some(At::Writeback(WritebackState::new(mode, folios(range))))
                }),
                after.then(|| walk(WalkKind::WaitAfter, folios(range))),
            ];
            parts.into_iter().flatten().nth(usize::from(call)).flatten()
        }
        // The file system stops, which is judged at every state and need not happen. What it writes first counts.
        (Command::Shutdown { flush: true }, 0) => Some(At::Sync(SyncPart::LogForce)),
        (Command::Truncate { size }, 0) => change(Change::Truncate(geometry.cell_at(*size))),
        (Command::Falloc { range, keep_size }, 0) => change(Change::Falloc(bytes(range), *keep_size)),
        (Command::Fpunch { range }, 0) => change(Change::Punch(bytes(range))),
        (Command::Fzero { range, keep_size }, 0) => change(Change::Zero(bytes(range), *keep_size)),
        (Command::Fcollapse { range }, 0) => change(Change::Collapse(bytes(range))),
        (Command::Finsert { range }, 0) => change(Change::Insert(bytes(range))),
        (Command::Reflink { source, from, range }, 0) => {
            let (to, from, cells) = (inode.number, geometry.cell_at(*from), geometry.cells_of_bytes(range));
            Some(At::Reflink(ReflinkState::new(Remap { source: *source, to, from, cells })))
        }
        (Command::Funshare { range }, 0) => {
            Some(At::Unshare(UnshareState::Enter(geometry.cells_of_bytes(range))))
        }
        (Command::Cowextsize { size }, 0) => {
            Some(At::CowExtentSize(u16::try_from(size.div_ceil(geometry.block_size())).unwrap_or(u16::MAX)))
        }
        (Command::FadviseDontneed { range }, 0) => {
            // Only folios that lie in the range as a whole.
            let inside = range.start.div_ceil(geometry.folio_size())..range.end / geometry.folio_size();
            let cap = u64::from(geometry.folios());
            walk(WalkKind::Invalidate, inside.start.min(cap) as FolioIndex..inside.end.min(cap) as FolioIndex)
        }
        (Command::Reclaim { range }, 0) => walk(WalkKind::Shrink, folios(range)),
        _ => None,
    }
}

/// The `part`-th part of an fsync(2) over `folios` (A13): write, wait, force the log. Where no crash is judged the
/// log need not be forced, and nobody can tell when the call began.
fn fsync_part<B: Backend>(inode: &Inode<B>, folios: Range<FolioIndex>, part: u16) -> Progress {
    let wait = At::Walk(Walk { kind: WalkKind::WaitAfter, folios: folios.clone() });
    let flush = At::Writeback(WritebackState::new(SyncMode::Integrity, folios.clone()));
    let mut parts = if inode.log().is_some() {
        vec![At::Sync(SyncPart::Begin(folios)), flush, wait, At::Sync(SyncPart::LogForce)]
    } else {
        vec![flush, wait]
    };
    if inode.sb.config.fs.io_errors {
        parts.push(At::Sync(SyncPart::CheckError));
    }
    parts.into_iter().nth(usize::from(part))
}

async fn set_cow_extent_size<B: Backend>(inode: &Inode<B>, blocks: u16) {
    inode.ilock.lock(Op::new("cowextsize")).await.cow_extent_size = blocks;
}

async fn sync_part<B: Backend>(inode: &Inode<B>, me: ActorId, part: SyncPart) {
    match part {
        SyncPart::Begin(folios) => {
            drop(inode.ilock.lock(Op::new("fsync")).await);
            inode.oracle.begin_sync(me, folios);
        }
        SyncPart::LogForce => {
            drop(inode.ilock.lock(Op::new("xfs_log_force")).await);
            inode.log_force();
            inode.oracle.end_sync(me);
            inode.audit_crash();
        }
        SyncPart::CheckError => {
            // file_check_and_advance_wb_err: reported once.
            let op = Op::new("file_check_wb_err");
            if inode.wb_error.compare_exchange(op, 1, 0, Ordering::AcqRel).await == 1 {
                inode.sb.backend.reach(Branch::SyncError);
                inode.say(|| "EIO".to_owned());
            }
        }
    }
}

async fn walk_step<B: Backend>(inode: &Inode<B>, me: ActorId, mut walk: Walk) -> ControlFlow<(), Walk> {
    let Some(index) = walk.folios.next() else { return ControlFlow::Break(()) };
    match walk.kind {
        WalkKind::Shrink => reclaim::shrink_folio(inode, index).await,
        WalkKind::Invalidate => reclaim::invalidate_folio(inode, index).await,
        WalkKind::Zap => mmap::zap(inode, me, index).await,
        WalkKind::WaitBefore | WalkKind::WaitAfter => writeback::wait(inode, index).await,
    }
    ControlFlow::Continue(walk)
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
            umount::judge_space(&w.sb);
            ControlFlow::Break(())
        }
    }
}
