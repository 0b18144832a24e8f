//! Where a buffered write stands: what survives between its steps.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::fs::gfs2;
use crate::fs::stuffed::UnstuffState;
use crate::iomap::punch::{PunchState, Punching};
use crate::state::event::Fill;
use crate::state::folio::FolioRef;
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType, StaleFlag};
use crate::state::sync::IoLock;
use crate::truncate::TruncateState;
use crate::words::design::{HeldLock, PunchFork, PunchLock, PunchOwner, PunchRounding};
use crate::words::extent::Fork;
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::personality::{WriteEnd, WriteLock};
use crate::words::value::WriteId;
use crate::writeback::flush::{FlushState, WriteAndWait};

/// Whether a mapping has been compared with the extent map after it was sampled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Checked {
    /// It has not.
    NotYet,
    /// It has.
    Already,
}

/// Folios with a reference to each, in the order of the file (struct folio_batch).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FolioBatch(pub(crate) Vec<FolioRef>);

impl FolioBatch {
    /// Whether there is no folio, or no more.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One write(2).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Write {
    /// Which write of the scenario.
    pub id: WriteId,
    /// What it was asked to write.
    pub request: Range<Cell>,
    /// The source is not resident from here on: the copy there is short once.
    pub resident_until: Option<Cell>,
    /// The source faults for good from here on.
    pub faults_at: Option<Cell>,
    /// A fatal signal is pending when it is about to take this folio.
    pub killed_at: Option<FolioIndex>,
    /// IOCB_NOWAIT: it would rather fail than wait.
    pub nowait: bool,
    /// IOCB_DONTCACHE: what it adds to the page cache is to leave it when it is written.
    pub dontcache: bool,
    /// How it holds i_rwsem, or is going to.
    pub(crate) lock: IoLock,
    pub(crate) fill: Fill,
    pub(crate) pos: Cell,
    pub(crate) end: Cell,
    /// The next copy ends here at the latest: a short one was refused.
    pub(crate) at_most: Option<Cell>,
    /// An error ended the pass.
    pub(crate) failed: bool,
    /// Whether a check was made, for designs that make one for a whole write.
    pub(crate) checked: Checked,
    /// The range was dirty when its zeroing began, and has not been flushed since.
    pub(crate) flush: bool,
    /// The folios over the mapping that are to be zeroed, where they were looked up with it.
    pub(crate) batch: Option<Box<FolioBatch>>,
    /// Where the file ended before its zeros raised i_size, or a copy of nothing behind end of file, if they did.
    pub(crate) size_before: Option<Cell>,
    /// What it has zeroed of blocks that are written, if that is to be on the device before the next size is logged.
    pub(crate) ordered: Range<Cell>,
    /// Holds that this actor has stood at, as a set.
    pub(crate) held: u16,
    /// What is left of the blocks that were reserved before the write began, for writes out of place.
    pub(crate) budget: u16,
    /// The caller holds invalidate_lock, or it was taken before the pass: the clean-up must not take it again.
    pub(crate) holds_invalidate_lock: bool,
    /// A transaction was begun and is not ended. Between two folios only a mutant's is.
    pub(crate) transaction: bool,
}

impl Write {
    /// A write(2) of `request` to a file of a file system.
    pub fn to<B: Backend>(inode: &Inode<B>, id: WriteId, request: Range<Cell>) -> Self {
        let lock = match inode.sb.config.fs.write_lock() {
            WriteLock::Exclusive => IoLock::Exclusive,
            WriteLock::Shared => IoLock::Shared,
        };
        Write { lock, ..Write::new(id, request) }
    }

    /// A write that holds i_rwsem exclusively.
    fn new(id: WriteId, request: Range<Cell>) -> Self {
        Write {
            id,
            pos: request.start,
            end: request.end,
            request,
            resident_until: None,
            faults_at: None,
            killed_at: None,
            nowait: false,
            dontcache: false,
            lock: IoLock::Exclusive,
            fill: Fill::Data,
            at_most: None,
            failed: false,
            checked: Checked::NotYet,
            flush: false,
            batch: None,
            size_before: None,
            ordered: 0..0,
            held: 0,
            budget: 0,
            holds_invalidate_lock: false,
            transaction: false,
        }
    }

    /// Whether the source is not resident where the write stands.
    pub(crate) fn source_missing(&self) -> bool {
        self.resident_until.is_some_and(|until| self.pos >= until)
    }

    /// Whether something is said to end it before its end.
    pub(crate) fn meant_to_fail(&self) -> bool {
        self.faults_at.is_some() || self.killed_at.is_some()
    }

    /// The zeroing of `cells` on its own, under invalidate_lock.
    pub fn zeros(cells: Range<Cell>) -> Self {
        Write { fill: Fill::Zero, ..Write::unshare(cells) }
    }

    /// The unsharing of `cells`, under invalidate_lock.
    pub fn unshare(cells: Range<Cell>) -> Self {
        Write {
            fill: Fill::Unshare,
            request: cells.end..cells.end,
            holds_invalidate_lock: true,
            ..Write::new(0, cells)
        }
    }
}

/// A write and the mapping that it uses (struct iomap_iter).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct IomapIter {
    /// The write.
    pub(crate) write: Write,
    /// The mapping.
    pub(crate) iomap: Iomap,
    /// Where the write stood when it got the mapping.
    pub(crate) from: Cell,
}

impl IomapIter {
    /// Where the mapping ends.
    pub(crate) fn mapped_end<B: Backend>(&self, inode: &Inode<B>) -> Cell {
        inode.sb.geometry.cells_of_blocks(&(self.iomap.start..self.iomap.end)).end
    }
}

/// A folio that a write has locked, and what it is about to do with it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Locked {
    pub(crate) folio: FolioRef,
    /// The cells that the copy covers if it is not short.
    pub(crate) covered: Range<Cell>,
    /// Blocks that the write touches and that are not valid. Under the folio lock nobody else changes that.
    pub(crate) invalid: Vec<FileBlock>,
    /// Whether the mapping was checked, and good, while the folio was locked.
    pub(crate) checked: Checked,
}

/// Where a write stands with one folio. What it has seen of the page cache and the counters is gone: here is what it makes of it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum FolioState {
    /// Before it is looked up.
    Get,
    /// There is none; before memory for one is asked for, which may fail.
    Alloc,
    /// It was found, and there is a reference to it; before its lock.
    Lock(FolioRef),
    /// It is locked; before its writeback is waited for, where that is done.
    Stable(Locked),
    /// Before the mapping is compared, if it is compared here.
    Compare(Locked),
    /// Before it is filled from the inode.
    Inline(Locked),
    /// Before blocks are read that are not valid and not covered.
    Read(Locked),
    /// Before those are zeroed that were not read.
    Zero(Locked, Vec<FileBlock>),
    /// They are zeroed, or there are none; before a mutant compares the mapping.
    Zeroed(Locked),
    /// Before the copy, with the blocks that are zeroed together with it.
    Copy(Locked, Vec<FileBlock>),
}

/// Where a write stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum WriteState {
    /// Before i_rwsem.
    Enter(Write),
    /// Waiting for clients to give their layouts back, without a lock.
    Recall(Write),
    /// Before the glock, which is taken anew for each pass.
    Pass(Write),
    /// Before a pass that zeroes: looking whether the range is dirty.
    Sample(Write),
    /// Before `iomap_begin`. With the STALE flag that the last mapping left behind, if the design lets it.
    Begin(Write, StaleFlag),
    /// Moving the data of a stuffed file out of its inode, before it is mapped.
    Unstuff(Write, UnstuffState),
    /// Before the next folio.
    Folio(IomapIter),
    /// In the middle of one.
    InFolio(IomapIter, FolioState),
    /// Writing back what lies over a mapping that has nothing to zero, which is then looked up again.
    Flush(Write, FlushState),
    /// Writing zeros back that are ordered before the size, and then to the data.
    Order(Write, WriteAndWait),
    /// Cutting the page cache back to end of file after a stale or short copy, then on to the given state.
    Cleanup(TruncateState, Box<WriteState>),
    /// Before `iomap_end`. With the folio that a mutant still holds.
    End(IomapIter, Option<FolioRef>),
    /// Inside `iomap_end`.
    Punch {
        /// The write and its mapping.
        iter: IomapIter,
        /// The folio that a mutant still holds.
        held: Option<FolioRef>,
        /// Where the punch stands.
        punch: PunchState,
    },
}

impl WriteState {
    /// What a write that has not begun has reserved, in blocks.
    pub(crate) fn budget_at_start(&self) -> u16 {
        match self {
            WriteState::Sample(write) | WriteState::Begin(write, _) => write.budget,
            WriteState::Enter(_)
            | WriteState::Recall(_)
            | WriteState::Pass(_)
            | WriteState::Unstuff(..)
            | WriteState::Folio(_)
            | WriteState::InFolio(..)
            | WriteState::Flush(..)
            | WriteState::Order(..)
            | WriteState::Cleanup(..)
            | WriteState::End(..)
            | WriteState::Punch { .. } => 0,
        }
    }

    /// Where a write stands that has not yet copied into its next folio, and what its mapping says of it.
    pub(crate) fn before_copy(&self) -> Option<(Cell, IomapType)> {
        match self {
            WriteState::Folio(iter) | WriteState::InFolio(iter, _) => {
                Some((iter.write.pos, iter.iomap.source_kind()))
            }
            WriteState::Enter(_)
            | WriteState::Recall(_)
            | WriteState::Pass(_)
            | WriteState::Sample(_)
            | WriteState::Begin(..)
            | WriteState::Unstuff(..)
            | WriteState::Flush(..)
            | WriteState::Order(..)
            | WriteState::Cleanup(..)
            | WriteState::End(..)
            | WriteState::Punch { .. } => None,
        }
    }

    /// Whether one that stood before a copy at `from` has made it.
    pub(crate) fn has_filled(&self, from: Cell) -> bool {
        let (WriteState::Folio(iter) | WriteState::End(iter, _)) = self else { return false };
        iter.write.pos > from && iter.iomap.stale == StaleFlag::Clear
    }
}

/// The blocks whose reservation, or on gfs2 allocation, `iomap_end` has to free: those of a NEW delayed allocation behind
/// what was written. The block partly written keeps its reservation: its folio is dirty.
pub(crate) fn unused_reservation<B: Backend>(inode: &Inode<B>, iter: &IomapIter) -> Option<Range<FileBlock>> {
    let IomapIter { write, iomap, from } = iter;
    let design = &inode.sb.config.design;
    let end = write.end.min(iter.mapped_end(inode));
    match inode.sb.config.fs.write_end() {
        WriteEnd::PunchDelalloc => {}
        WriteEnd::TruncateAndFree => {
            return (write.pos < end).then(|| gfs2::unwritten_blocks(inode, iomap, write.pos)).flatten();
        }
        WriteEnd::Nothing => return None,
    }
    let owned = iomap.new || design.punch_owner() == PunchOwner::Any;
    if iomap.kind != IomapType::Delalloc || !owned || write.pos >= end {
        return None;
    }
    let first = if write.pos == *from {
        inode.sb.geometry.block_of(write.pos)
    } else if design.punch_rounding() == PunchRounding::Outward {
        inode.sb.geometry.block_of(write.pos - 1)
    } else {
        inode.sb.geometry.blocks_touched(&(0..write.pos)).end
    };
    let blocks = first..inode.sb.geometry.blocks_touched(&(0..end)).end;
    (!blocks.is_empty()).then_some(blocks)
}

/// Where and under which lock `iomap_end` frees the unused reservation of a mapping: that of `blocks`.
pub(crate) fn punching<B: Backend>(inode: &Inode<B>, iter: &IomapIter, blocks: Range<FileBlock>) -> Punching {
    let design = &inode.sb.config.design;
    let cow = iter.iomap.shared && design.punch_fork() == PunchFork::Mapping;
    let holds = iter.write.holds_invalidate_lock && design.held_lock() == HeldLock::Known;
    Punching {
        freed: 0,
        fork: if cow { Fork::Cow } else { Fork::Data },
        lock: if holds { PunchLock::Nothing } else { design.punch_lock() },
        blocks,
    }
}
