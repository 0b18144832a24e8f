//! The modelled kernel of stalemap.
//!
//! Each file is one kernel path or one piece of state that the paths share, with the kernel's names; the
//! paths are written against the [`backend`] facade and do not know which engine drives them.

#![forbid(unsafe_code)]

pub mod actors;
pub mod change;
pub mod command;
pub mod completion;
pub mod config;
pub mod crash;
pub mod design;
pub mod dio;
pub mod dio_complete;
pub mod dio_design;
pub mod dio_read;
pub mod event;
pub mod extent;
pub mod falloc;
pub mod fill;
pub mod flush;
pub mod folio;
pub mod fs;
pub mod fsync;
pub mod geometry;
pub mod glock;
pub mod hold;
pub mod inode;
pub mod invalidate;
pub mod ioend;
pub mod iomap;
pub mod iomap_write;
pub mod judge;
pub mod kernel;
pub mod mmap;
pub mod oracle;
pub mod ordering;
pub mod panel;
pub mod path;
pub mod program;
pub mod punch;
pub mod read;
pub mod reclaim;
pub mod reflink;
pub mod setattr;
pub mod settings;
pub mod shutdown;
pub mod space;
pub mod superblock;
pub mod sync;
pub mod sync_range;
pub mod task;
pub mod tracepoint;
pub mod truncate;
pub mod umount;
pub mod unmap;
pub mod unshare;
pub mod value;
pub mod words;
pub mod world;
pub mod write_state;
pub mod writeback;
pub mod zero;
