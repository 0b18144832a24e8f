//! Fields of a file that do not go together, and fields that change nothing.

use std::ops::Range;

use stalemap_model::words::config::FileCommand;
use stalemap_model::words::design::WritebackCheck;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::misfit::Misfit;

use super::ranges::Placed;
use super::table::{Reader, Table};

/// Reports what does not go together, each at the first of its fields that the table writes, or at `place` if it writes none.
pub(super) fn report(misfits: &[Misfit], table: Table<'_>, place: &Range<usize>, reader: &mut Reader<'_>) {
    for misfit in misfits {
        let written = misfit.fields.iter().find_map(|field| table.get(field));
        let span = written.map_or_else(|| place.clone(), |field| field.value.span);
        reader.errors.add(span, misfit.message.clone(), misfit.help.clone());
    }
}

/// Fields that are looked at under one condition alone.
struct Condition {
    fields: &'static [&'static str],
    /// What is to be added where it is not met.
    lacks: &'static str,
    met: fn(&Implementation, &[Placed<FileCommand>]) -> bool,
}

const CONDITIONS: &[Condition] = &[
    Condition {
        fields: &["valid_read", "valid_write", "valid_moved", "mkwrite_valid", "truncate_zero_block"],
        lacks: "`valid_size = true`",
        met: |it, _| it.fs.valid_size,
    },
    Condition {
        fields: &["zoned_write_error", "srcmap", "spare_blocks", "short_budget"],
        lacks: "`allocate = \"out-of-place\"` (as `personality = \"xfs-zoned\"` has it)",
        met: |it, _| it.fs.is_out_of_place(),
    },
    Condition { fields: &["zoned_write_error"], lacks: "`io_errors = true`", met: |it, _| it.fs.io_errors },
    Condition {
        fields: &["dio_stable", "stable_pages"],
        lacks: "`data_checksum = true`",
        met: |it, _| it.fs.data_checksum,
    },
    Condition {
        fields: &[
            "zero_check",
            "unshare_check",
            "mkwrite_check",
            "read_check",
            "dio_write_check",
            "dio_read_check",
            "reflink_check",
            "cookie_size",
            "cookie_new",
        ],
        lacks: "`counter = true`",
        met: |it, _| it.fs.counter,
    },
    Condition {
        fields: &["cookie_size", "cookie_new"],
        lacks: "a comparison with a cookie (`check`, or `writeback_check = \"cookie\"`; not `compare = \"type\"`)",
        met: |it, _| it.design.compares_cookies(),
    },
    Condition {
        fields: &["writeback_each"],
        lacks: "a comparison by writeback (`writeback_check`; not `range`)",
        met: |it, _| it.design.writeback_check != WritebackCheck::Range,
    },
    Condition {
        fields: &["jdata_flip"],
        lacks: "a `chattr` to the commands",
        met: |_, commands| commands.iter().any(|call| call.what.command.sets_data_mode()),
    },
    Condition {
        fields: &["device_cache"],
        lacks: "a `@crash` to the commands",
        met: |_, commands| commands.iter().any(|call| call.what.command.loses_power()),
    },
];

/// Reports fields of a table that change nothing, whatever the file is run under: `all` is that.
pub(super) fn without_effect(
    table: Table<'_>,
    all: &[&Implementation],
    commands: &[Placed<FileCommand>],
    reader: &mut Reader<'_>,
) {
    for field in table.fields() {
        let of_field = CONDITIONS.iter().filter(|condition| condition.fields.contains(&field.key));
        let unmet = |condition: &&Condition| !all.iter().any(|it| (condition.met)(it, commands));
        if let Some(condition) = of_field.into_iter().find(unmet) {
            let message = format!("`{}` has no effect in this file", field.key);
            let help = format!("add {}, or leave `{}` out", condition.lacks, field.key);
            reader.errors.add(field.key_span, message, help);
        }
    }
}

#[cfg(test)]
mod tests {
    use stalemap_model::words::design::Design;
    use stalemap_model::words::personality::Personality;

    use super::*;

    #[test]
    fn conditions_are_of_fields_that_there_are() {
        for field in CONDITIONS.iter().flat_map(|condition| condition.fields) {
            assert!(Design::FIELDS.contains(field) || Personality::FIELDS.contains(field), "{field}");
        }
    }
}
