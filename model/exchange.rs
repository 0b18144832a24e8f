//! Exchange-range: `xfs_exchange_range`, XFS_IOC_EXCHANGE_RANGE; fs/xfs/xfs_exchrange.c, 6.12 (since 6.10).
//!
//! The mappings of a range of two files change places, and with them the contents. Whoever could use a mapping of either is
//! kept out by both files' i_rwsem and invalidate_lock, is waited for (direct I/O), or checks it (writeback). What is in the
//! page cache is the other file's from then on, so it is written back and dropped before.
//!
//! Left out: different offsets, XFS_EXCHANGE_RANGE_TO_EOF (sizes change places, too), FILE1_WRITTEN, DSYNC (also by the flags
//! of the files or the mount) and DRY_RUN; the freshness check of XFS_IOC_COMMIT_RANGE; that the first write-back begins at
//! the size on disk if that is less (6.12.y); the estimate of the space for the transaction (`xfs_exchrange_estimate`). That the kernel may take several
//! transactions is hidden by a log intent item: recovery finishes what is begun.

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Op, Returned};

use crate::fs::bmap_util::cancel_cow;
use crate::fs::xfs_inode::{ALL_LOCKS, inode_dio_wait_both, xfs_ilock2_io_mmap, xfs_iunlock2_io_mmap};
use crate::path::{Part, Path, Stepped};
use crate::state::event::{Errno, What};
use crate::state::inode::Inode;
use crate::state::map_change::two::{Delayed, lock_two_maps};
use crate::state::world::World;
use crate::truncate::{self, TruncateState};
use crate::words::command::{Command, FileId};
use crate::words::dio_design::DioWait;
use crate::words::geometry::{Cell, Geometry};
use crate::words::ordering::Link;
use crate::words::personality::FlushUnmap;
use crate::writeback::flush::{self, FlushState};

/// What changes places.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Exchange {
    /// The file that is named, and the one that the call is made on: file1 and file2 of the ioctl.
    files: [FileId; 2],
    /// The cells, of both.
    cells: Range<Cell>,
}

/// One part of what is done to a file before.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Job {
    /// Writes dirty folios back and waits.
    Flush(FlushState),
    /// Drops folios from the page cache.
    Drop(TruncateState),
    /// Gives up copies in the COW fork that nobody came to need.
    CancelCow,
}

/// Where an exchange stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ExchangeState {
    /// Before the next lock.
    Lock {
        /// What changes places.
        exchange: Exchange,
        /// How many locks are held.
        held: u8,
    },
    /// Before the next job, or before the mappings if none is left.
    Run {
        /// What changes places.
        exchange: Exchange,
        /// What is done before, each to a file.
        jobs: VecDeque<(FileId, Job)>,
    },
}

impl Path for ExchangeState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Exchange { with, range } = part.first()? else { return None };
        let exchange = Exchange { files: [*with, part.inode.number], cells: part.cells(range) };
        Some(ExchangeState::Lock { exchange, held: 0 })
    }

    async fn step<B: Backend>(self, w: &World<B>, _: &Inode<B>, me: ActorId) -> Stepped<Self> {
        match self {
            ExchangeState::Lock { exchange, held } => lock(w, me, exchange, held).await,
            ExchangeState::Run { exchange, mut jobs } => {
                let Some((file, job)) = jobs.pop_front() else {
                    return ControlFlow::Break(xfs_exchrange_mappings(w, me, &exchange).await);
                };
                match work(&w.inodes[usize::from(file)], me, &exchange, job).await {
                    ControlFlow::Continue(rest) => jobs.push_front((file, rest)),
                    ControlFlow::Break(Ok(())) => {}
                    ControlFlow::Break(Err(_)) => {
                        xfs_iunlock2_io_mmap(w, me, exchange.files);
                        return ControlFlow::Break(Returned::Error);
                    }
                }
                ControlFlow::Continue(ExchangeState::Run { exchange, jobs })
            }
        }
    }
}

/// The next lock; with the last one, what is allowed.
async fn lock<B: Backend>(
    w: &World<B>,
    me: ActorId,
    exchange: Exchange,
    held: u8,
) -> ControlFlow<Returned, ExchangeState> {
    let held = xfs_ilock2_io_mmap(w, me, exchange.files, held).await;
    if held < ALL_LOCKS {
        return ControlFlow::Continue(ExchangeState::Lock { exchange, held });
    }
    // Direct I/O in flight raises a size when it completes, without these locks; and nobody looks at the sizes again.
    let sizes = [size(w, exchange.files[0]).await, size(w, exchange.files[1]).await];
    if !xfs_exchange_range_checks(&w.sb.geometry, &exchange, sizes) {
        return ControlFlow::Break(refuse(w, me, &exchange));
    }
    inode_dio_wait_both(w, exchange.files, DioWait::Locked).await;
    let jobs = xfs_exchrange_prep(w, &exchange);
    ControlFlow::Continue(ExchangeState::Run { exchange, jobs })
}

async fn size<B: Backend>(w: &World<B>, file: FileId) -> Cell {
    let inode = &w.inodes[usize::from(file)];
    let op = Op::on("i_size_read", u32::from(file));
    inode.i_size.load(op, inode.order(Link::SizeLoad)).await as Cell
}

/// Ranges of two files, which begin with a block and lie inside both; a block that they end in the middle of is the last one
/// of both. The same range of one file would overlap with itself.
fn xfs_exchange_range_checks(geometry: &Geometry, exchange: &Exchange, sizes: [Cell; 2]) -> bool {
    let Exchange { files: [file1, file2], cells } = exchange;
    let whole = geometry.cells_of_blocks(&geometry.blocks_touched(cells));
    file1 != file2
        && cells.start == whole.start
        && sizes.iter().all(|size| cells.end <= *size)
        && (cells.end == whole.end || sizes.iter().all(|size| cells.end == *size))
}

/// What happens to the page cache and the COW forks: both files are written back (`xfs_exchange_range_prep`), then each
/// is written back again and dropped (`xfs_flush_unmap_range`).
fn xfs_exchrange_prep<B: Backend>(w: &World<B>, exchange: &Exchange) -> VecDeque<(FileId, Job)> {
    let Exchange { files: [file1, file2], cells } = exchange;
    let folios = w.sb.geometry.folios_touched(cells);
    let flush = |file: &FileId| (*file, Job::Flush(FlushState::new(folios.clone())));
    let drop =
        |file: &FileId| (*file, Job::Drop(TruncateState::of_pages(&w.inodes[usize::from(*file)], cells)));
    let mut jobs = VecDeque::from([flush(file1), flush(file2)]);
    for file in [file2, file1] {
        match w.sb.config.fs.flush_unmap() {
            FlushUnmap::WriteAndDrop | FlushUnmap::WriteAndDropFolios => {
                jobs.extend([flush(file), drop(file)]);
            }
            FlushUnmap::Drop => jobs.push_back(drop(file)),
            FlushUnmap::Nothing => {}
        }
    }
    let shares = |file: &&FileId| w.inodes[usize::from(**file)].reflinks;
    jobs.extend([file1, file2].into_iter().filter(shares).map(|file| (*file, Job::CancelCow)));
    jobs
}

/// One step of a job: what remains of it, or its end.
async fn work<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    exchange: &Exchange,
    job: Job,
) -> ControlFlow<Result<(), Errno>, Job> {
    match job {
        Job::Flush(inner) => flush::step(inode, me, inner).await.map_continue(Job::Flush),
        Job::Drop(inner) => truncate::step(inode, me, inner).await.map_continue(Job::Drop).map_break(Ok),
        Job::CancelCow => {
            cancel_cow(inode, inode.sb.geometry.blocks_touched(&exchange.cells)).await;
            ControlFlow::Break(Ok(()))
        }
    }
}

/// Both ILOCKs, and one transaction.
async fn xfs_exchrange_mappings<B: Backend>(w: &World<B>, me: ActorId, exchange: &Exchange) -> Returned {
    let inodes = exchange.files.map(|file| &w.inodes[usize::from(file)]);
    let mut maps = lock_two_maps(inodes, Op::new("xfs_exchange_mappings")).await;
    let exchanged = maps.exchange(&exchange.cells);
    maps.end();
    match exchanged {
        Ok(()) => {
            xfs_iunlock2_io_mmap(w, me, exchange.files);
            Returned::Success
        }
        Err(Delayed) => refuse(w, me, exchange),
    }
}

/// EINVAL.
fn refuse<B: Backend>(w: &World<B>, me: ActorId, exchange: &Exchange) -> Returned {
    xfs_iunlock2_io_mmap(w, me, exchange.files);
    w.inodes[usize::from(exchange.files[1])].emit(|| What::Failed(Errno::Invalid));
    Returned::Error
}
