//! `[design.NAME]` and `[kernel.NAME]`: designs and kernels as values, some of whose fields a file overrides, and what a name
//! stands for.
//!
//! A design may change fields of the file system, too, so that buggy and fixed stand in one file. It is based on a design and
//! runs on the file system of the file, or on a kernel, which brings its own; a kernel is based on a kernel. All names are of one space, since
//! `[expect]` names both.

use std::collections::BTreeMap;

use stalemap_model::words::command::Command;
use stalemap_model::words::config::FileCommand;
use stalemap_model::words::design::Design;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::kernel_version::{KernelVersion, MODERN};
use stalemap_model::words::personality::Personality;
use stalemap_model::words::settings::Setting;
use toml::de::DeValue;

use super::fields::apply;
use super::misfits;
use super::names::{count, list, quote, suggest};
use super::ranges::Placed;
use super::table::{Field, Reader, Table};
use super::text::Text;

/// The most designs of one file, and the most kernels. Each may be based on another, so this also bounds how deep reading goes.
const MAX_NAMES: usize = 64;
/// What `--design` and `--kernel` take for "every one".
const RESERVED: &str = "all";
/// What a built-in name stands for on a file system: a design, or a kernel that has it. `modern` is a design where no release
/// has the file system: what the newest kernel does about XFS's mappings.
pub(super) fn built_in(name: &str, fs: &Personality) -> Option<Implementation> {
    match KernelVersion::from_name(name) {
        Some(kernel) if name == MODERN && !kernel.has(fs) => {
            let on_xfs = kernel.implementation(&Personality::built_in("xfs")?)?;
            let design = Design { name: MODERN.to_owned(), ..on_xfs.design };
            Some(Implementation { design, fs: fs.clone() })
        }
        Some(kernel) => kernel.implementation(fs),
        None => Some(Implementation { design: Design::built_in(name)?, fs: fs.clone() }),
    }
}

/// Whether a name is that of a built-in design or kernel.
pub(super) fn is_built_in(name: &str) -> bool {
    [Kind::Design, Kind::Kernel].into_iter().any(|kind| kind.has(name))
}

/// What a name is called in reports about a file system: the newest kernel has another name ([`MODERN`]).
pub fn canonical<'n>(name: &'n str, fs: &Personality) -> &'n str {
    match KernelVersion::from_name(name) {
        Some(kernel) if kernel.has(fs) => kernel.name(),
        Some(_) | None => name,
    }
}

/// The names of the built-in designs and kernels, in the order of tables.
pub fn built_in_names<'a>() -> impl Iterator<Item = &'a str> + Clone {
    Design::BUILT_IN.iter().copied().chain(KernelVersion::ALL.iter().map(|kernel| kernel.name()))
}

/// What a file may define under names of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Kind {
    /// `[design.NAME]`.
    #[default]
    Design,
    /// `[kernel.NAME]`.
    Kernel,
}

impl Kind {
    /// The name of the table and of the option, and what one of them is called.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Design => "design",
            Kind::Kernel => "kernel",
        }
    }

    const fn other(self) -> Self {
        match self {
            Kind::Design => Kind::Kernel,
            Kind::Kernel => Kind::Design,
        }
    }

    /// The built-in ones.
    pub fn built_in(self) -> Vec<&'static str> {
        match self {
            Kind::Design => Design::BUILT_IN.to_vec(),
            Kind::Kernel => KernelVersion::ALL.iter().map(|kernel| kernel.name()).collect(),
        }
    }

    /// Whether a name is that of a built-in one.
    fn has(self, name: &str) -> bool {
        match self {
            Kind::Design => Design::BUILT_IN.contains(&name),
            Kind::Kernel => KernelVersion::from_name(name).is_some(),
        }
    }

    /// What one of this kind may be based on: a kernel has the file system of a kernel, a design may have it.
    fn may_be_based_on(self, base: &str) -> bool {
        self.has(base) || self == Kind::Design && self.other().has(base)
    }

    const fn example(self) -> &'static str {
        match self {
            Kind::Design => "`[design.mine]` with `based_on = \"iomap_valid\"`",
            Kind::Kernel => "`[kernel.mine]` with `based_on = \"linux-6.12\"`",
        }
    }

    const fn based_on(self) -> &'static str {
        match self {
            Kind::Design => "`based_on = \"iomap_valid\"`",
            Kind::Kernel => "`based_on = \"linux-6.12\"`",
        }
    }
}

/// Reads every `[design.NAME]` or `[kernel.NAME]`, on the file system of the file.
pub(super) fn read(
    kind: Kind,
    fs: &Personality,
    file: Table<'_>,
    reader: &mut Reader<'_>,
) -> BTreeMap<String, Implementation> {
    let mut reading = Reading { kind, fs, tables: BTreeMap::new(), done: BTreeMap::new(), stack: Vec::new() };
    let table = file.get(kind.name()).and_then(|field| field.value.table(kind.example(), reader));
    let Some(table) = table else { return BTreeMap::new() };
    let mut fields = table.fields();
    if let Some(surplus) = fields.get(MAX_NAMES) {
        let help = format!("one file defines at most {MAX_NAMES}");
        reader.errors.add(surplus.key_span.clone(), count(fields.len(), kind.name()), help);
        fields.truncate(MAX_NAMES);
    }
    let others = own_names(kind.other(), file);
    for field in &fields {
        check_name(kind, field, &others, reader);
        if let Some(table) = field.value.table(kind.example(), reader) {
            reading.tables.insert(field.key, (field, table));
        }
    }
    for field in &fields {
        reading.resolve(field.key, reader);
    }
    let own = |(name, made): (&str, Option<Implementation>)| Some((name.to_owned(), made?));
    reading.done.into_iter().filter_map(own).collect()
}

/// A table of the file, if it is one.
pub(super) fn table_of<'t>(file: Table<'t>, key: &str) -> Option<Table<'t>> {
    match file.get(key)?.value.value {
        DeValue::Table(entries) => Some(Table::new(entries)),
        _ => None,
    }
}

/// Reports designs and kernels of the file whose fields do not go together, or not with the size of a block. What `[fs]` says is
/// reported there.
pub(super) fn check_fields(
    kind: Kind,
    made: &BTreeMap<String, Implementation>,
    fs: &Personality,
    block: u64,
    file: Table<'_>,
    reader: &mut Reader<'_>,
) {
    let Some(tables) = table_of(file, kind.name()) else { return };
    for (name, implementation) in made {
        let Some(table) = table_of(tables, name) else { continue };
        let Some(based_on) = table.get("based_on") else { continue };
        let DeValue::String(base) = based_on.value.value else { continue };
        // What it has from there is reported there.
        let of_base = made.get(base.as_ref()).map_or(fs, |base| &base.fs).misfits(block);
        let mut misfits = implementation.fs.misfits(block);
        misfits.retain(|misfit| !of_base.contains(misfit));
        misfits::report(&misfits, table, &based_on.value.span, reader);
    }
}

/// Reports designs and kernels of the file on which it cannot run. What the file system of the file refuses is reported where
/// it stands.
pub(super) fn check_commands(
    kind: Kind,
    made: &BTreeMap<String, Implementation>,
    block: u64,
    commands: &[Placed<FileCommand>],
    file: Table<'_>,
    reader: &mut Reader<'_>,
) {
    let table = table_of(file, kind.name());
    for (name, implementation) in made {
        // What does not go together is reported at the fields.
        if !implementation.fs.misfits(block).is_empty() {
            continue;
        }
        let refused = refused_with(implementation, block, commands, reader);
        if let (Some(why), Some(field)) = (refused, table.and_then(|table| table.get(name))) {
            let message = format!("{} {why}", quote(name));
            reader.errors.add(field.key_span, message, "leave the field out that says so, or the command");
        }
    }
}

/// Why commands, each with its text, cannot run, if so, behind the name of what they should run on.
pub(super) fn refused<'c>(
    implementation: &Implementation,
    block: u64,
    commands: impl IntoIterator<Item = (&'c Command, &'c str)>,
) -> Option<String> {
    if let Some(misfit) = implementation.fs.misfits(block).first() {
        return Some(format!("does not fit to this file: {}", misfit.message));
    }
    let refused = |(command, text): (&Command, &str)| {
        let why = command.refused_by(&implementation.fs, block)?;
        Some(format!("cannot run {}: {why}", quote(text)))
    };
    commands.into_iter().find_map(refused)
}

/// The same of commands with their places.
pub(super) fn refused_with(
    implementation: &Implementation,
    block: u64,
    commands: &[Placed<FileCommand>],
    reader: &Reader<'_>,
) -> Option<String> {
    let calls = commands.iter().map(|call| (&call.what.command, text_of(call, reader)));
    refused(implementation, block, calls)
}

/// A command as the file has it, without the quotes of TOML.
pub(super) fn text_of<'s>(call: &Placed<FileCommand>, reader: &Reader<'s>) -> &'s str {
    reader.source.get(call.span.clone()).unwrap_or_default().trim_matches(['"', '\''])
}

/// Reports fields of designs and kernels of the file that change nothing.
pub(super) fn without_effect(
    kind: Kind,
    all: &[&Implementation],
    commands: &[Placed<FileCommand>],
    file: Table<'_>,
    reader: &mut Reader<'_>,
) {
    let Some(tables) = table_of(file, kind.name()) else { return };
    for table in tables.fields().iter().filter_map(|field| table_of(tables, field.key)) {
        misfits::without_effect(table, all, commands, reader);
    }
}

/// The names that a file defines, whether or not it does so rightly.
pub(super) fn own_names(kind: Kind, file: Table<'_>) -> Vec<&str> {
    let fields = table_of(file, kind.name()).map(Table::fields);
    fields.iter().flatten().map(|field| field.key).collect()
}

fn check_name(kind: Kind, field: &Field<'_>, others: &[&str], reader: &mut Reader<'_>) {
    let name = field.key;
    let shown = quote(name);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let built_in = [Kind::Design, Kind::Kernel].into_iter().find(|kind| kind.has(name));
    let (message, help) = if let Some(built_in) = built_in {
        (
            format!("{shown} is the name of a built-in {}", built_in.name()),
            format!("choose another one, for example `my-{name}`"),
        )
    } else if name == RESERVED {
        ("`all` stands for every one".to_owned(), "choose another name".to_owned())
    } else if others.contains(&name) && kind == Kind::Kernel {
        (format!("{shown} is also the name of a design"), "choose another name for one of them".to_owned())
    } else if name.is_empty() || !name.chars().all(allowed) {
        (
            format!("{shown} cannot be a {}'s name", kind.name()),
            "names consist of a-z, A-Z, 0-9, `_`, `-` and `.`".to_owned(),
        )
    } else {
        return;
    };
    reader.errors.add(field.key_span.clone(), message, help);
}

/// The designs or kernels of a file while they are resolved: one may be based on another that comes later.
struct Reading<'f, 't> {
    kind: Kind,
    /// The file system of the file.
    fs: &'f Personality,
    tables: BTreeMap<&'t str, (&'f Field<'t>, Table<'t>)>,
    /// Resolved ones; `None` for those that could not be, which was reported.
    done: BTreeMap<&'t str, Option<Implementation>>,
    /// Those being resolved, each based on the next.
    stack: Vec<&'t str>,
}

impl<'t> Reading<'_, 't> {
    /// Resolves one of the file and those that it is based on.
    fn resolve(&mut self, name: &'t str, reader: &mut Reader<'_>) -> Option<Implementation> {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let (field, table) = self.tables.get(name).copied()?;
        self.stack.push(name);
        let base = self.base(field, table, reader);
        self.stack.pop();
        let mut scratch = built_in(Design::BUILT_IN.first()?, self.fs)?;
        let known = base.is_some();
        let mut made = base.unwrap_or_else(|| scratch.clone());
        let place = match self.kind {
            Kind::Design => "of a design",
            Kind::Kernel => "of a kernel",
        };
        for field in table.fields().into_iter().filter(|field| field.key != "based_on") {
            // The name of a wrong base says nothing against the fields.
            let target = if known { &mut made } else { &mut scratch };
            let mut set = |setting: Setting<'_>| target.set(field.key, setting);
            apply(&field, &["based_on"], place, &mut set, reader);
        }
        name.clone_into(&mut made.design.name);
        let made = known.then_some(made);
        self.done.insert(name, made.clone());
        made
    }

    fn base(
        &mut self,
        field: &Field<'t>,
        table: Table<'t>,
        reader: &mut Reader<'_>,
    ) -> Option<Implementation> {
        let (kind, example) = (self.kind.name(), self.kind.based_on());
        let Some(based_on) = table.get("based_on") else {
            let message = format!("the {kind} {} has no `based_on`", quote(field.key));
            reader.missing(field.key_span.clone(), message, format!("add {example}"));
            return None;
        };
        let base = based_on.value.text(example, reader)?;
        if self.kind.may_be_based_on(base.value) {
            // What the table itself says of a valid size is put over what the release has, which is none.
            let fs = match (table.get("valid_size"), self.fs.valid_size) {
                (Some(_), true) if built_in(base.value, self.fs).is_none() => {
                    &Personality { valid_size: false, ..self.fs.clone() }
                }
                _ => self.fs,
            };
            let made = built_in(base.value, fs);
            if made.is_none() {
                lacks_file_system(&base, self.fs, reader);
            }
            return made;
        }
        let Some((name, _)) = self.tables.get_key_value(base.value) else {
            let own: Vec<&str> = self.tables.keys().copied().filter(|name| *name != field.key).collect();
            self.unknown_base(&base, &own, reader);
            return None;
        };
        if let Some(start) = self.stack.iter().position(|other| other == name) {
            let circle = self.stack[start..].iter().chain([name]).copied().collect::<Vec<_>>().join(" -> ");
            let help = format!("base one of them on a built-in {kind}");
            let message = format!("the {kind} is based on itself: {}", quote(&circle));
            reader.errors.add(base.span, message, help);
            return None;
        }
        let name = *name;
        self.resolve(name, reader)
    }

    fn unknown_base(&self, base: &Text<'_>, own: &[&str], reader: &mut Reader<'_>) {
        let kind = self.kind.name();
        let other = self.kind.other();
        if other.has(base.value) {
            let message = format!("a {kind} cannot be based on the {} {}", other.name(), quote(base.value));
            let help = format!("write `[{}.NAME]`, or take {}", other.name(), self.kind.based_on());
            reader.errors.add(base.span.clone(), message, help);
            return;
        }
        let help = if base.value.starts_with("linux-") {
            // Releases are near each other in spelling, and few.
            format!("the kernels are {}", list(Kind::Kernel.built_in()))
        } else {
            let known: Vec<&str> = self.kind.built_in().into_iter().chain(own.iter().copied()).collect();
            suggest(base.value, known.iter().copied(), kind)
        };
        reader.errors.add(base.span.clone(), format!("unknown {kind} {}", quote(base.value)), help);
    }
}

/// Reports a name in `[expect]` or `[reach]` that stands for nothing; `quoted` is how the name of a kernel is written there.
pub(super) fn unknown(name: &Text<'_>, own: &[&str], quoted: &str, reader: &mut Reader<'_>) {
    let message = format!("unknown design or kernel {}", quote(name.value));
    let help = match name.value.strip_prefix("linux-") {
        // In TOML a dot in a bare key begins a table.
        Some(release) if !release.contains('.') => {
            format!("the name of a kernel stands in quotes, for its dot: {quoted}")
        }
        // Releases are near each other in spelling, and few.
        Some(_) => format!("the kernels are {}", list(Kind::Kernel.built_in())),
        None => suggest(name.value, built_in_names().chain(own.iter().copied()), "design"),
    };
    reader.errors.add(name.span.clone(), message, help);
}

/// What a kernel does not have that does not have the file system.
pub fn lacked(fs: &Personality) -> &'static str {
    if fs.valid_size { "file system with a valid size (`valid_size`)" } else { fs.base }
}

/// Reports a kernel that does not have the file system.
pub(super) fn lacks_file_system(name: &Text<'_>, fs: &Personality, reader: &mut Reader<'_>) {
    let having: Vec<&str> =
        KernelVersion::ALL.iter().filter(|kernel| kernel.has(fs)).map(|kernel| kernel.name()).collect();
    let help = if having.is_empty() {
        "no release has it; name a design".to_owned()
    } else {
        format!("these have it: {}", having.join(", "))
    };
    let lacked = lacked(fs);
    reader.errors.add(name.span.clone(), format!("{} has no {lacked}", quote(name.value)), help);
}
