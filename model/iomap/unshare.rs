//! Unsharing: `iomap_file_unshare` (fs/iomap/buffered-io.c), a part of fallocate.
//!
//! A file's blocks are given to it alone by writing to them what they contain: each folio is read, marked dirty
//! and written back, which puts it into blocks of its own. That is the loop of the buffered write with nothing
//! to copy, run under i_rwsem and invalidate_lock, so that its clean-up must not take the latter.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::iomap::write_state::{Write, WriteState};
use crate::state::event::{Dropped, Says, Skip, Truth, Use, What};
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, StaleFlag};
use crate::words::extent::Extent;
use crate::words::geometry::Cell;

/// Before the first mapping of `cells`.
pub fn iomap_file_unshare(cells: Range<Cell>) -> WriteState {
    WriteState::Begin(Write::unshare(cells), StaleFlag::Clear)
}

/// The mapping is used as permission to leave blocks where they are, and is done with: reports it to observers, and whether
/// they are shared by now.
pub(crate) fn report_skip<B: Backend>(inode: &Inode<B>, iomap: &Iomap, skipped: &Range<Cell>) {
    inode.emit(|| {
        let mut now = Vec::new();
        inode.audit_map(|map| {
            now = inode.sb.geometry.blocks_touched(skipped).map(|block| map.get(block)).collect();
        });
        let is_shared = |extent: &Extent| match extent {
            Extent::Written(phys) => inode.sb.is_shared_audit(*phys),
            _ => false,
        };
        let truth = if now.iter().any(is_shared) { Truth::Shared } else { Truth::AsItSays };
        let at = vec![inode.sb.geometry.bytes_of_cells(skipped)];
        What::Used(Use { says: Says::Kind(iomap.source_kind()), at, truth, skips: Some(Skip::Unsharing) })
    });
    inode.emit(|| What::Dropped(Dropped::Done));
}
