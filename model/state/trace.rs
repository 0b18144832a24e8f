//! Which tracepoint a path hits, out of what it has at hand.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType, StaleFlag};
use crate::state::tracepoint::{
    DEVICE, FieldValue, HOLE_START_BLOCK, NULL_ADDR, NULL_START_BLOCK, Subsystem, Tracepoint, inode_number,
};
use crate::state::validity::{Cookie, Moved};
use crate::words::extent::{ExtentMap, Fork};
use crate::words::geometry::{Cell, FileBlock, FolioIndex};

fn byte<B: Backend>(inode: &Inode<B>, cell: Cell) -> u64 {
    inode.sb.geometry.byte_at(cell)
}

fn bytes<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> Range<u64> {
    byte(inode, cells.start)..byte(inode, cells.end)
}

fn bytes_of_blocks<B: Backend>(inode: &Inode<B>, blocks: &Range<FileBlock>) -> Range<u64> {
    bytes(inode, &inode.sb.geometry.cells_of_blocks(blocks))
}

fn bytes_of_folio<B: Backend>(inode: &Inode<B>, index: FolioIndex) -> Range<u64> {
    bytes(inode, &inode.sb.geometry.cells_of_folio(index))
}

fn length(range: &Range<u64>) -> u64 {
    range.end - range.start
}

/// The on-disk size, for whoever watches.
fn disk_size<B: Backend>(inode: &Inode<B>) -> u64 {
    let mut size = 0;
    inode.audit_map(|map| size = map.disk_size);
    byte(inode, size)
}

/// What an iomap operation is for: the IOMAP_ flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IomapFlags {
    /// IOMAP_WRITE.
    Write,
    /// IOMAP_ZERO.
    Zero,
    /// IOMAP_WRITE | IOMAP_UNSHARE.
    Unshare,
    /// IOMAP_WRITE | IOMAP_FAULT.
    Fault,
    /// IOMAP_WRITE | IOMAP_DIRECT.
    Direct,
    /// IOMAP_DIRECT.
    DirectRead,
    /// IOMAP_REPORT.
    Report,
}

impl IomapFlags {
    const fn names(self) -> &'static str {
        match self {
            IomapFlags::Write => "WRITE (0x1)",
            IomapFlags::Zero => "ZERO (0x2)",
            IomapFlags::Unshare => "WRITE|UNSHARE (0x81)",
            IomapFlags::Fault => "WRITE|FAULT (0x9)",
            IomapFlags::Direct => "WRITE|DIRECT (0x11)",
            IomapFlags::DirectRead => "DIRECT (0x10)",
            IomapFlags::Report => "REPORT (0x4)",
        }
    }
}

/// A mapping is asked for and given, with the ILOCK free again.
pub fn mapped<B: Backend>(inode: &Inode<B>, flags: IomapFlags, wanted: &Range<Cell>, iomap: &Iomap) {
    inode.trace(|| iomap_iter(inode, wanted, flags));
    inode.trace_xfs(|| xfs_iomap(inode, wanted, iomap));
    inode.trace(|| iomap_iter_dstmap(inode, iomap));
}

/// `iomap_iter`: a mapping is asked for.
pub fn iomap_iter<B: Backend>(inode: &Inode<B>, wanted: &Range<Cell>, flags: IomapFlags) -> Tracepoint {
    let range = bytes(inode, wanted);
    Tracepoint::on_number(Subsystem::Iomap, "iomap_iter", inode.number)
        .hex("pos", range.start)
        .hex("length", length(&range))
        .text("flags", flags.names())
}

/// `iomap_iter_dstmap`: the mapping that was given.
pub fn iomap_iter_dstmap<B: Backend>(inode: &Inode<B>, iomap: &Iomap) -> Tracepoint {
    let tracepoint =
        Tracepoint::on_number(Subsystem::Iomap, "iomap_iter_dstmap", inode.number).text("bdev", DEVICE);
    fields_of(tracepoint, inode, iomap)
}

/// The fields of a struct iomap.
fn fields_of<B: Backend>(tracepoint: Tracepoint, inode: &Inode<B>, iomap: &Iomap) -> Tracepoint {
    let range = bytes_of_blocks(inode, &(iomap.start..iomap.end));
    let kind = match iomap.kind {
        IomapType::Hole => "HOLE",
        IomapType::Delalloc => "DELALLOC",
        IomapType::Mapped => "MAPPED",
        IomapType::Unwritten => "UNWRITTEN",
        IomapType::Inline => "INLINE",
    };
    let flags = [(iomap.new, "NEW"), (iomap.shared, "SHARED"), (iomap.stale == StaleFlag::Set, "STALE")];
    let flags: Vec<&str> = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
    tracepoint
        .hex("addr", address(inode, iomap))
        .hex("offset", range.start)
        .hex("length", length(&range))
        .text("type", kind)
        .text("flags", flags.join("|"))
}

fn address<B: Backend>(inode: &Inode<B>, iomap: &Iomap) -> u64 {
    iomap.addr.map_or(NULL_ADDR, |phys| u64::from(phys) * inode.sb.geometry.block_size())
}

/// `xfs_iomap_found` or `xfs_iomap_alloc`: what XFS found for a request, or reserved for it. The ILOCK is free.
pub fn xfs_iomap<B: Backend>(inode: &Inode<B>, wanted: &Range<Cell>, iomap: &Iomap) -> Tracepoint {
    let name = if iomap.new { "xfs_iomap_alloc" } else { "xfs_iomap_found" };
    xfs_imap(name, inode, disk_size(inode), &bytes(inode, wanted), iomap)
}

/// `xfs_map_blocks_found`: what writeback found for a block. The ILOCK is free.
pub fn xfs_map_blocks_found<B: Backend>(inode: &Inode<B>, block: FileBlock, iomap: &Iomap) -> Tracepoint {
    let asked = bytes_of_blocks(inode, &(block..block + 1));
    xfs_imap("xfs_map_blocks_found", inode, disk_size(inode), &asked, iomap)
}

/// The class `xfs_imap_class`.
fn xfs_imap<B: Backend>(
    name: &'static str,
    inode: &Inode<B>,
    disk_size: u64,
    asked: &Range<u64>,
    iomap: &Iomap,
) -> Tracepoint {
    let start_block = match (iomap.kind, iomap.addr) {
        (_, Some(phys)) => u64::from(phys),
        (IomapType::Delalloc, None) => NULL_START_BLOCK,
        (_, None) => HOLE_START_BLOCK,
    };
    Tracepoint::on_number(Subsystem::Xfs, name, inode.number)
        .hex("disize", disk_size)
        .hex("pos", asked.start)
        .hex("bytecount", length(asked))
        .text("fork", if iomap.shared { "cow" } else { "data" })
        .hex("startoff", u64::from(iomap.start))
        .hex("startblock", start_block)
        .hex("fsbcount", u64::from(iomap.end - iomap.start))
}

/// `xfs_map_blocks_alloc`: writeback allocates a delayed extent. For callers that hold the ILOCK.
pub fn xfs_map_blocks_alloc<B: Backend>(
    inode: &Inode<B>,
    map: &ExtentMap,
    block: FileBlock,
    extent: &Range<FileBlock>,
) -> Tracepoint {
    let asked = bytes_of_blocks(inode, &(block..block + 1));
    Tracepoint::on_number(Subsystem::Xfs, "xfs_map_blocks_alloc", inode.number)
        .hex("disize", byte(inode, map.disk_size))
        .hex("pos", asked.start)
        .hex("bytecount", length(&asked))
        .text("fork", "data")
        .hex("startoff", u64::from(extent.start))
        .hex("startblock", NULL_START_BLOCK)
        .hex("fsbcount", extent.len() as u64)
}

/// `xfs_unwritten_convert`: completion converts what was written. For callers that hold the ILOCK.
pub fn xfs_unwritten_convert<B: Backend>(
    inode: &Inode<B>,
    map: &ExtentMap,
    blocks: &Range<FileBlock>,
) -> Tracepoint {
    let range = bytes_of_blocks(inode, blocks);
    Tracepoint::on_number(Subsystem::Xfs, "xfs_unwritten_convert", inode.number)
        .hex("disize", byte(inode, map.disk_size))
        .hex("pos", range.start)
        .hex("bytecount", length(&range))
}

/// `xfs_iomap_invalid`: the write path's check found its mapping stale; `now` is what the counters are.
pub fn xfs_iomap_invalid<B: Backend>(inode: &Inode<B>, iomap: &Iomap, now: Cookie) -> Tracepoint {
    let tracepoint = invalid("xfs_iomap_invalid", inode, iomap);
    tracepoint.hex("validity_cookie", iomap.cookie.bits()).hex("inodeseq", now.bits())
}

/// `xfs_wb_data_iomap_invalid` and `xfs_wb_cow_iomap_invalid`: writeback's check found its mapping stale, for the
/// counter of one fork or the other; what it was and is.
pub fn xfs_wb_iomap_invalid<B: Backend>(
    inode: &Inode<B>,
    iomap: &Iomap,
    Moved { fork, was, is }: Moved,
) -> Tracepoint {
    let name = match fork {
        Fork::Data => "xfs_wb_data_iomap_invalid",
        Fork::Cow => "xfs_wb_cow_iomap_invalid",
    };
    invalid(name, inode, iomap).hex("wpcseq", was).hex("forkseq", is)
}

fn invalid<B: Backend>(name: &'static str, inode: &Inode<B>, iomap: &Iomap) -> Tracepoint {
    let range = bytes_of_blocks(inode, &(iomap.start..iomap.end));
    let kind = match iomap.kind {
        IomapType::Hole => 0,
        IomapType::Delalloc => 1,
        IomapType::Mapped => 2,
        IomapType::Unwritten => 3,
        IomapType::Inline => 4,
    };
    Tracepoint::on_number(Subsystem::Xfs, name, inode.number)
        .hex("pos", range.start)
        .hex("addr", address(inode, iomap))
        .hex("bytecount", length(&range))
        .hex("type", kind)
        .hex("flags", u64::from(iomap.new) | u64::from(iomap.shared) << 2)
}

/// A call of a file (`xfs_file_buffered_write`, `xfs_file_direct_write`, `xfs_file_buffered_read`) on a range.
pub fn xfs_file_io<B: Backend>(name: &'static str, inode: &Inode<B>, cells: &Range<Cell>) -> Tracepoint {
    let range = bytes(inode, cells);
    Tracepoint::on_number(Subsystem::Xfs, name, inode.number)
        .hex("disize", disk_size(inode))
        .hex("pos", range.start)
        .hex("bytecount", length(&range))
}

/// `iomap_writepage`: writeback comes to a folio.
pub fn iomap_writepage<B: Backend>(inode: &Inode<B>, index: FolioIndex, size: Cell) -> Tracepoint {
    let range = bytes_of_folio(inode, index);
    Tracepoint::on_number(Subsystem::Iomap, "iomap_writepage", inode.number)
        .hex("size", byte(inode, size))
        .hex("offset", range.start)
        .hex("length", length(&range))
}

/// `iomap_writepage_map`: writeback has a mapping for a block.
pub fn iomap_writepage_map<B: Backend>(inode: &Inode<B>, block: FileBlock, iomap: &Iomap) -> Tracepoint {
    let range = bytes_of_blocks(inode, &(block..block + 1));
    let tracepoint = Tracepoint::on_number(Subsystem::Iomap, "iomap_writepage_map", inode.number)
        .text("bdev", DEVICE)
        .hex("pos", range.start)
        .hex("dirty len", length(&range));
    fields_of(tracepoint, inode, iomap)
}

/// `mm_filemap_add_to_page_cache`: a folio enters the page cache.
pub fn add_to_page_cache<B: Backend>(inode: &Inode<B>, index: FolioIndex) -> Tracepoint {
    filemap("mm_filemap_add_to_page_cache", inode, index)
}

/// `mm_filemap_delete_from_page_cache`: a folio leaves it.
pub fn delete_from_page_cache<B: Backend>(inode: &Inode<B>, index: FolioIndex) -> Tracepoint {
    filemap("mm_filemap_delete_from_page_cache", inode, index)
}

/// The class `mm_filemap_op_page_cache`, which prints the inode number without 0x.
fn filemap<B: Backend>(name: &'static str, inode: &Inode<B>, index: FolioIndex) -> Tracepoint {
    let offset = bytes_of_folio(inode, index).start;
    Tracepoint { subsystem: Subsystem::Filemap, name, fields: Vec::new() }
        .text("dev", DEVICE)
        .text("ino", format!("{:x}", inode_number(inode.number)))
        .equals("ofs", FieldValue::Decimal(offset))
        .equals("order", FieldValue::Decimal(0))
}

/// `writeback_dirty_folio`: a clean folio becomes dirty.
pub fn writeback_dirty_folio<B: Backend>(inode: &Inode<B>, index: FolioIndex) -> Tracepoint {
    Tracepoint { subsystem: Subsystem::Writeback, name: "writeback_dirty_folio", fields: Vec::new() }
        .text("bdi", format!("{DEVICE}:"))
        .equals("ino", FieldValue::Decimal(inode_number(inode.number)))
        .equals("index", FieldValue::Decimal(u64::from(index)))
}
