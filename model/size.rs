//! Preallocation and truncation upwards: `xfs_file_fallocate` and `xfs_setattr_size`, as setups need them.

use std::ops::{ControlFlow, Range};

use crate::backend::{ActorId, Atomic, Backend, Lock, Op, Ordering};
use crate::event::MappingEvent;
use crate::extent::Extent;
use crate::fs;
use crate::geometry::Cell;
use crate::glock::{self, Mode};
use crate::inode::Inode;
use crate::iomap::{self, eof_tail};
use crate::truncate::pagecache_isize_extended;
use crate::write_state::{Write, WriteState};

/// What changes the file's size.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Change {
    /// fallocate of a range; whether it keeps the size.
    Falloc(Range<Cell>, bool),
    /// ftruncate to a size not below the current one.
    Truncate(Cell),
}

impl Change {
    fn new_size(&self) -> Option<Cell> {
        match self {
            Change::Falloc(_, true) => None,
            Change::Falloc(cells, false) => Some(cells.end),
            Change::Truncate(size) => Some(*size),
        }
    }
}

/// Where a change stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum SizeState {
    /// Before i_rwsem.
    Enter(Change),
    /// Before invalidate_lock.
    Lock(Change),
    /// Zeroing the tail of the old last block.
    Zero(Change, Box<WriteState>),
    /// Before the extents and the size change.
    Apply(Change),
}

/// One step. Locks: i_rwsem, then invalidate_lock, both exclusive.
pub async fn step<B: Backend>(inode: &Inode<B>, me: ActorId, state: SizeState) -> ControlFlow<(), SizeState> {
    ControlFlow::Continue(match state {
        SizeState::Enter(change) => {
            inode.i_rwsem.down_write(Op::new("down_write i_rwsem"), me).await;
            glock::acquire(inode, me, Mode::Exclusive).await;
            SizeState::Lock(change)
        }
        SizeState::Lock(change) => {
            inode.invalidate_lock.down_write(Op::new("down_write invalidate_lock"), me).await;
            match change.new_size().and_then(|target| eof_tail(inode, inode.i_size_peek(), target)) {
                Some(tail) => {
                    SizeState::Zero(change, Box::new(WriteState::Begin(Write::zero_eof(tail), false)))
                }
                None => SizeState::Apply(change),
            }
        }
        SizeState::Zero(change, inner) => match iomap::step(inode, me, *inner).await {
            ControlFlow::Continue(inner) => SizeState::Zero(change, Box::new(inner)),
            ControlFlow::Break(_) => SizeState::Apply(change),
        },
        SizeState::Apply(change) => {
            apply(inode, me, &change).await;
            inode.invalidate_lock.up_write(me);
            glock::release(inode, me);
            inode.i_rwsem.up_write(me);
            return ControlFlow::Break(());
        }
    })
}

/// Hole -> Unwritten for a preallocation (E8), and the new size, in memory and on disk, in one ILOCK section.
/// The kernel stores the size in a step of its own; nobody is modelled who reads both counter and size without
/// a lock and decides by their order.
async fn apply<B: Backend>(inode: &Inode<B>, me: ActorId, change: &Change) {
    let mut map = inode
        .ilock
        .lock(Op::new(if matches!(change, Change::Truncate(_)) { "truncate" } else { "falloc" }))
        .await;
    if let Change::Falloc(cells, _) = change {
        let holes: Vec<_> =
            inode.sb.geometry.blocks_touched(cells).filter(|block| map.get(*block) == Extent::Hole).collect();
        let mut allocated = false;
        for block in holes {
            allocated |= fs::preallocate(inode, &mut map, block).is_ok();
        }
        if allocated {
            inode.bump_data_seq(me);
            inode.tell(MappingEvent::Invalidated, || {
                format!("H -> U in {}", inode.sb.geometry.show_cells(cells))
            });
        }
    }
    let size = inode.i_size_peek();
    if let Some(target) = change.new_size().filter(|target| *target > size) {
        inode.i_size.publish(u64::from(target), Ordering::Release);
        map.disk_size = target;
        inode.commit(&map);
        drop(map);
        pagecache_isize_extended(inode, size, target).await;
    } else {
        inode.commit(&map);
    }
}
