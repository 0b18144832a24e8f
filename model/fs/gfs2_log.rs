//! The log of gfs2, where crashes are judged: transactions, and its flush in ordered mode.
//!
//! What transactions change is only on the device once the log is flushed, all of it at once, and nobody is in a
//! transaction meanwhile. In ordered mode the dirty data of files that blocks were allocated for are submitted first, so
//! that a crash does not leave blocks that hold somebody's deleted data; that they are also waited for, which that takes,
//! is so only under `nobarrier` ([the flush](crate::writeback::gfs2_log_flush)). A file is on the list of these from
//! `->iomap_end` on, while the transaction that allocates its blocks ends in `->iomap_begin`; and a write fault does not
//! put it there at all. fs/gfs2/log.c and bmap.c, 6.2.
//!
//! Left out: a flush that nobody asks for (gfs2_logd) as an actor, since what it would leave is judged at every state, though
//! no freed block comes back with it; other files' data. Where no crash is judged nobody can tell when a transaction ends, and there are none here.

use stalemap_facade::{ActorId, Backend, Op};

use crate::state::i_state::InodeDirty;
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType};

fn is_judged<B: Backend>(inode: &Inode<B>) -> bool {
    inode.log().is_some() && inode.merges_transactions()
}

/// `gfs2_trans_begin`: waits while the log is flushed.
pub(crate) async fn trans_begin<B: Backend>(inode: &Inode<B>, me: ActorId) {
    if is_judged(inode) {
        inode.sb.log_flush_lock.down_read(Op::new("gfs2_trans_begin"), me).await;
    }
}

/// `gfs2_trans_end`: from here on a flush of the log makes it durable.
pub(crate) fn trans_end<B: Backend>(inode: &Inode<B>, me: ActorId) {
    if is_judged(inode) {
        inode.sb.log_flush_lock.up_read(me);
        inode.audit_crash();
    }
}

/// The transaction of `gfs2_iomap_begin_write` ends: an allocation is more of the inode than its times.
pub(crate) fn iomap_begun<B: Backend>(inode: &Inode<B>, me: ActorId, mapped: Option<&Iomap>) {
    if mapped.is_some_and(|iomap| iomap.new) {
        inode.mark_dirty(InodeDirty::Datasync);
    }
    trans_end(inode, me);
}

/// `gfs2_ordered_add_inode` at the beginning of a `gfs2_iomap_end` that is going to free blocks.
pub(crate) async fn ordered_add<B: Backend>(inode: &Inode<B>, iomap: &Iomap) {
    if is_judged(inode) && iomap.kind != IomapType::Inline {
        drop(inode.lock_map(Op::new("gfs2_ordered_add_inode")).await);
        inode.ordered_add();
    }
}

/// What `gfs2_iomap_end` logs: the file's data are ordered from now on, if they are not yet, and its size is in the inode.
pub(crate) async fn iomap_end<B: Backend>(inode: &Inode<B>, me: ActorId, iomap: &Iomap) {
    if is_judged(inode) {
        trans_begin(inode, me).await;
        if iomap.kind != IomapType::Inline {
            inode.ordered_add();
        }
        inode.mark_dirty_if_resized();
        inode.commit_inode();
        trans_end(inode, me);
    }
}
