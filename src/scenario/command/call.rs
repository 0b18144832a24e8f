//! A command being read. How each is read stands in the files beside, by subject.

use stalemap_model::words::command::{Command, FileId, Io};

use crate::scenario::errors::Errors;
use crate::scenario::options::{Options, Syntax, usage};
use crate::scenario::session::Session;
use crate::scenario::text::{Text, Word};

/// Reads a command, or reports what is wrong with it.
pub(in crate::scenario) type Reader = fn(&Call<'_, '_>, &mut Errors) -> Option<Command>;

/// A command being read.
pub(in crate::scenario) struct Call<'l, 's> {
    pub(super) text: &'l Text<'s>,
    pub(super) name: &'l Word<'s>,
    pub(super) syntax: &'static Syntax,
    pub(super) options: &'l Options<'s>,
    pub(super) session: &'l Session<'l>,
    pub(super) file: FileId,
    /// Through what it reads or writes.
    pub(super) io: Io,
}

impl Call<'_, '_> {
    /// fadvise and madvise are modelled with `-d` only.
    pub(super) fn drops(&self, errors: &mut Errors) -> Option<()> {
        let given = self.options.flag('d');
        if !given {
            let message = format!("{} without `-d` is not modelled", self.syntax.name);
            errors.add(self.name.span.clone(), message, usage(self.syntax));
        }
        given.then_some(())
    }
}
