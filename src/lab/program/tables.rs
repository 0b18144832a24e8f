//! The tables of the program: files, tasks, holds, turns, and what the model predicts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use stalemap_model::words::command::Command;
use stalemap_model::words::command::facts::FaultKind;
use stalemap_model::words::config::FileCommand;
use stalemap_model::words::personality::Hooks;

use super::statement::pattern;
use super::text::{literal, number};
use super::{fixed, words};
use crate::lab::places::Race;
use crate::lab::plan::{
    At, Contents, DEVICE_PATTERN, Hold, Left, MEMORY_PATTERN, Order, Plan, Turn, Value, Whom,
};

/// Bytes of a task's name, without the 0 at its end (`TASK_COMM_LEN`).
pub(super) const NAME_BYTES: usize = 15;

/// The name that a task has.
pub(super) fn short_name(name: &str) -> String {
    name.chars().take(NAME_BYTES).collect()
}

/// All commands, of the setup and the tasks.
fn calls(plan: &Plan) -> impl Iterator<Item = &FileCommand> {
    plan.setup.iter().chain(plan.tasks.iter().flat_map(|task| &task.run))
}

/// What the fixed part has to know before it: how much there is of everything.
pub(super) fn numbers(plan: &Plan) -> String {
    let crashes = plan.turns.contains(&Turn::Crash);
    let flushes = calls(plan).any(|call| call.command == Command::Shutdown { flush: true });
    // XFS_FSOP_GOING_FLAGS_LOGFLUSH and …_NOLOGFLUSH.
    let flags = if flushes || crashes { 1 } else { 2 };
    let has = |kind: FaultKind| {
        calls(plan).any(|call| call.command.fault().is_some_and(|fault| fault.kind == kind))
    };
    let control_crashes =
        !plan.predicted_control.remounted.is_empty() && plan.predicted_control.cached.is_none();
    let may_fail = plan.setup.iter().filter(|call| call.may_fail).count();
    let about = format!("{}: {}", plan.scenario, plan.title);
    let numbers = [
        ("ABOUT", literal(about.trim_end_matches('.'))),
        ("FILES", plan.files.len().to_string()),
        ("BUFFERS", plan.buffers.len().to_string()),
        ("PATTERNS", patterns(plan).len().to_string()),
        ("SETUP_CALLS", plan.setup.len().to_string()),
        ("SETUP_MAY_FAIL", may_fail.to_string()),
        ("TASKS", plan.tasks.len().to_string()),
        ("HOLDS", plan.holds.len().to_string()),
        ("TURNS", plan.turns.len().to_string()),
        ("IS_SCHEDULE", i32::from(plan.order == Order::Schedule).to_string()),
        ("CRASHES", i32::from(crashes).to_string()),
        ("CONTROL_CRASHES", i32::from(crashes && control_crashes).to_string()),
        ("CRASH_FLAGS", flags.to_string()),
        ("DROPS_SOURCES", i32::from(has(FaultKind::Short)).to_string()),
        ("KILLS", i32::from(has(FaultKind::Kill)).to_string()),
        ("DEVICE_BYTE", format!("{DEVICE_PATTERN:#04x}")),
        ("ONE_PLACE", Race::from(plan).one_alone().map_or_else(|| "NULL".to_owned(), literal)),
    ];
    let mut text = String::new();
    for (name, value) in numbers {
        let _ = writeln!(text, "#define {name} {value}");
    }
    text.push('\n');
    text
}

/// The bytes that devices store into mapped pages, and how many at most.
fn patterns(plan: &Plan) -> BTreeMap<u8, u64> {
    let mut patterns = BTreeMap::new();
    for call in calls(plan) {
        if let Command::Dma { range, fill } = &call.command {
            let longest: &mut u64 = patterns.entry(*fill).or_default();
            *longest = (range.end - range.start).max(*longest);
        }
    }
    patterns
}

/// A table; C has no empty ones.
fn table(head: &str, rows: &[String], none: &str) -> String {
    let mut text = format!("{head} = {{\n");
    for row in rows {
        let _ = writeln!(text, "\t{row},");
    }
    if rows.is_empty() {
        let _ = writeln!(text, "\t{none}");
    }
    text.push_str("};\n\n");
    text
}

/// Files, the memory that tasks store to, and what devices read.
pub(super) fn files(plan: &Plan) -> String {
    let direct = fixed::direct(plan);
    let journals = i32::from(plan.fs.hooks == Hooks::Jdata);
    let sizes = Race::from(plan).sizes();
    let file = |(place, name): (usize, &String)| {
        let (name, direct) = (literal(name), i32::from(direct.contains(&place)));
        format!("{{ {name}, {direct}, {journals}, {}, -1, -1, 0 }}", number(sizes[place]))
    };
    let files: Vec<String> = plan.files.iter().enumerate().map(file).collect();
    let buffers: Vec<String> = (0..plan.buffers.len()).map(|place| buffer(plan, place)).collect();
    let pattern = |(byte, length): (u8, u64)| {
        format!("{{ {}, {}, {byte:#04x} }}", literal(&pattern(byte)), number(length))
    };
    let patterns: Vec<String> = patterns(plan).into_iter().map(pattern).collect();
    [
        table("static struct file files[]", &files, "{ 0 }"),
        table("static struct buffer buffers[]", &buffers, "{ 0, 0, NULL }"),
        table("static const struct pattern patterns[]", &patterns, "{ NULL, 0, 0 }"),
    ]
    .concat()
}

/// The memory that one write takes its data from.
fn buffer(plan: &Plan, place: usize) -> String {
    let mut writes = calls(plan).filter_map(|call| {
        let Command::Pwrite { buffer: Some(of), range, fill, .. } = &call.command else { return None };
        (usize::from(*of) == place).then_some((range.end - range.start, *fill))
    });
    let (length, fill) = writes.next().unwrap_or((0, 0));
    format!("{{ {}, {fill:#04x}, NULL }}", number(length))
}

/// The tasks, and in which order the control has them.
pub(super) fn tasks(plan: &Plan) -> String {
    let task = |(place, task): (usize, &stalemap_model::words::config::ActorConfig)| {
        let name = literal(&short_name(&task.name));
        format!("{{ .name = {name}, .calls = {}, .call = task_{place} }}", task.run.len())
    };
    let tasks: Vec<String> = plan.tasks.iter().enumerate().map(task).collect();
    let order: Vec<String> = plan.control.iter().map(ToString::to_string).collect();
    let order = format!("static const int control_order[TASKS] = {{ {} }};\n\n", order.join(", "));
    [table("static const struct task tasks_of_race[]", &tasks, "{ 0 }"), order].concat()
}

/// Where tasks are held.
pub(super) fn holds(plan: &Plan) -> String {
    let hold = |hold: &Hold| {
        let who = match hold.whom {
            Whom::Task(place) => {
                plan.tasks.get(place).map_or_else(String::new, |task| short_name(&task.name))
            }
            Whom::Worker => "[kernel]".to_owned(),
        };
        let (file, folio) = match hold.folio {
            Some((file, folio)) => (file.to_string(), folio),
            None => ("-1".to_owned(), 0),
        };
        let (function, nth) = (literal(hold.function), hold.nth);
        format!("{{ {}, {function}, \"{}\", {nth}, {file}, {folio} }}", literal(&who), side(hold.at))
    };
    let holds: Vec<String> = plan.holds.iter().map(hold).collect();
    table("static const struct hold holds[]", &holds, "{ NULL, NULL, NULL, 0, -1, 0 }")
}

fn side(at: At) -> &'static str {
    match at {
        At::Before => "before",
        At::After => "after",
        At::SizeStore => "i_size",
    }
}

/// What the main process does, in order.
pub(super) fn turns(plan: &Plan) -> String {
    let turn = |turn: &Turn| {
        let (what, of, call) = match *turn {
            Turn::Arm(hold) => ("ARM", hold, 0),
            Turn::Begin(task, call) => ("BEGIN", task, call),
            Turn::UntilHeld(hold) => ("UNTIL_HELD", hold, 0),
            Turn::UntilReturned(hold) => ("UNTIL_RETURNED", hold, 0),
            Turn::UntilDone(task, call) => ("UNTIL_DONE", task, call),
            Turn::UntilWaits(task) => ("UNTIL_WAITS", task, 0),
            Turn::Release(hold) => ("RELEASE", hold, 0),
            Turn::DropSource(task) => ("DROP_SOURCE", task, 0),
            Turn::Kill(task) => ("KILL", task, 0),
            Turn::KeepWrites => ("KEEP_WRITES", 0, 0),
            Turn::LetWrites => ("LET_WRITES", 0, 0),
            Turn::Crash => ("CRASH", 0, 0),
            Turn::UntilWritten => ("UNTIL_WRITTEN", 0, 0),
        };
        format!("{{ {what}, {of}, {call}, {} }}", literal(&turn_in_words(plan, *turn)))
    };
    let turns: Vec<String> = plan.turns.iter().map(turn).collect();
    table("static const struct turn turns[]", &turns, "{ BEGIN, 0, 0, \"\" }")
}

/// A turn, as a person says it.
fn turn_in_words(plan: &Plan, turn: Turn) -> String {
    let task = |place: usize| plan.tasks.get(place).map_or("?", |task| task.name.as_str());
    let call = |place: usize, call: usize| {
        let command = plan.tasks.get(place).and_then(|task| task.run.get(call));
        command.map_or_else(String::new, |command| words::of(plan, command))
    };
    let hold =
        |place: usize| plan.holds.get(place).map_or_else(String::new, |hold| hold_in_words(plan, hold));
    match turn {
        Turn::Arm(place) => format!("hold {place}: {}", hold(place)),
        Turn::Begin(place, number) => format!("{} begins: {}", task(place), call(place, number)),
        Turn::UntilHeld(place) => format!("until held: {}", hold(place)),
        Turn::UntilReturned(place) => format!("until the call has returned: {}", hold(place)),
        Turn::UntilDone(place, number) => format!("until {} is done: {}", task(place), call(place, number)),
        Turn::UntilWaits(place) => format!("until {} waits in the kernel", task(place)),
        Turn::Release(place) => format!("goes on: {}", hold(place)),
        Turn::DropSource(place) => format!("the source of {} is dropped from memory", task(place)),
        Turn::Kill(place) => format!("a fatal signal for {}", task(place)),
        Turn::KeepWrites => "writes do not reach the disk from here on".to_owned(),
        Turn::LetWrites => "those that were kept do".to_owned(),
        Turn::Crash => "power is lost".to_owned(),
        Turn::UntilWritten => "until nothing is under writeback".to_owned(),
    }
}

fn hold_in_words(plan: &Plan, hold: &Hold) -> String {
    let who = match hold.whom {
        Whom::Task(place) => plan.tasks.get(place).map_or("?", |task| task.name.as_str()),
        Whom::Worker => "a kworker",
    };
    let call = if hold.nth == 1 { String::new() } else { format!(", call {}", hold.nth) };
    let folio = match hold.folio {
        Some((_, folio)) => format!(", folio {folio}"),
        None => String::new(),
    };
    format!("{who}, {} {}{folio}{call}", side(hold.at), hold.function)
}

/// What the forced run leaves, the control, and the tasks in any order, for natural rounds.
pub(super) fn predictions(plan: &Plan) -> String {
    let orders = match &plan.in_any_order {
        unknown if unknown.remounted.is_empty() => &plan.predicted_control,
        orders => orders,
    };
    [
        left("predicted", &plan.predicted),
        left("predicted_control", &plan.predicted_control),
        left("left_in_any_order", orders),
    ]
    .concat()
}

fn left(name: &str, left: &Left) -> String {
    let mut text = String::new();
    let mut stage = |stage: &str, files: &[Contents]| {
        let mut rows = Vec::new();
        for (place, contents) in files.iter().enumerate() {
            let part = format!("{name}_{stage}_{place}");
            let parts: Vec<String> = contents.parts.iter().map(part_of).collect();
            text.push_str(&table(&format!("static const struct part {part}[]"), &parts, "{ 0, 0, BYTE, 0 }"));
            rows.push(format!("{{ {part}, {} }}", parts.len()));
        }
        text.push_str(&table(
            &format!("static const struct contents {name}_{stage}[]"),
            &rows,
            "{ NULL, 0 }",
        ));
        format!("{name}_{stage}")
    };
    let is_known = !left.remounted.is_empty();
    let mut known = |name: &str, files: Option<&Vec<Contents>>| {
        files.filter(|_| is_known).map_or_else(|| "NULL".to_owned(), |files| stage(name, files))
    };
    let cached = known("cached", left.cached.as_ref());
    let stable = known("stable", left.stable.as_ref());
    let remounted = known("remounted", Some(&left.remounted));
    let is_known = i32::from(is_known);
    let _ = write!(
        text,
        "static const struct left {name} = {{ {is_known}, {cached}, {stable}, {remounted} }};\n\n"
    );
    text
}

fn part_of(part: &crate::lab::plan::Part) -> String {
    let (kind, byte) = match part.value {
        Value::Byte(byte) => ("BYTE", byte),
        Value::Device => ("DEVICE", 0),
        Value::Memory => ("BYTE", MEMORY_PATTERN),
        Value::Unknown => ("ANYTHING", 0),
    };
    format!("{{ {}, {}, {kind}, {byte:#04x} }}", number(part.bytes.start), number(part.bytes.end))
}
