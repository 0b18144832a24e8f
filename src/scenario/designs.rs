//! `[fs]` and `[design.NAME]`: file systems and designs as values, some of whose fields a file overrides.

use std::collections::BTreeMap;

use stalemap_model::words::design::Design;
use stalemap_model::words::personality::{Allocate, Personality};
use stalemap_model::words::settings::{Setting, SettingError};
use toml::de::DeValue;

use super::names::{count, quote, suggest};
use super::table::{Field, Reader, Table, Value};
use super::text::Text;

/// The most designs of one file. Each may be based on another, so this also bounds how deep reading goes.
const MAX_DESIGNS: usize = 64;
/// What `--design` takes for "every one".
const RESERVED: &str = "all";

/// Reads `[fs]`; `block` is the size of a block in bytes.
pub(super) fn personality(file: Table<'_>, block: u64, reader: &mut Reader<'_>) -> Option<Personality> {
    let default = Personality::BUILT_IN.first().copied().unwrap_or_default();
    let Some(field) = file.get("fs") else { return Personality::built_in(default) };
    let table = field.value.table("`[fs]` with `personality = \"xfs\"`", reader)?;
    let mut personality = match table.get("personality") {
        None => Personality::built_in(default),
        Some(field) => {
            let name = field.value.text("`personality = \"xfs\"`", reader);
            name.and_then(|name| built_in_personality(&name, reader))
        }
    };
    // Fields of an unknown personality are checked against any other's: they are the same.
    let mut scratch = Personality::built_in(default)?;
    for field in table.fields().into_iter().filter(|field| field.key != "personality") {
        let target = personality.as_mut().unwrap_or(&mut scratch);
        let mut set = |setting: Setting<'_>| target.set(field.key, setting);
        apply(&field, &["personality"], "of a personality", &mut set, reader);
    }
    if let (Some(field), Some(fs)) = (table.get("stuffed"), &personality) {
        stuffed(&field, fs, block, reader);
    }
    personality
}

/// What of a file lies in its inode must fit there, on a file system that does that.
fn stuffed(field: &Field<'_>, fs: &Personality, block: u64, reader: &mut Reader<'_>) {
    let bytes = u64::from(fs.stuffed);
    if bytes > 0 && fs.allocate != Allocate::Written {
        let message = "this file system keeps no data in its inodes";
        let help = "only gfs2 does (`allocate = \"written\"`): leave `stuffed` out, or take `personality = \"gfs2\"`";
        reader.errors.add(field.value.span.clone(), message, help);
    } else if bytes >= block {
        let message = format!("{bytes} bytes do not fit into an inode, which is smaller than a block");
        reader.errors.add(
            field.value.span.clone(),
            message,
            format!("expected less than {block}, the size of a block"),
        );
    }
}

fn built_in_personality(name: &Text<'_>, reader: &mut Reader<'_>) -> Option<Personality> {
    let personality = Personality::built_in(name.value);
    if personality.is_none() {
        let known = Personality::BUILT_IN.iter().copied();
        let message = format!("unknown personality {}", quote(name.value));
        reader.errors.add(name.span.clone(), message, suggest(name.value, known, "personality"));
    }
    personality
}

/// Reads every `[design.NAME]`.
pub(super) fn designs(file: Table<'_>, reader: &mut Reader<'_>) -> BTreeMap<String, Design> {
    let mut reading = Reading { tables: BTreeMap::new(), done: BTreeMap::new(), stack: Vec::new() };
    let example = "`[design.mine]` with `based_on = \"iomap_valid\"`";
    let Some(table) = file.get("design").and_then(|field| field.value.table(example, reader)) else {
        return BTreeMap::new();
    };
    let mut fields = table.fields();
    if let Some(surplus) = fields.get(MAX_DESIGNS) {
        let help = format!("one file defines at most {MAX_DESIGNS}");
        reader.errors.add(surplus.key_span.clone(), count(fields.len(), "design"), help);
        fields.truncate(MAX_DESIGNS);
    }
    for field in &fields {
        check_name(field, reader);
        if let Some(table) = field.value.table(example, reader) {
            reading.tables.insert(field.key, (field, table));
        }
    }
    for field in &fields {
        reading.design(field.key, reader);
    }
    let own = |(name, design): (&str, Option<Design>)| Some((name.to_owned(), design?));
    reading.done.into_iter().filter_map(own).collect()
}

fn check_name(field: &Field<'_>, reader: &mut Reader<'_>) {
    let name = field.key;
    let shown = quote(name);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let (message, help) = if Design::BUILT_IN.contains(&name) {
        (
            format!("{shown} is the name of a built-in design"),
            format!("choose another one, for example `my-{name}`"),
        )
    } else if name == RESERVED {
        ("`all` stands for every design".to_owned(), "choose another name".to_owned())
    } else if name.is_empty() || !name.chars().all(allowed) {
        (
            format!("{shown} cannot be a design's name"),
            "names consist of a-z, A-Z, 0-9, `_`, `-` and `.`".to_owned(),
        )
    } else {
        return;
    };
    reader.errors.add(field.key_span.clone(), message, help);
}

/// The designs of a file while they are resolved: one may be based on another that comes later.
struct Reading<'f, 't> {
    tables: BTreeMap<&'t str, (&'f Field<'t>, Table<'t>)>,
    /// Resolved ones; `None` for those that could not be, which was reported.
    done: BTreeMap<&'t str, Option<Design>>,
    /// Those being resolved, each based on the next.
    stack: Vec<&'t str>,
}

impl<'t> Reading<'_, 't> {
    /// Resolves a design of the file and those that it is based on.
    fn design(&mut self, name: &'t str, reader: &mut Reader<'_>) -> Option<Design> {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let (field, table) = self.tables.get(name).copied()?;
        self.stack.push(name);
        let base = self.base(field, table, reader);
        self.stack.pop();
        let mut scratch = Design::built_in(Design::BUILT_IN.first()?)?;
        let known = base.is_some();
        let mut design = base.unwrap_or_else(|| scratch.clone());
        for field in table.fields().into_iter().filter(|field| field.key != "based_on") {
            // The name of a wrong base says nothing against the fields.
            let target = if known { &mut design } else { &mut scratch };
            let mut set = |setting: Setting<'_>| target.set(field.key, setting);
            apply(&field, &["based_on"], "of a design", &mut set, reader);
        }
        name.clone_into(&mut design.name);
        let design = known.then_some(design);
        self.done.insert(name, design.clone());
        design
    }

    fn base(&mut self, field: &Field<'t>, table: Table<'t>, reader: &mut Reader<'_>) -> Option<Design> {
        let example = "`based_on = \"iomap_valid\"`";
        let Some(based_on) = table.get("based_on") else {
            let message = format!("the design {} is based on none", quote(field.key));
            reader.missing(field.key_span.clone(), message, format!("add {example}"));
            return None;
        };
        let base = based_on.value.text(example, reader)?;
        if let Some(design) = Design::built_in(base.value) {
            return Some(design);
        }
        let Some((name, _)) = self.tables.get_key_value(base.value) else {
            let own: Vec<&str> = self.tables.keys().copied().collect();
            unknown_design(&base, &own, reader);
            return None;
        };
        if let Some(start) = self.stack.iter().position(|other| other == name) {
            let circle = self.stack[start..].iter().chain([name]).copied().collect::<Vec<_>>().join(" -> ");
            let help = "base one of them on a built-in design";
            let message = format!("the design is based on itself: {}", quote(&circle));
            reader.errors.add(base.span, message, help);
            return None;
        }
        let name = *name;
        self.design(name, reader)
    }
}

/// Reports a name that is no design.
pub(super) fn unknown_design(name: &Text<'_>, own: &[&str], reader: &mut Reader<'_>) {
    let own = || own.iter().copied().filter(|name| !Design::BUILT_IN.contains(name));
    let known = || Design::BUILT_IN.iter().copied().chain(own());
    let message = format!("unknown design {}", quote(name.value));
    let help = suggest(name.value, known(), "design");
    reader.errors.add(name.span.clone(), message, help);
}

/// Sets a field, or reports why that cannot be.
fn apply(
    field: &Field<'_>,
    other_keys: &[&str],
    place: &str,
    set: &mut dyn FnMut(Setting<'_>) -> Result<(), SettingError>,
    reader: &mut Reader<'_>,
) {
    let Value { value, span } = &field.value;
    let setting = match value {
        DeValue::String(text) => Setting::Text(text),
        DeValue::Boolean(flag) => Setting::Flag(*flag),
        // What no field takes gives the list of what the field takes.
        _ => field.value.integer().map_or(Setting::Text(""), Setting::Number),
    };
    match set(setting) {
        Ok(()) => {}
        Err(SettingError::UnknownField(fields)) => {
            let known = other_keys.iter().copied().chain(fields);
            let message = format!("unknown key {} {place}", quote(field.key));
            let known: Vec<&str> = known.collect();
            reader.errors.add(field.key_span.clone(), message, suggest(field.key, known, "key"));
        }
        Err(SettingError::WrongValue(allowed)) => {
            let shown = reader.source.get(span.clone()).unwrap_or_default();
            let shown = quote(shown.lines().next().unwrap_or_default());
            let message = format!("`{}` cannot be {shown}", field.key);
            reader.errors.add(span.clone(), message, format!("expected {}", allowed.join(", ")));
        }
    }
}
