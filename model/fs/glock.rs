//! The inode glock of gfs2: a lock of the cluster, of which one node's part is modelled.
//!
//! It is held in a mode, by everybody who asked for that mode, and the modes exclude each other even on one node
//! (fs/gfs2/glock.c, `may_grant`). A holder keeps it over many steps, so there is no guard. File systems without a
//! glock have none, and taking and releasing it is nothing there.
//!
//! Direct I/O has it in a mode of its own, and gives it back when everything is submitted; so whoever gets it in
//! another mode waits for direct I/O in flight before he goes on (fs/gfs2/glops.c, `inode_go_held`).
//!
//! Left out: demotion at another node's request; and that the page cache is written back and dropped when the glock becomes deferred
//! (`inode_go_sync`, `inode_go_inval`).

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::state::dio_count::inode_dio_wait;
use crate::state::event::{Expense, LockKind};
use crate::state::glock::{Holders, Mode};
use crate::state::inode::Inode;

/// `gfs2_glock_nq`: waits until the mode can be granted, and but for direct I/O until none is in flight.
pub async fn acquire<B: Backend>(inode: &Inode<B>, me: ActorId, mode: Mode) {
    if let Some(glock) = &inode.glock {
        let admits = |holders: &Holders, wanted: u64| holders.admits(wanted);
        glock.lock_when(Op::new(mode.name()), admits, mode as u64).await.take(mode, me);
        inode.glock_order.acquire();
        inode.account(Expense::Took(LockKind::Glock));
        if mode != Mode::Deferred {
            inode_dio_wait(inode).await;
        }
    }
}

/// `gfs2_glock_dq`.
pub fn release<B: Backend>(inode: &Inode<B>, me: ActorId) {
    if let Some(glock) = &inode.glock {
        inode.glock_order.release();
        glock.release(|holders| holders.put(me));
        inode.account(Expense::Gave(LockKind::Glock));
    }
}
