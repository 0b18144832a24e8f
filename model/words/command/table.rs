//! The commands, a row each. Whoever adds one is asked for its row by the compiler, and the row for each column:
//! the match has no arm for the rest, and a row no default.

use super::facts::Blocks::{Move, Stay};
use super::facts::Data::{Nothing, Pinned, Written};
use super::facts::Role::{Announces, Plain, SharesWith, Stops};
use super::facts::SizeEffect::{Becomes, Gains, GrowsTo, Keeps, Loses};
use super::facts::Touches::{Bytes, Calls, Copy, End};
use super::facts::{Blocks, Data, Facts, Fault, FaultKind, Need, Role, SizeEffect, Touches};
use super::{Command, FileId, Io};

/// fallocate(2), of all modes.
const FALLOCATE: Option<&str> = Some("fallocate(2)");

impl Command {
    /// What is known of the command.
    #[rustfmt::skip]
    #[expect(clippy::match_same_arms, reason = "commands that have the same row today are different ones")]
    pub fn facts(&self) -> Facts {
        let none = Touches::Nothing;
        match self {
            Command::Pwrite { range, chunk, fill, io, .. } => {
                let call = Some(by_io(*io, "write(2)", "direct write"));
                row(call, Calls(range.clone(), *chunk), GrowsTo(range.end), Stay, Written(*fill), of_io(*io), Role::Io(*io))
            }
            Command::Pread { range, chunk, io } => {
                let call = Some(by_io(*io, "read(2)", "direct read"));
                row(call, Calls(range.clone(), *chunk), Keeps, Stay, Nothing, of_io(*io), Role::Io(*io))
            }
            Command::Wait => row(None, none, Keeps, Stay, Nothing, &[], Plain),

            Command::Mmap { range, .. } => row(None, Bytes(range.clone()), Keeps, Stay, Nothing, &[], Plain),
            Command::Munmap => row(None, none, Keeps, Stay, Nothing, &[], Plain),
            Command::Mread { range } => row(Some("load"), Bytes(range.clone()), Keeps, Stay, Nothing, &[], Plain),
            Command::Mwrite { range, fill } =>
                row(Some("store"), Bytes(range.clone()), Keeps, Stay, Written(*fill), &[], Plain),
            Command::Dma { range, fill } => row(None, Bytes(range.clone()), Keeps, Stay, Pinned(*fill), &[], Plain),
            Command::MadviseDontneed { range } =>
                row(Some("madvise(2)"), Bytes(range.clone()), Keeps, Stay, Nothing, &[], Plain),

            Command::Msync { range, .. } => row(Some("msync(2)"), Bytes(range.clone()), Keeps, Stay, Nothing, &[], Plain),
            Command::Fsync | Command::Fdatasync => row(Some("fsync(2)"), none, Keeps, Stay, Nothing, &[], Plain),
            Command::SyncRange { range, .. } => {
                let touches = if range.end == u64::MAX { Touches::From(range.start) } else { Bytes(range.clone()) };
                row(Some("writeback"), touches, Keeps, Stay, Nothing, &[], Plain)
            }
            Command::FadviseDontneed { range } =>
                row(Some("fadvise(2)"), Bytes(range.clone()), Keeps, Stay, Nothing, &[], Plain),
            // Such an actor leaves data, size and blocks alone: `model/actors/` gives it no way to do anything else.
            Command::Extension { extension, range } =>
                row(Some(extension.call()), Bytes(range.clone()), Keeps, Stay, Nothing, &[], Plain),

            Command::Truncate { size } =>
                row(Some("truncate(2)"), End(*size), Becomes(*size), Move, Nothing, &[Need::FreeableBlocks], Plain),
            Command::Falloc { range, keep_size } => {
                let size = if *keep_size { Keeps } else { GrowsTo(range.end) };
                row(FALLOCATE, Bytes(range.clone()), size, Stay, Nothing, &[Need::Preallocation, Need::Fallocate], Plain)
            }
            Command::Fpunch { range } => {
                let needs = &[Need::FreeableBlocks, Need::Fallocate];
                row(FALLOCATE, Bytes(range.clone()), Keeps, Move, Nothing, needs, Plain)
            }
            Command::Fzero { range, keep_size } => {
                let size = if *keep_size { Keeps } else { GrowsTo(range.end) };
                row(FALLOCATE, Bytes(range.clone()), size, Move, Nothing, &[Need::RangeModes], Plain)
            }
            Command::Fcollapse { range } =>
                row(FALLOCATE, Bytes(range.clone()), Loses(range.clone()), Move, Nothing, &[Need::RangeModes], Plain),
            Command::Finsert { range } =>
                row(FALLOCATE, Bytes(range.clone()), Gains(range.clone()), Move, Nothing, &[Need::RangeModes], Plain),

            // xfs_falloc_unshare_range raises the size; the path (`iomap/unshare.rs`) leaves it alone. So it may grow.
            Command::Funshare { range } =>
                row(FALLOCATE, Bytes(range.clone()), GrowsTo(range.end), Stay, Nothing, &[Need::SharedBlocks], Plain),
            Command::Reflink { source, from, range } => {
                let (touches, role) = (Copy(*from, range.clone()), SharesWith(*source));
                row(Some("reflink"), touches, GrowsTo(range.end), Move, Nothing, &[Need::SharedBlocks], role)
            }
            Command::Cowextsize { .. } => row(None, none, Keeps, Stay, Nothing, &[Need::SharedBlocks], Plain),

            Command::Shutdown { .. } | Command::Crash => row(None, none, Keeps, Stay, Nothing, &[Need::Recovery], Stops),
            Command::Fail { after } =>
                row(None, none, Keeps, Stay, Nothing, &[], announces(FaultKind::Fail, *after)),
            Command::Short { after } =>
                row(None, none, Keeps, Stay, Nothing, &[], announces(FaultKind::Short, *after)),
        }
    }

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
                after_bytes.push(fault.after);
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

    /// Whether device blocks may come to lie elsewhere in a file, or be free for others, by the command.
    pub fn moves_blocks(&self) -> bool {
        self.facts().blocks == Move
    }

    /// Through what the command reads or writes, if it is read(2) or write(2).
    pub fn io(&self) -> Option<Io> {
        if let Role::Io(io) = self.facts().role { Some(io) } else { None }
    }

    /// The file with which the command shares blocks, beside its own.
    pub fn shares_with(&self) -> Option<FileId> {
        if let SharesWith(file) = self.facts().role { Some(file) } else { None }
    }

    /// What the command says about the source of the next write.
    pub fn fault(&self) -> Option<Fault> {
        if let Announces(fault) = self.facts().role { Some(fault) } else { None }
    }

    /// Whether the file system stops, or loses its power, with the command.
    pub fn stops(&self) -> bool {
        self.facts().role == Stops
    }

    /// The pattern of the new data that the command puts into the file.
    pub fn pattern(&self) -> Option<u8> {
        self.facts().data.pattern()
    }

    /// Whether the command puts new data into the file.
    pub fn writes(&self) -> bool {
        self.facts().data != Nothing
    }

    /// Whether a device stores into pages of the file.
    pub fn pins_pages(&self) -> bool {
        matches!(self.facts().data, Pinned(_))
    }
}

/// A row: every column has to be given.
const fn row(
    call: Option<&'static str>,
    touches: Touches,
    size: SizeEffect,
    blocks: Blocks,
    data: Data,
    needs: &'static [Need],
    role: Role,
) -> Facts {
    Facts { call, touches, size, blocks, data, needs, role }
}

const fn announces(kind: FaultKind, after: u64) -> Role {
    Announces(Fault { kind, after })
}

/// The name of read(2) or write(2), by what it goes through.
const fn by_io(io: Io, buffered: &'static str, direct: &'static str) -> &'static str {
    match io {
        Io::Buffered => buffered,
        Io::Direct | Io::Aio => direct,
    }
}

/// What a file system must have for I/O.
const fn of_io(io: Io) -> &'static [Need] {
    match io {
        Io::Buffered => &[],
        Io::Direct | Io::Aio => &[Need::DirectIo],
    }
}
