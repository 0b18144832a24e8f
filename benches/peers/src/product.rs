//! The product itself: the same actors on its full model, of which each operation is many.

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::measure::Limits;
use crate::race::{Cast, Check};
use crate::report::Counts;

/// A scenario file: who takes part over so many folios, and how often the writer, writeback and reclaim act.
pub fn scenario(folios: usize, cast: Cast, times: usize) -> String {
    let end = 4 * folios;
    let mut text = format!(
        "title = \"{} actors over {folios} folios, each acting {times} times\"\n\n\
         [setup]\nrun = [\"falloc 0 {end}k\", \"pwrite -S 0x58 {}k 1k\"]\n",
        cast.actors(),
        end - 2
    );
    let mut actor = |name: &str, commands: &[String]| {
        let _ = write!(text, "\n[[actor]]\nname = \"{name}\"\nrun = {commands:?}\n");
    };
    let often = |command: String| vec![command; times];
    let size = end - 2;
    actor("writer", &often(format!("pwrite -S 0x57 -b {size}k 0 {size}k")));
    actor("flusher", &often(format!("sync_range -w 0 {end}k")));
    if cast.has_reclaim() {
        actor("kswapd", &often(format!("@reclaim 0 {end}k")));
    }
    if cast.has_fault() {
        actor("fault", &[format!("mmap -rw 0 {end}k"), format!("mwrite -S 0x46 {}k 1k", end - 1)]);
    }
    text
}

#[derive(Deserialize)]
struct Document {
    results: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    states: u64,
    transitions: u64,
    verdict: String,
    violated: Vec<String>,
}

/// Reads what `check --format json` has printed for one design.
pub fn counts(json: &str) -> io::Result<Counts> {
    let document: Document = serde_json::from_str(json)?;
    let Ok([found]) = <[Found; 1]>::try_from(document.results) else {
        return Err(io::Error::other("not one verdict"));
    };
    Ok(Counts {
        finished: found.verdict != "incomplete",
        lost: found.violated.iter().any(|property| property == "lost-write"),
        states: Some(found.states),
        transitions: Some(found.transitions),
        executions: None,
    })
}

/// The command that checks a scenario within the limits, and those beyond which it is stopped: it looks for runs with few
/// preemptions when it has reached a limit, and says how far it came.
pub fn command(program: &Path, check: Check, scenario: &Path, limits: Limits) -> (Vec<String>, Limits) {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (seconds, memory) = (limits.seconds.to_string(), limits.memory.to_string());
    let fixed =
        ["check", "--jobs", "1", "--format", "json", "--limit-seconds", &seconds, "--limit-memory", &memory];
    let rest = ["--design".to_owned(), check.design().to_owned(), text(scenario)];
    let command = [text(program)].into_iter().chain(fixed.map(str::to_owned)).chain(rest).collect();
    (command, Limits { seconds: 2 * limits.seconds, memory: 2 * limits.memory })
}

/// The commit that a program was built from.
pub fn commit(program: &Path) -> io::Result<String> {
    let output = Command::new(program).arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let commit = text.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    commit
        .map(|(commit, _)| commit.to_owned())
        .ok_or_else(|| io::Error::other(format!("no commit in {text}")))
}

#[cfg(test)]
mod tests {
    use super::scenario;
    use crate::race::Cast;

    #[test]
    fn a_scenario_has_who_takes_part_and_how_often() {
        let text = scenario(3, Cast::Five, 2);
        let lines = [
            "run = [\"falloc 0 12k\", \"pwrite -S 0x58 10k 1k\"]",
            "run = [\"pwrite -S 0x57 -b 10k 0 10k\", \"pwrite -S 0x57 -b 10k 0 10k\"]",
            "run = [\"sync_range -w 0 12k\", \"sync_range -w 0 12k\"]",
            "run = [\"@reclaim 0 12k\", \"@reclaim 0 12k\"]",
            "run = [\"mmap -rw 0 12k\", \"mwrite -S 0x46 11k 1k\"]",
        ];
        assert_eq!(text.lines().filter(|line| line.starts_with("run")).collect::<Vec<_>>(), lines);
        assert_eq!(scenario(1, Cast::Three, 1).matches("[[actor]]").count(), 2);
    }
}
