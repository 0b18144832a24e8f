//! Zeroing a range of the file through the page cache: `iomap_zero_range` and `iomap_truncate_page`,
//! fs/iomap/buffered-io.c.
//!
//! Zeroing is a write of zeros that allocates nothing: where the mapping says that the device has nothing to
//! read, it has nothing to do. Only that the page cache may have something over an unwritten extent that was not
//! written back yet. Up to 6.11 zeroing did not look, and its callers flushed first; since then it looks itself
//! whether the range was dirty *before* it sampled the mapping, and flushes and maps again if so. In 7.3 XFS looks the
//! dirty folios up itself, while it maps, and those are zeroed in the page cache as they are.
//!
//! Left out: the special case for the unaligned start of the range (6.12). That a batch of folios may be full before the
//! mapping ends (7.3) cannot be: what is zeroed inside end of file is a part of a block, and lies in one folio.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::fs;
use crate::iomap::write_state::{FolioBatch, Write, WriteState};
use crate::state::event::{Dropped, Fill, Says, Skip, Truth, Use, What};
use crate::state::folio::{Folio, FolioRef};
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType, StaleFlag};
use crate::words::branches;
use crate::words::design::ZeroRange;
use crate::words::extent::{Enospc, Extent};
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::writeback::flush::FlushState;

/// The start of a pass that zeroes.
pub fn start<B: Backend>(inode: &Inode<B>, write: Write) -> WriteState {
    match inode.sb.config.design.zero_range() {
        ZeroRange::FlushAndRemap | ZeroRange::FlushUnwritten | ZeroRange::Batch => WriteState::Sample(write),
        ZeroRange::Skip | ZeroRange::FlushInBegin | ZeroRange::CheckLate => {
            WriteState::Begin(write, StaleFlag::Clear)
        }
    }
}

/// The start of zeroing `cells` on its own, for a truncate or a punch.
pub fn zero_range<B: Backend>(inode: &Inode<B>, cells: Range<Cell>) -> WriteState {
    alone(inode, Write::zeros(cells))
}

/// Zeroing for callers that have not taken invalidate_lock: before 6.12 a direct write beyond end of file.
pub fn zero_range_unlocked<B: Backend>(inode: &Inode<B>, cells: Range<Cell>) -> WriteState {
    alone(inode, Write { holds_invalidate_lock: false, ..Write::zeros(cells) })
}

fn alone<B: Backend>(inode: &Inode<B>, mut write: Write) -> WriteState {
    // Where there is no space, what has to be copied finds that out. That is the first block alone: behind it, and behind end
    // of file, there is nothing to copy.
    let first = inode.sb.geometry.cells_of_block(inode.sb.geometry.block_of(write.pos));
    write.budget = fs::reserve_budget(inode, &(write.pos..write.end.min(first.end))).unwrap_or(0);
    start(inode, write)
}

/// Takes note of whether the range is dirty, before it is mapped.
pub(crate) async fn sample<B: Backend>(inode: &Inode<B>, mut write: Write) -> WriteState {
    write.flush = range_needs_writeback(inode, folios(inode, &write)).await;
    WriteState::Begin(write, StaleFlag::Clear)
}

/// The mapping says that there is nothing to zero: whether the page cache has to be flushed before that can be
/// believed. `Break` if not, with the write moved past the mapping.
pub(crate) async fn nothing_mapped<B: Backend>(
    inode: &Inode<B>,
    mut write: Write,
    iomap: &Iomap,
) -> ControlFlow<Write, WriteState> {
    let unwritten = iomap.source_kind() == IomapType::Unwritten;
    let flush = match inode.sb.config.design.zero_range() {
        ZeroRange::Skip | ZeroRange::FlushInBegin => false,
        ZeroRange::FlushAndRemap => std::mem::take(&mut write.flush),
        ZeroRange::FlushUnwritten => unwritten && std::mem::take(&mut write.flush),
        // Inside end of file the batch says that nothing is dirty.
        ZeroRange::Batch => unwritten && write.batch.is_none() && std::mem::take(&mut write.flush),
        ZeroRange::CheckLate => range_needs_writeback(inode, folios(inode, &write)).await,
    };
    write.batch = None;
    if flush {
        return ControlFlow::Continue(flush_first(inode, write));
    }
    inode.sb.backend.reach(branches::ZERO_SKIP);
    let covered = inode.sb.geometry.cells_of_blocks(&(iomap.start..iomap.end)).end;
    let skipped = write.pos..covered.min(write.end);
    report_skip(inode, iomap, &skipped);
    write.pos = skipped.end;
    ControlFlow::Break(write)
}

/// Writes back what lies over a mapping that has nothing to zero, to map it again.
pub(crate) fn flush_first<B: Backend>(inode: &Inode<B>, write: Write) -> WriteState {
    inode.emit(|| What::FlushToZero);
    inode.sb.backend.reach(branches::ZERO_FLUSH);
    let folios = folios(inode, &write);
    WriteState::Flush(write, FlushState::new(folios))
}

/// What `iomap_begin` finds in the page cache over a mapping that it has just looked up, with the ILOCK still held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// Nothing that it would have to wait for.
    Nothing,
    /// Dirty data over a hole: it lets the ILOCK go, writes back and starts over.
    Dirty,
}

/// Looks at the page cache over what was just looked up to zero, where that is done in the same ILOCK section. `copies` is the
/// extent that the COW fork has at the start of it, if any.
pub(crate) async fn look_over<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    write: &mut Write,
    sampled: &mut Result<Iomap, Enospc>,
    copies: &Range<FileBlock>,
) -> Over {
    let Some(iomap) = sampled.as_mut().ok().filter(|_| write.fill == Fill::Zero) else {
        return Over::Nothing;
    };
    match inode.sb.config.design.zero_range() {
        ZeroRange::Batch => fill_dirty_folios(inode, me, write, iomap, copies).await,
        ZeroRange::FlushInBegin if iomap.kind == IomapType::Hole => {
            if range_needs_writeback(inode, folios(inode, write)).await {
                return Over::Dirty;
            }
        }
        ZeroRange::Skip
        | ZeroRange::FlushAndRemap
        | ZeroRange::FlushUnwritten
        | ZeroRange::FlushInBegin
        | ZeroRange::CheckLate => {}
    }
    Over::Nothing
}

/// `iomap_fill_dirty_folios` (fs/iomap/buffered-io.c, 7.3), for what is unwritten inside end of file, or a hole over which copies
/// are reserved: the folios that are dirty, under writeback or locked, each with a reference. The mapping ends with the block
/// of end of file, and that of a hole with the copies.
async fn fill_dirty_folios<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    write: &mut Write,
    iomap: &mut Iomap,
    copies: &Range<FileBlock>,
) {
    let geometry = &inode.sb.geometry;
    let eof = geometry.blocks_touched(&(0..inode.i_size_peek())).end;
    if geometry.block_of(write.pos) >= eof {
        return;
    }
    iomap.end = iomap.end.min(eof);
    match iomap.source_kind() {
        IomapType::Unwritten => {}
        IomapType::Hole if !copies.is_empty() => iomap.end = iomap.end.min(copies.end),
        _ => return,
    }
    let cells = write.pos..geometry.cells_of_blocks(&(iomap.start..iomap.end)).end.min(write.end);
    let mut batch = Vec::new();
    for index in geometry.folios_touched(&cells) {
        let op = Op::on("filemap_get_folios_dirty", u32::from(index));
        let mut slot = inode.page(index).lock(op).await;
        if let Some(id) = slot.current().filter(|(_, folio)| is_busy(folio)).map(|(id, _)| id) {
            slot.folio_mut(id).refs |= 1 << me;
            batch.push(FolioRef { index, id });
        }
    }
    write.batch = Some(Box::new(FolioBatch(batch)));
}

/// Gives back what is left of a batch (`iomap_iter_clean_fbatch`).
pub(crate) fn clean_batch<B: Backend>(inode: &Inode<B>, me: ActorId, write: &mut Write) {
    let left = write.batch.take().map(|batch| batch.0);
    for FolioRef { index, id } in left.into_iter().flatten() {
        inode.page(index).release(|slot| slot.put(id, me));
    }
}

/// The mapping is used as permission to zero nothing, and is done with: reports it to observers, and whether there is
/// something to zero by now.
fn report_skip<B: Backend>(inode: &Inode<B>, iomap: &Iomap, skipped: &Range<Cell>) {
    inode.emit(|| {
        let mut truth = Truth::AsItSays;
        inode.audit_map(|map| {
            let written = |block: &FileBlock| matches!(map.get(*block), Extent::Written(_));
            let mut blocks = inode.sb.geometry.blocks_touched(skipped);
            if let Some(block) = blocks.find(written).filter(|_| !map.is_beyond_valid(skipped.start)) {
                truth = Truth::Extent(map.get(block));
            }
        });
        let at = vec![inode.sb.geometry.bytes_of_cells(skipped)];
        What::Used(Use { says: Says::Kind(iomap.source_kind()), at, truth, skips: Some(Skip::Zeroing) })
    });
    inode.emit(|| What::Dropped(Dropped::Done));
}

fn folios<B: Backend>(inode: &Inode<B>, write: &Write) -> Range<FolioIndex> {
    inode.sb.geometry.folios_touched(&(write.pos..write.end))
}

/// `filemap_range_needs_writeback` (mm/filemap.c): looks at the page cache without a lock, one folio an
/// operation. A locked folio counts: it may be about to be written.
async fn range_needs_writeback<B: Backend>(inode: &Inode<B>, folios: Range<FolioIndex>) -> bool {
    let mut found = false;
    for index in folios {
        let slot = inode.page(index).lock(Op::on("range_needs_writeback", u32::from(index))).await;
        found |= slot.current().is_some_and(|(_, folio)| is_busy(folio));
    }
    found
}

/// Whether a folio is dirty, or may be about to be written.
fn is_busy(folio: &Folio) -> bool {
    folio.locked.is_some() || folio.dirty || folio.writeback
}
