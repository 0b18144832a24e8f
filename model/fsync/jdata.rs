//! fsync(2) of journalled data where a crash is judged (`gfs2_fsync`, fs/gfs2/file.c, 6.1 to 7.3).
//!
//! The data are written if any folio is tagged (`filemap_fdatawrite_range`, mm/filemap.c), and the log is flushed with them. Then the inode
//! is written if anything of it was dirty when the call began, its pages too. That is `__writeback_single_inode` (fs/fs-writeback.c): it
//! writes the data once more and flushes the log, whatever is tagged; takes the inode for clean; and if more than pages was dirty,
//! `gfs2_write_inode` flushes the log again. Who finds nothing tagged and nothing dirty flushes no log: what has changed behind the
//! flush of somebody who is just writing the inode is on no disk then.
//!
//! Left out: that two tasks do not write an inode at the same time (I_SYNC); what else is written behind that
//! (`file_write_and_wait`), which the log has already; and the error that who writes the inode is told.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::state::inode::Inode;
use crate::state::log::InodeDirty;
use crate::words::geometry::FolioIndex;
use crate::writeback::io;
use crate::writeback::jdata::{self, JdataState};

/// Where it stands, with the folios to wait for in the end.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum JdataFsync {
    /// Writing what is tagged.
    Fdatawrite {
        /// Where that stands.
        inner: JdataState,
        /// The folios.
        folios: Range<FolioIndex>,
        /// What of the inode has it written.
        wanted: Wanted,
    },
    /// Writing all data of the inode, and with them the log.
    Writepages(JdataState, Range<FolioIndex>),
    /// Before waiting for the next of all folios, which is left.
    WaitAll(Range<FolioIndex>, Range<FolioIndex>),
    /// The inode was taken for clean, when so much of it was dirty; before it is known whether pages of it are dirty still.
    Clean(InodeDirty, Range<FolioIndex>),
    /// Writing the inode: flushing the log.
    WriteInode(JdataState, Range<FolioIndex>),
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
        JdataFsync::Fdatawrite { inner: JdataState::fdatawrite(folios.clone()), folios, wanted }
    }
}

/// One step. It ends with the folios to wait for.
pub(super) async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: JdataFsync,
) -> ControlFlow<Range<FolioIndex>, JdataFsync> {
    let all = || 0..inode.sb.geometry.folios();
    ControlFlow::Continue(match state {
        JdataFsync::Fdatawrite { inner, folios, wanted } => match jdata::step(inode, me, inner).await {
            ControlFlow::Continue(inner) => JdataFsync::Fdatawrite { inner, folios, wanted },
            ControlFlow::Break(()) => match wanted {
                Wanted::WriteInode => {
                    JdataFsync::Writepages(JdataState::new(io::SyncMode::Integrity, all()), folios)
                }
                Wanted::Nothing => return ControlFlow::Break(folios),
            },
        },
        JdataFsync::Writepages(inner, folios) => match jdata::step(inode, me, inner).await {
            ControlFlow::Continue(inner) => JdataFsync::Writepages(inner, folios),
            ControlFlow::Break(()) => JdataFsync::WaitAll(all(), folios),
        },
        JdataFsync::WaitAll(mut left, folios) => {
            if let Some(index) = left.next() {
                io::wait(inode, index).await;
                JdataFsync::WaitAll(left, folios)
            } else {
                JdataFsync::Clean(inode.mark_clean(), folios)
            }
        }
        JdataFsync::Clean(was, folios) => {
            keep_pages_dirty(inode).await;
            if was == InodeDirty::Clean {
                return ControlFlow::Break(folios);
            }
            JdataFsync::WriteInode(JdataState::log_flush(), folios)
        }
        JdataFsync::WriteInode(inner, folios) => match jdata::step(inode, me, inner).await {
            ControlFlow::Continue(inner) => JdataFsync::WriteInode(inner, folios),
            ControlFlow::Break(()) => return ControlFlow::Break(folios),
        },
    })
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
