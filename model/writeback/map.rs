//! Where the blocks of a folio go: a mapping for each, which may be the pass's if that is still valid, and the ioend that takes it.
//!
//! The folio is locked and its dirty flag clear. From 6.12 on an ioend that does not take the next block is submitted right away;
//! that block has been looked up by then, and nobody asks again. What the I/O converts when it completes is not that block.

use stalemap_facade::{ActorId, Backend, Leaf, Lock};

use crate::fs;
use crate::iomap::valid::op_of;
use crate::judge::properties;
use crate::state::event::{
    AfterStale, Checker, Expense, Mapping, Method, Sampler, Says, Seq, Skip, Truth, Use, Verdict, What,
};
use crate::state::folio::FolioRef;
use crate::state::inode::Inode;
use crate::state::ioend::{Ioend, Outcome};
use crate::state::mapping::{Iomap, IomapType};
use crate::state::trace;
use crate::state::validity::CowSeen;
use crate::words::design::{WritebackCheck, WritebackSubmit};
use crate::words::extent::{Extent, Phys};
use crate::words::geometry::FileBlock;
use crate::words::writeback_design::WritebackEach;
use crate::writeback::io::{audit_address, captured, misplaced};
use crate::writeback::pass::Pass;

/// Whether the next block has been looked up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LookedUp {
    /// It has not.
    No,
    /// It has: something was submitted since then, and nobody asks whether the mapping is still valid.
    Yes,
    /// One of the folio's has: what its mapping covers takes that one, and nobody asks.
    OneOfFolio,
}

impl LookedUp {
    /// Behind a block that has a mapping.
    pub(crate) fn behind_mapped<B: Backend>(inode: &Inode<B>) -> Self {
        match inode.sb.config.design.writeback_each() {
            WritebackEach::Range | WritebackEach::Block => LookedUp::No,
            WritebackEach::Folio => LookedUp::OneOfFolio,
        }
    }

    /// Before a block that has one, and that an ioend did not take which was submitted since then.
    pub(crate) fn behind_submitted<B: Backend>(inode: &Inode<B>) -> Self {
        match inode.sb.config.design.writeback_each() {
            WritebackEach::Range | WritebackEach::Block => LookedUp::Yes,
            WritebackEach::Folio => LookedUp::OneOfFolio,
        }
    }
}

/// What came of adding a folio's blocks to ioends.
pub(crate) enum Added {
    /// They are.
    All { pass: Pass, full: Vec<Ioend> },
    /// These have another mapping, or it has to be asked whether that is still valid.
    Some { pass: Pass, blocks: Vec<FileBlock>, full: Vec<Ioend> },
    /// The open ioend does not take the first of these, and is submitted before anything else is done.
    Full { pass: Pass, blocks: Vec<FileBlock>, ioend: Ioend },
}

/// `xfs_map_blocks` and `iomap_add_to_ioend` for the first of `blocks`, and for those after it that the same
/// mapping covers: the folio is locked, and nothing that could move them in between goes unnoticed by it. If something was
/// submitted since the mapping was looked up, that is taken for the blocks that follow each other, as one dirty range. A design may
/// have each block asked for by itself (`writeback_each`).
pub(crate) async fn add_blocks<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut pass: Pass,
    folio: FolioRef,
    mut blocks: Vec<FileBlock>,
    mut full: Vec<Ioend>,
    looked_up: LookedUp,
) -> Added {
    let Some(first) = blocks.first().copied() else { return Added::All { pass, full } };
    let iomap = mapping_of(inode, &mut pass, first, looked_up).await;
    let design = &inode.sb.config.design;
    let mut next = first;
    while let Some(block) = blocks.first().copied().filter(|block| iomap.covers(*block)) {
        if looked_up == LookedUp::Yes && block != next
            || block != first && design.writeback_each() == WritebackEach::Block
        {
            break;
        }
        next = block + 1;
        let place = iomap.addr_of(block).filter(|_| has_place(iomap.kind));
        let unwritten = iomap.kind == IomapType::Unwritten;
        let takes = |ioend: &mut Ioend| {
            place.is_none_or(|phys| ioend.takes(design.ioend_merge(), block, phys, unwritten, iomap.shared))
        };
        if design.writeback_submit() == WritebackSubmit::AtOnce
            && let Some(ioend) = pass.ioend.take_if(|ioend| !takes(ioend))
        {
            pass.iomap = Some(Box::new(iomap));
            return Added::Full { pass, blocks, ioend };
        }
        blocks.remove(0);
        inode.trace(|| trace::iomap_writepage_map(inode, block, &iomap));
        match place {
            Some(phys) => {
                full.extend(add_to_ioend(inode, me, &mut pass, folio, &iomap, block, phys));
                let beyond = if blocks.is_empty() { pass.recorded_beyond(block, &iomap) } else { 0 };
                pass.ioend.as_mut().into_iter().for_each(|open| open.beyond = beyond);
            }
            None if !has_place(iomap.kind) => audit_dropped(inode, folio, &iomap, first, block),
            None => {}
        }
    }
    pass.iomap = Some(Box::new(iomap));
    if blocks.is_empty() { Added::All { pass, full } } else { Added::Some { pass, blocks, full } }
}

fn has_place(kind: IomapType) -> bool {
    matches!(kind, IomapType::Mapped | IomapType::Unwritten)
}

/// The mapping of a block: the pass's, if that is valid, or another one.
async fn mapping_of<B: Backend>(
    inode: &Inode<B>,
    pass: &mut Pass,
    block: FileBlock,
    looked_up: LookedUp,
) -> Iomap {
    let cached = pass.iomap.take().map(|iomap| *iomap).filter(|iomap| iomap.covers(block));
    match cached {
        Some(iomap) if looked_up != LookedUp::No => return iomap,
        Some(iomap) => {
            let core_asks = core_asks(inode);
            // The file system's own test is inside its method.
            inode.account(Expense::Called(if core_asks {
                Method::IomapValidForWriteback
            } else {
                Method::MapBlocks
            }));
            if xfs_imap_valid(inode, &iomap, block, pass.cow_seq).await {
                return iomap;
            }
            if core_asks {
                inode.account(Expense::Called(Method::MapBlocks));
            }
        }
        None => inode.account(Expense::Called(Method::MapBlocks)),
    }
    let iomap = fs::map_blocks(inode, block, &mut pass.cow_seq).await;
    inode.emit(|| What::Sampled(Sampler::Writeback, Mapping::of(&inode.sb.geometry, &iomap)));
    inode.trace_xfs(|| trace::xfs_map_blocks_found(inode, block, &iomap));
    iomap
}

/// Whether the core asks if a cached mapping is valid, and the file system only if it is not (the proposal of the January 2023
/// thread).
fn core_asks<B: Backend>(inode: &Inode<B>) -> bool {
    matches!(fs::writeback_check(&inode.sb.config), WritebackCheck::Cookie | WritebackCheck::CookieCow)
}

/// `iomap_add_to_ioend` for a block that goes to `phys`. Returns the ioend that was open and did not take it.
fn add_to_ioend<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    pass: &mut Pass,
    folio: FolioRef,
    iomap: &Iomap,
    block: FileBlock,
    phys: Phys,
) -> Option<Ioend> {
    let unwritten = iomap.kind == IomapType::Unwritten;
    let merge = inode.sb.config.design.ioend_merge();
    audit_address(inode, block, phys, iomap.shared);
    audit_shared(inode, folio, block, phys);
    let size = pass.size.filter(|size| inode.sb.geometry.cells_of_block(block).contains(size));
    let mut full = None;
    match &mut pass.ioend {
        Some(ioend) if ioend.takes(merge, block, phys, unwritten, iomap.shared) => {
            ioend.blocks.end += 1;
            ioend.size = size;
        }
        open => {
            full = open.take();
            *open = Some(Ioend {
                file: inode.number,
                blocks: block..block + 1,
                phys,
                unwritten,
                shared: iomap.shared,
                outcome: Outcome::of(inode.sb.may_fail(me)),
                folios: Vec::new(),
                size,
                beyond: 0,
            });
        }
    }
    if let Some(ioend) = pass.ioend.as_mut().filter(|ioend| ioend.folios.last() != Some(&folio)) {
        ioend.folios.push(folio);
    }
    full
}

/// A block without a place is not written. Without per-block dirty state every valid block of a dirty folio comes by here.
/// Zeros over a hole are no loss: the hole reads the same.
fn audit_dropped<B: Backend>(
    inode: &Inode<B>,
    folio: FolioRef,
    iomap: &Iomap,
    looked_up: FileBlock,
    block: FileBlock,
) {
    // Observed whatever the audit sees: what an actor observes must not depend on it.
    let end = inode.i_size_newest();
    inode.page(folio.index).audit(|slot| {
        if inode.has_data(slot, block, end) {
            report_skip(inode, iomap, looked_up, block);
            inode.violate(properties::DROPPED_DIRTY, || {
                let block = inode.sb.geometry.show_blocks(&(block..block + 1));
                let kind = iomap.kind;
                format!("{block} was dirty, is clean now, and is mapped to a {kind}: nothing is written")
            });
        }
    });
}

/// `xfs_imap_valid` past its test of the range, or `->iomap_valid` in its place: whether the cached mapping may
/// still be used.
async fn xfs_imap_valid<B: Backend>(
    inode: &Inode<B>,
    iomap: &Iomap,
    block: FileBlock,
    cow_seq: CowSeen,
) -> bool {
    let op = op_of(inode, Checker::Writeback);
    let (counters, used) = (&inode.counters, iomap.used_at(block));
    let mut moved = None;
    let valid = match fs::writeback_check(&inode.sb.config) {
        WritebackCheck::Always => return false,
        WritebackCheck::Range => return true,
        // The range is enough for a mapping of the COW fork: submission and completion move the counters by
        // themselves.
        WritebackCheck::RangeDataCow if iomap.shared => return true,
        WritebackCheck::RangeData => {
            moved = counters.data_moved(iomap.cookie, &used, op).await;
            moved.is_none()
        }
        WritebackCheck::RangeDataCow => {
            moved = counters.data_moved(iomap.cookie, &used, op).await;
            if moved.is_none() && inode.reflinks {
                moved = counters.cow_moved(cow_seq, &used).await;
            }
            moved.is_none()
        }
        WritebackCheck::Cookie => {
            counters.is_current(iomap.cookie, &used, op).await
                && counters.beside_is_current(iomap.cookie, &used, &inode.i_size).await
        }
        WritebackCheck::CookieCow => {
            counters.both_are_current(iomap.cookie, &used, op).await
                && counters.beside_is_current(iomap.cookie, &used, &inode.i_size).await
        }
    };
    inode.emit_use(iomap, block, || {
        let sampled = Seq::of_cookie(&inode.sb.geometry, iomap.cookie);
        let now = moved.map(|moved| sampled.with(moved));
        let stale = Verdict::Stale { sampled, now, then: AfterStale::LookUp };
        What::Checked(Checker::Writeback, if valid { Verdict::Valid } else { stale })
    });
    if let Some(moved) = moved {
        inode.trace_xfs(|| trace::xfs_wb_iomap_invalid(inode, iomap, moved));
    }
    valid
}

/// The mapping is used as permission to write nothing: reports that to observers, and whether there is a place by now, or one
/// to be chosen.
fn report_skip<B: Backend>(inode: &Inode<B>, iomap: &Iomap, looked_up: FileBlock, block: FileBlock) {
    inode.audit_map(|map| {
        let now = map.get(block);
        let to_be_chosen = iomap.kind == IomapType::Hole && now == Extent::Delalloc;
        inode.emit_use(iomap, looked_up, || {
            let misleads = now.phys().is_some() || to_be_chosen;
            let truth = if misleads { Truth::Extent(now) } else { Truth::AsItSays };
            let at = vec![inode.sb.geometry.bytes_of_blocks(&(block..block + 1))];
            What::Used(Use { says: Says::Kind(iomap.kind), at, truth, skips: Some(Skip::Writing) })
        });
    });
}

/// What goes to a block that others refer to is what it has. Without per-block dirty state every valid
/// block of a dirty folio is written, copied or not, and the contents of those that are not have not changed.
fn audit_shared<B: Backend>(inode: &Inode<B>, folio: FolioRef, block: FileBlock, phys: Phys) {
    if !inode.reflinks {
        return;
    }
    let mut cells = Vec::new();
    inode.page(folio.index).audit(|slot| cells = captured(inode, slot, folio, block));
    let changed = cells.iter().enumerate().any(|(at, cell)| inode.sb.audit_disk(phys, at) != *cell);
    inode.sb.space.audit(|space| {
        if changed && space.references(phys) > 1 {
            misplaced(inode, block, phys);
            inode.violate(properties::WRONG_ADDRESS, || {
                let block = inode.sb.geometry.show_blocks(&(block..block + 1));
                format!("{block} is written in place to device block {phys}, which is shared")
            });
        }
    });
}
