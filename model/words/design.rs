//! The designs: where a cached mapping is validated and what staleness does. Values, not forks of the code.
//!
//! A design is what the iomap core and its callers do about a mapping that may be out of date; what the file
//! system itself does is its [`Personality`](crate::words::personality::Personality). Built-in designs have names; a scenario
//! file may define more by changing fields, and so are the mutants that the checker must catch.

use std::num::NonZero;

use crate::words::asked::Asked;
use crate::words::check_design::{
    DioReadCheck, DioWriteCheck, MkwriteCheck, PassCheck, ReadCheck, ReflinkCheck,
};
use crate::words::dio_design::{
    DioAck, DioBusy, DioCached, DioDrain, DioInvalidate, DioIsize, DioSize, DioStable, DioUnaligned, DioWait,
};
use crate::words::map_design::{
    AllocRecheck, ConvertRecheck, CowFill, CowHint, CowHole, CowRecheck, EndCow, MapLookup, RelocateRecheck,
    SharedTrim, UnmapCow,
};
use crate::words::settings::{choices, settable};
use crate::words::writeback_design::{FillLock, IoendRecord, ReadEnd, Towrite, WritebackEach};

choices! {
    /// When a buffered write compares its mapping with the inode.
    Check {
        /// Never (before 6.2).
        Never = "none",
        /// Before it has the folio lock: a check whose answer can change before it is used.
        BeforeLock = "before-lock",
        /// After the folio lock, but only for the first folio of a write(2).
        Once = "once",
        /// Right after the folio is locked and known to be in the mapping (6.2, `->iomap_valid`).
        AfterLock = "after-lock",
        /// Inside the file system's `->get_folio`, which returns -ESTALE (patch 08 of the January 2023 series).
        InGetFolio = "in-get-folio",
        /// After the block was zeroed or read: too late.
        AfterPrepare = "after-prepare",
    }
}

choices! {
    /// What the comparison looks at.
    Compare {
        /// The validity cookie: the change counter of the extent map, and the COW fork's for SHARED mappings.
        Counter = "counter",
        /// The data fork's counter alone.
        DataCounter = "data-counter",
        /// The type and address of the extent at the position: blind to changes there and back.
        Type = "type",
    }
}

choices! {
    /// Which changes of the extent map a validity cookie counts.
    CookieScope {
        /// All of a fork's.
        Fork = "fork",
        /// Those of the mapping's blocks.
        Range = "range",
        /// Those of the block at the position that the mapping is about to be used for (a mutant).
        Block = "block",
    }
}

choices! {
    /// By which indirect calls `iomap_iter` gives a mapping back and gets the next one. Only what is counted differs.
    IterCalls {
        /// `->iomap_end`, where there is one, and `->iomap_begin` (up to 6.12).
        BeginEnd = "begin-end",
        /// `->iomap_next`, which does both; once more for each loop, which ends with a call that returns 0 (7.3).
        Next = "next",
    }
}

choices! {
    /// When SEEK_DATA and SEEK_HOLE compare a mapping that has no data, over which they have looked into the page cache.
    SeekCheck {
        /// Never.
        Never = "none",
        /// Before they call anything a hole, in a section of the ILOCK (no kernel does).
        AfterProbe = "after-probe",
    }
}

choices! {
    /// What a stale mapping leads to.
    OnStale {
        /// `iomap_end` for what was done, then `iomap_begin` for the rest.
        Remap = "remap",
        /// The flag is cleared and the old mapping used again.
        KeepMapping = "keep-mapping",
        /// The write fails there: the caller gets what was done so far, or an error.
        Fail = "fail",
        /// "No progress" is taken for "done": a short write without an error.
        Done = "done",
    }
}

choices! {
    /// What a stale or failed write does to the page cache beyond end of file.
    StaleCleanup {
        /// Truncates it beyond i_size (`iomap_write_failed`, 6.2 and 6.3).
        TruncateBeyondEof = "truncate-beyond-eof",
        /// Leaves it alone.
        Nothing = "none",
    }
}

choices! {
    /// Who unlocks and puts the folio of a stale abort.
    HookRelease {
        /// The iomap core.
        Core = "core",
        /// The file system's `->put_folio`.
        PutFolio = "put-folio",
        /// `->get_folio` itself, before it returns -ESTALE.
        Fs = "fs",
        /// The core, which forgets to unlock (a mutant).
        ForgetUnlock = "forget-unlock",
        /// The core, which forgets the reference (a mutant).
        ForgetPut = "forget-put",
    }
}

choices! {
    /// When `->page_done` (`->put_folio`) does its work after a copy.
    PageDone {
        /// Before the folio is unlocked (patch 02 of the January 2023 series, 6.3).
        BeforeUnlock = "before-unlock",
        /// After it (6.2).
        AfterUnlock = "after-unlock",
    }
}

choices! {
    /// What `->page_done` is given for a folio whose mapping went stale.
    PageDoneOnStale {
        /// No folio: it ends what was begun (6.2; or `->get_folio` has done that, before it returned -ESTALE).
        NoFolio = "no-folio",
        /// The folio, with nothing copied (6.3).
        Folio = "folio",
        /// It is not called, and nobody ends what was begun (a mutant).
        NotCalled = "not-called",
    }
}

choices! {
    /// Where `iomap_begin` samples the cookie.
    Sample {
        /// Inside the ILOCK section that looked the extent up.
        Inside = "inside",
        /// After that section (a mutant).
        Outside = "outside",
    }
}

choices! {
    /// How writeback validates the mapping that it caches across folios.
    WritebackCheck {
        /// Looks up every time.
        Always = "always",
        /// Only whether the position lies inside (gfs2, zonefs, XFS before the data counter).
        Range = "range",
        /// Position and data-fork counter.
        RangeData = "range-data",
        /// Position, data-fork counter, and COW-fork counter while that fork has anything in it; for a mapping
        /// of the COW fork the position alone (XFS 6.2).
        RangeDataCow = "range-data-cow",
        /// Position and the validity cookie of the write path, which has the COW fork's counter only for
        /// mappings of the COW fork.
        Cookie = "cookie",
        /// Position and both counters for every mapping.
        CookieCow = "cookie-cow",
    }
}

choices! {
    /// How `iomap_end` frees the reservation of the part that was not written.
    Punch {
        /// Walks the page cache, keeps what lies under dirty folios, and punches the gap before a dirty
        /// folio while that folio is locked (6.2).
        Scan = "scan",
        /// As `scan`, but looks at the dirty flag without the folio lock (a mutant).
        ScanUnlocked = "scan-unlocked",
        /// As `scan`, but punches the gap after unlocking the dirty folio (harmless).
        ScanGapLate = "scan-gap-late",
        /// Walks the page cache, and keeps whatever is valid there, dirty or not, also behind end of file (a mutant).
        ScanUptodate = "scan-uptodate",
        /// As `scan`, but keeps what is dirty in the folio at end of file behind it, too (a mutant).
        ScanPastEof = "scan-past-eof",
        /// Truncates the page cache over the range, then punches it (before 6.2).
        Truncate = "truncate",
        /// Punches the range without looking at the page cache (a mutant).
        Plain = "plain",
        /// Leaves the reservation (a mutant).
        Never = "none",
    }
}

choices! {
    /// Which locks the punch takes around its work.
    PunchLock {
        /// invalidate_lock, exclusive (6.2).
        InvalidateLock = "invalidate-lock",
        /// None (before 6.2).
        Nothing = "none",
        /// invalidate_lock, but with the folio of the aborted write still locked (a mutant).
        UnderFolioLock = "under-folio-lock",
    }
}

choices! {
    /// Which reservations the punch takes for its own.
    PunchOwner {
        /// Those of a mapping flagged NEW: this write made them.
        New = "new",
        /// Every delayed allocation that the mapping covers (before IOMAP_F_NEW).
        Any = "any",
    }
}

choices! {
    /// Which fork the punch frees reservations in.
    PunchFork {
        /// The one that the mapping is of.
        Mapping = "mapping",
        /// The data fork, whatever the mapping is of (before 6.12).
        Data = "data",
    }
}

choices! {
    /// What `iomap_end` does about invalidate_lock when its caller holds it, as unsharing does.
    HeldLock {
        /// It knows, and does not take it (6.12).
        Known = "known",
        /// It takes it (a mutant).
        Retaken = "retaken",
    }
}

choices! {
    /// Which blocks unsharing reads into the page cache before it dirties them.
    UnshareRead {
        /// All that are not valid (35d30c9cf127).
        Always = "always",
        /// Like a write, none that it covers as a whole (6.5).
        Uncovered = "uncovered",
    }
}

choices! {
    /// In which order a write that grows the file write-protects the folio at its old end and calls that hook.
    /// Only file systems with such a hook can tell.
    ExtendedEof {
        /// `pagecache_isize_extended` first (before patch 01).
        BeforeHook = "before-hook",
        /// The hook first (patch 01).
        AfterHook = "after-hook",
    }
}

choices! {
    /// What `pagecache_isize_extended` (mm/truncate.c) does to the folio at the old end of file, where its page has further
    /// blocks.
    IsizeExtended {
        /// Write-protects it (6.1, 6.12).
        WriteProtect = "write-protect",
        /// Zeroes it as well, behind the old end of file, if it is dirty (7.3).
        Zero = "zero",
    }
}

choices! {
    /// Who looks the folio up when there is a hook before it (`->page_prepare`, later `->get_folio`), and so who
    /// undoes the hook's work when there is none to be had. Only file systems with such a hook can tell.
    FolioLookup {
        /// The core, which calls the hook at the end without a folio then.
        Core = "core",
        /// The hook, which undoes its work itself; the hook at the end is not called (patch 05).
        Hook = "hook",
        /// The hook, which leaves its work as it is (a mutant).
        HookForgets = "hook-forgets",
    }
}

choices! {
    /// Where the punch goes on behind a dirty folio at end of file. The scan of the page cache ends at i_size, in bytes, and what
    /// lies behind it is punched whatever the folio has there. Only a file that ends in the middle of a block can tell; where the
    /// part that was not written begins is another question ([`PunchRounding`]).
    PunchStart {
        /// With the block that i_size lies in: `xfs_bmap_punch_delalloc_range` rounds the start down, and the reservation under
        /// the dirty block is freed with the rest (6.2; so do 6.1.192, 6.12.117 and 7.3.4).
        Down = "down",
        /// With the next block.
        Up = "up",
    }
}

choices! {
    /// How the start of the part that was not written, which is what the punch is given, is rounded to blocks.
    PunchRounding {
        /// The start is rounded up past the block partly written.
        KeepPartial = "keep-partial",
        /// The start is rounded down to whole blocks: the block just written is punched, too.
        Outward = "outward",
    }
}

choices! {
    /// Which end handler the write fault's mapping has.
    MkwriteEnd {
        /// None: a fault is not a write and never punches.
        Nothing = "none",
        /// The write's: since a fault copies nothing, its NEW reservation counts as unused.
        Punch = "punch",
    }
}

choices! {
    /// When a write fault maps the blocks of its folio.
    MkwriteMap {
        /// With the folio locked, so that whatever it reserves is dirty before anybody can take the folio away.
        FolioLocked = "folio-locked",
        /// Before it locks the folio (a mutant).
        BeforeLock = "before-lock",
    }
}

choices! {
    /// For what a fault on a folio of several pages leaves page-table entries (`finish_fault`, mm/memory.c).
    FaultMap {
        /// For the page that was accessed (6.1, 6.12).
        Page = "page",
        /// For all pages of the folio, if it lies inside the file and none of them is mapped (7.3).
        Folio = "folio",
    }
}

choices! {
    /// What a short copy into a folio that is not uptodate counts as.
    ShortCopy {
        /// Nothing: the rest of the block was never filled.
        Refuse = "refuse",
        /// Progress (a mutant): the block becomes uptodate with cells that nobody filled.
        Accept = "accept",
    }
}

choices! {
    /// When a block is valid of which the write has zeroed what it does not cover (`__iomap_write_begin`).
    ZeroedUptodate {
        /// As soon as that is zeroed, before the user's data are in the rest (6.1, 6.12).
        AtOnce = "at-once",
        /// After the copy, and if that is short, not at all (7.3).
        AfterCopy = "after-copy",
    }
}

choices! {
    /// When what a short copy has not reached is cut from the page cache beyond end of file (`iomap_write_failed`).
    FailedCut {
        /// Whenever a copy is short (`iomap_write_end`, 6.1).
        Always = "always",
        /// If none of it counts (`iomap_write_iter`, 6.12 and 7.3): behind the part that counts the page stays as it is.
        NothingCounts = "if-nothing-counts",
    }
}

choices! {
    /// What is cut from the page cache beyond end of file when `iomap_write_begin` fails (`iomap_write_failed`): of what was about
    /// to be written, by the size as it is then.
    BeginCut {
        /// The part of the folio, if it had that: then what failed is reading it; zeroing and unsharing, too (up to 6.6).
        WithFolio = "with-folio",
        /// All that the mapping has of it, whatever failed, also if there was no memory or a fatal signal; only for a write (6.12).
        Always = "always",
        /// Nothing: the length that it is given is 0 by then (7.3).
        Nothing = "none",
    }
}

choices! {
    /// When an error ends a write that has copied something under the mapping that it had then.
    PassError {
        /// In the next pass: how much was copied is returned, and the error is met again (`iomap_iter_advance`, up to 6.12).
        NextPass = "next-pass",
        /// At once (`iomap_iter_continue`, 7.3).
        Ends = "ends",
    }
}

choices! {
    /// What zeroing does about a mapping that has nothing to zero, over which the page cache may be dirty.
    ZeroRange {
        /// Passes over it: the callers have flushed (up to 6.11).
        Skip = "skip",
        /// If the range was dirty before it was mapped: flushes, and maps again (6.12).
        FlushAndRemap = "flush-and-remap",
        /// The same over unwritten blocks; passes over holes.
        FlushUnwritten = "flush-unwritten",
        /// As `flush-unwritten`, but inside end of file it zeroes the dirty folios over unwritten blocks in the page cache, which
        /// are looked up in the ILOCK section of the mapping (`iomap_fill_dirty_folios`, 7.3).
        Batch = "batch",
        /// If the range is dirty over a hole, which is looked at in the ILOCK section of the mapping: flushes, and maps again
        /// (`xfs_zoned_buffered_write_iomap_begin`, 7.3).
        FlushInBegin = "flush-in-begin",
        /// Flushes and maps again, but looks whether the range is dirty only after it was mapped (a mutant).
        CheckLate = "check-late",
    }
}

choices! {
    /// What a write beyond end of file holds while it zeroes the rest of the last block.
    ZeroLock {
        /// i_rwsem only (up to 6.11).
        Nothing = "none",
        /// invalidate_lock, exclusive (6.12).
        InvalidateLock = "invalidate-lock",
    }
}

choices! {
    /// When who hands out a layout of XFS looks whether the file may share blocks, which have no place of their own to write to.
    LayoutReflink {
        /// Before it has i_rwsem (`xfs_fs_map_blocks`, 6.1 to 7.3).
        BeforeLock = "before-lock",
        /// With it, beside the extents (no kernel does).
        Locked = "locked",
    }
}

choices! {
    /// What becomes of layouts, by which clients write to blocks of a file, before somebody writes to it or takes blocks away.
    LayoutRecall {
        /// They are recalled, and waited for, with no lock held.
        Wait = "wait",
        /// Nothing (a mutant).
        Nothing = "none",
    }
}

choices! {
    /// What is held by who reads folios and dirties them, only so that they are written again.
    RedirtyLock {
        /// i_rwsem exclusively; and direct I/O in flight is waited for.
        IRwsem = "i-rwsem",
        /// invalidate_lock shared, as a write fault does.
        InvalidateLock = "invalidate-lock",
        /// Nothing but the lock of the folio.
        Folio = "folio",
    }
}

choices! {
    /// Where blocks have checksums (`data_checksum`), what is done about a folio under writeback by who is about to change it.
    StablePages {
        /// Its end is waited for, with the folio locked, by writes and by write faults.
        Wait = "wait",
        /// Nothing (a mutant, and so before 3.0): the device may get what has come after the checksum was calculated.
        Nothing = "none",
    }
}

choices! {
    /// Which blocks one piece of writeback I/O may hold.
    IoendMerge {
        /// Neighbours of one type, since completion treats all of them alike.
        SameType = "same-type",
        /// Neighbours of any type: whether it converts is decided by its first block (before effd120edb76).
        AnyType = "any-type",
    }
}

choices! {
    /// How far the completion of writeback raises the size on disk, beside not above i_size.
    IoendSize {
        /// To the end of the last block that it wrote (up to 6.12): to what the file has grown to in that block meanwhile.
        Block = "block",
        /// To the end of file as it was when the I/O was made (51d20d1dacbe, 6.13).
        Submitted = "submitted",
    }
}

choices! {
    /// When writeback sets the bit of a folio.
    WritebackBit {
        /// When all its blocks are mapped, and the folio is about to be unlocked (6.1 to 6.8).
        AfterMapping = "after-mapping",
        /// Before the first one is mapped. It cannot be cleared before the last one is (6.12).
        BeforeMapping = "before-mapping",
        /// With each piece of I/O that is submitted with the folio locked, and with the last ones; between two of them it may be
        /// cleared (btrfs with blocks smaller than a page).
        EachPiece = "each-piece",
    }
}

choices! {
    /// When writeback submits a piece of I/O that does not take the next block.
    WritebackSubmit {
        /// When the folio is unlocked (6.1 to 6.8).
        Unlocked = "unlocked",
        /// At once: the I/O may be complete before the next block is added, and what it converts is changed under a mapping that has
        /// been looked up (6.12).
        AtOnce = "at-once",
    }
}

choices! {
    /// When a folio that is written in several pieces is no longer under writeback.
    EndWriteback {
        /// With its last piece.
        LastIo = "last-io",
        /// With its first (a mutant).
        FirstIo = "first-io",
    }
}

choices! {
    /// What dropping a part of a folio from the page cache does to the dirty bits of its blocks.
    PartialClear {
        /// Nothing.
        Nothing = "none",
        /// Clears those of the blocks that the part covers as a whole (7.3).
        Inward = "inward",
        /// Clears them, also those of blocks that the part does not cover as a whole (a mutant).
        Outward = "outward",
    }
}

choices! {
    /// What loses its page-table entries where a part of a folio of several pages is dropped from the page cache.
    PartialUnmap {
        /// The pages that lie in the part as a whole; of a clean folio, which is split, all would.
        Pages = "pages",
        /// The whole folio: either it is split, which unmaps it, or it is unmapped because it cannot be.
        Folio = "folio",
    }
}

choices! {
    /// When a reader samples the mapping that it fills a folio by.
    FillMap {
        /// With the folio locked.
        FolioLocked = "folio-locked",
        /// Before it looks the folio up (a mutant).
        BeforeLookup = "before-lookup",
    }
}

choices! {
    /// What reclaim does about a folio under writeback.
    ReclaimWriteback {
        /// Leaves it.
        Skip = "skip",
        /// Drops it (a mutant).
        Ignore = "ignore",
    }
}

choices! {
    /// When reclaim looks at the dirty flag that decides whether a folio may go (`__remove_mapping`, mm/vmscan.c).
    ReclaimDirty {
        /// Once its reference count is frozen: who has dirtied it by a mere reference has given that back before.
        Frozen = "frozen",
        /// Before: a last reference may dirty it in between, and be gone (a mutant).
        BeforeFreeze = "before-freeze",
    }
}

settable! {
    /// A design. Fields are documented by their types, with the kernel version or the mail that each value comes from. What is listed
    /// is 6.2, without a name.
    pub struct Design {
        /// When the check is made.
        check: Check = Check::AfterLock,
        /// What it compares.
        compare: Compare = Compare::Counter,
        /// What makes its cookie stale.
        cookie: CookieScope = CookieScope::Fork,
        /// Whether a cookie has i_size, too.
        cookie_size: bool = false,
        /// Whether the cookie of a NEW mapping also counts how often blocks are dirtied in the page cache.
        cookie_new: bool = false,
        /// What staleness leads to.
        on_stale: OnStale = OnStale::Remap,
        /// Whether the mapping is cleared before the next `iomap_begin`, so that STALE does not leak into it.
        clear_stale: bool = true,
        /// What happens beyond end of file.
        stale_cleanup: StaleCleanup = StaleCleanup::TruncateBeyondEof,
        /// Who releases the folio.
        hook_release: HookRelease = HookRelease::Core,
        /// When the file system's hook works.
        page_done: PageDone = PageDone::AfterUnlock,
        /// What it does about a folio that is given up.
        page_done_on_stale: PageDoneOnStale = PageDoneOnStale::NoFolio,
        /// Where the cookie is sampled.
        sample: Sample = Sample::Inside,
        /// When zeroing compares.
        zero_check: PassCheck = PassCheck::AsWrite,
        /// When unsharing does.
        unshare_check: PassCheck = PassCheck::AsWrite,
        /// When a write fault does.
        mkwrite_check: MkwriteCheck = MkwriteCheck::Never,
        /// When who fills a folio for a reader does.
        read_check: ReadCheck = ReadCheck::Never,
        /// When a direct write does.
        dio_write_check: DioWriteCheck = DioWriteCheck::Never,
        /// When a direct read does.
        dio_read_check: DioReadCheck = DioReadCheck::Never,
        /// When a reflink does.
        reflink_check: ReflinkCheck = ReflinkCheck::Never,
        /// How writeback validates.
        writeback_check: WritebackCheck = WritebackCheck::RangeDataCow,
        /// For what of a folio it compares that.
        writeback_each: WritebackEach = WritebackEach::Range,
        /// How unused reservations are freed.
        punch: Punch = Punch::Scan,
        /// Under which lock.
        punch_lock: PunchLock = PunchLock::InvalidateLock,
        /// Whose reservations.
        punch_owner: PunchOwner = PunchOwner::New,
        /// In which granularity.
        punch_rounding: PunchRounding = PunchRounding::KeepPartial,
        /// From where on behind what is dirty at end of file.
        punch_start: PunchStart = PunchStart::Down,
        /// In which fork.
        punch_fork: PunchFork = PunchFork::Mapping,
        /// What is done about a lock that the caller holds.
        held_lock: HeldLock = HeldLock::Known,
        /// Whether a reservation in the COW fork is NEW, so that it is punched when it is not used (6.12).
        cow_new: bool = false,
        /// What unsharing reads.
        unshare_read: UnshareRead = UnshareRead::Always,
        /// Before or after the old end of file is taken care of.
        extended_eof: ExtendedEof = ExtendedEof::BeforeHook,
        /// What is done about the old end of file.
        isize_extended: IsizeExtended = IsizeExtended::WriteProtect,
        /// Who looks folios up.
        folio_lookup: FolioLookup = FolioLookup::Core,
        /// Whether write faults punch.
        mkwrite_end: MkwriteEnd = MkwriteEnd::Nothing,
        /// Whether a write fault dirties the folio only after all its blocks are mapped (before 561295a32579).
        mkwrite_dirty_late: bool = false,
        /// When a write fault maps.
        mkwrite_map: MkwriteMap = MkwriteMap::FolioLocked,
        /// What a fault makes accessible.
        fault_map: FaultMap = FaultMap::Page,
        /// What short copies count as.
        short_copy: ShortCopy = ShortCopy::Refuse,
        /// When a block is valid that was zeroed in part.
        zeroed_uptodate: ZeroedUptodate = ZeroedUptodate::AtOnce,
        /// When they are cut off beyond end of file.
        failed_cut: FailedCut = FailedCut::Always,
        /// What is cut off there after an error before a copy.
        begin_cut: BeginCut = BeginCut::WithFolio,
        /// When an error ends a write that has copied something.
        pass_error: PassError = PassError::NextPass,
        /// What reclaim does under writeback.
        reclaim_writeback: ReclaimWriteback = ReclaimWriteback::Skip,
        /// When reclaim looks whether a folio is dirty.
        reclaim_dirty: ReclaimDirty = ReclaimDirty::Frozen,
        /// What becomes of layouts.
        layout_recall: LayoutRecall = LayoutRecall::Wait,
        /// When who hands a layout out looks whether the file may share blocks.
        layout_reflink: LayoutReflink = LayoutReflink::BeforeLock,
        /// What is held to dirty folios without a change.
        redirty_lock: RedirtyLock = RedirtyLock::IRwsem,
        /// Whether who changes a folio waits for its writeback, where there are checksums.
        stable_pages: StablePages = StablePages::Wait,
        /// What one piece of I/O may hold.
        ioend_merge: IoendMerge = IoendMerge::SameType,
        /// How far completion raises the size on disk.
        ioend_size: IoendSize = IoendSize::Block,
        /// What completion takes for written.
        ioend_record: IoendRecord = IoendRecord::Written,
        /// Folios that writeback looks up at a time; a batch that is not full is the last (`PAGEVEC_SIZE`, include/linux/pagevec.h).
        writeback_batch: NonZero<u16> = NonZero::<u16>::MIN,
        /// When writeback sets a folio's bit.
        writeback_bit: WritebackBit = WritebackBit::AfterMapping,
        /// When it submits what is full.
        writeback_submit: WritebackSubmit = WritebackSubmit::Unlocked,
        /// By which tag writeback for integrity finds folios.
        towrite: Towrite = Towrite::Dirty,
        /// When writeback of a folio ends.
        end_writeback: EndWriteback = EndWriteback::LastIo,
        /// What a partial drop does to dirty bits.
        partial_clear: PartialClear = PartialClear::Nothing,
        /// What that does to page-table entries.
        partial_unmap: PartialUnmap = PartialUnmap::Pages,
        /// When readers map.
        fill_map: FillMap = FillMap::FolioLocked,
        /// How long they hold invalidate_lock.
        fill_lock: FillLock = FillLock::Held,
        /// When what they read is uptodate.
        read_end: ReadEnd = ReadEnd::LastPiece,
        /// How unaligned direct writes are kept apart.
        dio_unaligned: DioUnaligned = DioUnaligned::OverwriteOnly,
        /// When they wait for direct I/O in flight.
        dio_drain: DioDrain = DioDrain::BeforeAndAfter,
        /// Whether a write beyond end of file waits for direct I/O in flight (40c63fbc55a9).
        dio_eof_drain: bool = true,
        /// When what changes the file as a whole waits for it.
        dio_wait: DioWait = DioWait::Locked,
        /// Whether they look at the page cache with i_rwsem held.
        dio_cached: DioCached = DioCached::Locked,
        /// When direct writes drop what is cached.
        dio_invalidate: DioInvalidate = DioInvalidate::AfterEndIo,
        /// When they raise the size.
        dio_size: DioSize = DioSize::AfterConversion,
        /// Under which lock, where nothing is converted.
        dio_isize: DioIsize = DioIsize::Ilock,
        /// What they do about folios that stay.
        dio_busy: DioBusy = DioBusy::Fallback,
        /// When they are acknowledged.
        dio_ack: DioAck = DioAck::AfterCompletion,
        /// What keeps their checksums right, where there are any.
        dio_stable: DioStable = DioStable::Nothing,
        /// How zeroing treats dirty page cache over nothing.
        zero_range: ZeroRange = ZeroRange::Skip,
        /// What a write beyond end of file locks while it zeroes.
        zero_lock: ZeroLock = ZeroLock::Nothing,
        /// In how many sections of the ILOCK writeback looks up where a block goes.
        map_lookup: MapLookup = MapLookup::OneSection,
        /// What it looks at again before it allocates what is delayed.
        convert_recheck: ConvertRecheck = ConvertRecheck::Retry,
        /// What preallocation looks at again before it allocates the next extent.
        alloc_recheck: AllocRecheck = AllocRecheck::DataFork,
        /// What a direct write looks at again before it allocates a copy of a shared block.
        cow_recheck: CowRecheck = CowRecheck::CowAndShared,
        /// What the completion of I/O to copies puts into the data fork.
        end_cow: EndCow = EndCow::WholeExtent,
        /// What becomes of copies where a punch or a clone takes blocks out of the data fork.
        unmap_cow: UnmapCow = UnmapCow::Kept,
        /// Whose counters the cookie of a mapping of copies over a hole has.
        cow_hole: CowHole = CowHole::DataFork,
        /// How far mappings for writes reach over shared blocks.
        shared_trim: SharedTrim = SharedTrim::Trimmed,
        /// What the hint for copies asks for.
        cow_hint: CowHint = CowHint::Always,
        /// How direct writes allocate copies that are delayed.
        cow_fill: CowFill = CowFill::UntilCovered,
        /// What is looked at again before blocks are replaced by copies in another place.
        relocate_recheck: RelocateRecheck = RelocateRecheck::Address,
        /// Whether zeroing raises i_size as a write does (before 943bc0882ceb, 6.10): `iomap_write_end` did it for both.
        zero_raises_size: bool = false,
        /// When SEEK_DATA and SEEK_HOLE compare their mapping.
        seek_check: SeekCheck = SeekCheck::Never,
        /// By which indirect calls mappings are got and given back.
        iter_calls: IterCalls = IterCalls::BeginEnd,
    }
    beside {
        /// The name in tables and in `[expect]`.
        name: String = String::new(),
    }
}

impl Design {
    /// The names of the built-in designs: the releases and proposals, and then the January 2023 series patch by
    /// patch.
    pub const BUILT_IN: &'static [&'static str] = &[
        "none",
        "iomap_valid",
        "get_folio",
        "chinner",
        "chinner-cow",
        "series-00",
        "series-01",
        "series-02",
        "series-03",
        "series-04",
        "series-05",
        "series-06",
        "series-07",
        "series-08",
        "series-09",
        "series-10",
    ];

    /// A built-in design by name.
    ///
    /// * `none`: 6.1.0. No check; a failed write truncates the page cache and punches without a lock.
    /// * `iomap_valid`: 6.2. The core calls the file system's `->iomap_valid` after locking the folio.
    /// * `get_folio`: patch 08/10 of the January 2023 series. `->get_folio` compares and returns -ESTALE.
    /// * `chinner`: the same method wherever a mapping is cached, writeback included, with the same cookie.
    /// * `chinner-cow`: the same with the COW fork's counter in every mapping's cookie.
    /// * `series-00` to `series-10`: before the January 2023 series, and after each of its patches.
    pub fn built_in(name: &str) -> Option<Self> {
        let base = Self::as_listed();
        let design = match name {
            "none" => {
                let (check, punch, punch_lock) = (Check::Never, Punch::Truncate, PunchLock::Nothing);
                Design { check, punch, punch_lock, ..base }
            }
            "iomap_valid" => base,
            "get_folio" => Design {
                check: Check::InGetFolio,
                stale_cleanup: StaleCleanup::Nothing,
                hook_release: HookRelease::Fs,
                page_done: PageDone::BeforeUnlock,
                ..base
            },
            "chinner" => Design { writeback_check: WritebackCheck::Cookie, ..base },
            "chinner-cow" => Design { writeback_check: WritebackCheck::CookieCow, ..base },
            _ => Self::after_patch(Self::patch(name)?),
        };
        Some(Design { name: name.to_owned(), ..design })
    }

    /// How many patches of the series a design of its name has.
    fn patch(name: &str) -> Option<usize> {
        Self::BUILT_IN.iter().filter(|known| known.starts_with("series-")).position(|known| *known == name)
    }

    /// The kernel with the first `patches` of the series "Turn iomap_page_ops into iomap_folio_ops"
    /// (RFC v6, 2023-01-08). Patches 03, 07 and 09 rename, 04 and 06 add helpers, 10
    /// makes a symbol static: they change nothing that a value could say.
    fn after_patch(patches: usize) -> Self {
        let mut design = Self::as_listed();
        if patches >= 1 {
            design.page_done_on_stale = PageDoneOnStale::Folio;
            design.extended_eof = ExtendedEof::AfterHook;
        }
        if patches >= 2 {
            design.page_done = PageDone::BeforeUnlock;
            design.hook_release = HookRelease::PutFolio;
        }
        if patches >= 5 {
            design.folio_lookup = FolioLookup::Hook;
        }
        if patches >= 8 {
            design.check = Check::InGetFolio;
            design.stale_cleanup = StaleCleanup::Nothing;
            design.hook_release = HookRelease::Fs;
            design.page_done_on_stale = PageDoneOnStale::NoFolio;
        }
        design
    }

    /// Whether the design validates mappings at all: then a proof that never met a stale one is vacuous.
    pub fn checks(&self) -> bool {
        self.checks_passes()
            || self.mkwrite_check != MkwriteCheck::Never
            || self.read_check != ReadCheck::Never
            || self.dio_write_check != DioWriteCheck::Never
            || self.dio_read_check != DioReadCheck::Never
            || self.reflink_check != ReflinkCheck::Never
    }

    /// Whether it compares the validity cookie of a mapping anywhere.
    pub fn compares_cookies(&self) -> bool {
        let in_writeback = matches!(self.writeback_check, WritebackCheck::Cookie | WritebackCheck::CookieCow);
        let elsewhere = self.checks() || self.seek_check != SeekCheck::Never;
        in_writeback || elsewhere && self.compare != Compare::Type
    }

    /// Whether it validates mappings of buffered writes, of zeroing or of unsharing.
    pub fn checks_passes(&self) -> bool {
        self.check != Check::Never
            || self.zero_check == PassCheck::AfterLock
            || self.unshare_check == PassCheck::AfterLock
    }
}

impl Asked<Design> {
    /// Whether another one answers alike all that has been asked.
    pub fn answers_alike(&self, other: &Design) -> bool {
        self.agrees_in_settings(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_design_has_its_name() {
        for name in Design::BUILT_IN {
            assert_eq!(Design::built_in(name).unwrap().name, *name);
        }
        assert_eq!(Design::built_in("series-11"), None);
    }

    #[test]
    fn the_series_starts_at_iomap_valid_and_replaces_it_by_get_folio() {
        let renamed = |name: &str| Design { name: String::new(), ..Design::built_in(name).unwrap() };
        assert_eq!(renamed("series-00"), renamed("iomap_valid"));
        assert_eq!(renamed("series-06"), renamed("series-07"));
        assert_eq!(renamed("series-08"), renamed("series-10"));
        assert_eq!(renamed("series-08").check, renamed("get_folio").check);
    }
}
