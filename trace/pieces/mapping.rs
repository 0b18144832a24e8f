//! Mappings: asked for, handed out, and what they are for.

use std::ops::Range;

use super::piece::{Deed, Outside, Rule, Sight};
use super::story::LATER;
use super::task::{For, Held, Reading};
use super::teller::{Pieces, parts};
use crate::event::{MapKind, Mapping};
use crate::folios::PAGE;
use crate::line::Task;

impl Pieces {
    pub(super) fn request(&mut self, task: &Task, line: u64, offset: u64, length: u64, flags: &str) {
        let asks = For::of(flags);
        let doing = self.doing(task.pid);
        if asks != For::Write && doing.call.is_some() && asks != For::Zero {
            self.write_ends(task);
        }
        self.asks_anew(task, line, asks);
        let doing = self.doing(task.pid);
        doing.asks = asks;
        doing.asked = line;
        (doing.asked_at, doing.asked_length) = (offset, length);
        (doing.found, doing.found_copy) = (None, false);
        doing.begins = None;
        doing.moved_when_sampled = None;
        if let Some(held) = doing.held.take() {
            if !self.traces.write_begins {
                self.came_past(task, held.bytes.end);
            }
            // What it has not come to is asked for again.
            for page in held.pages {
                if let Some(story) = self.story(page).filter(|story| story.has_open_mapping(task.pid)) {
                    story.rejected_before(task, (line, line), line);
                }
            }
        }
        let ended = self.tasks.get(&task.pid).and_then(|doing| doing.call.as_ref());
        let position = self.tasks.get(&task.pid).map_or(0, |doing| doing.position);
        if ended.is_some_and(|(bytes, _)| position >= bytes.end) {
            self.write_ends(task);
        }
    }

    pub(super) fn mapping(&mut self, task: &Task, line: u64, mapping: &Mapping) {
        let pid = task.pid;
        let bytes = mapping.offset..mapping.offset.saturating_add(mapping.length);
        let moved = self.suspicions.moved;
        let doing = self.doing(pid);
        doing.moved_when_sampled = Some(moved);
        let (asks, asked, found) = (doing.asks, doing.asked, doing.found);
        let copy = doing.found_copy || mapping.flags.split('|').any(|flag| flag == "SHARED");
        let (asked_at, asked_length) = found.unwrap_or((doing.asked_at, doing.asked_length));
        if copy {
            self.outside(bytes, Outside::SharedBlocks);
            return;
        }
        self.suspects_mapping(task, line, &bytes, mapping.kind);
        if asks != For::Direct {
            self.learn(&bytes, mapping.kind);
        }
        match asks {
            For::Write => self.sampled(task, line, mapping.kind, &bytes),
            For::Store => {
                let asked_length = asked_length.max(1);
                let stored = asked_at.max(bytes.start)..asked_at.saturating_add(asked_length).min(bytes.end);
                self.stored(task, asked, line, mapping.kind, &stored);
            }
            For::Read => self.read_mapping(task, line, mapping.kind, &bytes),
            For::Direct => self.outside(bytes, Outside::DirectIo),
            For::Zero | For::Other | For::Nothing => {}
        }
    }

    /// What a mapping says is believed where nothing is known.
    pub(super) fn learn(&mut self, bytes: &Range<u64>, kind: MapKind) {
        let block = self.block;
        self.data.learn(bytes.start / block..bytes.end.div_ceil(block), kind);
        for (number, page) in self.pages.range_mut(bytes.start / PAGE..bytes.end.div_ceil(PAGE)) {
            let start = number * PAGE;
            let inside = bytes.start.max(start) - start..bytes.end.min(start + PAGE).max(start) - start;
            if let Some(story) = &mut page.story {
                story.learns(inside.start / block..inside.end / block, kind);
            }
        }
    }

    /// A write is handed out a mapping.
    pub(super) fn sampled(&mut self, task: &Task, line: u64, says: MapKind, bytes: &Range<u64>) {
        let pid = task.pid;
        let doing = self.doing(pid);
        let found = doing.found;
        if doing.call.is_none() {
            let Some((offset, length)) = found else { return };
            doing.call = Some((offset..offset.saturating_add(length), doing.asked));
            doing.call_seen = false;
            doing.position = offset;
        }
        let Some((call, since)) = doing.call.clone() else { return };
        if let Some((offset, _)) = found {
            doing.position = doing.position.max(offset.min(call.end));
        }
        let (asked, position) = (doing.asked, doing.position);
        let wanted = bytes.start.max(position)..bytes.end.min(call.end);
        doing.rejected = false;
        let mut pages = Vec::new();
        for (page, inside) in parts(&wanted) {
            self.writes(task, page, &call, since, asked);
            let Some(story) = self.story(page) else { continue };
            story.rule(Rule::MappingIsPrintedLate);
            story.sees(Some(task), Sight::Sampled { says, bytes: inside }, (asked, line), line);
            pages.push(page);
        }
        self.doing(pid).held = Some(Held { bytes: wanted, pages });
    }

    pub(super) fn stored(&mut self, task: &Task, asked: u64, line: u64, says: MapKind, bytes: &Range<u64>) {
        for (page, _) in parts(bytes) {
            if self.page(page).cached == Some(false) {
                self.begin(page, asked);
            }
            if let Some(story) = self.story(page) {
                // A fault asks again behind each mapping.
                if bytes.start <= page * PAGE || !story.has_stored(task.pid) {
                    story.does(task, Deed::Store, asked);
                }
                story.rule(Rule::MappingIsPrintedLate);
                story.sees(Some(task), Sight::Stored { says }, (asked, line), line);
            } else {
                // It was cached before the trace began.
                self.page(page).cached = Some(true);
            }
        }
    }

    /// What is read gets its contents from blocks of this kind.
    pub(super) fn read_mapping(&mut self, task: &Task, line: u64, kind: MapKind, bytes: &Range<u64>) {
        let doing = self.doing(task.pid);
        let asked = doing.asked;
        if std::mem::take(&mut doing.reads_again) {
            // A page that is cached, of which not all blocks have their contents.
            let page = doing.found.map_or(doing.asked_at, |(offset, _)| offset) / PAGE;
            if let Some(story) = self.story(page) {
                story.does(task, Deed::Read, asked);
                story.readers.insert(task.pid);
                let reading =
                    Reading { page, upto: bytes.start.max(page * PAGE), kinds: Vec::new(), first: asked };
                self.doing(task.pid).reading.push(reading);
            }
        }
        let doing = self.doing(task.pid);
        let mut done = Vec::new();
        for reading in &mut doing.reading {
            let end = (reading.page + 1) * PAGE;
            if !(bytes.start..bytes.end).contains(&reading.upto) {
                continue;
            }
            if reading.kinds.is_empty() {
                reading.first = asked;
            }
            if !reading.kinds.contains(&kind) {
                reading.kinds.push(kind);
            }
            reading.upto = bytes.end.min(end);
            if reading.upto == end {
                done.push(reading.clone());
            }
        }
        doing.reading.retain(|reading| reading.upto < (reading.page + 1) * PAGE);
        for Reading { page, kinds, first, .. } in done {
            let Some(story) = self.story(page) else { continue };
            story.readers.remove(&task.pid);
            story.rule(Rule::ReadEndsUnseen);
            story.sees(Some(task), Sight::Filled { kinds }, (first, LATER), line);
            self.close(page);
        }
    }
}
