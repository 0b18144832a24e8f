//! Moving the valid size of a file without a write(2): for a store through a mapping.
//!
//! `exfat_page_mkwrite` and `exfat_extend_valid_size` (fs/exfat/file.c, 6.12 and 7.3) zero what lies between the valid size and
//! the page, and then move it to the end of the page; in 6.12 to the end of the mapping. Before 6630ea49103c mmap(2) did that for
//! all of the mapping (`exfat_file_zeroed_range`). i_rwsem is held, which keeps writes out and truncation; but for munmap(2), where that
//! moves it, too.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Lock, Op, Returned};

use crate::fs::valid_size;
use crate::iomap::write_state::WriteState;
use crate::iomap::{self, zero};
use crate::path::{Ended, Part, Path, Stepped};
use crate::state::event::{DataEvent, What};
use crate::state::inode::Inode;
use crate::state::slot::Slot;
use crate::state::world::World;
use crate::words::command::Command;
use crate::words::geometry::{Cell, FolioIndex, within};
use crate::words::ordering::Link;
use crate::words::valid_size::MkwriteValid;
use crate::words::value::Value;

/// Where it stands, of the cells that the valid size is to be moved over.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ExtendState {
    /// Before it is looked where the valid size is.
    Look(Range<Cell>),
    /// Zeroing what lies before the cells.
    Zero(Range<Cell>, Box<WriteState>),
    /// Before the valid size is moved.
    Move(Range<Cell>),
}

/// One step, with i_rwsem held exclusively. It fails if what lies before the cells cannot be zeroed: then the valid size stays.
pub async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: ExtendState,
) -> ControlFlow<Returned, ExtendState> {
    match state {
        ExtendState::Look(cells) => {
            let valid = valid_size::look(inode).await;
            if valid >= cells.end {
                return ControlFlow::Break(Returned::Success);
            }
            if inode.sb.config.fs.mkwrite_valid() == MkwriteValid::Moved {
                return ControlFlow::Continue(ExtendState::Move(0..cells.end));
            }
            if valid >= cells.start {
                return ControlFlow::Continue(ExtendState::Move(cells));
            }
            let gap = zero::zero_range_unlocked(inode, valid..cells.start);
            ControlFlow::Continue(ExtendState::Zero(cells, Box::new(gap)))
        }
        ExtendState::Zero(cells, inner) => match iomap::step(inode, me, *inner).await {
            ControlFlow::Continue(inner) => ControlFlow::Continue(ExtendState::Zero(cells, Box::new(inner))),
            ControlFlow::Break(zeroed) if cells.is_empty() || !zeroed.full => {
                ControlFlow::Break(zeroed.returned())
            }
            ControlFlow::Break(_) => ControlFlow::Continue(ExtendState::Move(cells)),
        },
        ExtendState::Move(cells) => {
            valid_size::advance(inode, &cells).await;
            ControlFlow::Break(Returned::Success)
        }
    }
}

/// mmap(2) where that moves the valid size.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum MmapFile {
    /// Before i_rwsem.
    Enter(Range<Cell>),
    /// Moving it.
    Extend(ExtendState),
}

impl Path for MmapFile {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        match part.first()? {
            Command::Mmap { range, writable: true } if valid_size::moves_at_mmap(part.inode) => {
                Some(MmapFile::Enter(part.cells(range)))
            }
            _ => None,
        }
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        match self {
            MmapFile::Enter(cells) => {
                inode.i_rwsem.down_write(Op::new("down_write i_rwsem"), me).await;
                let end = cells.end.min(inode.i_size_peek());
                inode.emit(|| What::MmapExtends(inode.sb.geometry.byte_at(end)));
                ControlFlow::Continue(MmapFile::Extend(ExtendState::Look(end..end)))
            }
            MmapFile::Extend(inner) => match step(inode, me, inner).await {
                ControlFlow::Continue(inner) => ControlFlow::Continue(MmapFile::Extend(inner)),
                ControlFlow::Break(returned) => {
                    inode.i_rwsem.up_write(me);
                    ControlFlow::Break(returned)
                }
            },
        }
    }
}

/// The end of a mapping that may be stored through, where that moves the valid size (`ntfs_filemap_close`, fs/ntfs3/file.c, 7.3): its
/// entries are gone, and no lock is held.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum VmaClose {
    /// Before the valid size is moved to the end of the mapping, or of the file.
    Move(Range<Cell>),
    /// Before what is cached of a folio behind it is zeroed (`ntfs_zero_tail`).
    Zero(FolioIndex, Cell),
}

impl Path for VmaClose {
    type Ended = Returned;

    /// The second part of munmap(2).
    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Munmap = part.command() else { return None };
        if part.number != 1 || !valid_size::moves_at_close(part.inode) {
            return None;
        }
        Some(VmaClose::Move(part.cells(part.mapped_to_store()?)))
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, _: ActorId) -> Stepped<Self> {
        let geometry = &inode.sb.geometry;
        let (index, valid) = match self {
            VmaClose::Move(cells) => {
                let size = inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await;
                let valid = valid_size::advance(inode, &(0..cells.end.min(size as Cell))).await;
                if valid >= geometry.cells() {
                    return ControlFlow::Break(Returned::Success);
                }
                (geometry.folio_of(valid), valid)
            }
            VmaClose::Zero(index, valid) => {
                zero_tail(inode, index, valid).await;
                (index + 1, valid)
            }
        };
        if index == geometry.folios() {
            return ControlFlow::Break(Returned::Success);
        }
        ControlFlow::Continue(VmaClose::Zero(index, valid))
    }
}

/// What is cached of a folio behind the valid size is zeroed with its lock held, also what is dirty.
async fn zero_tail<B: Backend>(inode: &Inode<B>, index: FolioIndex, valid: Cell) {
    let unlocked = |slot: &Slot, _: u64| slot.current().is_none_or(|(_, folio)| folio.locked.is_none());
    let mut slot = inode.page(index).lock_when(Op::on("ntfs_zero_tail", u32::from(index)), unlocked, 0).await;
    inode.folio_passed(index, slot.current().map(|(id, _)| id));
    let cells = inode.sb.geometry.cells_of_folio(index);
    if let Some(folio) = slot.current_mut() {
        let behind = valid.max(cells.start)..cells.end;
        folio.cells[within(&cells, &behind)].fill(Value::ZERO);
        inode.emit(|| What::Data(DataEvent::ZeroedInCache(inode.sb.geometry.bytes_of_cells(&behind))));
    }
    inode.audit_folio(index, &slot);
}
