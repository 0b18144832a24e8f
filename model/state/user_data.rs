//! What a write(2) is given to write: it is judged by what was in the user's buffer while it was under way.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::state::event::{DataEvent, KernelEvent, What};
use crate::state::inode::Inode;
use crate::words::geometry::Cell;
use crate::words::value::WriteId;

impl<B: Backend> Inode<B> {
    /// A write(2) begins, with whatever its buffer has by now.
    pub fn begin_write(&self, id: WriteId, cells: &Range<Cell>) {
        // Its times are logged before it copies.
        self.sb.committed();
        self.oracle.begin_write(&self.sb.geometry, id, cells, self.i_size_newest());
        for (cell, value) in cells.clone().zip(self.sb.user_buffers.audit(id, cells)) {
            if let Some(store) = value.write().filter(|store| *store != id) {
                self.oracle.begin_with(&self.sb.geometry, id, store, &(cell..cell + 1));
            }
        }
    }

    /// Somebody stores to the buffer of a write.
    pub fn store_to_buffer(&self, write: WriteId, store: WriteId, cells: &Range<Cell>) {
        self.sb.user_buffers.store(write, cells, store);
        self.oracle.store_to_buffer(&self.sb.geometry, write, store, cells);
        // It is a store to no file.
        self.sb.backend.emit(|| {
            let (buffer, bytes) = self.part_of_buffer(write, cells);
            let what = What::Data(DataEvent::BufferStored { buffer, bytes });
            KernelEvent { file: None, compared: None, what }
        });
    }

    /// What a direct write takes from its buffer is copied.
    pub fn report_buffer_copied(&self, write: WriteId, cells: &Range<Cell>) {
        self.emit(|| {
            let (buffer, bytes) = self.part_of_buffer(write, cells);
            What::Data(DataEvent::BufferCopied { buffer, bytes })
        });
    }

    /// The name of a write's buffer, and the bytes of it that go to `cells`: the first one goes to where the write begins.
    fn part_of_buffer(&self, write: WriteId, cells: &Range<Cell>) -> (String, Range<u64>) {
        let buffers = self.sb.config.user_buffers();
        let buffer = buffers.into_iter().find(|buffer| buffer.write == write);
        let (buffer, at) = buffer.map_or_else(Default::default, |buffer| (buffer.name, buffer.range.start));
        let Range { start, end } = self.sb.geometry.bytes_of_cells(cells);
        (buffer, start - at..end - at)
    }
}
