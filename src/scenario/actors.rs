//! `[setup]` and `[[actor]]`: who runs which commands.

use std::ops::Range;

use stalemap_model::system::kernel::MAX_ACTORS;
use stalemap_model::words::actor_names::is_reserved;
use stalemap_model::words::command::{BufferId, Io};
use stalemap_model::words::config::{ActorConfig, FileCommand, Hold, Repeats};

use super::buffers::{self, Buffer};
use super::errors::Errors;
use super::names::{count, quote, suggest};
use super::ranges::Placed;
use super::session::{Session, Units};
use super::table::{Field, Reader, Table};
use super::text::Text;
use super::{command, files};

/// The most commands of one actor; it bounds the work of reading a file that no one can explore anyway.
const MAX_COMMANDS: usize = 256;

const RUN_EXAMPLE: &str = "`run = [\"pwrite 0 4k\", \"fsync\"]`";

/// A command as the file has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommandLine {
    /// What it says.
    pub text: String,
    /// Where: bytes of the file, with the quotes.
    pub place: Range<usize>,
}

/// Who runs what.
#[derive(Default)]
pub(super) struct Cast {
    /// The setup.
    pub(super) setup: Vec<FileCommand>,
    /// The line of each command of the setup.
    pub(super) setup_lines: Vec<CommandLine>,
    /// The actors.
    pub(super) actors: Vec<ActorConfig>,
    /// The line of each command of each actor.
    pub(super) actor_lines: Vec<Vec<CommandLine>>,
    /// All commands, with their places.
    pub(super) commands: Vec<Placed<FileCommand>>,
    /// The buffers that writes take their data from.
    pub(super) buffers: Vec<Buffer>,
    /// To which of them some line stores.
    stored: Vec<BufferId>,
    /// Whether there are lists of commands that could not be read, or are too many.
    lacks_lines: bool,
}

/// Reads `[setup]` and every `[[actor]]`: first for the names of buffers, then for good.
pub(super) fn read(file: Table<'_>, units: Units, files: &[String], reader: &mut Reader<'_>) -> Cast {
    let mut unheard = Reader { source: reader.source, errors: Errors::default(), partial: reader.partial };
    let buffers = read_once(file, units, (files, &[]), &mut unheard).buffers;
    let cast = read_once(file, units, (files, &buffers), reader);
    let stored = (!cast.lacks_lines && !reader.partial).then_some(cast.stored.as_slice());
    buffers::check(&buffers, &cast.setup, &cast.commands, stored, &mut reader.errors);
    Cast { buffers, ..cast }
}

/// Reads all of them, with what there is: files and buffers.
fn read_once(
    file: Table<'_>,
    units: Units,
    (files, buffers): (&[String], &[Buffer]),
    reader: &mut Reader<'_>,
) -> Cast {
    let mut cast = Cast::default();
    let mut sizes = vec![0; files.len()];
    if let Some(setup) = file.get("setup")
        && let Some(table) = setup.value.table("`[setup]` with `run = [\"falloc 0 8k\"]`", reader)
    {
        table.only(&["run"], "in `[setup]`", reader);
        if let Some(run) = table.get("run") {
            let mut session = Session::new(units, files, buffers, &sizes);
            (cast.setup, cast.setup_lines) = cast.run(&run, &mut session, reader);
            sizes = session.sizes();
            session.end(&mut reader.errors);
        }
    }
    let Some(actors) = file.get("actor").filter(|field| !field.value.is_empty_array()) else {
        reader.missing(
            0..0,
            "the scenario has no actors",
            format!("add `[[actor]]` with `name` and {RUN_EXAMPLE}"),
        );
        return cast;
    };
    let before = reader.errors.count();
    let tables = actors.value.tables("`[[actor]]` with `name` and `run`", reader);
    cast.lacks_lines |= reader.errors.count() > before;
    if let Some((_, surplus)) = tables.get(MAX_ACTORS) {
        let help = format!("at most {MAX_ACTORS} can be explored");
        reader.errors.add(surplus.clone(), count(tables.len(), "actor"), help);
        cast.lacks_lines = true;
    }
    for (table, span) in tables.into_iter().take(MAX_ACTORS) {
        cast.actor(table, span, Session::new(units, files, buffers, &sizes), reader);
    }
    cast
}

/// Whether an actor begins anew when it has done all its commands.
fn read_repeat(field: &Field<'_>, reader: &mut Reader<'_>) -> Repeats {
    const EXAMPLE: &str = "`repeat = \"forever\"`";
    let Some(said) = field.value.text(EXAMPLE, reader) else { return Repeats::Once };
    if said.value != "forever" {
        let message = format!("{} is no way to repeat", quote(said.value));
        reader.errors.add(said.span, message, format!("the only one is {EXAMPLE}; leave it out for once"));
    }
    Repeats::Forever
}

impl Cast {
    fn actor(
        &mut self,
        table: Table<'_>,
        span: Range<usize>,
        mut session: Session<'_>,
        reader: &mut Reader<'_>,
    ) {
        table.only(&["name", "file", "open", "run", "repeat"], "of an actor", reader);
        // An actor whose name is wrong keeps its place, so that holds can still be told apart.
        let name = self.name(table, &span, reader).unwrap_or_default();
        if let Some(open) = table.get("open") {
            read_open(&open, &mut session, reader);
        }
        if let Some(field) = table.get("file")
            && let Some(name) = field.value.text("`file = \"b\"`", reader)
        {
            let found = files::find(name.value, name.span, session.files, &mut reader.errors);
            session.current = found.unwrap_or_default();
        }
        let (mut run, mut lines) = (Vec::new(), Vec::new());
        if let Some(field) = table.get("run") {
            (run, lines) = self.run(&field, &mut session, reader);
            if field.value.is_empty_array() {
                let help = format!("for example {RUN_EXAMPLE}");
                reader.errors.add(field.value.span, "the actor has no commands", help);
            }
        } else {
            reader.missing(span, "the actor has no commands", format!("add {RUN_EXAMPLE}"));
            self.lacks_lines = true;
        }
        session.end(&mut reader.errors);
        let repeats = table.get("repeat").map_or(Repeats::Once, |field| read_repeat(&field, reader));
        self.actors.push(ActorConfig { name, run, repeats });
        self.actor_lines.push(lines);
    }

    fn name(&self, table: Table<'_>, span: &Range<usize>, reader: &mut Reader<'_>) -> Option<String> {
        let example = "`name = \"writer\"`";
        let Some(field) = table.get("name") else {
            reader.missing(span.clone(), "the actor has no name", format!("add {example}"));
            return None;
        };
        let name = field.value.text(example, reader)?;
        let shown = quote(name.value);
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        let fault = if name.value.is_empty() || !name.value.chars().all(allowed) {
            Some((
                format!("{shown} cannot be an actor's name"),
                "names consist of a-z, 0-9, `_` and `-`".to_owned(),
            ))
        } else if is_reserved(name.value) {
            let help = format!("choose another one, for example `my-{}`", name.value);
            Some((format!("the name {shown} belongs to a task of the model"), help))
        } else if self.actors.iter().any(|actor| actor.name == name.value) {
            let help = format!("choose another one, for example `{}2`", name.value);
            Some((format!("two actors are called {shown}"), help))
        } else {
            None
        };
        if let Some((message, help)) = fault {
            reader.errors.add(name.span, message, help);
        }
        Some(name.value.to_owned())
    }

    /// The commands of one list, each with its line. Those that are wrong are reported and left out.
    fn run(
        &mut self,
        field: &Field<'_>,
        session: &mut Session<'_>,
        reader: &mut Reader<'_>,
    ) -> (Vec<FileCommand>, Vec<CommandLine>) {
        let before = reader.errors.count();
        let lines = field.value.texts(RUN_EXAMPLE, reader);
        self.lacks_lines |= reader.errors.count() > before;
        let Some(lines) = lines else { return (Vec::new(), Vec::new()) };
        if let Some(surplus) = lines.get(MAX_COMMANDS) {
            self.lacks_lines = true;
            let help = format!("at most {MAX_COMMANDS} can be explored");
            reader.errors.add(surplus.span.clone(), count(lines.len(), "command"), help);
        }
        let (mut run, mut of_run) = (Vec::new(), Vec::new());
        for line in lines.iter().take(MAX_COMMANDS) {
            for call in command::read(line, session, &mut reader.errors) {
                self.commands.push(Placed { what: call.clone(), span: line.span.clone() });
                run.push(call);
                of_run.push(CommandLine { text: line.value.to_owned(), place: line.span.clone() });
            }
        }
        self.buffers.append(&mut session.named);
        self.stored.append(&mut session.stored);
        (run, of_run)
    }
}

/// `open`: xfs_io's options of the open. They hold for every file that the actor works on.
fn read_open(field: &Field<'_>, session: &mut Session<'_>, reader: &mut Reader<'_>) {
    let Some(text) = field.value.text("`open = \"-d\"`", reader) else { return };
    for word in text.words() {
        match word.text {
            "-d" => session.open_all(Io::Direct),
            other => {
                let message = if other.starts_with('-') {
                    format!("open with {} is not modelled yet", quote(other))
                } else {
                    format!("{} is no option of xfs_io's open", quote(other))
                };
                reader.errors.add(word.span, message, "modelled is direct I/O, written `-d`");
            }
        }
    }
}

/// Reads every `[[hold]]`. The places are those of `at`, in the order of the holds.
pub(super) fn holds(
    file: Table<'_>,
    actors: &[ActorConfig],
    block: u64,
    reader: &mut Reader<'_>,
) -> (Vec<Hold>, Vec<Range<usize>>) {
    let (mut holds, mut places) = (Vec::new(), Vec::new());
    let Some(field) = file.get("hold") else { return (holds, places) };
    for (table, span) in field.value.tables("`[[hold]]` with `actor` and `at`", reader) {
        table.only(&["actor", "at"], "of a hold", reader);
        let actor = table.get("actor");
        if actor.is_none() {
            reader.missing(span.clone(), "the hold has no actor", "add `actor`, the name of the one to hold");
        }
        let actor = actor.and_then(|field| field.value.text("`actor = \"writer\"`", reader));
        let actor = actor.and_then(|name| place_of(&name, actors, reader));
        let at = table.get("at");
        if at.is_none() {
            reader.missing(span, "the hold has no place", "add `at`, a byte of the folio to hold before");
        }
        let at = at.and_then(|field| {
            let what = field.value.size(block, "`at = \"4k\"`", reader)?;
            Some(Placed { what, span: field.value.span })
        });
        let (Some(actor), Some(at)) = (actor, at) else { continue };
        holds.push(Hold { actor, at: at.what });
        places.push(at.span);
    }
    (holds, places)
}

fn place_of(name: &Text<'_>, actors: &[ActorConfig], reader: &mut Reader<'_>) -> Option<usize> {
    let place = actors.iter().position(|actor| actor.name == name.value);
    if place.is_none() {
        let names: Vec<&str> =
            actors.iter().map(|actor| actor.name.as_str()).filter(|n| !n.is_empty()).collect();
        let message = format!("there is no actor {}", quote(name.value));
        reader.errors.add(name.span.clone(), message, suggest(name.value, names, "actor"));
    }
    place
}
