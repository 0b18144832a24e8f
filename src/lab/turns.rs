//! From the segments of a schedule to the turns of a plan.
//!
//! A task that stops where it could go on is held there; one that waits is left alone until whoever it waits for has let it
//! go. A worker of the kernel, which begins when there is something to do, is held at its beginning if the schedule has it
//! come later than it could.

mod awaited;
mod completions;
mod counts;
mod eager;
mod faults;
mod places;
mod submitters;
mod workers;

use std::collections::{BTreeMap, BTreeSet};

use stalemap_explore::Replay;
use stalemap_facade::{ActorId, Role};
use stalemap_model::words::command::Command;
use stalemap_model::words::config::ActorConfig;
use stalemap_model::words::personality::Personality;

use self::awaited::{Awaited, Met};
use self::eager::eager;
use super::holds::Place;
use super::plan::{Hold, Turn, Unforced, Whom};
use super::release::Release;
use super::segments::{Ends, Segment, segments};
use crate::scenario::Scenario;

/// Why an order that the model's chance decides is not forced.
const CHANCE: &str = "the outcome is the model's choice; no hold makes the kernel choose it";

/// What the main process does, and where others are held for it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Woven {
    pub(super) holds: Vec<Hold>,
    pub(super) turns: Vec<Turn>,
    pub(super) unforced: Vec<Unforced>,
    pub(super) eager: Vec<Unforced>,
}

/// Weaves the segments of a complete schedule, up to the step at `cut`: where power is lost.
pub(super) fn weave(
    replay: &Replay,
    cut: usize,
    scenario: &Scenario,
    release: Release,
    fs: &Personality,
) -> Woven {
    let segments = segments(replay, cut);
    let mut weaver = Weaver {
        replay,
        tasks: &scenario.actors,
        release,
        fs,
        folio: scenario.folio,
        block: scenario.block,
        standing: vec![Standing::Between(0); replay.actors.len()],
        before: BTreeMap::new(),
        behind: BTreeMap::new(),
        awaited: BTreeMap::new(),
        stopped: BTreeMap::new(),
        submitters: BTreeMap::new(),
        armed: BTreeMap::new(),
        held: BTreeMap::new(),
        met: BTreeMap::new(),
        waited: waited(replay, &segments),
        woven: Woven::default(),
    };
    weaver.foresee_tasks(&segments);
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
    weaver.woven.unforced.sort_by_key(|order| order.step);
    weaver.woven.eager = eager(replay, &segments);
    weaver.woven
}

/// The commands in which somebody waits.
fn waited(replay: &Replay, segments: &[Segment]) -> BTreeSet<(ActorId, usize)> {
    let waits = segments.iter().filter_map(|segment| {
        let Ends::Waits(row) = segment.ends else { return None };
        Some((segment.actor, replay.played[row].command?))
    });
    waits.collect()
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
    fs: &'r Personality,
    /// Bytes of a folio.
    folio: u64,
    /// Bytes of a block.
    block: u64,
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
    /// The holds of the tasks, by the commands before which they are armed.
    armed: BTreeMap<(ActorId, usize), Vec<usize>>,
    /// The holds at which the tasks' segments end, by the segments' first steps.
    held: BTreeMap<usize, usize>,
    /// What commands meet, by steps: the first one of a segment, or of a command in it.
    met: BTreeMap<usize, Met>,
    /// The commands in which somebody waits.
    waited: BTreeSet<(ActorId, usize)>,
    woven: Woven,
}

impl Weaver<'_> {
    /// What tasks are held by. It is armed before the command begins: who waits goes on in somebody else's turn.
    fn foresee_tasks(&mut self, segments: &[Segment]) {
        for segment in segments {
            if self.replay.actors[segment.actor].role != Role::Main {
                continue;
            }
            let mut command = None;
            for row in segment.rows.clone() {
                let now = self.replay.played[row].command;
                if row == segment.rows.start || now.is_some() && now != command {
                    if let Some(met) = self.meets(segment, row) {
                        self.met.insert(row, met);
                    }
                    command = now;
                }
            }
            if let Ends::Stops(row) = segment.ends
                && let Some(hold) = self.hold(row, segment.actor - 1)
            {
                self.held.insert(segment.rows.start, hold);
            }
        }
    }

    /// A segment of a task.
    fn task(&mut self, segment: &Segment) {
        let task = segment.actor - 1;
        let hold = self.held.remove(&segment.rows.start);
        let mut met = self.met.remove(&segment.rows.start);
        let mut command = self.go_on(task, segment);
        for row in segment.rows.clone().skip(1) {
            let next = self.replay.played[row].command.unwrap_or(command);
            if next != command {
                if let Some(met) = met.take() {
                    self.meet(met);
                }
                self.turn(Turn::UntilDone(task, command));
                met = self.met.remove(&row);
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
        for hold in self.armed.remove(&(task + 1, command)).unwrap_or_default() {
            self.turn(Turn::Arm(hold));
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

    /// Adds a hold of a task, which is armed before the command that a step is in.
    fn add_for(&mut self, row: usize, hold: Hold) -> usize {
        let played = &self.replay.played[row];
        let command = (played.actor, played.command.unwrap_or_default());
        let hold = self.add(hold);
        self.armed.entry(command).or_default().push(hold);
        hold
    }

    /// A hold of a task before the step at `row`; none, and a note, where there is no place for it.
    fn hold(&mut self, row: usize, task: usize) -> Option<usize> {
        let found = self.place(row).and_then(|place| Ok((place, self.call(row, &place)?)));
        match found {
            Err(why) => {
                self.note(row, why);
                None
            }
            Ok((Place { function, at, .. }, call)) => {
                let folio = call.folio.map(|index| (self.file_of(row), index));
                Some(self.add_for(row, Hold { whom: Whom::Task(task), function, at, nth: call.nth, folio }))
            }
        }
    }

    fn file_of(&self, row: usize) -> usize {
        let played = &self.replay.played[row];
        let command = played.actor.checked_sub(1).and_then(|task| self.tasks.get(task));
        let call = command.and_then(|task| task.run.get(played.command?));
        call.map_or(0, |call| usize::from(call.file))
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
