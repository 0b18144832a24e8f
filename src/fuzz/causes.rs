//! Causes that are seen in the run by themselves: where the calls that have a step in an order say too much or too little of what it is.
//! Each is one, whoever takes part in it, and whatever is lost by it.

use std::collections::BTreeMap;
use std::ops::Range;

use stalemap_facade::Property;
use stalemap_model::judge::properties::{
    CRASH_EXPOSURE, CRASH_LOST, DIRTY_OVER_HOLE, DROPPED_DIRTY, LOST_WRITE, SIZE_ORDER, STALE_EXPOSURE,
    STALE_READ,
};
use stalemap_model::state::event::{DataEvent, Fill, FolioEvent, MapChange, Sampler, Skip, Use, What};
use stalemap_model::state::mapping::IomapType;
use stalemap_model::words::actor_names::worker_name;
use stalemap_model::words::extent::Extent;

use super::by::By;
use super::operations::{
    DEVICE_WRITE, FILEMAP_READ, FSYNC_RETURN, LOAD, PUNCH_DELALLOC, TRUNCATE_FOLIO, XFS_LOG_FORCE,
    XFS_SEEK_IOMAP_BEGIN, XFS_ZONED_END_IO,
};
use super::order::{Call, Named, Order, call_of, operation};
use crate::annotate::events;
use crate::annotate::mappings::Life;

/// The cause of an order, if it is one of these.
pub(super) fn of(order: &Order<'_>, named: Named<'_>) -> Option<By> {
    let calls = order.calls(named);
    let case = Case { order, calls: &calls, named };
    case.short_copy()
        .or_else(|| case.size_of_a_failed_call())
        .or_else(|| case.size_before_data())
        .or_else(|| case.size_that_goes_back())
        .or_else(|| case.size_cut_under_io())
        .or_else(|| case.size_before_a_crash())
        .or_else(|| case.zeroed_before_it_goes())
        .or_else(|| case.on_their_way())
        .or_else(|| case.taken_back())
        .or_else(|| case.taken_by_failed_io())
        .or_else(|| case.stored_behind_the_end())
        .or_else(|| case.copy_before_its_data())
        .or_else(|| case.synced_under_truncate())
        .or_else(|| case.in_place_before_the_log())
        .or_else(|| case.over_direct_data())
        .or_else(|| case.copy_of_another_block())
}

struct Case<'a> {
    order: &'a Order<'a>,
    calls: &'a [Call],
    named: Named<'a>,
}

impl Case<'_> {
    fn loses(&self, any: &[Property]) -> bool {
        any.contains(&self.order.property)
    }

    fn op(&self, row: usize) -> &str {
        self.order.replay.played.get(row).map_or("", |played| operation(&played.op))
    }

    /// The call that has a row.
    fn call(&self, row: usize) -> Option<&Call> {
        self.calls.iter().find(|call| call.rows.contains(&row))
    }

    /// Whose row it is: what direct I/O does when it is complete, it does.
    fn whose(&self, row: usize) -> String {
        let own = self.call(row).map(|call| plain(&call.name));
        let own = own.unwrap_or_else(|| (self.named)(row, self.order.replay.played[row].actor));
        if own == worker_name(1) { "direct pwrite".to_owned() } else { own }
    }

    /// The last row up to this one in which something happens.
    fn last(&self, row: usize, is: impl Fn(&What) -> bool) -> Option<usize> {
        (0..=row).rev().find(|row| self.order.has(*row, &is))
    }

    /// A copy stops early, and counts: other calls have made the state that it meets.
    fn short_copy(&self) -> Option<By> {
        let garbage = |row: &usize| {
            let violated = &self.order.replay.played[*row].violated;
            violated.contains(&STALE_EXPOSURE) || Some(*row) == self.order.shows
        };
        let short = |what: &What| matches!(what, What::Data(DataEvent::Copied { short: true, .. }));
        let row =
            (0..self.order.replay.played.len()).find(garbage).filter(|row| self.order.has(*row, short))?;
        self.call(row)?;
        self.loses(&[STALE_EXPOSURE, CRASH_EXPOSURE]).then(|| cause("a short copy that counts", []))
    }

    /// A call fails, and the file is longer: what has made it longer says why, not what made it fail.
    fn size_of_a_failed_call(&self) -> Option<By> {
        let row = self.order.shows.filter(|_| self.loses(&[SIZE_ORDER]) && !self.order.may_crash())?;
        let own = self.call(row).filter(|call| is_write(&call.name))?;
        let is_size = |what: &What| matches!(what, What::Size(_));
        let raises = own.rows.iter().rev().find(|row| self.order.has(**row, is_size))?;
        let zeroes = |what: &What| matches!(what, What::Data(DataEvent::Copied { fill: Fill::Zero, .. }));
        let by = if self.order.has(*raises, zeroes) { "zeroing" } else { "a copy of nothing" };
        Some(cause(&format!("a size of a failed call, by {by}"), [plain(&own.name)]))
    }

    /// A reader of the page cache sees the size before the data: what matters is who has raised it.
    fn size_before_data(&self) -> Option<By> {
        let row = self.order.shows.filter(|_| self.loses(&[SIZE_ORDER]))?;
        let reads = [FILEMAP_READ, LOAD].contains(&self.op(row));
        let raises = self.last(row, |what| matches!(what, What::Size(_))).filter(|_| reads)?;
        Some(cause("a size that is read before the data", [self.whose(raises)]))
    }

    /// A write stores a size that is less than what another one has made it.
    fn size_that_goes_back(&self) -> Option<By> {
        if !self.loses(&[SIZE_ORDER, LOST_WRITE]) || self.order.shows.is_some() {
            return None;
        }
        let mut greatest = BTreeMap::new();
        for row in 0..self.order.replay.played.len() {
            for (file, what) in self.order.at(row) {
                let What::Size(size) = what else { continue };
                let before = greatest.insert(file, *size);
                if before.is_some_and(|before| *size < before) && is_write(&self.whose(row)) {
                    return Some(cause("a size that goes back", [self.whose(row)]));
                }
            }
        }
        None
    }

    /// The end of I/O logs a size that was cut to less than where it begins.
    fn size_cut_under_io(&self) -> Option<By> {
        let row = self.order.shows.filter(|_| self.loses(&[SIZE_ORDER]) && self.order.may_crash())?;
        let (mut behind, mut cut) = (BTreeMap::new(), None);
        for row in 0..row {
            for (file, what) in self.order.at(row) {
                match what {
                    What::Data(DataEvent::Submitted(bytes)) => {
                        behind.insert(file, bytes.start);
                    }
                    What::Size(size) => {
                        cut = Some(row).filter(|_| behind.get(&file).is_some_and(|start| size <= start));
                    }
                    _ => {}
                }
            }
        }
        let cut = cut.filter(|_| self.call(row).is_none())?;
        Some(cause("a size that was cut under I/O in flight", [self.whose(cut)]))
    }

    /// A call logs a size: other calls have made the state that it meets.
    fn size_before_a_crash(&self) -> Option<By> {
        let row = self.order.shows.filter(|_| self.loses(&[SIZE_ORDER]) && self.order.may_crash())?;
        let own = self.call(row)?;
        let at = self.op(row);
        Some(cause(&format!("a size that is logged before the data, at {at}"), [self.order.as_it_acts(own)]))
    }

    /// A folio is zeroed in part before it goes, and still read.
    fn zeroed_before_it_goes(&self) -> Option<By> {
        let row = self.order.shows.filter(|_| self.loses(&[STALE_READ]))?;
        let given = self.order.at(row).find_map(|(file, what)| match what {
            What::Data(DataEvent::Loaded(given) | DataEvent::Read(given)) => Some((file, &given.bytes)),
            _ => None,
        })?;
        let zeroes = |row: &usize| {
            self.order.at(*row).any(|(file, what)| match what {
                What::Data(DataEvent::ZeroedInCache(bytes)) => {
                    file == given.0 && !within(bytes, given.1).is_empty()
                }
                _ => false,
            })
        };
        self.call((0..row).rev().find(zeroes)?)?;
        Some(cause("a part of a folio that is zeroed before it goes", []))
    }

    /// A search meets data that are being written out of place, and that neither fork has: all data that it passes over are.
    fn on_their_way(&self) -> Option<By> {
        let row = self.order.shows.filter(|row| {
            self.loses(&[STALE_READ])
                && self.op(*row) == XFS_SEEK_IOMAP_BEGIN
                && self.order.scenario.fs.is_out_of_place()
        })?;
        let own = self.call(row)?;
        let mut holes = own.rows.iter().filter(|at| **at <= row).flat_map(|at| self.passed_over(*at));
        let (file, first) = holes.next()?;
        let hole = holes.fold(first, |all, (_, hole)| all.start.min(hole.start)..all.end.max(hole.end));
        let (mut in_flight, mut left) = (Vec::new(), Vec::new());
        for row in 0..row {
            for (_, what) in self.order.at(row).filter(|(other, _)| *other == file) {
                match what {
                    What::Data(
                        DataEvent::Copied { fill: Fill::Data, bytes, .. } | DataEvent::Stored(bytes),
                    ) => left.push(within(bytes, &hole)),
                    What::Data(DataEvent::Submitted(bytes)) => {
                        in_flight.push(within(bytes, &hole));
                        left = left.iter().flat_map(|data| outside(data, bytes)).collect();
                    }
                    What::MapChanged(change) if self.op(row) == XFS_ZONED_END_IO => {
                        let done = change.bytes().unwrap_or_default();
                        in_flight.retain(|bytes| within(bytes, &done).is_empty());
                    }
                    _ => {}
                }
            }
        }
        let any = in_flight.iter().any(|bytes| !bytes.is_empty()) && left.iter().all(Range::is_empty);
        any.then(|| cause("a search while data are on their way", []))
    }

    /// What a search calls a hole at a row.
    fn passed_over(&self, row: usize) -> impl Iterator<Item = (Option<&str>, Range<u64>)> {
        self.order.at(row).flat_map(|(file, what)| {
            let holes = match what {
                What::Used(Use { at, skips: Some(Skip::Reading), .. }) => at.as_slice(),
                _ => &[],
            };
            holes.iter().map(move |hole| (file, hole.clone()))
        })
    }

    /// A write gives back what it had reserved, or cuts the page cache, under what others have stored.
    fn taken_back(&self) -> Option<By> {
        if !self.loses(&[LOST_WRITE, DROPPED_DIRTY, DIRTY_OVER_HOLE, STALE_READ]) {
            return None;
        }
        let row = self.first_violated(DIRTY_OVER_HOLE)?;
        let own = self.call(row).filter(|call| plain(&call.name) == "pwrite")?;
        let at = self.op(row);
        if ![PUNCH_DELALLOC, TRUNCATE_FOLIO].contains(&at) {
            return None;
        }
        let names = self.order.names_of(self.calls);
        let others = names.iter().map(|name| plain(name)).filter(|name| is_write(name));
        Some(cause(
            &format!("a write takes back what others need, at {at}"),
            others.chain([plain(&own.name)]),
        ))
    }

    /// The first row that violates the property, or this one.
    fn first_violated(&self, or: Property) -> Option<usize> {
        let shows = |violated: &[Property]| {
            violated.iter().any(|property| [self.order.property, or].contains(property))
        };
        self.order.replay.played.iter().position(|played| shows(&played.violated))
    }

    /// I/O that fails takes the reservation of what was written since it began.
    fn taken_by_failed_io(&self) -> Option<By> {
        if !self.loses(&[LOST_WRITE, DROPPED_DIRTY, DIRTY_OVER_HOLE]) {
            return None;
        }
        let row = self.first_violated(DIRTY_OVER_HOLE)?;
        let fails = |what: &What| matches!(what, What::Data(DataEvent::WriteFailed(_)));
        self.order.has(row, fails).then(|| cause("a reservation that goes with I/O that failed", []))
    }

    /// A store behind end of file, over which the file grows, and of which something is left.
    fn stored_behind_the_end(&self) -> Option<By> {
        if !self.loses(&[STALE_EXPOSURE, CRASH_EXPOSURE, DROPPED_DIRTY]) {
            return None;
        }
        let mut sizes = BTreeMap::new();
        for event in &self.order.replay.setup_events {
            if let Some(What::Size(size)) = events::what(event) {
                sizes.insert(events::file(event), *size);
            }
        }
        let mut behind: BTreeMap<Option<&str>, Vec<Behind>> = BTreeMap::new();
        for row in 0..=self.order.shows.unwrap_or(self.order.replay.played.len()) {
            for (file, what) in self.order.at(row) {
                let size = sizes.entry(file).or_insert(0);
                let stores = behind.entry(file).or_default();
                match what {
                    What::Data(DataEvent::Stored(bytes)) => {
                        overwrite(stores, bytes);
                        let bytes = bytes.start.max(*size)..bytes.end;
                        stores.push(Behind { bytes, grown: None, stays: false });
                    }
                    What::Data(DataEvent::Copied { fill: Fill::Data | Fill::Zero, bytes, .. }) => {
                        overwrite(stores, bytes);
                    }
                    What::Data(DataEvent::ZeroedInCache(bytes)) => overwrite(stores, bytes),
                    // A crash finds what the device has.
                    What::Folio(FolioEvent::Written(index)) if self.loses(&[CRASH_EXPOSURE]) => {
                        let bytes = of_folio(*index, self.order.scenario.folio);
                        let on_device = |store: &&mut Behind| !within(&store.bytes, &bytes).is_empty();
                        stores.iter_mut().filter(on_device).for_each(|store| store.stays = true);
                    }
                    What::Size(new) => {
                        if new < size {
                            overwrite(stores, &(*new..u64::MAX));
                        }
                        for store in stores.iter_mut().filter(|store| store.bytes.end <= *new) {
                            store.grown.get_or_insert(row);
                        }
                        *size = *new;
                    }
                    _ => {}
                }
            }
        }
        let grown = behind.values().flatten().filter(|store| !store.bytes.is_empty());
        let row = grown.filter_map(|store| store.grown).min()?;
        let names = self.order.names_of(self.calls);
        let flushes = names.into_iter().filter(|name| name == "writeback");
        Some(cause("a store behind end of file, over which the file grows", flushes.chain([self.whose(row)])))
    }

    /// More of a copy takes its place in the file than has been written.
    fn copy_before_its_data(&self) -> Option<By> {
        if !self.loses(&[STALE_EXPOSURE, CRASH_EXPOSURE]) {
            return None;
        }
        let folio = self.order.scenario.folio;
        let mut written: Vec<(Option<&str>, Range<u64>)> = Vec::new();
        for row in 0..self.order.replay.played.len() {
            for (file, what) in self.order.at(row) {
                match what {
                    What::Folio(FolioEvent::Written(index)) => written.push((file, of_folio(*index, folio))),
                    What::Data(DataEvent::OnDevice { bytes, .. }) => written.push((file, bytes.clone())),
                    What::MapChanged(MapChange::CowToData { bytes }) => {
                        let own = written.iter().filter(|(other, _)| *other == file);
                        if !own.fold(bytes.clone(), |left, (_, bytes)| without(&left, bytes)).is_empty() {
                            return Some(cause("a copy in the file before it is written", []));
                        }
                    }
                    _ => {}
                }
            }
        }
        None
    }

    /// A sync returns while a truncate has dropped page cache, and has not logged that there is less of the file.
    fn synced_under_truncate(&self) -> Option<By> {
        let row = self.order.shows.filter(|_| self.loses(&[CRASH_LOST]))?;
        let syncs = [XFS_LOG_FORCE, FSYNC_RETURN].contains(&self.op(row));
        let is = |call: &Call, what: &dyn Fn(&What) -> bool| {
            call.rows.iter().any(|at| *at < row && self.order.has(*at, what))
        };
        let cuts = |call: &&Call| {
            plain(&call.name) == "truncate"
                && is(call, &|what| matches!(what, What::Size(_)))
                && !is(call, &|what| matches!(what, What::Returned(..)))
        };
        self.calls.iter().find(cuts).filter(|_| syncs)?;
        Some(cause("a sync beside a truncate", []))
    }

    /// A crash brings back what a block was before something was done to it, with what was written into it since: however that was
    /// written. Where a file has a clone from the beginning, it is another class.
    fn in_place_before_the_log(&self) -> Option<By> {
        let on_device = self.order.shows.is_none_or(|row| self.op(row) == DEVICE_WRITE);
        if !self.loses(&[CRASH_LOST, CRASH_EXPOSURE]) || !on_device {
            return None;
        }
        let names = self.calls.iter().map(|call| self.order.as_it_acts(call));
        let names = names.filter(|name| name != "writeback" && !is_write(name));
        let names: Vec<String> = names.chain(self.has_clone().then(|| "reflink".to_owned())).collect();
        let any = !names.is_empty() && self.is_written_in_place();
        any.then(|| cause("a write in place before the log", names))
    }

    /// Whether a file has a clone from the beginning.
    fn has_clone(&self) -> bool {
        self.order.scenario.setup_lines.iter().any(|line| call_of(&line.text) == "reflink")
    }

    /// Whether a block is written that a call has moved or made another one since the log was flushed; or a copy of what was shared.
    fn is_written_in_place(&self) -> bool {
        let shared = self.has_clone();
        let log_force = self.order.scenario.fs.names.log_force;
        let acts = |row: usize| {
            let name = self.call(row).map(|call| self.order.as_it_acts(call));
            name.is_some_and(|name| name != "writeback" && !is_write(&name))
        };
        let mut changed: Vec<(Option<&str>, Range<u64>)> = Vec::new();
        for row in 0..=self.order.shows.unwrap_or(self.order.replay.played.len()) {
            if [log_force, "log_write_header"].contains(&self.op(row)) {
                changed.clear();
            }
            for (file, what) in self.order.at(row) {
                let written = match what {
                    What::MapChanged(change) if leaves_blocks(change) => {
                        if acts(row) || shared && matches!(change, MapChange::CowToData { .. }) {
                            changed.extend(change.bytes().map(|bytes| (file, bytes)));
                        }
                        continue;
                    }
                    What::Folio(FolioEvent::Written(index)) => of_folio(*index, self.order.scenario.folio),
                    What::Data(DataEvent::OnDevice { bytes, .. }) => bytes.clone(),
                    _ => continue,
                };
                let hit = |(other, bytes): &(_, _)| *other == file && !within(bytes, &written).is_empty();
                if changed.iter().any(hit) {
                    return true;
                }
            }
        }
        false
    }

    /// Writeback puts a folio over the data of a direct write that was filled before these were on the device, or found there.
    fn over_direct_data(&self) -> Option<By> {
        if !self.loses(&[LOST_WRITE, CRASH_LOST, STALE_READ]) {
            return None;
        }
        // What is dirty at the end is written back there.
        for row in 0..=self.order.replay.played.len() {
            for (file, what) in self.order.at(row) {
                let What::Folio(FolioEvent::Written(index)) = what else { continue };
                if self.puts_older_data(row, file, u64::from(*index)) {
                    return Some(cause("writeback of what was read before a direct write", []));
                }
            }
        }
        None
    }

    /// Whether a folio that is on the device at a row has less than a direct write put there since it was filled.
    fn puts_older_data(&self, row: usize, file: Option<&str>, number: u64) -> bool {
        let folio = of_folio(number, self.order.scenario.folio);
        let (mut direct, mut stored) = (Vec::new(), Vec::new());
        for row in 0..row {
            for (_, what) in self.order.at(row).filter(|(other, _)| *other == file) {
                match what {
                    What::Folio(FolioEvent::Added(index)) if u64::from(*index) == number => stored.clear(),
                    // Who fills it from the device has what was put there; who takes a block for unwritten has zeros.
                    What::Folio(FolioEvent::Filled { index, kinds, .. })
                        if u64::from(*index) == number && kinds.contains(&IomapType::Mapped) =>
                    {
                        direct.clear();
                    }
                    // Who moves blocks puts copies on the device.
                    What::Data(DataEvent::OnDevice { bytes, zeros: false })
                        if self.op(row) == DEVICE_WRITE =>
                    {
                        direct.push(within(bytes, &folio));
                    }
                    What::Data(DataEvent::BlockRead(bytes)) => {
                        direct = direct.iter().map(|put| without(put, bytes)).collect();
                    }
                    What::Data(
                        DataEvent::Copied { fill: Fill::Data, bytes, .. } | DataEvent::Stored(bytes),
                    ) => {
                        stored.push(bytes.clone());
                    }
                    _ => {}
                }
            }
        }
        let left = |put: Range<u64>| stored.iter().fold(put, |put, bytes| without(&put, bytes));
        direct.into_iter().any(|put| !left(put).is_empty())
    }

    /// A collector puts a copy into the file whose block was freed and taken again since it was copied.
    fn copy_of_another_block(&self) -> Option<By> {
        let maps = |row: usize| self.order.has(row, |what| matches!(what, What::MapChanged(_)));
        let again = |life: &&Life| {
            life.by == Sampler::Relocate && !life.invalidated.is_empty() && life.end.is_some_and(maps)
        };
        self.order.lives.iter().find(again).filter(|_| self.loses(&[LOST_WRITE, STALE_EXPOSURE]))?;
        Some(cause("a copy whose block was freed and taken again", []))
    }
}

/// What is left of a store behind end of file.
struct Behind {
    bytes: Range<u64>,
    /// The row in which the file has grown over it.
    grown: Option<usize>,
    /// Whether it is still there when something else is in memory.
    stays: bool,
}

impl Behind {
    /// What is left of it when some bytes are something else in memory.
    fn without(self, bytes: &Range<u64>) -> Vec<Behind> {
        if self.stays {
            return vec![self];
        }
        outside(&self.bytes, bytes).map(|bytes| Behind { bytes, ..self }).into()
    }
}

fn overwrite(stores: &mut Vec<Behind>, bytes: &Range<u64>) {
    let left = std::mem::take(stores).into_iter().flat_map(|store| store.without(bytes));
    *stores = left.filter(|store| !store.bytes.is_empty()).collect();
}

fn cause(what: &str, calls: impl IntoIterator<Item = String>) -> By {
    By::Cause { what: what.to_owned(), calls: calls.into_iter().collect() }
}

/// Whether there are blocks behind a change of extents, where they were before or not.
fn leaves_blocks(change: &MapChange) -> bool {
    match change {
        MapChange::Extents { to, .. } => *to != IomapType::Hole,
        MapChange::Replaced { to, .. } => *to != Extent::Hole,
        MapChange::CowToData { .. }
        | MapChange::Remapped { .. }
        | MapChange::Unstuffed { .. }
        | MapChange::Shifted { .. } => true,
        MapChange::CounterOnly => false,
    }
}

/// A call, whatever makes it fail.
fn plain(name: &str) -> String {
    name.split(" after ").next().unwrap_or(name).to_owned()
}

fn is_write(name: &str) -> bool {
    ["pwrite", "direct pwrite", "mwrite", "@redirty"].contains(&plain(name).as_str())
}

fn of_folio(index: impl Into<u64>, folio: u64) -> Range<u64> {
    let index = index.into();
    index * folio..(index + 1) * folio
}

fn within(bytes: &Range<u64>, limits: &Range<u64>) -> Range<u64> {
    bytes.start.max(limits.start)..bytes.end.min(limits.end)
}

/// What is left of a range, in two pieces, each of which may be empty.
fn outside(range: &Range<u64>, bytes: &Range<u64>) -> [Range<u64>; 2] {
    [range.start..range.end.min(bytes.start), range.start.max(bytes.end)..range.end]
}

/// What is left of a range in one piece, at its beginning or at its end; all of it where that would be two.
fn without(range: &Range<u64>, bytes: &Range<u64>) -> Range<u64> {
    match (bytes.start <= range.start, bytes.end >= range.end) {
        (true, true) => range.start..range.start,
        (true, false) => range.start.max(bytes.end)..range.end,
        (false, true) => range.start..range.end.min(bytes.start),
        (false, false) => range.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_plain_and_may_write() {
        assert_eq!(plain("pwrite after @kill"), "pwrite");
        for (name, writes) in [("direct pwrite after @fail", true), ("mwrite", true), ("fpunch", false)] {
            assert_eq!(is_write(name), writes, "{name}");
        }
    }

    #[test]
    fn what_is_left_of_a_store_behind_end_of_file_is_what_nobody_has_overwritten() {
        let left = |overwritten: &[(u64, u64)]| {
            let mut stores = vec![
                Behind { bytes: 4..8, grown: Some(1), stays: false },
                Behind { bytes: 6..7, grown: None, stays: true },
            ];
            for (start, end) in overwritten {
                overwrite(&mut stores, &(*start..*end));
            }
            stores.into_iter().map(|store| (store.bytes.start, store.bytes.end)).collect::<Vec<_>>()
        };
        assert_eq!(left(&[(0, 4), (8, u64::MAX)]), [(4, 8), (6, 7)]);
        assert_eq!(left(&[(5, 6)]), [(4, 5), (6, 8), (6, 7)]);
        assert_eq!(left(&[(5, 6), (0, 5)]), [(6, 8), (6, 7)]);
        assert_eq!(left(&[(6, 9), (2, 6)]), [(6, 7)]);
    }

    #[test]
    fn what_is_left_of_a_range_is_one_piece() {
        for (bytes, left) in
            [(0..8, 4..4), (0..6, 6..8), (6..9, 4..6), (5..6, 4..8), (0..2, 4..8), (9..12, 4..8)]
        {
            assert_eq!(without(&(4..8), &bytes), left, "{bytes:?}");
        }
    }
}
