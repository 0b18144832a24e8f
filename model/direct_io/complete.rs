//! The completion of direct I/O: `iomap_dio_complete` (fs/iomap/direct-io.c) with
//! `xfs_dio_write_end_io` (fs/xfs/xfs_file.c), 6.2.
//!
//! The order is what others rely on: the data is on the device, extents are converted, then the size is raised,
//! then what the page cache has of the range is dropped, and only then is the write acknowledged and no longer
//! counted. A write that is waited for is completed by its submitter, who still holds i_rwsem; another one by a
//! worker of its own, without any lock.
//!
//! Left out: completion of overwrites in interrupt context; the steps are the same. The calls of one `@aio` command complete
//! in the order in which they were submitted; those of several commands in any order.

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Atomic, Backend, Lock, Op, Ordering};

use crate::direct_io::device::write_device;
use crate::direct_io::invalidate::invalidate_folio2;
use crate::direct_io::read;
use crate::fs::xfs::xfs_iomap_write_unwritten;
use crate::fs::xfs_reflink::xfs_reflink_end_cow_extent;
use crate::path::{Part, Path, Stepped};
use crate::state::aio::{Aio, AioQueue, Completer, Dio, DirectRead};
use crate::state::dio_count::inode_dio_end;
use crate::state::event::{Errno, What};
use crate::state::inode::Inode;
use crate::state::slot::Eviction;
use crate::state::wb_error::WbError;
use crate::state::world::World;
use crate::words::branches;
use crate::words::command::{Command, FileId};
use crate::words::dio_design::{DioAck, DioInvalidate, DioIsize, DioSize};
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::ordering::Link;
use crate::words::personality::DioLock;

/// What follows the dropping of cached folios.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Next {
    /// Conversion (a mutant).
    EndIo,
    /// Nothing.
    Finish,
}

/// Where a completion stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Completion {
    /// Before the next write to the device.
    Device(Dio),
    /// Before the next folio is looked for, from which it depends whether folios have to be dropped.
    Cached(Dio, FolioIndex),
    /// Before the size is raised, where that is a step of its own.
    Size(Dio),
    /// Before i_size is raised, which was this, with i_flags_lock held.
    Store(Dio, Cell),
    /// Before the size on disk is, which was not under that lock.
    SetFileSize(Dio),
    /// Before the conversion, from a block on.
    Convert(Dio, FileBlock),
    /// Before copies are put in the place of shared blocks, from a block on.
    EndCow(Dio, FileBlock),
    /// Before the next folio is dropped.
    Invalidate {
        /// The write.
        dio: Dio,
        /// The folio.
        index: FolioIndex,
        /// What follows the last one.
        next: Next,
    },
    /// Before it is kept that folios could not be dropped; what follows.
    Warn(Dio, Next),
}

/// Where a worker stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum WorkerState {
    /// Waiting for I/O.
    Idle,
    /// Completing a write.
    Write(FileId, Completion),
    /// Completing a read.
    Read(FileId, DirectRead),
}

/// `@wait` (io_getevents): until all that one command has submitted is acknowledged, by its worker's number.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Getevents(u8);

impl Path for Getevents {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        // All that was submitted before, one after the other.
        let Command::Wait = part.command() else { return None };
        part.submitted().map(|worker| Getevents(worker.number)).nth(usize::from(part.number))
    }

    async fn step<B: Backend>(self, w: &World<B>, _: &Inode<B>, _: ActorId) -> Stepped<Self> {
        let done = |queue: &AioQueue, _: u64| queue.outstanding == 0;
        drop(w.sb.aio[usize::from(self.0)].lock_when(Op::new("io_getevents"), done, 0).await);
        ControlFlow::Break(())
    }
}

/// One step of the worker that completes the I/O of one command, one after the other. It never finishes.
pub async fn worker_step<B: Backend>(
    w: &World<B>,
    worker: u8,
    state: WorkerState,
) -> ControlFlow<(), WorkerState> {
    let inode = |file: FileId| &w.inodes[usize::from(file)];
    ControlFlow::Continue(match state {
        WorkerState::Idle => {
            let some = |queue: &AioQueue, _: u64| !queue.queued.is_empty();
            let mut queue = w.sb.aio[usize::from(worker)].lock_when(Op::new("aio"), some, 0).await;
            match queue.queued.remove(0) {
                Aio::Write(file, dio) => WorkerState::Write(file, submitted(dio)),
                Aio::Read(file, read) => WorkerState::Read(file, read),
            }
        }
        WorkerState::Write(file, completion) => match step(inode(file), completion).await {
            ControlFlow::Continue(completion) => WorkerState::Write(file, completion),
            ControlFlow::Break(_) => WorkerState::Idle,
        },
        WorkerState::Read(file, read) => match read::complete(inode(file), read).await {
            ControlFlow::Continue(read) => WorkerState::Read(file, read),
            ControlFlow::Break(_) => {
                acknowledge_aio(inode(file), worker);
                WorkerState::Idle
            }
        },
    })
}

/// The I/O of a write is submitted.
pub fn submitted(dio: Dio) -> Completion {
    Completion::Device(dio)
}

/// One step of a completion.
pub async fn step<B: Backend>(inode: &Inode<B>, state: Completion) -> ControlFlow<Dio, Completion> {
    match state {
        Completion::Device(mut dio) => {
            if !dio.device.is_empty() {
                // The device does them in any order, and may fail each.
                let writes = dio.device.len() as u32;
                let alternatives = if dio.may_fail { 2 * writes } else { writes };
                let which = inode.sb.backend.choose(Op::new("device_write"), alternatives).await;
                let write = dio.device.remove((which % writes) as usize);
                if which < writes {
                    write_device(inode, &write);
                } else {
                    inode.sb.backend.reach(branches::IO_ERROR);
                    inode.emit(|| What::Failed(Errno::Io));
                    dio.failed = true;
                }
            }
            if dio.device.is_empty() {
                on_device(inode, dio)
            } else {
                ControlFlow::Continue(Completion::Device(dio))
            }
        }
        Completion::Cached(dio, index) => look(inode, dio, index).await,
        Completion::Size(dio) => set_isize(inode, dio).await,
        Completion::Store(dio, size) => {
            let op = Op::new("spin_unlock i_flags_lock");
            let mut held = inode.i_flags_lock.lock(op).await;
            store_size(inode, &dio, size, dio.request.end);
            *held = false;
            ControlFlow::Continue(Completion::SetFileSize(dio))
        }
        Completion::SetFileSize(dio) => {
            let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names().setfilesize)).await;
            map.raise_logged_size(dio.request.end.min(inode.i_size_peek()));
            map.end();
            sized(inode, dio)
        }
        Completion::Convert(dio, block) => convert(inode, dio, block).await,
        Completion::EndCow(dio, block) => end_cow(inode, dio, block).await,
        Completion::Invalidate { mut dio, index, next } => {
            if invalidate_folio2(inode, index).await == Eviction::Kept {
                inode.oracle.warn_stale_pagecache(index);
                inode.sb.backend.reach(branches::DIO_INVALIDATE_FAILED);
                dio.collided = inode.keeps_collisions();
            }
            if index + 1 < inode.sb.geometry.folios_touched(&dio.request).end {
                return ControlFlow::Continue(Completion::Invalidate { dio, index: index + 1, next });
            }
            if std::mem::take(&mut dio.collided) {
                return ControlFlow::Continue(Completion::Warn(dio, next));
            }
            invalidated(inode, dio, next)
        }
        Completion::Warn(dio, next) => {
            dio_warn_stale_pagecache(inode).await;
            invalidated(inode, dio, next)
        }
    }
}

/// The error is kept for fsync(2), unless there is one. The write succeeds all the same.
async fn dio_warn_stale_pagecache<B: Backend>(inode: &Inode<B>) {
    let (none, collision) = (WbError::None.number(), WbError::OfCollision.number());
    let op = Op::new("dio_warn_stale_pagecache");
    let _ = inode.wb_error.compare_exchange(op, none, collision, Ordering::AcqRel).await;
}

/// What was cached of the range is dropped, as far as it can be.
fn invalidated<B: Backend>(inode: &Inode<B>, dio: Dio, next: Next) -> ControlFlow<Dio, Completion> {
    match next {
        Next::EndIo => end_io(inode, dio),
        Next::Finish => finish(inode, dio),
    }
}

/// Whether anything is cached, folio by folio.
async fn look<B: Backend>(inode: &Inode<B>, dio: Dio, index: FolioIndex) -> ControlFlow<Dio, Completion> {
    let slot = inode.page(index).lock(Op::on("nrpages", u32::from(index))).await;
    let cached = slot.current().is_some();
    drop(slot);
    if cached {
        ControlFlow::Continue(first_folio(inode, dio, Next::Finish))
    } else if index + 1 < inode.sb.geometry.folios() {
        ControlFlow::Continue(Completion::Cached(dio, index + 1))
    } else {
        finish(inode, dio)
    }
}

fn first_folio<B: Backend>(inode: &Inode<B>, dio: Dio, next: Next) -> Completion {
    let index = inode.sb.geometry.folio_of(dio.request.start);
    Completion::Invalidate { dio, index, next }
}

fn convert_first<B: Backend>(inode: &Inode<B>, dio: Dio) -> Completion {
    let first = inode.sb.geometry.block_of(dio.request.start);
    Completion::Convert(dio, first)
}

/// All data is on the device.
fn on_device<B: Backend>(inode: &Inode<B>, mut dio: Dio) -> ControlFlow<Dio, Completion> {
    let design = &inode.sb.config.design;
    if dio.failed {
        // Neither converted nor dropped from the page cache.
        return finish(inode, dio);
    }
    if design.dio_ack() == DioAck::BeforeEndIo && !dio.acknowledged {
        acknowledge(inode, &dio);
        dio.acknowledged = true;
        if let Completer::WorkerAfterData(worker) = dio.completer {
            let rest = Aio::Write(inode.number, dio.clone());
            inode.sb.aio[usize::from(worker)].release(|queue| queue.queued.push(rest));
            return ControlFlow::Break(dio);
        }
    }
    if design.dio_invalidate() == DioInvalidate::BeforeEndIo {
        return ControlFlow::Continue(first_folio(inode, dio, Next::EndIo));
    }
    end_io(inode, dio)
}

/// `xfs_dio_write_end_io`: copies first.
fn end_io<B: Backend>(inode: &Inode<B>, dio: Dio) -> ControlFlow<Dio, Completion> {
    if dio.cow {
        let first = inode.sb.geometry.block_of(dio.request.start);
        return ControlFlow::Continue(Completion::EndCow(dio, first));
    }
    convert_or_grow(inode, dio)
}

/// `xfs_reflink_end_cow` for one extent of the range.
async fn end_cow<B: Backend>(inode: &Inode<B>, dio: Dio, block: FileBlock) -> ControlFlow<Dio, Completion> {
    let last = inode.sb.geometry.blocks_touched(&dio.request).end;
    let mut map = inode.lock_map(Op::new("xfs_reflink_end_cow")).await;
    let bump = inode.sb.config.fs.bump_with_change();
    let next = xfs_reflink_end_cow_extent(inode, &mut map, &(block..last), bump);
    map.end();
    match next.filter(|next| *next < last) {
        Some(next) => ControlFlow::Continue(Completion::EndCow(dio, next)),
        None => convert_or_grow(inode, dio),
    }
}

/// The conversion and the size. That the file does not grow is seen without a lock; nobody makes it smaller meanwhile.
fn convert_or_grow<B: Backend>(inode: &Inode<B>, dio: Dio) -> ControlFlow<Dio, Completion> {
    let grows = dio.request.end > inode.i_size_peek();
    let early = inode.sb.config.design.dio_size() == DioSize::BeforeConversion;
    match (dio.unwritten, grows) {
        (true, true) if early => ControlFlow::Continue(Completion::Size(dio)),
        (true, _) => ControlFlow::Continue(convert_first(inode, dio)),
        (false, true) => ControlFlow::Continue(Completion::Size(dio)),
        (false, false) if !dio.cow && inode.sb.config.design.dio_invalidate() == DioInvalidate::IfCached => {
            ControlFlow::Continue(Completion::Cached(dio, 0))
        }
        (false, false) => ended(inode, dio),
    }
}

/// Extents and size are right.
fn ended<B: Backend>(inode: &Inode<B>, dio: Dio) -> ControlFlow<Dio, Completion> {
    match inode.sb.config.design.dio_invalidate() {
        DioInvalidate::AfterEndIo | DioInvalidate::IfCached => {
            ControlFlow::Continue(first_folio(inode, dio, Next::Finish))
        }
        DioInvalidate::BeforeEndIo | DioInvalidate::Never => finish(inode, dio),
    }
}

/// `xfs_iomap_write_unwritten` for one extent of the range: the conversion, then the size, in memory and on
/// disk, in one ILOCK section. XFS raises it to the end of the whole write with the first extent: the others are below
/// end of file then, and not converted yet. Nobody is modelled who reads both counter and size without a lock and decides by
/// their order.
async fn convert<B: Backend>(inode: &Inode<B>, dio: Dio, block: FileBlock) -> ControlFlow<Dio, Completion> {
    let geometry = &inode.sb.geometry;
    let last = geometry.blocks_touched(&dio.request).end;
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names().dio_end_io)).await;
    let end = map.extent_around(block).end.min(last);
    if xfs_iomap_write_unwritten(inode, &mut map, &(block..end), inode.sb.config.fs.bump_with_change()) {
        inode.sb.backend.reach(branches::DIO_CONVERT);
    }
    let size = match inode.sb.config.design.dio_size() {
        DioSize::AfterConversion if extends_alone(inode) => None,
        DioSize::AfterConversion | DioSize::BeforeConversion => Some(dio.request.end),
        DioSize::WithEachExtent => Some(geometry.cells_of_block(end - 1).end.min(dio.request.end)),
    };
    if let Some(size) = size {
        raise_size(inode, &dio, size);
        map.raise_logged_size(size.min(inode.i_size_peek()));
    }
    let extends = size.is_none() && dio.request.end > map.disk_size.min(inode.i_size_peek());
    map.end();
    if end < last {
        ControlFlow::Continue(Completion::Convert(dio, end))
    } else if extends {
        ControlFlow::Continue(Completion::Size(Dio { unwritten: false, ..dio }))
    } else {
        ended(inode, dio)
    }
}

/// Whether what makes the file longer is completed with i_rwsem held exclusively: then it is when all is converted, in memory and on
/// disk together (`ext4_handle_inode_extension`).
fn extends_alone<B: Backend>(inode: &Inode<B>) -> bool {
    inode.sb.config.fs.dio_lock() == DioLock::ExtendingExclusive
}

/// `xfs_dio_write_end_io` without a conversion: i_size is compared and raised under i_flags_lock, which one with a conversion does
/// not take. Who compares with that lock held stores what it has compared, whatever i_size is by then.
async fn set_isize<B: Backend>(inode: &Inode<B>, dio: Dio) -> ControlFlow<Dio, Completion> {
    let end = dio.request.end;
    if inode.sb.config.design.dio_isize() == DioIsize::Ilock || extends_alone(inode) {
        let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names().setfilesize)).await;
        raise_size(inode, &dio, end);
        map.raise_logged_size(end.min(inode.i_size_peek()));
        map.end();
        return sized(inode, dio);
    }
    let free = |held: &bool, _| !*held;
    *inode.i_flags_lock.lock_when(Op::new("spin_lock i_flags_lock"), free, 0).await = true;
    // Not all who store it hold this lock: it is a load like any other.
    let size = inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await as Cell;
    if end > size {
        return ControlFlow::Continue(Completion::Store(dio, size));
    }
    inode.i_flags_lock.release(|held| *held = false);
    sized(inode, dio)
}

/// The sizes are right.
fn sized<B: Backend>(inode: &Inode<B>, dio: Dio) -> ControlFlow<Dio, Completion> {
    if dio.unwritten { ControlFlow::Continue(convert_first(inode, dio)) } else { ended(inode, dio) }
}

/// Raises i_size to `end` at least.
fn raise_size<B: Backend>(inode: &Inode<B>, dio: &Dio, end: Cell) {
    let size = inode.i_size_peek();
    if end > size {
        store_size(inode, dio, size, end);
    }
}

/// Stores i_size, which was `size` when it was looked at.
fn store_size<B: Backend>(inode: &Inode<B>, dio: &Dio, size: Cell, end: Cell) {
    inode.i_size.publish(u64::from(end), inode.order(Link::SizeStore));
    inode.oracle.gap(&inode.sb.geometry, &(size..dio.request.start.max(size)));
    let grown = size.max(dio.request.start)..end;
    inode.oracle.outgrow(&inode.sb.geometry, dio.id, size, &grown);
    inode.emit(|| What::Size(inode.sb.geometry.byte_at(end)));
}

/// The write is over: it is not counted any more, and acknowledged.
fn finish<B: Backend>(inode: &Inode<B>, dio: Dio) -> ControlFlow<Dio, Completion> {
    inode_dio_end(inode);
    if !dio.acknowledged {
        acknowledge(inode, &dio);
    }
    ControlFlow::Break(dio)
}

fn acknowledge<B: Backend>(inode: &Inode<B>, dio: &Dio) {
    let geometry = &inode.sb.geometry;
    if dio.failed {
        inode.oracle.fail_write(geometry, dio.id, &dio.request);
        inode.judge_size_left(dio.size_before);
    } else {
        inode.oracle.end_write(geometry, dio.id, &dio.request, dio.request.end);
    }
    if let Completer::Worker(worker) = dio.completer {
        acknowledge_aio(inode, worker);
    }
}

fn acknowledge_aio<B: Backend>(inode: &Inode<B>, worker: u8) {
    inode.sb.aio[usize::from(worker)].release(|queue| queue.outstanding -= 1);
}
