//! `filemap_write_and_wait_range` (mm/filemap.c): writes the dirty folios of a range back, waits until their
//! I/O is complete, extents converted and all, and fails where writeback of the file has failed since somebody was told.
//!
//! An error is kept twice (`mapping_set_error`): AS_EIO, which `filemap_check_errors` of the first who waits clears, and wb_err, of
//! which fsync(2) is told all the same. `file_check_and_advance_wb_err` clears both (6.1, 6.12 and 7.3).

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Op, Ordering};

use crate::state::event::{Errno, What};
use crate::state::inode::Inode;
use crate::state::wb_error::WbError;
use crate::words::branches;
use crate::words::geometry::FolioIndex;
use crate::writeback::io::{self, SyncMode};
use crate::writeback::{self, WritebackState};

/// Where a flush stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum FlushState {
    /// Writing and waiting.
    Run(WriteAndWait),
    /// Before the errors.
    Check,
}

/// Where writing and waiting stand.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum WriteAndWait {
    /// Writing, with the folios to wait for afterwards.
    Write(Box<WritebackState>, Range<FolioIndex>),
    /// Before waiting for the next folio.
    Wait(Range<FolioIndex>),
}

impl FlushState {
    /// Before the first folio.
    pub fn new(folios: Range<FolioIndex>) -> Self {
        FlushState::Run(WriteAndWait::new(folios))
    }
}

impl WriteAndWait {
    /// Before the first folio.
    pub fn new(folios: Range<FolioIndex>) -> Self {
        WriteAndWait::Write(Box::new(WritebackState::new(SyncMode::Integrity, folios.clone())), folios)
    }

    /// The same, of who does not ask first whether anything is tagged.
    pub fn do_writepages(folios: Range<FolioIndex>) -> Self {
        WriteAndWait::Write(Box::new(WritebackState::do_writepages(folios.clone())), folios)
    }
}

/// One step of a flush. It ends with EIO, which is said, or all is well.
pub async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: FlushState,
) -> ControlFlow<Result<(), Errno>, FlushState> {
    match state {
        FlushState::Run(inner) => match write_and_wait(inode, me, inner).await {
            ControlFlow::Continue(inner) => ControlFlow::Continue(FlushState::Run(inner)),
            ControlFlow::Break(()) if inode.sb.config.fs.io_errors() => {
                ControlFlow::Continue(FlushState::Check)
            }
            ControlFlow::Break(()) => ControlFlow::Break(Ok(())),
        },
        FlushState::Check => ControlFlow::Break(filemap_check_errors(inode).await),
    }
}

/// One step of writing and waiting; nobody asks about errors.
pub async fn write_and_wait<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: WriteAndWait,
) -> ControlFlow<(), WriteAndWait> {
    match state {
        WriteAndWait::Write(inner, folios) => {
            ControlFlow::Continue(match writeback::step(inode, me, *inner).await {
                ControlFlow::Continue(inner) => WriteAndWait::Write(Box::new(inner), folios),
                ControlFlow::Break(()) => WriteAndWait::Wait(folios),
            })
        }
        WriteAndWait::Wait(folios) if folios.is_empty() => ControlFlow::Break(()),
        WriteAndWait::Wait(folios) => {
            io::wait(inode, folios.start).await;
            ControlFlow::Continue(WriteAndWait::Wait(folios.start + 1..folios.end))
        }
    }
}

/// Whoever comes first is told.
pub(crate) async fn filemap_check_errors<B: Backend>(inode: &Inode<B>) -> Result<(), Errno> {
    let (untold, told) = (WbError::Untold.number(), WbError::OfFsync.number());
    let op = Op::new("filemap_check_errors");
    if inode.wb_error.compare_exchange(op, untold, told, Ordering::AcqRel).await == untold {
        inode.sb.backend.reach(branches::FLUSH_ERROR);
        inode.emit(|| What::Failed(Errno::Io));
        return Err(Errno::Io);
    }
    Ok(())
}
