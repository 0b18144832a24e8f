//! The buffered read: `xfs_file_buffered_read` -> `filemap_read`.
//!
//! Left out: the reference that a reader holds on a folio between look-up and copy, which are one operation here.
//! A folio that left the page cache in between is changed by nobody, so the copy is what it would have been before;
//! and who finds a folio that could not be evicted for that reference finds its blocks as invalid as those of a new
//! one.

pub mod fill;

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Lock, Op};

use crate::path::{Part, Path};
use crate::read::fill::FillState;
use crate::state::event::{DataEvent, What};
use crate::state::inode::Inode;
use crate::state::trace;
use crate::state::world::World;
use crate::words::command::{Command, Io};
use crate::words::geometry::{Cell, within};
use crate::words::ordering::Link;

/// A read(2) under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Read {
    /// What was asked for.
    cells: Range<Cell>,
    /// Where it is.
    pos: Cell,
    /// Its end, clipped to the size.
    end: Cell,
}

/// Where a read(2) stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ReadState {
    /// Before i_rwsem.
    Enter(Range<Cell>),
    /// Before copying out of the next folio.
    Copy(Read),
    /// Bringing a folio in.
    Fill(Read, FillState),
}

impl Path for ReadState {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Pread { range, chunk, io: Io::Buffered } = part.command() else { return None };
        part.call(range, *chunk).map(ReadState::Enter)
    }

    /// One step of a read(2).
    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> ControlFlow<(), Self> {
        match self {
            ReadState::Enter(cells) => {
                let size = if inode.sb.config.fs.read_takes_i_rwsem {
                    inode.i_rwsem.down_read(Op::new("down_read i_rwsem"), me).await;
                    inode.oracle.begin_read(&inode.sb.geometry, me, &cells);
                    inode.trace_xfs(|| trace::xfs_file_io("xfs_file_buffered_read", inode, &cells));
                    // i_rwsem excludes who changes it.
                    inode.i_size_peek()
                } else {
                    let size =
                        inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await as Cell;
                    inode.oracle.begin_read(&inode.sb.geometry, me, &cells);
                    size
                };
                let (pos, end) = (cells.start, cells.end.min(size));
                proceed(inode, me, Read { cells, pos, end })
            }
            ReadState::Copy(mut read) => {
                if read.pos != read.cells.start {
                    read.end = size_again(inode, &read).await;
                }
                if read.pos >= read.end {
                    return proceed(inode, me, read);
                }
                let index = inode.sb.geometry.folio_of(read.pos);
                let folio_cells = inode.sb.geometry.cells_of_folio(index);
                let part = read.pos..read.end.min(folio_cells.end);
                let mut blocks = inode.sb.geometry.blocks_touched(&part);
                let slot = inode.page(index).lock(Op::on("filemap_read", u32::from(index))).await;
                let hit = slot.current().filter(|(_, folio)| {
                    blocks.all(|block| folio.block_uptodate(inode.sb.block_in_folio(block)))
                });
                let Some((_, folio)) = hit else {
                    drop(slot);
                    return ControlFlow::Continue(ReadState::Fill(read, FillState::Enter(index)));
                };
                let values = &folio.cells[within(&folio_cells, &part)];
                inode.oracle.copied_out(&inode.sb.geometry, me, &part, values);
                inode.emit(|| What::Data(DataEvent::Read(inode.sb.geometry.bytes_of_cells(&part))));
                drop(slot);
                proceed(inode, me, Read { pos: part.end, ..read })
            }
            ReadState::Fill(read, inner) => ControlFlow::Continue(match fill::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => ReadState::Fill(read, inner),
                ControlFlow::Break(()) => ReadState::Copy(read),
            }),
        }
    }
}

/// The end of a read, clipped to the size as it is now: where nothing keeps it from changing it is read again for
/// each folio.
async fn size_again<B: Backend>(inode: &Inode<B>, read: &Read) -> Cell {
    if inode.sb.config.fs.read_takes_i_rwsem || !inode.size_changes {
        return read.end;
    }
    let size = inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await as Cell;
    read.cells.end.min(size)
}

/// On to the next folio, or return.
fn proceed<B: Backend>(inode: &Inode<B>, me: ActorId, read: Read) -> ControlFlow<(), ReadState> {
    if read.pos < read.end {
        return ControlFlow::Continue(ReadState::Copy(read));
    }
    inode.oracle.end_read(&inode.sb.geometry, me, &read.cells);
    if inode.sb.config.fs.read_takes_i_rwsem {
        inode.i_rwsem.up_read(me);
    }
    ControlFlow::Break(())
}
