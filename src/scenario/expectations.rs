//! `[expect]`, `[reach]` and `[observe]`: what a file says about the outcome.

use stalemap_model::judge::properties;
use stalemap_model::words::branches;
use std::collections::BTreeMap;

use stalemap_facade::Branch;
use stalemap_model::words::config::FileRange;
use stalemap_model::words::design::Design;
use toml::de::DeValue;

use super::Expectation;
use super::designs::unknown_design;
use super::files::{self, Named};
use super::names::{quote, suggest};
use super::number;
use super::ranges::Placed;
use super::table::{Field, Reader, Table};
use super::text::Text;

const EXPECT_EXAMPLE: &str = "`\"holds\"` or `[\"lost-write\"]`";

/// Reads `[expect]`. `own` are the designs of the file.
pub(super) fn expect(
    file: Table<'_>,
    own: &[&str],
    reader: &mut Reader<'_>,
) -> BTreeMap<String, Expectation> {
    let mut expect = BTreeMap::new();
    let example = "`[expect]` with `iomap_valid = \"holds\"`";
    let table = file.get("expect").and_then(|field| field.value.table(example, reader));
    for field in table.map(Table::fields).unwrap_or_default() {
        if !Design::BUILT_IN.contains(&field.key) && !own.contains(&field.key) {
            let name = Text::new(reader.source, field.key, field.key_span.clone());
            unknown_design(&name, own, reader);
        }
        if let Some(expectation) = expectation(&field, reader) {
            expect.insert(field.key.to_owned(), expectation);
        }
    }
    expect
}

fn expectation(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Expectation> {
    let span = field.value.span.clone();
    match field.value.value {
        DeValue::String(text) if text == "holds" => Some(Expectation::Holds),
        DeValue::String(text) => {
            let help = match properties::from_name(text) {
                Some(property) => format!("a list of properties stands in brackets: `[\"{property}\"]`"),
                None => format!("write {EXPECT_EXAMPLE}"),
            };
            reader.errors.add(span, format!("expected `\"holds\"` or a list, found {}", quote(text)), help);
            None
        }
        DeValue::Array(items) if items.is_empty() => {
            reader.errors.add(span, "an empty list of violated properties", "write `\"holds\"`");
            None
        }
        DeValue::Array(_) => {
            let names = field.value.texts("`[\"lost-write\", \"stale-read\"]`", reader)?;
            let known: Vec<&str> = properties::ALL.iter().map(|property| property.name()).collect();
            let violated = members(&names, &known, "property", reader);
            Some(Expectation::Violates(violated.into_iter().filter_map(properties::from_name).collect()))
        }
        _ => {
            field.value.refuse("`\"holds\"` or a list of properties", EXPECT_EXAMPLE, reader);
            None
        }
    }
}

/// The names that are known. Others, and repeated ones, are reported.
fn members<'t>(names: &[Text<'t>], known: &[&str], what: &str, reader: &mut Reader<'_>) -> Vec<&'t str> {
    let mut members = Vec::new();
    for name in names {
        let shown = quote(name.value);
        let (message, help) = if members.contains(&name.value) {
            (format!("{shown} is listed twice"), "once is enough".to_owned())
        } else if known.contains(&name.value) {
            members.push(name.value);
            continue;
        } else {
            (format!("unknown {what} {shown}"), suggest(name.value, known.iter().copied(), what))
        };
        reader.errors.add(name.span.clone(), message, help);
    }
    members
}

/// Reads `[reach]`: what must be reached, if the file says so, and what must not.
pub(super) fn reach(file: Table<'_>, reader: &mut Reader<'_>) -> (Option<Vec<Branch>>, Vec<Branch>) {
    let field = file.get("reach");
    let Some(table) =
        field.and_then(|field| field.value.table("`[reach]` with `must = [\"stale\"]`", reader))
    else {
        return (None, Vec::new());
    };
    table.only(&["must", "never"], "in `[reach]`", reader);
    let known: Vec<&str> = branches::ALL.iter().map(|branch| branch.name()).collect();
    let mut branches = |key: &str| {
        let names = table.get(key)?.value.texts("`[\"stale\", \"evict\"]`", reader)?;
        let found = members(&names, &known, "branch", reader);
        let texts = names.into_iter().filter(|name| found.contains(&name.value)).collect::<Vec<_>>();
        Some((found.into_iter().filter_map(branches::from_name).collect::<Vec<_>>(), texts))
    };
    let must = branches("must").map(|(branches, _)| branches);
    let (never, texts) = branches("never").unwrap_or_default();
    for name in texts {
        if must.iter().flatten().any(|branch| branch.name() == name.value) {
            let message = format!("{} both must and must never be reached", quote(name.value));
            reader.errors.add(name.span, message, "keep it in one of the lists");
        }
    }
    (must, never)
}

/// Reads `[observe]`.
pub(super) fn observe(
    file: Table<'_>,
    block: u64,
    files: &[String],
    reader: &mut Reader<'_>,
) -> Vec<Placed<FileRange>> {
    let example = "`ranges = [\"0 4k\"]`";
    let Some(field) = file.get("observe") else { return Vec::new() };
    let Some(table) = field.value.table(&format!("`[observe]` with {example}"), reader) else {
        return Vec::new();
    };
    table.only(&["ranges"], "in `[observe]`", reader);
    let Some(ranges) = table.get("ranges") else {
        reader.missing(field.key_span, "`[observe]` names no ranges", format!("add {example}"));
        return Vec::new();
    };
    let texts = ranges.value.texts(example, reader).unwrap_or_default();
    let read =
        |text: Text<'_>| Some(Placed { what: observed(&text, block, files, reader)?, span: text.span });
    texts.into_iter().filter_map(read).collect()
}

fn observed(text: &Text<'_>, block: u64, files: &[String], reader: &mut Reader<'_>) -> Option<FileRange> {
    let words = text.words();
    let (file, words) = match files::named(&words, text, files, &mut reader.errors) {
        (Named::File(file), words) => (file, words),
        (Named::Unsaid, words) => (0, words),
        (Named::Wrong, _) => return None,
    };
    let [offset, length] = words else {
        let message = format!("a range has an offset and a length, not {} words", words.len());
        reader.errors.add(text.span.clone(), message, "for example `\"4k 4k\"`");
        return None;
    };
    let [start, bytes] = [offset, length].map(|word| {
        let size = number::size(word.text, block);
        let report = |error: number::NumberError| {
            reader.errors.add(word.span.clone(), error.message(&quote(word.text)), error.help());
        };
        size.map_err(report).ok()
    });
    let (start, bytes) = (start?, bytes?);
    if bytes == 0 {
        reader.errors.add(length.span.clone(), "the range is empty", "the length is at least 1 byte");
        return None;
    }
    Some(FileRange { file, range: start..start + bytes })
}
