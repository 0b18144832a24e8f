//! Whether a text has colours.

/// Whether a text has colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Paint {
    /// It has.
    Colored,
    /// It has none.
    Plain,
}
