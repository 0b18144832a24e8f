//! What SEEK_DATA and SEEK_HOLE map: `xfs_seek_iomap_begin` (fs/xfs/xfs_iomap.c, 6.1, 6.12, 7.3).
//!
//! A block that the data fork has is mapped as it is there. Over a hole of the data fork the COW fork counts: what was written to
//! such a block lies in a copy that was reserved before anybody needed it, and until writeback the page cache alone has the
//! data. So its extents are called unwritten, whatever they are, and the page cache is looked at. Other file systems have no COW
//! fork, and the same look-up.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::fs::stuffed;
use crate::state::inode::Inode;
use crate::state::map_change::MapSection;
use crate::state::mapping::{Iomap, IomapType};
use crate::words::extent::{Extent, ExtentMap};
use crate::words::geometry::FileBlock;
use crate::words::personality::SeekMap;

/// `->iomap_begin` with IOMAP_REPORT, of a search from `block` to `limit`, the end of the file.
pub fn seek_begin<B: Backend>(
    inode: &Inode<B>,
    map: &MapSection<'_, B>,
    block: FileBlock,
    limit: FileBlock,
) -> Iomap {
    stuffed::iomap(inode, map, block).unwrap_or_else(|| xfs_seek_iomap_begin(inode, map, block, limit))
}

fn xfs_seek_iomap_begin<B: Backend>(
    inode: &Inode<B>,
    map: &MapSection<'_, B>,
    block: FileBlock,
    limit: FileBlock,
) -> Iomap {
    let look = inode.sb.config.fs.seek_map();
    let found = map.map(block, &inode.data_sequence());
    match found.kind {
        IomapType::Delalloc if look == SeekMap::Allocated => {
            return Iomap { kind: IomapType::Hole, ..found };
        }
        IomapType::Hole => {}
        IomapType::Delalloc | IomapType::Mapped | IomapType::Unwritten | IomapType::Inline => return found,
    }
    if matches!(look, SeekMap::DataFork | SeekMap::Allocated) {
        return found;
    }
    if map.cow.get(block) == Extent::Hole {
        let end = found.end.min(map.cow.next_after(block));
        return Iomap { start: block, end, ..found };
    }
    let blocks = over_the_hole(map, block, found.end, limit, look);
    let copy = map.cow.get(block);
    let over = Iomap::of_cow(copy, blocks, false, &inode.shared_sequence(), Extent::Hole);
    Iomap { kind: IomapType::Unwritten, ..over }
}

/// The part of the copies at `block` that is mapped, over a hole of the data fork that ends before `data`.
fn over_the_hole(
    map: &ExtentMap,
    block: FileBlock,
    data: FileBlock,
    limit: FileBlock,
    look: SeekMap,
) -> Range<FileBlock> {
    let end = map.cow.extent_around(block).end;
    let wanted = if data < end { limit.min(data) } else { limit };
    let wanted = match look {
        // What is to be the end is given to xfs_trim_extent as a length.
        SeekMap::CowUntrimmed => block.saturating_add(wanted),
        SeekMap::DataFork | SeekMap::Cow | SeekMap::CowAndCache | SeekMap::Allocated => wanted,
    };
    block..end.min(wanted)
}
