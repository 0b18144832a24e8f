//! The modelled kernel of stalemap.
//!
//! Each file is one kernel path or one piece of state that the paths share, with the kernel's names; the
//! paths are written against the [`backend`] facade and do not know which engine drives them.

#![forbid(unsafe_code)]

pub mod backend;
pub mod command;
pub mod config;
pub mod design;
pub mod event;
pub mod fs;
pub mod geometry;
pub mod oracle;
pub mod settings;
