//! What an actor does: xfs_io's commands, with xfs_io's meaning, and a few that xfs_io cannot say.
//!
//! What is known of each of them stands in one [`table`], in the words of [`facts`].

pub mod facts;
pub mod table;

use std::ops::Range;

/// The number of a file: its place in [`Config::files`](crate::words::config::Config::files).
pub type FileId = u8;

/// What follows each run of `pwrite`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Then {
    /// Nothing.
    #[default]
    Nothing,
    /// `-w`: fdatasync.
    Fdatasync,
    /// `-W`: fsync.
    Fsync,
}

/// Through what a read or write goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Io {
    /// The page cache.
    #[default]
    Buffered,
    /// O_DIRECT: the file was opened with `-d`.
    Direct,
    /// O_DIRECT, submitted and not waited for (`@aio`); `@wait` waits.
    Aio,
}

/// How xfs_io says what a scenario says with an `@`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InXfsIo {
    /// Nearly, with the same arguments: by this command and its options.
    As(&'static str),
    /// Not at all: why, and what to do in its place.
    Not(&'static str),
}

/// A command that needs no syntax of its own: `@name off len`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Extension {
    name: &'static str,
    summary: &'static str,
    in_xfs_io: InXfsIo,
}

impl Extension {
    pub(crate) const fn new(name: &'static str, summary: &'static str, in_xfs_io: InXfsIo) -> Self {
        assert!(matches!(name.as_bytes(), [b'@', _, ..]), "what xfs_io has no command for begins with @");
        Extension { name, summary, in_xfs_io }
    }

    /// How xfs_io says it.
    pub const fn in_xfs_io(self) -> InXfsIo {
        self.in_xfs_io
    }

    /// Its name in scenario files, with the `@`.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// What it does, in a few words.
    pub const fn summary(self) -> &'static str {
        self.summary
    }

    /// What schedules call it: the name without the `@`.
    pub fn call(self) -> &'static str {
        self.name.trim_start_matches('@')
    }

    /// The command, on a range of bytes.
    pub const fn on(self, range: Range<u64>) -> Command {
        Command::Extension { extension: self, range }
    }
}

/// One command. Offsets and lengths are bytes; ranges are half open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// `pwrite [-S fill] [-b chunk] [-w|-W] off len`: one write(2) per `chunk` bytes.
    Pwrite {
        /// The bytes written.
        range: Range<u64>,
        /// Bytes of one write(2); xfs_io's default is 4096.
        chunk: u64,
        /// The pattern; only for reports, the model tells writes apart by who issued them.
        fill: u8,
        /// What follows.
        then: Then,
        /// Through what it goes.
        io: Io,
        /// `-N`: RWF_NOWAIT.
        nowait: bool,
    },
    /// `pread [-b chunk] off len`: one read(2) per `chunk` bytes, short at end of file.
    Pread {
        /// The bytes read.
        range: Range<u64>,
        /// Bytes of one read(2).
        chunk: u64,
        /// Through what it goes.
        io: Io,
    },
    /// `@wait`: waits for everything that this actor submitted with `@aio`.
    Wait,
    /// `mmap [-r] [-w] off len`: maps the range, shared.
    Mmap {
        /// The bytes mapped; a page that the range touches is mapped as a whole.
        range: Range<u64>,
        /// Whether stores are allowed.
        writable: bool,
    },
    /// `munmap`.
    Munmap,
    /// `mread off len`: loads through the mapping.
    Mread {
        /// The bytes loaded.
        range: Range<u64>,
    },
    /// `mwrite [-S fill] off len`: stores through the mapping.
    Mwrite {
        /// The bytes stored.
        range: Range<u64>,
        /// The pattern; only for reports.
        fill: u8,
    },
    /// `@dma [-S fill] off len`: a device stores into the mapped pages: a direct read from elsewhere, of which they are
    /// the buffer.
    Dma {
        /// The bytes stored.
        range: Range<u64>,
        /// The pattern; only for reports.
        fill: u8,
    },
    /// `msync [-a|-s] off len`: `-s` writes back and waits, `-a` does nothing on Linux.
    Msync {
        /// The bytes concerned.
        range: Range<u64>,
        /// Whether it waits.
        wait: bool,
    },
    /// `fsync`.
    Fsync,
    /// `fdatasync`; here the same as `fsync`, since no metadata is tracked that it may leave out.
    Fdatasync,
    /// `sync_range [-b] [-w] [-a] off len`.
    SyncRange {
        /// The bytes concerned; a length of 0 reaches to the end of file.
        range: Range<u64>,
        /// `-b`: wait for writeback in flight first.
        before: bool,
        /// `-w`: start writeback.
        write: bool,
        /// `-a`: wait for writeback.
        after: bool,
    },
    /// `truncate size`.
    Truncate {
        /// The new size.
        size: u64,
    },
    /// `falloc [-k] off len`: allocates unwritten extents.
    Falloc {
        /// The bytes allocated.
        range: Range<u64>,
        /// `-k`: leaves the size alone.
        keep_size: bool,
    },
    /// `fpunch off len`: makes a hole.
    Fpunch {
        /// The bytes punched.
        range: Range<u64>,
    },
    /// `fzero [-k] off len`: makes the range read as zeros, allocated.
    Fzero {
        /// The bytes zeroed.
        range: Range<u64>,
        /// `-k`: leaves the size alone.
        keep_size: bool,
    },
    /// `fcollapse off len`: takes blocks out of the file.
    Fcollapse {
        /// The bytes taken out, block aligned.
        range: Range<u64>,
    },
    /// `finsert off len`: shifts blocks up and leaves a hole.
    Finsert {
        /// The bytes put in, block aligned.
        range: Range<u64>,
    },
    /// `funshare off len`: gives the range blocks of its own.
    Funshare {
        /// The bytes unshared.
        range: Range<u64>,
    },
    /// `reflink source from to len`: shares the source's blocks.
    Reflink {
        /// The file whose blocks are shared.
        source: FileId,
        /// Where in the source.
        from: u64,
        /// The bytes of this file that are replaced.
        range: Range<u64>,
    },
    /// `cowextsize size`: the hint by which copies are allocated.
    Cowextsize {
        /// Bytes.
        size: u64,
    },
    /// `shutdown [-f]`: the file system stops; `-f` writes the log first.
    Shutdown {
        /// `-f`.
        flush: bool,
    },
    /// `@crash`: power is lost, at any time.
    Crash,
    /// `fadvise -d off len`: drops clean, unmapped, fully covered folios.
    FadviseDontneed {
        /// The bytes concerned.
        range: Range<u64>,
    },
    /// `madvise -d off len`: drops this actor's page-table entries.
    MadviseDontneed {
        /// The bytes concerned.
        range: Range<u64>,
    },
    /// `@name off len`: one of [`actors`](crate::actors) goes over the range.
    Extension {
        /// Which.
        extension: Extension,
        /// The bytes concerned.
        range: Range<u64>,
    },
    /// `@fail n`: the source of the next `pwrite` faults for good after `n` bytes.
    Fail {
        /// Bytes that can be copied.
        after: u64,
    },
    /// `@short n`: the source of the next `pwrite` is not resident from byte `n` on; the copy there is
    /// short once, then the page is faulted in and the write goes on.
    Short {
        /// Bytes that are resident.
        after: u64,
    },
}
