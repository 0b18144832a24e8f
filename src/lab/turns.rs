//! From the segments of a schedule to the turns of a plan.
//!
//! A task that stops where it could go on is held there; one that waits is left alone until whoever it waits for has let it
//! go. A worker of the kernel, which begins when there is something to do, is held at its beginning if the schedule has it
//! come later than it could.

mod awaited;
mod faults;
mod submitters;
mod workers;

use std::collections::BTreeMap;

use stalemap_explore::Replay;
use stalemap_facade::{ActorId, Role};
use stalemap_model::state::event::What;
use stalemap_model::words::actor_names::KWORKER;
use stalemap_model::words::command::Command;
use stalemap_model::words::config::ActorConfig;

use self::awaited::Awaited;
use super::holds::{self, Nth, Path, Place, Where};
use super::plan::{Hold, Turn, Unforced, Whom};
use super::release::Release;
use super::segments::{Ends, Segment, segments};
use crate::annotate::events;

/// Why an order that the model's chance decides is not forced.
const CHANCE: &str = "the outcome is the model's choice; no hold makes the kernel choose it";

/// What the main process does, and where others are held for it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Woven {
    pub(super) holds: Vec<Hold>,
    pub(super) turns: Vec<Turn>,
    pub(super) unforced: Vec<Unforced>,
}

/// Weaves the segments of a complete schedule, up to the step at `cut`: where power is lost.
pub(super) fn weave(
    replay: &Replay,
    cut: usize,
    tasks: &[ActorConfig],
    release: Release,
    takes_glock: bool,
) -> Woven {
    let segments = segments(replay, cut);
    let mut weaver = Weaver {
        replay,
        tasks,
        release,
        takes_glock,
        standing: vec![Standing::Between(0); replay.actors.len()],
        before: BTreeMap::new(),
        behind: BTreeMap::new(),
        awaited: BTreeMap::new(),
        stopped: BTreeMap::new(),
        submitters: BTreeMap::new(),
        woven: Woven::default(),
    };
    weaver.foresee(&segments);
    for (at, segment) in segments.iter().enumerate() {
        for turn in weaver.before.remove(&at).unwrap_or_default() {
            weaver.turn(turn);
        }
        if replay.actors[segment.actor].role == Role::Main {
            weaver.task(segment);
        } else {
            weaver.worker(segment, at);
        }
        for turn in weaver.behind.remove(&at).unwrap_or_default() {
            weaver.turn(turn);
        }
    }
    weaver.rest();
    weaver.release_all();
    weaver.woven
}

/// Where a task stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    /// Before the command of this number.
    Between(usize),
    /// In it, held.
    Held(usize, usize),
    /// In it, waiting.
    Waiting(usize),
}

struct Weaver<'r> {
    replay: &'r Replay,
    tasks: &'r [ActorConfig],
    release: Release,
    /// Writes hold the glock: gfs2.
    takes_glock: bool,
    standing: Vec<Standing>,
    /// What comes before a segment.
    before: BTreeMap<usize, Vec<Turn>>,
    /// What comes behind a segment.
    behind: BTreeMap<usize, Vec<Turn>>,
    /// What the workers' segments are waited for with.
    awaited: BTreeMap<usize, Awaited>,
    /// The holds at which workers stand.
    stopped: BTreeMap<ActorId, usize>,
    /// The holds at which tasks stand before they submit what the schedule has submitted, by the first steps of the segments.
    submitters: BTreeMap<usize, usize>,
    woven: Woven,
}

impl Weaver<'_> {
    /// A segment of a task.
    fn task(&mut self, segment: &Segment) {
        let task = segment.actor - 1;
        let hold = match segment.ends {
            Ends::Stops(row) => self.hold(segment, row, Whom::Task(task)),
            Ends::Done | Ends::Waits(_) => None,
        };
        if let Some(hold) = hold {
            self.turn(Turn::Arm(hold));
        }
        let mut met = self.meets(segment, segment.rows.start);
        let mut command = self.go_on(task, segment);
        for row in segment.rows.clone().skip(1) {
            let next = self.replay.played[row].command.unwrap_or(command);
            if next != command {
                if let Some(met) = met.take() {
                    self.meet(met);
                }
                self.turn(Turn::UntilDone(task, command));
                met = self.meets(segment, row);
                self.begin(task, command + 1, next);
                command = next;
            }
        }
        if let Some(met) = met {
            self.meet(met);
        }
        for row in segment.rows.clone() {
            self.note_choice(row);
        }
        let submits = self.submitters.remove(&segment.rows.start);
        self.standing[segment.actor] = match (segment.ends, hold.or(submits)) {
            (Ends::Done, None) => {
                self.turn(Turn::UntilDone(task, command));
                Standing::Between(command + 1)
            }
            // Nothing holds it; it goes on by itself.
            (Ends::Stops(_), None) => Standing::Waiting(command),
            (Ends::Waits(_), _) => {
                self.turn(Turn::UntilWaits(task));
                Standing::Waiting(command)
            }
            (Ends::Stops(_) | Ends::Done, Some(hold)) => {
                self.turn(Turn::UntilHeld(hold));
                Standing::Held(command, hold)
            }
        };
    }

    /// Lets a task move from where it stands. Returns the command that it is in then.
    fn go_on(&mut self, task: usize, segment: &Segment) -> usize {
        let now = self.replay.played[segment.rows.start].command;
        match self.standing[segment.actor] {
            Standing::Between(next) => {
                let now = now.unwrap_or(next);
                self.begin(task, next, now);
                now
            }
            Standing::Held(command, hold) => {
                self.turn(Turn::Release(hold));
                command
            }
            Standing::Waiting(command) => command,
        }
    }

    /// Begins a command, and goes through those before it, which perform nothing.
    fn begin(&mut self, task: usize, from: usize, command: usize) {
        for silent in from..command {
            self.turn(Turn::Begin(task, silent));
            self.turn(Turn::UntilDone(task, silent));
        }
        self.turn(Turn::Begin(task, command));
    }

    /// The commands at the ends of the tasks, which perform nothing. Whoever is held, where power was lost, goes on then.
    fn rest(&mut self) {
        for (task, config) in self.tasks.iter().enumerate() {
            let Standing::Between(next) = self.standing[task + 1] else { continue };
            for silent in next..config.run.len() {
                self.turn(Turn::Begin(task, silent));
                self.turn(Turn::UntilDone(task, silent));
                if config.run[silent].command == Command::Crash {
                    self.turn(Turn::Crash);
                }
            }
        }
    }

    fn add(&mut self, hold: Hold) -> usize {
        self.woven.holds.push(hold);
        self.woven.holds.len() - 1
    }

    fn release_all(&mut self) {
        let held =
            |standing: &Standing| if let Standing::Held(_, hold) = standing { Some(*hold) } else { None };
        let tasks: Vec<usize> = self.standing.iter().filter_map(held).collect();
        for hold in tasks.into_iter().chain(std::mem::take(&mut self.stopped).into_values()) {
            self.turn(Turn::Release(hold));
        }
    }

    /// A hold at the end of a segment, before the step at `row`; none, and a note, where there is no place for it.
    fn hold(&mut self, segment: &Segment, row: usize, whom: Whom) -> Option<usize> {
        let at = self.place_of(row);
        match holds::place(&at, self.release) {
            Err(why) => {
                self.note(row, why);
                None
            }
            Ok(place) => {
                let nth = self.nth(segment, &place);
                let folio = place.folio.map(|index| (self.file_of(row), index));
                let Place { function, at, .. } = place;
                Some(self.add(Hold { whom, function, at, nth, folio }))
            }
        }
    }

    /// Which call is the one at the end of a segment, from 1, of those that the segment makes.
    fn nth(&self, segment: &Segment, place: &Place) -> u32 {
        let count = |passes: &dyn Fn(&Where) -> bool| {
            segment.rows.clone().filter(|row| passes(&self.place_of(*row))).count() as u32
        };
        let first = self.place_of(segment.rows.start);
        let is_past = self.is_held_at(segment.actor, place.function)
            && holds::place(&first, self.release) == Ok(*place);
        let of = |ops: &'static [&'static str]| count(&|at| ops.contains(&at.op.as_str()));
        match place.nth {
            Nth::Next => 1 + count(&|at| holds::place(at, self.release) == Ok(*place)) - u32::from(is_past),
            Nth::Last(ops) => of(ops).max(1),
            Nth::After(ops) => 1 + of(ops),
            Nth::AfterFailures => 1 + count(&|at| at.fails),
        }
    }

    /// Whether an actor is held at a function: it has made that call.
    fn is_held_at(&self, actor: ActorId, function: &str) -> bool {
        let standing = self.standing[actor];
        matches!(standing, Standing::Held(_, hold) if self.woven.holds[hold].function == function)
    }

    fn file_of(&self, row: usize) -> usize {
        let played = &self.replay.played[row];
        let command = played.actor.checked_sub(1).and_then(|task| self.tasks.get(task));
        let call = command.and_then(|task| task.run.get(played.command?));
        call.map_or(0, |call| usize::from(call.file))
    }

    /// What the actor of a step is about to do there.
    fn place_of(&self, row: usize) -> Where {
        let played = &self.replay.played[row];
        let before = (0..row).rev().find(|before| {
            let before = &self.replay.played[*before];
            before.actor == played.actor && before.command == played.command
        });
        let before = before.map(|before| parsed(&self.replay.played[before].op));
        let (op, target) = parsed(&played.op);
        let tells = |of: fn(&What) -> bool| played.events.iter().filter_map(events::what).any(of);
        let stores_size = tells(|what| matches!(what, What::Size(_)));
        let fails = tells(|what| matches!(what, What::Failed(_)));
        Where { path: self.path_of(played.actor, played.command), op, target, before, stores_size, fails }
    }

    fn path_of(&self, actor: ActorId, command: Option<usize>) -> Path {
        let spec = &self.replay.actors[actor];
        if spec.role != Role::Main {
            return if spec.name == KWORKER { Path::EndIo } else { Path::EndDirectIo };
        }
        let call = command.and_then(|command| self.tasks.get(actor - 1)?.run.get(command));
        call.map_or(Path::Other, |call| Path::of(&call.command))
    }

    fn note_choice(&mut self, row: usize) {
        if self.replay.played[row].outcome.is_some_and(|outcome| outcome > 0) {
            self.note(row, CHANCE);
        }
    }

    fn note(&mut self, row: usize, why: &'static str) {
        let played = &self.replay.played[row];
        let actor = self.replay.actors[played.actor].name.clone();
        self.woven.unforced.push(Unforced { step: row, actor, op: played.op.clone(), why });
    }

    fn turn(&mut self, turn: Turn) {
        self.woven.turns.push(turn);
    }
}

/// An operation's name and the object's number.
fn parsed(op: &str) -> (String, Option<u64>) {
    match op.rsplit_once(' ') {
        Some((name, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name.to_owned(), number.parse().ok())
        }
        _ => (op.to_owned(), None),
    }
}
