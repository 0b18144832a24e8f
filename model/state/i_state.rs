//! What of an inode is dirty (`i_state`), who is writing it (I_SYNC), and what of it a flush of the log of gfs2 has written (gl_ail_count of
//! its glock), where fsync(2) asks for that: `gfs2_fsync` (fs/gfs2/file.c), `writeback_single_inode` (fs/fs-writeback.c) and
//! `gfs2_ail_flush` (fs/gfs2/glops.c), 6.1 to 7.3.
//!
//! It is kept where a crash is judged, or writeback may fail, of which only an inode that is dirty makes an fsync ask, and where a file's data begin, or cease, to be journalled: the log is what still has data then that
//! no folio does. Elsewhere an fsync has the log written in any case.

use stalemap_facade::{ActorId, Backend};

use crate::words::config::Config;
use crate::words::personality::{Allocate, FsyncLog, Hooks};

/// What of an inode is dirty (`i_state`), as far as fsync(2) asks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum InodeDirty {
    /// Nothing.
    Clean,
    /// Its times (`I_DIRTY_SYNC`).
    Times,
    /// What the data cannot be found without (`I_DIRTY_DATASYNC`).
    Datasync,
}

/// What is known of an inode beside its contents.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct InodeState {
    /// What has changed in the inode since it was written last.
    pub(super) dirty: InodeDirty,
    /// Whether pages of it are taken for dirty (`I_DIRTY_PAGES`), where an fsync asks for that: of journalled data.
    pub(super) pages: bool,
    /// Whether its dinode belongs to a transaction that is not flushed, where the next one is asked for.
    pub(super) pinned: bool,
    /// Whether something of it was written to the log since an fsync has last looked (gl_ail_count is not 0).
    pub(super) in_ail: bool,
}

impl InodeState {
    /// Of a file as it is made.
    fn new() -> Self {
        InodeState { dirty: InodeDirty::Clean, pages: false, pinned: false, in_ail: false }
    }
}

/// Whether the inode's state is asked for: of that of journalled data, or of data that may be journalled, there is more.
fn asks(config: &Config, sets_data_mode: bool) -> bool {
    looks_if_dirty(config) && (config.judges_crashes() || sets_data_mode) || may_leave_untold(config)
}

/// Whether an fsync looks whether the inode is dirty.
fn looks_if_dirty(config: &Config) -> bool {
    config.fs.allocate() == Allocate::Written && config.fs.fsync_log() == FsyncLog::IfDirty
}

/// Whether one that finds it clean may ask nobody about errors.
pub(super) fn may_leave_untold(config: &Config) -> bool {
    looks_if_dirty(config) && config.fs.io_errors() && config.fs.hooks() == Hooks::Nothing
}

/// The state of a file as it is made, if anybody asks for it.
pub(super) fn i_state<B: Backend>(
    backend: &B,
    config: &Config,
    sets_data_mode: bool,
) -> Option<B::Leaf<InodeState>> {
    asks(config, sets_data_mode).then(|| backend.leaf("i_state", InodeState::new()))
}

/// Who is writing it, if anybody waits for that.
pub(super) fn i_sync<B: Backend>(
    backend: &B,
    config: &Config,
    sets_data_mode: bool,
) -> Option<B::Lock<Option<ActorId>>> {
    let journals = sets_data_mode || config.fs.hooks() == Hooks::Jdata;
    (journals && asks(config, sets_data_mode)).then(|| backend.lock("I_SYNC", None))
}
