//! What is asked of a command, and follows from its row.

use super::facts::Blocks::{Share, Stay};
use super::facts::Data::{Nothing, Pinned};
use super::facts::Role::{
    Announces, HandsOut, LosesPower, PassesBlocks, Preallocates, Relocates, SetsDataMode, Stops, Syncs,
    Unshares,
};
use super::facts::{Fault, Role, Touches};
use super::{Command, FileId, Io, Then};

impl Command {
    /// The byte offsets at which the command cuts the file.
    pub fn cuts(&self) -> Vec<u64> {
        self.facts().touches.cuts()
    }

    /// The byte offsets at which the sources of a list of commands fault: what `@fail` and `@short` say about
    /// the write that follows them.
    pub fn fault_cuts<'c>(commands: impl Iterator<Item = &'c Command>) -> Vec<u64> {
        let mut cuts = Vec::new();
        let mut after_bytes = Vec::new();
        for command in commands {
            if let Some(fault) = command.fault() {
                after_bytes.extend(fault.kind.stops_copy().then_some(fault.after));
                continue;
            }
            if let Command::Pwrite { range, .. } = command {
                let cut = |after: &u64| range.start.checked_add(*after).filter(|cut| *cut < range.end);
                cuts.extend(after_bytes.iter().filter_map(cut));
            }
            after_bytes.clear();
        }
        cuts
    }

    /// Whether the command stores through a mapping, page by page.
    pub fn stores_through_mapping(&self) -> bool {
        let facts = self.facts();
        facts.data.pattern().is_some() && matches!(facts.touches, Touches::Pages(_))
    }

    /// The end of the bytes that the command can bring into the file or touch in it.
    pub fn reach(&self) -> u64 {
        self.cuts().into_iter().max().unwrap_or(0)
    }

    /// By how many bytes the command moves what lies behind it upwards.
    pub fn moves_up(&self) -> u64 {
        self.facts().size.moves_up()
    }

    /// The size of a file of `size` bytes after the command.
    pub fn size_after(&self, size: u64) -> u64 {
        self.facts().size.after(size)
    }

    /// Whether it is a write with RWF_NOWAIT.
    pub fn must_not_wait(&self) -> bool {
        if let Command::Pwrite { nowait, .. } = self { *nowait } else { false }
    }

    /// Whether it does what no path of a kernel's XFS, gfs2 or zonefs does: folios that are dirtied as they are.
    pub fn is_of_no_kernel(&self) -> bool {
        let Command::Redirty { .. } = self else { return false };
        true
    }

    /// Whether device blocks may come to lie elsewhere in a file, or be free for others, by the command.
    pub fn moves_blocks(&self) -> bool {
        self.facts().blocks != Stay
    }

    /// Through what the command reads or writes, if it is read(2) or write(2).
    pub fn io(&self) -> Option<Io> {
        if let Role::Io(io) = self.facts().role { Some(io) } else { None }
    }

    /// Whether extents share blocks after the command.
    pub fn shares_blocks(&self) -> bool {
        self.facts().blocks == Share
    }

    /// Whether two files get each other's blocks by the command.
    pub fn exchanges_blocks(&self) -> bool {
        let Command::Exchange { .. } = self else { return false };
        true
    }

    /// The file between which and the command's own blocks pass.
    pub fn passes_blocks(&self) -> Option<FileId> {
        if let PassesBlocks(file) = self.facts().role { Some(file) } else { None }
    }

    /// What the command says about the source of the next write.
    pub fn fault(&self) -> Option<Fault> {
        if let Announces(fault) = self.facts().role { Some(fault) } else { None }
    }

    /// Whether the file system stops, or loses its power, with the command.
    pub fn stops(&self) -> bool {
        matches!(self.facts().role, Stops | LosesPower)
    }

    /// Whether power is lost with the command, and with it what a device has in its cache.
    pub fn loses_power(&self) -> bool {
        self.facts().role == LosesPower
    }

    /// Whether the command is told of an error that is kept.
    pub fn syncs(&self) -> bool {
        let then = if let Command::Pwrite { then, .. } = self { *then } else { Then::Nothing };
        self.facts().role == Syncs || then != Then::Nothing
    }

    /// Whether the command is sync(2) or syncfs(2).
    pub fn syncs_all(&self) -> bool {
        let (Command::Sync | Command::Syncfs) = self else { return false };
        true
    }

    /// The pattern of the new data that the command puts into the file.
    pub fn pattern(&self) -> Option<u8> {
        self.facts().data.pattern()
    }

    /// Whether the command puts new data into the file.
    pub fn writes(&self) -> bool {
        self.facts().data != Nothing
    }

    /// Whether blocks are allocated by the command before anything is written to them.
    pub fn preallocates(&self) -> bool {
        matches!(self.facts().role, Preallocates | HandsOut)
    }

    /// Whether blocks are handed out by the command.
    pub fn hands_out(&self) -> bool {
        self.facts().role == HandsOut
    }

    /// Whether blocks that are shared get others in their place.
    pub fn unshares(&self) -> bool {
        self.facts().role == Unshares
    }

    /// Whether blocks are moved to other places on the device.
    pub fn relocates(&self) -> bool {
        self.facts().role == Relocates
    }

    /// Whether the data of the file begin, or cease, to be journalled.
    pub fn sets_data_mode(&self) -> bool {
        self.facts().role == SetsDataMode
    }

    /// Whether it asks where the file has data.
    pub fn searches(&self) -> bool {
        self.facts().role == Role::Searches
    }

    /// Whether a device stores into pages of the file.
    pub fn pins_pages(&self) -> bool {
        matches!(self.facts().data, Pinned(_))
    }
}
