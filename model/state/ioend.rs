//! A piece of writeback I/O, from its submission to its completion.

use std::ops::Range;

use crate::state::folio::FolioRef;
use crate::words::command::FileId;
use crate::words::design::IoendMerge;
use crate::words::extent::Phys;
use crate::words::geometry::{Cell, FileBlock};

/// What may come of a piece of I/O.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// It arrives: what the setup or the epilogue writes.
    Arrives,
    /// The device may fail it.
    MayFail,
    /// It is ended with an error before it is submitted, since the file system has shut down.
    Rejected,
}

impl Outcome {
    /// By whether the device may fail what is submitted.
    pub const fn of(may_fail: bool) -> Self {
        if may_fail { Outcome::MayFail } else { Outcome::Arrives }
    }
}

/// A piece of writeback I/O (struct iomap_ioend).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ioend {
    /// The file.
    pub file: FileId,
    /// The blocks, contiguous in the file.
    pub blocks: Range<FileBlock>,
    /// The device block of the first.
    pub phys: Phys,
    /// Whether the extent was unwritten at submission.
    pub unwritten: bool,
    /// Whether the blocks are those of the COW fork (IOMAP_F_SHARED), to be moved into the data fork.
    pub shared: bool,
    /// What may come of it.
    pub outcome: Outcome,
    /// The folios, in order.
    pub folios: Vec<FolioRef>,
    /// The end of file when its last block was added, if it lay inside of that and completion goes by it
    /// ([`IoendSize::Submitted`](crate::words::design::IoendSize)).
    pub size: Option<Cell>,
    /// Blocks behind these that were dirty and are not written, since they lay behind end of file, and that completion takes for
    /// written ([`IoendRecord::Dirty`](crate::words::writeback_design::IoendRecord)).
    pub beyond: u16,
}

impl Ioend {
    /// The blocks that completion takes for written.
    pub(crate) fn recorded(&self) -> Range<FileBlock> {
        self.blocks.start..self.blocks.end + self.beyond
    }

    /// `iomap_can_add_to_ioend`.
    pub(crate) fn takes(
        &self,
        merge: IoendMerge,
        block: FileBlock,
        phys: Phys,
        unwritten: bool,
        shared: bool,
    ) -> bool {
        self.size.is_none()
            && self.beyond == 0
            && self.blocks.end == block
            && self.phys + self.blocks.len() as u16 == phys
            && (self.unwritten == unwritten || merge == IoendMerge::AnyType)
            && self.shared == shared
    }
}
