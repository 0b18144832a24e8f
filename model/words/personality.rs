//! Personalities: what a file system does on its own account, as a table of values.

use crate::words::asked::Asked;
use crate::words::extent::{Extent, ExtentMap};
use crate::words::geometry::FileBlock;
use crate::words::settings::{choices, settable};
use crate::words::valid_size::{MkwriteValid, TruncateZeroBlock, ValidMoved, ValidRead, ValidWrite};

choices! {
    /// What a buffered write into a hole does in `->iomap_begin`.
    Allocate {
        /// Reserves space and leaves the choice of blocks to writeback.
        Delalloc = "delalloc",
        /// Allocates blocks that read as zeros until they are written.
        Unwritten = "unwritten",
        /// Allocates blocks that count as written at once: what they hold on the device shows until they are
        /// overwritten.
        Written = "written",
        /// Reserves space for a copy, whatever the file has there, from a budget made before the write began.
        OutOfPlace = "out-of-place",
        /// Nothing: every block of the file has its place from the start, and the size is fixed.
        Static = "static",
    }
}

choices! {
    /// In which order I/O completion works.
    Completion {
        /// Converts the extent, then clears the writeback bit.
        ConvertThenClear = "convert-then-clear",
        /// The other way round (a mutant).
        ClearThenConvert = "clear-then-convert",
        /// Converts when the I/O is submitted: after a crash the extent says that data are there (a mutant).
        ConvertAtSubmission = "convert-at-submission",
        /// Only clears the writeback bit: nothing was unwritten.
        Clear = "clear",
    }
}

choices! {
    /// When the size on disk follows a write that grows the file.
    SizeLog {
        /// When the I/O of the data completes.
        Completion = "completion",
        /// In a transaction of its own, as soon as the write has put the data into the page cache (a mutant).
        Write = "write",
    }
}

choices! {
    /// The device's cache of writes that are complete. Only a crash can tell.
    DeviceCache {
        /// There is none: what is complete stays.
        Absent = "none",
        /// What is complete may be lost until the next write of the log, which flushes it first.
        Flushed = "flushed",
        /// What is complete may be lost, and the log is written without a flush (a mutant, and once the mount option `nobarrier`).
        Unflushed = "unflushed",
    }
}

choices! {
    /// What sync(2) and syncfs(2) do when all data have been waited for (`->sync_fs`). Only a crash can tell.
    SyncFs {
        /// They force the log as far as it has anything, and with it what was complete when that was committed (`xfs_log_force`).
        Log = "log",
        /// They have the log written and the cache of the device flushed, whatever there is to write.
        Flush = "flush",
        /// Nothing.
        Nothing = "none",
    }
}

choices! {
    /// What a flush of the log does about the data of ordered mode, those of files that blocks were allocated for.
    LogOrdered {
        /// Nothing: there is no ordered mode, or it is off (the mount option `data=writeback`).
        Nothing = "none",
        /// Writes them, and does not wait: the log goes out with a flush of the device, which covers what is complete.
        Submit = "submit",
        /// Writes them and waits (the mount option `nobarrier`).
        Wait = "wait",
    }
}

choices! {
    /// When a block that was freed can be allocated again.
    Freed {
        /// At once.
        AtOnce = "at-once",
        /// When the log has been flushed: until then the bitmap says that it is free, and the clone of it from which blocks
        /// are allocated that it is taken.
        WithTheLog = "with-the-log",
    }
}

choices! {
    /// Whether fsync(2) has the log written, where transactions are merged (gfs2). Only a crash can tell.
    FsyncLog {
        /// Always.
        Always = "always",
        /// If the inode was dirty when the call began; for fdatasync(2) and msync(2), if more of it was than times.
        IfDirty = "if-dirty",
    }
}

choices! {
    /// What `->iomap_end` does about the part of a NEW mapping that was not written.
    WriteEnd {
        /// Frees the reservations among it, as the design says.
        PunchDelalloc = "punch-delalloc",
        /// Drops it from the page cache and frees its blocks.
        TruncateAndFree = "truncate-and-free",
        /// Nothing.
        Nothing = "none",
    }
}

choices! {
    /// What a write(2) does whose source is not resident.
    SourceFault {
        /// Brings it in between two folios and goes on with the same mapping.
        InPass = "in-pass",
        /// Page faults are disabled while the mapping is held: the pass ends, all its locks but i_rwsem are
        /// dropped, the source is brought in, and a new pass begins.
        EndsPass = "ends-pass",
    }
}

choices! {
    /// What the file system does before and after each folio of a buffered write.
    Hooks {
        /// Nothing of its own.
        Nothing = "none",
        /// Journals the data: a transaction around each folio, buffers joined to it, and a writeback of its own.
        Jdata = "jdata",
    }
}

choices! {
    /// What becomes of the page cache when a file's data begin, or cease, to be journalled (`do_gfs2_set_flags`, fs/gfs2/file.c).
    JdataFlip {
        /// It is written back and dropped: what folios keep in `folio->private` is of the new mode from there on.
        Truncate = "truncate",
        /// It is written back, and stays (before 7c9d9223802f).
        Keep = "keep",
    }
}

choices! {
    /// When a change of the extent map moves the counter.
    Bump {
        /// Inside the ILOCK section that changes the map.
        Inside = "inside",
        /// Inside that section, in an operation of its own before the records change, which is when the kernel does it. Only a
        /// check without the lock could tell.
        Early = "early",
        /// After the section, before the next release of the same task (harmless).
        AfterIlock = "after-ilock",
        /// After the writeback bit was cleared (a mutant).
        AfterClear = "after-clear",
        /// Never (a mutant).
        Never = "none",
    }
}

choices! {
    /// Which free block of the device an allocation takes.
    Allocator {
        /// The one that is the file block's own place, so that a file that has nothing in its way is contiguous.
        Home = "home",
        /// The first free one: blocks that were freed are taken again at once.
        Lowest = "lowest",
    }
}

choices! {
    /// How a reflink holds the locks of its source while it shares blocks.
    CloneLock {
        /// There is no reflink.
        Absent = "absent",
        /// Exclusively (before 14a537983b22, 6.7).
        Exclusive = "exclusive",
        /// Shared, so that reads go on; write faults and direct writes wait for it by IREMAPPING.
        Demoted = "demoted",
        /// Shared, and nobody looks at IREMAPPING (a mutant).
        DemotedUnguarded = "demoted-unguarded",
        /// Not at all: they are let go when the source is written back (a mutant).
        Released = "released",
    }
}

choices! {
    /// When a write fault lets go of the lock that keeps truncation out: invalidate_lock, or the glock.
    MkwriteUnlock {
        /// When the folio is dirty.
        AfterDirty = "after-dirty",
        /// When its blocks are mapped: the folio is marked dirty after that, with its lock alone.
        BeforeDirty = "before-dirty",
    }
}

choices! {
    /// How a direct write holds i_rwsem.
    DioLock {
        /// Shared, unless it has to be alone; then exclusively.
        Shared = "shared",
        /// The same, but exclusively to its end if it makes the file longer, in memory or on disk: then it is waited for, whoever has
        /// submitted it, and raises the size when all of it is converted (`ext4_dio_write_checks`).
        ExtendingExclusive = "extending-exclusive",
        /// Exclusively.
        Exclusive = "exclusive",
    }
}

choices! {
    /// When a buffered write waits for direct I/O in flight, with i_rwsem held.
    WriteDioWait {
        /// If it begins beyond end of file, as the design says.
        BeyondEof = "beyond-eof",
        /// In any case (`ext4_buffered_write_iter`).
        Always = "always",
    }
}

choices! {
    /// How a buffered write that does not grow the file holds i_rwsem.
    WriteLock {
        /// Exclusively.
        Exclusive = "exclusive",
        /// Shared, so that several write at once. No kernel does this.
        Shared = "shared",
    }
}

choices! {
    /// When a mapping for a write out of place says where the present contents are.
    SourceMap {
        /// If the write does not cover all of its blocks.
        Unaligned = "unaligned",
        /// Always.
        Always = "always",
    }
}

choices! {
    /// What is made of a write that has used up its budget.
    ShortBudget {
        /// It may return less than it was asked for.
        Allowed = "allowed",
        /// It should not.
        Judged = "judged",
    }
}

choices! {
    /// When a truncate writes the new last block back, for the sake of zeroing that passes over unwritten blocks
    /// whatever the page cache has.
    TruncateFlush {
        /// Before it zeroes the rest of the block.
        Before = "before",
        /// After (before 350976ae2187): the old data get on disk, and zeros only into the page cache.
        AfterZeroing = "after-zeroing",
        /// Not at all.
        Never = "none",
    }
}

choices! {
    /// What a change of the size writes back, from the size on disk to the new one, before it logs that
    /// (`xfs_setattr_size`, fs/xfs/xfs_iops.c).
    SizeFlush {
        /// All of it, if any of it was zeroed or is not logged, once i_size is the new one and the page cache behind it is gone.
        AfterSize = "after-size",
        /// The same before that (before 350976ae2187).
        BeforeSize = "before-size",
        /// What was zeroed behind the old end of file and has other data on the device, alone (`ext4_block_zero_eof`, fs/ext4/inode.c, 7.3;
        /// `__ext4_block_zero_page_range`, 6.12).
        Zeroed = "zeroed",
        /// Nothing.
        Never = "none",
    }
}

choices! {
    /// When a truncate reads the size that it calls the old one, by which it grows or shrinks the file and zeroes behind its end.
    OldSize {
        /// Before it waits for direct I/O in flight, which may raise it.
        BeforeWait = "before-wait",
        /// After that.
        AfterWait = "after-wait",
    }
}

choices! {
    /// Which truncates wait for direct I/O in flight.
    TruncateDioWait {
        /// All.
        Always = "always",
        /// Those that make the file shorter, and take blocks away (`ext4_setattr`).
        Shrink = "shrink",
    }
}

choices! {
    /// What of the destination a clone behind its end of file writes back and drops once the gap is zeroed.
    CloneUnmap {
        /// From end of file on, so that what was stored behind it is zeroed on the way.
        FromEof = "from-eof",
        /// The range that is replaced (a mutant).
        Range = "range",
    }
}

choices! {
    /// What is allocated of a delayed extent by fallocate or a direct write that needs a part of it.
    DelallocAlloc {
        /// All of it, as by writeback.
        Whole = "whole",
        /// The part.
        Wanted = "wanted",
    }
}

choices! {
    /// When unsharing that leaves nothing shared in the file clears the reflink flag, and gives up all copies in the making
    /// (`xfs_reflink_clear_inode_flag`, fs/xfs/xfs_reflink.c).
    UnshareCancels {
        /// Whatever is dirty over them (up to 6.6).
        Always = "always",
        /// If nothing of the file is dirty or under way (`xfs_can_free_cowblocks`, 6.12).
        IfIdle = "if-idle",
        /// Not at all (no kernel does).
        Never = "none",
    }
}

choices! {
    /// What happens to the page cache of a range before fallocate takes its blocks away, or an exchange gives them to
    /// another file.
    FlushUnmap {
        /// It is written back and dropped.
        WriteAndDrop = "write-and-drop",
        /// The same, of whole folios: nobody finds one of which a part is zeroed (no kernel does).
        WriteAndDropFolios = "write-and-drop-folios",
        /// It is dropped (a mutant), with what lies beside the range in its pages.
        Drop = "drop",
        /// It stays (a mutant).
        Nothing = "none",
    }
}

choices! {
    /// What `->iomap_begin` of SEEK_DATA and SEEK_HOLE looks at.
    SeekMap {
        /// The data fork alone (before 60271ab044a5).
        DataFork = "data-fork",
        /// The COW fork over a hole of the data fork; its extent is cut at a length that is taken for an end, so that it may
        /// reach over data behind the hole (60271ab044a5 to 6.6).
        CowUntrimmed = "cow-untrimmed",
        /// The COW fork over a hole, no further than that goes (6.12).
        Cow = "cow",
        /// That, and over a hole of both the page cache, as over unwritten blocks (no kernel does).
        CowAndCache = "cow-and-cache",
        /// What was allocated: a delayed allocation counts as a hole (a mutant).
        Allocated = "allocated",
    }
}

choices! {
    /// How the extent maps of two files change that exchange a range.
    Exchange {
        /// They do not (before 6.10 there is no XFS_IOC_EXCHANGE_RANGE).
        Absent = "absent",
        /// In one transaction, and both counters move.
        Together = "together",
        /// The counter of the file with the greater number alone moves (a mutant).
        OneCounter = "one-counter",
        /// In a transaction for each file (a mutant).
        Apart = "apart",
        /// The change of the file with the greater number alone is committed (a mutant).
        OneCommit = "one-commit",
    }
}

choices! {
    /// How blocks of a file are moved to other places, with what they hold, and what is locked for that.
    Relocate {
        /// They are not.
        Absent = "absent",
        /// Nothing is locked while they are copied. Then i_rwsem and invalidate_lock are taken, direct I/O in flight is waited
        /// for, and both are let go; and then the extents change (zoned XFS: its garbage collection).
        LocksCycled = "locks-cycled",
        /// The same, but both are kept until the extents have changed (no kernel does).
        LocksKept = "locks-kept",
        /// Both are taken before anything is looked up, what is dirty is written back, and both are kept to the end.
        LocksHeld = "locks-held",
        /// Nothing is locked, and nobody waited for (a mutant).
        NoLocks = "no-locks",
    }
}

choices! {
    /// What a client of pNFS does with a layout that it has given back.
    LayoutReturned {
        /// Nothing: it has forgotten it, and writes nothing without another one.
        Forgotten = "forgotten",
        /// It goes on writing by it (a mutant).
        Used = "used",
    }
}

choices! {
    /// What the completion of writeback that failed gives back.
    ErrorCleanup {
        /// The copies that were written, and what is delayed under them in the data fork (5ca5916b6bc9).
        CowAndDelalloc = "cow-and-delalloc",
        /// The copies alone (before): what was reserved under them lies under clean folios then.
        Cow = "cow",
    }
}

choices! {
    /// What failed writeback of what is written out of place leads to (`xfs_end_ioend_write`, fs/xfs/xfs_ioend.c).
    ZonedWriteError {
        /// The file system shuts down (f4f28ffe0924, 7.2).
        Shutdown = "shutdown",
        /// Nothing: fsync(2) reports it. The block stays allocated in its zone, and is nobody's (6.15 to 7.1).
        GoOn = "go-on",
    }
}

choices! {
    /// What becomes of a folio that I/O with RWF_DONTCACHE has added, when its writeback is complete (`folio_end_dropbehind`,
    /// mm/filemap.c), or behind a read.
    Dropbehind {
        /// There is no such I/O: it is refused (before 6.14, and where the file system does not say FOP_DONTCACHE).
        Absent = "absent",
        /// It is dropped if it can be locked at once, unless somebody has dirtied it meanwhile, or it is under writeback again.
        Gated = "gated",
        /// It is dropped also if it is under writeback again (a mutant; before 095f627add86).
        Ungated = "ungated",
    }
}

settable! {
    /// A file system: in what it differs from others, as far as the modelled paths ask for it.
    pub struct Personality {
        /// What a buffered write into a hole allocates.
        allocate: Allocate,
        /// Whether changes of the extent map are counted. Without a counter there is no `->iomap_valid`, so that no
        /// design can check anything, and writeback can only look at the range of its mapping.
        counter: bool,
        /// Whether reads take i_rwsem shared.
        read_takes_i_rwsem: bool,
        /// Whether SEEK_DATA and SEEK_HOLE take i_rwsem shared.
        seek_takes_i_rwsem: bool,
        /// What they look at.
        seek_map: SeekMap,
        /// Whether a cluster lock keeps faults, uncached reads and direct I/O out while a buffered write has a
        /// mapping.
        glock: bool,
        /// What a source that is not resident does to a write.
        source_fault: SourceFault,
        /// Whether the source of a write is probed before a pass takes its lock, and the pass goes no further than what can be
        /// read then (`gfs2_file_buffered_write`, fs/gfs2/file.c, 6.1 to 7.3).
        source_probe: bool,
        /// Whether what makes the file grow zeroes what lies behind end of file first.
        zero_eof: bool,
        /// Whether a truncate does, too.
        truncate_zero_eof: bool,
        /// Whether fallocate does, too.
        falloc_zero_eof: bool,
        /// Whether a direct write does, too.
        dio_zero_eof: bool,
        /// What becomes of the part of a mapping that was not written.
        write_end: WriteEnd,
        /// What is done around each folio of a write.
        hooks: Hooks,
        /// The order of completion.
        completion: Completion,
        /// When a write that grows the file raises the size on disk.
        size_log: SizeLog,
        /// When what the completion of I/O changes in the data fork moves its counter: conversion, and copies that take the place of
        /// shared blocks.
        bump_convert: Bump,
        /// Whether the allocation of delayed blocks moves the counter.
        bump_allocate: bool,
        /// Whether a mere look-up by a reader moves the counter (ext4's extent cache before a5567347b6f5).
        bump_lookup: bool,
        /// Whether writeback maps dirty blocks (6.6), or every uptodate block of a dirty folio (before).
        block_dirty: bool,
        /// Blocks of the device; `None` is enough for all files as far as the commands reach.
        free_blocks: Option<u16>,
        /// Which of them are taken first.
        allocator: Allocator,
        /// When one that was freed can be taken again.
        freed: Freed,
        /// How many bytes of a file lie in its inode, as long as it is no longer than that; 0 for none.
        stuffed: u16,
        /// How a reflink holds the locks of its source.
        clone_lock: CloneLock,
        /// Whether an insertion writes the folio of end of file back before the file grows.
        insert_flush: bool,
        /// Whether a load that meets no page-table entry waits for invalidate_lock, also where the page is cached (`->map_pages`).
        map_pages_lock: bool,
        /// By how many blocks copies of shared blocks are reserved, unless the file has a hint of its own (`cowextsize`).
        default_cowextsize: u16,
        /// When a truncate flushes.
        truncate_flush: TruncateFlush,
        /// What a change of the size writes back before it is logged.
        size_flush: SizeFlush,
        /// When a truncate reads the old size.
        old_size: OldSize,
        /// Which truncates wait for direct I/O in flight, where the design says that they do.
        truncate_dio_wait: TruncateDioWait,
        /// What a clone behind end of file drops.
        clone_unmap: CloneUnmap,
        /// What fallocate and direct writes allocate of a delayed extent.
        delalloc_alloc: DelallocAlloc,
        /// When unsharing that leaves nothing shared in the file gives up all copies in the making.
        unshare_cancels: UnshareCancels,
        /// Whether what takes blocks away holds invalidate_lock (730633f0b7f9), so that nobody fills the page cache
        /// meanwhile.
        invalidate_lock: bool,
        /// When a write fault lets truncation in again.
        mkwrite_unlock: MkwriteUnlock,
        /// What fallocate does to the page cache.
        flush_unmap: FlushUnmap,
        /// How a direct write holds i_rwsem.
        dio_lock: DioLock,
        /// Whether a direct write changes the times of the file, so that an fsync behind it finds the inode dirty (gfs2). Only a
        /// crash can tell.
        dio_times: bool,
        /// How a buffered write holds i_rwsem.
        write_lock: WriteLock,
        /// When it waits for direct I/O in flight.
        write_dio_wait: WriteDioWait,
        /// What becomes of folios that are not to stay in the page cache.
        dropbehind: Dropbehind,
        /// When a write out of place says where to read what it does not cover.
        srcmap: SourceMap,
        /// Blocks of the budget of a write out of place beyond what its bytes fill.
        spare_blocks: u16,
        /// What is made of a write whose budget is used up.
        short_budget: ShortBudget,
        /// How two files exchange a range.
        exchange: Exchange,
        /// How blocks are moved to other places.
        relocate: Relocate,
        /// What failed writeback gives back.
        error_cleanup: ErrorCleanup,
        /// What it leads to where nothing is written in place.
        zoned_write_error: ZonedWriteError,
        /// Blocks of a zone of the device; 0: it has none, or they are never full.
        zone_blocks: u16,
        /// Whether a crash may lose writes that are complete.
        device_cache: DeviceCache,
        /// Whether fsync(2) has the log written (gfs2). Only a crash can tell.
        fsync_log: FsyncLog,
        /// What sync(2) does behind the data.
        sync_fs: SyncFs,
        /// What a flush of the log does about the data of ordered mode (gfs2, all releases from 6.1 to 7.3). It is how the
        /// file system is mounted. Only a crash can tell.
        log_ordered: LogOrdered,
        /// What becomes of the page cache when a file's data begin, or cease, to be journalled.
        jdata_flip: JdataFlip,
        /// Whether I/O may fail, of writeback and of direct writes.
        io_errors: bool,
        /// Whether a write that adds a folio may find no memory for it.
        alloc_errors: bool,
        /// Whether a fresh page is zeros (the boot parameter `init_on_alloc`, which Debian sets), or what it held before.
        init_on_alloc: bool,
        /// Whether a copy from the user's buffer may be short anywhere.
        short_copies: bool,
        /// Whether the device has a checksum with what it is given, with which every read compares what it finds.
        data_checksum: bool,
        /// What clients do with layouts that they have given back.
        layout_returned: LayoutReturned,
        /// Whether what lies on the blocks of a file is its data up to a valid size alone.
        valid_size: bool,
        /// What is read behind that.
        valid_read: ValidRead,
        /// What a write finds there.
        valid_write: ValidWrite,
        /// When a write moves it.
        valid_moved: ValidMoved,
        /// Who moves it for stores through a mapping.
        mkwrite_valid: MkwriteValid,
        /// Where a truncate zeroes the rest of a block.
        truncate_zero_block: TruncateZeroBlock,
    }
    beside {
        /// The name of the built-in one that it is, whatever else is changed of it.
        base: &'static str,
        /// Whose code it is.
        fs_type: FsType,
        /// What its functions are called.
        names: Names,
    }
}

/// `sb->s_type`: whose code it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FsType {
    /// XFS, zoned or not.
    Xfs,
    /// gfs2, whatever is done about data.
    Gfs2,
    /// zonefs.
    Zonefs,
    /// ext4.
    Ext4,
}

/// A file system's names for its part of common operations, as they stand in schedules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Names {
    /// `->iomap_begin` of a read.
    pub read_begin: &'static str,
    /// `->iomap_begin` of SEEK_DATA and SEEK_HOLE.
    pub seek_begin: &'static str,
    /// `->iomap_begin` of what writes: also of what zeroes or unshares, and of a direct write.
    pub write_begin: &'static str,
    /// What maps the blocks of a write fault.
    pub fault_begin: &'static str,
    /// Validating the mapping that writeback has cached.
    pub imap_valid: &'static str,
    /// `->map_blocks` of writeback.
    pub map_blocks: &'static str,
    /// The end of writeback I/O.
    pub end_ioend: &'static str,
    /// A change of the size: of one that grows, and before data are written back that it must not overtake.
    pub setattr_size: &'static str,
    /// Mode 0 of fallocate: blocks are allocated.
    pub alloc_file_space: &'static str,
    /// The end of a truncate: blocks behind end of file are freed.
    pub truncate_extents: &'static str,
    /// FALLOC_FL_PUNCH_HOLE: blocks are freed.
    pub remove_extents: &'static str,
    /// FALLOC_FL_COLLAPSE_RANGE: extents move down.
    pub collapse_extents: &'static str,
    /// FALLOC_FL_INSERT_RANGE: extents move up.
    pub insert_extents: &'static str,
    /// The size that is logged follows data that were written.
    pub setfilesize: &'static str,
    /// `->end_io` of a direct write, where it converts extents.
    pub dio_end_io: &'static str,
    /// What fsync(2) waits for in the end: the log is on disk.
    pub log_force: &'static str,
}

impl Personality {
    /// Whether it is XFS, zoned or not, whose tracepoints it then has.
    pub fn is_xfs(&self) -> bool {
        self.fs_type == FsType::Xfs
    }

    /// Whether nothing is ever written where it was.
    pub fn is_out_of_place(&self) -> bool {
        self.allocate == Allocate::OutOfPlace
    }
}

impl Asked<Personality> {
    /// Whether another one answers alike all that has been asked. Whose code it is and what that is called is compared in any case.
    pub fn answers_alike(&self, other: &Personality) -> bool {
        self.of.fs_type == other.fs_type && self.of.names == other.names && self.agrees_in_settings(other)
    }

    /// Whose code it is.
    pub(crate) fn fs_type(&self) -> FsType {
        self.of.fs_type
    }

    /// What its functions are called.
    pub(crate) fn names(&self) -> &Names {
        &self.of.names
    }

    /// [`Personality::is_xfs`].
    pub(crate) fn is_xfs(&self) -> bool {
        self.of.is_xfs()
    }

    /// [`Personality::is_out_of_place`].
    pub(crate) fn is_out_of_place(&self) -> bool {
        self.allocate() == Allocate::OutOfPlace
    }

    /// When what direct I/O, or a mutant at submission, changes in the data fork moves its counter. The ways of
    /// [`bump_convert`](Self::bump_convert) that are operations of their own are those of writeback's completion.
    pub(crate) fn bump_with_change(&self) -> Bump {
        match self.bump_convert() {
            Bump::Never => Bump::Never,
            Bump::Inside | Bump::Early | Bump::AfterIlock | Bump::AfterClear => Bump::Inside,
        }
    }

    /// Whether the extent map has what a dirty block needs to be written: a place or a reservation; on a file system
    /// that writes out of place a reservation, whatever the data fork has.
    pub(crate) fn is_backed(&self, map: &ExtentMap, block: FileBlock) -> bool {
        map.cow.get(block) != Extent::Hole || !self.is_out_of_place() && map.get(block) != Extent::Hole
    }
}
