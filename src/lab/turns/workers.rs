//! Workers of the kernel in a plan: they begin by themselves, so they are held where the schedule has them come late, and waited
//! for where others come after them.

use std::collections::BTreeMap;
use std::ops::Range;

use stalemap_facade::{ActorId, Role};

use super::super::holds::{self, Path, Place};
use super::super::plan::{At, Hold, Turn, Whom};
use super::super::segments::{Ends, Segment};
use super::Weaver;
use super::awaited::{Awaited, Begins};
use super::completions::TOGETHER;

/// Why it is not known that direct I/O has been completed.
const UNSEEN: &str = "no function is known by which its completion is seen";

impl Weaver<'_> {
    /// A segment of a worker: it has been let go, and is waited for.
    pub(super) fn worker(&mut self, segment: &Segment, at: usize) {
        for row in segment.rows.clone() {
            self.note_choice(row);
        }
        let awaited = self.awaited.remove(&at).unwrap_or_default();
        let mut began = self.stopped.remove(&segment.actor);
        if let Some(hold) = began {
            self.turn(Turn::Release(hold));
        }
        match awaited.begins {
            Some(Begins::Held(hold)) => {
                self.turn(Turn::Release(hold));
                began = Some(hold);
            }
            Some(Begins::Kept) => self.turn(Turn::LetWrites),
            Some(Begins::Submits(hold)) => self.submit(hold),
            None => {}
        }
        match (awaited.stops, awaited.returns, began) {
            (Some(hold), ..) => {
                self.turn(Turn::UntilHeld(hold));
                self.stopped.insert(segment.actor, hold);
            }
            (None, Some(hold), _) => {
                self.turn(Turn::UntilHeld(hold));
                self.turn(Turn::Release(hold));
            }
            (None, None, Some(hold)) => self.turn(Turn::UntilReturned(hold)),
            (None, None, None) if matches!(segment.ends, Ends::Waits(_)) => {}
            (None, None, None) if self.path_of(segment.actor, None) == Path::EndDirectIo => {
                // Where it stops, that is noted.
                if segment.ends == Ends::Done {
                    let row = segment.rows.start;
                    self.note(row, self.is_ended_by_worker(row).err().unwrap_or(UNSEEN));
                }
            }
            (None, None, None) => self.turn(Turn::UntilWritten),
        }
    }

    /// What has to be armed before each segment so that workers come when they should, by the segments' places.
    pub(super) fn foresee(&mut self, segments: &[Segment]) {
        let mut entered: BTreeMap<ActorId, usize> = BTreeMap::new();
        for (at, segment) in segments.iter().enumerate() {
            if self.replay.actors[segment.actor].role == Role::Main {
                continue;
            }
            let since = self.enabled_by(segment);
            let now = segments.iter().position(|other| since.is_some_and(|row| other.rows.contains(&row)));
            // Who has waited is in the call that it was in.
            let waited = entered.get(&segment.actor).copied();
            let armed = waited.or(now).unwrap_or(0);
            let resumes = waited.is_some() || goes_on_from_hold(segment, segments);
            let delayed = !resumes && since.is_none_or(|since| since + 1 < segment.rows.start);
            let begins = delayed.then(|| self.begins(segment, armed, segments));
            let stops = match segment.ends {
                Ends::Stops(row) => self.stops(row, segments[armed].rows.start..row),
                Ends::Done | Ends::Waits(_) => None,
            };
            let goes_on = segment.ends != Ends::Done || goes_on_from_hold(segment, segments);
            let returns = if goes_on { None } else { self.returns(segment, begins, armed, segments) };
            if let Ends::Waits(_) = segment.ends {
                entered.entry(segment.actor).or_insert(armed);
            } else {
                entered.remove(&segment.actor);
            }
            self.expect(at, armed, Awaited { begins, stops, returns });
        }
    }

    /// Notes what a segment of a worker is waited for with, and what has to be armed for it before segment `armed`.
    fn expect(&mut self, at: usize, armed: usize, awaited: Awaited) {
        let Awaited { begins, stops, returns } = awaited;
        let before = self.before.entry(armed).or_default();
        if begins == Some(Begins::Kept) {
            before.push(Turn::KeepWrites);
        }
        let begun = begins.and_then(Begins::hold);
        before.extend(begun.into_iter().chain(stops).chain(returns).map(Turn::Arm));
        // It stands there soon after it could begin.
        self.behind.entry(armed).or_default().extend(begun.map(Turn::UntilHeld));
        self.awaited.insert(at, awaited);
    }

    /// Where a worker is held that could go on; none, and a note, where there is no place.
    fn stops(&mut self, row: usize, since: Range<usize>) -> Option<usize> {
        let found = self.place(row).and_then(|place| Ok((place, self.passed(&place, since)?)));
        match found {
            Err(why) => {
                self.note(row, why);
                None
            }
            Ok((place, passed)) => {
                let nth = 1 + passed;
                let Place { function, at, .. } = place;
                Some(self.add(Hold { whom: Whom::Worker, function, at, nth, folio: None }))
            }
        }
    }

    /// The step that made a worker's first one possible. None: it went on by itself from where it had stopped.
    fn enabled_by(&self, segment: &Segment) -> Option<usize> {
        let first = &self.replay.played[segment.rows.start];
        let own = (0..segment.rows.start).rev().find(|row| self.replay.played[*row].actor == first.actor);
        first.depends_on.iter().copied().chain(own).max()
    }

    /// What keeps a worker that comes later than it could.
    fn begins(&mut self, segment: &Segment, armed: usize, segments: &[Segment]) -> Begins {
        if let Some(kept) = self.kept_by_device(segment, &segments[armed]) {
            return kept;
        }
        let ends_here = |row: &usize| self.place_of(*row).op != "folio_end_writeback";
        let mut rows = segment.rows.clone().take_while(ends_here);
        let found = rows.find_map(|row| Some((row, self.place(row).ok()?)));
        let Some((row, place)) = found else { return Begins::Kept };
        let Ok(passed) = self.passed(&place, segments[armed].rows.start..row) else { return Begins::Kept };
        let nth = 1 + passed;
        Begins::Held(self.add(Hold {
            whom: Whom::Worker,
            function: place.function,
            at: place.at,
            nth,
            folio: None,
        }))
    }

    /// The hold by which it is known that a worker has done what it does in a segment. None: it is known by the return of the
    /// call that it was held before, or by nothing.
    fn returns(
        &mut self,
        segment: &Segment,
        begins: Option<Begins>,
        armed: usize,
        segments: &[Segment],
    ) -> Option<usize> {
        let last = segment.rows.clone().rev().find_map(|row| {
            let at = self.place_of(row);
            (at.op != "folio_end_writeback").then(|| self.place(row).ok())?
        })?;
        let direct = self.path_of(segment.actor, None) == Path::EndDirectIo;
        let function = if direct { holds::COMPLETES } else { last.function };
        let held = begins.and_then(Begins::hold).map(|hold| self.woven.holds[hold].function);
        if held == Some(function) {
            return None;
        }
        let nth = 1 + self.passed(&last, segments[armed].rows.start..segment.rows.start).ok()?;
        Some(self.add(Hold { whom: Whom::Worker, function, at: At::After, nth, folio: None }))
    }

    /// How often workers come by a place, or why that is not known.
    fn passed(&self, place: &Place, mut rows: Range<usize>) -> Result<u32, &'static str> {
        if rows.clone().any(|row| self.is_ended_by_worker(row) == Err(TOGETHER)) {
            return Err(TOGETHER);
        }
        let mut inside = None;
        let mut passes = |row: usize| {
            let is_worker = self.replay.actors[self.replay.played[row].actor].role != Role::Main;
            let here = is_worker && self.place(row).is_ok_and(|other| other.function == place.function);
            // Several operations of one run of the worker are one call.
            let again = here && inside == Some(row - 1);
            inside = here.then_some(row).or(inside.filter(|_| is_worker));
            here && !again
        };
        Ok(rows.by_ref().filter(|row| passes(*row)).count() as u32)
    }
}

/// Whether a worker goes on from where it was held.
fn goes_on_from_hold(segment: &Segment, segments: &[Segment]) -> bool {
    let before = segments
        .iter()
        .rev()
        .find(|other| other.actor == segment.actor && other.rows.end <= segment.rows.start);
    before.is_some_and(|before| matches!(before.ends, Ends::Stops(row) if row == segment.rows.start))
}
