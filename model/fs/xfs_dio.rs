//! XFS: mappings for direct writes.

use std::ops::Range;

use crate::backend::{ActorId, Atomic, Backend};
use crate::event::{Branch, MappingEvent};
use crate::extent::{Enospc, Extent, ExtentMap, Iomap};
use crate::geometry::FileBlock;
use crate::inode::Inode;

/// Why there is no mapping.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// -EAGAIN: the write may only overwrite, and there is more to do.
    Again,
    /// -ENOTBLK: this has to be a buffered write.
    Buffered,
    /// -ENOSPC.
    NoSpace,
}

impl From<Enospc> for Refusal {
    fn from(_: Enospc) -> Self {
        Refusal::NoSpace
    }
}

/// `IOMAP_OVERWRITE_ONLY`: what a direct write may meet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Overwrite {
    /// Only one written extent.
    Only,
    /// Anything.
    OrAllocate,
}

/// `xfs_direct_write_iomap_begin` (fs/xfs/xfs_iomap.c, 6.2): the mapping for a direct write of `blocks`, clipped
/// to them. Holes and delayed allocations are allocated as unwritten extents; the data fork alone is looked at.
/// Left out: that the ILOCK is dropped between looking a hole up and allocating it.
pub fn xfs_direct_write_iomap_begin<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    map: &mut ExtentMap,
    blocks: &Range<FileBlock>,
    overwrite: Overwrite,
) -> Result<Iomap, Refusal> {
    let found = map.get(blocks.start);
    let limit = map.extent_around(blocks.start).end.min(blocks.end);
    let overwrites = matches!(found, Extent::Written(_)) && limit == blocks.end;
    if overwrite == Overwrite::Only && !overwrites {
        return Err(Refusal::Again);
    }
    let mut blocks = blocks.start..limit;
    match found {
        Extent::Hole => {
            let allocated = inode.sb.allocate_blocks(inode.number, &blocks)?;
            map.allocate(&blocks, &allocated);
            inode.commit(map);
            inode.bump_data_seq(me);
            let shown = || format!("H -> U {}", inode.sb.geometry.show_blocks(&blocks));
            inode.tell(MappingEvent::Invalidated, shown);
        }
        Extent::Delalloc => {
            // The whole delayed extent, as writeback does.
            let whole = map.extent_around(blocks.start);
            let allocated = inode.sb.allocate_reserved(inode.number, &whole);
            map.allocate(&whole, &allocated);
            inode.commit(map);
            if inode.sb.config.fs.bump_allocate {
                inode.bump_data_seq(me);
            }
            inode.sb.backend.reach(Branch::Allocate);
            let shown = || format!("D -> U {}", inode.sb.geometry.show_blocks(&whole));
            inode.tell(MappingEvent::Invalidated, shown);
        }
        Extent::Unwritten(_) | Extent::Written(_) => {
            let mut iomap = map.map(blocks.start, inode.data_seq.peek());
            iomap.addr = iomap.addr_of(blocks.start);
            iomap.start = blocks.start;
            iomap.end = blocks.end;
            return Ok(iomap);
        }
    }
    // The allocator may not have kept them together, or the mapping may have merged with its neighbour.
    blocks.end = map.extent_around(blocks.start).end.min(blocks.end);
    Ok(map.map_new(blocks, inode.data_seq.peek()))
}
