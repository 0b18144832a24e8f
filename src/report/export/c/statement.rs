//! A command as statements of C, in the functions of `lab/program/`.

use std::ops::Range;

use stalemap_model::words::command::{Command, Io, Then, Whence};
use stalemap_model::words::config::FileCommand;
use stalemap_model::words::personality::Hooks;

use super::text::number;
use crate::lab::plan::Plan;

/// Where a command stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the setup, whose writes go folio by folio.
    Setup,
    /// In a task.
    Task,
}

/// The name of the file that a device reads for `@dma` of this byte.
pub(super) fn pattern(byte: u8) -> String {
    format!(".pattern-{byte:02x}")
}

/// The statements of a command.
pub(super) fn of(plan: &Plan, call: &FileCommand, place: Place) -> Vec<String> {
    let file = usize::from(call.file);
    let fd = format!("files[{file}].fd");
    let one = |statement: String| vec![statement];
    match &call.command {
        Command::Pwrite { .. } => write(plan, call, place),
        Command::Pread { .. } => one(read(call)),
        Command::BufferStore { buffer, range, fill } => one(format!(
            "store_into_buffer(&buffers[{buffer}], {}, {}, {fill:#04x});",
            number(range.start.saturating_sub(buffer_start(plan, *buffer))),
            length(range),
        )),
        Command::Seek { whence, from } => {
            let whence = if *whence == Whence::Data { "SEEK_DATA" } else { "SEEK_HOLE" };
            one(format!("search(task, {fd}, {whence}, {});", number(*from)))
        }
        Command::Fiemap { range } if range.end == u64::MAX => {
            one(format!("map_extents(task, {fd}, {}, FIEMAP_MAX_OFFSET);", number(range.start)))
        }
        Command::Fiemap { range } => one(format!("map_extents(task, {fd}, {});", bytes(range))),
        Command::CopySparse => one(format!("copy_sparse(task, {fd});")),
        Command::Wait => one("wait_for_submitted(task);".to_owned()),
        Command::Fsync => one(format!("sync_file(task, {fd}, 0);")),
        Command::Fdatasync => one(format!("sync_file(task, {fd}, 1);")),
        Command::SyncRange { range, before, write, after } => {
            one(format!("sync_part(task, {fd}, {}, {});", bytes(range), sync_flags(*before, *write, *after)))
        }
        Command::FadviseDontneed { range } => one(format!("advise_away(task, {fd}, {});", bytes(range))),
        // All that there are go over the folios of a range and drop what is clean.
        Command::Extension { range, .. } => one(format!("reclaim(task, {fd}, {});", bytes(range))),
        Command::Fail { after } => one(format!("fault_after(task, ENDS, {});", number(*after))),
        Command::Short { after } => one(format!("fault_after(task, NOT_RESIDENT, {});", number(*after))),
        // The turn `Crash` does it: in the model, too, calls go on after the place where they stand.
        Command::Crash | Command::Shutdown { .. } => one("/* whenever the turns say so */;".to_owned()),
        Command::Mmap { .. }
        | Command::Munmap
        | Command::Mread { .. }
        | Command::Mwrite { .. }
        | Command::Dma { .. }
        | Command::Msync { .. }
        | Command::MadviseDontneed { .. }
        | Command::Redirty { .. } => one(mapped(&call.command, file, &fd)),
        Command::Truncate { .. }
        | Command::Falloc { .. }
        | Command::Fpunch { .. }
        | Command::Fzero { .. }
        | Command::Fcollapse { .. }
        | Command::Finsert { .. }
        | Command::Funshare { .. }
        | Command::Reflink { .. }
        | Command::Exchange { .. }
        | Command::Cowextsize { .. }
        | Command::Chattr { .. } => one(space(&call.command, &fd)),
        // There is no program of a plan that has one of these.
        Command::Kill { .. }
        | Command::Relocate { .. }
        | Command::Layoutget { .. }
        | Command::Layoutwrite { .. }
        | Command::Layoutcommit
        | Command::Layoutreturn => Vec::new(),
    }
}

/// Commands of mapped memory.
fn mapped(command: &Command, file: usize, fd: &str) -> String {
    match command {
        Command::Mmap { range, writable } => {
            let protection = if *writable { "PROT_READ | PROT_WRITE" } else { "PROT_READ" };
            format!("map_file(task, {file}, {fd}, {}, {protection});", bytes(range))
        }
        Command::Munmap => format!("end_map(task, {file});"),
        Command::Mread { range } => format!("load_mapped(task, {file}, {});", bytes(range)),
        Command::Mwrite { range, fill } => {
            format!("store_mapped(task, {file}, {}, {fill:#04x});", bytes(range))
        }
        Command::Dma { range, fill } => {
            format!("store_by_device(task, {file}, \"{}\", {});", pattern(*fill), bytes(range))
        }
        Command::Msync { range, wait } => {
            let flags = if *wait { "MS_SYNC" } else { "MS_ASYNC" };
            format!("sync_mapped(task, {file}, {}, {flags});", bytes(range))
        }
        Command::MadviseDontneed { range } => format!("forget_mapped(task, {file}, {});", bytes(range)),
        Command::Redirty { range } => format!("dirty_again(task, {fd}, {});", bytes(range)),
        _ => String::new(),
    }
}

/// Commands of size and blocks.
fn space(command: &Command, fd: &str) -> String {
    let falloc =
        |mode: &str, range: &Range<u64>| format!("change_space(task, {fd}, {mode}, {});", bytes(range));
    match command {
        Command::Truncate { size } => format!("resize(task, {fd}, {});", number(*size)),
        Command::Falloc { range, keep_size: false } => falloc("0", range),
        Command::Falloc { range, keep_size: true } => falloc("FALLOC_FL_KEEP_SIZE", range),
        Command::Fpunch { range } => falloc("FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE", range),
        Command::Fzero { range, keep_size: false } => falloc("FALLOC_FL_ZERO_RANGE", range),
        Command::Fzero { range, keep_size: true } => {
            falloc("FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE", range)
        }
        Command::Fcollapse { range } => falloc("FALLOC_FL_COLLAPSE_RANGE", range),
        Command::Finsert { range } => falloc("FALLOC_FL_INSERT_RANGE", range),
        Command::Funshare { range } => falloc("FALLOC_FL_UNSHARE_RANGE", range),
        Command::Reflink { source, from, range } => {
            format!("share_blocks(task, {fd}, files[{source}].fd, {}, {});", number(*from), bytes(range))
        }
        Command::Exchange { with, range } => {
            format!("exchange_range(task, {fd}, files[{with}].fd, {});", bytes(range))
        }
        Command::Cowextsize { size } => format!("set_copy_hint(task, {fd}, {});", number(*size)),
        Command::Chattr { hooks } => {
            format!("journal_data(task, {fd}, {});", i32::from(*hooks == Hooks::Jdata))
        }
        _ => String::new(),
    }
}

fn write(plan: &Plan, call: &FileCommand, place: Place) -> Vec<String> {
    let Command::Pwrite { range, chunk, fill, then, io, nowait, dontcache, buffer } = &call.command else {
        return Vec::new();
    };
    let file = usize::from(call.file);
    let fd = descriptor(file, *io);
    let flags = match (nowait, dontcache) {
        (false, false) => "0",
        (true, false) => "RWF_NOWAIT",
        (false, true) => "RWF_DONTCACHE",
        (true, true) => "RWF_NOWAIT | RWF_DONTCACHE",
    };
    // A write of several calls has the same pattern in each.
    let chunk = number((*chunk).min(range.end - range.start));
    let at = number(range.start);
    let bytes = bytes(range);
    let mut lines = vec![match (buffer, io) {
        (Some(buffer), Io::Aio) => format!("submit_buffer(task, {fd}, &buffers[{buffer}], {at});"),
        (Some(buffer), _) => {
            format!("write_from_buffer(task, {fd}, &buffers[{buffer}], {at}, {chunk}, {flags});")
        }
        (None, Io::Aio) => format!("submit_io(task, {fd}, 1, {bytes}, {chunk}, {fill:#04x});"),
        (None, Io::Buffered) if place == Place::Setup && flags == "0" && spans_folios(plan, range) => {
            format!("write_by_folios(task, {fd}, {bytes}, {fill:#04x});")
        }
        (None, _) => format!("write_file(task, {fd}, {bytes}, {chunk}, {fill:#04x}, {flags});"),
    }];
    match then {
        Then::Nothing => {}
        Then::Fdatasync => lines.push(format!("sync_file(task, {fd}, 1);")),
        Then::Fsync => lines.push(format!("sync_file(task, {fd}, 0);")),
    }
    lines
}

/// Whether a range has parts of several folios.
fn spans_folios(plan: &Plan, range: &Range<u64>) -> bool {
    range.end > range.start && range.start / plan.folio != (range.end - 1) / plan.folio
}

fn read(call: &FileCommand) -> String {
    let Command::Pread { range, chunk, io, dontcache } = &call.command else { return String::new() };
    let fd = descriptor(usize::from(call.file), *io);
    let chunk = number((*chunk).min(range.end - range.start));
    if *io == Io::Aio {
        return format!("submit_io(task, {fd}, 0, {}, {chunk}, 0);", bytes(range));
    }
    let flags = if *dontcache { "RWF_DONTCACHE" } else { "0" };
    format!("read_file(task, {fd}, {}, {chunk}, {flags});", bytes(range))
}

fn descriptor(file: usize, io: Io) -> String {
    match io {
        Io::Buffered => format!("files[{file}].fd"),
        Io::Direct | Io::Aio => format!("files[{file}].direct"),
    }
}

/// Where in its file the write begins that takes its data from a buffer.
fn buffer_start(plan: &Plan, buffer: u8) -> u64 {
    let calls = plan.setup.iter().chain(plan.tasks.iter().flat_map(|task| &task.run));
    let mut starts = calls.filter_map(|call| match &call.command {
        Command::Pwrite { buffer: Some(of), range, .. } if *of == buffer => Some(range.start),
        _ => None,
    });
    starts.next().unwrap_or(0)
}

fn sync_flags(before: bool, write: bool, after: bool) -> String {
    let given = [
        (before, "SYNC_FILE_RANGE_WAIT_BEFORE"),
        (write, "SYNC_FILE_RANGE_WRITE"),
        (after, "SYNC_FILE_RANGE_WAIT_AFTER"),
    ];
    let names: Vec<&str> = given.iter().filter(|(given, _)| *given).map(|(_, name)| *name).collect();
    if names.is_empty() { "0".to_owned() } else { names.join(" | ") }
}

/// Offset and length.
fn bytes(range: &Range<u64>) -> String {
    format!("{}, {}", number(range.start), length(range))
}

/// A length of 0 reaches to end of file.
fn length(range: &Range<u64>) -> String {
    number(if range.end == u64::MAX { 0 } else { range.end.saturating_sub(range.start) })
}
