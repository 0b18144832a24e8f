//! What observers and the judge are told when a mapping is used: whether what it says of its blocks is still so.
//!
//! Nothing here steers the write.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::fs;
use crate::iomap::write_state::{Checked, Locked};
use crate::judge::properties;
use crate::state::event::{Says, Truth, Use, What};
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType};
use crate::words::branches;
use crate::words::config::MixedIo;
use crate::words::extent::Extent;
use crate::words::geometry::{Cell, FileBlock};

/// The mapping is used to fill `blocks` of a locked folio: reports it to observers, and judges a check that had passed it.
pub(super) fn audit_use<B: Backend>(inode: &Inode<B>, iomap: &Iomap, blocks: &[FileBlock], locked: &Locked) {
    let position = inode.sb.geometry.block_of(locked.covered.start);
    inode.audit_map(|map| {
        let misled = blocks.iter().find(|block| fs::misleads(inode, iomap, **block, map));
        inode.emit_use(iomap, position, || {
            let bytes = |block: &FileBlock| inode.sb.geometry.bytes_of_blocks(&(*block..*block + 1));
            let all = || blocks.iter().map(bytes).collect();
            What::Used(match misled {
                Some(block) => match contradiction(iomap, *block, map.get(*block)) {
                    // An address is that of one block.
                    (says @ Says::Device(_), truth) => Use::bad(says, vec![bytes(block)], truth),
                    (says, truth) => Use::bad(says, all(), truth),
                },
                None => Use::good(Says::Kind(iomap.source_kind()), all()),
            })
        });
        if let Some(block) = misled {
            inode.sb.backend.reach(branches::STALE_USE);
            // What completions of direct writes do to a mapping in use is not the check's business where it is
            // exempt.
            let exempt = inode.direct && inode.sb.config.mixed_io == MixedIo::Exempt;
            if locked.checked == Checked::Already && !exempt {
                inode.violate(properties::UNSOUND_COOKIE, || {
                    let contradiction = contradiction_shown(iomap, *block, map.get(*block));
                    format!("the check passed a mapping that {contradiction}")
                });
            }
        }
    });
}

/// What the mapping says is there for writeback, and is not any more: reports it to observers. The judge of it comes when
/// the folio is unlocked.
pub(super) fn audit_backed<B: Backend>(inode: &Inode<B>, iomap: &Iomap, written: &Range<Cell>) {
    if iomap.kind == IomapType::Hole {
        return;
    }
    inode.audit_map(|map| {
        let mut blocks = inode.sb.geometry.blocks_touched(written);
        if let Some(block) = blocks.find(|block| !inode.sb.config.fs.is_backed(map, *block)) {
            let position = inode.sb.geometry.block_of(written.start);
            inode.emit_use(iomap, position, || {
                let at = inode.sb.geometry.bytes_of_blocks(&(block..block + 1));
                What::Used(Use::bad(Says::Kind(iomap.kind), vec![at], Truth::Unbacked))
            });
        }
    });
}

/// What a mapping says of a block, and what is so instead.
fn contradiction(iomap: &Iomap, block: FileBlock, extent: Extent) -> (Says, Truth) {
    let fresh = |phys| extent == Extent::Written(phys) && iomap.kind == IomapType::Mapped && iomap.new;
    if iomap.addr_of(block).is_some_and(fresh) {
        return (Says::WrittenNew, Truth::WrittenSince);
    }
    match (iomap.source_kind(), iomap.source_of(block), extent) {
        (IomapType::Mapped, Some(says), Extent::Written(is)) if says != is => {
            (Says::Device(says), Truth::At(is))
        }
        (kind, ..) => (Says::Kind(kind), Truth::Extent(extent)),
    }
}

/// How a mapping contradicts an extent, for the detail of a violation.
fn contradiction_shown(iomap: &Iomap, block: FileBlock, extent: Extent) -> String {
    match contradiction(iomap, block, extent) {
        (Says::WrittenNew, _) => "says written NEW where the block has been written since".to_owned(),
        (Says::Device(says), Truth::At(is)) => {
            format!("says device block {says} where the extent is at device block {is}")
        }
        _ => format!("says {} where the extent is {}", iomap.source_kind(), extent.letter()),
    }
}
