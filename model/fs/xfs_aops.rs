//! XFS: where writeback finds the place of a block (fs/xfs/xfs_aops.c, and `xfs_bmapi_convert_delalloc` in
//! fs/xfs/libxfs/xfs_bmap.c, 6.2).
//!
//! Both forks are looked up in one section of the ILOCK. What is delayed there needs a transaction to be allocated, and for
//! that the ILOCK is let go and taken again. Then the fork in question is looked up anew, and the other one is not: its
//! extents are as the first section saw them.

use stalemap_facade::{Backend, Op};

use crate::state::inode::Inode;
use crate::state::map_change::MapSection;
use crate::state::mapping::{Iomap, IomapType};
use crate::state::trace;
use crate::state::validity::CowSeen;
use crate::words::branches;
use crate::words::design::WritebackCheck;
use crate::words::extent::{Extent, ExtentMap, Fork};
use crate::words::geometry::FileBlock;
use crate::words::map_design::{ConvertRecheck, MapLookup};

/// What the first section has found.
struct Found {
    /// The mapping of the COW fork, or else of the data fork.
    iomap: Iomap,
    /// Where the COW fork has its next extent; of no use to a mapping of that.
    limit: FileBlock,
}

/// `xfs_map_blocks` past its validity test: an extent of the COW fork, or else one of the data fork, as far as the COW fork is
/// empty; with blocks, if it was delayed. `cow_seq` is what the pass remembers of the COW fork's counter: it is only brought up
/// to date where that fork has an extent. Left out: the second validity test under the ILOCK, which can only succeed after the
/// COW fork has become empty, and then a look-up gives the same.
///
/// When the ILOCK is held again, an extent of the COW fork may be gone, since a direct write has moved it to the data fork.
/// Then all is looked up once more, but not twice: of what a truncate took away there would be no end.
pub(super) async fn xfs_map_blocks<B: Backend>(
    inode: &Inode<B>,
    block: FileBlock,
    cow_seq: &mut CowSeen,
) -> Iomap {
    let recheck = inode.sb.config.design.convert_recheck();
    let mut retry = recheck == ConvertRecheck::Retry;
    loop {
        let (mut map, found) = look_up(inode, block).await;
        let copied = found.iomap.shared;
        if copied {
            *cow_seq = inode.counters.cow_seen();
        } else if found.iomap.kind != IomapType::Delalloc {
            return found.iomap;
        }
        // Without copies one section, later on, is as good: all that can happen to what is delayed is that it is allocated.
        if inode.reflinks || recheck == ConvertRecheck::Nothing {
            map = map.cycle(Op::new("xfs_bmapi_convert_delalloc")).await;
        }
        if let Some(iomap) = xfs_bmapi_convert_delalloc(inode, &mut map, &found, block) {
            if copied {
                *cow_seq = inode.counters.cow_seen();
            }
            return iomap;
        }
        if !retry || !copied {
            return Iomap::of_hole(block);
        }
        retry = false;
        inode.sb.backend.reach(branches::CONVERT_RETRY);
    }
}

/// The look-up of a block in both forks.
async fn look_up<B: Backend>(inode: &Inode<B>, block: FileBlock) -> (MapSection<'_, B>, Found) {
    let config = &inode.sb.config;
    let op = Op::new(config.fs.names().map_blocks);
    let mut map = inode.lock_map(op).await;
    let mut limit = map.cow.next_after(block);
    if map.cow.get(block) != Extent::Hole {
        let iomap = map_cow(inode, &map, block);
        return (map, Found { iomap, limit });
    }
    if config.design.map_lookup() == MapLookup::TwoSections && inode.reflinks {
        map = map.cycle(op).await;
        limit = if map.cow.get(block) == Extent::Hole { map.cow.next_after(block) } else { block };
    }
    // It may end where it begins.
    let iomap = if limit > block { map_data(inode, &map, block, limit) } else { Iomap::of_hole(block) };
    (map, Found { iomap, limit })
}

/// `xfs_bmapi_convert_delalloc`: what was found at a block, which was delayed or in the COW fork, with blocks. A delayed
/// extent is allocated as a whole. `None`: there is nothing there any more.
fn xfs_bmapi_convert_delalloc<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    found: &Found,
    block: FileBlock,
) -> Option<Iomap> {
    let (fork, now) =
        if found.iomap.shared { (Fork::Cow, map.cow.get(block)) } else { (Fork::Data, map.get(block)) };
    let unseen = inode.sb.config.design.convert_recheck() == ConvertRecheck::Nothing;
    match now {
        Extent::Delalloc => {
            if fork == Fork::Data {
                let blocks = map.extent_around(block);
                inode.trace_xfs(|| trace::xfs_map_blocks_alloc(inode, map, block, &blocks));
            }
            map.allocate_delayed(fork, block);
        }
        _ if unseen && found.iomap.kind == IomapType::Delalloc => {
            map.allocate_again(fork, &(found.iomap.start..found.iomap.end)).ok()?;
        }
        Extent::Hole => return None,
        Extent::Unwritten(_) | Extent::Written(_) => {}
    }
    if fork == Fork::Cow {
        return Some(map_cow(inode, map, block));
    }
    let iomap = map_data(inode, map, block, found.limit);
    // It is the first section that knows of the other fork.
    let cookie = iomap.cookie.with_cow_of(found.iomap.cookie);
    Some(Iomap { cookie, ..iomap })
}

/// A mapping of the extent of the COW fork around a block.
fn map_cow<B: Backend>(inode: &Inode<B>, map: &ExtentMap, block: FileBlock) -> Iomap {
    let blocks = map.cow.extent_around(block);
    let first = blocks.start;
    Iomap::of_cow(map.cow.get(first), blocks, false, &inode.shared_sequence(), map.get(first))
}

/// A mapping of the extent of the data fork around a block, up to `limit`.
fn map_data<B: Backend>(inode: &Inode<B>, map: &ExtentMap, block: FileBlock, limit: FileBlock) -> Iomap {
    let both = inode.reflinks && inode.sb.config.design.writeback_check() == WritebackCheck::CookieCow;
    let sequence = if both { inode.shared_sequence() } else { inode.data_sequence() };
    let iomap = map.map(block, &sequence);
    Iomap { end: iomap.end.min(limit), ..iomap }
}
