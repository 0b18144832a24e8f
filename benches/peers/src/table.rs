//! The page that compares the tools.

use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

use crate::measure::Limits;
use crate::race::{Cast, Check, Race};
use crate::report::Counts;
use crate::rounds::{Least, least};
use crate::tools::{ALL, FIRST, How, Reach, Tool};
use crate::{by_spin, product};

/// What the page is made with.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'s> {
    /// When a tool is stopped.
    pub limits: Limits,
    /// The product's program.
    pub product: &'s Path,
}

/// The races that only the tools which store states decide.
const LARGE: [usize; 3] = [2, 3, 4];
/// The races over one folio, that are small enough for the others.
const SMALL: [Cast; 2] = [Cast::Three, Cast::Four];

/// One race, decided by all tools that are tried on it.
struct Section {
    race: Race,
    rows: Vec<(&'static Tool, Least)>,
}

impl Section {
    fn first(&self) -> Option<&Least> {
        self.rows.iter().find(|(tool, _)| tool.id == FIRST.id).map(|(_, least)| least)
    }

    /// The best that a tool did with any settings.
    fn best(&self, name: &str) -> Option<&Least> {
        let all = self.rows.iter().filter(|(tool, _)| tool.name == name).map(|(_, least)| least);
        all.min_by(|a, b| {
            (!a.is_decided(), a.processor).partial_cmp(&(!b.is_decided(), b.processor)).expect("a number")
        })
    }
}

/// Runs everything and writes the page.
pub fn page(setting: Setting<'_>) -> io::Result<String> {
    let (spin, gcc) = by_spin::versions()
        .ok_or_else(|| io::Error::other("spin and gcc are needed (Debian: apt-get install spin gcc)"))?;
    let mut sections = Vec::new();
    for race in races() {
        sections.push(section(race, setting)?);
    }
    let mut text = head(&spin, &gcc, setting.limits);
    summary(&mut text, &sections);
    for section in &sections {
        table(&mut text, section);
    }
    Ok(text)
}

fn races() -> Vec<Race> {
    let small = SMALL.map(|cast| (1, cast));
    let sizes = LARGE.map(|folios| (folios, Cast::Five)).into_iter().chain(small);
    sizes.flat_map(|(folios, cast)| Check::ALL.map(|check| Race { folios, cast, check })).collect()
}

/// Whether a tool is tried on a race.
fn is_tried(tool: &Tool, race: Race) -> bool {
    tool.reach == Reach::All || race.folios <= LARGE[0]
}

fn section(race: Race, setting: Setting<'_>) -> io::Result<Section> {
    let mut rows = Vec::new();
    for tool in ALL.iter().filter(|tool| is_tried(tool, race)) {
        eprintln!("{}: {}, {}", title(race), tool.name, tool.settings);
        rows.push((tool, by(tool, race, setting)?));
    }
    Ok(Section { race, rows })
}

/// What one tool does with one race.
fn by(tool: &Tool, race: Race, setting: Setting<'_>) -> io::Result<Least> {
    let folder = tempfile::tempdir()?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    match tool.how {
        How::Here(_) => {
            let program = text(&std::env::current_exe()?);
            let seconds = setting.limits.seconds;
            let race = format!("{},{},{}", race.folios, race.cast.actors(), race.check.design());
            // It is to stop by itself before it is stopped.
            let limits = Limits { seconds: seconds + seconds / 4 + 2, ..setting.limits };
            let command = [program, "explore".to_owned(), tool.id.to_owned(), race, seconds.to_string()];
            least(&command, limits, |json| Ok(serde_json::from_str::<Counts>(json)?))
        }
        How::Spin(flags) => {
            let verifier = by_spin::build(race, flags, by_spin::Observe::Nothing, folder.path())?;
            let arguments = by_spin::ARGUMENTS.map(str::to_owned);
            let command: Vec<String> = [text(&verifier)].into_iter().chain(arguments).collect();
            least(&command, setting.limits, by_spin::counts)
        }
        How::Product => {
            let file = folder.path().join("scenario.toml");
            fs::write(&file, product::scenario(race.folios, race.cast, 1))?;
            let (command, limits) = product::command(setting.product, race.check, &file, setting.limits);
            least(&command, limits, product::counts)
        }
    }
}

fn title(race: Race) -> String {
    let folios = if race.folios == 1 { "one folio".to_owned() } else { format!("{} folios", race.folios) };
    let actors = match race.cast {
        Cast::Three => "Three actors",
        Cast::Four => "Four actors",
        Cast::Five => "Five actors",
    };
    let check = match race.check {
        Check::None => "no check",
        Check::IomapValid => "with the check",
    };
    format!("{actors}, {folios}, {check}")
}

fn head(spin: &str, gcc: &str, limits: Limits) -> String {
    let version = |name: &str| {
        let lock = include_str!("../Cargo.lock");
        let at = lock.find(&format!("name = \"{name}\"\nversion = \""));
        at.and_then(|at| lock[at..].split('"').nth(3)).unwrap_or("?").to_owned()
    };
    format!(
        "# The same race in other model checkers\n\n\
         One race, written for each tool with the same atomic steps and the same final states: `benches/peers`, whose `README.md` says\n\
         what the race is and what is compared. The states that a tool visits without reductions are the same in number for stalemap's\n\
         engine, Stateright and SPIN, and so are all sets of final states that a tool finishes; a test holds both.\n\n\
         This page is printed by `cargo run --release -- table` in that folder. Each run is a process of its own, at least three for each\n\
         row (one of what takes half a minute), the least of each number. **Time is that of processors, from start to exit**, with what a process takes to start: some\n\
         milliseconds, which is all that there is to the smallest races. The runs lay on a machine that did other things as well, so the\n\
         ratios say more than the seconds. Memory is the most that was resident; some 8 MiB of it are a process of these tools that does\n\
         nothing, 29 that of the product. A run is stopped after {} seconds or beyond {} GiB.\n\n\
         Versions: Stateright {}, {spin} ({gcc}, `{}`, verifier `{}`), loom {}, shuttle {}.\n\n\
         *The product* is `stalemap check --jobs 1` on a scenario of the same actors. Its model is another one: extent maps,\n\
         transactions, reservations, sizes, and a judge of all that can go wrong; without the check it also finds the least\n\
         counterexample and proves that there is no lesser one. It stands beside the others to show what that costs.\n",
        limits.seconds,
        limits.memory >> 30,
        version("stateright"),
        by_spin::FLAGS.join(" "),
        by_spin::ARGUMENTS.join(" "),
        version("loom"),
        version("shuttle"),
    )
}

/// The names of tools, each once.
fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = ALL.iter().map(|tool| tool.name).collect();
    names.dedup();
    names
}

fn summary(text: &mut String, sections: &[Section]) {
    text.push_str("\n## Time, as a multiple of stalemap's\n\nEach tool with its best settings. Less than 1 is faster.\n\n| race |");
    for name in names() {
        let _ = write!(text, " {name} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(names().len()));
    text.push('\n');
    for section in sections {
        let _ = write!(text, "| {} |", title(section.race));
        let base = section.best(FIRST.name).map_or(f64::NAN, |least| least.processor);
        for name in names() {
            let cell = match section.best(name) {
                None => "not tried".to_owned(),
                Some(best) if best.is_decided() => times(best.processor / base),
                Some(best) => format!("> {}, not finished", times(best.processor / base)),
            };
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
}

fn table(text: &mut String, section: &Section) {
    let _ = write!(
        text,
        "\n## {}\n\n| tool | settings | finds a loss | states | transitions | executions | seconds | ratio | elapsed | MiB | ratio |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
        title(section.race)
    );
    let first = section.first();
    for (tool, least) in &section.rows {
        let count = |of: fn(&Counts) -> Option<u64>| {
            least.counts.as_ref().and_then(of).map_or_else(|| "–".to_owned(), |number| number.to_string())
        };
        let found = match least.counts {
            Some(counts) if counts.lost => "yes",
            Some(counts) if counts.finished => "no",
            _ => "not finished",
        };
        let found = if least.is_decided() || found != "yes" { found } else { "yes, not finished" };
        let memory = least.memory as f64;
        let ratio = |this: f64, of: fn(&Least) -> f64| {
            first.map_or_else(String::new, |first| times(this / of(first)))
        };
        let _ = writeln!(
            text,
            "| {} | {} | {found} | {} | {} | {} | {:.3} | {} | {:.3} | {:.0} | {} |",
            tool.name,
            tool.settings,
            count(|counts| counts.states),
            count(|counts| counts.transitions),
            count(|counts| counts.executions),
            least.processor,
            ratio(least.processor, |least| least.processor),
            least.elapsed,
            memory / 1024.0,
            ratio(memory, |least| least.memory as f64),
        );
    }
}

fn times(ratio: f64) -> String {
    if ratio >= 10.0 { format!("{ratio:.0}") } else { format!("{ratio:.1}") }
}
