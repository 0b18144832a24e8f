//! The memory of processes that writes take their data from, while others store there.
//!
//! It is nothing of the file system's, and nobody locks it. Before anybody has stored there it has the pattern of its write.

use std::ops::Range;

use stalemap_facade::{Backend, Leaf};

use crate::words::config::Config;
use crate::words::geometry::{Cell, Geometry};
use crate::words::value::{Value, WriteId};

/// The buffer of one write.
struct UserBuffer<B: Backend> {
    write: WriteId,
    /// Where the write puts what is here.
    cells: Range<Cell>,
    data: B::Leaf<Vec<Value>>,
}

/// All buffers that others may store to.
pub struct UserBuffers<B: Backend>(Vec<UserBuffer<B>>);

impl<B: Backend> UserBuffers<B> {
    /// Each with the pattern of its write.
    pub fn new(backend: &B, config: &Config, geometry: &Geometry) -> Self {
        let buffer = |buffer: crate::words::config::UserBuffer| {
            let cells = geometry.cells_of_bytes(&buffer.range);
            let data = Value::written_to(buffer.write, cells.clone()).collect();
            UserBuffer { write: buffer.write, cells, data: backend.leaf("user buffer", data) }
        };
        UserBuffers(config.user_buffers().into_iter().map(buffer).collect())
    }

    fn of(&self, write: WriteId) -> Option<&UserBuffer<B>> {
        self.0.iter().find(|buffer| buffer.write == write)
    }

    /// Whether others may store to what a write takes its data from.
    pub fn are_shared(&self, write: WriteId) -> bool {
        self.of(write).is_some()
    }

    /// What a write finds now for `cells`.
    pub fn contents(&self, write: WriteId, cells: &Range<Cell>) -> Vec<Value> {
        match self.of(write) {
            Some(buffer) => buffer.data.read(|data| data[buffer.place(cells)].to_vec()),
            None => Value::written_to(write, cells.clone()).collect(),
        }
    }

    /// Copies what a write finds now for `cells`.
    pub fn copy_to(&self, to: &mut [Value], write: WriteId, cells: &Range<Cell>) {
        match self.of(write) {
            Some(buffer) => buffer.data.read(|data| to.copy_from_slice(&data[buffer.place(cells)])),
            None => Value::fill(to, write, cells.clone()),
        }
    }

    /// Somebody stores there what the write is to put into `cells`.
    pub fn store(&self, write: WriteId, cells: &Range<Cell>, store: WriteId) {
        if let Some(buffer) = self.of(write) {
            buffer.data.update(|data| Value::fill(&mut data[buffer.place(cells)], store, cells.clone()));
        }
    }

    /// The same for the oracle.
    pub fn audit(&self, write: WriteId, cells: &Range<Cell>) -> Vec<Value> {
        let mut contents = Vec::new();
        if let Some(buffer) = self.of(write) {
            buffer.data.audit(|data| contents = data[buffer.place(cells)].to_vec());
        }
        contents
    }
}

impl<B: Backend> UserBuffer<B> {
    fn place(&self, cells: &Range<Cell>) -> Range<usize> {
        usize::from(cells.start - self.cells.start)..usize::from(cells.end - self.cells.start)
    }
}
