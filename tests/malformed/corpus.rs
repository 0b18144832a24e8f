//! What inputs are made of: the shipped scenarios, schedules of their counterexamples, and traces of real kernels.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use stalemap::engine::Engine;
use stalemap::run::{GivenLimits, Job, run_all};
use stalemap::scenario::{catalogue, read};

use crate::mutate::{Random, mutated};

/// What an input is meant to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Scenario,
    Schedule,
    Trace,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::Scenario, Kind::Schedule, Kind::Trace];

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Kind::Scenario => "toml",
            Kind::Schedule => "schedule",
            Kind::Trace => "txt",
        }
    }
}

/// An input.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) kind: Kind,
    /// The number that it is made from.
    pub(crate) number: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Input {
    pub(crate) fn file_name(&self) -> String {
        format!("{}.{}", self.number, self.kind.extension())
    }
}

/// The lines of a good input.
type Lines = Vec<Vec<u8>>;

/// What is good, by kind.
pub(crate) struct Corpus([Vec<Lines>; Kind::ALL.len()]);

/// Lines of a trace that an input is made from; a whole one takes a hundred times as long.
const TRACE_LINES: usize = 60;

/// Lines that every part of a trace begins with: the head, and what the trace says of itself.
const HEAD: usize = 14;

impl Corpus {
    pub(crate) fn new() -> Self {
        let scenarios = catalogue::all().iter().map(|(_, source)| source.as_bytes().to_vec());
        Corpus([scenarios.collect(), schedules(), traces()].map(|texts: Vec<Vec<u8>>| {
            texts
                .iter()
                .map(|text| text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect())
                .collect()
        }))
    }

    /// The input with this number.
    pub(crate) fn input(&self, number: u64) -> Input {
        let mut random = Random::new(number);
        let kind = *random.of(&Kind::ALL);
        let good = &self.0[kind as usize];
        let (one, other) = (random.of(good), random.of(good));
        let (one, other) = match kind {
            Kind::Scenario | Kind::Schedule => (one.concat(), other.concat()),
            Kind::Trace => (part(one, &mut random), part(other, &mut random)),
        };
        Input { kind, number, bytes: mutated(one, &other, &mut random) }
    }
}

/// The head of a trace, and some lines in a row.
fn part(trace: &Lines, random: &mut Random) -> Vec<u8> {
    let head = HEAD.min(trace.len());
    let from = head + random.below(trace.len() - head + 1);
    let to = trace.len().min(from + TRACE_LINES);
    [trace[..head].concat(), trace[from..to].concat()].concat()
}

/// The first counterexamples of some shipped scenarios, on each memory that has its own schedules.
fn schedules() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for (name, source) in catalogue::all().iter().step_by(7) {
        let scenario = read(name, source.as_bytes()).expect("a shipped scenario");
        let jobs: Vec<Job<'_>> = Job::expected(&scenario)
            .into_iter()
            .filter(|job| job.engine == Engine::Exhaustive)
            .take(1)
            .collect();
        let given = GivenLimits { states: Some(3000), ..GivenLimits::default() };
        for outcome in run_all(&jobs, given, 1, &|_| ()) {
            let outcome = outcome.expect("a shipped scenario runs");
            found.extend(outcome.counterexample.map(|shown| shown.schedule.to_string().into_bytes()));
        }
    }
    assert!(found.len() > 10, "{} schedules", found.len());
    found
}

fn in_tests(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Traces that are not long, and those that were made by hand.
fn traces() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for folder in ["fixtures/traces", "fixtures/made"] {
        for path in files(&in_tests(folder)) {
            let mut text = Vec::new();
            let file = File::open(&path).expect("a trace");
            if path.extension().is_some_and(|extension| extension == "gz") {
                flate2::read::GzDecoder::new(file).read_to_end(&mut text).expect("a trace");
            } else {
                (&file).read_to_end(&mut text).expect("a trace");
            }
            if text.len() < 100_000 {
                found.push(text);
            }
        }
    }
    assert!(found.len() > 10, "{} traces", found.len());
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// What has failed once.
pub(crate) fn kept() -> Vec<Input> {
    let of_kind = |path: &Path| {
        let extension = path.extension()?.to_str()?;
        Kind::ALL.into_iter().find(|kind| kind.extension() == extension)
    };
    let inputs = (0..).zip(files(&in_tests("malformed/kept"))).map(|(number, path)| {
        let kind = of_kind(&path).unwrap_or_else(|| panic!("{}: no kind of input", path.display()));
        Input { kind, number, bytes: fs::read(&path).expect("a file") }
    });
    inputs.collect()
}
