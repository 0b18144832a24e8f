//! Errors without a cause. A call may fail for want of space, since the device fails, since there is no memory or a signal is
//! pending; each of these is there or not, and where it is not, the error is judged.
//!
//! What a call needs is a block for each one of its range that is neither the file's own nor reserved for it, whatever a hint or
//! a transaction asks for beyond that. What is free is what nobody has and nobody was promised. Left out: file systems that
//! write out of place, whose calls wait for space in the kernel and fail here; memory, signals and locks, of which the model is told
//! when they fail a call; and what a reader of the page cache does whose read of a folio fails for its checksum: the error is
//! judged, and it goes on with what the device has.

use std::ops::Range;

use stalemap_facade::{Backend, Leaf};

use crate::judge::properties;
use crate::state::inode::Inode;
use crate::words::config::MixedIo;
use crate::words::count::count;
use crate::words::extent::{Extent, ExtentMap};
use crate::words::geometry::{Cell, FileBlock};

impl<B: Backend> Inode<B> {
    /// A call fails with ENOSPC that has still to put something into `blocks`.
    pub fn judge_no_space(&self, blocks: &Range<FileBlock>) {
        if self.sb.config.fs.is_out_of_place() {
            return;
        }
        let mut needed = 0;
        self.audit_map(|map| needed = blocks.clone().filter(|block| self.needs_space(map, *block)).count());
        let mut free = 0;
        self.sb.space.audit(|space| free = space.available());
        if needed <= free {
            self.violate(properties::SPURIOUS_ERROR, || {
                let blocks = self.sb.geometry.show_blocks(blocks);
                format!("ENOSPC for {blocks}, which needs {} of {free} free", count(needed as u64, "block"))
            });
        }
    }

    /// A call fails with this error for `blocks`, which somebody has in the page cache, and the device was not asked for them.
    pub fn judge_collision(&self, error: &'static str, blocks: &Range<FileBlock>) {
        if self.sb.config.mixed_io != MixedIo::Exempt {
            self.violate(properties::SPURIOUS_ERROR, || {
                format!("{error} for {}, and the device has not failed", self.sb.geometry.show_blocks(blocks))
            });
        }
    }

    /// A write(2) fails, with nothing written, and before it there was this size, if it has zeroed what lies behind.
    pub fn judge_size_left(&self, before: Option<Cell>) {
        let size = self.i_size_peek();
        if let Some(before) = before.filter(|before| *before < size) {
            self.violate(properties::SIZE_ORDER, || {
                let grown = self.sb.geometry.show_cells(&(before..size));
                format!("write(2) fails and leaves the file longer by {grown}, which nobody wrote")
            });
        }
    }

    /// Writeback finds no place for a block of a file, and whoever waits for it next is told EIO.
    pub fn judge_no_place(&self, block: FileBlock) {
        self.violate(properties::SPURIOUS_ERROR, || {
            let block = self.sb.geometry.show_blocks(&(block..block + 1));
            format!("EIO for {block}, which writeback finds no place for, and the device has not failed")
        });
    }

    /// A read of a block fails with EIO, since its checksum is that of something else. The device has what it was given.
    pub fn judge_checksum(&self, block: FileBlock) {
        self.violate(properties::SPURIOUS_ERROR, || self.other_checksum("", block));
    }

    /// After a crash it would.
    pub fn judge_checksum_after_crash(&self, block: FileBlock) {
        self.violate(properties::SPURIOUS_ERROR, || self.other_checksum("after a crash ", block));
    }

    fn other_checksum(&self, when: &str, block: FileBlock) -> String {
        let block = self.sb.geometry.show_blocks(&(block..block + 1));
        format!("{when}EIO for {block}: its checksum is not that of what the device was given")
    }

    fn needs_space(&self, map: &ExtentMap, block: FileBlock) -> bool {
        map.cow.get(block) == Extent::Hole
            && match map.get(block) {
                Extent::Hole => true,
                Extent::Delalloc => false,
                Extent::Unwritten(phys) | Extent::Written(phys) => self.sb.is_shared_audit(phys),
            }
    }
}
