//! FS_IOC_FIEMAP as xfs_io calls it, with FIEMAP_FLAG_SYNC: `iomap_fiemap` (fs/iomap/fiemap.c; the same in 6.1, 6.12 and 7.3).
//!
//! With i_rwsem shared (`xfs_vn_fiemap`; gfs2 also its glock) the page cache is written back and waited for, and then the file is
//! mapped extent by extent, as for a read: the data fork alone. What is no extent, and what is unwritten, is judged as if it
//! had been read as zeros. Who wrote before the call has data on the device by then; so this needs no look into the page
//! cache, and no check. If that I/O fails, the call does, and says
//! nothing (`fiemap_prep` of fs/ioctl.c, `filemap_write_and_wait_range`; 6.1, 6.12 and 7.3).
//!
//! Left out: that who waits for a range and is told of its error takes it from others who wait (AS_EIO; here it is told until an
//! fsync); the array of extents that is too short, and a buffer that is not resident.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Op, Returned};

use crate::fs::{self, glock};
use crate::path::{Part, Path, Stepped};
use crate::state::event::{Dropped, Mapping, Sampler, What};
use crate::state::glock::Mode;
use crate::state::inode::Inode;
use crate::state::mapping::IomapType;
use crate::state::trace::{self, IomapFlags};
use crate::state::world::World;
use crate::words::command::Command;
use crate::words::geometry::Cell;
use crate::writeback::flush::{self, FlushState};

/// Where the call stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum FiemapState {
    /// Before i_rwsem.
    Enter(Range<Cell>),
    /// Writing back.
    Sync(Range<Cell>, FlushState),
    /// Before the mapping of the next extent.
    Begin(Range<Cell>, Cell),
}

impl Path for FiemapState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Fiemap { range } = part.first()? else { return None };
        Some(FiemapState::Enter(part.cells(range)))
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        let geometry = &inode.sb.geometry;
        match self {
            FiemapState::Enter(cells) => {
                if takes_i_rwsem(inode) {
                    inode.i_rwsem.down_read(Op::new("down_read i_rwsem"), me).await;
                } else {
                    drop(inode.lock_map(Op::new("fiemap")).await);
                }
                inode.oracle.begin_read(geometry, me, &cells);
                inode.sb.answers.maps(me);
                glock::acquire(inode, me, Mode::Shared).await;
                ControlFlow::Continue(FiemapState::Sync(cells, FlushState::new(0..geometry.folios())))
            }
            FiemapState::Sync(cells, inner) => match flush::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => ControlFlow::Continue(FiemapState::Sync(cells, inner)),
                ControlFlow::Break(Err(error)) => {
                    inode.sb.answers.call_fails(me, error);
                    end(inode, me, &cells);
                    ControlFlow::Break(Returned::Error)
                }
                ControlFlow::Break(Ok(())) => {
                    let pos = cells.start;
                    go_on(inode, me, cells, pos)
                }
            },
            FiemapState::Begin(cells, pos) => begin(inode, me, cells, pos).await,
        }
    }
}

/// `xfs_vn_fiemap`, `gfs2_fiemap`; `ext4_fiemap` takes no lock, as ext4's reads take none.
fn takes_i_rwsem<B: Backend>(inode: &Inode<B>) -> bool {
    inode.sb.config.fs.read_takes_i_rwsem() || inode.glock.is_some()
}

/// The mapping of the next extent.
async fn begin<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    cells: Range<Cell>,
    pos: Cell,
) -> ControlFlow<Returned, FiemapState> {
    let geometry = &inode.sb.geometry;
    let map = inode.lock_map(Op::new(inode.sb.config.fs.names().read_begin)).await;
    let iomap = fs::read_begin(inode, &map, geometry.block_of(pos));
    drop(map);
    inode.emit(|| What::Sampled(Sampler::Fiemap, Mapping::of(geometry, &iomap)));
    trace::mapped(inode, IomapFlags::Report, &(pos..cells.end), &iomap);
    let mapped = pos..geometry.cells_of_blocks(&(iomap.start..iomap.end)).end.min(cells.end);
    if matches!(iomap.kind, IomapType::Hole | IomapType::Unwritten) {
        inode.oracle.reported_hole(geometry, me, &mapped);
    }
    inode.sb.answers.mapped(me, mapped.clone(), iomap.kind);
    inode.emit(|| What::Dropped(Dropped::Done));
    go_on(inode, me, cells, mapped.end)
}

/// On to the next extent, or return.
fn go_on<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    cells: Range<Cell>,
    pos: Cell,
) -> ControlFlow<Returned, FiemapState> {
    if pos < cells.end {
        return ControlFlow::Continue(FiemapState::Begin(cells, pos));
    }
    end(inode, me, &cells);
    ControlFlow::Break(Returned::Success)
}

fn end<B: Backend>(inode: &Inode<B>, me: ActorId, cells: &Range<Cell>) {
    inode.oracle.end_read(&inode.sb.geometry, me, cells);
    glock::release(inode, me);
    if takes_i_rwsem(inode) {
        inode.i_rwsem.up_read(me);
    }
}
