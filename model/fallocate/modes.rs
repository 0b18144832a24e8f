//! fallocate: `xfs_file_fallocate` (fs/xfs/xfs_file.c, xfs_bmap_util.c, 6.2).
//!
//! Whatever takes blocks away first writes the page cache of the range back and drops it, in whole folios, and
//! what is left to zero is then zeroed through it again.
//!
//! Left out: the write-back of the last folio after a punch that ends at end of file, which zeroes what nobody
//! may rely on; the trimming of preallocated blocks behind end of file before extents are shifted.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::fallocate::plan::{Job, Meaning, Plan, Refused, drop_cells, flush_folios, zero};
use crate::fallocate::setattr;
use crate::iomap::zero::eof_tail;
use crate::state::inode::Inode;
use crate::words::geometry::{Cell, FileBlock};
use crate::words::personality::FlushUnmap;

/// Mode 0: blocks for the range, and the size if it is to grow.
pub(crate) fn preallocate<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    cells: &Range<Cell>,
    keep_size: bool,
) -> Plan {
    let grown = growth(size, cells, keep_size);
    let jobs = allocate(inode, size, cells, &grown);
    Plan::new(jobs, Meaning { grown, ..Meaning::default() })
}

/// FALLOC_FL_PUNCH_HOLE.
pub(crate) fn punch_hole<B: Backend>(inode: &Inode<B>, size: Cell, cells: &Range<Cell>) -> Plan {
    let zeroed = below(size, cells);
    Plan::new(xfs_free_file_space(inode, size, cells), Meaning { zeroed, ..Meaning::default() })
}

/// FALLOC_FL_PUNCH_HOLE in a stuffed file, which stays one (`__gfs2_punch_hole`).
pub(crate) fn punch_stuffed<B: Backend>(inode: &Inode<B>, size: Cell, cells: &Range<Cell>) -> Plan {
    let zeroed = below(size, cells);
    let jobs = if zeroed.is_empty() {
        Vec::new()
    } else {
        vec![Job::ZeroStuffed(zeroed.clone()), drop_cells(inode, cells.clone())]
    };
    Plan::new(jobs, Meaning { zeroed, ..Meaning::default() })
}

/// FALLOC_FL_ZERO_RANGE: a hole, preallocated. The blocks are not converted in place, since a hole can be made
/// without reading anything.
pub(crate) fn zero_range<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    cells: &Range<Cell>,
    keep_size: bool,
) -> Plan {
    let grown = growth(size, cells, keep_size);
    let mut jobs = xfs_free_file_space(inode, size, cells);
    jobs.extend(allocate(inode, size, cells, &grown));
    Plan::new(jobs, Meaning { zeroed: below(size, cells), grown, ..Meaning::default() })
}

/// FALLOC_FL_COLLAPSE_RANGE. The range is whole blocks and ends before end of file. The truncate at the end has
/// nothing to zero: the end of file lies where it did in its block.
pub(crate) fn collapse_range<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    cells: &Range<Cell>,
) -> Result<Plan, Refused> {
    let blocks = whole(inode, cells).filter(|_| cells.end < size).ok_or(Refused)?;
    let new_size = size - cells.len() as Cell;
    let mut jobs = xfs_free_file_space(inode, size, cells);
    jobs.extend(xfs_prepare_shift(inode, blocks.start, size));
    jobs.push(Job::ShiftDown(blocks));
    jobs.extend([Job::SetSize(new_size), Job::Shrink(new_size)]);
    Ok(Plan::new(jobs, Meaning { taken_out: cells.clone(), ..Meaning::default() }))
}

/// FALLOC_FL_INSERT_RANGE: the file grows first, so that a crash does not leave data behind end of file.
pub(crate) fn insert_range<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    cells: &Range<Cell>,
) -> Result<Plan, Refused> {
    let blocks = whole(inode, cells).filter(|_| cells.start < size).ok_or(Refused)?;
    let new_size = size + cells.len() as Cell;
    let mut jobs = setattr::grow(inode, size, new_size);
    jobs.extend(xfs_prepare_shift(inode, blocks.start, new_size));
    jobs.push(Job::ShiftUp(blocks));
    Ok(Plan::new(jobs, Meaning { grown: size..new_size, ..Meaning::default() }))
}

/// `xfs_free_file_space`, with the flush before it: the blocks that lie in the range as a whole are freed, the rest
/// of it, inside end of file, is zeroed.
fn xfs_free_file_space<B: Backend>(inode: &Inode<B>, size: Cell, cells: &Range<Cell>) -> Vec<Job> {
    let geometry = &inode.sb.geometry;
    let touched = geometry.blocks_touched(cells);
    let inside = |block: &FileBlock| {
        let block = geometry.cells_of_block(*block);
        cells.start <= block.start && block.end <= cells.end
    };
    let mut jobs = xfs_flush_unmap_range(inode, cells);
    let freed: Vec<FileBlock> = touched.clone().filter(inside).collect();
    if let (Some(first), Some(last)) = (freed.first(), freed.last()) {
        jobs.push(Job::Unmap(*first..last + 1));
    }
    // Zeroing the whole range would pass over what was just freed: only its ends are left.
    for block in touched.filter(|block| !inside(block)) {
        let block = geometry.cells_of_block(block);
        let edge = below(size, &(cells.start.max(block.start)..cells.end.min(block.end)));
        if !edge.is_empty() {
            jobs.push(zero(inode, edge));
        }
    }
    jobs
}

/// `xfs_flush_unmap_range`: the folios of a range are written back and dropped.
fn xfs_flush_unmap_range<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> Vec<Job> {
    let geometry = &inode.sb.geometry;
    let folios = geometry.folios_touched(cells);
    if folios.is_empty() {
        return Vec::new();
    }
    let whole = geometry.cells_of_folio(folios.start).start..geometry.cells_of_folio(folios.end - 1).end;
    match inode.sb.config.fs.flush_unmap {
        FlushUnmap::WriteAndDrop => vec![flush_folios(inode, cells), drop_cells(inode, whole)],
        FlushUnmap::Drop => vec![drop_cells(inode, whole)],
        FlushUnmap::Nothing => Vec::new(),
    }
}

/// `xfs_prepare_shift`: all that is to move, and the block before it, leaves the page cache.
fn xfs_prepare_shift<B: Backend>(inode: &Inode<B>, first: FileBlock, size: Cell) -> Vec<Job> {
    let start = inode.sb.geometry.cells_of_block(first.saturating_sub(1)).start;
    xfs_flush_unmap_range(inode, &(start..size.max(start)))
}

/// `xfs_alloc_file_space`, and what `xfs_setattr_size` does when the size grows.
fn allocate<B: Backend>(inode: &Inode<B>, size: Cell, cells: &Range<Cell>, grown: &Range<Cell>) -> Vec<Job> {
    let new_size = (!grown.is_empty()).then_some(grown.end);
    let tail = new_size.and_then(|target| eof_tail(inode, size, target)).map(|tail| zero(inode, tail));
    let blocks = inode.sb.geometry.blocks_touched(cells);
    let flush = new_size.and_then(|new_size| setattr::flush_unlogged(inode, size, new_size));
    tail.into_iter().chain(flush).chain([Job::Extend { name: "falloc", blocks, size: new_size }]).collect()
}

/// The cells that come into the file.
fn growth(size: Cell, cells: &Range<Cell>, keep_size: bool) -> Range<Cell> {
    if keep_size || cells.end <= size { 0..0 } else { size..cells.end }
}

/// The cells below end of file.
fn below(size: Cell, cells: &Range<Cell>) -> Range<Cell> {
    cells.start.min(size)..cells.end.min(size)
}

/// The blocks of a range of whole blocks.
fn whole<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> Option<Range<FileBlock>> {
    let blocks = inode.sb.geometry.blocks_touched(cells);
    (!cells.is_empty() && inode.sb.geometry.cells_of_blocks(&blocks) == *cells).then_some(blocks)
}
