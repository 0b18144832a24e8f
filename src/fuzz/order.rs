//! An order in which no mapping misleads: which calls have a step in it. One that has only written back is writeback.

use std::collections::BTreeSet;

use stalemap_explore::Replay;
use stalemap_facade::{ActorId, Property, Role};
use stalemap_model::state::event::{DataEvent, What};
use stalemap_model::words::command::Command;

use super::operations::{
    FOLIO_LOCK, FOLIO_START_WRITEBACK, FOLIO_UNLOCK, IOMAP_WRITEPAGE_MAP, SUBMIT_BIO,
    XFS_BMAPI_CONVERT_DELALLOC, XFS_MAP_BLOCKS, XFS_REFLINK_CONVERT_COW, XFS_ZONED_MAP_BLOCKS,
};
use crate::annotate::events;
use crate::annotate::mappings::Life;
use crate::scenario::Scenario;

/// A run that violates a property.
pub(super) struct Order<'a> {
    /// Of what.
    pub(super) scenario: &'a Scenario,
    /// What is violated.
    pub(super) property: Property,
    /// The run.
    pub(super) replay: &'a Replay,
    /// Its mappings.
    pub(super) lives: &'a [Life],
    /// The row in which it shows; `None` if that is the end.
    pub(super) shows: Option<usize>,
}

/// A call of an actor, with its rows.
pub(super) struct Call {
    actor: ActorId,
    command: usize,
    /// What it is called.
    pub(super) name: String,
    /// Where it has a step.
    pub(super) rows: Vec<usize>,
}

/// What the call is in which an actor is at a row.
pub(super) type Named<'a> = &'a dyn Fn(usize, ActorId) -> String;

impl Order<'_> {
    /// The calls that have a step in it.
    pub(super) fn names(&self, named: Named<'_>) -> BTreeSet<String> {
        self.names_of(&self.calls(named))
    }

    pub(super) fn names_of(&self, calls: &[Call]) -> BTreeSet<String> {
        // Who submits need not wait for that to be lost.
        let names = calls.iter().filter(|call| call.name != "@wait");
        names.map(|call| self.as_it_acts(call)).collect()
    }

    /// The calls, in the order in which they begin.
    pub(super) fn calls(&self, named: Named<'_>) -> Vec<Call> {
        let mut calls: Vec<Call> = Vec::new();
        for (row, played) in self.replay.played.iter().enumerate() {
            // Who serves the others does what they have begun.
            if self.replay.actors.get(played.actor).is_none_or(|spec| spec.role != Role::Main) {
                continue;
            }
            let command = played.command.unwrap_or(0);
            let own = |call: &&mut Call| (call.actor, call.command) == (played.actor, command);
            if let Some(call) = calls.iter_mut().find(own) {
                call.rows.push(row);
            } else {
                let name = named(row, played.actor);
                calls.push(Call { actor: played.actor, command, name, rows: vec![row] });
            }
        }
        calls
    }

    /// A call of which all that was done is to write back is writeback.
    pub(super) fn as_it_acts(&self, call: &Call) -> String {
        let mut submits = false;
        for played in call.rows.iter().map(|row| &self.replay.played[*row]) {
            let writes_back = WRITEBACK.contains(&operation(&played.op));
            for what in played.events.iter().filter_map(events::what) {
                match what {
                    What::Data(DataEvent::Submitted(_)) => submits = true,
                    What::Tracepoint(_) | What::Returned(..) => {}
                    _ if writes_back => {}
                    _ => return call.name.clone(),
                }
            }
        }
        if submits { "writeback".to_owned() } else { call.name.clone() }
    }

    pub(super) fn may_crash(&self) -> bool {
        self.scenario.actors.iter().flat_map(|actor| &actor.run).any(|run| run.command == Command::Crash)
    }

    /// What happens at a row, and to which file; behind the last row, what happens at the end.
    pub(super) fn at(&self, row: usize) -> impl Iterator<Item = (Option<&str>, &What)> {
        let at_the_end = self.replay.epilogue.iter().flat_map(|epilogue| &epilogue.events);
        let at_the_end = at_the_end.filter(move |_| row == self.replay.played.len());
        let played = self.replay.played.get(row).into_iter().flat_map(|played| &played.events);
        played.chain(at_the_end).filter_map(|event| Some((events::file(event), events::what(event)?)))
    }

    /// Whether something happens at a row.
    pub(super) fn has(&self, row: usize, is: impl Fn(&What) -> bool) -> bool {
        self.at(row).any(|(_, what)| is(what))
    }
}

/// What a call does as a part of writeback, or waits for.
const WRITEBACK: [&str; 9] = [
    FOLIO_LOCK,
    IOMAP_WRITEPAGE_MAP,
    XFS_MAP_BLOCKS,
    XFS_ZONED_MAP_BLOCKS,
    XFS_BMAPI_CONVERT_DELALLOC,
    XFS_REFLINK_CONVERT_COW,
    FOLIO_START_WRITEBACK,
    FOLIO_UNLOCK,
    SUBMIT_BIO,
];

/// The name of an operation.
pub(super) fn operation(op: &str) -> &str {
    op.split(' ').next().unwrap_or_default()
}

/// What may stand before the name of a command.
const BEFORE: [&str; 3] = ["@may_fail", "@direct", "@aio"];

/// The name of a command, whatever it is done with. Who writes back, does.
pub(super) fn call_of(line: &str) -> String {
    let is_name = |word: &&str| !word.starts_with('[') && !BEFORE.contains(word);
    match line.split_whitespace().find(is_name).unwrap_or_default() {
        "sync_range" | "fsync" | "fdatasync" | "msync" | "sync" | "syncfs" | "@flusher" => {
            "writeback".to_owned()
        }
        name => name.to_owned(),
    }
}
