//! What one cell may contain: the values of those writes that no later write has replaced.
//!
//! A write that began after another one had completed replaces it when it completes; writes that overlap in time may win
//! either way. A failure of I/O brings back what was replaced, and what is stored behind end of file does not come into the file.

use stalemap_facade::ActorId;

use super::growth::{Growths, Outgrown};
use super::survivors::Told;
use super::values::Values;
use crate::words::config::PostEof;
use crate::words::geometry::Cell;
use crate::words::value::{Value, WriteId};

/// What one cell may contain.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub(super) struct History {
    /// Which cell.
    cell: Cell,
    /// What the cell may have, from pending writes, too.
    allowed: Values,
    /// What the cell is made of: the values since it last was a hole, which are the file's own. Anything
    /// else is somebody else's, or was deleted.
    own: Values,
    /// What zeros have come over in the block where it is. If these fail to be written, it is found again.
    beneath: Values,
    /// Of what is allowed, what is only found since what came over it failed to be written. Once the cell is written,
    /// it is not found any more.
    failed: Values,
    /// Writes that have begun and not ended, each with what was complete when it began.
    pending: Vec<(WriteId, Values)>,
    /// Of those, as a set, the ones that began when the cell was inside of the file, as far as a crash is judged.
    overwriting: u64,
    /// Reads that have begun and not ended, each with what it may return.
    reads: Vec<(ActorId, Values)>,
    /// Syncs that have begun and not ended, where they may end without that anybody is told of an error; each with what may be found behind it
    /// in any case.
    syncs: Vec<(ActorId, Values)>,
    /// What was there before a direct write that is not complete, but has brought the cell inside end of file.
    outgrown: Outgrown,
    /// What is about to bring the cell into the file as zeros, and writes elsewhere.
    growths: Growths,
    /// Whether other contents are about to replace it at one stroke.
    leaves: bool,
}

impl History {
    /// Of a cell that reads as zeros.
    pub(super) fn new(cell: Cell) -> Self {
        let (pending, reads) = (Vec::new(), Vec::new());
        History {
            cell,
            allowed: Values::ZERO,
            own: Values::ZERO,
            beneath: Values::NONE,
            failed: Values::NONE,
            pending,
            overwriting: 0,
            reads,
            syncs: Vec::new(),
            outgrown: Outgrown::default(),
            growths: Growths::default(),
            leaves: false,
        }
    }

    pub(super) fn begin_write(&mut self, id: WriteId) {
        let replaced = self.settled();
        // Those that are under way do not replace it, also where the cell might have contained it before.
        self.pending.iter_mut().for_each(|(_, replaced)| replaced.remove(id));
        self.pending.push((id, replaced));
        self.pending.sort_unstable();
        self.allow(id);
    }

    /// A write begins, of a cell that is inside of the file already.
    pub(super) fn begin_overwrite(&mut self, id: WriteId) {
        self.begin_write(id);
        self.overwriting |= 1 << id;
    }

    /// The write, which has begun, may put this there in the place of its own value: it lies in its buffer.
    pub(super) fn store_to_buffer(&mut self, write: WriteId, store: WriteId) {
        let Some((_, replaced)) = self.pending.iter().find(|(other, _)| *other == write) else { return };
        if self.pending.iter().all(|(other, _)| *other != store) {
            let replaced = replaced.clone();
            self.pending.push((store, replaced));
            self.pending.sort_unstable();
            self.overwriting |= (self.overwriting >> write & 1) << store;
        }
        self.allow(store);
    }

    /// The same, and its own value was not in the buffer any more when it began.
    pub(super) fn begin_with(&mut self, write: WriteId, store: WriteId) {
        self.store_to_buffer(write, store);
        self.allowed.remove(write);
    }

    /// The cell may contain from here on what this write has for it.
    pub(super) fn allow(&mut self, id: WriteId) {
        self.allow_all(&Values::of(id));
    }

    fn allow_all(&mut self, values: &Values) {
        self.failed.remove_all(values);
        self.allowed.add_all(values);
        self.own.add_all(values);
        for (_, may_return) in &mut self.reads {
            may_return.add_all(values);
        }
    }

    /// What was cached is not written, and this is found instead, also behind the end of writes that have copied already, and have still
    /// other cells to copy. One that has not copied began after what is cached.
    pub(super) fn lose(&mut self, found: Value, cached: Value) {
        let lost = Values::only(found, self.cell);
        let failed = if self.allows(found) { self.failed.contain(found, self.cell) } else { true };
        self.allow_all(&lost);
        if failed {
            self.failed.add_all(&lost);
        }
        self.growths.keep(&lost);
        let Some(writer) = cached.write() else { return };
        for (write, replaced) in &mut self.pending {
            let copied = *write == writer || !replaced.contain(cached, self.cell);
            // Zeros that come over zeros may be found once they are written.
            if copied && lost != Values::of(*write) && replaced.contain(found, self.cell) {
                replaced.remove_all(&lost);
                self.failed.add_all(&lost);
            }
        }
    }

    /// What the cell may contain, and what of that only since writeback has failed, as far as no write is under way.
    pub(super) fn current(&self) -> (Values, Values) {
        let failed = if self.pending.is_empty() { self.failed.clone() } else { Values::NONE };
        (self.allowed.clone(), failed)
    }

    /// The device has this from here on: of what earlier failures have left nothing else is found any more.
    pub(super) fn arrive(&mut self, value: Value) {
        let stays = Values::only(value, self.cell);
        self.allowed.remove_all(&self.failed.clone().without(&stays));
        self.failed.keep_all(&stays);
    }

    /// The write is acknowledged: what it began after is replaced. A repeated write of the same number
    /// (there is none within a cell) would replace itself.
    pub(super) fn complete_write(&mut self, id: WriteId) {
        if let Some(at) = self.pending.iter().position(|(other, _)| *other == id) {
            let (_, mut replaced) = self.pending.remove(at);
            self.overwriting &= !(1 << id);
            replaced.remove(id);
            self.allowed.remove_all(&replaced);
            self.failed.keep_all(&self.allowed);
            self.outgrown = Outgrown::default();
        }
    }

    /// The cell was made to read as zeros: what was there before is deleted.
    pub(super) fn complete_zero(&mut self) {
        self.complete_write(0);
        self.own = self.allowed.clone();
        self.beneath = Values::NONE;
    }

    /// The same, and the block is still the file's: it has what was there before until the zeros are written.
    pub(super) fn complete_zero_in_place(&mut self) {
        let beneath = self.beneath.clone().with(&self.own);
        self.complete_zero();
        self.beneath = beneath;
    }

    /// A change of the size has brought the cell into the file. What was stored there before it began, behind end of file, is
    /// found or not where it is exempt.
    pub(super) fn complete_growth(&mut self, post_eof: PostEof, zeros: Zeros) {
        let Some(at) = self.pending.iter().position(|(other, _)| *other == 0) else { return };
        let (_, stored) = self.pending.remove(at);
        if post_eof == PostEof::Judged {
            self.expel(&stored, zeros);
        }
    }

    /// A write elsewhere has brought the cell into the file, as zeros, or it has not.
    pub(super) fn end_growth(&mut self, id: WriteId, grown: bool, zeros: Zeros) {
        if let Some(stored) = self.growths.end(id)
            && grown
        {
            self.expel(&stored, zeros);
        }
    }

    /// Values that were stored behind end of file do not come into the file; unless the zeros that come over them fail to be written.
    pub(super) fn expel(&mut self, stored: &Values, zeros: Zeros) {
        let stored = stored.clone().without(&Values::ZERO);
        if zeros == Zeros::MayFail {
            let mut beneath = self.own.clone();
            beneath.keep_all(&stored);
            self.beneath.add_all(&beneath);
        }
        self.allowed.remove_all(&stored);
        self.failed.keep_all(&self.allowed);
        self.own.remove_all(&stored);
    }

    /// A write elsewhere is about to bring the cell into the file, as zeros.
    pub(super) fn begin_growth(&mut self, id: WriteId) {
        self.growths.begin(id, self.settled());
    }

    /// Whether nothing that is under way may change it, or bring it into the file or out of it.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty() && !self.growths.any()
    }

    /// Whether nothing that is under way may bring it out of the file or into it. What overwrites it does neither.
    pub(super) fn stays_inside(&self) -> bool {
        let overwrites = |id: &WriteId| self.overwriting & (1 << *id) != 0;
        !self.growths.any() && self.pending().all(|id| overwrites(&id))
    }

    /// Whether this write is about to bring the cell into the file.
    pub(super) fn is_grown_by(&self, id: WriteId) -> bool {
        self.growths.is_under_way(id)
    }

    /// Other contents are about to replace it.
    pub(super) fn begin_replace(&mut self) {
        self.leaves = true;
    }

    /// Whether what it has is about to go: zeros are about to come over it, or other contents.
    pub(super) fn leaves(&self) -> bool {
        self.leaves || self.is_zeroed()
    }

    fn is_zeroed(&self) -> bool {
        self.pending.iter().any(|(id, _)| *id == 0)
    }

    /// Whether something brings the cell into the file just now.
    pub(super) fn is_growing(&self) -> bool {
        self.growths.any() || self.is_zeroed()
    }

    /// What was in another cell is in this one from here on. Who reads in the meantime may find either. A write that is under way
    /// has come before the move, and has moved, or comes after it, and is found in its place: nobody knows. Zeros that are about to
    /// bring cells into the file have come in with the move.
    pub(super) fn take_over(&mut self, other: &History) {
        let (from, to) = (other.cell, self.cell);
        let under_way: Vec<WriteId> = self.pending().filter(|id| *id != 0).collect();
        let (mut reads, syncs) = (std::mem::take(&mut self.reads), std::mem::take(&mut self.syncs));
        let allowed = other.allowed.carried(from, to);
        for (_, may_return) in &mut reads {
            may_return.add_all(&allowed);
        }
        *self = History {
            cell: to,
            allowed,
            own: other.own.carried(from, to),
            beneath: other.beneath.carried(from, to),
            failed: other.failed.carried(from, to),
            pending: under_way.iter().map(|id| (*id, Values::NONE)).collect(),
            // A move may take the cell out of the file.
            overwriting: 0,
            reads,
            syncs,
            outgrown: other.outgrown.carried(from, to),
            growths: other.growths.carried(from, to),
            leaves: false,
        };
        for id in under_way {
            self.allow(id);
        }
    }

    /// The write did not get as far as this cell. An earlier call of the same command may have: what was moved here since stays.
    pub(super) fn abandon_write(&mut self, id: WriteId) {
        if let Some(at) = self.pending.iter().position(|(other, _)| *other == id) {
            let (_, replaced) = self.pending.remove(at);
            self.overwriting &= !(1 << id);
            if !replaced.has(id) {
                self.allowed.remove(id);
            }
        }
    }

    /// The cell gets other contents at one stroke, of which `values` are possible.
    pub(super) fn replace(&mut self, values: &Values) {
        let pending = self.pending.iter().fold(Values::NONE, |set, (id, _)| set.with(&Values::of(*id)));
        self.allowed.keep_all(&pending);
        self.allowed.add_all(values);
        self.failed.keep_all(&self.allowed.clone().without(values));
        // What is under way began before these came.
        self.pending.iter_mut().for_each(|(_, replaced)| replaced.remove_all(values));
        self.leaves = false;
        self.own.add_all(values);
        for (_, may_return) in &mut self.reads {
            may_return.add_all(values);
        }
    }

    /// What the cell may contain, but for writes that have not ended.
    pub(super) fn settled(&self) -> Values {
        let mut settled = self.allowed.clone();
        self.pending.iter().for_each(|(id, _)| settled.remove(*id));
        settled
    }

    /// The write failed somewhere: the cell may contain it or not.
    pub(super) fn fail_write(&mut self, id: WriteId) {
        self.pending.retain(|(other, _)| *other != id);
        self.overwriting &= !(1 << id);
    }

    /// The write, still pending, has brought the cell inside end of file, or all of its page.
    pub(super) fn outgrow(&mut self, id: WriteId, page: bool) {
        if let Some((_, replaced)) = self.pending.iter().find(|(other, _)| *other == id) {
            let replaced = replaced.clone().without(&Values::of(id));
            self.outgrown = Outgrown::new(replaced, page);
        }
    }

    /// Of what the cell may contain it is this, as everybody sees from here on, unless something is under way or it is exempt.
    pub(super) fn pin(&mut self, value: Value) {
        let is_exempt = self.allowed == Values::EVERYTHING;
        if self.pending.is_empty() && !is_exempt && self.allows(value) {
            self.allowed = Values::only(value, self.cell);
        }
    }

    /// The cell may contain whatever was ever written.
    pub(super) fn exempt(&mut self) {
        self.allowed = Values::EVERYTHING;
        self.failed = Values::NONE;
        self.outgrown = Outgrown::default();
        self.pending.iter_mut().for_each(|(_, replaced)| *replaced = Values::NONE);
        self.growths.exempt();
        self.reads.iter_mut().for_each(|(_, may_return)| *may_return = Values::EVERYTHING);
    }

    /// A sync begins. It promises nothing of what is being written.
    pub(super) fn begin_sync(&mut self, actor: ActorId) {
        let is_settled = self.pending.is_empty();
        let found = if is_settled { self.allowed.clone().without(&self.failed) } else { Values::EVERYTHING };
        self.syncs.push((actor, found));
        self.syncs.sort_unstable();
    }

    /// A sync returns. If nobody was told that writeback has failed, what was replaced when it began is not found for that.
    pub(super) fn end_sync(&mut self, actor: ActorId, told: Told) {
        let Some(at) = self.syncs.iter().position(|(other, _)| *other == actor) else { return };
        let (_, found) = self.syncs.remove(at);
        if told == Told::No && self.pending.is_empty() {
            let gone = self.failed.clone().without(&found);
            self.allowed.remove_all(&gone);
            self.failed.keep_all(&self.allowed);
        }
    }

    /// Whether a sync of this actor has begun.
    pub(super) fn is_synced_by(&self, actor: ActorId) -> bool {
        self.syncs.iter().any(|(other, _)| *other == actor)
    }

    /// A sync returns an error: it promises nothing.
    pub(super) fn abandon_sync(&mut self, actor: ActorId) {
        self.syncs.retain(|(other, _)| *other != actor);
    }

    /// A read begins.
    pub(super) fn begin_read(&mut self, reader: ActorId) {
        self.reads.push((reader, self.allowed.clone()));
        self.reads.sort_unstable();
    }

    /// What a reader may be given: what was possible at some time since its read began, if one has.
    pub(super) fn may_return(&self, reader: ActorId) -> &Values {
        self.reads.iter().find(|(actor, _)| *actor == reader).map_or(&self.allowed, |(_, set)| set)
    }

    /// A read ends.
    pub(super) fn end_read(&mut self, reader: ActorId) {
        self.reads.retain(|(actor, _)| *actor != reader);
    }

    /// The writes that have begun and not ended.
    pub(super) fn pending(&self) -> impl Iterator<Item = WriteId> {
        self.pending.iter().map(|(id, _)| *id)
    }

    /// Whether a read that has seen the size returned this before the data of a direct write were there.
    pub(super) fn misleads_read(&self, value: Value) -> bool {
        self.outgrown.misleads_read(value, self.cell)
    }

    /// Whether a load through a mapping did.
    pub(super) fn misleads_load(&self, value: Value) -> bool {
        self.outgrown.misleads_load(value, self.cell)
    }

    /// Which cell it is the history of.
    pub(super) fn cell(&self) -> Cell {
        self.cell
    }

    /// What the cell may have.
    pub(super) fn allowed(&self) -> &Values {
        &self.allowed
    }

    /// What is the file's own in the cell, current or replaced.
    pub(super) fn own(&self) -> &Values {
        &self.own
    }

    /// Whether the cell may have this value.
    pub(super) fn allows(&self, value: Value) -> bool {
        self.allowed.contain(value, self.cell)
    }

    /// Whether the value may be found if what came over it fails to be written.
    pub(super) fn may_come_back(&self, value: Value) -> bool {
        self.owns(value) || self.beneath.contain(value, self.cell)
    }

    /// Whether the value is the file's own, current or replaced.
    pub(super) fn owns(&self, value: Value) -> bool {
        self.own.contain(value, self.cell)
    }
}

/// What may become of zeros that are put into a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Zeros {
    /// They are written.
    Arrive,
    /// I/O may fail.
    MayFail,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a write has for the cell that is looked at.
    fn written(id: WriteId) -> Value {
        Value::written(id, 0)
    }

    #[test]
    fn a_later_write_replaces_an_earlier_one_when_it_completes() {
        let mut history = History::new(0);
        history.begin_write(1);
        history.complete_write(1);
        assert!(!history.allows(Value::ZERO));
        history.begin_write(2);
        assert!(history.allows(written(1)) && history.allows(written(2)));
        history.complete_write(2);
        assert!(!history.allows(written(1)));
    }

    #[test]
    fn what_failed_to_be_written_before_its_write_was_over_may_be_gone_behind_it() {
        let mut history = History::new(0);
        history.begin_write(1);
        history.complete_write(1);
        history.begin_write(2);
        history.lose(written(1), written(1));
        history.complete_write(2);
        assert!(!history.allows(written(1)), "it was not what failed");
        history.begin_write(3);
        history.lose(written(1), written(3));
        history.complete_write(3);
        assert!(history.allows(written(1)) && history.allows(written(3)));
    }

    #[test]
    fn what_a_failure_has_left_is_not_found_once_the_cell_is_written() {
        let mut history = History::new(0);
        for id in [1, 2] {
            history.begin_write(id);
            history.complete_write(id);
        }
        history.lose(written(1), written(2));
        history.arrive(written(1));
        assert!(history.allows(written(1)), "the device still has it");
        history.arrive(written(2));
        assert!(!history.allows(written(1)) && history.allows(written(2)));
        // What may be found anyhow stays.
        history.begin_write(3);
        history.lose(written(2), written(2));
        history.arrive(written(3));
        assert!(history.allows(written(2)), "the write has not ended");
    }

    #[test]
    fn what_a_failure_has_left_is_not_found_behind_a_sync_that_tells_nobody() {
        let failed = |id: WriteId, begins_behind: bool, told: Told| {
            let mut history = History::new(0);
            history.begin_write(1);
            history.complete_write(1);
            let begin_sync = |history: &mut History| history.begin_sync(0);
            if !begins_behind {
                begin_sync(&mut history);
            }
            history.begin_write(2);
            history.complete_write(2);
            history.lose(written(id), written(2));
            if begins_behind {
                begin_sync(&mut history);
            }
            history.end_sync(0, told);
            assert!(history.allows(written(2)) && history.syncs.is_empty());
            history.allows(written(id))
        };
        assert!(!failed(1, true, Told::No) && failed(1, true, Told::Yes));
        assert!(failed(1, false, Told::No), "the sync is not of the write that has failed");
        assert!(!failed(0, false, Told::No), "what it is of has replaced this");
        let mut history = History::new(0);
        history.begin_write(1);
        history.complete_write(1);
        history.lose(Value::ZERO, written(1));
        history.begin_sync(0);
        history.abandon_sync(0);
        history.end_sync(0, Told::No);
        assert!(history.allows(Value::ZERO), "it has failed");
        history.begin_write(2);
        history.begin_sync(0);
        history.end_sync(0, Told::No);
        assert!(history.allows(Value::ZERO), "a write is under way");
    }

    #[test]
    fn what_a_failure_has_left_before_a_write_elsewhere_ends_is_found_behind_it() {
        let mut history = History::new(0);
        for id in [1, 2] {
            history.begin_write(id);
            history.complete_write(id);
        }
        history.begin_growth(3);
        history.lose(written(1), written(2));
        history.end_growth(3, true, Zeros::MayFail);
        assert!(history.allows(written(1)));
    }

    #[test]
    fn whatever_had_copied_when_it_failed_to_be_written_may_be_gone() {
        let begun = || {
            let mut history = History::new(0);
            history.begin_write(1);
            history.complete_write(1);
            history.begin_write(2);
            history
        };
        // A store through a mapping came over what the write had copied.
        let mut history = begun();
        history.allow(3);
        history.lose(written(1), written(3));
        history.complete_write(2);
        assert!(history.allows(written(1)));
        history.arrive(written(3));
        assert!(!history.allows(written(1)));
        // One value of several in its buffer is cached.
        let mut history = begun();
        history.store_to_buffer(2, 4);
        history.lose(written(1), written(4));
        for id in [2, 4] {
            history.complete_write(id);
        }
        assert!(history.allows(written(1)));
    }

    #[test]
    fn zeros_that_are_found_when_they_fail_are_found_when_they_end() {
        let mut history = History::new(0);
        history.begin_write(0);
        history.lose(Value::ZERO, Value::ZERO);
        history.begin_write(1);
        history.complete_write(1);
        history.arrive(written(1));
        history.complete_zero();
        assert!(history.allows(Value::ZERO) && history.allows(written(1)));
    }

    #[test]
    fn what_zeros_came_over_in_its_place_comes_back_when_they_fail_and_what_was_freed_does_not() {
        let begun = || {
            let mut history = History::new(0);
            history.begin_write(1);
            history.complete_write(1);
            history.begin_write(0);
            history
        };
        let mut history = begun();
        history.complete_zero_in_place();
        assert!(history.may_come_back(written(1)) && !history.owns(written(1)));
        history.lose(written(1), Value::ZERO);
        assert!(history.allows(written(1)) && history.allows(Value::ZERO));
        let mut history = begun();
        history.complete_zero();
        assert!(!history.may_come_back(written(1)));
    }

    #[test]
    fn overlapping_writes_may_win_either_way() {
        let mut history = History::new(0);
        history.begin_write(1);
        history.begin_write(2);
        history.complete_write(1);
        history.complete_write(2);
        assert!(history.allows(written(1)) && history.allows(written(2)));
        assert!(!history.allows(Value::ZERO));
    }

    #[test]
    fn what_is_found_when_all_is_over_is_what_has_won() {
        let mut history = History::new(0);
        history.begin_write(1);
        history.begin_write(2);
        history.complete_write(1);
        history.pin(written(1));
        assert!(history.allows(written(2)), "it has not ended");
        history.complete_write(2);
        history.pin(Value::ZERO);
        assert!(history.allows(written(1)) && history.allows(written(2)), "it is judged wrong");
        history.pin(written(2));
        assert!(!history.allows(written(1)) && history.allows(written(2)));
        history.exempt();
        history.pin(written(2));
        assert!(history.allows(written(1)), "nothing is said of the cell");
    }

    #[test]
    fn a_write_that_began_later_is_not_replaced_whatever_was_allowed_before() {
        let mut history = History::new(0);
        history.exempt();
        history.begin_write(1);
        history.begin_write(2);
        history.complete_write(2);
        history.complete_write(1);
        assert!(history.allows(written(1)) && history.allows(written(2)));
        assert!(!history.allows(written(3)), "they began after it");
    }

    #[test]
    fn a_cell_stays_inside_of_the_file_as_long_as_all_that_is_under_way_overwrites_it() {
        let mut history = History::new(0);
        history.begin_overwrite(1);
        history.begin_overwrite(2);
        history.store_to_buffer(2, 3);
        assert!(history.stays_inside() && !history.is_settled());
        history.begin_write(4);
        assert!(!history.stays_inside(), "this one makes the file longer");
        history.complete_write(4);
        history.begin_write(0);
        assert!(!history.stays_inside(), "this one makes it shorter, or punches a hole");
        history.complete_zero();
        history.begin_growth(4);
        assert!(!history.stays_inside(), "this one writes elsewhere");
        history.end_growth(4, true, Zeros::Arrive);
        history.complete_write(1);
        history.abandon_write(2);
        history.fail_write(3);
        assert!(history.is_settled() && history.overwriting == 0);
        history.begin_write(1);
        assert!(!history.stays_inside(), "the number was another call's");
    }

    #[test]
    fn what_was_deleted_is_no_longer_the_files_own() {
        let mut history = History::new(0);
        history.begin_write(1);
        history.complete_write(1);
        history.begin_write(0);
        assert!(history.allows(written(1)) && history.allows(Value::ZERO));
        history.begin_write(2);
        history.complete_write(2);
        history.complete_zero();
        assert!(!history.allows(written(1)) && !history.owns(written(1)));
        assert!(history.allows(written(2)), "the store and the deletion overlapped");
        history.begin_write(3);
        history.complete_write(3);
        assert!(!history.allows(Value::ZERO) && history.owns(Value::ZERO));
    }

    #[test]
    fn a_growing_file_does_not_show_what_was_stored_behind_its_end_before_it_grew() {
        for (post_eof, found) in [(PostEof::Judged, false), (PostEof::Exempt, true)] {
            let mut history = History::new(0);
            history.allow(1);
            history.begin_write(0);
            history.allow(2);
            history.complete_growth(post_eof, Zeros::Arrive);
            assert!(history.allows(Value::ZERO) && history.allows(written(2)));
            assert_eq!(history.allows(written(1)), found);
            assert_eq!(history.owns(written(1)), found);
            assert!(history.pending.is_empty());
        }
    }

    #[test]
    fn a_write_behind_a_gap_fills_it_with_zeros_if_it_gets_anywhere() {
        for (grown, found) in [(true, false), (false, true)] {
            let mut history = History::new(0);
            history.allow(1);
            history.growths.begin(3, history.settled());
            history.allow(2);
            assert!(history.is_growing());
            history.end_growth(4, true, Zeros::Arrive);
            assert!(history.is_growing(), "another call ended");
            history.end_growth(3, grown, Zeros::Arrive);
            assert!(history.allows(Value::ZERO) && history.allows(written(2)) && !history.is_growing());
            assert_eq!(history.allows(written(1)), found);
        }
    }

    #[test]
    fn a_read_during_a_move_may_find_either() {
        let mut history = History::new(0);
        history.begin_read(1);
        let mut moved = History::new(1);
        moved.begin_write(2);
        moved.complete_write(2);
        history.take_over(&moved);
        let there = Value::written(2, 1);
        assert!(!history.allows(Value::ZERO) && history.allows(there));
        assert!(!history.allows(written(2)), "it was written to another cell");
        assert_eq!(*history.may_return(1), Values::ZERO.with(&Values::only(there, 0)));
    }

    #[test]
    fn a_write_that_has_not_ended_is_not_what_another_file_gets() {
        let mut history = History::new(0);
        history.begin_write(1);
        history.complete_write(1);
        history.begin_write(2);
        assert_eq!(history.settled(), Values::of(1));
        history.replace(&Values::of(3));
        history.complete_write(2);
        assert!(history.allows(written(2)) && history.allows(written(3)));
        assert!(!history.allows(written(1)));
    }

    #[test]
    fn what_lies_in_the_buffer_while_a_write_is_in_flight_is_right() {
        let mut history = History::new(0);
        history.store_to_buffer(1, 2);
        assert!(!history.allows(written(2)), "the write has not begun");
        history.begin_write(1);
        history.begin_with(1, 2);
        assert!(history.allows(written(2)) && !history.allows(written(1)));
        history.store_to_buffer(1, 3);
        history.begin_write(4);
        history.complete_write(4);
        for id in [1, 2, 3] {
            history.complete_write(id);
        }
        assert!(!history.allows(Value::ZERO) && !history.allows(written(1)));
        assert!([2, 3, 4].into_iter().all(|id| history.allows(written(id))), "they overlapped");
        history.store_to_buffer(1, 5);
        assert!(!history.allows(written(5)), "the write has ended");
        history.begin_write(6);
        history.complete_write(6);
        assert!((0..6).all(|id| !history.allows(written(id))) && history.pending.is_empty());
    }

    #[test]
    fn an_abandoned_write_leaves_what_was_there() {
        let mut history = History::new(0);
        history.begin_write(1);
        history.abandon_write(1);
        assert!(history.allows(Value::ZERO) && !history.allows(written(1)));
        assert!(history.pending.is_empty());
    }

    #[test]
    fn what_has_moved_is_the_same_when_it_is_back_and_is_replaced_by_the_same_command() {
        let mut first = History::new(0);
        let mut second = History::new(1);
        for history in [&mut first, &mut second] {
            history.begin_write(1);
            history.complete_write(1);
        }
        let was = first.clone();
        let there = Value::written(1, 1);
        first.take_over(&second);
        assert!(first.owns(there) && !first.owns(written(1)), "one command has written both");
        second.take_over(&first);
        assert!(second.allows(there) && !second.allows(written(1)));
        let mut back = History::new(0);
        second.take_over(&was);
        back.take_over(&second);
        assert_eq!(back, was);
        first.begin_write(1);
        assert!(first.allows(there) && first.allows(written(1)));
        first.complete_write(1);
        assert!(!first.allows(there) && first.allows(written(1)));
    }

    #[test]
    fn a_write_that_is_under_way_when_its_cell_moves_is_found_in_either_place() {
        let [mut first, mut second] = [0, 1].map(History::new);
        second.begin_write(1);
        let behind = History::new(2);
        first.take_over(&second);
        second.take_over(&behind);
        let value = Value::written(1, 1);
        assert!(first.is_settled() && !second.is_settled());
        second.complete_write(1);
        for history in [&first, &second] {
            assert!(history.allows(value) && history.allows(Value::ZERO), "nobody knows which");
            assert!(history.is_settled());
        }
    }

    #[test]
    fn zeros_that_bring_a_cell_into_the_file_do_not_move_with_it() {
        let [mut first, mut second] = [0, 1].map(History::new);
        first.begin_write(0);
        second.take_over(&first);
        first.take_over(&History::new(0));
        assert!(first.is_settled() && second.is_settled());
        second.begin_write(1);
        second.complete_write(1);
        assert!(!second.allows(Value::ZERO));
    }

    #[test]
    fn what_a_clone_puts_there_is_not_replaced_by_what_began_before() {
        let mut history = History::new(0);
        history.begin_write(1);
        history.complete_write(1);
        history.begin_write(2);
        history.begin_replace();
        assert!(history.leaves());
        history.replace(&Values::of(1));
        history.complete_write(2);
        assert!(!history.leaves() && history.allows(written(1)));
    }

    #[test]
    fn of_a_cell_that_is_exempt_nothing_was_there_before() {
        let mut history = History::new(0);
        history.begin_write(1);
        history.outgrow(1, false);
        history.exempt();
        assert_eq!(history.outgrown, Outgrown::default());
    }

    #[test]
    fn a_clone_to_another_offset_has_what_was_written_to_the_source() {
        let mut history = History::new(0);
        history.replace(&Values::of(1).carried(2, 0));
        assert!(history.allows(Value::written(1, 2)) && history.owns(Value::written(1, 2)));
        assert!(!history.allows(written(1)) && !history.allows(Value::ZERO));
        history.begin_write(3);
        history.lose(Value::written(1, 2), written(3));
        history.complete_write(3);
        assert!(history.allows(Value::written(1, 2)), "it is found where what came over it failed");
        history.arrive(written(3));
        assert!(!history.allows(Value::written(1, 2)));
    }
}
