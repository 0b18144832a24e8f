//! lseek(2) with SEEK_DATA and SEEK_HOLE: `iomap_seek_data` and `iomap_seek_hole` (fs/iomap/seek.c), over the page cache
//! `mapping_seek_hole_data` (mm/filemap.c); the same in 6.1, 6.12 and 7.3, but that 7.3 does not take valid blocks behind the end of a
//! mapping for data that begin at that end.
//!
//! The file is mapped extent by extent. One that is written, or reserved, is data, and a hole is one. An unwritten one is data where
//! the page cache has valid blocks, which is looked for folio by folio *after* the mapping was sampled. On XFS
//! (`xfs_file_llseek`) no lock but the ILOCK, for each mapping, is held, and nobody looks whether the mapping is still valid when the page cache has
//! been looked at (`seek_check`). ext4 and gfs2 hold i_rwsem shared, gfs2 its glock, too; writeback takes none of these.
//!
//! What is called a hole is judged as if it had been read as zeros: by what the file may have contained at some time between the
//! begin and the end of the call.
//!
//! Left out: swap entries (only shmem has them), folios of several sizes, and the walk that passes over absent folios at once:
//! here each is looked at by itself.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Lock, Op, Returned};

use crate::fs::{glock, xfs_seek};
use crate::iomap::valid::{current_or_dropped, op_of};
use crate::path::{Ended, Part, Path, Stepped};
use crate::state::event::{Checker, DataEvent, Dropped, Mapping, Sampler, Says, Skip, Truth, Use, What};
use crate::state::folio::{FolioId, FolioRef};
use crate::state::glock::Mode;
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType};
use crate::state::slot::Slot;
use crate::state::trace::{self, IomapFlags};
use crate::state::world::World;
use crate::words::command::{Command, Whence};
use crate::words::design::SeekCheck;
use crate::words::extent::Extent;
use crate::words::geometry::Cell;
use crate::words::ordering::Link;
use crate::words::personality::{Allocate, SeekMap};

/// A search.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Seek {
    whence: Whence,
    /// Where it began.
    from: Cell,
    /// Where it is: where its mapping is asked for.
    pos: Cell,
    /// The end of file, as it was when it began.
    size: Cell,
}

/// Where it stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum SeekState {
    /// Before it has looked at the size.
    Enter(Whence, Cell),
    /// Before the next mapping.
    Begin(Seek),
    /// Before a folio is looked at.
    Probe {
        /// The search.
        seek: Seek,
        /// Its mapping.
        iomap: Iomap,
        /// Where it looks into the page cache.
        at: Cell,
    },
    /// Before that folio is locked, which is there and not uptodate.
    Lock {
        /// The search.
        seek: Seek,
        /// Its mapping.
        iomap: Iomap,
        /// Where it looks into the page cache.
        at: Cell,
        /// The folio.
        folio: FolioRef,
    },
    /// Before the mapping is compared.
    Check {
        /// The search.
        seek: Seek,
        /// Its mapping.
        iomap: Iomap,
        /// Where the page cache has what is looked for.
        found: Option<Cell>,
    },
}

/// What it found: a place below end of file; of SEEK_HOLE also that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found(pub Option<Cell>);

/// ENXIO ends a search as it should, as xfs_io has it.
impl Ended for Found {
    fn gives_up(&self) -> bool {
        false
    }

    fn returned(&self) -> Returned {
        Returned::Success
    }
}

impl Path for SeekState {
    type Ended = Found;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Seek { whence, from } = part.first()? else { return None };
        Some(SeekState::Enter(*whence, part.inode.sb.geometry.cell_at(*from)))
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        step(inode, me, self).await
    }
}

/// One step of a search.
pub async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: SeekState,
) -> ControlFlow<Found, SeekState> {
    match state {
        SeekState::Enter(whence, from) => enter(inode, me, whence, from).await,
        SeekState::Begin(seek) => begin(inode, me, seek).await,
        SeekState::Probe { seek, iomap, at } => probe(inode, me, seek, iomap, at).await,
        SeekState::Lock { seek, iomap, at, folio } => look_into(inode, me, (seek, iomap, at), folio).await,
        SeekState::Check { seek, iomap, found } => {
            // With the ILOCK, since a look into the page cache that finds nothing orders nothing.
            let map = inode.lock_map(op_of(inode, Checker::Seek)).await;
            let block = inode.sb.geometry.block_of(seek.pos);
            let valid = current_or_dropped(inode, &map, &iomap, block, Checker::Seek);
            drop(map);
            if valid {
                return conclude(inode, me, seek, &iomap, found);
            }
            ControlFlow::Continue(SeekState::Begin(seek))
        }
    }
}

/// The locks of `->llseek`, and the size.
async fn enter<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    whence: Whence,
    from: Cell,
) -> ControlFlow<Found, SeekState> {
    let geometry = &inode.sb.geometry;
    let size = if inode.sb.config.fs.seek_takes_i_rwsem() {
        inode.i_rwsem.down_read(Op::new("down_read i_rwsem"), me).await;
        inode.oracle.begin_read(geometry, me, &(from..geometry.cells()));
        glock::acquire(inode, me, Mode::Shared).await;
        inode.i_size_peek()
    } else {
        let size = inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await as Cell;
        inode.oracle.begin_read(geometry, me, &(from..geometry.cells()));
        size
    };
    let seek = Seek { whence, from, pos: from, size };
    if from >= size {
        return finish(inode, me, &seek, None);
    }
    // generic_file_llseek_size: what has its blocks for good is data from end to end.
    if inode.sb.config.fs.allocate() == Allocate::Static {
        let found = if whence == Whence::Data { from } else { size };
        return finish(inode, me, &seek, Some(found));
    }
    ControlFlow::Continue(SeekState::Begin(seek))
}

/// The next mapping.
async fn begin<B: Backend>(inode: &Inode<B>, me: ActorId, seek: Seek) -> ControlFlow<Found, SeekState> {
    let geometry = &inode.sb.geometry;
    let wanted = seek.pos..seek.size;
    let blocks = geometry.blocks_touched(&wanted);
    let map = inode.lock_map(Op::new(inode.sb.config.fs.names().seek_begin)).await;
    let iomap = xfs_seek::seek_begin(inode, &map, blocks.start, blocks.end);
    drop(map);
    inode.emit(|| What::Sampled(Sampler::Seek, Mapping::of(geometry, &iomap)));
    trace::mapped(inode, IomapFlags::Report, &wanted, &iomap);
    let cached = inode.sb.config.fs.seek_map() == SeekMap::CowAndCache;
    let pos = seek.pos;
    match iomap.kind {
        IomapType::Unwritten => ControlFlow::Continue(SeekState::Probe { seek, iomap, at: pos }),
        IomapType::Hole if cached => ControlFlow::Continue(SeekState::Probe { seek, iomap, at: pos }),
        kind => {
            let is_data = kind != IomapType::Hole;
            let found = (is_data == (seek.whence == Whence::Data)).then_some(pos);
            conclude(inode, me, seek, &iomap, found)
        }
    }
}

/// Where a mapping ends, for a search.
fn end_of<B: Backend>(inode: &Inode<B>, seek: &Seek, iomap: &Iomap) -> Cell {
    inode.sb.geometry.cells_of_blocks(&(iomap.start..iomap.end)).end.min(seek.size)
}

/// `mapping_seek_hole_data`, one folio: without its lock, if it is not there or uptodate.
async fn probe<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    seek: Seek,
    iomap: Iomap,
    at: Cell,
) -> ControlFlow<Found, SeekState> {
    let index = inode.sb.geometry.folio_of(at);
    let mut slot = inode.page(index).lock(Op::on("mapping_seek_hole_data", u32::from(index))).await;
    let is_data = match slot.current() {
        // What reclaim has left in the place of a folio counts as data (`xa_is_value`).
        None => slot.has_shadow(),
        Some((_, folio)) if folio.uptodate => true,
        Some((id, _)) => {
            slot.folio_mut(id).refs |= 1 << me;
            let folio = FolioRef { index, id };
            return ControlFlow::Continue(SeekState::Lock { seek, iomap, at, folio });
        }
    };
    drop(slot);
    let found = (is_data == (seek.whence == Whence::Data)).then_some(at);
    go_on(inode, me, seek, iomap, at, found)
}

/// `folio_seek_hole_data`, with the folio locked: block by block (`->is_partially_uptodate`), of which a folio of one block has no
/// state. If it became valid while its lock was waited for, that is not seen.
async fn look_into<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    (seek, iomap, at): (Seek, Iomap, Cell),
    FolioRef { index, id }: FolioRef,
) -> ControlFlow<Found, SeekState> {
    let geometry = &inode.sb.geometry;
    let unlocked = |slot: &Slot, id: u64| slot.is_unlocked(id as FolioId);
    let mut slot =
        inode.page(index).lock_when(Op::on("folio_lock", u32::from(index)), unlocked, u64::from(id)).await;
    inode.folio_passed(index, Some(id));
    let folio = slot.folio_mut(id);
    let found = if folio.in_cache {
        let mut blocks = geometry.block_of(at)..geometry.blocks_of_folio(index).end;
        let wanted = seek.whence == Whence::Data;
        let apart = geometry.blocks_per_folio() > 1;
        let uptodate = |block| apart && folio.block_uptodate(inode.sb.block_in_folio(block));
        let block = blocks.find(|block| uptodate(*block) == wanted);
        block.map(|block| geometry.cells_of_block(block).start.max(at))
    } else {
        // Truncated or reclaimed meanwhile: what is looked for is taken to be here.
        Some(at)
    };
    slot.put(id, me);
    drop(slot);
    go_on(inode, me, seek, iomap, at, found)
}

/// On to the next folio, or the mapping is done with.
fn go_on<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    seek: Seek,
    iomap: Iomap,
    at: Cell,
    found: Option<Cell>,
) -> ControlFlow<Found, SeekState> {
    let end = end_of(inode, &seek, &iomap);
    let next = inode.sb.geometry.cells_of_folio(inode.sb.geometry.folio_of(at)).end;
    if found.is_none() && next < end {
        return ControlFlow::Continue(SeekState::Probe { seek, iomap, at: next });
    }
    let found = found.map(|found| found.min(end));
    let calls_hole = match seek.whence {
        Whence::Data => found != Some(seek.pos),
        Whence::Hole => found.is_some_and(|found| found < end),
    };
    if calls_hole && inode.sb.config.design.seek_check() == SeekCheck::AfterProbe {
        return ControlFlow::Continue(SeekState::Check { seek, iomap, found });
    }
    conclude(inode, me, seek, &iomap, found)
}

/// A mapping is done with: what was looked for is at `found`, or not in it.
fn conclude<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut seek: Seek,
    iomap: &Iomap,
    found: Option<Cell>,
) -> ControlFlow<Found, SeekState> {
    let end = end_of(inode, &seek, iomap);
    // A hole that begins where the mapping ends is for the next one to say.
    let found = found.filter(|found| seek.whence == Whence::Data || *found < end);
    let hole = match (seek.whence, found) {
        (Whence::Data, found) => seek.pos..found.unwrap_or(end),
        (Whence::Hole, Some(found)) => found..rest_of_block(inode, &seek, found),
        (Whence::Hole, None) => end..end,
    };
    report_hole(inode, iomap, &hole);
    seek.pos = end;
    if found.is_none() && end < seek.size {
        return ControlFlow::Continue(SeekState::Begin(seek));
    }
    let found = found.or((seek.whence == Whence::Hole).then_some(seek.size));
    finish(inode, me, &seek, found)
}

/// What SEEK_HOLE says is a hole when it has found one: at least the rest of its block.
fn rest_of_block<B: Backend>(inode: &Inode<B>, seek: &Seek, found: Cell) -> Cell {
    let geometry = &inode.sb.geometry;
    geometry.cells_of_block(geometry.block_of(found)).end.min(seek.size)
}

/// Reports to observers that a mapping is used as permission to call blocks a hole, and is done with.
fn report_hole<B: Backend>(inode: &Inode<B>, iomap: &Iomap, hole: &Range<Cell>) {
    if !hole.is_empty() {
        inode.emit(|| {
            let geometry = &inode.sb.geometry;
            let mut written = None;
            inode.audit_map(|map| {
                let mut now = geometry.blocks_touched(hole).map(|block| map.get(block));
                written = now.find(|extent| matches!(extent, Extent::Written(_)));
            });
            let truth = written.map_or(Truth::AsItSays, Truth::Extent);
            let at = vec![geometry.bytes_of_cells(hole)];
            What::Used(Use { says: Says::Kind(iomap.kind), at, truth, skips: Some(Skip::Reading) })
        });
    }
    inode.emit(|| What::Dropped(Dropped::Done));
}

/// The call returns, and is judged.
fn finish<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    seek: &Seek,
    found: Option<Cell>,
) -> ControlFlow<Found, SeekState> {
    let geometry = &inode.sb.geometry;
    let hole = match (seek.whence, found) {
        (Whence::Data, found) => seek.from..found.unwrap_or(seek.size.max(seek.from)),
        (Whence::Hole, Some(found)) if found < seek.size => found..rest_of_block(inode, seek, found),
        (Whence::Hole, _) => seek.from..seek.from,
    };
    inode.oracle.reported_hole(geometry, me, &hole);
    if seek.whence == Whence::Data && found.is_none() {
        // ENXIO.
        inode.found_the_end(me, hole.end..geometry.cells());
    }
    inode.oracle.end_read(geometry, me, &(seek.from..geometry.cells()));
    inode.sb.answers.sought(me, found);
    inode.emit(|| {
        let found = found.map(|found| geometry.byte_at(found));
        What::Data(DataEvent::Sought { whence: seek.whence, found })
    });
    if inode.sb.config.fs.seek_takes_i_rwsem() {
        glock::release(inode, me);
        inode.i_rwsem.up_read(me);
    }
    ControlFlow::Break(Found(found))
}
