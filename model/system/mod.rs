//! The whole as one closed system for an engine: who takes part, what each does, and what is judged at the end.

pub(crate) mod gutter;
pub mod kernel;
pub mod panel;
pub mod task;
pub mod umount;
