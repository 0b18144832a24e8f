//! What the calls of actors returned, over all runs: one that fails wherever it is made proves little.

use std::collections::BTreeSet;

use crate::actor::ActorId;

/// A call that an actor makes, by its place in what the actor was told to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Call {
    /// Who makes it.
    pub actor: ActorId,
    /// Which of the actor's commands, from 0 on.
    pub command: u16,
    /// Which call of that command, from 0 on.
    pub number: u16,
}

/// What a call returned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Returned {
    /// It did what it was asked to do.
    Success,
    /// An error, or less than it was asked for.
    Error,
}

/// What calls returned, over all runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Calls(BTreeSet<(Call, Returned)>);

impl Calls {
    /// Takes note of what a call returned in some run.
    pub fn note(&mut self, call: Call, returned: Returned) {
        self.0.insert((call, returned));
    }

    /// Takes over what others have noted.
    pub fn extend(&mut self, others: &Calls) {
        self.0.extend(&others.0);
    }

    /// All notes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Call, Returned)> {
        self.0.iter().copied()
    }

    /// The calls that failed in some run.
    pub fn failed(&self) -> impl Iterator<Item = Call> {
        self.0.iter().filter(|(_, returned)| *returned == Returned::Error).map(|(call, _)| *call)
    }

    /// The calls that failed in some run and succeeded in none.
    pub fn never_succeeded(&self) -> impl Iterator<Item = Call> {
        self.failed().filter(|call| !self.0.contains(&(*call, Returned::Success)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_succeeds_once_has_succeeded() {
        let call = |command| Call { actor: 1, command, number: 0 };
        let (mut calls, mut others) = (Calls::default(), Calls::default());
        calls.note(call(0), Returned::Error);
        calls.note(call(1), Returned::Error);
        calls.note(call(2), Returned::Success);
        assert_eq!(calls.never_succeeded().collect::<Vec<_>>(), [call(0), call(1)]);
        others.note(call(1), Returned::Success);
        calls.extend(&others);
        assert_eq!(calls.never_succeeded().collect::<Vec<_>>(), [call(0)]);
        assert_eq!(calls.failed().collect::<Vec<_>>(), [call(0), call(1)]);
    }
}
