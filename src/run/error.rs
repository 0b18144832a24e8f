//! Why a job could not be run.

use stalemap_explore::EngineError;
use stalemap_facade::Property;
use stalemap_model::system::kernel::ConfigError;
use stalemap_model::words::settings::SettingError;

use crate::checkpoint::CheckpointError;
use crate::input::InputError;
use crate::scenario::Diagnostics;

/// Why a job could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The scenario asks for something that cannot be explored.
    #[error("{scenario}: {error}")]
    Config {
        /// The scenario's name.
        scenario: String,
        /// Why.
        error: ConfigError,
    },
    /// Commands of the setup fail that are not meant to.
    #[error("{0}")]
    Setup(Diagnostics),
    /// The engine or the model is broken.
    #[error("{scenario} under {design}: {error}")]
    Engine {
        /// The scenario's name.
        scenario: String,
        /// The design's name.
        design: String,
        /// How.
        error: EngineError,
    },
    /// A search that was kept cannot be taken up.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The engine would not do what it was told.
    #[error("{0}")]
    Refused(EngineError),
    /// A field or a value that is compiled in does not exist.
    #[error("{scenario}: a candidate cannot be made: {error}")]
    Candidate {
        /// The scenario's name.
        scenario: String,
        /// What is wrong with it.
        error: SettingError,
    },
    /// A run that a search found cannot be played.
    #[error("{scenario} under {design}: a run that was found does not replay: {problem}")]
    DoesNotReplay {
        /// The scenario's name.
        scenario: String,
        /// The design's name.
        design: String,
        /// Where not.
        problem: String,
    },
    /// A library found what the exhaustive engine does not find there.
    #[error(
        "{scenario} under {design}: {engine} found `{property}`, and its schedule does not lead there: {problem}"
    )]
    Disagree {
        /// The scenario's name.
        scenario: String,
        /// The design's name.
        design: String,
        /// The engine's.
        engine: &'static str,
        /// What it found.
        property: Property,
        /// What happens instead.
        problem: String,
    },
}

/// For whoever takes it for the input's.
impl From<RunError> for InputError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Setup(diagnostics) => InputError::Scenario(diagnostics),
            other => InputError::Other(other.to_string()),
        }
    }
}

impl RunError {
    /// What an engine's error means of a scenario under a design. What the user can do something about is no defect.
    pub(crate) fn of_engine(scenario: &str, design: &str, error: EngineError) -> Self {
        match error {
            EngineError::Environment { .. } | EngineError::NoMemory { .. } => RunError::Refused(error),
            error => RunError::Engine { scenario: scenario.to_owned(), design: design.to_owned(), error },
        }
    }
}
