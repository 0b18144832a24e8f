//! What actors do, by what it is for in a race.

use super::cast::{Cast, On, Through};
use crate::fuzz::recipe::{Call, Word};

/// What a command is there for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// It writes several folios in one call, with one mapping as far as that reaches.
    HoldsLong,
    /// It changes extents without a lock that a write holds.
    ChangesUnder,
    /// It holds a mapping for a while.
    Maps,
    /// It changes extents or the size.
    Changes,
    /// It writes back or drops what is cached.
    Cleans,
}

/// What an actor has done so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Before {
    /// Direct I/O that it does not wait for.
    pub(super) submitted: bool,
    /// The signal that ends it.
    pub(super) killed: bool,
    /// The file that it has a mapping of.
    mapped: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Do {
    LongWrite,
    Write,
    Append,
    Fault,
    Store,
    Load,
    Read,
    DirectWrite,
    DirectRead,
    AioWrite,
    AioRead,
    WriteBack,
    Seek,
    CopySparse,
    Fiemap,
    Unshare,
    Zero,
    Truncate,
    Punch,
    Preallocate,
    Collapse,
    Insert,
    Clone,
    Exchange,
    Relocate,
    Sync,
    Wait,
    Reclaim,
    Forget,
    Redirty,
    MsyncRange,
}

/// What holds a mapping over several folios, by weight.
const HOLDS_LONG: [(u64, Do); 3] = [(80, Do::LongWrite), (10, Do::Unshare), (10, Do::Zero)];

/// What changes extents without i_rwsem, by weight.
const CHANGES_UNDER: [(u64, Do); 3] = [(62, Do::WriteBack), (28, Do::Store), (10, Do::Relocate)];

/// What holds mappings, by weight.
const MAPS: [(u64, Do); 14] = [
    (46, Do::Write),
    (6, Do::Append),
    (6, Do::Fault),
    (10, Do::Store),
    (6, Do::Read),
    (9, Do::DirectWrite),
    (5, Do::DirectRead),
    (6, Do::AioWrite),
    (2, Do::AioRead),
    (12, Do::WriteBack),
    (3, Do::Seek),
    (1, Do::CopySparse),
    (4, Do::Unshare),
    (6, Do::Zero),
];

/// What changes extents, by weight.
const CHANGES: [(u64, Do); 15] = [
    (40, Do::WriteBack),
    (10, Do::Truncate),
    (9, Do::Punch),
    (6, Do::Zero),
    (4, Do::Preallocate),
    (4, Do::Collapse),
    (3, Do::Insert),
    (12, Do::Clone),
    (5, Do::Exchange),
    (9, Do::DirectWrite),
    (6, Do::AioWrite),
    (8, Do::Write),
    (8, Do::Store),
    (3, Do::Append),
    (3, Do::Relocate),
];

/// What cleans, by weight.
const CLEANS: [(u64, Do); 9] = [
    (34, Do::WriteBack),
    (28, Do::Reclaim),
    (8, Do::Sync),
    (5, Do::Wait),
    (7, Do::Forget),
    (4, Do::Redirty),
    (6, Do::Load),
    (3, Do::MsyncRange),
    (2, Do::Fiemap),
];

/// Whether what a crash leaves is modelled.
pub(super) fn can_crash(on: On) -> bool {
    matches!(on.personality, "xfs" | "gfs2" | "xfs-zoned" | "zonefs")
}

/// Draws a command, with what it needs before it.
pub(super) fn drawn(cast: &mut Cast, kind: Kind, file: usize, before: &mut Before) -> Vec<Call> {
    let table: &[(u64, Do)] = match kind {
        Kind::HoldsLong => &HOLDS_LONG,
        Kind::ChangesUnder => &CHANGES_UNDER,
        Kind::Maps => &MAPS,
        Kind::Changes => &CHANGES,
        Kind::Cleans => &CLEANS,
    };
    let (on, many, through, exchanges) = (cast.on, cast.files, cast.through, cast.exchanges);
    let allowed = |it: &Do| it.is_on(on, many) && it.goes(through) && (exchanges || *it != Do::Exchange);
    let drawn = cast.random.weighted(table, allowed).copied();
    drawn.map_or_else(Vec::new, |it| it.calls(cast, file, before))
}

impl Do {
    /// Whether a file system has it.
    fn is_on(self, on: On, files: usize) -> bool {
        let xfs = on.personality == "xfs";
        let ext4 = on.personality == "ext4-iomap";
        let jdata = on.personality == "gfs2-jdata";
        let fixed = on.personality == "zonefs";
        let zoned = on.personality == "xfs-zoned";
        match self {
            Do::Clone | Do::Exchange => xfs && files > 1,
            Do::Unshare => xfs,
            Do::Zero | Do::Collapse | Do::Insert => xfs || ext4 || zoned,
            Do::Preallocate => xfs || ext4 || on.personality == "gfs2",
            Do::DirectWrite | Do::DirectRead | Do::AioWrite | Do::AioRead => !jdata,
            Do::Truncate | Do::Append | Do::Fiemap | Do::Seek | Do::CopySparse => !fixed,
            Do::Punch => !fixed && !jdata,
            Do::Relocate => zoned,
            Do::Redirty => xfs || zoned,
            _ => true,
        }
    }

    /// Whether it has to do with what goes through the page cache or the device.
    fn goes(self, through: Through) -> bool {
        let direct = matches!(self, Do::DirectWrite | Do::DirectRead | Do::AioWrite | Do::AioRead);
        let cached = matches!(self, Do::Write | Do::Append | Do::Fault | Do::Store);
        match through {
            Through::Cache => !direct,
            Through::Device => !cached,
            Through::Both => true,
        }
    }

    /// The commands.
    fn calls(self, cast: &mut Cast, file: usize, before: &mut Before) -> Vec<Call> {
        let span = cast.span;
        let (random, call) = (&mut cast.random, |plain: &str| Call::new(file, plain));
        let on = |call: Call, (start, length): (u64, u64)| call.on(start, length);
        match self {
            Do::LongWrite | Do::Write | Do::Append | Do::DirectWrite | Do::AioWrite => {
                self.writes(cast, file, before)
            }
            Do::Fault | Do::Store | Do::Load => self.through_mapping(cast, file, before),
            Do::Read | Do::DirectRead | Do::AioRead => self.reads(cast, file, before),
            Do::Clone | Do::Exchange => self.of_two(cast, file),
            Do::WriteBack => {
                let plain =
                    *random.one(&["sync_range -w", "sync_range -w", "sync_range -w", "sync_range -w -a"]);
                vec![on(call(plain), span.folios(random))]
            }
            Do::Seek => {
                let plain = *random.one(&["seek -d", "seek -h"]);
                vec![call(plain).then(Word::Place(span.blocks(random).0))]
            }
            Do::CopySparse => vec![call("@copy_sparse")],
            Do::Fiemap => vec![on(call("fiemap"), span.blocks(random))],
            Do::Unshare => vec![on(call("funshare"), span.blocks(random))],
            Do::Zero => {
                let plain = *random.one(&["fzero", "fzero -k"]);
                vec![on(call(plain), span.bytes(random))]
            }
            Do::Truncate => vec![call("truncate").then(Word::Place(span.size(random)))],
            Do::Punch => vec![on(call("fpunch"), span.bytes(random))],
            Do::Preallocate => {
                let plain = *random.one(&["falloc", "falloc -k"]);
                vec![on(call(plain), span.bytes(random))]
            }
            Do::Collapse => vec![on(call("@may_fail fcollapse"), span.blocks(random))],
            Do::Insert => vec![on(call("@may_fail finsert"), span.blocks(random))],
            Do::Relocate => vec![on(call("@relocate"), span.blocks(random))],
            Do::Sync => {
                let plain = *random.one(&["fsync", "fdatasync"]);
                vec![call(plain)]
            }
            Do::Wait => vec![on(call("sync_range -a"), span.folios(random))],
            Do::Reclaim => vec![on(call("@reclaim"), span.folios(random))],
            Do::Forget => vec![on(call("fadvise -d"), span.folios(random))],
            Do::Redirty => vec![on(call("@redirty"), span.folios(random))],
            Do::MsyncRange => vec![on(call("sync_range -b -w -a"), span.folios(random))],
        }
    }

    fn writes(self, cast: &mut Cast, file: usize, before: &mut Before) -> Vec<Call> {
        let byte = cast.fill();
        let (span, random) = (cast.span, &mut cast.random);
        let fixed = cast.on.personality == "zonefs";
        let (mut start, length) = match self {
            Do::LongWrite => span.most(random),
            // zonefs refuses less.
            Do::DirectWrite | Do::AioWrite if fixed => span.blocks(random),
            _ => span.long(random),
        };
        if self == Do::Append {
            start = span.size(random);
        }
        let prefix = match self {
            Do::DirectWrite => "@direct ",
            Do::AioWrite => "@aio ",
            _ => "",
        };
        before.submitted |= self == Do::AioWrite;
        // Several calls of a folio each, or one.
        let chunk = if self == Do::LongWrite || random.percent(80) { length } else { span.folio.min(length) };
        let length = if fixed { length.min(span.end - start) } else { length };
        let write =
            Call::new(file, &format!("{prefix}pwrite -S {byte} -b")).then(Word::Bytes(chunk.min(length)));
        let write = write.on(start, length);
        if prefix.is_empty() && random.percent(14) {
            // Who is killed cannot wait for what it has submitted.
            let faults =
                &["@fail", "@fail", "@short", "@short", "@kill"][..if before.submitted { 4 } else { 5 }];
            let fault = *random.one(faults);
            before.killed = fault == "@kill";
            let after = random.below(length / 512) * 512;
            return vec![Call::new(file, fault).then(Word::Bytes(after)), write];
        }
        vec![write]
    }

    fn reads(self, cast: &mut Cast, file: usize, before: &mut Before) -> Vec<Call> {
        let (span, random) = (cast.span, &mut cast.random);
        let whole = cast.on.personality == "zonefs" && matches!(self, Do::DirectRead | Do::AioRead);
        let (start, length) = if whole { span.blocks(random) } else { span.bytes(random) };
        let plain = match self {
            Do::DirectRead => "@direct pread -b",
            Do::AioRead => "@aio pread -b",
            _ => "pread -b",
        };
        before.submitted |= self == Do::AioRead;
        vec![Call::new(file, plain).then(Word::Bytes(length)).on(start, length)]
    }

    fn through_mapping(self, cast: &mut Cast, file: usize, before: &mut Before) -> Vec<Call> {
        let byte = cast.fill();
        let (span, random) = (cast.span, &mut cast.random);
        // A mapping is made once.
        let mapped = before.mapped;
        let file = mapped.unwrap_or(file);
        before.mapped = Some(file);
        let map = Call::new(file, "mmap -rw").on(0, span.end);
        let (start, length) = span.bytes(random);
        let touch = match self {
            Do::Load => Call::new(file, "@may_fail mread"),
            _ => Call::new(file, &format!("@may_fail mwrite -S {byte}")),
        };
        let touch = touch.on(start, length);
        if mapped.is_some() { vec![touch] } else { vec![map, touch] }
    }

    fn of_two(self, cast: &mut Cast, file: usize) -> Vec<Call> {
        let (span, random) = (cast.span, &mut cast.random);
        let other = 1 - file.min(1);
        let (start, length) = span.blocks(random);
        if self == Do::Exchange {
            return vec![Call::new(file, "@may_fail @exchange").then(Word::File(other)).on(start, length)];
        }
        let clone = Call::new(file, "@may_fail reflink").then(Word::File(other));
        vec![clone.then(Word::Place(start)).on(start, length)]
    }
}
