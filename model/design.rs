//! The designs: where a cached mapping is validated and what staleness does. Values, not forks of the code.
//!
//! A design is what the iomap core and its callers do about a mapping that may be out of date; what the file
//! system itself does is its [`Personality`](crate::fs::Personality). Built-in designs have names; a scenario
//! file may define more by changing fields, and so are the mutants that the checker must catch.

use crate::settings::{choices, settable};

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
        /// The change counter of the extent map.
        Counter = "counter",
        /// The type and address of the extent at the position: blind to changes there and back.
        Type = "type",
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
    }
}

choices! {
    /// How `iomap_end` frees the reservation of the part that was not written.
    Punch {
        /// Walks the page cache, keeps what lies under dirty folios, and punches the gap before a dirty
        /// folio while that folio is locked (6.2).
        Scan = "scan",
        /// The same, but looks at the dirty flag without the folio lock (a mutant).
        ScanUnlocked = "scan-unlocked",
        /// The same as `scan`, but punches the gap after unlocking the dirty folio (harmless).
        ScanGapLate = "scan-gap-late",
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
    /// How the punched range is rounded to blocks.
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
    /// What a short copy into a folio that is not uptodate counts as.
    ShortCopy {
        /// Nothing: the rest of the block was never filled.
        Refuse = "refuse",
        /// Progress (a mutant): the block becomes uptodate with cells that nobody filled.
        Accept = "accept",
    }
}

choices! {
    /// What zeroing does about a mapping that has nothing to zero, over which the page cache may be dirty.
    ZeroRange {
        /// Passes over it: the callers have flushed (up to 6.11).
        Skip = "skip",
        /// If the range was dirty before it was mapped: flushes, and maps again (6.12).
        FlushAndRemap = "flush-and-remap",
        /// The same, but looks whether it is dirty after it was mapped (a mutant).
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
    /// What reclaim does about a folio under writeback.
    ReclaimWriteback {
        /// Leaves it.
        Skip = "skip",
        /// Drops it (a mutant).
        Ignore = "ignore",
    }
}

/// A design. Fields are documented by their types; see `kernel-model` sections 4 and 10 for the sources.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Design {
    /// The name in tables and in `[expect]`.
    pub name: String,
    /// When the check is made.
    pub check: Check,
    /// What it compares.
    pub compare: Compare,
    /// What staleness leads to.
    pub on_stale: OnStale,
    /// Whether the mapping is cleared before the next `iomap_begin`, so that STALE does not leak into it.
    pub clear_stale: bool,
    /// What happens beyond end of file.
    pub stale_cleanup: StaleCleanup,
    /// Who releases the folio.
    pub hook_release: HookRelease,
    /// Where the cookie is sampled.
    pub sample: Sample,
    /// How writeback validates.
    pub writeback_check: WritebackCheck,
    /// How unused reservations are freed.
    pub punch: Punch,
    /// Under which lock.
    pub punch_lock: PunchLock,
    /// Whose reservations.
    pub punch_owner: PunchOwner,
    /// In which granularity.
    pub punch_rounding: PunchRounding,
    /// Whether write faults punch.
    pub mkwrite_end: MkwriteEnd,
    /// Whether a write fault dirties the folio only after all its blocks are mapped (before 561295a32579).
    pub mkwrite_dirty_late: bool,
    /// What short copies count as.
    pub short_copy: ShortCopy,
    /// What reclaim does under writeback.
    pub reclaim_writeback: ReclaimWriteback,
    /// How zeroing treats dirty page cache over nothing.
    pub zero_range: ZeroRange,
    /// What a write beyond end of file locks while it zeroes.
    pub zero_lock: ZeroLock,
}

settable!(Design {
    check,
    compare,
    on_stale,
    clear_stale,
    stale_cleanup,
    hook_release,
    sample,
    writeback_check,
    punch,
    punch_lock,
    punch_owner,
    punch_rounding,
    mkwrite_end,
    mkwrite_dirty_late,
    short_copy,
    reclaim_writeback,
    zero_range,
    zero_lock,
});

impl Design {
    /// The names of the built-in designs, in the order of their history.
    pub const BUILT_IN: &'static [&'static str] = &["none", "iomap_valid", "get_folio"];

    /// A built-in design by name.
    ///
    /// * `none`: up to 6.1. No check; a failed write truncates the page cache and punches without a lock.
    /// * `iomap_valid`: 6.2. The core calls the file system's `->iomap_valid` after locking the folio.
    /// * `get_folio`: patch 08/10 of the January 2023 series. `->get_folio` compares and returns -ESTALE.
    pub fn built_in(name: &str) -> Option<Self> {
        let iomap_valid = Design {
            name: "iomap_valid".to_owned(),
            check: Check::AfterLock,
            compare: Compare::Counter,
            on_stale: OnStale::Remap,
            clear_stale: true,
            stale_cleanup: StaleCleanup::TruncateBeyondEof,
            hook_release: HookRelease::Core,
            sample: Sample::Inside,
            writeback_check: WritebackCheck::RangeData,
            punch: Punch::Scan,
            punch_lock: PunchLock::InvalidateLock,
            punch_owner: PunchOwner::New,
            punch_rounding: PunchRounding::KeepPartial,
            mkwrite_end: MkwriteEnd::Nothing,
            mkwrite_dirty_late: false,
            short_copy: ShortCopy::Refuse,
            reclaim_writeback: ReclaimWriteback::Skip,
            zero_range: ZeroRange::Skip,
            zero_lock: ZeroLock::Nothing,
        };
        match name {
            "none" => Some(Design {
                name: name.to_owned(),
                check: Check::Never,
                punch: Punch::Truncate,
                punch_lock: PunchLock::Nothing,
                ..iomap_valid
            }),
            "iomap_valid" => Some(iomap_valid),
            "get_folio" => Some(Design {
                name: name.to_owned(),
                check: Check::InGetFolio,
                stale_cleanup: StaleCleanup::Nothing,
                hook_release: HookRelease::Fs,
                ..iomap_valid
            }),
            _ => None,
        }
    }

    /// Whether the design validates mappings at all: then a proof that never met a stale one is vacuous.
    pub fn checks(&self) -> bool {
        self.check != Check::Never
    }
}
