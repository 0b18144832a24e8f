//! `[[file]]`: the files of the scenario, and the name in brackets before what concerns one of them.

use std::ops::Range;

use stalemap_model::words::command::FileId;

use super::errors::Errors;
use super::names::{count, list, quote};
use super::table::{Reader, Table};
use super::text::{Text, Word};

/// The file of a scenario that names none.
const ONLY: &str = "file";
/// The most files of a scenario: the device has room for each of them as a whole.
const MAX_FILES: usize = 4;

/// Reads every `[[file]]`.
pub(super) fn read(file: Table<'_>, reader: &mut Reader<'_>) -> Vec<String> {
    let example = "`name = \"a\"`";
    let Some(field) = file.get("file") else { return vec![ONLY.to_owned()] };
    let tables = field.value.tables(&format!("`[[file]]` with {example}"), reader);
    if field.value.is_empty_array() {
        let help = format!("leave it out, or add `[[file]]` with {example}");
        reader.errors.add(field.value.span, "the list of files is empty", help);
    }
    if let Some((_, surplus)) = tables.get(MAX_FILES) {
        let help = format!("at most {MAX_FILES} can be explored");
        reader.errors.add(surplus.clone(), count(tables.len(), "file"), help);
    }
    let mut files = Vec::new();
    for (table, span) in tables.into_iter().take(MAX_FILES) {
        table.only(&["name"], "of a file", reader);
        let Some(field) = table.get("name") else {
            reader.missing(span, "the file has no name", format!("add {example}"));
            continue;
        };
        let Some(name) = field.value.text(example, reader) else { continue };
        if let Some((message, help)) = fault(name.value, &files) {
            reader.errors.add(name.span, message, help);
        }
        files.push(name.value.to_owned());
    }
    // Commands are read even if no file has a name.
    if files.is_empty() { vec![ONLY.to_owned()] } else { files }
}

fn fault(name: &str, files: &[String]) -> Option<(String, String)> {
    let shown = quote(name);
    if !is_name(name) {
        let help = "names consist of a-z, 0-9, `_` and `-`".to_owned();
        return Some((format!("{shown} cannot be a file's name"), help));
    }
    let twice = files.iter().any(|file| file == name);
    let help = || format!("choose another one, for example `{name}2`");
    twice.then(|| (format!("two files are called {shown}"), help()))
}

/// Whether a file, or a buffer, may have this name.
pub(super) fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    !name.is_empty() && name.chars().all(allowed)
}

/// The file of a name, or a report that there is none.
pub(super) fn find(name: &str, span: Range<usize>, files: &[String], errors: &mut Errors) -> Option<FileId> {
    let found = files.iter().position(|file| file == name);
    if found.is_none() {
        // There are so few that the one that was meant need not be guessed.
        let known = list(files.iter().map(String::as_str));
        let help = format!("known are {known}; `[[file]]` with `name` adds one");
        errors.add(span, format!("there is no file {}", quote(name)), help);
    }
    found.map(|file| file as FileId)
}

/// What the word before a command or range says about its file.
pub(super) enum Named {
    /// It is this one.
    File(FileId),
    /// It is none that there is, which was reported.
    Wrong,
    /// Nothing: the word belongs to what follows.
    Unsaid,
}

/// Takes `[b]` from the front of the words of a string. `find` finds the file, or reports that there is none.
pub(super) fn named<'w, 's>(
    words: &'w [Word<'s>],
    text: &Text<'s>,
    find: impl FnOnce(&str, Range<usize>, &mut Errors) -> Option<FileId>,
    errors: &mut Errors,
) -> (Named, &'w [Word<'s>]) {
    let Some((first, rest)) = words.split_first().filter(|(first, _)| first.text.starts_with('[')) else {
        return (Named::Unsaid, words);
    };
    let inner = first.text.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let Some(name) = inner.filter(|name| !name.is_empty()) else {
        let message = format!("{} is not the name of a file in brackets", quote(first.text));
        errors.add(first.span.clone(), message, "write it as a word of its own: `[b] pwrite 0 4k`");
        return (Named::Wrong, rest);
    };
    let span = text.part(&(first.at + 1..first.at + 1 + name.len()));
    match find(name, span, errors) {
        Some(file) => (Named::File(file), rest),
        None => (Named::Wrong, rest),
    }
}
