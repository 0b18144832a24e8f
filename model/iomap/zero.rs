//! Zeroing a range of the file through the page cache: `iomap_zero_range` and `iomap_truncate_page`,
//! fs/iomap/buffered-io.c.
//!
//! Zeroing is a write of zeros that allocates nothing: where the mapping says that the device has nothing to
//! read, it has nothing to do. Only that the page cache may have something over an unwritten extent that was not
//! written back yet. Up to 6.11 zeroing did not look, and its callers flushed first; since then it looks itself
//! whether the range was dirty *before* it sampled the mapping, and flushes and maps again if so.
//!
//! Left out: the special case for the unaligned start of the range (6.12), and the batch of dirty folios that
//! newer kernels collect while they map.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{Backend, Lock, Op};

use crate::fs;
use crate::iomap::write_state::{Write, WriteState};
use crate::state::event::{Dropped, Says, Skip, Truth, Use, What};
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, StaleFlag};
use crate::words::branches;
use crate::words::design::ZeroRange;
use crate::words::extent::Extent;
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::writeback::flush::FlushState;

/// The start of a pass that zeroes.
pub fn start<B: Backend>(inode: &Inode<B>, write: Write) -> WriteState {
    match inode.sb.config.design.zero_range {
        ZeroRange::FlushAndRemap => WriteState::Sample(write),
        ZeroRange::Skip | ZeroRange::CheckLate => WriteState::Begin(write, StaleFlag::Clear),
    }
}

/// The start of zeroing `cells` on its own, for a truncate or a punch.
pub fn zero_range<B: Backend>(inode: &Inode<B>, cells: Range<Cell>) -> WriteState {
    alone(inode, Write::zeros(cells))
}

/// Zeroing for callers that have not taken invalidate_lock: before 6.12 a direct write beyond end of file.
pub fn zero_range_unlocked<B: Backend>(inode: &Inode<B>, cells: Range<Cell>) -> WriteState {
    alone(inode, Write { holds_invalidate_lock: false, ..Write::zeros(cells) })
}

fn alone<B: Backend>(inode: &Inode<B>, mut write: Write) -> WriteState {
    // Where there is no space, what has to be copied finds that out.
    write.budget = fs::reserve_budget(inode, &(write.pos..write.end)).unwrap_or(0);
    start(inode, write)
}

/// Takes note of whether the range is dirty, before it is mapped.
pub(crate) async fn sample<B: Backend>(inode: &Inode<B>, mut write: Write) -> WriteState {
    write.flush = range_needs_writeback(inode, folios(inode, &write)).await;
    WriteState::Begin(write, StaleFlag::Clear)
}

/// The mapping says that there is nothing to zero: whether the page cache has to be flushed before that can be
/// believed. `Break` if not, with the write moved past the mapping.
pub(crate) async fn nothing_mapped<B: Backend>(
    inode: &Inode<B>,
    mut write: Write,
    iomap: &Iomap,
) -> ControlFlow<Write, WriteState> {
    let flush = match inode.sb.config.design.zero_range {
        ZeroRange::Skip => false,
        ZeroRange::FlushAndRemap => std::mem::take(&mut write.flush),
        ZeroRange::CheckLate => range_needs_writeback(inode, folios(inode, &write)).await,
    };
    if flush {
        inode.emit(|| What::FlushToZero);
        inode.sb.backend.reach(branches::ZERO_FLUSH);
        let folios = folios(inode, &write);
        return ControlFlow::Continue(WriteState::Flush(write, FlushState::new(folios)));
    }
    inode.sb.backend.reach(branches::ZERO_SKIP);
    let covered = inode.sb.geometry.cells_of_blocks(&(iomap.start..iomap.end)).end;
    let skipped = write.pos..covered.min(write.end);
    report_skip(inode, iomap, &skipped);
    write.pos = skipped.end;
    ControlFlow::Break(write)
}

/// The mapping is used as permission to zero nothing, and is done with: reports it to observers, and whether there is
/// something to zero by now.
fn report_skip<B: Backend>(inode: &Inode<B>, iomap: &Iomap, skipped: &Range<Cell>) {
    inode.emit(|| {
        let mut truth = Truth::AsItSays;
        inode.audit_map(|map| {
            let written = |block: &FileBlock| matches!(map.get(*block), Extent::Written(_));
            if let Some(block) = inode.sb.geometry.blocks_touched(skipped).find(written) {
                truth = Truth::Extent(map.get(block));
            }
        });
        let at = vec![inode.sb.geometry.bytes_of_cells(skipped)];
        What::Used(Use { says: Says::Kind(iomap.source_kind()), at, truth, skips: Some(Skip::Zeroing) })
    });
    inode.emit(|| What::Dropped(Dropped::Done));
}

fn folios<B: Backend>(inode: &Inode<B>, write: &Write) -> Range<FolioIndex> {
    inode.sb.geometry.folios_touched(&(write.pos..write.end))
}

/// `filemap_range_needs_writeback` (mm/filemap.c): looks at the page cache without a lock, one folio an
/// operation. A locked folio counts: it may be about to be written.
async fn range_needs_writeback<B: Backend>(inode: &Inode<B>, folios: Range<FolioIndex>) -> bool {
    let mut found = false;
    for index in folios {
        let slot = inode.page(index).lock(Op::on("range_needs_writeback", u32::from(index))).await;
        found |=
            slot.current().is_some_and(|(_, folio)| folio.locked.is_some() || folio.dirty || folio.writeback);
    }
    found
}
