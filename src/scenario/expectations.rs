//! `[expect]`, `[reach]` and `[observe]`: what a file says about the outcome.

use stalemap_model::judge::properties;
use stalemap_model::words::branches;
use std::collections::BTreeMap;

use stalemap_model::words::config::{ActorConfig, FileCommand, FileRange};
use stalemap_model::words::personality::Personality;
use toml::de::DeValue;

use super::errors::Errors;
use super::files::{self, Named};
use super::names::{count, quote, suggest, suggest_key};
use super::number;
use super::ranges::Placed;
use super::table::{Field, Reader, Table};
use super::text::Text;
use super::{Expectation, Reach, implementations};

const REACH_KEYS: &[&str] = &["must", "never"];
const REACH_EXAMPLE: &str = "`[reach]` with `must = [\"stale\"]`";
const EXPECT_EXAMPLE: &str = "`\"holds\"` or `[\"lost-write\"]`";
/// How the name of a kernel is written in `[expect]`, and in `[reach]`.
const EXPECT_KERNEL: &str = "`\"linux-7.3\" = \"holds\"`";
const REACH_KERNEL: &str = "`[reach.\"linux-7.3\"]`";

/// Whether a key is what TOML makes of the name of a kernel without quotes: a table, with the rest of the name for a key.
/// What is in it then is no mistake of its own.
fn is_cut_at_its_dot(field: &Field<'_>) -> bool {
    field.key.starts_with("linux-")
        && !field.key.contains('.')
        && matches!(&field.value.value, DeValue::Table(inside) if inside.keys().all(|key| key.get_ref().starts_with(|c: char| c.is_ascii_digit())))
}

/// What a name in these tables may stand for.
pub(super) struct Names<'a> {
    /// The designs and kernels of the file.
    pub(super) own: &'a [&'a str],
    /// The file system of the file.
    pub(super) fs: &'a Personality,
    /// The size of a block in bytes.
    pub(super) block: u64,
    /// Its commands.
    pub(super) commands: &'a [Placed<FileCommand>],
}

impl Names<'_> {
    /// Reports the name of a field that stands for nothing; `quoted` is how the name of a kernel is written in this place.
    fn check(&self, field: &Field<'_>, quoted: &str, reader: &mut Reader<'_>) {
        let name = Text::new(reader.source, field.key, field.key_span.clone());
        if self.own.contains(&field.key) {
            return;
        }
        let Some(implementation) = implementations::built_in(field.key, self.fs) else {
            if implementations::is_built_in(field.key) {
                implementations::lacks_file_system(&name, self.fs, reader);
            } else {
                implementations::unknown(&name, self.own, quoted, reader);
            }
            return;
        };
        if implementation.fs == *self.fs || !self.fs.misfits(self.block).is_empty() {
            return;
        }
        if let Some(why) = implementations::refused_with(&implementation, self.block, self.commands, reader) {
            let message = format!("{} {why}", quote(name.value));
            reader.errors.add(name.span, message, "leave it out");
        }
    }
}

/// Reads `[expect]`.
pub(super) fn expect(
    file: Table<'_>,
    names: &Names<'_>,
    reader: &mut Reader<'_>,
) -> BTreeMap<String, Expectation> {
    let mut expect = BTreeMap::new();
    let example = "`[expect]` with `iomap_valid = \"holds\"`";
    let table = file.get("expect").and_then(|field| field.value.table(example, reader));
    for field in table.map(Table::fields).unwrap_or_default() {
        names.check(&field, EXPECT_KERNEL, reader);
        if is_cut_at_its_dot(&field) {
            continue;
        }
        if let Some(expectation) = expectation(&field, reader) {
            let name = implementations::canonical(field.key, names.fs);
            if expect.insert(name.to_owned(), expectation).is_some() {
                let message = format!("{} is named twice: `modern` is another name of it", quote(name));
                reader.errors.add(field.key_span.clone(), message, "name it once");
            }
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

/// Reads `[reach]`: what must be reached, if the file says so, and what must not; and `[reach.NAME]`, which says it of a
/// design or a kernel instead.
pub(super) fn reach(
    file: Table<'_>,
    names: &Names<'_>,
    reader: &mut Reader<'_>,
) -> (Reach, BTreeMap<String, Reach>) {
    let field = file.get("reach");
    let Some(table) = field.and_then(|field| field.value.table(REACH_EXAMPLE, reader)) else {
        return (Reach::default(), BTreeMap::new());
    };
    let mut of = BTreeMap::new();
    for field in table.fields().into_iter().filter(|field| !REACH_KEYS.contains(&field.key)) {
        if !matches!(field.value.value, DeValue::Table(_)) {
            let message = format!("unknown key {} in `[reach]`", quote(field.key));
            reader.errors.add(field.key_span.clone(), message, suggest_key(field.key, REACH_KEYS));
            continue;
        }
        let is_cut = is_cut_at_its_dot(&field);
        if is_cut || !is_in_expect(field.key, file) {
            names.check(&field, REACH_KERNEL, reader);
        }
        if is_cut {
            continue;
        }
        let Some(table) = field.value.table(REACH_EXAMPLE, reader) else { continue };
        table.only(REACH_KEYS, "in `[reach.NAME]`", reader);
        of.insert(implementations::canonical(field.key, names.fs).to_owned(), reach_in(table, reader));
    }
    (reach_in(table, reader), of)
}

/// Whether `[expect]` has the name, too, where it has been looked at.
fn is_in_expect(name: &str, file: Table<'_>) -> bool {
    let expect = file.get("expect");
    expect
        .is_some_and(|field| matches!(&field.value.value, DeValue::Table(names) if names.contains_key(name)))
}

fn reach_in(table: Table<'_>, reader: &mut Reader<'_>) -> Reach {
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
    Reach { must, never }
}

/// Reads `[observe]`: the ranges, and the actors whose calls are listened to, by their places.
pub(super) fn observe(
    file: Table<'_>,
    block: u64,
    files: &[String],
    actors: &[ActorConfig],
    reader: &mut Reader<'_>,
) -> (Vec<Placed<FileRange>>, Vec<usize>) {
    let example = "`ranges = [\"0 4k\"]`";
    let nothing = (Vec::new(), Vec::new());
    let Some(field) = file.get("observe") else { return nothing };
    let Some(table) = field.value.table(&format!("`[observe]` with {example}"), reader) else {
        return nothing;
    };
    table.only(&["ranges", "calls"], "in `[observe]`", reader);
    let (ranges, calls) = (table.get("ranges"), table.get("calls"));
    if ranges.is_none() && calls.is_none() {
        let help = format!("add {example}, or `calls = [\"reader\"]`");
        reader.missing(field.key_span, "`[observe]` names no ranges and no actors", help);
        return nothing;
    }
    let texts = ranges.and_then(|ranges| ranges.value.texts(example, reader)).unwrap_or_default();
    let read = |text: Text<'_>| {
        Some(Placed { what: observed(&text, block, files, &mut reader.errors)?, span: text.span })
    };
    let ranges = texts.into_iter().filter_map(read).collect();
    let names =
        calls.and_then(|calls| calls.value.texts("`calls = [\"reader\"]`", reader)).unwrap_or_default();
    let known: Vec<&str> = actors.iter().map(|actor| actor.name.as_str()).collect();
    let place = |name: &str| known.iter().position(|known| *known == name);
    for name in &names {
        if let Some(actor) = place(name.value).map(|place| &actors[place])
            && !actor.run.iter().any(|call| call.command.may_answer())
        {
            let message = format!("no call of {} has an answer to listen to", quote(name.value));
            reader.errors.add(
                name.span.clone(),
                message,
                "`pread`, `seek`, `fiemap` and `@copy_sparse` have one",
            );
        }
    }
    let heard = members(&names, &known, "actor", reader);
    (ranges, heard.into_iter().filter_map(place).collect())
}

/// Reads a range of a file.
pub(super) fn observed(
    text: &Text<'_>,
    block: u64,
    files: &[String],
    errors: &mut Errors,
) -> Option<FileRange> {
    let words = text.words();
    let find = |name: &str, span, errors: &mut Errors| files::find(name, span, files, errors);
    let (file, words) = match files::named(&words, text, find, errors) {
        (Named::File(file), words) => (file, words),
        (Named::Unsaid, words) => (0, words),
        (Named::Wrong, _) => return None,
    };
    let [offset, length] = words else {
        let message = format!("a range has an offset and a length, not {}", count(words.len(), "word"));
        errors.add(text.span.clone(), message, "for example `\"4k 4k\"`");
        return None;
    };
    let [start, bytes] = [offset, length].map(|word| {
        let size = number::size(word.text, block);
        let report = |error: number::NumberError| {
            errors.add(word.span.clone(), error.message(&quote(word.text)), error.help());
        };
        size.map_err(report).ok()
    });
    let (start, bytes) = (start?, bytes?);
    if bytes == 0 {
        errors.add(length.span.clone(), "the range is empty", "the length is at least 1 byte");
        return None;
    }
    Some(FileRange { file, range: start..start + bytes })
}
