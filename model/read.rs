//! The buffered read: `xfs_file_buffered_read` -> `filemap_read`.
//!
//! The size is read once the folio is known to be valid, so that a reader may see a size that takes in what the folio does not
//! have: completions of direct writes raise it, also while readers hold i_rwsem, and put the data elsewhere. There look-up, size
//! and copy are operations of their own, and the reader holds a reference on the folio meanwhile. Otherwise look-up and
//! copy are one, and the size is read before: who makes the file grow through the page cache has put the data there
//! first, and a folio that left it in between is changed by nobody, so the copy is what it would have been before; and who finds
//! a folio that could not be evicted for that reference finds its blocks as invalid as those of a new one. In relaxed memory the
//! three are apart as well where nothing but the size [orders the copy](crate::state::contents). And a folio of which only a part is
//! valid is copied behind the look at its blocks, which takes its lock, with the reference from there.
//!
//! Left out: that several folios are looked up before the size is read.

pub mod fill;

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Lock, Op};

use crate::path::{Part, Path, Stepped};
use crate::read::fill::{FillState, Wanted};
use crate::reclaim;
use crate::state::contents::Older;
use crate::state::dropbehind::Dropper;
use crate::state::event::{DataEvent, What};
use crate::state::folio::{Folio, FolioRef};
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
    /// IOCB_DONTCACHE: what it adds to the page cache is to leave it again.
    dontcache: bool,
}

/// Where a read(2) stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ReadState {
    /// Before i_rwsem.
    Enter(Read),
    /// Before looking the next folio up, and copying out of it where no direct write can tell.
    Lookup(Read),
    /// The folio is valid; before the size is read, and copying.
    Copy(Read, FolioRef),
    /// The folio is copied, and is not to stay; before it is dropped.
    Drop(Read, FolioRef),
    /// Bringing a folio in.
    Fill(Read, FillState),
}

impl ReadState {
    /// A read(2) of `cells`.
    pub(crate) fn new(cells: Range<Cell>, dontcache: bool) -> Self {
        let Range { start: pos, end } = cells;
        ReadState::Enter(Read { cells, pos, end, dontcache })
    }
}

impl Path for ReadState {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Pread { range, chunk, io: Io::Buffered, dontcache } = part.command() else {
            return None;
        };
        Some(ReadState::new(part.call(range, *chunk)?, *dontcache))
    }

    /// One step of a read(2).
    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        match self {
            ReadState::Enter(read) => {
                let cells = &read.cells;
                let size = if inode.sb.config.fs.read_takes_i_rwsem() {
                    inode.i_rwsem.down_read(Op::new("down_read i_rwsem"), me).await;
                    inode.oracle.begin_read(&inode.sb.geometry, me, cells);
                    inode.trace_xfs(|| trace::xfs_file_io("xfs_file_buffered_read", inode, cells));
                    // i_rwsem excludes who changes it, but for completions: the size is read again then.
                    inode.i_size_peek()
                } else {
                    let size =
                        inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await as Cell;
                    inode.oracle.begin_read(&inode.sb.geometry, me, cells);
                    size
                };
                inode.sb.answers.reads(me);
                let end = read.end.min(size);
                proceed(inode, me, Read { end, ..read })
            }
            ReadState::Lookup(read) => lookup(inode, me, read).await,
            ReadState::Copy(read, folio) => copy(inode, me, read, folio).await,
            ReadState::Drop(read, folio) => {
                reclaim::end_dropbehind(inode, me, folio, Dropper::Reader).await;
                proceed(inode, me, read)
            }
            ReadState::Fill(read, inner) => ControlFlow::Continue(match fill::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => ReadState::Fill(read, inner),
                ControlFlow::Break(None) => ReadState::Lookup(read),
                ControlFlow::Break(Some(folio)) => ReadState::Copy(read, folio),
            }),
        }
    }
}

/// The end of a read, clipped to the size as it is now: where nothing keeps it from changing it is read again for
/// each folio.
async fn size_again<B: Backend>(inode: &Inode<B>, read: &Read) -> Cell {
    if inode.sb.config.fs.read_takes_i_rwsem() || !inode.size_changes {
        return read.end;
    }
    i_size_read(inode, read).await
}

/// The end of a read, clipped to the size.
async fn i_size_read<B: Backend>(inode: &Inode<B>, read: &Read) -> Cell {
    let size = inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await as Cell;
    read.cells.end.min(size)
}

/// Whether look-up, size and copy are operations of their own.
fn is_apart<B: Backend>(inode: &Inode<B>) -> bool {
    inode.size_changes && (inode.direct || inode.contents.are_weak())
}

/// `filemap_get_pages` (mm/filemap.c, 6.1 to 7.3): the next folio is to be valid, or as far as it is read, of which others can be sure
/// only while it is locked (`filemap_update_page`). gfs2 tries that without its glock first (`gfs2_file_read_iter`), for a folio
/// that nobody has locked; the invalidate_lock, too, which nobody holds exclusively there.
async fn lookup<B: Backend>(inode: &Inode<B>, me: ActorId, mut read: Read) -> ControlFlow<(), ReadState> {
    let geometry = &inode.sb.geometry;
    let index = geometry.folio_of(read.pos);
    let folio_cells = geometry.cells_of_folio(index);
    let apart = is_apart(inode);
    if !apart && read.pos != read.cells.start {
        read.end = size_again(inode, &read).await;
        if read.pos >= read.end {
            return proceed(inode, me, read);
        }
    }
    let end = if apart { read.cells.end } else { read.end };
    let part = read.pos..end.min(folio_cells.end);
    let target = u32::from(index);
    let op = if apart { Op::on("filemap_get_pages", target) } else { Op::on("filemap_read", target) };
    let mut slot = inode.page(index).lock(op).await;
    let asked = read.pos..read.cells.end.min(folio_cells.end);
    let wanted = Wanted { index, enough: Some(geometry.blocks_touched(&asked)), dontcache: read.dontcache };
    let tried = |folio: &Folio| inode.sb.config.fs.glock() && folio.locked.is_none();
    let hit = slot
        .current()
        .filter(|(_, folio)| folio.uptodate || tried(folio) && wanted.is_uptodate(inode, folio));
    let Some((id, folio)) = hit else {
        drop(slot);
        return ControlFlow::Continue(ReadState::Fill(read, FillState::Enter(wanted)));
    };
    if apart {
        slot.folio_mut(id).refs |= 1 << me;
        return ControlFlow::Continue(ReadState::Copy(read, FolioRef { index, id }));
    }
    copied_out(inode, me, folio, &part, &[]);
    let drops = slot.drops_behind_read(id, me);
    drop(slot);
    let read = Read { pos: part.end, ..read };
    if drops {
        return ControlFlow::Continue(ReadState::Drop(read, FolioRef { index, id }));
    }
    proceed(inode, me, read)
}

/// The rest of `filemap_read` for one folio: the size, and the copy.
async fn copy<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut read: Read,
    held: FolioRef,
) -> ControlFlow<(), ReadState> {
    let FolioRef { index, id } = held;
    read.end = if is_apart(inode) { i_size_read(inode, &read).await } else { size_again(inode, &read).await };
    if read.pos >= read.end {
        inode.page(index).release(|slot| slot.put(id, me));
        return proceed(inode, me, read);
    }
    let part = read.pos..read.end.min(inode.sb.geometry.cells_of_folio(index).end);
    let older = inode.contents.seen(index).await;
    let mut slot = inode.page(index).lock(Op::on("filemap_read", u32::from(index))).await;
    copied_out(inode, me, slot.folio_mut(id), &part, &older);
    let read = Read { pos: part.end, ..read };
    if slot.drops_behind_read(id, me) {
        return ControlFlow::Continue(ReadState::Drop(read, held));
    }
    slot.put(id, me);
    drop(slot);
    proceed(inode, me, read)
}

/// `part` of a folio is what the reader gets, but for what is older in its memory.
fn copied_out<B: Backend>(inode: &Inode<B>, me: ActorId, folio: &Folio, part: &Range<Cell>, older: &[Older]) {
    let geometry = &inode.sb.geometry;
    let folio_cells = geometry.cells_of_folio(geometry.folio_of(part.start));
    let mut cells = Cow::Borrowed(folio.cells.as_slice());
    for Older { cells: outdated, values, .. } in older {
        cells.to_mut()[within(&folio_cells, outdated)].copy_from_slice(values);
    }
    let values = &cells[within(&folio_cells, part)];
    inode.oracle.copied_out(geometry, me, part, values);
    inode.sb.answers.read(me, part.clone(), values);
    inode.emit(|| What::Data(DataEvent::Read(inode.given(part, values))));
}

/// On to the next folio, or return.
fn proceed<B: Backend>(inode: &Inode<B>, me: ActorId, read: Read) -> ControlFlow<(), ReadState> {
    if read.pos < read.end {
        return ControlFlow::Continue(ReadState::Lookup(read));
    }
    let behind = read.end.max(read.cells.start)..read.cells.end;
    inode.found_the_end(me, behind);
    inode.oracle.end_read(&inode.sb.geometry, me, &read.cells);
    if inode.sb.config.fs.read_takes_i_rwsem() {
        inode.i_rwsem.up_read(me);
    }
    ControlFlow::Break(())
}
