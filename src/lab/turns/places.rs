//! What an actor of a replayed schedule is about to do at a step, and where it can be held for that.

use stalemap_facade::{ActorId, Role};
use stalemap_model::state::event::{DataEvent, FolioEvent, Sampler, What};
use stalemap_model::words::actor_names::KWORKER;
use stalemap_model::words::command::Command;

use super::super::holds::{self, Entry, Path, Place, Where};
use super::Weaver;
use crate::annotate::events;

impl Weaver<'_> {
    /// Where an actor is held before a step, or why it cannot be.
    pub(super) fn place(&self, row: usize) -> Result<Place, &'static str> {
        self.is_ended_by_worker(row)?;
        holds::place(&self.place_of(row), self.release)
    }

    /// What the actor of a step is about to do there.
    pub(super) fn place_of(&self, row: usize) -> Where {
        let played = &self.replay.played[row];
        let before = self.of_command(row).next_back();
        let (op, target) = parsed(&played.op);
        Where {
            path: self.path_at(row),
            entry: if op == "set_pte_writable" { self.entry_before(row) } else { Entry::None },
            op,
            target,
            before: before.map(|before| parsed(&self.replay.played[before].op)),
            stores_size: self.tells(row, |what| matches!(what, What::Size(_))),
            fails: self.tells(row, |what| matches!(what, What::Failed(_))),
            looks_again: before.is_some_and(|before| {
                self.tells(before, |what| matches!(what, What::Folio(FolioEvent::GoneForWrite(_))))
            }),
        }
    }

    /// The steps of the same command before a step.
    pub(super) fn of_command(&self, row: usize) -> impl DoubleEndedIterator<Item = usize> + use<'_> {
        let now = &self.replay.played[row];
        (0..row).filter(move |before| {
            let before = &self.replay.played[*before];
            before.actor == now.actor && before.command == now.command
        })
    }

    /// Whether something happens at a step.
    pub(super) fn tells(&self, row: usize, of: impl Fn(&What) -> bool) -> bool {
        self.replay.played[row].events.iter().filter_map(events::what).any(of)
    }

    /// The path that a step is on: a write beyond the end of file zeroes first, and a direct one may go on as a buffered one.
    fn path_at(&self, row: usize) -> Path {
        let played = &self.replay.played[row];
        let path = self.path_of(played.actor, played.command);
        let own = self.sampler(row);
        let last = match path {
            Path::Write => own.or_else(|| self.of_command(row).rev().find_map(|before| self.sampler(before))),
            Path::DirectWrite => own,
            _ => None,
        };
        match last {
            Some(Sampler::Zero) => Path::Zero,
            Some(Sampler::Write) => Path::Write,
            _ => path,
        }
    }

    /// For what a mapping was asked at a step.
    fn sampler(&self, row: usize) -> Option<Sampler> {
        let whats = self.replay.played[row].events.iter().filter_map(events::what);
        let sampler = |what: &What| if let What::Sampled(sampler, _) = what { Some(*sampler) } else { None };
        whats.filter_map(sampler).next_back()
    }

    pub(super) fn path_of(&self, actor: ActorId, command: Option<usize>) -> Path {
        let spec = &self.replay.actors[actor];
        if spec.role != Role::Main {
            return if spec.name == KWORKER { Path::EndIo } else { Path::EndDirectIo };
        }
        let call = command.and_then(|command| self.tasks.get(actor - 1)?.run.get(command));
        call.map_or(Path::Other, |call| Path::of(&call.command))
    }

    /// The page-table entry that a task has for the folio of a step.
    fn entry_before(&self, row: usize) -> Entry {
        let actor = self.replay.played[row].actor;
        let (_, target) = parsed(&self.replay.played[row].op);
        let mut others = false;
        for before in (0..row).rev() {
            let played = &self.replay.played[before];
            let command =
                played.command.and_then(|at| self.tasks.get(played.actor.checked_sub(1)?)?.run.get(at));
            let unmaps = command.is_some_and(|call| unmaps(&call.command));
            if played.actor == actor && unmaps {
                break;
            }
            for what in played.events.iter().filter_map(events::what) {
                match what {
                    What::Folio(FolioEvent::Mapped { index, .. }) if played.actor == actor => {
                        if Some(u64::from(*index)) == target {
                            return Entry::ReadOnly;
                        }
                        others |=
                            !self.tells(before, |what| matches!(what, What::Data(DataEvent::Stored(_))));
                    }
                    What::Folio(FolioEvent::Dropped(index) | FolioEvent::Removed(index))
                        if Some(u64::from(*index)) == target =>
                    {
                        return Entry::None;
                    }
                    _ => {}
                }
            }
        }
        // What is read brings in what lies around it, if that is cached.
        if others { Entry::Unknown } else { Entry::None }
    }
}

/// Whether a command takes page-table entries away.
fn unmaps(command: &Command) -> bool {
    *command == Command::Munmap || command.facts().call == Some("madvise(2)")
}

/// An operation's name and the object's number.
pub(super) fn parsed(op: &str) -> (String, Option<u64>) {
    match op.rsplit_once(' ') {
        Some((name, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name.to_owned(), number.parse().ok())
        }
        _ => (op.to_owned(), None),
    }
}
