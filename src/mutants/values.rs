//! All values that a field can have, as far as they have names.

use stalemap_model::words::design::Design;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::personality::Personality;
use stalemap_model::words::settings::{Setting, SettingError};

/// Fields that are not the kernel's: what may fail, and what the device and memory are like.
const ENVIRONMENT: [&str; 6] =
    ["allocator", "io_errors", "alloc_errors", "short_copies", "init_on_alloc", "data_checksum"];

/// A value of a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Value {
    /// The field.
    pub field: &'static str,
    /// The value, as a file has it: `"none"`, `true`.
    pub written: String,
}

impl Value {
    /// The field and its value, as a file has them.
    pub fn setting(&self) -> String {
        format!("{} = {}", self.field, self.written)
    }

    /// A design or kernel with this value in the place of its own; `None` if that is the same.
    pub fn put_into(&self, implementation: &Implementation) -> Option<Implementation> {
        let setting = match self.written.as_str() {
            "true" => Setting::Flag(true),
            "false" => Setting::Flag(false),
            text => Setting::Text(text.trim_matches('"')),
        };
        let mut changed = implementation.clone();
        changed.set(self.field, setting).ok()?;
        (changed != *implementation).then_some(changed)
    }
}

/// Every value that has a name, of every field but those of the environment, in the order of the pages. Numbers are left out.
pub fn values() -> Vec<Value> {
    let fields =
        Design::FIELDS.iter().chain(Personality::FIELDS).filter(|field| !ENVIRONMENT.contains(field));
    let some = Design::built_in("iomap_valid").zip(Personality::built_in("xfs"));
    let Some((design, fs)) = some else { return Vec::new() };
    let any = Implementation { design, fs };
    fields.flat_map(|field| of_field(field, &any)).collect()
}

/// What a field says that it takes when it is given something else.
fn of_field(field: &'static str, any: &Implementation) -> Vec<Value> {
    let Err(SettingError::WrongValue { allowed: taken, .. }) = any.clone().set(field, Setting::Text("\0"))
    else {
        return Vec::new();
    };
    let has_name = |value: &String| value.starts_with('"') || value == "true" || value == "false";
    taken.into_iter().filter(has_name).map(|written| Value { field, written }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_all_fields_that_have_names() {
        let values = values();
        for known in ["check = \"none\"", "clear_stale = false", "glock = true", "towrite = \"first-piece\""]
        {
            assert!(values.iter().any(|value| value.setting() == known), "{known}");
        }
        for left_out in ENVIRONMENT.iter().chain(&["free_blocks", "writeback_batch"]) {
            assert!(values.iter().all(|value| value.field != *left_out), "{left_out}");
        }
        let fields = Design::FIELDS.iter().chain(Personality::FIELDS);
        assert!(ENVIRONMENT.iter().all(|field| fields.clone().any(|known| known == field)));
    }
}
