//! Whether what lies in the page cache or on the device is what a reader may be given from here on.

use std::ops::Range;

use stalemap_facade::{Backend, Leaf};

use crate::judge::history::Zeros;
use crate::judge::oracle::Oracle;
use crate::judge::properties;
use crate::judge::values::Values;
use crate::words::geometry::{Cell, Geometry};
use crate::words::value::Value;

/// Runs of cells with the same contents, for messages.
#[derive(Default)]
struct Runs(Vec<Run>);

/// Cells with the same contents.
struct Run {
    cells: Range<Cell>,
    value: Value,
    /// Where they were written, if that is what is wrong with them.
    origin: Option<Range<Cell>>,
}

impl Runs {
    /// Adds the next cell, which may have `values`, and has another one.
    fn add(&mut self, cell: Cell, value: Value, values: &Values) {
        let origin = misplaced(cell, value, values);
        if let Some(Run { cells, value: same, origin: of_run }) = self.0.last_mut()
            && cells.end == cell
            && same.is_alike(value)
            && of_run.as_ref().map(|of_run| of_run.end) == origin
        {
            cells.end += 1;
            if let Some(of_run) = of_run {
                of_run.end += 1;
            }
            return;
        }
        self.0.push(Run { cells: cell..cell + 1, value, origin: origin.map(|origin| origin..origin + 1) });
    }

    fn show(&self, geometry: &Geometry, patterns: &[u8]) -> String {
        let show = |Run { cells, value, origin }: &Run| {
            let origin = origin.as_ref().map(|origin| of(geometry, origin)).unwrap_or_default();
            format!("{} is {}{origin}", geometry.show_cells(cells), value.show(patterns))
        };
        self.0.iter().map(show).collect::<Vec<_>>().join(", ")
    }
}

/// Where a value of a cell was written, if what the same write has put elsewhere would be right.
fn misplaced(cell: Cell, value: Value, values: &Values) -> Option<Cell> {
    let id = value.write()?;
    if values.contain(value, cell) || !values.contain_of(id) { None } else { value.origin() }
}

fn of(geometry: &Geometry, origin: &Range<Cell>) -> String {
    format!(" of {}", geometry.show_cells(origin))
}

impl<B: Backend> Oracle<B> {
    /// A value of a cell that may have `values`, and has this one, in the words of a scenario.
    pub(super) fn show(&self, geometry: &Geometry, cell: Cell, value: Value, values: &Values) -> String {
        let origin = misplaced(cell, value, values).map(|origin| of(geometry, &(origin..origin + 1)));
        value.show(&self.patterns) + &origin.unwrap_or_default()
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
                    exposed.add(cell, value, history.own());
                }
                // Another file's contents in the place of what was written here are both: seen by who must not see
                // them, and lost to this file. Where zeros would do, nothing is lost.
                let replaces = !foreign || !value.is_garbage() && !history.allows(Value::ZERO);
                if replaces && !history.allows(value) {
                    lost.add(cell, value, history.allowed());
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

    /// Judges what is left on the device of a folio that has just gone: but for cells that whoever has it dropped is about to take away.
    /// A write that ends meanwhile may have come before that.
    pub fn uncached(&self, geometry: &Geometry, cells: impl Iterator<Item = (Cell, Value)>) {
        let stays = |(cell, _): &(Cell, Value)| {
            let index = geometry.folio_of(*cell);
            let at = usize::from(cell - geometry.cells_of_folio(index).start);
            let mut stays = true;
            self.cells[usize::from(index)].audit(|histories| stays = !histories[at].leaves());
            stays
        };
        self.visible(geometry, "file", cells.filter(stays));
    }

    /// All is over, and nothing will be written to these cells any more: which of several writes that overlapped has won is decided by
    /// what a reader would be given. Where I/O may fail it is not: what has won may be cached, and never be written.
    pub fn pin(&self, geometry: &Geometry, cells: impl Iterator<Item = (Cell, Value)>) {
        if self.zeros == Zeros::MayFail {
            return;
        }
        for (cell, value) in cells {
            let index = geometry.folio_of(cell);
            let at = usize::from(cell - geometry.cells_of_folio(index).start);
            self.cells[usize::from(index)].update(|histories| histories[at].pin(value));
        }
    }

    /// Judges what lies behind end of file when all is over: nothing that was written and not truncated away.
    pub fn cut_off(&self, geometry: &Geometry, size: Cell) {
        let mut lost = Runs::default();
        for cell in size..geometry.cells() {
            let index = geometry.folio_of(cell);
            let at = usize::from(cell - geometry.cells_of_folio(index).start);
            self.cells[usize::from(index)].audit(|histories| {
                let history = &histories[at];
                if !history.allows(Value::ZERO) {
                    lost.add(cell, Value::ZERO, history.allowed());
                }
            });
        }
        if !lost.0.is_empty() {
            self.violate(properties::LOST_WRITE, || {
                let cells: Vec<String> = lost.0.iter().map(|run| geometry.show_cells(&run.cells)).collect();
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
}
