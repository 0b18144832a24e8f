//! fallocate: `xfs_file_fallocate` (fs/xfs/xfs_file.c, xfs_bmap_util.c, 6.2).
//!
//! Whatever takes blocks away first writes the page cache of the range back and drops it, in whole folios, and
//! what is left to zero is then zeroed through it again.
//!
//! Left out: the write-back of the last folio after a punch that ends at end of file, which zeroes what nobody
//! may rely on; the trimming of preallocated blocks behind end of file before extents are shifted.

use std::ops::Range;

use stalemap_facade::Backend;

use super::eof::{Grower, eof_tail};
use super::xfs_iops::{flush_unlogged, grow, zero_eof};
use crate::fs::change::{AtOnce, FallocMode, Job, Meaning, Plan, Refused, SizeAfter, Sizes};
use crate::state::inode::Inode;
use crate::words::geometry::{Cell, FileBlock};
use crate::words::personality::{FlushUnmap, FsType, UnshareCancels};

/// `xfs_file_fallocate` in a file of `size`.
pub(super) fn xfs_file_fallocate<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    mode: &FallocMode,
) -> Result<Plan, Refused> {
    match mode {
        FallocMode::Allocate(cells, after) => {
            let grown = growth(size, cells, *after);
            let jobs = alloc_file_space(inode, size, cells, *after);
            Ok(Plan { jobs, meaning: Meaning { grown, ..Meaning::default() } })
        }
        FallocMode::PunchHole(cells) => {
            let jobs = xfs_free_file_space(inode, size, cells);
            Ok(Plan { jobs, meaning: Meaning { zeroed: below(size, cells), ..Meaning::default() } })
        }
        // A hole, preallocated (xfs_falloc_zero_range): the blocks are not converted in place.
        FallocMode::ZeroRange(cells, after) => {
            let grown = growth(size, cells, *after);
            let mut jobs = xfs_free_file_space(inode, size, cells);
            jobs.extend(alloc_file_space(inode, size, cells, *after));
            let meaning = Meaning { zeroed: below(size, cells), grown, ..Meaning::default() };
            Ok(Plan { jobs, meaning })
        }
        FallocMode::CollapseRange(cells) => xfs_collapse_file_space(inode, size, cells),
        FallocMode::InsertRange(cells) => xfs_insert_file_space(inode, size, cells),
        FallocMode::UnshareRange(cells) => Ok(xfs_falloc_unshare_range(inode, size, cells)),
    }
}

/// `xfs_falloc_unshare_range` (up to 6.6 part of `xfs_file_fallocate`): what is shared inside end of file is dirtied, and all of the
/// range written back (`xfs_reflink_unshare`), which gives it blocks of its own; then holes get blocks and the file grows, as for
/// an allocation. A range behind end of file has nothing to be dirtied; the rest is done all the same.
fn xfs_falloc_unshare_range<B: Backend>(inode: &Inode<B>, size: Cell, cells: &Range<Cell>) -> Plan {
    let grown = growth(size, cells, SizeAfter::Grown);
    let inside = below(size, cells);
    let mut jobs = Vec::new();
    if inode.reflinks {
        let cancels = inode.sb.config.fs.unshare_cancels() != UnshareCancels::Never;
        let cancels = cancels.then_some(Job::AtOnce(AtOnce::ClearReflink));
        let dirtied = (!inside.is_empty()).then_some(Job::Unshare(inside));
        let unshare = dirtied.into_iter().chain([Job::Flush(cells.clone())]).chain(cancels);
        jobs.push(Job::IfReflink(unshare.collect()));
    }
    jobs.extend(alloc_file_space(inode, size, cells, SizeAfter::Grown));
    Plan { jobs, meaning: Meaning { grown, ..Meaning::default() } }
}

/// `xfs_collapse_file_space`. The range is whole blocks and ends before end of file. Left out: the truncate at the end zeroes
/// the rest of a block that is zeros already, since the end of file lies where it did in its block, and dirties it.
fn xfs_collapse_file_space<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    cells: &Range<Cell>,
) -> Result<Plan, Refused> {
    let blocks = whole(inode, cells).filter(|_| cells.end < size).ok_or(Refused)?;
    let new_size = size - cells.len() as Cell;
    let mut jobs = xfs_free_file_space(inode, size, cells);
    jobs.extend(xfs_prepare_shift(inode, blocks.start, size));
    let last = [AtOnce::ShiftDown(blocks), AtOnce::SetSize(new_size), AtOnce::Shrink(new_size)];
    jobs.extend(last.map(Job::AtOnce));
    Ok(Plan { jobs, meaning: Meaning { taken_out: cells.clone(), ..Meaning::default() } })
}

/// `xfs_insert_file_space`: the file grows first, so that a crash does not leave data behind end of file.
fn xfs_insert_file_space<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    cells: &Range<Cell>,
) -> Result<Plan, Refused> {
    let blocks = whole(inode, cells).filter(|_| cells.start < size).ok_or(Refused)?;
    let new_size = size + cells.len() as Cell;
    let mut jobs = Vec::new();
    if inode.sb.config.fs.insert_flush() && size < inode.sb.geometry.cells() {
        jobs.push(Job::Flush(size..size + 1));
    }
    jobs.extend(grow(inode, Sizes::of(size), new_size, Grower::Truncate));
    jobs.extend(xfs_prepare_shift(inode, blocks.start, new_size));
    jobs.push(Job::AtOnce(AtOnce::ShiftUp(blocks)));
    Ok(Plan { jobs, meaning: Meaning { grown: size..new_size, ..Meaning::default() } })
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
        jobs.push(Job::AtOnce(AtOnce::Unmap(*first..last + 1)));
    }
    // Zeroing the whole range would pass over what was just freed: only its ends are left.
    for block in touched.filter(|block| !inside(block)) {
        let block = geometry.cells_of_block(block);
        let edge = below(size, &(cells.start.max(block.start)..cells.end.min(block.end)));
        if !edge.is_empty() {
            jobs.push(Job::Zero(edge));
        }
    }
    jobs
}

/// `xfs_flush_unmap_range`: the pages of a range are written back and dropped.
fn xfs_flush_unmap_range<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> Vec<Job> {
    if cells.is_empty() {
        return Vec::new();
    }
    let drop = Job::DropPages(cells.clone());
    match inode.sb.config.fs.flush_unmap() {
        FlushUnmap::WriteAndDrop | FlushUnmap::WriteAndDropFolios => vec![Job::Flush(cells.clone()), drop],
        FlushUnmap::Drop => vec![drop],
        FlushUnmap::Nothing => Vec::new(),
    }
}

/// `xfs_prepare_shift`: all that is to move, and the block before it, leaves the page cache; and the copies from there on, which
/// would lie at the wrong places, the COW fork.
fn xfs_prepare_shift<B: Backend>(inode: &Inode<B>, first: FileBlock, size: Cell) -> Vec<Job> {
    let before = first.saturating_sub(1);
    let start = inode.sb.geometry.cells_of_block(before).start;
    let mut jobs = xfs_flush_unmap_range(inode, &(start..size.max(start)));
    if inode.reflinks {
        jobs.push(Job::AtOnce(AtOnce::CancelCow(before..inode.sb.geometry.blocks())));
    }
    jobs
}

/// `xfs_alloc_file_space`, and then, if the size grows, what `xfs_setattr_size` does: the old tail is zeroed over the blocks that were
/// just allocated. Others zero first and allocate with the size (`gfs2_clear_beyond_eof` in `gfs2_fallocate`, 6.12). Left out: their
/// own transactions.
pub(super) fn alloc_file_space<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    cells: &Range<Cell>,
    after: SizeAfter,
) -> Vec<Job> {
    let grown = growth(size, cells, after);
    let new_size = (!grown.is_empty()).then_some(grown.end);
    let blocks = inode.sb.geometry.blocks_touched(cells);
    let allocate = |size| {
        let name = inode.sb.config.fs.names().alloc_file_space;
        Job::AtOnce(AtOnce::Extend { name, blocks: blocks.clone(), size })
    };
    if inode.sb.config.fs.is_xfs() {
        let grow = new_size.map(|new_size| grow(inode, Sizes::of(size), new_size, Grower::Fallocate));
        return std::iter::once(allocate(None)).chain(grow.into_iter().flatten()).collect();
    }
    let tail = new_size.and_then(|target| eof_tail(inode, size, target, Grower::Fallocate));
    let logged = new_size.or_else(|| logged_inside(inode, cells, after));
    let flush = logged.and_then(|logged| flush_unlogged(inode, size, logged));
    zero_eof(inode, tail).into_iter().chain(flush).chain([allocate(logged)]).collect()
}

/// The end of a range inside of the file, where that is logged with its blocks if what is logged lies before it: `ext4_do_fallocate`
/// and `ext4_zero_range` compare with i_disksize as well as with i_size (fs/ext4/extents.c, 6.12 and 7.3; 6.1: `ext4_fallocate`). XFS
/// goes by i_size alone (`xfs_falloc_newsize`, fs/xfs/xfs_file.c, 6.12 and 7.3).
fn logged_inside<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>, after: SizeAfter) -> Option<Cell> {
    let compares = inode.sb.config.fs.fs_type() == FsType::Ext4 && after == SizeAfter::Grown;
    compares.then_some(cells.end)
}

/// The cells that come into the file.
pub(super) fn growth(size: Cell, cells: &Range<Cell>, after: SizeAfter) -> Range<Cell> {
    if after == SizeAfter::Kept || cells.end <= size { 0..0 } else { size..cells.end }
}

/// The cells below end of file.
pub(super) fn below(size: Cell, cells: &Range<Cell>) -> Range<Cell> {
    cells.start.min(size)..cells.end.min(size)
}

/// The blocks of a range of whole blocks.
pub(super) fn whole<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> Option<Range<FileBlock>> {
    let blocks = inode.sb.geometry.blocks_touched(cells);
    (!cells.is_empty() && inode.sb.geometry.cells_of_blocks(&blocks) == *cells).then_some(blocks)
}
