//! Moving the valid size of a file without a write(2): for a store through a mapping.
//!
//! `exfat_page_mkwrite` and `exfat_extend_valid_size` (fs/exfat/file.c, 6.12 and 7.3) zero what lies between the valid size and
//! the page, and then move it to the end of the page; in 6.12 to the end of the mapping. Before 6630ea49103c mmap(2) did that for
//! all of the mapping (`exfat_file_zeroed_range`). i_rwsem is held, which keeps writes out and truncation.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Op, Returned};

use crate::fs::valid_size;
use crate::iomap::write_state::WriteState;
use crate::iomap::{self, zero};
use crate::path::{Ended, Part, Path, Stepped};
use crate::state::event::What;
use crate::state::inode::Inode;
use crate::state::world::World;
use crate::words::command::Command;
use crate::words::geometry::Cell;
use crate::words::valid_size::MkwriteValid;

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
            if inode.sb.config.fs.mkwrite_valid == MkwriteValid::Moved {
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
        let fs = &part.inode.sb.config.fs;
        match part.first()? {
            Command::Mmap { range, writable: true }
                if fs.valid_size && fs.mkwrite_valid == MkwriteValid::AtMmap =>
            {
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
