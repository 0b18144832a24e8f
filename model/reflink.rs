//! Reflink: `xfs_file_remap_range`, FICLONERANGE; fs/xfs/xfs_file.c, fs/xfs/xfs_reflink.c, 6.7.
//!
//! A mapping of the source is sampled under the source's ILOCK and used under the destination's. That is safe
//! because nobody can write to the source meanwhile: its locks are held, since 6.7 only shared, so that reads
//! go on, with a flag (IREMAPPING) that makes those wait who would write under a shared lock: page faults and
//! direct writes. A design may let the locks go and compare instead (`clone_lock`, `reflink_check`).
//!
//! Left out: deduplication, quota, and the check that the range is block aligned or ends at the source's end of file.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Op, Ordering, Returned};

use crate::fs;
use crate::fs::eof::{Grower, eof_tail};
use crate::fs::xfs_inode::{ALL_LOCKS, inode_dio_wait_both, xfs_ilock2_io_mmap, xfs_iunlock2_io_mmap};
use crate::iomap::valid::{current_or_dropped, op_of};
use crate::iomap::write_state::WriteState;
use crate::iomap::zero::zero_range;
use crate::iomap::{self, Written};
use crate::path::{Part, Path, Stepped};
use crate::state::event::{Checker, Errno, What};
use crate::state::inode::Inode;
use crate::state::map_change::MapSection;
use crate::state::mapping::Iomap;
use crate::state::world::World;
use crate::truncate::{self, TruncateState};
use crate::words::branches;
use crate::words::check_design::ReflinkCheck;
use crate::words::command::{Command, FileId};
use crate::words::config::FileCommand;
use crate::words::dio_design::DioWait;
use crate::words::extent::Extent;
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::map_design::UnmapCow;
use crate::words::ordering::Link;
use crate::words::personality::{CloneLock, CloneUnmap};
use crate::words::value::WriteId;
use crate::writeback::flush::{self, FlushState};

/// The judge's number of a call that makes a file grow and writes nothing.
const NO_WRITE: WriteId = 0;

/// What is cloned.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Remap {
    /// The file whose blocks are shared.
    pub source: FileId,
    /// The file that shares them.
    pub to: FileId,
    /// From where in the source.
    pub from: Cell,
    /// Which cells of the destination.
    pub cells: Range<Cell>,
}

/// Which of the two ranges is meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    /// The one whose blocks are shared.
    Source,
    /// The one that is replaced.
    To,
    /// The same, from end of file on where it begins behind that.
    FromEof,
}

/// Where a reflink stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ReflinkState {
    /// Before the locks: how many are held.
    Lock(Remap, u8),
    /// Writing back the source's range, then the destination's, and waiting for that.
    Flush {
        /// What is shared.
        remap: Remap,
        /// Whose range is written back.
        side: Side,
        /// How far that is.
        flush: FlushState,
    },
    /// Zeroing from the destination's end of file to where its range begins.
    Zero(Remap, Box<WriteState>),
    /// Removing the destination's range from the page cache.
    Invalidate(Remap, TruncateState),
    /// Before the blocks that begin here are looked up in the source.
    Remap(Remap, FileBlock),
    /// Before the destination's size.
    Finish(Remap),
    /// EINVAL, with all locks held.
    Refuse(Remap),
}

impl ReflinkState {
    /// Before a reflink.
    pub fn new(remap: Remap) -> Self {
        ReflinkState::Lock(remap, 0)
    }
}

impl Remap {
    /// The two files; one twice if they are the same.
    fn files(&self) -> [FileId; 2] {
        [self.to, self.source]
    }

    /// The cells of the source.
    fn source_cells(&self) -> Range<Cell> {
        self.from..self.from + (self.cells.end - self.cells.start)
    }

    /// What is zeroed before the destination's range, and the range.
    fn cells_from_eof<B: Backend>(&self, w: &World<B>) -> Range<Cell> {
        let to = &w.inodes[usize::from(self.to)];
        let start = match to.sb.config.fs.clone_unmap() {
            CloneUnmap::FromEof => to.i_size_peek().min(self.cells.start),
            CloneUnmap::Range => self.cells.start,
        };
        start..self.cells.end
    }

    /// One of the ranges, in whole folios, and the file that it lies in.
    fn folios<'w, B: Backend>(&self, w: &'w World<B>, side: Side) -> (&'w Inode<B>, Range<FolioIndex>) {
        let (number, cells) = match side {
            Side::Source => (self.source, self.source_cells()),
            Side::To => (self.to, self.cells.clone()),
            Side::FromEof => (self.to, self.cells_from_eof(w)),
        };
        (&w.inodes[usize::from(number)], w.sb.geometry.folios_touched(&cells))
    }
}

impl Path for ReflinkState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Reflink { source, from, range } = part.first()? else { return None };
        Some(ReflinkState::new(Remap {
            source: *source,
            to: part.inode.number,
            from: part.inode.sb.geometry.cell_at(*from),
            cells: part.cells(range),
        }))
    }

    async fn step<B: Backend>(self, w: &World<B>, _: &Inode<B>, me: ActorId) -> Stepped<Self> {
        step(w, me, self).await
    }
}

/// The hint by which copies are allocated, in blocks (`cowextsize`).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CowExtentSize(u16);

impl Path for CowExtentSize {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Cowextsize { size } = part.first()? else { return None };
        let blocks = size.div_ceil(part.inode.sb.geometry.block_size());
        Some(CowExtentSize(u16::try_from(blocks).unwrap_or(u16::MAX)))
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, _: ActorId) -> Stepped<Self> {
        inode.lock_map(Op::new("cowextsize")).await.set_cow_extent_size(self.0);
        ControlFlow::Break(())
    }
}

/// One step of a reflink.
pub async fn step<B: Backend>(
    w: &World<B>,
    me: ActorId,
    state: ReflinkState,
) -> ControlFlow<Returned, ReflinkState> {
    let file = |number: FileId| &w.inodes[usize::from(number)];
    ControlFlow::Continue(match state {
        ReflinkState::Lock(remap, held) => lock(w, me, remap, held).await,
        ReflinkState::Flush { remap, side, flush } => {
            let (file, _) = remap.folios(w, side);
            match (flush::step(file, me, flush).await, side) {
                (ControlFlow::Continue(flush), _) => ReflinkState::Flush { remap, side, flush },
                (ControlFlow::Break(Ok(())), Side::Source) => write_back(w, remap, Side::To),
                (ControlFlow::Break(Ok(())), Side::To) => xfs_reflink_zero_posteof(w, remap),
                (ControlFlow::Break(Ok(())), Side::FromEof) => invalidate(w, remap),
                (ControlFlow::Break(Err(_)), _) => {
                    give_up(w, me, &remap);
                    return ControlFlow::Break(Returned::Error);
                }
            }
        }
        ReflinkState::Zero(remap, inner) => match iomap::step(file(remap.to), me, *inner).await {
            ControlFlow::Continue(inner) => ReflinkState::Zero(remap, Box::new(inner)),
            ControlFlow::Break(Written { full: true }) => xfs_flush_unmap_range(w, remap),
            ControlFlow::Break(Written { full: false }) => {
                give_up(w, me, &remap);
                return ControlFlow::Break(Returned::Error);
            }
        },
        ReflinkState::Invalidate(remap, inner) => match truncate::step(file(remap.to), me, inner).await {
            ControlFlow::Continue(inner) => ReflinkState::Invalidate(remap, inner),
            ControlFlow::Break(()) => {
                demote(w, me, &remap);
                let first = file(remap.to).sb.geometry.blocks_touched(&remap.cells).start;
                ReflinkState::Remap(remap, first)
            }
        },
        ReflinkState::Remap(remap, block) => remap_extent(w, me, remap, block).await,
        ReflinkState::Refuse(remap) => {
            xfs_iunlock2_io_mmap(w, me, remap.files());
            file(remap.to).emit(|| What::Failed(Errno::Invalid));
            return ControlFlow::Break(Returned::Error);
        }
        ReflinkState::Finish(remap) => {
            finish(w, me, &remap).await;
            return ControlFlow::Break(Returned::Success);
        }
    })
}

/// The next lock; with the last one, what is allowed, and who is to be waited for. Direct I/O in flight raises a size when it
/// completes, without these locks: the source's is looked at before it is waited for, and not again.
async fn lock<B: Backend>(w: &World<B>, me: ActorId, remap: Remap, held: u8) -> ReflinkState {
    let held = xfs_ilock2_io_mmap(w, me, remap.files(), held).await;
    if held < ALL_LOCKS {
        return ReflinkState::Lock(remap, held);
    }
    let source = &w.inodes[usize::from(remap.source)];
    if !generic_remap_checks(w, &remap) {
        return ReflinkState::Refuse(remap);
    }
    inode_dio_wait_both(w, remap.files(), DioWait::Locked).await;
    // The kernel looks after the write-back, which changes no size.
    if !generic_remap_check_len(w, &remap) {
        return ReflinkState::Refuse(remap);
    }
    // From here on the source can be written to through page-table entries only, until it is written back.
    source.oracle.begin_read(&source.sb.geometry, me, &remap.source_cells());
    let to = &w.inodes[usize::from(remap.to)];
    to.oracle.begin_growth(&to.sb.geometry, NO_WRITE, &(to.i_size_peek()..remap.cells.start));
    write_back(w, remap, Side::Source)
}

/// Nothing was shared yet, and all locks are held.
fn give_up<B: Backend>(w: &World<B>, me: ActorId, remap: &Remap) {
    let (source, to) = (&w.inodes[usize::from(remap.source)], &w.inodes[usize::from(remap.to)]);
    source.oracle.end_read(&source.sb.geometry, me, &remap.source_cells());
    to.oracle.end_growth(&to.sb.geometry, NO_WRITE, remap.cells.start, false);
    xfs_iunlock2_io_mmap(w, me, remap.files());
}

/// `xfs_reflink_zero_posteof` (fs/xfs/xfs_reflink.c).
fn xfs_reflink_zero_posteof<B: Backend>(w: &World<B>, remap: Remap) -> ReflinkState {
    let to = &w.inodes[usize::from(remap.to)];
    match eof_tail(to, to.i_size_peek(), remap.cells.start, Grower::Write) {
        Some(tail) => ReflinkState::Zero(remap, Box::new(zero_range(to, tail))),
        None => xfs_flush_unmap_range(w, remap),
    }
}

/// Writes back what was dirtied since the range was; that is what lies between end of file and the range.
fn xfs_flush_unmap_range<B: Backend>(w: &World<B>, remap: Remap) -> ReflinkState {
    if remap.cells_from_eof(w).start < remap.cells.start {
        write_back(w, remap, Side::FromEof)
    } else {
        invalidate(w, remap)
    }
}

/// What was written back leaves the page cache.
fn invalidate<B: Backend>(w: &World<B>, remap: Remap) -> ReflinkState {
    let to = &w.inodes[usize::from(remap.to)];
    to.oracle.begin_replace(&to.sb.geometry, &remap.cells);
    let drop = TruncateState::of_pages(to, &remap.cells_from_eof(w));
    ReflinkState::Invalidate(remap, drop)
}

/// `filemap_write_and_wait_range`.
fn write_back<B: Backend>(w: &World<B>, remap: Remap, side: Side) -> ReflinkState {
    let (_, folios) = remap.folios(w, side);
    ReflinkState::Flush { remap, side, flush: FlushState::new(folios) }
}

/// `xfs_ilock2_io_mmap` is undone as far as reads of the source need it, which write faults must not use; or for the source as a
/// whole (a mutant).
fn demote<B: Backend>(w: &World<B>, me: ActorId, remap: &Remap) {
    let source = &w.inodes[usize::from(remap.source)];
    if remap.source == remap.to {
        return;
    }
    match source.sb.config.fs.clone_lock() {
        // Where there is no reflink nobody gets here: its command is refused.
        CloneLock::Exclusive | CloneLock::Absent => return,
        CloneLock::Released => {
            source.invalidate_lock.up_write(me);
            source.i_rwsem.up_write(me);
            return;
        }
        CloneLock::Demoted | CloneLock::DemotedUnguarded => {}
    }
    source.remapping.publish(1, Ordering::Relaxed);
    source.i_rwsem.downgrade_write(me);
    source.invalidate_lock.downgrade_write(me);
}

/// The destination's ILOCK, or `None` where the design compares and the source's extent is not what it was. Then the source's ILOCK is
/// held as well, taken in the order of `xfs_lock_two_inodes`; from here to the change there is no further operation, so that it
/// may be let go.
async fn xfs_reflink_remap_extent<'w, B: Backend>(
    source: &'w Inode<B>,
    to: &'w Inode<B>,
    iomap: &Iomap,
) -> Option<MapSection<'w, B>> {
    let op = Op::new("xfs_reflink_remap_extent");
    if fs::reflink_check(&to.sb.config) == ReflinkCheck::Never {
        return Some(to.lock_map(op).await);
    }
    let compare = op_of(source, Checker::Reflink);
    let is_current =
        |map: &MapSection<'_, B>| current_or_dropped(source, map, iomap, iomap.start, Checker::Reflink);
    if source.number == to.number {
        let map = to.lock_map(compare).await;
        return is_current(&map).then_some(map);
    }
    if to.number < source.number {
        let map = to.lock_map(op).await;
        let of_source = source.lock_map(compare).await;
        return is_current(&of_source).then_some(map);
    }
    let of_source = source.lock_map(compare).await;
    if !is_current(&of_source) {
        return None;
    }
    Some(to.lock_map(op).await)
}

/// One extent of the source (`xfs_reflink_remap_blocks`): sampled there, then shared, as far as the destination has one extent
/// (`xfs_reflink_remap_extent`). Where both are alike already, nothing is done, and the size waits for the end.
async fn remap_extent<B: Backend>(w: &World<B>, me: ActorId, remap: Remap, block: FileBlock) -> ReflinkState {
    let (source, to) = (&w.inodes[usize::from(remap.source)], &w.inodes[usize::from(remap.to)]);
    let geometry = &to.sb.geometry;
    let blocks = geometry.blocks_touched(&remap.cells);
    if block >= blocks.end {
        return ReflinkState::Finish(remap);
    }
    let from = geometry.block_of(remap.from) + (block - blocks.start);
    let mut map = source.lock_map(Op::new("xfs_reflink_remap_blocks")).await;
    // xfs_reflink_set_inode_flag; nobody asks before a block is shared.
    map.set_reflink();
    let end = map.extent_around(from).end.min(from + (blocks.end - block));
    let mut extents: Vec<Extent> = (from..end).map(|block| map.get(block)).collect();
    let iomap = map.map_part(from..end, &source.data_sequence());
    drop(map);

    let Some(mut map) = xfs_reflink_remap_extent(source, to, &iomap).await else {
        return ReflinkState::Remap(remap, block);
    };
    map.set_reflink();
    extents.truncate(usize::from(map.extent_around(block).end - block));
    let next = block + extents.len() as FileBlock;
    let alike = extents.first().is_some_and(|extent| match (extent, map.get(block)) {
        (Extent::Unwritten(_), Extent::Unwritten(_)) => true,
        (extent, present) => *extent == present,
    });
    if !alike {
        map.share(block, &extents);
    }
    if to.sb.config.design.unmap_cow() == UnmapCow::Cancelled {
        map.cancel_copies(block..next);
    }
    let cells = geometry.cells_of_blocks(&(block..next));
    let cells = cells.start.max(remap.cells.start)..cells.end.min(remap.cells.end);
    let first = remap.from + (cells.start - remap.cells.start);
    let end = remap.from + (cells.end - remap.cells.start);
    let values = source.oracle.may_return(geometry, me, &(first..end));
    to.oracle.replace(geometry, &cells, first, &values);
    // The same transaction raises the size.
    if !alike {
        grow(to, &mut map, remap.cells.start, cells.end);
    }
    map.end();
    if extents.iter().any(|extent| matches!(extent, Extent::Written(_))) {
        to.sb.backend.reach(branches::SHARE);
    }
    ReflinkState::Remap(remap, next)
}

/// The file ends at `end` at least; what lies between its end and `start` reads as zeros.
fn grow<B: Backend>(to: &Inode<B>, map: &mut MapSection<'_, B>, start: Cell, end: Cell) {
    let size = to.i_size_peek();
    if end > size {
        to.oracle.gap(&to.sb.geometry, &(size..start.max(size)));
        to.i_size.publish(u64::from(end), to.order(Link::SizeStore));
        map.log_size(end);
    }
}

/// `generic_remap_checks` (fs/remap_range.c): the range lies in the source, and a block that it ends in the middle of is the
/// last one there.
fn generic_remap_checks<B: Backend>(w: &World<B>, remap: &Remap) -> bool {
    let cells = remap.source_cells();
    let size = w.inodes[usize::from(remap.source)].i_size_peek();
    cells.start < size && cells.end <= size && (ends_with_a_block(w, remap) || cells.end == size)
}

/// `generic_remap_check_len` (fs/remap_range.c): a block that the range ends in the middle of is the last one of the destination,
/// too.
fn generic_remap_check_len<B: Backend>(w: &World<B>, remap: &Remap) -> bool {
    ends_with_a_block(w, remap) || remap.cells.end >= w.inodes[usize::from(remap.to)].i_size_peek()
}

fn ends_with_a_block<B: Backend>(w: &World<B>, remap: &Remap) -> bool {
    let (geometry, cells) = (&w.sb.geometry, remap.source_cells());
    geometry.cells_of_blocks(&geometry.blocks_touched(&cells)).end == cells.end
}

/// The hint of the source, if it becomes that of the destination: where a whole file is cloned over a whole file (`xfs_file_remap_range`).
/// None, or none that matters: 0.
async fn carried_hint<B: Backend>(w: &World<B>, remap: &Remap) -> u16 {
    let config = &w.sb.config;
    let calls = || config.setup.iter().chain(config.actors.iter().flat_map(|actor| &actor.run));
    let sets_hint = |call: &FileCommand| {
        let Command::Cowextsize { .. } = call.command else { return false };
        call.file == remap.source
    };
    let has_hint = calls().any(sets_hint);
    let size = |file: FileId| w.inodes[usize::from(file)].i_size_peek();
    let is_whole = remap.from == 0
        && remap.cells.start == 0
        && remap.cells.end == size(remap.source)
        && remap.cells.end >= size(remap.to);
    if !has_hint || !is_whole || remap.source == remap.to {
        return 0;
    }
    let source = &w.inodes[usize::from(remap.source)];
    source.lock_map(Op::new("xfs_file_remap_range")).await.cow_extent_size
}

/// `xfs_reflink_update_dest` and the release of all locks.
async fn finish<B: Backend>(w: &World<B>, me: ActorId, remap: &Remap) {
    let (source, to) = (&w.inodes[usize::from(remap.source)], &w.inodes[usize::from(remap.to)]);
    let hint = carried_hint(w, remap).await;
    if remap.cells.end > to.i_size_peek() || hint != 0 {
        let mut map = to.lock_map(Op::new("xfs_reflink_update_dest")).await;
        grow(to, &mut map, remap.cells.start, remap.cells.end);
        if map.cow_extent_size == 0 {
            map.set_cow_extent_size(hint);
        }
        map.end();
    }
    source.oracle.end_read(&source.sb.geometry, me, &remap.source_cells());
    to.oracle.end_growth(&to.sb.geometry, NO_WRITE, remap.cells.start, true);
    if remap.source != remap.to {
        match source.sb.config.fs.clone_lock() {
            CloneLock::Exclusive | CloneLock::Absent => {
                source.invalidate_lock.up_write(me);
                source.i_rwsem.up_write(me);
            }
            CloneLock::Demoted | CloneLock::DemotedUnguarded => {
                source.remapping.publish(0, Ordering::Relaxed);
                source.invalidate_lock.up_read(me);
                source.i_rwsem.up_read(me);
            }
            CloneLock::Released => {}
        }
    }
    to.invalidate_lock.up_write(me);
    to.i_rwsem.up_write(me);
}

/// `xfs_ilock_for_write_fault` (fs/xfs/xfs_file.c, 6.7): invalidate_lock shared, but not while the file's blocks
/// are being shared. The kernel then keeps the exclusive lock that it waited with; a shared one excludes the next
/// reflink as well.
pub async fn xfs_ilock_for_write_fault<B: Backend>(inode: &Inode<B>, me: ActorId) {
    inode.invalidate_lock.down_read(Op::new("down_read invalidate_lock"), me).await;
    let unguarded = || inode.sb.config.fs.clone_lock() == CloneLock::DemotedUnguarded;
    if !inode.reflinks || unguarded() || inode.remapping.peek() == 0 {
        return;
    }
    inode.invalidate_lock.up_read(me);
    inode.invalidate_lock.down_write(Op::new("down_write invalidate_lock"), me).await;
    inode.invalidate_lock.downgrade_write(me);
}
