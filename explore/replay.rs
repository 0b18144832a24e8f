//! Replaying a schedule: the same transitions again, watched.

use stalemap_facade::{ActorId, ActorSpec, Event, Picture, Property, Role, System};

use crate::actors::actors_of;
use crate::causality::Causality;
use crate::error::EngineError;
use crate::fairness::Fairness;
use crate::machine::{Halted, Machine};
use crate::memory::Outcome;
use crate::schedule::Step;

/// One replayed transition.
#[derive(Clone, Debug)]
pub struct Played {
    /// Who moved.
    pub actor: ActorId,
    /// In which of its commands, from 0, if the system has commands ([`System::command`]).
    pub command: Option<usize>,
    /// With which operation.
    pub op: String,
    /// With which outcome, where the model chooses.
    pub outcome: Option<u32>,
    /// Whether this switched away from an actor that could have gone on.
    pub preempts: bool,
    /// Who could move before it, a bit for each actor.
    pub enabled: u16,
    /// The earlier transitions of other actors that it depends on directly, by their places: one of the two changed
    /// what the other touched, and nothing between them explains the order.
    pub depends_on: Vec<usize>,
    /// The earlier transitions of other actors that it depends on, too, though what is between them explains the order.
    pub depends_indirectly_on: Vec<usize>,
    /// What the model said about it.
    pub events: Vec<Event>,
    /// The shared state afterwards.
    pub gutter: Vec<(String, String)>,
    /// The shared state afterwards in full.
    pub picture: Picture,
    /// Properties violated for the first time by it.
    pub violated: Vec<Property>,
}

/// A replayed schedule.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The actors.
    pub actors: Vec<ActorSpec>,
    /// The shared state before the first transition.
    pub initial: Vec<(String, String)>,
    /// The shared state before the first transition, in full.
    pub initial_picture: Picture,
    /// What the model said about the setup.
    pub setup_events: Vec<Event>,
    /// The properties that the setup violates, before anybody moves.
    pub violated_in_setup: Vec<Property>,
    /// The setup, if it does not come to its end.
    pub halted: Option<Halted>,
    /// The transitions.
    pub played: Vec<Played>,
    /// What the epilogue found, if the schedule ends in a final state; `None` if somebody could still move.
    pub epilogue: Option<Epilogue>,
    /// The operations that others wait at, if the schedule ends in a deadlock.
    pub deadlock: Vec<(ActorId, String)>,
    /// The number of transitions after which the system first stood where the schedule ends, if what lies between can be
    /// repeated for ever: each actor moves in it, or has to wait in it.
    pub cycle_from: Option<usize>,
    /// The branches that the transitions reached, as a set of `Branch::bit`.
    pub reached: u64,
    /// Every property violated.
    pub violated: Vec<Property>,
}

/// What was found after a final state.
#[derive(Clone, Debug)]
pub struct Epilogue {
    /// What the model said.
    pub events: Vec<Event>,
    /// What an observer sees.
    pub observed: Option<String>,
    /// Properties violated only now.
    pub violated: Vec<Property>,
    /// The shared state afterwards, in full.
    pub picture: Picture,
}

/// Why a schedule cannot be replayed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReplayError {
    /// The schedule does not fit the scenario.
    #[error("{}`{step}`: {problem}", line.map_or_else(String::new, |line| format!("line {line}: ")))]
    DoesNotFit {
        /// The line in the schedule file, if it was read from one.
        line: Option<usize>,
        /// The text of the step.
        step: String,
        /// What is the case instead.
        problem: String,
    },
    /// The system is broken.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Plays a schedule.
pub fn replay<S: System>(system: &S, steps: &[Step]) -> Result<Replay, ReplayError> {
    let mut machine = Machine::watched(system)?;
    let actors = machine.specs().to_vec();
    let initial = machine.gutter();
    let initial_picture = machine.picture();
    let violated_in_setup = machine.memory().properties(machine.violated());
    let halted = machine.halted().cloned();
    let mut causality = Causality::default();
    // What actors say before they first wait belongs to no step.
    machine.take_events();
    machine.memory().take_reached();
    let mut played = Vec::new();
    let mut passed = vec![Passed::at(&machine, Fairness::default())];
    let mut running: Option<ActorId> = None;
    for step in steps {
        let (next, outcome) = play(&mut machine, step, running, &mut causality)?;
        log(played.len() + 1, step, &next.events);
        running = Some(next.actor);
        passed.push(Passed::at(&machine, Fairness::of_move(next.actor, outcome)));
        played.push(next);
    }
    let cycle_from = cycle_from(&passed);
    let mut violated = machine.violated() | cycle_from.map_or(0, |_| Property::LIVELOCK.bit());
    let reached = machine.memory().take_reached();
    let mut deadlock = Vec::new();
    let mut epilogue = None;
    if halted.is_some() {
        // Nobody has begun.
    } else if machine.enabled() == 0 && machine.main_finished() {
        let before = violated;
        epilogue = Some(machine.with_epilogue(|machine, ending| {
            violated |= machine.violated() | ending.violates();
            Epilogue {
                events: machine.take_events(),
                observed: machine.observe(),
                violated: machine.memory().properties(violated & !before),
                picture: machine.picture(),
            }
        })?);
    } else if machine.enabled() == 0 {
        violated |= Property::DEADLOCK.bit();
        let waiting = |&actor: &ActorId| Some((actor, machine.pending(actor)?.op.to_string()));
        deadlock = machine.unfinished().iter().filter_map(waiting).collect();
    }
    Ok(Replay {
        actors,
        initial,
        initial_picture,
        setup_events: machine.setup_events().to_vec(),
        violated_in_setup,
        halted,
        played,
        epilogue,
        deadlock,
        cycle_from,
        reached,
        violated: machine.memory().properties(violated),
    })
}

/// Plays one step.
fn play<S: System>(
    machine: &mut Machine<'_, S>,
    step: &Step,
    running: Option<ActorId>,
    causality: &mut Causality,
) -> Result<(Played, Outcome), ReplayError> {
    let actor = find(machine, step)?;
    let preempts = machine.preempts(running, actor);
    let enabled = machine.enabled();
    let (before, command) = (machine.violated(), machine.command(actor));
    let older = || ReplayError::DoesNotFit {
        line: step.line,
        step: step.to_string(),
        problem: "there are no such messages to choose from".to_owned(),
    };
    let outcome = step.to_outcome().ok_or_else(older)?;
    let footprint = match machine.fire(actor, outcome) {
        Ok((footprint, _)) => footprint,
        Err(EngineError::NoSuchOutcome { .. }) if !step.older.is_empty() => return Err(older()),
        Err(error) => return Err(error.into()),
    };
    let events = machine.take_events();
    let dependences = causality.push(actor, footprint);
    let played = Played {
        actor,
        command,
        op: step.op.clone(),
        outcome: step.outcome,
        preempts,
        enabled,
        depends_on: dependences.direct,
        depends_indirectly_on: dependences.indirect,
        events,
        gutter: machine.gutter(),
        picture: machine.picture(),
        violated: machine.memory().properties(machine.violated() & !before),
    };
    Ok((played, outcome))
}

/// A state that the schedule went through.
struct Passed {
    fingerprint: u128,
    /// The transition to it, and what the state shows of the actors.
    arrival: Fairness,
    state: Fairness,
}

impl Passed {
    fn at<S: System>(machine: &Machine<'_, S>, arrival: Fairness) -> Self {
        Passed { fingerprint: machine.fingerprint(), arrival, state: Fairness::of_state(machine.enabled()) }
    }
}

/// Where the longest way begins that ends where it began, at the end of the schedule, and can be gone for ever.
fn cycle_from(passed: &[Passed]) -> Option<usize> {
    let (last, before) = passed.split_last()?;
    let from = before.iter().position(|passed| passed.fingerprint == last.fingerprint)?;
    let round = passed[from + 1..].iter();
    let seen = round.fold(Fairness::default(), |seen, next| seen.and(next.arrival).and(next.state));
    seen.is_fair().then_some(from)
}

/// Shows a step that was played to who listens to `tracing`: the step at the level `info`, and what the system hands on
/// of its own events.
fn log(number: usize, step: &Step, events: &[Event]) {
    tracing::info!(target: "stalemap::replay", step = number, actor = step.actor, op = step.op);
    for event in events {
        if let Event::System(event) = event {
            event.log(number, &step.actor);
        }
    }
}

/// Finds the actor of a step and checks that it can do what the step says.
pub(crate) fn find<S: System>(machine: &Machine<'_, S>, step: &Step) -> Result<ActorId, ReplayError> {
    let does_not_fit =
        |problem: String| ReplayError::DoesNotFit { line: step.line, step: step.to_string(), problem };
    let specs = machine.specs();
    let scheduled = |spec: &ActorSpec| matches!(spec.role, Role::Main | Role::Daemon);
    let actor = specs.iter().position(|spec| spec.name == step.actor).ok_or_else(|| {
        let names: Vec<&str> =
            specs.iter().filter(|spec| scheduled(spec)).map(|spec| spec.name.as_str()).collect();
        does_not_fit(format!("there is no actor `{}`; there are {}", step.actor, names.join(", ")))
    })?;
    if !scheduled(&specs[actor]) {
        return Err(does_not_fit(format!("`{}` runs by itself and is no part of a schedule", step.actor)));
    }
    let Some(pending) = machine.pending(actor) else {
        if machine.halted().is_some() {
            return Err(does_not_fit("the setup does not come to its end, so nobody else begins".to_owned()));
        }
        return Err(does_not_fit(format!("`{}` has finished", step.actor)));
    };
    let op = pending.op.to_string();
    if op != step.op {
        return Err(does_not_fit(format!("`{}` is about to do `{op}`", step.actor)));
    }
    if machine.enabled() & (1 << actor) == 0 {
        let able: Vec<String> = actors_of(machine.enabled())
            .filter_map(|able| Some(format!("`{}: {}`", specs[able].name, machine.pending(able)?.op)))
            .collect();
        let able =
            if able.is_empty() { "nobody can move".to_owned() } else { format!("able: {}", able.join(", ")) };
        return Err(does_not_fit(format!("it has to wait here ({able})")));
    }
    let alternatives = pending.alternatives();
    match step.outcome {
        None if pending.is_choice() => {
            Err(does_not_fit(format!("a choice: say which outcome, ` = 0` to ` = {}`", alternatives - 1)))
        }
        Some(outcome) if !pending.is_choice() => {
            Err(does_not_fit(format!("not a choice: ` = {outcome}` does not belong here")))
        }
        Some(outcome) if outcome >= alternatives => Err(does_not_fit(format!(
            "outcome {outcome} does not exist; there are 0 to {}",
            alternatives - 1
        ))),
        _ => Ok(actor),
    }
}
