//! Whether what a read(2), a load or a search is given is what it may be given.

use std::ops::Range;

use stalemap_facade::{ActorId, Backend, Leaf};

use crate::judge::history::History;
use crate::judge::oracle::{Oracle, by_folio};
use crate::judge::properties;
use crate::judge::values::Values;
use crate::words::geometry::{Cell, Geometry};
use crate::words::value::Value;

impl<B: Backend> Oracle<B> {
    /// A read(2) begins.
    pub fn begin_read(&self, geometry: &Geometry, reader: ActorId, cells: &Range<Cell>) {
        self.each(geometry, cells, |history| history.begin_read(reader));
    }

    /// A read(2) has copied `values` out of `cells` of one folio, or read them from the device, or knows them to be zeros. It has
    /// seen a size that takes them in.
    pub fn copied_out(&self, geometry: &Geometry, reader: ActorId, cells: &Range<Cell>, values: &[Value]) {
        for (index, inside) in by_folio(geometry, cells) {
            self.cells[index].audit(|histories| {
                let read = histories[inside].iter().zip(values);
                if read.clone().any(|(history, value)| history.misleads_read(*value)) {
                    self.size_before_data(geometry, cells);
                }
                for (history, value) in read {
                    self.judge_read(history, history.may_return(reader), *value, cells, geometry);
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
        let mut wrong = cells.clone().zip(may_return).filter(|(_, set)| !set.has(0)).map(|(cell, _)| cell);
        let Some(first) = wrong.next() else { return };
        let last = wrong.next_back().unwrap_or(first);
        self.violate(properties::STALE_READ, || {
            format!("{} has data, and was called a hole", geometry.show_cells(&(first..last + 1)))
        });
    }

    /// A read(2), or a search for data, has found end of file before `cells`: they read as zeros, as what lies behind it does.
    pub fn found_the_end(&self, geometry: &Geometry, reader: ActorId, cells: &Range<Cell>) {
        let may_return = self.may_return(geometry, reader, cells);
        let Some((first, _)) = cells.clone().zip(may_return).find(|(_, set)| !set.has(0)) else { return };
        self.violate(properties::STALE_READ, || {
            format!(
                "{} has data, and was found to lie behind end of file",
                geometry.show_cells(&(first..first + 1))
            )
        });
    }

    /// A read(2) returns.
    pub fn end_read(&self, geometry: &Geometry, reader: ActorId, cells: &Range<Cell>) {
        self.each(geometry, cells, |history| history.end_read(reader));
    }

    /// What a read that has begun may return for each of `cells`: for callers that copy them elsewhere in the same
    /// transition.
    pub fn may_return(&self, geometry: &Geometry, reader: ActorId, cells: &Range<Cell>) -> Vec<Values> {
        let mut values = Vec::new();
        for (index, inside) in by_folio(geometry, cells) {
            self.cells[index].audit(|histories| {
                values.extend(histories[inside].iter().map(|history| history.may_return(reader).clone()));
            });
        }
        values
    }

    /// A load through a mapping of `cells` of one folio: begins and ends at once. Behind end of file there are
    /// zeros, or what was stored there.
    pub fn load(&self, geometry: &Geometry, cells: &Range<Cell>, values: &[Value]) {
        for (index, inside) in by_folio(geometry, cells) {
            self.cells[index].audit(|histories| {
                for (history, value) in histories[inside].iter().zip(values) {
                    if history.misleads_load(*value) {
                        self.size_before_data(geometry, cells);
                    }
                    self.judge_read(history, history.allowed(), *value, cells, geometry);
                }
            });
        }
    }

    fn judge_read(
        &self,
        history: &History,
        may_return: &Values,
        value: Value,
        cells: &Range<Cell>,
        geometry: &Geometry,
    ) {
        let cell = history.cell();
        if may_return.contain(value, cell) {
            return;
        }
        let property = if history.owns(value) { properties::STALE_READ } else { properties::STALE_EXPOSURE };
        self.violate(property, || {
            let shown = self.show(geometry, cell, value, may_return);
            format!("a read of {} returned {shown}", geometry.show_cells(cells))
        });
    }
}
