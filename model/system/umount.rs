//! The epilogue: what every run is judged by when all actors have finished.
//!
//! The page cache is judged, everything is written back, the cache is forgotten, and every cell is read
//! through the extent map, as an xfstest does before and after a remount. Leftovers are judged, too.

use std::borrow::Cow;
use std::collections::BTreeSet;

use stalemap_facade::{ActorId, Backend, Leaf, Lock, Op};

use crate::judge::properties;
use crate::state::disk::on_disk;
use crate::state::inode::Inode;
use crate::state::map_change::MapSection;
use crate::state::world::World;
use crate::words::count::count;
use crate::words::extent::Extent;
use crate::words::geometry::{Bytes, Cell, FileBlock, within};
use crate::words::personality::Completion;

/// Judges what readers of the page cache would see.
pub async fn judge_cache<B: Backend>(inode: &Inode<B>, _: ActorId) {
    for index in 0..inode.sb.geometry.folios() {
        let slot = inode.page(index).lock(Op::on("check_cached", u32::from(index))).await;
        inode.audit_folio(index, &slot);
        inode.pin_folio(index, &slot);
        if !slot.is_quiet() {
            inode.violate(properties::LEAKED_LOCK, || {
                format!("folio {index} is locked or referenced at the end")
            });
        }
    }
    let leaked = |name: &'static str| {
        inode.violate(properties::LEAKED_LOCK, || format!("{name} is held at the end"));
    };
    inode.i_dio_count.audit(|count| {
        if *count != 0 {
            leaked("i_dio_count");
        }
    });
    inode.i_rwsem.audit_free(|| leaked("i_rwsem"));
    inode.invalidate_lock.audit_free(|| leaked("invalidate_lock"));
    if let Some(glock) = &inode.glock {
        glock.audit(|holders| {
            if !holders.is_free() {
                leaked("the glock");
            }
        });
    }
}

/// Judges the file on disk, and the reservations.
pub async fn judge_disk<B: Backend>(inode: &Inode<B>, _: ActorId) {
    let mut map = inode.lock_map(Op::new("check_disk")).await;
    let end = inode.i_size_peek();
    xfs_free_eofblocks(inode, &mut map, end);
    let disk_size = map.disk_size;
    map.end();
    // Where completion only clears the writeback bit, the size on disk goes another way, which is not modelled.
    let logged = inode.sb.config.fs.completion() != Completion::Clear;
    // The size that the next mount finds.
    let found = if logged { end.max(disk_size) } else { end };
    judge_checksums(inode, found);
    let cells = (0..found).map(|cell| (cell, on_disk(inode, cell)));
    let cells = cells.collect::<Vec<_>>();
    inode.oracle.visible(&inode.sb.geometry, &file_on_disk(inode), cells.into_iter());
    inode.oracle.cut_off(&inode.sb.geometry, found);
    inode.audit_map(|map| {
        // What failed to be written back is not logged.
        let behind = inode.sb.config.fs.io_errors() && map.disk_size < end;
        if logged && map.disk_size != end && !behind {
            inode.violate(properties::SIZE_ORDER, || {
                let bytes = |cell| Bytes(inode.sb.geometry.byte_at(cell));
                format!("the on-disk size is {}, i_size is {}", bytes(map.disk_size), bytes(end))
            });
        }
        if map.delalloc_blocks() != 0 && !inode.sb.is_shutdown_audit() {
            inode.violate(properties::LEAKED_RESERVATION, || {
                let blocks = stay(u64::from(map.delalloc_blocks()));
                format!("{blocks} reserved after everything was written ({})", map.letters())
            });
        }
    });
    if inode.reflinks {
        // xfs_inactive, and the background scan before: copies that nobody came to need are given back, allocated or not.
        let mut map = inode.lock_map(Op::new("xfs_reflink_cancel_cow_range")).await;
        map.cancel_copies(0..inode.sb.geometry.blocks());
    }
}

/// `1 block stays`, `2 blocks stay`.
fn stay(blocks: u64) -> String {
    format!("{} {}", count(blocks, "block"), if blocks == 1 { "stays" } else { "stay" })
}

/// What the file on disk is called: with its valid size, if it has one, which decides what is read.
fn file_on_disk<B: Backend>(inode: &Inode<B>) -> Cow<'static, str> {
    let mut valid = None;
    inode.audit_map(|map| valid = map.valid);
    match valid {
        None => "file on disk".into(),
        Some(valid) => {
            let valid = Bytes(inode.sb.geometry.byte_at(valid));
            format!("file on disk, whose valid size is {valid}").into()
        }
    }
}

/// Judges whether everything inside a file of `size` can be read.
fn judge_checksums<B: Backend>(inode: &Inode<B>, size: Cell) {
    if !inode.sb.config.fs.data_checksum() {
        return;
    }
    let geometry = &inode.sb.geometry;
    inode.audit_map(|map| {
        for block in geometry.blocks_touched(&(0..size)) {
            let Extent::Written(phys) = map.get(block) else { continue };
            let cells = within(&geometry.cells_of_block(block), &(0..size));
            if inode.sb.audit_checksum(phys, cells) {
                inode.judge_checksum(block);
            }
        }
    });
}

/// `xfs_free_eofblocks` (fs/xfs/xfs_bmap_util.c), when the file is closed, or its inode leaves memory: blocks behind end of
/// file, by the size in memory, are freed, but for preallocated ones. Whatever was reserved there is given back.
fn xfs_free_eofblocks<B: Backend>(inode: &Inode<B>, map: &mut MapSection<'_, B>, size: Cell) {
    let fs = &inode.sb.config.fs;
    if !fs.is_xfs() || fs.is_out_of_place() {
        return;
    }
    let behind = inode.sb.geometry.blocks_touched(&(0..size)).end..inode.sb.geometry.blocks();
    let goes = |block: FileBlock| match map.get(block) {
        Extent::Hole => false,
        Extent::Delalloc => true,
        Extent::Written(_) | Extent::Unwritten(_) => !inode.sb.config.preallocates(inode.number),
    };
    let freed: Vec<FileBlock> = behind.filter(|block| goes(*block)).collect();
    for block in freed {
        map.unmap(&(block..block + 1));
    }
}

/// Judges what the files have in common, when nothing is reserved any more. A file system that has shut down gives nothing back,
/// and counts anew when it is mounted.
pub fn judge_space<B: Backend>(w: &World<B>) {
    let sb = &w.sb;
    sb.log_flush_lock.audit_free(|| {
        let why = || "a transaction is open at the end".to_owned();
        sb.backend.violate(properties::BROKEN_TRANSACTION, why);
    });
    if sb.is_shutdown_audit() {
        return;
    }
    // A block is taken when it is written out of place, and is nobody's yet: that may fail.
    let may_lose = sb.config.fs.io_errors() && sb.config.fs.is_out_of_place();
    let mut mapped = BTreeSet::new();
    for inode in w.inodes.iter().filter(|_| may_lose) {
        inode.audit_map(|map| mapped.extend(map.places()));
    }
    sb.space.audit(|space| {
        if may_lose && space.in_use() != mapped.len() {
            sb.backend.violate(properties::LEAKED_RESERVATION, || {
                let nobodys = space.in_use().abs_diff(mapped.len());
                format!("{} taken, and of no file", stay(nobodys as u64))
            });
        }
        if space.reserved() != 0 {
            sb.backend.violate(properties::LEAKED_RESERVATION, || {
                format!("{} promised after everything was written", stay(u64::from(space.reserved())))
            });
        }
    });
}
