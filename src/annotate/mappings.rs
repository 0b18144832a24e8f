//! The life of each cached mapping: from the sampling to where it was dropped, and what happened meanwhile.

use std::collections::BTreeMap;

use stalemap_explore::Replay;
use stalemap_facade::{ActorId, Event};
use stalemap_model::state::event::{AfterStale, MapChange, Mapping, Sampler, Use, Verdict, What};

use super::events;

/// A mapping cached by an actor. Rows count from 0.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Life {
    /// Whose it is.
    pub actor: ActorId,
    /// The file that it maps, where there are several.
    pub file: Option<String>,
    /// The path that sampled it.
    pub by: Sampler,
    /// What it says: the blocks, the fork, the cookie.
    pub mapping: Mapping,
    /// The row that sampled it.
    pub sampled: usize,
    /// What others changed in the extent map, with their rows: it is stale from the first of them on.
    pub invalidated: Vec<(usize, MapChange)>,
    /// The uses in which it misled, with their rows.
    pub misused: Vec<(usize, Use)>,
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
    /// Dropped here, where the extent map has changed.
    DroppedStale,
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
            Mark::DroppedStale => "dropped, out of date",
            Mark::Stale => "extent map changed since",
            Mark::Misused => "used although out of date",
        }
    }
}

impl Life {
    fn new(actor: ActorId, event: &Event, by: Sampler, mapping: &Mapping, sampled: usize) -> Self {
        let file = events::file(event).map(str::to_owned);
        let mapping = mapping.clone();
        let (invalidated, misused) = (Vec::new(), Vec::new());
        Life { actor, file, by, mapping, sampled, invalidated, misused, end: None }
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
            (Some(if cached == Mark::Stale { Mark::DroppedStale } else { Mark::Dropped }), None)
        } else {
            (Some(cached), Some(cached))
        }
    }
}

/// The lives of all mappings, in the order of their sampling.
pub fn lives(replay: &Replay) -> Vec<Life> {
    let mut held = Held::default();
    for (row, played) in replay.played.iter().enumerate() {
        for event in &played.events {
            held.take_in(row, played.actor, event);
        }
    }
    held.lives
}

/// The mappings so far, and which of them each actor holds.
#[derive(Default)]
struct Held {
    lives: Vec<Life>,
    open: BTreeMap<ActorId, usize>,
}

impl Held {
    fn take_in(&mut self, row: usize, actor: ActorId, event: &Event) {
        match events::what(event) {
            Some(What::Sampled(by, mapping)) => {
                self.drop(row, actor);
                self.open.insert(actor, self.lives.len());
                self.lives.push(Life::new(actor, event, *by, mapping, row));
            }
            Some(What::Dropped(_) | What::Checked(_, Verdict::Stale { then: AfterStale::Dropped, .. })) => {
                self.drop(row, actor);
            }
            Some(What::Used(used)) if used.misleads() => {
                if let Some(life) = self.open.get(&actor) {
                    self.lives[*life].misused.push((row, used.clone()));
                }
            }
            Some(What::MapChanged(change)) => {
                for life in self.open.iter().filter(|(other, _)| **other != actor).map(|(_, life)| *life) {
                    if self.lives[life].file.as_deref() == events::file(event) {
                        self.lives[life].invalidated.push((row, change.clone()));
                    }
                }
            }
            _ => {}
        }
    }

    fn drop(&mut self, row: usize, actor: ActorId) {
        if let Some(life) = self.open.remove(&actor) {
            self.lives[life].end = Some(row);
        }
    }
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

    use stalemap_explore::Played;
    use stalemap_facade::Picture;
    use stalemap_model::state::event::{Checker, Dropped, KernelEvent, Says, Seq, Truth};
    use stalemap_model::state::mapping::IomapType;
    use stalemap_model::words::extent::Fork;

    use super::*;

    fn replay_of(events: &[(ActorId, What)]) -> Replay {
        let played = |(actor, what): &(ActorId, What)| Played {
            actor: *actor,
            command: None,
            op: String::new(),
            outcome: None,
            preempts: false,
            enabled: 0,
            depends_on: Vec::new(),
            depends_indirectly_on: Vec::new(),
            picture: Picture::default(),
            events: vec![Event::System(Rc::new(KernelEvent {
                file: None,
                compared: None,
                what: what.clone(),
            }))],
            gutter: Vec::new(),
            violated: Vec::new(),
        };
        Replay {
            actors: Vec::new(),
            initial: Vec::new(),
            initial_picture: Picture::default(),
            setup_events: Vec::new(),
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
            Mark::Dropped | Mark::DroppedStale => "-",
            Mark::Stale => "!",
            Mark::Misused => "X",
        }
    }

    fn bar(events: &[(ActorId, What)], actor: ActorId) -> String {
        let lives = lives(&replay_of(events));
        let mark = |row| marks(&lives, actor, row).0.map_or(" ", symbol);
        (0..events.len()).map(mark).collect()
    }

    fn sampled() -> What {
        let cookie = Seq::of_forks(1, None);
        let (kind, fork) = (IomapType::Unwritten, Fork::Data);
        What::Sampled(
            Sampler::Write,
            Mapping { kind, bytes: 0..4096, fork, new: false, behind_valid: false, device: Some(0), cookie },
        )
    }

    fn changed() -> What {
        What::MapChanged(MapChange::data(IomapType::Unwritten, IomapType::Mapped, 0..4096))
    }

    fn used(truth: Truth) -> What {
        let says = Says::Kind(IomapType::Unwritten);
        What::Used(Use { says, at: std::iter::once(0..4096).collect(), truth, skips: None })
    }

    const ELSE: What = What::SourceMissing;
    const DROPPED: What = What::Dropped(Dropped::Done);

    #[test]
    fn a_bar_runs_from_the_sampling_to_the_use() {
        let story = [
            (1, ELSE),
            (1, sampled()),
            (1, used(Truth::AsItSays)),
            (2, changed()),
            (2, ELSE),
            (1, used(Truth::Elsewhere)),
            (1, DROPPED),
        ];
        assert_eq!(bar(&story, 1), " +|!!X-");
        assert_eq!(bar(&story, 2), "       ");
        let lives = lives(&replay_of(&story));
        assert_eq!(barred(&lives), [1]);
        assert_eq!(lives[0].invalidated.first().map(|(row, _)| *row), Some(3), "stale since then");
        assert_eq!((lives[0].by, lives[0].mapping.cookie.data), (Sampler::Write, 1));
    }

    #[test]
    fn the_own_change_does_not_make_the_own_mapping_stale() {
        let story = [(1, sampled()), (1, changed()), (1, sampled()), (2, sampled()), (1, DROPPED)];
        assert_eq!(bar(&story, 1), "+|+|-");
        assert!(barred(&lives(&replay_of(&story))).is_empty());
    }

    #[test]
    fn a_mapping_that_a_check_found_stale_ends_unless_it_is_kept() {
        let (old, now) = (Seq::of_forks(1, None), Seq::of_forks(2, None));
        let stale =
            |then| What::Checked(Checker::Write, Verdict::Stale { sampled: old, now: Some(now), then });
        let story = |then| [(1, sampled()), (2, changed()), (1, stale(then)), (1, ELSE)];
        assert_eq!(bar(&story(AfterStale::Dropped), 1), "+!- ");
        let lives = lives(&replay_of(&story(AfterStale::Dropped)));
        assert_eq!(marks(&lives, 1, 2).0, Some(Mark::DroppedStale));
        let valid = super::lives(&replay_of(&[(1, sampled()), (1, DROPPED)]));
        assert_eq!(marks(&valid, 1, 1).0, Some(Mark::Dropped));
        assert_eq!(bar(&story(AfterStale::Kept), 1), "+!!!");
    }
}
