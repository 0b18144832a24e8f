//! What the files should contain in the end: what the actors leave when they run one after the other, in any order, and what every run
//! leaves that loses nothing.

use std::ops::Range;

use stalemap_checker::{explore, replay, serial};
use stalemap_explore::{EngineError, Limits, Options, ReplayError, Schedule};
use stalemap_facade::{ActorId, Role, System};
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::config::{Config, FileCommand, FileRange};

/// The most actors of which every order is tried; of more, the order of the file and its reverse.
const MOST_ACTORS: usize = 5;

/// The most states that are settled to find out what runs may leave.
const MOST_STATES: u64 = 200_000;

/// The contents of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contents {
    /// Its name.
    pub name: String,
    /// The parts below end of file, in order.
    pub parts: Vec<Part>,
}

/// A part of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Its bytes.
    pub bytes: Range<u64>,
    /// The byte that it is filled with; `None` if that depends on the order of the actors.
    pub value: Option<u8>,
}

/// What the files of a scenario should contain. Either is `None` where that cannot be said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expected {
    /// What every serial order of the actors leaves, by file.
    pub serial: Option<Vec<Contents>>,
    /// What every run leaves that loses nothing, by file.
    pub every_run: Option<Vec<Contents>>,
}

impl Expected {
    /// Finds it out in runs under one system, and for every run under `others`, too: systems that lose nothing, or as little as any.
    pub fn of(config: &Config, others: &[Config]) -> Result<Self, EngineError> {
        let all: Vec<&Config> = [config].into_iter().chain(others).collect();
        Ok(Expected { serial: contents(config)?, every_run: in_every_run(&all)? })
    }
}

/// What every serial order of the actors leaves, by file. `None` if there is no such run: somebody waits for ever, power
/// is lost, or the end of a file depends on the order.
pub fn contents(config: &Config) -> Result<Option<Vec<Contents>>, EngineError> {
    let Some((kernel, cells)) = observed(config) else { return Ok(None) };
    let Some(left) = in_any_order(&kernel)? else { return Ok(None) };
    Ok(by_file(config, &cells, left))
}

/// What every run leaves that loses nothing, however its steps come: beside the serial orders of the actors, all runs of these
/// systems that violate nothing. `None` as with [`contents`], and where there is more to explore than is done for this.
fn in_every_run(configs: &[&Config]) -> Result<Option<Vec<Contents>>, EngineError> {
    let mut all = Vec::new();
    for config in configs {
        let Some((kernel, _)) = observed(config) else { return Ok(None) };
        let Some(left) = in_runs(&kernel)? else { return Ok(None) };
        all.extend(left);
    }
    let first = configs.first().and_then(|config| Some((config, observed(config)?.1)));
    Ok(first.and_then(|(config, cells)| by_file(config, &cells, all)))
}

/// The cells of all files after the runs of a system.
fn in_runs(kernel: &Kernel) -> Result<Option<Vec<Option<Vec<Value>>>>, EngineError> {
    let Some(mut left) = in_any_order(kernel)? else { return Ok(None) };
    let limits = Limits { states: Some(MOST_STATES), ..Limits::default() };
    let explored = explore(kernel, &Options { limits, ..Options::default() }, &mut |_| {})?;
    if !explored.limits_hit.is_empty() {
        return Ok(None);
    }
    let bad = |outcome: &String| explored.violating_outcomes.get(outcome).copied().unwrap_or(0);
    for (outcome, _) in explored.outcomes.iter().filter(|(outcome, times)| **times > bad(outcome)) {
        left.push(values_of(outcome));
    }
    Ok(Some(left))
}

/// The system with every cell of its files observed, and the cells of a file. `None` where power is lost.
fn observed(config: &Config) -> Option<(Kernel, Vec<Range<u64>>)> {
    let stops = |call: &FileCommand| call.command.stops();
    if config.actors.iter().flat_map(|actor| &actor.run).any(stops) {
        return None;
    }
    let geometry = config.geometry().ok()?;
    let cells: Vec<Range<u64>> =
        (0..geometry.cells()).map(|cell| geometry.byte_at(cell)..geometry.byte_at(cell + 1)).collect();
    let files = 0..config.files.len() as u8;
    let observe =
        files.flat_map(|file| cells.iter().map(move |range| FileRange { file, range: range.clone() }));
    let config =
        Config { observe: observe.collect(), heard: Vec::new(), holds: Vec::new(), ..config.clone() };
    Some((Kernel::new(config).ok()?, cells))
}

/// The cells of all files after each serial run. `None` if there is none for some order.
fn in_any_order(kernel: &Kernel) -> Result<Option<Vec<Option<Vec<Value>>>>, EngineError> {
    let mut left = Vec::new();
    for order in orders(kernel) {
        let Some(values) = leave(kernel, &order)? else { return Ok(None) };
        left.push(Some(values));
    }
    Ok(Some(left))
}

/// What several runs leave in common, by file. `None` if something was left by one of them that has no value here, or the end of a
/// file depends on the run.
fn by_file(config: &Config, cells: &[Range<u64>], left: Vec<Option<Vec<Value>>>) -> Option<Vec<Contents>> {
    let mut merged: Option<Vec<Value>> = None;
    for values in left {
        let values = values?;
        merged = match merged {
            None => Some(values),
            Some(before) => {
                Some(before.into_iter().zip(values).map(|(a, b)| a.and(b)).collect::<Option<_>>()?)
            }
        };
    }
    let merged = merged?;
    let values = config.files.iter().zip(merged.chunks(cells.len().max(1)));
    Some(values.map(|(name, values)| Contents { name: name.clone(), parts: parts(cells, values) }).collect())
}

/// What is known of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Value {
    Byte(u8),
    Either,
    BeyondEof,
}

impl Value {
    fn of(text: &str) -> Option<Self> {
        if text == "--" {
            return Some(Value::BeyondEof);
        }
        u8::from_str_radix(text, 16).ok().map(Value::Byte)
    }

    /// What is known when two orders leave this and `other`; `None` if it is there in one of them only.
    fn and(self, other: Self) -> Option<Self> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Value::BeyondEof, _) | (_, Value::BeyondEof) => None,
            _ => Some(Value::Either),
        }
    }
}

/// The orders in which the main actors may come.
fn orders(kernel: &Kernel) -> Vec<Vec<ActorId>> {
    let specs = kernel.actors();
    let main: Vec<ActorId> = (0..specs.len()).filter(|actor| specs[*actor].role == Role::Main).collect();
    if main.len() > MOST_ACTORS {
        return vec![main.clone(), main.into_iter().rev().collect()];
    }
    main.iter().fold(vec![Vec::new()], |orders: Vec<Vec<ActorId>>, _| {
        let longer = |order: Vec<ActorId>| {
            let rest: Vec<ActorId> = main.iter().copied().filter(|actor| !order.contains(actor)).collect();
            rest.into_iter().map(move |actor| [order.clone(), vec![actor]].concat())
        };
        orders.into_iter().flat_map(longer).collect()
    })
}

/// The cells of all files after a serial run.
fn leave(kernel: &Kernel, order: &[ActorId]) -> Result<Option<Vec<Value>>, EngineError> {
    let Some(steps) = serial(kernel, order)? else { return Ok(None) };
    let schedule = Schedule { steps, ..Schedule::default() };
    let replay = match replay(kernel, &schedule.steps) {
        Ok(replay) => replay,
        Err(ReplayError::Engine(error)) => return Err(error),
        Err(ReplayError::DoesNotFit { .. }) => return Ok(None),
    };
    let observed = replay.epilogue.and_then(|epilogue| epilogue.observed).unwrap_or_default();
    Ok(values_of(&observed))
}

/// The cells of an outcome; `None` if there is one that no command has written.
fn values_of(outcome: &str) -> Option<Vec<Value>> {
    let cells = outcome.split_terminator(';').map(|cell| Value::of(cell.rsplit_once('=')?.1));
    cells.collect()
}

/// Neighbours that have the same value are one.
fn parts(cells: &[Range<u64>], values: &[Value]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (bytes, value) in cells.iter().zip(values) {
        let value = match value {
            Value::Byte(byte) => Some(*byte),
            Value::Either => None,
            Value::BeyondEof => continue,
        };
        match parts.last_mut() {
            Some(last) if last.value == value && last.bytes.end == bytes.start => last.bytes.end = bytes.end,
            _ => parts.push(Part { bytes: bytes.clone(), value }),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use stalemap_model::words::design::Design;

    use super::*;

    fn of(actors: &str) -> Option<Vec<Contents>> {
        let source = format!("title = \"x\"\n[setup]\nrun = [\"pwrite -S 0x58 0 4k\"]\n{actors}");
        let scenario = crate::scenario::read("test.toml", source.as_bytes()).unwrap();
        contents(&scenario.config(Design::built_in("get_folio").unwrap())).unwrap()
    }

    #[test]
    fn what_depends_on_the_order_is_not_said() {
        let two = "[[actor]]\nname = \"a\"\nrun = [\"pwrite -S 0x61 1k 2k\"]\n\
                   [[actor]]\nname = \"b\"\nrun = [\"pwrite -S 0x62 2k 1k\"]\n";
        let parts = |contents: &Contents| contents.parts.iter().map(|part| part.value).collect::<Vec<_>>();
        assert_eq!(parts(&of(two).unwrap()[0]), [Some(0x58), Some(0x61), None, Some(0x58)]);
        let sizes = "[[actor]]\nname = \"a\"\nrun = [\"truncate 1k\"]\n\
                     [[actor]]\nname = \"b\"\nrun = [\"pwrite 2k 1k\"]\n";
        assert_eq!(of(sizes), None, "the size depends on the order");
    }

    #[test]
    fn what_comes_of_a_command_between_those_of_another_is_not_said_of_every_run() {
        let source = "title = \"x\"\n[[file]]\nname = \"src\"\n[[file]]\nname = \"dst\"\n\
            [setup]\nrun = [\"[src] pwrite -S 0x58 0 4k\", \"[dst] pwrite -S 0x58 0 4k\"]\n\
            [[actor]]\nname = \"clone\"\nrun = [\"[dst] reflink src 0 0 4k\"]\n\
            [[actor]]\nname = \"writer\"\nrun = [\"[src] pwrite -S 0x61 0 4k\", \"[src] pwrite -S 0x58 0 4k\"]\n";
        let scenario = crate::scenario::read("test.toml", source.as_bytes()).unwrap();
        let [config, other] =
            ["get_folio", "iomap_valid"].map(|name| scenario.config(Design::built_in(name).unwrap()));
        let expected = Expected::of(&config, &[other]).unwrap();
        let values = |contents: Vec<Contents>| -> Vec<Vec<(Range<u64>, Option<u8>)>> {
            let of = |file: Contents| file.parts.into_iter().map(|part| (part.bytes, part.value)).collect();
            contents.into_iter().map(of).collect()
        };
        let (one, either) = (vec![(0..4096, Some(0x58))], vec![(0..4096, None)]);
        assert_eq!(values(expected.serial.unwrap()), [one.clone(), one.clone()]);
        assert_eq!(values(expected.every_run.unwrap()), [one, either]);
    }
}
