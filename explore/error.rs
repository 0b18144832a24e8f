//! Why an engine cannot go on: mostly a broken system under test. What the user can mend is the environment, a checkpoint, and
//! a table that there is no memory for.

/// The engine cannot go on: a defect of the system that is explored, or of the engine, unless it is one of
/// [`Environment`](EngineError::Environment), [`Checkpoint`](EngineError::Checkpoint) and [`NoMemory`](EngineError::NoMemory).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EngineError {
    /// More actors than sets of actors can hold.
    #[error("{actors} actors are more than {max}", max = crate::actors::MAX_ACTORS)]
    TooManyActors {
        /// How many.
        actors: usize,
    },
    /// Schedules name actors.
    #[error("two actors have the name `{name}`")]
    SameName {
        /// The name.
        name: String,
    },
    /// Equal step state and observations led to another operation than before.
    #[error(
        "not deterministic: actor `{actor}` performed `{performed}` where it had performed `{expected}` from \
         the same step state and observations; look for global state, time, addresses, random numbers or \
         iteration over an unordered collection in its step"
    )]
    NotDeterministic {
        /// Whose step.
        actor: String,
        /// The operation of the first time.
        expected: String,
        /// The operation of the second time.
        performed: String,
    },
    /// A step loop without visible operations.
    #[error("actor `{actor}` runs on without a visible operation")]
    NeverPauses {
        /// Whose step.
        actor: String,
    },
    /// An access to relaxed memory has more ways to go than an outcome can tell.
    #[error(
        "a transition of `{actor}` meets more messages in relaxed memory than can be told apart: at most 8 accesses \
         of one transition may have a choice, of at most 16 messages each"
    )]
    NoSuchOutcome {
        /// Whose transition.
        actor: String,
    },
    /// What an actor reads before its first operation depends on who started first, in relaxed memory.
    #[error(
        "`{actor}` reads relaxed memory before its first operation, and could read several messages there; let it \
         read in an operation"
    )]
    ReadsBeforeItMoves {
        /// Who.
        actor: String,
    },
    /// Setup or epilogue cannot finish although nobody else runs.
    #[error("`{actor}`, alone, waits for ever at `{op}`")]
    StuckAlone {
        /// Who.
        actor: String,
        /// At which operation.
        op: String,
    },
    /// What is chosen in a setup or an epilogue makes a difference.
    #[error(
        "`{actor}`, alone, chooses at `{op}`, and that makes a difference: what comes of a setup or an epilogue is one \
         state; let an actor choose that runs with the others"
    )]
    ChoosesAlone {
        /// Who.
        actor: String,
        /// At which operation.
        op: String,
    },
    /// A variable of the environment would reach into an engine.
    #[error("the environment variable {variable} would change what the engine does; unset it")]
    Environment {
        /// Its name.
        variable: &'static str,
    },
    /// There is no memory for the table of a search that keeps states as bits.
    #[error("there is no memory for a table of {bytes} bytes; take a smaller one")]
    NoMemory {
        /// How large it was to be.
        bytes: u64,
    },
    /// A search that was kept cannot be taken up.
    #[error("{problem}")]
    Checkpoint {
        /// Why not.
        problem: String,
    },
    /// A library, or the system under it, panicked.
    #[error("{engine} panicked: {message}")]
    Panicked {
        /// What was running.
        engine: &'static str,
        /// What it said, and where.
        message: String,
    },
    /// An engine cannot take the system.
    #[error("{engine} takes at most {most} actors, and there are {actors}")]
    DoesNotFit {
        /// Which.
        engine: &'static str,
        /// How many actors it takes.
        most: usize,
        /// How many there are.
        actors: usize,
    },
}
