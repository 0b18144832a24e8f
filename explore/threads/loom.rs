//! loom: dynamic partial-order reduction, bounded or not.
//!
//! loom reduces by what it knows of its own objects, and what a transition of ours touches is known only when it is
//! over (the tail up to the next operation runs with it). So every transition first performs one
//! read-modify-write of a single loom atomic, the *gate*, and the rest of it happens before loom gets another word
//! in. All transitions depend on each other then, and loom tries every order of them: sound, and no reduction.
//! That keeps three known defects of loom out: its loads that miss stores by others (issues 166 and 392: there are
//! no loads), its try-locks (issue 376: a try-lock is a look at a plain word behind the gate), and its abort when
//! a deadlock leaves a guard held (locks are words; a deadlock is found before loom finds it).
//!
//! loom cannot be told who may move. A thread whose actor has to wait after its own transition is parked, and is
//! unparked when somebody makes it able to go on. One that stands at the gate when somebody else takes what it
//! needs may still be picked; that execution is *abandoned*. No order is lost by this: the access to the gate has
//! happened, and so loom tries everybody else in that place.
//!
//! The model's choices are not loom's. Outcomes are given from outside by a *script*, which says for the k-th
//! choice of an actor something else than 0; further scripts are added when choices are met, until none is left.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ::loom::sync::atomic::AtomicUsize;
use ::loom::thread;
use corosensei::on_stack;
use corosensei::stack::DefaultStack;
use stalemap_facade::{ActorId, System};

use super::execution::Execution;
use super::panics::caught;
use super::runs::Runs;
use super::{Budget, MOST_OPERATIONS, STACK, check_environment};
use crate::error::EngineError;
use crate::limits::LimitHit;

/// The actors that loom takes: its threads, the main one included.
pub const LOOM_ACTORS: usize = 5;

/// How to run loom.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Loom {
    /// Preemptions of one execution. As loom counts them.
    pub preemptions: Option<u8>,
    /// When to give up.
    pub budget: Budget,
}

/// The outcomes of choices that are not 0, by actor and number of its choice.
type Script = BTreeMap<(ActorId, u32), u32>;

/// Runs a system under loom.
pub fn run_loom<S>(system: &S, loom: &Loom) -> Result<Runs, EngineError>
where
    S: System + Clone + Send + Sync + 'static,
{
    check_environment()?;
    let shared = Arc::new(Shared {
        system: Arc::new(system.clone()),
        gathered: Mutex::default(),
        executions: AtomicU64::new(0),
        failed: AtomicBool::new(false),
    });
    shared.gathered().runs = Runs::new();
    let actors = caught("loom", || Execution::new(&shared.system, MOST_OPERATIONS).concurrent().len())?;
    if actors > LOOM_ACTORS {
        return Err(EngineError::DoesNotFit { engine: "loom", most: LOOM_ACTORS, actors });
    }
    let began = Instant::now();
    let mut limit = None;
    let mut scripts = VecDeque::from([Script::new()]);
    let mut known = BTreeSet::from([Script::new()]);
    while let Some(script) = scripts.pop_front() {
        limit = caught("loom", || run_script(&shared, &script, loom, began))?;
        let met = std::mem::take(&mut shared.gathered().choices);
        if limit.is_some() || shared.failed.load(Ordering::Relaxed) {
            break;
        }
        for ((actor, number), alternatives) in met {
            if script.contains_key(&(actor, number)) {
                continue;
            }
            for outcome in 1..alternatives {
                let mut longer = script.clone();
                longer.insert((actor, number), outcome);
                if known.insert(longer.clone()) {
                    scripts.push_back(longer);
                }
            }
        }
    }
    let mut gathered = shared.gathered();
    if let Some(error) = gathered.error.take() {
        return Err(error);
    }
    let mut runs = std::mem::take(&mut gathered.runs);
    runs.finished = limit.is_none();
    runs.limits_hit.extend(limit);
    if loom.preemptions.is_some() {
        runs.limits_hit.insert(LimitHit::Preemptions);
    }
    Ok(runs)
}

/// What outlives an execution.
struct Shared<S> {
    system: Arc<S>,
    gathered: Mutex<Gathered>,
    /// Executions that loom began.
    executions: AtomicU64,
    failed: AtomicBool,
}

#[derive(Default)]
struct Gathered {
    runs: Runs,
    error: Option<EngineError>,
    /// How many alternatives each choice had, at most.
    choices: BTreeMap<(ActorId, u32), u32>,
}

impl<S> Shared<S> {
    fn gathered(&self) -> std::sync::MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs loom with one script. Returns the limit that ended it.
fn run_script<S>(shared: &Arc<Shared<S>>, script: &Script, loom: &Loom, began: Instant) -> Option<LimitHit>
where
    S: System + Send + Sync + 'static,
{
    let done = shared.executions.load(Ordering::Relaxed);
    let left = loom.budget.executions.map(|most| most.saturating_sub(done));
    let mut builder = ::loom::model::Builder::new();
    builder.max_threads = LOOM_ACTORS;
    // A transition is at most two branches: its gate and, before it, a park.
    builder.max_branches = 4 * MOST_OPERATIONS;
    builder.preemption_bound = loom.preemptions.map(usize::from);
    // loom looks at its limits once in so many executions.
    builder.checkpoint_interval = 1;
    // One execution more than asked for, so that loom's own end can be told from the limit.
    builder.max_permutations = left.map(|left| usize::try_from(left).unwrap_or(usize::MAX).saturating_add(2));
    builder.max_duration = loom.budget.time.map(|time| time.saturating_sub(began.elapsed()));
    builder.checkpoint_file = None;
    builder.expect_explicit_explore = false;
    builder.location = false;
    builder.log = false;
    let (inner, script) = (Arc::clone(shared), script.clone());
    let most = loom.budget.executions;
    builder.check(move || {
        let number = inner.executions.fetch_add(1, Ordering::Relaxed) + 1;
        // What is beyond the limit is executed, for loom must not be surprised, and not counted.
        let counts = most.is_none_or(|most| number <= most);
        one_execution(&inner, &script, counts);
    });
    if most.is_some_and(|most| shared.executions.load(Ordering::Relaxed) > most) {
        return Some(LimitHit::Executions);
    }
    loom.budget.time.is_some_and(|time| began.elapsed() >= time).then_some(LimitHit::Seconds)
}

/// One execution, as its threads see it.
struct Stage<S: System> {
    shared: Arc<Shared<S>>,
    execution: Execution<S>,
    gate: AtomicUsize,
    over: Cell<bool>,
    /// Whether what is found counts.
    counts: bool,
    script: Script,
    /// How many choices each actor has made.
    made: RefCell<BTreeMap<ActorId, u32>>,
    /// The actors that are parked.
    parked: RefCell<BTreeMap<ActorId, thread::Thread>>,
}

/// What loom's main thread does in each execution.
fn one_execution<S>(shared: &Arc<Shared<S>>, script: &Script, counts: bool)
where
    S: System + Send + Sync + 'static,
{
    let execution = on_large_stack(|| Execution::new(&shared.system, MOST_OPERATIONS));
    let actors = execution.concurrent();
    let stage = Rc::new(Stage {
        shared: Arc::clone(shared),
        execution,
        gate: AtomicUsize::new(0),
        over: Cell::new(false),
        counts,
        script: script.clone(),
        made: RefCell::default(),
        parked: RefCell::default(),
    });
    if stage.execution.is_over() {
        stage.finish();
        return;
    }
    let [first, others @ ..] = &actors[..] else { return };
    for actor in others.iter().copied() {
        let stage = Rc::clone(&stage);
        thread::spawn(move || stage.take_turns(actor, Arrival::Fresh));
    }
    stage.take_turns(*first, Arrival::Standing);
}

/// How a thread comes to the gate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// It is the running one: loom may pick any thread now.
    Standing,
    /// It has just been picked by loom in order to go through.
    Fresh,
}

impl<S: System + Send + Sync + 'static> Stage<S> {
    /// What the thread of an actor does.
    fn take_turns(&self, actor: ActorId, arrival: Arrival) {
        let mut arrival = arrival;
        while !self.execution.has_finished(actor) {
            if arrival == Arrival::Standing && !self.over.get() && !self.execution.is_enabled(actor) {
                self.parked.borrow_mut().insert(actor, thread::current());
                thread::park();
                if self.parked.borrow().contains_key(&actor) {
                    // Sent home, never having been able to move since.
                    return;
                }
                arrival = Arrival::Fresh;
            }
            // Also when it is over: loom learns only here that this thread could have been picked earlier.
            self.pass(arrival);
            arrival = Arrival::Standing;
            if self.over.get() {
                return;
            }
            if self.execution.is_enabled(actor) {
                self.go_on(actor);
            } else {
                self.abandon();
            }
            if self.over.get() {
                return;
            }
        }
    }

    /// Performs the operation that all transitions have in common.
    fn pass(&self, arrival: Arrival) {
        // Who was picked before it stood at the gate has been picked for this; picking again would only repeat it.
        let picked = arrival == Arrival::Fresh;
        if picked {
            ::loom::stop_exploring();
        }
        self.gate.fetch_add(1, Ordering::AcqRel);
        if picked {
            ::loom::explore();
        }
    }

    fn go_on(&self, actor: ActorId) {
        let Some(outcome) = self.outcome(actor) else {
            self.abandon();
            return;
        };
        on_large_stack(|| self.execution.fire(actor, outcome));
        if self.execution.is_over() {
            self.finish();
        } else {
            self.parked.borrow_mut().retain(|actor, thread| {
                let able = self.execution.is_enabled(*actor);
                if able {
                    thread.unpark();
                }
                !able
            });
        }
    }

    /// What the script says of the actor's choice; `None` if there is no such outcome.
    fn outcome(&self, actor: ActorId) -> Option<u32> {
        let Some(alternatives) = self.execution.alternatives(actor) else { return Some(0) };
        let mut made = self.made.borrow_mut();
        let number = made.entry(actor).or_default();
        let place = (actor, *number);
        *number += 1;
        let mut gathered = self.shared.gathered();
        let most = gathered.choices.entry(place).or_default();
        *most = (*most).max(alternatives);
        let outcome = self.script.get(&place).copied().unwrap_or(0);
        (outcome < alternatives).then_some(outcome)
    }

    /// The end of an execution: nobody can move.
    fn finish(&self) {
        let report = on_large_stack(|| self.execution.finish());
        let mut gathered = self.shared.gathered();
        match report {
            Ok(report) if self.counts => gathered.runs.add(report),
            Ok(_) => {}
            Err(error) => {
                gathered.error = Some(error);
                self.shared.failed.store(true, Ordering::Relaxed);
            }
        }
        drop(gathered);
        self.leave();
    }

    /// The end of what is no execution.
    fn abandon(&self) {
        self.execution.abandon();
        self.shared.gathered().runs.abandoned += u64::from(self.counts);
        self.leave();
    }

    /// Sends everybody home. In which order they go is nothing to explore.
    fn leave(&self) {
        self.over.set(true);
        ::loom::skip_branch();
        self.parked.borrow().values().for_each(thread::Thread::unpark);
    }
}

/// Runs the code of the model where there is room: loom's main thread has 32 KiB.
fn on_large_stack<R>(run: impl FnOnce() -> R) -> R {
    thread_local! {
        static LARGE: RefCell<Option<DefaultStack>> = const { RefCell::new(None) };
    }
    let Some(mut stack) = LARGE.take().or_else(|| DefaultStack::new(STACK).ok()) else { return run() };
    let result = on_stack(&mut stack, run);
    LARGE.set(Some(stack));
    result
}
