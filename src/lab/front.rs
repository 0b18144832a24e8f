//! A race behind a full batch of dirty folios.
//!
//! Writeback looks dirty folios up in batches: 15 of them in 6.1 (`pagevec`), 31 since 6.12 (`folio_batch`). What changes a folio
//! after the look-up is met by the same pass only behind a batch that was full. A scenario of two folios cannot have that, so
//! it is planned for batches of one folio; on the kernel as many dirty folios are put in front that the first folio of the scenario is
//! the last one of a batch.

use stalemap_model::words::command::{Command, Io, Then};
use stalemap_model::words::config::FileCommand;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::settings::Setting;

use super::plan::{Answer, Call, Contents, Left, Part, Plan, Value};
use super::release::Release;

/// The byte that the folios in front contain.
const FRONT: u8 = 0x50;

/// The folios that writeback looks up at once.
const fn batch(release: Release) -> u64 {
    match release {
        Release::V6_1 => 15,
        Release::V6_12 | Release::V7_3 => 31,
    }
}

/// A kernel that looks up one folio at a time.
pub(super) fn one_by_one(mut kernel: Implementation) -> Implementation {
    // The field takes numbers from 1 on.
    let _ = kernel.set("writeback_batch", Setting::Number(1));
    kernel
}

/// The plan with its race moved behind what makes a batch full. None: a command cannot be moved.
pub(super) fn behind(plan: Plan, release: Release) -> Option<Plan> {
    let by = (batch(release) - 1) * plan.folio;
    let written_back = plan.tasks.iter().flat_map(|task| &task.run).find(|call| writes_back(&call.command));
    let file = written_back.map_or(0, |call| call.file);
    let moved = |calls: &[FileCommand]| -> Option<Vec<FileCommand>> {
        let each = calls.iter().map(|call| {
            // Other files stay as they are, but for what they share with this one.
            let command = moved(&call.command, by, plan.files.len() > 1)?;
            Some(FileCommand { command, ..call.clone() })
        });
        each.collect()
    };
    let mut setup = moved(&plan.setup)?;
    let mut setup_lines = plan.setup_lines.clone();
    setup.push(FileCommand::new(file, front(by)));
    setup_lines
        .push(format!("pwrite -S {FRONT:#04x} 0 {}k, so that a batch of writeback is full", by / 1024));
    let mut tasks = plan.tasks.clone();
    for task in &mut tasks {
        task.run = moved(&task.run)?;
    }
    let mut holds = plan.holds.clone();
    for hold in &mut holds {
        hold.folio = hold.folio.map(|(of, index)| (of, index + by / plan.folio));
    }
    let shift = |left: &Left| shifted(left, usize::from(file), by);
    let (predicted, predicted_control) = (shift(&plan.predicted), shift(&plan.predicted_control));
    let in_any_order = shift(&plan.in_any_order);
    let beside = plan.beside.as_ref().map(|(variant, left)| (*variant, shift(left)));
    Some(Plan {
        moved_up: by,
        setup,
        setup_lines,
        tasks,
        holds,
        predicted,
        predicted_control,
        in_any_order,
        beside,
        ..plan
    })
}

fn front(by: u64) -> Command {
    Command::Pwrite {
        range: 0..by,
        chunk: 4096,
        fill: FRONT,
        then: Then::Nothing,
        io: Io::Buffered,
        nowait: false,
        dontcache: false,
        buffer: None,
    }
}

fn writes_back(command: &Command) -> bool {
    command.facts().call.is_some_and(|call| ["writeback", "fsync(2)", "msync(2)"].contains(&call))
}

/// A command with its offsets moved up. One that covers the file from its beginning covers what is put in front, too.
fn moved(command: &Command, by: u64, several: bool) -> Option<Command> {
    let up = |range: &std::ops::Range<u64>| range.start + by..range.end.saturating_add(by);
    let mut command = command.clone();
    match &mut command {
        Command::Pwrite { range, .. }
        | Command::Pread { range, .. }
        | Command::Mmap { range, .. }
        | Command::Mread { range }
        | Command::Mwrite { range, .. }
        | Command::Falloc { range, .. }
        | Command::Fpunch { range }
        | Command::FadviseDontneed { range }
        | Command::Extension { range, .. } => *range = up(range),
        Command::SyncRange { range, .. } => {
            let start = if range.start == 0 { 0 } else { range.start + by };
            *range = start..range.end.saturating_add(by);
        }
        Command::Truncate { size } => *size += by,
        Command::Reflink { from, range, .. } => {
            if !several {
                return None;
            }
            *from += by;
            *range = up(range);
        }
        Command::Fsync
        | Command::Fdatasync
        | Command::Sync
        | Command::Syncfs
        | Command::Munmap
        | Command::Short { .. }
        | Command::Fail { .. } => {}
        Command::BufferStore { .. }
        | Command::Seek { .. }
        | Command::Fiemap { .. }
        | Command::CopySparse
        | Command::Wait
        | Command::Dma { .. }
        | Command::MadviseDontneed { .. }
        | Command::Msync { .. }
        | Command::Fzero { .. }
        | Command::Fcollapse { .. }
        | Command::Finsert { .. }
        | Command::Funshare { .. }
        | Command::Exchange { .. }
        | Command::Flusher
        | Command::Relocate { .. }
        | Command::Redirty { .. }
        | Command::Layoutget { .. }
        | Command::Layoutwrite { .. }
        | Command::Layoutcommit
        | Command::Layoutreturn
        | Command::Cowextsize { .. }
        | Command::Chattr { .. }
        | Command::Shutdown { .. }
        | Command::Crash
        | Command::Kill { .. } => return None,
    }
    Some(command)
}

/// What is left of the files, moved up: of the one that is written back behind the folios in front, of others behind a hole.
fn shifted(left: &Left, file: usize, by: u64) -> Left {
    let files = |files: &[Contents]| -> Vec<Contents> {
        let each = files.iter().enumerate();
        each.map(|(number, contents)| shifted_file(contents, if number == file { FRONT } else { 0 }, by))
            .collect()
    };
    let call = |call: &Call| Call {
        gave: call.gave.iter().map(|answer| shifted_answer(answer, by)).collect(),
        ..call.clone()
    };
    Left {
        calls: left.calls.iter().map(call).collect(),
        cached: left.cached.as_deref().map(files),
        stable: left.stable.as_deref().map(files),
        remounted: files(&left.remounted),
    }
}

fn shifted_file(contents: &Contents, front: u8, by: u64) -> Contents {
    let before = Part { bytes: 0..by, value: Value::Byte(front) };
    Contents { parts: std::iter::once(before).chain(shifted_parts(contents, by)).collect() }
}

fn shifted_parts(contents: &Contents, by: u64) -> impl Iterator<Item = Part> {
    let moved = move |part: &Part| Part { bytes: part.bytes.start + by..part.bytes.end + by, ..part.clone() };
    contents.parts.iter().map(moved)
}

/// What a call gave, moved up: reads are, and searches are in no plan that can be moved.
fn shifted_answer(answer: &Answer, by: u64) -> Answer {
    match answer {
        Answer::Bytes(contents) => Answer::Bytes(Contents { parts: shifted_parts(contents, by).collect() }),
        Answer::Place(found) => Answer::Place(found.map(|found| found + by)),
    }
}
