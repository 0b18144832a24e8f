//! What came of a trace: how many pieces are explained, which are not, and what of the trace is in none.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use stalemap_explore::{Offer, Step};
use stalemap_trace::{Impossible, Outside, Piece, Rule, Seen};

/// What came of a trace.
#[derive(Clone, Debug, Default)]
pub struct Conformance {
    /// Pieces, all.
    pub pieces: u64,
    /// Those that some schedule explains.
    pub explained: u64,
    /// How many different ones the explorer was asked about.
    pub asked: u64,
    /// Those that no schedule explains.
    pub unexplained: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
    /// Those that could not be decided, by why.
    pub undecided: BTreeMap<String, u64>,
    /// What this kernel cannot have done, by what that is: the lines. For that no piece is needed.
    pub impossible: BTreeMap<Impossible, Vec<u64>>,
    /// Answers of the kernel's check that the trace has.
    pub answers: u64,
    /// Those of them that are in a piece that is explained.
    pub answers_explained: u64,
    /// Rejections that are in none.
    pub rejections_outside: u64,
    /// The first of the answers that are in no piece that is explained; rejections before all others.
    pub answers_outside: Vec<AnswerOutside>,
    /// Events that a piece may be about.
    pub subjects: u64,
    /// Those of them that are explained.
    pub events: u64,
    /// Pages' stories that are in no piece, by why.
    pub outside: BTreeMap<Outside, u64>,
    /// How often each rule was needed in explained pieces.
    pub rules: BTreeMap<Rule, u64>,
}

impl Conformance {
    /// What can be said of the trace.
    pub fn verdict(&self) -> Verdict {
        if self.unexplained > 0 || !self.impossible.is_empty() {
            Verdict::DoesNotConform
        } else if self.pieces == 0 {
            Verdict::NoPieces
        } else if !self.undecided.is_empty() {
            Verdict::Undecided
        } else if self.rejections_outside > 0 || self.answers > 0 && self.answers_explained == 0 {
            Verdict::Incomplete
        } else {
            Verdict::Conforms
        }
    }
}

/// What is said of a whole trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// All pieces are explained, with all rejections, and some answer if the trace has any.
    Conforms,
    /// Something is there that the model cannot do.
    DoesNotConform,
    /// Nothing makes a piece.
    NoPieces,
    /// A limit ended the search for some piece.
    Undecided,
    /// All pieces are explained, and they leave out what the trace is about: no answer is in one of them, or some rejection is not.
    Incomplete,
}

/// An answer of the kernel's check that is in no piece that is explained.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AnswerOutside {
    /// Its line.
    pub line: u64,
    /// The mapping may be used.
    pub valid: bool,
    /// Where the page begins, in bytes, if that was seen.
    pub page: Option<u64>,
    /// Why it is in none.
    pub why: &'static str,
}

/// A piece that no schedule explains.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The piece.
    pub piece: Piece,
    /// The first thing seen that none explains; `None` where all are, and the run cannot end.
    pub seen: Option<Seen>,
    /// How many things seen some run explains, at most.
    pub explained: usize,
    /// What the model could do next, and the trace does not show.
    pub offers: BTreeSet<Offer>,
    /// The piece as a scenario.
    pub scenario: String,
    /// A run that explains the most.
    pub steps: Vec<Step>,
}
