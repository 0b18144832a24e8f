//! The words of the model: values without behaviour.

pub mod bounds;
pub mod branches;
pub mod counters;
