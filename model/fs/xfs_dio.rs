//! XFS: mappings for direct writes.

use std::ops::Range;

use stalemap_facade::{Backend, Op};

use crate::fs::xfs_reflink::{Imap, Source, xfs_find_trim_cow_extent, xfs_reflink_allocate_cow};
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
/// making, is written to the copy. For a transaction the ILOCK is let go and taken again.
pub async fn xfs_direct_write_iomap_begin<B: Backend>(
    inode: &Inode<B>,
    blocks: &Range<FileBlock>,
    overwrite: Overwrite,
) -> Result<Iomap, Refusal> {
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names().write_begin)).await;
    let mut imap = Imap::read(&map, blocks);
    if map.reflink {
        let own = matches!(xfs_find_trim_cow_extent(inode, &map, &imap), Source::Own(_));
        if !own && overwrite == Overwrite::OrConvert {
            return Err(Refusal::Again);
        }
        let copied;
        (map, copied) = xfs_reflink_allocate_cow(inode, map, &mut imap).await?;
        if let Some(copied) = copied {
            return Ok(copied);
        }
    }
    let fits = imap.blocks.end == blocks.end
        && match overwrite {
            Overwrite::Only => matches!(imap.extent, Extent::Written(_)),
            Overwrite::OrConvert => imap.extent.phys().is_some(),
            Overwrite::OrAllocate => true,
        };
    if !fits && overwrite != Overwrite::OrAllocate {
        return Err(Refusal::Again);
    }
    match imap.extent {
        Extent::Hole | Extent::Delalloc => xfs_iomap_write_direct(inode, map, imap.blocks).await,
        Extent::Unwritten(_) | Extent::Written(_) => {
            Ok(Iomap::of_found(imap.extent, imap.blocks, &inode.data_sequence()))
        }
    }
}

/// `xfs_iomap_write_direct`: allocates the first of `blocks`, which were a hole or delayed, and those after it that are one
/// extent with it. The data fork is looked up anew (`xfs_bmapi_write`): what has blocks by then is left as it is, and its mapping
/// is NEW all the same.
async fn xfs_iomap_write_direct<'i, B: Backend>(
    inode: &'i Inode<B>,
    map: MapSection<'i, B>,
    blocks: Range<FileBlock>,
) -> Result<Iomap, Refusal> {
    let mut map = map.cycle(Op::new("xfs_iomap_write_direct")).await;
    let start = blocks.start;
    match map.get(start) {
        Extent::Hole => {
            let hole = map.hole_at(start, blocks.end);
            map.allocate(Fork::Data, &hole)?;
        }
        Extent::Delalloc => map.allocate_wanted(&blocks),
        Extent::Unwritten(_) | Extent::Written(_) => {}
    }
    // The allocator may not have kept them together, or the mapping may have merged with its neighbour.
    let end = map.extent_around(start).end.min(blocks.end);
    Ok(map.map_new(start..end, &inode.data_sequence()))
}
