//! Dropping parts of the page cache (`truncate_pagecache_range`, one folio an operation), and what a growing
//! file does to the folio at its old end.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Leaf, Lock, Op};

use crate::state::device::contents;
use crate::state::event::{DataEvent, FolioEvent, What};
use crate::state::folio::Folio;
use crate::state::inode::Inode;
use crate::state::private::Taken;
use crate::state::slot::Slot;
use crate::state::trace;
use crate::words::design::{IsizeExtended, PartialClear, PartialUnmap};
use crate::words::extent::Extent;
use crate::words::geometry::{Cell, FileBlock, FolioIndex, within};
use crate::words::ordering::Link;
use crate::words::personality::FlushUnmap;
use crate::words::value::Value;

/// What becomes of a folio that sticks out of the range.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Partial {
    /// The cells inside are zeroed, and it stays, if it could be split (see [`cannot_be_split`]).
    Stays,
    /// They are zeroed, and then it goes: before that.
    Zero,
    /// After that.
    Remove,
}

/// Where a truncation of the page cache stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TruncateState {
    cells: Range<Cell>,
    next: FolioIndex,
    partial: Partial,
}

impl TruncateState {
    /// Drops `cells` from the page cache.
    pub fn new<B: Backend>(inode: &Inode<B>, cells: Range<Cell>) -> Self {
        let next = inode.sb.geometry.folios_touched(&cells).start;
        TruncateState { cells, next, partial: Partial::Stays }
    }

    /// Drops the pages that `cells` touch, at least one, of a range that is clean (`xfs_flush_unmap_range`). A folio that sticks out is zeroed in
    /// them first, while it is valid and mapped readers may find it, and is split or dropped after that
    /// (`truncate_inode_partial_folio`, mm/truncate.c, 6.1 to 7.3); here it is dropped as a whole, since all folios have one size.
    pub fn of_pages<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> Self {
        let geometry = &inode.sb.geometry;
        if inode.sb.config.fs.flush_unmap() == FlushUnmap::WriteAndDropFolios {
            let folios = geometry.folios_touched(cells);
            let start = geometry.cells_of_folio(folios.start).start;
            return TruncateState::new(inode, start..geometry.cells_of_folio(folios.end - 1).end);
        }
        TruncateState { partial: Partial::Zero, ..TruncateState::new(inode, geometry.pages_touched(cells)) }
    }
}

/// Nobody has the folio locked, and it is not under writeback: what `truncate_inode_pages_range` waits for.
fn at_rest(slot: &Slot, _: u64) -> bool {
    slot.current().is_none_or(|(_, folio)| folio.locked.is_none() && !folio.writeback)
}

/// `truncate_pagecache_range` (mm/truncate.c): folios inside the range are unmapped and removed, dirty or
/// not; of a folio that sticks out, the cells inside are zeroed, and the pages that lie inside as a whole are unmapped. One that
/// cannot be split goes, too, unless it is dirty.
pub async fn step<B: Backend>(
    inode: &Inode<B>,
    _: ActorId,
    mut state: TruncateState,
) -> ControlFlow<(), TruncateState> {
    let index = state.next;
    if index >= inode.sb.geometry.folios_touched(&state.cells).end {
        return ControlFlow::Break(());
    }
    let folio_cells = inode.sb.geometry.cells_of_folio(index);
    let inside = within(&folio_cells, &state.cells);
    let mut slot = inode.page(index).lock_when(Op::on("truncate_folio", u32::from(index)), at_rest, 0).await;
    let whole = inside.len() == folio_cells.len();
    if whole {
        slot.clear_shadow();
    }
    if !whole
        && state.partial != Partial::Remove
        && let Some(folio) = slot.current_mut()
    {
        zero_part(inode, index, folio, &state.cells);
    }
    let goes = slot.current().is_some_and(|(_, folio)| match state.partial {
        _ if whole => true,
        Partial::Stays => cannot_be_split(inode, folio) && !folio.dirty,
        Partial::Zero => false,
        Partial::Remove => !folio.dirty,
    });
    if goes {
        inode.xa_section(Link::XaRemove);
    }
    inode.folio_passed(index, slot.current().map(|(id, _)| id));
    if goes && let Some(folio) = slot.current_mut() {
        // ->invalidate_folio.
        inode.take_private(index, folio, inode.hooks(), Taken::Used);
        inode.emit(|| What::Folio(FolioEvent::Removed(index)));
        inode.trace(|| trace::delete_from_page_cache(inode, index));
        slot.remove();
    }
    let zeroed = !goes && slot.current().is_some();
    drop(slot);
    audit_uncached(inode, index);
    if zeroed && state.partial == Partial::Zero {
        return ControlFlow::Continue(TruncateState { partial: Partial::Remove, ..state });
    }
    if state.partial == Partial::Remove {
        state.partial = Partial::Zero;
    }
    state.next += 1;
    ControlFlow::Continue(state)
}

/// Whether `split_folio` fails for a folio that sticks out, if it is clean: somebody refers to it, who waits for its lock or has it pinned
/// (`__folio_split` and its like, mm/huge_memory.c, 6.1 to 7.3). `truncate_inode_partial_folio` drops it as a whole then.
fn cannot_be_split<B: Backend>(inode: &Inode<B>, folio: &Folio) -> bool {
    inode.sb.geometry.pages_per_folio() > 1 && folio.refs != 0
}

/// The pages of a folio that lie inside a range as a whole are unmapped (`unmap_mapping_range`), and what of it lies inside is zeroed and is
/// dirty no more. After that the rest is unmapped, where a large folio is split or unmapped (`try_folio_split_or_unmap`, 6.1.192,
/// 6.12.118; `folio_split_or_unmap`, 7.3.4): an entry that allowed stores makes all of it dirty again.
fn zero_part<B: Backend>(inode: &Inode<B>, index: FolioIndex, folio: &mut Folio, cells: &Range<Cell>) {
    let geometry = &inode.sb.geometry;
    let folio_cells = geometry.cells_of_folio(index);
    folio.dropbehind = false;
    unmap_pages(inode, folio, &folio_cells, cells);
    folio.cells[within(&folio_cells, cells)].fill(Value::ZERO);
    let dropped = |block: &FileBlock| {
        let block = geometry.cells_of_block(*block);
        cells.start <= block.start && block.end <= cells.end
    };
    for block in geometry.blocks_of_folio(index).filter(dropped) {
        folio.discard_buffer(inode.sb.block_in_folio(block));
    }
    let touched = geometry.blocks_touched(cells);
    let clears = |block: &FileBlock| match inode.sb.config.design.partial_clear() {
        PartialClear::Nothing => false,
        PartialClear::Inward => dropped(block),
        PartialClear::Outward => touched.contains(block),
    };
    for block in geometry.blocks_of_folio(index).filter(clears) {
        folio.clear_dirty(inode.sb.block_in_folio(block));
    }
    if geometry.pages_per_folio() > 1 && inode.sb.config.design.partial_unmap() == PartialUnmap::Folio {
        folio.unmap();
    }
    inode.emit(|| What::Data(DataEvent::ZeroedInCache(geometry.bytes_of_cells(cells))));
}

/// `unmap_mapping_range` for the pages of a folio that lie in a range as a whole.
fn unmap_pages<B: Backend>(
    inode: &Inode<B>,
    folio: &mut Folio,
    folio_cells: &Range<Cell>,
    cells: &Range<Cell>,
) {
    let geometry = &inode.sb.geometry;
    let mut start = folio_cells.start;
    while start < folio_cells.end {
        let end = geometry.page_end(start);
        if cells.start <= start && end <= cells.end {
            folio.unmap_page(geometry.page_in_folio(start));
        }
        start = end;
    }
}

/// `pagecache_isize_extended` (mm/truncate.c): the file grows from `from` to `to`, and the folio that the old
/// end lay in is write-protected, so that the next store into the blocks that have come inside the file
/// faults and reserves them. Only where the page that it lay in has further blocks: other pages have no entries yet. In 7.3 a
/// dirty folio is also zeroed from there on. Where a store has to move a valid size, the rest of the same block counts, too, and is
/// zeroed.
pub async fn pagecache_isize_extended<B: Backend>(inode: &Inode<B>, from: Cell, to: Cell) {
    let Some(last) = from.checked_sub(1) else { return };
    let index = inode.sb.geometry.folio_of(last);
    let rounded_from = if inode.sb.config.fs.valid_size() {
        from
    } else {
        inode.sb.geometry.cells_of_block(inode.sb.geometry.block_of(last)).end
    };
    if to <= rounded_from || rounded_from >= inode.sb.geometry.page_end(last) {
        return;
    }
    let unlocked = |slot: &Slot, _: u64| slot.current().is_none_or(|(_, folio)| folio.locked.is_none());
    let mut slot = inode.page(index).lock_when(Op::on("page_mkclean", u32::from(index)), unlocked, 0).await;
    inode.folio_passed(index, slot.current().map(|(id, _)| id));
    if let Some(folio) = slot.current_mut() {
        folio.dropbehind = false;
        folio.write_protect();
        inode.tlb(index).acquire();
        let grown = from..to.min(inode.sb.geometry.cells_of_folio(index).end);
        let zeroes = inode.sb.config.design.isize_extended() == IsizeExtended::Zero;
        if folio.dirty && zeroes || inode.sb.config.fs.valid_size() {
            let inside = within(&inode.sb.geometry.cells_of_folio(index), &grown);
            folio.cells[inside].fill(Value::ZERO);
            inode.emit(|| What::Data(DataEvent::ZeroedInCache(inode.sb.geometry.bytes_of_cells(&grown))));
        }
    }
}

/// `exfat_pagecache_isize_extended` (fs/exfat/file.c, 7.3): the same before i_size goes up, so that what was stored behind end of
/// file is not found in it, and a store that is to be found moves the valid size. The kernel has the folio locked from one to the
/// other; here i_rwsem keeps faults out.
pub async fn grow_with_valid_size<B: Backend>(inode: &Inode<B>, grown: &Range<Cell>) {
    pagecache_isize_extended(inode, grown.start, grown.end).await;
    inode.i_size.store(Op::new("i_size_write"), u64::from(grown.end), inode.order(Link::SizeStore)).await;
    inode.emit(|| What::Size(inode.sb.geometry.byte_at(grown.end)));
}

/// Judges what is left of a folio that is not in the page cache: what the extent map and the device give.
fn audit_uncached<B: Backend>(inode: &Inode<B>, index: FolioIndex) {
    // Observed whatever the audits see: what an actor observes must not depend on them.
    let end = inode.i_size_newest();
    let mut cached = false;
    inode.page(index).audit(|slot| cached = slot.current().is_some());
    // Where a glock is held, nobody can look at what lies under the page cache.
    if cached || inode.glock.is_some() {
        return;
    }
    let mut left = Vec::new();
    if let Some(data) = inode.audit_stuffed() {
        let inside = inode.sb.geometry.cells_of_folio(index).filter(|cell| *cell < end);
        let value = |cell: Cell| data.get(usize::from(cell)).copied().unwrap_or(Value::ZERO);
        left.extend(inside.map(|cell| (cell, value(cell))));
        return inode.oracle.uncached(&inode.sb.geometry, left.into_iter());
    }
    inode.audit_map(|map| {
        for block in inode.sb.geometry.blocks_of_folio(index) {
            let cells = inode.sb.geometry.cells_of_block(block);
            for (at, cell) in cells.enumerate().filter(|(_, cell)| *cell < end) {
                let value = match map.get(block) {
                    _ if map.is_beyond_valid(cell) => Value::ZERO,
                    Extent::Hole | Extent::Delalloc | Extent::Unwritten(_) => Value::ZERO,
                    Extent::Written(phys) => {
                        let mut value = Value::ZERO;
                        inode.sb.disk[usize::from(phys)].audit(|block| value = contents(block, phys, at));
                        value
                    }
                };
                left.push((cell, value));
            }
        }
    });
    inode.oracle.uncached(&inode.sb.geometry, left.into_iter());
}
