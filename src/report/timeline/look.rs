//! How a timeline is drawn: as a mail, or on a terminal.

use crate::annotate::inner::StateKind;
use crate::annotate::mappings::Mark;
use crate::paint::Paint;
use crate::report::characters::Characters;

/// The narrowest page; a narrower one is drawn like this one.
const NARROWEST: usize = 48;
/// The columns of a mail. What is quoted a few times still fits a terminal of 80.
const MAIL: usize = 72;

/// How a timeline is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub(super) width: usize,
    pub(super) paint: Paint,
    pub(super) symbols: &'static Symbols,
    pub(super) folding: Folding,
    pub(super) show: Show,
}

/// Which state is shown beside what always is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Show {
    /// What decides.
    WhatDecides,
    /// These kinds.
    These([Option<StateKind>; StateKind::ALL.len()]),
}

/// What bars and rules are made of.
#[derive(Debug)]
pub(super) struct Symbols {
    pub(super) sampled: &'static str,
    pub(super) cached: &'static str,
    pub(super) dropped: &'static str,
    pub(super) stale: &'static str,
    pub(super) misused: &'static str,
    pub(super) rule: &'static str,
    pub(super) folded: &'static str,
    /// The lane of an actor beside what another does.
    pub(super) lane: &'static str,
}

const ASCII: Symbols = Symbols {
    sampled: "+",
    cached: "|",
    dropped: "-",
    stale: "!",
    misused: "X",
    rule: "-",
    folded: "...",
    lane: ".",
};
const BOXES: Symbols = Symbols {
    sampled: "┬",
    cached: "│",
    dropped: "┴",
    stale: "┋",
    misused: "╳",
    rule: "─",
    folded: "⋮",
    lane: "┊",
};

/// Whether long runs of one actor are shortened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Folding {
    /// Every step has its line.
    Full,
    /// The middle of a run in which nothing is decided takes one line.
    Runs,
}

impl Look {
    /// Plain ASCII, to be pasted into a mail or a commit message: 72 columns.
    pub fn mail() -> Self {
        Look {
            width: MAIL,
            paint: Paint::Plain,
            symbols: &ASCII,
            folding: Folding::Full,
            show: Show::WhatDecides,
        }
    }

    /// Colour and box drawing, as wide as the terminal, long runs folded.
    pub fn terminal(width: usize) -> Self {
        Look {
            width: width.max(NARROWEST),
            paint: Paint::Colored,
            symbols: &BOXES,
            folding: Folding::Runs,
            show: Show::WhatDecides,
        }
    }

    /// No line wider than this, but at least 48 columns.
    #[must_use]
    pub fn wide(self, width: usize) -> Self {
        Look { width: width.max(NARROWEST), ..self }
    }

    /// Nothing folded.
    #[must_use]
    pub fn full(self) -> Self {
        Look { folding: Folding::Full, ..self }
    }

    /// Of characters that a terminal can show.
    #[must_use]
    pub fn of(self, characters: Characters) -> Self {
        match characters {
            Characters::Unicode => self,
            Characters::Ascii => Look { symbols: &ASCII, ..self },
        }
    }

    /// With this state beside what is always shown.
    #[must_use]
    pub fn showing(self, show: Show) -> Self {
        Look { show, ..self }
    }

    /// In colour.
    #[must_use]
    pub fn colored(self) -> Self {
        Look { paint: Paint::Colored, ..self }
    }

    /// No colour.
    #[must_use]
    pub fn plain(self) -> Self {
        Look { paint: Paint::Plain, ..self }
    }

    /// What is drawn for a part of a mapping's life.
    pub(super) fn symbol(self, mark: Mark) -> &'static str {
        match mark {
            Mark::Sampled => self.symbols.sampled,
            Mark::Cached => self.symbols.cached,
            Mark::Dropped | Mark::DroppedStale => self.symbols.dropped,
            Mark::Stale => self.symbols.stale,
            Mark::Misused => self.symbols.misused,
        }
    }
}
