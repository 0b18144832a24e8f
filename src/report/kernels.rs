//! Kernels by name: the list, what one has, in what two differ, and the page that has it all.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use stalemap_model::words::kernel_version::{KernelVersion, MODERN, Row, TABLE, Value};

use super::json::pretty;
use super::style::{HEAD, styled};
use crate::wrap::{broken, hung};

/// Each kernel, the oldest first.
pub fn list(columns: Option<usize>) -> String {
    let mut text = String::new();
    for kernel in KernelVersion::ALL {
        let facts = kernel.facts();
        let of = format!("{:12}  {:9} {:11} on ", facts.name, facts.version, facts.released);
        text.push_str(&hung(&of, &facts.file_systems.join(", "), columns));
        text.push_str(&hung("              read: ", facts.source, columns));
    }
    let newest = format!("another name of {}, as of November 2026", KernelVersion::NEWEST.name());
    text.push_str(&hung(&format!("{MODERN:12}  "), &newest, columns));
    text.push_str(
        "\nA date is that of the first release of a series (6.12 of 6.12.118), not of what was read of it.\n",
    );
    text.push_str(
        "`stalemap kernels A B` says in which fields two differ, and why; `stalemap check SCENARIO --kernel A` runs under one.\n",
    );
    broken(&text, columns)
}

/// Every field of a kernel with its reason.
pub fn values(kernel: KernelVersion) -> String {
    let facts = kernel.facts();
    let mut text = format!("{}: {}, read: {}\n", styled(HEAD, facts.name), facts.version, facts.source);
    for (row, value) in rows().filter_map(|row| Some((row, value_of(row, kernel)?))) {
        let _ = write!(text, "\n{} = {}  ({})\n    {}\n", row.field, value.is, on(row, &[kernel]), value.why);
    }
    text
}

/// The fields in which two kernels differ, with the reasons of both.
pub fn differences(from: KernelVersion, to: KernelVersion) -> String {
    let mut text = String::new();
    for row in rows() {
        let (Some(old), Some(new)) = (value_of(row, from), value_of(row, to)) else { continue };
        if old.is == new.is {
            continue;
        }
        let _ = writeln!(text, "{}  ({})", styled(HEAD, row.field), on(row, &[from, to]));
        for (kernel, value) in [(from, old), (to, new)] {
            let _ = writeln!(text, "    {:12} {}\n        {}", kernel.name(), value.is, value.why);
        }
    }
    if text.is_empty() {
        text = format!("{} and {} have the same value of every field\n", from.name(), to.name());
    }
    for (one, other) in [(from, to), (to, from)] {
        let alone: Vec<&str> = one
            .facts()
            .file_systems
            .iter()
            .copied()
            .filter(|fs| !other.facts().file_systems.contains(fs))
            .collect();
        if !alone.is_empty() {
            let _ = writeln!(text, "{} alone has {}", one.name(), alone.join(", "));
        }
    }
    text
}

/// The document of `kernels`.
pub fn json(kernels: &[KernelVersion]) -> String {
    let kernel = |kernel: &KernelVersion| {
        let facts = kernel.facts();
        let fields = rows().filter_map(|row| {
            let value = value_of(row, *kernel)?;
            Some(json!({
                "field": row.field, "value": value.is.to_string(), "why": value.why,
                "file_systems": file_systems(row, &[*kernel]),
            }))
        });
        json!({
            "name": facts.name, "version": facts.version, "released": facts.released, "source": facts.source,
            "file_systems": facts.file_systems, "fields": fields.collect::<Vec<Json>>(),
        })
    };
    pretty(
        &json!({ "schema": "stalemap.kernels/1", "kernels": kernels.iter().map(kernel).collect::<Vec<_>>() }),
    )
}

/// docs/kernels.md: fields down, kernels across, and every reason.
pub fn page() -> String {
    let mut text = String::from(PAGE_HEAD);
    for kernel in KernelVersion::ALL {
        let facts = kernel.facts();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            facts.name,
            facts.version,
            facts.released,
            facts.file_systems.join(", "),
            facts.source
        );
    }
    text.push_str("\n## Fields\n\n| field | on |");
    for kernel in KernelVersion::ALL {
        let _ = write!(text, " {} |", kernel.name());
    }
    let _ = writeln!(text, "\n|---|---|{}", "---|".repeat(KernelVersion::ALL.len()));
    for row in rows() {
        let _ = write!(text, "| `{}` | {} |", row.field, row.on.join(", "));
        for kernel in KernelVersion::ALL {
            let value =
                value_of(row, *kernel).map_or_else(|| "–".to_owned(), |value| format!("`{}`", value.is));
            let _ = write!(text, " {} |", value.replace('"', ""));
        }
        text.push('\n');
    }
    text.push_str("\n## Reasons\n");
    for row in rows() {
        let _ = write!(text, "\n### `{}` on {}\n\n", row.field, row.on.join(", "));
        for value in row.values {
            let kernels: Vec<&str> = value.kernels.iter().map(|kernel| kernel.name()).collect();
            let _ = writeln!(text, "* `{}` ({}): {}", value.is, kernels.join(", "), value.why);
        }
    }
    text
}

const PAGE_HEAD: &str = "\
# Kernels by name

What `--kernel` means: the value of each field of designs and personalities in a release, and where that is to be read. This
page is made from the table that the program uses (`model/words/kernel_version/`): `stalemap kernels --format markdown`. What
belongs to the environment (the device, what may fail) is in no row: the scenario says it.

| kernel | read as | first of its series | file systems | source |
|---|---|---|---|---|
";

fn rows() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().flat_map(|rows| rows.iter())
}

fn value_of(row: &'static Row, kernel: KernelVersion) -> Option<&'static Value> {
    row.values.iter().find(|value| value.kernels.contains(&kernel))
}

/// The file systems of a row that all of these kernels have.
fn file_systems(row: &Row, kernels: &[KernelVersion]) -> Vec<&'static str> {
    let has = |fs: &&&'static str| kernels.iter().all(|kernel| kernel.facts().file_systems.contains(*fs));
    row.on.iter().filter(has).copied().collect()
}

fn on(row: &Row, kernels: &[KernelVersion]) -> String {
    file_systems(row, kernels).join(", ")
}
