//! Makes a plan of a schedule.
//!
//! A counterexample ends where its property is violated; a kernel goes on. So a schedule is finished first: whoever moved last
//! goes on as long as it can, and then whoever is next.

use std::collections::BTreeSet;

use stalemap_checker::{adapted, cheapest_counterexample, explore, finished, replay, serial};
use stalemap_explore::{EngineError, Limits, Options, Replay, ReplayError, Step};
use stalemap_facade::{ActorId, Op, Property, Role, System};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::command::Command;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::personality::Personality;

use super::front;
use super::holds::{self, Path, Where};
use super::plan::{Left, Order, Plan};
use super::predicted::{left, left_by_crash};
use super::release::Release;
use super::sequential::left_in_any_order;
use super::turns::weave;
use super::undisturbed::undisturb;
use super::variant::Variant;
use crate::run::{RunError, kernel};
use crate::scenario::{CommandLine, Scenario};

/// The states that the search for a schedule that can be forced may settle.
const MOST_STATES: u64 = 2_000_000;

/// What an order that nothing forces costs beside one that a hold forces.
const UNFORCED: u32 = 1_000;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The scenario cannot be run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The schedule does not fit.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// An engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Nothing is violated, or not this.
    #[error(
        "{scenario} {} under {name}: there is no schedule to be played",
        property.map_or_else(|| "holds".to_owned(), |property| format!("does not violate {property}"))
    )]
    Holds {
        /// The scenario.
        scenario: String,
        /// The design or kernel.
        name: String,
        /// The property that was asked for; `None` for all that can be played.
        property: Option<Property>,
    },
    /// The schedule violates something else.
    #[error("the schedule does not violate {asked}; {}", if violated.is_empty() {
        "it violates nothing".to_owned()
    } else {
        let names: Vec<&str> = violated.iter().map(|property| property.name()).collect();
        format!("it violates {}", names.join(", "))
    })]
    NotViolated {
        /// What was asked for.
        asked: Property,
        /// What it violates.
        violated: Vec<Property>,
    },
    /// A limit ended the search.
    #[error(
        "{scenario} under {name}: a limit was reached before a schedule was found, so it is not known whether there is one"
    )]
    Unknown {
        /// The scenario.
        scenario: String,
        /// The design or kernel.
        name: String,
    },
    /// The schedule has no end.
    #[error("the schedule ends in a deadlock or goes on for ever; a plan needs an end")]
    NoEnd,
    /// The race cannot be moved.
    #[error(
        "a command of this scenario cannot be moved behind other folios of the file; leave out `--full-batch`"
    )]
    NotMoved,
}

/// What is to be played: a scenario on a kernel.
#[derive(Clone, Debug)]
pub struct Subject<'s> {
    /// The scenario.
    pub scenario: &'s Scenario,
    /// The kernel that is booted, by whose functions tasks are held.
    pub release: Release,
    /// What is changed in it.
    pub variant: Variant,
    /// The check that it is compared with.
    pub compared: Variant,
    /// What the model takes it for.
    pub implementation: Implementation,
    /// What lies before the race.
    pub front: Front,
}

/// What lies before a race in its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Front {
    /// What the scenario has there.
    #[default]
    AsItIs,
    /// So many dirty folios that writeback looks up the second folio of the scenario when it has done with the first.
    FullBatch,
}

impl<'s> Subject<'s> {
    /// A scenario on a release. None: the release does not have the scenario's file system.
    pub fn new(scenario: &'s Scenario, release: Release, variant: Variant) -> Option<Self> {
        let kernel = scenario.implementation(release.kernel())?;
        let implementation = variant.of(kernel);
        let compared = match variant {
            Variant::Stock => Variant::WithoutCheck,
            Variant::WithoutCheck | Variant::Debug | Variant::CowCounter => Variant::Stock,
        };
        Some(Subject { scenario, release, variant, compared, implementation, front: Front::AsItIs })
    }

    /// The same behind a full batch of dirty folios.
    #[must_use]
    pub fn behind_full_batch(self) -> Self {
        Subject { implementation: front::one_by_one(self.implementation), front: Front::FullBatch, ..self }
    }

    /// The same with another check.
    fn with(&self, variant: Variant) -> Option<Self> {
        let other = Subject::new(self.scenario, self.release, variant)?;
        Some(match self.front {
            Front::AsItIs => other,
            Front::FullBatch => other.behind_full_batch(),
        })
    }

    /// Whether the property is violated in some run. None: a limit was reached before it was found.
    pub fn violates(&self, property: Property) -> Result<Option<bool>, PlanError> {
        let kernel = kernel(self.scenario, &self.implementation)?;
        let explored = explore(&kernel, &Options { limits: limits(), ..Options::default() }, &mut |_| {})?;
        let violates = explored.violated & property.bit() != 0;
        Ok((violates || explored.limits_hit.is_empty()).then_some(violates))
    }

    /// The plan of a schedule.
    pub fn of_schedule(&self, steps: &[Step], property: Option<Property>) -> Result<Plan, PlanError> {
        let kernel = kernel(self.scenario, &self.implementation)?;
        if let Some(asked) = property {
            let violated = replay(&kernel, steps)?.violated;
            if !violated.contains(&asked) {
                return Err(PlanError::NotViolated { asked, violated });
            }
        }
        self.of_steps(&kernel, steps, property)
    }

    /// The plan of what the scenario violates: of the first property whose plan forces all orders and leaves other bytes than the
    /// tasks one after the other, else of the first.
    pub fn of_scenario(&self) -> Result<Plan, PlanError> {
        let kernel = kernel(self.scenario, &self.implementation)?;
        let options = Options { limits: limits(), ..Options::default() };
        let explored = explore(&kernel, &options, &mut |_| {})?;
        let plays = |property: &Property| explored.violated & property.bit() != 0 && is_played(*property);
        let mut others = Vec::new();
        for property in properties::ALL.iter().copied().filter(plays) {
            let plan = match self.of_property_on(&kernel, property) {
                Err(PlanError::NoEnd | PlanError::Holds { .. } | PlanError::Unknown { .. }) => continue,
                plan => plan?,
            };
            if plan.unforced.is_empty() && plan.predicted != plan.predicted_control {
                return Ok(plan);
            }
            others.push(plan);
        }
        let plan = others.into_iter().min_by_key(|plan| !plan.unforced.is_empty());
        match plan {
            Some(plan) => Ok(plan),
            None if !explored.limits_hit.is_empty() => Err(self.unknown()),
            None => self.of_what_is_prevented(),
        }
    }

    /// Where the check prevents everything: the plan of what happens without it, and what comes of that with the check. Of the COW
    /// counter that is what the kernel as it is does.
    fn of_what_is_prevented(&self) -> Result<Plan, PlanError> {
        let worse = match self.variant {
            Variant::Stock => Variant::WithoutCheck,
            Variant::Debug | Variant::CowCounter => Variant::Stock,
            Variant::WithoutCheck => return Err(self.holds(None)),
        };
        let worse = self.with(worse).ok_or_else(|| self.holds(None))?;
        let plan = Subject { compared: self.variant, ..worse }.of_scenario()?;
        match plan.beside {
            Some((variant, left)) if variant == self.variant => {
                let counterexample_to = Some(plan.counterexample_to.unwrap_or(plan.variant));
                let beside = Some((plan.variant, plan.predicted));
                // It was said of the other kernel.
                Ok(Plan {
                    variant,
                    counterexample_to,
                    lost_in_control: false,
                    predicted: left,
                    beside,
                    ..plan
                })
            }
            _ => Err(self.holds(None)),
        }
    }

    /// What the turns of a schedule leave on the kernel with the check that it is compared with.
    fn beside(&self, steps: &[Step]) -> Result<Option<(Variant, Left)>, PlanError> {
        let variant = self.compared;
        let Some(other) = self.with(variant) else { return Ok(None) };
        let kernel = kernel(self.scenario, &other.implementation)?;
        let Some(steps) = adapted(&kernel, steps)? else { return Ok(None) };
        let played = replay(&kernel, &steps)?;
        Ok(Some((variant, predicted(self.scenario, &other.implementation.fs, &played, steps.len()))))
    }

    /// The plan of the counterexample to a property that is forced the easiest.
    pub fn of_property(&self, property: Property) -> Result<Plan, PlanError> {
        self.of_property_on(&kernel(self.scenario, &self.implementation)?, property)
    }

    fn holds(&self, property: Option<Property>) -> PlanError {
        let scenario = self.scenario.name.clone();
        PlanError::Holds { scenario, name: self.implementation.name().to_owned(), property }
    }

    fn unknown(&self) -> PlanError {
        PlanError::Unknown {
            scenario: self.scenario.name.clone(),
            name: self.implementation.name().to_owned(),
        }
    }

    fn of_property_on(&self, kernel: &Kernel, property: Property) -> Result<Plan, PlanError> {
        let specs = kernel.actors();
        let first = first_operations(kernel)?;
        let cost = |actor: ActorId, command: Option<usize>, op: Op| {
            let begins = command.is_some_and(|command| first.contains(&(actor, command, op.to_string())));
            if begins || self.is_held(actor, command, op) { 1 } else { UNFORCED }
        };
        let found = cheapest_counterexample(kernel, property, &limits(), &cost)?;
        let Some(found) = found else {
            return Err(if self.violates(property)? == Some(false) {
                self.holds(Some(property))
            } else {
                self.unknown()
            });
        };
        let steps: Vec<Step> = found.schedule.iter().map(|choice| choice.to_step(&specs)).collect();
        self.of_steps(kernel, &steps, Some(property))
    }

    /// Whether an actor can be held before an operation. Workers are held where they begin.
    fn is_held(&self, actor: ActorId, command: Option<usize>, op: Op) -> bool {
        let task = actor.checked_sub(1).and_then(|task| self.scenario.actors.get(task));
        let Some(task) = task else { return true };
        let call = command.and_then(|command| task.run.get(command));
        let path = call.map_or(Path::Other, |call| Path::of(&call.command));
        let at = Where::new(path, op.name, op.target.map(u64::from));
        holds::place(&at, self.release).is_ok()
    }

    /// The system in which nobody is held, and nothing taken from under a task: that of the control.
    fn undisturbed(&self) -> Result<Kernel, PlanError> {
        let mut scenario = self.scenario.clone();
        scenario.holds.clear();
        undisturb(&mut scenario.actors);
        Ok(kernel(&scenario, &self.implementation)?)
    }

    fn of_steps(
        &self,
        kernel: &Kernel,
        steps: &[Step],
        property: Option<Property>,
    ) -> Result<Plan, PlanError> {
        let Subject { scenario, release, variant, implementation, .. } = self;
        let complete = finished(kernel, steps)?.ok_or(PlanError::NoEnd)?;
        let played = replay(kernel, &complete)?;
        // Power is lost where the schedule ends.
        let cut = if is_crashed(scenario) { steps.len() } else { complete.len() };
        let woven = weave(&played, cut, scenario, *release, &implementation.fs);
        let control = order(&played);
        // A worker begins as soon as there is something to do.
        let specs = kernel.actors();
        let workers = (0..specs.len()).filter(|actor| specs[*actor].role == Role::Daemon);
        let actors: Vec<ActorId> = workers.chain(control.iter().map(|task| task + 1)).collect();
        let alone = self.undisturbed()?;
        let after = serial(&alone, &actors)?.ok_or(PlanError::NoEnd)?;
        let serially = replay(&alone, &after)?;
        let texts = |lines: &[CommandLine]| lines.iter().map(|line| line.text.clone()).collect();
        let plan = Plan {
            scenario: scenario.name.clone(),
            title: scenario.title.clone(),
            kernel: implementation.name().to_owned(),
            variant: *variant,
            property,
            counterexample_to: None,
            order: Order::Schedule,
            touches_others: played.violated.contains(&properties::WRONG_ADDRESS),
            block: scenario.block,
            folio: scenario.folio,
            fs: implementation.fs.clone(),
            moved_up: 0,
            files: named(&scenario.files),
            buffers: scenario.buffers.clone(),
            setup: scenario.setup.clone(),
            setup_lines: texts(&scenario.setup_lines),
            tasks: scenario.actors.clone(),
            task_lines: scenario.actor_lines.iter().map(|lines| texts(lines)).collect(),
            predicted: predicted(scenario, &implementation.fs, &played, cut),
            predicted_control: predicted(scenario, &implementation.fs, &serially, after.len()),
            lost_in_control: property.is_some_and(|property| serially.violated.contains(&property)),
            in_any_order: left_in_any_order(&scenario.config_of(implementation.clone()))?,
            beside: self.beside(steps)?,
            holds: woven.holds,
            turns: woven.turns,
            control,
            unforced: woven.unforced,
            eager: woven.eager,
        };
        match self.front {
            Front::AsItIs => Ok(plan),
            Front::FullBatch => front::behind(plan, *release).ok_or(PlanError::NotMoved),
        }
    }
}

fn limits() -> Limits {
    Limits { states: Some(MOST_STATES), ..Limits::default() }
}

/// Whether a schedule that violates it has an end at which files can be looked at.
fn is_played(property: Property) -> bool {
    ![Property::DEADLOCK, Property::LIVELOCK].contains(&property)
}

/// A file of a scenario that names none has a name on a disk all the same.
fn named(files: &[String]) -> Vec<String> {
    let only = || vec!["file".to_owned()];
    if files.is_empty() || files.len() == 1 && files[0].is_empty() { only() } else { files.to_vec() }
}

/// The tasks in the order of their first steps.
fn order(replay: &Replay) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    let main = |actor: ActorId| replay.actors[actor].role == Role::Main;
    let moved = replay.played.iter().map(|played| played.actor);
    let all = (0..replay.actors.len()).filter(|actor| main(*actor));
    for actor in moved.chain(all).filter(|actor| main(*actor)) {
        if !order.contains(&(actor - 1)) {
            order.push(actor - 1);
        }
    }
    order
}

/// What a run leaves; where power is lost, it is before the step at `cut`.
fn predicted(scenario: &Scenario, fs: &Personality, replay: &Replay, cut: usize) -> Left {
    if is_crashed(scenario) { left_by_crash(replay, cut) } else { left(replay, fs) }
}

/// Whether power is lost in it.
fn is_crashed(scenario: &Scenario) -> bool {
    scenario.actors.iter().flat_map(|actor| &actor.run).any(|call| call.command == Command::Crash)
}

/// The operations with which commands begin, when the tasks run one after the other.
fn first_operations(kernel: &Kernel) -> Result<BTreeSet<(ActorId, usize, String)>, PlanError> {
    let specs = kernel.actors();
    let main: Vec<ActorId> = (0..specs.len()).filter(|actor| specs[*actor].role == Role::Main).collect();
    let steps = serial(kernel, &main)?.unwrap_or_default();
    let replay = replay(kernel, &steps)?;
    let mut begun = BTreeSet::new();
    let mut first = BTreeSet::new();
    for played in &replay.played {
        let Some(command) = played.command else { continue };
        if begun.insert((played.actor, command)) {
            first.insert((played.actor, command, played.op.clone()));
        }
    }
    Ok(first)
}
