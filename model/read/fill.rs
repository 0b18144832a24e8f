//! Filling the page cache for a reader: a folio is brought in, locked, mapped and read.
//!
//! The mapping is sampled *after* the folio lock, so nothing that the folio lock or invalidate_lock excludes
//! can make it stale before it is used; readers need no check. A design may have them ask (`read_check`), and one in which they map
//! before that has to.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::fs::valid_size::{is_behind, look_when_read};
use crate::fs::{self, glock, stuffed};
use crate::iomap::fill::read_block;
use crate::iomap::valid::valid_or_dropped;
use crate::state::event::{Checker, DataEvent, Expense, FolioEvent, Method, What};
use crate::state::folio::{Folio, FolioId, FolioRef};
use crate::state::glock::Mode;
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType};
use crate::state::private::Taken;
use crate::state::slot::Slot;
use crate::state::trace;
use crate::words::branches;
use crate::words::check_design::ReadCheck;
use crate::words::design::FillMap;
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::personality::Hooks;
use crate::words::value::Value;
use crate::words::writeback_design::{FillLock, ReadEnd};

/// Where filling a folio stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum FillState {
    /// Before invalidate_lock.
    Enter(Wanted),
    /// Before sampling mappings, of a folio that nobody has looked up yet.
    Early(Wanted),
    /// Before looking the folio up, with invalidate_lock held; the mappings, if they were sampled before.
    Lookup(Wanted, Option<Vec<(FileBlock, Iomap)>>),
    /// It was found, and there is a reference to it; before its lock.
    Lock {
        /// The folio that is wanted.
        wanted: Wanted,
        /// Which one of its index it is.
        id: FolioId,
        /// The mappings, if they were sampled before.
        early: Option<Vec<(FileBlock, Iomap)>>,
    },
    /// Before sampling mappings, with the folio locked.
    Map(FolioRef),
    /// Before filling the blocks that are not valid, with a mapping for each.
    Read(FolioRef, Vec<(FileBlock, Iomap)>),
    /// Before the next piece is complete of those that are still to be read.
    Piece(FolioRef, Vec<Piece>),
    /// The same, where all is submitted and invalidate_lock was let go.
    Submitted(FolioRef, Vec<Piece>),
}

/// The folio that is wanted.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Wanted {
    /// Its index.
    pub index: FolioIndex,
    /// The blocks that are enough, where it need not be valid as a whole.
    pub enough: Option<Range<FileBlock>>,
    /// Whether it is marked if it is added, since it is not to stay in the page cache (IOCB_DONTCACHE).
    pub dontcache: bool,
}

impl Wanted {
    /// All of a folio, which may stay.
    fn all(index: FolioIndex) -> Self {
        Wanted { index, enough: None, dontcache: false }
    }

    /// `filemap_range_uptodate` (mm/filemap.c): whether a folio has what is wanted of it.
    pub fn is_uptodate<B: Backend>(&self, inode: &Inode<B>, folio: &Folio) -> bool {
        let valid = |block| folio.block_uptodate(inode.sb.block_in_folio(block));
        folio.uptodate || self.enough.clone().is_some_and(|mut blocks| blocks.all(valid))
    }
}

impl FillState {
    /// Before a folio is brought in that may stay.
    pub fn new(index: FolioIndex) -> Self {
        FillState::Enter(Wanted::all(index))
    }

    /// The same for those who hold what [`step_locked`] leaves out.
    pub fn locked(index: FolioIndex) -> Self {
        FillState::Lookup(Wanted::all(index), None)
    }

    /// Whether invalidate_lock is held there, or taken.
    fn holds_lock(&self) -> bool {
        !matches!(self, FillState::Submitted(..))
    }
}

/// What filling a folio ends with: the folio with a reference to it, if nothing but what is wanted of it is valid.
type Filled = Option<FolioRef>;

/// Blocks that lie side by side on the device, and are read together.
type Piece = Vec<(FileBlock, Iomap)>;

/// One step of `filemap_create_folio` / `filemap_update_page` with `iomap_read_folio` (mm/filemap.c,
/// fs/iomap/buffered-io.c). Left out: readahead of further folios. The folio stays locked to the end of the read, and only who
/// writes to the device past the page cache can tell one piece from several; so they are steps of their own where the file has
/// direct I/O, or where the folio does not stay locked. gfs2 keeps its glock, shared, to the end of the
/// read or fault; what is done after the folio is filled looks at the page cache alone.
pub async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: FillState,
) -> ControlFlow<Filled, FillState> {
    let held = state.holds_lock();
    let next = step_locked(inode, me, state).await;
    if held && !matches!(&next, ControlFlow::Continue(next) if next.holds_lock()) {
        inode.invalidate_lock.up_read(me);
    }
    if next.is_break() {
        glock::release(inode, me);
    }
    next
}

/// The same for those who keep invalidate_lock and the glock, or never take them (`do_read_cache_folio`), and begin with
/// [`FillState::Lookup`].
pub async fn step_locked<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: FillState,
) -> ControlFlow<Filled, FillState> {
    match state {
        FillState::Enter(wanted) => {
            glock::acquire(inode, me, Mode::Shared).await;
            inode.invalidate_lock.down_read(Op::new("down_read invalidate_lock"), me).await;
            ControlFlow::Continue(match inode.sb.config.design.fill_map() {
                FillMap::FolioLocked => FillState::Lookup(wanted, None),
                FillMap::BeforeLookup => FillState::Early(wanted),
            })
        }
        FillState::Early(wanted) => {
            let mappings = map(inode, wanted.index).await;
            ControlFlow::Continue(FillState::Lookup(wanted, Some(mappings)))
        }
        FillState::Lookup(wanted, early) => ControlFlow::Continue(lookup(inode, me, wanted, early).await),
        FillState::Lock { wanted, id, early } => lock(inode, me, wanted, id, early).await,
        FillState::Map(folio) => ControlFlow::Continue(FillState::Read(folio, map(inode, folio.index).await)),
        FillState::Read(folio, mappings) => {
            if !all_valid(inode, &mappings).await {
                return ControlFlow::Continue(FillState::Map(folio));
            }
            read(inode, me, folio, &mappings).await
        }
        FillState::Piece(folio, mut rest) => {
            let piece = rest.remove(0);
            read_piece(inode, me, folio, &piece, rest.is_empty()).await;
            next_piece(folio, rest, FillState::Piece)
        }
        FillState::Submitted(folio, mut rest) => {
            let piece = rest.remove(0);
            read_piece(inode, me, folio, &piece, rest.is_empty()).await;
            next_piece(folio, rest, FillState::Submitted)
        }
    }
}

/// On to the next piece, or return.
fn next_piece(
    folio: FolioRef,
    rest: Vec<Piece>,
    state: fn(FolioRef, Vec<Piece>) -> FillState,
) -> ControlFlow<Filled, FillState> {
    if rest.is_empty() { ControlFlow::Break(None) } else { ControlFlow::Continue(state(folio, rest)) }
}

/// A mapping for each block of a folio.
async fn map<B: Backend>(inode: &Inode<B>, index: FolioIndex) -> Vec<(FileBlock, Iomap)> {
    let map = inode.lock_map(Op::new(inode.sb.config.fs.names().read_begin)).await;
    let blocks = inode.sb.geometry.blocks_of_folio(index);
    blocks.map(|block| (block, fs::read_begin(inode, &map, block))).collect()
}

/// Whether the folio is filled by these: nobody asks, or all are valid. Mappings of one extent are compared once.
async fn all_valid<B: Backend>(inode: &Inode<B>, mappings: &[(FileBlock, Iomap)]) -> bool {
    if fs::read_check(&inode.sb.config) == ReadCheck::Never {
        return true;
    }
    let mut last = None;
    for (block, iomap) in mappings {
        if last.replace(iomap.end) == Some(iomap.end) {
            continue;
        }
        inode.account(Expense::Called(Method::IomapValid));
        if !valid_or_dropped(inode, iomap, *block, Checker::Read).await {
            return false;
        }
    }
    true
}

/// Before the blocks of a locked folio are filled: with the mappings that were sampled early, or before they are sampled.
fn to_fill(folio: FolioRef, early: Option<Vec<(FileBlock, Iomap)>>) -> FillState {
    match early {
        Some(mappings) => FillState::Read(folio, mappings),
        None => FillState::Map(folio),
    }
}

/// Finds the folio, or adds one, which is locked then.
async fn lookup<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    wanted: Wanted,
    early: Option<Vec<(FileBlock, Iomap)>>,
) -> FillState {
    let index = wanted.index;
    let mut slot = inode.page(index).lock(Op::on("filemap_get_folio", u32::from(index))).await;
    if let Some((id, _)) = slot.current() {
        slot.folio_mut(id).refs |= 1 << me;
        return FillState::Lock { wanted, id, early };
    }
    let cells = inode.sb.geometry.cells_of_folio(index).len();
    let id = slot.insert_locked(me, inode.sb.geometry.blocks_per_folio(), inode.sb.fresh_page(cells));
    slot.folio_mut(id).dropbehind = wanted.dontcache;
    inode.folio_added(index, id);
    inode.emit(|| What::Folio(FolioEvent::Added(index)));
    inode.trace(|| trace::add_to_page_cache(inode, index));
    to_fill(FolioRef { index, id }, early)
}

/// Locks a folio that was found; nothing is left to do if what is wanted of it is valid, for example since somebody else has filled
/// it.
async fn lock<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    wanted: Wanted,
    id: FolioId,
    early: Option<Vec<(FileBlock, Iomap)>>,
) -> ControlFlow<Filled, FillState> {
    let index = wanted.index;
    let unlocked = |slot: &Slot, id: u64| slot.is_unlocked(id as FolioId);
    let op = Op::on("folio_lock", u32::from(index));
    let mut slot = inode.page(index).lock_when(op, unlocked, u64::from(id)).await;
    inode.folio_locked(index, id);
    let folio = slot.folio_mut(id);
    folio.locked = Some(me);
    if folio.in_cache && !wanted.is_uptodate(inode, folio) {
        return ControlFlow::Continue(to_fill(FolioRef { index, id }, early));
    }
    let (in_cache, partly) = (folio.in_cache, !folio.uptodate);
    inode.folio_unlocked(index, id);
    slot.unlock(id, me);
    if in_cache && partly {
        return ControlFlow::Break(Some(FolioRef { index, id }));
    }
    slot.put(id, me);
    drop(slot);
    if !in_cache {
        return ControlFlow::Continue(FillState::Lookup(wanted, early));
    }
    ControlFlow::Break(None)
}

/// Whether a folio is read by readahead (`page_cache_ra_unbounded`, mm/readahead.c), which keeps invalidate_lock no longer than until all
/// is submitted, and whether somebody can tell.
fn is_read_ahead<B: Backend>(inode: &Inode<B>, folio: &Folio) -> bool {
    let design = &inode.sb.config.design;
    let mut blocks = 0..inode.sb.geometry.blocks_per_folio();
    (inode.direct || inode.sb.config.moves_blocks(inode.number))
        && design.fill_lock() == FillLock::Submitted
        && design.read_end() == ReadEnd::LastPiece
        && !blocks.any(|block| folio.block_uptodate(block))
}

/// Zeroes or reads every block that is not valid, and unlocks the folio; or goes on to what is still to be read.
async fn read<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    held: FolioRef,
    mappings: &[(FileBlock, Iomap)],
) -> ControlFlow<Filled, FillState> {
    let FolioRef { index, id } = held;
    let valid = look_when_read(inode).await;
    let mut slot = inode.page(index).lock(Op::on("iomap_read_folio", u32::from(index))).await;
    let size = inode.i_size_peek();
    let folio = slot.locked_mut(id, me);
    let read_ahead = is_read_ahead(inode, folio);
    // `mpage_read_folio` makes no buffers for a folio whose blocks lie together.
    let hooks = inode.hooks();
    let taken = if hooks == Hooks::Jdata { Taken::Used } else { Taken::Kept };
    inode.take_private(index, folio, hooks, taken);
    let mut pieces: Vec<Piece> = Vec::new();
    for (block, iomap) in mappings {
        if folio.block_uptodate(inode.sb.block_in_folio(*block)) {
            continue;
        }
        if iomap.kind == IomapType::Inline {
            stuffed::read_inline_data(inode, folio);
            break;
        }
        if iomap.kind != IomapType::Mapped || inode.sb.geometry.cells_of_block(*block).start >= size {
            folio.cells[inode.sb.cells_in_folio(*block)].fill(Value::ZERO);
        } else {
            add_to_pieces(&mut pieces, *block, iomap);
        }
    }
    let apart = inode.direct || inode.sb.config.design.read_end() == ReadEnd::FirstPiece;
    let now = match pieces.len() {
        _ if read_ahead => 0,
        all if apart => all.min(1),
        all => all,
    };
    for (block, iomap) in pieces.drain(..now).flatten() {
        read_block(inode, &iomap, valid.or(iomap.valid), block, &mut folio.cells);
    }
    let cells = inode.sb.geometry.cells_of_folio(index);
    if let Some(valid) = valid.filter(|valid| now > 0 || *valid <= cells.start) {
        zero_behind(&cells, valid, folio);
    }
    if pieces.is_empty() || inode.sb.config.design.read_end() == ReadEnd::FirstPiece {
        folio.set_uptodate(0..inode.sb.geometry.blocks_per_folio());
        filled(inode, index, &slot, mappings);
        inode.folio_unlocked(index, id);
        slot.unlock(id, me);
    }
    if pieces.is_empty() {
        slot.put(id, me);
    }
    next_piece(held, pieces, if read_ahead { FillState::Submitted } else { FillState::Piece })
}

/// `iomap_bio_read_folio_range`: a block is added to the I/O that is open, if it lies behind that on the device.
fn add_to_pieces(pieces: &mut Vec<Piece>, block: FileBlock, iomap: &Iomap) {
    let next = (block, iomap.clone());
    let open = pieces.last_mut().filter(|piece| {
        piece.last().is_some_and(|(last, before)| {
            let behind = before.source_of(*last).map(|phys| phys + 1);
            last + 1 == block && behind == iomap.source_of(block)
        })
    });
    match open {
        Some(piece) => piece.push(next),
        None => pieces.push(vec![next]),
    }
}

/// `ntfs_iomap_read_end_io`: what of a folio of `cells` lies behind the valid size is zeroed, whatever is there.
fn zero_behind(cells: &Range<Cell>, valid: Cell, folio: &mut Folio) {
    let from = valid.max(cells.start) - cells.start;
    if let Some(behind) = folio.cells.get_mut(usize::from(from)..) {
        behind.fill(Value::ZERO);
    }
}

/// `iomap_finish_folio_read` of a further piece. With the last one the folio is uptodate and unlocked, unless it is already
/// (a mutant).
async fn read_piece<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    held: FolioRef,
    piece: &[(FileBlock, Iomap)],
    last: bool,
) {
    let FolioRef { index, id } = held;
    let valid = look_when_read(inode).await;
    let mut slot = inode.page(index).lock(Op::on("iomap_finish_folio_read", u32::from(index))).await;
    for (block, iomap) in piece {
        read_block(inode, iomap, valid.or(iomap.valid), *block, &mut slot.folio_mut(id).cells);
        let bytes = || inode.sb.geometry.bytes_of_blocks(&(*block..*block + 1));
        inode.emit(|| What::Data(DataEvent::BlockRead(bytes())));
    }
    if let Some(valid) = valid {
        zero_behind(&inode.sb.geometry.cells_of_folio(index), valid, slot.folio_mut(id));
    }
    if !last {
        return;
    }
    if inode.sb.config.design.read_end() == ReadEnd::LastPiece {
        slot.locked_mut(id, me).set_uptodate(0..inode.sb.geometry.blocks_per_folio());
        filled(inode, index, &slot, piece);
        inode.folio_unlocked(index, id);
        slot.unlock(id, me);
    }
    slot.put(id, me);
}

/// Reports a folio that a reader has filled, and judges what it shows.
fn filled<B: Backend>(inode: &Inode<B>, index: FolioIndex, slot: &Slot, mappings: &[(FileBlock, Iomap)]) {
    inode.sb.backend.reach(branches::CACHE_FILL);
    inode.emit(|| {
        let mut kinds: Vec<IomapType> = Vec::new();
        for (_, iomap) in mappings {
            if !kinds.contains(&iomap.kind) {
                kinds.push(iomap.kind);
            }
        }
        let behind_valid = mappings.iter().any(|(_, iomap)| is_behind(inode, iomap));
        What::Folio(FolioEvent::Filled { index, kinds, behind_valid })
    });
    inode.audit_folio(index, slot);
}
