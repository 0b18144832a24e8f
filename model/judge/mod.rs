//! What must hold.

pub mod properties;
