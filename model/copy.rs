//! A copy that leaves holes out, as cp(1) makes one (coreutils 9): from the first to the last
//! extent of data it looks where that begins, where it ends, and reads what lies between. Everything else is zeros in the
//! copy.
//!
//! Each is a call of its own and judged as such. What is called a hole, and what is read, was in the file at some time during
//! that call; so each block of the copy is what the file had at some time between the begin and the end of the copy.
//!
//! Left out: the file that the copy is written to, which nobody else has.

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Backend};

use crate::path::{Part, Path, Stepped};
use crate::read::ReadState;
use crate::seek::{self, Found, SeekState};
use crate::state::inode::Inode;
use crate::state::world::World;
use crate::words::command::{Command, Whence};
use crate::words::geometry::Cell;

/// Where a copy stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum CopyState {
    /// Looking for data.
    Data(SeekState),
    /// Looking for the end of those that begin here.
    Hole(Cell, SeekState),
    /// Reading, up to here.
    Read(Cell, ReadState),
}

impl CopyState {
    /// Before it looks for data from a place on.
    fn from(at: Cell) -> Self {
        CopyState::Data(SeekState::Enter(Whence::Data, at))
    }
}

impl Path for CopyState {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        matches!(part.first()?, Command::CopySparse).then(|| CopyState::from(0))
    }

    async fn step<B: Backend>(self, w: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        ControlFlow::Continue(match self {
            CopyState::Data(inner) => match seek::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => CopyState::Data(inner),
                ControlFlow::Break(Found(None)) => return ControlFlow::Break(()),
                ControlFlow::Break(Found(Some(start))) => {
                    CopyState::Hole(start, SeekState::Enter(Whence::Hole, start))
                }
            },
            CopyState::Hole(start, inner) => match seek::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => CopyState::Hole(start, inner),
                // The file has been truncated.
                ControlFlow::Break(Found(None)) => return ControlFlow::Break(()),
                // What was data is none any more.
                ControlFlow::Break(Found(Some(end))) if end == start => CopyState::from(end),
                ControlFlow::Break(Found(Some(end))) => {
                    CopyState::Read(end, ReadState::new(start..end, false))
                }
            },
            CopyState::Read(end, inner) => match inner.step(w, inode, me).await {
                ControlFlow::Continue(inner) => CopyState::Read(end, inner),
                ControlFlow::Break(()) => CopyState::from(end),
            },
        })
    }
}
