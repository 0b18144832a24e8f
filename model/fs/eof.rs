//! What lies behind end of file in the page that it lies in, and has to be zeros when the file grows: a mapping may have
//! stored there.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::fs::change::Sizes;
use crate::state::inode::Inode;
use crate::words::geometry::Cell;
use crate::words::personality::{FsType, SizeFlush};

/// What makes a file grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grower {
    /// A buffered write behind end of file.
    Write,
    /// A direct one.
    Direct,
    /// A truncate, or what is done as one.
    Truncate,
    /// fallocate.
    Fallocate,
}

/// The cells from end of file to `target` that have to be zeroed before the file grows, where the file system does that.
///
/// XFS zeroes all of them (`xfs_zero_range` in xfs_setattr_size and xfs_file_write_checks, 6.1 to 7.3), of which those behind
/// the folio of end of file have no data: they are holes, or preallocated; but where a truncate has left there what direct I/O in
/// flight had written, or has failed once i_size was less, since writeback had. gfs2 zeroes to the end of the page
/// (`gfs2_clear_beyond_eof`, 6.12), and ext4 to the end of the block (`ext4_block_zero_eof`, 7.3): in `ext4_write_checks`, of buffered
/// writes, in `ext4_setattr` and for fallocate. `ext4_dio_write_checks` does not call it: a direct write of ext4 zeroes nothing.
pub fn eof_tail<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    target: Cell,
    grower: Grower,
) -> Option<Range<Cell>> {
    eof_tail_of(inode, Sizes::of(size), target, grower)
}

/// The same where end of file is taken to be where it was.
pub(super) fn eof_tail_of<B: Backend>(
    inode: &Inode<B>,
    size: Sizes,
    target: Cell,
    grower: Grower,
) -> Option<Range<Cell>> {
    if target <= size.read || size.now == 0 || !zeroes(inode, grower) {
        return None;
    }
    let geometry = &inode.sb.geometry;
    let last = size.now - 1;
    let end = match inode.sb.config.fs.fs_type() {
        FsType::Xfs if inode.grows_in_flight() || inode.sb.config.fs.io_errors() => geometry.cells(),
        FsType::Xfs => geometry.cells_of_folio(geometry.folio_of(last)).end,
        FsType::Gfs2 => geometry.page_end(last),
        FsType::Ext4 | FsType::Zonefs => geometry.cells_of_block(geometry.block_of(last)).end,
    };
    (size.read < end).then(|| size.read..end.min(target))
}

/// Whether what is zeroed there is on the device before a size is logged with which it comes into the file: only crashes can tell.
pub(crate) fn orders_zeroed<B: Backend>(inode: &Inode<B>) -> bool {
    inode.log().is_some() && inode.sb.config.fs.size_flush() == SizeFlush::Zeroed
}

fn zeroes<B: Backend>(inode: &Inode<B>, grower: Grower) -> bool {
    let fs = &inode.sb.config.fs;
    fs.zero_eof()
        && match grower {
            Grower::Write => true,
            Grower::Direct => fs.dio_zero_eof(),
            Grower::Truncate => fs.truncate_zero_eof(),
            Grower::Fallocate => fs.falloc_zero_eof(),
        }
}

/// The cells of the block that a position lies in the middle of, from there to its end.
pub(super) fn rest_of_block<B: Backend>(inode: &Inode<B>, position: Cell) -> Option<Range<Cell>> {
    if position == inode.sb.geometry.cells() {
        return None;
    }
    let block = inode.sb.geometry.cells_of_block(inode.sb.geometry.block_of(position));
    (position > block.start).then_some(position..block.end)
}
