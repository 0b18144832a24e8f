//! The properties, judged on the history of operations and not on how the model works.
//!
//! For every cell the oracle keeps which values it may have: those of writes that no later write has
//! replaced. A write that began after another one had completed replaces it when it completes; writes that
//! overlap in time may win either way. It is told when writes and reads begin and end, and shown what the
//! page cache and the device hold; it never steers anybody.
//!
//! Its own state is part of the system's state: it is kept in small pieces (one per folio, one per actor),
//! so that recording commutes where the recorded operations do.

use std::ops::Range;

use stalemap_facade::{ActorId, Backend, Leaf, Property};

use crate::judge::growth::{Growths, Outgrown};
use crate::judge::properties;
use crate::judge::survivors::{Survivors, Told};
use crate::words::config::{PostEof, labelled};
use crate::words::counters;
use crate::words::geometry::{Cell, FolioIndex, Geometry};
use crate::words::value::{MAX_WRITES, Value, WriteId};

/// What one cell may contain.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
struct History {
    /// Writes whose value the cell may have, pending ones included.
    allowed: u64,
    /// Writes that the cell is made of: those since it last was a hole, whose values are the file's own. Anything
    /// else is somebody else's, or was deleted.
    own: u64,
    /// Writes that zeros have come over in the block where they are. If these fail to be written, they are found again.
    beneath: u64,
    /// Of the allowed ones, those that are only found since what came over them failed to be written. Once the cell is written,
    /// they are not found any more.
    failed: u64,
    /// Writes that have begun and not ended, each with what was complete when it began.
    pending: Vec<(WriteId, u64)>,
    /// Reads that have begun and not ended, each with what it may return.
    reads: Vec<(ActorId, u64)>,
    /// What was there before a direct write that is not complete, but has brought the cell inside end of file.
    outgrown: Outgrown,
    /// What is about to bring the cell into the file as zeros, and writes elsewhere.
    growths: Growths,
}

impl History {
    fn new() -> Self {
        let (pending, reads) = (Vec::new(), Vec::new());
        History {
            allowed: 1,
            own: 1,
            beneath: 0,
            failed: 0,
            pending,
            reads,
            outgrown: Outgrown::default(),
            growths: Growths::default(),
        }
    }

    fn begin_write(&mut self, id: WriteId) {
        let pending = self.pending.iter().fold(0, |set, (other, _)| set | 1 << other);
        // Those that are under way do not replace it, also where the cell might have contained it before.
        self.pending.iter_mut().for_each(|(_, replaced)| *replaced &= !(1 << id));
        self.pending.push((id, self.allowed & !pending));
        self.pending.sort_unstable();
        self.allow(id);
    }

    /// The write, which has begun, may put this there in the place of its own value: it lies in its buffer.
    fn store_to_buffer(&mut self, write: WriteId, store: WriteId) {
        let Some((_, replaced)) = self.pending.iter().find(|(other, _)| *other == write) else { return };
        if self.pending.iter().all(|(other, _)| *other != store) {
            self.pending.push((store, *replaced));
            self.pending.sort_unstable();
        }
        self.allow(store);
    }

    /// The same, and its own value was not in the buffer any more when it began.
    fn begin_with(&mut self, write: WriteId, store: WriteId) {
        self.store_to_buffer(write, store);
        self.allowed &= !(1 << write);
    }

    /// The cell may contain this from here on.
    fn allow(&mut self, id: WriteId) {
        self.failed &= !(1 << id);
        self.allowed |= 1 << id;
        self.own |= 1 << id;
        for (_, may_return) in &mut self.reads {
            *may_return |= 1 << id;
        }
    }

    /// What was cached is not written, and this is found instead, also behind the end of writes that have copied already, and have still
    /// other cells to copy. One that has not copied began after what is cached.
    fn lose(&mut self, id: WriteId, cached: Value) {
        let failed = if self.allowed & (1 << id) == 0 { 1 << id } else { self.failed & (1 << id) };
        self.allow(id);
        self.failed |= failed;
        let Some(cached) = cached.write() else { return };
        for (write, replaced) in &mut self.pending {
            let copied = *write == cached || *replaced & (1 << cached) == 0;
            // Zeros that come over zeros may be found once they are written.
            if copied && *write != id && *replaced & (1 << id) != 0 {
                *replaced &= !(1 << id);
                self.failed |= 1 << id;
            }
        }
    }

    /// What the cell may contain, and what of that only since writeback has failed, as far as no write is under way.
    fn current(&self) -> (u64, u64) {
        (self.allowed, if self.pending.is_empty() { self.failed } else { 0 })
    }

    /// The device has this from here on: of what earlier failures have left nothing else is found any more.
    fn arrive(&mut self, value: Value) {
        let stays = value.write().map_or(0, |id| 1 << id);
        self.allowed &= !self.failed | stays;
        self.failed &= stays;
    }

    /// The write is acknowledged: what it began after is replaced. A repeated write of the same number
    /// (there is none within a cell) would replace itself.
    fn complete_write(&mut self, id: WriteId) {
        if let Some(at) = self.pending.iter().position(|(other, _)| *other == id) {
            let (_, replaced) = self.pending.remove(at);
            self.allowed &= !replaced | 1 << id;
            self.failed &= self.allowed;
            self.outgrown = Outgrown::default();
        }
    }

    /// The cell was made to read as zeros: what was there before is deleted.
    fn complete_zero(&mut self) {
        self.complete_write(0);
        self.own = self.allowed;
        self.beneath = 0;
    }

    /// The same, and the block is still the file's: it has what was there before until the zeros are written.
    fn complete_zero_in_place(&mut self) {
        let beneath = self.beneath | self.own;
        self.complete_zero();
        self.beneath = beneath;
    }

    /// A change of the size has brought the cell into the file. What was stored there before it began, behind end of file, is
    /// found or not where it is exempt.
    fn complete_growth(&mut self, post_eof: PostEof, zeros: Zeros) {
        let Some(at) = self.pending.iter().position(|(other, _)| *other == 0) else { return };
        let (_, stored) = self.pending.remove(at);
        if post_eof == PostEof::Judged {
            self.expel(stored, zeros);
        }
    }

    /// A write elsewhere has brought the cell into the file, as zeros, or it has not.
    fn end_growth(&mut self, id: WriteId, grown: bool, zeros: Zeros) {
        if let Some(stored) = self.growths.end(id)
            && grown
        {
            self.expel(stored, zeros);
        }
    }

    /// Values that were stored behind end of file do not come into the file; unless the zeros that come over them fail to be written.
    fn expel(&mut self, stored: u64, zeros: Zeros) {
        if zeros == Zeros::MayFail {
            self.beneath |= self.own & stored & !1;
        }
        self.allowed &= !stored | 1;
        self.failed &= self.allowed;
        self.own &= !stored | 1;
    }

    /// Whether something brings the cell into the file just now.
    fn is_growing(&self) -> bool {
        self.growths.any() || self.pending.iter().any(|(id, _)| *id == 0)
    }

    /// What was in another cell is in this one from here on. Who reads in the meantime may find either.
    fn take_over(&mut self, other: History) {
        for (_, may_return) in &mut self.reads {
            *may_return |= other.allowed;
        }
        *self = History { reads: std::mem::take(&mut self.reads), ..other };
    }

    /// The write did not get as far as this cell. An earlier call of the same command may have: what was moved here since stays.
    fn abandon_write(&mut self, id: WriteId) {
        if let Some(at) = self.pending.iter().position(|(other, _)| *other == id) {
            let (_, replaced) = self.pending.remove(at);
            self.allowed &= !(1 << id) | replaced;
        }
    }

    /// The cell gets other contents at one stroke, of which `values` are possible.
    fn replace(&mut self, values: u64) {
        let pending = self.pending.iter().fold(0, |set, (id, _)| set | 1 << id);
        self.allowed = self.allowed & pending | values;
        self.failed &= self.allowed & !values;
        self.own |= values;
        for (_, may_return) in &mut self.reads {
            *may_return |= values;
        }
    }

    /// What the cell may contain, but for writes that have not ended.
    fn settled(&self) -> u64 {
        self.pending.iter().fold(self.allowed, |set, (id, _)| set & !(1 << id))
    }

    /// The write failed somewhere: the cell may contain it or not.
    fn fail_write(&mut self, id: WriteId) {
        self.pending.retain(|(other, _)| *other != id);
    }

    /// The write, still pending, has brought the cell inside end of file, or all of its page.
    fn outgrow(&mut self, id: WriteId, page: bool) {
        if let Some((_, replaced)) = self.pending.iter().find(|(other, _)| *other == id) {
            self.outgrown = Outgrown::new(replaced & !(1 << id), page);
        }
    }

    /// The cell may contain whatever was ever written.
    fn exempt(&mut self) {
        self.allowed = u64::MAX;
        self.failed = 0;
        self.pending.iter_mut().for_each(|(_, replaced)| *replaced = 0);
        self.growths.exempt();
        self.reads.iter_mut().for_each(|(_, may_return)| *may_return = u64::MAX);
    }

    fn allows(&self, value: Value) -> bool {
        value.write().is_some_and(|id| self.allowed & (1 << id) != 0)
    }

    /// Whether the value may be found if what came over it fails to be written.
    fn may_come_back(&self, value: Value) -> bool {
        self.owns(value) || value.write().is_some_and(|id| self.beneath & (1 << id) != 0)
    }

    /// Whether the value is the file's own, current or replaced.
    fn owns(&self, value: Value) -> bool {
        value.write().is_some_and(|id| self.own & (1 << id) != 0)
    }
}

/// What the page cache has where writeback has failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lost {
    /// This, and it is clean: nobody will write it.
    Cached(Value),
    /// It is dirty again, and will be written.
    No,
}

/// What may become of zeros that are put into a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Zeros {
    /// They are written.
    Arrive,
    /// I/O may fail.
    MayFail,
}

/// What one writer has met since its last `iomap_begin`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Writer {
    /// Whether somebody else changed the extent map since.
    disturbed: bool,
    /// Mappings that others made stale in this run.
    stale: u16,
    /// Mappings that went stale although nobody else had changed anything, and that it has changed the extent map for
    /// again.
    own: u16,
    /// Where it stands between two of these.
    retrying: Retrying,
    /// Of these, those whose successor said the same.
    spurious: u16,
}

/// Where a writer stands whose mappings go stale by themselves. As long as nothing changes in between, it comes back to
/// the same state, and the engine sees that it goes round for ever: a count would hide it. When the writer itself changes
/// the extent map on the way, the counters that it is checked by grow without end, and no state comes again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Retrying {
    /// None of its mappings has gone stale by itself.
    #[default]
    No,
    /// One has.
    Same,
    /// It has changed the extent map since.
    Changed,
}

/// The judge.
pub struct Oracle<B: Backend> {
    backend: B,
    /// By folio.
    cells: Vec<B::Leaf<Vec<History>>>,
    /// By actor.
    writers: Vec<B::Leaf<Writer>>,
    /// Whether somebody goes on for ever, so that what writers meet is not counted.
    endless: bool,
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
}

/// Runs of cells with the same contents, for messages.
#[derive(Default)]
struct Runs(Vec<(Range<Cell>, Value)>);

impl Runs {
    fn add(&mut self, cell: Cell, value: Value) {
        match self.0.last_mut() {
            Some((run, same)) if run.end == cell && *same == value => run.end += 1,
            _ => self.0.push((cell..cell + 1, value)),
        }
    }

    fn show(&self, geometry: &Geometry, patterns: &[u8]) -> String {
        let show = |(cells, value): &(Range<Cell>, Value)| {
            format!("{} is {}", geometry.show_cells(cells), value.show(patterns))
        };
        self.0.iter().map(show).collect::<Vec<_>>().join(", ")
    }
}

impl<B: Backend> Oracle<B> {
    /// A judge for a file that reads as zeros.
    pub fn new(
        backend: &B,
        geometry: &Geometry,
        actors: usize,
        patterns: &[u8],
        label: Option<&str>,
    ) -> Self {
        let histories = |index| vec![History::new(); geometry.cells_of_folio(index).len()];
        Oracle {
            backend: backend.clone(),
            patterns: patterns.to_vec(),
            buffers: Vec::new(),
            label: label.map(str::to_owned),
            exempted: None,
            post_eof: PostEof::Judged,
            zeros: Zeros::Arrive,
            cells: (0..geometry.folios()).map(|index| backend.leaf("history", histories(index))).collect(),
            writers: (0..actors).map(|_| backend.leaf("writer", Writer::default())).collect(),
            endless: false,
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

    /// Somebody goes on for ever: how many mappings of a writer go stale is not counted.
    #[must_use]
    pub fn without_counts(mut self) -> Self {
        self.endless = true;
        self
    }

    /// Zeros that are put into a block may fail to be written.
    #[must_use]
    pub fn with_failing_zeros(mut self) -> Self {
        self.zeros = Zeros::MayFail;
        self
    }

    /// Judges crashes, too, of a file of `size`.
    #[must_use]
    pub fn with_crashes(mut self, geometry: &Geometry, size: Cell) -> Self {
        let survivor = |cell| {
            let mut survivor = Survivors::new();
            if cell < size {
                survivor.allow(0);
            }
            survivor
        };
        let survivors = |index| geometry.cells_of_folio(index).map(survivor).collect();
        let leaf = |index| self.backend.leaf("survivors", survivors(index));
        self.survivors = Some((0..geometry.folios()).map(leaf).collect());
        self
    }

    /// Calls `change` for what may survive a crash in a range of cells.
    fn survivors(&self, geometry: &Geometry, cells: &Range<Cell>, change: impl Fn(&mut Survivors)) {
        let Some(survivors) = &self.survivors else { return };
        for index in geometry.folios_touched(cells) {
            let inside = crate::words::geometry::within(&geometry.cells_of_folio(index), cells);
            survivors[usize::from(index)].update(|cells| cells[inside].iter_mut().for_each(&change));
        }
    }

    /// An fsync(2) of some folios begins.
    pub fn begin_sync(&self, actor: ActorId, folios: Range<FolioIndex>) {
        let Some(survivors) = &self.survivors else { return };
        for index in folios.map(usize::from) {
            let (histories, survivors) = (&self.cells[index], &survivors[index]);
            let mut current = Vec::new();
            histories.audit(|histories| current = histories.iter().map(History::current).collect());
            survivors.update(|cells| {
                for (cell, (current, failed)) in cells.iter_mut().zip(current) {
                    cell.begin_sync(actor, current, failed);
                }
            });
        }
    }

    /// An fsync(2) returns: what it covered is durable, but for what has failed, if somebody was told of that.
    pub fn end_sync(&self, actor: ActorId, told: Told) {
        for survivors in self.survivors.iter().flatten() {
            survivors.update(|cells| cells.iter_mut().for_each(|cell| cell.end_sync(actor, told)));
        }
    }

    /// An fsync(2) returns an error.
    pub fn abandon_sync(&self, actor: ActorId) {
        for survivors in self.survivors.iter().flatten() {
            survivors.update(|cells| cells.iter_mut().for_each(|cell| cell.abandon_sync(actor)));
        }
    }

    /// Recovery after a crash would give this in a cell of a file of `size`. Zeros where none were ever put, and nothing
    /// was synced, are no loss as long as data behind them have arrived; at the end of the file they are not its data, and
    /// the size is wrong.
    pub fn recovered(&self, geometry: &Geometry, cell: Cell, value: Value, size: Cell) {
        self.survivor(geometry, cell, |survivor| {
            let property = match value {
                value if survivor.allow_recovery_of(value) => return,
                value if value.is_garbage() || survivor.was_stored_behind(value) => {
                    properties::CRASH_EXPOSURE
                }
                Value::ZERO if survivor.allow_recovery_outside() => {
                    if cell + 1 < size {
                        return;
                    }
                    properties::SIZE_ORDER
                }
                _ => properties::CRASH_LOST,
            };
            self.violate(property, || {
                let cell = geometry.show_cells(&(cell..cell + 1));
                format!("after a crash {cell} would be {}", value.show(&self.patterns))
            });
        });
    }

    /// Recovery would leave a cell outside of the file.
    pub fn recovered_outside(&self, geometry: &Geometry, cell: Cell) {
        self.survivor(geometry, cell, |survivor| {
            if !survivor.allow_recovery_outside() {
                self.violate(properties::CRASH_LOST, || {
                    let cell = geometry.show_cells(&(cell..cell + 1));
                    format!("after a crash {cell} would lie behind the end of file")
                });
            }
        });
    }

    /// Shows what may survive a crash in a cell.
    fn survivor(&self, geometry: &Geometry, cell: Cell, look: impl FnOnce(&Survivors)) {
        let Some(survivors) = &self.survivors else { return };
        let index = geometry.folio_of(cell);
        let at = usize::from(cell - geometry.cells_of_folio(index).start);
        survivors[usize::from(index)].audit(|cells| look(&cells[at]));
    }

    /// A write beyond end of file has brought `cells` before it into the file; they read as zeros.
    pub fn gap(&self, geometry: &Geometry, cells: &Range<Cell>) {
        self.survivors(geometry, cells, |cell| cell.allow(0));
    }

    /// Calls `change` for each history in a range of cells.
    fn each(&self, geometry: &Geometry, cells: &Range<Cell>, change: impl Fn(&mut History)) {
        for index in geometry.folios_touched(cells) {
            let inside = crate::words::geometry::within(&geometry.cells_of_folio(index), cells);
            self.cells[usize::from(index)].update(|histories| histories[inside].iter_mut().for_each(&change));
        }
    }

    /// A write(2) begins.
    pub fn begin_write(&self, geometry: &Geometry, id: WriteId, cells: &Range<Cell>) {
        self.each(geometry, cells, |history| history.begin_write(id));
        self.survivors(geometry, cells, |cell| cell.allow(id));
        self.exempt_mixed(geometry, id, cells);
    }

    /// Exempts the folios in which a direct write and one through the page cache are both pending, and `id` is
    /// one of them. Whole folios, because the page cache writes back whole blocks of them.
    fn exempt_mixed(&self, geometry: &Geometry, id: WriteId, cells: &Range<Cell>) {
        let Some(direct) = self.exempted else { return };
        for index in geometry.folios_touched(cells) {
            self.cells[usize::from(index)].update(|histories| {
                let mut pending = histories.iter().flat_map(|history| &history.pending);
                if pending.any(|(other, _)| (direct >> other ^ direct >> id) & 1 != 0) {
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
        if self.post_eof == PostEof::Judged && !cells.is_empty() {
            self.each(geometry, cells, |history| history.growths.begin(id, history.settled()));
        }
    }

    /// A write(2) of cells from `start` on returns, or what else makes a file grow, and has brought what lies before it into the
    /// file, or not.
    pub fn end_growth(&self, geometry: &Geometry, id: WriteId, start: Cell, grown: bool) {
        for index in geometry.folios_touched(&(0..start)).map(usize::from) {
            let mut any = false;
            self.cells[index]
                .audit(|histories| any = histories.iter().any(|history| history.growths.is_under_way(id)));
            if any {
                self.cells[index].update(|histories| {
                    for history in histories {
                        history.end_growth(id, grown, self.zeros);
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
    /// Nor was a size logged that is greater than `size`.
    pub fn lose(&self, geometry: &Geometry, size: Cell, left: impl Iterator<Item = (Cell, Value, Lost)>) {
        for (cell, value, lost) in left {
            let Some(id) = value.write() else { continue };
            if let Lost::Cached(cached) = lost {
                self.each(geometry, &(cell..cell + 1), |history| {
                    if history.may_come_back(value) {
                        history.lose(id, cached);
                    }
                });
            }
            self.survivors(geometry, &(cell..cell + 1), |survivor| {
                survivor.lose(id);
                if cell >= size {
                    survivor.allow_outside();
                }
            });
        }
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
        self.begin_write(geometry, 0, cells);
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
        self.rearrange(geometry, cells.start, |histories| {
            histories.drain(..cells.len().min(histories.len()));
            histories.extend(cells.clone().map(|_| History::new()));
        });
    }

    /// `cells` are put into the file: what lies there moves up.
    pub fn insert(&self, geometry: &Geometry, cells: &Range<Cell>) {
        self.rearrange(geometry, cells.start, |histories| {
            histories.truncate(histories.len().saturating_sub(cells.len()));
            histories.splice(..0, cells.clone().map(|_| History::new()));
        });
    }

    /// Moves the histories from a cell on.
    fn rearrange(&self, geometry: &Geometry, from: Cell, change: impl Fn(&mut Vec<History>)) {
        let cells = from..geometry.cells();
        let mut histories = Vec::new();
        for index in geometry.folios_touched(&cells) {
            let inside = crate::words::geometry::within(&geometry.cells_of_folio(index), &cells);
            self.cells[usize::from(index)].audit(|folio| histories.extend_from_slice(&folio[inside]));
        }
        change(&mut histories);
        let mut histories = histories.into_iter();
        for index in geometry.folios_touched(&cells) {
            let inside = crate::words::geometry::within(&geometry.cells_of_folio(index), &cells);
            self.cells[usize::from(index)].update(|folio| {
                folio[inside].iter_mut().zip(&mut histories).for_each(|(cell, other)| cell.take_over(other));
            });
        }
        // A crash may leave the file as it was, or rearranged.
        let mut all = 0;
        for survivors in self.survivors.iter().flatten() {
            survivors.audit(|cells| all |= cells.iter().fold(0, |set, cell| set | cell.writes()));
        }
        self.survivors(geometry, &cells, |cell| cell.allow_all(all));
    }

    /// A store through a mapping: begins and ends at once. Behind end of file (`size`) it is no write of the
    /// file: whether it is found there is unspecified, as long as the file does not grow.
    pub fn store(&self, geometry: &Geometry, id: WriteId, cells: &Range<Cell>, size: Cell) {
        let inside = cells.end.min(size).max(cells.start);
        self.each(geometry, &(cells.start..inside), |history| {
            history.begin_write(id);
            history.complete_write(id);
        });
        let behind = inside..cells.end;
        self.each(geometry, &behind, |history| history.allow(id));
        self.survivors(geometry, &(cells.start..inside), |cell| cell.allow(id));
        self.survive_behind(geometry, id, &behind);
        self.exempt_mixed(geometry, id, cells);
    }

    /// What is stored behind end of file may survive a crash in the file where it may become part of it.
    fn survive_behind(&self, geometry: &Geometry, id: WriteId, behind: &Range<Cell>) {
        if self.survivors.is_none() {
            return;
        }
        for cell in behind.clone() {
            let index = geometry.folio_of(cell);
            let at = usize::from(cell - geometry.cells_of_folio(index).start);
            let mut growing = false;
            self.cells[usize::from(index)].audit(|histories| growing = histories[at].is_growing());
            let found = growing || self.post_eof == PostEof::Exempt;
            self.survivors(geometry, &(cell..cell + 1), |cell| {
                if found {
                    cell.allow(id);
                } else {
                    cell.store_behind(id);
                }
            });
        }
    }

    /// A read(2) begins.
    pub fn begin_read(&self, geometry: &Geometry, reader: ActorId, cells: &Range<Cell>) {
        self.each(geometry, cells, |history| {
            history.reads.push((reader, history.allowed));
            history.reads.sort_unstable();
        });
    }

    /// A read(2) has copied `values` out of `cells` of one folio, or read them from the device, or knows them to be zeros. It has
    /// seen a size that takes them in.
    pub fn copied_out(&self, geometry: &Geometry, reader: ActorId, cells: &Range<Cell>, values: &[Value]) {
        for index in geometry.folios_touched(cells) {
            let inside = crate::words::geometry::within(&geometry.cells_of_folio(index), cells);
            self.cells[usize::from(index)].audit(|histories| {
                let read = histories[inside].iter().zip(values);
                if read.clone().any(|(history, value)| history.outgrown.misleads_read(*value)) {
                    self.size_before_data(geometry, cells);
                }
                for (history, value) in read {
                    let may_return = history.reads.iter().find(|(actor, _)| *actor == reader);
                    let may_return = may_return.map_or(history.allowed, |(_, set)| *set);
                    self.judge_read(history, may_return, *value, cells, geometry);
                }
            });
        }
    }

    /// A read of cells, or a load, has seen the size, and not the data.
    fn size_before_data(&self, geometry: &Geometry, cells: &Range<Cell>) {
        self.violate(properties::SIZE_ORDER, || {
            format!("a read of {} saw the size before the data", geometry.show_cells(cells))
        });
    }

    /// A search that has begun as a read(2) does calls `cells` a hole: they read as zeros.
    pub fn reported_hole(&self, geometry: &Geometry, searcher: ActorId, cells: &Range<Cell>) {
        let may_return = self.may_return(geometry, searcher, cells);
        let mut wrong = cells.clone().zip(may_return).filter(|(_, set)| set & 1 == 0).map(|(cell, _)| cell);
        let Some(first) = wrong.next() else { return };
        let last = wrong.next_back().unwrap_or(first);
        self.violate(properties::STALE_READ, || {
            format!("{} has data, and was called a hole", geometry.show_cells(&(first..last + 1)))
        });
    }

    /// A read(2) returns.
    pub fn end_read(&self, geometry: &Geometry, reader: ActorId, cells: &Range<Cell>) {
        self.each(geometry, cells, |history| history.reads.retain(|(actor, _)| *actor != reader));
    }

    /// What a read that has begun may return for each of `cells`: for callers that copy them elsewhere in the same
    /// transition.
    pub fn may_return(&self, geometry: &Geometry, reader: ActorId, cells: &Range<Cell>) -> Vec<u64> {
        let mut values = Vec::new();
        for index in geometry.folios_touched(cells) {
            let inside = crate::words::geometry::within(&geometry.cells_of_folio(index), cells);
            self.cells[usize::from(index)].audit(|histories| {
                for history in &histories[inside] {
                    let read = history.reads.iter().find(|(actor, _)| *actor == reader);
                    values.push(read.map_or(history.allowed, |(_, set)| *set));
                }
            });
        }
        values
    }

    /// Each of `cells` gets one of the contents in the set that `values` has for it, at one stroke: a clone of
    /// another file's cells, which nobody can see half done.
    pub fn replace(&self, geometry: &Geometry, cells: &Range<Cell>, values: &[u64]) {
        for index in geometry.folios_touched(cells) {
            let folio = geometry.cells_of_folio(index);
            let inside = crate::words::geometry::within(&folio, cells);
            let first = usize::from(folio.start.max(cells.start) - cells.start);
            self.cells[usize::from(index)].update(|histories| {
                for (history, values) in histories[inside].iter_mut().zip(values.iter().skip(first)) {
                    history.replace(*values);
                }
            });
        }
        let any = values.iter().fold(0, |any, values| any | values);
        let possible = |id: &WriteId| any & (1 << id) != 0;
        let ids = || (0..MAX_WRITES as WriteId).filter(possible);
        self.survivors(geometry, cells, |cell| ids().for_each(|id| cell.allow(id)));
    }

    /// `cells` of two files get each other's contents, at one stroke. A write that has not ended stays with its file.
    pub fn exchange(&self, other: &Self, geometry: &Geometry, cells: &Range<Cell>) {
        let (own, others) = (self.settled(geometry, cells), other.settled(geometry, cells));
        self.replace(geometry, cells, &others);
        other.replace(geometry, cells, &own);
    }

    /// What each of `cells` may contain, but for writes that have not ended.
    fn settled(&self, geometry: &Geometry, cells: &Range<Cell>) -> Vec<u64> {
        let mut values = Vec::new();
        for index in geometry.folios_touched(cells) {
            let inside = crate::words::geometry::within(&geometry.cells_of_folio(index), cells);
            self.cells[usize::from(index)]
                .audit(|histories| values.extend(histories[inside].iter().map(History::settled)));
        }
        values
    }

    /// A load through a mapping of `cells` of one folio: begins and ends at once. Behind end of file there are
    /// zeros, or what was stored there.
    pub fn load(&self, geometry: &Geometry, cells: &Range<Cell>, values: &[Value]) {
        for index in geometry.folios_touched(cells) {
            let inside = crate::words::geometry::within(&geometry.cells_of_folio(index), cells);
            self.cells[usize::from(index)].audit(|histories| {
                for (history, value) in histories[inside].iter().zip(values) {
                    if history.outgrown.misleads_load(*value) {
                        self.size_before_data(geometry, cells);
                    }
                    self.judge_read(history, history.allowed, *value, cells, geometry);
                }
            });
        }
    }

    fn judge_read(
        &self,
        history: &History,
        may_return: u64,
        value: Value,
        cells: &Range<Cell>,
        geometry: &Geometry,
    ) {
        if value.write().is_some_and(|id| may_return & (1 << id) != 0) {
            return;
        }
        let property = if history.owns(value) { properties::STALE_READ } else { properties::STALE_EXPOSURE };
        self.backend.violate(property, || {
            format!("a read of {} returned {}", geometry.show_cells(cells), value.show(&self.patterns))
        });
    }

    /// Judges contents that a reader would be given from here on, or that are all that is left: `values` of
    /// cells in ascending order, each with its cell.
    pub fn visible(&self, geometry: &Geometry, place: &str, cells: impl Iterator<Item = (Cell, Value)>) {
        let mut exposed = Runs::default();
        let mut lost = Runs::default();
        for (cell, value) in cells {
            let index = geometry.folio_of(cell);
            let at = usize::from(cell - geometry.cells_of_folio(index).start);
            self.cells[usize::from(index)].audit(|histories| {
                let history = &histories[at];
                let foreign = !history.owns(value);
                if foreign {
                    exposed.add(cell, value);
                }
                // Another file's contents in the place of what was written here are both: seen by who must not see
                // them, and lost to this file. Where zeros would do, nothing is lost.
                let replaces = !foreign || !value.is_garbage() && !history.allows(Value::ZERO);
                if replaces && !history.allows(value) {
                    lost.add(cell, value);
                }
            });
        }
        if !exposed.0.is_empty() {
            let say = || format!("{} in the {place}", exposed.show(geometry, &self.patterns));
            self.violate(properties::STALE_EXPOSURE, say);
        }
        if !lost.0.is_empty() {
            let say = || {
                let cells = lost.show(geometry, &self.patterns);
                format!("{cells} in the {place}; what was written there is gone")
            };
            self.violate(properties::LOST_WRITE, say);
        }
    }

    /// Judges what lies behind end of file when all is over: nothing that was written and not truncated away.
    pub fn cut_off(&self, geometry: &Geometry, size: Cell) {
        let mut lost = Runs::default();
        for cell in size..geometry.cells() {
            let index = geometry.folio_of(cell);
            let at = usize::from(cell - geometry.cells_of_folio(index).start);
            self.cells[usize::from(index)].audit(|histories| {
                if !histories[at].allows(Value::ZERO) {
                    lost.add(cell, Value::ZERO);
                }
            });
        }
        if !lost.0.is_empty() {
            self.violate(properties::LOST_WRITE, || {
                let cells: Vec<String> = lost.0.iter().map(|(cells, _)| geometry.show_cells(cells)).collect();
                let cells = cells.join(", ");
                format!("{cells} is behind the end of the file on disk; what was written there is gone")
            });
        }
    }

    /// Whether the disk holds data for a cell that zeros must not stand for.
    pub fn zeroing(&self, geometry: &Geometry, cell: Cell, on_disk: Value) {
        let index = geometry.folio_of(cell);
        let at = usize::from(cell - geometry.cells_of_folio(index).start);
        self.cells[usize::from(index)].audit(|histories| {
            if on_disk != Value::ZERO && histories[at].allows(on_disk) && !histories[at].allows(Value::ZERO) {
                self.violate(properties::WRONG_ZERO, || {
                    format!(
                        "{} is zeroed in memory; the disk has {}",
                        geometry.show_cells(&(cell..cell + 1)),
                        on_disk.show(&self.patterns)
                    )
                });
            }
        });
    }

    /// `actor` sampled a mapping.
    pub fn sampled(&self, actor: ActorId) {
        self.writers[actor].update(|writer| writer.disturbed = false);
    }

    /// `actor` changed the extent map.
    pub fn bumped(&self, actor: ActorId) {
        let mut retries = false;
        self.writers[actor].audit(|writer| retries = writer.retrying == Retrying::Same);
        if retries {
            self.writers[actor].update(|writer| writer.retrying = Retrying::Changed);
        }
        for (other, writer) in self.writers.iter().enumerate() {
            let mut undisturbed = false;
            writer.audit(|writer| undisturbed = !writer.disturbed);
            if other != actor && undisturbed {
                writer.update(|writer| writer.disturbed = true);
            }
        }
    }

    /// What a mapping of `actor` was compared with beside the extent map has moved, by whoever it was: a write that has got further
    /// does that itself.
    pub fn moved_beside(&self, actor: ActorId) {
        self.writers[actor].update(|writer| writer.disturbed = true);
    }

    /// A check of `actor` found its mapping stale; `spurious` if a fresh one would have said the same.
    pub fn stale(&self, actor: ActorId, spurious: bool) {
        let writer = &self.writers[actor];
        let mut disturbed = false;
        writer.audit(|writer| disturbed = writer.disturbed);
        if !disturbed {
            self.violate(properties::UNBOUNDED_RETRY, || {
                "a mapping went stale although nobody else had changed anything".to_owned()
            });
            writer.update(|writer| {
                writer.own += u16::from(writer.retrying == Retrying::Changed && !self.endless);
                writer.retrying = Retrying::Same;
            });
            return;
        }
        if self.endless {
            return;
        }
        writer.update(|writer| {
            writer.stale += 1;
            writer.spurious += u16::from(spurious);
        });
        writer.audit(|writer| {
            self.backend.maximum(counters::STALE_ABORTS, u32::from(writer.stale));
            self.backend.maximum(counters::SPURIOUS_ABORTS, u32::from(writer.spurious));
        });
    }

    /// How often `actor` has found a mapping stale and begun again: those that others had made stale, and those after
    /// which it changed the extent map itself.
    pub fn retries(&self, actor: ActorId) -> u32 {
        self.writers[actor].read(|writer| u32::from(writer.stale) + u32::from(writer.own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_write_replaces_an_earlier_one_when_it_completes() {
        let mut history = History::new();
        history.begin_write(1);
        history.complete_write(1);
        assert!(!history.allows(Value::ZERO));
        history.begin_write(2);
        assert!(history.allows(Value::written(1)) && history.allows(Value::written(2)));
        history.complete_write(2);
        assert!(!history.allows(Value::written(1)));
    }

    #[test]
    fn what_failed_to_be_written_before_its_write_was_over_may_be_gone_behind_it() {
        let mut history = History::new();
        history.begin_write(1);
        history.complete_write(1);
        history.begin_write(2);
        history.lose(1, Value::written(1));
        history.complete_write(2);
        assert!(!history.allows(Value::written(1)), "it was not what failed");
        history.begin_write(3);
        history.lose(1, Value::written(3));
        history.complete_write(3);
        assert!(history.allows(Value::written(1)) && history.allows(Value::written(3)));
    }

    #[test]
    fn what_a_failure_has_left_is_not_found_once_the_cell_is_written() {
        let mut history = History::new();
        for id in [1, 2] {
            history.begin_write(id);
            history.complete_write(id);
        }
        history.lose(1, Value::written(2));
        history.arrive(Value::written(1));
        assert!(history.allows(Value::written(1)), "the device still has it");
        history.arrive(Value::written(2));
        assert!(!history.allows(Value::written(1)) && history.allows(Value::written(2)));
        // What may be found anyhow stays.
        history.begin_write(3);
        history.lose(2, Value::written(2));
        history.arrive(Value::written(3));
        assert!(history.allows(Value::written(2)), "the write has not ended");
    }

    #[test]
    fn whatever_had_copied_when_it_failed_to_be_written_may_be_gone() {
        let written = || {
            let mut history = History::new();
            history.begin_write(1);
            history.complete_write(1);
            history.begin_write(2);
            history
        };
        // A store through a mapping came over what the write had copied.
        let mut history = written();
        history.allow(3);
        history.lose(1, Value::written(3));
        history.complete_write(2);
        assert!(history.allows(Value::written(1)));
        history.arrive(Value::written(3));
        assert!(!history.allows(Value::written(1)));
        // One value of several in its buffer is cached.
        let mut history = written();
        history.store_to_buffer(2, 4);
        history.lose(1, Value::written(4));
        for id in [2, 4] {
            history.complete_write(id);
        }
        assert!(history.allows(Value::written(1)));
    }

    #[test]
    fn zeros_that_are_found_when_they_fail_are_found_when_they_end() {
        let mut history = History::new();
        history.begin_write(0);
        history.lose(0, Value::ZERO);
        history.begin_write(1);
        history.complete_write(1);
        history.arrive(Value::written(1));
        history.complete_zero();
        assert!(history.allows(Value::ZERO) && history.allows(Value::written(1)));
    }

    #[test]
    fn what_zeros_came_over_in_its_place_comes_back_when_they_fail_and_what_was_freed_does_not() {
        let written = || {
            let mut history = History::new();
            history.begin_write(1);
            history.complete_write(1);
            history.begin_write(0);
            history
        };
        let mut history = written();
        history.complete_zero_in_place();
        assert!(history.may_come_back(Value::written(1)) && !history.owns(Value::written(1)));
        history.lose(1, Value::ZERO);
        assert!(history.allows(Value::written(1)) && history.allows(Value::ZERO));
        let mut history = written();
        history.complete_zero();
        assert!(!history.may_come_back(Value::written(1)));
    }

    #[test]
    fn overlapping_writes_may_win_either_way() {
        let mut history = History::new();
        history.begin_write(1);
        history.begin_write(2);
        history.complete_write(1);
        history.complete_write(2);
        assert!(history.allows(Value::written(1)) && history.allows(Value::written(2)));
        assert!(!history.allows(Value::ZERO));
    }

    #[test]
    fn a_write_that_began_later_is_not_replaced_whatever_was_allowed_before() {
        let mut history = History::new();
        history.exempt();
        history.begin_write(1);
        history.begin_write(2);
        history.complete_write(2);
        history.complete_write(1);
        assert!(history.allows(Value::written(1)) && history.allows(Value::written(2)));
        assert!(!history.allows(Value::written(3)), "they began after it");
    }

    #[test]
    fn what_was_deleted_is_no_longer_the_files_own() {
        let mut history = History::new();
        history.begin_write(1);
        history.complete_write(1);
        history.begin_write(0);
        assert!(history.allows(Value::written(1)) && history.allows(Value::ZERO));
        history.begin_write(2);
        history.complete_write(2);
        history.complete_zero();
        assert!(!history.allows(Value::written(1)) && !history.owns(Value::written(1)));
        assert!(history.allows(Value::written(2)), "the store and the deletion overlapped");
        history.begin_write(3);
        history.complete_write(3);
        assert!(!history.allows(Value::ZERO) && history.owns(Value::ZERO));
    }

    #[test]
    fn a_growing_file_does_not_show_what_was_stored_behind_its_end_before_it_grew() {
        for (post_eof, found) in [(PostEof::Judged, false), (PostEof::Exempt, true)] {
            let mut history = History::new();
            history.allow(1);
            history.begin_write(0);
            history.allow(2);
            history.complete_growth(post_eof, Zeros::Arrive);
            assert!(history.allows(Value::ZERO) && history.allows(Value::written(2)));
            assert_eq!(history.allows(Value::written(1)), found);
            assert_eq!(history.owns(Value::written(1)), found);
            assert!(history.pending.is_empty());
        }
    }

    #[test]
    fn a_write_behind_a_gap_fills_it_with_zeros_if_it_gets_anywhere() {
        for (grown, found) in [(true, false), (false, true)] {
            let mut history = History::new();
            history.allow(1);
            history.growths.begin(3, history.settled());
            history.allow(2);
            assert!(history.is_growing());
            history.end_growth(4, true, Zeros::Arrive);
            assert!(history.is_growing(), "another call ended");
            history.end_growth(3, grown, Zeros::Arrive);
            assert!(
                history.allows(Value::ZERO) && history.allows(Value::written(2)) && !history.is_growing()
            );
            assert_eq!(history.allows(Value::written(1)), found);
        }
    }

    #[test]
    fn a_read_during_a_move_may_find_either() {
        let mut history = History::new();
        history.reads.push((1, history.allowed));
        let mut moved = History::new();
        moved.begin_write(2);
        moved.complete_write(2);
        history.take_over(moved);
        assert!(!history.allows(Value::ZERO) && history.allows(Value::written(2)));
        assert_eq!(history.reads, [(1, 1 | 1 << 2)]);
    }

    #[test]
    fn a_write_that_has_not_ended_is_not_what_another_file_gets() {
        let mut history = History::new();
        history.begin_write(1);
        history.complete_write(1);
        history.begin_write(2);
        assert_eq!(history.settled(), 1 << 1);
        history.replace(1 << 3);
        history.complete_write(2);
        assert!(history.allows(Value::written(2)) && history.allows(Value::written(3)));
        assert!(!history.allows(Value::written(1)));
    }

    #[test]
    fn what_lies_in_the_buffer_while_a_write_is_in_flight_is_right() {
        let mut history = History::new();
        history.store_to_buffer(1, 2);
        assert!(!history.allows(Value::written(2)), "the write has not begun");
        history.begin_write(1);
        history.begin_with(1, 2);
        assert!(history.allows(Value::written(2)) && !history.allows(Value::written(1)));
        history.store_to_buffer(1, 3);
        history.begin_write(4);
        history.complete_write(4);
        for id in [1, 2, 3] {
            history.complete_write(id);
        }
        assert!(!history.allows(Value::ZERO) && !history.allows(Value::written(1)));
        assert!([2, 3, 4].into_iter().all(|id| history.allows(Value::written(id))), "they overlapped");
        history.store_to_buffer(1, 5);
        assert!(!history.allows(Value::written(5)), "the write has ended");
        history.begin_write(6);
        history.complete_write(6);
        assert!((0..6).all(|id| !history.allows(Value::written(id))) && history.pending.is_empty());
    }

    #[test]
    fn an_abandoned_write_leaves_what_was_there() {
        let mut history = History::new();
        history.begin_write(1);
        history.abandon_write(1);
        assert!(history.allows(Value::ZERO) && !history.allows(Value::written(1)));
        assert!(history.pending.is_empty());
    }
}
