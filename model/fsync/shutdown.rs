//! `shutdown -f`: the file system writes its log and stops (`xfs_fs_goingdown`, fs/xfs/xfs_fsops.c). That it stops is
//! judged at every state and need not happen; what it writes first counts.

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Backend};

use crate::fsync::{Upto, log_force};
use crate::path::{Part, Path, Stepped};
use crate::state::inode::Inode;
use crate::state::world::World;
use crate::words::command::Command;
use crate::words::personality::Hooks;
use crate::writeback::gfs2_log_flush::{self, LogFlushState};
use crate::writeback::jdata::{self, JdataState};

/// Where the last write of the log stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ShutdownState {
    /// Before the log is forced.
    LogForce,
    /// Flushing a log that transactions merge in.
    LogFlush(LogFlushState),
    /// Flushing a log with journalled data.
    Journal(JdataState),
}

impl Path for ShutdownState {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Shutdown { flush: true } = part.first()? else { return None };
        Some(if part.inode.sb.config.fs.hooks == Hooks::Jdata {
            ShutdownState::Journal(JdataState::log_flush())
        } else if part.inode.merges_transactions() {
            ShutdownState::LogFlush(LogFlushState::Lock)
        } else {
            ShutdownState::LogForce
        })
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        match self {
            ShutdownState::LogForce => {
                log_force(inode, Upto::End).await;
                inode.audit_crash();
                ControlFlow::Break(())
            }
            ShutdownState::LogFlush(inner) => match gfs2_log_flush::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => ControlFlow::Continue(ShutdownState::LogFlush(inner)),
                ControlFlow::Break(()) => ControlFlow::Break(()),
            },
            ShutdownState::Journal(inner) => match jdata::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => ControlFlow::Continue(ShutdownState::Journal(inner)),
                ControlFlow::Break(()) => ControlFlow::Break(()),
            },
        }
    }
}
