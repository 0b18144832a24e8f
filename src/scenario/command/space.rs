//! fallocate(2), and sharing blocks between files.

use stalemap_model::words::command::Command;
use stalemap_model::words::geometry::Bytes;

use super::Call;
use super::arguments::Unit;
use crate::scenario::errors::Errors;
use crate::scenario::files;

impl Call<'_, '_> {
    pub(super) fn falloc(&self, errors: &mut Errors) -> Option<Command> {
        let modes: Vec<char> =
            ['c', 'i', 'p', 'u'].into_iter().filter(|mode| self.options.flag(*mode)).collect();
        let keep_size = self.options.flag('k');
        match (modes.as_slice(), keep_size) {
            ([], _) => Some(Command::Falloc { range: self.range(errors)?, keep_size }),
            // fallocate(2) wants both for a hole, and xfs_io says both.
            (['p'], _) => Some(Command::Fpunch { range: self.range(errors)? }),
            (['c'], false) => self.fcollapse(errors),
            (['i'], false) => self.finsert(errors),
            (['u'], false) => Some(Command::Funshare { range: self.range(errors)? }),
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

    pub(super) fn fzero(&self, keep_size: bool, errors: &mut Errors) -> Option<Command> {
        Some(Command::Fzero { range: self.range(errors)?, keep_size })
    }

    pub(super) fn fcollapse(&self, errors: &mut Errors) -> Option<Command> {
        let range = self.range(errors)?;
        self.aligned(&range, self.blocks(), errors)?;
        Some(Command::Fcollapse { range })
    }

    pub(super) fn finsert(&self, errors: &mut Errors) -> Option<Command> {
        let range = self.range(errors)?;
        self.aligned(&range, self.blocks(), errors)?;
        Some(Command::Finsert { range })
    }

    /// `reflink source [source-off off len]`: without a range, all of the source as this actor knows it.
    pub(super) fn reflink(&self, errors: &mut Errors) -> Option<Command> {
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

    pub(super) fn cowextsize(&self, errors: &mut Errors) -> Option<Command> {
        let word = self.options.arguments.first()?;
        let size = self.size(word, errors)?;
        self.multiple("size", size, Some(word), self.blocks(), errors)?;
        Some(Command::Cowextsize { size })
    }

    fn blocks(&self) -> Unit {
        Unit::Block(self.session.block)
    }
}
