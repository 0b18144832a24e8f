//! A store to the memory that somebody else's write takes its data from. No kernel code has a part in it: the pages of a buffer are
//! pinned for a direct write (`bio_iov_iter_get_pages`) and stay mapped and writable, also while the device reads them.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Op};

use crate::path::{Part, Path, Stepped};
use crate::state::inode::Inode;
use crate::state::world::World;
use crate::words::command::Command;
use crate::words::geometry::Cell;
use crate::words::value::WriteId;

/// Before the store.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct BufferStore {
    /// Whose buffer.
    write: WriteId,
    store: WriteId,
    cells: Range<Cell>,
}

impl Path for BufferStore {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::BufferStore { buffer, range, .. } = part.first()? else { return None };
        let buffers = part.inode.sb.config.user_buffers();
        let write = buffers.into_iter().find(|other| other.id == *buffer)?.write;
        Some(BufferStore { write, store: part.write(), cells: part.cells(range) })
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, _: ActorId) -> Stepped<Self> {
        inode.sb.backend.choose(Op::new("store buffer"), 1).await;
        inode.store_to_buffer(self.write, self.store, &self.cells);
        ControlFlow::Break(())
    }
}
