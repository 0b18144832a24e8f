//! A plan as one C program: what the tasks of a schedule do, as system calls, and the turns that bring them in its order.
//!
//! The program is generated in its middle and fixed around it. Generated are the files, a function for each task and the
//! list of turns, to be read by who looks for the race; fixed is what they are written in (`lab/program/`): what a call does,
//! how a task waits at its gate, how what is left is compared with the model's prediction. All of it is one file,
//! since that can be mailed, and compiled anywhere. docs/lab.md says how it is run.

mod fixed;
mod head;
mod statement;
mod tables;
mod text;
mod unsayable;
mod words;

use std::fmt::Write as _;

use stalemap_model::words::config::FileCommand;

use self::statement::Place;
use self::text::comment_line;
pub use self::unsayable::unsayable;
use crate::lab::plan::Plan;

/// What stands above the part that is the plan's own.
const RACE: &str = "the race";

/// Why the program of a plan is not handed out; `None` where it is.
pub fn withheld(plan: &Plan) -> Option<&'static str> {
    plan.touches_others.then_some(
        "it overwrites a block of another file, or a free one; `lab run` plays it in a guest, on files of its own",
    )
}

/// The program of a plan, for which [`unsayable`] has no reason.
pub fn program(plan: &Plan) -> String {
    let mut text = head::comment(plan);
    text.push_str(&fixed::before(plan));
    text.push_str(&generated(plan));
    text.push_str(&fixed::after());
    text
}

/// The part of the program that is the plan's own.
pub fn generated(plan: &Plan) -> String {
    let mut text = format!("/* ---- {RACE} ---- */\n\n");
    text.push_str(&tables::numbers(plan));
    text.push_str(&tables::files(plan));
    text.push_str(&function(plan, "setup_call", "What is done first, alone.", &plan.setup, Place::Setup));
    for (number, task) in plan.tasks.iter().enumerate() {
        text.push_str(&function(plan, &format!("task_{number}"), &task.name, &task.run, Place::Task));
    }
    text.push_str(&tables::tasks(plan));
    text.push_str(&tables::holds(plan));
    text.push_str(&tables::turns(plan));
    text.push_str(&tables::predictions(plan));
    text
}

/// The system calls of a task, one a number.
fn function(plan: &Plan, name: &str, what: &str, run: &[FileCommand], place: Place) -> String {
    let mut cases = String::new();
    for (number, call) in run.iter().enumerate() {
        let _ = writeln!(cases, "\tcase {number}: /* {} */", comment_line(&words::of(plan, call)));
        for line in statement::of(plan, call, place).unwrap_or_default() {
            let _ = writeln!(cases, "\t\t{line}");
        }
        cases.push_str("\t\tbreak;\n");
    }
    let unused = if cases.contains("task,") || cases.contains("task)") { "" } else { "\t(void)task;\n" };
    let body = if cases.is_empty() {
        "\t(void)number;\n".to_owned()
    } else {
        format!("\tswitch (number) {{\n{cases}\t}}\n")
    };
    let what = comment_line(what);
    format!("/* {what} */\nstatic void {name}(struct task *task, int number)\n{{\n{unused}{body}}}\n\n")
}
