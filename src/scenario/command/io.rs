//! read(2), write(2) and sync_file_range(2).

use stalemap_model::words::command::{Command, Io, Then, Whence};
use stalemap_model::words::geometry::Bytes;

use super::arguments::Unit;
use super::call::Call;
use crate::scenario::buffers;
use crate::scenario::errors::Errors;
use crate::scenario::names::quote;
use crate::scenario::number;

/// Bytes of one read(2) or write(2), unless `-b` says otherwise.
const CHUNK: u64 = 4096;
/// The pattern of `pwrite`, unless `-S` says otherwise.
const PWRITE_FILL: u8 = 0xcd;

impl Call<'_, '_> {
    pub(in crate::scenario) fn pwrite(&self, errors: &mut Errors) -> Option<Command> {
        let chunk = self.chunk(errors);
        let fill = self.fill(PWRITE_FILL, errors);
        let range = self.range(errors)?;
        if self.io != Io::Buffered {
            self.aligned(&range, Unit::Sector, errors)?;
        }
        let then = match (self.options.flag('w'), self.options.flag('W')) {
            // Both at once: fdatasync(2), then fsync(2), which includes it.
            (_, true) => Then::Fsync,
            (true, false) => Then::Fdatasync,
            (false, false) => Then::Nothing,
        };
        if self.io == Io::Aio && then != Then::Nothing {
            let help = "write `@wait` and then `fsync` as commands of their own";
            errors.add(
                self.text.span.clone(),
                "a write that nobody waits for cannot be followed by a sync",
                help,
            );
            return None;
        }
        let (nowait, dontcache) = (self.options.flag('N'), self.options.flag('U'));
        let (chunk, fill) = (chunk?, fill?);
        let mut buffer = None;
        if let Some(other) = self.options.values('i').nth(1) {
            let help = "name one buffer; each write has one of its own";
            errors.add(other.span.clone(), "`-i` twice for one pwrite", help);
            return None;
        }
        if let Some(name) = self.options.value('i') {
            if chunk < range.end - range.start {
                let message = format!("several calls of pwrite take their data from {}", quote(name.text));
                let help = format!("write it in one call: `-b {}`", Bytes(range.end - range.start));
                errors.add(name.span.clone(), message, help);
                return None;
            }
            buffer = buffers::of_write(name, self.session.buffers, self.session.files, errors);
        }
        Some(Command::Pwrite { range, chunk, fill, then, io: self.io, nowait, dontcache, buffer })
    }

    pub(in crate::scenario) fn pread(&self, errors: &mut Errors) -> Option<Command> {
        let chunk = self.chunk(errors);
        let range = self.range(errors)?;
        if self.io != Io::Buffered {
            self.aligned(&range, Unit::Sector, errors)?;
        }
        Some(Command::Pread { range, chunk: chunk?, io: self.io, dontcache: self.options.flag('U') })
    }

    /// `seek -d off`, `seek -h off`.
    pub(in crate::scenario) fn seek(&self, errors: &mut Errors) -> Option<Command> {
        let from = self.size(self.options.arguments.first()?, errors);
        let whence = match (self.options.flag('d'), self.options.flag('h')) {
            (true, false) => Whence::Data,
            (false, true) => Whence::Hole,
            _ => {
                let help = "`-d` looks for data, `-h` for a hole";
                errors.add(self.text.span.clone(), "seek takes one of `-d` and `-h`", help);
                return None;
            }
        };
        Some(Command::Seek { whence, from: from? })
    }

    /// `fiemap [off len]`: of all of the file without a range.
    pub(in crate::scenario) fn fiemap(&self, errors: &mut Errors) -> Option<Command> {
        let all = self.options.arguments.is_empty();
        Some(Command::Fiemap { range: if all { 0..u64::MAX } else { self.range(errors)? } })
    }

    pub(in crate::scenario) fn sync_range(&self, errors: &mut Errors) -> Option<Command> {
        let range = self.range_to_end(errors)?;
        let (before, after) = (self.options.flag('b'), self.options.flag('a'));
        let write = self.options.flag('w') || !(before || after);
        Some(Command::SyncRange { range, before, write, after })
    }

    /// `fadvise -d off len`.
    pub(in crate::scenario) fn fadvise(&self, errors: &mut Errors) -> Option<Command> {
        self.drops(errors)?;
        Some(Command::FadviseDontneed { range: self.range_to_end(errors)? })
    }

    /// `@wait`.
    pub(in crate::scenario) fn wait(&self, errors: &mut Errors) -> Option<Command> {
        self.session.submitted(self.name, errors).then_some(Command::Wait)
    }

    /// `@fail bytes`.
    pub(in crate::scenario) fn fail(&self, errors: &mut Errors) -> Option<Command> {
        Some(Command::Fail { after: self.size(self.options.arguments.first()?, errors)? })
    }

    /// `@short bytes`.
    pub(in crate::scenario) fn short(&self, errors: &mut Errors) -> Option<Command> {
        Some(Command::Short { after: self.size(self.options.arguments.first()?, errors)? })
    }

    /// `@kill bytes`.
    pub(in crate::scenario) fn kill(&self, errors: &mut Errors) -> Option<Command> {
        Some(Command::Kill { after: self.size(self.options.arguments.first()?, errors)? })
    }

    /// Bytes of one call: `-b`, and that many times `-V`.
    fn chunk(&self, errors: &mut Errors) -> Option<u64> {
        let positive = |letter: char, help: &str, errors: &mut Errors| {
            let Some(word) = self.options.value(letter) else { return Some(None) };
            let number = self.size(word, errors)?;
            if number == 0 {
                errors.add(word.span.clone(), "a call that moves 0 bytes never comes to an end", help);
            }
            (number > 0).then_some(Some(number))
        };
        let size = positive('b', &format!("without `-b`, one call moves {CHUNK} bytes"), errors);
        let vectors = positive('V', "`-V` is how many buffers of `-b` bytes one call moves", errors);
        let (size, vectors) = (size?, vectors?);
        if let (Some(size), true) = (size, self.io != Io::Buffered) {
            self.multiple("`-b`", size, self.options.value('b'), Unit::Sector, errors)?;
        }
        Some(size.unwrap_or(CHUNK).saturating_mul(vectors.unwrap_or(1)))
    }

    /// `-S`.
    pub(in crate::scenario) fn fill(&self, default: u8, errors: &mut Errors) -> Option<u8> {
        let Some(word) = self.options.value('S') else { return Some(default) };
        let help = "a pattern is a number of which the low byte counts, for example `0x58`";
        let fill = number::pattern(word.text);
        fill.map_err(|error| errors.add(word.span.clone(), error.message(&quote(word.text)), help)).ok()
    }
}
