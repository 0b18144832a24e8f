//! What must hold: the properties, and who decides whether they do.
//!
//! Invariants: a judge is told what happened and never looks for itself; it knows values and no inode.

pub mod crash;
pub mod growth;
mod history;
pub mod oracle;
pub mod properties;
pub mod retries;
pub mod survivors;
pub mod values;
