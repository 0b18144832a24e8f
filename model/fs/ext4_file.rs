//! fallocate: `ext4_fallocate` (fs/ext4/extents.c and inode.c, 7.3).
//!
//! A punch and a zeroing take out of the page cache what they were asked for, to the byte (`ext4_truncate_page_cache_block_range`); a
//! collapse and an insertion take out all that lies behind the page that they begin in, in one go (`truncate_pagecache`), while i_size
//! is the old one. Of a folio that sticks out, what lies inside is zeroed. Reads take no i_rwsem, and find that.
//!
//! Left out: that 6.12 and 7.3 write nothing back before a punch or a zeroing, and take away the entries for stores in its place
//! (`ext4_truncate_folio`; 6.1 writes the range of a punch back, as is done here); the conversion of blocks in place; that blocks are
//! taken out, the rest is shifted and the size is stored in one section.

use std::ops::Range;

use stalemap_facade::Backend;

use super::xfs_file::{alloc_file_space, below, growth, whole};
use crate::fs::change::{AtOnce, FallocMode, Job, Meaning, Plan, Refused};
use crate::state::inode::Inode;
use crate::words::geometry::{Cell, FileBlock};
use crate::words::personality::FlushUnmap;

/// `ext4_fallocate` in a file of `size`, of the modes that take something out of the page cache; `None` for others.
pub(super) fn ext4_fallocate<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    mode: &FallocMode,
) -> Option<Result<Plan, Refused>> {
    match mode {
        FallocMode::PunchHole(cells) => Some(Ok(ext4_punch_hole(inode, size, cells))),
        // The edges are zeroed before anything leaves the page cache (ext4_zero_range).
        FallocMode::ZeroRange(cells, after) => {
            let grown = growth(size, cells, *after);
            let mut jobs = take_out(inode, cells);
            let drop = jobs.pop();
            jobs.extend(edges(inode, size, cells));
            jobs.extend(drop);
            jobs.extend(remove(inode, cells));
            jobs.extend(alloc_file_space(inode, size, cells, *after));
            let meaning = Meaning { zeroed: below(size, cells), grown, ..Meaning::default() };
            Some(Ok(Plan { jobs, meaning }))
        }
        FallocMode::CollapseRange(cells) => Some(ext4_collapse_range(inode, size, cells)),
        FallocMode::InsertRange(cells) => Some(ext4_insert_range(inode, size, cells)),
        FallocMode::Allocate(..) | FallocMode::UnshareRange(_) => None,
    }
}

/// `ext4_punch_hole`: behind end of file there is nothing to be punched, and of the block that it lies in all is, if the hole ends there
/// or further on.
fn ext4_punch_hole<B: Backend>(inode: &Inode<B>, size: Cell, cells: &Range<Cell>) -> Plan {
    let geometry = &inode.sb.geometry;
    let meaning = Meaning { zeroed: below(size, cells), ..Meaning::default() };
    if cells.start >= size {
        return Plan { jobs: Vec::new(), meaning };
    }
    let last = geometry.cells_of_block(geometry.block_of(size - 1)).end;
    let cells = cells.start..if cells.end >= size { last } else { cells.end };
    let mut jobs = take_out(inode, &cells);
    jobs.extend(edges(inode, size, &cells));
    jobs.extend(remove(inode, &cells));
    Plan { jobs, meaning }
}

/// `ext4_collapse_range`. The range is whole blocks and ends before end of file. What is taken out is not written back, but what lies
/// before it in its first page.
fn ext4_collapse_range<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    cells: &Range<Cell>,
) -> Result<Plan, Refused> {
    let blocks = whole(inode, cells).filter(|_| cells.end < size).ok_or(Refused)?;
    let new_size = size - cells.len() as Cell;
    let start = page_of(inode, cells.start);
    let end = inode.sb.geometry.cells();
    let kept = [start..cells.start + 1, cells.end..end];
    let mut jobs = flush_and_drop(inode, kept, Job::DropPages(start..end));
    let last = [
        AtOnce::Unmap(blocks.clone()),
        AtOnce::ShiftDown(blocks),
        AtOnce::SetSize(new_size),
        AtOnce::Shrink(new_size),
    ];
    jobs.extend(last.map(Job::AtOnce));
    Ok(Plan { jobs, meaning: Meaning { taken_out: cells.clone(), ..Meaning::default() } })
}

/// `ext4_insert_range`: the file grows first, so that an error does not leave data behind end of file; nothing is zeroed for that.
fn ext4_insert_range<B: Backend>(inode: &Inode<B>, size: Cell, cells: &Range<Cell>) -> Result<Plan, Refused> {
    let blocks = whole(inode, cells).filter(|_| cells.start < size).ok_or(Refused)?;
    let new_size = size + cells.len() as Cell;
    let rest = page_of(inode, cells.start)..inode.sb.geometry.cells();
    let name = inode.sb.config.fs.names().setattr_size;
    let grow = AtOnce::Extend { name, blocks: 0..0, size: Some(new_size) };
    let mut jobs = flush_and_drop(inode, [rest.clone()], Job::DropPages(rest));
    jobs.extend([grow, AtOnce::ShiftUp(blocks)].map(Job::AtOnce));
    Ok(Plan { jobs, meaning: Meaning { grown: size..new_size, ..Meaning::default() } })
}

/// Where the page begins that a cell lies in.
fn page_of<B: Backend>(inode: &Inode<B>, cell: Cell) -> Cell {
    inode.sb.geometry.pages_touched(&(cell..cell + 1)).start
}

/// `ext4_truncate_page_cache_block_range`, and what it is about is written back before: so none of it is dirty, and no entry allows stores.
fn take_out<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> Vec<Job> {
    if cells.is_empty() {
        return Vec::new();
    }
    flush_and_drop(inode, [cells.clone()], Job::Drop(cells.clone()))
}

/// What is taken out of the page cache, and what is written back before.
fn flush_and_drop<B: Backend, const N: usize>(
    inode: &Inode<B>,
    flushed: [Range<Cell>; N],
    drop: Job,
) -> Vec<Job> {
    match inode.sb.config.fs.flush_unmap() {
        FlushUnmap::WriteAndDrop | FlushUnmap::WriteAndDropFolios => {
            flushed.map(Job::Flush).into_iter().chain([drop]).collect()
        }
        FlushUnmap::Drop => vec![drop],
        FlushUnmap::Nothing => Vec::new(),
    }
}

/// `ext4_zero_partial_blocks`: the parts of blocks at the ends of the range, inside end of file.
fn edges<B: Backend>(inode: &Inode<B>, size: Cell, cells: &Range<Cell>) -> Vec<Job> {
    let geometry = &inode.sb.geometry;
    let partial = geometry.blocks_touched(cells).filter(|block| !lies_inside(inode, cells, *block));
    let edge = |block| {
        let block = geometry.cells_of_block(block);
        below(size, &(cells.start.max(block.start)..cells.end.min(block.end)))
    };
    partial.map(edge).filter(|edge| !edge.is_empty()).map(Job::Zero).collect()
}

/// `ext4_ext_remove_space`: the blocks that lie in the range as a whole are freed.
fn remove<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> Option<Job> {
    let touched = inode.sb.geometry.blocks_touched(cells);
    let freed: Vec<FileBlock> = touched.filter(|block| lies_inside(inode, cells, *block)).collect();
    let (first, last) = (freed.first()?, freed.last()?);
    Some(Job::AtOnce(AtOnce::Unmap(*first..last + 1)))
}

/// Whether a block lies in a range as a whole.
fn lies_inside<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>, block: FileBlock) -> bool {
    let block = inode.sb.geometry.cells_of_block(block);
    cells.start <= block.start && block.end <= cells.end
}
