//! Setting the fields of designs and personalities by name, as scenario files do.

use std::fmt;
use std::num::NonZero;

/// A value as it stands in a scenario file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setting<'a> {
    /// A string.
    Text(&'a str),
    /// A boolean.
    Flag(bool),
    /// A whole number.
    Number(u64),
}

impl fmt::Display for Setting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Text(text) => write!(f, "{text:?}"),
            Setting::Flag(flag) => write!(f, "{flag}"),
            Setting::Number(number) => write!(f, "{number}"),
        }
    }
}

/// Why a field cannot be set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SettingError {
    /// There is no such field.
    UnknownField {
        /// What was to be set.
        field: String,
        /// The fields that there are.
        known: Vec<&'static str>,
    },
    /// The field takes something else.
    WrongValue {
        /// Which.
        field: &'static str,
        /// The value, as it stands in a file.
        found: String,
        /// What it takes.
        allowed: Vec<String>,
    },
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingError::UnknownField { field, known } => {
                write!(f, "unknown field `{field}`; known are {}", known.join(", "))
            }
            SettingError::WrongValue { field, found, allowed } => {
                write!(f, "`{field}` cannot be {found}; expected {}", allowed.join(", "))
            }
        }
    }
}

impl std::error::Error for SettingError {}

/// A field's type: what it accepts.
pub(crate) trait Field: Sized {
    /// Takes the value if it fits.
    fn accept(setting: Setting<'_>) -> Option<Self>;
    /// What would fit, for messages.
    fn accepted() -> Vec<String>;
    /// As it stands in a file.
    fn written(&self) -> String;
}

impl Field for bool {
    fn accept(setting: Setting<'_>) -> Option<Self> {
        if let Setting::Flag(flag) = setting { Some(flag) } else { None }
    }

    fn accepted() -> Vec<String> {
        vec!["true".to_owned(), "false".to_owned()]
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

impl Field for u16 {
    fn accept(setting: Setting<'_>) -> Option<Self> {
        Option::<u16>::accept(setting).flatten()
    }

    fn accepted() -> Vec<String> {
        Option::<u16>::accepted()
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

impl Field for NonZero<u16> {
    fn accept(setting: Setting<'_>) -> Option<Self> {
        u16::accept(setting).and_then(NonZero::new)
    }

    fn accepted() -> Vec<String> {
        vec!["a whole number from 1 to 65535".to_owned()]
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

impl Field for Option<u16> {
    fn accept(setting: Setting<'_>) -> Option<Self> {
        if let Setting::Number(number) = setting { u16::try_from(number).ok().map(Some) } else { None }
    }

    fn accepted() -> Vec<String> {
        vec!["a whole number below 65536".to_owned()]
    }

    fn written(&self) -> String {
        self.map_or_else(|| "enough".to_owned(), |number| number.to_string())
    }
}

pub(crate) fn assign<F: Field>(
    value: &mut F,
    field: &'static str,
    setting: Setting<'_>,
) -> Result<(), SettingError> {
    let found = setting.to_string();
    let wrong = || SettingError::WrongValue { field, found, allowed: F::accepted() };
    *value = F::accept(setting).ok_or_else(wrong)?;
    Ok(())
}

/// Declares an enum whose variants have the names that scenario files use.
macro_rules! choices {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($(#[$vmeta])* $variant,)* }

        impl $name {
            /// The name in scenario files.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl $crate::words::settings::Field for $name {
            fn accept(setting: $crate::words::settings::Setting<'_>) -> Option<Self> {
                match setting {
                    $($crate::words::settings::Setting::Text($text) => Some($name::$variant),)*
                    _ => None,
                }
            }

            fn accepted() -> Vec<String> {
                vec![$(format!("{:?}", $text),)*]
            }

            fn written(&self) -> String {
                format!("{:?}", self.name())
            }
        }
    };
}
pub(crate) use choices;

/// Declares a struct of fields that scenario files may set: `FIELDS`, `set` and `value`, and the methods by which the model asks for
/// them ([`Asked`](crate::words::asked::Asked)). Where each has a value, also a constructor from them. What stands beside is no
/// setting.
macro_rules! settable {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$of_field:meta])* $field:ident: $type:ty = $value:expr,)*
    } beside { $($(#[$of_beside:meta])* $beside:ident: $beside_type:ty = $beside_value:expr,)* }) => {
        $crate::words::settings::settable! {
            $(#[$meta])* pub struct $name { $($(#[$of_field])* $field: $type,)* }
            beside { $($(#[$of_beside])* $beside: $beside_type,)* }
        }

        impl $name {
            /// What has the values of the list.
            fn as_listed() -> Self {
                $name { $($beside: $beside_value,)* $($field: $value,)* }
            }
        }
    };
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$of_field:meta])* $field:ident: $type:ty,)*
    } beside { $($(#[$of_beside:meta])* $beside:ident: $beside_type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $name {
            $($(#[$of_beside])* pub $beside: $beside_type,)*
            $($(#[$of_field])* pub $field: $type,)*
        }

        impl $name {
            /// The fields that a scenario file may set.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field),)*];

            /// Sets a field by name.
            pub fn set(
                &mut self,
                field: &str,
                setting: $crate::words::settings::Setting<'_>,
            ) -> Result<(), $crate::words::settings::SettingError> {
                match field {
                    $(stringify!($field) => {
                        $crate::words::settings::assign(&mut self.$field, stringify!($field), setting)
                    })*
                    _ => Err($crate::words::settings::SettingError::UnknownField {
                        field: field.to_owned(),
                        known: Self::FIELDS.to_vec(),
                    }),
                }
            }

            /// A field's value as it stands in a file; nothing, if there is no such field.
            pub fn value(&self, field: &str) -> String {
                match field {
                    $(stringify!($field) => $crate::words::settings::Field::written(&self.$field),)*
                    _ => String::new(),
                }
            }
        }

        /// Where fields stand in the declaration.
        #[expect(non_camel_case_types, reason = "they are called as the fields are")]
        enum Place { $($field,)* }

        const _: () = assert!($name::FIELDS.len() <= $crate::words::asked::MAX_FIELDS);

        impl $crate::words::asked::Asked<$name> {
            $($(#[$of_field])* pub(crate) fn $field(&self) -> $type {
                self.note(Place::$field as usize);
                self.of.$field
            })*

            /// Whether another one has the same values in all fields that have been asked for.
            fn agrees_in_settings(&self, other: &$name) -> bool {
                $((self.of.$field == other.$field || !self.is_noted(Place::$field as usize)) &&)* true
            }
        }
    };
}
pub(crate) use settable;
