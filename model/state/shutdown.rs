//! What all writers of the file system may have to stop at, or to wait for: that it has shut down, and that a zone can be
//! selected.
//!
//! A look whether the file system has shut down takes no lock in the kernel and is an operation of its own. Who completes
//! writeback shuts it down; that garbage collection does, too, when its I/O fails (`xfs_zone_gc_write_chunk`), is left out.

use stalemap_facade::{Backend, Leaf, Lock, Op};

use crate::state::mount::Mount;
use crate::state::space::Space;
use crate::state::superblock::SuperBlock;
use crate::words::branches;
use crate::words::extent::Phys;

impl<B: Backend> SuperBlock<B> {
    /// `xfs_is_shutdown`.
    pub async fn is_shutdown(&self) -> bool {
        match &self.mount {
            Some(mount) if self.config.may_shut_down() => {
                mount.lock(Op::new("xfs_is_shutdown")).await.shut_down
            }
            _ => false,
        }
    }

    /// Whether it has shut down, for the judge.
    pub fn is_shutdown_audit(&self) -> bool {
        let mut shut_down = false;
        self.mount.iter().for_each(|mount| mount.audit(|mount| shut_down = mount.shut_down));
        shut_down
    }

    /// `xfs_force_shutdown`: from here on nothing more is logged, and who waits for a zone waits no longer (`xfs_zoned_wake_all`).
    pub async fn force_shutdown(&self) {
        if let Some(mount) = &self.mount {
            mount.lock(Op::new("xfs_force_shutdown")).await.shut_down = true;
            self.backend.reach(branches::SHUTDOWN);
        }
    }

    /// `xfs_select_zone` and `xfs_zone_alloc_blocks`, for a block that was promised: waits until there is room in a zone that is
    /// open or may be opened. Nothing, if the file system has shut down.
    pub async fn select_zone(&self) -> Option<Phys> {
        let mount = self.mount.as_ref()?;
        let ready = |mount: &Mount, _: u64| mount.zone || mount.shut_down;
        let mut mount = mount.lock_when(Op::new("xfs_select_zone"), ready, 0).await;
        if mount.shut_down {
            return None;
        }
        let place = self.space.read(Space::next_in_zone);
        self.space.update(Space::allocate_in_zone);
        mount.zone = self.space.read(Space::selectable);
        place
    }

    /// Blocks of a zone are written, and a file's from here on (`xfs_zone_inc_written`).
    pub fn wrote(&self, blocks: impl Iterator<Item = Phys>) {
        if self.config.fs.zone_blocks() == 0 {
            return;
        }
        self.space.update(|space| blocks.for_each(|phys| space.wrote(phys)));
        self.wake_zone_waiters();
    }

    /// `wake_up_all(&zi->zi_zone_wait)`, if a zone can be selected by now.
    pub fn wake_zone_waiters(&self) {
        if let Some(mount) = self.mount.as_ref().filter(|_| self.config.fs.zone_blocks() > 0) {
            let zone = self.space.read(Space::selectable);
            mount.release(|mount| mount.zone = zone);
        }
    }
}
