//! Random lists of commands on files of 8k.

use std::ops::Range;

use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, RngAlgorithm, TestRng, TestRunner};
use stalemap_model::actors::actor::Actor;
use stalemap_model::actors::kswapd::Kswapd;
use stalemap_model::words::command::{Command, Io, Then};
use stalemap_model::words::config::{Config, FileCommand};
use stalemap_model::words::design::{Check, Design, PageDone, WritebackCheck};
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::kernel_version::KernelVersion;
use stalemap_model::words::personality::{Allocate, Personality};
use stalemap_model::words::valid_size::ValidMoved;

use crate::fsx::plain::{Layout, PlainFiles};

/// The end of what the commands touch, unless an insertion moves it.
pub(crate) const END: u64 = 8192;

/// The designs that must not lose anything.
pub(crate) const SOUND: &[&str] = &["iomap_valid", "get_folio"];

/// The designs and kernels that must not lose anything on a file system. One that journals data needs its hook called
/// before the folio is unlocked, which is what patch 02 of the January 2023 series is for.
fn sound(fs: &str) -> Vec<Implementation> {
    let personality = personality(fs, 4096);
    let hooked =
        |it: &Implementation| it.design.page_done == PageDone::BeforeUnlock || !fs.starts_with("gfs2-jdata");
    let designs = SOUND.iter().filter_map(|name| Design::built_in(name));
    let designs = designs.map(|design| Implementation { design, fs: personality.clone() });
    // A kernel has the file system that is its own.
    let kernels = KernelVersion::ALL.iter().filter(|_| !personality.valid_size);
    let kernels = kernels.filter_map(|kernel| kernel.implementation(&personality));
    designs.chain(kernels).filter(hooked).collect()
}

/// Whether mappings may go stale without anybody looking: nothing may run beside a write then.
pub(crate) fn checks_nothing(layout: &Layout) -> bool {
    layout.fs.counter && layout.design.check == Check::Never
}

/// A write(2) of a range in one call.
pub(crate) fn pwrite(range: Range<u64>, fill: u8, io: Io) -> Command {
    let chunk = range.end - range.start;
    Command::Pwrite {
        range,
        chunk,
        fill,
        then: Then::Nothing,
        io,
        nowait: false,
        dontcache: false,
        buffer: None,
    }
}

/// A read(2) of a range in one call.
pub(crate) fn pread(range: Range<u64>, io: Io) -> Command {
    Command::Pread { chunk: range.end - range.start, range, io, dontcache: false }
}

/// What a list is about beside reads, writes and changes of the file through the page cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Theme {
    /// Nothing.
    Cached,
    /// Direct I/O.
    Direct,
    /// Two files that share blocks.
    Shared,
}

/// A file system by its name; with `-stuffed` files of gfs2 begin in their inodes, and those of `valid-size` have one, which writes
/// move while they have a folio locked, or later.
fn personality(fs: &str, block: u64) -> Personality {
    if let Some(when) = fs.strip_prefix("valid-size-") {
        let valid_moved = if when == "late" { ValidMoved::IomapEnd } else { ValidMoved::GetBlock };
        let allocate = Allocate::Written;
        let xfs = Personality::built_in("xfs").unwrap();
        return Personality { allocate, valid_size: true, valid_moved, ..xfs };
    }
    match fs.strip_suffix("-stuffed") {
        Some(fs) => Personality { stuffed: block as u16 - 512, ..Personality::built_in(fs).unwrap() },
        None => Personality::built_in(fs).unwrap(),
    }
}

/// The themes that a file system has.
pub(crate) fn themes(fs: &str) -> &'static [Theme] {
    match fs {
        "xfs" => &[Theme::Cached, Theme::Direct, Theme::Shared],
        "valid-size-locked" | "valid-size-late" | "ext4-iomap" | "gfs2" | "gfs2-stuffed" | "xfs-zoned"
        | "zonefs" => &[Theme::Cached, Theme::Direct],
        _ => &[Theme::Cached],
    }
}

/// A file system of this name, under a random sound design or a random kernel.
pub(crate) fn any_layout(fs: &'static str) -> impl Strategy<Value = Layout> {
    let sizes = prop_oneof![
        2 => Just((4096_u64, 4096_u64)),
        3 => Just((2048, 4096)),
        1 => Just((4096, 8192)),
    ];
    (proptest::sample::select(sound(fs)), sizes, any::<bool>()).prop_map(
        move |(Implementation { mut design, fs: personality }, (block, folio), block_dirty)| {
            // gfs2's own test of the range loses what is written into a hole (gfs2/t9-hole).
            if fs.starts_with("gfs2") {
                design.writeback_check = WritebackCheck::Always;
            }
            let stuffed = if fs.ends_with("-stuffed") { block as u16 - 512 } else { 0 };
            let personality = Personality { stuffed, ..personality };
            // Before 6.6 writeback takes every valid block of a dirty folio along, those that gfs2 frees after a write
            // that failed included (gfs2/freed-valid). Zoned files came after the dirty bits of blocks: a clean block
            // has no reservation to be written to.
            let out_of_place = personality.allocate == Allocate::OutOfPlace;
            let a_kernel = KernelVersion::from_name(&design.name).is_some();
            let block_dirty = if a_kernel { personality.block_dirty } else { block_dirty };
            let block_dirty = block_dirty || out_of_place || fs.starts_with("gfs2");
            let fs = Personality { block_dirty, ..personality };
            Layout { block, folio, fs, design }
        },
    )
}

/// One random command; offsets and lengths in eighths of the file, or in 512 bytes.
pub(crate) fn any_command() -> impl Strategy<Value = Command> {
    let range = |unit: u64| {
        let units = END / unit;
        (0..units, 1..=units).prop_map(move |(start, length)| {
            let end = (start + length).min(units);
            start * unit..end * unit
        })
    };
    let halves = || prop_oneof![4 => range(2048).boxed(), 1 => range(512).boxed()];
    let blocks = || (0_u64..2).prop_map(|block| block * 4096..(block + 1) * 4096);
    let pages = || prop_oneof![Just(0..4096_u64), Just(4096..8192), Just(0..8192)];
    let writes = prop_oneof![
        5 => halves().prop_map(|range| pwrite(range, 0, Io::Buffered)),
        2 => range(512).prop_map(|range| pwrite(range, 0, Io::Direct)),
        3 => halves().prop_map(|range| Command::Mwrite { range, fill: 0 }),
        1 => (0_u64..4).prop_map(|after| Command::Short { after: after * 1024 }),
        1 => (0_u64..4).prop_map(|after| Command::Fail { after: after * 1024 }),
    ];
    let reads = prop_oneof![
        halves().prop_map(|range| pread(range, Io::Buffered)),
        halves().prop_map(|range| pread(range, Io::Direct)),
        halves().prop_map(|range| Command::Mread { range }),
    ];
    let changes = prop_oneof![
        3 => halves().prop_map(|range| Command::Truncate { size: range.end }),
        1 => Just(Command::Truncate { size: 0 }),
        2 => (halves(), any::<bool>()).prop_map(|(range, keep_size)| Command::Falloc { range, keep_size }),
        2 => halves().prop_map(|range| Command::Fpunch { range }),
        2 => (halves(), any::<bool>()).prop_map(|(range, keep_size)| Command::Fzero { range, keep_size }),
        2 => blocks().prop_map(|range| Command::Fcollapse { range }),
        2 => blocks().prop_map(|range| Command::Finsert { range }),
        2 => (0_u8..2, range(4096), 0_u64..2).prop_map(|(source, range, from)| Command::Reflink {
            source,
            from: from * 4096,
            range,
        }),
        2 => (0_u8..2, range(4096)).prop_map(|(with, range)| Command::Exchange { with, range }),
        1 => halves().prop_map(|range| Command::Funshare { range }),
    ];
    let cache = prop_oneof![
        Just(Command::Fsync),
        pages().prop_map(|range| Command::SyncRange { range, before: true, write: true, after: true }),
        pages().prop_map(|range| Command::FadviseDontneed { range }),
        Just(Command::Munmap),
    ];
    prop_oneof![6 => writes, 2 => reads, 6 => changes, 2 => cache]
}

/// Random commands, each for one of two files.
pub(crate) fn any_list(most: usize) -> impl Strategy<Value = Vec<(u8, Command)>> {
    proptest::collection::vec((0_u8..2, any_command()), 1..=most)
}

/// Makes a list one that can be run: every write gets a pattern of its own, and what the file system, the theme or
/// the size of the file does not allow is left out. Stores are cut at end of file: what is stored behind it is
/// anybody's. `plain` knows the sizes.
pub(crate) fn as_run(
    layout: &Layout,
    theme: Theme,
    list: Vec<(u8, Command)>,
    plain: &mut PlainFiles,
) -> Vec<FileCommand> {
    let mut run: Vec<FileCommand> = Vec::new();
    let mut fault = None;
    for (file, command) in list {
        if command.refused_by(&layout.fs, layout.block).is_some() {
            continue;
        }
        let file = if theme == Theme::Shared { file } else { 0 };
        let size = plain.size(file);
        let pattern = run.len() as u8 + 1;
        let direct = |io| if theme == Theme::Direct { io } else { Io::Buffered };
        let command = match command {
            // A short copy loses the rest of the block there (zoned/short-copy).
            Command::Fail { .. } | Command::Short { .. } if layout.fs.is_out_of_place() => continue,
            // A write that fails leaves the gap before it in the file, and one whose copy is short goes on with a mapping of new
            // blocks that have been written.
            Command::Fail { .. } | Command::Short { .. } if layout.fs.valid_size => continue,
            Command::Fail { .. } | Command::Short { .. } => {
                fault = Some(command);
                continue;
            }
            Command::Pwrite { range, io, .. } => pwrite(range, pattern, direct(io)),
            Command::Pread { range, io, .. } => pread(range, direct(io)),
            Command::Mwrite { range, .. } if range.start >= size => continue,
            Command::Mwrite { range, .. } => {
                Command::Mwrite { range: range.start..range.end.min(size), fill: pattern }
            }
            Command::Finsert { .. } if size > 4096 => continue,
            Command::Reflink { .. } | Command::Exchange { .. } | Command::Funshare { .. }
                if theme != Theme::Shared =>
            {
                continue;
            }
            Command::Exchange { with, .. } if with == file => continue,
            // To the end of both files, if they end together.
            Command::Exchange { with, range } if size == plain.size(with) && range.start < size => {
                Command::Exchange { with, range: range.start..range.end.min(size) }
            }
            Command::Reflink { source, from, range } => {
                let length = range.end - range.start;
                let overlap = source == file && range.start < from + length && from < range.end;
                if overlap || from + length > plain.size(source) || range.start > size {
                    continue;
                }
                Command::Reflink { source, from, range }
            }
            other => other,
        };
        if let (Command::Pwrite { range, io: Io::Buffered, .. }, Some(fault)) = (&command, fault.take()) {
            let (Command::Fail { after } | Command::Short { after }) = fault else { continue };
            // A block that is written in part is valid before it is copied to: a copy that stops there shows what
            // nobody filled (xfs/f4-partial), or leaves a block that nobody wrote (gfs2/unaligned-start).
            let whole = plain.is_aligned(range);
            if whole && after < range.end - range.start {
                push(&mut run, plain, FileCommand::new(file, fault));
            }
        }
        push(&mut run, plain, FileCommand::new(file, command));
    }
    run
}

fn push(run: &mut Vec<FileCommand>, plain: &mut PlainFiles, call: FileCommand) {
    plain.run(&call);
    run.push(call);
}

/// Runs `test` on random values, the same ones every time.
pub(crate) fn check<S: Strategy>(few: u32, values: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let cases = std::env::var("STALEMAP_FSX_CASES").ok().and_then(|cases| cases.parse().ok());
    let config = ProptestConfig {
        cases: cases.unwrap_or(few),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng).run(values, test).unwrap_or_else(|error| panic!("{error}"));
}

/// A case that failed, with what was run: one command a line.
pub(crate) fn failed(why: &str, config: &Config) -> TestCaseError {
    let mut message = format!("{why}\nblock {}, folio {}", config.block, config.folio);
    for actor in &config.actors {
        for call in &actor.run {
            let line = format!("\n{} [{}] {:?}", actor.name, call.file, call.command);
            message.push_str(&line);
        }
    }
    TestCaseError::fail(message)
}

/// Writes back and reclaims every file, once.
pub(crate) fn beside(files: u8, end: u64) -> Vec<(&'static str, Vec<FileCommand>)> {
    let each =
        |command: Command| (0..files).map(|file| FileCommand::new(file, command.clone())).collect::<Vec<_>>();
    let flush = Command::SyncRange { range: 0..end, before: false, write: true, after: false };
    vec![("flusher", each(flush)), ("kswapd", each(Kswapd::COMMAND.on(0..end)))]
}
