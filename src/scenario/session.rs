//! What the earlier commands of an actor leave behind for the later ones: its mappings, how it opened the
//! files and how large they are, a fault announced for the next write.

use std::ops::Range;

use stalemap_model::words::command::FileId;
use stalemap_model::words::command::{Command, Io};
use stalemap_model::words::geometry::Bytes;

use super::errors::Errors;
use super::text::Word;

/// The state of an actor between two of its commands, as far as it is known without running anything.
pub(super) struct Session<'f> {
    /// Bytes of a block: the suffix `b`.
    pub(super) block: u64,
    /// Bytes of a page.
    pub(super) page: u64,
    /// The names of the files.
    pub(super) files: &'f [String],
    /// The file that commands without a name work on.
    pub(super) current: FileId,
    opened: Vec<Opened>,
    faults: Vec<Fault>,
    /// Whether something was submitted that `@wait` can wait for.
    submitted: bool,
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

/// `@fail` and `@short`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FaultKind {
    Fail,
    Short,
}

impl FaultKind {
    /// The command.
    fn name(self) -> &'static str {
        match self {
            FaultKind::Fail => "@fail",
            FaultKind::Short => "@short",
        }
    }
}

/// A fault announced for the next write.
struct Fault {
    kind: FaultKind,
    /// After how many bytes.
    after: u64,
    /// Where it was announced.
    span: Range<usize>,
}

impl<'f> Session<'f> {
    /// An actor on files of the given sizes.
    pub(super) fn new(block: u64, page: u64, files: &'f [String], sizes: &[u64]) -> Self {
        let opened = |size: &u64| Opened { mapping: Mapping::Absent, size: *size, io: Io::Buffered };
        let opened = sizes.iter().map(opened).collect();
        Session { block, page, files, current: 0, opened, faults: Vec::new(), submitted: false }
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
        let written = self.note_faults(verb, command, span, errors);
        self.submitted |= match command {
            Some(Command::Pwrite { io, .. } | Command::Pread { io, .. }) => *io == Io::Aio,
            // What could not be read may have been a submission.
            None => true,
            Some(_) => false,
        };
        let Some(opened) = self.opened.get_mut(usize::from(file)) else { return };
        if verb == "mmap" && !matches!(opened.mapping, Mapping::Absent) {
            let help = "`munmap` before the next `mmap`";
            errors.add(span.clone(), "several mappings of one actor are not modelled yet", help);
        }
        match (verb, command) {
            ("mmap", Some(Command::Mmap { range, writable })) => {
                opened.mapping = Mapping::Present(Mapped { range: range.clone(), writable: *writable });
            }
            ("mmap", _) => opened.mapping = Mapping::Unknown,
            ("munmap", _) => opened.mapping = Mapping::Absent,
            (_, Some(command)) => opened.size = size_after(opened.size, command, written),
            (_, None) => {}
        }
    }

    /// Announced faults wait for the write that comes right after them. Returns how many bytes it writes.
    fn note_faults(
        &mut self,
        verb: &str,
        command: Option<&Command>,
        span: &Range<usize>,
        errors: &mut Errors,
    ) -> u64 {
        if let Some((kind, after)) = command.and_then(fault) {
            if self.faults.iter().any(|fault| fault.kind == kind) {
                let message = format!("{} twice for one pwrite", kind.name());
                errors.add(span.clone(), message, "write it once before each `pwrite`");
            }
            self.faults.push(Fault { kind, after, span: span.clone() });
            return 0;
        }
        match (verb, command) {
            (_, Some(Command::Pwrite { range, io, .. })) => {
                let length = range.end - range.start;
                let mut written = length;
                for fault in self.faults.drain(..) {
                    fault.check(length, *io, errors);
                    if fault.kind == FaultKind::Fail {
                        written = written.min(fault.after);
                    }
                }
                written
            }
            ("@fail" | "@short", None) => 0,
            ("pwrite", None) => {
                self.faults.clear();
                0
            }
            _ => {
                self.lost_faults(errors);
                0
            }
        }
    }

    /// Ends the session: whatever waits for a further command waits in vain.
    pub(super) fn end(mut self, errors: &mut Errors) {
        self.lost_faults(errors);
    }

    fn lost_faults(&mut self, errors: &mut Errors) {
        for fault in self.faults.drain(..) {
            let message = format!("{} is not followed by a pwrite", fault.kind.name());
            errors.add(fault.span, message, "it concerns the `pwrite` that comes right after it");
        }
    }
}

impl Fault {
    /// Reports a fault that the write does not meet.
    fn check(&self, length: u64, io: Io, errors: &mut Errors) {
        let name = self.kind.name();
        if io != Io::Buffered {
            let message = format!("{name} before a direct pwrite");
            errors.add(self.span.clone(), message, "it concerns the copy into the page cache");
        } else if self.after >= length {
            let message = format!("{name} lies past the end of its pwrite");
            let help = format!("the pwrite is {} long: write less", Bytes(length));
            errors.add(self.span.clone(), message, help);
        }
    }
}

/// The fault that a command announces: which, and after how many bytes.
fn fault(command: &Command) -> Option<(FaultKind, u64)> {
    match command {
        Command::Fail { after } => Some((FaultKind::Fail, *after)),
        Command::Short { after } => Some((FaultKind::Short, *after)),
        _ => None,
    }
}

/// The size of a file after a command, if nobody else changes it. `written` is how much a write writes.
fn size_after(size: u64, command: &Command, written: u64) -> u64 {
    match command {
        Command::Pwrite { range, .. } if written > 0 => size.max(range.start + written),
        Command::Falloc { range, keep_size: false }
        | Command::Fzero { range, keep_size: false }
        | Command::Funshare { range }
        | Command::Reflink { range, .. } => size.max(range.end),
        Command::Truncate { size } => *size,
        // What ends at end of file or behind it is refused, and so is what starts there.
        Command::Fcollapse { range } if range.end < size => size - (range.end - range.start),
        Command::Finsert { range } if range.start < size => size.saturating_add(range.end - range.start),
        _ => size,
    }
}
