//! fallocate(2), and sharing blocks between files.

use stalemap_model::words::command::Command;
use stalemap_model::words::geometry::Bytes;
use stalemap_model::words::personality::Hooks;

use super::arguments::Unit;
use super::call::Call;
use crate::scenario::errors::Errors;
use crate::scenario::files;
use crate::scenario::names::quote;
use crate::scenario::options;

/// The pattern of `@layoutwrite`, unless `-S` says otherwise.
const LAYOUT_FILL: u8 = 0xcd;

impl Call<'_, '_> {
    /// `truncate size`.
    pub(in crate::scenario) fn truncate(&self, errors: &mut Errors) -> Option<Command> {
        Some(Command::Truncate { size: self.size(self.options.arguments.first()?, errors)? })
    }

    /// `shutdown [-f]`.
    #[expect(clippy::unnecessary_wraps, reason = "it is called as all readers are")]
    pub(in crate::scenario) fn shutdown(&self, _: &mut Errors) -> Option<Command> {
        Some(Command::Shutdown { flush: self.options.flag('f') })
    }

    pub(in crate::scenario) fn falloc(&self, errors: &mut Errors) -> Option<Command> {
        let modes: Vec<char> =
            ['c', 'i', 'p', 'u'].into_iter().filter(|mode| self.options.flag(*mode)).collect();
        let keep_size = self.options.flag('k');
        match (modes.as_slice(), keep_size) {
            ([], _) => Some(Command::Falloc { range: self.range(errors)?, keep_size }),
            // fallocate(2) wants both for a hole, and xfs_io says both.
            (['p'], _) => self.fpunch(errors),
            (['c'], false) => self.fcollapse(errors),
            (['i'], false) => self.finsert(errors),
            (['u'], false) => self.funshare(errors),
            ([mode], true) => {
                let message = format!("`-k` of falloc does not go with `-{mode}`");
                errors.add(self.text.span.clone(), message, "it leaves the size of a plain `falloc` alone");
                None
            }
            _ => {
                let help = "`-c` collapses, `-i` inserts, `-p` punches, `-u` unshares";
                errors.add(self.text.span.clone(), "falloc takes one of `-c`, `-i`, `-p` and `-u`", help);
                None
            }
        }
    }

    /// `resvsp off len`.
    pub(in crate::scenario) fn resvsp(&self, errors: &mut Errors) -> Option<Command> {
        Some(Command::Falloc { range: self.range(errors)?, keep_size: true })
    }

    /// `fpunch off len`.
    pub(in crate::scenario) fn fpunch(&self, errors: &mut Errors) -> Option<Command> {
        Some(Command::Fpunch { range: self.range(errors)? })
    }

    /// `funshare off len`.
    pub(in crate::scenario) fn funshare(&self, errors: &mut Errors) -> Option<Command> {
        Some(Command::Funshare { range: self.range(errors)? })
    }

    /// `fzero [-k] off len`.
    pub(in crate::scenario) fn fzero(&self, errors: &mut Errors) -> Option<Command> {
        Some(Command::Fzero { range: self.range(errors)?, keep_size: self.options.flag('k') })
    }

    /// `zero off len`.
    pub(in crate::scenario) fn zero(&self, errors: &mut Errors) -> Option<Command> {
        Some(Command::Fzero { range: self.range(errors)?, keep_size: true })
    }

    pub(in crate::scenario) fn fcollapse(&self, errors: &mut Errors) -> Option<Command> {
        let range = self.range(errors)?;
        self.aligned(&range, self.blocks(), errors)?;
        Some(Command::Fcollapse { range })
    }

    pub(in crate::scenario) fn finsert(&self, errors: &mut Errors) -> Option<Command> {
        let range = self.range(errors)?;
        self.aligned(&range, self.blocks(), errors)?;
        Some(Command::Finsert { range })
    }

    /// `reflink source [source-off off len]`: without a range, all of the source as this actor knows it.
    pub(in crate::scenario) fn reflink(&self, errors: &mut Errors) -> Option<Command> {
        let (name, range) = self.options.arguments.split_first()?;
        let source = files::find(name.text, name.span.clone(), self.session.files, errors);
        let [from_word, ..] = range else {
            let source = source?;
            let length = self.session.size(source);
            if length == 0 {
                let message = format!("{} is empty by then", name.text);
                errors.add(name.span.clone(), message, "write it in `[setup]`, or say `source-off off len`");
                return None;
            }
            if source == self.file {
                errors.add(
                    name.span.clone(),
                    "a file shares all its blocks with itself",
                    "name another file",
                );
                return None;
            }
            return Some(Command::Reflink { source, from: 0, range: 0..length });
        };
        let from = self.size(from_word, errors);
        let range = self.range(errors);
        let (source, from, range) = (source?, from?, range?);
        let length = range.end - range.start;
        self.bounded(from, length, errors)?;
        self.multiple("source's offset", from, Some(from_word), self.blocks(), errors)?;
        // A length that ends where the source does stands for the block that it ends in.
        if from + length == self.session.size(source) {
            self.multiple("offset", range.start, self.options.arguments.get(2), self.blocks(), errors)?;
        } else {
            self.aligned(&range, self.blocks(), errors)?;
        }
        if source == self.file && from < range.end && range.start < from + length {
            let help = format!(
                "{} to {} lies in both",
                Bytes(from.max(range.start)),
                Bytes((from + length).min(range.end))
            );
            errors.add(self.arguments_span(), "the range overlaps with its source", help);
            return None;
        }
        Some(Command::Reflink { source, from, range })
    }

    /// `@exchange file off len`: the offset is the same in both files.
    pub(in crate::scenario) fn exchange(&self, errors: &mut Errors) -> Option<Command> {
        let name = self.options.arguments.first()?;
        let with = files::find(name.text, name.span.clone(), self.session.files, errors);
        let range = self.range(errors);
        let (with, range) = (with?, range?);
        if with == self.file {
            errors.add(name.span.clone(), "a file cannot exchange a range with itself", "name another file");
            return None;
        }
        // A length that ends where both files do stands for the block that it ends in.
        if [with, self.file].map(|file| self.session.size(file)) == [range.end; 2] {
            self.multiple("offset", range.start, self.options.arguments.get(1), self.blocks(), errors)?;
        } else {
            self.aligned(&range, self.blocks(), errors)?;
        }
        Some(Command::Exchange { with, range })
    }

    /// `@relocate off len`.
    pub(in crate::scenario) fn relocate(&self, errors: &mut Errors) -> Option<Command> {
        let range = self.range(errors)?;
        self.aligned(&range, self.blocks(), errors)?;
        Some(Command::Relocate { range })
    }

    /// `@layoutget off len`.
    pub(in crate::scenario) fn layoutget(&self, errors: &mut Errors) -> Option<Command> {
        let range = self.range(errors)?;
        self.aligned(&range, self.blocks(), errors)?;
        Some(Command::Layoutget { range })
    }

    /// `@layoutwrite [-S pattern] off len`.
    pub(in crate::scenario) fn layoutwrite(&self, errors: &mut Errors) -> Option<Command> {
        let fill = self.fill(LAYOUT_FILL, errors);
        let range = self.range(errors)?;
        self.aligned(&range, self.blocks(), errors)?;
        Some(Command::Layoutwrite { range, fill: fill? })
    }

    /// `@redirty off len`.
    pub(in crate::scenario) fn redirty(&self, errors: &mut Errors) -> Option<Command> {
        Some(Command::Redirty { range: self.range(errors)? })
    }

    /// `chattr +j`, `chattr -j`.
    pub(in crate::scenario) fn chattr(&self, errors: &mut Errors) -> Option<Command> {
        let given = self.options.arguments.len() + self.options.flags('j');
        let fault = match (given, self.options.arguments.first()) {
            (1, None) => return Some(Command::Chattr { hooks: Hooks::Nothing }),
            (1, Some(word)) if word.text == "+j" => return Some(Command::Chattr { hooks: Hooks::Jdata }),
            (1, Some(word)) => format!("{} of chattr is not modelled", quote(word.text)),
            _ => format!("chattr takes 1 attribute, not {given}"),
        };
        errors.add(self.arguments_span(), fault, options::usage(self.syntax));
        None
    }

    pub(in crate::scenario) fn cowextsize(&self, errors: &mut Errors) -> Option<Command> {
        let word = self.options.arguments.first()?;
        let size = self.size(word, errors)?;
        self.multiple("size", size, Some(word), self.blocks(), errors)?;
        Some(Command::Cowextsize { size })
    }

    fn blocks(&self) -> Unit {
        Unit::Block(self.session.block)
    }
}
