//! XFS, without COW: delayed allocation, unwritten extents, one change counter.
//!
//! The look-ups and changes of the extent map that the iomap paths call out to. Each runs inside one ILOCK
//! section of its caller, which passes the map that the lock protects.

use std::ops::Range;

use super::{Allocator, Bump, Completion, FlushUnmap, Personality, TruncateFlush};
use crate::backend::{ActorId, Atomic, Backend};
use crate::event::{Branch, MappingEvent};
use crate::extent::{Enospc, Extent, ExtentMap, Iomap};
use crate::geometry::FileBlock;
use crate::inode::Inode;

/// XFS as of 6.2 (fs/xfs/xfs_iomap.c, xfs_aops.c, xfs_file.c).
pub(super) fn personality() -> Personality {
    Personality {
        delalloc: true,
        read_takes_i_rwsem: true,
        completion: Completion::ConvertThenClear,
        bump_convert: Bump::Inside,
        bump_allocate: true,
        bump_lookup: false,
        block_dirty: false,
        free_blocks: None,
        allocator: Allocator::Home,
        truncate_flush: TruncateFlush::Before,
        flush_unmap: FlushUnmap::WriteAndDrop,
    }
}

/// `xfs_buffered_write_iomap_begin` (fs/xfs/xfs_iomap.c, 6.2): the mapping for a write from `block` to before
/// `limit`. A hole is reserved as far as the request goes, and only that part is returned, NEW; an existing
/// extent is returned whole. Left out: speculative preallocation beyond end of file, COW, quota.
pub fn xfs_buffered_write_iomap_begin<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    map: &mut ExtentMap,
    block: FileBlock,
    limit: FileBlock,
) -> Result<Iomap, Enospc> {
    if map.get(block) != Extent::Hole {
        return Ok(map.map(block, inode.data_seq.peek()));
    }
    let hole = map.hole_at(block, limit);
    if inode.sb.config.fs.delalloc {
        inode.sb.reserve_blocks(hole.len() as u16)?;
        map.reserve(&hole);
    } else {
        let allocated = inode.sb.allocate_blocks(inode.number, &hole)?;
        map.allocate(&hole, &allocated);
        inode.commit(map);
    }
    inode.bump_data_seq(me);
    inode.tell(MappingEvent::Invalidated, || {
        let kind = if inode.sb.config.fs.delalloc { "H -> D" } else { "H -> U" };
        format!("{kind} {}", inode.sb.geometry.show_blocks(&hole))
    });
    // Extents must not be split by an allocator that could not keep them contiguous.
    let end = map.extent_around(block).end.min(hole.end);
    Ok(map.map_new(block..end, inode.data_seq.peek()))
}

/// `xfs_read_iomap_begin`: a look-up that changes nothing.
pub fn xfs_read_iomap_begin<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    map: &ExtentMap,
    block: FileBlock,
) -> Iomap {
    if inode.sb.config.fs.bump_lookup {
        inode.bump_data_seq(me);
        inode.tell(MappingEvent::Invalidated, || "look-up moves the counter".to_owned());
    }
    map.map(block, inode.data_seq.peek())
}

/// `xfs_map_blocks` past its validity test (fs/xfs/xfs_aops.c): looks up the data fork and, for a delayed
/// allocation, allocates the whole extent as unwritten.
pub fn xfs_map_blocks<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    map: &mut ExtentMap,
    block: FileBlock,
) -> Iomap {
    if map.get(block) == Extent::Delalloc {
        let blocks = map.extent_around(block);
        let allocated = inode.sb.allocate_reserved(inode.number, &blocks);
        map.allocate(&blocks, &allocated);
        inode.commit(map);
        if inode.sb.config.fs.bump_allocate {
            inode.bump_data_seq(me);
        }
        inode.sb.backend.reach(Branch::Allocate);
        inode
            .tell(MappingEvent::Invalidated, || format!("D -> U {}", inode.sb.geometry.show_blocks(&blocks)));
    }
    map.map(block, inode.data_seq.peek())
}

/// `xfs_iomap_write_unwritten`: the conversion after I/O, with the on-disk size. Whether and when the counter
/// moves is the caller's business.
pub fn xfs_iomap_write_unwritten<B: Backend>(
    inode: &Inode<B>,
    map: &mut ExtentMap,
    blocks: Range<FileBlock>,
) -> bool {
    let changed = map.convert(blocks.clone());
    if changed {
        inode.sb.backend.reach(Branch::Convert);
        inode
            .tell(MappingEvent::Invalidated, || format!("U -> W {}", inode.sb.geometry.show_blocks(&blocks)));
    }
    changed
}

/// `xfs_bmap_punch_delalloc_range`: frees the reservations in a range; allocated blocks are left.
pub fn xfs_bmap_punch_delalloc_range<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    map: &mut ExtentMap,
    blocks: Range<FileBlock>,
) -> Vec<FileBlock> {
    let punched = map.punch_delalloc(blocks.clone());
    if !punched.is_empty() {
        inode.sb.unreserve_blocks(punched.len() as u16);
        inode.bump_data_seq(me);
        inode.sb.backend.reach(Branch::Punch);
        inode.tell(MappingEvent::Invalidated, || {
            format!("D -> H in {}", inode.sb.geometry.show_blocks(&blocks))
        });
    }
    punched
}
