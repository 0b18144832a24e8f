//! Where the answers of the kernel's check are: in pieces that are explained, or not, and why not. An answer is what such a trace is
//! taken for; that all pieces are explained says nothing of an answer that is in none.

use std::collections::{BTreeMap, BTreeSet};

use stalemap_trace::{Answer, Outside, Piece, Sight};

use super::found::{AnswerOutside, Conformance};

/// How many answers that are in no explained piece are named.
const MOST_NAMED: usize = 100;

/// What was said of the pages' stories, by line.
#[derive(Debug, Default)]
pub(super) struct Places {
    explained: BTreeSet<u64>,
    outside: BTreeMap<u64, &'static str>,
}

impl Places {
    /// A piece is explained, and with it the answers that it was given.
    pub(super) fn explained(&mut self, piece: &Piece) {
        let answers = piece.seen.iter().filter(|seen| matches!(seen.sight, Sight::Answered { .. }));
        self.explained.extend(answers.map(|seen| seen.line));
    }

    /// What was seen in these lines is not explained.
    pub(super) fn outside(&mut self, lines: &[u64], why: &'static str) {
        self.outside.extend(lines.iter().map(|line| (*line, why)));
    }

    /// Counts answers, and names those that are in no explained piece.
    pub(super) fn tell(&self, answers: &[Answer], found: &mut Conformance) {
        found.answers = answers.len() as u64;
        let (explained, outside): (Vec<&Answer>, Vec<&Answer>) =
            answers.iter().partition(|answer| self.explained.contains(&answer.line));
        found.answers_explained = explained.len() as u64;
        let (valid, rejections): (Vec<&Answer>, Vec<&Answer>) =
            outside.into_iter().partition(|answer| answer.valid);
        found.rejections_outside = rejections.len() as u64;
        let named = rejections.into_iter().chain(valid).take(MOST_NAMED);
        found.answers_outside = named.map(|answer| self.named(answer)).collect();
    }

    fn named(&self, answer: &Answer) -> AnswerOutside {
        let known = answer.outside.map(Outside::words);
        let told = || self.outside.get(&answer.line).copied();
        let why = known.or_else(told).unwrap_or(Outside::BeginningUnseen.words());
        AnswerOutside { line: answer.line, valid: answer.valid, page: answer.page, why }
    }
}
