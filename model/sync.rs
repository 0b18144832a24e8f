//! sync(2) and syncfs(2) (fs/sync.c), as far as they are about one file: `sync_inodes_sb` (fs/fs-writeback.c) writes back and waits, and
//! the rest is left to `->sync_fs` ([`SyncFs`]).
//!
//! `xfs_fs_sync_fs` (fs/xfs/xfs_super.c, 6.1 to 7.3) forces the log, which finds nothing to write where a checkpoint has taken all of it
//! before the data were complete, as that of the time of a write(2) may have: then nothing flushes the device. zonefs has no
//! such method. `gfs2_sync_fs` (fs/gfs2/super.c) flushes the log whatever is dirty. Before that an inode that is dirty is written, and is clean
//! from there on (`__writeback_single_inode`).
//!
//! Errors of writeback are kept for whoever asks about the file (`filemap_fdatawait_keep_errors`). sync(2) returns nothing.
//! syncfs(2) has an error of its own, of any file (`sb->s_wb_err`).
//!
//! Left out: that `->sync_fs` comes once, behind all files; that gfs2 flushes the log when it writes an inode, too, before the data are
//! waited for; and that syncfs(2) is told once for each descriptor.

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Atomic, Backend, Op, Ordering, Returned};

use crate::fsync::jdata::keep_pages_dirty;
use crate::fsync::{Upto, log_force};
use crate::judge::survivors::Told;
use crate::path::{Part, Path, Stepped};
use crate::state::event::{Errno, What};
use crate::state::i_state::InodeDirty;
use crate::state::inode::Inode;
use crate::state::wb_error::WbError;
use crate::state::world::World;
use crate::words::branches;
use crate::words::command::Command;
use crate::words::personality::{Hooks, SyncFs};
use crate::writeback::flush::{self, WriteAndWait};
use crate::writeback::gfs2_log_flush::{self, LogFlushState};
use crate::writeback::jdata::{self, JdataState};

/// A sync(2) or syncfs(2) under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SyncState {
    call: Call,
    at: At,
}

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Call {
    Sync,
    Syncfs,
}

/// Where it stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum At {
    /// Before one that a crash may follow.
    Begin,
    /// Writing back and waiting.
    Run(WriteAndWait),
    /// Flushing the log of gfs2.
    LogFlush(LogFlushState, InodeDirty),
    /// That is flushed, before the file leaves the list of ordered data.
    OrderedDel,
    /// Before the inode is taken for clean, whose data may be journalled.
    Clean,
    /// The inode was taken for clean, when so much of it was dirty; before it is known whether pages with journalled data are dirty still.
    Tagged(InodeDirty),
    /// Flushing a log with journalled data.
    Journal(JdataState),
    /// Before the log is forced.
    LogForce(Upto),
    /// Before the end of one that has no more to do.
    Return,
    /// Before it is known whether writeback of any file has failed since somebody asked.
    CheckError,
}

impl Path for SyncState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let call = match part.first()? {
            Command::Sync => Call::Sync,
            Command::Syncfs => Call::Syncfs,
            _ => return None,
        };
        let judged = part.inode.log().is_some();
        let at = if judged { At::Begin } else { At::Run(WriteAndWait::do_writepages(part.all_folios())) };
        Some(SyncState { call, at })
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        let SyncState { call, at } = self;
        let next = match at {
            At::Begin => {
                drop(inode.lock_map(Op::new("sync")).await);
                let all = 0..inode.sb.geometry.folios();
                inode.begin_sync(me, all.clone());
                ControlFlow::Continue(At::Run(WriteAndWait::do_writepages(all)))
            }
            At::Run(inner) => match flush::write_and_wait(inode, me, inner).await {
                ControlFlow::Continue(inner) => ControlFlow::Continue(At::Run(inner)),
                ControlFlow::Break(()) => waited(inode, me, call).await,
            },
            At::LogFlush(inner, was) => match gfs2_log_flush::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => ControlFlow::Continue(At::LogFlush(inner, was)),
                // Somebody else has written an inode that was clean, and that one's flush of the log was waited for.
                ControlFlow::Break(()) if was == InodeDirty::Clean => ControlFlow::Continue(At::Return),
                ControlFlow::Break(()) => ControlFlow::Continue(At::OrderedDel),
            },
            At::OrderedDel => {
                drop(inode.lock_map(Op::new("gfs2_ordered_del_inode")).await);
                inode.ordered_del();
                ControlFlow::Continue(At::Return)
            }
            At::Clean => ControlFlow::Continue(At::Tagged(inode.begin_writing(me).await)),
            At::Tagged(was) => {
                keep_pages_dirty(inode).await;
                let flushes = was != InodeDirty::Clean || inode.sb.config.fs.sync_fs() != SyncFs::Nothing;
                let journal = At::Journal(JdataState::log_flush());
                ControlFlow::Continue(if flushes { journal } else { At::Return })
            }
            At::Journal(inner) => match jdata::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => ControlFlow::Continue(At::Journal(inner)),
                ControlFlow::Break(()) => {
                    inode.end_writing(me);
                    ControlFlow::Continue(At::Return)
                }
            },
            At::LogForce(upto) => {
                log_force(inode, upto).await;
                synced(inode, me, call)
            }
            At::Return => {
                drop(inode.lock_map(Op::new("sync_return")).await);
                synced(inode, me, call)
            }
            At::CheckError => check_error(inode, me).await,
        };
        match next {
            ControlFlow::Continue(at) => ControlFlow::Continue(SyncState { call, at }),
            ControlFlow::Break(returned) => ControlFlow::Break(returned),
        }
    }
}

/// `->sync_fs`, when the data have been waited for.
async fn waited<B: Backend>(inode: &Inode<B>, me: ActorId, call: Call) -> ControlFlow<Returned, At> {
    if inode.sb.is_shutdown().await {
        inode.oracle.abandon_sync(me);
        return ControlFlow::Break(match call {
            Call::Sync => Returned::Success,
            Call::Syncfs => {
                inode.emit(|| What::Failed(Errno::Io));
                Returned::Error
            }
        });
    }
    let (config, judged) = (&inode.sb.config, inode.log().is_some());
    let jdata = config.fs.hooks() == Hooks::Jdata;
    if judged && inode.merges_transactions() || inode.keeps_state() {
        let written = if jdata || inode.sets_data_mode { At::Clean } else { write_inode(inode) };
        return ControlFlow::Continue(written);
    }
    let forces = judged && !jdata || config.defers_freed() && (!jdata || inode.sets_data_mode);
    match config.fs.sync_fs() {
        SyncFs::Log if forces => ControlFlow::Continue(At::LogForce(Upto::End)),
        SyncFs::Flush if forces => ControlFlow::Continue(At::LogForce(Upto::File)),
        SyncFs::Log | SyncFs::Flush | SyncFs::Nothing if judged => ControlFlow::Continue(At::Return),
        SyncFs::Log | SyncFs::Flush | SyncFs::Nothing => synced(inode, me, call),
    }
}

/// `gfs2_write_inode`, if the inode is dirty, and `gfs2_sync_fs`. They flush the log once here.
fn write_inode<B: Backend>(inode: &Inode<B>) -> At {
    let was_dirty = inode.must_flush_log(InodeDirty::Times);
    inode.mark_clean();
    if was_dirty {
        At::LogFlush(LogFlushState::Lock, InodeDirty::Times)
    } else if inode.sb.config.fs.sync_fs() == SyncFs::Nothing {
        At::Return
    } else {
        At::LogFlush(LogFlushState::Lock, InodeDirty::Clean)
    }
}

/// The file is done: syncfs(2) asks about errors.
fn synced<B: Backend>(inode: &Inode<B>, me: ActorId, call: Call) -> ControlFlow<Returned, At> {
    match call {
        Call::Syncfs if inode.sb.s_wb_err.is_some() => {
            inode.audit_crash();
            ControlFlow::Continue(At::CheckError)
        }
        Call::Sync | Call::Syncfs => promise(inode, me),
    }
}

/// `errseq_check_and_advance` of `sb->s_wb_err`. One that fails promises nothing.
async fn check_error<B: Backend>(inode: &Inode<B>, me: ActorId) -> ControlFlow<Returned, At> {
    if let Some(wb_err) = &inode.sb.s_wb_err {
        let (untold, told) = (WbError::Untold.number(), WbError::None.number());
        let op = Op::new("errseq_check_and_advance");
        if wb_err.compare_exchange(op, untold, told, Ordering::AcqRel).await == untold {
            inode.sb.backend.reach(branches::SYNC_ERROR);
            inode.emit(|| What::Failed(Errno::Io));
            inode.oracle.abandon_sync(me);
            return ControlFlow::Break(Returned::Error);
        }
    }
    promise(inode, me)
}

/// What it covered is durable, but for what has failed: nobody says so, or whoever asks about the file next.
fn promise<B: Backend>(inode: &Inode<B>, me: ActorId) -> ControlFlow<Returned, At> {
    inode.oracle.end_sync(me, Told::Yes);
    inode.audit_crash();
    ControlFlow::Break(Returned::Success)
}
