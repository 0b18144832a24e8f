//! Rewriting: somebody reads folios of a file into the page cache and dirties them as they are, so that writeback writes them
//! again, to a better place or in another form. He is no writer, and changes nothing; all the same he has to be kept
//! apart from those who put something in the place of what he has read.
//!
//! No file system here does it: it is how others defragment and collect garbage (`btrfs_defrag_file`, fs/btrfs/defrag.c, with
//! i_rwsem held exclusively). The folio is filled as `read_cache_folio` (mm/filemap.c) does, which leaves invalidate_lock to its caller; its blocks
//! are mapped with the folio locked, as by a write fault; then it is dirty. What is held around that is a value of
//! the design.
//!
//! Left out: that several folios are dirtied at once, and that writeback in flight is waited for.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Lock, Op, Returned};

use crate::mmap::mkwrite::map_next;
use crate::mmap::state::Mapped;
use crate::path::{Part, Path, Stepped};
use crate::read::fill::{self, FillState};
use crate::state::dio_count::inode_dio_wait;
use crate::state::event::{Errno, FolioEvent, What};
use crate::state::folio::{FolioId, FolioRef};
use crate::state::inode::Inode;
use crate::state::slot::Slot;
use crate::state::trace;
use crate::state::world::World;
use crate::words::command::Command;
use crate::words::design::RedirtyLock;
use crate::words::geometry::{FileBlock, FolioIndex};

/// Where it stands, with the folios that are left.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum RedirtyState {
    /// Before the lock.
    Enter(Range<FolioIndex>),
    /// Before the first folio is looked up.
    Find(Range<FolioIndex>),
    /// Filling it.
    Fill(Range<FolioIndex>, FillState),
    /// Before its lock.
    Lock(Range<FolioIndex>, FolioRef),
    /// Before its blocks from here on are mapped.
    Map {
        /// What is left, with this folio.
        folios: Range<FolioIndex>,
        /// The folio, which is locked.
        folio: FolioRef,
        /// Where the next mapping begins.
        block: FileBlock,
    },
}

impl Path for RedirtyState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Redirty { range } = part.first()? else { return None };
        let folios = part.folios(range);
        Some(match part.inode.sb.config.design.redirty_lock() {
            RedirtyLock::IRwsem | RedirtyLock::InvalidateLock => RedirtyState::Enter(folios),
            RedirtyLock::Folio => RedirtyState::Find(folios),
        })
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        ControlFlow::Continue(match self {
            RedirtyState::Enter(folios) => {
                lock(inode, me).await;
                RedirtyState::Find(folios)
            }
            RedirtyState::Find(folios) => return find(inode, me, folios).await,
            RedirtyState::Fill(folios, inner) => match fill::step_locked(inode, me, inner).await {
                ControlFlow::Continue(inner) => RedirtyState::Fill(folios, inner),
                ControlFlow::Break(_) => RedirtyState::Find(folios),
            },
            RedirtyState::Lock(folios, folio) => lock_folio(inode, me, folios, folio).await,
            RedirtyState::Map { folios, folio, block } => return map(inode, me, folios, folio, block).await,
        })
    }
}

async fn lock<B: Backend>(inode: &Inode<B>, me: ActorId) {
    match inode.sb.config.design.redirty_lock() {
        RedirtyLock::IRwsem => {
            inode.i_rwsem.down_write(Op::new("down_write i_rwsem"), me).await;
            inode_dio_wait(inode).await;
        }
        RedirtyLock::InvalidateLock => {
            inode.invalidate_lock.down_read(Op::new("down_read invalidate_lock"), me).await;
        }
        RedirtyLock::Folio => {}
    }
}

fn finish<B: Backend>(inode: &Inode<B>, me: ActorId, returned: Returned) -> Stepped<RedirtyState> {
    match inode.sb.config.design.redirty_lock() {
        RedirtyLock::IRwsem => inode.i_rwsem.up_write(me),
        RedirtyLock::InvalidateLock => inode.invalidate_lock.up_read(me),
        RedirtyLock::Folio => {}
    }
    ControlFlow::Break(returned)
}

/// The next folio inside end of file is to be valid.
async fn find<B: Backend>(inode: &Inode<B>, me: ActorId, folios: Range<FolioIndex>) -> Stepped<RedirtyState> {
    let Some(index) = folios.clone().next() else { return finish(inode, me, Returned::Success) };
    let mut slot = inode.page(index).lock(Op::on("filemap_get_folio", u32::from(index))).await;
    if inode.sb.geometry.cells_of_folio(index).start >= inode.i_size_peek() {
        drop(slot);
        return finish(inode, me, Returned::Success);
    }
    let Some((id, true)) = slot.current().map(|(id, folio)| (id, folio.uptodate)) else {
        return ControlFlow::Continue(RedirtyState::Fill(folios, FillState::locked(index)));
    };
    slot.folio_mut(id).refs |= 1 << me;
    ControlFlow::Continue(RedirtyState::Lock(folios, FolioRef { index, id }))
}

/// The folio must still be there, and valid.
async fn lock_folio<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    folios: Range<FolioIndex>,
    folio: FolioRef,
) -> RedirtyState {
    let FolioRef { index, id } = folio;
    let unlocked = |slot: &Slot, id: u64| slot.is_unlocked(id as FolioId);
    let op = Op::on("folio_lock", u32::from(index));
    let mut slot = inode.page(index).lock_when(op, unlocked, u64::from(id)).await;
    inode.folio_locked(index, id);
    let there = slot.folio(id).is_some_and(|folio| folio.in_cache && folio.uptodate);
    if !there || inode.sb.geometry.cells_of_folio(index).start >= inode.i_size_peek() {
        inode.folio_unlocked(index, id);
        slot.put(id, me);
        return RedirtyState::Find(folios);
    }
    slot.folio_mut(id).locked = Some(me);
    RedirtyState::Map { folios, folio, block: inode.sb.geometry.blocks_of_folio(index).start }
}

/// One mapping; with the last one the folio is dirty, and let go.
async fn map<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut folios: Range<FolioIndex>,
    folio: FolioRef,
    block: FileBlock,
) -> Stepped<RedirtyState> {
    let FolioRef { index, id } = folio;
    let mapped = map_next(inode, index, block, &mut 0).await;
    let mut slot = inode.page(index).lock(Op::on("folio_mark_dirty", u32::from(index))).await;
    let dirtied = slot.locked_mut(id, me);
    if let Ok(Mapped { iomap, next }) = &mapped {
        if !dirtied.dirty {
            inode.trace(|| trace::writeback_dirty_folio(inode, index));
        }
        let first = inode.sb.block_in_folio(block);
        let end = (first + (iomap.end - block)).min(inode.sb.geometry.blocks_per_folio());
        dirtied.set_dirty(first..end);
        inode.dirties(block..block + (end - first));
        inode.emit(|| What::Folio(FolioEvent::Redirtied(index)));
        if let Some(next) = next {
            return ControlFlow::Continue(RedirtyState::Map { folios, folio, block: *next });
        }
    } else {
        inode.emit(|| What::Failed(Errno::NoSpace));
    }
    inode.folio_unlocked(index, id);
    slot.unlock_dirtied(id, me);
    slot.put(id, me);
    drop(slot);
    inode.audit_backing(inode.sb.geometry.blocks_of_folio(index));
    folios.start += 1;
    if mapped.is_err() {
        return finish(inode, me, Returned::Error);
    }
    ControlFlow::Continue(RedirtyState::Find(folios))
}
