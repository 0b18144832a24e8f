//! The kernel's tracepoints on the modelled paths: which one a path hits, with its fields as Linux 6.12 prints them.
//!
//! A path says so through [`Inode::trace`](crate::state::inode::Inode::trace), in a closure that only runs when somebody watches a replay. The same
//! data is printed as ftrace prints it, exported with names and values, and handed to `tracing`. Where the kernel has
//! no tracepoint (a folio lock, a copy) there is none here.
//!
//! Left out: the ILOCK's events, callers, and page frame numbers, of which the model has none. Event names and fields
//! are those of include/trace/events/filemap.h and writeback.h, fs/iomap/trace.h and fs/xfs/xfs_trace.h.

use std::fmt::{self, Write as _};

use crate::words::command::FileId;

/// The device that the modelled files lie on, as the kernel prints it.
pub const DEVICE: &str = "254:0";
/// The inode number of the first file; the others follow.
const FIRST_INODE: u64 = 0x83;
/// `iomap->addr` of what has no place on the device.
pub(crate) const NULL_ADDR: u64 = u64::MAX;
/// `nullstartblock`: the block number of a delayed allocation.
pub(crate) const NULL_START_BLOCK: u64 = 0x000f_ffff_fffe_0000;
/// HOLESTARTBLOCK.
pub(crate) const HOLE_START_BLOCK: u64 = u64::MAX - 1;

/// Which part of the kernel defines a tracepoint.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Subsystem {
    /// fs/iomap.
    Iomap,
    /// fs/xfs.
    Xfs,
    /// mm/filemap.c.
    Filemap,
    /// fs/fs-writeback.c and mm/page-writeback.c.
    Writeback,
}

impl Subsystem {
    /// The name below /sys/kernel/tracing/events.
    pub const fn name(self) -> &'static str {
        match self {
            Subsystem::Iomap => "iomap",
            Subsystem::Xfs => "xfs",
            Subsystem::Filemap => "filemap",
            Subsystem::Writeback => "writeback",
        }
    }
}

/// A tracepoint that was hit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tracepoint {
    /// Who defines it.
    pub subsystem: Subsystem,
    /// Its name.
    pub name: &'static str,
    /// Its fields, in the order in which they are printed; the device and the inode first.
    pub fields: Vec<Field>,
}

/// A field of a tracepoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name, as it is printed.
    pub name: &'static str,
    /// Its value.
    pub value: FieldValue,
    /// What stands between the two.
    joint: &'static str,
}

/// What a field holds, and how it is printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FieldValue {
    /// `0x1000`.
    Hex(u64),
    /// `4096`.
    Decimal(u64),
    /// Names.
    Text(String),
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldValue::Hex(value) => write!(f, "{value:#x}"),
            FieldValue::Decimal(value) => write!(f, "{value}"),
            FieldValue::Text(text) => f.write_str(text),
        }
    }
}

/// The fields as the kernel prints them behind the name.
impl fmt::Display for Tracepoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        for field in &self.fields {
            write!(line, "{}{}{} ", field.name, field.joint, field.value)?;
        }
        f.write_str(line.strip_suffix(' ').unwrap_or(&line))
    }
}

impl Tracepoint {
    pub(crate) fn on_number(subsystem: Subsystem, name: &'static str, number: FileId) -> Self {
        let tracepoint = Tracepoint { subsystem, name, fields: Vec::new() };
        tracepoint.text("dev", DEVICE).hex("ino", inode_number(number))
    }

    pub(crate) fn with(mut self, name: &'static str, value: FieldValue) -> Self {
        self.fields.push(Field { name, value, joint: " " });
        self
    }

    pub(crate) fn equals(mut self, name: &'static str, value: FieldValue) -> Self {
        self.fields.push(Field { name, value, joint: "=" });
        self
    }

    pub(crate) fn hex(self, name: &'static str, value: u64) -> Self {
        self.with(name, FieldValue::Hex(value))
    }

    pub(crate) fn text(self, name: &'static str, value: impl Into<String>) -> Self {
        self.with(name, FieldValue::Text(value.into()))
    }

    /// Hands it to `tracing`, at the level `debug`, under the subsystem as target.
    pub fn log(&self, step: usize, actor: &str) {
        macro_rules! event {
            ($target:literal) => {
                tracing::debug!(target: $target, step, actor, tracepoint = self.name, fields = %self)
            };
        }
        match self.subsystem {
            Subsystem::Iomap => event!("iomap"),
            Subsystem::Xfs => event!("xfs"),
            Subsystem::Filemap => event!("filemap"),
            Subsystem::Writeback => event!("writeback"),
        }
    }
}

/// `inode->i_ino`.
pub(crate) fn inode_number(number: FileId) -> u64 {
    FIRST_INODE + u64::from(number)
}

/// How a lock is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// By readers.
    Shared,
    /// By one writer.
    Exclusive,
}

/// `xfs_ilock` and `xfs_iunlock` of the locks that the VFS has, too: IOLOCK is i_rwsem, MMAPLOCK invalidate_lock.
pub fn xfs_ilock(number: FileId, name: &'static str, lock: &'static str, mode: Mode) -> Tracepoint {
    let mode = match mode {
        Mode::Shared => "SHARED",
        Mode::Exclusive => "EXCL",
    };
    Tracepoint::on_number(Subsystem::Xfs, name, number).text("flags", format!("{lock}_{mode}"))
}
