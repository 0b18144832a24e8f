//! How far a directed run has come ([`directed_run`](crate::state::directed_run)).

/// How far a directed run has come.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct HoldState {
    /// The held actor stands at its place (or has finished without coming there).
    pub(crate) reached: bool,
    /// How many of the others have finished.
    pub(crate) finished: u8,
}
