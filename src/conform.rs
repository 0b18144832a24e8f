//! Whether a trace of a real kernel is a run of the model of that kernel, piece by piece.
//!
//! The trace is cut into what happened to single pages of the file (`stalemap_trace::Pieces`). Each piece becomes a scenario
//! (`staged.rs`), and the explorer looks for a schedule of it whose events are those of the trace (`observed.rs`). What the trace has no
//! event for is free; what it has one for must be there, and nothing else of that kind. Pieces that differ in nothing but
//! where and when are asked about once.

mod found;
mod impossible;
mod observed;
mod places;
mod release;
mod staged;

use std::collections::{BTreeSet, HashMap};

use stalemap_checker::explain;
use stalemap_explore::{Explanation, LimitHit, Limits, Offer, Step};
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::design::{Check, Design};
use stalemap_model::words::implementation::Implementation;
use stalemap_trace::{Counts, Cutting, Event, Piece, Pieces, ReadError, Reader, Rule, Sight, Traces, Window};

pub use self::found::{AnswerOutside, Conformance, Difference, Verdict};
use self::observed::Observed;
use self::places::Places;
pub use self::release::kernel_of;
use self::staged::Stage;
use crate::scenario::{Scenario, read};

/// How many pieces that do not conform are kept.
const MOST_KEPT: usize = 20;

/// How many answers are kept for pieces that are the same.
const MOST_KNOWN: usize = 20_000;

/// Pairs of a state and a position that the search for one piece may look at.
pub const PAIRS: u64 = 100_000;

/// A piece's answer.
#[derive(Clone, Debug)]
enum Answer {
    Explained { steps: Vec<Step>, lines: Vec<Vec<u64>>, compares: bool },
    Unexplained { seen: Option<usize>, explained: usize, offers: BTreeSet<Offer>, steps: Vec<Step> },
    Undecided(String),
}

/// An explained piece, with the schedule that explains it.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The piece.
    pub piece: Piece,
    /// As a scenario.
    pub scenario: String,
    /// The schedule.
    pub steps: Vec<Step>,
    /// The lines of the trace that each step explains.
    pub lines: Vec<Vec<u64>>,
}

/// What a trace is of.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The inode.
    pub inode: u64,
    /// The size of a block, in bytes.
    pub block: u64,
    /// The release, if the trace says it.
    pub release: Option<String>,
    /// Which events it has.
    pub traces: Traces,
    /// What was understood, and what was not.
    pub counts: Counts,
}

impl Survey {
    /// Reads all of a trace. `block`: if the trace does not say it. `None`: no event of an inode was understood.
    pub fn of(reader: &mut Reader<'_>, block: u64) -> Result<Option<Self>, ReadError> {
        let (mut block, mut release, mut traces) = (block, None, Traces::default());
        while let Some(traced) = reader.next_event()? {
            traces.see(&traced.event);
            if let Event::Meta { kernel, block: of_trace, .. } = traced.event {
                release.get_or_insert(kernel);
                block = of_trace;
            }
        }
        let counts = reader.counts().clone();
        let inode = reader.inode().filter(|_| counts.understood > 0);
        Ok(inode.map(|inode| Survey { inode, block, release, traces, counts }))
    }
}

/// Asks about the pieces of a trace.
pub struct Asker<'i> {
    implementation: &'i dyn Fn(&Scenario) -> Option<Implementation>,
    traces: Traces,
    limits: Limits,
    known: HashMap<String, Answer>,
    explained_lines: BTreeSet<u64>,
    places: Places,
    found: Conformance,
}

impl<'i> Asker<'i> {
    /// `implementation`: the kernel or design for a scenario; `traces`: what the trace has at all.
    pub fn new(
        implementation: &'i dyn Fn(&Scenario) -> Option<Implementation>,
        traces: Traces,
        limits: Limits,
    ) -> Self {
        Asker {
            implementation,
            traces,
            limits,
            known: HashMap::new(),
            explained_lines: BTreeSet::new(),
            places: Places::default(),
            found: Conformance::default(),
        }
    }

    /// Asks about all of a trace.
    pub fn ask_all(mut self, mut reader: Reader<'_>, block: u64) -> Result<Conformance, ReadError> {
        let mut pieces = Pieces::new(block, self.traces);
        let mut subjects = Vec::new();
        while let Some(traced) = reader.next_event()? {
            pieces.lost(reader.counts().lost);
            if Traces::is_subject(&traced.event) {
                subjects.push(traced.line);
            }
            pieces.see(&traced);
            for cutting in pieces.take() {
                self.ask(cutting);
            }
        }
        let impossible = pieces.impossible();
        let answers = pieces.answers().to_vec();
        for cutting in pieces.finish() {
            self.ask(cutting);
        }
        self.places.tell(&answers, &mut self.found);
        for (line, what) in impossible::of(self.design(), &impossible, &answers) {
            self.found.impossible.entry(what).or_default().push(line);
        }
        self.found.subjects = subjects.len() as u64;
        let explained = |line: &&u64| self.explained_lines.contains(line);
        self.found.events = subjects.iter().filter(explained).count() as u64;
        Ok(self.found)
    }

    /// The piece that a window of a trace is in, with a schedule that explains it, if there is such a piece and such a schedule.
    pub fn ask_of_window(
        &self,
        mut reader: Reader<'_>,
        block: u64,
        window: &Window,
    ) -> Result<Option<Explained>, ReadError> {
        let first = window.judgement.wrong.first().map(|wrong| wrong.first);
        let differs = || window.differs.as_ref().map(|(bytes, _)| bytes.first.max(window.use_offset));
        let page = first.or_else(differs).unwrap_or(window.use_offset) / staged::FOLIO * staged::FOLIO;
        let mut pieces = Pieces::new(block, self.traces);
        let has = |piece: &Piece| {
            let lines = piece.seen.iter().map(|seen| seen.line);
            piece.page == page
                && lines.clone().min() <= Some(window.used.line)
                && lines.max() >= Some(window.used.line)
        };
        let mut cuttings = Vec::new();
        while let Some(traced) = reader.next_event()? {
            pieces.lost(reader.counts().lost);
            pieces.see(&traced);
            cuttings.extend(pieces.take());
        }
        cuttings.extend(pieces.finish());
        let of_page = cuttings.into_iter().find_map(|cutting| match cutting {
            Cutting::Piece(piece) if has(&piece) => Some(piece),
            _ => None,
        });
        let Some(piece) = of_page else { return Ok(None) };
        Ok(match self.answer(&piece) {
            Answer::Explained { steps, lines, .. } => {
                let scenario = Stage::of(&piece, &title(&piece)).text;
                Some(Explained { piece, scenario, steps, lines })
            }
            Answer::Unexplained { .. } | Answer::Undecided(_) => None,
        })
    }

    /// How the kernel, or the design, finds stale mappings.
    fn design(&self) -> Option<Design> {
        let any = "title = \"any\"\n\n[[actor]]\nname = \"any\"\nrun = [\"fsync\"]\n";
        let implementation = read("any", any.as_bytes()).ok().and_then(|any| (self.implementation)(&any));
        implementation.map(|implementation| implementation.design)
    }

    fn ask(&mut self, cutting: Cutting) {
        let piece = match cutting {
            Cutting::Piece(piece) => piece,
            Cutting::Outside(_, why, lines) => {
                self.places.outside(&lines, why.words());
                *self.found.outside.entry(why).or_default() += 1;
                return;
            }
        };
        self.found.pieces += 1;
        let key = format!("{:?}", ranked(&piece));
        let answer = if let Some(answer) = self.known.get(&key) {
            answer.clone()
        } else {
            self.found.asked += 1;
            let answer = self.answer(&piece);
            if self.known.len() < MOST_KNOWN {
                self.known.insert(key, answer.clone());
            }
            answer
        };
        match answer {
            Answer::Explained { compares, .. } => {
                self.found.explained += 1;
                self.explained_lines.extend(piece.seen.iter().map(|seen| seen.line));
                self.places.explained(&piece);
                let answers = piece.seen.iter().filter(|seen| seen.sight == Sight::Answered { valid: true });
                let not_compared = if compares { 0 } else { answers.count() as u64 };
                let more = (not_compared > 0).then_some((Rule::AnswerNotCompared, not_compared));
                for (rule, times) in piece.rules.iter().map(|(rule, times)| (*rule, *times)).chain(more) {
                    *self.found.rules.entry(rule).or_default() += times;
                }
            }
            Answer::Unexplained { seen, explained, offers, steps } => {
                self.found.unexplained += 1;
                self.places.outside(&lines_of(&piece), "its piece is not explained");
                if self.found.differences.len() < MOST_KEPT {
                    let scenario = Stage::of(&piece, &title(&piece)).text;
                    let seen = seen.and_then(|place| piece.seen.get(place).cloned());
                    let difference = Difference { piece, seen, explained, offers, scenario, steps };
                    self.found.differences.push(difference);
                }
            }
            Answer::Undecided(why) => {
                self.places.outside(&lines_of(&piece), "its piece could not be decided");
                *self.found.undecided.entry(why).or_default() += 1;
            }
        }
    }

    fn answer(&self, piece: &Piece) -> Answer {
        let stage = Stage::of(piece, &title(piece));
        let scenario = match read("piece", stage.text.as_bytes()) {
            Ok(scenario) => scenario,
            Err(errors) => return Answer::Undecided(format!("the piece makes no scenario: {errors}")),
        };
        let Some(implementation) = (self.implementation)(&scenario) else {
            return Answer::Undecided("the kernel does not have the file system".to_owned());
        };
        let compares = implementation.design.check != Check::Never;
        let kernel = match Kernel::new(scenario.config_of(implementation)) {
            Ok(kernel) => kernel,
            Err(error) => return Answer::Undecided(error.to_string()),
        };
        let observed = Observed { piece, stage: &stage, traces: self.traces, compares };
        match explain(&kernel, &observed, &self.limits) {
            Ok(Explanation::Explained { steps, positions, .. }) => {
                Answer::Explained { steps, lines: observed.lines(&positions), compares }
            }
            Ok(Explanation::Unexplained { explained, steps, position, offers, .. }) => {
                let seen = observed.missing(&position).min_by_key(|(_, seen)| seen.last.min(seen.line));
                let seen = seen.map(|(place, _)| place).or_else(|| in_spite_of_changes(piece));
                Answer::Unexplained { seen, explained, offers, steps }
            }
            Ok(Explanation::Undecided(hit)) => Answer::Undecided(undecided(hit)),
            Ok(Explanation::Halted(_)) => Answer::Undecided("the setup does not come to its end".to_owned()),
            Err(error) => Answer::Undecided(error.to_string()),
        }
    }
}

/// The lines that say what was seen.
fn lines_of(piece: &Piece) -> Vec<u64> {
    piece.seen.iter().map(|seen| seen.line).collect()
}

/// The first answer "valid" that comes after a change elsewhere that cannot have come after it.
fn in_spite_of_changes(piece: &Piece) -> Option<usize> {
    let needed = || piece.needed.iter().filter_map(|place| piece.elsewhere.get(*place));
    piece.seen.iter().position(|seen| {
        seen.sight == Sight::Answered { valid: true } && needed().any(|(_, last)| *last <= seen.first)
    })
}

fn undecided(hit: LimitHit) -> String {
    format!("the limit of {hit} was reached")
}

fn title(piece: &Piece) -> String {
    let lines = piece.seen.iter().map(|seen| seen.line);
    let (first, last) = (lines.clone().min().unwrap_or(0), lines.max().unwrap_or(0));
    format!("Page {:#x} of a traced file, lines {first} to {last}", piece.page)
}

/// A piece without where and when: lines are their ranks.
fn ranked(piece: &Piece) -> Piece {
    let mut lines: Vec<u64> = Vec::new();
    for seen in &piece.seen {
        lines.extend([seen.first, seen.last, seen.line]);
    }
    lines.extend(piece.elsewhere.iter().flat_map(|(first, last)| [*first, *last]));
    lines.extend(piece.doers.iter().flat_map(|doer| &doer.does).map(|does| does.from));
    lines.sort_unstable();
    lines.dedup();
    let rank = |line: &mut u64| *line = lines.partition_point(|known| known < line) as u64;
    let mut piece = piece.clone();
    piece.page = 0;
    piece.rules.clear();
    for seen in &mut piece.seen {
        rank(&mut seen.first);
        rank(&mut seen.last);
        rank(&mut seen.line);
    }
    for (first, last) in &mut piece.elsewhere {
        rank(first);
        rank(last);
    }
    for doer in &mut piece.doers {
        doer.task.pid = 0;
        doer.task.comm.clear();
        doer.does.iter_mut().for_each(|does| rank(&mut does.from));
    }
    piece
}
