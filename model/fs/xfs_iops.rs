//! ftruncate: `xfs_setattr_size` (fs/xfs/xfs_iops.c, 6.1 to 7.3).
//!
//! Downwards, the rest of the new last block is zeroed, so that the old data do not come back when the file grows
//! again; then i_size shrinks, then the page cache behind it goes, and at last the blocks. Upwards, what lies
//! behind end of file is zeroed, and i_size grows. In both, the size that is logged must not run ahead of what was written or
//! zeroed and is not on the device: from the size on disk to the new one that is written back first. If the size on disk is
//! beyond the new one, nothing is: what was zeroed lies behind end of file then, and whoever makes the file grow zeroes it again.
//!
//! Left out: where both sizes lie in one folio, the size on disk beyond, 6.1 starts writing that folio and does not wait
//! (`filemap_write_and_wait_range` of an empty range, mm/filemap.c; 6.12 and 7.3 return at once).

use stalemap_facade::Backend;

use super::eof::{Grower, eof_tail, rest_of_block};
use crate::fs::change::{AtOnce, Job, Meaning, Plan};
use crate::state::inode::Inode;
use crate::words::geometry::Cell;
use crate::words::personality::{SizeFlush, TruncateFlush};

/// A truncate from `size` to `new_size`.
pub(super) fn xfs_setattr_size<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell) -> Plan {
    if new_size > size {
        let meaning = Meaning { grown: size..new_size, ..Meaning::default() };
        return Plan { jobs: grow(inode, size, new_size, Grower::Truncate), meaning };
    }
    let mut jobs = zero_tail(inode, new_size);
    let resize = std::iter::once(Job::AtOnce(AtOnce::SetSize(new_size)));
    let resize = resize.chain(drop_behind(inode, size, new_size)).collect();
    jobs.extend(flush_between(inode, size, new_size, resize));
    jobs.push(Job::AtOnce(AtOnce::Shrink(new_size)));
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

/// `truncate_setsize`, and the flush of what must be on the device before the new size is logged, behind it.
fn flush_between<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell, resize: Vec<Job>) -> Vec<Job> {
    let mut jobs = resize;
    if let Some(flush) = flush_unlogged(inode, size, new_size) {
        let at = if inode.sb.config.fs.size_flush == SizeFlush::BeforeSize { 0 } else { jobs.len() };
        jobs.insert(at, flush);
    }
    jobs
}

/// The jobs that let the file grow.
pub(super) fn grow<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell, grower: Grower) -> Vec<Job> {
    let tail = eof_tail(inode, size, new_size, grower).map(Job::Zero);
    if !inode.sb.config.fs.is_xfs() {
        let flush = flush_unlogged(inode, size, new_size);
        let extend = AtOnce::Extend {
            name: inode.sb.config.fs.names.setattr_size,
            blocks: 0..0,
            size: Some(new_size),
        };
        return tail.into_iter().chain(flush).chain([Job::AtOnce(extend)]).collect();
    }
    // The page cache behind the new end goes, too (`truncate_setsize`): whatever stores were made there.
    let resize = std::iter::once(Job::AtOnce(AtOnce::Grow(size..new_size)));
    let resize = resize.chain(inode.stores.then(|| drop_behind(inode, size, new_size)).flatten()).collect();
    let log = Job::AtOnce(AtOnce::LogSize(new_size));
    tail.into_iter().chain(flush_between(inode, size, new_size, resize)).chain([log]).collect()
}

/// What keeps a size that is logged from running ahead of data that are not written. Left out where only crashes can tell, on
/// others than XFS.
pub(super) fn flush_unlogged<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell) -> Option<Job> {
    let fs = &inode.sb.config.fs;
    let flushes = fs.size_flush != SizeFlush::Never && (fs.is_xfs() || inode.log().is_some());
    flushes.then_some(Job::AtOnce(AtOnce::FlushUnlogged { size, new_size }))
}
