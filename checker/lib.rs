//! The engines, compiled for the modelled kernel.
//!
//! The engines are generic, and every crate that calls one for the kernel compiles it anew, with all paths of the kernel
//! inside it: for its own memory, for loom's and for shuttle's. That is most of what there is to compile. Here it is done
//! once, optimised; whoever explores a kernel calls these, and need not be optimised itself. They do what the functions of
//! [`stalemap_explore`] by the same names do, and nothing else.

#![forbid(unsafe_code)]

use stalemap_explore::{
    Checkpointer, Choice, Contacts, CostGraph, CostMove, Counterexample, Effects, End, EngineError, Enough,
    Explanation, Exploration, Halted, Limits, Meter, Observation, Opening, Options, Order, Played,
    PreemptionCost, Progress, Replay, ReplayError, SliceFound, SliceOf, Step, Witness,
};
use stalemap_facade::{ActorId, Branch, Calls, Property};
use stalemap_model::system::kernel::Kernel;
pub use stalemap_threads::{follow_with_shuttle, run_loom, run_shuttle};

/// [`stalemap_explore::explore`].
#[inline(never)]
pub fn explore(
    kernel: &Kernel,
    options: &Options,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Exploration, EngineError> {
    stalemap_explore::explore(kernel, options, progress)
}

/// [`stalemap_explore::explore_accepted`].
#[inline(never)]
pub fn explore_accepted(
    kernel: &Kernel,
    options: &Options,
    accepts: &dyn Fn(&Calls) -> bool,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Result<Exploration, Calls>, EngineError> {
    stalemap_explore::explore_accepted(kernel, options, accepts, progress)
}

/// [`stalemap_explore::explore_checkpointed`].
#[inline(never)]
pub fn explore_checkpointed(
    kernel: &Kernel,
    options: &Options,
    accepts: &dyn Fn(&Calls) -> bool,
    checkpointer: &mut dyn Checkpointer,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Result<Exploration, Calls>, EngineError> {
    stalemap_explore::explore_checkpointed(kernel, options, accepts, checkpointer, progress)
}

/// [`stalemap_explore::explore_slice`].
#[inline(never)]
pub fn explore_slice(
    kernel: &Kernel,
    options: &Options,
    accepts: &dyn Fn(&Calls) -> bool,
    enough: Enough,
    slice: SliceOf,
    is_stopped: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Result<Option<SliceFound>, Calls>, EngineError> {
    stalemap_explore::explore_slice(kernel, options, accepts, enough, slice, is_stopped, progress)
}

/// [`stalemap_explore::is_cut`].
#[inline(never)]
pub fn is_cut(kernel: &Kernel, options: &Options, enough: Enough) -> Result<bool, EngineError> {
    stalemap_explore::is_cut(kernel, options, enough)
}

/// [`stalemap_explore::explore_cycles`].
#[inline(never)]
pub fn explore_cycles(kernel: &Kernel, options: &Options) -> Result<Exploration, EngineError> {
    stalemap_explore::explore_cycles(kernel, options)
}

/// [`stalemap_explore::contacts`].
#[inline(never)]
pub fn contacts(kernel: &Kernel, limits: &Limits) -> Result<Contacts, EngineError> {
    stalemap_explore::contacts(kernel, limits)
}

/// [`stalemap_explore::effects`].
#[inline(never)]
pub fn effects(kernel: &Kernel, limits: &Limits) -> Result<Effects, EngineError> {
    stalemap_explore::effects(kernel, limits)
}

/// [`stalemap_explore::cost_graph`].
#[inline(never)]
pub fn cost_graph(kernel: &Kernel, meter: &dyn Meter, limits: &Limits) -> Result<CostGraph, EngineError> {
    stalemap_explore::cost_graph(kernel, meter, limits)
}

/// [`stalemap_explore::cost_way`].
#[inline(never)]
pub fn cost_way(kernel: &Kernel, moves: &[CostMove]) -> Result<Vec<Choice>, EngineError> {
    stalemap_explore::cost_way(kernel, moves)
}

/// [`stalemap_explore::set_up`].
#[inline(never)]
pub fn set_up(kernel: &Kernel) -> Result<Calls, EngineError> {
    stalemap_explore::set_up(kernel)
}

/// [`stalemap_explore::watch_opening`].
#[inline(never)]
pub fn watch_opening(kernel: &Kernel) -> Result<Opening, EngineError> {
    stalemap_explore::watch_opening(kernel)
}

/// [`stalemap_explore::halted_setup`].
#[inline(never)]
pub fn halted_setup(kernel: &Kernel) -> Result<Option<Halted>, EngineError> {
    stalemap_explore::halted_setup(kernel)
}

/// [`stalemap_explore::minimal_counterexample`].
#[inline(never)]
pub fn minimal_counterexample(
    kernel: &Kernel,
    property: Property,
    limits: &Limits,
) -> Result<Option<Counterexample>, EngineError> {
    stalemap_explore::minimal_counterexample(kernel, property, limits)
}

/// [`stalemap_explore::cheapest_counterexample`].
#[inline(never)]
pub fn cheapest_counterexample(
    kernel: &Kernel,
    property: Property,
    limits: &Limits,
    cost_of: PreemptionCost<'_>,
) -> Result<Option<Counterexample>, EngineError> {
    stalemap_explore::cheapest_counterexample(kernel, property, limits, cost_of)
}

/// [`Counterexample::as_found`].
#[inline(never)]
pub fn counterexample_as_found(kernel: &Kernel, way: &[Choice]) -> Result<Counterexample, EngineError> {
    Counterexample::as_found(kernel, way)
}

/// [`stalemap_explore::way_to_end`].
#[inline(never)]
pub fn way_to_end(kernel: &Kernel, end: &End, limits: &Limits) -> Result<Option<Vec<Choice>>, EngineError> {
    stalemap_explore::way_to_end(kernel, end, limits)
}

/// [`stalemap_explore::least_witness`].
#[inline(never)]
pub fn least_witness(kernel: &Kernel, branch: Branch, limits: &Limits) -> Result<Witness, EngineError> {
    stalemap_explore::least_witness(kernel, branch, limits)
}

/// [`stalemap_explore::least_end`].
#[inline(never)]
pub fn least_end(
    kernel: &Kernel,
    wanted: &dyn Fn(&str) -> bool,
    limits: &Limits,
) -> Result<Witness, EngineError> {
    stalemap_explore::least_end(kernel, wanted, limits)
}

/// [`stalemap_explore::explain`].
#[inline(never)]
pub fn explain(
    kernel: &Kernel,
    observation: &dyn Observation<Position = Vec<u64>>,
    limits: &Limits,
) -> Result<Explanation<Vec<u64>>, EngineError> {
    stalemap_explore::explain(kernel, observation, limits)
}

/// [`stalemap_explore::replay`].
#[inline(never)]
pub fn replay(kernel: &Kernel, steps: &[Step]) -> Result<Replay, ReplayError> {
    stalemap_explore::replay(kernel, steps)
}

/// [`stalemap_explore::choices`].
#[inline(never)]
pub fn choices(kernel: &Kernel, steps: &[Step]) -> Result<Vec<Choice>, ReplayError> {
    stalemap_explore::choices(kernel, steps)
}

/// [`stalemap_explore::orders`].
#[inline(never)]
pub fn orders(
    kernel: &Kernel,
    steps: &[Step],
    played: &[Played],
    property: Property,
) -> Result<Vec<Order>, ReplayError> {
    stalemap_explore::orders(kernel, steps, played, property)
}

/// [`stalemap_explore::serial`].
#[inline(never)]
pub fn serial(kernel: &Kernel, order: &[ActorId]) -> Result<Option<Vec<Step>>, EngineError> {
    stalemap_explore::serial(kernel, order)
}

/// [`stalemap_explore::finished`].
#[inline(never)]
pub fn finished(kernel: &Kernel, steps: &[Step]) -> Result<Option<Vec<Step>>, ReplayError> {
    stalemap_explore::finished(kernel, steps)
}

/// [`stalemap_explore::adapted`].
#[inline(never)]
pub fn adapted(kernel: &Kernel, steps: &[Step]) -> Result<Option<Vec<Step>>, ReplayError> {
    stalemap_explore::adapted(kernel, steps)
}
