//! Tells the stories of pages from the events of a trace, one after the other.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use super::story::{Change, LATER, Story};
use super::task::{Doing, For, Held, Reading};
use super::{Cutting, Deed, Outside, Rule, Sight, Traces};
use crate::event::{BlockChange, Event, FolioChange, Fork, MapKind, Mapping, Phase, Place, Source};
use crate::extents::Extents;
use crate::folios::PAGE;
use crate::line::Task;
use crate::reader::Traced;

/// Calls of a traced program that drop clean pages alone.
const DROPS: [&str; 2] = ["dontneed", "drop_caches"];

/// Who changes extents for pages: reservation, allocation, conversion, and what gives a reservation back.
const FOR_PAGES: [&str; 4] = [
    "xfs_bmap_add_extent_hole_delay",
    "xfs_bmap_add_extent_delay_real",
    "xfs_bmap_add_extent_unwritten_real",
    "xfs_bmap_del_extent_delay",
];

/// How many changes of extents are remembered: a mapping is printed after the changes that were made for it.
const MOST_CHANGES: usize = 256;

/// How many pages of one event are followed.
const MOST_PAGES: u64 = 4096;

/// No file has pages behind this one.
const MOST_PAGE: u64 = i64::MAX as u64 / PAGE;

/// What is known of a page between stories.
#[derive(Debug, Default)]
struct Page {
    /// Whether it is cached; `None` before the trace says.
    cached: Option<bool>,
    dirty: bool,
    writeback: bool,
    story: Option<Story>,
}

/// A change of the extents, and who made it.
#[derive(Debug)]
struct Recent {
    line: u64,
    first: u64,
    task: Task,
    /// In blocks of the file.
    change: Change,
}

/// Cuts a trace into pieces.
#[derive(Debug)]
pub struct Pieces {
    block: u64,
    traces: Traces,
    data: Extents,
    pages: BTreeMap<u64, Page>,
    /// How many pages the folio has that begins with a page.
    folios: BTreeMap<u64, u64>,
    tasks: BTreeMap<u32, Doing>,
    recent: VecDeque<Recent>,
    out: Vec<Cutting>,
    lost: u64,
    /// Pages from here on were behind the end of the file once, and not cached.
    empty_from: Option<u64>,
}

impl Pieces {
    /// `block`: the size of a block, in bytes. `traces`: what the trace has at all.
    pub fn new(block: u64, traces: Traces) -> Self {
        Pieces {
            block,
            traces,
            data: Extents::default(),
            pages: BTreeMap::new(),
            folios: BTreeMap::new(),
            tasks: BTreeMap::new(),
            recent: VecDeque::new(),
            out: Vec::new(),
            lost: 0,
            empty_from: None,
        }
    }

    /// What is complete by now.
    pub fn take(&mut self) -> Vec<Cutting> {
        std::mem::take(&mut self.out)
    }

    /// The end of the trace: what is under way is cut off.
    pub fn finish(mut self) -> Vec<Cutting> {
        for story in self.pages.values_mut().filter_map(|page| page.story.take()) {
            self.out.push(story.finish(false));
        }
        self.out
    }

    /// So many events were lost by now.
    pub fn lost(&mut self, lost: u64) {
        if lost == self.lost {
            return;
        }
        self.lost = lost;
        for mut story in std::mem::take(&mut self.pages).into_values().filter_map(|page| page.story) {
            story.is_outside(Outside::EventsLost);
            self.out.push(story.finish(false));
        }
        self.empty_from = None;
        self.tasks.clear();
        self.folios.clear();
        self.recent.clear();
        self.data = Extents::default();
    }

    /// The next event.
    pub fn see(&mut self, traced: &Traced) {
        let (task, line) = (&traced.head.task, traced.line);
        let in_interrupt = matches!(traced.event, Event::Folio { change: FolioChange::WritebackEnded, .. });
        let of_map = matches!(traced.event, Event::Extent { .. } | Event::Counter { .. });
        if !in_interrupt {
            self.line_of(task.pid, line, of_map);
        }
        if !of_map && !in_interrupt {
            self.settle(task, line);
        }
        let begins = matches!(
            traced.event,
            Event::Request(_)
                | Event::Call(_)
                | Event::File { .. }
                | Event::Fault { .. }
                | Event::WriteBegin { .. }
        );
        self.doing(task.pid).begun_here |= begins;
        match &traced.event {
            Event::Extent { change, fork: Fork::Data, start, block, blocks, unwritten, caller } => {
                let for_pages = FOR_PAGES.iter().any(|name| caller.starts_with(name));
                self.doing(task.pid).changes_for_pages = for_pages;
                let kind = match (block, unwritten) {
                    (None, _) => MapKind::Delalloc,
                    (Some(_), true) => MapKind::Unwritten,
                    (Some(_), false) => MapKind::Mapped,
                };
                self.extent(task, line, *change, *start..start.saturating_add(*blocks), kind);
            }
            Event::Folio { change, place } => self.folio(task, line, *change, *place),
            Event::Mapping { of: Source::Destination, mapping } => self.mapping(task, line, mapping),
            Event::Mapping { of: Source::Source, mapping } => {
                let shared = mapping.offset..mapping.offset.saturating_add(mapping.length);
                self.outside(shared, Outside::SharedBlocks);
            }
            Event::WritebackMapping { of, dirty, mapping } => {
                let dirty = of.map(|of| of..of.saturating_add(dirty.unwrap_or(self.block)));
                self.writeback_mapping(task, line, dirty, mapping);
            }
            Event::File { call, offset: Some(offset), length: Some(length) }
                if call.starts_with("direct_") =>
            {
                self.outside(*offset..offset.saturating_add(*length), Outside::DirectIo);
            }
            Event::Direct { offset, length, .. } => {
                self.outside(*offset..offset.saturating_add(*length), Outside::DirectIo);
            }
            Event::Call(call) => {
                self.write_ends(task);
                let doing = self.doing(task.pid);
                doing.drops = call.phase == Phase::Begin && DROPS.contains(&call.call.as_str());
            }
            _ => self.step(task, line, &traced.event),
        }
    }

    /// A task has a line: what it did before that is done by now.
    fn line_of(&mut self, pid: u32, line: u64, of_map: bool) {
        let doing = self.tasks.entry(pid).or_default();
        doing.before = doing.line;
        doing.line = line;
        if of_map {
            // A change takes several records, which nobody sees one by one: its lock is held.
            doing.changes.get_or_insert(doing.before);
            return;
        }
        doing.changed = doing.changes.take().unwrap_or(doing.before);
        for story in self.pages.values_mut().filter_map(|page| page.story.as_mut()) {
            story.next_line_of(pid, line);
        }
    }

    fn doing(&mut self, pid: u32) -> &mut Doing {
        self.tasks.entry(pid).or_default()
    }

    fn before(&self, pid: u32) -> u64 {
        self.tasks.get(&pid).map_or(0, |doing| doing.before)
    }

    /// The pages of a range of bytes.
    fn pages_of(bytes: &Range<u64>) -> Range<u64> {
        let first = (bytes.start / PAGE).min(MOST_PAGE);
        first..bytes.end.div_ceil(PAGE).min(first + MOST_PAGES).min(MOST_PAGE)
    }

    fn outside(&mut self, bytes: Range<u64>, why: Outside) {
        for page in Self::pages_of(&bytes) {
            if let Some(story) = self.pages.get_mut(&page).and_then(|page| page.story.as_mut()) {
                story.is_outside(why);
            }
        }
    }

    /// What a task does by itself.
    fn step(&mut self, task: &Task, line: u64, event: &Event) {
        let pid = task.pid;
        match event {
            Event::File { call, offset: Some(offset), length: Some(length) } if call == "buffered_write" => {
                self.write_ends(task);
                let doing = self.doing(pid);
                doing.call = Some((*offset..offset.saturating_add(*length), line));
                doing.position = *offset;
                doing.call_seen = true;
            }
            // What was the end of the file until now is where zeroing begins.
            Event::File { call, offset: Some(offset), .. } if call == "zero_eof" => self.was_empty(*offset),
            Event::Request(request) => {
                self.request(task, line, request.offset, request.length, &request.flags)
            }
            Event::Found { by, offset, length, fork, .. } if !by.starts_with("xfs_map_blocks") => {
                let doing = self.doing(pid);
                doing.found = Some((*offset, *length));
                doing.found_copy |= *fork == Fork::Cow;
            }
            Event::WriteBegin { offset, length } => self.write_begins(task, line, *offset, *length),
            Event::Check(_) => self.doing(pid).compares = line,
            Event::Answer { valid } => self.answered(task, line, *valid),
            Event::Stale(_) if !self.traces.answers => self.answered(task, line, false),
            Event::WriteBegun { returned } => self.write_begun(task, line, *returned),
            Event::WriteEnd { offset, length, copied } => {
                self.write_end(task, line, *offset, *length, *copied)
            }
            Event::Read { .. } => {
                let doing = self.doing(pid);
                doing.reads_again = doing.reading.is_empty();
            }
            Event::ReadBlock { offset, .. } => {
                let (first, block) = (self.before(pid), self.block);
                if let Some(story) = self.story(offset / PAGE) {
                    let read = Sight::BlockRead { block: offset % PAGE / block };
                    story.sees(Some(task), read, (first, line), line);
                }
            }
            Event::Writeback { offset, length, .. } if !self.traces.cleanings => {
                let first = self.before(pid);
                let pages = Self::pages_of(&(*offset..offset.saturating_add(*length)));
                self.doing(pid).cleaned = Some((pages, first, line));
            }
            _ => {}
        }
    }

    /// The file ended at a byte: no page behind it is cached.
    fn was_empty(&mut self, end: u64) {
        let first = end.div_ceil(PAGE);
        self.empty_from = Some(self.empty_from.map_or(first, |known| known.min(first)));
        for known in self.pages.range_mut(first..).map(|(_, known)| known) {
            known.cached.get_or_insert(false);
        }
    }

    /// What is known of a page.
    fn page(&mut self, page: u64) -> &mut Page {
        let empty = self.empty_from.is_some_and(|first| page >= first);
        let fresh = || Page { cached: empty.then_some(false), ..Page::default() };
        self.pages.entry(page).or_insert_with(fresh)
    }

    fn story(&mut self, page: u64) -> Option<&mut Story> {
        self.pages.get_mut(&page).and_then(|page| page.story.as_mut())
    }

    /// A write of a task is over: it comes to no page any more.
    fn write_ends(&mut self, task: &Task) {
        let doing = self.doing(task.pid);
        doing.held = None;
        doing.begins = None;
        if doing.call.take().is_none() {
            return;
        }
        let pages: Vec<u64> = self.pages.keys().copied().collect();
        for page in pages {
            let Some(story) = self.story(page).filter(|story| story.writers.contains(&task.pid)) else {
                continue;
            };
            story.writers.remove(&task.pid);
            if story.has_open_mapping(task.pid) {
                story.is_outside(Outside::ShortCopy);
            }
            self.close(page);
        }
    }

    fn request(&mut self, task: &Task, line: u64, offset: u64, length: u64, flags: &str) {
        let asks = For::of(flags);
        let doing = self.doing(task.pid);
        if asks != For::Write && doing.call.is_some() && asks != For::Zero {
            self.write_ends(task);
        }
        let doing = self.doing(task.pid);
        doing.asks = asks;
        doing.asked = line;
        (doing.asked_at, doing.asked_length) = (offset, length);
        (doing.found, doing.found_copy) = (None, false);
        doing.begins = None;
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

    fn mapping(&mut self, task: &Task, line: u64, mapping: &Mapping) {
        let pid = task.pid;
        let bytes = mapping.offset..mapping.offset.saturating_add(mapping.length);
        let doing = self.doing(pid);
        let (asks, asked, found) = (doing.asks, doing.asked, doing.found);
        let copy = doing.found_copy || mapping.flags.split('|').any(|flag| flag == "SHARED");
        let (asked_at, asked_length) = found.unwrap_or((doing.asked_at, doing.asked_length));
        if copy {
            self.outside(bytes, Outside::SharedBlocks);
            return;
        }
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
    fn learn(&mut self, bytes: &Range<u64>, kind: MapKind) {
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
    fn sampled(&mut self, task: &Task, line: u64, says: MapKind, bytes: &Range<u64>) {
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

    /// A page that something happens to; if that is the beginning of a story, what its blocks were at a line.
    fn begin(&mut self, page: u64, since: u64) -> Option<&mut Story> {
        let first = page * PAGE / self.block;
        let count = (PAGE / self.block).max(1);
        if self.pages.get(&page).is_none_or(|page| page.story.is_none()) {
            let mut kinds: Vec<Option<MapKind>> =
                (first..first + count).map(|block| self.data.kind(block)).collect();
            let mut changes = Vec::new();
            for recent in self.recent.iter().rev().take_while(|recent| recent.line > since) {
                let (blocks, from, to) = &recent.change;
                let inside = blocks.start.clamp(first, first + count) - first
                    ..blocks.end.clamp(first, first + count) - first;
                if inside.is_empty() {
                    continue;
                }
                for block in inside.clone() {
                    kinds[block as usize] = Some(*from);
                }
                changes.push((recent.first, recent.line, recent.task.clone(), (inside, *from, *to)));
            }
            let mut story = Story::new(page * PAGE, self.block, kinds);
            for (first, line, by, change) in changes.into_iter().rev() {
                tell_change(&mut story, first, line, &by, &change);
            }
            // Whether it is cached the story tells; if it does not begin with that, nothing is known.
            let known = self.page(page);
            if known.cached == Some(true) {
                story.is_outside(Outside::BeginningUnseen);
            }
            known.story = Some(story);
        }
        self.story(page)
    }

    fn stored(&mut self, task: &Task, asked: u64, line: u64, says: MapKind, bytes: &Range<u64>) {
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
    fn read_mapping(&mut self, task: &Task, line: u64, kind: MapKind, bytes: &Range<u64>) {
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

    fn write_begins(&mut self, task: &Task, line: u64, offset: u64, length: u64) {
        let doing = self.doing(task.pid);
        let bytes = offset..offset.saturating_add(length);
        doing.begins = Some((bytes.clone(), line));
        doing.compares = line;
        if doing.asks == For::Zero {
            self.outside(bytes, Outside::Zeroed);
            return;
        }
        doing.position = doing.position.max(offset);
        let held = doing.held.as_ref().map(|held| held.bytes.end);
        let page = (offset / PAGE).min(MOST_PAGE);
        if held.is_some_and(|end| end > page * PAGE) {
            return;
        }
        // A write without a mapping that was seen. Where its call was, there is none.
        let whole = self.doing(task.pid).call_seen;
        if let Some((call, since)) = self.doing(task.pid).call.clone().filter(|_| whole) {
            self.writes(task, page, &call, since, line);
        } else if let Some(story) = self.story(page) {
            story.is_outside(Outside::BeginningUnseen);
        }
    }

    /// A call writes to a page.
    fn writes(&mut self, task: &Task, page: u64, call: &Range<u64>, since: u64, from: u64) {
        let start = page * PAGE;
        let followed = self.traces.write_begins;
        let written = call.start.max(start)..call.end.min(start + PAGE);
        if written.is_empty() {
            self.outside(start..start + PAGE, Outside::BeginningUnseen);
            return;
        }
        let Some(story) = self.begin(page, from) else { return };
        if !story.has_write_since(task.pid, since) {
            let bytes = written.start - start..written.end - start;
            let (before, beyond) = (call.start < start, call.end > start + PAGE);
            story.does(task, Deed::Write { bytes, before, beyond }, since);
        }
        story.writers.insert(task.pid);
        if !followed {
            story.is_outside(Outside::ProbesMissing);
        }
    }

    fn answered(&mut self, task: &Task, line: u64, valid: bool) {
        let pid = task.pid;
        let doing = self.doing(pid);
        if doing.asks != For::Write {
            return;
        }
        let Some((bytes, _)) = doing.begins.clone() else { return };
        let first = doing.compares;
        let (mut held, stopped) = (Vec::new(), doing.rejected);
        if !valid {
            doing.rejected = true;
            held = doing.held.take().map(|held| held.pages).unwrap_or_default();
        }
        if stopped {
            return;
        }
        let here = self.in_folio(&bytes);
        for page in here.clone() {
            self.is_cached(page);
            if let Some(story) = self.story(page).filter(|story| story.writers.contains(&pid)) {
                story.sees(Some(task), Sight::Answered { valid }, (first, line), line);
            }
        }
        for page in held.into_iter().filter(|page| *page >= here.end) {
            if let Some(story) = self.story(page) {
                story.rejected_before(task, (first, line), line);
            }
        }
    }

    fn write_begun(&mut self, task: &Task, line: u64, returned: i64) {
        let doing = self.doing(task.pid);
        doing.begun = line;
        if doing.rejected {
            doing.begins = None;
            return;
        }
        let Some((bytes, _)) = doing.begins.take() else { return };
        if doing.asks != For::Write {
            return;
        }
        if returned != 0 {
            self.outside(bytes, Outside::ShortCopy);
            return;
        }
        for page in self.in_folio(&bytes) {
            self.is_cached(page);
        }
        if self.traces.write_ends {
            return;
        }
        let first = self.before(task.pid);
        for (page, inside) in parts(&bytes) {
            if let Some(story) = self.story(page).filter(|story| story.writers.contains(&task.pid)) {
                story.sees_until_next(task, Sight::Copied { bytes: inside }, first, line);
            }
        }
        self.came_past(task, bytes.end);
    }

    /// A write has the folio: it is in the page cache. If nothing said so, it has been since before the trace began.
    fn is_cached(&mut self, page: u64) {
        let known = self.page(page);
        if known.cached.is_none() {
            known.cached = Some(true);
            if let Some(story) = &mut known.story {
                story.is_outside(Outside::BeginningUnseen);
            }
        }
    }

    /// The pages of a range of bytes that are in the folio that it begins in.
    fn in_folio(&self, bytes: &Range<u64>) -> Range<u64> {
        let pages = Self::pages_of(bytes);
        let folio = self.folios.range(..=pages.start).next_back().map(|(head, count)| head + count);
        pages.start..pages.end.min(folio.filter(|end| *end > pages.start).unwrap_or(pages.start + 1))
    }

    fn write_end(&mut self, task: &Task, line: u64, offset: u64, length: u64, copied: u64) {
        let doing = self.doing(task.pid);
        let begun = doing.begun;
        if doing.asks != For::Write {
            return;
        }
        let bytes = offset..offset.saturating_add(copied);
        if copied < length {
            self.outside(offset..offset.saturating_add(length), Outside::ShortCopy);
        }
        for (page, inside) in parts(&bytes) {
            if let Some(story) = self.story(page).filter(|story| story.writers.contains(&task.pid)) {
                story.sees(Some(task), Sight::Copied { bytes: inside }, (begun, line), line);
            }
        }
        self.came_past(task, bytes.end);
    }

    /// A write has come to a place: it has to do with the pages before it no more.
    fn came_past(&mut self, task: &Task, position: u64) {
        let doing = self.doing(task.pid);
        doing.position = doing.position.max(position);
        let position = doing.position;
        let end = doing.call.as_ref().map_or(0, |(call, _)| call.end);
        if let Some(held) = &mut doing.held {
            held.pages.retain(|page| (page + 1) * PAGE > position);
        }
        let over = position >= end;
        let first = position.saturating_sub(MOST_PAGES * PAGE) / PAGE;
        let passed = self.pages.range_mut(first..position.div_ceil(PAGE));
        let mut closing = Vec::new();
        for (number, page) in passed {
            let past = over || (number + 1) * PAGE <= position;
            if let Some(story) = page.story.as_mut().filter(|_| past)
                && story.writers.remove(&task.pid)
            {
                closing.push(*number);
            }
        }
        closing.into_iter().for_each(|page| self.close(page));
    }

    /// A task has no more taken out of the map than it puts back.
    fn settle(&mut self, task: &Task, line: u64) {
        let taken_out = self.data.unsettled(task.pid);
        let before: Vec<_> = taken_out.iter().map(|blocks| self.data.parts(blocks)).collect();
        self.data.settle(task.pid);
        for (blocks, before) in taken_out.iter().zip(before) {
            self.changed(task, line, before, blocks);
        }
    }

    fn extent(&mut self, task: &Task, line: u64, change: BlockChange, blocks: Range<u64>, kind: MapKind) {
        let mut before = self.data.parts(&blocks);
        if matches!(change, BlockChange::Before | BlockChange::Remove) {
            // It says what was there.
            self.data.learn(blocks.clone(), kind);
            before = Vec::new();
        }
        self.data.change(task.pid, change, blocks.clone(), kind);
        // The counter moves after a removal is printed: that is told when the record is put back, or is not.
        if matches!(change, BlockChange::Insert | BlockChange::After) {
            self.changed(task, line, before, &blocks);
        }
    }

    /// The map has changed; for pages of which no block has, the counter moved.
    fn changed(&mut self, task: &Task, line: u64, before: Vec<(Range<u64>, MapKind)>, blocks: &Range<u64>) {
        let first = self.tasks.get(&task.pid).map_or(0, |doing| doing.changes.unwrap_or(doing.changed));
        let after = self.data.parts(blocks);
        let changes = differences(&before, &after);
        let for_pages = self.tasks.get(&task.pid).is_some_and(|doing| doing.changes_for_pages);
        let per_page = (PAGE / self.block).max(1);
        for (number, page) in &mut self.pages {
            let Some(story) = &mut page.story else { continue };
            let start = number * per_page;
            for (blocks, from, to) in &changes {
                let inside = blocks.start.clamp(start, start + per_page) - start
                    ..blocks.end.clamp(start, start + per_page) - start;
                if !inside.is_empty() {
                    if !for_pages {
                        story.is_outside(Outside::Truncated);
                    }
                    // A block that was allocated, but not for this page's own writeback, was so for a neighbour's.
                    let own = self
                        .tasks
                        .get(&task.pid)
                        .and_then(|doing| doing.cleaned.as_ref())
                        .is_some_and(|(pages, ..)| pages.contains(number));
                    if *from == MapKind::Delalloc && *to != MapKind::Hole && !own {
                        let before = inside.start == 0 && inside.end < per_page;
                        if !before && inside.end < per_page {
                            story.is_outside(Outside::AllocatedWithOthers);
                        }
                        story.does(task, Deed::WriteBackNeighbour { before }, first);
                    }
                    tell_change(story, first, line, task, &(inside, *from, *to));
                }
            }
            story.changed_elsewhere((first, line));
        }
        for change in changes {
            if self.recent.len() == MOST_CHANGES {
                self.recent.pop_front();
            }
            self.recent.push_back(Recent { line, first, task: task.clone(), change });
        }
    }

    fn folio(&mut self, task: &Task, line: u64, change: FolioChange, place: Place) {
        let (head, pages) = match place {
            Place::Page { page } => (page, self.folios.get(&page).copied().unwrap_or(1)),
            Place::Order { offset, order } => (offset / PAGE, 1 << order.min(9)),
            Place::Bytes { .. } => return,
        };
        if head > MOST_PAGE {
            return;
        }
        let first = self.before(task.pid);
        if change == FolioChange::Cleaned {
            self.doing(task.pid).cleaned = Some((head..head + pages, first, line));
        }
        if change == FolioChange::Added {
            self.folios.insert(head, pages);
        }
        for page in head..head + pages {
            match change {
                FolioChange::Added => self.added(task, line, page, pages),
                FolioChange::Deleted => self.deleted(task, line, page),
                FolioChange::Dirtied => self.dirtied(line, page, pages),
                FolioChange::Cleaned => self.cleaned(task, line, page),
                FolioChange::WritebackEnded => self.written_back(line, page),
                _ => {}
            }
        }
        if change == FolioChange::Deleted {
            self.folios.remove(&head);
        }
    }

    fn added(&mut self, task: &Task, line: u64, page: u64, pages: u64) {
        let pid = task.pid;
        let first = self.before(pid);
        let doing = &self.tasks[&pid];
        if !doing.begun_here {
            // It may be in the middle of a read or of a write.
            let known = self.page(page);
            known.cached = Some(true);
            if let Some(story) = &mut known.story {
                story.is_outside(Outside::BeginningUnseen);
            }
            return;
        }
        if !self.traces.write_begins && doing.call.is_some() {
            self.page(page).cached = Some(true);
            if let Some(story) = self.begin(page, first) {
                story.is_outside(Outside::ProbesMissing);
                story.line(line);
            }
            return;
        }
        let writes = match &doing.begins {
            Some(_) => true,
            None => {
                !self.traces.write_begins
                    && doing.held.as_ref().is_some_and(|held| held.pages.contains(&page))
            }
        };
        let known = self.page(page);
        known.dirty = false;
        if known.story.is_none() {
            known.cached = Some(false);
        }
        let Some(story) = self.begin(page, first) else { return };
        if pages > 1 {
            story.rule(Rule::PageOfLargeFolio);
        }
        if writes && !story.writers.contains(&pid) {
            story.is_outside(Outside::BeginningUnseen);
        }
        if !writes {
            story.does(task, Deed::Read, first);
            story.readers.insert(pid);
        }
        story.sees(Some(task), Sight::Added, (first, line), line);
        self.page(page).cached = Some(true);
        if !writes {
            let reading = Reading { page, upto: page * PAGE, kinds: Vec::new(), first: line };
            self.doing(pid).reading.push(reading);
        }
    }

    fn dirtied(&mut self, line: u64, page: u64, pages: u64) {
        let known = self.page(page);
        known.dirty = true;
        if let Some(story) = known.story.as_mut().filter(|_| pages > 1) {
            story.dirtied_with = Some(line);
        }
    }

    /// Taken for writeback. What becomes of it the mapping says, where that is traced.
    fn cleaned(&mut self, task: &Task, line: u64, page: u64) {
        self.page(page).dirty = false;
        if !self.traces.writeback_mappings {
            let before = self.before(task.pid);
            self.page_written(task, page, (before, line), line, None);
        }
    }

    fn deleted(&mut self, task: &Task, line: u64, page: u64) {
        let first = self.before(task.pid);
        let known = self.page(page);
        let before = known.cached;
        if before == Some(false) && known.story.is_none() {
            // It was never added.
            self.begin(page, first);
        }
        let drops = self.doing(task.pid).drops;
        let known = self.page(page);
        known.cached = Some(false);
        let (unseen, dirty) = (before.is_none(), known.dirty && !drops);
        known.dirty = false;
        let writeback = std::mem::take(&mut known.writeback);
        if let Some(story) = &mut known.story {
            if unseen {
                story.is_outside(Outside::BeginningUnseen);
            }
            if dirty {
                story.is_outside(Outside::Truncated);
            }
            if writeback {
                story.rule(Rule::WritebackEndIsImplied);
                story.sees(None, Sight::WrittenBack, (first, line), line);
            }
            story.does(task, Deed::Drop, first);
            story.sees(Some(task), Sight::Dropped, (first, line), line);
        }
        self.close(page);
    }

    fn written_back(&mut self, line: u64, page: u64) {
        let known = self.page(page);
        if !std::mem::take(&mut known.writeback) {
            return;
        }
        if let Some(story) = &mut known.story {
            story.is_converted(line);
            story.rule(Rule::WritebackEndsLater);
            story.sees(None, Sight::WrittenBack, (line, LATER), line);
        }
        self.close(page);
    }

    /// Writeback has a mapping for what is dirty; a kernel before 6.7 does not say what that is: the folio that it has taken.
    fn writeback_mapping(&mut self, task: &Task, line: u64, dirty: Option<Range<u64>>, mapping: &Mapping) {
        let Some((folio, before, cleaned)) = self.doing(task.pid).cleaned.clone() else { return };
        let dirty = dirty.unwrap_or(folio.start * PAGE..folio.end * PAGE);
        let end = mapping.offset.saturating_add(mapping.length);
        for (page, _) in parts(&(dirty.start.max(mapping.offset)..dirty.end.min(end))) {
            self.page_written(task, page, (before, cleaned), line, Some(mapping.kind));
        }
    }

    fn page_written(
        &mut self,
        task: &Task,
        page: u64,
        (before, cleaned): (u64, u64),
        line: u64,
        says: Option<MapKind>,
    ) {
        let ends = self.traces.writeback_ends;
        let implied = {
            let known = self.page(page);
            let first =
                !known.writeback || known.story.as_ref().is_some_and(|story| !story.cleaned_at(cleaned));
            first.then(|| std::mem::replace(&mut known.writeback, ends))
        };
        let Some(story) = self.story(page) else { return };
        if let Some(still) = implied {
            if still {
                story.rule(Rule::WritebackEndIsImplied);
                story.sees(None, Sight::WrittenBack, (before, cleaned), cleaned);
            }
            story.is_dirty_by(before);
            story.does(task, Deed::WriteBack, before);
            story.sees(Some(task), Sight::Cleaned, (before, cleaned), cleaned);
        }
        match says {
            Some(says) if !story.mapped_as(task.pid, says) => {
                story.sees(Some(task), Sight::Mapped { says }, (cleaned, line), line);
            }
            Some(_) => story.line(line),
            None => {}
        }
    }

    /// A story ends where the page is not cached, and nobody has to do with it.
    fn close(&mut self, page: u64) {
        let Some(known) = self.pages.get_mut(&page) else { return };
        let quiet = |story: &Story| story.writers.is_empty() && story.readers.is_empty();
        if known.cached == Some(true) || known.writeback || !known.story.as_ref().is_some_and(quiet) {
            return;
        }
        if let Some(story) = known.story.take() {
            self.out.push(story.finish(true));
        }
    }
}

/// A change of a page's blocks, as its story tells it: block by block.
fn tell_change(story: &mut Story, first: u64, line: u64, task: &Task, change: &Change) {
    let (blocks, from, to) = change.clone();
    story.change(change);
    story.rule(Rule::ChangeIsPrintedNearby);
    for block in blocks {
        story.sees_until_next(task, Sight::Changed { blocks: block..block + 1, from, to }, first, line);
    }
}

/// The pages of a range of bytes, each with the bytes in it.
fn parts(bytes: &Range<u64>) -> impl Iterator<Item = (u64, Range<u64>)> + use<> {
    let bytes = bytes.clone();
    let pages = if bytes.is_empty() { 0..0 } else { Pieces::pages_of(&bytes) };
    pages.map(move |page| {
        let start = page * PAGE;
        (page, bytes.start.max(start) - start..bytes.end.min(start + PAGE) - start)
    })
}

/// Where two lists of parts of one range say different things.
fn differences(before: &[(Range<u64>, MapKind)], after: &[(Range<u64>, MapKind)]) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for (was, from) in before {
        for (is, to) in after {
            let both = was.start.max(is.start)..was.end.min(is.end);
            if !both.is_empty() && from != to {
                changes.push((both, *from, *to));
            }
        }
    }
    changes
}
