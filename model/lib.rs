//! The modelled kernel of stalemap.
//!
//! The files here are the kernel's paths, with the kernel's names; their parts are one step down (`iomap/…`). They are
//! written against the facade and do not know which engine drives them. Everything else stands below:
//!
//! * [`words`]: values without behaviour, from commands to designs;
//! * [`judge`]: what must hold;
//! * [`state`]: what the paths share, and its doors;
//! * [`fs`]: in what file systems differ;
//! * [`system`]: who runs when: the whole as one closed system for an engine.
//!
//! Invariants: imports go one way, words ← judge ← state ← fs ← paths ← system, without circles of files
//! (`tests/stalemap/layers.rs`); no path knows an engine; no value is kept in two places.

#![forbid(unsafe_code)]

pub mod fs;
pub mod judge;
pub mod state;
pub mod system;
pub mod words;

pub mod actors;
pub mod copy;
pub mod direct_io;
pub mod exchange;
pub mod fallocate;
pub mod fiemap;
pub mod fsync;
pub mod iomap;
pub mod layout;
pub mod mmap;
pub mod path;
pub mod read;
pub mod reclaim;
pub mod redirty;
pub mod reflink;
pub mod relocate;
pub mod seek;
pub mod sync;
pub mod truncate;
pub mod user_buffer;
pub mod valid_size;
pub mod writeback;
