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

use std::ops::Range;

use stalemap_facade::Backend;

use super::eof::{Grower, eof_tail_of, orders_zeroed, rest_of_block};
use crate::fs::change::{AtOnce, Job, Meaning, Plan, Sizes};
use crate::state::inode::Inode;
use crate::words::geometry::Cell;
use crate::words::personality::{SizeFlush, TruncateFlush};

/// A truncate to `new_size`. The size that was read decides: what direct I/O in flight has written behind it since is taken for
/// what lies behind end of file.
pub(super) fn xfs_setattr_size<B: Backend>(inode: &Inode<B>, old: Sizes, new_size: Cell) -> Plan {
    let meaning = if new_size > old.now {
        Meaning { grown: old.now..new_size, ..Meaning::default() }
    } else {
        Meaning { zeroed: new_size..inode.sb.geometry.cells(), ..Meaning::default() }
    };
    if new_size > old.read {
        return Plan { jobs: grow(inode, old, new_size, Grower::Truncate), meaning };
    }
    let mut jobs = zero_tail(inode, new_size);
    jobs.extend(flush_between(inode, old.read, new_size, truncate_setsize(inode, old.now, new_size)));
    jobs.push(Job::AtOnce(AtOnce::Shrink(new_size)));
    Plan { jobs, meaning }
}

/// i_size is the new size, and the page cache behind it goes, as far as there can be any.
fn truncate_setsize<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell) -> Vec<Job> {
    let drop = || drop_behind(inode, size, new_size);
    if new_size > size {
        // Whatever stores were made there.
        let dropped = inode.stores.then(drop).flatten();
        return std::iter::once(Job::AtOnce(AtOnce::Grow(size..new_size))).chain(dropped).collect();
    }
    std::iter::once(Job::AtOnce(AtOnce::SetSize(new_size))).chain(drop()).collect()
}

/// The rest of the new last block is zeroed, and the page that it lies in written back as the file system does it: zeroing may take
/// an unwritten block under dirty page cache for zeros already. Before that it is written back where there is no rest, too
/// (`filemap_write_and_wait_range` in xfs_setattr_size, 6.1).
pub(super) fn zero_tail<B: Backend>(inode: &Inode<B>, new_size: Cell) -> Vec<Job> {
    let zeroing = rest_of_block(inode, new_size).map(Job::Zero);
    let flush = (new_size < inode.sb.geometry.cells()).then(|| Job::Flush(new_size..new_size + 1));
    match inode.sb.config.fs.truncate_flush() {
        TruncateFlush::Before => flush.into_iter().chain(zeroing).collect(),
        TruncateFlush::AfterZeroing => {
            zeroing.into_iter().flat_map(|zeroing| [Some(zeroing), flush.clone()]).flatten().collect()
        }
        TruncateFlush::Never => zeroing.into_iter().collect(),
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
        let at = if inode.sb.config.fs.size_flush() == SizeFlush::BeforeSize { 0 } else { jobs.len() };
        jobs.insert(at, flush);
    }
    jobs
}

/// The jobs that let the file grow.
pub(super) fn grow<B: Backend>(inode: &Inode<B>, old: Sizes, new_size: Cell, grower: Grower) -> Vec<Job> {
    let zeroing = zero_eof(inode, eof_tail_of(inode, old, new_size, grower)).into_iter();
    if !inode.sb.config.fs.is_xfs() {
        let flush = flush_unlogged(inode, old.now, new_size);
        let extend = AtOnce::Extend {
            name: inode.sb.config.fs.names().setattr_size,
            blocks: 0..0,
            size: Some(new_size),
        };
        return zeroing.chain(flush).chain([Job::AtOnce(extend)]).collect();
    }
    let resize = truncate_setsize(inode, old.now, new_size);
    let log = Job::AtOnce(AtOnce::LogSize(new_size));
    zeroing.chain(flush_between(inode, old.read, new_size, resize)).chain([log]).collect()
}

/// The tail of the file is zeroed, and what of it the device has other data for ordered before the size that is logged next.
pub(super) fn zero_eof<B: Backend>(inode: &Inode<B>, tail: Option<Range<Cell>>) -> Vec<Job> {
    let Some(tail) = tail else { return Vec::new() };
    let order = orders_zeroed(inode).then(|| Job::AtOnce(AtOnce::OrderZeroed(tail.clone())));
    std::iter::once(Job::Zero(tail)).chain(order).collect()
}

/// What keeps a size that is logged from running ahead of data that are not written. Left out where only crashes can tell, on
/// others than XFS.
pub(super) fn flush_unlogged<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell) -> Option<Job> {
    let fs = &inode.sb.config.fs;
    let flushes = match fs.size_flush() {
        SizeFlush::AfterSize | SizeFlush::BeforeSize => fs.is_xfs() || inode.log().is_some(),
        SizeFlush::Zeroed | SizeFlush::Never => false,
    };
    flushes.then_some(Job::AtOnce(AtOnce::FlushUnlogged { size, new_size }))
}
