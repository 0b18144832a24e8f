//! XFS: delayed allocation, unwritten extents, a change counter for each fork.
//!
//! The look-ups and changes of the extent map that the iomap paths call out to. Each runs inside one ILOCK
//! section of its caller, which passes it.

use std::ops::Range;

use stalemap_facade::Backend;

use super::xfs_reflink::cow_begin;
use crate::state::inode::Inode;
use crate::state::map_change::MapSection;
use crate::state::mapping::Iomap;
use crate::state::trace;
use crate::words::extent::{Enospc, Extent, Fork};
use crate::words::geometry::FileBlock;
use crate::words::personality::{
    Allocate, Allocator, Bump, CloneLock, CloneUnmap, Completion, DelallocAlloc, DeviceCache, DioLock,
    Dropbehind, ErrorCleanup, Exchange, FlushUnmap, Freed, FsType, FsyncLog, Hooks, JdataFlip,
    LayoutReturned, LogOrdered, MkwriteUnlock, Names, OldSize, Personality, Relocate, SeekMap, ShortBudget,
    SizeFlush, SizeLog, SourceFault, SourceMap, SyncFs, TruncateDioWait, TruncateFlush, UnshareCancels,
    WriteDioWait, WriteEnd, WriteLock, ZonedWriteError,
};
use crate::words::valid_size::{MkwriteValid, TruncateZeroBlock, ValidMoved, ValidRead, ValidWrite};

/// What its operations are called.
const NAMES: Names = Names {
    read_begin: "xfs_read_iomap_begin",
    seek_begin: "xfs_seek_iomap_begin",
    write_begin: "iomap_begin",
    fault_begin: "iomap_begin",
    imap_valid: "xfs_imap_valid",
    map_blocks: "xfs_map_blocks",
    end_ioend: "xfs_end_ioend",
    setattr_size: "xfs_setattr_size",
    alloc_file_space: "xfs_alloc_file_space",
    truncate_extents: "xfs_itruncate_extents",
    remove_extents: "xfs_unmap_extent",
    collapse_extents: "xfs_bmap_collapse_extents",
    insert_extents: "xfs_bmap_insert_extents",
    setfilesize: "xfs_setfilesize",
    dio_end_io: "xfs_dio_write_end_io",
    log_force: "xfs_log_force",
};

/// XFS as of 6.2 (fs/xfs/xfs_iomap.c, xfs_aops.c, xfs_file.c).
const XFS: Personality = Personality {
    allocate: Allocate::Delalloc,
    counter: true,
    read_takes_i_rwsem: true,
    seek_takes_i_rwsem: false,
    seek_map: SeekMap::Cow,
    glock: false,
    source_fault: SourceFault::InPass,
    source_probe: false,
    zero_eof: true,
    truncate_zero_eof: true,
    falloc_zero_eof: true,
    dio_zero_eof: true,
    write_end: WriteEnd::PunchDelalloc,
    hooks: Hooks::Nothing,
    completion: Completion::ConvertThenClear,
    size_log: SizeLog::Completion,
    bump_convert: Bump::Inside,
    bump_allocate: true,
    bump_lookup: false,
    block_dirty: false,
    free_blocks: None,
    allocator: Allocator::Home,
    freed: Freed::AtOnce,
    stuffed: 0,
    clone_lock: CloneLock::Demoted,
    insert_flush: false,
    map_pages_lock: false,
    default_cowextsize: 32,
    base: "xfs",
    fs_type: FsType::Xfs,
    names: NAMES,
    truncate_flush: TruncateFlush::Before,
    size_flush: SizeFlush::AfterSize,
    old_size: OldSize::BeforeWait,
    truncate_dio_wait: TruncateDioWait::Always,
    clone_unmap: CloneUnmap::FromEof,
    delalloc_alloc: DelallocAlloc::Whole,
    unshare_cancels: UnshareCancels::Never,
    invalidate_lock: true,
    mkwrite_unlock: MkwriteUnlock::AfterDirty,
    flush_unmap: FlushUnmap::WriteAndDrop,
    dio_lock: DioLock::Shared,
    dio_times: true,
    write_lock: WriteLock::Exclusive,
    write_dio_wait: WriteDioWait::BeyondEof,
    dropbehind: Dropbehind::Gated,
    srcmap: SourceMap::Unaligned,
    spare_blocks: 3,
    short_budget: ShortBudget::Allowed,
    exchange: Exchange::Together,
    relocate: Relocate::Absent,
    error_cleanup: ErrorCleanup::CowAndDelalloc,
    zoned_write_error: ZonedWriteError::GoOn,
    zone_blocks: 0,
    device_cache: DeviceCache::Absent,
    fsync_log: FsyncLog::Always,
    sync_fs: SyncFs::Log,
    log_ordered: LogOrdered::Nothing,
    jdata_flip: JdataFlip::Truncate,
    io_errors: false,
    alloc_errors: false,
    init_on_alloc: false,
    short_copies: false,
    data_checksum: false,
    layout_returned: LayoutReturned::Forgotten,
    valid_size: false,
    valid_read: ValidRead::Zeros,
    valid_write: ValidWrite::Zeros,
    valid_moved: ValidMoved::IomapEnd,
    mkwrite_valid: MkwriteValid::Zeroed,
    truncate_zero_block: TruncateZeroBlock::Written,
};

/// XFS, which the others are told by what they differ in.
pub(super) fn personality() -> Personality {
    XFS
}

/// `xfs_buffered_write_iomap_begin` (fs/xfs/xfs_iomap.c, 6.2): the mapping for a write from `block` to before
/// `limit`. A hole is reserved as far as the request goes, and only that part is returned, NEW; an existing
/// extent is returned whole, but for a file that shares blocks: there no further than the request goes and
/// blocks are alike, and shared blocks are mapped in the COW fork. Left out: speculative preallocation beyond
/// end of file, quota.
pub fn xfs_buffered_write_iomap_begin<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    block: FileBlock,
    limit: FileBlock,
) -> Result<Iomap, Enospc> {
    if map.reflink
        && let Some(iomap) = cow_begin(inode, map, block, limit)?
    {
        return Ok(iomap);
    }
    if map.get(block) != Extent::Hole {
        return Ok(map.map(block, &inode.data_sequence()));
    }
    let hole = map.hole_at(block, limit);
    let delalloc = inode.sb.config.fs.allocate() == Allocate::Delalloc;
    if delalloc {
        map.reserve(Fork::Data, &hole)?;
    } else {
        map.allocate(Fork::Data, &hole)?;
    }
    // Extents must not be split by an allocator that could not keep them contiguous.
    let end = map.extent_around(block).end.min(hole.end);
    Ok(map.map_new(block..end, &inode.data_sequence()))
}

/// `->iomap_begin` with IOMAP_ZERO: a hole stays one, and so does everything that reads as zeros.
pub fn xfs_zero_iomap_begin<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    block: FileBlock,
    limit: FileBlock,
) -> Result<Iomap, Enospc> {
    if map.reflink
        && map.get(block) != Extent::Hole
        && let Some(iomap) = cow_begin(inode, map, block, limit)?
    {
        return Ok(iomap);
    }
    Ok(map.map(block, &inode.data_sequence()))
}

/// `xfs_read_iomap_begin`: a look-up that changes nothing.
pub fn xfs_read_iomap_begin<B: Backend>(
    inode: &Inode<B>,
    map: &MapSection<'_, B>,
    block: FileBlock,
) -> Iomap {
    if inode.sb.config.fs.bump_lookup() {
        map.count_lookup(map.extent_around(block));
    }
    map.map(block, &inode.data_sequence())
}

/// `xfs_iomap_write_unwritten`: the conversion after I/O. Returns whether anything changed.
pub fn xfs_iomap_write_unwritten<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    blocks: &Range<FileBlock>,
    bump: Bump,
) -> bool {
    let changed = map.convert(blocks, bump);
    if changed {
        inode.trace_xfs(|| trace::xfs_unwritten_convert(inode, map, blocks));
    }
    changed
}
