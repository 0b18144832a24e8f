//! ftrace text, laid out like `trace-cmd report`, with the first line of /sys/kernel/tracing/trace.
//!
//! Each step is a line of the trace marker with its operation, followed by the kernel's tracepoints that it hits. A step
//! takes a millisecond, since the model knows an order and no times; every actor has a processor of its own.

use crate::annotate::events;
use std::fmt::Write as _;

use stalemap_facade::Event;

use super::{cpu, pid, word};
use crate::annotate::AnnotatedSchedule;
use crate::report::cause::{self, Ending};

/// The longest name of a task (TASK_COMM_LEN - 1).
const COMM: usize = 15;
/// Microseconds of a step.
const STEP: usize = 1000;
/// How a trace begins: by this its readers know it.
const HEAD: &str = "\
# tracer: nop
#
#           TASK-PID   CPU#    TIMESTAMP  FUNCTION
#              | |       |          |         |
";
/// The event of the trace marker.
const MARKER: &str = "tracing_mark_write";

/// Who writes a line.
struct Task {
    comm: String,
    pid: usize,
    cpu: usize,
}

/// The trace of a schedule.
pub fn trace(schedule: &AnnotatedSchedule) -> String {
    let mut lines = Lines { text: HEAD.to_owned(), time: STEP };
    for (row, (played, step)) in schedule.replay.played.iter().zip(&schedule.steps).enumerate() {
        lines.time = (row + 1) * STEP;
        let name = word(&schedule.name(step.actor));
        let comm = name.chars().take(COMM).collect();
        let task = Task { comm, pid: pid(step.actor), cpu: cpu(schedule, step.actor) };
        lines.mark(&task, &format!("step {}: {}", row + 1, step.op));
        lines.events(&task, &played.events);
        step.notes.iter().for_each(|note| lines.mark(&task, note));
        step.violations.iter().for_each(|violation| lines.mark(&task, &format!("violated: {violation}")));
    }
    lines.time = (schedule.steps.len() + 1) * STEP;
    let task = Task { comm: "umount".to_owned(), pid: pid(schedule.replay.actors.len()), cpu: 0 };
    if let Some(epilogue) = &schedule.replay.epilogue {
        lines.events(&task, &epilogue.events);
    }
    for ending in &cause::ending(schedule) {
        match ending {
            Ending::Said(text) => lines.mark(&task, text),
            Ending::Violated(text) => lines.mark(&task, &format!("violated: {text}")),
        }
    }
    lines.text
}

struct Lines {
    text: String,
    /// Microseconds.
    time: usize,
}

impl Lines {
    fn events(&mut self, task: &Task, events: &[Event]) {
        for tracepoint in events.iter().filter_map(events::tracepoint) {
            self.line(task, tracepoint.name, &tracepoint.to_string());
        }
    }

    fn mark(&mut self, task: &Task, text: &str) {
        self.line(task, MARKER, text);
    }

    fn line(&mut self, task: &Task, event: &str, fields: &str) {
        let Task { comm, pid, cpu } = task;
        let (seconds, microseconds) = (self.time / 1_000_000, self.time % 1_000_000);
        let event = format!("{event}:");
        let _ = writeln!(
            self.text,
            "{comm:>16}-{pid:<5} [{cpu:03}] {seconds:>5}.{microseconds:06}: {event:<20} {fields}"
        );
        self.time += 1;
    }
}
