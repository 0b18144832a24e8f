//! shuttle: random schedules, PCT, and plain depth-first search.
//!
//! shuttle runs each actor as one of its threads, which does nothing but ask for its next turn and take it. Its
//! schedulers see the threads whose actors can move and no others (`Chooser` stands between), so a lock that is
//! held is a thread that cannot be scheduled, and every decision is one between transitions. An outcome of a
//! choice of the model is decided by the same scheduler: the random ones draw it; the depth-first one, which
//! knows nothing but threads, is asked for one of two threads as often as it takes.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ::shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Schedule, Scheduler, Task, TaskId};
use ::shuttle::{Config, FailurePersistence, MaxSteps, Runner, thread};
use stalemap_facade::{ActorId, ActorSpec, System};

use super::execution::{Execution, Report};
use super::panics::caught;
use super::runs::Runs;
use super::{Budget, MOST_OPERATIONS, STACK, check_environment};
use crate::error::EngineError;
use crate::limits::LimitHit;
use crate::schedule::{Choice, Step};

/// Which scheduler of shuttle decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
    /// Any of the actors that can move, with equal probability.
    Random {
        /// The first seed.
        seed: u64,
    },
    /// Probabilistic concurrency testing: random priorities, changed at `depth - 1` random places (Burckhardt et
    /// al., ASPLOS 2010).
    Pct {
        /// The first seed.
        seed: u64,
        /// The depth of the bugs that it is to find; at least 1.
        depth: u32,
    },
    /// All schedules, one after the other, without any reduction.
    Dfs,
}

/// How to run shuttle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shuttle {
    /// Who decides.
    pub strategy: Strategy,
    /// When to give up.
    pub budget: Budget,
}

/// How a schedule of the exhaustive engine went under shuttle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Follow {
    /// It was followed to its end; this is what was found.
    Followed(Box<Runs>),
    /// At this transition, from 0, the actor could not do what the schedule says.
    Differs(usize),
}

/// Runs a system under shuttle.
pub fn run_shuttle<S>(system: &S, shuttle: &Shuttle) -> Result<Runs, EngineError>
where
    S: System + Clone + Send + Sync + 'static,
{
    let most =
        shuttle.budget.executions.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    match shuttle.strategy {
        Strategy::Random { seed } => {
            let scheduler = RandomScheduler::new_from_seed(seed, most);
            run(system, scheduler, Outcomes::Drawn, shuttle.budget)
        }
        Strategy::Pct { seed, depth } => {
            let scheduler = PctScheduler::new_from_seed(seed, depth.max(1) as usize, most);
            run(system, scheduler, Outcomes::Drawn, shuttle.budget)
        }
        Strategy::Dfs => run(system, DfsScheduler::new(None, false), Outcomes::Searched, shuttle.budget),
    }
}

/// Drives shuttle along a schedule, operation by operation.
pub fn follow_with_shuttle<S>(system: &S, schedule: &[Step]) -> Result<Follow, EngineError>
where
    S: System + Clone + Send + Sync + 'static,
{
    let differs = Rc::new(Cell::new(None));
    let follower = Follower {
        specs: system.actors(),
        schedule: schedule.to_vec(),
        next: 0,
        begun: false,
        differs: Rc::clone(&differs),
    };
    let runs = run(system, follower, Outcomes::Given, Budget::default())?;
    Ok(differs.get().map_or(Follow::Followed(Box::new(runs)), Follow::Differs))
}

/// Where the outcomes of the model's choices come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcomes {
    Drawn,
    Searched,
    Given,
}

/// What the scheduler and the threads of shuttle share: shuttle hands nothing on that is not `Send`, and runs all
/// of it on one thread of the machine.
struct Table {
    execution: RefCell<Option<Rc<dyn Turns>>>,
    /// By number of shuttle's task: the actor that it runs. The first is the main task.
    actors: RefCell<Vec<ActorId>>,
    outcome: Cell<u32>,
    stage: Cell<Stage>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The main task creates the threads.
    Beginning,
    /// The scheduler decides.
    Running,
    /// What is left goes home.
    Over,
}

thread_local! {
    static TABLE: RefCell<Option<Rc<Table>>> = const { RefCell::new(None) };
}

fn table() -> Option<Rc<Table>> {
    TABLE.with_borrow(Clone::clone)
}

/// An execution, whatever the system.
trait Turns {
    fn is_enabled(&self, actor: ActorId) -> bool;
    fn is_over(&self) -> bool;
    fn has_finished(&self, actor: ActorId) -> bool;
    fn alternatives(&self, actor: ActorId) -> Option<u32>;
    fn pending(&self, actor: ActorId, outcome: u32) -> Option<Choice>;
    fn fire(&self, actor: ActorId, outcome: u32);
}

impl<S: System + 'static> Turns for Execution<S> {
    fn is_enabled(&self, actor: ActorId) -> bool {
        Execution::is_enabled(self, actor)
    }

    fn is_over(&self) -> bool {
        Execution::is_over(self)
    }

    fn has_finished(&self, actor: ActorId) -> bool {
        Execution::has_finished(self, actor)
    }

    fn alternatives(&self, actor: ActorId) -> Option<u32> {
        Execution::alternatives(self, actor)
    }

    fn pending(&self, actor: ActorId, outcome: u32) -> Option<Choice> {
        let outcome = Execution::alternatives(self, actor).map(|_| outcome);
        self.op(actor).map(|op| Choice::sequential(actor, op, outcome))
    }

    fn fire(&self, actor: ActorId, outcome: u32) {
        Execution::fire(self, actor, outcome);
    }
}

fn run<S, D>(system: &S, decider: D, outcomes: Outcomes, budget: Budget) -> Result<Runs, EngineError>
where
    S: System + Clone + Send + Sync + 'static,
    D: Decider + 'static,
{
    check_environment()?;
    let shared = Arc::new(Mutex::new((Runs::new(), None)));
    let limit = Rc::new(Cell::new(None));
    let table = Rc::new(Table {
        execution: RefCell::new(None),
        actors: RefCell::default(),
        outcome: Cell::new(0),
        stage: Cell::new(Stage::Over),
    });
    TABLE.set(Some(Rc::clone(&table)));
    let chooser = Chooser {
        inner: ManuallyDrop::new(decider),
        table,
        outcomes,
        budget,
        began: Instant::now(),
        executions: 0,
        decided: false,
        limit: Rc::clone(&limit),
        gathered: Arc::clone(&shared),
    };
    let mut config = Config::new();
    config.stack_size = STACK;
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::None;
    let (gathered, system) = (Arc::clone(&shared), Arc::new(system.clone()));
    let ran =
        caught("shuttle", || Runner::new(chooser, config).run(move || one_execution(&system, &gathered)));
    TABLE.set(None);
    ran?;
    let mut gathered = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = gathered.1.take() {
        return Err(error);
    }
    let mut runs = std::mem::take(&mut gathered.0);
    match limit.get() {
        Some(limit) => {
            runs.limits_hit.insert(limit);
        }
        None => runs.finished = outcomes == Outcomes::Searched,
    }
    Ok(runs)
}

type Gathered = Mutex<(Runs, Option<EngineError>)>;

/// What shuttle's main task does in each execution.
fn one_execution<S: System + Send + Sync + 'static>(system: &Arc<S>, gathered: &Gathered) {
    let Some(table) = table() else { return };
    let execution = Rc::new(Execution::new(system, MOST_OPERATIONS));
    let actors = execution.concurrent();
    *table.actors.borrow_mut() = std::iter::once(usize::MAX).chain(actors.iter().copied()).collect();
    table.execution.replace(Some(Rc::<Execution<S>>::clone(&execution)));
    table.stage.set(Stage::Beginning);
    let threads: Vec<_> = actors.into_iter().map(|actor| thread::spawn(move || take_turns(actor))).collect();
    table.stage.set(Stage::Running);
    if !execution.is_over() {
        // From here the scheduler comes back only when nobody else can move.
        thread::yield_now();
    }
    let report: Result<Report, EngineError> = execution.finish();
    table.stage.set(Stage::Over);
    let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
    match report {
        Ok(report) => gathered.0.add(report),
        Err(error) => gathered.1 = Some(error),
    }
    drop(gathered);
    for thread in threads {
        // A thread ends by returning.
        let _ = thread.join();
    }
    table.execution.replace(None);
}

/// What the thread of an actor does.
fn take_turns(actor: ActorId) {
    let Some(table) = table() else { return };
    loop {
        if table.stage.get() == Stage::Over {
            return;
        }
        let execution = table.execution.borrow().clone();
        let Some(execution) = execution else { return };
        if execution.has_finished(actor) {
            return;
        }
        execution.fire(actor, table.outcome.get());
        drop(execution);
        thread::yield_now();
    }
}

/// Something that decides between threads, and perhaps between the outcomes of a choice.
trait Decider: Scheduler {
    /// Told before each transition what it would be.
    fn wants(&mut self, _: &dyn Turns) -> Option<(ActorId, u32)> {
        None
    }

    /// Asked once, in the first execution: a decision that is not used.
    fn first_decision(&mut self, _: &[&Task], _: Option<TaskId>) {}
}

impl Decider for RandomScheduler {}
impl Decider for PctScheduler {
    fn first_decision(&mut self, among: &[&Task], current: Option<TaskId>) {
        self.next_task(among, current, false);
    }
}
impl Decider for DfsScheduler {}

/// Stands between shuttle and a scheduler: shows it the threads whose actors can move.
struct Chooser<D> {
    /// Never dropped: shuttle's random scheduler takes being dropped before its last execution for a failure, and
    /// prints its seed.
    inner: ManuallyDrop<D>,
    table: Rc<Table>,
    outcomes: Outcomes,
    budget: Budget,
    began: Instant,
    executions: u64,
    /// Whether the scheduler has been asked for a decision that is not used.
    decided: bool,
    limit: Rc<Cell<Option<LimitHit>>>,
    gathered: Arc<Gathered>,
}

impl<D: Decider> Chooser<D> {
    /// Asks the scheduler. Nobody yields here, whatever shuttle thinks: an actor asks for its turn.
    fn decide(&mut self, among: &[&Task], current: Option<TaskId>) -> Option<TaskId> {
        self.inner.next_task(among, current, false)
    }

    /// The outcome of a choice.
    fn outcome(&mut self, alternatives: u32, tasks: &[&Task], current: Option<TaskId>) -> u32 {
        match self.outcomes {
            Outcomes::Drawn => (self.inner.next_u64() % u64::from(alternatives)) as u32,
            Outcomes::Searched => {
                // The main task and the actor's: the first stands for this outcome, the second for a later one.
                let [first, .., last] = tasks else { return 0 };
                let pair = [*first, *last];
                let is_later = |this: &mut Self| this.decide(&pair, current) == Some(last.id());
                (0..alternatives - 1).find(|_| !is_later(self)).unwrap_or(alternatives - 1)
            }
            Outcomes::Given => 0,
        }
    }
}

impl<D: Decider> Scheduler for Chooser<D> {
    fn new_execution(&mut self) -> Option<Schedule> {
        let failed = self.gathered.lock().unwrap_or_else(PoisonError::into_inner).1.is_some();
        if failed {
            return None;
        }
        let over = self.budget.time.is_some_and(|time| self.began.elapsed() >= time);
        let enough = self.budget.executions.is_some_and(|most| self.executions >= most);
        // Whether the scheduler would go on must be known before giving up for another reason.
        let schedule = self.inner.new_execution();
        if schedule.is_some() && (over || enough) {
            self.limit.set(Some(if enough { LimitHit::Executions } else { LimitHit::Seconds }));
            return None;
        }
        self.executions += u64::from(schedule.is_some());
        schedule
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, _: bool) -> Option<TaskId> {
        let table = Rc::clone(&self.table);
        let main = runnable.first().map(|task| task.id());
        if table.stage.get() == Stage::Beginning
            && self.executions == 1
            && !self.decided
            && runnable.len() > 1
        {
            // PCT counts the decisions of its first execution, and cannot be told of none.
            self.decided = true;
            self.inner.first_decision(runnable, current);
        }
        let execution = table.execution.borrow().clone();
        let (Stage::Running, Some(execution)) = (table.stage.get(), execution) else { return main };
        let actors = table.actors.borrow();
        let actor_of = |task: &Task| actors.get(usize::from(task.id())).copied();
        if execution.is_over() {
            return main;
        }
        if let Some((actor, outcome)) = self.inner.wants(&*execution) {
            let wanted = runnable.iter().find(|task| actor_of(task) == Some(actor));
            table.outcome.set(outcome);
            return wanted.map_or(main, |task| Some(task.id()));
        }
        let enabled: Vec<&Task> = runnable
            .iter()
            .copied()
            .filter(|task| {
                actor_of(task).is_some_and(|actor| actor != usize::MAX && execution.is_enabled(actor))
            })
            .collect();
        let chosen = self.decide(&enabled, current)?;
        let task = enabled.iter().find(|task| task.id() == chosen)?;
        let alternatives = actor_of(task).and_then(|actor| execution.alternatives(actor));
        let outcome = match alternatives {
            Some(alternatives) if alternatives > 1 => self.outcome(alternatives, runnable, current),
            _ => 0,
        };
        table.outcome.set(outcome);
        Some(chosen)
    }

    fn next_u64(&mut self) -> u64 {
        self.inner.next_u64()
    }
}

/// The scheduler that follows a schedule of the exhaustive engine.
struct Follower {
    specs: Vec<ActorSpec>,
    schedule: Vec<Step>,
    next: usize,
    begun: bool,
    differs: Rc<Cell<Option<usize>>>,
}

impl Scheduler for Follower {
    fn new_execution(&mut self) -> Option<Schedule> {
        (!std::mem::replace(&mut self.begun, true)).then(|| Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], _: Option<TaskId>, _: bool) -> Option<TaskId> {
        // Behind the end of the schedule: whoever can.
        runnable.first().map(|task| task.id())
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}

impl Decider for Follower {
    fn wants(&mut self, turns: &dyn Turns) -> Option<(ActorId, u32)> {
        let step = self.schedule.get(self.next)?;
        let outcome = step.outcome.unwrap_or(0);
        let actor = self.specs.iter().position(|spec| spec.name == step.actor);
        let is_next = |actor: &ActorId| {
            let offered = turns.pending(*actor, outcome).map(|choice| choice.to_step(&self.specs));
            turns.is_enabled(*actor)
                && offered.is_some_and(|offered| Step { line: step.line, ..offered } == *step)
        };
        let fits = actor
            .filter(is_next)
            .filter(|actor| turns.alternatives(*actor).is_none_or(|most| outcome < most));
        if fits.is_some() {
            self.next += 1;
        } else {
            self.differs.set(self.differs.get().or(Some(self.next)));
            self.schedule.truncate(self.next);
        }
        fits.map(|actor| (actor, outcome))
    }
}
