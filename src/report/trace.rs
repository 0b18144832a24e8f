//! What a trace of a real kernel shows, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;
use stalemap_trace::{Bytes, Counts, Harm, MapKind, Purpose, Traced, Window, Windows, WrongContents};

use super::json::pretty;
use super::style::{HEAD, styled};

/// A trace that was read.
pub struct Read {
    /// Its name, as it was given.
    pub file: String,
    /// The inode that it is about.
    pub inode: u64,
    /// The release, if the trace says it.
    pub kernel: Option<String>,
    /// The size of a block, in bytes.
    pub block: u64,
    /// What was understood.
    pub counts: Counts,
    /// The stale mappings.
    pub windows: Windows,
}

/// How many windows are shown if not all are asked for.
const MOST_SHOWN: usize = 20;

/// An event as a line of JSON.
pub fn line(traced: &Traced, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, traced)?;
    out.write_all(b"\n")
}

/// The document of `trace`.
pub fn json(read: &Read) -> String {
    pretty(&json!({
        "schema": "stalemap.trace/1",
        "file": read.file,
        "inode": read.inode,
        "kernel": read.kernel,
        "block": read.block,
        "counts": read.counts,
        "totals": read.windows.totals,
        "windows": read.windows.windows,
        "wrong_contents": read.windows.wrong_contents,
    }))
}

/// Why nothing can be said of a file.
pub fn nothing(counts: &Counts, asked: Option<u64>) -> String {
    if let (Some(asked), false) = (asked, counts.other_inodes.is_empty()) {
        let mut others: Vec<(&u64, &u64)> = counts.other_inodes.iter().collect();
        others.sort_by_key(|(_, events)| std::cmp::Reverse(**events));
        let most = others.iter().take(5).map(|(inode, events)| format!("{inode:#x} ({events} events)"));
        let most = most.collect::<Vec<_>>().join(", ");
        return format!("no event is of inode {asked:#x}; the trace has {most}");
    }
    if counts.events > 0 {
        let names: Vec<&str> = counts.unknown.keys().take(5).map(String::as_str).collect();
        return format!(
            "of its {} events none is about mappings, folios or extents of a file (there are {}); \
             `stalemap trace record` says which to take",
            counts.events,
            names.join(", ")
        );
    }
    let why = counts.first_unreadable.first().map_or_else(
        || "it has no events".to_owned(),
        |first| format!("line {} is not one of a trace: {}", first.line, first.why),
    );
    format!("{why}; the text of /sys/kernel/tracing/trace or of `trace-cmd report` is read")
}

/// For people.
pub fn text(read: &Read, all: bool) -> String {
    let mut text = head(read);
    understood(&mut text, &read.counts);
    totals(&mut text, read);
    let worth_showing =
        |window: &&Window| all || (!window.rejected && window.judgement.harm != Harm::Harmless);
    let numbered = read.windows.windows.iter().enumerate();
    let shown: Vec<(usize, &Window)> = numbered.filter(|(_, window)| worth_showing(window)).collect();
    let most = if all { shown.len() } else { shown.len().min(MOST_SHOWN) };
    for (n, window) in &shown[..most] {
        text.push('\n');
        self::window(&mut text, n + 1, window);
    }
    if most < shown.len() {
        let _ = writeln!(text, "\n{} more; --all shows them", shown.len() - most);
    }
    wrong_contents(&mut text, &read.windows);
    text
}

fn head(read: &Read) -> String {
    let kernel = read.kernel.as_ref().map_or_else(String::new, |kernel| format!(", kernel {kernel}"));
    let head = format!("{}: inode {:#x}{kernel}, blocks of {} bytes", read.file, read.inode, read.block);
    format!("{}\n", styled(HEAD, &head))
}

/// What was understood, what was skipped, and what is missing.
pub(super) fn understood(text: &mut String, counts: &Counts) {
    let _ =
        writeln!(text, "{} lines, {} events, {} understood", counts.lines, counts.events, counts.understood);
    let sum = |counted: &mut dyn Iterator<Item = &u64>| counted.sum::<u64>();
    let others = sum(&mut counts.other_inodes.values());
    if others > 0 {
        let _ = writeln!(text, "skipped: {others} of {} other inodes", counts.other_inodes.len());
    }
    if counts.without_inode > 0 {
        let _ =
            writeln!(text, "skipped: {} that say no inode, of tasks of other inodes", counts.without_inode);
    }
    if !counts.unknown.is_empty() {
        let names: Vec<&str> = counts.unknown.keys().take(8).map(String::as_str).collect();
        let more = if counts.unknown.len() > names.len() { ", ..." } else { "" };
        let unknown = sum(&mut counts.unknown.values());
        let _ = writeln!(text, "skipped: {unknown} that are not known here ({}{more})", names.join(", "));
    }
    if counts.unreadable > 0 {
        let _ = writeln!(text, "not read: {} lines", counts.unreadable);
        for first in &counts.first_unreadable {
            let _ = writeln!(text, "    line {}: {}", first.line, first.why);
        }
    }
    if counts.unfinished {
        let _ = writeln!(
            text,
            "cut: the last line, {}, has no end; what came behind it is missing",
            counts.lines
        );
    }
    if counts.backwards > 0 {
        let _ = writeln!(
            text,
            "out of order: times go back {} times; what follows goes by the order of lines",
            counts.backwards
        );
    }
    if counts.lost > 0 {
        let _ = writeln!(
            text,
            "missing: {} events that the kernel had no room for; what follows may be wrong",
            counts.lost
        );
    }
}

fn totals(text: &mut String, read: &Read) {
    let totals = &read.windows.totals;
    let _ = writeln!(text, "\n{} mappings were handed out", totals.mappings);
    not_judged(text, &totals.not_judged);
    if totals.checks > 0 || totals.reported > 0 {
        let rejections = totals.rejections.max(totals.reported);
        let _ = writeln!(text, "the kernel's check: {} comparisons, {rejections} rejections", totals.checks);
        let _ = writeln!(
            text,
            "    of {} that could be followed, {} saved data, {} had nothing changed under them",
            totals.rejected, totals.rejected_harmful, totals.rejected_needlessly
        );
    } else {
        let _ = writeln!(text, "the kernel's check: none is in the trace");
    }
    let _ = writeln!(
        text,
        "used while stale: {} with harm, {} without harm, {} of which it cannot be known",
        totals.harmful, totals.harmless, totals.unknown
    );
}

/// Mappings whose uses are not seen: what was done under them is not among what follows.
fn not_judged(text: &mut String, not_judged: &BTreeMap<Purpose, u64>) {
    if not_judged.is_empty() {
        return;
    }
    let of = |(purpose, many): (&Purpose, &u64)| {
        let purpose = match purpose {
            Purpose::Write => "writes (the probe at iomap_write_begin is missing)",
            Purpose::Zero => "zeroing (the probe at iomap_write_begin is missing)",
            Purpose::Fault => "faults",
            Purpose::Read => "reads",
            Purpose::Direct => "direct I/O",
            Purpose::Writeback => "writeback",
        };
        format!("{many} for {purpose}")
    };
    let all: Vec<String> = not_judged.iter().map(of).collect();
    let _ = writeln!(text, "    not judged: {}: no event says when they are used", all.join(", "));
}

fn kind(kind: MapKind) -> &'static str {
    match kind {
        MapKind::Hole => "a hole",
        MapKind::Delalloc => "delayed",
        MapKind::Mapped => "written",
        MapKind::Unwritten => "unwritten",
        MapKind::Inline => "inline",
    }
}

fn lower(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn bytes(bytes: &Bytes) -> String {
    format!("{:#x}-{:#x}", bytes.first, bytes.last)
}

fn range(offset: u64, length: u64) -> String {
    bytes(&Bytes { first: offset, last: offset.saturating_add(length).saturating_sub(1) })
}

fn window(text: &mut String, number: usize, window: &Window) {
    let verdict = match (window.rejected, window.judgement.harm) {
        (true, Harm::Harmful) => "rejected, and it saved data",
        (true, _) => "rejected",
        (false, Harm::Harmful) => "harmful",
        (false, Harm::Harmless) => "harmless",
        (false, Harm::Unknown) => "cannot be known",
    };
    let who = format!("{}-{}", window.task.comm, window.task.pid);
    let _ =
        writeln!(text, "{} {who}, {}", styled(HEAD, format!("{number}. {verdict}:")), lower(window.purpose));
    let step = |text: &mut String, line: u64, time: &str, what: &str| {
        let _ = writeln!(text, "    line {line:>7} {time:>14}  {what}");
    };
    let says = format!("sampled: {} is {}", range(window.offset, window.length), kind(window.says));
    step(text, window.sampled.line, &window.sampled.time, &says);
    if let Some(change) = &window.changed {
        let by = format!("{}-{} in {}", change.task.comm, change.task.pid, change.caller);
        let now = window.differs.as_ref().map_or_else(
            || "elsewhere in the file".to_owned(),
            |(differs, now)| {
                let elsewhere = if *now == window.says { ", elsewhere on the device," } else { "" };
                format!("{} is {}{elsewhere} when it is used", bytes(differs), kind(*now))
            },
        );
        step(text, change.at.line, &change.at.time, &format!("changed: by {by}; {now}"));
    }
    let used = match (window.rejected, window.uses) {
        (true, _) => "rejected".to_owned(),
        (false, 1) => "used".to_owned(),
        (false, uses) => format!("used (the worst of {uses} times)"),
    };
    let used = format!("{used}: {}", range(window.use_offset, window.use_length));
    step(text, window.used.line, &window.used.time, &used);
    let _ = writeln!(text, "    {}", window.judgement.why);
    if !window.judgement.wrong.is_empty() {
        let wrong: Vec<String> = window.judgement.wrong.iter().map(bytes).collect();
        let would = if window.rejected { "would be" } else { "are" };
        let _ = writeln!(text, "    {} {would} wrong", wrong.join(" and "));
    }
}

fn wrong_contents(text: &mut String, windows: &Windows) {
    if windows.wrong_contents.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", styled(HEAD, "what the traced program found wrong"));
    for wrong in &windows.wrong_contents {
        let WrongContents { at, what, bad, first, last } = wrong;
        let predicted = if windows.predicts(wrong) { "as predicted" } else { "no use explains it" };
        let _ = writeln!(
            text,
            "    line {:>7} {:>14}  {what}: {bad} bytes, {first:#x}-{last:#x}: {predicted}",
            at.line, at.time
        );
    }
}
