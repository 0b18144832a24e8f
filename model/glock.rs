//! The inode glock of gfs2: a lock of the cluster, of which one node's part is modelled.
//!
//! It is held in a mode, by everybody who asked for that mode, and the modes exclude each other even on one node
//! (fs/gfs2/glock.c, `may_grant`). A holder keeps it over many steps, so there is no guard. File systems without a
//! glock have none, and taking and releasing it is nothing there.
//!
//! Direct I/O has it in a mode of its own, and gives it back when everything is submitted; so whoever gets it in
//! another mode waits for direct I/O in flight before he goes on (fs/gfs2/glops.c, `inode_go_held`).
//!
//! Left out: demotion at another node's request.

use crate::dio::inode_dio_wait;
use crate::inode::Inode;
use stalemap_facade::{ActorId, Backend, Lock, Op};

/// In which mode it is held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mode {
    /// LM_ST_EXCLUSIVE: one holder.
    Exclusive,
    /// LM_ST_SHARED: any number.
    Shared,
    /// LM_ST_DEFERRED: any number, for direct I/O, which must not meet cached data.
    Deferred,
}

impl Mode {
    const ALL: [Mode; 3] = [Mode::Exclusive, Mode::Shared, Mode::Deferred];

    fn name(self) -> &'static str {
        match self {
            Mode::Exclusive => "gfs2_glock_nq EX",
            Mode::Shared => "gfs2_glock_nq SH",
            Mode::Deferred => "gfs2_glock_nq DF",
        }
    }
}

/// Who holds it, and how.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Holders {
    mode: Option<Mode>,
    /// As a set of actors.
    actors: u16,
}

impl Holders {
    fn admits(&self, wanted: u64) -> bool {
        let shared = Mode::ALL.into_iter().find(|mode| *mode as u64 == wanted);
        self.mode.is_none() || self.mode == shared && shared != Some(Mode::Exclusive)
    }

    fn take(&mut self, mode: Mode, me: ActorId) {
        self.mode = Some(mode);
        self.actors |= 1 << me;
    }

    fn put(&mut self, me: ActorId) {
        self.actors &= !(1 << me);
        if self.actors == 0 {
            self.mode = None;
        }
    }

    /// Whether nobody holds it.
    pub fn is_free(&self) -> bool {
        self.mode.is_none()
    }
}

/// `gfs2_glock_nq`: waits until the mode can be granted, and but for direct I/O until none is in flight.
pub async fn acquire<B: Backend>(inode: &Inode<B>, me: ActorId, mode: Mode) {
    if let Some(glock) = &inode.glock {
        let admits = |holders: &Holders, wanted: u64| holders.admits(wanted);
        glock.lock_when(Op::new(mode.name()), admits, mode as u64).await.take(mode, me);
        inode.glock_order.acquire();
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_share_a_mode_and_modes_exclude_each_other() {
        let mut holders = Holders::default();
        holders.take(Mode::Shared, 1);
        assert!(holders.admits(Mode::Shared as u64));
        assert!(!holders.admits(Mode::Deferred as u64) && !holders.admits(Mode::Exclusive as u64));
        holders.take(Mode::Shared, 2);
        holders.put(1);
        assert!(!holders.admits(Mode::Exclusive as u64));
        holders.put(2);
        assert!(holders.admits(Mode::Exclusive as u64));
        holders.take(Mode::Exclusive, 1);
        assert!(!holders.admits(Mode::Exclusive as u64));
    }
}
