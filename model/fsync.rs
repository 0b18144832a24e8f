//! fsync(2) (actor A13): `xfs_file_fsync` (fs/xfs/xfs_file.c) writes back, waits, and forces the log; an error of
//! writeback is reported once (`file_check_and_advance_wb_err`, mm/filemap.c).
//!
//! Where no crash is judged the log need not be forced, and nobody can tell when the call began.

use std::ops::{ControlFlow, Range};

use crate::backend::{ActorId, Atomic, Backend, Lock, Op, Ordering};
use crate::command::{Command, Then};
use crate::event::Branch;
use crate::flush::{self, FlushState};
use crate::geometry::FolioIndex;
use crate::inode::Inode;
use crate::path::{Part, Path};
use crate::world::World;

/// Where an fsync(2) stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum FsyncState {
    /// Before one that a crash may follow.
    Begin(Range<FolioIndex>),
    /// Writing back.
    Flush(FlushState),
    /// Before the log is forced.
    LogForce,
    /// Before the error of writeback that failed is looked for.
    CheckError,
    /// Before a shutdown that writes the log first.
    Shutdown,
}

impl Path for FsyncState {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let folios = match part.command() {
            Command::Pwrite { range, chunk, then: Then::Fdatasync | Then::Fsync, .. }
                if part.behind_calls(range, *chunk) == Some(0) =>
            {
                part.all_folios()
            }
            _ => match part.first()? {
                Command::Fsync | Command::Fdatasync => part.all_folios(),
                Command::Msync { range, wait: true } => part.folios(range),
                // The file system stops, which is judged at every state and need not happen. What it writes first
                // counts.
                Command::Shutdown { flush: true } => return Some(FsyncState::Shutdown),
                _ => return None,
            },
        };
        let judged = part.inode.log().is_some();
        Some(if judged { FsyncState::Begin(folios) } else { FsyncState::Flush(FlushState::new(folios)) })
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> ControlFlow<(), Self> {
        match self {
            FsyncState::Begin(folios) => {
                drop(inode.ilock.lock(Op::new("fsync")).await);
                inode.oracle.begin_sync(me, folios.clone());
                ControlFlow::Continue(FsyncState::Flush(FlushState::new(folios)))
            }
            FsyncState::Flush(inner) => match flush::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => ControlFlow::Continue(FsyncState::Flush(inner)),
                ControlFlow::Break(()) if inode.log().is_some() => {
                    ControlFlow::Continue(FsyncState::LogForce)
                }
                ControlFlow::Break(()) => check_error(inode),
            },
            FsyncState::LogForce => {
                log_force(inode, me).await;
                check_error(inode)
            }
            FsyncState::CheckError => {
                let op = Op::new("file_check_wb_err");
                if inode.wb_error.compare_exchange(op, 1, 0, Ordering::AcqRel).await == 1 {
                    inode.sb.backend.reach(Branch::SyncError);
                    inode.say(|| "EIO".to_owned());
                }
                ControlFlow::Break(())
            }
            FsyncState::Shutdown => {
                log_force(inode, me).await;
                ControlFlow::Break(())
            }
        }
    }
}

/// On to the error, where there can be one.
fn check_error<B: Backend>(inode: &Inode<B>) -> ControlFlow<(), FsyncState> {
    if inode.sb.config.fs.io_errors {
        ControlFlow::Continue(FsyncState::CheckError)
    } else {
        ControlFlow::Break(())
    }
}

/// What the log has so far is on disk from here on.
async fn log_force<B: Backend>(inode: &Inode<B>, me: ActorId) {
    drop(inode.ilock.lock(Op::new("xfs_log_force")).await);
    inode.log_force();
    inode.oracle.end_sync(me);
    inode.audit_crash();
}
