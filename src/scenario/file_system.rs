//! `[fs]`: a personality, some of whose fields the file overrides.

use std::collections::BTreeSet;
use std::ops::Range;

use stalemap_model::words::personality::{Allocate, Personality};
use stalemap_model::words::settings::Setting;
use toml::de::DeValue;

use super::fields::apply;
use super::names::{quote, suggest};
use super::table::{Reader, Table};
use super::text::Text;

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
        stuffed(&field.value.span, fs, block, reader);
    }
    personality
}

/// The fields that `[fs]` sets, whatever their values are.
pub(super) fn fields(file: Table<'_>) -> BTreeSet<String> {
    let table = file.get("fs").and_then(|field| match field.value.value {
        DeValue::Table(entries) => Some(Table::new(entries)),
        _ => None,
    });
    table.iter().flat_map(|table| table.fields()).map(|field| field.key.to_owned()).collect()
}

/// What of a file lies in its inode must fit there, on a file system that does that. `place` is what says how much it is.
pub(super) fn stuffed(place: &Range<usize>, fs: &Personality, block: u64, reader: &mut Reader<'_>) {
    let bytes = u64::from(fs.stuffed);
    if bytes > 0 && fs.allocate != Allocate::Written {
        let message = "this file system keeps no data in its inodes";
        let help = "only gfs2 does (`allocate = \"written\"`): leave `stuffed` out, or take `personality = \"gfs2\"`";
        reader.errors.add(place.clone(), message, help);
    } else if bytes >= block {
        let message = format!("{bytes} bytes do not fit into an inode, which is smaller than a block");
        reader.errors.add(place.clone(), message, format!("expected less than {block}, the size of a block"));
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
