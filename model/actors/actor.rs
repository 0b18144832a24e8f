//! What an actor is that a scenario calls by `@name off len`.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Shared};

use crate::state::inode::Inode;
use crate::words::command::Extension;
use crate::words::geometry::Cell;

/// An actor: its state between two steps.
pub trait Actor: Shared {
    /// Its command.
    const COMMAND: Extension;

    /// Where it begins for these cells of a file.
    fn begin<B: Backend>(inode: &Inode<B>, cells: Range<Cell>) -> Self;

    /// One step. The rules are those of [`stalemap_facade`].
    fn step<B: Backend>(self, inode: &Inode<B>, me: ActorId) -> impl Future<Output = ControlFlow<(), Self>>;
}
