//! fsync(2): `xfs_file_fsync` (fs/xfs/xfs_file.c) writes back, waits, and forces the log, unless an error is kept: of writeback, or
//! of direct I/O that could not drop a folio. It is reported once (`file_check_and_advance_wb_err`, mm/filemap.c). zonefs and ext4
//! look at the same place (`file_write_and_wait_range`). gfs2 does when all else is done, and not at all if nothing is cached then
//! (`gfs2_fsync`, fs/gfs2/file.c, 6.1 to 7.3).
//!
//! Left out: that an error is told to each descriptor once, where here whoever asks first is told; that `sync_file_range` asks, too;
//! and that gfs2 is told of writeback that has failed also where nothing is cached, which it is when it writes the inode
//! (`sync_inode_metadata`), but not if that was clean.
//!
//! Where no crash is judged the log need not be forced, but where blocks that were freed come back with it (gfs2), and nobody
//! can tell when the call began. Where a crash is judged, gfs2 looks whether its inode is dirty when the call begins
//! (`gfs2_fsync`, fs/gfs2/file.c, 6.1 to 7.3). If so, the inode is written when the data are on the device
//! (`__writeback_single_inode`, fs/fs-writeback.c, which takes it for clean from there on), and that flushes the log; if not, the
//! data are waited for and nothing else is done. Writeback of journalled data flushes the log itself.

pub mod shutdown;

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Lock, Op, Ordering, Returned};

use crate::path::{Part, Path, Stepped};
use crate::state::event::{Errno, What};
use crate::state::inode::{Inode, WbError};
use crate::state::log::InodeDirty;
use crate::state::world::World;
use crate::words::branches;
use crate::words::command::{Command, Then};
use crate::words::geometry::FolioIndex;
use crate::words::personality::Hooks;
use crate::writeback::flush::{self, WriteAndWait};
use crate::writeback::gfs2_log_flush::{self, LogFlushState};
use crate::writeback::io::{self, SyncMode};
use crate::writeback::{self, WritebackState};

/// Where an fsync(2) stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum FsyncState {
    /// Before one that a crash may follow, which has the log written if so much of the inode is dirty.
    Begin(Range<FolioIndex>, InodeDirty),
    /// Writing back.
    Flush(WriteAndWait),
    /// Writing back on gfs2.
    Write {
        /// Where that stands.
        inner: WritebackState,
        /// The folios to wait for.
        folios: Range<FolioIndex>,
        /// What follows.
        next: Next,
    },
    /// Before waiting for the next of all folios, which is left, ahead of a flush of the log.
    WaitAll(Range<FolioIndex>, Range<FolioIndex>),
    /// Flushing the log.
    LogFlush(LogFlushState, Range<FolioIndex>),
    /// Before waiting for the next folio.
    Wait(Range<FolioIndex>),
    /// Before the log is forced.
    LogForce,
    /// Before the end of one whose log is flushed already.
    Return,
    /// Before an error is looked for; whether the log is forced behind that.
    CheckError(Otherwise),
    /// Before it is looked for whether anything is cached, from a folio on, as nobody is told of an error otherwise.
    Cached(FolioIndex),
}

/// What follows where there is no error.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Otherwise {
    /// The log is forced.
    LogForce,
    /// Nothing: all is done.
    Return,
}

/// What follows when the data are on their way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Next {
    /// The inode is written, which flushes the log, when they are there.
    WriteInode,
    /// They are waited for.
    Wait,
}

impl Path for FsyncState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let (folios, least) = match part.command() {
            Command::Pwrite { range, chunk, then: then @ (Then::Fdatasync | Then::Fsync), .. }
                if part.behind_calls(range, *chunk) == Some(0) =>
            {
                let all = *then == Then::Fsync;
                (part.all_folios(), if all { InodeDirty::Times } else { InodeDirty::Datasync })
            }
            _ => match part.first()? {
                Command::Fsync => (part.all_folios(), InodeDirty::Times),
                Command::Fdatasync => (part.all_folios(), InodeDirty::Datasync),
                Command::Msync { range, wait: true } => (part.folios(range), InodeDirty::Datasync),
                _ => return None,
            },
        };
        let judged = part.inode.log().is_some();
        Some(if judged {
            FsyncState::Begin(folios, least)
        } else {
            FsyncState::Flush(WriteAndWait::new(folios))
        })
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        match self {
            FsyncState::Begin(folios, least) => {
                ControlFlow::Continue(begin_judged(inode, me, folios, least).await)
            }
            FsyncState::Flush(inner) => match flush::write_and_wait(inode, me, inner).await {
                ControlFlow::Continue(inner) => ControlFlow::Continue(FsyncState::Flush(inner)),
                ControlFlow::Break(()) if inode.keeps_errors(me) && !inode.merges_transactions() => {
                    ControlFlow::Continue(FsyncState::CheckError(Otherwise::LogForce))
                }
                ControlFlow::Break(()) => flushed(inode, me).await,
            },
            FsyncState::Write { inner, folios, next } => {
                ControlFlow::Continue(match writeback::step(inode, me, inner).await {
                    ControlFlow::Continue(inner) => FsyncState::Write { inner, folios, next },
                    ControlFlow::Break(()) => match next {
                        Next::WriteInode => FsyncState::WaitAll(0..inode.sb.geometry.folios(), folios),
                        Next::Wait => FsyncState::Wait(folios),
                    },
                })
            }
            FsyncState::WaitAll(mut left, folios) => {
                ControlFlow::Continue(if let Some(index) = left.next() {
                    io::wait(inode, index).await;
                    FsyncState::WaitAll(left, folios)
                } else {
                    inode.mark_clean();
                    FsyncState::LogFlush(LogFlushState::Lock, folios)
                })
            }
            FsyncState::LogFlush(inner, folios) => {
                ControlFlow::Continue(match gfs2_log_flush::step(inode, me, inner).await {
                    ControlFlow::Continue(inner) => FsyncState::LogFlush(inner, folios),
                    ControlFlow::Break(()) => {
                        inode.ordered_del();
                        FsyncState::Wait(folios)
                    }
                })
            }
            FsyncState::Wait(folios) if folios.is_empty() => ControlFlow::Continue(FsyncState::Return),
            FsyncState::Wait(mut folios) => {
                if let Some(index) = folios.next() {
                    io::wait(inode, index).await;
                }
                ControlFlow::Continue(FsyncState::Wait(folios))
            }
            FsyncState::Return => {
                drop(inode.lock_map(Op::new("fsync_return")).await);
                forced(inode, me)
            }
            FsyncState::LogForce => {
                log_force(inode, Upto::File).await;
                forced(inode, me)
            }
            FsyncState::CheckError(otherwise) => match (file_check_wb_err(inode).await, otherwise) {
                (Ok(()), Otherwise::LogForce) => flushed(inode, me).await,
                (Ok(()), Otherwise::Return) => promise(inode, me),
                (Err(_), _) => {
                    // What fails promises nothing.
                    inode.oracle.abandon_sync(me);
                    ControlFlow::Break(Returned::Error)
                }
            },
            FsyncState::Cached(index) => cached(inode, me, index).await,
        }
    }
}

/// What comes behind the page cache.
async fn flushed<B: Backend>(inode: &Inode<B>, me: ActorId) -> ControlFlow<Returned, FsyncState> {
    if inode.sb.is_shutdown().await {
        inode.emit(|| What::Failed(Errno::Io));
        return ControlFlow::Break(Returned::Error);
    }
    match inode.sb.config.fs.hooks {
        // The inode is written in either mode (`gfs2_write_inode`), which flushes the log.
        _ if inode.sets_data_mode && inode.sb.config.defers_freed() => {
            ControlFlow::Continue(FsyncState::LogForce)
        }
        Hooks::Nothing if inode.log().is_some() || inode.sb.config.defers_freed() => {
            ControlFlow::Continue(FsyncState::LogForce)
        }
        Hooks::Jdata if inode.log().is_some() => ControlFlow::Continue(FsyncState::Return),
        Hooks::Nothing | Hooks::Jdata => forced(inode, me),
    }
}

/// The call begins where a crash is judged: `gfs2_fsync` looks whether the inode is dirty.
async fn begin_judged<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    folios: Range<FolioIndex>,
    least: InodeDirty,
) -> FsyncState {
    drop(inode.lock_map(Op::new("fsync")).await);
    inode.oracle.begin_sync(me, folios.clone());
    if !inode.merges_transactions() || inode.sb.config.fs.hooks == Hooks::Jdata {
        return FsyncState::Flush(WriteAndWait::new(folios));
    }
    let next = if inode.must_flush_log(least) { Next::WriteInode } else { Next::Wait };
    FsyncState::Write { inner: WritebackState::new(SyncMode::Integrity, folios.clone()), folios, next }
}

/// `file_check_and_advance_wb_err`.
async fn file_check_wb_err<B: Backend>(inode: &Inode<B>) -> Result<(), Errno> {
    for kept in [WbError::Untold, WbError::OfFsync, WbError::OfCollision] {
        let op = Op::new("file_check_wb_err");
        let (this, none) = (kept.number(), WbError::None.number());
        let found = inode.wb_error.compare_exchange(op, this, none, Ordering::AcqRel).await;
        if found == none {
            break;
        }
        if found == this {
            inode.sb.backend.reach(branches::SYNC_ERROR);
            inode.emit(|| What::Failed(Errno::Io));
            if kept == WbError::OfCollision {
                inode.judge_collision("EIO", &(0..inode.sb.geometry.blocks()));
            }
            return Err(Errno::Io);
        }
    }
    Ok(())
}

/// `mapping->nrpages`, by which gfs2 decides whether it waits, and looks for an error.
async fn cached<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    index: FolioIndex,
) -> ControlFlow<Returned, FsyncState> {
    let slot = inode.page(index).lock(Op::on("nrpages", u32::from(index))).await;
    let cached = slot.current().is_some();
    drop(slot);
    if cached {
        ControlFlow::Continue(FsyncState::CheckError(Otherwise::Return))
    } else if index + 1 < inode.sb.geometry.folios() {
        ControlFlow::Continue(FsyncState::Cached(index + 1))
    } else {
        promise(inode, me)
    }
}

/// The log is on disk: the call returns, or gfs2 looks for an error first.
fn forced<B: Backend>(inode: &Inode<B>, me: ActorId) -> ControlFlow<Returned, FsyncState> {
    if !inode.merges_transactions() || !inode.keeps_errors(me) {
        return promise(inode, me);
    }
    inode.audit_crash();
    ControlFlow::Continue(if inode.sb.config.fs.io_errors {
        FsyncState::CheckError(Otherwise::Return)
    } else {
        FsyncState::Cached(0)
    })
}

/// The call returns 0: what it covered is durable.
fn promise<B: Backend>(inode: &Inode<B>, me: ActorId) -> ControlFlow<Returned, FsyncState> {
    inode.oracle.end_sync(me);
    inode.audit_crash();
    ControlFlow::Break(Returned::Success)
}

/// How far the log is forced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upto {
    /// To the last transaction of the file (`xfs_log_force_seq`).
    File,
    /// To its end (`xfs_log_force`).
    End,
}

/// What the log has so far is on disk from here on, or as much of it as a file needs.
pub(crate) async fn log_force<B: Backend>(inode: &Inode<B>, upto: Upto) {
    drop(inode.lock_map(Op::new(inode.sb.config.fs.names.log_force)).await);
    match upto {
        Upto::File => inode.log_force(),
        Upto::End => inode.sb.log_force_all(),
    }
    inode.sb.release_freed();
}
