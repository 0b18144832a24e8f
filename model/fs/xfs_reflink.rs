//! XFS with shared blocks: what a write to them maps, and how copies take their place (fs/xfs/xfs_reflink.c).
//!
//! Like [`super::xfs`], each function runs inside one ILOCK section of its caller.

use std::ops::Range;

use stalemap_facade::{ActorId, Backend};

use crate::state::event::MapChange;
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType};
use crate::words::branches;
use crate::words::extent::{Enospc, Extent, ExtentMap};
use crate::words::geometry::FileBlock;

/// The part of `xfs_buffered_write_iomap_begin` for files with the reflink flag: an extent of the COW fork wins,
/// shared blocks are reserved there as far as the request goes (E2), and other extents are reported no further
/// than blocks are alike. `None`: the data fork has no block here that could be shared.
pub(super) fn cow_begin<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    map: &mut ExtentMap,
    block: FileBlock,
    limit: FileBlock,
) -> Result<Option<Iomap>, Enospc> {
    if map.cow.get(block) != Extent::Hole {
        return Ok(Some(found_cow(inode, map, map.cow.extent_around(block), block, false)));
    }
    let source = map.extent_around(block);
    let Extent::Written(first) = map.get(block) else { return Ok(None) };
    // xfs_reflink_trim_around_shared
    let shared = inode.sb.is_shared(first);
    let alike = |next: &FileBlock| inode.sb.is_shared(first + (*next - block)) == shared;
    let mut end = (block..source.end.min(limit)).take_while(alike).last().unwrap_or(block) + 1;
    if !shared {
        return Ok(Some(map.map_part(block..end, &inode.data_sequence())));
    }
    end = end.min(map.cow.next_after(block));
    let reserved = round_out(inode, map, &(block..end));
    inode.sb.reserve_blocks(reserved.len() as u16)?;
    map.cow.reserve(&reserved);
    inode.bump_cow_seq(me, &map.cow, reserved.clone());
    inode.sb.backend.reach(branches::COW_RESERVE);
    inode.map_changed(|| {
        let bytes = inode.sb.geometry.bytes_of_blocks(&reserved);
        MapChange::cow(IomapType::Hole, IomapType::Delalloc, bytes)
    });
    let new = inode.sb.config.design.cow_new;
    Ok(Some(found_cow(inode, map, block..end, block, new)))
}

/// What a direct write finds where it begins.
pub enum Source {
    /// These blocks are shared, or copies of them are in the making.
    Copied(Range<FileBlock>),
    /// These are the file's own.
    Own(Range<FileBlock>),
}

/// `xfs_find_trim_cow_extent`: the first of `blocks`, which are of one extent of the data fork, and those after it that
/// are alike.
pub fn xfs_reflink_trim<B: Backend>(inode: &Inode<B>, map: &ExtentMap, blocks: &Range<FileBlock>) -> Source {
    let start = blocks.start;
    if map.cow.get(start) != Extent::Hole {
        return Source::Copied(start..map.cow.extent_around(start).end.min(blocks.end));
    }
    let end = blocks.end.min(map.cow.next_after(start));
    let Extent::Written(first) = map.get(start) else { return Source::Own(start..end) };
    let shared = inode.sb.is_shared(first);
    let alike = |next: &FileBlock| inode.sb.is_shared(first + (*next - start)) == shared;
    let end = (start..end).take_while(alike).last().unwrap_or(start) + 1;
    if shared { Source::Copied(start..end) } else { Source::Own(start..end) }
}

/// `xfs_reflink_allocate_cow` for a direct write: copies of `blocks` are allocated (E4), unless they are there, and
/// real at once (E5), since the write is submitted with the mapping that is returned.
pub fn xfs_reflink_allocate_cow<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    map: &mut ExtentMap,
    blocks: &Range<FileBlock>,
) -> Result<Iomap, Enospc> {
    match map.cow.get(blocks.start) {
        Extent::Hole => {
            let wanted = round_out(inode, map, blocks);
            let allocated = inode.sb.allocate_blocks(inode.number, &wanted)?;
            map.cow.allocate(&wanted, &allocated);
            inode.bump_cow_seq(me, &map.cow, wanted.clone());
            inode.sb.backend.reach(branches::COW_RESERVE);
            inode.map_changed(|| {
                let bytes = inode.sb.geometry.bytes_of_blocks(&wanted);
                MapChange::cow(IomapType::Hole, IomapType::Unwritten, bytes)
            });
        }
        Extent::Delalloc => {
            xfs_bmapi_convert_cow(inode, me, map, blocks.start);
        }
        Extent::Unwritten(_) | Extent::Written(_) => {}
    }
    // The allocator may not have kept them together.
    let end = map.cow.extent_around(blocks.start).end.min(blocks.end);
    let blocks = blocks.start..end;
    xfs_reflink_convert_cow(inode, me, map, blocks.clone());
    let (copy, source) = (map.cow.get(blocks.start), map.get(blocks.start));
    Ok(Iomap::of_cow(copy, blocks, false, &inode.shared_sequence(), source))
}

/// A mapping of `blocks` of the COW fork around `block`, as far as one extent of the data fork has their present
/// contents (`iomap_length` goes by the shorter of the two).
fn found_cow<B: Backend>(
    inode: &Inode<B>,
    map: &ExtentMap,
    blocks: Range<FileBlock>,
    block: FileBlock,
    new: bool,
) -> Iomap {
    let source = map.extent_around(block);
    let blocks = blocks.start.max(source.start)..blocks.end.min(source.end);
    let first = map.cow.get(blocks.start);
    Iomap::of_cow(first, blocks.clone(), new, &inode.shared_sequence(), map.get(blocks.start))
}

/// `xfs_bmap_extsize_align`: blocks rounded out to the hint, as far as the COW fork is empty around them.
fn round_out<B: Backend>(inode: &Inode<B>, map: &ExtentMap, blocks: &Range<FileBlock>) -> Range<FileBlock> {
    let hint = map.cow_extent_size.max(1);
    let start = blocks.start - blocks.start % hint;
    let end = blocks.end.div_ceil(hint).saturating_mul(hint).min(inode.sb.geometry.blocks());
    let empty = |block: &FileBlock| map.cow.get(*block) == Extent::Hole;
    let start = (start..blocks.start).rev().take_while(empty).last().unwrap_or(blocks.start);
    let end = (blocks.end..end).take_while(empty).last().map_or(blocks.end, |last| last + 1);
    start..end
}

/// `xfs_bmapi_convert_delalloc` of the COW fork, for writeback: a delayed extent is allocated as a whole (E4).
pub(super) fn xfs_bmapi_convert_cow<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    map: &mut ExtentMap,
    block: FileBlock,
) -> Iomap {
    if map.cow.get(block) == Extent::Delalloc {
        let blocks = map.cow.extent_around(block);
        let allocated = inode.sb.allocate_reserved(inode.number, &blocks);
        map.cow.allocate(&blocks, &allocated);
        inode.bump_cow_seq(me, &map.cow, blocks.clone());
        inode.sb.backend.reach(branches::ALLOCATE);
        inode.map_changed(|| {
            let bytes = inode.sb.geometry.bytes_of_blocks(&blocks);
            MapChange::cow(IomapType::Delalloc, IomapType::Unwritten, bytes)
        });
    }
    let blocks = map.cow.extent_around(block);
    let first = map.cow.get(blocks.start);
    Iomap::of_cow(first, blocks.clone(), false, &inode.shared_sequence(), map.get(blocks.start))
}

/// `xfs_reflink_convert_cow`, when I/O is submitted (E5): only what becomes real here is moved by completion.
/// What is not there any more is passed over.
pub fn xfs_reflink_convert_cow<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    map: &mut ExtentMap,
    blocks: Range<FileBlock>,
) {
    if map.cow.convert(blocks.clone()) {
        inode.bump_cow_seq(me, &map.cow, blocks.clone());
        inode.map_changed(|| {
            let bytes = inode.sb.geometry.bytes_of_blocks(&blocks);
            MapChange::cow(IomapType::Unwritten, IomapType::Mapped, bytes)
        });
    }
}

/// `xfs_reflink_end_cow`, after I/O (E7): real blocks take the place of what the data fork has, which loses its
/// reference or reservation. Whether and when the data fork's counter moves is the caller's business.
pub fn xfs_reflink_end_cow<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    map: &mut ExtentMap,
    blocks: Range<FileBlock>,
) -> bool {
    let real = |block: &FileBlock| matches!(map.cow.get(*block), Extent::Written(_));
    let moved: Vec<FileBlock> = blocks.clone().filter(real).collect();
    for block in &moved {
        let copy = map.cow.take(*block);
        let old = map.replace(*block, copy);
        drop_extent(inode, old);
    }
    if moved.is_empty() {
        return false;
    }
    inode.bump_cow_seq(me, &map.cow, moved);
    inode.sb.backend.reach(branches::COW_REMAP);
    inode.map_changed(|| MapChange::CowToData { bytes: inode.sb.geometry.bytes_of_blocks(&blocks) });
    true
}

/// `xfs_reflink_cancel_cow_blocks`: copies in the making are given up (part of E9).
pub fn xfs_reflink_cancel_cow_blocks<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    map: &mut ExtentMap,
    blocks: Range<FileBlock>,
) {
    let mut cancelled = Vec::new();
    for block in blocks {
        let old = map.cow.take(block);
        if old != Extent::Hole {
            cancelled.push(block);
        }
        drop_extent(inode, old);
    }
    if !cancelled.is_empty() {
        inode.bump_cow_seq(me, &map.cow, cancelled);
    }
}

/// `xfs_reflink_remap_extent`: the blocks of `to` on are given up (E9) and the source's are referred to instead
/// (E11). Only what is written is shared; everything else becomes a hole.
pub fn xfs_reflink_remap_extent<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    map: &mut ExtentMap,
    to: FileBlock,
    extents: &[Extent],
) {
    let blocks = to..to + extents.len() as FileBlock;
    xfs_reflink_cancel_cow_blocks(inode, me, map, blocks.clone());
    for (block, extent) in blocks.clone().zip(extents) {
        let shared = match extent {
            Extent::Written(phys) => {
                inode.sb.share_block(*phys);
                *extent
            }
            Extent::Hole | Extent::Delalloc | Extent::Unwritten(_) => Extent::Hole,
        };
        let old = map.replace(block, shared);
        drop_extent(inode, old);
    }
    inode.bump_data_seq(me, blocks.clone());
    inode.map_changed(|| MapChange::Remapped { bytes: inode.sb.geometry.bytes_of_blocks(&blocks) });
}

/// An extent of one block is gone: its reservation or its reference.
fn drop_extent<B: Backend>(inode: &Inode<B>, extent: Extent) {
    match extent {
        Extent::Hole => {}
        Extent::Delalloc => inode.sb.unreserve_blocks(1),
        Extent::Unwritten(phys) | Extent::Written(phys) => inode.sb.put_block(phys),
    }
}
