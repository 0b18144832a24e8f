//! Why a command has no results of its own.

use stalemap_explore::EngineError;

use super::exit::{Exit, Report};
use crate::claims::file::ClaimError;
use crate::input::InputError;
use crate::run::RunError;

/// Why a command has no results of its own.
#[derive(Debug)]
pub(super) enum Stop {
    /// What is wrong with what the user gave it.
    BadInput(Vec<InputError>),
    /// What is wrong with stalemap.
    Defect(String),
    /// There is nothing to do it with, which is told instead.
    Told(Report),
}

impl Stop {
    /// Input that is wrong in this way.
    pub(super) fn other(problem: impl Into<String>) -> Self {
        InputError::Other(problem.into()).into()
    }

    /// What is told of it.
    pub(super) fn report(self) -> Report {
        match self {
            Stop::BadInput(errors) => Report::bad_input(&errors),
            Stop::Defect(problem) => {
                Report { results: String::new(), errors: format!("error: {problem}\n"), exit: Exit::Defect }
            }
            Stop::Told(report) => report,
        }
    }
}

impl From<Vec<InputError>> for Stop {
    fn from(errors: Vec<InputError>) -> Self {
        Stop::BadInput(errors)
    }
}

impl From<InputError> for Stop {
    fn from(error: InputError) -> Self {
        Stop::BadInput(vec![error])
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Stop::Defect(error.to_string())
    }
}

impl From<RunError> for Stop {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Config { .. } | RunError::Refused(_) | RunError::Setup(_) | RunError::Checkpoint(_) => {
                InputError::from(error).into()
            }
            RunError::Engine { .. }
            | RunError::Candidate { .. }
            | RunError::DoesNotReplay { .. }
            | RunError::Disagree { .. } => Stop::Defect(error.to_string()),
        }
    }
}

/// The files of claims are part of the program.
impl From<ClaimError> for Stop {
    fn from(error: ClaimError) -> Self {
        Stop::Defect(error.to_string())
    }
}
