//! Reading a scenario file as a whole.

use std::collections::BTreeMap;

use stalemap_facade::MemoryModel;
use stalemap_model::words::command::Io;
use stalemap_model::words::config::{FileCommand, MixedIo, PostEof};
use stalemap_model::words::design::Design;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::ordering::Orderings;
use stalemap_model::words::personality::Personality;
use toml::de::DeTable;

use super::actors;
use super::buffers;
use super::diagnostics::{Diagnostic, Diagnostics};
use super::errors::Errors;
use super::expectations::Names;
use super::implementations::{self, Kind};
use super::names::quote;
use super::ranges::{self, Extent, Placed};
use super::session::Units;
use super::table::{Reader, Table};
use super::{FileLimits, PAGE, Scenario, expectations, file_system, files, misfits, syntax};

/// The most bytes of a file.
pub const MAX_BYTES: usize = 1 << 20;
/// The block and folio size of a file that does not say.
const DEFAULT_BLOCK: u64 = 4096;

const TOP_LEVEL: &[&str] = &[
    "title", "refs", "geometry", "fs", "setup", "actor", "observe", "expect", "reach", "hold", "limits",
    "design", "kernel", "file", "mixed_io", "post_eof",
];

/// Reads a scenario. `name` is how the file is called in messages.
///
/// All errors of the file that do not hang on one another are found in one pass; a file which is not text, or too long, is not
/// looked into.
pub fn read(name: &str, source_bytes: &[u8]) -> Result<Scenario, Diagnostics> {
    let source = decode(name, source_bytes)?;
    let (root, syntax) = DeTable::parse_recoverable(source);
    let mut reader = Reader { source, errors: Errors::default(), partial: !syntax.is_empty() };
    let scenario = scenario(name, Table::new(root.get_ref()), &mut reader);
    let mut errors = reader.errors.into_list();
    if !syntax.is_empty() {
        let syntax = syntax::errors(source, &syntax, &mut errors);
        errors.extend(syntax);
    }
    match scenario {
        Some(scenario) if errors.is_empty() => Ok(scenario),
        _ => Err(Diagnostics::new(name, Some(source.to_owned()), errors)),
    }
}

/// The text of a file, if it is one.
fn decode<'s>(name: &str, bytes: &'s [u8]) -> Result<&'s str, Diagnostics> {
    if bytes.len() > MAX_BYTES {
        // How many there are nobody has looked.
        let message = format!("the file has more than {MAX_BYTES} bytes");
        let help = "a scenario has at most that many, 1 MiB".to_owned();
        return Err(Diagnostics::new(name, None, vec![Diagnostic { span: 0..0, message, help }]));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let message =
            format!("the file is not UTF-8: byte {:#04x} at offset {at}", bytes.get(at).unwrap_or(&0));
        let help = "save it as UTF-8".to_owned();
        // In the text as it is shown, one character stands for the bytes that are none.
        let span = at..at + char::REPLACEMENT_CHARACTER.len_utf8();
        let shown = String::from_utf8_lossy(bytes).into_owned();
        Diagnostics::new(name, Some(shown), vec![Diagnostic { span, message, help }])
    })
}

/// Reports every command that the file system of the file does not have.
fn refuse(commands: &[Placed<FileCommand>], fs: &Personality, block: u64, reader: &mut Reader<'_>) {
    let help = "leave it out, or take another `personality`, or value of the field, in `[fs]`";
    for call in commands {
        if let Some(why) = call.what.command.refused_by(fs, block) {
            let message = format!("{}: {why}", quote(implementations::text_of(call, reader)));
            reader.errors.add(call.span.clone(), message, help);
        }
    }
}

/// The scenario, as far as it can be read. It is of use only if no errors were reported.
fn scenario(name: &str, file: Table<'_>, reader: &mut Reader<'_>) -> Option<Scenario> {
    file.only(TOP_LEVEL, "in a scenario", reader);
    let title = title(file, reader);
    let refs = file.get("refs").and_then(|field| field.value.texts("`refs = [\"xfs/559\"]`", reader));
    let before = reader.errors.count();
    let (block, folio) = geometry(file, reader);
    let fs = file_system::personality(file, reader);
    let fs_is_sound = reader.errors.count() == before;
    if let Some(fs) = fs.as_ref().filter(|_| fs_is_sound) {
        file_system::check_fields(file, fs, block, reader);
    }
    let files = files::read(file, reader);
    let cast = actors::read(file, Units { block, page: PAGE.min(folio), folio }, &files, reader);
    // Where the file ends is known only if every command is.
    let sized = reader.errors.count() == before && !reader.partial;
    // Fields of `[fs]` that do not go together are reported there alone.
    if let Some(fs) = fs.as_ref().filter(|fs| fs.misfits(block).is_empty()) {
        refuse(&cast.commands, fs, block, reader);
    }
    data_modes(&cast.commands, reader);
    crashes_of_the_setup(&cast.commands[..cast.setup.len().min(cast.commands.len())], reader);
    let on = fs.clone().or_else(|| Personality::built_in(Personality::BUILT_IN.first()?))?;
    let [designs, kernels] = own_implementations(&on, (block, fs_is_sound), &cast.commands, file, reader);
    if reader.errors.count() == before && !reader.partial {
        without_effect(&on, [&designs, &kernels], &cast.commands, file, reader);
    }
    let (holds, hold_places) = actors::holds(file, &cast.actors, block, reader);
    let (observed, heard) = expectations::observe(file, block, &files, &cast.actors, reader);
    let own = [Kind::Design, Kind::Kernel].map(|kind| implementations::own_names(kind, file)).concat();
    let names = Names { own: &own, fs: &on, block, commands: &cast.commands };
    let expect = expectations::expect(file, &names, reader);
    let (reach, reach_of) = expectations::reach(file, &names, reader);
    let limits = limits(file, block, reader);
    let mixed_io = mixed_io(file, reader);
    let post_eof = post_eof(file, reader);
    let scenario = Scenario {
        name: name.to_owned(),
        title: title.unwrap_or_default(),
        refs: refs.unwrap_or_default().into_iter().map(|text| text.value.to_owned()).collect(),
        block,
        folio,
        personality: file_system::name(file),
        fs: fs?,
        fs_fields: file_system::fields(file),
        files,
        buffers: buffers::names(&cast.buffers).into_iter().map(str::to_owned).collect(),
        setup: cast.setup,
        setup_lines: cast.setup_lines,
        actors: cast.actors,
        actor_lines: cast.actor_lines,
        holds,
        observe: observed.iter().map(|observed| observed.what.clone()).collect(),
        heard,
        expect,
        designs,
        kernels,
        reach,
        reach_of,
        limits,
        mixed_io,
        post_eof,
        memory: MemoryModel::default(),
        orderings: Orderings::default(),
        source: reader.source.to_owned(),
    };
    if sized {
        let extent = Extent { commands: &cast.commands, holds: &hold_places, observed: &observed };
        ranges::check(&scenario, &extent, &mut reader.errors);
    }
    Some(scenario)
}

/// The designs and the kernels of the file, on its file system.
fn own_implementations(
    fs: &Personality,
    (block, fs_is_sound): (u64, bool),
    commands: &[Placed<FileCommand>],
    file: Table<'_>,
    reader: &mut Reader<'_>,
) -> [BTreeMap<String, Implementation>; 2] {
    let before = reader.errors.count();
    let kinds = [Kind::Design, Kind::Kernel];
    let made = kinds.map(|kind| implementations::read(kind, fs, file, reader));
    let runs = commands.iter().all(|call| call.what.command.refused_by(fs, block).is_none());
    // A value that is none stands for whatever was there before.
    let sound = fs_is_sound && reader.errors.count() == before;
    for (kind, made) in kinds.into_iter().zip(&made) {
        if sound {
            implementations::check_fields(kind, made, fs, block, file, reader);
        }
        if runs {
            implementations::check_commands(kind, made, block, commands, file, reader);
        }
    }
    made
}

/// Reports fields of the file that change nothing under any name.
fn without_effect(
    fs: &Personality,
    [designs, kernels]: [&BTreeMap<String, Implementation>; 2],
    commands: &[Placed<FileCommand>],
    file: Table<'_>,
    reader: &mut Reader<'_>,
) {
    let on_file = Design::BUILT_IN.first().and_then(|name| implementations::built_in(name, fs));
    let all: Vec<&Implementation> = on_file.iter().chain(designs.values()).chain(kernels.values()).collect();
    if let Some(table) = implementations::table_of(file, "fs") {
        misfits::without_effect(table, &all, commands, reader);
    }
    for kind in [Kind::Design, Kind::Kernel] {
        implementations::without_effect(kind, &all, commands, file, reader);
    }
}

/// What is not modelled beside a command that changes whether the data of a file are journalled.
fn data_modes(commands: &[Placed<FileCommand>], reader: &mut Reader<'_>) {
    let sets = |call: &Placed<FileCommand>| call.what.command.sets_data_mode();
    if !commands.iter().any(sets) {
        return;
    }
    for call in commands.iter().filter(|call| !sets(call)) {
        let what = if call.what.command.io().is_some_and(|io| io != Io::Buffered) {
            "direct I/O"
        } else if call.what.command.stops() {
            "what a crash leaves"
        } else {
            continue;
        };
        let message = format!("{what} is not modelled beside `chattr`");
        reader.errors.add(call.span.clone(), message, "leave it out, or `chattr`");
    }
}

/// A crash, of which nothing is judged before the setup is over.
fn crashes_of_the_setup(commands: &[Placed<FileCommand>], reader: &mut Reader<'_>) {
    for call in commands.iter().filter(|call| call.what.command.stops()) {
        let message = "there is no crash in the setup";
        let help = "give it to an actor: what the setup leaves is judged, too";
        reader.errors.add(call.span.clone(), message, help);
    }
}

fn title(file: Table<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let example = "`title = \"A write loses data to writeback and reclaim\"`";
    let Some(field) = file.get("title") else {
        reader.missing(0..0, "the scenario has no title", format!("start it with {example}"));
        return None;
    };
    let title = field.value.text(example, reader)?;
    if title.value.trim().is_empty() {
        reader.errors.add(title.span, "the title is empty", "say in one sentence what the race is");
    } else if title.value.contains(char::is_control) {
        let message = format!("the title {} has control characters", quote(title.value));
        reader.errors.add(title.span, message, "write one line of text");
    }
    Some(title.value.to_owned())
}

/// Block and folio size; the defaults where they are wrong, so that commands can be read.
fn geometry(file: Table<'_>, reader: &mut Reader<'_>) -> (u64, u64) {
    let defaults = (DEFAULT_BLOCK, DEFAULT_BLOCK);
    let field = file.get("geometry");
    let Some(table) = field.and_then(|field| field.value.table("`[geometry]` with `block = \"4k\"`", reader))
    else {
        return defaults;
    };
    table.only(&["block", "folio"], "in `[geometry]`", reader);
    let block = match table.get("block") {
        None => Some(DEFAULT_BLOCK),
        Some(field) => {
            let size = field.value.size(DEFAULT_BLOCK, "`block = \"4k\"`", reader);
            let size = size.map(|what| Placed { what, span: field.value.span });
            size.filter(|size| ranges::check_block(size, &mut reader.errors)).map(|size| size.what)
        }
    };
    // A folio has at least a page, and at least a block.
    let smallest = block.unwrap_or(DEFAULT_BLOCK).max(DEFAULT_BLOCK);
    let Some(field) = table.get("folio") else { return (block.unwrap_or(DEFAULT_BLOCK), smallest) };
    let folio = field.value.size(block.unwrap_or(DEFAULT_BLOCK), "`folio = \"16k\"`", reader);
    match (block, folio.map(|what| Placed { what, span: field.value.span })) {
        (Some(block), Some(folio)) if ranges::check_folio(block, &folio, &mut reader.errors) => {
            (block, folio.what)
        }
        (Some(block), _) => (block, smallest),
        (None, _) => defaults,
    }
}

/// What is judged where direct and buffered writes meet: everything, unless the file says otherwise.
fn mixed_io(file: Table<'_>, reader: &mut Reader<'_>) -> MixedIo {
    let text = file.get("mixed_io").and_then(|field| field.value.text("`mixed_io = \"exempt\"`", reader));
    let Some(text) = text else { return MixedIo::Strict };
    let known = [MixedIo::Strict, MixedIo::Exempt];
    known.into_iter().find(|value| value.name() == text.value).unwrap_or_else(|| {
        let help = "write `strict`, or `exempt` where direct and buffered writes meet on purpose";
        reader.errors.add(text.span, format!("unknown value {}", quote(text.value)), help);
        MixedIo::Strict
    })
}

/// What is judged of stores behind end of file that a growing file finds: everything, unless the file says otherwise.
fn post_eof(file: Table<'_>, reader: &mut Reader<'_>) -> PostEof {
    let text = file.get("post_eof").and_then(|field| field.value.text("`post_eof = \"exempt\"`", reader));
    let Some(text) = text else { return PostEof::Judged };
    let known = [PostEof::Judged, PostEof::Exempt];
    known.into_iter().find(|value| value.name() == text.value).unwrap_or_else(|| {
        let help = "write `judged`, or `exempt` where stores behind end of file may become part of the file";
        reader.errors.add(text.span, format!("unknown value {}", quote(text.value)), help);
        PostEof::Judged
    })
}

fn limits(file: Table<'_>, block: u64, reader: &mut Reader<'_>) -> FileLimits {
    let mut limits = FileLimits::default();
    let field = file.get("limits");
    let Some(table) = field.and_then(|field| field.value.table("`[limits]` with `states = 1000000`", reader))
    else {
        return limits;
    };
    let known = ["states", "memory", "seconds", "retries", "evictions", "preemptions"];
    table.only(&known, "in `[limits]`", reader);
    for field in table.fields() {
        let value = field.value;
        match field.key {
            "states" => limits.states = value.number(1, "`states = 1000000`", reader),
            "seconds" => limits.seconds = value.number(1, "`seconds = 60`", reader),
            "retries" => limits.retries = value.number(0, "`retries = 4`", reader),
            "evictions" => limits.evictions = value.number(0, "`evictions = 2`", reader),
            "preemptions" => limits.preemptions = value.number(0, "`preemptions = 3`", reader),
            "memory" => {
                limits.memory = value.size(block, "`memory = \"512m\"`", reader);
                if limits.memory == Some(0) {
                    reader.errors.add(value.span, "no memory at all", "for example `memory = \"512m\"`");
                }
            }
            _ => {}
        }
    }
    limits
}
