//! What can be said of a scenario under a design.

use std::borrow::Cow;

/// What a search can say. Different words for different things.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Every reachable state was explored and none violates anything.
    Holds,
    /// Some reachable state violates something.
    Violates,
    /// Nothing was found, and not everything was explored.
    Incomplete,
    /// A library that may miss something came to its own end, and found nothing.
    FoundNone,
}

impl Verdict {
    /// The word in reports and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Violates => "violates",
            Verdict::Incomplete => "incomplete",
            Verdict::FoundNone => "found none",
        }
    }
}

/// A command of an actor that fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The actor.
    pub actor: String,
    /// Its command, as the file has it.
    pub command: String,
    /// The line that it stands in, from 1.
    pub line: usize,
    /// The error that it fails with in a run in which the actors go one after the other, where that is told.
    pub error: Option<Cow<'static, str>>,
}
