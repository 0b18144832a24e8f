//! XFS with shared blocks: what a write to them maps, and how copies take their place (fs/xfs/xfs_reflink.c).
//!
//! Like [`super::xfs`], a function runs inside one ILOCK section of its caller, unless it takes the section along.

use std::ops::Range;

use stalemap_facade::{Backend, Op};

use crate::state::inode::Inode;
use crate::state::map_change::MapSection;
use crate::state::mapping::Iomap;
use crate::state::validity::CookieSource;
use crate::words::branches;
use crate::words::extent::{Enospc, Extent, ExtentMap, Fork, Phys};
use crate::words::geometry::FileBlock;
use crate::words::map_design::{CowFill, CowHint, CowHole, CowRecheck, EndCow, SharedTrim};
use crate::words::personality::Bump;

/// The part of `xfs_buffered_write_iomap_begin` for files with the reflink flag: an extent of the COW fork wins,
/// shared blocks are reserved there as far as the request goes, and other extents are reported no further
/// than blocks are alike. `None`: the data fork has no block here that could be shared.
pub(super) fn cow_begin<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    block: FileBlock,
    limit: FileBlock,
) -> Result<Option<Iomap>, Enospc> {
    if map.cow.get(block) != Extent::Hole {
        return Ok(Some(found_cow(inode, map, map.cow.extent_around(block), block, false)));
    }
    let source = map.extent_around(block);
    let Extent::Written(first) = map.get(block) else { return Ok(None) };
    let (shared, mut end) = trim_around_shared(inode, first, &(block..source.end.min(limit)));
    if !shared {
        return Ok(Some(map.map_part(block..end, &inode.data_sequence())));
    }
    end = end.min(map.cow.next_after(block));
    let reserved = round_out(inode, map, &(block..end));
    if map.reserve(Fork::Cow, &reserved).is_err() {
        if inode.sb.config.design.cow_hint() == CowHint::Always {
            return Err(Enospc);
        }
        map.reserve(Fork::Cow, &(block..end))?;
    }
    inode.sb.backend.reach(branches::COW_RESERVE);
    let new = inode.sb.config.design.cow_new();
    Ok(Some(found_cow(inode, map, block..end, block, new)))
}

/// `xfs_reflink_trim_around_shared`: whether the first of some blocks, which has the place `first`, is shared, and where those
/// behind it that are alike end, as the design sees it.
fn trim_around_shared<B: Backend>(
    inode: &Inode<B>,
    first: Phys,
    blocks: &Range<FileBlock>,
) -> (bool, FileBlock) {
    let shared = inode.sb.is_shared(first);
    if inode.sb.config.design.shared_trim() == SharedTrim::Untrimmed {
        return (shared, blocks.end);
    }
    let alike = |next: &FileBlock| inode.sb.is_shared(first + (*next - blocks.start)) == shared;
    (shared, blocks.clone().take_while(alike).last().unwrap_or(blocks.start) + 1)
}

/// A part of an extent of the data fork, as it was found (struct xfs_bmbt_irec, the kernel's `imap`).
pub(super) struct Imap {
    /// What its first block is.
    pub(super) extent: Extent,
    pub(super) blocks: Range<FileBlock>,
}

impl Imap {
    /// `xfs_bmapi_read`: what the first of `blocks` is, and those after it that belong to the same extent.
    pub(super) fn read(map: &ExtentMap, blocks: &Range<FileBlock>) -> Self {
        let end = map.extent_around(blocks.start).end.min(blocks.end);
        Imap { extent: map.get(blocks.start), blocks: blocks.start..end }
    }
}

/// What a direct write finds where it begins.
pub(super) enum Source {
    /// Of these blocks there are copies.
    Copied(Range<FileBlock>),
    /// These blocks are shared, or copies of them are reserved.
    Shared(Range<FileBlock>),
    /// These are the file's own.
    Own(Range<FileBlock>),
}

/// `xfs_find_trim_cow_extent`: the first block of `imap`, and those after it that are alike. The COW fork is looked up; whether
/// blocks are shared is asked of those that `imap` has.
pub(super) fn xfs_find_trim_cow_extent<B: Backend>(inode: &Inode<B>, map: &ExtentMap, imap: &Imap) -> Source {
    let start = imap.blocks.start;
    let copied = |map: &ExtentMap| start..map.cow.extent_around(start).end.min(imap.blocks.end);
    match map.cow.get(start) {
        Extent::Hole => {}
        Extent::Delalloc => return Source::Shared(copied(map)),
        Extent::Unwritten(_) | Extent::Written(_) => return Source::Copied(copied(map)),
    }
    let end = imap.blocks.end.min(map.cow.next_after(start));
    let Extent::Written(first) = imap.extent else { return Source::Own(start..end) };
    let (shared, end) = trim_around_shared(inode, first, &(start..end));
    if shared { Source::Shared(start..end) } else { Source::Own(start..end) }
}

/// `xfs_reflink_allocate_cow` for a direct write: a mapping of copies of the blocks of `imap`, if they are shared. What is not
/// there is allocated, in a transaction for which the ILOCK is let go and taken again, and it depends on the design what is
/// looked at again. Copies become real at once, since the write is submitted with the mapping.
///
/// Without a mapping `imap` has the file's own blocks, as far as the function knows.
pub(super) async fn xfs_reflink_allocate_cow<'i, B: Backend>(
    inode: &'i Inode<B>,
    mut map: MapSection<'i, B>,
    imap: &mut Imap,
) -> Result<(MapSection<'i, B>, Option<Iomap>), Enospc> {
    let mut source = xfs_find_trim_cow_extent(inode, &map, imap);
    if let Source::Shared(blocks) = &source {
        imap.blocks = blocks.clone();
        let empty = map.cow.get(blocks.start) == Extent::Hole;
        let before = inode.data_sequence().cookie_of(blocks.clone());
        let fill =
            if empty { Op::new("xfs_reflink_fill_cow_hole") } else { Op::new("xfs_reflink_fill_delalloc") };
        map = map.cycle(fill).await;
        let recheck = inode.sb.config.design.cow_recheck();
        let now = inode.data_sequence().cookie_of(imap.blocks.clone());
        let moved = inode.counters.have_moved(before, now);
        if recheck == CowRecheck::DataCowAndShared && moved {
            *imap = Imap::read(&map, &imap.blocks);
        }
        if recheck != CowRecheck::Nothing {
            source = xfs_find_trim_cow_extent(inode, &map, imap);
        }
    }
    match source {
        Source::Own(blocks) => {
            imap.blocks = blocks;
            Ok((map, None))
        }
        Source::Copied(blocks) | Source::Shared(blocks) => {
            let copies = fill_cow(inode, &mut map, &blocks, imap.extent)?;
            Ok((map, Some(copies)))
        }
    }
}

/// Allocates copies of `blocks`, unless they are there. What is there at present is `source`.
fn fill_cow<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    blocks: &Range<FileBlock>,
    source: Extent,
) -> Result<Iomap, Enospc> {
    match map.cow.get(blocks.start) {
        Extent::Hole => {
            let wanted = round_out(inode, map, blocks);
            if map.allocate(Fork::Cow, &wanted).is_err() {
                if inode.sb.config.design.cow_hint() != CowHint::IfRoomDirect {
                    return Err(Enospc);
                }
                map.allocate(Fork::Cow, blocks)?;
            }
            inode.sb.backend.reach(branches::COW_RESERVE);
        }
        Extent::Delalloc => match inode.sb.config.design.cow_fill() {
            CowFill::UntilCovered => drop(map.allocate_delayed(Fork::Cow, blocks.start)),
            CowFill::Once if map.allocate_delayed_once(Fork::Cow, blocks.start).contains(&blocks.start) => {}
            CowFill::Once => return Err(Enospc),
        },
        Extent::Unwritten(_) | Extent::Written(_) => {}
    }
    // The allocator may not have kept them together.
    let end = map.cow.extent_around(blocks.start).end.min(blocks.end);
    let blocks = blocks.start..end;
    // xfs_reflink_convert_unwritten
    map.submit_copies(&blocks);
    let copy = map.cow.get(blocks.start);
    Ok(Iomap::of_cow(copy, blocks, false, &inode.shared_sequence(), source))
}

/// `xfs_reflink_end_cow_extent`: the first written copy of `blocks` takes the place of what the data fork has there, as far as
/// both forks have one extent each. Returns where to go on; nothing, if there is no such copy: another write that overlaps has
/// moved it, and that is all right.
pub(crate) fn xfs_reflink_end_cow_extent<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    blocks: &Range<FileBlock>,
    bump: Bump,
) -> Option<FileBlock> {
    let written = |block: &FileBlock| matches!(map.cow.get(*block), Extent::Written(_));
    let extent = map.cow.extent_around(blocks.clone().find(written)?);
    let copy = match inode.sb.config.design.end_cow() {
        EndCow::WholeExtent => extent,
        EndCow::IoRange => extent.start.max(blocks.start)..extent.end.min(blocks.end),
    };
    let end = map.extent_around(copy.start).end.min(copy.end);
    map.move_copies(&(copy.start..end), bump);
    Some(end)
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
    let (first, present) = (map.cow.get(blocks.start), map.get(blocks.start));
    let alone = present == Extent::Hole && inode.sb.config.design.cow_hole() == CowHole::DataFork;
    let sequence = if alone { inode.data_sequence() } else { inode.shared_sequence() };
    Iomap::of_cow(first, blocks, new, &sequence, present)
}

/// `xfs_bmap_extsize_align`: blocks rounded out to the hint (`xfs_get_cowextsz_hint`), as far as the COW fork is empty around them.
fn round_out<B: Backend>(inode: &Inode<B>, map: &ExtentMap, blocks: &Range<FileBlock>) -> Range<FileBlock> {
    let hint = match map.cow_extent_size {
        0 => inode.sb.config.fs.default_cowextsize().max(1),
        own => own,
    };
    let start = blocks.start - blocks.start % hint;
    let end = blocks.end.div_ceil(hint).saturating_mul(hint).min(inode.sb.geometry.blocks());
    let empty = |block: &FileBlock| map.cow.get(*block) == Extent::Hole;
    let start = (start..blocks.start).rev().take_while(empty).last().unwrap_or(blocks.start);
    let end = (blocks.end..end).take_while(empty).last().map_or(blocks.end, |last| last + 1);
    start..end
}
