//! What the paths share: the inode with what hangs on it, the file system, the log.
//!
//! Invariants: a path changes shared state through what stands here; nothing here knows a path or a file system's ways.

pub mod aio;
pub mod answers;
pub mod buffers;
pub mod commit;
pub mod contents;
pub mod device;
pub mod dinode;
pub mod dio_count;
pub mod directed_run;
pub mod dirty_pages;
pub mod disk;
pub mod dropbehind;
pub mod errors;
pub mod event;
pub mod folio;
pub mod glock;
pub mod handover;
pub mod hold;
pub mod i_state;
pub mod i_state_changes;
pub mod inode;
pub mod ioend;
pub mod layouts;
pub mod leases;
pub mod log;
pub mod map_change;
pub mod mapping;
pub mod mount;
pub mod owed;
pub mod private;
pub mod pte;
pub mod shutdown;
pub mod slot;
pub mod space;
pub mod superblock;
pub mod sync;
pub mod trace;
pub mod tracepoint;
pub mod user_buffers;
pub mod user_data;
pub mod validity;
pub mod wb_error;
pub mod world;
pub mod zones;
