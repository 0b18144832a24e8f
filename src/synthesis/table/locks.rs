//! Locks, waits and look-ups that can stand in for a comparison, or that one rests on.

use super::{any, flag, has_reflink, relocates, text, value};
use crate::synthesis::dimension::{Dimension, Kind, Shows};

/// Whether writeback keeps a mapping from one range to the next.
pub const WRITEBACK_LOOKUP: Dimension = Dimension {
    key: "writeback",
    words: "writeback takes a mapping",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("range", "along, and asks for its range alone", &[], &[("writeback_check", text("range"))]),
        value("always", "anew for each range", &[0], &[("writeback_check", text("always"))]),
    ],
    on: any,
};

/// When a write fault maps its folio.
pub const FAULT_MAP: Dimension = Dimension {
    key: "fault-map",
    words: "a write fault maps its folio",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("before-lock", "before it locks it", &[], &[("mkwrite_map", text("before-lock"))]),
        value("folio-locked", "with the folio locked", &[0], &[("mkwrite_map", text("folio-locked"))]),
    ],
    on: any,
};

/// When a reader maps the folio that it fills.
pub const FILL_MAP: Dimension = Dimension {
    key: "fill-map",
    words: "a reader maps the folio that it fills",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("before-lookup", "before it looks it up", &[], &[("fill_map", text("before-lookup"))]),
        value("folio-locked", "with the folio locked", &[0], &[("fill_map", text("folio-locked"))]),
    ],
    on: any,
};

/// What a seek holds.
pub const SEEK_LOCK: Dimension = Dimension {
    key: "seek-lock",
    words: "SEEK_DATA and SEEK_HOLE hold",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("none", "nothing", &[], &[("seek_takes_i_rwsem", flag(false))]),
        value("i_rwsem", "i_rwsem shared", &[0], &[("seek_takes_i_rwsem", flag(true))]),
    ],
    on: any,
};

/// What a read holds.
pub const READ_LOCK: Dimension = Dimension {
    key: "read-lock",
    words: "a read holds",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("none", "nothing", &[], &[("read_takes_i_rwsem", flag(false))]),
        value("i_rwsem", "i_rwsem shared", &[0], &[("read_takes_i_rwsem", flag(true))]),
    ],
    on: any,
};

/// How a buffered write that does not grow the file holds i_rwsem.
pub const WRITE_LOCK: Dimension = Dimension {
    key: "write-lock",
    words: "a buffered write inside of end of file holds i_rwsem",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("shared", "shared", &[], &[("write_lock", text("shared"))]),
        value("exclusive", "exclusively", &[0], &[("write_lock", text("exclusive"))]),
    ],
    on: any,
};

/// What keeps others from filling the page cache while blocks are taken away.
pub const INVALIDATE_LOCK: Dimension = Dimension {
    key: "unmap-lock",
    words: "who takes blocks away holds",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("none", "i_rwsem alone", &[], &[("invalidate_lock", flag(false))]),
        value("invalidate_lock", "invalidate_lock, too", &[0], &[("invalidate_lock", flag(true))]),
    ],
    on: any,
};

/// What is held while unused reservations are punched.
pub const PUNCH_LOCK: Dimension = Dimension {
    key: "punch-lock",
    words: "who punches reservations that a write did not use holds",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("none", "no lock for it", &[], &[("punch_lock", text("none"))]),
        value("invalidate-lock", "invalidate_lock", &[0], &[("punch_lock", text("invalidate-lock"))]),
    ],
    on: any,
};

/// What is held while a write beyond end of file zeroes.
pub const ZERO_LOCK: Dimension = Dimension {
    key: "zero-lock",
    words: "a write beyond end of file holds, while it zeroes,",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("none", "i_rwsem alone", &[], &[("zero_lock", text("none"))]),
        value("invalidate-lock", "invalidate_lock, too", &[0], &[("zero_lock", text("invalidate-lock"))]),
    ],
    on: any,
};

/// What is held to dirty folios as they are.
pub const REDIRTY_LOCK: Dimension = Dimension {
    key: "redirty-lock",
    words: "who dirties folios as they are holds",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("folio", "the lock of the folio alone", &[], &[("redirty_lock", text("folio"))]),
        value(
            "invalidate-lock",
            "invalidate_lock shared",
            &[0],
            &[("redirty_lock", text("invalidate-lock"))],
        ),
        value(
            "i-rwsem",
            "i_rwsem exclusively, with direct I/O waited for",
            &[0, 1],
            &[("redirty_lock", text("i-rwsem"))],
        ),
    ],
    on: any,
};

/// How a direct write that is not aligned holds i_rwsem.
pub const UNALIGNED_LOCK: Dimension = Dimension {
    key: "unaligned-lock",
    words: "an unaligned direct write holds i_rwsem",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("shared", "shared", &[], &[("dio_unaligned", text("shared"))]),
        value(
            "overwrite-only",
            "shared if it overwrites, else exclusively",
            &[0],
            &[("dio_unaligned", text("overwrite-only"))],
        ),
        value("exclusive", "exclusively", &[0, 1], &[("dio_unaligned", text("exclusive"))]),
    ],
    on: any,
};

/// When direct I/O is waited for by what changes a file as a whole.
pub const DIO_WAIT: Dimension = Dimension {
    key: "dio-wait",
    words: "what changes a file as a whole waits for direct I/O",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("none", "never", &[], &[("dio_wait", text("none"))]),
        value("before-lock", "before it has its locks", &[0], &[("dio_wait", text("before-lock"))]),
        value("locked", "with its locks held", &[0, 1], &[("dio_wait", text("locked"))]),
    ],
    on: any,
};

/// When a direct write looks for page cache to drop.
pub const DIO_CACHED: Dimension = Dimension {
    key: "dio-cached",
    words: "a direct write looks for page cache to drop",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("before-lock", "before it has i_rwsem", &[], &[("dio_cached", text("before-lock"))]),
        value("locked", "with i_rwsem held", &[0], &[("dio_cached", text("locked"))]),
    ],
    on: any,
};

/// When who hands out a layout looks whether blocks may be shared.
pub const LAYOUT_LOCK: Dimension = Dimension {
    key: "layout-lock",
    words: "who hands out a layout looks whether the file may share blocks",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("before-lock", "before it has i_rwsem", &[], &[("layout_reflink", text("before-lock"))]),
        value("locked", "with i_rwsem held", &[0], &[("layout_reflink", text("locked"))]),
    ],
    on: any,
};

/// How a reflink holds its source's locks.
pub const CLONE_LOCK: Dimension = Dimension {
    key: "clone-lock",
    words: "a reflink holds its source's locks",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("released", "until that is written back", &[], &[("clone_lock", text("released"))]),
        value("demoted-unguarded", "shared", &[0], &[("clone_lock", text("demoted-unguarded"))]),
        value(
            "demoted",
            "shared, with those kept waiting who write under shared ones",
            &[0, 1],
            &[("clone_lock", text("demoted"))],
        ),
        value("exclusive", "exclusively", &[0, 1, 2], &[("clone_lock", text("exclusive"))]),
    ],
    on: has_reflink,
};

/// What is held while blocks are moved.
pub const RELOCATE_LOCK: Dimension = Dimension {
    key: "relocate-lock",
    words: "who moves blocks holds i_rwsem and invalidate_lock",
    kind: Kind::Lock,
    shows: Shows::Nothing,
    values: &[
        value("no-locks", "never", &[], &[("relocate", text("no-locks"))]),
        value(
            "locks-cycled",
            "for a moment, behind the copying",
            &[0],
            &[("relocate", text("locks-cycled"))],
        ),
        value("locks-kept", "from behind the copying on", &[0, 1], &[("relocate", text("locks-kept"))]),
        value("locks-held", "all the time", &[0, 1, 2], &[("relocate", text("locks-held"))]),
    ],
    on: relocates,
};
