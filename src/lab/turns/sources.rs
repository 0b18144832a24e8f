//! A source that is not resident (`@short`): it is there when the kernel looks before the copy, and goes before the copy is
//! made. So the writer is held in between while the main thread drops it.

use stalemap_model::state::event::{DataEvent, What};
use stalemap_model::words::command::Command;

use super::super::holds;
use super::super::plan::{At, Hold, Turn, Whom};
use super::super::segments::Segment;
use super::Weaver;
use crate::annotate::events;
use stalemap_explore::Played;

impl Weaver<'_> {
    /// The hold at which the source of the write goes that the step at `row` is in, armed. None: it stays.
    pub(super) fn source_of(&mut self, segment: &Segment, row: usize) -> Option<usize> {
        let played = &self.replay.played[row];
        let task = segment.actor - 1;
        let command = played.command?;
        let announced = self.tasks.get(task)?.run.get(command.checked_sub(1)?)?;
        let Command::Short { .. } = announced.command else { return None };
        let of_command = |before: &&Played| before.actor == played.actor && before.command == played.command;
        let begun = self.replay.played[..row].iter().any(|before| of_command(&before));
        let (function, at, nth) = if self.takes_glock {
            if begun {
                return None;
            }
            // The glock is held, and page faults are not allowed, from here on (gfs2_file_buffered_write).
            ("iomap_file_buffered_write", At::Before, 1)
        } else {
            (holds::before_copy(self.release), At::After, self.copies_to_the_short_one(segment, row)?)
        };
        let hold = self.add(Hold { whom: Whom::Task(task), function, at, nth, folio: None });
        self.turn(Turn::Arm(hold));
        Some(hold)
    }

    /// Drops the source, and lets the writer go on.
    pub(super) fn drop_source(&mut self, task: usize, hold: Option<usize>) {
        let Some(hold) = hold else { return };
        self.turn(Turn::UntilHeld(hold));
        self.turn(Turn::DropSource(task));
        self.turn(Turn::Release(hold));
    }

    /// The number of copies that the writer makes from `row` on until one is short; none if that is in no step of the segment.
    fn copies_to_the_short_one(&self, segment: &Segment, row: usize) -> Option<u32> {
        let short = |what: &What| matches!(what, What::Data(DataEvent::Copied { short: true, .. }));
        let mut copies = 0;
        for row in row..segment.rows.end {
            let played = &self.replay.played[row];
            copies += u32::from(played.op.starts_with("copy "));
            if played.events.iter().filter_map(events::what).any(short) {
                return Some(copies);
            }
        }
        None
    }
}
