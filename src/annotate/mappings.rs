//! The life of each cached mapping: from the sampling to where it was dropped, and what happened meanwhile.

use super::events;
use std::collections::BTreeMap;

use stalemap_explore::Replay;
use stalemap_facade::{ActorId, Event};
use stalemap_model::state::event::MappingEvent;

use super::files;

/// A mapping cached by an actor. Rows count from 0.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Life {
    /// Whose it is.
    pub actor: ActorId,
    /// The file that it maps, where there are several.
    pub file: Option<String>,
    /// The row that sampled it.
    pub sampled: usize,
    /// Rows of others that changed the extent map, each with the event's place in the row.
    pub invalidated: Vec<(usize, usize)>,
    /// Rows that used it although it was out of date, each with the event's place in the row.
    pub misused: Vec<(usize, usize)>,
    /// The row that dropped it or sampled the next one, if any did.
    pub end: Option<usize>,
}

/// What a bar shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Mark {
    /// Sampled here.
    Sampled,
    /// Cached.
    Cached,
    /// Dropped here.
    Dropped,
    /// Cached, and the extent map has changed.
    Stale,
    /// Used here although it is out of date.
    Misused,
}

impl Mark {
    /// What the legend says.
    pub fn meaning(self) -> &'static str {
        match self {
            Mark::Sampled => "mapping sampled",
            Mark::Cached => "cached",
            Mark::Dropped => "dropped",
            Mark::Stale => "extent map changed since",
            Mark::Misused => "used although out of date",
        }
    }
}

impl Life {
    fn new(actor: ActorId, event: &Event, sampled: usize) -> Self {
        let file = files::split(&event.words()).0.map(str::to_owned);
        Life { actor, file, sampled, invalidated: Vec::new(), misused: Vec::new(), end: None }
    }

    fn is_stale_by(&self, row: usize) -> bool {
        self.invalidated.iter().any(|(at, _)| *at <= row)
    }

    /// The mark on the first line of a row, and on its further lines.
    pub fn marks(&self, row: usize) -> (Option<Mark>, Option<Mark>) {
        if row < self.sampled || self.end.is_some_and(|end| row > end) {
            return (None, None);
        }
        let cached = if self.is_stale_by(row) { Mark::Stale } else { Mark::Cached };
        if self.misused.iter().any(|(at, _)| *at == row) {
            (Some(Mark::Misused), Some(Mark::Misused))
        } else if row == self.sampled {
            (Some(Mark::Sampled), Some(cached).filter(|_| self.end != Some(row)))
        } else if self.end == Some(row) {
            (Some(Mark::Dropped), None)
        } else {
            (Some(cached), Some(cached))
        }
    }
}

/// The lives of all mappings, in the order of their sampling.
pub fn lives(replay: &Replay) -> Vec<Life> {
    let mut lives: Vec<Life> = Vec::new();
    let mut open: BTreeMap<ActorId, usize> = BTreeMap::new();
    for (row, played) in replay.played.iter().enumerate() {
        let actor = played.actor;
        for (place, event) in played.events.iter().enumerate() {
            match events::mapping(event) {
                MappingEvent::None | MappingEvent::Used => {}
                MappingEvent::Sampled | MappingEvent::Dropped => {
                    if let Some(life) = open.remove(&actor) {
                        lives[life].end = Some(row);
                    }
                    if events::mapping(event) == MappingEvent::Sampled {
                        open.insert(actor, lives.len());
                        lives.push(Life::new(actor, event, row));
                    }
                }
                MappingEvent::Misused => {
                    if let Some(life) = open.get(&actor) {
                        lives[*life].misused.push((row, place));
                    }
                }
                MappingEvent::Invalidated => {
                    let words = event.words();
                    let file = files::split(&words).0;
                    for life in open.iter().filter(|(other, _)| **other != actor).map(|(_, life)| *life) {
                        if lives[life].file.as_deref() == file {
                            lives[life].invalidated.push((row, place));
                        }
                    }
                }
            }
        }
    }
    lives
}

/// The actors with a bar: those that had a mapping go out of date.
pub fn barred(lives: &[Life]) -> Vec<ActorId> {
    let matters = |life: &&Life| !life.invalidated.is_empty() || !life.misused.is_empty();
    let mut actors: Vec<ActorId> = lives.iter().filter(matters).map(|life| life.actor).collect();
    actors.sort_unstable();
    actors.dedup();
    actors
}

/// The marks of an actor's bar at a row: where one mapping follows another in the same row, the later one's.
pub fn marks(lives: &[Life], actor: ActorId, row: usize) -> (Option<Mark>, Option<Mark>) {
    let mine = lives.iter().rev().filter(|life| life.actor == actor).map(|life| life.marks(row));
    mine.into_iter().find(|(first, _)| first.is_some()).unwrap_or((None, None))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use stalemap_model::state::event::KernelEvent;

    use stalemap_explore::Played;
    use stalemap_facade::Event;

    use super::*;

    fn replay_of(events: &[(ActorId, MappingEvent)]) -> Replay {
        let played = |(actor, mapping): &(ActorId, MappingEvent)| Played {
            actor: *actor,
            op: String::new(),
            preempts: false,
            depends_on: Vec::new(),
            depends_indirectly_on: Vec::new(),
            panels: Vec::new(),
            events: vec![Event::System(Rc::new(KernelEvent::of_mapping(*mapping, "")))],
            gutter: Vec::new(),
            violated: Vec::new(),
        };
        Replay {
            actors: Vec::new(),
            initial: Vec::new(),
            initial_panels: Vec::new(),
            violated_in_setup: Vec::new(),
            halted: None,
            played: events.iter().map(played).collect(),
            epilogue: None,
            deadlock: Vec::new(),
            cycle_from: None,
            reached: 0,
            violated: Vec::new(),
        }
    }

    fn symbol(mark: Mark) -> &'static str {
        match mark {
            Mark::Sampled => "+",
            Mark::Cached => "|",
            Mark::Dropped => "-",
            Mark::Stale => "!",
            Mark::Misused => "X",
        }
    }

    fn bar(events: &[(ActorId, MappingEvent)], actor: ActorId) -> String {
        let lives = lives(&replay_of(events));
        let mark = |row| marks(&lives, actor, row).0.map_or(" ", symbol);
        (0..events.len()).map(mark).collect()
    }

    #[test]
    fn a_bar_runs_from_the_sampling_to_the_use() {
        use MappingEvent::{Dropped, Invalidated, Misused, None, Sampled, Used};
        let story =
            [(1, None), (1, Sampled), (1, Used), (2, Invalidated), (2, None), (1, Misused), (1, Dropped)];
        assert_eq!(bar(&story, 1), " +|!!X-");
        assert_eq!(bar(&story, 2), "       ");
        assert_eq!(barred(&lives(&replay_of(&story))), [1]);
    }

    #[test]
    fn the_own_change_does_not_make_the_own_mapping_stale() {
        use MappingEvent::{Dropped, Invalidated, Sampled};
        let story = [(1, Sampled), (1, Invalidated), (1, Sampled), (2, Sampled), (1, Dropped)];
        assert_eq!(bar(&story, 1), "+|+|-");
        assert!(barred(&lives(&replay_of(&story))).is_empty());
    }
}
