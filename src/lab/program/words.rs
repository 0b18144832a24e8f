//! A command as xfs_io, or a scenario file, has it: what stands in comments of the program.

use std::fmt::Write as _;
use std::ops::Range;

use stalemap_model::words::command::{Command, FileId, Io, Then, Whence};
use stalemap_model::words::config::{FileCommand, labelled};
use stalemap_model::words::personality::Hooks;

use crate::lab::plan::Plan;

/// The line of a command, with its file in front where there are several.
pub(super) fn of(plan: &Plan, call: &FileCommand) -> String {
    if let Command::BufferStore { buffer, fill, .. } = &call.command {
        let name = plan.buffers.get(usize::from(*buffer)).map_or("buffer", String::as_str);
        return format!("[{name}] mwrite -S {fill:#04x}");
    }
    let label = plan.files.get(usize::from(call.file)).filter(|_| plan.files.len() > 1);
    labelled(label.map(String::as_str), line(plan, &call.command))
}

#[rustfmt::skip]
fn line(plan: &Plan, command: &Command) -> String {
    match command {
        Command::Pwrite { .. } => write(command),
        Command::Pread { range, chunk, io, dontcache } =>
            format!("{} -b {} {}", flagged(&format!("{}pread", before(*io)), &[(*dontcache, "-U")]), size(*chunk), words(range)),
        Command::BufferStore { range, fill, .. } | Command::Mwrite { range, fill } => filled("mwrite", *fill, range),
        Command::Dma { range, fill } => filled("@dma", *fill, range),
        Command::Layoutwrite { range, fill } => filled("@layoutwrite", *fill, range),
        Command::Seek { whence: Whence::Data, from } => format!("seek -d {}", size(*from)),
        Command::Seek { whence: Whence::Hole, from } => format!("seek -h {}", size(*from)),
        Command::Fiemap { range } => on("fiemap", range),
        Command::CopySparse => "@copy_sparse".to_owned(),
        Command::Wait => "@wait".to_owned(),
        Command::Mmap { range, writable: true } => on("mmap -rw", range),
        Command::Mmap { range, writable: false } => on("mmap -r", range),
        Command::Munmap => "munmap".to_owned(),
        Command::Mread { range } => on("mread", range),
        Command::Msync { range, wait: true } => on("msync -s", range),
        Command::Msync { range, wait: false } => on("msync -a", range),
        Command::MadviseDontneed { range } => on("madvise -d", range),
        Command::Fsync => "fsync".to_owned(),
        Command::Fdatasync => "fdatasync".to_owned(),
        Command::Sync => "sync".to_owned(),
        Command::Syncfs => "syncfs".to_owned(),
        Command::SyncRange { range, before, write, after } =>
            on(&flagged("sync_range", &[(*before, "-b"), (*write, "-w"), (*after, "-a")]), range),
        Command::Flusher => "@flusher".to_owned(),
        Command::FadviseDontneed { range } => on("fadvise -d", range),
        Command::Extension { extension, range } => on(extension.name(), range),
        Command::Redirty { range } => on("@redirty", range),
        Command::Relocate { range } => on("@relocate", range),
        Command::Truncate { size: to } => format!("truncate {}", size(*to)),
        Command::Falloc { range, keep_size } => on(&flagged("falloc", &[(*keep_size, "-k")]), range),
        Command::Fpunch { range } => on("fpunch", range),
        Command::Fzero { range, keep_size } => on(&flagged("fzero", &[(*keep_size, "-k")]), range),
        Command::Fcollapse { range } => on("fcollapse", range),
        Command::Finsert { range } => on("finsert", range),
        Command::Funshare { range } => on("funshare", range),
        Command::Reflink { source, from, range } =>
            format!("reflink {} {} {}", name(plan, *source), size(*from), words(range)),
        Command::Exchange { with, range } => on(&format!("@exchange {}", name(plan, *with)), range),
        Command::Layoutget { range } => on("@layoutget", range),
        Command::Layoutcommit => "@layoutcommit".to_owned(),
        Command::Layoutreturn => "@layoutreturn".to_owned(),
        Command::Cowextsize { size: to } => format!("cowextsize {}", size(*to)),
        Command::Chattr { hooks: Hooks::Jdata } => "chattr +j".to_owned(),
        Command::Chattr { hooks: Hooks::Nothing } => "chattr -j".to_owned(),
        Command::Shutdown { flush } => flagged("shutdown", &[(*flush, "-f")]),
        Command::Crash => "@crash".to_owned(),
        Command::Fail { after } => format!("@fail {}", size(*after)),
        Command::Short { after } => format!("@short {}", size(*after)),
        Command::Kill { after } => format!("@kill {}", size(*after)),
    }
}

/// What stands before a read or write.
fn before(io: Io) -> &'static str {
    match io {
        Io::Buffered => "",
        Io::Direct => "@direct ",
        Io::Aio => "@aio ",
    }
}

fn write(command: &Command) -> String {
    let Command::Pwrite { range, chunk, fill, then, io, nowait, dontcache, buffer } = command else {
        return String::new();
    };
    let options = [
        (*nowait, "-N"),
        (*dontcache, "-U"),
        (*then == Then::Fdatasync, "-w"),
        (*then == Then::Fsync, "-W"),
        (buffer.is_some(), "-i buffer"),
    ];
    let verb = flagged(&format!("{}pwrite", before(*io)), &options);
    format!("{verb} -S {fill:#04x} -b {} {}", size(*chunk), words(range))
}

fn flagged(verb: &str, options: &[(bool, &str)]) -> String {
    let mut line = verb.to_owned();
    for (_, option) in options.iter().filter(|(given, _)| *given) {
        let _ = write!(line, " {option}");
    }
    line
}

fn filled(verb: &str, fill: u8, range: &Range<u64>) -> String {
    format!("{verb} -S {fill:#04x} {}", words(range))
}

fn on(verb: &str, range: &Range<u64>) -> String {
    format!("{verb} {}", words(range))
}

/// Offset and length; a length of 0 reaches to end of file.
fn words(range: &Range<u64>) -> String {
    let length = if range.end == u64::MAX { 0 } else { range.end.saturating_sub(range.start) };
    format!("{} {}", size(range.start), size(length))
}

fn name(plan: &Plan, file: FileId) -> &str {
    plan.files.get(usize::from(file)).map_or("file", String::as_str)
}

/// Bytes as xfs_io takes them.
fn size(bytes: u64) -> String {
    if bytes > 0 && bytes.is_multiple_of(1024) { format!("{}k", bytes / 1024) } else { bytes.to_string() }
}
