//! What one cell may contain: the values of those writes that no later write has replaced.
//!
//! A write that began after another one had completed replaces it when it completes; writes that overlap in time may win
//! either way. A failure of I/O brings back what was replaced, and what is stored behind end of file does not come into the file.

use stalemap_facade::ActorId;

use super::growth::{Growths, Outgrown};
use crate::words::config::PostEof;
use crate::words::value::{Value, WriteId};

/// What one cell may contain.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub(super) struct History {
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
    pub(super) fn new() -> Self {
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

    pub(super) fn begin_write(&mut self, id: WriteId) {
        let pending = self.pending.iter().fold(0, |set, (other, _)| set | 1 << other);
        // Those that are under way do not replace it, also where the cell might have contained it before.
        self.pending.iter_mut().for_each(|(_, replaced)| *replaced &= !(1 << id));
        self.pending.push((id, self.allowed & !pending));
        self.pending.sort_unstable();
        self.allow(id);
    }

    /// The write, which has begun, may put this there in the place of its own value: it lies in its buffer.
    pub(super) fn store_to_buffer(&mut self, write: WriteId, store: WriteId) {
        let Some((_, replaced)) = self.pending.iter().find(|(other, _)| *other == write) else { return };
        if self.pending.iter().all(|(other, _)| *other != store) {
            self.pending.push((store, *replaced));
            self.pending.sort_unstable();
        }
        self.allow(store);
    }

    /// The same, and its own value was not in the buffer any more when it began.
    pub(super) fn begin_with(&mut self, write: WriteId, store: WriteId) {
        self.store_to_buffer(write, store);
        self.allowed &= !(1 << write);
    }

    /// The cell may contain this from here on.
    pub(super) fn allow(&mut self, id: WriteId) {
        self.failed &= !(1 << id);
        self.allowed |= 1 << id;
        self.own |= 1 << id;
        for (_, may_return) in &mut self.reads {
            *may_return |= 1 << id;
        }
    }

    /// What was cached is not written, and this is found instead, also behind the end of writes that have copied already, and have still
    /// other cells to copy. One that has not copied began after what is cached.
    pub(super) fn lose(&mut self, id: WriteId, cached: Value) {
        let failed = if self.allowed & (1 << id) == 0 { 1 << id } else { self.failed & (1 << id) };
        self.allow(id);
        self.failed |= failed;
        self.growths.keep(id);
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
    pub(super) fn current(&self) -> (u64, u64) {
        (self.allowed, if self.pending.is_empty() { self.failed } else { 0 })
    }

    /// The device has this from here on: of what earlier failures have left nothing else is found any more.
    pub(super) fn arrive(&mut self, value: Value) {
        let stays = value.write().map_or(0, |id| 1 << id);
        self.allowed &= !self.failed | stays;
        self.failed &= stays;
    }

    /// The write is acknowledged: what it began after is replaced. A repeated write of the same number
    /// (there is none within a cell) would replace itself.
    pub(super) fn complete_write(&mut self, id: WriteId) {
        if let Some(at) = self.pending.iter().position(|(other, _)| *other == id) {
            let (_, replaced) = self.pending.remove(at);
            self.allowed &= !replaced | 1 << id;
            self.failed &= self.allowed;
            self.outgrown = Outgrown::default();
        }
    }

    /// The cell was made to read as zeros: what was there before is deleted.
    pub(super) fn complete_zero(&mut self) {
        self.complete_write(0);
        self.own = self.allowed;
        self.beneath = 0;
    }

    /// The same, and the block is still the file's: it has what was there before until the zeros are written.
    pub(super) fn complete_zero_in_place(&mut self) {
        let beneath = self.beneath | self.own;
        self.complete_zero();
        self.beneath = beneath;
    }

    /// A change of the size has brought the cell into the file. What was stored there before it began, behind end of file, is
    /// found or not where it is exempt.
    pub(super) fn complete_growth(&mut self, post_eof: PostEof, zeros: Zeros) {
        let Some(at) = self.pending.iter().position(|(other, _)| *other == 0) else { return };
        let (_, stored) = self.pending.remove(at);
        if post_eof == PostEof::Judged {
            self.expel(stored, zeros);
        }
    }

    /// A write elsewhere has brought the cell into the file, as zeros, or it has not.
    pub(super) fn end_growth(&mut self, id: WriteId, grown: bool, zeros: Zeros) {
        if let Some(stored) = self.growths.end(id)
            && grown
        {
            self.expel(stored, zeros);
        }
    }

    /// Values that were stored behind end of file do not come into the file; unless the zeros that come over them fail to be written.
    pub(super) fn expel(&mut self, stored: u64, zeros: Zeros) {
        if zeros == Zeros::MayFail {
            self.beneath |= self.own & stored & !1;
        }
        self.allowed &= !stored | 1;
        self.failed &= self.allowed;
        self.own &= !stored | 1;
    }

    /// A write elsewhere is about to bring the cell into the file, as zeros.
    pub(super) fn begin_growth(&mut self, id: WriteId) {
        self.growths.begin(id, self.settled());
    }

    /// Whether nothing that is under way may change it, or bring it into the file or out of it.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty() && !self.growths.any()
    }

    /// Whether this write is about to bring the cell into the file.
    pub(super) fn is_grown_by(&self, id: WriteId) -> bool {
        self.growths.is_under_way(id)
    }

    /// Whether something brings the cell into the file just now.
    pub(super) fn is_growing(&self) -> bool {
        self.growths.any() || self.pending.iter().any(|(id, _)| *id == 0)
    }

    /// What was in another cell is in this one from here on. Who reads in the meantime may find either.
    pub(super) fn take_over(&mut self, other: History) {
        for (_, may_return) in &mut self.reads {
            *may_return |= other.allowed;
        }
        *self = History { reads: std::mem::take(&mut self.reads), ..other };
    }

    /// The write did not get as far as this cell. An earlier call of the same command may have: what was moved here since stays.
    pub(super) fn abandon_write(&mut self, id: WriteId) {
        if let Some(at) = self.pending.iter().position(|(other, _)| *other == id) {
            let (_, replaced) = self.pending.remove(at);
            self.allowed &= !(1 << id) | replaced;
        }
    }

    /// The cell gets other contents at one stroke, of which `values` are possible.
    pub(super) fn replace(&mut self, values: u64) {
        let pending = self.pending.iter().fold(0, |set, (id, _)| set | 1 << id);
        self.allowed = self.allowed & pending | values;
        self.failed &= self.allowed & !values;
        self.own |= values;
        for (_, may_return) in &mut self.reads {
            *may_return |= values;
        }
    }

    /// What the cell may contain, but for writes that have not ended.
    pub(super) fn settled(&self) -> u64 {
        self.pending.iter().fold(self.allowed, |set, (id, _)| set & !(1 << id))
    }

    /// The write failed somewhere: the cell may contain it or not.
    pub(super) fn fail_write(&mut self, id: WriteId) {
        self.pending.retain(|(other, _)| *other != id);
    }

    /// The write, still pending, has brought the cell inside end of file, or all of its page.
    pub(super) fn outgrow(&mut self, id: WriteId, page: bool) {
        if let Some((_, replaced)) = self.pending.iter().find(|(other, _)| *other == id) {
            self.outgrown = Outgrown::new(replaced & !(1 << id), page);
        }
    }

    /// The cell may contain whatever was ever written.
    pub(super) fn exempt(&mut self) {
        self.allowed = u64::MAX;
        self.failed = 0;
        self.pending.iter_mut().for_each(|(_, replaced)| *replaced = 0);
        self.growths.exempt();
        self.reads.iter_mut().for_each(|(_, may_return)| *may_return = u64::MAX);
    }

    /// A read begins.
    pub(super) fn begin_read(&mut self, reader: ActorId) {
        self.reads.push((reader, self.allowed));
        self.reads.sort_unstable();
    }

    /// What a reader may be given: what was possible at some time since its read began, if one has.
    pub(super) fn may_return(&self, reader: ActorId) -> u64 {
        self.reads.iter().find(|(actor, _)| *actor == reader).map_or(self.allowed, |(_, set)| *set)
    }

    /// A read ends.
    pub(super) fn end_read(&mut self, reader: ActorId) {
        self.reads.retain(|(actor, _)| *actor != reader);
    }

    /// The writes that have begun and not ended.
    pub(super) fn pending(&self) -> impl Iterator<Item = WriteId> {
        self.pending.iter().map(|(id, _)| *id)
    }

    /// What a direct write that is not complete has brought inside end of file.
    pub(super) fn outgrown(&self) -> Outgrown {
        self.outgrown
    }

    /// The writes whose value the cell may have.
    pub(super) fn allowed(&self) -> u64 {
        self.allowed
    }

    /// Whether the cell may have this value.
    pub(super) fn allows(&self, value: Value) -> bool {
        value.write().is_some_and(|id| self.allowed & (1 << id) != 0)
    }

    /// Whether the value may be found if what came over it fails to be written.
    pub(super) fn may_come_back(&self, value: Value) -> bool {
        self.owns(value) || value.write().is_some_and(|id| self.beneath & (1 << id) != 0)
    }

    /// Whether the value is the file's own, current or replaced.
    pub(super) fn owns(&self, value: Value) -> bool {
        value.write().is_some_and(|id| self.own & (1 << id) != 0)
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
    fn what_a_failure_has_left_before_a_write_elsewhere_ends_is_found_behind_it() {
        let mut history = History::new();
        for id in [1, 2] {
            history.begin_write(id);
            history.complete_write(id);
        }
        history.begin_growth(3);
        history.lose(1, Value::written(2));
        history.end_growth(3, true, Zeros::MayFail);
        assert!(history.allows(Value::written(1)));
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
