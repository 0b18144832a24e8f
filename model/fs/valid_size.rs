//! Files with a [valid size](crate::words::valid_size), as exFAT and ntfs3 have them: what `->iomap_begin` and `->setattr` make
//! of it. fs/exfat/{file,inode,iomap}.c and fs/ntfs3/{file,inode}.c, 6.12.118 and 7.3.4.
//!
//! Here the ILOCK protects it. exFAT has s_lock for that in 6.12, and in 7.3 an atomic variable; all who move it have i_rwsem,
//! but for writeback in 6.12, and who fills a folio for a fault has not.

use std::ops::Range;

use stalemap_facade::{Backend, Op};

use super::xfs_iops::{drop_behind, zero_tail};
use crate::fs::change::{AtOnce, Job, Meaning, Plan};
use crate::state::folio::Folio;
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, IomapType};
use crate::words::extent::{Enospc, ExtentMap};
use crate::words::geometry::{Cell, FileBlock, within};
use crate::words::valid_size::{MkwriteValid, TruncateZeroBlock, ValidMoved, ValidRead, ValidWrite};
use crate::words::value::Value;

/// The mapping of a read, which ends with the block that the valid size lies in, or reaches over it; one that begins behind it is
/// unwritten.
pub(super) fn read_begin<B: Backend>(
    inode: &Inode<B>,
    map: &ExtentMap,
    block: FileBlock,
    iomap: Iomap,
) -> Iomap {
    let device = inode.sb.config.fs.valid_read() == ValidRead::Device;
    let Some(valid) = map.valid.filter(|_| iomap.kind == IomapType::Mapped && !device) else {
        return iomap;
    };
    let geometry = &inode.sb.geometry;
    let end = geometry.blocks_touched(&(0..valid)).end;
    // Where a mapping begins before the valid size, it may reach over it.
    let whole = inode.sb.config.fs.valid_read() == ValidRead::ZerosFolio;
    let folio = geometry.blocks_of_folio(block / geometry.blocks_per_folio());
    let from = if whole { folio.start.max(iomap.start) } else { block };
    if from >= end {
        return Iomap { kind: IomapType::Unwritten, start: block, addr: iomap.addr_of(block), ..iomap };
    }
    let end = if whole { iomap.end } else { iomap.end.min(end) };
    Iomap { end, valid: Some(valid), ..iomap }
}

/// The valid size, for who zeroes a folio from there on when he has filled it.
pub(crate) async fn look_when_read<B: Backend>(inode: &Inode<B>) -> Option<Cell> {
    let fs = &inode.sb.config.fs;
    if fs.valid_size() && fs.valid_read() == ValidRead::ZerosFolio { Some(look(inode).await) } else { None }
}

/// Whether a mapping of a read says unwritten since its blocks lie behind the valid size: files that have one have no unwritten
/// extents.
pub(crate) fn is_behind<B: Backend>(inode: &Inode<B>, iomap: &Iomap) -> bool {
    inode.sb.config.fs.valid_size() && iomap.kind == IomapType::Unwritten
}

/// The valid size, for who holds what keeps others from moving it.
pub(crate) async fn look<B: Backend>(inode: &Inode<B>) -> Cell {
    let map = inode.lock_map(Op::new("valid_size")).await;
    map.valid.unwrap_or(Cell::MAX)
}

/// Moves the valid size to the end of `written`, if it lies in there. Where it is then.
pub(crate) async fn advance<B: Backend>(inode: &Inode<B>, written: &Range<Cell>) -> Cell {
    let mut map = inode.lock_map(Op::new("extend_valid_size")).await;
    map.advance_valid_size(written);
    let valid = map.valid.unwrap_or(Cell::MAX);
    map.end();
    valid
}

/// Whether mmap(2) moves it.
pub(crate) fn moves_at_mmap<B: Backend>(inode: &Inode<B>) -> bool {
    let fs = &inode.sb.config.fs;
    fs.valid_size() && matches!(fs.mkwrite_valid(), MkwriteValid::AtMmap | MkwriteValid::AtMmapAndClose)
}

/// Whether munmap(2) does.
pub(crate) fn moves_at_close<B: Backend>(inode: &Inode<B>) -> bool {
    let fs = &inode.sb.config.fs;
    fs.valid_size() && fs.mkwrite_valid() == MkwriteValid::AtMmapAndClose
}

/// Whether a write reads what lies behind the valid size from the device, and blocks that it covers with those that it does not.
pub(crate) fn writes_over_device<B: Backend>(inode: &Inode<B>, iomap: &Iomap) -> bool {
    iomap.valid.is_some() && inode.sb.config.fs.valid_write() != ValidWrite::Zeros
}

/// From where on a write zeroes the blocks that it reads by a mapping up to `end`, for a copy to `covered`.
pub(crate) fn read_for_write<B: Backend>(
    inode: &Inode<B>,
    iomap: &Iomap,
    end: Cell,
    covered: Cell,
) -> Option<Cell> {
    let valid = iomap.valid?;
    match inode.sb.config.fs.valid_write() {
        ValidWrite::Zeros => Some(valid),
        ValidWrite::ZeroTail => Some(if end < valid { valid } else { covered }),
        ValidWrite::Device => None,
    }
}

/// `ntfs_iomap_put_folio`: what of a folio of `cells` lies behind the end of a copy is zeroed, if that is where the valid size goes.
pub(crate) fn put_folio<B: Backend>(
    inode: &Inode<B>,
    iomap: &Iomap,
    folio: &mut Folio,
    cells: &Range<Cell>,
    done: Cell,
) {
    let device = inode.sb.config.fs.valid_write() == ValidWrite::Device;
    if device && iomap.valid.is_some_and(|valid| valid <= done) {
        folio.cells[within(cells, &(done..cells.end))].fill(Value::ZERO);
    }
}

/// What a write to `start` has to zero first, in a file of `size`: from the valid size on. If it starts beyond end of file, the
/// blocks up to there are allocated (`exfat_cont_expand`, `ntfs_set_size`).
pub(crate) async fn gap<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    start: Cell,
) -> Result<Option<Range<Cell>>, Enospc> {
    let mut map = inode.lock_map(Op::new("valid_size")).await;
    if start > size {
        map.fill_holes(&inode.sb.geometry.blocks_touched(&(0..start)))?;
    }
    Ok(map.valid.filter(|valid| *valid < start).map(|valid| valid..start))
}

/// Whether a write moves the valid size while it has the folio locked.
pub(crate) fn moves_locked<B: Backend>(inode: &Inode<B>) -> bool {
    let fs = &inode.sb.config.fs;
    fs.valid_size() && fs.valid_moved() == ValidMoved::GetBlock
}

/// Whether it does when the mapping is given back.
pub(crate) fn moves_at_end<B: Backend>(inode: &Inode<B>) -> bool {
    let fs = &inode.sb.config.fs;
    fs.valid_size() && fs.valid_moved() == ValidMoved::IomapEnd
}

/// Whether a write fault does, for which it takes i_rwsem.
pub(crate) fn moves_in_fault<B: Backend>(inode: &Inode<B>) -> bool {
    let fs = &inode.sb.config.fs;
    fs.valid_size() && matches!(fs.mkwrite_valid(), MkwriteValid::Zeroed | MkwriteValid::Moved)
}

/// Writeback has mapped a block to write to it, where that moves the valid size: over all that lies before it, too.
pub(super) async fn mapped_for_writeback<B: Backend>(inode: &Inode<B>, block: FileBlock) {
    if moves_locked(inode) {
        let end = inode.sb.geometry.cells_of_block(block).end.min(inode.i_size_peek());
        advance(inode, &(0..end)).await;
    }
}

/// `exfat_setattr`, `ntfs_setattr`. A file that grows gets blocks, and the valid size stays (`exfat_cont_expand`). One
/// that shrinks takes it along.
pub(super) fn setattr_size<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell) -> Plan {
    let geometry = &inode.sb.geometry;
    if new_size > size {
        let blocks = geometry.blocks_touched(&(0..new_size));
        let name = inode.sb.config.fs.names().setattr_size;
        let jobs = [
            AtOnce::Extend { name, blocks, size: None },
            AtOnce::Grow(size..new_size),
            AtOnce::LogSize(new_size),
        ];
        let meaning = Meaning { grown: size..new_size, ..Meaning::default() };
        return Plan { jobs: jobs.map(Job::AtOnce).into(), meaning };
    }
    let mut jobs = match inode.sb.config.fs.truncate_zero_block() {
        TruncateZeroBlock::Written => zero_tail(inode, new_size),
        TruncateZeroBlock::Cache => Vec::new(),
    };
    jobs.push(Job::AtOnce(AtOnce::SetSize(new_size)));
    jobs.extend(drop_behind(inode, size, new_size));
    jobs.push(Job::AtOnce(AtOnce::Shrink(new_size)));
    Plan { jobs, meaning: Meaning { zeroed: new_size..geometry.cells(), ..Meaning::default() } }
}
