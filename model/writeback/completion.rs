//! Writeback completion: a kworker that the model starts by itself.
//!
//! The order is the keystone of the validity check: data on the device, then the extent converted (and the
//! counter moved), then the on-disk size, and only then is the writeback bit cleared, so that a folio can be
//! reclaimed. `iomap_finish_ioends`, `xfs_end_ioend`; ioends are completed one at a time, in any order.
//!
//! Left out: merging of adjacent ioends, transfers of one ioend while another is being converted (conversions
//! are serialised by the inode's work item, transfers are not), completion of overwrites in interrupt context
//! beside the worker (the steps are the same, with nothing to convert), I/O of which only a part arrives.

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::fs::xfs::xfs_iomap_write_unwritten;
use crate::fs::xfs_reflink::xfs_reflink_end_cow_extent;
use crate::judge::oracle::Lost;
use crate::reclaim;
use crate::state::disk::on_disk;
use crate::state::dropbehind::Dropper;
use crate::state::event::{DataEvent, FolioEvent, What};
use crate::state::folio::FolioRef;
use crate::state::inode::Inode;
use crate::state::ioend::{Ioend, Outcome};
use crate::state::superblock::SuperBlock;
use crate::state::world::World;
use crate::words::branches;
use crate::words::extent::Fork;
use crate::words::geometry::{Cell, FileBlock};
use crate::words::ordering::Link;
use crate::words::personality::{Bump, Completion, ErrorCleanup};
use crate::words::value::Value;
use crate::writeback::io::{audit_owned, audit_owner, report_checksum, summed, write_disk};

/// The writeback bits of the folios of an ioend.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WritebackBits {
    /// Still to be cleared.
    Set,
    /// Clear already (a mutant).
    Clear,
}

/// What came of the conversion of an ioend's extent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Conversion {
    /// The map has changed. Where its counter moves late, that is still to be done.
    Changed,
    /// There is nothing that the counter would still have to move for.
    Settled,
}

/// Where the kworker stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum CompletionState {
    /// Waiting for I/O.
    Idle,
    /// Before it is chosen which of so many ioends in flight is complete.
    Which(u32),
    /// Before the ioend of this number is taken from those in flight.
    Take(usize),
    /// It is taken; before it is known whether the device has failed it.
    Taken(Ioend),
    /// Data moves to the device, folio by folio: how many are there.
    Transfer(Ioend, u16),
    /// The device has failed it: before copies are given up.
    Failed(Ioend),
    /// Before the conversion.
    Convert(Ioend, WritebackBits),
    /// Before the counter moves, late.
    Bump(Ioend, WritebackBits),
    /// Writeback bits are cleared, folio by folio.
    Clear {
        /// The I/O.
        ioend: Ioend,
        /// How many folios are done.
        done: u16,
        /// What came of the conversion, where that was before.
        conversion: Conversion,
    },
    /// Before a folio whose writeback has ended is dropped, and the writeback bits of those behind it are cleared.
    Drop {
        /// The I/O.
        ioend: Ioend,
        /// How many folios are done before this one.
        done: u16,
        /// What came of the conversion, where that was before.
        conversion: Conversion,
    },
}

/// One step of the kworker. It never finishes.
pub async fn step<B: Backend>(
    w: &World<B>,
    me: ActorId,
    state: CompletionState,
) -> ControlFlow<(), CompletionState> {
    let fs = &w.sb.config.fs;
    let inode = |ioend: &Ioend| &w.inodes[usize::from(ioend.file)];
    ControlFlow::Continue(match state {
        CompletionState::Idle => wait_for_one(&w.sb).await,
        CompletionState::Which(alternatives) => {
            CompletionState::Take(w.sb.backend.choose(Op::new("which_bio"), alternatives).await as usize)
        }
        CompletionState::Take(which) => {
            // Only the kworker takes ioends away, so the chosen one is still where it was.
            CompletionState::Taken(w.sb.in_flight.lock(Op::new("take_ioend")).await.remove(which))
        }
        CompletionState::Taken(ioend) => arrive_or_fail(&w.sb, ioend).await,
        CompletionState::Failed(ioend) => {
            give_up(inode(&ioend), &ioend).await;
            clear(ioend, Conversion::Settled)
        }
        CompletionState::Transfer(ioend, done) => {
            let Some(folio) = ioend.folios.get(usize::from(done)).copied() else {
                return ControlFlow::Continue(match fs.completion() {
                    Completion::ConvertThenClear | Completion::ConvertAtSubmission => {
                        CompletionState::Convert(ioend, WritebackBits::Set)
                    }
                    Completion::ClearThenConvert | Completion::Clear => clear(ioend, Conversion::Settled),
                });
            };
            transfer(inode(&ioend), &ioend, folio).await;
            CompletionState::Transfer(ioend, done + 1)
        }
        CompletionState::Convert(ioend, bits) => {
            let conversion = if w.sb.is_shutdown().await {
                keep_error(inode(&ioend), &ioend);
                Conversion::Settled
            } else {
                let conversion = convert(inode(&ioend), &ioend).await;
                arrived(inode(&ioend), ioend.blocks.clone());
                conversion
            };
            match fs.bump_convert() {
                Bump::AfterIlock if conversion == Conversion::Changed => CompletionState::Bump(ioend, bits),
                _ if bits == WritebackBits::Clear => CompletionState::Idle,
                Bump::Inside | Bump::Early | Bump::AfterIlock | Bump::AfterClear | Bump::Never => {
                    clear(ioend, conversion)
                }
            }
        }
        CompletionState::Bump(ioend, bits) => {
            inode(&ioend).move_counter_late(ioend.blocks.clone()).await;
            match bits {
                WritebackBits::Clear => CompletionState::Idle,
                WritebackBits::Set => clear(ioend, Conversion::Settled),
            }
        }
        CompletionState::Clear { ioend, done, conversion } => {
            end_writeback(w, me, ioend, done, conversion).await
        }
        CompletionState::Drop { ioend, done, conversion } => {
            if let Some(folio) = ioend.folios.get(usize::from(done)).copied() {
                reclaim::end_dropbehind(inode(&ioend), me, folio, Dropper::Completion).await;
            }
            CompletionState::Clear { ioend, done: done + 1, conversion }
        }
    })
}

/// The device has the ioend, or fails it.
async fn arrive_or_fail<B: Backend>(sb: &SuperBlock<B>, ioend: Ioend) -> CompletionState {
    if fails(sb, ioend.outcome).await {
        CompletionState::Failed(ioend)
    } else {
        CompletionState::Transfer(ioend, 0)
    }
}

/// Whether it has failed.
async fn fails<B: Backend>(sb: &SuperBlock<B>, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Arrives => false,
        Outcome::Rejected => true,
        Outcome::MayFail => {
            let failed = sb.backend.choose(Op::new("bio_status"), 2).await == 1;
            if failed {
                sb.backend.reach(branches::IO_ERROR);
            }
            failed
        }
    }
}

/// `folio_end_writeback` of the next folio, or what follows the last.
async fn end_writeback<B: Backend>(
    w: &World<B>,
    me: ActorId,
    ioend: Ioend,
    done: u16,
    conversion: Conversion,
) -> CompletionState {
    let (fs, inode) = (&w.sb.config.fs, &w.inodes[usize::from(ioend.file)]);
    let Some(folio) = ioend.folios.get(usize::from(done)).copied() else {
        return match (fs.completion(), fs.bump_convert()) {
            (Completion::ClearThenConvert, _) => CompletionState::Convert(ioend, WritebackBits::Clear),
            (_, Bump::AfterClear) if conversion == Conversion::Changed => {
                CompletionState::Bump(ioend, WritebackBits::Clear)
            }
            _ => CompletionState::Idle,
        };
    };
    let op = Op::on("folio_end_writeback", u32::from(folio.index));
    let mut slot = inode.page(folio.index).lock(op).await;
    let drops = slot.end_writeback(folio.id, w.sb.config.design.end_writeback())
        && slot.drops_behind(folio.id, me, || fs.dropbehind());
    inode.xa_section(Link::XaEndWriteback);
    inode.writeback(folio.index).release();
    if drops {
        CompletionState::Drop { ioend, done, conversion }
    } else {
        CompletionState::Clear { ioend, done: done + 1, conversion }
    }
}

/// Before the first writeback bit is cleared.
fn clear(ioend: Ioend, conversion: Conversion) -> CompletionState {
    CompletionState::Clear { ioend, done: 0, conversion }
}

/// Waits for an ioend in flight, and takes it if it is the only one; of several, the device chooses.
async fn wait_for_one<B: Backend>(sb: &SuperBlock<B>) -> CompletionState {
    let mut in_flight = sb.in_flight.lock_when(Op::new("bio_end_io"), |queue, _| !queue.is_empty(), 0).await;
    sb.bio.acquire();
    match in_flight.len() {
        1 => CompletionState::Taken(in_flight.remove(0)),
        several => CompletionState::Which(several as u32),
    }
}

/// The device reads a folio's blocks, as they are now: a folio under writeback may still be changed, and is
/// dirty again then.
async fn transfer<B: Backend>(inode: &Inode<B>, ioend: &Ioend, folio: FolioRef) {
    let slot = inode.page(folio.index).lock(Op::on("device_write", u32::from(folio.index))).await;
    for block in blocks_of(inode, ioend, folio) {
        let phys = ioend.phys + (block - ioend.blocks.start);
        audit_owner(inode, block, phys, ioend.shared);
        audit_owned(inode, phys);
        let data = summed(inode, &slot, folio, block);
        report_checksum(inode, &inode.sb.geometry.cells_of_block(block), &data);
        write_disk(inode, phys, data);
    }
    arrived(inode, blocks_of(inode, ioend, folio));
    inode.emit(|| What::Folio(FolioEvent::Written(folio.index)));
}

fn blocks_of<B: Backend>(
    inode: &Inode<B>,
    ioend: &Ioend,
    folio: FolioRef,
) -> impl Iterator<Item = FileBlock> {
    let mine = inode.sb.geometry.blocks_of_folio(folio.index);
    ioend.blocks.clone().filter(move |block| mine.contains(block))
}

/// `xfs_end_ioend` for I/O that failed: copies are given up, and so is what is delayed under them in the data fork,
/// since the folios are clean and nobody will come back for it. Nothing is converted, and no size logged. What is
/// written out of place is counted nowhere, so that its zone never becomes full, and the file system shuts down, or goes on.
async fn give_up<B: Backend>(inode: &Inode<B>, ioend: &Ioend) {
    if inode.sb.config.may_shut_down() {
        // Nothing is given back: the next mount counts anew.
        if ioend.outcome == Outcome::Rejected {
            inode.sb.is_shutdown().await;
        } else {
            inode.sb.force_shutdown().await;
        }
        inode.emit(|| What::Data(DataEvent::WriteFailed(inode.sb.geometry.bytes_of_blocks(&ioend.blocks))));
        keep_error(inode, ioend);
        return;
    }
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names().end_ioend)).await;
    inode.emit(|| What::Data(DataEvent::WriteFailed(inode.sb.geometry.bytes_of_blocks(&ioend.blocks))));
    if ioend.shared {
        map.cancel_copies(ioend.blocks.clone());
        if inode.sb.config.fs.error_cleanup() == ErrorCleanup::CowAndDelalloc {
            map.punch_delalloc(Fork::Data, &ioend.blocks);
        }
    }
    map.end();
    keep_error(inode, ioend);
}

/// The error is kept for whoever waits next, and for fsync(2) (`mapping_set_error`), and from here on the file may be found as it is on the device, but
/// where it is dirty again.
fn keep_error<B: Backend>(inode: &Inode<B>, ioend: &Ioend) {
    inode.mapping_set_error();
    let (geometry, per_block) = (&inode.sb.geometry, inode.sb.per_block_dirty());
    let mut left = Vec::new();
    for folio in &ioend.folios {
        let cells = geometry.cells_of_folio(folio.index);
        let first = geometry.blocks_of_folio(folio.index).start;
        inode.page(folio.index).audit(|slot| {
            let data = slot.folio(folio.id);
            for block in blocks_of(inode, ioend, *folio) {
                let dirty = data.is_some_and(|data| data.dirty && data.block_dirty(block - first, per_block));
                for cell in geometry.cells_of_block(block) {
                    let cached =
                        data.and_then(|data| data.cells.get(usize::from(cell - cells.start)).copied());
                    let cached = cached.unwrap_or(Value::ZERO);
                    left.push((
                        cell,
                        on_disk(inode, cell),
                        if dirty { Lost::No } else { Lost::Cached(cached) },
                    ));
                }
            }
        });
    }
    let mut size = 0;
    inode.audit_map(|map| size = map.disk_size);
    inode.oracle.lose(geometry, size, left.into_iter());
}

/// What the device has of blocks that were written is what is found from here on, where I/O that failed may have left something
/// else.
fn arrived<B: Backend>(inode: &Inode<B>, blocks: impl Iterator<Item = FileBlock>) {
    if inode.sb.config.fs.io_errors() {
        let cells = blocks.flat_map(|block| inode.sb.geometry.cells_of_block(block));
        inode.oracle.arrive(&inode.sb.geometry, cells.map(|cell| (cell, on_disk(inode, cell))));
    }
}

/// `xfs_iomap_write_unwritten`, `xfs_reflink_end_cow` or `xfs_zoned_end_io`, and the on-disk size, in one ILOCK
/// section; in one for each extent of the data fork where copies or new places are put into it, the size with the last one. (The
/// kernel logs a size behind these in a transaction that follows.) What is converted is one extent: it lies together on the device,
/// and nobody else converts what is under writeback.
async fn convert<B: Backend>(inode: &Inode<B>, ioend: &Ioend) -> Conversion {
    let config = &inode.sb.config;
    let fs = &config.fs;
    let op = Op::new(fs.names().end_ioend);
    let mut map = inode.lock_map(op).await;
    if fs.bump_convert() == Bump::Early && (ioend.unwritten || ioend.shared || config.fs.is_out_of_place()) {
        map.move_counter_early(ioend.blocks.clone()).await;
    }
    let mut changed = false;
    if config.fs.is_out_of_place() {
        let mut rest = ioend.recorded();
        loop {
            let end = map.extent_around(rest.start).end.min(rest.end);
            let phys = ioend.phys + (rest.start - ioend.blocks.start);
            changed |= map.refer_to(&(rest.start..end), phys, fs.bump_convert());
            rest.start = end;
            if rest.is_empty() {
                break;
            }
            map = map.cycle(op).await;
        }
        inode.sb.wrote((ioend.phys..).take(ioend.blocks.len()));
    } else if ioend.shared {
        let mut rest = ioend.recorded();
        while let Some(next) = xfs_reflink_end_cow_extent(inode, &mut map, &rest, fs.bump_convert()) {
            changed = true;
            rest.start = next;
            if rest.is_empty() {
                break;
            }
            map = map.cycle(op).await;
        }
    } else if ioend.unwritten {
        changed = xfs_iomap_write_unwritten(inode, &mut map, &ioend.recorded(), fs.bump_convert());
    }
    map.raise_logged_size(logged_end(inode, ioend));
    map.end();
    if changed { Conversion::Changed } else { Conversion::Settled }
}

/// How far the size on disk is raised.
fn logged_end<B: Backend>(inode: &Inode<B>, ioend: &Ioend) -> Cell {
    // Nobody is excluded from changing the size; a growth that is missed is logged by the writeback of what
    // grew it.
    let size = inode.i_size_peek();
    let written = inode.sb.geometry.cells_of_blocks(&ioend.recorded()).end;
    ioend.size.unwrap_or(Cell::MAX).min(written).min(size)
}
