//! Tables of the file: known keys, values of the right type, and an error with a place for anything else.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::errors::Errors;
use super::names::{quote, suggest_key};
use super::number::{self, MAX_OFFSET};
use super::text::Text;

/// What reading a file carries along: its text and the errors so far.
pub(super) struct Reader<'s> {
    /// The file.
    pub(super) source: &'s str,
    /// The errors so far.
    pub(super) errors: Errors,
    /// Whether parts of the file could not be parsed, so that what seems to be missing may be there.
    pub(super) partial: bool,
}

impl Reader<'_> {
    /// Reports something that is missing.
    pub(super) fn missing(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if !self.partial {
            self.errors.add(span, message, help);
        }
    }
}

/// A table of the file.
#[derive(Clone, Copy)]
pub(super) struct Table<'t> {
    entries: &'t DeTable<'t>,
}

/// A key of a table with its value.
#[derive(Clone)]
pub(super) struct Field<'t> {
    /// The key.
    pub(super) key: &'t str,
    /// Where the key stands.
    pub(super) key_span: Range<usize>,
    /// The value.
    pub(super) value: Value<'t>,
}

/// A value of the file: of a key, or in an array.
#[derive(Clone)]
pub(super) struct Value<'t> {
    /// What it is.
    pub(super) value: &'t DeValue<'t>,
    /// Where it stands.
    pub(super) span: Range<usize>,
}

impl<'t> Table<'t> {
    /// The table, without a look at its keys.
    pub(super) fn new(entries: &'t DeTable<'t>) -> Self {
        Table { entries }
    }

    /// A key, if the table has it.
    pub(super) fn get(self, key: &str) -> Option<Field<'t>> {
        self.entries.get_key_value(key).map(|(key, value)| Field::new(key, value))
    }

    /// All keys in the order of the file.
    pub(super) fn fields(self) -> Vec<Field<'t>> {
        let mut fields: Vec<_> = self.entries.iter().map(|(key, value)| Field::new(key, value)).collect();
        fields.sort_by_key(|field| field.key_span.start);
        fields
    }

    /// Reports every key that is not one of `known`. `place` is how messages call the table.
    pub(super) fn only(self, known: &[&str], place: &str, reader: &mut Reader<'_>) {
        for field in self.fields().into_iter().filter(|field| !known.contains(&field.key)) {
            let message = format!("unknown key {} {place}", quote(field.key));
            reader.errors.add(field.key_span, message, suggest_key(field.key, known));
        }
    }
}

impl<'t> Field<'t> {
    fn new(key: &'t Spanned<DeString<'t>>, value: &'t Spanned<DeValue<'t>>) -> Self {
        let key_span = key.span();
        Field { key: key.get_ref().as_ref(), key_span, value: Value::new(value) }
    }
}

impl<'t> Value<'t> {
    fn new(value: &'t Spanned<DeValue<'t>>) -> Self {
        Value { value: value.get_ref(), span: value.span() }
    }

    /// Reports that the value should be something else. `example` shows how that is written.
    pub(super) fn refuse(&self, wanted: &str, example: &str, reader: &mut Reader<'_>) {
        let message = format!("expected {wanted}, found {}", described(self.value));
        reader.errors.add(self.span.clone(), message, format!("for example {example}"));
    }

    /// A string.
    pub(super) fn text(&self, example: &str, reader: &mut Reader<'_>) -> Option<Text<'t>> {
        if let DeValue::String(value) = self.value {
            return Some(Text::new(reader.source, value, self.span.clone()));
        }
        self.refuse("a string", example, reader);
        None
    }

    /// The strings of an array. Those that are none are reported and left out.
    pub(super) fn texts(&self, example: &str, reader: &mut Reader<'_>) -> Option<Vec<Text<'t>>> {
        let DeValue::Array(items) = self.value else {
            self.refuse("an array of strings", example, reader);
            return None;
        };
        Some(items.iter().map(Value::new).filter_map(|item| item.text(example, reader)).collect())
    }

    /// A table.
    pub(super) fn table(&self, example: &str, reader: &mut Reader<'_>) -> Option<Table<'t>> {
        if let DeValue::Table(entries) = self.value {
            return Some(Table::new(entries));
        }
        self.refuse("a table", example, reader);
        None
    }

    /// The tables of an array, each with its place.
    pub(super) fn tables(&self, example: &str, reader: &mut Reader<'_>) -> Vec<(Table<'t>, Range<usize>)> {
        let DeValue::Array(items) = self.value else {
            self.refuse("an array of tables", example, reader);
            return Vec::new();
        };
        let items = items.iter().map(Value::new);
        items.filter_map(|item| Some((item.table(example, reader)?, item.span))).collect()
    }

    /// A whole number in a range that fits into `N`.
    pub(super) fn number<N: TryFrom<u64>>(
        &self,
        least: u64,
        example: &str,
        reader: &mut Reader<'_>,
    ) -> Option<N> {
        let number =
            self.integer().filter(|number| *number >= least).and_then(|number| number.try_into().ok());
        if number.is_none() {
            let bits = 8 * size_of::<N>();
            self.refuse(&format!("a whole number from {least} to 2^{bits} - 1"), example, reader);
        }
        number
    }

    /// A size: an integer, or a string in xfs_io's syntax.
    pub(super) fn size(&self, block: u64, example: &str, reader: &mut Reader<'_>) -> Option<u64> {
        if let DeValue::String(text) = self.value {
            let size = number::size(text, block);
            return size
                .map_err(|error| {
                    reader.errors.add(self.span.clone(), error.message(&quote(text)), error.help());
                })
                .ok();
        }
        let size = self.integer().filter(|size| *size <= MAX_OFFSET);
        if size.is_none() {
            self.refuse("a size below 2^63", example, reader);
        }
        size
    }

    /// Whether it is `[]`.
    pub(super) fn is_empty_array(&self) -> bool {
        matches!(self.value, DeValue::Array(items) if items.is_empty())
    }

    /// A whole number that is not negative and fits into 64 bits.
    pub(super) fn integer(&self) -> Option<u64> {
        let DeValue::Integer(integer) = self.value else { return None };
        u64::from_str_radix(integer.as_str(), integer.radix()).ok()
    }
}

/// A value in a message.
fn described(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the string {}", quote(&format!("\"{text}\""))),
        DeValue::Integer(integer) => format!("the number {}", quote(&integer.to_string())),
        DeValue::Float(float) => format!("the number {}", quote(&float.to_string())),
        DeValue::Boolean(flag) => format!("`{flag}`"),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
