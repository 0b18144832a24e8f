//! sync_file_range(2), fs/sync.c: waits for writeback, starts it and waits again, each if asked to.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend};

use crate::path::{Part, Path, Stepped};
use crate::state::inode::Inode;
use crate::state::world::World;
use crate::words::command::Command;
use crate::words::geometry::FolioIndex;
use crate::writeback::io::{self, SyncMode};
use crate::writeback::{self, WritebackState};

/// Where one of its parts stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum SyncRangeState {
    /// SYNC_FILE_RANGE_WRITE: writing.
    Write(WritebackState),
    /// SYNC_FILE_RANGE_WAIT_BEFORE or _AFTER: before the next folio.
    Wait(Range<FolioIndex>),
}

impl Path for SyncRangeState {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::SyncRange { range, before, write, after } = part.command() else { return None };
        let folios = part.folios(range);
        let parts = [
            before.then(|| SyncRangeState::Wait(folios.clone())),
            write.then(|| {
                // SYNC_FILE_RANGE_WRITE_AND_WAIT is integrity writeback; less is not.
                let mode = if *before && *after { SyncMode::Integrity } else { SyncMode::Background };
                SyncRangeState::Write(WritebackState::new(mode, folios.clone()))
            }),
            after.then(|| SyncRangeState::Wait(folios.clone())),
        ];
        parts.into_iter().flatten().nth(usize::from(part.number))
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        match self {
            SyncRangeState::Write(inner) => match writeback::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => ControlFlow::Continue(SyncRangeState::Write(inner)),
                ControlFlow::Break(()) => ControlFlow::Break(()),
            },
            SyncRangeState::Wait(mut folios) => {
                let Some(index) = folios.next() else { return ControlFlow::Break(()) };
                io::wait(inode, index).await;
                ControlFlow::Continue(SyncRangeState::Wait(folios))
            }
        }
    }
}
