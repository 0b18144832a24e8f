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
    /// Whether a folio is looked up once more, since the one that was found had left the page cache: that is in the same call.
    pub(super) looks_again: bool,
    /// The page-table entry that the task has for the folio, where that says by which functions it gets a writable one.
    pub(super) entry: Entry,
}

impl Where {
    /// An operation of a path, of which nothing more is known.
    pub(super) fn new(path: Path, op: &str, target: Option<u64>) -> Self {
        Where {
            path,
            op: op.to_owned(),
            target,
            before: None,
            stores_size: false,
            fails: false,
            looks_again: false,
            entry: Entry::None,
        }
    }

    /// Whether the operation is the one that was performed before, on another object.
    fn goes_on(&self) -> bool {
        self.before.as_ref().is_some_and(|(before, _)| *before == self.op)
    }
}

/// What a task has in its page table for a folio that it is about to store into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Entry {
    /// Nothing.
    None,
    /// An entry that does not let it store.
    ReadOnly,
    /// Something around it was read, which brings in what is cached around it.
    Unknown,
}

/// The path that a command takes through the kernel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Path {
    Write,
    /// A write that is zeroing what lies between the end of the file and its beginning.
    Zero,
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
    /// Which folio is among its arguments, if one is.
    pub(super) folio: Option<u64>,
    /// Which of the calls it is.
    pub(super) nth: Nth,
}

/// Which of the calls that a task makes in a command is the one before an operation.
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
    /// The first one, and no later one: how often it is called is not what the model counts.
    Only,
    /// The first one for a folio that is written back: what comes behind it is not what the model counts.
    OfFolio,
    /// The next one, as long as no call was tried again, which the model does not show.
    Untried,
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
            Command::Fsync | Command::Fdatasync | Command::Sync | Command::Syncfs | Command::Msync { .. } => {
                Path::Fsync
            }
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
            | Command::Flusher
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

/// Whether an operation is a look-up of a folio on the way of which a function is called.
pub(super) fn is_look_up_by(at: &Where, function: &str, release: Release) -> bool {
    table::is_look_up_by(at, function, release)
}

/// Whether a function ends a mapping of a write, and begins the next one, in one call.
pub(super) fn goes_on_to_next(function: &str) -> bool {
    function == table::NEXT
}

/// Whether with an operation a mapping is asked for.
pub(super) fn asks_for_mapping(op: &str) -> bool {
    table::BEGIN.contains(&op)
}

/// The function that completes a direct write that was submitted and not waited for.
pub(super) const COMPLETES: &str = table::COMPLETES;

/// Every function that tasks are held before or after on a release.
pub fn functions(release: Release) -> Vec<&'static str> {
    table::functions(release)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The function, and how it is held there.
    fn held(at: &Where, release: Release) -> Result<(&'static str, At), &'static str> {
        place(at, release).map(|place| (place.function, place.at))
    }

    fn after(before: &str, at: Where) -> Where {
        Where { before: Some((before.to_owned(), None)), ..at }
    }

    #[test]
    fn zeroing_looks_up_without_the_call_of_a_write() {
        let write = Where::new(Path::Write, "filemap_get_folio", Some(1));
        let zero = Where { path: Path::Zero, ..write.clone() };
        let called = Ok((before_look_up(), At::Before));
        for release in Release::ALL {
            assert_eq!(held(&write, release), called);
            assert!(is_look_up_by(&write, before_look_up(), release));
            assert!(is_look_up_by(&zero, before_copy(release), release));
            let newest = release == Release::V7_3;
            assert_eq!(held(&zero, release) == called, newest);
            assert_eq!(is_look_up_by(&zero, before_look_up(), release), newest);
        }
        let begun = held(&after("iomap_begin", zero), Release::V6_12);
        assert_eq!(begun, Ok(("xfs_buffered_write_iomap_begin", At::After)));
    }

    #[test]
    fn what_one_call_does_has_one_place() {
        let release = Release::V6_12;
        let again = Where { looks_again: true, ..Where::new(Path::Write, "filemap_get_folio", Some(0)) };
        assert!(held(&again, release).is_err());
        assert!(!is_look_up_by(&again, before_look_up(), release));
        assert!(held(&Where::new(Path::Write, "cow_seq", None), release).is_err());
        for (path, op) in [
            (Path::DirectWrite, "invalidate_inode_pages2"),
            (Path::Other, "mapping_seek_hole_data"),
            (Path::EndDirectIo, "xfs_reflink_end_cow"),
        ] {
            let first = after("iomap_begin", Where::new(path, op, Some(0)));
            assert!(held(&first, release).is_ok(), "{op}");
            assert!(held(&after(op, first), release).is_err(), "{op}");
        }
        let maps = Where::new(Path::Fsync, "xfs_map_blocks", None);
        assert!(held(&maps, release).is_ok());
        assert!(held(&after("xfs_imap_valid", maps), release).is_err());
    }

    #[test]
    fn what_the_task_has_decides_which_function_is_called() {
        let with = |entry| Where { entry, ..Where::new(Path::Fault, "set_pte_writable", Some(0)) };
        let release = Release::V6_1;
        assert_eq!(held(&with(Entry::None), release), Ok(("finish_fault", At::Before)));
        assert_eq!(held(&with(Entry::ReadOnly), release), Ok(("finish_mkwrite_fault", At::Before)));
        assert!(held(&with(Entry::Unknown), release).is_err());
        let locks = Where::new(Path::EndDirectIo, "spin_lock i_flags_lock", None);
        let written = held(&after("device_write", locks.clone()), release);
        assert_eq!(written, Ok(("xfs_dio_write_end_io", At::Before)));
        let copied = held(&after("xfs_reflink_end_cow", locks), release);
        assert_eq!(copied, Ok(("xfs_reflink_end_cow", At::After)));
    }

    #[test]
    fn the_functions_are_all_that_a_plan_may_name() {
        for release in Release::ALL {
            let functions = functions(release);
            for function in
                [COMPLETES, before_copy(release), before_look_up(), "finish_fault", "finish_mkwrite_fault"]
            {
                assert!(functions.contains(&function), "{function}");
            }
        }
        assert!(functions(Release::V6_1).contains(&"filemap_dirty_folio"));
        assert!(functions(Release::V6_12).contains(&"iomap_file_buffered_write"));
    }
}
