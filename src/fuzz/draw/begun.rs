//! What files begin as: most of it can be changed by writeback, by a fault or by allocation.

use super::cast::Focus;
use super::ranges::Span;
use crate::fuzz::random::Random;
use crate::fuzz::recipe::{Call, Word};

/// States of a file, by weight.
const STATES: [(u64, State); 9] = [
    (6, State::Empty),
    (12, State::Hole),
    (16, State::Unwritten),
    (20, State::DirtyUnwritten),
    (7, State::Written),
    (6, State::Cached),
    (14, State::Delayed),
    (10, State::Short),
    (8, State::Half),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nothing.
    Empty,
    /// A size, and no block.
    Hole,
    /// Preallocated.
    Unwritten,
    /// Preallocated, and dirty in a part.
    DirtyUnwritten,
    /// On disk, and not cached.
    Written,
    /// On disk, and cached.
    Cached,
    /// Dirty, and not allocated.
    Delayed,
    /// Data that end before a hole.
    Short,
    /// Blocks of which the second half is preallocated.
    Half,
}

/// The commands for one file.
pub(super) fn alone(random: &mut Random, span: &Span, personality: &str, focus: Focus) -> Vec<Call> {
    if personality == "zonefs" {
        return fixed(random, span);
    }
    let preallocates = !matches!(personality, "xfs-zoned" | "gfs2-jdata");
    let settled = |state: &State| matches!(state, State::Written | State::Cached);
    let allowed = |state: &State| {
        (preallocates || !matches!(state, State::Unwritten | State::DirtyUnwritten | State::Half))
            && !(focus == Focus::Check && settled(state))
    };
    let state = random.weighted(&STATES, allowed).copied().unwrap_or(State::Empty);
    state.commands(random, span, 0)
}

/// The commands for a file that keeps its size.
fn fixed(random: &mut Random, span: &Span) -> Vec<Call> {
    let mut setup = vec![write(0, 0x30, 0, span.end)];
    if random.percent(70) {
        setup.push(Call::new(0, "fsync"));
    }
    if random.percent(40) {
        setup.push(Call::new(0, "fadvise -d").on(0, span.end));
    }
    setup
}

/// The commands for two files that share blocks; of the first one some may be copied already.
pub(super) fn shared(random: &mut Random, span: &Span) -> Vec<Call> {
    let mut setup = vec![write(0, 0x30, 0, span.end), Call::new(0, "fsync")];
    if random.percent(85) {
        let (start, length) = if random.percent(70) { (0, span.end) } else { span.blocks(random) };
        // What is behind end of file cannot be cloned to.
        if start > 0 {
            setup.push(Call::new(1, "truncate").then(Word::Place(start)));
        }
        let clone = Call::new(1, "reflink").then(Word::File(0)).then(Word::Place(start));
        setup.push(clone.on(start, length));
    } else {
        setup.push(write(1, 0x31, 0, span.end));
    }
    match random.below(4) {
        0 => setup.push(write_of(0, 0x32, span.bytes(random))),
        1 => {
            setup.push(write_of(0, 0x32, span.bytes(random)));
            setup.push(Call::new(0, "fsync"));
        }
        2 => setup.push(Call::new(0, "fadvise -d").on(0, span.end)),
        _ => {}
    }
    if random.percent(15) {
        let (start, length) = span.blocks(random);
        setup.push(Call::new(0, "fpunch").on(start, length));
    }
    setup
}

impl State {
    fn commands(self, random: &mut Random, span: &Span, file: usize) -> Vec<Call> {
        let all = |plain: &str| Call::new(file, plain).on(0, span.end);
        let truncate = Call::new(file, "truncate").then(Word::Place(span.end));
        let sync = Call::new(file, "fsync");
        match self {
            State::Empty => Vec::new(),
            State::Hole => vec![truncate],
            State::Unwritten => vec![all("falloc")],
            State::DirtyUnwritten => vec![all("falloc"), write_of(file, 0x30, span.bytes(random))],
            State::Written => vec![write(file, 0x30, 0, span.end), sync, all("fadvise -d")],
            State::Cached => vec![write(file, 0x30, 0, span.end), sync],
            State::Delayed => vec![write(file, 0x30, 0, span.end)],
            State::Short => {
                let mut setup = vec![write(file, 0x30, 0, span.size(random).max(512))];
                if random.percent(60) {
                    setup.push(sync);
                }
                if random.percent(50) {
                    setup.push(truncate);
                }
                setup
            }
            State::Half => {
                let mut setup = vec![write(file, 0x30, 0, span.folio)];
                if random.percent(50) {
                    setup.push(sync);
                }
                let keep = if random.percent(30) { "falloc -k" } else { "falloc" };
                setup.push(Call::new(file, keep).on(span.folio, span.end - span.folio));
                setup
            }
        }
    }
}

fn write(file: usize, byte: u8, start: u64, length: u64) -> Call {
    Call::new(file, &format!("pwrite -S 0x{byte:x} -b")).then(Word::Bytes(length)).on(start, length)
}

fn write_of(file: usize, byte: u8, (start, length): (u64, u64)) -> Call {
    write(file, byte, start, length)
}
