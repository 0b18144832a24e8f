//! Logs of fsx.

use stalemap_model::words::command::{Command, Io};
use stalemap_model::words::config::FileCommand;
use stalemap_model::words::design::{Design, ZeroRange};
use stalemap_model::words::personality::Personality;

use crate::fsx::lists::{SOUND, beside, pread, pwrite};
use crate::fsx::plain::{Layout, PlainFiles, agrees, config};

/// The logs, each with its name.
const LOGS: &[(&str, &str)] = &[
    ("generic-363", include_str!("logs/generic-363")),
    ("generic-469", include_str!("logs/generic-469")),
    ("generic-469-sync", include_str!("logs/generic-469-sync")),
    ("generic-511", include_str!("logs/generic-511")),
    ("generic-511-blocks", include_str!("logs/generic-511-blocks")),
    ("copies", include_str!("logs/copies")),
    ("shifts", include_str!("logs/shifts")),
];

/// Reads a log of operations: `name offset length [destination] filesize [keep_size|close_open|unshare]`, one a line;
/// `#` starts a comment, and `skip` before an operation leaves it out. Every operation writes a pattern of its own.
///
/// One word is not fsx's: `pollute` stores into a range behind end of file, as fsx -e does before it changes the
/// size.
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
        if flags.iter().any(|flag| !["keep_size", "close_open", "unshare"].contains(flag)) {
            return Err(bad("an unknown flag"));
        }
        let keep_size = flags.contains(&"keep_size");
        let name = words[0].strip_suffix("_dontcache").unwrap_or(words[0]);
        let (start, length, to) = match (name, numbers.as_slice()) {
            ("fsync", _) => (0, 0, 0),
            ("clone_range" | "copy_range", [start, length, to, _]) => (*start, *length, *to),
            ("clone_range" | "copy_range", _) => return Err(bad("too few numbers")),
            (_, [start, length, ..]) => (*start, *length, 0),
            _ => return Err(bad("too few numbers")),
        };
        let range = start..start + length;
        let fill = commands.len() as u8 + 1;
        let operations = match name {
            "write" => vec![pwrite(range, fill, Io::Buffered)],
            "read" => vec![pread(range, Io::Buffered)],
            "mapread" => vec![Command::Mread { range }],
            "mapwrite" => {
                let grow = (range.end > size).then_some(Command::Truncate { size: range.end });
                grow.into_iter().chain([Command::Mwrite { range, fill }]).collect()
            }
            "pollute" => vec![Command::Mwrite { range, fill }],
            "truncate" => vec![Command::Truncate { size: length }],
            "fallocate" if flags.contains(&"unshare") => vec![Command::Funshare { range }],
            "fallocate" => vec![Command::Falloc { range, keep_size }],
            "punch_hole" => vec![Command::Fpunch { range }],
            "zero_range" => vec![Command::Fzero { range, keep_size }],
            "collapse_range" => vec![Command::Fcollapse { range }],
            "insert_range" => vec![Command::Finsert { range }],
            "clone_range" => vec![Command::Reflink { source: 0, from: start, range: to..to + length }],
            // What is copied arrives as data of its own.
            "copy_range" => vec![pread(range, Io::Buffered), pwrite(to..to + length, fill, Io::Buffered)],
            "fsync" => vec![Command::Fsync],
            "dedupe_range" | "exchange_range" | "write_atomic" => {
                return Err(bad("an operation that is not modelled"));
            }
            _ => return Err(bad("an unknown operation")),
        };
        size = operations.iter().fold(size, |size, command| command.size_after(size));
        commands.extend(operations);
    }
    Ok(commands)
}

#[test]
fn logs_are_replayed() {
    for (name, log) in LOGS {
        let run = read_log(log).unwrap_or_else(|error| panic!("{name}: {error}"));
        let end = run.iter().map(Command::reach).max().unwrap().next_multiple_of(4096);
        let run: Vec<FileCommand> = run.into_iter().map(|command| FileCommand::new(0, command)).collect();
        let pollutes = log.contains("pollute");
        for (block, block_dirty) in [(4096, false), (2048, false), (2048, true)] {
            // Of the last page, only the block that the file ends in is zeroed when it grows (before 6.13).
            if pollutes && block < 4096 {
                continue;
            }
            for design in SOUND {
                let fs = Personality { block_dirty, ..Personality::built_in("xfs").unwrap() };
                let mut design = Design::built_in(design).unwrap();
                if pollutes {
                    // Up to 6.11 what lies over an unwritten extent is passed over, dirty or not.
                    design.zero_range = ZeroRange::FlushAndRemap;
                }
                let layout = Layout { block, folio: 4096, fs, design };
                let mut actors = vec![("fsx", run.clone())];
                actors.extend(beside(1, end));
                let complete = agrees(&config(&layout, 1, actors), PlainFiles::new(1, block), None)
                    .unwrap_or_else(|why| panic!("{name}, blocks of {block}: {why}"));
                assert!(complete);
            }
        }
    }
}

#[test]
fn bad_logs_are_refused() {
    for (log, message) in [
        ("write 0x0", "line 1: too few numbers in \"write 0x0\""),
        ("clone_range 0x0 0x1 0x0", "line 1: too few numbers in \"clone_range 0x0 0x1 0x0\""),
        ("\nfrobnicate 0x0 0x1 0x1", "line 2: an unknown operation in \"frobnicate 0x0 0x1 0x1\""),
        (
            "dedupe_range 0x0 0x1 0x1 0x1",
            "line 1: an operation that is not modelled in \"dedupe_range 0x0 0x1 0x1 0x1\"",
        ),
        ("write 0x0 0xz 0x0", "line 1: a bad number in \"write 0x0 0xz 0x0\""),
        ("write 0x0 0x1 0x0 sideways", "line 1: an unknown flag in \"write 0x0 0x1 0x0 sideways\""),
    ] {
        assert_eq!(read_log(log), Err(message.to_owned()));
    }
}
