//! ftruncate: `xfs_setattr_size` (fs/xfs/xfs_iops.c, 6.2).
//!
//! Downwards, the rest of the new last block is zeroed, so that the old data do not come back when the file grows
//! again; then i_size shrinks, then the page cache behind it goes, and at last the blocks. Upwards, what lies
//! behind end of file is zeroed, and the size grows.

use stalemap_facade::Backend;

use super::eof::{Grower, eof_tail, rest_of_block};
use crate::fs::change::{AtOnce, Job, Meaning, Plan};
use crate::state::inode::Inode;
use crate::words::geometry::Cell;
use crate::words::personality::TruncateFlush;

/// A truncate from `size` to `new_size`.
pub(super) fn xfs_setattr_size<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell) -> Plan {
    if new_size > size {
        let meaning = Meaning { grown: size..new_size, ..Meaning::default() };
        return Plan { jobs: grow(inode, size, new_size, Grower::Truncate), meaning };
    }
    let mut jobs = zero_tail(inode, new_size);
    jobs.extend(shrink(inode, size, new_size));
    if let Some(flush) = flush_unlogged(inode, size, new_size) {
        jobs.insert(jobs.len() - 1, flush);
    }
    // XFS writes back from the size on disk to the new size before it logs that (xfs_setattr_size), which matters to crashes
    // alone. Left out: where the size on disk is beyond, that is nothing.
    if inode.log().is_some()
        && !inode.merges_transactions()
        && let Some(tail) = rest_of_block(inode, new_size)
    {
        jobs.insert(jobs.len() - 1, Job::Flush(tail));
    }
    let meaning = Meaning { zeroed: new_size..inode.sb.geometry.cells(), ..Meaning::default() };
    Plan { jobs, meaning }
}

/// The rest of the new last block is zeroed, and written back as the file system does it.
pub(super) fn zero_tail<B: Backend>(inode: &Inode<B>, new_size: Cell) -> Vec<Job> {
    let Some(tail) = rest_of_block(inode, new_size) else { return Vec::new() };
    // Zeroing may take an unwritten block under dirty page cache for zeros already.
    let flush = Job::Flush(tail.clone());
    let zeroing = Job::Zero(tail);
    match inode.sb.config.fs.truncate_flush {
        TruncateFlush::Before => vec![flush, zeroing],
        TruncateFlush::AfterZeroing => vec![zeroing, flush],
        TruncateFlush::Never => vec![zeroing],
    }
}

/// The page cache behind a new size goes, as far as there can be any.
pub(super) fn drop_behind<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell) -> Option<Job> {
    let last = size.max(new_size).checked_sub(1)?;
    let end = inode.sb.geometry.cells_of_folio(inode.sb.geometry.folio_of(last)).end;
    Some(Job::Drop(new_size..end))
}

/// `truncate_setsize` to a smaller size, and the removal of the extents behind it.
fn shrink<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell) -> Vec<Job> {
    let mut jobs = vec![Job::AtOnce(AtOnce::SetSize(new_size))];
    jobs.extend(drop_behind(inode, size, new_size));
    jobs.push(Job::AtOnce(AtOnce::Shrink(new_size)));
    jobs
}

/// The jobs that let the file grow.
pub(super) fn grow<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell, grower: Grower) -> Vec<Job> {
    let tail = eof_tail(inode, size, new_size, grower).map(Job::Zero);
    let flush = flush_unlogged(inode, size, new_size);
    let extend =
        AtOnce::Extend { name: inode.sb.config.fs.names.setattr_size, blocks: 0..0, size: Some(new_size) };
    tail.into_iter().chain(flush).chain([Job::AtOnce(extend)]).collect()
}

/// What keeps a size that is logged from running ahead of data that are not written. Only crashes can tell.
pub(super) fn flush_unlogged<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell) -> Option<Job> {
    inode.log().map(|_| Job::AtOnce(AtOnce::FlushUnlogged { size, new_size }))
}
