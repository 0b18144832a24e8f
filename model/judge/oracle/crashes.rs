//! What may survive a crash: what an fsync(2) has made durable, and what recovery would give back.

use std::ops::Range;

use stalemap_facade::{ActorId, Backend, Leaf};

use crate::judge::history::History;
use crate::judge::oracle::{Oracle, by_folio};
use crate::judge::properties;
use crate::judge::survivors::{Lies, Survivors, Told};
use crate::words::config::PostEof;
use crate::words::geometry::{Cell, FolioIndex, Geometry};
use crate::words::value::{Value, WriteId};

impl<B: Backend> Oracle<B> {
    /// Judges crashes, too, of a file of `size`.
    #[must_use]
    pub fn with_crashes(mut self, geometry: &Geometry, size: Cell) -> Self {
        let survivor = |cell| {
            let mut survivor = Survivors::new(cell);
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
    pub(super) fn survivors(
        &self,
        geometry: &Geometry,
        cells: &Range<Cell>,
        change: impl Fn(&mut Survivors),
    ) {
        let Some(survivors) = &self.survivors else { return };
        for (index, inside) in by_folio(geometry, cells) {
            survivors[index].update(|cells| cells[inside].iter_mut().for_each(&change));
        }
    }

    /// What is in `cells` moves, each getting it where `from` says, if not from a hole.
    pub(super) fn rearrange_survivors(
        &self,
        geometry: &Geometry,
        cells: &Range<Cell>,
        from: impl Fn(Cell) -> Option<Cell>,
    ) {
        let Some(survivors) = &self.survivors else { return };
        let mut before = Vec::new();
        for (index, inside) in by_folio(geometry, cells) {
            survivors[index].audit(|folio| before.extend_from_slice(&folio[inside]));
        }
        self.survivors(geometry, cells, |survivor| match from(survivor.cell()) {
            Some(from) => survivor.take_over(&before[usize::from(from - cells.start)]),
            None => survivor.allow(0),
        });
    }

    /// Shows what may survive a crash in a cell.
    fn survivor(&self, geometry: &Geometry, cell: Cell, look: impl FnOnce(&Survivors)) {
        let Some(survivors) = &self.survivors else { return };
        let index = geometry.folio_of(cell);
        let at = usize::from(cell - geometry.cells_of_folio(index).start);
        survivors[usize::from(index)].audit(|cells| look(&cells[at]));
    }

    /// An fsync(2) of some folios begins. With `sizes` it promises that the file is no shorter than the one and no longer than the other, as
    /// far as nobody is changing that.
    pub fn begin_sync(
        &self,
        geometry: &Geometry,
        actor: ActorId,
        folios: Range<FolioIndex>,
        sizes: Option<&Range<Cell>>,
    ) {
        if self.untold {
            folios.clone().for_each(|index| {
                self.cells[usize::from(index)]
                    .update(|cells| cells.iter_mut().for_each(|cell| cell.begin_sync(actor)));
            });
        }
        let lies = |(cell, history): (Cell, &History)| match sizes {
            Some(sizes) if history.stays_inside() && cell < sizes.start => Lies::Inside,
            Some(sizes) if history.is_settled() && cell >= sizes.end => Lies::Outside,
            Some(_) | None => Lies::Anywhere,
        };
        if !folios.is_empty() {
            let cells =
                geometry.cells_of_folio(folios.start).start..geometry.cells_of_folio(folios.end - 1).end;
            self.begin_sync_of(geometry, actor, &cells, lies);
        }
    }

    /// Some cells alone are durable from here on.
    pub fn synced(&self, geometry: &Geometry, actor: ActorId, cells: &Range<Cell>) {
        self.begin_sync_of(geometry, actor, cells, |_| Lies::Anywhere);
        self.survivors(geometry, cells, |cell| cell.end_sync(actor, Told::Yes));
    }

    /// A sync of some cells begins, of which it is known where each one lies.
    fn begin_sync_of(
        &self,
        geometry: &Geometry,
        actor: ActorId,
        cells: &Range<Cell>,
        lies: impl Fn((Cell, &History)) -> Lies,
    ) {
        let Some(survivors) = &self.survivors else { return };
        for (index, inside) in by_folio(geometry, cells) {
            let mut begun = Vec::new();
            self.cells[index].audit(|histories| {
                let first = geometry.cells_of_folio(index as FolioIndex).start;
                let numbered = (first..).zip(histories).skip(inside.start).take(inside.len());
                begun = numbered.map(|at| (at.1.current(), lies(at))).collect();
            });
            survivors[index].update(|cells| {
                for (cell, ((current, failed), lies)) in cells[inside].iter_mut().zip(begun) {
                    cell.begin_sync(actor, current, failed, lies);
                }
            });
        }
    }

    /// Calls `change` for the histories of folios that an actor syncs, where that is judged.
    fn each_synced(&self, actor: ActorId, change: impl Fn(&mut History)) {
        for cells in self.cells.iter().filter(|_| self.untold) {
            let mut any = false;
            cells.audit(|cells| any = cells.iter().any(|cell| cell.is_synced_by(actor)));
            if any {
                cells.update(|cells| cells.iter_mut().for_each(&change));
            }
        }
    }

    /// The file ends before these cells from here on.
    pub fn take_out(&self, geometry: &Geometry, cells: &Range<Cell>) {
        self.survivors(geometry, cells, Survivors::take_out);
    }

    /// What was to log a size that takes in zeros has failed: the log has no greater one than `size`.
    pub(super) fn leave_zeros_outside(&self, geometry: &Geometry, size: Cell) {
        if self.survivors.is_none() {
            return;
        }
        for cell in size..geometry.cells() {
            let index = geometry.folio_of(cell);
            let at = usize::from(cell - geometry.cells_of_folio(index).start);
            let mut is_zero = false;
            self.cells[usize::from(index)].audit(|histories| is_zero = histories[at].allows(Value::ZERO));
            if is_zero {
                self.survivors(geometry, &(cell..cell + 1), Survivors::allow_outside);
            }
        }
    }

    /// An fsync(2) returns: what it covered is durable, but for what has failed, if somebody was told of that.
    pub fn end_sync(&self, actor: ActorId, told: Told) {
        self.each_synced(actor, |cell| cell.end_sync(actor, told));
        for survivors in self.survivors.iter().flatten() {
            survivors.update(|cells| cells.iter_mut().for_each(|cell| cell.end_sync(actor, told)));
        }
    }

    /// An fsync(2) returns an error.
    pub fn abandon_sync(&self, actor: ActorId) {
        self.each_synced(actor, |cell| cell.abandon_sync(actor));
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
                let shown = self.show(geometry, cell, value, survivor.values());
                let cell = geometry.show_cells(&(cell..cell + 1));
                format!("after a crash {cell} would be {shown}")
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

    /// A write beyond end of file has brought `cells` before it into the file; they read as zeros.
    pub fn gap(&self, geometry: &Geometry, cells: &Range<Cell>) {
        self.survivors(geometry, cells, |cell| cell.allow(0));
    }

    /// What is stored behind end of file may survive a crash in the file where it may become part of it.
    pub(super) fn survive_behind(&self, geometry: &Geometry, id: WriteId, behind: &Range<Cell>) {
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
}
