//! fsync(2): `xfs_file_fsync` (fs/xfs/xfs_file.c) writes back, waits, and forces the log, unless an error is kept: of writeback, or
//! of direct I/O that could not drop a folio. It is reported once (`file_check_and_advance_wb_err`, mm/filemap.c). zonefs and ext4
//! look at the same place (`file_write_and_wait_range`). gfs2 does when all else is done, and not at all if nothing is cached then
//! (`gfs2_fsync`, fs/gfs2/file.c, 6.1 to 7.3).
//!
//! sync(2) and syncfs(2) are a [path of their own](crate::sync).
//!
//! Left out: that an error is told to each descriptor once, where here whoever asks first is told; and that `sync_file_range` asks, too.
//!
//! Where no crash is judged the log need not be forced, but where blocks that were freed come back with it (gfs2), and nobody
//! can tell when the call began; with journalled data it is flushed in any case, unless the file changes its kind. Where a crash is
//! judged, or writeback may fail, gfs2 looks whether its inode is dirty when the call begins
//! (`gfs2_fsync`, fs/gfs2/file.c, 6.1 to 7.3). If so, the inode is written when the data are on the device
//! (`__writeback_single_inode`, fs/fs-writeback.c, which takes it for clean from there on), and that flushes the log; if not, the
//! data are waited for and nothing else is done. What it does of journalled data stands in [`jdata`].
//!
//! gfs2 asks about errors (`file_fdatawait_range`) only while something of the file is cached. Who writes the inode is told before
//! that, if nobody was since writeback failed (`filemap_fdatawait` in `__writeback_single_inode`), and returns behind the flush
//! of the log. Left out: both of these for journalled data, where an fsync that finds anything dirty asks in any case.

pub mod jdata;
pub mod shutdown;

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Lock, Op, Ordering, Returned};

use crate::fsync::jdata::JdataFsync;
use crate::judge::survivors::Told;
use crate::path::{Part, Path, Stepped};
use crate::state::event::{Errno, What};
use crate::state::i_state::InodeDirty;
use crate::state::inode::Inode;
use crate::state::wb_error::WbError;
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
    /// Writing journalled data, and with them the log, on gfs2.
    Jdata(JdataFsync),
    /// Before waiting for the next of all folios, which is left, ahead of a flush of the log.
    WaitAll(Range<FolioIndex>, Range<FolioIndex>),
    /// Before it is known whether writeback has failed and nobody was told, ahead of that flush.
    Fdatawait(Range<FolioIndex>),
    /// Flushing the log.
    LogFlush {
        /// Where that stands.
        inner: LogFlushState,
        /// The folios to wait for.
        folios: Range<FolioIndex>,
        /// What has the inode written.
        written: InodeWritten,
    },
    /// The log is flushed, before the file leaves the list of ordered data, with the folios to wait for.
    OrderedDel(InodeWritten, Range<FolioIndex>),
    /// Before it is known whether anything is cached, without which nothing is waited for and nobody asked.
    Nrpages(Range<FolioIndex>),
    /// Before waiting for the next folio.
    Wait(Range<FolioIndex>),
    /// Before the log is forced.
    LogForce,
    /// Before the end of one whose log is flushed already.
    Return,
    /// Before the end of one that asks nobody about errors.
    Unasked,
    /// Before an error is looked for; whether the log is forced behind that.
    CheckError(Otherwise),
    /// Before it is known whether anything is cached, without which gfs2 asks nobody.
    Cached,
}

/// What follows where there is no error.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Otherwise {
    /// The log is forced.
    LogForce,
    /// Nothing: all is done.
    Return,
}

/// An inode that is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InodeWritten {
    /// Whether it was still dirty. If not, somebody else has written it, and here that one's flush of the log is waited for.
    was_dirty: bool,
    /// Whether writeback of its data has failed.
    failed: bool,
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
        let judged = part.inode.log().is_some() || part.inode.keeps_state();
        Some(if judged {
            FsyncState::Begin(folios, least)
        } else {
            FsyncState::Flush(WriteAndWait::do_writepages(folios))
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
                        Next::Wait => fdatawait_range(inode, folios),
                    },
                })
            }
            FsyncState::Jdata(inner) => ControlFlow::Continue(write_jdata(inode, me, inner).await),
            FsyncState::WaitAll(left, folios) => {
                ControlFlow::Continue(filemap_fdatawait(inode, left, folios).await)
            }
            FsyncState::Fdatawait(folios) => {
                let failed = flush::filemap_check_errors(inode).await.is_err();
                ControlFlow::Continue(write_inode(inode, folios, failed))
            }
            FsyncState::LogFlush { inner, folios, written } => {
                match gfs2_log_flush::step(inode, me, inner).await {
                    ControlFlow::Continue(inner) => {
                        ControlFlow::Continue(FsyncState::LogFlush { inner, folios, written })
                    }
                    ControlFlow::Break(()) => log_flushed(inode, me, folios, written),
                }
            }
            FsyncState::OrderedDel(written, folios) => {
                drop(inode.lock_map(Op::new("gfs2_ordered_del_inode")).await);
                inode.ordered_del();
                inode_written(inode, me, folios, written)
            }
            FsyncState::Nrpages(folios) => ControlFlow::Continue(if is_cached(inode).await {
                FsyncState::Wait(folios)
            } else {
                FsyncState::Unasked
            }),
            FsyncState::Wait(folios) if folios.is_empty() => waited(inode, me).await,
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
            FsyncState::Unasked => return_unasked(inode, me).await,
            FsyncState::LogForce => {
                log_force(inode, Upto::File).await;
                forced(inode, me)
            }
            FsyncState::CheckError(otherwise) => check_error(inode, me, otherwise).await,
            FsyncState::Cached if is_cached(inode).await => {
                ControlFlow::Continue(FsyncState::CheckError(Otherwise::Return))
            }
            FsyncState::Cached => promise(inode, me, Told::Yes),
        }
    }
}

/// Whoever waits for an error asks, and goes on if there is none.
async fn check_error<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    otherwise: Otherwise,
) -> ControlFlow<Returned, FsyncState> {
    match (file_check_wb_err(inode).await, otherwise) {
        (Ok(()), Otherwise::LogForce) => flushed(inode, me).await,
        (Ok(()), Otherwise::Return) => promise(inode, me, Told::Yes),
        (Err(_), _) => {
            // What fails promises nothing.
            inode.oracle.abandon_sync(me);
            ControlFlow::Break(Returned::Error)
        }
    }
}

/// The end of one that asks nobody about errors: what has failed is lost, unless somebody was told before.
async fn return_unasked<B: Backend>(inode: &Inode<B>, me: ActorId) -> Stepped<FsyncState> {
    drop(inode.lock_map(Op::new("fsync_return")).await);
    promise(inode, me, if inode.has_untold_error() { Told::No } else { Told::Yes })
}

/// Journalled data are written, and waited for in the end.
async fn write_jdata<B: Backend>(inode: &Inode<B>, me: ActorId, inner: JdataFsync) -> FsyncState {
    match jdata::step(inode, me, inner).await {
        ControlFlow::Continue(inner) => FsyncState::Jdata(inner),
        ControlFlow::Break(folios) => FsyncState::Wait(folios),
    }
}

/// `filemap_fdatawait` in `__writeback_single_inode`: waits for the next of all folios, and asks about errors behind the last one.
async fn filemap_fdatawait<B: Backend>(
    inode: &Inode<B>,
    mut left: Range<FolioIndex>,
    folios: Range<FolioIndex>,
) -> FsyncState {
    if let Some(index) = left.next() {
        io::wait(inode, index).await;
        FsyncState::WaitAll(left, folios)
    } else if inode.sb.config.fs.io_errors() {
        FsyncState::Fdatawait(folios)
    } else {
        write_inode(inode, folios, false)
    }
}

/// The log is flushed; the file leaves the list of ordered data if this is who has written the inode.
fn log_flushed<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    folios: Range<FolioIndex>,
    written: InodeWritten,
) -> Stepped<FsyncState> {
    if written.was_dirty {
        ControlFlow::Continue(FsyncState::OrderedDel(written, folios))
    } else {
        inode_written(inode, me, folios, written)
    }
}

/// The inode is written, and an fsync that was told meanwhile that writeback has failed is over.
fn inode_written<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    folios: Range<FolioIndex>,
    written: InodeWritten,
) -> Stepped<FsyncState> {
    if written.failed {
        inode.oracle.abandon_sync(me);
        return ControlFlow::Break(Returned::Error);
    }
    ControlFlow::Continue(fdatawait_range(inode, folios))
}

/// The data are on the device, and the log was flushed before that.
async fn waited<B: Backend>(inode: &Inode<B>, me: ActorId) -> Stepped<FsyncState> {
    if inode.sets_data_mode { flushed(inode, me).await } else { ControlFlow::Continue(FsyncState::Return) }
}

/// What comes behind the page cache.
async fn flushed<B: Backend>(inode: &Inode<B>, me: ActorId) -> ControlFlow<Returned, FsyncState> {
    if inode.sb.is_shutdown().await {
        inode.emit(|| What::Failed(Errno::Io));
        inode.oracle.abandon_sync(me);
        return ControlFlow::Break(Returned::Error);
    }
    match inode.sb.config.fs.hooks() {
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

/// The call begins where a crash is judged, or a file changes its kind: `gfs2_fsync` looks whether the inode is dirty. The epilogue's writes
/// everything, as an unmount does.
async fn begin_judged<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    folios: Range<FolioIndex>,
    least: InodeDirty,
) -> FsyncState {
    drop(inode.lock_map(Op::new("fsync")).await);
    inode.begin_sync(me, folios.clone());
    let journals = inode.sb.config.fs.hooks() == Hooks::Jdata || inode.sets_data_mode;
    if !inode.merges_transactions() || journals && inode.sb.is_umount(me) {
        return FsyncState::Flush(WriteAndWait::do_writepages(folios));
    }
    if journals {
        return FsyncState::Jdata(JdataFsync::new(inode, least, folios));
    }
    let next = if inode.must_flush_log(least) { Next::WriteInode } else { Next::Wait };
    FsyncState::Write { inner: WritebackState::new(SyncMode::Integrity, folios.clone()), folios, next }
}

/// `__writeback_single_inode`, when the data are on the device: the inode is clean, and is written. `gfs2_write_inode` flushes the
/// log, and takes the file off the list of ordered data later, with nothing held in between.
fn write_inode<B: Backend>(inode: &Inode<B>, folios: Range<FolioIndex>, failed: bool) -> FsyncState {
    let written = InodeWritten { was_dirty: inode.mark_clean() != InodeDirty::Clean, failed };
    FsyncState::LogFlush { inner: LogFlushState::Lock, folios, written }
}

/// The end of `gfs2_fsync`: `file_fdatawait_range`, if anything is cached. If not, there is nothing to wait for.
fn fdatawait_range<B: Backend>(inode: &Inode<B>, folios: Range<FolioIndex>) -> FsyncState {
    if inode.sb.config.fs.io_errors() { FsyncState::Nrpages(folios) } else { FsyncState::Wait(folios) }
}

/// `mapping->nrpages`, which is counted here folio by folio.
async fn is_cached<B: Backend>(inode: &Inode<B>) -> bool {
    for index in 0..inode.sb.geometry.folios() {
        if inode.page(index).lock(Op::on("nrpages", u32::from(index))).await.current().is_some() {
            return true;
        }
    }
    false
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

/// The log is on disk: the call returns, or gfs2 looks for an error first.
fn forced<B: Backend>(inode: &Inode<B>, me: ActorId) -> ControlFlow<Returned, FsyncState> {
    if !inode.merges_transactions() || !inode.keeps_errors(me) {
        return promise(inode, me, Told::Yes);
    }
    inode.audit_crash();
    ControlFlow::Continue(if inode.sb.config.fs.io_errors() {
        FsyncState::CheckError(Otherwise::Return)
    } else {
        FsyncState::Cached
    })
}

/// The call returns 0: what it covered is durable.
fn promise<B: Backend>(inode: &Inode<B>, me: ActorId, told: Told) -> ControlFlow<Returned, FsyncState> {
    inode.oracle.end_sync(me, told);
    inode.audit_crash();
    ControlFlow::Break(Returned::Success)
}

/// How far the log is forced.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Upto {
    /// To the last transaction of the file (`xfs_log_force_seq`), and the device is flushed.
    File,
    /// To its end (`xfs_log_force`), and who writes a checkpoint flushes the device, if anybody does.
    End,
}

/// What the log has so far is on disk from here on, or as much of it as a file needs.
pub(crate) async fn log_force<B: Backend>(inode: &Inode<B>, upto: Upto) {
    drop(inode.lock_map(Op::new(inode.sb.config.fs.names().log_force)).await);
    match upto {
        Upto::File => inode.log_force(),
        Upto::End => inode.sb.log_force_all(),
    }
    inode.sb.release_freed();
}
