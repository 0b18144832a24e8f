//! Commands on the actor's mapping of a file.

use std::ops::Range;

use stalemap_model::words::command::{BufferId, Command};
use stalemap_model::words::geometry::Bytes;

use super::call::Call;
use crate::scenario::buffers::Buffer;
use crate::scenario::errors::Errors;
use crate::scenario::session::Mapped;

/// The pattern of `mwrite`, unless `-S` says otherwise.
const MWRITE_FILL: u8 = b'X';

impl Call<'_, '_> {
    pub(in crate::scenario) fn mmap(&self, errors: &mut Errors) -> Option<Command> {
        let range = self.range(errors)?;
        self.at_page(&range, errors)?;
        let all = !['r', 'w', 'x'].into_iter().any(|mode| self.options.flag(mode));
        Some(Command::Mmap { range, writable: all || self.options.flag('w') })
    }

    /// `munmap`.
    pub(in crate::scenario) fn munmap(&self, errors: &mut Errors) -> Option<Command> {
        self.mapping(errors).map(|_| Command::Munmap)
    }

    /// `mread [off len]`.
    pub(in crate::scenario) fn mread(&self, errors: &mut Errors) -> Option<Command> {
        Some(Command::Mread { range: self.mapped(errors)?.range })
    }

    pub(in crate::scenario) fn mwrite(&self, errors: &mut Errors) -> Option<Command> {
        let (range, fill) = self.stored(errors)?;
        Some(Command::Mwrite { range, fill })
    }

    /// `[name] mwrite off len`: a store to memory that is no mapping of a file's.
    pub(super) fn buffer_store(&self, id: BufferId, buffer: &Buffer, errors: &mut Errors) -> Option<Command> {
        let fill = self.fill(MWRITE_FILL, errors);
        let Some(written) = &buffer.range else { return None };
        let length = written.end - written.start;
        let all = self.options.arguments.is_empty();
        let range = if all { 0..length } else { self.range(errors)? };
        if range.end > length {
            let message = format!("the store reaches behind `{}`", buffer.name);
            let help = format!("it has the {} that its pwrite writes", Bytes(length));
            errors.add(self.arguments_span(), message, help);
            return None;
        }
        let range = written.start + range.start..written.start + range.end;
        Some(Command::BufferStore { buffer: id, range, fill: fill? })
    }

    pub(in crate::scenario) fn dma(&self, errors: &mut Errors) -> Option<Command> {
        let (range, fill) = self.stored(errors)?;
        Some(Command::Dma { range, fill })
    }

    /// What is stored into the actor's mapping, and where.
    fn stored(&self, errors: &mut Errors) -> Option<(Range<u64>, u8)> {
        let fill = self.fill(MWRITE_FILL, errors);
        let Mapped { range, writable } = self.mapped(errors)?;
        if !writable {
            let help = "map it with `mmap -w` or, for all modes, without a mode";
            let message = "a store through a mapping that cannot be written";
            errors.add(self.name.span.clone(), message, help);
            return None;
        }
        Some((range, fill?))
    }

    pub(in crate::scenario) fn msync(&self, errors: &mut Errors) -> Option<Command> {
        if self.options.flag('a') && self.options.flag('s') {
            let help = "`-s` writes back and waits, `-a` does not wait";
            errors.add(self.text.span.clone(), "msync(2) takes one of `-a` and `-s`", help);
            return None;
        }
        let range = self.mapped(errors)?.range;
        self.at_page(&range, errors)?;
        Some(Command::Msync { range, wait: self.options.flag('s') })
    }

    pub(in crate::scenario) fn madvise(&self, errors: &mut Errors) -> Option<Command> {
        self.drops(errors)?;
        let range = self.mapped(errors)?.range;
        self.at_page(&range, errors)?;
        Some(Command::MadviseDontneed { range })
    }

    /// The actor's mapping of the file, or a report that there is none.
    pub(in crate::scenario) fn mapping(&self, errors: &mut Errors) -> Option<Mapped> {
        self.session.mapping(self.file, self.syntax.name, self.name, errors)
    }

    /// The range of a command on the actor's mapping: as given, or all of it.
    pub(in crate::scenario) fn mapped(&self, errors: &mut Errors) -> Option<Mapped> {
        let given = if self.options.arguments.is_empty() { None } else { Some(self.range(errors)?) };
        let mapping = self.mapping(errors)?;
        let Some(range) = given else { return Some(mapping) };
        if range.start < mapping.range.start || range.end > mapping.range.end {
            let whole = &mapping.range;
            let message = format!("{} reaches outside of the mapping", self.syntax.name);
            let help = format!("the mapping is {} to {}", Bytes(whole.start), Bytes(whole.end));
            errors.add(self.arguments_span(), message, help);
            return None;
        }
        Some(Mapped { range, writable: mapping.writable })
    }
}
