//! Whether documents say how long things took.

/// Whether a document says how long things took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Times {
    /// It does.
    Said,
    /// It does not: two runs of the same are the same bytes.
    LeftOut,
}

impl Times {
    /// What an option that leaves them out asks for.
    pub fn unless(no_times: bool) -> Self {
        if no_times { Times::LeftOut } else { Times::Said }
    }
}
