//! One command line in xfs_io's syntax.
//!
//! What a line means depends on those before it (which mapping `mwrite` stores into), which is why reading one
//! goes through the [`Session`] of its actor.

use std::ops::Range;

use stalemap_model::command::{Command, Io, Then};
use stalemap_model::geometry::Bytes;

use super::errors::Errors;
use super::names::{quote, suggest};
use super::number::{self, MAX_OFFSET};
use super::options::{Options, usage};
use super::session::{Fault, FaultKind, Mapped, Session};
use super::text::{Text, Word};
use super::verb::{Lookup, Verb, lookup, names};

/// Bytes of one read(2) or write(2), unless `-b` says otherwise.
const CHUNK: u64 = 4096;
/// The pattern of `pwrite`, unless `-S` says otherwise.
const PWRITE_FILL: u8 = 0xcd;
/// The pattern of `mwrite`, unless `-S` says otherwise.
const MWRITE_FILL: u8 = b'X';

/// Reads a command, or reports why it cannot be.
pub(super) fn read(text: &Text<'_>, session: &mut Session, errors: &mut Errors) -> Option<Command> {
    let words = text.words();
    let Some(name) = words.first() else {
        errors.add(text.span.clone(), "a command is missing", "write one of xfs_io's, for example `fsync`");
        return None;
    };
    let line = Line { text, name, block: session.block, page: session.page };
    let verb = line.verb(errors)?;
    let command = Options::parse(verb, text, &words, errors)
        .and_then(|options| line.command(verb, &options, session, errors));
    let place = words.last().filter(|_| command.as_ref().is_some_and(|command| fault(command).is_some()));
    session.after(verb.name, command.as_ref(), &place.unwrap_or(name).span, errors);
    command
}

/// The line being read.
struct Line<'l, 's> {
    text: &'l Text<'s>,
    name: &'l Word<'s>,
    block: u64,
    page: u64,
}

impl Line<'_, '_> {
    fn verb(&self, errors: &mut Errors) -> Option<&'static Verb> {
        let Word { text: name, span, .. } = self.name;
        if name.starts_with('[') {
            errors.add(
                span.clone(),
                "several files are not modelled yet",
                "write commands without a file's name",
            );
            return None;
        }
        match lookup(name) {
            Lookup::Known(verb) => return Some(verb),
            Lookup::Later => {
                let known: Vec<&str> = names().collect();
                let help = format!("modelled are {}", super::names::list(known));
                errors.add(span.clone(), format!("`{name}` is not modelled yet"), help);
            }
            Lookup::Unknown => {
                let message = format!("unknown command {}", quote(name));
                errors.add(span.clone(), message, suggest(name, names(), "command"));
            }
        }
        None
    }

    fn command(
        &self,
        verb: &Verb,
        options: &Options<'_>,
        session: &Session,
        errors: &mut Errors,
    ) -> Option<Command> {
        let arguments = &options.arguments;
        match verb.name {
            "pwrite" => {
                let chunk = self.chunk(options, errors);
                let fill = fill(options, PWRITE_FILL, errors);
                let range = self.range(arguments, errors)?;
                let then = match (options.flag('w'), options.flag('W')) {
                    // Both at once: fdatasync(2), then fsync(2), which includes it.
                    (_, true) => Then::Fsync,
                    (true, false) => Then::Fdatasync,
                    (false, false) => Then::Nothing,
                };
                Some(Command::Pwrite {
                    range,
                    chunk: chunk?,
                    fill: fill?,
                    then,
                    io: Io::Buffered,
                    nowait: false,
                })
            }
            "pread" => {
                let chunk = self.chunk(options, errors);
                let range = self.range(arguments, errors)?;
                Some(Command::Pread { range, chunk: chunk?, io: Io::Buffered })
            }
            "mmap" => {
                let range = self.range(arguments, errors)?;
                self.aligned(verb, &range, arguments, errors)?;
                let all = !['r', 'w', 'x'].into_iter().any(|mode| options.flag(mode));
                Some(Command::Mmap { range, writable: all || options.flag('w') })
            }
            "munmap" => session.mapping(verb.name, self.name, errors).map(|_| Command::Munmap),
            "mread" => Some(Command::Mread { range: self.mapped(verb, options, session, errors)?.range }),
            "mwrite" => {
                let fill = fill(options, MWRITE_FILL, errors);
                let Mapped { range, writable } = self.mapped(verb, options, session, errors)?;
                if !writable {
                    let help = "map it with `mmap -w` or, for all modes, without a mode";
                    errors.add(
                        self.name.span.clone(),
                        "a store through a mapping that cannot be written",
                        help,
                    );
                    return None;
                }
                Some(Command::Mwrite { range, fill: fill? })
            }
            "msync" => {
                if options.flag('a') && options.flag('s') {
                    let message = "msync(2) takes one of `-a` and `-s`";
                    errors.add(
                        self.text.span.clone(),
                        message,
                        "`-s` writes back and waits, `-a` does not wait",
                    );
                    return None;
                }
                let range = self.mapped(verb, options, session, errors)?.range;
                self.aligned(verb, &range, arguments, errors)?;
                Some(Command::Msync { range, wait: options.flag('s') })
            }
            "fsync" => Some(Command::Fsync),
            "fdatasync" => Some(Command::Fdatasync),
            "sync_range" => {
                let (start, length) = self.offset_and_length(arguments, errors)?;
                // As in sync_file_range(2): a length of 0 reaches to the end of file.
                let range =
                    if length == 0 { start..u64::MAX } else { bounded(start, length, arguments, errors)? };
                let (before, after) = (options.flag('b'), options.flag('a'));
                let write = options.flag('w') || !(before || after);
                Some(Command::SyncRange { range, before, write, after })
            }
            "truncate" => {
                let word = arguments.first()?;
                let size = self.size(word, errors)?;
                session.grows(size, word, errors).then_some(Command::Truncate { size })
            }
            "falloc" => {
                let range = self.range(arguments, errors)?;
                Some(Command::Falloc { range, keep_size: options.flag('k') })
            }
            "fadvise" => {
                self.drops(verb, options, errors)?;
                Some(Command::FadviseDontneed { range: self.range(arguments, errors)? })
            }
            "madvise" => {
                self.drops(verb, options, errors)?;
                let range = self.mapped(verb, options, session, errors)?.range;
                self.aligned(verb, &range, arguments, errors)?;
                Some(Command::MadviseDontneed { range })
            }
            "@reclaim" => Some(Command::Reclaim { range: self.range(arguments, errors)? }),
            "@fail" => Some(Command::Fail { after: self.size(arguments.first()?, errors)? }),
            "@short" => Some(Command::Short { after: self.size(arguments.first()?, errors)? }),
            _ => None,
        }
    }

    /// An offset, a length or a size.
    fn size(&self, word: &Word<'_>, errors: &mut Errors) -> Option<u64> {
        let size = number::size(word.text, self.block);
        size.map_err(|error| errors.add(word.span.clone(), error.message(&quote(word.text)), error.help()))
            .ok()
    }

    /// `-b`.
    fn chunk(&self, options: &Options<'_>, errors: &mut Errors) -> Option<u64> {
        let Some(word) = options.value('b') else { return Some(CHUNK) };
        let chunk = self.size(word, errors)?;
        if chunk == 0 {
            let help = format!("without `-b`, one call moves {CHUNK} bytes");
            errors.add(word.span.clone(), "a call that moves 0 bytes never comes to an end", help);
        }
        (chunk > 0).then_some(chunk)
    }

    fn offset_and_length(&self, arguments: &[Word<'_>], errors: &mut Errors) -> Option<(u64, u64)> {
        let [offset, length] = arguments else { return None };
        // Both are read before either is given up, so that both are reported.
        let (offset, length) = (self.size(offset, errors), self.size(length, errors));
        Some((offset?, length?))
    }

    /// `off len`, not empty.
    fn range(&self, arguments: &[Word<'_>], errors: &mut Errors) -> Option<Range<u64>> {
        let (start, length) = self.offset_and_length(arguments, errors)?;
        if let (0, Some(word)) = (length, arguments.get(1)) {
            errors.add(word.span.clone(), "the range is empty", "the length is at least 1 byte");
            return None;
        }
        bounded(start, length, arguments, errors)
    }

    /// The kernel takes addresses at page boundaries only.
    fn aligned(
        &self,
        verb: &Verb,
        range: &Range<u64>,
        arguments: &[Word<'_>],
        errors: &mut Errors,
    ) -> Option<()> {
        let page = self.page;
        if range.start.is_multiple_of(page) {
            return Some(());
        }
        let page_shown = Bytes(page);
        let lower = Bytes(range.start - range.start % page);
        let span = arguments.first().map_or(self.name.span.clone(), |word| word.span.clone());
        let message = format!("the offset of {} is not a multiple of the page size, {page_shown}", verb.name);
        errors.add(span, message, format!("the page starts at `{lower}`"));
        None
    }

    /// The range of a command on the actor's mapping: as given, or all of it.
    fn mapped(
        &self,
        verb: &Verb,
        options: &Options<'_>,
        session: &Session,
        errors: &mut Errors,
    ) -> Option<Mapped> {
        let arguments = &options.arguments;
        let given = if arguments.is_empty() { None } else { Some(self.range(arguments, errors)?) };
        let mapping = session.mapping(verb.name, self.name, errors)?;
        let Some(range) = given else { return Some(mapping) };
        if range.start < mapping.range.start || range.end > mapping.range.end {
            let whole = &mapping.range;
            let message = format!("{} reaches outside of the mapping", verb.name);
            let help = format!("the mapping is {} to {}", Bytes(whole.start), Bytes(whole.end));
            errors.add(spanned(arguments), message, help);
            return None;
        }
        Some(Mapped { range, writable: mapping.writable })
    }

    /// fadvise and madvise are modelled with `-d` only.
    fn drops(&self, verb: &Verb, options: &Options<'_>, errors: &mut Errors) -> Option<()> {
        if !options.flag('d') {
            let message = format!("{} without `-d` is not modelled", verb.name);
            errors.add(self.name.span.clone(), message, usage(verb));
        }
        options.flag('d').then_some(())
    }
}

/// `-S`.
fn fill(options: &Options<'_>, default: u8, errors: &mut Errors) -> Option<u8> {
    let Some(word) = options.value('S') else { return Some(default) };
    let help = "a pattern is a number of which the low byte counts, for example `0x58`";
    let fill = number::pattern(word.text);
    fill.map_err(|error| errors.add(word.span.clone(), error.message(&quote(word.text)), help)).ok()
}

/// A range that ends inside what a file can hold.
fn bounded(start: u64, length: u64, arguments: &[Word<'_>], errors: &mut Errors) -> Option<Range<u64>> {
    // Neither exceeds 2^63, so the sum of both does not overflow.
    let end = start + length;
    if end > MAX_OFFSET {
        let span = spanned(arguments);
        errors.add(
            span,
            "the range ends beyond the largest file",
            "offset plus length is below `8e`, 2^63 bytes",
        );
        return None;
    }
    Some(start..end)
}

/// The place of all arguments together.
fn spanned(arguments: &[Word<'_>]) -> Range<usize> {
    match arguments {
        // An option may stand between them.
        [first, .., last] => first.span.start.min(last.span.start)..first.span.end.max(last.span.end),
        [only] => only.span.clone(),
        [] => 0..0,
    }
}

/// The fault that a command announces: which, and after how many bytes.
pub(super) fn fault(command: &Command) -> Option<(FaultKind, u64)> {
    match command {
        Command::Fail { after } => Some((FaultKind::Fail, *after)),
        Command::Short { after } => Some((FaultKind::Short, *after)),
        _ => None,
    }
}

/// Reports a fault that the write does not reach.
pub(super) fn reached(fault: &Fault, length: u64, errors: &mut Errors) {
    if fault.after >= length {
        let message = format!("{} lies past the end of its pwrite", fault.kind.name());
        errors.add(fault.span.clone(), message, format!("the pwrite is {} long: write less", Bytes(length)));
    }
}
