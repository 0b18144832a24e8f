//! The dimensions: a line or two for each value. A new place is an entry here, and its name in a question (`question.rs`).

use stalemap_model::words::personality::Personality;
use stalemap_model::words::settings::Setting;

use super::dimension::{Dimension, Kind, Shows, Value};

const fn text(value: &'static str) -> Setting<'static> {
    Setting::Text(value)
}

const fn value(
    name: &'static str,
    words: &'static str,
    weaker: &'static [usize],
    sets: &'static [(&'static str, Setting<'static>)],
) -> Value {
    Value { name, words, weaker, sets }
}

fn any(_: &Personality) -> bool {
    true
}

/// A write(2), before it copies into a folio. `in-get-folio` is `after-lock` in another function.
pub const WRITE: Dimension = Dimension {
    key: "write",
    words: "a buffered write compares its mapping",
    kind: Kind::Check,
    shows: Shows::Operation("iomap_valid"),
    values: &[
        value("none", "never", &[], &[("check", text("none"))]),
        value("before-lock", "before it locks the folio", &[0], &[("check", text("before-lock"))]),
        value("once", "once it has locked its first folio", &[0], &[("check", text("once"))]),
        value("after-prepare", "after the block was zeroed or read", &[0], &[("check", text("after-prepare"))]),
        value(
            "after-lock",
            "once it has locked the folio",
            &[0, 1, 2, 3],
            &[("check", text("after-lock"))],
        ),
    ],
    on: any,
};

/// Writeback, for each dirty range of a folio for which it has a mapping already. There is no test for a whole folio in any
/// kernel, and none in the model.
pub const WRITEBACK: Dimension = Dimension {
    key: "writeback",
    words: "writeback compares the mapping that it has cached, for each dirty range",
    kind: Kind::Check,
    shows: Shows::ImapValid,
    values: &[
        value("range", "by its range alone", &[], &[("writeback_check", text("range"))]),
        value("range-data", "with the data counter", &[0], &[("writeback_check", text("range-data"))]),
        value(
            "cookie",
            "with the cookie of the write path",
            &[0, 1],
            &[("writeback_check", text("cookie"))],
        ),
        value(
            "range-data-cow",
            "with the data counter, and of the data fork with the COW counter, too",
            &[0],
            &[("writeback_check", text("range-data-cow"))],
        ),
        value(
            "cookie-cow",
            "with both counters",
            &[0, 1, 2, 3],
            &[("writeback_check", text("cookie-cow"))],
        ),
    ],
    on: any,
};

/// SEEK_DATA and SEEK_HOLE, before they call anything a hole.
pub const SEEK: Dimension = Dimension {
    key: "seek",
    words: "SEEK_DATA and SEEK_HOLE compare their mapping",
    kind: Kind::Check,
    shows: Shows::Operation("iomap_valid"),
    values: &[
        value("none", "never", &[], &[("seek_check", text("none"))]),
        value("after-probe", "before they call anything a hole", &[0], &[("seek_check", text("after-probe"))]),
    ],
    on: any,
};
