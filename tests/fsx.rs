//! The sequential truth: what one actor alone does to a file must leave what it would leave in a file of plain
//! bytes, whatever writeback and reclaim do meanwhile. Logs in the language of fsx (fsx --replay-ops, xfstests) are
//! replayed for it, and random lists of commands.

mod plain;

use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, TestRunner};
use stalemap_model::command::{Command, Io, Then};
use stalemap_model::fs::Personality;

use plain::{agrees, config};

/// The logs, each with its name.
const LOGS: &[(&str, &str)] = &[
    ("generic-469", include_str!("fsx_logs/generic-469")),
    ("generic-469-sync", include_str!("fsx_logs/generic-469-sync")),
    ("generic-511", include_str!("fsx_logs/generic-511")),
    ("shifts", include_str!("fsx_logs/shifts")),
];

/// Reads a log of operations: `name offset length filesize [keep_size|close_open|unshare]`, one a line; `#` starts
/// a comment, and `skip` before an operation leaves it out. Every operation writes a pattern of its own.
fn read_log(log: &str) -> Result<Vec<Command>, String> {
    let mut commands = Vec::new();
    let mut size = 0;
    let lines = log.lines().enumerate().map(|(n, line)| (n + 1, line.trim()));
    for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words[0] == "skip" {
            continue;
        }
        let bad = |what: &str| format!("line {number}: {what} in {line:?}");
        let numbers = words[1..].iter().map_while(|word| word.strip_prefix("0x"));
        let numbers: Result<Vec<u64>, _> = numbers.map(|digits| u64::from_str_radix(digits, 16)).collect();
        let numbers = numbers.map_err(|_| bad("a bad number"))?;
        let flags = &words[1 + numbers.len()..];
        if flags.iter().any(|flag| !["keep_size", "close_open"].contains(flag)) {
            return Err(bad("an unknown flag"));
        }
        let keep_size = flags.contains(&"keep_size");
        let (start, length) = match (words[0], numbers.as_slice()) {
            ("fsync", _) => (0, 0),
            (_, [start, length, ..]) => (*start, *length),
            _ => return Err(bad("too few numbers")),
        };
        let range = start..start + length;
        let fill = commands.len() as u8 + 1;
        let operations = match words[0] {
            "write" => vec![pwrite(range, fill)],
            "read" => vec![Command::Pread { range, chunk: length, io: Io::Buffered }],
            "mapread" => vec![Command::Mread { range }],
            "mapwrite" => {
                let grow = (range.end > size).then_some(Command::Truncate { size: range.end });
                grow.into_iter().chain([Command::Mwrite { range, fill }]).collect()
            }
            "truncate" => vec![Command::Truncate { size: length }],
            "fallocate" => vec![Command::Falloc { range, keep_size }],
            "punch_hole" => vec![Command::Fpunch { range }],
            "zero_range" => vec![Command::Fzero { range, keep_size }],
            "collapse_range" => vec![Command::Fcollapse { range }],
            "insert_range" => vec![Command::Finsert { range }],
            "fsync" => vec![Command::Fsync],
            _ => return Err(bad("an unknown operation")),
        };
        size = operations.iter().fold(size, |size, command| command.size_after(size));
        commands.extend(operations);
    }
    Ok(commands)
}

fn pwrite(range: std::ops::Range<u64>, fill: u8) -> Command {
    let chunk = range.end - range.start;
    Command::Pwrite { range, chunk, fill, then: Then::Nothing, io: Io::Buffered, nowait: false }
}

/// Writes back and reclaims beside whoever is tested.
fn beside(end: u64) -> Vec<(&'static str, Vec<Command>)> {
    let flush = Command::SyncRange { range: 0..end, before: false, write: true, after: false };
    vec![("flusher", vec![flush]), ("kswapd", vec![Command::Reclaim { range: 0..end }])]
}

fn xfs() -> Personality {
    Personality::built_in("xfs").unwrap()
}

#[test]
fn logs_are_replayed() {
    for (name, log) in LOGS {
        let run = read_log(log).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (block, block_dirty) in [(4096, false), (2048, false), (2048, true)] {
            let end = run.iter().map(Command::reach).max().unwrap().next_multiple_of(4096);
            let fs = Personality { block_dirty, ..xfs() };
            let config = config(block, 4096, &run, &beside(end), fs);
            let complete =
                agrees(&config, None).unwrap_or_else(|why| panic!("{name}, blocks of {block}: {why}"));
            assert!(complete);
        }
    }
}

#[test]
fn bad_logs_are_refused() {
    for (log, message) in [
        ("write 0x0", "line 1: too few numbers in \"write 0x0\""),
        ("\nfrobnicate 0x0 0x1 0x1", "line 2: an unknown operation in \"frobnicate 0x0 0x1 0x1\""),
        ("write 0x0 0xz 0x0", "line 1: a bad number in \"write 0x0 0xz 0x0\""),
        ("write 0x0 0x1 0x0 sideways", "line 1: an unknown flag in \"write 0x0 0x1 0x0 sideways\""),
    ] {
        assert_eq!(read_log(log), Err(message.to_owned()));
    }
}

/// One random command; offsets and lengths in half blocks of 4k.
fn any_command() -> impl Strategy<Value = Command> {
    let halves = (0_u64..4, 1_u64..=4).prop_map(|(start, length)| {
        let end = (start + length).min(4);
        start * 2048..end * 2048
    });
    let blocks = (0_u64..2).prop_map(|block| block * 4096..(block + 1) * 4096);
    let pages = prop_oneof![Just(0..4096_u64), Just(4096..8192), Just(0..8192)];
    prop_oneof![
        4 => halves.clone().prop_map(|range| pwrite(range, 0)),
        1 => halves.clone().prop_map(|range| Command::Pread {
            chunk: range.end - range.start,
            range,
            io: Io::Buffered,
        }),
        1 => halves.clone().prop_map(|range| Command::Mread { range }),
        3 => halves.clone().prop_map(|range| Command::Mwrite { range, fill: 0 }),
        3 => (0_u64..=4).prop_map(|half| Command::Truncate { size: half * 2048 }),
        2 => (halves.clone(), any::<bool>())
            .prop_map(|(range, keep_size)| Command::Falloc { range, keep_size }),
        2 => halves.clone().prop_map(|range| Command::Fpunch { range }),
        2 => (halves, any::<bool>()).prop_map(|(range, keep_size)| Command::Fzero { range, keep_size }),
        2 => blocks.clone().prop_map(|range| Command::Fcollapse { range }),
        2 => blocks.prop_map(|range| Command::Finsert { range }),
        1 => Just(Command::Fsync),
        1 => pages.clone().prop_map(|range| Command::SyncRange {
            range,
            before: true,
            write: true,
            after: true,
        }),
        1 => pages.prop_map(|range| Command::FadviseDontneed { range }),
        1 => Just(Command::Munmap),
    ]
}

/// Gives every write a pattern of its own, and cuts stores at end of file: what is stored behind it is anybody's.
fn as_run(commands: Vec<Command>) -> Vec<Command> {
    let mut size = 0;
    let mut run = Vec::new();
    for (n, command) in commands.into_iter().enumerate() {
        let fill = n as u8 + 1;
        let command = match command {
            Command::Pwrite { range, .. } => pwrite(range, fill),
            Command::Mwrite { range, .. } if range.start >= size => continue,
            Command::Mwrite { range, .. } => {
                Command::Mwrite { range: range.start..range.end.min(size), fill }
            }
            Command::Finsert { .. } if size > 4096 => continue,
            other => other,
        };
        size = command.size_after(size);
        run.push(command);
    }
    run
}

#[test]
fn random_commands_leave_what_they_would_leave_in_a_plain_file() {
    let mut runner = TestRunner::new_with_rng(
        ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let commands = proptest::collection::vec(any_command(), 1..9);
    let layouts = prop_oneof![Just((4096_u64, false)), Just((2048, false)), Just((2048, true))];
    runner
        .run(&(commands, layouts), |(commands, (block, block_dirty))| {
            let run = as_run(commands);
            let fs = Personality { block_dirty, ..xfs() };
            let config = config(block, 4096, &run, &beside(8192), fs);
            agrees(&config, Some(200_000)).map_err(TestCaseError::fail)?;
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

/// How many random lists: `STALEMAP_FSX_CASES`, or 64.
fn cases() -> u32 {
    std::env::var("STALEMAP_FSX_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64)
}
