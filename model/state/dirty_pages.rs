//! I_DIRTY_PAGES in inode->i_state: whether a page of a file was dirtied since the flusher wrote the inode.
//!
//! It is set with every page that becomes dirty, and outlives its writeback: fsync(2) leaves it. The flusher clears it if no page is
//! dirty when it has written the inode (`__writeback_single_inode`, fs/fs-writeback.c), half a minute later or whenever it likes. It is no
//! actor here. So who asks finds the flag, or finds that the flusher was there meanwhile, and both are explored; but in a setup, which
//! takes no time, it never was. The word exists only for files of which somebody asks.

use stalemap_facade::{Atomic, Backend, Op, Ordering};

use crate::state::inode::Inode;
use crate::words::geometry::FileBlock;

impl<B: Backend> Inode<B> {
    /// Blocks become dirty in the page cache, and the inode with them (`__mark_inode_dirty`), in the current transition, with the folio
    /// locked.
    pub fn dirties(&self, blocks: impl IntoIterator<Item = FileBlock>) {
        self.counters.dirties(blocks);
        if let Some(flag) = &self.i_dirty_pages {
            flag.publish(1, Ordering::Relaxed);
        }
    }

    /// Whether the flag is set, for callers that have found no page dirty.
    pub async fn has_dirty_pages_flag(&self) -> bool {
        let Some(flag) = &self.i_dirty_pages else { return false };
        if flag.load(Op::new("I_DIRTY_PAGES"), Ordering::Relaxed).await == 0 {
            return false;
        }
        let backend = &self.sb.backend;
        let written = self.sb.config_actor(backend.current()).is_some()
            && backend.choose(Op::new("__writeback_single_inode"), 2).await == 1;
        if written {
            flag.publish(0, Ordering::Relaxed);
        }
        !written
    }
}
