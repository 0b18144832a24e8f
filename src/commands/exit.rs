//! How a command ended, and what it has to say.

use crate::input::InputError;

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Everything as expected.
    Expected = 0,
    /// Something is not.
    Unexpected = 1,
    /// Usage or bad input.
    BadInput = 2,
    /// Nothing unexpected, but something incomplete.
    Incomplete = 3,
    /// A defect of stalemap.
    Defect = 4,
}

impl Exit {
    /// From the worst on. The codes have another order: what is unexpected is known, whatever else is incomplete.
    const WORST_FIRST: [Self; 4] = [Exit::Defect, Exit::BadInput, Exit::Unexpected, Exit::Incomplete];

    /// The worst of several.
    pub(super) fn worst(exits: impl IntoIterator<Item = Self>) -> Self {
        let exits: Vec<Self> = exits.into_iter().collect();
        Self::WORST_FIRST.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::Expected)
    }
}

/// What a command has to say.
#[derive(Debug)]
pub struct Report {
    /// For stdout.
    pub results: String,
    /// For stderr.
    pub errors: String,
    /// How it ended.
    pub exit: Exit,
}

impl Report {
    pub(super) fn of(results: String, exit: Exit) -> Self {
        Report { results, errors: String::new(), exit }
    }

    /// Several reports, one after the other; the worst exit is that of the whole.
    pub(super) fn joined(reports: &[Self]) -> Self {
        let exit = Exit::worst(reports.iter().map(|report| report.exit));
        let part = |text: fn(&Self) -> &str| {
            reports.iter().map(text).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
        };
        Report { results: part(|report| &report.results), errors: part(|report| &report.errors), exit }
    }

    pub(super) fn bad_input(errors: &[InputError]) -> Self {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let errors = lines.join("\n") + "\n";
        Report { results: String::new(), errors, exit: Exit::BadInput }
    }
}
