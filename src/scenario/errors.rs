//! The errors found so far. Reading goes on after an error wherever it can, so that one pass finds all of them.

use std::ops::Range;

use super::diagnostics::Diagnostic;

/// Collects errors.
#[derive(Default)]
pub(super) struct Errors {
    list: Vec<Diagnostic>,
}

impl Errors {
    /// Notes an error: where, what is wrong, what would be right.
    pub(super) fn add(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.list.push(Diagnostic { span, message: message.into(), help: help.into() });
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    /// What was found.
    pub(super) fn into_list(self) -> Vec<Diagnostic> {
        self.list
    }
}
