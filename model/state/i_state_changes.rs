//! What changes the state of an inode ([`i_state`](crate::state::i_state)), and who asks for it.

use stalemap_facade::{ActorId, Backend, Leaf, Lock, Op};

use crate::state::i_state::{InodeDirty, InodeState};
use crate::state::inode::Inode;

impl<B: Backend> Inode<B> {
    /// Changes the state, if it is kept and this is a change.
    fn change_state(&self, change: impl Fn(&mut InodeState)) {
        let Some(i_state) = &self.i_state else { return };
        let changed = i_state.read(|state| {
            let mut changed = state.clone();
            change(&mut changed);
            (changed != *state).then_some(changed)
        });
        if let Some(changed) = changed {
            i_state.update(|state| *state = changed);
        }
    }

    /// Whether fsync(2) asks for the state.
    pub fn keeps_state(&self) -> bool {
        self.i_state.is_some()
    }

    /// `__mark_inode_dirty`, where fsync(2) asks for it. The time of every write is taken to be another one. `gfs2_dirty_inode` (fs/gfs2/super.c)
    /// has the dinode in a transaction each time, whatever was dirty before.
    pub fn mark_dirty(&self, what: InodeDirty) {
        let pins = self.i_sync.is_some();
        self.change_state(|state| {
            state.dirty = state.dirty.max(what);
            state.pinned |= pins;
        });
    }

    /// The same of its pages, which an fsync asks for where data are journalled.
    pub fn mark_pages_dirty(&self) {
        if self.i_sync.is_some() {
            self.change_state(|state| state.pages = true);
        }
    }

    /// Whether fsync(2) has to write the inode if `least` of it, or a page, has to be dirty for that.
    pub fn must_flush_log(&self, least: InodeDirty) -> bool {
        let is_dirty = |state: &InodeState| state.dirty >= least || state.pages;
        self.i_state.as_ref().is_none_or(|i_state| i_state.read(is_dirty))
    }

    /// `__writeback_single_inode` is about to write the inode, which is clean from here on. Returns what was dirty, beside pages.
    pub fn mark_clean(&self) -> InodeDirty {
        let Some(i_state) = &self.i_state else { return InodeDirty::Datasync };
        let was = i_state.read(|state| state.dirty);
        self.change_state(|state| (state.dirty, state.pages) = (InodeDirty::Clean, false));
        was
    }

    /// The same, by who waits for whoever is just writing it (`inode_wait_for_writeback`), and who is waited for if there is
    /// something to write.
    pub async fn begin_writing(&self, me: ActorId) -> InodeDirty {
        let op = Op::new("__writeback_single_inode");
        let Some(i_sync) = &self.i_sync else {
            drop(self.lock_map(op).await);
            return self.mark_clean();
        };
        let mut writer = i_sync.lock_when(op, |writer, _| writer.is_none(), 0).await;
        let was = self.mark_clean();
        if was != InodeDirty::Clean {
            *writer = Some(me);
        }
        was
    }

    /// `inode_sync_complete`: the inode is written.
    pub fn end_writing(&self, me: ActorId) {
        if let Some(i_sync) = &self.i_sync {
            i_sync.release(|writer| *writer = writer.filter(|writer| *writer != me));
        }
    }

    /// The log is written. Its dinode goes into the AIL with that, if it belongs to a transaction: if the inode was marked dirty, or `changed`.
    pub fn dinode_written(&self, changed: bool) {
        if self.i_sync.is_some() {
            self.change_state(|state| {
                state.in_ail |= state.pinned || changed;
                state.pinned = false;
            });
        }
    }

    /// `gfs2_unpin` of a buffer with data: it is in the AIL.
    pub fn data_written(&self) {
        if self.i_sync.is_some() {
            self.change_state(|state| state.in_ail = true);
        }
    }

    /// `gfs2_ail_flush` by an fsync: whether there is something in the AIL, which is revoked.
    pub async fn revoke_ail(&self) -> bool {
        let Some(i_state) = self.i_state.as_ref().filter(|_| self.i_sync.is_some()) else { return false };
        drop(self.lock_map(Op::new("gfs2_ail_flush")).await);
        let any = i_state.read(|state| state.in_ail);
        self.change_state(|state| state.in_ail = false);
        any
    }
}
