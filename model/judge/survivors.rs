//! Which writes a crash may leave in a cell.

use stalemap_facade::ActorId;

use crate::words::value::{Value, WriteId};

/// Stands among the writes that may survive for none of them: the cell lies behind the size that is recovered.
const OUTSIDE: u64 = 1 << 63;

/// What a crash may leave in one cell.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Survivors {
    /// The writes, as a set.
    may: u64,
    /// Stores behind end of file, as a set: where they must not survive, they are nothing that was written to the file.
    behind: u64,
    /// What was to bring the cell into the file has failed, and nothing was written since.
    left_outside: bool,
    /// Syncs that have begun and not ended.
    syncs: Vec<Sync>,
}

/// A sync that has begun.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Sync {
    actor: ActorId,
    /// What may survive it.
    survive: u64,
    /// What may only since writeback has failed, if somebody is told.
    failed: u64,
}

/// Where a cell lies when a sync begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lies {
    /// Inside of the file, and nobody is about to change that.
    Inside,
    /// Behind its end, and nobody is about to change that either.
    Outside,
    /// There or elsewhere.
    Anywhere,
}

/// Whether somebody was told that writeback has failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// Somebody was, or it has not.
    Yes,
    /// Nobody.
    No,
}

impl Survivors {
    /// Before anything was written, behind end of file. Zeros may be found in the file only once they were put there.
    pub(crate) fn new() -> Self {
        Survivors { may: OUTSIDE, behind: 0, left_outside: false, syncs: Vec::new() }
    }

    /// A write begins.
    pub(crate) fn allow(&mut self, id: WriteId) {
        self.allow_all(1 << id);
    }

    /// Writeback of what is there in its place has failed.
    pub(crate) fn lose(&mut self, id: WriteId) {
        self.may |= 1 << id;
        self.syncs.iter_mut().for_each(|sync| sync.failed |= 1 << id);
    }

    /// A store behind end of file, which must not become part of the file.
    pub(crate) fn store_behind(&mut self, id: WriteId) {
        self.behind |= 1 << id;
    }

    /// Whether a value was only ever stored behind end of file, if it must not survive.
    pub(crate) fn was_stored_behind(&self, value: Value) -> bool {
        value.write().is_some_and(|id| self.behind & (1 << id) != 0)
    }

    /// All writes that may survive, as a set.
    pub(crate) fn writes(&self) -> u64 {
        self.may
    }

    /// Any of these writes may survive.
    pub(crate) fn allow_all(&mut self, writes: u64) {
        self.may |= writes;
        self.syncs.iter_mut().for_each(|sync| sync.survive |= writes);
    }

    /// A sync begins; `current` are the writes that the cell may contain, of which some may only since writeback has `failed`.
    pub(crate) fn begin_sync(&mut self, actor: ActorId, current: u64, failed: u64, lies: Lies) {
        // What reads as zeros is there if the file has come as far, and may as well not be where it is growing.
        let inside = current & 1 == 0 || lies == Lies::Inside;
        let outside = if inside && !self.left_outside { 0 } else { OUTSIDE };
        // Behind end of file there are no zeros: who finds some there has a larger file.
        let zeros = u64::from(lies == Lies::Outside);
        self.syncs.push(Sync { actor, survive: current & !failed & !zeros | outside, failed });
        self.syncs.sort_unstable();
    }

    /// A sync returns: what had been replaced when it began must not come back, nor what failures have left that nobody was told of.
    pub(crate) fn end_sync(&mut self, actor: ActorId, told: Told) {
        if let Some(at) = self.syncs.iter().position(|other| other.actor == actor) {
            let sync = self.syncs.remove(at);
            self.may &= match told {
                Told::Yes => sync.survive | sync.failed,
                Told::No => sync.survive,
            };
        }
    }

    /// A sync returns an error: it promises nothing.
    pub(crate) fn abandon_sync(&mut self, actor: ActorId) {
        self.syncs.retain(|other| other.actor != actor);
    }

    /// What was to make the file longer has failed: a crash may leave the cell outside of it.
    pub(crate) fn allow_outside(&mut self) {
        self.allow_all(OUTSIDE);
        self.left_outside = true;
    }

    /// The file ends before the cell.
    pub(crate) fn take_out(&mut self) {
        self.allow_all(OUTSIDE);
    }

    /// The cell was written.
    pub(crate) fn arrive(&mut self) {
        self.left_outside = false;
    }

    /// Whether a crash may leave this.
    pub(crate) fn allow_recovery_of(&self, value: Value) -> bool {
        value.write().is_some_and(|id| self.may & (1 << id) != 0)
    }

    /// Whether a crash may leave the cell outside of the file.
    pub(crate) fn allow_recovery_outside(&self) -> bool {
        self.may & OUTSIDE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_forgets_what_was_replaced_before_it_began() {
        let mut cell = Survivors::new();
        cell.allow(1);
        cell.begin_sync(0, 1 << 1, 0, Lies::Anywhere);
        cell.allow(2);
        cell.end_sync(0, Told::Yes);
        let survives = |id| cell.allow_recovery_of(Value::written(id));
        assert!(!survives(0) && survives(1) && survives(2));
    }

    #[test]
    fn a_sync_that_fails_promises_nothing() {
        let mut cell = Survivors::new();
        cell.allow(1);
        cell.begin_sync(0, 1 << 1, 0, Lies::Anywhere);
        cell.abandon_sync(0);
        cell.end_sync(0, Told::Yes);
        assert!(cell.allow_recovery_outside());
        cell.begin_sync(0, 1 << 1, 0, Lies::Anywhere);
        cell.allow_outside();
        cell.end_sync(0, Told::Yes);
        assert!(cell.allow_recovery_outside(), "what made the file longer has failed since");
        cell.begin_sync(0, 1 << 1, 0, Lies::Anywhere);
        cell.end_sync(0, Told::Yes);
        assert!(cell.allow_recovery_outside(), "a sync that finds nothing dirty does not write it");
        cell.arrive();
        cell.begin_sync(0, 1 << 1, 0, Lies::Anywhere);
        cell.end_sync(0, Told::Yes);
        assert!(!cell.allow_recovery_outside());
    }

    #[test]
    fn zeros_that_a_file_has_grown_over_stay_inside_until_they_are_taken_out() {
        for (lies, outside) in [(Lies::Anywhere, true), (Lies::Inside, false)] {
            let mut cell = Survivors::new();
            cell.allow(0);
            cell.begin_sync(0, 1, 0, lies);
            cell.end_sync(0, Told::Yes);
            assert_eq!(cell.allow_recovery_outside(), outside);
            assert!(cell.allow_recovery_of(Value::ZERO));
            cell.begin_sync(0, 1, 0, lies);
            cell.take_out();
            cell.end_sync(0, Told::Yes);
            assert!(cell.allow_recovery_outside());
        }
    }

    #[test]
    fn a_sync_behind_end_of_file_promises_that_the_file_is_no_longer() {
        let mut cell = Survivors::new();
        cell.allow(0);
        cell.begin_sync(0, 1, 0, Lies::Outside);
        cell.end_sync(0, Told::Yes);
        assert!(cell.allow_recovery_outside() && !cell.allow_recovery_of(Value::ZERO));
        cell.begin_sync(0, 1, 0, Lies::Outside);
        cell.allow(0);
        cell.end_sync(0, Told::Yes);
        assert!(cell.allow_recovery_of(Value::ZERO), "it has grown meanwhile");
    }

    #[test]
    fn what_a_failure_has_left_survives_a_sync_if_somebody_is_told() {
        for (told, survives) in [(Told::Yes, true), (Told::No, false)] {
            let begun = |failed_before: bool| {
                let mut cell = Survivors::new();
                cell.allow(1);
                cell.allow(2);
                if failed_before {
                    cell.begin_sync(0, 1 << 2 | 1 << 1, 1 << 1, Lies::Anywhere);
                } else {
                    cell.begin_sync(0, 1 << 2, 0, Lies::Anywhere);
                    cell.lose(1);
                }
                cell.end_sync(0, told);
                cell
            };
            for cell in [begun(true), begun(false)] {
                assert_eq!(cell.allow_recovery_of(Value::written(1)), survives);
                assert!(cell.allow_recovery_of(Value::written(2)));
            }
        }
    }

    #[test]
    fn a_store_behind_end_of_file_does_not_survive_in_the_file() {
        let mut cell = Survivors::new();
        cell.store_behind(1);
        assert!(!cell.allow_recovery_of(Value::written(1)) && cell.was_stored_behind(Value::written(1)));
        assert!(!cell.was_stored_behind(Value::written(2)));
    }

    #[test]
    fn zeros_are_found_in_the_file_only_where_they_were_put() {
        let mut cell = Survivors::new();
        assert!(cell.allow_recovery_outside() && !cell.allow_recovery_of(Value::ZERO));
        cell.allow(0);
        assert!(cell.allow_recovery_of(Value::ZERO));
    }
}
