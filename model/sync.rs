//! sync(2) and syncfs(2) (fs/sync.c), as far as they are about one file, but on gfs2: `sync_inodes_sb` (fs/fs-writeback.c) writes back and
//! waits, and the rest is left to `->sync_fs` ([`SyncFs`]).
//!
//! `xfs_fs_sync_fs` (fs/xfs/xfs_super.c, 6.1 to 7.3) forces the log, which finds nothing to write where a checkpoint has taken all of it
//! before the data were complete, as that of the time of a write(2) may have: then nothing flushes the device. zonefs has no
//! such method.
//!
//! Left out: that `->sync_fs` comes once, behind all files.

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Backend, Op, Returned};

use crate::fsync::{Upto, file_check_wb_err, log_force};
use crate::judge::survivors::Told;
use crate::path::{Part, Path, Stepped};
use crate::state::event::{Errno, What};
use crate::state::inode::Inode;
use crate::state::world::World;
use crate::words::command::Command;
use crate::words::personality::SyncFs;
use crate::writeback::flush::{self, WriteAndWait};

/// Where a sync(2) stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum SyncState {
    /// Before one that a crash may follow.
    Begin,
    /// Writing back and waiting.
    Run(WriteAndWait),
    /// Before an error is looked for.
    CheckError,
    /// Before the log is forced.
    LogForce(Upto),
    /// Before the end of one that has no more to do.
    Return,
}

impl Path for SyncState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Syncfs = part.first()? else { return None };
        let judged = part.inode.log().is_some();
        let begun =
            || if judged { SyncState::Begin } else { SyncState::Run(WriteAndWait::new(part.all_folios())) };
        (!part.inode.merges_transactions()).then(begun)
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        match self {
            SyncState::Begin => {
                drop(inode.lock_map(Op::new("sync")).await);
                let all = 0..inode.sb.geometry.folios();
                inode.oracle.begin_sync(me, all.clone());
                ControlFlow::Continue(SyncState::Run(WriteAndWait::new(all)))
            }
            SyncState::Run(inner) => match flush::write_and_wait(inode, me, inner).await {
                ControlFlow::Continue(inner) => ControlFlow::Continue(SyncState::Run(inner)),
                ControlFlow::Break(()) if inode.keeps_errors(me) => {
                    ControlFlow::Continue(SyncState::CheckError)
                }
                ControlFlow::Break(()) => waited(inode, me).await,
            },
            SyncState::CheckError => match file_check_wb_err(inode).await {
                Ok(()) => waited(inode, me).await,
                Err(_) => {
                    inode.oracle.abandon_sync(me);
                    ControlFlow::Break(Returned::Error)
                }
            },
            SyncState::LogForce(upto) => {
                log_force(inode, upto).await;
                promise(inode, me)
            }
            SyncState::Return => {
                drop(inode.lock_map(Op::new("sync_return")).await);
                promise(inode, me)
            }
        }
    }
}

/// `->sync_fs`, when the data have been waited for.
async fn waited<B: Backend>(inode: &Inode<B>, me: ActorId) -> Stepped<SyncState> {
    if inode.sb.is_shutdown().await {
        inode.emit(|| What::Failed(Errno::Io));
        return ControlFlow::Break(Returned::Error);
    }
    let (config, judged) = (&inode.sb.config, inode.log().is_some());
    let forces = judged || config.defers_freed();
    match config.fs.sync_fs {
        SyncFs::Log if forces => ControlFlow::Continue(SyncState::LogForce(Upto::End)),
        SyncFs::Flush if forces => ControlFlow::Continue(SyncState::LogForce(Upto::File)),
        SyncFs::Nothing if judged => ControlFlow::Continue(SyncState::Return),
        SyncFs::Log | SyncFs::Flush | SyncFs::Nothing => promise(inode, me),
    }
}

/// What it covered is durable.
fn promise<B: Backend>(inode: &Inode<B>, me: ActorId) -> Stepped<SyncState> {
    inode.oracle.end_sync(me, Told::Yes);
    inode.audit_crash();
    ControlFlow::Break(Returned::Success)
}
