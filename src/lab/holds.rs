//! Where the kernel can be held: for each operation of the model, the function before or after which its task stands just
//! before that operation.
//!
//! Only calls are places: a task cannot be held between two instructions, nor where it may not sleep. A row holds for the
//! kernels in whose source it was read; where the compiler made a function part of another, the module says so when it arms.

mod table;

use stalemap_model::words::command::{Command, Io};

use super::plan::At;
use super::release::Release;

/// What a task is about to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Where {
    /// By which path.
    pub(super) path: Path,
    /// The operation's name.
    pub(super) op: String,
    /// Which of several like objects it concerns: a folio's index.
    pub(super) target: Option<u64>,
    /// The operation that the task has performed before, in the same command.
    pub(super) before: Option<(String, Option<u64>)>,
    /// Whether the operation stores i_size, which was loaded before it.
    pub(super) stores_size: bool,
    /// Whether an attempt fails in it, and another one begins.
    pub(super) fails: bool,
}

/// The path that a command takes through the kernel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Path {
    Write,
    DirectWrite,
    Read,
    DirectRead,
    Fault,
    Fsync,
    Writeback,
    Truncate,
    Fallocate,
    Reflink,
    Reclaim,
    /// The worker that ends I/O.
    EndIo,
    /// The worker that ends direct I/O.
    EndDirectIo,
    Other,
}

/// A place where a task can be held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// The kernel's function.
    pub(super) function: &'static str,
    /// On which side of the call.
    pub(super) at: At,
    /// Which folio its first argument is, if it is one.
    pub(super) folio: Option<u64>,
    /// Which of the calls it is.
    pub(super) nth: Nth,
}

/// Which of the calls that a task makes is the one before an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Nth {
    /// The next one after those of earlier operations that it is a place of, too.
    Next,
    /// That of the last of these operations, each of which leads there once.
    Last(&'static [&'static str]),
    /// The next one after those of these operations.
    After(&'static [&'static str]),
    /// The next one after those of attempts that failed: an error completes direct I/O, too (`iomap_dio_set_error`).
    AfterFailures,
}

impl Path {
    /// The path of a command.
    pub(super) fn of(command: &Command) -> Self {
        match command {
            Command::Pwrite { io: Io::Buffered, .. } => Path::Write,
            Command::Pwrite { io: Io::Direct | Io::Aio, .. } => Path::DirectWrite,
            Command::Pread { io: Io::Buffered, .. } => Path::Read,
            Command::Pread { io: Io::Direct | Io::Aio, .. } => Path::DirectRead,
            Command::Mread { .. } | Command::Mwrite { .. } => Path::Fault,
            Command::Fsync | Command::Fdatasync | Command::Msync { .. } => Path::Fsync,
            Command::SyncRange { .. } => Path::Writeback,
            Command::Truncate { .. } => Path::Truncate,
            Command::Falloc { .. }
            | Command::Fpunch { .. }
            | Command::Fzero { .. }
            | Command::Fcollapse { .. }
            | Command::Finsert { .. }
            | Command::Funshare { .. } => Path::Fallocate,
            Command::Reflink { .. } => Path::Reflink,
            Command::FadviseDontneed { .. } | Command::Extension { .. } => Path::Reclaim,
            Command::BufferStore { .. }
            | Command::Seek { .. }
            | Command::Fiemap { .. }
            | Command::CopySparse
            | Command::Wait
            | Command::Mmap { .. }
            | Command::Munmap
            | Command::Dma { .. }
            | Command::MadviseDontneed { .. }
            | Command::Exchange { .. }
            | Command::Relocate { .. }
            | Command::Redirty { .. }
            | Command::Layoutget { .. }
            | Command::Layoutwrite { .. }
            | Command::Layoutcommit
            | Command::Layoutreturn
            | Command::Cowextsize { .. }
            | Command::Chattr { .. }
            | Command::Shutdown { .. }
            | Command::Crash
            | Command::Fail { .. }
            | Command::Short { .. }
            | Command::Kill { .. } => Path::Other,
        }
    }
}

/// Where a task of a kernel can be held so that it stands just before an operation, or why it cannot.
pub(super) fn place(at: &Where, release: Release) -> Result<Place, &'static str> {
    table::place(at, release)
}

/// The function whose return is the last place before a copy.
pub(super) fn before_copy(release: Release) -> &'static str {
    table::PREPARE.of(release).unwrap_or_default()
}

/// The function that a write calls before it looks up a folio.
pub(super) fn before_look_up() -> &'static str {
    table::LOOKS_UP
}

/// Every function that tasks are held before or after on a release.
pub fn functions(release: Release) -> Vec<&'static str> {
    table::functions(release)
}
