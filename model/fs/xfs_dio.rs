//! XFS: mappings for direct writes.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::fs::xfs_reflink::{Source, xfs_reflink_allocate_cow, xfs_reflink_trim};
use crate::state::inode::Inode;
use crate::state::map_change::MapSection;
use crate::state::mapping::Iomap;
use crate::words::extent::{Enospc, Extent, Fork};
use crate::words::geometry::FileBlock;

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
    /// One extent, written or not: nothing is allocated or copied (IOMAP_NOWAIT).
    OrConvert,
    /// Anything.
    OrAllocate,
}

/// `xfs_direct_write_iomap_begin` (fs/xfs/xfs_iomap.c, 6.2): the mapping for a direct write of `blocks`, clipped
/// to them. Holes and delayed allocations are allocated as unwritten extents; what is shared, or has a copy in the
/// making, is written to the copy.
/// Left out: that the ILOCK is dropped between looking a hole up and allocating it.
pub fn xfs_direct_write_iomap_begin<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    blocks: &Range<FileBlock>,
    overwrite: Overwrite,
) -> Result<Iomap, Refusal> {
    let found = map.get(blocks.start);
    let mut limit = map.extent_around(blocks.start).end.min(blocks.end);
    if map.reflink {
        match xfs_reflink_trim(inode, map, &(blocks.start..limit)) {
            Source::Copied(_) if overwrite == Overwrite::OrConvert => return Err(Refusal::Again),
            Source::Copied(blocks) => return Ok(xfs_reflink_allocate_cow(inode, map, &blocks)?),
            Source::Own(blocks) => limit = blocks.end,
        }
    }
    let fits = limit == blocks.end
        && match overwrite {
            Overwrite::Only => matches!(found, Extent::Written(_)),
            Overwrite::OrConvert => found.phys().is_some(),
            Overwrite::OrAllocate => true,
        };
    if !fits && overwrite != Overwrite::OrAllocate {
        return Err(Refusal::Again);
    }
    let mut blocks = blocks.start..limit;
    match found {
        Extent::Hole => map.allocate(Fork::Data, &blocks)?,
        // The whole delayed extent, as writeback does.
        Extent::Delalloc => drop(map.allocate_delayed(Fork::Data, blocks.start)),
        Extent::Unwritten(_) | Extent::Written(_) => {
            let mut iomap = map.map(blocks.start, &inode.data_sequence());
            iomap.addr = iomap.addr_of(blocks.start);
            iomap.start = blocks.start;
            iomap.end = blocks.end;
            return Ok(iomap);
        }
    }
    // The allocator may not have kept them together, or the mapping may have merged with its neighbour.
    blocks.end = map.extent_around(blocks.start).end.min(blocks.end);
    Ok(map.map_new(blocks, &inode.data_sequence()))
}
