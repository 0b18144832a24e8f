//! `iomap_end` of a delayed allocation that was not all written: freeing the unused reservation.
//!
//! The danger is somebody else's dirty data over the reservation that is freed: a page fault may have used
//! it in the meantime. Since 6.2 the page cache is scanned under invalidate_lock, and what lies under a dirty
//! folio is kept; before, the page cache was truncated, which threw the fault's data away. But for the block that end of
//! file lies in: the scan stops in the middle of it, and what follows is rounded to blocks once more.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Leaf, Lock, Op};

use crate::fs::gfs2;
use crate::state::folio::FolioId;
use crate::state::inode::Inode;
use crate::state::slot::Slot;
use crate::truncate::{self, TruncateState};
use crate::words::design::{Punch, PunchLock, PunchStart};
use crate::words::extent::Fork;
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::personality::WriteEnd;

/// What a punch is to free, and under which lock.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Punching {
    /// The fork that the reservation was made in.
    pub fork: Fork,
    /// The lock to take.
    pub lock: PunchLock,
    /// Blocks whose reservation is still to be freed, or, on gfs2, that are.
    pub blocks: Range<FileBlock>,
    /// Blocks whose reservation goes back to the budget of the write instead of to the file system.
    pub freed: u16,
}

/// Where a punch stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum PunchState {
    /// Takes the lock that the design wants.
    Enter(Punching),
    /// Before 6.2: throws the page cache of the range away first.
    Truncate(Punching, TruncateState),
    /// Looks at one folio of the page cache.
    Scan(Punching, FolioIndex),
    /// Punches what is left and leaves.
    Rest(Punching),
}

/// One step of `xfs_buffered_write_iomap_end` -> `iomap_file_buffered_write_punch_delalloc`
/// (fs/iomap/buffered-io.c, 6.2).
pub async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: PunchState,
) -> ControlFlow<u16, PunchState> {
    let design = &inode.sb.config.design;
    let truncate = |punching: Punching| {
        let cells = inode.sb.geometry.cells_of_blocks(&punching.blocks);
        PunchState::Truncate(punching, TruncateState::new(inode, cells))
    };
    ControlFlow::Continue(match state {
        PunchState::Enter(punching) if frees_blocks(inode) => truncate(punching),
        PunchState::Rest(punching) if frees_blocks(inode) => {
            gfs2::punch_hole(inode, punching.blocks).await;
            return ControlFlow::Break(0);
        }
        PunchState::Enter(punching) => {
            if punching.lock != PunchLock::Nothing {
                inode.invalidate_lock.down_write(Op::new("down_write invalidate_lock"), me).await;
            }
            match design.punch() {
                Punch::Truncate => truncate(punching),
                Punch::Plain | Punch::Never => PunchState::Rest(punching),
                Punch::Scan
                | Punch::ScanUnlocked
                | Punch::ScanGapLate
                | Punch::ScanUptodate
                | Punch::ScanPastEof => {
                    let first = punching.blocks.start / inode.sb.geometry.blocks_per_folio();
                    PunchState::Scan(punching, first)
                }
            }
        }
        PunchState::Truncate(punching, inner) => match truncate::step(inode, me, inner).await {
            ControlFlow::Continue(inner) => PunchState::Truncate(punching, inner),
            ControlFlow::Break(()) => PunchState::Rest(punching),
        },
        PunchState::Scan(punching, index) => scan(inode, me, punching, index).await,
        PunchState::Rest(mut punching) => {
            if design.punch() != Punch::Never && !punching.blocks.is_empty() {
                let rest = punching.blocks.clone();
                punch(inode, &mut punching, &rest).await;
            }
            if punching.lock != PunchLock::Nothing {
                inode.invalidate_lock.up_write(me);
            }
            return ControlFlow::Break(punching.freed);
        }
    })
}

/// Whether this is `gfs2_iomap_end`: the page cache of the range is truncated and the blocks are freed, both under
/// the glock.
fn frees_blocks<B: Backend>(inode: &Inode<B>) -> bool {
    inode.sb.config.fs.write_end() == WriteEnd::TruncateAndFree
}

/// `iomap_write_delalloc_scan` for one folio: of a dirty folio the blocks with data are kept (SEEK_DATA goes by
/// the valid ones), and the gap before each is punched. The scan ends at end of file, also in the middle of a folio;
/// beyond it nothing can be dirty that counts, and whoever comes back for a dirty folio does not come back for that.
async fn scan<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut punching: Punching,
    index: FolioIndex,
) -> PunchState {
    let blocks = punching.blocks.clone();
    let folio_blocks = inode.sb.geometry.blocks_of_folio(index);
    // i_size only grows under i_rwsem, which the writer holds.
    let size = inode.i_size_peek();
    let eof = inode.sb.geometry.blocks_touched(&(0..size)).end;
    if folio_blocks.start >= blocks.end.min(eof) {
        return PunchState::Rest(punching);
    }
    let design = inode.sb.config.design.punch();
    let mine = punching.lock == PunchLock::UnderFolioLock;
    let op = Op::on("punch_scan", u32::from(index));
    let unlocked = |slot: &Slot, _: u64| slot.current().is_none_or(|(_, folio)| folio.locked.is_none());
    let anyhow = |_: &Slot, _: u64| true;
    let wait = if design == Punch::ScanUnlocked || mine { anyhow } else { unlocked };
    let mut slot = inode.page(index).lock_when(op, wait, 0).await;
    slot.looked_up();
    let any = design == Punch::ScanUptodate;
    let Some((id, true)) = slot.current().map(|(id, folio)| (id, folio.dirty || any)) else {
        return PunchState::Scan(punching, index + 1);
    };
    let clipped = !matches!(design, Punch::ScanUptodate | Punch::ScanPastEof);
    let end = if clipped { blocks.end.min(eof) } else { blocks.end };
    let kept = slot.folio(id).map_or_else(Vec::new, |folio| {
        let dirty = |block: &FileBlock| {
            let n = inode.sb.block_in_folio(*block);
            folio.block_uptodate(n) && (any || folio.block_dirty(n, inode.sb.per_block_dirty()))
        };
        folio_blocks.clone().filter(|block| (blocks.start..end).contains(block)).filter(dirty).collect()
    });
    let locks = matches!(design, Punch::Scan | Punch::ScanUptodate | Punch::ScanPastEof);
    let held = locks && slot.folio(id).is_some_and(|folio| folio.locked.is_none());
    if held {
        inode.folio_locked(index, id);
        let folio = slot.folio_mut(id);
        folio.locked = Some(me);
        folio.refs |= 1 << me;
    }
    drop(slot);
    for block in kept {
        let gap = punching.blocks.start..block;
        if !gap.is_empty() {
            punch(inode, &mut punching, &gap).await;
        }
        punching.blocks.start = if clipped { resumed(inode, block, size) } else { block + 1 };
    }
    if held {
        unlock(inode, me, index, id);
    }
    PunchState::Scan(punching, index + 1)
}

/// The first block that is punched behind a dirty one. Where that one reaches beyond end of file, the punch is given `size`,
/// in bytes, and makes a block of it (`xfs_bmap_punch_delalloc_range`, fs/xfs/xfs_bmap_util.c, 6.1 to 7.3).
fn resumed<B: Backend>(inode: &Inode<B>, dirty: FileBlock, size: Cell) -> FileBlock {
    match inode.sb.config.design.punch_start() {
        PunchStart::Down if inode.sb.geometry.cells_of_block(dirty).end > size => dirty,
        PunchStart::Down | PunchStart::Up => dirty + 1,
    }
}

fn unlock<B: Backend>(inode: &Inode<B>, me: ActorId, index: FolioIndex, id: FolioId) {
    inode.folio_unlocked(index, id);
    inode.page(index).release(|slot| slot.unlock_and_put(id, me));
}

/// Delalloc -> Hole in a range, in one ILOCK section.
async fn punch<B: Backend>(inode: &Inode<B>, punching: &mut Punching, blocks: &Range<FileBlock>) {
    let mut map = inode.lock_map(Op::new("punch_delalloc")).await;
    let punched = map.punch_delalloc(punching.fork, blocks);
    if inode.sb.config.fs.is_out_of_place() {
        inode.sb.space.update(|space| space.reserve(punched));
        punching.freed += punched;
    }
    map.end();
}
