//! One line of a trace: who, where, when, which event, and its text.
//!
//! ```text
//!         wl-151     [001] .....     5.171593: xfs_ilock: dev 254:0 ino 0x83 …       tracefs
//!         wl-151     (    151) [001] d..1.     5.171593: xfs_ilock: …               with option record-tgid
//!         wl-151     [001]     5.171593: xfs_ilock:            dev 254:0 …          trace-cmd report
//! ```
//!
//! The name of a task may have anything in it, spaces and brackets, too; so the line is read from its number on.

use serde::Serialize;

/// A task, as its lines name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Task {
    /// The thread's number: this is who it is.
    pub pid: u32,
    /// Its name, which may change, and of which two tasks may have the same.
    pub comm: String,
}

/// What stands before an event's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The time, as it is printed: seconds, or ticks of a clock that has no seconds.
    pub time: String,
    /// The processor.
    pub cpu: u32,
    /// The task that was interrupted, if this came from an interrupt.
    #[serde(flatten)]
    pub task: Task,
}

impl Head {
    /// The time as numbers that can be compared within a trace: whole seconds, and billionths.
    pub(crate) fn order(&self) -> (u64, u64) {
        let (whole, part) = self.time.split_once('.').unwrap_or((&self.time, ""));
        let digits: String = part.chars().chain("000000000".chars()).take(9).collect();
        (whole.parse().unwrap_or(0), digits.parse().unwrap_or(0))
    }
}

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'t> {
    /// An event, by its name, with its text.
    Event(Head, &'t str, &'t str),
    /// The buffer of a processor was full: so many events are missing.
    Lost(u64),
    /// A header, an empty line.
    Nothing,
    /// None of these.
    Unreadable,
}

impl<'t> Line<'t> {
    pub(crate) fn read(text: &'t str) -> Self {
        let text = text.trim_end_matches(['\n', '\r']);
        let trimmed = text.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') || is_of_trace_cmd(trimmed) {
            return Line::Nothing;
        }
        if let Some(lost) = lost(trimmed) {
            return Line::Lost(lost);
        }
        event(text).unwrap_or(Line::Unreadable)
    }
}

/// What `trace-cmd report` says beside events.
fn is_of_trace_cmd(line: &str) -> bool {
    let says_of_cpu = line.strip_prefix("CPU ").is_some_and(|rest| rest.ends_with(" is empty"));
    says_of_cpu || line.starts_with("cpus=") || line.starts_with("version = ")
}

/// `CPU:1 [LOST 12 EVENTS]` of tracefs, `CPU:1 [12 EVENTS DROPPED]` or, when it does not know how many,
/// `CPU:1 [EVENTS DROPPED]` of trace-cmd.
fn lost(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("CPU:")?;
    let (_, inside) = rest.strip_suffix(']')?.split_once(" [")?;
    if inside == "EVENTS DROPPED" {
        return Some(1);
    }
    let number = inside.strip_prefix("LOST ").and_then(|rest| rest.strip_suffix(" EVENTS"));
    number.or_else(|| inside.strip_suffix(" EVENTS DROPPED"))?.parse().ok()
}

fn event(line: &str) -> Option<Line<'_>> {
    line.match_indices('[').find_map(|(at, _)| {
        let (cpu, rest) = line[at + 1..].split_once(']')?;
        if cpu.len() < 3 || !is_number(cpu) || !rest.starts_with(' ') {
            return None;
        }
        let task = task(&line[..at])?;
        let (time, rest) = time(rest)?;
        let (name, text) = rest.trim_start().split_once(':')?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let named = !name.is_empty() && name.chars().all(is_name);
        let head = Head { time: time.to_owned(), cpu: cpu.parse().ok()?, task };
        named.then(|| Line::Event(head, name, text.strip_prefix(' ').unwrap_or(text)))
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `comm-pid`, with the number of the process in parentheses behind it or not.
fn task(text: &str) -> Option<Task> {
    let mut text = text.trim();
    if let Some((before, process)) = text.strip_suffix(')').and_then(|inside| inside.rsplit_once('(')) {
        let process = process.trim();
        if is_number(process) || process.bytes().all(|byte| byte == b'-') {
            text = before.trim_end();
        }
    }
    let (comm, pid) = text.rsplit_once('-')?;
    if !is_number(pid) || comm.is_empty() {
        return None;
    }
    Some(Task { comm: comm.to_owned(), pid: pid.parse().ok()? })
}

/// The time, behind the flags of the interrupted context if they are there. They have neither a colon at their end nor, in front, a
/// digit alone.
fn time(text: &str) -> Option<(&str, &str)> {
    let first = text.trim_start();
    let (word, rest) = first.split_once(' ')?;
    let (word, rest) = if word.ends_with(':') { (word, rest) } else { rest.trim_start().split_once(' ')? };
    let time = word.strip_suffix(':')?;
    let (whole, part) = time.split_once('.').unwrap_or((time, "0"));
    (is_number(whole) && is_number(part)).then_some((time, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (String, u32, u32, String, String, String) {
        let Line::Event(head, name, text) = Line::read(line) else {
            panic!("{line}: {:?}", Line::read(line))
        };
        (head.task.comm, head.task.pid, head.cpu, head.time, name.to_owned(), text.to_owned())
    }

    fn expected(comm: &str) -> (String, u32, u32, String, String, String) {
        let owned = str::to_owned;
        (owned(comm), 151, 1, owned("5.171593"), owned("xfs_ilock"), owned("dev 254:0 ino 0x83"))
    }

    #[test]
    fn lines_of_every_tool_are_read() {
        for line in [
            "      wl-151     [001] .....     5.171593: xfs_ilock: dev 254:0 ino 0x83",
            "      wl-151     [001] d.h2.     5.171593: xfs_ilock: dev 254:0 ino 0x83\n",
            "      wl-151     [001]     5.171593: xfs_ilock: dev 254:0 ino 0x83\r\n",
            "      wl-151     (    151) [001] .....     5.171593: xfs_ilock: dev 254:0 ino 0x83",
            "      wl-151     (-------) [001] .....     5.171593: xfs_ilock: dev 254:0 ino 0x83",
        ] {
            assert_eq!(read(line), expected("wl"), "{line}");
        }
        for comm in ["kworker/u4:1", "a b-7 [0]", "<idle>", "a (b) c", "x [000]", "- [12]-", "ä"] {
            let line = format!("   {comm}-151   [001] .....     5.171593: xfs_ilock: dev 254:0 ino 0x83");
            assert_eq!(read(&line), expected(comm));
        }
        let padded = read(" wl-151  [001]  5.171593: xfs_ilock:            dev 254:0");
        assert_eq!(padded.5.trim_start(), "dev 254:0");
        assert_eq!(read(" wl-151  [001] .... 517: xfs_ilock: dev").3, "517", "a clock without seconds");
        assert_eq!(read(" wl-151  [001] .... 5.1: tracing_mark_write: a [002] b: c").4, "tracing_mark_write");
    }

    #[test]
    fn what_is_no_event_is_told_apart() {
        for line in ["", "  \n", "# tracer: nop", "cpus=2", "version = 7", "CPU 0 is empty"] {
            assert_eq!(Line::read(line), Line::Nothing, "{line}");
        }
        assert_eq!(Line::read("CPU:1 [LOST 123 EVENTS]"), Line::Lost(123));
        assert_eq!(Line::read("CPU:0 [7 EVENTS DROPPED]\n"), Line::Lost(7));
        assert_eq!(Line::read("CPU:0 [EVENTS DROPPED]\n"), Line::Lost(1));
        for line in [
            "wl-151",
            "wl-151 [001]",
            "wl-151 [001] .....",
            "wl-151 [001] ..... 5.1:",
            "wl-151 [001] ..... 5.1: name",
            "wl [001] ..... 5.1: name: text",
            "wl-151 [1] ..... 5.1: name: text",
            "wl-151 [001] ..... 5,1: name: text",
            "wl-99999999999 [001] ..... 5.1: name: text",
            "write(3, \"x\", 1) = 1",
        ] {
            assert_eq!(Line::read(line), Line::Unreadable, "{line}");
        }
    }
}
