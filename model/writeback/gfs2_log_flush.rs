//! `gfs2_log_flush` in ordered mode (fs/gfs2/log.c, 6.1 to 7.3): the dirty data are submitted first, then the log is
//! written.
//!
//! `log_write_header` waits for the data only where the file system is mounted with `nobarrier` (SDF_NOBARRIERS). Otherwise
//! the header goes out with REQ_PREFLUSH and REQ_FUA, which cover I/O that is complete, and what is in flight may be lost:
//! then a crash finds blocks of the file with their old contents. [`LogOrdered`] says which it is.

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Backend, Op};

use crate::state::inode::Inode;
use crate::words::geometry::FolioIndex;
use crate::words::personality::LogOrdered;
use crate::writeback::io::{self, SyncMode};
use crate::writeback::{self, WritebackState};

/// Where `gfs2_log_flush` stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum LogFlushState {
    /// Before it keeps transactions out.
    Lock,
    /// `gfs2_ordered_write`.
    Write(WritebackState),
    /// `gfs2_ordered_wait`, before a folio.
    Wait(FolioIndex),
    /// Before the log is written.
    Commit,
}

/// One step of it.
pub(crate) async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: LogFlushState,
) -> ControlFlow<(), LogFlushState> {
    ControlFlow::Continue(match state {
        LogFlushState::Lock => {
            inode.sb.log_flush_lock.down_write(Op::new("gfs2_log_flush"), me).await;
            if inode.is_ordered() && inode.sb.config.fs.log_ordered() != LogOrdered::Nothing {
                let all = 0..inode.sb.geometry.folios();
                LogFlushState::Write(WritebackState::new(SyncMode::Integrity, all))
            } else {
                LogFlushState::Commit
            }
        }
        LogFlushState::Write(inner) => match writeback::step(inode, me, inner).await {
            ControlFlow::Continue(inner) => LogFlushState::Write(inner),
            ControlFlow::Break(()) if inode.sb.config.fs.log_ordered() == LogOrdered::Wait => {
                LogFlushState::Wait(0)
            }
            ControlFlow::Break(()) => LogFlushState::Commit,
        },
        LogFlushState::Wait(index) if index < inode.sb.geometry.folios() => {
            io::wait(inode, index).await;
            LogFlushState::Wait(index + 1)
        }
        LogFlushState::Wait(_) => LogFlushState::Commit,
        LogFlushState::Commit => {
            drop(inode.lock_map(Op::new("log_write_header")).await);
            inode.log_write();
            inode.sb.release_freed();
            inode.sb.log_flush_lock.up_write(me);
            return ControlFlow::Break(());
        }
    })
}
