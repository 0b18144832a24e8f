//! A plan without holds: the tasks one after the other, each command begun when the one before it is done.
//!
//! It forces no order within a call, so that its forced run is but another control. What it is for is its control and its
//! natural rounds.

use stalemap_explore::EngineError;
use stalemap_facade::Property;
use stalemap_model::words::config::Config;

use super::plan::{Contents, Left, Order, Part, Plan, Turn, Value};
use super::undisturbed::undisturb;
use super::variant::Variant;
use crate::annotate::expected;

/// What a plan is about.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The scenario's name.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// The kernel or design.
    pub kernel: String,
    /// What the schedule violates.
    pub property: Option<Property>,
}

/// The plan of a system. `order` names tasks by their places, in the order in which they come, as often as one likes; those
/// that it leaves out come behind. An error is one of an engine, in a run of the control.
pub fn plan(config: &Config, order: &[usize], about: About) -> Result<Plan, EngineError> {
    let mut control: Vec<usize> = Vec::new();
    for task in order.iter().copied().chain(0..config.actors.len()) {
        if task < config.actors.len() && !control.contains(&task) {
            control.push(task);
        }
    }
    let commands = |task: usize| (0..config.actors[task].run.len()).map(move |command| (task, command));
    let both = |(task, command)| [Turn::Begin(task, command), Turn::UntilDone(task, command)];
    let mut turns: Vec<Turn> = control.iter().copied().flat_map(commands).flat_map(both).collect();
    if config.judges_crashes() {
        turns.push(Turn::Crash);
    }
    let predicted_control = left_in_any_order(config)?;
    Ok(Plan {
        scenario: about.scenario,
        title: about.title,
        kernel: about.kernel,
        property: about.property,
        counterexample_to: None,
        order: Order::Commands,
        touches_others: false,
        block: config.block,
        folio: config.folio,
        fs: config.fs.unnoted().clone(),
        moved_up: 0,
        files: config.files.clone(),
        buffers: config.buffers.clone(),
        setup: config.setup.clone(),
        variant: Variant::Stock,
        setup_lines: Vec::new(),
        task_lines: vec![Vec::new(); config.actors.len()],
        tasks: config.actors.clone(),
        holds: Vec::new(),
        turns,
        control,
        unforced: Vec::new(),
        eager: Vec::new(),
        predicted: Left::default(),
        beside: None,
        lost_in_control: false,
        in_any_order: predicted_control.clone(),
        predicted_control,
    })
}

/// What is left in whatever order the tasks come, one after the other; nothing is known where power is lost.
pub(super) fn left_in_any_order(config: &Config) -> Result<Left, EngineError> {
    let part = |part: &expected::Part| Part {
        bytes: part.bytes.clone(),
        value: part.value.map_or(Value::Unknown, Value::Byte),
    };
    let file = |contents: &expected::Contents| Contents { parts: contents.parts.iter().map(part).collect() };
    let mut config = config.clone();
    undisturb(&mut config.actors);
    let Some(files) = expected::contents(&config)? else { return Ok(Left::default()) };
    let stable: Vec<Contents> = files.iter().map(file).collect();
    // What is read depends on the order.
    Ok(Left {
        calls: Vec::new(),
        cached: Some(stable.clone()),
        stable: Some(stable.clone()),
        remounted: stable,
    })
}
