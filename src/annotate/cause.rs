//! The cause, as data: which mapping was used although it was out of date, what had changed under it, and what a check saw or
//! would have seen. Nothing is said that the replay does not show.

use std::ops::Range;

use stalemap_explore::Replay;
use stalemap_facade::ActorId;
use stalemap_model::state::event::{MapChange, Seq, Use, Verdict, What};
use stalemap_model::state::validity::Compared;
use stalemap_model::words::design::CookieScope;
use stalemap_model::words::extent::Fork;

use super::events;
use super::mappings::Life;

/// What became of a mapping that was out of date.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// It was used.
    Misused(Box<Misuse>),
    /// A check rejected it in time, and nothing is violated.
    Rejected(Rejection),
}

/// A mapping that was used although it was out of date. Places are those of steps, from 0.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misuse {
    /// Whose.
    pub actor: ActorId,
    /// Of which file, where there are several.
    pub file: Option<String>,
    /// Where it was sampled.
    pub sampled: usize,
    /// The cookie that it has.
    pub cookie: Seq,
    /// The last change of the extents concerned: what a fresh mapping would have shown. `None` where no extent changed: a
    /// block that was NEW has been written since.
    pub changed: Option<Change>,
    /// Where it was used.
    pub used: usize,
    /// What it was used for, and what was so instead.
    pub found: Use,
    /// What comparing the counter after the folio was locked said, or would have said; `None` where no folio was locked.
    pub check: Option<Check>,
}

/// A change under a mapping.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Where.
    pub row: usize,
    /// By whom.
    pub by: ActorId,
    /// What it did.
    pub change: MapChange,
}

/// What a check of a mapping that was misused said, or would have said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Check {
    /// The check at this place saw that the mapping is out of date, and it was used all the same.
    Ignored(usize),
    /// The check at this place came before the change.
    TooEarly(usize),
    /// The check at this place passed.
    Passed(usize, Now),
    /// The change came with the folio locked, so that a check right after taking its lock would not have seen it.
    FolioLocked,
    /// There was none; this is what it would have found where the mapping was used.
    Missing(Now),
}

/// What a comparison with a mapping's cookie finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// The counters, as far as it looks at them.
    pub seq: Seq,
    /// Which changes it counts.
    pub scope: CookieScope,
}

/// A mapping that a check rejected in time. Places are those of steps, from 0.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// Whose.
    pub actor: ActorId,
    /// Where it was sampled.
    pub sampled: usize,
    /// Where what it says was changed.
    pub changed: usize,
    /// By whom.
    pub by: ActorId,
    /// Where it was rejected.
    pub checked: usize,
    /// Where the next one was sampled.
    pub again: usize,
}

/// The first mapping that was misused, or, where nothing is violated, that was rejected.
pub(crate) fn cause(replay: &Replay, lives: &[Life]) -> Option<Cause> {
    let misuse = lives.iter().find_map(|life| misuse(replay, life));
    misuse
        .map(|misuse| Cause::Misused(Box::new(misuse)))
        .or_else(|| rejection(replay, lives).map(Cause::Rejected))
}

fn misuse(replay: &Replay, life: &Life) -> Option<Misuse> {
    let (used, found) = life.misused.first()?;
    let earlier = life.invalidated.iter().filter(|(row, _)| row < used).rev();
    // A use that names no blocks concerns the whole file.
    let used_in =
        |a: &Range<u64>| found.at.is_empty() || found.at.iter().any(|b| a.start < b.end && b.start < a.end);
    let mut concerned = earlier.filter(|(_, change)| change.bytes().is_some_and(|bytes| used_in(&bytes)));
    // A mapping of the COW fork says nothing about the other, if it was that fork that changed.
    let is_shared = life.mapping.fork == Fork::Cow;
    let cow = is_shared.then(|| concerned.clone().find(|(_, change)| change.is_of_cow())).flatten();
    let latest = cow.or_else(|| concerned.next());
    let changed = latest.map(|(row, change)| Change {
        row: *row,
        by: replay.played[*row].actor,
        change: change.clone(),
    });
    let from = changed.as_ref().map_or(life.sampled, |changed| changed.row);
    Some(Misuse {
        actor: life.actor,
        file: life.file.clone(),
        sampled: life.sampled,
        cookie: life.mapping.cookie,
        changed,
        used: *used,
        found: found.clone(),
        check: check(replay, life, from, *used),
    })
}

/// What comparing the counter after the folio was locked said, or would have said.
fn check(replay: &Replay, life: &Life, changed: usize, used: usize) -> Option<Check> {
    let mine = |rows: Range<usize>, is: fn(&str) -> bool| {
        rows.rev().find(|row| {
            let played = &replay.played[*row];
            played.actor == life.actor && played.op.split(' ').next().is_some_and(is)
        })
    };
    let locked = mine(life.sampled..used, |op| op == "folio_lock" || op == "filemap_get_folio")?;
    let own = |row: &usize| replay.played[*row].actor == life.actor;
    if let Some(check) = (life.sampled..used).filter(own).find(|row| rejects(replay, *row)) {
        return Some(Check::Ignored(check));
    }
    if let Some(check) = mine(life.sampled..used, |op| op.starts_with("iomap_valid")) {
        return Some(if check < changed {
            Check::TooEarly(check)
        } else {
            Check::Passed(check, Now::after(replay, life, check))
        });
    }
    Some(if changed > locked { Check::FolioLocked } else { Check::Missing(Now::after(replay, life, used)) })
}

/// A mapping that a check rejected in time.
fn rejection(replay: &Replay, lives: &[Life]) -> Option<Rejection> {
    if !replay.violated.is_empty() {
        return None;
    }
    let rejected = |life: &&Life| life.end.is_some_and(|end| rejects(replay, end));
    let life = lives.iter().find(rejected)?;
    let checked = life.end?;
    let changed = rejected_for(replay, life, checked)?;
    let again = lives.iter().find(|next| next.actor == life.actor && next.sampled > checked)?;
    let by = replay.played[changed].actor;
    Some(Rejection { actor: life.actor, sampled: life.sampled, changed, by, checked, again: again.sampled })
}

/// The last change that makes a mapping stale before a check that rejects it.
fn rejected_for(replay: &Replay, life: &Life, check: usize) -> Option<usize> {
    let compared = compared_at(replay, check);
    let concerns = |row: usize| {
        compared.is_none_or(|compared| {
            let changed = replay.played[row].events.iter().filter_map(events::what);
            compared.scope == CookieScope::Fork
                || changed
                    .into_iter()
                    .any(|what| matches!(what, What::Counted { blocks, .. } if compared.finds(blocks)))
        })
    };
    life.invalidated.iter().map(|(row, _)| *row).rfind(|row| *row < check && concerns(*row))
}

/// What the last comparison or use in a row looks at.
fn compared_at(replay: &Replay, row: usize) -> Option<&Compared> {
    replay.played[row].events.iter().rev().find_map(events::compared)
}

/// Whether a check at a row found a mapping stale.
fn rejects(replay: &Replay, row: usize) -> bool {
    let stale = |event| matches!(events::what(event), Some(What::Checked(_, Verdict::Stale { .. })));
    replay.played[row].events.iter().any(stale)
}

impl Now {
    /// What it finds at a row: in the counters as the row left them.
    fn after(replay: &Replay, life: &Life, row: usize) -> Self {
        let compared = compared_at(replay, row);
        let counter = |fork, sampled| counter_after(replay, life, fork, row, compared).unwrap_or(sampled);
        let Seq { data, cow, .. } = life.mapping.cookie;
        let seq = Seq::of_forks(counter(Fork::Data, data), cow.map(|cow| counter(Fork::Cow, cow)));
        Now { seq, scope: compared.map_or(CookieScope::Fork, |compared| compared.scope) }
    }
}

/// A counter of the mapping's file after a row, as far as a comparison looks at it; `None` where it never moves.
fn counter_after(
    replay: &Replay,
    life: &Life,
    fork: Fork,
    row: usize,
    compared: Option<&Compared>,
) -> Option<u64> {
    let moves = |row: usize| {
        let events = replay.played[row].events.iter();
        let of_file = events.filter(|event| events::file(event) == life.file.as_deref());
        of_file.filter_map(move |event| match events::what(event) {
            Some(What::Counted { fork: moved, from, to, blocks })
                if *moved == fork && compared.is_none_or(|compared| compared.finds(blocks)) =>
            {
                Some((*from, *to))
            }
            _ => None,
        })
    };
    let latest = (0..=row).rev().find_map(|row| moves(row).next_back().map(|(_, to)| to));
    if compared.is_some_and(|compared| compared.scope != CookieScope::Fork) {
        // What blocks were stamped with before is in the cookie.
        return latest;
    }
    // Where no step before moved it, it is what the next one that does finds.
    let next = || (row + 1..replay.played.len()).find_map(|row| moves(row).next().map(|(from, _)| from));
    latest.or_else(next)
}
