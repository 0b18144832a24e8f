//! A plan of the lab, for people and for programs.

use serde_json::{Value, json};
use stalemap_facade::Property;
use stalemap_model::words::geometry::{ByteRange, Bytes};

use crate::lab::places::Race;
use crate::lab::plan::{
    Answer, At, Call, Contents, Hold, Left, Part, Plan, Turn, Unforced, Value as Holds, Whom,
};
use crate::wrap::{fill, hung};

/// Text in so many columns.
struct Lines {
    text: String,
    columns: usize,
}

impl Lines {
    /// What begins at the margin.
    fn say(&mut self, what: &str) {
        self.text.push_str(&fill(what, self.columns, 2).join("\n"));
        self.text.push('\n');
    }

    /// What stands behind what it is of.
    fn hang(&mut self, of: &str, what: &str) {
        self.text.push_str(&hung(of, what, Some(self.columns)));
    }

    /// Lines below a title.
    fn list(&mut self, title: &str, lines: &[String]) {
        self.say(title);
        for line in lines {
            self.hang(INDENT, line);
        }
    }
}

/// What stands before a line of a list.
const INDENT: &str = "      ";

/// The plan, for people, in so many columns.
pub fn text(plan: &Plan, columns: usize) -> String {
    let mut text = Lines { text: String::new(), columns };
    text.say(&format!("{} on {}", plan.scenario, plan.shows()));
    text.say(&plan.title);
    text.text.push('\n');
    text.list("first, alone", &plan.setup_lines);
    for (task, lines) in plan.tasks.iter().zip(&plan.task_lines) {
        text.list(&format!("task {}", task.name), lines);
    }
    if plan.moved_up > 0 {
        let up = Bytes(plan.moved_up);
        text.say(&format!("all offsets are moved up by {up}, behind what makes a batch of writeback full"));
    }
    if plan.holds.is_empty() {
        text.say("nobody is held");
    } else {
        text.say("held");
    }
    for (number, hold) in plan.holds.iter().enumerate() {
        text.hang(&format!("{INDENT}{}  ", letter(number)), &self::hold(plan, hold));
    }
    text.say("the order");
    for (number, turn) in plan.turns.iter().enumerate() {
        text.hang(&format!("{:>4}  ", number + 1), &self::turn(plan, *turn));
    }
    unforced(&mut text, plan);
    places(&mut text, plan);
    results(&mut text, plan);
    text.text
}

/// What is predicted, and of what it differs from.
fn results(text: &mut Lines, plan: &Plan) {
    left(text, plan, "the model predicts", &plan.predicted);
    if let Some((variant, beside)) = plan.beside.as_ref().filter(|(_, beside)| *beside != plan.predicted) {
        let with = match variant.design() {
            None => "and of the kernel as it is".to_owned(),
            Some(design) => format!("and with the check of design {design}"),
        };
        left(text, plan, &with, beside);
    }
    let order: Vec<&str> = plan.control.iter().map(|task| plan.tasks[*task].name.as_str()).collect();
    let control = format!("and for the control, one after the other ({})", order.join(", "));
    left(text, plan, &control, &plan.predicted_control);
}

fn unforced(text: &mut Lines, plan: &Plan) {
    if plan.unforced.is_empty() {
        text.say("whoever could go on, and does not, is held; who waits goes on as soon as it can");
        orders(text, &plan.eager);
        return;
    }
    text.say("not forced; play it in a loop (`--natural`)");
    orders(text, &plan.unforced);
    orders(text, &plan.eager);
}

fn orders(text: &mut Lines, orders: &[Unforced]) {
    for order in orders {
        text.hang(INDENT, &format!("step {}, {}: {}: {}", order.step + 1, order.actor, order.op, order.why));
    }
}

/// A hold in a sentence, behind the letter that the turns call it by.
fn hold(plan: &Plan, hold: &Hold) -> String {
    let whom = match hold.whom {
        Whom::Task(task) => plan.tasks[task].name.as_str(),
        Whom::Worker => "a kworker",
    };
    let side = match hold.at {
        At::Before => "before",
        At::After => "after",
        At::SizeStore => "before i_size is stored in",
    };
    let nth = if hold.nth == 1 { String::new() } else { format!(", call {}", hold.nth) };
    let folio = hold
        .folio
        .map_or_else(String::new, |(file, index)| format!(" of folio {index} of {}", plan.files[file]));
    format!("{whom}, {side} {}{folio}{nth}", hold.function)
}

fn letter(number: usize) -> String {
    char::from_digit(number as u32 + 10, 36)
        .map_or_else(|| number.to_string(), |c| c.to_uppercase().to_string())
}

/// A turn in a sentence.
fn turn(plan: &Plan, turn: Turn) -> String {
    let task = |task: usize| plan.tasks[task].name.as_str();
    let line = |task: usize, command: usize| {
        plan.task_lines[task].get(command).map_or_else(String::new, |line| format!("`{line}`"))
    };
    match turn {
        Turn::Arm(hold) => format!("hold {} is set", letter(hold)),
        Turn::Begin(who, command) => format!("{} begins {}", task(who), line(who, command)),
        Turn::UntilHeld(hold) => format!("wait until somebody is held by {}", letter(hold)),
        Turn::UntilDone(who, command) => {
            format!("wait until {} is through with {}", task(who), line(who, command))
        }
        Turn::UntilWaits(who) => format!("wait until {} sleeps, waiting for somebody else", task(who)),
        Turn::UntilWritten => "wait until nothing is under writeback".to_owned(),
        Turn::Release(hold) => format!("let go on who is held by {}", letter(hold)),
        Turn::KeepWrites => "from here on, writes do not reach the disk".to_owned(),
        Turn::LetWrites => "let those reach it that were kept".to_owned(),
        Turn::Kill(who) => format!("kill {}: it finds the signal when it goes on", task(who)),
        Turn::UntilReturned(hold) => format!("wait until the call held by {} has returned", letter(hold)),
        Turn::Crash => "power is lost".to_owned(),
        Turn::DropSource(who) => format!("what {} writes from is not resident any more", task(who)),
    }
}

fn left(text: &mut Lines, plan: &Plan, title: &str, left: &Left) {
    text.say(title);
    let stages = [
        ("in cache", left.cached.as_deref()),
        ("after fsync", left.stable.as_deref()),
        ("mounted anew", Some(&left.remounted[..])),
    ];
    for (stage, files) in stages {
        for (name, contents) in plan.files.iter().zip(files.unwrap_or_default()) {
            text.hang(&format!("{INDENT}{stage:<13}  "), &format!("{name}: {}", contents_of(contents)));
        }
    }
    for call in left.calls.iter().filter(|call| call.failed || !call.gave.is_empty()) {
        let line = plan.task_lines[call.task].get(call.command).map_or("", String::as_str);
        let of = format!("{INDENT}{:<13}  ", plan.tasks[call.task].name);
        text.hang(&of, &format!("`{line}`: {}", returned(call)));
    }
}

/// What a call returns.
fn returned(call: &Call) -> String {
    let answer = |answer: &Answer| match answer {
        Answer::Bytes(contents) => contents_of(contents),
        Answer::Place(None) => "ENXIO".to_owned(),
        Answer::Place(Some(place)) => Bytes(*place).to_string(),
    };
    if call.failed {
        return "an error, or less than was asked for".to_owned();
    }
    call.gave.iter().map(answer).collect::<Vec<_>>().join("; ")
}

fn contents_of(contents: &Contents) -> String {
    if contents.parts.is_empty() {
        return "empty".to_owned();
    }
    let part = |part: &Part| format!("{} {}", ByteRange(part.bytes.start, part.bytes.end), value(part.value));
    contents.parts.iter().map(part).collect::<Vec<_>>().join(", ")
}

fn value(value: Holds) -> String {
    match value {
        Holds::Byte(byte) => format!("{byte:02x}"),
        Holds::Device => "what the device had".to_owned(),
        Holds::Memory => "what the page had".to_owned(),
        Holds::Unknown => "?".to_owned(),
    }
}

/// Whether rounds of a loop may have many places, which matters where an order is not forced.
fn places(text: &mut Lines, plan: &Plan) {
    let Some(why) = Race::from(plan).one_alone().filter(|_| !plan.unforced.is_empty()) else { return };
    text.say(&format!("a round of the loop has one place (no `--places`): {why}"));
}

/// The plan, for programs.
pub fn json(plan: &Plan) -> String {
    let document = json!({
        "schema": "stalemap.plan/1",
        "scenario": plan.scenario,
        "kernel": plan.kernel,
        "design": plan.variant.design(),
        "property": plan.property.map(Property::name),
        "counterexample_to": plan.counterexample_to.map(|of| of.design().unwrap_or("the kernel as it is")),
        "files": plan.files,
        "setup": plan.setup_lines,
        "tasks": plan.tasks.iter().zip(&plan.task_lines)
            .map(|(task, lines)| json!({ "name": task.name, "run": lines })).collect::<Vec<_>>(),
        "holds": plan.holds.iter().map(|hold| hold_value(plan, hold)).collect::<Vec<_>>(),
        "turns": plan.turns.iter().map(|turn| turn_value(*turn)).collect::<Vec<_>>(),
        "unforced": plan.unforced.iter().map(order_value).collect::<Vec<_>>(),
        "eager": plan.eager.iter().map(order_value).collect::<Vec<_>>(),
        "one_place": Race::from(plan).one_alone(),
        "control": plan.control,
        "predicted": left_value(plan, &plan.predicted),
        "predicted_control": left_value(plan, &plan.predicted_control),
        "beside": plan.beside.as_ref().map(|(variant, left)| {
            json!({ "design": variant.design(), "predicted": left_value(plan, left) })
        }),
    });
    super::json::pretty(&document)
}

fn order_value(order: &Unforced) -> Value {
    json!({ "step": order.step + 1, "actor": order.actor, "op": order.op, "why": order.why })
}

fn hold_value(plan: &Plan, hold: &Hold) -> Value {
    json!({
        "task": match hold.whom { Whom::Task(task) => Some(&plan.tasks[task].name), Whom::Worker => None },
        "function": hold.function,
        "at": match hold.at { At::Before => "before", At::After => "after", At::SizeStore => "i_size" },
        "nth": hold.nth,
        "folio": hold.folio.map(|(file, index)| json!({ "file": plan.files[file], "index": index })),
    })
}

fn turn_value(turn: Turn) -> Value {
    match turn {
        Turn::Arm(hold) => json!({ "arm": hold }),
        Turn::Begin(task, command) => json!({ "begin": task, "command": command }),
        Turn::UntilHeld(hold) => json!({ "until_held": hold }),
        Turn::UntilDone(task, command) => json!({ "until_done": task, "command": command }),
        Turn::UntilWaits(task) => json!({ "until_waits": task }),
        Turn::UntilWritten => json!("until_written"),
        Turn::Release(hold) => json!({ "release": hold }),
        Turn::KeepWrites => json!("keep_writes"),
        Turn::LetWrites => json!("let_writes"),
        Turn::Kill(task) => json!({ "kill": task }),
        Turn::UntilReturned(hold) => json!({ "until_returned": hold }),
        Turn::Crash => json!("crash"),
        Turn::DropSource(task) => json!({ "drop_source": task }),
    }
}

fn left_value(plan: &Plan, left: &Left) -> Value {
    let files = |files: &[Contents]| -> Value {
        plan.files.iter().zip(files).map(|(name, contents)| (name.clone(), json!(parts(contents)))).collect()
    };
    json!({
        "cached": left.cached.as_deref().map(files),
        "stable": left.stable.as_deref().map(files),
        "remounted": files(&left.remounted),
        "calls": left.calls.iter().map(|call| call_value(plan, call)).collect::<Vec<_>>(),
    })
}

fn parts(contents: &Contents) -> Vec<Value> {
    let part = |part: &Part| json!([part.bytes.start, part.bytes.end, value(part.value)]);
    contents.parts.iter().map(part).collect()
}

fn call_value(plan: &Plan, call: &Call) -> Value {
    let answer = |answer: &Answer| match answer {
        Answer::Bytes(contents) => json!({ "bytes": parts(contents) }),
        Answer::Place(place) => json!({ "place": place }),
    };
    json!({
        "task": plan.tasks[call.task].name,
        "command": call.command,
        "failed": call.failed,
        "gave": call.gave.iter().map(answer).collect::<Vec<_>>(),
    })
}
