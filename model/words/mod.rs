//! The words of the model: values without behaviour.
//!
//! Invariants: nothing here knows shared state, a backend, or the order in which anything happens.

pub mod actor_names;
pub mod asked;
pub mod assumptions;
pub mod bounds;
pub mod branches;
pub mod cell_contents;
pub mod check_design;
pub mod command;
pub mod config;
pub mod count;
pub mod counters;
pub mod design;
pub mod dio_design;

pub mod extent;
pub mod geometry;
pub mod implementation;
pub mod kernel_version;
pub mod map_design;
pub mod misfit;
pub mod ordering;
pub mod personality;
pub mod program;
pub mod settings;
pub mod valid_size;

pub mod value;
pub mod writeback_design;
