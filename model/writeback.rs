//! Writeback submission: `iomap_writepages`, fs/iomap/buffered-io.c and fs/xfs/xfs_aops.c, 6.2.
//!
//! One pass shares a cached mapping and an open ioend over its folios. The cached mapping may be stale when
//! the next folio is reached, so it is validated in `xfs_map_blocks`, with the folio locked and its dirty
//! flag already clear. XFS did so long before the write path was given a check (6.2).
//!
//! Left out: dirty throttling, `->writepage` from reclaim (XFS has none).

pub mod batch;
pub mod completion;
pub mod flush;
pub mod flusher;
pub mod gfs2_log_flush;
pub mod io;
pub mod jdata;
mod map;
mod pass;
pub mod sync_range;

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Lock, Op};

use crate::fs::xfs::xfs_iomap_write_unwritten;
use crate::fs::zoned::xfs_zone_alloc_and_submit;
use crate::state::event::{DataEvent, Dropped, FolioEvent, What};
use crate::state::folio::{Folio, FolioId, FolioRef};
use crate::state::inode::Inode;
use crate::state::ioend::{Ioend, Outcome};
use crate::state::private::Taken;
use crate::state::slot::Slot;
use crate::state::trace;
use crate::words::design::{IoendSize, WritebackBit};
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::ordering::Link;
use crate::words::personality::{Completion, Hooks};
use crate::words::value::Value;
use crate::words::writeback_design::IoendRecord;
use crate::writeback::batch::{Next, Tag};
use crate::writeback::io::{SyncMode, end_mapping, start_piece, start_writeback, sum};
use crate::writeback::jdata::JdataState;
use crate::writeback::map::{Added, LookedUp, add_blocks};
use crate::writeback::pass::{Pass, Pieces, run_behind};

/// Where a pass stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum WritebackState {
    /// Before anything is looked at.
    Begin(SyncMode, Range<FolioIndex>),
    /// The same, of who does not ask first whether anything is tagged.
    DoWritepages(Range<FolioIndex>),
    /// Before the next folio.
    Next(Pass),
    /// Before a dirty folio is locked.
    Lock(Pass, FolioRef),
    /// The folio is locked and under writeback, which is waited for before it is cleaned.
    Wait(Pass, FolioRef),
    /// The folio is locked and clean; before the size is read, where somebody may change it.
    Size(Pass, FolioRef),
    /// The same, before the blocks are looked for that are to be written, with the size.
    Blocks {
        /// The pass.
        pass: Pass,
        /// The folio.
        folio: FolioRef,
        /// The size.
        size: Cell,
    },
    /// The folio is locked and clean; before its next block is mapped.
    Map {
        /// The pass.
        pass: Pass,
        /// The folio.
        folio: FolioRef,
        /// Its blocks that are still to be mapped.
        blocks: Vec<FileBlock>,
        /// The ioends that the mapped ones have filled.
        full: Vec<Ioend>,
        /// Those that the folio goes into.
        pieces: Pieces,
        /// Whether the pass's mapping is that of the first block.
        looked_up: LookedUp,
    },
    /// The folio is locked; before its writeback bit is set for an ioend that has blocks of it and does not take the next one.
    StartPiece {
        /// The pass, with the mapping of that block.
        pass: Pass,
        /// The folio.
        folio: FolioRef,
        /// Its blocks that are still to be added.
        blocks: Vec<FileBlock>,
        /// What is submitted then.
        ioend: Box<Ioend>,
        /// The ioends that the folio goes into.
        pieces: Pieces,
    },
    /// The folio is locked; before an ioend is submitted that does not take its next block.
    SubmitLocked {
        /// The pass, with the mapping of that block.
        pass: Pass,
        /// The folio.
        folio: FolioRef,
        /// Its blocks that are still to be added.
        blocks: Vec<FileBlock>,
        /// What is submitted.
        ioend: Box<Ioend>,
        /// The ioends that the folio goes into.
        pieces: Pieces,
    },
    /// All blocks are mapped; before the writeback bit is set and the folio unlocked.
    Start {
        /// The pass.
        pass: Pass,
        /// The folio.
        folio: FolioRef,
        /// The ioends that its blocks have filled.
        full: Vec<Ioend>,
        /// Those that the folio goes into.
        pieces: Pieces,
    },
    /// Before ioends are submitted.
    Submit(Pass, Vec<Ioend>),
    /// Data that is journalled goes another way.
    Jdata(JdataState),
}

impl WritebackState {
    /// A pass over `folios`.
    pub fn new(mode: SyncMode, folios: Range<FolioIndex>) -> Self {
        WritebackState::Begin(mode, folios)
    }

    /// A pass for integrity by who calls `do_writepages` (mm/page-writeback.c, 6.1 to 7.3), where [`WritebackState::new`] is
    /// `filemap_fdatawrite_range`: with journalled data it flushes the log, also where no folio is tagged.
    pub fn do_writepages(folios: Range<FolioIndex>) -> Self {
        WritebackState::DoWritepages(folios)
    }
}

/// One step of a pass.
pub async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: WritebackState,
) -> ControlFlow<(), WritebackState> {
    match state {
        WritebackState::Begin(mode, folios) => {
            let journal = JdataState::fdatawrite(mode, folios.clone());
            ControlFlow::Continue(begin(inode, mode, folios, journal).await)
        }
        WritebackState::DoWritepages(folios) => {
            let journal = JdataState::do_writepages(folios.clone());
            ControlFlow::Continue(begin(inode, SyncMode::Integrity, folios, journal).await)
        }
        WritebackState::Jdata(inner) => match jdata::step(inode, me, inner).await {
            ControlFlow::Continue(inner) => ControlFlow::Continue(WritebackState::Jdata(inner)),
            ControlFlow::Break(()) => ControlFlow::Break(()),
        },
        WritebackState::Next(pass) => next_folio(inode, me, pass).await,
        WritebackState::Lock(pass, folio) => {
            ControlFlow::Continue(lock_and_clean(inode, me, pass, folio).await)
        }
        WritebackState::Wait(pass, folio) => {
            ControlFlow::Continue(wait_and_clean(inode, me, pass, folio).await)
        }
        WritebackState::Size(pass, folio) => {
            let size = inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await as Cell;
            ControlFlow::Continue(WritebackState::Blocks { pass, folio, size })
        }
        WritebackState::Blocks { pass, folio, size } => {
            let op = Op::on("iomap_writepage_map", u32::from(folio.index));
            let mut slot = inode.page(folio.index).lock(op).await;
            ControlFlow::Continue(look_for_blocks(inode, me, pass, folio, &mut slot, size))
        }
        WritebackState::Map { pass, folio, blocks, full, pieces, looked_up } => {
            let added = add_blocks(inode, me, pass, folio, blocks, full, looked_up).await;
            ControlFlow::Continue(blocks_added(inode, folio, pieces, added))
        }
        WritebackState::StartPiece { pass, folio, blocks, ioend, pieces } => {
            start_piece(inode, me, folio).await;
            ControlFlow::Continue(WritebackState::SubmitLocked { pass, folio, blocks, ioend, pieces })
        }
        WritebackState::SubmitLocked { pass, folio, blocks, ioend, mut pieces } => {
            pieces.submitted += u8::from(ioend.folios.contains(&folio));
            submit(inode, *ioend).await;
            let full = Vec::new();
            let looked_up = LookedUp::behind_submitted(inode);
            ControlFlow::Continue(WritebackState::Map { pass, folio, blocks, full, pieces, looked_up })
        }
        WritebackState::Start { pass, folio, full, pieces } => {
            let open = full.iter().chain(&pass.ioend).filter(|ioend| ioend.folios.contains(&folio)).count();
            all_mapped(inode, me, folio, open as u8, pieces).await;
            ControlFlow::Continue(WritebackState::Submit(pass, full))
        }
        WritebackState::Submit(pass, mut full) => {
            if full.is_empty() {
                return ControlFlow::Continue(WritebackState::Next(pass));
            }
            let ioend = full.remove(0);
            submit(inode, ioend).await;
            ControlFlow::Continue(WritebackState::Submit(pass, full))
        }
    }
}

/// A pass begins, which is `journal` where data are journalled.
async fn begin<B: Backend>(
    inode: &Inode<B>,
    mode: SyncMode,
    folios: Range<FolioIndex>,
    journal: JdataState,
) -> WritebackState {
    if inode.load_hooks().await == Hooks::Jdata {
        WritebackState::Jdata(journal)
    } else {
        WritebackState::Next(Pass::new(&inode.sb.config.design, mode, folios))
    }
}

/// Where a pass goes on that has added blocks of a folio to ioends.
fn blocks_added<B: Backend>(
    inode: &Inode<B>,
    folio: FolioRef,
    pieces: Pieces,
    added: Added,
) -> WritebackState {
    match added {
        Added::All { pass, full } => WritebackState::Start { pass, folio, full, pieces },
        Added::Some { pass, blocks, full } => {
            let looked_up = LookedUp::behind_mapped(inode);
            WritebackState::Map { pass, folio, blocks, full, pieces, looked_up }
        }
        Added::Full { pass, blocks, ioend } => {
            let ioend = Box::new(ioend);
            let by_pieces = inode.sb.config.design.writeback_bit() == WritebackBit::EachPiece;
            if by_pieces && ioend.folios.contains(&folio) {
                WritebackState::StartPiece { pass, folio, blocks, ioend, pieces }
            } else {
                WritebackState::SubmitLocked { pass, folio, blocks, ioend, pieces }
            }
        }
    }
}

/// All blocks of a folio are mapped, and it is unlocked; `open` are the ioends with blocks of it that are not submitted yet.
async fn all_mapped<B: Backend>(inode: &Inode<B>, me: ActorId, folio: FolioRef, open: u8, pieces: Pieces) {
    let parts = open + pieces.submitted;
    match inode.sb.config.design.writeback_bit() {
        WritebackBit::AfterMapping => start_writeback(inode, me, folio, usize::from(parts)).await,
        WritebackBit::EachPiece => start_writeback(inode, me, folio, usize::from(open)).await,
        WritebackBit::BeforeMapping => {
            end_mapping(inode, me, folio, pieces.expected.saturating_sub(parts)).await;
        }
    }
}

/// `xfs_writeback_submit` (up to 6.12 `xfs_prepare_ioend`) and the submission.
async fn submit<B: Backend>(inode: &Inode<B>, mut ioend: Ioend) {
    let out_of_place = inode.sb.config.fs.is_out_of_place();
    if out_of_place {
        xfs_zone_alloc_and_submit(inode, &mut ioend).await;
    }
    let early = inode.sb.config.fs.completion() == Completion::ConvertAtSubmission;
    if early && ioend.outcome != Outcome::Rejected && (ioend.unwritten || out_of_place) {
        let bump = inode.sb.config.fs.bump_with_change();
        let mut map = inode.lock_map(Op::new("convert_early")).await;
        if out_of_place {
            map.refer_to(&ioend.blocks, ioend.phys, bump);
        } else {
            xfs_iomap_write_unwritten(inode, &mut map, &ioend.blocks, bump);
        }
    }
    if ioend.shared {
        let mut map = inode.lock_map(Op::new("xfs_reflink_convert_cow")).await;
        map.submit_copies(&ioend.blocks);
    }
    let mut in_flight = inode.sb.in_flight.lock(Op::new("submit_bio")).await;
    inode.emit(|| What::Data(DataEvent::Submitted(inode.sb.geometry.bytes_of_blocks(&ioend.blocks))));
    in_flight.push(ioend);
    inode.sb.bio.release();
}

/// The next folio of the pass, or the end of it.
async fn next_folio<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut pass: Pass,
) -> ControlFlow<(), WritebackState> {
    let index = match pass.folios.next(inode.sb.config.design.writeback_batch()) {
        Next::Tag(index) => {
            let op = Op::on("tag_pages_for_writeback", u32::from(index));
            let mut slot = inode.page(index).lock(op).await;
            if let Some(folio) = slot.current_mut() {
                folio.towrite |= folio.tagged;
            }
            return ControlFlow::Continue(WritebackState::Next(pass));
        }
        Next::LookUp(index) => index,
        Next::Write(folio) => return ControlFlow::Continue(WritebackState::Lock(pass, folio)),
        Next::End => {
            if pass.ioend.is_none() && pass.iomap.is_some() {
                inode.emit(|| What::Dropped(Dropped::Done));
            }
            let Some(last) = pass.ioend.take() else { return ControlFlow::Break(()) };
            return ControlFlow::Continue(WritebackState::Submit(pass, vec![last]));
        }
    };
    let mut slot = inode.page(index).lock(Op::on("writeback_get_folio", u32::from(index))).await;
    let has_tag = |folio: &Folio| match pass.folios.tag() {
        Tag::Dirty => folio.tagged,
        Tag::Towrite => folio.towrite,
    };
    let Some((id, true)) = slot.current().map(|(id, folio)| (id, has_tag(folio))) else {
        return ControlFlow::Continue(WritebackState::Next(pass));
    };
    slot.folio_mut(id).refs |= 1 << me;
    pass.folios.found(FolioRef { index, id });
    ControlFlow::Continue(WritebackState::Next(pass))
}

/// Locks the folio, sees that it is still there and dirty, waits for or leaves writeback in flight, and
/// clears its dirty flag (`write_cache_pages`, `folio_clear_dirty_for_io`).
async fn lock_and_clean<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    pass: Pass,
    folio: FolioRef,
) -> WritebackState {
    let FolioRef { index, id } = folio;
    let target = u32::from(index);
    let unlocked = |slot: &Slot, id: u64| slot.is_unlocked(id as FolioId);
    let mut slot = inode.page(index).lock_when(Op::on("folio_lock", target), unlocked, u64::from(id)).await;
    inode.folio_locked(index, id);
    let wanted = slot.folio(id).is_some_and(|folio| {
        folio.in_cache && folio.dirty && !(folio.writeback && pass.mode == SyncMode::Background)
    });
    if !wanted {
        inode.folio_unlocked(index, id);
        slot.put(id, me);
        return WritebackState::Next(pass);
    }
    if slot.folio_mut(id).writeback {
        slot.folio_mut(id).locked = Some(me);
        return WritebackState::Wait(pass, folio);
    }
    clean(inode, me, pass, folio, &mut slot)
}

/// Waits for writeback in flight of the locked folio, and goes on.
async fn wait_and_clean<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    pass: Pass,
    folio: FolioRef,
) -> WritebackState {
    let FolioRef { index, id } = folio;
    let done = |slot: &Slot, id: u64| slot.folio(id as FolioId).is_none_or(|folio| !folio.writeback);
    let op = Op::on("folio_wait_writeback", u32::from(index));
    let mut slot = inode.page(index).lock_when(op, done, u64::from(id)).await;
    inode.writeback(index).acquire();
    clean(inode, me, pass, folio, &mut slot)
}

/// `folio_clear_dirty_for_io`. The size is read without a lock after it: an operation of its own only where somebody may change it.
fn clean<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    pass: Pass,
    folio: FolioRef,
    slot: &mut Slot,
) -> WritebackState {
    let FolioRef { index, id } = folio;
    let cleaned = slot.folio_mut(id);
    cleaned.locked = Some(me);
    cleaned.clear_dirty_for_io();
    inode.tlb(index).acquire();
    inode.emit(|| What::Folio(FolioEvent::Cleaned(index)));

    if inode.size_changes {
        return WritebackState::Size(pass, folio);
    }
    let size = inode.i_size_peek();
    look_for_blocks(inode, me, pass, folio, slot, size)
}

/// `iomap_writepage_map` up to the first mapping: which blocks of the folio are to be written.
fn look_for_blocks<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut pass: Pass,
    folio: FolioRef,
    slot: &mut Slot,
    size: Cell,
) -> WritebackState {
    let FolioRef { index, id } = folio;
    pass.size = (inode.sb.config.design.ioend_size() == IoendSize::Submitted).then_some(size);
    inode.trace(|| trace::iomap_writepage(inode, index, size));
    let cells = inode.sb.geometry.cells_of_folio(index);
    if cells.start >= size {
        // Wholly beyond end of file: truncate owns it.
        inode.folio_unlocked(index, id);
        slot.unlock_and_put(id, me);
        return WritebackState::Next(pass);
    }
    let folio_data = slot.locked_mut(id, me);
    inode.take_private(index, folio_data, Hooks::Nothing, Taken::Kept);
    let blocks = dirty_blocks(inode, &mut pass, index, folio_data, size);
    if cells.end > size {
        // The tail of the folio beyond end of file is zeroed.
        folio_data.cells[usize::from(size - cells.start)..].fill(Value::ZERO);
    }
    folio_data.clear_blocks_dirty();
    let mut pieces = Pieces::default();
    if inode.sb.config.design.writeback_bit() == WritebackBit::BeforeMapping {
        pieces.expected = blocks.len() as u8 + 1;
        folio_data.start_writeback(usize::from(pieces.expected));
        sum(inode, index, folio_data);
    }
    WritebackState::Map { pass, folio, blocks, full: Vec::new(), pieces, looked_up: LookedUp::No }
}

/// The dirty blocks of a folio that are to be written, which are those that begin inside end of file. What completion would take
/// for written behind them is noted in the pass.
fn dirty_blocks<B: Backend>(
    inode: &Inode<B>,
    pass: &mut Pass,
    index: FolioIndex,
    folio: &Folio,
    size: Cell,
) -> Vec<FileBlock> {
    let per_block = inode.sb.per_block_dirty();
    let below_eof = |block: &FileBlock| inode.sb.geometry.cells_of_block(*block).start < size;
    let dirty = |block: &FileBlock| folio.block_dirty(inode.sb.block_in_folio(*block), per_block);
    let (blocks, beyond): (Vec<_>, Vec<_>) =
        inode.sb.geometry.blocks_of_folio(index).filter(dirty).partition(below_eof);
    pass.beyond = match inode.sb.config.design.ioend_record() {
        IoendRecord::Written => 0,
        IoendRecord::Dirty => blocks.last().map_or(0, |last| run_behind(*last, &beyond)),
    };
    blocks
}
