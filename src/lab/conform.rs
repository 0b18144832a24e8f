//! Whether a kernel leaves what the model says that it can: the tasks of a scenario all at once, round after round, and the
//! contents of the files after each beside those of all final states of the model.
//!
//! A kernel that leaves something else takes a step that the model has not, and then no `holds` about it is worth anything.
//! The other direction is not asked: what the model can leave and no round left may only be rare.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use stalemap_explore::{Exploration, Limits};
use stalemap_facade::Property;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::config::{Config, FileCommand, FileRange};

use super::guest::{Job as GuestJob, Kernel as Booted, LabError, Store, boot, compile};
use super::plan::{DEVICE_PATTERN, Left, Plan};
use super::program;
use super::run::{file_system, unbootable};
use super::sequential::{self, About};
use crate::run::{Job, RunError};

/// Bytes of a page, the only size of folios that a kernel can be held to.
const PAGE: u64 = 4096;

/// What a cell shows that a file does not reach to, and one with what nobody may see, in the words of the model.
const BEHIND: &str = "--";
const GARBAGE: &str = "~~";

/// A scenario that a guest can run.
#[derive(Debug)]
pub struct Case {
    /// The scenario's name.
    pub name: String,
    /// Its file.
    pub source: String,
    /// What the model can leave, and whether all final states with these contents violate something.
    may_leave: BTreeMap<String, bool>,
    plan: Plan,
    program: String,
    looks: Vec<Look>,
}

/// A range of a file that is looked at.
#[derive(Debug)]
struct Look {
    file: String,
    /// What comes before the contents.
    head: String,
    /// Where the cells begin, in bytes.
    cells: Vec<u64>,
}

/// What the model says of contents that a kernel has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judged {
    /// Some final state has them that violates nothing.
    Possible,
    /// Every final state that has them violates something.
    Lost,
    /// No final state has them.
    Impossible,
}

/// A scenario that no guest runs, or of which the model does not know all ends, and why.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Unasked(pub String);

impl Case {
    /// A scenario under the kernel that is to be asked.
    pub fn new(job: &Job<'_>, limits: &Limits) -> Result<Result<Self, Unasked>, RunError> {
        let kernel = job.kernel()?;
        let config = job.scenario.config_of(job.implementation.clone());
        if let Some(why) = unaskable(&config) {
            return Ok(Err(Unasked(why.to_owned())));
        }
        let about = About {
            scenario: job.scenario.name.clone(),
            title: job.scenario.title.clone(),
            kernel: job.implementation.name().to_owned(),
            property: None,
        };
        let plan = sequential::plan(&config, &[], about).map_err(|error| job.broken(error))?;
        if let Some(why) = program::unsayable(&plan).or_else(|| unbootable(&plan).map(str::to_owned)) {
            return Ok(Err(Unasked(why)));
        }
        let found = job.exploration(limits)?;
        if !found.is_complete() {
            return Ok(Err(Unasked("more states than the limit".to_owned())));
        }
        if found.violated & Property::DEADLOCK.bit() != 0 {
            return Ok(Err(Unasked("it may hang".to_owned())));
        }
        // What is compared, is here.
        let plan = Plan { predicted_control: Left::default(), in_any_order: Left::default(), ..plan };
        Ok(Ok(Case {
            name: job.scenario.name.clone(),
            source: job.scenario.source.clone(),
            may_leave: may_leave(&found, config.observe.len()),
            program: program::program(&plan),
            looks: config.observe.iter().map(|range| Look::new(&kernel, &config, range)).collect(),
            plan,
        }))
    }

    /// What the model says of contents.
    pub fn judge(&self, left: &str) -> Judged {
        let mut known = self.may_leave.iter().filter(|(can, _)| is_as(can, left)).peekable();
        if known.peek().is_none() {
            return Judged::Impossible;
        }
        if known.all(|(_, lost)| *lost) { Judged::Lost } else { Judged::Possible }
    }

    /// How many contents the model can leave.
    pub fn possible(&self) -> usize {
        self.may_leave.len()
    }

    /// What is left of the files after a round, in the words of the model; nothing of files that were not looked at.
    fn shown(&self, files: &BTreeMap<String, File>) -> Option<String> {
        let shown: Option<Vec<String>> =
            self.looks.iter().map(|look| files.get(&look.file).map(|file| look.shown(file))).collect();
        Some(shown?.join(" "))
    }
}

/// What is in so many ranges at the end, and whether it is lost whenever it is; what calls have returned, stands behind that.
fn may_leave(found: &Exploration, ranges: usize) -> BTreeMap<String, bool> {
    let mut may_leave: BTreeMap<String, bool> = BTreeMap::new();
    for (shown, states) in &found.outcomes {
        let contents: String = shown.split_inclusive(';').take(ranges).collect();
        let lost = found.violating_outcomes.get(shown) == Some(states);
        may_leave.entry(contents).and_modify(|all| *all &= lost).or_insert(lost);
    }
    may_leave
}

/// Why a kernel is not asked: something in the scenario is not the tasks' to make.
fn unaskable(config: &Config) -> Option<&'static str> {
    let calls = || config.setup.iter().chain(config.actors.iter().flat_map(|actor| &actor.run));
    let fails = |call: &FileCommand| call.command.fault().is_some();
    if config.judges_crashes() {
        return Some("power is lost");
    }
    if config.folio != PAGE {
        return Some("folios are larger than a page");
    }
    if calls().any(fails) {
        return Some("a copy fails, or somebody is killed");
    }
    if calls().any(|call| call.command.must_not_wait()) {
        return Some("a write must not wait, and may fail for what is not modelled");
    }
    if calls().any(|call| call.command.is_of_no_kernel()) {
        return Some("a command does what no kernel does");
    }
    if !config.holds.is_empty() {
        return Some("a [[hold]] directs it");
    }
    config.observe.is_empty().then_some("nothing is looked at")
}

impl Look {
    fn new(kernel: &Kernel, config: &Config, observed: &FileRange) -> Self {
        let geometry = kernel.geometry();
        let cells = geometry.cells_of_bytes(&observed.range);
        let file = config.files[usize::from(observed.file)].clone();
        let of = if config.files.len() > 1 { format!("[{file}] ") } else { String::new() };
        Look {
            head: format!("{of}{}=", geometry.show_cells(&cells)),
            cells: cells
                .clone()
                .map(|cell| geometry.byte_at(cell))
                .chain([geometry.byte_at(cells.end)])
                .collect(),
            file,
        }
    }

    fn shown(&self, file: &File) -> String {
        let cells: Vec<String> = self.cells.windows(2).map(|cell| file.cell(cell[0], cell[1])).collect();
        format!("{}{};", self.head, cells.join(" "))
    }
}

/// A file as a guest has found it.
#[derive(Debug, Default)]
struct File {
    size: u64,
    /// From where to where a byte comes again and again.
    parts: Vec<(u64, u64, String)>,
}

impl File {
    /// What is between two bytes: all of them the same, or it is no cell of the model's.
    fn cell(&self, from: u64, to: u64) -> String {
        if from >= self.size {
            return BEHIND.to_owned();
        }
        let to = to.min(self.size);
        let here = self.parts.iter().filter(|(begin, end, _)| *begin < to && from < *end);
        let bytes: BTreeSet<&str> = here.map(|(.., byte)| byte.as_str()).collect();
        bytes.into_iter().collect::<Vec<_>>().join("|")
    }
}

/// Whether contents are those of the model, where what nobody may see can be anything, and a cell of which a part was stored before
/// somebody zeroed it, and a part behind that, is as either: stores of whole cells are at once in the model.
fn is_as(can: &str, left: &str) -> bool {
    let same = |(can, left): (&str, &str)| {
        let (head, value) = split(can);
        let (head_left, values) = split(left);
        head == head_left && (value == GARBAGE || values.split('|').any(|each| each == value))
    };
    can.split(' ').count() == left.split(' ').count() && can.split(' ').zip(left.split(' ')).all(same)
}

/// A word of contents: what comes before the value of the first cell, if it is one, and the value.
fn split(word: &str) -> (&str, &str) {
    let word = word.strip_suffix(';').unwrap_or(word);
    word.rfind('=').map_or(("", word), |at| word.split_at(at + 1))
}

/// What a guest left of a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// The contents that were left, and after how many rounds.
    pub left: BTreeMap<String, u64>,
    /// Why there are no rounds, or no more.
    pub broken: Option<String>,
}

/// How long the tasks of each case are run.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// So many times.
    pub rounds: u64,
    /// No longer than so many seconds.
    pub seconds: u64,
}

/// Runs all cases in one guest, one after the other, each on a file system of its own. A guest that does not come to its end takes
/// with it what it has seen: then each half of the cases gets one of its own.
pub fn run(store: &Store, kernel: &Booted, cases: &[Case], rounds: Rounds) -> Result<Vec<Seen>, LabError> {
    let programs = cases
        .iter()
        .enumerate()
        .map(|(number, case)| Ok((format!("/program{number}"), compile(store, &case.program)?)));
    let job = GuestJob {
        script: script(cases, rounds),
        files: programs.collect::<Result<_, LabError>>()?,
        // Who has met a bug of the kernel may hold a lock that all the others wait for.
        boot: vec!["oops=panic".to_owned()],
        device_fill: DEVICE_PATTERN,
        module: None,
        timeout: Duration::from_secs(120 + cases.len() as u64 * (rounds.seconds + 90)),
    };
    let ran = boot(store, kernel, &job)?;
    if !ran.out.is_empty() {
        let seen = cases.iter().enumerate().map(|(number, case)| {
            let text = |kind: &str| ran.text(&format!("{number}.{kind}")).unwrap_or_default();
            seen(case, &text("jsonl"), &text("err"))
        });
        return Ok(seen.collect());
    }
    if cases.len() == 1 {
        let broken = ran.trouble().unwrap_or("the guest did not come to its end within its time").to_owned();
        return Ok(vec![Seen { left: BTreeMap::new(), broken: Some(broken) }]);
    }
    let (first, second) = cases.split_at(cases.len() / 2);
    let mut seen = run(store, kernel, first, rounds)?;
    seen.extend(run(store, kernel, second, rounds)?);
    Ok(seen)
}

fn script(cases: &[Case], rounds: Rounds) -> String {
    let mut lines = Vec::new();
    let mut begun = BTreeSet::new();
    for (number, case) in cases.iter().enumerate() {
        let fs = file_system(&case.plan);
        if !fs.first.is_empty() && begun.insert(fs.first) {
            lines.push(fs.first.to_owned());
        }
        let (mkfs, kind, options) = (fs.mkfs, fs.kind, fs.options);
        let Rounds { rounds, seconds } = rounds;
        // What another file system has left there is none of mkfs's business.
        lines.push("dd if=/dev/zero of=/dev/vda bs=1M count=4 2> /dev/null".to_owned());
        lines.push(format!(
            "if {mkfs} /dev/vda > /out/{number}.err 2>&1 && mount -t {kind} -o noatime,{options} /dev/vda /mnt; then"
        ));
        lines.push(format!(
            "/program{number} --rounds {rounds} --seconds {seconds} --show {rounds} /mnt natural \
             > /out/{number}.jsonl 2> /out/{number}.err"
        ));
        lines.push("umount /mnt || exit 1\nfi".to_owned());
    }
    lines.join("\n") + "\n"
}

/// What a program has printed: each round, and the files after it.
fn seen(case: &Case, out: &str, errors: &str) -> Seen {
    let lines: Vec<Value> = out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut left: BTreeMap<String, u64> = BTreeMap::new();
    let mut files = BTreeMap::new();
    for line in &lines {
        if let Some((name, file)) = file(line) {
            files.insert(name, file);
            continue;
        }
        if let Some(shown) = case.shown(&std::mem::take(&mut files)) {
            *left.entry(shown).or_default() += 1;
        }
    }
    let last = lines.last().and_then(|line| line.get("result")?.as_str());
    let broken = match last {
        Some("not predicted") => None,
        Some(other) => Some(other.to_owned()),
        None if errors.trim().is_empty() => Some("the program did not come to its end".to_owned()),
        None => Some(errors.trim().to_owned()),
    };
    Seen { left, broken }
}

/// The file of a line that is about one.
fn file(line: &Value) -> Option<(String, File)> {
    let name = line.get("file")?.as_str()?.to_owned();
    let part = |part: &Value| {
        Some((part.get(0)?.as_u64()?, part.get(1)?.as_u64()?, part.get(2)?.as_str()?.to_owned()))
    };
    let parts = line.get("parts")?.as_array()?.iter().filter_map(part).collect();
    Some((name, File { size: line.get("size")?.as_u64()?, parts }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::trial::job;
    use crate::input;

    /// A scenario of the catalogue on 6.12.
    fn case(name: &str) -> Result<Case, Unasked> {
        let scenario = input::load(name.as_ref()).expect("a scenario");
        let job = job(&scenario, "linux-6.12").expect("a job");
        Case::new(&job, &Limits::default()).expect("runs")
    }

    #[test]
    fn what_no_run_leaves_is_told_from_what_is_lost() {
        let case = case("xfs/d20").expect("a case");
        assert_eq!(case.possible(), 4);
        assert_eq!(case.judge("0-4k=41 42 51 46;"), Judged::Possible);
        assert_eq!(case.judge("0-4k=51 42 51 46;"), Judged::Lost);
        assert_eq!(case.judge("0-4k=41 42 51 00;"), Judged::Impossible);
        assert_eq!(case.judge("0-4k=41 42 51 --;"), Judged::Impossible);
        assert_eq!(case.judge("0-4k=41 42 51;"), Judged::Impossible);
    }

    #[test]
    fn what_calls_return_is_no_contents() {
        let case = case("gfs2/read-part").expect("a case");
        assert_eq!(case.judge("0-4k=00 00 00 57 00 00 00 00;"), Judged::Possible);
        assert_eq!(case.possible(), 1);
    }

    #[test]
    fn what_nobody_may_see_can_be_anything() {
        assert!(is_as("[a] 0-4k=~~ 41; [b] 0-2k=~~;", "[a] 0-4k=e5 41; [b] 0-2k=00;"));
        assert!(!is_as("[a] 0-4k=~~ 41; [b] 0-2k=~~;", "[a] 0-4k=e5 42; [b] 0-2k=00;"));
        assert!(!is_as("0-4k=~~;", "[a] 0-4k=e5;"));
        assert!(is_as("0-4k=41 42;", "0-4k=00|41 42;"));
        assert!(!is_as("0-4k=41 42;", "0-4k=00|43 42;"));
    }

    #[test]
    fn rounds_are_counted_by_what_they_leave() {
        let case = case("xfs/d20").expect("a case");
        let round = |number: u64, first: &str| {
            format!(
                "{{\"round\":{number},\"place\":0,\"is\":\"not predicted\"}}\n{{\"stage\":\"stable\",\"file\":\"data\",\"size\":4096,\
                 \"parts\":[[0,1024,\"{first}\"],[1024,2048,\"42\"],[2048,3072,\"51\"],[3072,4096,\"46\"]]}}\n"
            )
        };
        let file = case.plan.files[0].clone();
        let out = [round(1, "41"), round(2, "51"), round(3, "41")].concat().replace("data", &file);
        let end = "{\"result\":\"not predicted\",\"mode\":\"natural\"}\n";
        let found = seen(&case, &(out.clone() + end), "");
        let left = [("0-4k=41 42 51 46;", 2), ("0-4k=51 42 51 46;", 1)];
        assert_eq!(found.left, left.map(|(left, rounds)| (left.to_owned(), rounds)).into());
        assert_eq!(found.broken, None);
        let hung = seen(&case, &(out + "{\"result\":\"hangs\"}\n"), "");
        assert_eq!(hung.broken.as_deref(), Some("hangs"));
        assert_eq!(seen(&case, "", "no loop").broken.as_deref(), Some("no loop"));
    }

    #[test]
    fn a_file_that_ends_in_a_cell_or_has_several_bytes_in_one() {
        let file =
            File { size: 3000, parts: vec![(0, 1500, "41".to_owned()), (1500, 3000, "00".to_owned())] };
        assert_eq!(file.cell(0, 1024), "41");
        assert_eq!(file.cell(1024, 2048), "00|41");
        assert_eq!(file.cell(2048, 4096), "00");
        assert_eq!(file.cell(4096, 8192), BEHIND);
    }

    #[test]
    fn what_tasks_cannot_make_is_not_asked() {
        for (name, why) in [
            ("xfs/collapse-crash-overwrite", "power is lost"),
            ("xfs/punch-large-folio", "folios are larger than a page"),
            ("xfs/killed-cut", "a copy fails, or somebody is killed"),
            ("xfs/nowait", "a write must not wait, and may fail for what is not modelled"),
            ("xfs/redirty-direct", "a command does what no kernel does"),
            ("xfs/real-control", "a [[hold]] directs it"),
        ] {
            assert_eq!(case(name).expect_err(name), Unasked(why.to_owned()));
        }
    }
}
