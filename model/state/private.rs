//! What belongs to a folio, `folio->private`: the per-block state of iomap, or the buffer heads of journalled data.
//!
//! Nothing in it says which of both it is. The functions of iomap take whatever they find for a state (`ifs_alloc`, up to 6.2
//! `to_iomap_page`, fs/iomap/buffered-io.c), also in a folio of one block, to which they would give none; and those of fs/buffer.c
//! take it for buffer heads (`folio_buffers`, up to 6.1 `page_buffers`). Which of them work on a file follows from its data mode
//! (GFS2_DIF_JDATA, mapping->a_ops), which [a command](crate::words::command::Command::Chattr) may change. Where none does, nobody
//! can be mistaken, and it is not kept here what there is.
//!
//! Left out: reclaim, which lets the functions of the present mode free it (`->release_folio`).

use stalemap_facade::{Atomic, Backend, Op, Ordering};

use crate::judge::properties;
use crate::state::event::What;
use crate::state::folio::{Folio, Private};
use crate::state::inode::Inode;
use crate::words::branches;
use crate::words::geometry::FolioIndex;
use crate::words::personality::Hooks;

/// What is done with what belongs to a folio.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It is used if it is there.
    Used,
    /// It is made if it is not there, and stays.
    Kept,
}

impl<B: Backend> Inode<B> {
    /// `gfs2_is_jdata`, for callers that hold i_rwsem or the glock, which who changes it holds exclusively.
    pub fn hooks(&self) -> Hooks {
        if self.sets_data_mode { as_hooks(self.jdata.peek()) } else { self.sb.config.fs.hooks() }
    }

    /// mapping->a_ops, for callers that hold neither.
    pub async fn load_hooks(&self) -> Hooks {
        if !self.sets_data_mode {
            return self.sb.config.fs.hooks();
        }
        let hooks = as_hooks(self.jdata.load(Op::new("a_ops"), Ordering::Acquire).await);
        self.emit(|| What::LookedAtDataMode(hooks));
        hooks
    }

    /// `gfs2_set_aops`.
    pub async fn set_hooks(&self, hooks: Hooks) {
        let flag = u64::from(hooks == Hooks::Jdata);
        self.jdata.store(Op::new("gfs2_set_aops"), flag, Ordering::Release).await;
        self.emit(|| What::DataMode(hooks));
        self.sb.backend.reach(branches::DATA_MODE);
    }

    /// The functions of a data mode work on a folio and what belongs to it. Needs the folio lock.
    pub fn take_private(&self, index: FolioIndex, folio: &mut Folio, hooks: Hooks, taken: Taken) {
        if !self.sets_data_mode {
            return;
        }
        let own = match hooks {
            Hooks::Nothing => Private::BlockState,
            Hooks::Jdata => Private::Buffers,
        };
        let mistaken = folio.private != Private::Absent && folio.private != own;
        if mistaken {
            self.violate(properties::WRONG_PRIVATE, || {
                let verb = if folio.private == Private::Buffers { "are" } else { "is" };
                format!("{} of folio {index} {verb} taken for {}", says(folio.private), says(own))
            });
            // Whatever that leads to, the rest is judged as if it had been well.
            folio.private = Private::Absent;
            if own == Private::BlockState {
                folio.buffers = None;
            }
        }
        // Where a block is a folio, iomap makes none.
        let has = own == Private::Buffers || self.sb.geometry.blocks_per_folio() > 1;
        if taken == Taken::Kept && has {
            folio.private = own;
        }
    }

    /// What `->dirty_folio` does with it: `iomap_dirty_folio` makes it (from 6.6 on: before that there are no dirty bits in it, and
    /// `filemap_dirty_folio` does not look), `block_dirty_folio` uses it. Needs the folio lock, or a reference.
    pub fn dirty_private(&self, index: FolioIndex, folio: &mut Folio, hooks: Hooks) {
        match hooks {
            Hooks::Nothing if self.sb.per_block_dirty() => {
                self.take_private(index, folio, hooks, Taken::Kept);
            }
            Hooks::Nothing => {}
            Hooks::Jdata => {
                self.take_private(index, folio, hooks, Taken::Used);
                self.mark_pages_dirty();
            }
        }
    }
}

fn as_hooks(flag: u64) -> Hooks {
    if flag == 0 { Hooks::Nothing } else { Hooks::Jdata }
}

fn says(private: Private) -> &'static str {
    match private {
        Private::Absent => "nothing",
        Private::BlockState => "the state of the blocks",
        Private::Buffers => "the buffer heads",
    }
}
