//! What the model predicts of the calls: what reads, loads and searches gave, and which calls failed. It is read off the events
//! of a replay.
//!
//! A command of a scenario may be several calls, and a read come in pieces: they are put together, as the task that makes them
//! would find them. What fiemap gave is left out.

use std::ops::Range;

use stalemap_explore::{Played, Replay};
use stalemap_facade::{Event, Returned, Role};
use stalemap_model::state::event::{DataEvent, Given, KernelEvent, What};
use stalemap_model::words::cell_contents::{CellContents, Garbage};

use super::plan::{Answer, Call, Contents, Part, Value};

/// The calls of the tasks that have returned before the step at `cut`, in the order of the tasks and their commands.
pub(super) fn calls(replay: &Replay, cut: usize) -> Vec<Call> {
    let mut calls: Vec<Begun> = Vec::new();
    let main = |played: &&Played| replay.actors[played.actor].role == Role::Main;
    for played in replay.played[..cut].iter().filter(main) {
        let (Some(task), Some(command)) = (played.actor.checked_sub(1), played.command) else { continue };
        for event in played.events.iter().filter_map(Event::of::<KernelEvent>) {
            hear(&mut calls, (task, command), &event.what);
        }
    }
    calls.retain(|call| call.has_returned);
    let mut calls: Vec<Call> = calls.into_iter().map(|Begun { call, .. }| call).collect();
    calls.sort_by_key(|call| (call.task, call.command));
    calls
}

/// A command that has begun.
struct Begun {
    call: Call,
    /// Whether a call of it has returned.
    has_returned: bool,
}

/// What an event says of a command's calls.
fn hear(calls: &mut Vec<Begun>, (task, command): (usize, usize), what: &What) {
    match what {
        What::Data(DataEvent::Read(given) | DataEvent::Loaded(given)) => {
            give(&mut begun(calls, task, command).call.gave, given);
        }
        What::Data(DataEvent::Sought { found, .. }) => {
            begun(calls, task, command).call.gave.push(Answer::Place(*found));
        }
        What::Returned(_, returned) => {
            let begun = begun(calls, task, command);
            begun.has_returned = true;
            begun.call.failed |= *returned == Returned::Error;
        }
        _ => {}
    }
}

/// The command of a task, which may begin here.
fn begun(calls: &mut Vec<Begun>, task: usize, command: usize) -> &mut Begun {
    let found = calls.iter().position(|begun| begun.call.task == task && begun.call.command == command);
    let at = found.unwrap_or_else(|| {
        let call = Call { task, command, gave: Vec::new(), failed: false };
        calls.push(Begun { call, has_returned: false });
        calls.len() - 1
    });
    &mut calls[at]
}

/// A piece of a read, beside those that it borders on.
fn give(gave: &mut Vec<Answer>, given: &Given) {
    let parts = parts(given);
    match gave.last_mut() {
        Some(Answer::Bytes(before)) => {
            before.parts.extend(parts);
            before.parts.sort_by_key(|part| part.bytes.start);
            *before = joined(std::mem::take(&mut before.parts));
        }
        _ => gave.push(Answer::Bytes(joined(parts))),
    }
}

fn parts(given: &Given) -> Vec<Part> {
    let part = |(bytes, contents): &(Range<u64>, CellContents)| Part {
        bytes: bytes.clone(),
        value: value(contents),
    };
    given.cells.iter().map(part).collect()
}

/// What a plan has for the contents of a cell.
pub(super) fn value(contents: &CellContents) -> Value {
    match contents {
        CellContents::Nothing | CellContents::Garbage(Garbage::Metadata) => Value::Unknown,
        CellContents::Zeros => Value::Byte(0),
        CellContents::Written(text) => {
            let digits = text.trim_start_matches("0x");
            u8::from_str_radix(digits, 16).map_or(Value::Unknown, Value::Byte)
        }
        CellContents::Garbage(Garbage::Device) => Value::Device,
        CellContents::Garbage(Garbage::Memory) => Value::Memory,
    }
}

/// Neighbours that contain the same are one.
fn joined(parts: Vec<Part>) -> Contents {
    let mut joined: Vec<Part> = Vec::new();
    for part in parts {
        match joined.last_mut() {
            Some(last) if last.value == part.value && last.bytes.end == part.bytes.start => {
                last.bytes.end = part.bytes.end;
            }
            _ => joined.push(part),
        }
    }
    Contents { parts: joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[(u64, &str)]) -> What {
        let cell = |&(from, byte): &(u64, &str)| (from..from + 2048, CellContents::Written(byte.to_owned()));
        let cells: Vec<_> = bytes.iter().map(cell).collect();
        let all = cells[0].0.start..cells[cells.len() - 1].0.end;
        What::Data(DataEvent::Read(Given { bytes: all, cells }))
    }

    #[test]
    fn the_pieces_of_a_read_are_one_answer() {
        let mut calls = Vec::new();
        for what in [
            written(&[(4096, "0x58"), (6144, "0x58")]),
            written(&[(0, "0x57"), (2048, "0x58")]),
            What::Returned(0, Returned::Success),
        ] {
            hear(&mut calls, (1, 0), &what);
        }
        let part = |bytes, byte| Part { bytes, value: Value::Byte(byte) };
        let read = Contents { parts: vec![part(0..2048, 0x57), part(2048..8192, 0x58)] };
        assert_eq!(calls[0].call.gave, [Answer::Bytes(read)]);
        assert!(!calls[0].call.failed && calls[0].has_returned && calls.len() == 1);
    }

    #[test]
    fn searches_stand_between_reads_and_errors_are_kept() {
        let mut calls = Vec::new();
        let sought = |found| {
            What::Data(DataEvent::Sought { whence: stalemap_model::words::command::Whence::Data, found })
        };
        for what in [sought(Some(0)), written(&[(0, "0x57")]), sought(None)] {
            hear(&mut calls, (0, 2), &what);
        }
        hear(&mut calls, (0, 3), &What::Returned(3, Returned::Error));
        assert_eq!(calls[0].call.gave.len(), 3);
        assert_eq!((calls[0].has_returned, calls[1].call.failed), (false, true));
    }
}
