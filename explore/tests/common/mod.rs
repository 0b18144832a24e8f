//! What the differential tests are made of: random programs, what they mean, and how they are drawn.

pub(crate) mod program;
pub(crate) mod reference;
pub(crate) mod strategy;
