//! Personalities: what a file system does on its own account, as a table of values.
//!
//! The paths of the iomap core call the functions here where the kernel calls `->iomap_begin`, `->map_blocks`
//! and the like; which of the file systems' functions that leads to is a question of the values, so that a
//! scenario can have a file system that nobody has written yet. A built-in one is a file here and a line in
//! `personalities!`.

pub mod bmap_util;
pub mod change;
pub mod eof;
mod ext4_file;
mod gfs2_file;
pub mod gfs2_log;
pub mod glock;
pub mod stuffed;
pub mod valid_size;
mod xfs_aops;
pub mod xfs_dio;
mod xfs_file;
pub mod xfs_inode;
mod xfs_iops;
pub mod xfs_reflink;
pub mod xfs_seek;

use std::ops::Range;

use stalemap_facade::{Backend, Leaf};

use crate::fs::change::{FallocMode, Plan, Refused, Sizes};
use crate::fs::xfs_dio::{Overwrite, Refusal, xfs_direct_write_iomap_begin};
use crate::state::event::{Checker, Expense, Fill, Method};
use crate::state::inode::Inode;
use crate::state::map_change::MapSection;
use crate::state::mapping::{Iomap, IomapType};
use crate::state::validity::CowSeen;
use crate::words::check_design::{
    DioReadCheck, DioWriteCheck, MkwriteCheck, PassCheck, ReadCheck, ReflinkCheck,
};
use crate::words::config::Config;
use crate::words::design::{Check, IterCalls, WritebackCheck, ZeroedUptodate};
use crate::words::extent::{Enospc, Extent, ExtentMap, Phys};
use crate::words::geometry::{Cell, FileBlock};
use crate::words::personality::{Allocate, FsType, Hooks, Personality};

/// Declares the files of the built-in personalities: each has a function `personality` and a name in scenario files.
macro_rules! personalities {
    ($($name:literal: $file:ident,)*) => {
        $(pub mod $file;)*

        impl Personality {
            /// The names of the built-in personalities.
            pub const BUILT_IN: &'static [&'static str] = &[$($name,)*];

            /// A built-in personality by name.
            pub fn built_in(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Personality { base: $name, ..$file::personality() }),)*
                    _ => None,
                }
            }
        }
    };
}

personalities! {
    "xfs": xfs,
    "xfs-zoned": zoned,
    "gfs2": gfs2,
    "gfs2-jdata": jdata,
    "zonefs": zonefs,
    "ext4-iomap": ext4,
}

/// When a pass of a buffered write validates its mapping: as the design says, where the file system has a method for it.
pub fn check(config: &Config, fill: Fill) -> Check {
    let own = match fill {
        Fill::Data => PassCheck::AsWrite,
        Fill::Zero => config.design.zero_check(),
        Fill::Unshare => config.design.unshare_check(),
    };
    match own {
        _ if !config.fs.counter() => Check::Never,
        PassCheck::AsWrite => config.design.check(),
        PassCheck::Never => Check::Never,
        PassCheck::AfterLock => Check::AfterLock,
    }
}

/// Who validates the mapping of a pass.
pub fn checker(config: &Config, fill: Fill) -> Checker {
    match fill {
        Fill::Zero if config.design.zero_check() == PassCheck::AfterLock => Checker::Zero,
        Fill::Unshare if config.design.unshare_check() == PassCheck::AfterLock => Checker::Unshare,
        Fill::Data | Fill::Zero | Fill::Unshare => Checker::Write,
    }
}

/// When a write fault does.
pub fn mkwrite_check(config: &Config) -> MkwriteCheck {
    if config.fs.counter() { config.design.mkwrite_check() } else { MkwriteCheck::Never }
}

/// When who fills a folio for a reader does.
pub fn read_check(config: &Config) -> ReadCheck {
    if config.fs.counter() { config.design.read_check() } else { ReadCheck::Never }
}

/// When a direct write does.
pub fn dio_write_check(config: &Config) -> DioWriteCheck {
    if config.fs.counter() { config.design.dio_write_check() } else { DioWriteCheck::Never }
}

/// When a direct read does.
pub fn dio_read_check(config: &Config) -> DioReadCheck {
    if config.fs.counter() { config.design.dio_read_check() } else { DioReadCheck::Never }
}

/// When a reflink does.
pub fn reflink_check(config: &Config) -> ReflinkCheck {
    if config.fs.counter() { config.design.reflink_check() } else { ReflinkCheck::Never }
}

/// When a block is valid that a write has zeroed in part: as the design says, but where there are buffers, after the copy
/// (`__block_write_begin_int` and `__block_commit_write`, fs/buffer.c, 6.1).
pub fn zeroed_uptodate<B: Backend>(inode: &Inode<B>) -> ZeroedUptodate {
    match inode.hooks() {
        Hooks::Jdata => ZeroedUptodate::AfterCopy,
        Hooks::Nothing => inode.sb.config.design.zeroed_uptodate(),
    }
}

/// How writeback validates its mapping: without a counter, what is left of a test with one is the range.
pub fn writeback_check(config: &Config) -> WritebackCheck {
    match config.design.writeback_check() {
        WritebackCheck::RangeData if !config.fs.counter() => WritebackCheck::Range,
        check => check,
    }
}

/// The blocks that a write of `cells` reserves before it begins.
pub fn reserve_budget<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> Result<u16, Enospc> {
    if inode.sb.config.fs.is_out_of_place() { zoned::xfs_zoned_space_reserve(inode, cells) } else { Ok(0) }
}

/// What a write has left of its budget is given back.
pub fn return_budget<B: Backend>(inode: &Inode<B>, budget: u16) {
    if budget > 0 {
        inode.sb.unreserve_blocks(budget);
    }
}

/// A mapping is got, by the call that the design has for that.
fn account_mapping<B: Backend>(inode: &Inode<B>) {
    inode.account(Expense::Mapped);
    inode.account_call(|| {
        Some(Expense::Called(match inode.sb.config.design.iter_calls() {
            IterCalls::BeginEnd => Method::IomapBegin,
            IterCalls::Next => Method::IomapNext,
        }))
    });
}

/// `->iomap_begin` of a buffered write or write fault of `cells`.
pub fn write_begin<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    cells: &Range<Cell>,
    budget: &mut u16,
) -> Result<Iomap, Enospc> {
    let Range { start: block, end: limit } = inode.sb.geometry.blocks_touched(cells);
    account_mapping(inode);
    let valid = map.valid;
    let iomap = match inode.sb.config.fs.allocate() {
        Allocate::Delalloc | Allocate::Unwritten => {
            xfs::xfs_buffered_write_iomap_begin(inode, map, block, limit)
        }
        Allocate::Written => match stuffed::iomap(inode, map, block) {
            Some(iomap) => Ok(iomap),
            None => gfs2::gfs2_iomap_begin_write(inode, map, block, limit),
        },
        Allocate::OutOfPlace => zoned::xfs_zoned_buffered_write_iomap_begin(inode, map, cells, budget),
        Allocate::Static => Ok(map.map(block, &inode.data_sequence())),
    };
    iomap.map(|iomap| Iomap { valid, ..iomap })
}

/// `->iomap_begin` of a read.
pub fn read_begin<B: Backend>(inode: &Inode<B>, map: &MapSection<'_, B>, block: FileBlock) -> Iomap {
    let iomap =
        stuffed::iomap(inode, map, block).unwrap_or_else(|| xfs::xfs_read_iomap_begin(inode, map, block));
    valid_size::read_begin(inode, map, block, iomap)
}

/// Whether a write through a mapping calls the hooks around each folio (`iomap->page_ops`).
pub fn has_folio_hooks<B: Backend>(inode: &Inode<B>, iomap: &Iomap) -> bool {
    inode.hooks() == Hooks::Jdata || iomap.kind == IomapType::Inline
}

/// `->iomap_begin` of a direct write of `blocks`, clipped to them, which takes the ILOCK.
pub async fn direct_write_begin<B: Backend>(
    inode: &Inode<B>,
    blocks: &Range<FileBlock>,
    overwrite: Overwrite,
) -> Result<Iomap, Refusal> {
    account_mapping(inode);
    if inode.sb.config.fs.allocate() == Allocate::Written {
        gfs2::gfs2_direct_write_iomap_begin(inode, blocks).await
    } else {
        xfs_direct_write_iomap_begin(inode, blocks, overwrite).await
    }
}

/// `->iomap_begin` of zeroing or unsharing `cells`, which allocates nothing but copies. Behind the valid size there is nothing to
/// zero, unless it is to be moved from there on.
pub fn zero_begin<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    cells: &Range<Cell>,
    budget: &mut u16,
) -> Result<Iomap, Enospc> {
    let blocks = &inode.sb.geometry.blocks_touched(cells);
    account_mapping(inode);
    let valid = map.valid;
    if valid.is_some_and(|valid| cells.start > valid) {
        return Ok(Iomap { end: blocks.end, ..Iomap::of_hole(blocks.start) });
    }
    let iomap = if inode.sb.config.fs.is_out_of_place() {
        zoned::xfs_zoned_zero_iomap_begin(inode, map, blocks, budget)
    } else {
        xfs::xfs_zero_iomap_begin(inode, map, blocks.start, blocks.end)
    };
    iomap.map(|iomap| Iomap { valid, ..iomap })
}

/// `->setattr` of a file of `size` that is to be `new_size` long, with all its locks held. Left out: ext4's own order of the
/// jobs.
pub fn setattr_size<B: Backend>(inode: &Inode<B>, old: Sizes, new_size: Cell) -> Plan {
    if inode.sb.config.fs.valid_size() {
        valid_size::setattr_size(inode, old.now, new_size)
    } else if inode.sb.config.fs.allocate() == Allocate::Written {
        gfs2_file::gfs2_setattr_size(inode, old.now, new_size)
    } else {
        xfs_iops::xfs_setattr_size(inode, old, new_size)
    }
}

/// `->fallocate` of a file of `size`, with all its locks held.
pub fn fallocate<B: Backend>(inode: &Inode<B>, size: Cell, mode: &FallocMode) -> Result<Plan, Refused> {
    if inode.sb.config.fs.allocate() == Allocate::Written {
        return gfs2_file::gfs2_fallocate(inode, size, mode);
    }
    let own = (inode.sb.config.fs.fs_type() == FsType::Ext4)
        .then(|| ext4_file::ext4_fallocate(inode, size, mode))
        .flatten();
    own.unwrap_or_else(|| xfs_file::xfs_file_fallocate(inode, size, mode))
}

/// `->fileattr_set`, with all locks of the file held: its data are journalled from here on, or are not.
pub fn set_flags<B: Backend>(inode: &Inode<B>, hooks: Hooks) -> Plan {
    gfs2_file::do_gfs2_set_flags(inode, hooks)
}

/// `->map_blocks` of writeback, which takes the ILOCK. `cow_seq` is what the pass remembers of the COW fork's counter.
pub async fn map_blocks<B: Backend>(inode: &Inode<B>, block: FileBlock, cow_seq: &mut CowSeen) -> Iomap {
    valid_size::mapped_for_writeback(inode, block).await;
    if inode.sb.config.fs.is_out_of_place() {
        zoned::xfs_zoned_map_blocks(inode, block).await
    } else {
        xfs_aops::xfs_map_blocks(inode, block, cow_seq).await
    }
}

/// Whether using a mapping for `block` gives another result than a fresh one would. A NEW mapping that counts as
/// written stands for zeros, which is wrong as soon as the block was written. One of a copy over a hole, if that counts as
/// written, names the copy's place, and so does a fresh one as long as the copy is there.
pub fn misleads<B: Backend>(inode: &Inode<B>, iomap: &Iomap, block: FileBlock, map: &ExtentMap) -> bool {
    if iomap.kind == IomapType::Inline {
        return inode.audit_stuffed().is_none();
    }
    let extent = map.get(block);
    if iomap.shared && iomap.source.is_none() && iomap.kind == IomapType::Mapped && extent == Extent::Hole {
        return map.cow.get(block).phys() != iomap.addr_of(block);
    }
    let addr: Option<Phys> = iomap.addr_of(block).filter(|_| iomap.new && iomap.kind == IomapType::Mapped);
    let Some(phys) = addr.filter(|phys| extent == Extent::Written(*phys)) else {
        return iomap.misleads(block, extent);
    };
    let mut written = false;
    inode.sb.disk[usize::from(phys)].audit(|contents| written = contents.is_some());
    written
}
