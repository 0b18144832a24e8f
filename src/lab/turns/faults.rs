//! What a write meets on its way: a source that is not resident (`@short`), or a fatal signal (`@kill`).
//!
//! Both have to come between two points of the kernel's path. A source is there when the kernel looks before the copy, and goes
//! before the copy is made; a signal comes behind the folios that are still written, and before the next one is looked up. So the
//! writer is held in between, while the main process drops the source, or kills it.

use std::ops::Range;

use stalemap_model::state::event::{DataEvent, Errno, What};
use stalemap_model::words::command::facts::FaultKind;

use super::super::holds;
use super::super::plan::{At, Hold, Turn, Whom};
use super::super::segments::Segment;
use super::Weaver;
use super::awaited::Met;
use crate::annotate::events;

impl Weaver<'_> {
    /// What the write meets, in this segment, that the step at `row` is in, and the hold for it. None: nothing.
    pub(super) fn meets(&mut self, segment: &Segment, row: usize) -> Option<Met> {
        let command = self.replay.played[row].command?;
        let task = segment.actor - 1;
        let announced = &self.tasks.get(task)?.run.get(command.checked_sub(1)?)?.command;
        let (turn, (function, at, nth)) = match announced.fault()?.kind {
            FaultKind::Short => (Turn::DropSource(task), self.source_goes(segment, row)?),
            FaultKind::Kill => (Turn::Kill(task), self.signal_comes(segment, row)?),
            FaultKind::Fail => return None,
        };
        let hold = self.add_for(row, Hold { whom: Whom::Task(task), function, at, nth, folio: None });
        Some(Met { hold, turn })
    }

    /// Does it, and lets the writer go on.
    pub(super) fn meet(&mut self, Met { hold, turn }: Met) {
        self.turn(Turn::UntilHeld(hold));
        self.turn(turn);
        self.turn(Turn::Release(hold));
    }

    /// Where the source of a write goes: function, side and call.
    fn source_goes(&self, segment: &Segment, row: usize) -> Option<(&'static str, At, u32)> {
        if self.fs.glock {
            if self.has_begun(row) {
                return None;
            }
            // The glock is held, and page faults are not allowed, from here on (gfs2_file_buffered_write).
            return Some(("iomap_file_buffered_write", At::Before, 1));
        }
        let short = |what: &What| matches!(what, What::Data(DataEvent::Copied { short: true, .. }));
        let copied = self.first(row..segment.rows.end, short)?;
        let look_ups = self.look_ups(copied, holds::before_copy(self.release));
        Some((holds::before_copy(self.release), At::After, look_ups))
    }

    /// Whether the task has performed an operation of the command before.
    fn has_begun(&self, row: usize) -> bool {
        let now = &self.replay.played[row];
        let before = &self.replay.played[..row];
        before.iter().any(|before| before.actor == now.actor && before.command == now.command)
    }

    /// Where the signal comes: before the look-up of the folio that the write is killed at, which does not take place.
    fn signal_comes(&self, segment: &Segment, row: usize) -> Option<(&'static str, At, u32)> {
        let killed = |what: &What| matches!(what, What::Failed(Errno::Interrupted));
        let function = holds::before_look_up();
        let killed_at = self.first(row..segment.rows.end, killed)?;
        // The end of the write says so once more.
        let again = |before: &usize| {
            let (before, now) = (&self.replay.played[*before], &self.replay.played[row]);
            before.actor == now.actor
                && before.command == now.command
                && before.events.iter().filter_map(events::what).any(killed)
        };
        if (0..row).any(|before| again(&before)) {
            return None;
        }
        Some((function, At::Before, self.look_ups(killed_at, function) + 1))
    }

    /// How many folios are looked up by way of a function, in a command up to a step.
    fn look_ups(&self, row: usize, function: &str) -> u32 {
        let is = |row: &usize| holds::is_look_up_by(&self.place_of(*row), function, self.release);
        self.of_command(row).chain([row]).filter(is).count() as u32
    }

    /// The first of some steps at which something happens, in the command of the first one.
    fn first(&self, mut rows: Range<usize>, is: impl Fn(&What) -> bool) -> Option<usize> {
        let played = &self.replay.played;
        let command = played[rows.start].command;
        rows.find(|row| {
            played[*row].command == command && played[*row].events.iter().filter_map(events::what).any(&is)
        })
    }
}
