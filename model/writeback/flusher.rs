//! The flusher (`wb_writeback` and `__writeback_single_inode`, fs/fs-writeback.c): it writes back a file that has been dirty for some time,
//! waits for nothing, and takes the inode for clean when it has submitted the data. Then it has the inode written
//! (`->write_inode`), if more of that was dirty than its pages.
//!
//! XFS and zonefs have no `->write_inode`, and that of ext4 does nothing when nobody waits. `gfs2_write_inode` (fs/gfs2/super.c, 6.1 to
//! 7.3) flushes the log where the data are journalled, and else only takes the file off the list of ordered data.
//!
//! Left out: that it stops after so many pages, and comes later to an inode that somebody is writing (I_SYNC); and where no crash is judged
//! and no file changes its kind, all that follows the data, but for the flush of a log with journalled data, which is made there in any case.

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Backend, Op};

use crate::fsync::jdata::keep_pages_dirty;
use crate::path::{Part, Path, Stepped};
use crate::state::i_state::InodeDirty;
use crate::state::inode::Inode;
use crate::state::world::World;
use crate::words::command::Command;
use crate::words::personality::Hooks;
use crate::writeback::io::SyncMode;
use crate::writeback::jdata::{self, JdataState};
use crate::writeback::{self, WritebackState};

/// Where it stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum FlusherState {
    /// Writing back.
    Write(WritebackState),
    /// Before the inode is taken for clean.
    Clean,
    /// It is, when so much of it was dirty; before it is known whether pages with journalled data are dirty still.
    Tagged(InodeDirty),
    /// It is, before it is known whether the data are journalled now.
    WriteInode,
    /// It is, before the file leaves the list of ordered data.
    OrderedDel,
    /// Flushing a log with journalled data.
    LogFlush(JdataState),
}

impl Path for FlusherState {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Flusher = part.first()? else { return None };
        Some(FlusherState::Write(WritebackState::new(SyncMode::Background, part.all_folios())))
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        match self {
            FlusherState::Write(inner) => match writeback::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => ControlFlow::Continue(FlusherState::Write(inner)),
                ControlFlow::Break(()) => written(inode).await,
            },
            FlusherState::Clean => {
                let was = inode.begin_writing(me).await;
                if inode.sets_data_mode || inode.hooks() == Hooks::Jdata {
                    return ControlFlow::Continue(FlusherState::Tagged(was));
                }
                was_clean(was).map_or(ControlFlow::Continue(FlusherState::OrderedDel), ControlFlow::Break)
            }
            FlusherState::Tagged(was) => {
                keep_pages_dirty(inode).await;
                was_clean(was).map_or(ControlFlow::Continue(FlusherState::WriteInode), ControlFlow::Break)
            }
            FlusherState::WriteInode if inode.load_hooks().await == Hooks::Jdata => {
                ControlFlow::Continue(FlusherState::LogFlush(JdataState::log_flush()))
            }
            FlusherState::WriteInode => {
                inode.end_writing(me);
                ControlFlow::Break(())
            }
            FlusherState::OrderedDel => {
                drop(inode.lock_map(Op::new("gfs2_ordered_del_inode")).await);
                inode.ordered_del();
                ControlFlow::Break(())
            }
            FlusherState::LogFlush(inner) => match jdata::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => ControlFlow::Continue(FlusherState::LogFlush(inner)),
                ControlFlow::Break(()) => {
                    inode.end_writing(me);
                    ControlFlow::Break(())
                }
            },
        }
    }
}

/// An inode that was clean, but for pages, is not written.
fn was_clean(was: InodeDirty) -> Option<()> {
    (was == InodeDirty::Clean).then_some(())
}

/// What comes behind the data.
async fn written<B: Backend>(inode: &Inode<B>) -> Stepped<FlusherState> {
    if inode.log().is_some() && inode.merges_transactions() || inode.keeps_state() {
        ControlFlow::Continue(FlusherState::Clean)
    } else if inode.load_hooks().await == Hooks::Jdata {
        ControlFlow::Continue(FlusherState::LogFlush(JdataState::log_flush()))
    } else {
        ControlFlow::Break(())
    }
}
