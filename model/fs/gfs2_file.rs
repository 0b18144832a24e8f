//! What gfs2 does when a file is changed as a whole: `gfs2_setattr_size` (fs/gfs2/bmap.c) and `gfs2_fallocate`
//! (fs/gfs2/file.c), 6.1 to 7.3.
//!
//! The glock is held exclusively meanwhile, and invalidate_lock is not. Nothing is written back but by a punch, which first
//! zeroes the parts of blocks at its ends, then writes back the blocks that it touches, and drops no more from the page cache
//! than what it was asked for; blocks are freed when that is gone, in transactions of their own. A size that shrinks is in the
//! inode, and logged, before the page cache behind it is dropped, in one transaction; one that grows is logged whatever is not
//! written yet.
//!
//! A truncate (`gfs2_setattr`) and an allocation mark the inode dirty when all is done, a punch with what it drops from the page
//! cache: the transactions that free its blocks mark nothing. So an fsync in between takes the mark away.
//!
//! A [stuffed](super::stuffed) file is unstuffed first where it would not fit into its inode any more, or is to have blocks;
//! a hole in it is zeroed where the data are.

use std::ops::Range;

use stalemap_facade::Backend;

use super::eof::{Grower, eof_tail};
use super::stuffed;
use super::xfs_file::{below, growth};
use super::xfs_iops::{drop_behind, zero_tail};
use crate::fs::change::{AtOnce, FallocMode, Job, Meaning, Plan, Refused};
use crate::state::inode::Inode;
use crate::words::geometry::{Cell, FileBlock};
use crate::words::personality::{FlushUnmap, Hooks, JdataFlip};

/// `gfs2_setattr_size` from `size` to `new_size`.
pub(super) fn gfs2_setattr_size<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell) -> Plan {
    if new_size >= size { do_grow(inode, size, new_size) } else { do_shrink(inode, size, new_size) }
}

/// `do_grow`. 6.12 zeroes the rest of the old last page first (`gfs2_clear_beyond_eof`).
fn do_grow<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell) -> Plan {
    let unstuffs = stuffed::outgrown(inode, new_size);
    let tail = eof_tail(inode, size, new_size, Grower::Truncate).filter(|_| !unstuffs).map(Job::Zero);
    let extend =
        AtOnce::Extend { name: inode.sb.config.fs.names().setattr_size, blocks: 0..0, size: Some(new_size) };
    let meaning = Meaning { grown: size..new_size, ..Meaning::default() };
    let unstuff = unstuffs.then_some(Job::Unstuff);
    let jobs = unstuff.into_iter().chain(tail).chain(transaction([Job::AtOnce(extend)]));
    Plan { jobs: jobs.chain([MARK_DIRTY]).collect(), meaning }
}

/// `do_shrink`: `trunc_start`, `punch_hole`, `trunc_end`.
fn do_shrink<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell) -> Plan {
    let mut jobs = if inode.is_stuffed() { Vec::new() } else { zero_tail(inode, new_size) };
    let resize = Job::AtOnce(AtOnce::SetSize(new_size));
    jobs.extend(transaction(std::iter::once(resize).chain(drop_behind(inode, size, new_size))));
    jobs.extend(transaction([Job::AtOnce(AtOnce::Shrink(new_size))]));
    jobs.push(MARK_DIRTY);
    let meaning = Meaning { zeroed: new_size..inode.sb.geometry.cells(), ..Meaning::default() };
    Plan { jobs, meaning }
}

/// `gfs2_fallocate` in a file of `size`. There are no other modes than allocation and the punching of holes, and with
/// journalled data there is none.
pub(super) fn gfs2_fallocate<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    mode: &FallocMode,
) -> Result<Plan, Refused> {
    // Where that changes, it was asked before.
    if !inode.sets_data_mode && inode.hooks() == Hooks::Jdata {
        return Err(Refused);
    }
    match mode {
        FallocMode::PunchHole(cells) if inode.is_stuffed() => Ok(punch_stuffed(size, cells)),
        FallocMode::PunchHole(cells) => Ok(punch_hole(inode, size, cells)),
        FallocMode::Allocate(cells, after) => Ok(allocate(inode, size, cells, growth(size, cells, *after))),
        FallocMode::ZeroRange(..)
        | FallocMode::CollapseRange(_)
        | FallocMode::InsertRange(_)
        | FallocMode::UnshareRange(_) => Err(Refused),
    }
}

/// `__gfs2_fallocate`: new blocks are zeroed on the device in the transaction that allocates them, and the size follows.
fn allocate<B: Backend>(inode: &Inode<B>, size: Cell, cells: &Range<Cell>, grown: Range<Cell>) -> Plan {
    let new_size = (!grown.is_empty()).then_some(grown.end);
    let unstuff = inode.is_stuffed().then_some(Job::Unstuff);
    let tail = new_size.and_then(|target| eof_tail(inode, size, target, Grower::Fallocate)).map(Job::Zero);
    let blocks = inode.sb.geometry.blocks_touched(cells);
    let space = AtOnce::Extend { name: inode.sb.config.fs.names().alloc_file_space, blocks, size: None };
    let resize = new_size.map(|new_size| transaction([Job::AtOnce(AtOnce::SetSize(new_size))]));
    let jobs = unstuff.into_iter().chain(tail).chain(transaction([Job::AtOnce(space)]));
    let jobs = jobs.chain(resize.into_iter().flatten()).chain([MARK_DIRTY]).collect();
    Plan { jobs, meaning: Meaning { grown, ..Meaning::default() } }
}

/// `__gfs2_punch_hole`.
fn punch_hole<B: Backend>(inode: &Inode<B>, size: Cell, cells: &Range<Cell>) -> Plan {
    let geometry = &inode.sb.geometry;
    let touched = geometry.blocks_touched(cells);
    let inside = |block: &FileBlock| {
        let block = geometry.cells_of_block(*block);
        cells.start <= block.start && block.end <= cells.end
    };
    let mut jobs = Vec::new();
    for block in touched.clone().filter(|block| !inside(block)) {
        let block = geometry.cells_of_block(block);
        let edge = cells.start.max(block.start)..cells.end.min(block.end);
        // It is not cut at end of file in 6.1; where zeroing raises i_size, the file is longer then. In 7.3 it is.
        let raises = inode.sb.config.design.zero_raises_size();
        let edge = if raises { edge } else { below(size, &edge) };
        if !edge.is_empty() {
            jobs.push(Job::Zero(edge));
        }
    }
    let flush = Job::Flush(geometry.cells_of_blocks(&touched));
    let drop = Job::Drop(cells.clone());
    match inode.sb.config.fs.flush_unmap() {
        FlushUnmap::WriteAndDrop | FlushUnmap::WriteAndDropFolios => {
            jobs.push(flush);
            jobs.extend(transaction([drop, MARK_DIRTY]));
        }
        FlushUnmap::Drop => jobs.extend(transaction([drop, MARK_DIRTY])),
        FlushUnmap::Nothing => jobs.extend(transaction([MARK_DIRTY])),
    }
    let freed: Vec<FileBlock> = touched.filter(inside).collect();
    if let (Some(first), Some(last)) = (freed.first(), freed.last()) {
        jobs.extend(transaction([Job::AtOnce(AtOnce::Unmap(*first..last + 1))]));
    }
    Plan { jobs, meaning: Meaning { zeroed: below(size, cells), ..Meaning::default() } }
}

/// `__gfs2_punch_hole` in a stuffed file, which stays one.
fn punch_stuffed(size: Cell, cells: &Range<Cell>) -> Plan {
    let zeroed = below(size, cells);
    let zero = (!zeroed.is_empty()).then(|| Job::AtOnce(AtOnce::ZeroStuffed(zeroed.clone())));
    let drop = (!zeroed.is_empty()).then(|| Job::Drop(cells.clone()));
    let jobs = transaction(zero.into_iter().chain(drop).chain([MARK_DIRTY]));
    Plan { jobs, meaning: Meaning { zeroed, ..Meaning::default() } }
}

/// `do_gfs2_set_flags` (fs/gfs2/file.c, 6.1 to 7.3), of FS_JOURNAL_DATA_FL. The page cache is dropped under the glock, without
/// invalidate_lock. Journalled data that are in no log yet go with it, if nothing is tagged (`filemap_fdatawrite`): only a file whose data
/// are to be journalled has the log flushed first. Left out: the ordered data that this flush of the log writes, which are written next anyway; and an error of that
/// writeback, with which the flag stays as it is.
pub(super) fn do_gfs2_set_flags<B: Backend>(inode: &Inode<B>, hooks: Hooks) -> Plan {
    let mut jobs = Vec::new();
    if inode.hooks() != hooks {
        let all = 0..inode.sb.geometry.cells();
        jobs.extend((hooks == Hooks::Jdata).then_some(Job::LogFlush));
        jobs.push(Job::Flush(all.clone()));
        if inode.sb.config.fs.jdata_flip() == JdataFlip::Truncate {
            jobs.push(Job::Drop(all));
        }
        jobs.extend(transaction([Job::AtOnce(AtOnce::SetAops(hooks))]));
    }
    Plan { jobs, meaning: Meaning::default() }
}

/// `mark_inode_dirty`.
const MARK_DIRTY: Job = Job::AtOnce(AtOnce::MarkDirty);

/// Jobs of one transaction.
fn transaction(jobs: impl IntoIterator<Item = Job>) -> Vec<Job> {
    let begin = std::iter::once(Job::TransBegin);
    begin.chain(jobs).chain(std::iter::once(Job::TransEnd)).collect()
}
