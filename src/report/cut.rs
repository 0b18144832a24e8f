//! A window of a trace as a scenario: two folios of the file, what was in them, and who did what.
//!
//! The folio that the stale mapping did harm to is the second one, or the first where the mapping begins with it. What the trace cannot
//! order is left to the explorer: so a scenario says more than the one run that was traced.

use std::fmt::Write as _;

use stalemap_trace::{Act, Cut, MapKind, Part, Window};

/// The size of a folio in the scenario: a page.
const FOLIO: u64 = 4096;

/// The scenario file.
pub fn scenario(cut: &Cut, window: &Window, trace: &str) -> String {
    let at = if cut.begins_before { FOLIO } else { 0 };
    let folio = format!("{} {}", size(at), size(FOLIO));
    let mut text = String::new();
    let title = format!("A mapping that {} held went stale", window.task.comm);
    let _ = writeln!(text, "title = {title:?}");
    let cut_from = format!("{trace}, lines {} to {}", window.sampled.line, window.used.line);
    let _ = writeln!(text, "refs = [{cut_from:?}]\n\n[geometry]\nblock = \"{}\"", size(cut.block));
    let _ = writeln!(text, "\n[setup]\nrun = [{}]", quoted(&setup(cut, at)));
    actor(&mut text, &window.task.comm, 0, &[write(cut, at)]);
    for (n, part) in cut.parts.iter().enumerate() {
        actor(&mut text, &part.task.comm, n + 1, &commands(part, at));
    }
    let _ = writeln!(text, "\n[observe]\nranges = [\"{folio}\"]");
    text
}

fn size(bytes: u64) -> String {
    if bytes.is_multiple_of(1024) { format!("{}k", bytes / 1024) } else { bytes.to_string() }
}

fn quoted(commands: &[String]) -> String {
    commands.iter().map(|command| format!("{command:?}")).collect::<Vec<_>>().join(", ")
}

/// What the file has when the mapping is sampled. A file as long as both folios, or nothing would be behind the write.
fn setup(cut: &Cut, at: u64) -> Vec<String> {
    let all = size(2 * FOLIO);
    let folio = format!("{} {}", size(at), size(FOLIO));
    let mut commands = vec![format!("truncate {all}")];
    match cut.says {
        MapKind::Unwritten => commands.push(format!("falloc 0 {all}")),
        MapKind::Mapped | MapKind::Inline => {
            commands.extend([
                format!("pwrite -S 0x58 -b {all} 0 {all}"),
                "fsync".to_owned(),
                format!("fadvise -d 0 {all}"),
            ]);
        }
        MapKind::Delalloc => commands.push(format!("pwrite -S 0x41 -b {all} 0 {all}")),
        MapKind::Hole => {}
    }
    if cut.dirty && cut.says != MapKind::Delalloc {
        commands.push(format!("pwrite -S 0x41 {folio}"));
    }
    commands
}

/// One call from where the mapping begins to where its holder writes in the folio.
fn write(cut: &Cut, at: u64) -> String {
    let (from, to) = cut.written;
    let from = if cut.begins_before && from == 0 { 0 } else { at + from };
    let length = at + to - from;
    let (from, length) = (size(from), size(length));
    format!("pwrite -S 0x57 -b {length} {from} {length}")
}

fn commands(part: &Part, at: u64) -> Vec<String> {
    let folio = format!("{} {}", size(at), size(FOLIO));
    let mut commands = Vec::new();
    for (n, act) in part.acts.iter().enumerate() {
        match act {
            // A call that writes would be held out by the holder's lock of the inode; so it stores through a mapping.
            Act::Store => {
                // A mapping that stays would keep the folio from being dropped.
                commands.extend([
                    format!("mmap -rw {folio}"),
                    format!("mwrite -S 0x41 {folio}"),
                    "munmap".to_owned(),
                ]);
            }
            // What is dropped afterwards has been waited for.
            Act::WriteBack => {
                let waits = if part.acts[n..].contains(&Act::Drop) { "a" } else { "" };
                commands.push(format!("sync_range -w{waits} {folio}"));
            }
            Act::Drop if is_of_kernel(part) => commands.push(format!("@reclaim {folio}")),
            Act::Drop => commands.push(format!("fadvise -d {folio}")),
        }
    }
    commands
}

/// Threads of the kernel that drop folios by themselves.
fn is_of_kernel(part: &Part) -> bool {
    ["kworker/", "kswapd", "khugepaged", "kcompactd"].iter().any(|name| part.task.comm.starts_with(name))
}

/// Names of actors are letters, digits and dashes, and none twice.
fn actor(text: &mut String, comm: &str, number: usize, commands: &[String]) {
    let name = comm.split(['/', ':']).next().unwrap_or(comm).to_ascii_lowercase();
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name = name.trim_matches('-');
    let name = if number == 0 { name.to_owned() } else { format!("{name}-{number}") };
    let _ = writeln!(text, "\n[[actor]]\nname = \"{name}\"\nrun = [{}]", quoted(commands));
}
