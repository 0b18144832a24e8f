//! Which writes a crash may leave in a cell.

use stalemap_facade::ActorId;

use super::values::Values;
use crate::words::geometry::Cell;
use crate::words::value::{Value, WriteId};

/// What a crash may leave in one cell.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Survivors {
    /// Which cell.
    cell: Cell,
    /// The values; outside, where the cell may lie behind the size that is recovered.
    may: Values,
    /// Stores behind end of file: where they must not survive, they are nothing that was written to the file.
    behind: Values,
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
    survive: Values,
    /// What may only since writeback has failed, if somebody is told.
    failed: Values,
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
    pub(crate) fn new(cell: Cell) -> Self {
        let (may, behind) = (Values::OUTSIDE, Values::NONE);
        Survivors { cell, may, behind, left_outside: false, syncs: Vec::new() }
    }

    /// Which cell.
    pub(crate) fn cell(&self) -> Cell {
        self.cell
    }

    /// A write begins.
    pub(crate) fn allow(&mut self, id: WriteId) {
        self.allow_all(&Values::of(id));
    }

    /// Writeback of what is there in its place has failed.
    pub(crate) fn lose(&mut self, value: Value) {
        let lost = Values::only(value, self.cell);
        self.may.add_all(&lost);
        self.syncs.iter_mut().for_each(|sync| sync.failed.add_all(&lost));
    }

    /// A store behind end of file, which must not become part of the file.
    pub(crate) fn store_behind(&mut self, id: WriteId) {
        self.behind.add(id);
    }

    /// Whether a value was only ever stored behind end of file, if it must not survive.
    pub(crate) fn was_stored_behind(&self, value: Value) -> bool {
        self.behind.contain(value, self.cell)
    }

    /// All that may survive.
    pub(crate) fn values(&self) -> &Values {
        &self.may
    }

    /// Any of these may survive.
    pub(crate) fn allow_all(&mut self, values: &Values) {
        self.may.add_all(values);
        self.syncs.iter_mut().for_each(|sync| sync.survive.add_all(values));
    }

    /// What was in another cell is in this one from here on; a crash may leave the file as it was, or rearranged. What a sync under
    /// way covers of the other cell survives it here, too.
    pub(crate) fn take_over(&mut self, other: &Survivors) {
        let carried = |values: &Values| values.carried(other.cell, self.cell);
        for sync in &mut self.syncs {
            match other.syncs.iter().find(|there| there.actor == sync.actor) {
                Some(there) => {
                    sync.survive.add_all(&carried(&there.survive));
                    sync.failed.add_all(&carried(&there.failed));
                }
                None => sync.survive.add_all(&carried(&other.may)),
            }
        }
        self.may.add_all(&carried(&other.may));
        self.behind.add_all(&carried(&other.behind));
        self.allow(0);
    }

    /// A sync begins; `current` are the writes that the cell may contain, of which some may only since writeback has `failed`.
    pub(crate) fn begin_sync(&mut self, actor: ActorId, current: Values, failed: Values, lies: Lies) {
        // What reads as zeros is there if the file has come as far, and may as well not be where it is growing.
        let inside = !current.has(0) || lies == Lies::Inside;
        let mut survive = current.without(&failed);
        // Behind end of file there are no zeros: who finds some there has a larger file.
        if lies == Lies::Outside {
            survive.remove(0);
        }
        if !inside || self.left_outside {
            survive.add_all(&Values::OUTSIDE);
        }
        self.syncs.push(Sync { actor, survive, failed });
        self.syncs.sort_unstable();
    }

    /// A sync returns: what had been replaced when it began must not come back, nor what failures have left that nobody was told of.
    pub(crate) fn end_sync(&mut self, actor: ActorId, told: Told) {
        if let Some(at) = self.syncs.iter().position(|other| other.actor == actor) {
            let sync = self.syncs.remove(at);
            self.may.keep_all(&match told {
                Told::Yes => sync.survive.with(&sync.failed),
                Told::No => sync.survive,
            });
        }
    }

    /// A sync returns an error: it promises nothing.
    pub(crate) fn abandon_sync(&mut self, actor: ActorId) {
        self.syncs.retain(|other| other.actor != actor);
    }

    /// What was to make the file longer has failed: a crash may leave the cell outside of it.
    pub(crate) fn allow_outside(&mut self) {
        self.allow_all(&Values::OUTSIDE);
        self.left_outside = true;
    }

    /// The file ends before the cell.
    pub(crate) fn take_out(&mut self) {
        self.allow_all(&Values::OUTSIDE);
    }

    /// The cell was written.
    pub(crate) fn arrive(&mut self) {
        self.left_outside = false;
    }

    /// Whether a crash may leave this.
    pub(crate) fn allow_recovery_of(&self, value: Value) -> bool {
        self.may.contain(value, self.cell)
    }

    /// Whether a crash may leave the cell outside of the file.
    pub(crate) fn allow_recovery_outside(&self) -> bool {
        self.may.are_outside()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a write has for the cell that is looked at.
    fn written(id: WriteId) -> Value {
        Value::written(id, 0)
    }

    #[test]
    fn a_sync_forgets_what_was_replaced_before_it_began() {
        let mut cell = Survivors::new(0);
        cell.allow(1);
        cell.begin_sync(0, Values::of(1), Values::NONE, Lies::Anywhere);
        cell.allow(2);
        cell.end_sync(0, Told::Yes);
        let survives = |id| cell.allow_recovery_of(written(id));
        assert!(!survives(0) && survives(1) && survives(2));
    }

    #[test]
    fn a_sync_that_fails_promises_nothing() {
        let mut cell = Survivors::new(0);
        cell.allow(1);
        cell.begin_sync(0, Values::of(1), Values::NONE, Lies::Anywhere);
        cell.abandon_sync(0);
        cell.end_sync(0, Told::Yes);
        assert!(cell.allow_recovery_outside());
        cell.begin_sync(0, Values::of(1), Values::NONE, Lies::Anywhere);
        cell.allow_outside();
        cell.end_sync(0, Told::Yes);
        assert!(cell.allow_recovery_outside(), "what made the file longer has failed since");
        cell.begin_sync(0, Values::of(1), Values::NONE, Lies::Anywhere);
        cell.end_sync(0, Told::Yes);
        assert!(cell.allow_recovery_outside(), "a sync that finds nothing dirty does not write it");
        cell.arrive();
        cell.begin_sync(0, Values::of(1), Values::NONE, Lies::Anywhere);
        cell.end_sync(0, Told::Yes);
        assert!(!cell.allow_recovery_outside());
    }

    #[test]
    fn zeros_that_a_file_has_grown_over_stay_inside_until_they_are_taken_out() {
        for (lies, outside) in [(Lies::Anywhere, true), (Lies::Inside, false)] {
            let mut cell = Survivors::new(0);
            cell.allow(0);
            cell.begin_sync(0, Values::ZERO, Values::NONE, lies);
            cell.end_sync(0, Told::Yes);
            assert_eq!(cell.allow_recovery_outside(), outside);
            assert!(cell.allow_recovery_of(Value::ZERO));
            cell.begin_sync(0, Values::ZERO, Values::NONE, lies);
            cell.take_out();
            cell.end_sync(0, Told::Yes);
            assert!(cell.allow_recovery_outside());
        }
    }

    #[test]
    fn a_sync_behind_end_of_file_promises_that_the_file_is_no_longer() {
        let mut cell = Survivors::new(0);
        cell.allow(0);
        cell.begin_sync(0, Values::ZERO, Values::NONE, Lies::Outside);
        cell.end_sync(0, Told::Yes);
        assert!(cell.allow_recovery_outside() && !cell.allow_recovery_of(Value::ZERO));
        cell.begin_sync(0, Values::ZERO, Values::NONE, Lies::Outside);
        cell.allow(0);
        cell.end_sync(0, Told::Yes);
        assert!(cell.allow_recovery_of(Value::ZERO), "it has grown meanwhile");
    }

    #[test]
    fn what_a_failure_has_left_survives_a_sync_if_somebody_is_told() {
        for (told, survives) in [(Told::Yes, true), (Told::No, false)] {
            let begun = |failed_before: bool| {
                let mut cell = Survivors::new(0);
                cell.allow(1);
                cell.allow(2);
                if failed_before {
                    cell.begin_sync(0, Values::of(2).with(&Values::of(1)), Values::of(1), Lies::Anywhere);
                } else {
                    cell.begin_sync(0, Values::of(2), Values::NONE, Lies::Anywhere);
                    cell.lose(written(1));
                }
                cell.end_sync(0, told);
                cell
            };
            for cell in [begun(true), begun(false)] {
                assert_eq!(cell.allow_recovery_of(written(1)), survives);
                assert!(cell.allow_recovery_of(written(2)));
            }
        }
    }

    #[test]
    fn a_store_behind_end_of_file_does_not_survive_in_the_file() {
        let mut cell = Survivors::new(0);
        cell.store_behind(1);
        assert!(!cell.allow_recovery_of(written(1)) && cell.was_stored_behind(written(1)));
        assert!(!cell.was_stored_behind(written(2)));
    }

    #[test]
    fn zeros_are_found_in_the_file_only_where_they_were_put() {
        let mut cell = Survivors::new(0);
        assert!(cell.allow_recovery_outside() && !cell.allow_recovery_of(Value::ZERO));
        cell.allow(0);
        assert!(cell.allow_recovery_of(Value::ZERO));
    }

    #[test]
    fn a_crash_after_a_move_leaves_the_file_as_it_was_or_rearranged() {
        let there = Value::written(1, 1);
        let begun = |syncs: bool| {
            let [mut cell, mut other] = [0, 1].map(Survivors::new);
            for survivor in [&mut cell, &mut other] {
                survivor.allow(1);
                survivor.allow(2);
                if syncs {
                    survivor.begin_sync(0, Values::of(1), Values::NONE, Lies::Inside);
                }
            }
            cell.take_over(&other);
            cell
        };
        let mut cell = begun(false);
        assert!(cell.allow_recovery_of(written(1)) && cell.allow_recovery_of(there));
        cell.begin_sync(0, Values::of(1).carried(1, 0), Values::NONE, Lies::Inside);
        cell.end_sync(0, Told::Yes);
        assert!(!cell.allow_recovery_of(written(1)) && cell.allow_recovery_of(there));
        let mut cell = begun(true);
        cell.end_sync(0, Told::Yes);
        assert!(
            cell.allow_recovery_of(written(1)) && cell.allow_recovery_of(there),
            "it began before the move"
        );
        assert!(!cell.allow_recovery_of(Value::written(2, 1)), "it was replaced when the sync began");
        assert!(!cell.allow_recovery_outside());
    }
}
