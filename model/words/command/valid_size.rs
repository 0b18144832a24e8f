//! Which commands are modelled on files with a [valid size](crate::words::valid_size).

use super::{Command, Io};

impl Command {
    /// Why the command cannot be given on a file system with a valid size.
    pub(super) fn refused_with_valid_size(&self) -> Option<&'static str> {
        let modelled = match self {
            Command::Pwrite { io, nowait, dontcache, .. } => *io == Io::Buffered && !nowait && !dontcache,
            Command::Pread { dontcache, .. } => !dontcache,
            Command::Wait
            | Command::Mmap { .. }
            | Command::Munmap
            | Command::Mread { .. }
            | Command::Mwrite { .. }
            | Command::MadviseDontneed { .. }
            | Command::Msync { .. }
            | Command::Fsync
            | Command::Fdatasync
            | Command::Sync
            | Command::Syncfs
            | Command::SyncRange { .. }
            | Command::Flusher
            | Command::FadviseDontneed { .. }
            | Command::Extension { .. }
            | Command::BufferStore { .. }
            | Command::Truncate { .. }
            | Command::Fail { .. }
            | Command::Short { .. }
            | Command::Kill { .. } => true,
            Command::Seek { .. }
            | Command::Fiemap { .. }
            | Command::CopySparse
            | Command::Dma { .. }
            | Command::Falloc { .. }
            | Command::Fpunch { .. }
            | Command::Fzero { .. }
            | Command::Fcollapse { .. }
            | Command::Finsert { .. }
            | Command::Funshare { .. }
            | Command::Reflink { .. }
            | Command::Exchange { .. }
            | Command::Relocate { .. }
            | Command::Redirty { .. }
            | Command::Layoutget { .. }
            | Command::Layoutwrite { .. }
            | Command::Layoutcommit
            | Command::Layoutreturn
            | Command::Cowextsize { .. }
            | Command::Chattr { .. }
            | Command::Shutdown { .. }
            | Command::Crash => false,
        };
        (!modelled).then_some("this is not modelled for files with a valid size (`valid_size`)")
    }
}
