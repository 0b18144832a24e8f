//! What the earlier commands of an actor leave behind for the later ones: its mappings, how it opened the
//! files and how large they are, a fault announced for the next write.

use std::mem;
use std::ops::Range;

use stalemap_model::words::command::facts::{Fault, FaultKind, SizeEffect};
use stalemap_model::words::command::{BufferId, Command, FileId, Io};
use stalemap_model::words::geometry::Bytes;

use super::buffers::Buffer;
use super::errors::Errors;
use super::text::Word;

/// The sizes that the reading of commands depends on.
#[derive(Clone, Copy)]
pub(super) struct Units {
    /// Bytes of a block.
    pub(super) block: u64,
    /// Bytes of a page.
    pub(super) page: u64,
    /// Bytes of a folio.
    pub(super) folio: u64,
}

/// The state of an actor between two of its commands, as far as it is known without running anything.
pub(super) struct Session<'f> {
    /// Bytes of a block: the suffix `b`.
    pub(super) block: u64,
    /// Bytes of a page.
    pub(super) page: u64,
    /// Bytes of a folio.
    folio: u64,
    /// The names of the files.
    pub(super) files: &'f [String],
    /// The memory that writes take their data from.
    pub(super) buffers: &'f [Buffer],
    /// What of that was named so far.
    pub(super) named: Vec<Buffer>,
    /// Of which memory a line began with the name so far.
    pub(super) stored: Vec<BufferId>,
    /// The file that commands without a name work on.
    pub(super) current: FileId,
    opened: Vec<Opened>,
    faults: Vec<Announced>,
    /// Whether something was submitted that `@wait` can wait for.
    submitted: bool,
    /// Whether a fatal signal has ended it.
    killed: bool,
}

/// A file as the actor sees it.
struct Opened {
    mapping: Mapping,
    /// Its size, if nobody else changes it.
    size: u64,
    /// Through what it is read and written.
    io: Io,
}

/// A mapping, or a part of it.
#[derive(Clone)]
pub(super) struct Mapped {
    /// Its bytes.
    pub(super) range: Range<u64>,
    /// Whether stores are allowed.
    pub(super) writable: bool,
}

enum Mapping {
    Absent,
    Present(Mapped),
    /// The `mmap` was wrong: what follows from it is not worth an error of its own.
    Unknown,
}

/// A fault announced for the next write.
struct Announced {
    fault: Fault,
    /// Where it was announced.
    span: Range<usize>,
}

impl<'f> Session<'f> {
    /// An actor on files of the given sizes.
    pub(super) fn new(units: Units, files: &'f [String], buffers: &'f [Buffer], sizes: &[u64]) -> Self {
        let opened = |size: &u64| Opened { mapping: Mapping::Absent, size: *size, io: Io::Buffered };
        let opened = sizes.iter().map(opened).collect();
        let Units { block, page, folio } = units;
        let (faults, submitted, killed) = (Vec::new(), false, false);
        let (named, stored) = (Vec::new(), Vec::new());
        Session {
            block,
            page,
            folio,
            files,
            buffers,
            named,
            stored,
            current: 0,
            opened,
            faults,
            submitted,
            killed,
        }
    }

    /// Takes note of the buffer that a write names; `range` is what it writes, if that can be read.
    pub(super) fn note_buffer(&mut self, name: &Word<'_>, file: FileId, range: Option<Range<u64>>) {
        let is_file = self.files.iter().any(|file| file == name.text);
        if !is_file && !self.named.iter().any(|buffer| buffer.span == name.span) {
            let (name, span) = (name.text.to_owned(), name.span.clone());
            self.named.push(Buffer { name, file, range, span });
        }
    }

    /// Takes note of the buffer that a line names, if it is one of a write. Those of writes that can be read are known already.
    pub(super) fn note_unread_buffer(&mut self, words: &[Word<'_>]) {
        let writes = words.iter().any(|word| matches!(word.text, "pwrite" | "w"));
        let option = words.iter().position(|word| word.text == "-i").filter(|_| writes);
        if let Some(name) = option.and_then(|option| words.get(option + 1)) {
            self.note_buffer(name, self.current, None);
        }
    }

    /// The sizes of the files after the commands so far, if nobody else changes them.
    pub(super) fn sizes(&self) -> Vec<u64> {
        self.opened.iter().map(|file| file.size).collect()
    }

    /// The size of a file.
    pub(super) fn size(&self, file: FileId) -> u64 {
        self.opened.get(usize::from(file)).map_or(0, |file| file.size)
    }

    /// Through what a file is read and written.
    pub(super) fn io(&self, file: FileId) -> Io {
        self.opened.get(usize::from(file)).map_or(Io::Buffered, |file| file.io)
    }

    /// Opens a file anew.
    pub(super) fn open(&mut self, file: FileId, io: Io) {
        if let Some(file) = self.opened.get_mut(usize::from(file)) {
            file.io = io;
        }
    }

    /// Opens every file anew.
    pub(super) fn open_all(&mut self, io: Io) {
        for file in &mut self.opened {
            file.io = io;
        }
    }

    /// The actor's mapping of a file, for a command that needs one.
    pub(super) fn mapping(
        &self,
        file: FileId,
        verb: &str,
        name: &Word<'_>,
        errors: &mut Errors,
    ) -> Option<Mapped> {
        match self.opened.get(usize::from(file)).map(|file| &file.mapping) {
            Some(Mapping::Present(mapped)) => Some(mapped.clone()),
            Some(Mapping::Unknown) => None,
            Some(Mapping::Absent) | None => {
                let message = format!("{verb} without a mapping");
                errors.add(name.span.clone(), message, "map a range first, for example `mmap 0 4k`");
                None
            }
        }
    }

    /// Whether something was submitted that can be waited for.
    pub(super) fn submitted(&self, name: &Word<'_>, errors: &mut Errors) -> bool {
        if !self.submitted {
            let help = "submit something first, for example `@aio pwrite 0 4k`";
            errors.add(name.span.clone(), "@wait without anything to wait for", help);
        }
        self.submitted
    }

    /// Takes note of a command that was read, or could not be. `span` is what errors about it underline.
    pub(super) fn after(
        &mut self,
        file: FileId,
        verb: &str,
        command: Option<&Command>,
        span: &Range<usize>,
        errors: &mut Errors,
    ) {
        if mem::take(&mut self.killed) {
            let help = "the `pwrite` after `@kill` is the last command of its actor";
            errors.add(span.clone(), format!("{verb} of an actor that was killed"), help);
        }
        let size = self.note_faults(verb, command, span, errors);
        // What could not be read may have been a submission.
        self.submitted |= command.is_none_or(|command| command.io() == Some(Io::Aio));
        let Some(opened) = self.opened.get_mut(usize::from(file)) else { return };
        opened.size = size.after(opened.size);
        if verb == "mmap" && !matches!(opened.mapping, Mapping::Absent) {
            let help = "`munmap` before the next `mmap`";
            errors.add(span.clone(), "several mappings of one actor are not modelled yet", help);
        }
        if let Some(Command::Mmap { range, writable }) = command {
            opened.mapping = Mapping::Present(Mapped { range: range.clone(), writable: *writable });
        } else if verb == "mmap" {
            opened.mapping = Mapping::Unknown;
        } else if verb == "munmap" {
            opened.mapping = Mapping::Absent;
        }
    }

    /// Announced faults wait for the write that comes right after them. Returns what the command does to the size of
    /// its file, if nobody else changes it.
    fn note_faults(
        &mut self,
        verb: &str,
        command: Option<&Command>,
        span: &Range<usize>,
        errors: &mut Errors,
    ) -> SizeEffect {
        let Some(command) = command else {
            match verb {
                "@fail" | "@short" | "@kill" => {}
                "pwrite" => self.faults.clear(),
                _ => self.lost_faults(errors),
            }
            return SizeEffect::Keeps;
        };
        if let Some(fault) = command.fault() {
            if self.faults.iter().any(|earlier| earlier.fault.kind == fault.kind) {
                let message = format!("{} twice for one pwrite", fault.kind.name());
                errors.add(span.clone(), message, "write it once before each `pwrite`");
            }
            self.faults.push(Announced { fault, span: span.clone() });
        } else if let Command::Pwrite { range, io, .. } = command {
            return self.written(range, *io, errors);
        } else {
            self.lost_faults(errors);
        }
        command.facts().size
    }

    /// What a write does to the size of its file: it comes as far as what was announced lets it.
    fn written(&mut self, range: &Range<u64>, io: Io, errors: &mut Errors) -> SizeEffect {
        let length = range.end - range.start;
        let mut written = length;
        for announced in self.faults.drain(..) {
            announced.check(length, io, errors);
            let Fault { kind, after } = announced.fault;
            match kind {
                FaultKind::Fail => written = written.min(after),
                FaultKind::Short => {}
                FaultKind::Kill => {
                    let folio = range.start.saturating_add(after) / self.folio * self.folio;
                    written = written.min(folio.saturating_sub(range.start));
                    self.killed = true;
                }
            }
        }
        if written > 0 { SizeEffect::GrowsTo(range.start + written) } else { SizeEffect::Keeps }
    }

    /// Ends the session: whatever waits for a further command waits in vain.
    pub(super) fn end(mut self, errors: &mut Errors) {
        self.lost_faults(errors);
    }

    fn lost_faults(&mut self, errors: &mut Errors) {
        for Announced { fault, span } in self.faults.drain(..) {
            let message = format!("{} is not followed by a pwrite", fault.kind.name());
            errors.add(span, message, "it concerns the `pwrite` that comes right after it");
        }
    }
}

impl Announced {
    /// Reports a fault that the write does not meet.
    fn check(&self, length: u64, io: Io, errors: &mut Errors) {
        let name = self.fault.kind.name();
        if io != Io::Buffered {
            let message = format!("{name} before a direct pwrite");
            errors.add(self.span.clone(), message, "it concerns the copy into the page cache");
        } else if self.fault.after >= length {
            let message = format!("{name} lies past the end of its pwrite");
            let help = format!("the pwrite is {} long: write less", Bytes(length));
            errors.add(self.span.clone(), message, help);
        }
    }
}
