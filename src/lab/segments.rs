//! A schedule cut where another actor moves, and how each piece ends: that decides what has to hold an actor there.

use std::ops::Range;

use stalemap_explore::Replay;
use stalemap_facade::{ActorId, Role};

/// Steps of one actor, with nobody in between.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Segment {
    /// Who moves.
    pub(super) actor: ActorId,
    /// Its steps, by their places in the schedule.
    pub(super) rows: Range<usize>,
    /// What comes then.
    pub(super) ends: Ends,
}

/// How a segment ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ends {
    /// The actor is through with the command that it was in, and has not begun another.
    Done,
    /// It waits for somebody, before the step at this place.
    Waits(usize),
    /// It could go on with the step at this place, and does not.
    Stops(usize),
}

/// The segments of a replayed schedule up to the step at `cut`; what comes behind it says how they would have gone on.
pub(super) fn segments(replay: &Replay, cut: usize) -> Vec<Segment> {
    let played = &replay.played[..cut];
    let mut segments: Vec<Segment> = Vec::new();
    let mut from = 0;
    for end in 1..=played.len() {
        if end < played.len() && played[end].actor == played[from].actor {
            continue;
        }
        let rows = from..end;
        segments.push(Segment { actor: played[from].actor, ends: ends(replay, &rows, cut), rows });
        from = end;
    }
    segments
}

fn ends(replay: &Replay, rows: &Range<usize>, cut: usize) -> Ends {
    let played = &replay.played;
    let last = &played[rows.end - 1];
    let next = (rows.end..played.len()).find(|row| played[*row].actor == last.actor);
    let is_main = replay.actors[last.actor].role == Role::Main;
    match next {
        None => Ends::Done,
        Some(row) if is_main && played[row].command != last.command => Ends::Done,
        // It is stopped where the schedule ends.
        Some(row) if row >= cut => Ends::Stops(row),
        // A directed run: it is held by what the scenario says.
        Some(row) if played[row].op == "resume" => Ends::Stops(row),
        Some(row) if played[rows.end].preempts => Ends::Stops(row),
        Some(row) => Ends::Waits(row),
    }
}
