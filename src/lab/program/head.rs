//! The comment at the head of the program: what race it is, how it is run, and what of the schedule it cannot force.

use std::fmt::Write as _;

use super::text::comment_line;
use crate::lab::plan::{Plan, Unforced};
use crate::wrap::wrap;

use super::RACE;

/// Columns of the comment.
const WIDTH: usize = 100;

/// The comment.
pub(super) fn comment(plan: &Plan) -> String {
    let mut paragraphs = vec![
        format!("{}: {}", plan.scenario, plan.title),
        format!("{}.", plan.shows()),
        format!("The race itself stands below \"{RACE}\"."),
        "cc -O1 -Wall -static -pthread -o race race.c; race DIR forced, control or natural; race --help says more."
            .to_owned(),
    ];
    if !plan.unforced.is_empty() {
        paragraphs.push("What of the schedule nothing forces:".to_owned());
    }
    let unforced =
        |step: &Unforced| format!("step {}, {}, {}: {}", step.step + 1, step.actor, step.op, step.why);
    paragraphs.extend(plan.unforced.iter().map(unforced));
    let mut text = "// SPDX-License-Identifier: GPL-2.0 OR MIT\n/*\n".to_owned();
    for paragraph in paragraphs {
        for line in wrap(&comment_line(&paragraph), WIDTH, 0) {
            let _ = writeln!(text, " * {}", line.trim_end());
        }
    }
    text.push_str(" */\n");
    text
}
