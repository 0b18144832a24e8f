//! Named facts of a system of one's own, kept as bits and counters while a search runs: branches, counters, bounds, and
//! properties (`property.rs`).
//!
//! A system lists them with [`names!`](crate::names), which numbers them: sets of them are 64 bits, and recording one is
//! an `or`.

/// Defines a kind of names.
macro_rules! kind {
    ($(#[$meta:meta])* $Kind:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $Kind {
            number: u8,
            name: &'static str,
        }

        impl $Kind {
            /// Number `number` of its list, below 64. [`names!`](crate::names) numbers a whole list.
            pub const fn new(number: u8, name: &'static str) -> Self {
                assert!(number < 64, "a set has 64 bits");
                $Kind { number, name }
            }

            /// The name in files, schedules and reports.
            pub const fn name(self) -> &'static str {
                self.name
            }

            /// Its place in its list.
            pub const fn number(self) -> usize {
                self.number as usize
            }

            /// Its bit in a set.
            pub const fn bit(self) -> u64 {
                1 << self.number
            }
        }

        impl std::fmt::Display for $Kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name)
            }
        }
    };
}
pub(crate) use kind;

kind! {
    /// A branch of the system whose reachability is reported: a proof whose interesting branch was never taken proves
    /// nothing.
    Branch
}

kind! {
    /// A quantity of which the greatest value over all runs is reported. At most [`Counter::MOST`].
    Counter
}

impl Counter {
    /// How many counters a system may have.
    pub const MOST: usize = 16;
}

kind! {
    /// A bound on the system that its user may set. A run that reaches it is given up.
    Bound
}

/// Lists a system's names of one kind, as constants numbered from 0, with `ALL`, `from_name` and `of_bits` beside them.
/// Best in a module of their own.
///
/// ```
/// mod properties {
///     use stalemap_facade::Property;
///
///     stalemap_facade::names! { Property {
///         /// Two threads were in the critical section at once.
///         MUTUAL_EXCLUSION = "mutual-exclusion",
///         /// What the engines find by themselves takes its place in the list, too.
///         DEADLOCK: Property::DEADLOCK,
///     } }
/// }
/// assert_eq!(properties::from_name("mutual-exclusion"), Some(properties::MUTUAL_EXCLUSION));
/// ```
#[macro_export]
macro_rules! names {
    ($Kind:ident { $($(#[$meta:meta])* $NAME:ident $(= $text:literal)? $(: $other:expr)?,)+ }) => {
        /// Numbers the list.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, dead_code)]
        #[repr(u8)]
        enum Number { $($NAME,)+ }

        $($(#[$meta])* pub const $NAME: $Kind = $crate::names!(@one $Kind $NAME $(= $text)? $(: $other)?);)+

        /// All of them, in the order of the list.
        pub const ALL: &[$Kind] = &[$($NAME,)+];

        /// Looks a name up.
        pub fn from_name(name: &str) -> Option<$Kind> {
            ALL.iter().copied().find(|item| item.name() == name)
        }

        /// The members of a set of bits, in the order of the list.
        pub fn of_bits(bits: u64) -> Vec<$Kind> {
            ALL.iter().copied().filter(|item| bits & item.bit() != 0).collect()
        }
    };
    (@one $Kind:ident $NAME:ident = $text:literal) => { $Kind::new(Number::$NAME as u8, $text) };
    (@one $Kind:ident $NAME:ident : $other:expr) => { $other };
}
