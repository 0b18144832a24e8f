//! Unsharing: `xfs_reflink_unshare` (fs/xfs/xfs_reflink.c) and `iomap_file_unshare` (fs/iomap/buffered-io.c).
//!
//! A file's blocks are given to it alone by writing to them what they contain: each folio is read, marked dirty
//! and written back, which puts it into blocks of its own. That is the loop of the buffered write with nothing
//! to copy, run under i_rwsem and invalidate_lock, so that its clean-up must not take the latter.
//!
//! Left out: that the reflink flag is cleared when nothing is shared any more.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Op, Returned};

use crate::iomap::write_state::{Write, WriteState};
use crate::iomap::{self, Written};
use crate::path::{Part, Path};
use crate::state::dio_count::inode_dio_wait;
use crate::state::event::{Dropped, Says, Skip, Truth, Use, What};
use crate::state::inode::Inode;
use crate::state::mapping::{Iomap, StaleFlag};
use crate::state::world::World;
use crate::words::command::Command;
use crate::words::extent::Extent;
use crate::words::geometry::{Cell, FolioIndex};
use crate::writeback::io::{self, SyncMode};
use crate::writeback::{self, WritebackState};

/// Where an unsharing stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum UnshareState {
    /// Before i_rwsem.
    Enter(Range<Cell>),
    /// Before invalidate_lock.
    Lock(Range<Cell>),
    /// Dirtying folios.
    Dirty(Range<FolioIndex>, Box<WriteState>),
    /// Writing them back.
    Flush(Range<FolioIndex>, WritebackState),
    /// Waiting for that, folio by folio.
    Wait(Range<FolioIndex>),
}

impl Path for UnshareState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Funshare { range } = part.first()? else { return None };
        Some(UnshareState::Enter(part.cells(range)))
    }

    /// One step.
    async fn step<B: Backend>(
        self,
        _: &World<B>,
        inode: &Inode<B>,
        me: ActorId,
    ) -> ControlFlow<Returned, Self> {
        ControlFlow::Continue(match self {
            UnshareState::Enter(cells) => {
                inode.i_rwsem.down_write(Op::new("down_write i_rwsem"), me).await;
                UnshareState::Lock(cells)
            }
            UnshareState::Lock(cells) => {
                inode.invalidate_lock.down_write(Op::new("down_write invalidate_lock"), me).await;
                inode_dio_wait(inode).await;
                let cells = cells.start..cells.end.min(inode.i_size_peek());
                if cells.is_empty() {
                    UnshareState::Wait(0..0)
                } else {
                    let folios = inode.sb.geometry.folios_touched(&cells);
                    UnshareState::Dirty(
                        folios,
                        Box::new(WriteState::Begin(Write::unshare(cells), StaleFlag::Clear)),
                    )
                }
            }
            UnshareState::Dirty(folios, inner) => match iomap::step(inode, me, *inner).await {
                ControlFlow::Continue(inner) => UnshareState::Dirty(folios, Box::new(inner)),
                ControlFlow::Break(Written { full: true }) => {
                    UnshareState::Flush(folios.clone(), WritebackState::new(SyncMode::Integrity, folios))
                }
                // An error is returned before anything is written back.
                ControlFlow::Break(Written { full: false }) => {
                    unlock(inode, me);
                    return ControlFlow::Break(Returned::Error);
                }
            },
            UnshareState::Flush(folios, inner) => match writeback::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => UnshareState::Flush(folios, inner),
                ControlFlow::Break(()) => UnshareState::Wait(folios),
            },
            UnshareState::Wait(mut folios) => {
                let Some(index) = folios.next() else {
                    unlock(inode, me);
                    return ControlFlow::Break(Returned::Success);
                };
                io::wait(inode, index).await;
                UnshareState::Wait(folios)
            }
        })
    }
}

/// The mapping is used as permission to leave blocks where they are, and is done with: reports it to observers, and whether
/// they are shared by now.
pub(crate) fn report_skip<B: Backend>(inode: &Inode<B>, iomap: &Iomap, skipped: &Range<Cell>) {
    inode.emit(|| {
        let mut now = Vec::new();
        inode.audit_map(|map| {
            now = inode.sb.geometry.blocks_touched(skipped).map(|block| map.get(block)).collect();
        });
        let is_shared = |extent: &Extent| match extent {
            Extent::Written(phys) => inode.sb.is_shared_audit(*phys),
            _ => false,
        };
        let truth = if now.iter().any(is_shared) { Truth::Shared } else { Truth::AsItSays };
        let at = vec![inode.sb.geometry.bytes_of_cells(skipped)];
        What::Used(Use { says: Says::Kind(iomap.source_kind()), at, truth, skips: Some(Skip::Unsharing) })
    });
    inode.emit(|| What::Dropped(Dropped::Done));
}

fn unlock<B: Backend>(inode: &Inode<B>, me: ActorId) {
    inode.invalidate_lock.up_write(me);
    inode.i_rwsem.up_write(me);
}
