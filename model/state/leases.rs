//! Breaking the leases of clients that have [layouts](crate::state::layouts): fs/xfs/xfs_pnfs.c, the comment at its top, and
//! `break_layout`, include/linux/filelock.h.
//!
//! With a lock held it is only looked, and asked for; to wait would keep the client from giving anything back that needs that
//! lock. So the locks are let go, and taken again after that, and it is looked again.

use stalemap_facade::{Backend, Lock, Op};

use crate::state::inode::Inode;
use crate::words::design::LayoutRecall;

/// `break_layout` that does not wait, with i_rwsem held: whether somebody has a layout. He is asked to give it back then, and
/// the caller lets its locks go and [waits](wait_for_layouts) (`xfs_break_leased_layouts`).
pub async fn break_layout<B: Backend>(inode: &Inode<B>) -> bool {
    match &inode.layouts {
        Some(layouts) if inode.sb.config.design.layout_recall() == LayoutRecall::Wait => {
            !layouts.lock(Op::new("break_layout")).await.is_empty()
        }
        _ => false,
    }
}

/// `break_layout` that waits, with no lock held.
pub async fn wait_for_layouts<B: Backend>(inode: &Inode<B>) {
    if let Some(layouts) = &inode.layouts
        && inode.sb.config.design.layout_recall() == LayoutRecall::Wait
    {
        drop(layouts.lock_when(Op::new("__break_lease"), |layouts, _| layouts.is_empty(), 0).await);
    }
}
