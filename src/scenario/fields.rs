//! Fields of designs and personalities, as tables of a file set them.

use stalemap_model::words::settings::{Setting, SettingError};
use toml::de::DeValue;

use super::names::{quote, suggest_key};
use super::table::{Field, Reader, Value};

/// Sets a field, or reports why that cannot be.
pub(super) fn apply(
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
        Err(SettingError::UnknownField { known: fields, .. }) => {
            let known = other_keys.iter().copied().chain(fields);
            let message = format!("unknown key {} {place}", quote(field.key));
            let known: Vec<&str> = known.collect();
            reader.errors.add(field.key_span.clone(), message, suggest_key(field.key, &known));
        }
        Err(SettingError::WrongValue { allowed, .. }) => {
            let shown = reader.source.get(span.clone()).unwrap_or_default();
            let shown = quote(shown.lines().next().unwrap_or_default());
            let message = format!("`{}` cannot be {shown}", field.key);
            reader.errors.add(span.clone(), message, format!("expected {}", allowed.join(", ")));
        }
    }
}
