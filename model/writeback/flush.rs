//! `filemap_write_and_wait_range` (mm/filemap.c): writes the dirty folios of a range back and waits until their
//! I/O is complete, extents converted and all.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend};

use crate::state::inode::Inode;
use crate::words::geometry::FolioIndex;
use crate::writeback::io::{self, SyncMode};
use crate::writeback::{self, WritebackState};

/// Where a flush stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum FlushState {
    /// Writing, with the folios to wait for afterwards.
    Write(Box<WritebackState>, Range<FolioIndex>),
    /// Before waiting for the next folio.
    Wait(Range<FolioIndex>),
}

impl FlushState {
    /// Before the first folio.
    pub fn new(folios: Range<FolioIndex>) -> Self {
        FlushState::Write(Box::new(WritebackState::new(SyncMode::Integrity, folios.clone())), folios)
    }
}

/// One step of a flush.
pub async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: FlushState,
) -> ControlFlow<(), FlushState> {
    match state {
        FlushState::Write(inner, folios) => {
            ControlFlow::Continue(match writeback::step(inode, me, *inner).await {
                ControlFlow::Continue(inner) => FlushState::Write(Box::new(inner), folios),
                ControlFlow::Break(()) => FlushState::Wait(folios),
            })
        }
        FlushState::Wait(folios) if folios.is_empty() => ControlFlow::Break(()),
        FlushState::Wait(folios) => {
            io::wait(inode, folios.start).await;
            ControlFlow::Continue(FlushState::Wait(folios.start + 1..folios.end))
        }
    }
}
