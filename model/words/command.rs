//! What an actor does: xfs_io's commands, with xfs_io's meaning, and a few that xfs_io cannot say.
//!
//! Each is a variant of [`Command`] and a row of [`Command::facts`], in the words of [`facts`]. Whoever adds one is asked
//! for its row by the compiler, and the row for each column: the match has no arm for the rest, and a row no default.

mod asked;
pub mod facts;
mod valid_size;

use std::ops::Range;

use self::facts::Blocks::{Move, Share, Stay};
use self::facts::Data::{Nothing, Pinned, Written};
use self::facts::Role::{
    Announces, HandsOut, LosesPower, PassesBlocks, Plain, Preallocates, Relocates, Searches, SetsDataMode,
    Stops, Syncs, Unshares,
};
use self::facts::SizeEffect::{Becomes, Gains, GrowsTo, Keeps, Loses};
use self::facts::Touches::{Bytes, Calls, Copy, End, Pages};
use self::facts::{Blocks, Data, Facts, Fault, FaultKind, Need, Role, SizeEffect, Touches};
pub use self::facts::{BufferId, FileId, Io};
use crate::words::personality::{
    Allocate, CloneLock, Completion, Dropbehind, Exchange, FsType, Hooks, Personality, Relocate,
};

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

/// What lseek(2) looks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Whence {
    /// SEEK_DATA.
    Data,
    /// SEEK_HOLE.
    Hole,
}

/// How xfs_io says what a scenario says with an `@`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InXfsIo {
    /// Nearly: by this line, in which `$1`, `$2` and on stand for the arguments.
    As(&'static str),
    /// Nearly, by a command that not every xfs_io has.
    AsRecent(&'static str),
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
        /// `-U`: RWF_DONTCACHE.
        dontcache: bool,
        /// `-i name`: the memory that the data lie in, if others may store there.
        buffer: Option<BufferId>,
    },
    /// `[name] mwrite [-S fill] off len`: stores into the memory that a write takes its data from.
    BufferStore {
        /// Which.
        buffer: BufferId,
        /// Where in the file the write puts what is stored.
        range: Range<u64>,
        /// The pattern; only for reports.
        fill: u8,
    },
    /// `pread [-b chunk] off len`: one read(2) per `chunk` bytes, short at end of file.
    Pread {
        /// The bytes read.
        range: Range<u64>,
        /// Bytes of one read(2).
        chunk: u64,
        /// Through what it goes.
        io: Io,
        /// `-U`: RWF_DONTCACHE.
        dontcache: bool,
    },
    /// `seek -d off`, `seek -h off`: lseek(2) with SEEK_DATA or SEEK_HOLE.
    Seek {
        /// What is looked for.
        whence: Whence,
        /// From where on.
        from: u64,
    },
    /// `fiemap [off len]`: FS_IOC_FIEMAP with FIEMAP_FLAG_SYNC.
    Fiemap {
        /// The bytes that are asked for.
        range: Range<u64>,
    },
    /// `@copy_sparse`: the file is read as cp(1) does that leaves out what SEEK_DATA and SEEK_HOLE call a hole.
    CopySparse,
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
    /// `sync`, as far as it is about one file. It returns nothing.
    Sync,
    /// `syncfs`, as far as it is about one file.
    Syncfs,
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
    /// `@flusher`: the flusher writes the file back, and then its inode; it waits for nothing.
    Flusher,
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
    /// `@exchange file off len`: the range and that of another file change places (XFS_IOC_EXCHANGE_RANGE).
    Exchange {
        /// The other file.
        with: FileId,
        /// The bytes, of both files.
        range: Range<u64>,
    },
    /// `@relocate off len`: the blocks of the range come to lie elsewhere on the device, with what they hold.
    Relocate {
        /// The bytes.
        range: Range<u64>,
    },
    /// `@redirty off len`: folios are dirtied with what they have, so that it is written again.
    Redirty {
        /// The bytes; a folio that the range touches is dirtied as a whole, inside end of file.
        range: Range<u64>,
    },
    /// `@layoutget off len`: a client of pNFS is handed out the blocks of the range, to write to them (LAYOUTGET).
    Layoutget {
        /// The bytes, block aligned.
        range: Range<u64>,
    },
    /// `@layoutwrite [-S fill] off len`: it writes to blocks that it was handed out, by itself.
    Layoutwrite {
        /// The bytes, block aligned.
        range: Range<u64>,
        /// The pattern; only for reports.
        fill: u8,
    },
    /// `@layoutcommit`: it says what it has written (LAYOUTCOMMIT).
    Layoutcommit,
    /// `@layoutreturn`: it gives the blocks back (LAYOUTRETURN).
    Layoutreturn,
    /// `cowextsize size`: the hint by which copies are allocated.
    Cowextsize {
        /// Bytes.
        size: u64,
    },
    /// `chattr +j`, `chattr -j`: the data of the file are journalled from here on, or are not (FS_JOURNAL_DATA_FL).
    Chattr {
        /// What is done around each folio of a write from here on.
        hooks: Hooks,
    },
    /// `shutdown [-f]`: the file system stops; `-f` writes the log first. The device goes on, with what is in its cache.
    Shutdown {
        /// `-f`.
        flush: bool,
    },
    /// `@crash`: power is lost, at any time.
    Crash,
    /// `fadvise -d off len`: drops clean, unmapped folios of which all pages are covered, the last page of the file by its bytes.
    FadviseDontneed {
        /// The bytes concerned; a length of 0 reaches to the end of file.
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
    /// `@kill n`: a fatal signal is pending when the next `pwrite` is about to take the folio of its byte `n`.
    Kill {
        /// Bytes before that one.
        after: u64,
    },
}

/// fallocate(2), of all modes.
const FALLOCATE_CALL: Option<&str> = Some("fallocate(2)");

/// The file system can be told to stop: XFS_IOC_GOINGDOWN, EXT4_IOC_SHUTDOWN. fs/gfs2 and fs/zonefs have none (6.1, 6.12 and 7.3).
const SHUTDOWN: Need = Need {
    lacked: |fs| {
        matches!(fs.fs_type, FsType::Gfs2 | FsType::Zonefs) || !(like_xfs(fs) || fs.is_out_of_place())
    },
    why: "this file system has no ioctl that shuts it down (ENOTTY)",
};
/// What a crash leaves is modelled.
const RECOVERY: Need = Need {
    lacked: |fs| like_xfs(fs) && fs.completion == Completion::Clear,
    why: "what a crash leaves is not modelled on this file system",
};
/// A zone is empty again here when its last block goes, before the log says so (`xfs_zone_gc_reset_zones` writes the log first).
const RECOVERY_OF_ZONES: Need =
    Need { lacked: |fs| fs.zone_blocks > 0, why: "what a crash leaves is not modelled with `zone_blocks`" };
/// The collector of zoned XFS writes to a zone of its own (`oz_is_gc`, fs/xfs/xfs_zone_gc.c, 7.3); here one zone is open.
const RELOCATION_OF_ZONES: Need =
    Need { lacked: |fs| fs.zone_blocks > 0, why: "moving blocks is not modelled with `zone_blocks`" };
/// Direct writes of zoned XFS go through the page cache here, where `xfs_dio_zoned_submit_io` has I/O of its own.
const DIRECT_ERRORS: Need = Need {
    lacked: |fs| fs.allocate == Allocate::OutOfPlace && (fs.io_errors || fs.data_checksum),
    why: "direct writes out of place are modelled without `io_errors` and `data_checksum`",
};
/// Files share blocks.
const SHARED_BLOCKS: Need = Need {
    lacked: |fs| !like_xfs(fs) || fs.clone_lock == CloneLock::Absent,
    why: "files do not share blocks on this file system",
};
/// A file can change its size and give blocks back.
const FREEABLE_BLOCKS: Need = Need {
    lacked: |fs| fs.allocate == Allocate::Static,
    why: "a file of this file system keeps its size and its blocks",
};
/// Blocks can be allocated before they are written.
const PREALLOCATION: Need = Need {
    lacked: |fs| matches!(fs.allocate, Allocate::OutOfPlace | Allocate::Static),
    why: "nothing can be preallocated on this file system",
};
/// fallocate(2) zeroes ranges, takes them out and puts them in.
const RANGE_MODES: Need = Need {
    lacked: |fs| matches!(fs.allocate, Allocate::Written | Allocate::Static),
    why: "this file system has no such mode of fallocate",
};
/// There is a fallocate(2).
const FALLOCATE: Need =
    Need { lacked: |fs| fs.hooks == Hooks::Jdata, why: "a file whose data is journalled knows no fallocate" };
/// A file can be opened for direct I/O.
const DIRECT_IO: Need = Need {
    lacked: |fs| fs.hooks == Hooks::Jdata,
    why: "a file whose data is journalled cannot be opened for direct I/O",
};

/// Reads and writes may ask not to wait: files are opened with FMODE_NOWAIT (`kiocb_set_rw_flags`, include/linux/fs.h, 6.1 to 7.3).
const UNWAITING_IO: Need = Need {
    lacked: |fs| matches!(fs.fs_type, FsType::Gfs2 | FsType::Zonefs),
    why: "writes with RWF_NOWAIT are refused on this file system (EOPNOTSUPP)",
};

/// Reads and writes may ask not to be cached.
const UNCACHED_IO: Need = Need {
    lacked: |fs| fs.dropbehind == Dropbehind::Absent,
    why: "reads and writes with RWF_DONTCACHE are refused on this file system, or by this release (`dropbehind`)",
};

/// There is a FS_IOC_FIEMAP.
const MAPPED_ON_REQUEST: Need =
    Need { lacked: |fs| fs.allocate == Allocate::Static, why: "this file system has no fiemap" };

/// Ranges of files change places.
const EXCHANGE_RANGE: Need = Need {
    lacked: |fs| !fs.is_xfs() || !like_xfs(fs) || fs.exchange == Exchange::Absent,
    why: "files do not exchange ranges on this file system",
};

/// Blocks are moved to other places.
const RELOCATION: Need = Need {
    lacked: |fs| fs.relocate == Relocate::Absent || !(like_xfs(fs) || fs.is_out_of_place()),
    why: "nothing moves blocks of this file system to other places (`relocate`, on XFS and ext4)",
};

/// Blocks are handed out to clients.
const LAYOUTS: Need = Need {
    lacked: |fs| !fs.is_xfs() || !like_xfs(fs),
    why: "this file system hands no blocks out to clients",
};

/// Whether a file's data are journalled is an attribute of it, which XFS refuses.
const JOURNALLED_ON_XFS: Need = Need {
    lacked: |fs| fs.fs_type == FsType::Xfs,
    why: "XFS journals no data of files: it refuses the attribute (EOPNOTSUPP)",
};

/// zonefs has no attributes.
const JOURNALLED_ON_ZONEFS: Need =
    Need { lacked: |fs| fs.fs_type == FsType::Zonefs, why: "zonefs has no attributes of files (ENOTTY)" };

/// ext4 has that one.
const JOURNALLED_ON_EXT4: Need =
    Need { lacked: |fs| fs.fs_type == FsType::Ext4, why: "ext4 with journalled data is not modelled" };

/// Folios are dirtied by who has nothing to write.
const REDIRTY: Need = Need {
    lacked: |fs| fs.glock || fs.hooks == Hooks::Jdata,
    why: "who dirties folios without a write of its own is not modelled where the glock and transactions are to be held for it",
};

/// Whether blocks are allocated and given back as on XFS.
fn like_xfs(fs: &Personality) -> bool {
    matches!(fs.allocate, Allocate::Delalloc | Allocate::Unwritten)
}

impl Command {
    /// What is known of the command.
    #[rustfmt::skip]
    #[expect(clippy::match_same_arms, reason = "commands that have the same row today are different ones")]
    pub fn facts(&self) -> Facts {
        let none = Touches::Nothing;
        match self {
            Command::Pwrite { range, chunk, fill, io, nowait, dontcache, .. } => {
                let call = Some(by_io(*io, "write(2)", "direct write"));
                let needs = if *nowait { of_unwaiting_write(*io, *dontcache) } else { of_write(*io, *dontcache) };
                row(call, Calls(range.clone(), *chunk), GrowsTo(range.end), Stay, Written(*fill), needs, Role::Io(*io))
            }
            Command::BufferStore { range, fill, .. } => row(Some("store"), Bytes(range.clone()), Keeps, Stay, Written(*fill), &[], Plain),
            Command::Pread { range, chunk, io, dontcache } =>
                row(Some(by_io(*io, "read(2)", "direct read")), Calls(range.clone(), *chunk), Keeps, Stay, Nothing, of_io(*io, *dontcache), Role::Io(*io)),
            Command::Seek { from, .. } => row(Some("lseek(2)"), Touches::From(*from), Keeps, Stay, Nothing, &[], Searches),
            Command::Fiemap { range } => row(Some("fiemap"), to_end(range), Keeps, Stay, Nothing, &[MAPPED_ON_REQUEST], Searches),
            Command::CopySparse => row(Some("a sparse copy"), none, Keeps, Stay, Nothing, &[], Searches),
            Command::Wait => row(None, none, Keeps, Stay, Nothing, &[], Plain),

            Command::Mmap { range, .. } => row(None, Bytes(range.clone()), Keeps, Stay, Nothing, &[], Plain),
            Command::Munmap => row(None, none, Keeps, Stay, Nothing, &[], Plain),
            Command::Mread { range } => row(Some("load"), Pages(range.clone()), Keeps, Stay, Nothing, &[], Plain),
            Command::Mwrite { range, fill } => row(Some("store"), Pages(range.clone()), Keeps, Stay, Written(*fill), &[], Plain),
            Command::Dma { range, fill } => row(None, Pages(range.clone()), Keeps, Stay, Pinned(*fill), &[], Plain),
            Command::MadviseDontneed { range } => row(Some("madvise(2)"), Bytes(range.clone()), Keeps, Stay, Nothing, &[], Plain),

            Command::Msync { range, wait } => row(Some("msync(2)"), Bytes(range.clone()), Keeps, Stay, Nothing, &[], if *wait { Syncs } else { Plain }),
            Command::Fsync | Command::Fdatasync => row(Some("fsync(2)"), none, Keeps, Stay, Nothing, &[], Syncs),
            Command::Sync => row(Some("sync(2)"), none, Keeps, Stay, Nothing, &[], Plain),
            Command::Syncfs => row(Some("syncfs(2)"), none, Keeps, Stay, Nothing, &[], Plain),
            Command::SyncRange { range, .. } => row(Some("writeback"), to_end(range), Keeps, Stay, Nothing, &[], Plain),
            Command::Flusher => row(Some("writeback"), none, Keeps, Stay, Nothing, &[], Plain),
            Command::FadviseDontneed { range } => row(Some("fadvise(2)"), to_end(range), Keeps, Stay, Nothing, &[], Plain),
            // Such an actor leaves data, size and blocks alone: `model/actors/` gives it no way to do anything else.
            Command::Extension { extension, range } =>
                row(Some(extension.call()), Bytes(range.clone()), Keeps, Stay, Nothing, &[], Plain),

            Command::Truncate { size } => row(Some("truncate(2)"), End(*size), Becomes(*size), Move, Nothing, &[FREEABLE_BLOCKS], Plain),
            Command::Falloc { range, keep_size } => {
                let (size, needs) = (grows(range, *keep_size), &[PREALLOCATION, FALLOCATE]);
                row(FALLOCATE_CALL, Bytes(range.clone()), size, Stay, Nothing, needs, Preallocates)
            }
            Command::Fpunch { range } =>
                row(FALLOCATE_CALL, Bytes(range.clone()), Keeps, Move, Nothing, &[FREEABLE_BLOCKS, FALLOCATE], Plain),
            Command::Fzero { range, keep_size } =>
                row(FALLOCATE_CALL, Bytes(range.clone()), grows(range, *keep_size), Move, Nothing, &[RANGE_MODES], Preallocates),
            Command::Fcollapse { range } =>
                row(FALLOCATE_CALL, Bytes(range.clone()), Loses(range.clone()), Move, Nothing, &[RANGE_MODES], Plain),
            Command::Finsert { range } =>
                row(FALLOCATE_CALL, Bytes(range.clone()), Gains(range.clone()), Move, Nothing, &[RANGE_MODES], Plain),

            Command::Funshare { range } => row(FALLOCATE_CALL, Bytes(range.clone()), GrowsTo(range.end), Stay, Nothing, &[SHARED_BLOCKS], Unshares),
            Command::Reflink { source, from, range } =>
                row(Some("reflink"), Copy(*from, range.clone()), GrowsTo(range.end), Share, Nothing, &[SHARED_BLOCKS], PassesBlocks(*source)),
            Command::Exchange { with, range } =>
                row(Some("exchange-range"), Bytes(range.clone()), Keeps, Move, Nothing, &[EXCHANGE_RANGE], PassesBlocks(*with)),
            Command::Relocate { range } =>
                row(Some("garbage collection"), Bytes(range.clone()), Keeps, Move, Nothing, &[RELOCATION, RELOCATION_OF_ZONES], Relocates),
            Command::Redirty { range } => row(Some("rewriting"), Bytes(range.clone()), Keeps, Stay, Nothing, &[REDIRTY], Plain),
            Command::Layoutget { range } => row(Some("LAYOUTGET"), Bytes(range.clone()), Keeps, Stay, Nothing, &[LAYOUTS], HandsOut),
            Command::Layoutwrite { range, fill } =>
                row(Some("a client's write"), Bytes(range.clone()), GrowsTo(range.end), Stay, Written(*fill), &[LAYOUTS], Plain),
            Command::Layoutcommit | Command::Layoutreturn => row(None, none, Keeps, Stay, Nothing, &[LAYOUTS], Plain),
            Command::Cowextsize { .. } => row(None, none, Keeps, Stay, Nothing, &[SHARED_BLOCKS], Plain),
            Command::Chattr { .. } => row(Some("FS_IOC_SETFLAGS"), none, Keeps, Stay, Nothing, &[JOURNALLED_ON_XFS, JOURNALLED_ON_ZONEFS, JOURNALLED_ON_EXT4], SetsDataMode),

            Command::Shutdown { .. } => row(None, none, Keeps, Stay, Nothing, &[SHUTDOWN, RECOVERY, RECOVERY_OF_ZONES], Stops),
            Command::Crash => row(None, none, Keeps, Stay, Nothing, &[RECOVERY, RECOVERY_OF_ZONES], LosesPower),
            Command::Fail { after } => row(None, none, Keeps, Stay, Nothing, &[], announces(FaultKind::Fail, *after)),
            Command::Short { after } => row(None, none, Keeps, Stay, Nothing, &[], announces(FaultKind::Short, *after)),
            Command::Kill { after } => row(None, none, Keeps, Stay, Nothing, &[], announces(FaultKind::Kill, *after)),
        }
    }

    /// Whether it may have an answer that is more than success or failure, which is told: what it read, or where it found
    /// something.
    pub fn may_answer(&self) -> bool {
        let facts = self.facts();
        match facts.role {
            Searches => true,
            Role::Io(io) => io != Io::Aio && facts.data == Nothing,
            _ => false,
        }
    }

    /// Why the command cannot be given on a file system with blocks of so many bytes: the kernel refuses it there, or what it would
    /// do is not modelled.
    pub fn refused_by(&self, fs: &Personality, block: u64) -> Option<&'static str> {
        let lacked = self.facts().needs.iter().find(|need| (need.lacked)(fs)).map(|need| need.why);
        lacked
            .or_else(|| self.refused_unaligned(fs, block))
            .or_else(|| if fs.valid_size { self.refused_with_valid_size() } else { None })
    }

    /// `zonefs_file_dio_write` and `zonefs_file_read_iter` (fs/zonefs/file.c, 6.1 to 7.3) return -EINVAL.
    fn refused_unaligned(&self, fs: &Personality, block: u64) -> Option<&'static str> {
        let direct = self.io().is_some_and(|io| io != Io::Buffered);
        if !direct || fs.fs_type != FsType::Zonefs {
            return None;
        }
        let whole = self.cuts().iter().all(|cut| cut.is_multiple_of(block));
        (!whole)
            .then_some("zonefs reads and writes whole blocks past the page cache, and refuses less (EINVAL)")
    }
}

/// A row: every column has to be given.
const fn row(
    call: Option<&'static str>,
    touches: Touches,
    size: SizeEffect,
    blocks: Blocks,
    data: Data,
    needs: &'static [Need],
    role: Role,
) -> Facts {
    Facts { call, touches, size, blocks, data, needs, role }
}

/// A range that may have no end of its own.
fn to_end(range: &Range<u64>) -> Touches {
    if range.end == u64::MAX { Touches::From(range.start) } else { Bytes(range.clone()) }
}

/// What fallocate(2) does to the size.
const fn grows(range: &Range<u64>, keep_size: bool) -> SizeEffect {
    if keep_size { Keeps } else { GrowsTo(range.end) }
}

const fn announces(kind: FaultKind, after: u64) -> Role {
    Announces(Fault { kind, after })
}

/// The name of read(2) or write(2), by what it goes through.
const fn by_io(io: Io, buffered: &'static str, direct: &'static str) -> &'static str {
    match io {
        Io::Buffered => buffered,
        Io::Direct | Io::Aio => direct,
    }
}

/// What a file system must have for write(2).
const fn of_write(io: Io, dontcache: bool) -> &'static [Need] {
    match (io, dontcache) {
        (Io::Buffered, _) => of_io(io, dontcache),
        (Io::Direct | Io::Aio, false) => &[DIRECT_IO, DIRECT_ERRORS],
        (Io::Direct | Io::Aio, true) => &[DIRECT_IO, DIRECT_ERRORS, UNCACHED_IO],
    }
}

/// What a file system must have for write(2) with RWF_NOWAIT.
const fn of_unwaiting_write(io: Io, dontcache: bool) -> &'static [Need] {
    match (io, dontcache) {
        (Io::Buffered, false) => &[UNWAITING_IO],
        (Io::Buffered, true) => &[UNWAITING_IO, UNCACHED_IO],
        (Io::Direct | Io::Aio, false) => &[DIRECT_IO, DIRECT_ERRORS, UNWAITING_IO],
        (Io::Direct | Io::Aio, true) => &[DIRECT_IO, DIRECT_ERRORS, UNWAITING_IO, UNCACHED_IO],
    }
}

/// What a file system must have for I/O.
const fn of_io(io: Io, dontcache: bool) -> &'static [Need] {
    match (io, dontcache) {
        (Io::Buffered, false) => &[],
        (Io::Buffered, true) => &[UNCACHED_IO],
        (Io::Direct | Io::Aio, false) => &[DIRECT_IO],
        (Io::Direct | Io::Aio, true) => &[DIRECT_IO, UNCACHED_IO],
    }
}
