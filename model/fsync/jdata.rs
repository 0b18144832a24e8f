//! fsync(2) of data that are journalled, or may be, where a crash is judged or a file changes its kind (`gfs2_fsync`,
//! fs/gfs2/file.c, 6.1 to 7.3).
//!
//! The data are written if any folio is tagged (`filemap_fdatawrite_range`, mm/filemap.c), and the log is flushed with them. Then the inode
//! is written if anything of it was dirty when the call began, its pages too. That is `__writeback_single_inode` (fs/fs-writeback.c), for
//! `sync_inode_metadata`, which allows it no page (`nr_to_write` is 0): `do_writepages` returns at once, and flushes no log either. It waits,
//! takes the inode for clean, and if more than pages was dirty, `gfs2_write_inode` flushes the log. Behind that the data are written once
//! more, if any folio is tagged (`file_write_and_wait`), and the log is flushed if something of the inode is in the AIL (`gfs2_ail_flush`).
//!
//! So who finds nothing tagged and nothing dirty flushes no log: what has changed behind the flush of somebody who is just writing the
//! inode is on no disk then. Nor does who finds pages alone dirty, and none of them tagged: they are pinned in a transaction.
//!
//! Left out: the error that who writes the inode is told, or who writes the data once more; and that I_SYNC is held from the wait on.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::state::i_state::InodeDirty;
use crate::state::inode::Inode;
use crate::words::geometry::FolioIndex;
use crate::words::personality::Hooks;
use crate::writeback::io::{self, SyncMode};
use crate::writeback::jdata::{self, JdataState};
use crate::writeback::{self, WritebackState};

/// Where it stands, with the folios to wait for in the end.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum JdataFsync {
    /// Writing what is tagged.
    Fdatawrite {
        /// Where that stands.
        inner: WritebackState,
        /// The folios.
        folios: Range<FolioIndex>,
        /// What of the inode has it written.
        wanted: Wanted,
    },
    /// Before waiting for the next of all folios, which is left.
    WaitAll(Range<FolioIndex>, Range<FolioIndex>),
    /// Before the inode is taken for clean.
    Begin(Range<FolioIndex>),
    /// It is, when so much of it was dirty; before it is known whether pages of it are dirty still.
    Clean(InodeDirty, Range<FolioIndex>),
    /// Writing the inode: flushing the log.
    WriteInode(JdataState, Range<FolioIndex>),
    /// The inode is written; before it is known whether its data are journalled now.
    IsJdata(Range<FolioIndex>),
    /// Writing what is tagged by then.
    FileWrite(WritebackState, Range<FolioIndex>),
    /// Before waiting for the next of all folios once more.
    FileWait(Range<FolioIndex>, Range<FolioIndex>),
    /// Before it is known whether something of the inode is in the AIL.
    AilFlush(Range<FolioIndex>),
    /// It is: flushing the log.
    LogFlush(JdataState, Range<FolioIndex>),
}

/// What follows when the data are on their way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wanted {
    /// The inode is written.
    WriteInode,
    /// Nothing is.
    Nothing,
}

impl JdataFsync {
    /// Before anything is written, of an inode of which at least so much has to be dirty that it is written.
    pub(super) fn new<B: Backend>(inode: &Inode<B>, least: InodeDirty, folios: Range<FolioIndex>) -> Self {
        let wanted = if inode.must_flush_log(least) { Wanted::WriteInode } else { Wanted::Nothing };
        JdataFsync::Fdatawrite { inner: fdatawrite(folios.clone()), folios, wanted }
    }
}

fn fdatawrite(folios: Range<FolioIndex>) -> WritebackState {
    WritebackState::new(SyncMode::Integrity, folios)
}

/// One step. It ends with the folios to wait for.
pub(super) async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: JdataFsync,
) -> ControlFlow<Range<FolioIndex>, JdataFsync> {
    let all = || 0..inode.sb.geometry.folios();
    ControlFlow::Continue(match state {
        JdataFsync::Fdatawrite { inner, folios, wanted } => match writeback::step(inode, me, inner).await {
            ControlFlow::Continue(inner) => JdataFsync::Fdatawrite { inner, folios, wanted },
            ControlFlow::Break(()) => match wanted {
                Wanted::WriteInode => JdataFsync::WaitAll(all(), folios),
                Wanted::Nothing => return ControlFlow::Break(folios),
            },
        },
        JdataFsync::FileWrite(inner, folios) => match writeback::step(inode, me, inner).await {
            ControlFlow::Continue(inner) => JdataFsync::FileWrite(inner, folios),
            ControlFlow::Break(()) => JdataFsync::FileWait(all(), folios),
        },
        JdataFsync::FileWait(mut left, folios) => {
            let Some(index) = left.next() else { return ControlFlow::Continue(JdataFsync::AilFlush(folios)) };
            io::wait(inode, index).await;
            JdataFsync::FileWait(left, folios)
        }
        JdataFsync::AilFlush(folios) => {
            if !inode.revoke_ail().await {
                return ControlFlow::Break(folios);
            }
            JdataFsync::LogFlush(JdataState::log_flush(), folios)
        }
        JdataFsync::LogFlush(inner, folios) => match jdata::step(inode, me, inner).await {
            ControlFlow::Continue(inner) => JdataFsync::LogFlush(inner, folios),
            ControlFlow::Break(()) => return ControlFlow::Break(folios),
        },
        state => sync_inode_metadata(inode, me, state).await,
    })
}

/// The inode is written, if anybody has to write it.
async fn sync_inode_metadata<B: Backend>(inode: &Inode<B>, me: ActorId, state: JdataFsync) -> JdataFsync {
    match state {
        JdataFsync::WaitAll(mut left, folios) => {
            let Some(index) = left.next() else { return JdataFsync::Begin(folios) };
            io::wait(inode, index).await;
            JdataFsync::WaitAll(left, folios)
        }
        JdataFsync::Begin(folios) => JdataFsync::Clean(inode.begin_writing(me).await, folios),
        JdataFsync::Clean(was, folios) => {
            keep_pages_dirty(inode).await;
            if was == InodeDirty::Clean {
                JdataFsync::IsJdata(folios)
            } else {
                JdataFsync::WriteInode(JdataState::log_flush(), folios)
            }
        }
        JdataFsync::WriteInode(inner, folios) => match jdata::step(inode, me, inner).await {
            ControlFlow::Continue(inner) => JdataFsync::WriteInode(inner, folios),
            ControlFlow::Break(()) => {
                inode.end_writing(me);
                JdataFsync::IsJdata(folios)
            }
        },
        JdataFsync::IsJdata(folios) if inode.load_hooks().await == Hooks::Jdata => {
            JdataFsync::FileWrite(fdatawrite(0..inode.sb.geometry.folios()), folios)
        }
        JdataFsync::IsJdata(folios) => JdataFsync::AilFlush(folios),
        other => other,
    }
}

/// An inode that was just taken for clean has dirty pages still, if a folio is tagged (`mapping_tagged`), which is looked at here folio by
/// folio.
pub(crate) async fn keep_pages_dirty<B: Backend>(inode: &Inode<B>) {
    for index in 0..inode.sb.geometry.folios() {
        let slot = inode.page(index).lock(Op::on("mapping_tagged", u32::from(index))).await;
        if slot.current().is_some_and(|(_, folio)| folio.tagged) {
            inode.mark_pages_dirty();
            return;
        }
    }
}
