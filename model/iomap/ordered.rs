//! Zeros behind the old end of file that are on the device before a size is logged with which they come into the file:
//! `ext4_block_zero_eof` (fs/ext4/inode.c, 7.3; 6.12: `__ext4_block_zero_page_range`), with `data=ordered`.
//!
//! A store behind end of file may be on the device: writeback zeroes there before it submits the folio, and a mapping can store while
//! the device reads it. Only what is zeroed in a block that is written is ordered: the others read as zeros, whatever they hold. Whether
//! writing fails is asked by nobody (`filemap_fdatawait_range_keep_errors` in jbd2_journal_finish_inode_data_buffers, fs/jbd2/commit.c).
//!
//! jbd2 writes it when the transaction commits that it was added to (`ext4_jbd2_inode_add_write`), which no later size comes before.
//! Here who has zeroed it does, at once, with all of his locks.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend};

use crate::fs::eof::orders_zeroed;
use crate::iomap::write_state::{IomapIter, Write, WriteState};
use crate::state::event::Fill;
use crate::state::inode::Inode;
use crate::state::mapping::{IomapType, StaleFlag};
use crate::words::geometry::Cell;
use crate::writeback::flush::{self, WriteAndWait};

/// Before `cells` are written.
pub(crate) fn write<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> WriteAndWait {
    WriteAndWait::new(inode.sb.geometry.folios_touched(cells))
}

/// Takes note of what a write(2) has zeroed with its mapping before its data (`zero_written`).
pub(super) fn note<B: Backend>(inode: &Inode<B>, iter: &mut IomapIter) {
    let IomapIter { write, iomap, from } = iter;
    let zeroed = write.fill == Fill::Zero && !write.request.is_empty() && write.pos > *from;
    if zeroed && iomap.source_kind() == IomapType::Mapped && orders_zeroed(inode) {
        let start = if write.ordered.is_empty() { *from } else { write.ordered.start };
        write.ordered = start..write.pos;
    }
}

/// A write(2) has done with its zeros, and goes on to its data, once those are on the device that have to be.
pub(super) fn to_data<B: Backend>(inode: &Inode<B>, mut write: Write) -> WriteState {
    let ordered = std::mem::take(&mut write.ordered);
    if ordered.is_empty() {
        return WriteState::Begin(write, StaleFlag::Clear);
    }
    let inner = self::write(inode, &ordered);
    WriteState::Order(write, inner)
}

/// One step of writing them.
pub(super) async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    write: Write,
    inner: WriteAndWait,
) -> WriteState {
    match flush::write_and_wait(inode, me, inner).await {
        ControlFlow::Continue(inner) => WriteState::Order(write, inner),
        ControlFlow::Break(()) => WriteState::Begin(write, StaleFlag::Clear),
    }
}
