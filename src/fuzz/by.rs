//! What a loss comes from, in words that name no place.

use std::collections::BTreeSet;
use std::fmt;

/// What a loss comes from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum By {
    /// A mapping that was out of date.
    Mapping {
        /// Which call holds it, and what it says.
        mapping: String,
        /// What changed under it, by whom.
        change: String,
        /// What it was used for, and what was so.
        used: String,
    },
    /// What is seen in the run by itself, whatever else there goes wrong.
    Cause {
        /// What it is.
        what: String,
        /// The calls that matter to it.
        calls: BTreeSet<String>,
    },
    /// An order in which no mapping misleads.
    Order {
        /// The operation by which it shows, and whose.
        shows: String,
        /// The calls that have a step in it.
        calls: BTreeSet<String>,
    },
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::Mapping { mapping, change, used } => {
                write!(f, "mapping of {mapping}; changed: {change}; used: {used}")
            }
            By::Order { shows, calls } => write!(f, "shows at {shows}; calls: {}", listed(calls)),
            By::Cause { what, calls } => write!(f, "{what}; calls: {}", listed(calls)),
        }
    }
}

fn listed(calls: &BTreeSet<String>) -> String {
    let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    if calls.is_empty() { "none".to_owned() } else { calls.join(", ") }
}
