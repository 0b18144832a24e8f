//! The locks, waits and checks that can be taken away, as data: the value of a field that means that one is not there.

use stalemap_model::words::design::{Check, Punch, WritebackCheck};
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::personality::{CloneLock, Completion, Dropbehind, Relocate};
use stalemap_model::words::settings::Setting;

/// What a protection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A lock that is held.
    Lock,
    /// Waiting for something to be over, or an order of two things.
    Wait,
    /// A look at whether something is as it was.
    Check,
}

impl Kind {
    /// The word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Lock => "lock",
            Kind::Wait => "wait",
            Kind::Check => "check",
        }
    }
}

/// A lock, a wait or a check that a value of a field takes away.
#[derive(Clone, Copy, Debug)]
pub struct Protection {
    /// What it is.
    pub kind: Kind,
    /// The field of a design or a file system.
    pub field: &'static str,
    /// Its value without the protection.
    pub without: Setting<'static>,
    /// The protection in words.
    pub words: &'static str,
    /// Whether a design or kernel with another value than that has it: some values have nothing to do with it.
    there: fn(&Implementation) -> bool,
}

impl PartialEq for Protection {
    fn eq(&self, other: &Self) -> bool {
        (self.field, self.without) == (other.field, other.without)
    }
}

impl Eq for Protection {}

impl Protection {
    /// The field and its value without the protection, as a file has it.
    pub fn setting(&self) -> String {
        format!("{} = {}", self.field, self.without)
    }

    /// A design or kernel without it; `None` if it does not have it.
    pub fn taken_from(&self, implementation: &Implementation) -> Option<Implementation> {
        if !(self.there)(implementation) {
            return None;
        }
        let mut without = implementation.clone();
        without.set(self.field, self.without).ok()?;
        (without != *implementation).then_some(without)
    }
}

fn always(_: &Implementation) -> bool {
    true
}

impl Protection {
    /// The same, which only some designs have.
    const fn where_is(self, there: fn(&Implementation) -> bool) -> Self {
        Protection { there, ..self }
    }
}

const fn protection(
    kind: Kind,
    field: &'static str,
    without: &'static str,
    words: &'static str,
) -> Protection {
    Protection { kind, field, without: Setting::Text(without), words, there: always }
}

const fn unless(kind: Kind, field: &'static str, words: &'static str) -> Protection {
    Protection { kind, field, without: Setting::Flag(false), words, there: always }
}

fn counts(it: &Implementation) -> bool {
    it.fs.counter
}

fn asks(it: &Implementation) -> bool {
    counts(it) && it.design.check != Check::Never
}

fn asks_with_the_folio_locked(it: &Implementation) -> bool {
    counts(it)
        && matches!(it.design.check, Check::AfterLock | Check::InGetFolio | Check::Once | Check::AfterPrepare)
}

fn writeback_compares(it: &Implementation) -> bool {
    match it.design.writeback_check {
        WritebackCheck::Always => true,
        WritebackCheck::Range => false,
        WritebackCheck::RangeData
        | WritebackCheck::RangeDataCow
        | WritebackCheck::Cookie
        | WritebackCheck::CookieCow => counts(it),
    }
}

fn relocates(it: &Implementation) -> bool {
    it.fs.relocate != Relocate::Absent
}

fn drops_behind(it: &Implementation) -> bool {
    it.fs.dropbehind != Dropbehind::Absent
}

fn converts(it: &Implementation) -> bool {
    it.fs.completion == Completion::ConvertThenClear
}

fn remaps_shared(it: &Implementation) -> bool {
    it.fs.clone_lock == CloneLock::Demoted
}

fn punch_scans(it: &Implementation) -> bool {
    matches!(it.design.punch, Punch::Scan | Punch::ScanGapLate)
}

/// All of them.
pub const PROTECTIONS: &[Protection] = &[
    protection(Kind::Check, "check", "none", "the check of what a write, zeroing or unsharing has mapped")
        .where_is(asks),
    protection(
        Kind::Lock,
        "check",
        "before-lock",
        "the folio lock during the check of what a write has mapped",
    )
    .where_is(asks_with_the_folio_locked),
    protection(Kind::Check, "writeback_check", "range", "the comparison of the mapping that writeback keeps")
        .where_is(writeback_compares),
    protection(Kind::Lock, "sample", "outside", "the ILOCK while the cookie is sampled").where_is(asks),
    protection(Kind::Lock, "punch_lock", "none", "invalidate_lock while a reservation is punched"),
    protection(
        Kind::Lock,
        "punch",
        "scan-unlocked",
        "the folio lock while the punch looks whether a folio is dirty",
    )
    .where_is(punch_scans),
    protection(Kind::Lock, "mkwrite_map", "before-lock", "the folio lock while a write fault maps blocks"),
    protection(
        Kind::Lock,
        "mkwrite_unlock",
        "before-dirty",
        "what keeps truncation out until a write fault has dirtied its folio",
    ),
    protection(
        Kind::Lock,
        "fill_map",
        "before-lookup",
        "the folio lock while a reader samples the mapping to fill it by",
    ),
    protection(
        Kind::Check,
        "reclaim_writeback",
        "ignore",
        "reclaim's look whether a folio is under writeback",
    ),
    protection(
        Kind::Check,
        "reclaim_dirty",
        "before-freeze",
        "reclaim's look whether a folio is dirty once nobody else refers to it",
    ),
    protection(
        Kind::Check,
        "dropbehind",
        "ungated",
        "the look whether a folio to be dropped is under writeback again",
    )
    .where_is(drops_behind),
    protection(Kind::Wait, "layout_recall", "none", "the recall of layouts"),
    protection(
        Kind::Lock,
        "redirty_lock",
        "folio",
        "i_rwsem of who dirties folios to have them written again",
    ),
    protection(
        Kind::Wait,
        "stable_pages",
        "none",
        "the wait for the end of writeback before a folio changes",
    ),
    protection(Kind::Wait, "end_writeback", "first-io", "the wait for the last piece of a folio's writeback"),
    protection(Kind::Wait, "read_end", "first-piece", "the wait for the last piece that a folio is read in"),
    protection(
        Kind::Wait,
        "completion",
        "clear-then-convert",
        "the conversion of extents before the end of writeback",
    )
    .where_is(converts),
    protection(Kind::Check, "bump_convert", "none", "the counter that the completion of I/O moves")
        .where_is(counts),
    protection(
        Kind::Lock,
        "map_lookup",
        "two-sections",
        "the one section of the ILOCK in which writeback looks both forks up",
    ),
    protection(Kind::Check, "convert_recheck", "none", "writeback's second look before it allocates"),
    protection(Kind::Check, "alloc_recheck", "none", "preallocation's second look before it allocates"),
    protection(
        Kind::Check,
        "cow_recheck",
        "none",
        "the second look of a direct write before it allocates a copy",
    ),
    protection(
        Kind::Check,
        "relocate_recheck",
        "none",
        "the look whether the old blocks are still the file's",
    ),
    protection(Kind::Lock, "relocate", "no-locks", "the locks of who moves blocks").where_is(relocates),
    protection(Kind::Lock, "dio_unaligned", "shared", "what keeps unaligned direct writes apart"),
    protection(
        Kind::Wait,
        "dio_drain",
        "none",
        "the wait of an exclusive direct write for direct I/O in flight",
    ),
    unless(
        Kind::Wait,
        "dio_eof_drain",
        "the wait for direct I/O in flight before a direct write zeroes behind end of file",
    ),
    protection(
        Kind::Wait,
        "write_dio_wait",
        "beyond-eof",
        "the wait of a buffered write for direct I/O in flight",
    ),
    protection(
        Kind::Wait,
        "truncate_dio_wait",
        "shrink",
        "the wait of a truncate that makes the file longer for direct I/O in flight",
    ),
    protection(
        Kind::Wait,
        "dio_wait",
        "none",
        "the wait of truncate, fallocate, reflink and exchange for direct I/O in flight",
    ),
    protection(Kind::Lock, "dio_cached", "before-lock", "i_rwsem while a direct write looks for page cache"),
    protection(
        Kind::Wait,
        "dio_invalidate",
        "none",
        "the drop of the page cache when a direct write is complete",
    ),
    protection(
        Kind::Check,
        "dio_busy",
        "ignore",
        "the look whether the page cache let go of the range of a direct write",
    ),
    protection(
        Kind::Wait,
        "dio_size",
        "before-conversion",
        "the conversion of extents before a direct write raises i_size",
    ),
    protection(Kind::Lock, "dio_isize", "i_flags_lock", "the ILOCK while a direct write raises i_size"),
    protection(Kind::Lock, "zero_lock", "none", "invalidate_lock while a write zeroes behind end of file"),
    protection(Kind::Lock, "dio_lock", "shared", "i_rwsem, exclusive, of direct writes"),
    protection(Kind::Lock, "write_lock", "shared", "i_rwsem, exclusive, of writes"),
    protection(
        Kind::Lock,
        "clone_lock",
        "demoted-unguarded",
        "IREMAPPING, which keeps writes off what a reflink shares",
    )
    .where_is(remaps_shared),
    protection(Kind::Wait, "flush_unmap", "none", "the flush of the page cache before blocks are taken away"),
    protection(Kind::Wait, "truncate_flush", "none", "the flush of the new last block before a truncate"),
    unless(Kind::Lock, "invalidate_lock", "invalidate_lock of who takes blocks away"),
    unless(Kind::Lock, "read_takes_i_rwsem", "i_rwsem, shared, of reads"),
    unless(Kind::Lock, "seek_takes_i_rwsem", "i_rwsem, shared, of SEEK_DATA and SEEK_HOLE"),
    unless(Kind::Lock, "glock", "the glock"),
];

#[cfg(test)]
mod tests {
    use stalemap_model::words::design::Design;
    use stalemap_model::words::kernel_version::KernelVersion;
    use stalemap_model::words::personality::Personality;

    use super::*;

    #[test]
    fn each_is_a_value_of_a_field_and_is_there_somewhere() {
        let xfs = Personality::built_in("xfs").expect("a personality");
        let kernels = KernelVersion::ALL.iter().filter_map(|kernel| kernel.implementation(&xfs));
        let all: Vec<Implementation> = Design::BUILT_IN
            .iter()
            .flat_map(|design| {
                Personality::BUILT_IN.iter().map(|fs| Implementation {
                    design: Design::built_in(design).expect("a design"),
                    fs: Personality::built_in(fs).expect("a personality"),
                })
            })
            .chain(kernels)
            .collect();
        for protection in PROTECTIONS {
            let mut any = all[0].clone();
            any.set(protection.field, protection.without).expect("a value");
            let is_there = all.iter().any(|it| protection.taken_from(it).is_some());
            assert!(is_there, "{}", protection.setting());
            assert_eq!(PROTECTIONS.iter().filter(|other| other.setting() == protection.setting()).count(), 1);
            assert_eq!(PROTECTIONS.iter().filter(|other| other.words == protection.words).count(), 1);
        }
    }

    /// What a design has not, cannot be taken away from it: another value would put it there.
    #[test]
    fn nothing_is_taken_away_that_is_not_there() {
        let of = |design: &str, fs: &str| Implementation {
            design: Design::built_in(design).expect("a design"),
            fs: Personality::built_in(fs).expect("a personality"),
        };
        let taken = |it: &Implementation| -> Vec<(&str, String)> {
            let there = PROTECTIONS.iter().filter(|protection| protection.taken_from(it).is_some());
            there.map(|protection| (protection.field, protection.without.to_string())).collect()
        };
        let has = |it: &Implementation, field: &str| taken(it).iter().any(|(known, _)| *known == field);
        let (unchecked, checked, gfs2) =
            (of("none", "xfs"), of("iomap_valid", "xfs"), of("iomap_valid", "gfs2"));
        assert!(!has(&unchecked, "check") && !has(&unchecked, "sample"));
        assert_eq!(taken(&checked).iter().filter(|(field, _)| *field == "check").count(), 2);
        assert!(has(&checked, "writeback_check") && has(&checked, "completion"));
        for field in ["check", "sample", "writeback_check", "completion", "dropbehind", "relocate"] {
            assert!(!has(&gfs2, field), "{field}");
        }
        assert!(has(&gfs2, "glock"));
    }
}
