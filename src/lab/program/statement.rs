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

/// Bytes of which direct I/O moves whole ones.
const SECTOR: u64 = 512;

const RELOCATED: &str = "`@relocate`: no system call moves blocks, the file system does it when it wants to";
const FLUSHED: &str =
    "`@flusher`: no system call has the flusher write an inode, it does that when it wants to";
const HANDED_OUT: &str = "layouts: need a server and a client of pNFS";
const SECTORS: &str = "`@dma`: a direct read moves whole sectors of 512 bytes";

/// The statements of a command, or why it has none.
#[rustfmt::skip]
pub(super) fn of(plan: &Plan, call: &FileCommand, place: Place) -> Result<Vec<String>, &'static str> {
    let file = usize::from(call.file);
    let fd = format!("files[{file}].fd");
    let on = |function: &str, range: &Range<u64>| format!("{function}(task, {fd}, {});", bytes(range));
    let mapped = |function: &str, range: &Range<u64>| format!("{function}(task, {file}, {}", bytes(range));
    let space = |mode: &str, range: &Range<u64>| format!("change_space(task, {fd}, {mode}, {});", bytes(range));
    let statement = match &call.command {
        Command::Pwrite { .. } => return Ok(write(plan, call, place)),
        Command::Pread { .. } => read(call),
        Command::BufferStore { buffer, range, fill } => store(plan, *buffer, range, *fill),
        Command::Fail { after } => format!("fault_after(task, ENDS, {});", number(*after)),
        Command::Short { after } => format!("fault_after(task, NOT_RESIDENT, {});", number(*after)),
        Command::Kill { after } => format!("fault_after(task, DIES, {});", number(*after)),
        Command::Wait => "wait_for_submitted(task);".to_owned(),

        Command::Seek { whence: Whence::Data, from } => format!("search(task, {fd}, SEEK_DATA, {});", number(*from)),
        Command::Seek { whence: Whence::Hole, from } => format!("search(task, {fd}, SEEK_HOLE, {});", number(*from)),
        Command::Fiemap { range } => map_extents(&fd, range),
        Command::CopySparse => format!("copy_sparse(task, {fd});"),

        Command::Fsync => format!("sync_file(task, {fd}, 0);"),
        Command::Fdatasync => format!("sync_file(task, {fd}, 1);"),
        Command::Sync => "sync();".to_owned(),
        Command::Syncfs => format!("note_failure(task, \"syncfs\", syncfs({fd}));"),
        Command::SyncRange { range, before, write, after } =>
            format!("sync_part(task, {fd}, {}, {});", bytes(range), sync_flags(*before, *write, *after)),
        Command::FadviseDontneed { range } => on("advise_away", range),
        // All that there are go over the folios of a range and drop what is clean.
        Command::Extension { range, .. } => on("reclaim", range),
        Command::Redirty { range } => on("dirty_again", range),

        Command::Mmap { range, writable: true } => format!("map_file(task, {file}, {fd}, {}, PROT_READ | PROT_WRITE);", bytes(range)),
        Command::Mmap { range, writable: false } => format!("map_file(task, {file}, {fd}, {}, PROT_READ);", bytes(range)),
        Command::Munmap => format!("end_map(task, {file});"),
        Command::Mread { range } => format!("{});", mapped("load_mapped", range)),
        Command::Mwrite { range, fill } => format!("{}, {fill:#04x});", mapped("store_mapped", range)),
        Command::Dma { range, .. } if !is_of_sectors(range) => return Err(SECTORS),
        Command::Dma { range, fill } => format!("store_by_device(task, {file}, \"{}\", {});", pattern(*fill), bytes(range)),
        Command::Msync { range, wait: true } => format!("{}, MS_SYNC);", mapped("sync_mapped", range)),
        Command::Msync { range, wait: false } => format!("{}, MS_ASYNC);", mapped("sync_mapped", range)),
        Command::MadviseDontneed { range } => format!("{});", mapped("forget_mapped", range)),

        Command::Truncate { size } => format!("resize(task, {fd}, {});", number(*size)),
        Command::Falloc { range, keep_size: false } => space("0", range),
        Command::Falloc { range, keep_size: true } => space("FALLOC_FL_KEEP_SIZE", range),
        Command::Fpunch { range } => space("FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE", range),
        Command::Fzero { range, keep_size: false } => space("FALLOC_FL_ZERO_RANGE", range),
        Command::Fzero { range, keep_size: true } => space("FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE", range),
        Command::Fcollapse { range } => space("FALLOC_FL_COLLAPSE_RANGE", range),
        Command::Finsert { range } => space("FALLOC_FL_INSERT_RANGE", range),
        Command::Funshare { range } => space("FALLOC_FL_UNSHARE_RANGE", range),
        Command::Reflink { source, from, range } =>
            format!("share_blocks(task, {fd}, files[{source}].fd, {}, {});", number(*from), bytes(range)),
        Command::Exchange { with, range } => format!("exchange_range(task, {fd}, files[{with}].fd, {});", bytes(range)),
        Command::Cowextsize { size } => format!("set_copy_hint(task, {fd}, {});", number(*size)),
        Command::Chattr { hooks } => format!("journal_data(task, {fd}, {});", i32::from(*hooks == Hooks::Jdata)),

        // The turn `Crash` does it: in the model, too, calls go on after the place where they stand.
        Command::Crash | Command::Shutdown { .. } => "/* whenever the turns say so */;".to_owned(),
        Command::Flusher => return Err(FLUSHED),
        Command::Relocate { .. } => return Err(RELOCATED),
        Command::Layoutget { .. } | Command::Layoutwrite { .. } | Command::Layoutcommit | Command::Layoutreturn => return Err(HANDED_OUT),
    };
    Ok(vec![statement])
}

fn is_of_sectors(range: &Range<u64>) -> bool {
    range.start.is_multiple_of(SECTOR) && range.end.is_multiple_of(SECTOR)
}

/// The store of `[buffer] mwrite`: where in the memory, by what the write makes of it.
fn store(plan: &Plan, buffer: u8, range: &Range<u64>, fill: u8) -> String {
    let at = number(range.start.saturating_sub(buffer_start(plan, buffer)));
    format!("store_into_buffer(&buffers[{buffer}], {at}, {}, {fill:#04x});", length(range))
}

fn map_extents(fd: &str, range: &Range<u64>) -> String {
    let length = if range.end == u64::MAX { "FIEMAP_MAX_OFFSET".to_owned() } else { length(range) };
    format!("map_extents(task, {fd}, {}, {length});", number(range.start))
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
    let mut starts = calls.filter_map(|call| {
        let Command::Pwrite { buffer: Some(of), range, .. } = &call.command else { return None };
        (*of == buffer).then_some(range.start)
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
