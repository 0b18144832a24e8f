//! `__iomap_write_begin`: what the write does not cover of blocks that are not valid is read or zeroed, as the mapping says.
//!
//! Where a stale mapping does harm: it says a hole, and written data are zeroed in memory; or it says written, and a block is read
//! that holds something else by now.

use std::ops::Range;

use stalemap_facade::{ActorId, Backend, Leaf, Lock, Op};

use crate::fs::{self, stuffed, valid_size};
use crate::iomap::audit::audit_use;
use crate::iomap::write_state::{IomapIter, Locked, Write};
use crate::state::device::contents;
use crate::state::event::{DataEvent, Errno, Expense, Fill, What};
use crate::state::folio::{Folio, FolioRef};
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType};
use crate::state::sync::IoLock;
use crate::words::branches;
use crate::words::design::{UnshareRead, ZeroedUptodate};
use crate::words::extent::Extent;
use crate::words::geometry::{Cell, FileBlock};
use crate::words::value::Value;

/// The blocks that are to be filled: those to zero, and those that the mapping says have data, to read.
pub(super) fn sort_blocks<B: Backend>(
    inode: &Inode<B>,
    fill: Fill,
    iomap: &Iomap,
    locked: &Locked,
) -> (Vec<FileBlock>, Vec<FileBlock>) {
    // What is unshared is read even where it is covered: nobody brings new contents.
    let unshare = fill == Fill::Unshare && inode.sb.config.design.unshare_read() == UnshareRead::Always;
    let partial = |block: &FileBlock| {
        let cells = inode.sb.geometry.cells_of_block(*block);
        unshare || cells.start < locked.covered.start || cells.end > locked.covered.end
    };
    // What lies in the inode is in the folio by now.
    let invalid = locked.invalid.iter().copied().filter(|_| iomap.kind != IomapType::Inline);
    let (mut to_zero, mut to_read): (Vec<_>, Vec<_>) =
        invalid.partition(|block| needs_zeroing(inode, iomap, *block));
    to_zero.retain(partial);
    if valid_size::writes_over_device(inode, iomap) {
        to_read = with_neighbours(&to_read, partial);
    } else {
        to_read.retain(partial);
    }
    (to_zero, to_read)
}

/// Of `blocks`, in the order of the file, the runs of which one is `partial`: a run is read at once, also what the write covers of it
/// (`iomap_adjust_read_range`). Whether that is done can be told only where what is read may be nobody's.
fn with_neighbours(blocks: &[FileBlock], partial: impl Fn(&FileBlock) -> bool) -> Vec<FileBlock> {
    let runs = blocks.chunk_by(|block, next| block + 1 == *next);
    runs.filter(|run| run.iter().any(&partial)).flatten().copied().collect()
}

/// `iomap_block_needs_zeroing`.
fn needs_zeroing<B: Backend>(inode: &Inode<B>, iomap: &Iomap, block: FileBlock) -> bool {
    let start = inode.sb.geometry.cells_of_block(block).start;
    let is_invalid = || iomap.valid.is_some_and(|valid| start >= valid);
    !iomap.is_to_be_read()
        || !valid_size::writes_over_device(inode, iomap) && is_invalid()
        || start >= inode.i_size_peek()
}

/// What is zeroed together with a block (`iomap_adjust_read_range`): the blocks of the write around it that are not valid either, on
/// the same side of end of file. Also such as the write covers, of which nothing is zeroed.
fn zeroed_with<B: Backend>(
    inode: &Inode<B>,
    iomap: &Iomap,
    locked: &Locked,
    block: FileBlock,
) -> Range<FileBlock> {
    let size = inode.i_size_peek();
    let is_behind = |block: FileBlock| inode.sb.geometry.cells_of_block(block).start >= size;
    let belongs = |other: &FileBlock| {
        locked.invalid.contains(other)
            && needs_zeroing(inode, iomap, *other)
            && is_behind(*other) == is_behind(block)
    };
    let start = (0..block).rev().take_while(belongs).last().unwrap_or(block);
    start..block + 1 + (block + 1..inode.sb.geometry.blocks()).take_while(belongs).count() as FileBlock
}

/// `iomap_write_begin_inline`: fills the folio from the inode, however much the write covers.
pub(super) async fn write_begin_inline<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    iomap: &Iomap,
    locked: &Locked,
) {
    if locked.invalid.is_empty() {
        return;
    }
    let FolioRef { index, id } = locked.folio;
    let mut slot = inode.page(index).lock(Op::on("iomap_read_inline_data", u32::from(index))).await;
    audit_use(inode, iomap, &locked.invalid, locked);
    stuffed::read_inline_data(inode, slot.locked_mut(id, me));
    inode.sb.backend.reach(branches::READ_FILL);
}

/// Reads blocks, if the write may wait for them and the device gives them.
pub(super) async fn read_blocks<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    iter: &IomapIter,
    locked: &Locked,
    to_read: &[FileBlock],
) -> Result<(), Errno> {
    if to_read.is_empty() {
        return Ok(());
    }
    if iter.write.nowait {
        return Err(Errno::Again);
    }
    if inode.sb.may_fail(me) && inode.sb.backend.choose(Op::new("bio_status"), 2).await == 1 {
        inode.sb.backend.reach(branches::IO_ERROR);
        return Err(Errno::Io);
    }
    let FolioRef { index, id } = locked.folio;
    let mut slot = inode.page(index).lock(Op::on("iomap_read_folio_sync", u32::from(index))).await;
    audit_use(inode, &iter.iomap, to_read, locked);
    let folio = slot.locked_mut(id, me);
    let end = iter.write.end.min(iter.mapped_end(inode));
    let valid = valid_size::read_for_write(inode, &iter.iomap, end, locked.covered.end);
    for block in to_read {
        read_block(inode, &iter.iomap, valid, *block, &mut folio.cells);
        let n = inode.sb.block_in_folio(*block);
        folio.set_uptodate(n..n + 1);
        inode.emit(|| {
            What::Data(DataEvent::BlockRead(inode.sb.geometry.bytes_of_blocks(&(*block..*block + 1))))
        });
    }
    inode.sb.backend.reach(branches::READ_FILL);
    Ok(())
}

/// Reads a block from where the mapping says into the folio's cells. What lies behind the `valid` ones is zeroed.
pub(crate) fn read_block<B: Backend>(
    inode: &Inode<B>,
    iomap: &Iomap,
    valid: Option<Cell>,
    block: FileBlock,
    cells: &mut [Value],
) {
    let Some(phys) = iomap.source_of(block) else { return };
    inode.account(Expense::ReadBlock(block));
    let first = inode.sb.geometry.cells_of_block(block).start;
    for (at, cell) in inode.sb.cells_in_folio(block).enumerate() {
        if valid.is_some_and(|valid| first + at as Cell >= valid) {
            cells[cell] = Value::ZERO;
            continue;
        }
        let value = inode.sb.read_disk(phys, at);
        if value.has_other_checksum() {
            inode.judge_checksum(block);
        }
        cells[cell] = value.without_checksum();
    }
}

/// Zeroes what the write does not cover of blocks that are not valid (`iomap_block_needs_zeroing`).
pub(super) fn zero_blocks<B: Backend>(
    inode: &Inode<B>,
    iomap: &Iomap,
    blocks: &[FileBlock],
    locked: &Locked,
    folio: &mut Folio,
) {
    let covered = &locked.covered;
    audit_use(inode, iomap, blocks, locked);
    for block in blocks {
        let cells = inode.sb.geometry.cells_of_block(*block);
        let first = inode.sb.geometry.cells_of_folio(*block / inode.sb.geometry.blocks_per_folio()).start;
        for cell in cells.clone().filter(|cell| !covered.contains(cell)) {
            folio.cells[usize::from(cell - first)] = Value::ZERO;
        }
        let around = [cells.start..covered.start.min(cells.end), covered.end.max(cells.start)..cells.end];
        for part in around.iter().filter(|part| !part.is_empty()) {
            inode.emit(|| What::Data(DataEvent::ZeroedInMemory(inode.sb.geometry.bytes_of_cells(part))));
        }
        if fs::zeroed_uptodate(inode) == ZeroedUptodate::AtOnce {
            let run = zeroed_with(inode, iomap, locked, *block);
            let n = inode.sb.block_in_folio(run.start);
            folio.set_uptodate(n..n + run.len() as u16);
        }
        inode.audit_map(|map| {
            if let Extent::Written(phys) = map.get(*block) {
                inode.sb.disk[usize::from(phys)].audit(|on_disk| {
                    for (at, cell) in cells.clone().enumerate().filter(|(_, cell)| !covered.contains(cell)) {
                        inode.oracle.zeroing(&inode.sb.geometry, cell, contents(on_disk, phys, at));
                    }
                });
            }
        });
    }
    inode.sb.backend.reach(branches::ZERO_FILL);
}

/// Whether nobody can look at a block between its zeroing and the copy: nobody reads, or it is not valid yet.
pub(super) fn zeroed_unseen<B: Backend>(inode: &Inode<B>, write: &Write) -> bool {
    let unread = inode.sb.config.fs.read_takes_i_rwsem() && write.lock == IoLock::Exclusive;
    unread || fs::zeroed_uptodate(inode) == ZeroedUptodate::AfterCopy
}
