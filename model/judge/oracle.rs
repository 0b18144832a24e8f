//! The properties, judged on the history of operations and not on how the model works.
//!
//! For every cell the oracle keeps which values it may have (`history.rs`). It is told when writes and reads begin and end,
//! and shown what the page cache and the device hold; it never steers anybody. Here is what it is told of writes, zeros, growth and
//! moves; what it says of reads, of contents and of crashes is in the files below.
//!
//! Its own state is part of the system's state: it is kept in small pieces, one per folio, so that recording commutes where the recorded operations do.

mod contents;
mod crashes;
mod reads;

use std::ops::Range;

use stalemap_facade::{Backend, Leaf, Property};

use crate::judge::history::{History, Zeros};
use crate::judge::survivors::Survivors;
use crate::judge::values::Values;
use crate::words::config::{PostEof, labelled};
use crate::words::geometry::{Cell, FolioIndex, Geometry, within};
use crate::words::value::{Value, WriteId};

/// What the page cache has where writeback has failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lost {
    /// This, and it is clean: nobody will write it.
    Cached(Value),
    /// It is dirty again, and will be written.
    No,
}

/// The judge.
pub struct Oracle<B: Backend> {
    backend: B,
    /// By folio.
    cells: Vec<B::Leaf<Vec<History>>>,
    /// By folio, where crashes are judged.
    survivors: Option<Vec<B::Leaf<Vec<Survivors>>>>,
    /// What each write wrote, for messages.
    patterns: Vec<u8>,
    /// Writes into whose buffers others store, each with what is stored.
    buffers: Vec<(WriteId, Vec<WriteId>)>,
    /// What messages call the file, where there are several.
    label: Option<String>,
    /// The direct writes, if those that meet others are not judged.
    exempted: Option<u64>,
    /// What is judged of stores behind end of file.
    post_eof: PostEof,
    /// Whether zeros that are put into a block may fail to be written.
    zeros: Zeros,
    /// Whether an fsync of which nobody is told that writeback has failed is judged without a crash. A crash behind it says so, too.
    untold: bool,
}

/// The folios that `cells` touch, each with where they lie in it.
fn by_folio(geometry: &Geometry, cells: &Range<Cell>) -> impl Iterator<Item = (usize, Range<usize>)> {
    let inside = |index| (usize::from(index), within(&geometry.cells_of_folio(index), cells));
    geometry.folios_touched(cells).map(inside)
}

impl<B: Backend> Oracle<B> {
    /// A judge for a file that reads as zeros.
    pub fn new(backend: &B, geometry: &Geometry, patterns: &[u8], label: Option<&str>) -> Self {
        let histories = |index| geometry.cells_of_folio(index).map(History::new).collect();
        Oracle {
            backend: backend.clone(),
            patterns: patterns.to_vec(),
            buffers: Vec::new(),
            label: label.map(str::to_owned),
            exempted: None,
            post_eof: PostEof::Judged,
            zeros: Zeros::Arrive,
            untold: false,
            cells: (0..geometry.folios()).map(|index| backend.leaf("history", histories(index))).collect(),
            survivors: None,
        }
    }

    fn violate(&self, property: Property, why: impl FnOnce() -> String) {
        self.backend.violate(property, || labelled(self.label.as_deref(), why()));
    }

    /// Leaves direct writes that meet others unjudged: `exempted` are the direct ones.
    #[must_use]
    pub fn with_exempted(mut self, exempted: Option<u64>) -> Self {
        self.exempted = exempted;
        self
    }

    /// Says what is stored into the buffers of writes: one of these is what the write puts there, and ends with it.
    #[must_use]
    pub fn with_buffers(mut self, buffers: Vec<(WriteId, Vec<WriteId>)>) -> Self {
        self.buffers = buffers;
        self
    }

    /// What is judged of stores behind end of file.
    #[must_use]
    pub fn with_post_eof(mut self, post_eof: PostEof) -> Self {
        self.post_eof = post_eof;
        self
    }

    /// Zeros that are put into a block may fail to be written.
    #[must_use]
    pub fn with_failing_zeros(mut self) -> Self {
        self.zeros = Zeros::MayFail;
        self
    }

    /// An fsync may return 0 although writeback has failed and nobody was told: then it has lost what it was to write.
    #[must_use]
    pub fn with_untold(mut self) -> Self {
        self.untold = true;
        self
    }

    /// Calls `change` for each history in a range of cells.
    fn each(&self, geometry: &Geometry, cells: &Range<Cell>, change: impl Fn(&mut History)) {
        for (index, inside) in by_folio(geometry, cells) {
            self.cells[index].update(|histories| histories[inside].iter_mut().for_each(&change));
        }
    }

    /// A write(2) to a file of `size` begins.
    pub fn begin_write(&self, geometry: &Geometry, id: WriteId, cells: &Range<Cell>, size: Cell) {
        // What an fsync promises of the size is all that depends on it.
        let inside =
            if self.survivors.is_some() { size.min(cells.end).max(cells.start) } else { cells.start };
        self.each(geometry, &(cells.start..inside), |history| history.begin_overwrite(id));
        self.each(geometry, &(inside..cells.end), |history| history.begin_write(id));
        self.survivors(geometry, cells, |cell| cell.allow(id));
        self.exempt_mixed(geometry, id, cells);
    }

    /// Exempts the folios in which a direct write and one through the page cache are both pending, and `id` is
    /// one of them. Whole folios, because the page cache writes back whole blocks of them.
    fn exempt_mixed(&self, geometry: &Geometry, id: WriteId, cells: &Range<Cell>) {
        let Some(direct) = self.exempted else { return };
        for index in geometry.folios_touched(cells) {
            self.cells[usize::from(index)].update(|histories| {
                let is_mixed = |other| (direct >> other ^ direct >> id) & 1 != 0;
                if histories.iter().flat_map(History::pending).any(is_mixed) {
                    histories.iter_mut().for_each(History::exempt);
                }
            });
        }
    }

    /// The completion of a direct write could not drop a folio, and the kernel has warned and recorded an error: the
    /// folio is exempt if those that direct and buffered writes touch together are.
    pub fn warn_stale_pagecache(&self, index: FolioIndex) {
        if self.exempted.is_some() {
            self.cells[usize::from(index)].update(|histories| histories.iter_mut().for_each(History::exempt));
        }
    }

    /// A write(2) that has begun is about to bring `cells` before it into the file, as zeros. It has not looked at them yet.
    pub fn begin_growth(&self, geometry: &Geometry, id: WriteId, cells: &Range<Cell>) {
        if !cells.is_empty() {
            self.each(geometry, cells, |history| history.begin_growth(id));
        }
    }

    /// A write(2) of cells from `start` on returns, or what else makes a file grow, and has brought what lies before it into the
    /// file, or not.
    pub fn end_growth(&self, geometry: &Geometry, id: WriteId, start: Cell, grown: bool) {
        for index in geometry.folios_touched(&(0..start)).map(usize::from) {
            let mut any = false;
            self.cells[index]
                .audit(|histories| any = histories.iter().any(|history| history.is_grown_by(id)));
            if any {
                self.cells[index].update(|histories| {
                    for history in histories {
                        history.end_growth(id, grown && self.post_eof == PostEof::Judged, self.zeros);
                    }
                });
            }
        }
    }

    /// A write(2) returns: `done` was written, the rest of `cells` was not.
    pub fn end_write(&self, geometry: &Geometry, id: WriteId, cells: &Range<Cell>, done: Cell) {
        self.end_growth(geometry, id, cells.start, done > cells.start);
        for id in self.values_of(id) {
            self.each(geometry, &(cells.start..done), |history| history.complete_write(id));
            self.each(geometry, &(done..cells.end), |history| history.abandon_write(id));
        }
    }

    /// What a write may put into the file: what it was given, or what was stored into its buffer.
    fn values_of(&self, id: WriteId) -> impl Iterator<Item = WriteId> {
        let stores = self.buffers.iter().filter(move |(write, _)| *write == id);
        std::iter::once(id).chain(stores.flat_map(|(_, stores)| stores.iter().copied()))
    }

    /// Somebody has stored to the buffer of a write, which has begun or has not.
    pub fn store_to_buffer(&self, geometry: &Geometry, write: WriteId, store: WriteId, cells: &Range<Cell>) {
        self.each(geometry, cells, |history| history.store_to_buffer(write, store));
        self.survivors(geometry, cells, |cell| cell.allow(store));
    }

    /// A write begins whose buffer has what was stored there before.
    pub fn begin_with(&self, geometry: &Geometry, write: WriteId, store: WriteId, cells: &Range<Cell>) {
        self.each(geometry, cells, |history| history.begin_with(write, store));
        self.survivors(geometry, cells, |cell| cell.allow(store));
    }

    /// A write(2) returns an error after parts of it may have been written.
    pub fn fail_write(&self, geometry: &Geometry, id: WriteId, cells: &Range<Cell>) {
        self.end_growth(geometry, id, cells.start, false);
        for id in self.values_of(id) {
            self.each(geometry, cells, |history| history.fail_write(id));
        }
    }

    /// Writeback of cells has failed, which some fsync(2) reports: what the device has of them may be found instead of what the page
    /// cache has, unless that will be written once more, and may survive a crash.
    /// Nor was a size logged that is greater than `size`, and zeros behind that are in the file in memory alone.
    pub fn lose(&self, geometry: &Geometry, size: Cell, left: impl Iterator<Item = (Cell, Value, Lost)>) {
        for (cell, value, lost) in left {
            if value.is_garbage() {
                continue;
            }
            if let Lost::Cached(cached) = lost {
                self.each(geometry, &(cell..cell + 1), |history| {
                    if history.may_come_back(value) {
                        history.lose(value, cached);
                    }
                });
            }
            self.survivors(geometry, &(cell..cell + 1), |survivor| {
                survivor.lose(value);
                if cell >= size {
                    survivor.allow_outside();
                }
            });
        }
        self.leave_zeros_outside(geometry, size);
    }

    /// The device has these values of cells from here on.
    pub fn arrive(&self, geometry: &Geometry, values: impl Iterator<Item = (Cell, Value)>) {
        for (cell, value) in values {
            self.each(geometry, &(cell..cell + 1), |history| history.arrive(value));
            self.survivors(geometry, &(cell..cell + 1), Survivors::arrive);
        }
    }

    /// A direct write that is not complete raises i_size from `size` over `cells`. Who sees the size has to find the data.
    pub fn outgrow(&self, geometry: &Geometry, id: WriteId, size: Cell, cells: &Range<Cell>) {
        if cells.is_empty() {
            return;
        }
        let first_page =
            if geometry.page_at(size) == geometry.byte_at(size) { size } else { geometry.page_end(size) };
        let pages = first_page.clamp(cells.start, cells.end);
        self.each(geometry, &(cells.start..pages), |history| history.outgrow(id, false));
        self.each(geometry, &(pages..cells.end), |history| history.outgrow(id, true));
    }

    /// Cells are about to read as zeros (a truncate, a punch), or to come into the file as such. All who do this
    /// hold i_rwsem, so there is one at a time.
    pub fn begin_zero(&self, geometry: &Geometry, cells: &Range<Cell>) {
        // None of them overwrites a cell of a file of no size: zeros may be where the file grows or shrinks.
        self.begin_write(geometry, 0, cells, 0);
    }

    /// Cells behind end of file are about to be dropped, with what was stored there. No crash may bring them into the file.
    pub fn begin_zero_behind(&self, geometry: &Geometry, cells: &Range<Cell>) {
        self.each(geometry, cells, |history| history.begin_write(0));
    }

    /// Cells read as zeros from here on.
    pub fn complete_zero(&self, geometry: &Geometry, cells: &Range<Cell>) {
        self.each(geometry, cells, History::complete_zero);
    }

    /// The same, in blocks that stay the file's, where I/O may fail.
    pub fn complete_zero_in_place(&self, geometry: &Geometry, cells: &Range<Cell>) {
        self.each(geometry, cells, History::complete_zero_in_place);
    }

    /// Cells have come into the file.
    pub fn complete_growth(&self, geometry: &Geometry, cells: &Range<Cell>) {
        self.each(geometry, cells, |history| history.complete_growth(self.post_eof, self.zeros));
    }

    /// `cells` are taken out of the file: what lies behind moves down.
    pub fn collapse(&self, geometry: &Geometry, cells: &Range<Cell>) {
        let by = cells.end - cells.start;
        self.rearrange(geometry, cells.start, |cell| Some(cell + by).filter(|from| *from < geometry.cells()));
    }

    /// `cells` are put into the file: what lies there moves up.
    pub fn insert(&self, geometry: &Geometry, cells: &Range<Cell>) {
        let by = cells.end - cells.start;
        self.rearrange(geometry, cells.start, |cell| {
            cell.checked_sub(by).filter(|from| *from >= cells.start)
        });
    }

    /// Moves what is in the cells from `first` on; `from` says where each of them gets it, if not from a hole.
    fn rearrange(&self, geometry: &Geometry, first: Cell, from: impl Fn(Cell) -> Option<Cell>) {
        let cells = first..geometry.cells();
        let mut histories = Vec::new();
        for (index, inside) in by_folio(geometry, &cells) {
            self.cells[index].audit(|folio| histories.extend_from_slice(&folio[inside]));
        }
        for (index, inside) in by_folio(geometry, &cells) {
            self.cells[index].update(|folio| {
                for history in &mut folio[inside] {
                    match from(history.cell()) {
                        Some(from) => history.take_over(&histories[usize::from(from - first)]),
                        None => history.take_over(&History::new(history.cell())),
                    }
                }
            });
        }
        self.rearrange_survivors(geometry, &cells, from);
    }

    /// A store through a mapping: begins and ends at once. Behind end of file (`size`) it is no write of the
    /// file: whether it is found there is unspecified, as long as the file does not grow.
    pub fn store(&self, geometry: &Geometry, id: WriteId, cells: &Range<Cell>, size: Cell) {
        let inside = cells.end.min(size).max(cells.start);
        self.each(geometry, &(cells.start..inside), |history| {
            history.begin_write(id);
            history.complete_write(id);
        });
        self.survivors(geometry, &(cells.start..inside), |cell| cell.allow(id));
        self.store_behind(geometry, id, &(inside..cells.end), size);
        self.exempt_mixed(geometry, id, cells);
    }

    /// A store into cells that were behind end of file when it began, and may have come inside since (`size`): whether it is found there is
    /// unspecified.
    pub fn store_behind(&self, geometry: &Geometry, id: WriteId, cells: &Range<Cell>, size: Cell) {
        let inside = cells.end.min(size).max(cells.start);
        self.each(geometry, cells, |history| history.allow(id));
        self.survivors(geometry, &(cells.start..inside), |cell| cell.allow(id));
        self.survive_behind(geometry, id, &(inside..cells.end));
        self.exempt_mixed(geometry, id, cells);
    }

    /// Cells are about to get other contents, by [`replace`](Self::replace).
    pub fn begin_replace(&self, geometry: &Geometry, cells: &Range<Cell>) {
        self.each(geometry, cells, History::begin_replace);
    }

    /// Each of `cells` gets one of the contents in the set that `values` has for it, at one stroke: a clone of
    /// another file's cells from `from` on, which nobody can see half done.
    pub fn replace(&self, geometry: &Geometry, cells: &Range<Cell>, from: Cell, values: &[Values]) {
        let carried = |cell: Cell| {
            let at = cell - cells.start;
            values[usize::from(at)].carried(from + at, cell)
        };
        for (index, inside) in by_folio(geometry, cells) {
            self.cells[index].update(|histories| {
                histories[inside].iter_mut().for_each(|history| history.replace(&carried(history.cell())));
            });
        }
        let any = cells.clone().map(carried).fold(Values::NONE, |any, values| any.with(&values));
        self.survivors(geometry, cells, |cell| cell.allow_all(&any));
    }

    /// `cells` of two files get each other's contents, at one stroke. A write that has not ended stays with its file.
    pub fn exchange(&self, other: &Self, geometry: &Geometry, cells: &Range<Cell>) {
        let (own, others) = (self.settled(geometry, cells), other.settled(geometry, cells));
        self.replace(geometry, cells, cells.start, &others);
        other.replace(geometry, cells, cells.start, &own);
    }

    /// What each of `cells` may contain, but for writes that have not ended.
    fn settled(&self, geometry: &Geometry, cells: &Range<Cell>) -> Vec<Values> {
        let mut values = Vec::new();
        for (index, inside) in by_folio(geometry, cells) {
            self.cells[index]
                .audit(|histories| values.extend(histories[inside].iter().map(History::settled)));
        }
        values
    }
}
