//! gfs2 in ordered mode: blocks are allocated at once, nothing is unwritten, nothing is counted.
//!
//! What stands in for the counter is the inode glock, which is held exclusively from `->iomap_begin` to
//! `->iomap_end` and keeps faults and uncached reads out. Page faults are disabled meanwhile, since bringing the
//! source in may need the same glock. Direct I/O has the glock in a mode that excludes all these. Writeback takes no glock, and validates its mapping by its range alone.
//! fs/gfs2/bmap.c and file.c, 6.2.
//!
//! Small files are [stuffed](super::stuffed); what a crash would leave is the business of [the log](super::gfs2_log).
//!
//! Left out: resource groups and quota, other nodes of the cluster.

use std::ops::Range;

use stalemap_facade::{Backend, Op};

use super::xfs_dio::Refusal;
use crate::fs::xfs;
use crate::state::inode::Inode;
use crate::state::map_change::MapSection;
use crate::state::mapping::Iomap;
use crate::words::extent::{Enospc, Extent};
use crate::words::geometry::{Cell, FileBlock};
use crate::words::personality::{
    Allocate, Completion, DioLock, Dropbehind, Freed, FsType, FsyncLog, LogOrdered, MkwriteUnlock, Names,
    OldSize, Personality, SizeFlush, SourceFault, SyncFs, TruncateFlush, WriteEnd,
};

/// gfs2 as of 6.2, `data=ordered`.
pub(super) fn personality() -> Personality {
    Personality {
        allocate: Allocate::Written,
        counter: false,
        read_takes_i_rwsem: false,
        seek_takes_i_rwsem: true,
        glock: true,
        source_fault: SourceFault::EndsPass,
        source_probe: true,
        zero_eof: false,
        write_end: WriteEnd::TruncateAndFree,
        completion: Completion::Clear,
        truncate_flush: TruncateFlush::Never,
        size_flush: SizeFlush::Never,
        old_size: OldSize::AfterWait,
        invalidate_lock: false,
        mkwrite_unlock: MkwriteUnlock::BeforeDirty,
        dio_lock: DioLock::Exclusive,
        dropbehind: Dropbehind::Absent,
        fsync_log: FsyncLog::IfDirty,
        sync_fs: SyncFs::Flush,
        log_ordered: LogOrdered::Submit,
        freed: Freed::WithTheLog,
        fs_type: FsType::Gfs2,
        names: Names {
            read_begin: "gfs2_iomap_begin",
            seek_begin: "gfs2_iomap_begin",
            write_begin: "gfs2_iomap_begin",
            fault_begin: "gfs2_allocate_page_backing",
            imap_valid: "gfs2_map_blocks",
            map_blocks: "gfs2_map_blocks",
            end_ioend: "iomap_finish_ioends",
            setattr_size: "gfs2_setattr_size",
            alloc_file_space: "fallocate_chunk",
            truncate_extents: "punch_hole",
            remove_extents: "punch_hole",
            collapse_extents: "vfs_fallocate",
            insert_extents: "vfs_fallocate",
            setfilesize: "mark_inode_dirty",
            dio_end_io: "iomap_dio_complete",
            log_force: "gfs2_log_flush",
        },
        ..xfs::personality()
    }
}

/// `gfs2_iomap_begin_write` -> `__gfs2_iomap_alloc`: a hole is allocated as far as the request goes and
/// the blocks lie in one piece (the loop there ends with the first ones that hold data); the rest is another mapping's. The mapping
/// of these blocks is MAPPED and NEW. What they hold on the device is not touched: whoever fills the folio zeroes,
/// because of NEW, what the write does not cover.
pub(super) fn gfs2_iomap_begin_write<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    block: FileBlock,
    limit: FileBlock,
) -> Result<Iomap, Enospc> {
    if map.get(block) != Extent::Hole {
        return Ok(map.map(block, &inode.data_sequence()));
    }
    let hole = map.hole_at(block, limit);
    let piece = map.allocate_written_once(&hole)?;
    Ok(map.map_new(piece, &inode.data_sequence()))
}

/// `gfs2_iomap_begin` of a direct write, which allocates nothing: with a hole in its range it is done as a buffered
/// one. As a whole; the kernel writes what lies before the hole directly.
pub(super) async fn gfs2_direct_write_iomap_begin<B: Backend>(
    inode: &Inode<B>,
    blocks: &Range<FileBlock>,
) -> Result<Iomap, Refusal> {
    let map = inode.lock_map(Op::new(inode.sb.config.fs.names().write_begin)).await;
    if blocks.clone().any(|block| map.get(block) == Extent::Hole) {
        return Err(Refusal::Buffered);
    }
    let end = map.extent_around(blocks.start).end.min(blocks.end);
    Ok(map.map_part(blocks.start..end, &inode.data_sequence()))
}

/// The blocks that `gfs2_iomap_end` frees: those of a NEW mapping from the first block boundary after what was
/// written. The rounding is up also when nothing was written, so that a block which the write begins in the middle
/// of stays allocated.
pub fn unwritten_blocks<B: Backend>(inode: &Inode<B>, iomap: &Iomap, pos: Cell) -> Option<Range<FileBlock>> {
    let blocks = inode.sb.geometry.blocks_touched(&(0..pos)).end.max(iomap.start)..iomap.end;
    (iomap.new && !blocks.is_empty()).then_some(blocks)
}

/// `punch_hole` of blocks that were just allocated; the page cache over them is gone.
pub async fn punch_hole<B: Backend>(inode: &Inode<B>, blocks: Range<FileBlock>) {
    let mut map = inode.lock_map(Op::new("punch_hole")).await;
    map.free_unused(&blocks);
    map.end();
}
