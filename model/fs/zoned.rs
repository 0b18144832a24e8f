//! XFS on a zoned device: nothing is written where it was, so that every write goes through the COW fork.
//!
//! A zone is written from its start to its end and then erased as a whole. A write therefore reserves space for a
//! new copy of every block that it touches, out of a budget that was taken before the write began, since it may
//! have to wait for space and must not do so with locks held. Writeback turns the reservation into a block and
//! takes it out of the COW fork at once; the data fork learns about the block only when its data are there.
//! The mapping that writeback asks for covers no further folio, so that there is nothing to validate.
//! fs/xfs/xfs_iomap.c, xfs_aops.c, xfs_zone_alloc.c and xfs_file.c, 6.15.
//!
//! Garbage collection is a path of its own ([`relocate`](crate::relocate)).
//!
//! A device has zones where a scenario says so ([`zones`](crate::state::zones)); then a block is chosen when it is submitted. Elsewhere
//! it is chosen when it is mapped, since nobody looks for it in between, and is free at once when nothing refers to it any more.
//!
//! Left out: waiting for space, direct writes past the page cache (they are done as buffered ones, as the kernel does with those that
//! are not aligned), preallocation, which the kernel refuses, reflink.

use std::ops::Range;

use stalemap_facade::{Backend, Op};

use crate::fs::xfs;
use crate::state::event::What;
use crate::state::inode::Inode;
use crate::state::ioend::{Ioend, Outcome};
use crate::state::map_change::MapSection;
use crate::state::mapping::Iomap;
use crate::words::branches;
use crate::words::extent::{Enospc, Extent, Fork, Phys};
use crate::words::geometry::{Cell, FileBlock};
use crate::words::personality::{Allocate, Names, Personality, Relocate, SourceMap, ZonedWriteError};

/// XFS with a zoned data device as of 6.15.
pub(super) fn personality() -> Personality {
    let xfs = xfs::personality();
    Personality {
        allocate: Allocate::OutOfPlace,
        block_dirty: true,
        relocate: Relocate::LocksCycled,
        zoned_write_error: ZonedWriteError::Shutdown,
        names: Names { map_blocks: "xfs_zoned_map_blocks", end_ioend: "xfs_zoned_end_io", ..xfs.names },
        ..xfs
    }
}

/// `xfs_zoned_space_reserve` for a write of `cells`: a block for each of its blocks' worth of bytes, and some to
/// spare for edges that are not aligned and for zeroing. The kernel takes it before i_rwsem; that is no step of its
/// own, since only who runs out of space could tell.
pub(super) fn xfs_zoned_space_reserve<B: Backend>(
    inode: &Inode<B>,
    cells: &Range<Cell>,
) -> Result<u16, Enospc> {
    let geometry = &inode.sb.geometry;
    let bytes = geometry.byte_at(cells.end) - geometry.byte_at(cells.start);
    let blocks = bytes.div_ceil(geometry.block_size()) as u16;
    let blocks = blocks.saturating_add(inode.sb.config.fs.spare_blocks());
    inode.sb.reserve_blocks(blocks)?;
    Ok(blocks)
}

/// `xfs_zoned_buffered_write_iomap_begin`: a reservation in the COW fork, which is there already or is taken from
/// the budget. Where to read the present contents of the blocks is said only if the write does not cover them as a
/// whole. Without enough budget the mapping is shorter, and without any there is none: somebody has used up what
/// this write had reserved before, and its second look finds nothing left.
pub(super) fn xfs_zoned_buffered_write_iomap_begin<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    cells: &Range<Cell>,
    budget: &mut u16,
) -> Result<Iomap, Enospc> {
    let blocks = inode.sb.geometry.blocks_touched(cells);
    let aligned = inode.sb.geometry.cells_of_blocks(&blocks) == *cells;
    let partly = !aligned || inode.sb.config.fs.srcmap() == SourceMap::Always;
    let srcmap = if partly { Srcmap::Filled } else { Srcmap::Empty };
    reserve_copy(inode, map, &blocks, srcmap, budget)
}

/// `->iomap_begin` with IOMAP_ZERO: what reads as zeros stays as it is.
pub(super) fn xfs_zoned_zero_iomap_begin<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    blocks: &Range<FileBlock>,
    budget: &mut u16,
) -> Result<Iomap, Enospc> {
    if map.get(blocks.start) == Extent::Hole {
        return Ok(map.map(blocks.start, &inode.data_sequence()));
    }
    reserve_copy(inode, map, blocks, Srcmap::Filled, budget)
}

/// Whether a mapping says where the present contents of its blocks are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Srcmap {
    /// It does, and ends with the extent that they are in.
    Filled,
    /// It does not.
    Empty,
}

/// A mapping of the COW fork for the first of `blocks`, and as many more as are alike.
fn reserve_copy<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    blocks: &Range<FileBlock>,
    srcmap: Srcmap,
    budget: &mut u16,
) -> Result<Iomap, Enospc> {
    let first = blocks.start;
    let mut end = blocks.end;
    if srcmap == Srcmap::Filled {
        end = end.min(map.extent_around(first).end);
    }
    let found = map.cow.get(first) != Extent::Hole;
    if found {
        end = end.min(map.cow.extent_around(first).end);
    } else {
        end = end.min(map.cow.next_after(first));
        if end - first > *budget {
            inode.sb.backend.reach(branches::BUDGET_EXHAUSTED);
            inode.emit(|| What::BudgetLeft(*budget));
            end = first + *budget;
        }
        if end == first {
            return Err(Enospc);
        }
        *budget -= end - first;
        map.reserve_promised(Fork::Cow, &(first..end));
        inode.sb.backend.reach(branches::COW_RESERVE);
    }
    let copy = map.cow.get(first);
    let mapped = Iomap::of_cow(copy, first..end, !found, &inode.shared_sequence(), map.get(first));
    Ok(match srcmap {
        Srcmap::Filled => mapped,
        Srcmap::Empty => Iomap { source: None, ..mapped },
    })
}

/// `xfs_zoned_map_blocks`: takes the reservation out of the COW fork, and gives it a block. One block at a time:
/// the kernel takes as much as is dirty in the folio, whose lock nobody else has in between.
pub(super) async fn xfs_zoned_map_blocks<B: Backend>(inode: &Inode<B>, block: FileBlock) -> Iomap {
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names().map_blocks)).await;
    let one = block..block + 1;
    if map.cow.get(block) != Extent::Delalloc {
        return Iomap::of_new_place(Extent::Hole, one);
    }
    if inode.sb.config.fs.zone_blocks() > 0 {
        map.take_reservation(block);
        return Iomap::of_new_place(Extent::Written(NO_PLACE), one);
    }
    let place = map.allocate_out_of_place(block).map_or(Extent::Hole, Extent::Written);
    Iomap::of_new_place(place, one)
}

/// Where a block is said to be before it is submitted (`xfs_iomap_set_anon_write`): all at the same place, so that no two of them
/// go into one ioend, which could end in another zone.
const NO_PLACE: Phys = 0;

/// `xfs_zone_alloc_and_submit`, up to the submission: the place that I/O goes to, where zones are told apart. What finds that the
/// file system has shut down is ended by `bio_io_error`.
pub async fn xfs_zone_alloc_and_submit<B: Backend>(inode: &Inode<B>, ioend: &mut Ioend) {
    if inode.sb.config.fs.zone_blocks() == 0 {
        if inode.sb.is_shutdown().await {
            ioend.outcome = Outcome::Rejected;
        }
        return;
    }
    match inode.sb.select_zone().await {
        Some(phys) => ioend.phys = phys,
        None => ioend.outcome = Outcome::Rejected,
    }
}
