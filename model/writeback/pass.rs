//! A pass of writeback: what it keeps from one folio to the next.

use std::ops::Range;

use crate::state::ioend::Ioend;
use crate::state::mapping::Iomap;
use crate::state::validity::CowSeen;
use crate::words::asked::Asked;
use crate::words::design::{Design, WritebackBit};
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::writeback_design::Towrite;
use crate::writeback::batch::{Batch, Tag};
use crate::writeback::io::SyncMode;

/// One pass over a range of folios (struct iomap_writepage_ctx).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pass {
    pub(crate) mode: SyncMode,
    pub(crate) folios: Batch,
    /// The cached mapping; its cookie is the sequence that goes with it.
    pub(crate) iomap: Option<Box<Iomap>>,
    /// The COW fork's counter as it was when an extent of it was found.
    pub(crate) cow_seq: CowSeen,
    /// The open ioend.
    pub(crate) ioend: Option<Ioend>,
    /// The end of file as the folio that is locked has seen it, where completion goes by that.
    pub(crate) size: Option<Cell>,
    /// How many blocks of that folio behind the last that is written are dirty and behind end of file, where completion takes
    /// them for written.
    pub(crate) beyond: u16,
}

impl Pass {
    /// Before the first folio.
    pub(crate) fn new(design: &Asked<Design>, mode: SyncMode, folios: Range<FolioIndex>) -> Self {
        let several = || folios.len() > 1 && folios.len() > usize::from(design.writeback_batch().get());
        let apart = mode == SyncMode::Integrity
            && (several() || design.writeback_bit() == WritebackBit::EachPiece)
            && design.towrite() != Towrite::Dirty;
        Pass {
            mode,
            folios: Batch::new(folios, if apart { Tag::Towrite } else { Tag::Dirty }),
            iomap: None,
            cow_seq: CowSeen::default(),
            ioend: None,
            size: None,
            beyond: 0,
        }
    }

    /// How many blocks behind the last one of a folio completion is to take for written, though they are not.
    pub(crate) fn recorded_beyond(&self, last: FileBlock, iomap: &Iomap) -> u16 {
        (1..=self.beyond).take_while(|n| iomap.covers(last + n)).count() as u16
    }
}

/// How many ioends a folio goes into; it has 64 blocks at most.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Pieces {
    /// As many as its writeback waits for while it is being mapped, if the bit is set by then: one more than there can be.
    pub(crate) expected: u8,
    /// Those that were submitted with the folio locked.
    pub(crate) submitted: u8,
}

/// How many of these blocks lie side by side behind another one.
pub(crate) fn run_behind(block: FileBlock, blocks: &[FileBlock]) -> u16 {
    (block + 1..).zip(blocks).take_while(|(next, block)| next == *block).count() as u16
}
