//! `[fs]`: a personality, some of whose fields the file overrides.

use std::collections::BTreeSet;

use stalemap_model::words::personality::Personality;
use stalemap_model::words::settings::Setting;
use toml::de::DeValue;

use super::fields::apply;
use super::misfits;
use super::names::{quote, suggest};
use super::table::{Reader, Table};
use super::text::Text;

/// Reads `[fs]`.
pub(super) fn personality(file: Table<'_>, reader: &mut Reader<'_>) -> Option<Personality> {
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
    personality
}

/// Reports fields of `[fs]` that do not go together, or not with the size of a block.
pub(super) fn check_fields(file: Table<'_>, fs: &Personality, block: u64, reader: &mut Reader<'_>) {
    let Some(field) = file.get("fs") else { return };
    if let DeValue::Table(entries) = field.value.value {
        misfits::report(&fs.misfits(block), Table::new(entries), &field.key_span, reader);
    }
}

/// The personality that `[fs]` names, known or not; the one of a file that names none.
pub(super) fn name(file: Table<'_>) -> String {
    let named = file.get("fs").and_then(|field| match field.value.value {
        DeValue::Table(entries) => match Table::new(entries).get("personality")?.value.value {
            DeValue::String(name) => Some(name.to_string()),
            _ => None,
        },
        _ => None,
    });
    named.unwrap_or_else(|| Personality::BUILT_IN.first().copied().unwrap_or_default().to_owned())
}

/// The fields that `[fs]` sets, whatever their values are.
pub(super) fn fields(file: Table<'_>) -> BTreeSet<String> {
    let table = file.get("fs").and_then(|field| match field.value.value {
        DeValue::Table(entries) => Some(Table::new(entries)),
        _ => None,
    });
    table.iter().flat_map(|table| table.fields()).map(|field| field.key.to_owned()).collect()
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
