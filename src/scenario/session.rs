//! What the earlier commands of an actor leave behind for the later ones: its mapping, the size of the file,
//! a fault announced for the next write.

use std::ops::Range;

use stalemap_model::command::Command;
use stalemap_model::geometry::Bytes;

use super::command::{fault, reached};
use super::errors::Errors;
use super::text::Word;

/// The state of an actor between two of its commands, as far as it is known without running anything.
pub(super) struct Session {
    /// Bytes of a block: the suffix `b`.
    pub(super) block: u64,
    /// Bytes of a page.
    pub(super) page: u64,
    mapping: Mapping,
    /// The least size that the file has.
    size: u64,
    faults: Vec<Fault>,
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
pub(super) enum FaultKind {
    Fail,
    Short,
}

impl FaultKind {
    /// The command.
    pub(super) fn name(self) -> &'static str {
        match self {
            FaultKind::Fail => "@fail",
            FaultKind::Short => "@short",
        }
    }
}

/// A fault announced for the next write.
pub(super) struct Fault {
    /// Which.
    pub(super) kind: FaultKind,
    /// After how many bytes.
    pub(super) after: u64,
    /// Where it was announced.
    pub(super) span: Range<usize>,
}

impl Session {
    /// An actor on a file of at least `size` bytes.
    pub(super) fn new(block: u64, page: u64, size: u64) -> Self {
        Session { block, page, mapping: Mapping::Absent, size, faults: Vec::new() }
    }

    /// The size of the file after the commands so far, if nobody else changes it.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The actor's mapping, for a command that needs one.
    pub(super) fn mapping(&self, verb: &str, name: &Word<'_>, errors: &mut Errors) -> Option<Mapped> {
        match &self.mapping {
            Mapping::Present(mapped) => Some(mapped.clone()),
            Mapping::Unknown => None,
            Mapping::Absent => {
                let message = format!("{verb} without a mapping");
                errors.add(name.span.clone(), message, "map a range first, for example `mmap 0 4k`");
                None
            }
        }
    }

    /// Whether a truncate goes upwards.
    pub(super) fn grows(&self, size: u64, word: &Word<'_>, errors: &mut Errors) -> bool {
        if size < self.size {
            let help = format!("the file is {} long by then: write at least that", Bytes(self.size));
            errors.add(word.span.clone(), "truncating down is not modelled yet", help);
        }
        size >= self.size
    }

    /// Takes note of a command that was read, or could not be. `span` is what errors about it underline.
    pub(super) fn after(
        &mut self,
        verb: &str,
        command: Option<&Command>,
        span: &Range<usize>,
        errors: &mut Errors,
    ) {
        if verb == "mmap" && !matches!(self.mapping, Mapping::Absent) {
            let help = "`munmap` before the next `mmap`";
            errors.add(span.clone(), "several mappings of one actor are not modelled yet", help);
        }
        if let Some((kind, after)) = command.and_then(fault) {
            if self.faults.iter().any(|fault| fault.kind == kind) {
                let message = format!("{} twice for one pwrite", kind.name());
                errors.add(span.clone(), message, "write it once before each `pwrite`");
            }
            self.faults.push(Fault { kind, after, span: span.clone() });
        } else if !matches!(verb, "@fail" | "@short" | "pwrite") {
            self.lost_faults(errors);
        }
        match (verb, command) {
            ("mmap", Some(Command::Mmap { range, writable })) => {
                self.mapping = Mapping::Present(Mapped { range: range.clone(), writable: *writable });
            }
            ("mmap", _) => self.mapping = Mapping::Unknown,
            ("munmap", _) => self.mapping = Mapping::Absent,
            (_, Some(Command::Pwrite { range, .. })) => {
                let mut length = range.end - range.start;
                for fault in self.faults.drain(..) {
                    reached(&fault, range.end - range.start, errors);
                    if fault.kind == FaultKind::Fail {
                        length = length.min(fault.after);
                    }
                }
                if length > 0 {
                    self.size = self.size.max(range.start + length);
                }
            }
            ("pwrite", _) => self.faults.clear(),
            (_, Some(Command::Falloc { range, keep_size: false })) => self.size = self.size.max(range.end),
            (_, Some(Command::Truncate { size })) => self.size = *size,
            _ => {}
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
