//! What no kernel does, wherever in the file and whatever was there before: it is found without a piece, so that of a page whose story
//! is not known something is still said.
//!
//! Each is told from lines alone, by what a kernel holds meanwhile: the lock of the extent map, under which mappings are sampled and records
//! change, and the lock of the file, which a write has from beginning to end.

use std::ops::Range;

use super::suspicion::{Impossible, MOST_UNMOVED, Suspect};
use super::task::{Doing, For};
use super::teller::Pieces;
use crate::event::{MapKind, Sampled};
use crate::line::Task;

impl Pieces {
    /// What cannot be, with the lines that say it.
    pub fn impossible(&self) -> Vec<(u64, Impossible)> {
        let suspicions = &self.suspicions;
        let known = suspicions.found.iter().copied();
        let known = known.filter(|(_, what)| suspicions.equal || *what != Impossible::ValidThoughDifferent);
        let unmoved = suspicions.unmoved.iter().map(|line| (*line, Impossible::RejectedThoughUnmoved));
        known.chain(unmoved).collect()
    }

    /// Events were lost: what is not said may have been.
    pub(super) fn suspicions_end(&mut self) {
        self.suspicions.unmoved.clear();
        self.suspicions.writer = None;
    }

    /// A record has changed. The counter moved after the line before of the same task, so maybe before a rejection that was printed
    /// already.
    pub(super) fn record_changes(&mut self, task: &Task, copy: bool) {
        let first = self.tasks.get(&task.pid).and_then(|doing| doing.changes).unwrap_or(0);
        let suspicions = &mut self.suspicions;
        suspicions.records += 1;
        suspicions.copies |= copy;
        suspicions.unmoved.retain(|rejected| *rejected <= first);
    }

    /// A task asks for a mapping.
    pub(super) fn asks_anew(&mut self, task: &Task, line: u64, asks: For) {
        let records = self.suspicions.records;
        let traced = self.traces.answers && self.traces.write_begins;
        let doing = self.doing(task.pid);
        let unfinished = |doing: &Doing| {
            let held = doing.held.as_ref().map_or(0, |held| held.bytes.end);
            let call = doing.call.as_ref().map_or(0, |(call, _)| call.end);
            doing.position < held && doing.position < call
        };
        let dropped = traced && asks == For::Write && doing.call_seen && !doing.suspect.failed;
        let dropped = (dropped && unfinished(doing)).then_some(line);
        doing.suspect = Suspect { records: Some(records), dropped, ..Suspect::default() };
    }

    /// A task has a step in a write.
    pub(super) fn write_steps(&mut self, task: &Task, line: u64) {
        let doing = self.doing(task.pid);
        if doing.asks != For::Write || !doing.call_seen {
            return;
        }
        let since = doing.call.as_ref().map(|(_, since)| *since);
        let dropped = doing.suspect.dropped.take().map(|line| (line, Impossible::DroppedUnrejected));
        let suspicions = &mut self.suspicions;
        suspicions.found.extend(dropped);
        let before = suspicions.writer.replace((task.pid, line));
        let other = before.zip(since).is_some_and(|((by, at), since)| by != task.pid && at > since);
        if other {
            suspicions.found.push((line, Impossible::WritesOverlap));
        }
    }

    /// A write begins: it has the file's lock by now.
    pub(super) fn write_is_called(&mut self, task: &Task, line: u64) {
        self.suspicions.writer = Some((task.pid, line));
        self.doing(task.pid).suspect = Suspect::default();
    }

    /// A task could not get the folio that it wanted.
    pub(super) fn write_fails(&mut self, task: &Task) {
        self.doing(task.pid).suspect.failed = true;
    }

    /// A mapping's counter is compared.
    pub(super) fn compares(&mut self, task: &Task, line: u64, sampled: &Sampled) {
        let moved = self.suspicions.moved;
        // Above these bits is the counter of the other fork.
        let low = |value: u64| (value & u64::from(u32::MAX)) as u32;
        let compared = sampled.sequence.map(|now| (low(sampled.cookie), low(now)));
        self.suspicions.equal |= compared.is_some_and(|(then, now)| then == now);
        let doing = self.doing(task.pid);
        (doing.compares, doing.moved_when_compared) = (line, moved);
        doing.suspect.compared = compared;
    }

    /// The kernel's answer.
    pub(super) fn suspects_answer(&mut self, task: &Task, line: u64, valid: bool) {
        let extents = self.traces.extents;
        let doing = self.doing(task.pid);
        let compared = doing.suspect.compared.take();
        let moved = doing.moved_when_sampled.is_some_and(|sampled| doing.moved_when_compared > sampled);
        let records = doing.suspect.records;
        let suspicions = &mut self.suspicions;
        if valid && moved {
            suspicions.found.push((line, Impossible::ValidThoughMoved));
        } else if valid && compared.is_some_and(|(then, now)| then != now) {
            suspicions.found.push((line, Impossible::ValidThoughDifferent));
        } else if !valid && extents && records == Some(suspicions.records) {
            suspicions.unmoved.push_back(line);
            if suspicions.unmoved.len() > MOST_UNMOVED {
                let first = suspicions.unmoved.pop_front();
                suspicions.found.extend(first.map(|line| (line, Impossible::RejectedThoughUnmoved)));
            }
        }
    }

    /// A mapping is handed out, and says something of all its blocks.
    pub(super) fn suspects_mapping(&mut self, task: &Task, line: u64, bytes: &Range<u64>, says: MapKind) {
        let blocks = bytes.start / self.block..bytes.end.div_ceil(self.block);
        let doing = self.doing(task.pid);
        let compared = matches!(doing.asks, For::Write | For::Store | For::Read) && doing.found.is_some();
        let asked = doing.asked;
        if !compared || self.suspicions.copies || self.forgets_changes_since(asked) {
            return;
        }
        let unchanged = |blocks: &Range<u64>| {
            let since = self.recent.iter().rev().take_while(|recent| recent.line > asked);
            let mut since = since.map(|recent| &recent.change.0);
            !since.any(|changed| changed.start < blocks.end && blocks.start < changed.end)
        };
        let differs =
            self.data.recorded(&blocks).into_iter().any(|(part, is)| is != says && unchanged(&part));
        if differs {
            self.suspicions.found.push((line, Impossible::MappingDiffers));
        }
    }
}
