//! Writes of the device that come late. The device keeps them, or, where another one has to reach it meanwhile, whoever submits
//! them is held before that.

use super::super::holds::{self, Path, Where};
use super::super::plan::{Hold, Turn, Whom};
use super::super::segments::{Ends, Segment};
use super::awaited::Begins;
use super::places::parsed;
use super::{Standing, Weaver};

impl Weaver<'_> {
    /// How the device is kept from a worker's write, which was submitted in another segment. Of direct I/O it is wherever the
    /// write comes late; of writeback, where somebody reads the device meanwhile: else it is all one what the device has, and the
    /// worker is held (none).
    pub(super) fn kept_by_device(&mut self, segment: &Segment, submitted: &Segment) -> Option<Begins> {
        let op = |row: usize| self.place_of(row).op;
        let write = segment.rows.clone().find(|row| op(*row) != "aio")?;
        let meanwhile = submitted.rows.start..write;
        let reads = |row: usize| op(row) == "device_read" || op(row).starts_with("iomap_read_folio");
        let is_read =
            meanwhile.clone().any(|row| self.replay.played[row].actor != segment.actor && reads(row));
        let is_direct = self.path_of(segment.actor, None) == Path::EndDirectIo;
        if op(write) != "device_write" || !(is_direct || is_read) {
            return None;
        }
        if meanwhile.clone().any(|row| op(row) == "device_write") {
            return self.holds_submitter(submitted, write).map(Begins::Submits);
        }
        Some(Begins::Kept)
    }

    /// A hold for who submits, if it has nothing else to do before the write at `write`, and nobody waits meanwhile for a lock that
    /// it has until it has submitted.
    fn holds_submitter(&mut self, submitted: &Segment, write: usize) -> Option<usize> {
        let last = submitted.rows.end - 1;
        let task = submitted.actor.checked_sub(1)?;
        let path = self.path_of(submitted.actor, self.replay.played[last].command);
        let mut between = submitted.rows.end..write;
        let needs_it = |row: usize| {
            self.replay.played[row].actor == submitted.actor || self.place_of(row).op == "down_write i_rwsem"
        };
        if submitted.ends != Ends::Done || path != Path::DirectWrite || between.any(needs_it) {
            return None;
        }
        let before = Some(parsed(&self.replay.played[last].op));
        let at = Where { before, ..Where::new(path, "device_write", None) };
        let place = holds::place(&at, self.release).ok()?;
        let earlier: Vec<usize> = self.of_command(last).chain([last]).collect();
        let call = self.call_behind(&earlier, &place).ok()?;
        let (function, at) = (place.function, place.at);
        let hold =
            self.add_for(last, Hold { whom: Whom::Task(task), function, at, nth: call.nth, folio: None });
        self.submitters.insert(submitted.rows.start, hold);
        Some(hold)
    }

    /// Who was held submits, and is through with its command.
    pub(super) fn submit(&mut self, hold: usize) {
        self.turn(Turn::Release(hold));
        let Whom::Task(task) = self.woven.holds[hold].whom else { return };
        let Standing::Held(command, _) = self.standing[task + 1] else { return };
        self.turn(Turn::UntilDone(task, command));
        self.standing[task + 1] = Standing::Between(command + 1);
    }
}
