//! The memory that a `pwrite -i NAME` takes its data from: others store to it with `[NAME] mwrite`, whatever the kernel does with it
//! meanwhile.
//!
//! Such a name is known by its `pwrite`, which may stand behind a store to it. So a file is read once more as soon as the names
//! are known.

use std::ops::Range;

use stalemap_model::words::command::{BufferId, Command, FileId};
use stalemap_model::words::config::FileCommand;

use super::errors::Errors;
use super::files;
use super::names::{list, quote};
use super::ranges::Placed;
use super::text::Word;

/// The memory of one `pwrite`.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    /// Its name.
    pub(super) name: String,
    /// The file that is written.
    pub(super) file: FileId,
    /// The bytes that are written; `None` if its write cannot be read, which was reported.
    pub(super) range: Option<Range<u64>>,
    /// Where it is named.
    pub(super) span: Range<usize>,
}

/// The buffer that a `pwrite` names, or a report that it cannot have it.
pub(super) fn of_write(
    name: &Word<'_>,
    buffers: &[Buffer],
    files: &[String],
    errors: &mut Errors,
) -> Option<BufferId> {
    let shown = quote(name.text);
    if files.iter().any(|file| file == name.text) {
        let help = "take a name that no file has: it is memory, to which others store with `[NAME] mwrite`";
        errors.add(
            name.span.clone(),
            format!("data that are read from the file {shown} are not modelled"),
            help,
        );
        return None;
    }
    if !files::is_name(name.text) {
        let message = format!("{shown} cannot be a buffer's name");
        errors.add(name.span.clone(), message, "names consist of a-z, 0-9, `_` and `-`");
        return None;
    }
    let place = buffers.iter().position(|buffer| buffer.name == name.text)?;
    if buffers[place].span != name.span {
        let message = format!("two writes take their data from {shown}");
        errors.add(name.span.clone(), message, format!("choose another one, for example `{}2`", name.text));
        return None;
    }
    Some(place as BufferId)
}

/// The buffer that a line is about, if its first word names one in brackets.
pub(super) fn named(first: &Word<'_>, buffers: &[Buffer]) -> Option<(BufferId, Buffer)> {
    let name = first.text.strip_prefix('[')?.strip_suffix(']')?;
    let place = buffers.iter().position(|buffer| buffer.name == name)?;
    Some((place as BufferId, buffers[place].clone()))
}

/// The file of the name before a command, where a buffer may stand as well, or a report that there is neither.
pub(super) fn find_file(
    name: &str,
    span: Range<usize>,
    (files, buffers): (&[String], &[Buffer]),
    errors: &mut Errors,
) -> Option<FileId> {
    let found = files.iter().position(|file| file == name);
    if found.is_none() {
        let mut known = list(files.iter().map(String::as_str));
        let buffers = names(buffers);
        if !buffers.is_empty() {
            known = format!("{known} and, as buffers, {}", list(buffers));
        }
        let help =
            format!("known are {known}; `[[file]]` with `name` adds a file, `pwrite -i NAME` a buffer");
        errors.add(span, format!("there is no file and no buffer {}", quote(name)), help);
    }
    found.map(|file| file as FileId)
}

/// The names that a message lists: each once, and only those that a buffer may have.
pub(super) fn names(buffers: &[Buffer]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for name in buffers.iter().map(|buffer| buffer.name.as_str()).filter(|name| files::is_name(name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Reports buffers that make no difference: nobody stores there, or nobody can while they are in use. `setup` are the commands that
/// run alone; `stored` is what some line would store to, also one that cannot be read, or nothing if lines are missing.
pub(super) fn check(
    buffers: &[Buffer],
    setup: &[FileCommand],
    commands: &[Placed<FileCommand>],
    stored: Option<&[BufferId]>,
    errors: &mut Errors,
) {
    let takes_from = |call: &FileCommand| {
        let Command::Pwrite { buffer, .. } = call.command else { return None };
        buffer
    };
    for (buffer, id) in buffers.iter().zip(0..) {
        if !commands.iter().any(|call| takes_from(&call.what) == Some(id)) {
            // Something else is wrong with its write.
            continue;
        }
        let name = &buffer.name;
        if setup.iter().any(|call| takes_from(call) == Some(id)) {
            let message = format!("the setup runs alone: nobody stores to `{name}` while it is written");
            errors.add(buffer.span.clone(), message, "leave `-i` out, or let an actor do the write");
        } else if stored.is_some_and(|stored| !stored.contains(&id)) {
            let message = format!("nobody stores to `{name}`");
            let help = format!("leave `-i` out, or let another actor do it: `[{name}] mwrite -S 0x59 0 4k`");
            errors.add(buffer.span.clone(), message, help);
        }
    }
}
