//! Where a load or a store through mapped memory stands: what survives between its steps.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::fs::stuffed::UnstuffState;
use crate::read::fill::FillState;
use crate::state::folio::FolioRef;
use crate::state::inode::Inode;
use crate::state::mapping::Iomap;
use crate::state::pte::Pte;
use crate::valid_size::ExtendState;
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::value::WriteId;

/// What is done through the mapping.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// A load.
    Load,
    /// A store of the given write.
    Store(WriteId),
    /// A store by a device.
    Dma(WriteId),
}

/// What is left of an access: what is done, and the rest of its range.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Rest {
    pub(super) access: Access,
    pub(super) cells: Range<Cell>,
    /// What is mapped (struct vm_area_struct), in bytes of the file.
    pub(super) vma: Range<u64>,
}

/// A write fault on a folio that it refers to (struct vm_fault), and the access that goes on behind it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct VmFault {
    pub(super) rest: Rest,
    pub(super) folio: FolioRef,
    /// The entry that the store has met: absent, or one for loads.
    pub(super) orig_pte: Pte,
    /// Blocks that are promised to it.
    pub(super) promised: u16,
}

impl VmFault {
    /// The fault begins anew: where it has met an entry for loads with that, which may be gone.
    pub(super) fn again(self) -> MmapState {
        match self.orig_pte {
            Pte::Absent => MmapState::Fault(self.rest),
            Pte::ReadOnly | Pte::Writable => MmapState::Access(self.rest),
        }
    }
}

/// The store of a device into a folio that is pinned for it, and the rest of its range.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pin {
    pub(super) id: WriteId,
    pub(super) cells: Range<Cell>,
    pub(super) vma: Range<u64>,
    pub(super) folio: FolioRef,
    /// End of file when it was pinned: what lies behind is no write of the file.
    pub(super) size: Cell,
}

/// A mapping for a write fault, and how far the fault is with it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Mapped {
    pub(crate) iomap: Iomap,
    /// The block to go on with; `None` if the mapping reaches to the end of the folio inside end of file.
    pub(crate) next: Option<FileBlock>,
}

/// Where an access stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum MmapState {
    /// Before the instruction.
    Access(Rest),
    /// A load without an entry, before invalidate_lock, where `->map_pages` takes it.
    MapPages(Rest),
    /// With it, before the page is looked up.
    MapPagesLocked(Rest),
    /// In the fault handler, without an entry, before the folio is found.
    Fault(Rest),
    /// A read fault that has found its folio and refers to it, before the folio lock. gfs2 has its glock.
    LockRead(Rest, FolioRef),
    /// Bringing the folio in.
    Fill(Rest, FillState),
    /// A write fault, before invalidate_lock.
    Mkwrite(VmFault),
    /// A write fault that moves the valid size, with i_rwsem held.
    Valid(VmFault, ExtendState),
    /// A write fault in a stuffed file, which is unstuffed first.
    Unstuff(VmFault, UnstuffState),
    /// After both, before the folio lock.
    Lock(VmFault),
    /// A write fault of gfs2, before its blocks are promised to it.
    Reserve(VmFault),
    /// A mutant's write fault, before the blocks from one on are mapped; the folio is only referenced.
    MapEarly {
        /// The fault.
        vmf: VmFault,
        /// The first block that is not mapped.
        block: FileBlock,
        /// The mappings so far, where they are going to be compared.
        mapped: Vec<(FileBlock, Iomap)>,
    },
    /// The blocks were mapped before the folio is locked (a mutant).
    LockLate(VmFault, Vec<(FileBlock, Iomap)>),
    /// The folio is pinned, before the device stores into it.
    Pinned(Pin),
    /// The device has stored into it, before it is dirtied and let go.
    Unpin(Pin),
    /// A write fault with the folio locked, before the blocks are mapped.
    Map(VmFault, FileBlock),
    /// Blocks from one on are mapped; before the mapping is compared, if it is compared here.
    Mapped {
        /// The fault.
        vmf: VmFault,
        /// The first of the blocks.
        block: FileBlock,
        /// The mapping.
        mapped: Mapped,
    },
    /// Before the folio is marked dirty.
    Dirty(VmFault, AfterDirty),
    /// It is dirty and all is mapped; before its writeback is waited for, where that is done, and others are let in. With what a
    /// mutant is about to punch.
    Stable(VmFault, Option<Range<FileBlock>>),
    /// The folio is dirty; before the page-table entry is made writable.
    Install(VmFault),
    /// A mutant's end handler: punches what the fault reserved.
    MkwriteEnd(VmFault, Range<FileBlock>),
}

/// What a write fault does when its folio is dirty.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum AfterDirty {
    /// It maps on, from a block on.
    Map(FileBlock),
    /// All is mapped. With what a mutant is about to punch.
    Install(Option<Range<FileBlock>>),
}

/// Where a write fault goes on whose folio is dirty.
pub(super) fn after_dirty(vmf: VmFault, next: AfterDirty) -> MmapState {
    match next {
        AfterDirty::Map(next) => MmapState::Map(vmf, next),
        AfterDirty::Install(reserved) => MmapState::Stable(vmf, reserved),
    }
}

/// Before the mutant's first mapping.
pub(super) fn before_early<B: Backend>(inode: &Inode<B>, vmf: VmFault) -> MmapState {
    let first = inode.sb.geometry.blocks_of_folio(vmf.folio.index).start;
    MmapState::MapEarly { vmf, block: first, mapped: Vec::new() }
}

/// The part of a range that lies in its first page, with that page's folio.
pub(super) fn first_page<B: Backend>(
    inode: &Inode<B>,
    cells: &Range<Cell>,
) -> (FolioIndex, Range<Cell>, Range<Cell>) {
    let index = inode.sb.geometry.folio_of(cells.start);
    let folio_cells = inode.sb.geometry.cells_of_folio(index);
    let part = cells.start..cells.end.min(inode.sb.geometry.page_end(cells.start));
    (index, folio_cells, part)
}
