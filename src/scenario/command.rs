//! One command line in xfs_io's syntax.
//!
//! What a line means depends on those before it (which mapping `mwrite` stores into, whether the file was
//! opened for direct I/O), which is why reading one goes through the [`Session`] of its actor.

mod arguments;
pub(super) mod call;
mod io;
mod mapping;
mod space;

use stalemap_model::words::command::{BufferId, Command, FileId, Io};
use stalemap_model::words::config::FileCommand;

use self::call::Call;
use super::buffers::{self, Buffer};
use super::errors::Errors;
use super::files::{self, Named};
use super::names::{quote, suggest};
use super::options::Options;
use super::session::Session;
use super::text::{Text, Word};
use super::verb::{Form, Lookup, MAY_FAIL, Verb, lookup, names, prefix};

/// Reads a line: the commands that it stands for, or a report why it cannot be read.
pub(super) fn read(text: &Text<'_>, session: &mut Session<'_>, errors: &mut Errors) -> Vec<FileCommand> {
    let words = text.words();
    // Whatever is wrong with a line, what it names is known.
    session.stored.extend(words.iter().filter_map(|word| Some(buffers::named(word, session.buffers)?.0)));
    let commands = read_words(text, &words, session, errors);
    session.note_unread_buffer(&words);
    commands
}

fn read_words(
    text: &Text<'_>,
    words: &[Word<'_>],
    session: &mut Session<'_>,
    errors: &mut Errors,
) -> Vec<FileCommand> {
    if let Some((id, buffer)) = words.first().and_then(|first| buffers::named(first, session.buffers)) {
        return store_to((id, &buffer), text, &words[1..], session, errors);
    }
    let named = (session.files, session.buffers);
    let find = |name: &str, span, errors: &mut Errors| buffers::find_file(name, span, named, errors);
    let (file, words) = match files::named(words, text, find, errors) {
        (Named::File(file), words) => (file, words),
        (Named::Unsaid, words) => (session.current, words),
        (Named::Wrong, _) => return Vec::new(),
    };
    let Some(Front { may_fail, io, words }) = Front::of(words, text, errors) else { return Vec::new() };
    let Some((name, verb)) = words.first().and_then(|name| Some((name, known(name, errors)?))) else {
        return Vec::new();
    };
    if let Some((word, _)) = io.filter(|_| !matches!(verb.form, Form::Io(_))) {
        let message = format!("`{}` before {}", word.text, verb.syntax.name);
        errors.add(word.span.clone(), message, "it goes before `pwrite` and `pread` only");
        return Vec::new();
    }
    if let Some(word) = may_fail.filter(|_| cannot_fail(verb.form)) {
        let message = format!("`{}` before {}, which cannot fail", word.text, verb.syntax.name);
        errors.add(word.span.clone(), message, "leave it out, or write it before the command that fails");
        return Vec::new();
    }
    let asked = io.map(|(_, io)| io);
    let mut commands = one(text, (name, verb), words, (file, asked), session, errors);
    for command in &mut commands {
        command.may_fail = may_fail.is_some();
    }
    commands
}

/// Reads a line about the memory that a write takes its data from.
fn store_to(
    (id, buffer): (BufferId, &Buffer),
    text: &Text<'_>,
    words: &[Word<'_>],
    session: &mut Session<'_>,
    errors: &mut Errors,
) -> Vec<FileCommand> {
    let help = format!("others store to it: `[{}] mwrite -S 0x59 0 4k`", buffer.name);
    let Some(name) = words.first() else {
        errors.add(text.span.clone(), "a command is missing", help);
        return Vec::new();
    };
    let Lookup::Known(verb) = lookup(name.text) else {
        let message = format!("`{}` is memory, and {} no store", buffer.name, quote(name.text));
        errors.add(name.span.clone(), message, help);
        return Vec::new();
    };
    if verb.syntax.name != "mwrite" {
        let message = format!("{} of `{}`, which is memory and no file", verb.syntax.name, buffer.name);
        errors.add(name.span.clone(), message, help);
        return Vec::new();
    }
    let command = Options::parse(&verb.syntax, text, words, errors).and_then(|options| {
        let (file, io) = (buffer.file, Io::Buffered);
        let call = Call { text, name, syntax: &verb.syntax, options: &options, session, file, io };
        call.buffer_store(id, buffer, errors)
    });
    session.after(buffer.file, verb.syntax.name, command.as_ref(), &name.span, errors);
    command.into_iter().map(|command| FileCommand::new(buffer.file, command)).collect()
}

/// Reads a line from the command's name on.
fn one(
    text: &Text<'_>,
    (name, verb): (&Word<'_>, &'static Verb),
    words: &[Word<'_>],
    (file, asked): (FileId, Option<Io>),
    session: &mut Session<'_>,
    errors: &mut Errors,
) -> Vec<FileCommand> {
    let options = Options::parse(&verb.syntax, text, words, errors);
    match (verb.form, options) {
        (Form::Open, options) => {
            if let Some(options) = options {
                open(&options, file, session, errors);
            }
            session.after(file, verb.syntax.name, None, &name.span, errors);
            Vec::new()
        }
        // sync(2) and syncfs(2) go from inode to inode.
        (Form::SyncAll(command), Some(_)) => {
            session.after(file, verb.syntax.name, Some(&command()), &name.span, errors);
            let files = 0..session.files.len() as FileId;
            files.map(|file| FileCommand::new(file, command())).collect()
        }
        (_, options) => {
            let io = asked.unwrap_or_else(|| session.io(file));
            let command = options.and_then(|options| {
                let call = Call { text, name, syntax: &verb.syntax, options: &options, session, file, io };
                let command = command_of(verb.form, &call, errors)?;
                if let (Command::Pwrite { range, .. }, Some(name)) = (&command, options.value('i')) {
                    session.note_buffer(name, file, Some(range.clone()));
                }
                Some(command)
            });
            // A fault is underlined where it says how far the copy comes.
            let place = words.last().filter(|_| matches!(verb.form, Form::Fault(_)) && command.is_some());
            session.after(file, verb.syntax.name, command.as_ref(), &place.unwrap_or(name).span, errors);
            command.into_iter().map(|command| FileCommand::new(file, command)).collect()
        }
    }
}

/// Whether there is nothing in a command that can fail.
fn cannot_fail(form: Form) -> bool {
    matches!(form, Form::Open | Form::Fault(_) | Form::Crash)
}

/// What stands before a command's name.
struct Front<'w, 's> {
    /// `@may_fail`.
    may_fail: Option<&'w Word<'s>>,
    /// `@direct` or `@aio`.
    io: Option<(&'w Word<'s>, Io)>,
    /// From the name on.
    words: &'w [Word<'s>],
}

impl<'w, 's> Front<'w, 's> {
    /// Takes it from the words of a line, or reports that nothing is left.
    fn of(words: &'w [Word<'s>], text: &Text<'s>, errors: &mut Errors) -> Option<Self> {
        let may_fail = words.first().filter(|word| word.text == MAY_FAIL);
        let words = if may_fail.is_some() { &words[1..] } else { words };
        let io = words.first().and_then(|word| Some((word, prefix(word.text)?)));
        let words = if io.is_some() { &words[1..] } else { words };
        if words.is_empty() {
            match io.map(|(word, _)| word).or(may_fail) {
                None => {
                    let help = "write one of xfs_io's, for example `fsync`";
                    errors.add(text.span.clone(), "a command is missing", help);
                }
                Some(word) => {
                    let help = format!("for example `{} pwrite 0 4k`", word.text);
                    errors.add(
                        word.span.clone(),
                        format!("a command is missing after `{}`", word.text),
                        help,
                    );
                }
            }
            return None;
        }
        Some(Front { may_fail, io, words })
    }
}

/// The command of a name, or a report that there is none.
fn known(word: &Word<'_>, errors: &mut Errors) -> Option<&'static Verb> {
    let Word { text: name, span, .. } = word;
    if name.starts_with('[') {
        let help = "it comes first, and once: `[b] @direct pwrite 0 4k`";
        errors.add(
            span.clone(),
            format!("{} is not a command but names a file or a buffer", quote(name)),
            help,
        );
        return None;
    }
    if *name == MAY_FAIL {
        let help = "it comes once, before `@direct` and `@aio`: `[b] @may_fail @direct pwrite 0 4k`";
        errors.add(span.clone(), format!("`{name}` stands where a command should"), help);
        return None;
    }
    if prefix(name).is_some() {
        let help = "write one of `@direct` and `@aio`, which is direct as well";
        errors.add(span.clone(), format!("`{name}` behind another word of its kind"), help);
        return None;
    }
    match lookup(name) {
        Lookup::Known(verb) => return Some(verb),
        Lookup::Later => {
            let known: Vec<&str> = names().collect();
            let help = format!("modelled are {}", super::names::list(known));
            errors.add(span.clone(), format!("`{name}` is not modelled yet"), help);
        }
        Lookup::Unknown => {
            let message = format!("unknown command {}", quote(name));
            errors.add(span.clone(), message, suggest(name, names(), "command"));
        }
    }
    None
}

/// `open`: the file is opened anew, and it is the one that commands without a file's name work on.
fn open(options: &Options<'_>, file: FileId, session: &mut Session<'_>, errors: &mut Errors) {
    let io = if options.flag('d') { Io::Direct } else { Io::Buffered };
    let Some(name) = options.arguments.first() else { return session.open(file, io) };
    if let Some(file) = files::find(name.text, name.span.clone(), session.files, errors) {
        session.open(file, io);
        session.current = file;
    }
}

/// The command that a form stands for. Of some nothing is left for the model, or what is left concerns every file.
fn command_of(form: Form, call: &Call<'_, '_>, errors: &mut Errors) -> Option<Command> {
    match form {
        Form::Plain(read) | Form::Io(read) | Form::Fault(read) => read(call, errors),
        Form::Crash => Some(Command::Crash),
        Form::Extension(extension) => Some(extension.on(call.range(errors)?)),
        Form::Open | Form::SyncAll(_) => None,
    }
}
