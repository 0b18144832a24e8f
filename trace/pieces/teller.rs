//! Tells the stories of pages from the events of a trace, one after the other: what is known of pages and tasks, and how a story begins
//! and ends. What the events do is said beside, by subject.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use super::answer::Answer;
use super::piece::{Cutting, Outside, Rule, Sight, Traces};
use super::story::{Change, Story};
use super::suspicion::Suspicions;
use super::task::Doing;
use crate::event::MapKind;
use crate::extents::Extents;
use crate::folios::PAGE;
use crate::line::Task;

/// How many pages of one event are followed.
pub(super) const MOST_PAGES: u64 = 4096;

/// No file has pages behind this one.
pub(super) const MOST_PAGE: u64 = i64::MAX as u64 / PAGE;

/// What is known of a page between stories.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Whether it is cached; `None` before the trace says.
    pub(super) cached: Option<bool>,
    pub(super) dirty: bool,
    pub(super) writeback: bool,
    pub(super) story: Option<Story>,
}

/// A change of the extents, and who made it.
#[derive(Debug)]
pub(super) struct Recent {
    pub(super) line: u64,
    pub(super) first: u64,
    pub(super) task: Task,
    /// In blocks of the file.
    pub(super) change: Change,
}

/// Cuts a trace into pieces.
#[derive(Debug)]
pub struct Pieces {
    pub(super) block: u64,
    pub(super) traces: Traces,
    pub(super) data: Extents,
    pub(super) pages: BTreeMap<u64, Page>,
    /// How many pages the folio has that begins with a page.
    pub(super) folios: BTreeMap<u64, u64>,
    pub(super) tasks: BTreeMap<u32, Doing>,
    pub(super) recent: VecDeque<Recent>,
    pub(super) out: Vec<Cutting>,
    pub(super) lost: u64,
    pub(super) suspicions: Suspicions,
    pub(super) answers: Vec<Answer>,
    /// Pages from here on were behind the end of the file once, and not cached.
    pub(super) empty_from: Option<u64>,
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
            suspicions: Suspicions::default(),
            answers: Vec::new(),
            empty_from: None,
        }
    }

    /// What is complete by now.
    pub fn take(&mut self) -> Vec<Cutting> {
        std::mem::take(&mut self.out)
    }

    /// The answers of the kernel's check, so far.
    pub fn answers(&self) -> &[Answer] {
        &self.answers
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
        self.suspicions_end();
    }

    /// A task has a line: what it did before that is done by now.
    pub(super) fn line_of(&mut self, pid: u32, line: u64, of_map: bool) {
        let doing = self.tasks.entry(pid).or_default();
        doing.before = doing.line;
        doing.line = line;
        for story in self.pages.values_mut().filter_map(|page| page.story.as_mut()) {
            story.writeback_is_over(pid, line);
        }
        let doing = self.tasks.entry(pid).or_default();
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

    pub(super) fn doing(&mut self, pid: u32) -> &mut Doing {
        self.tasks.entry(pid).or_default()
    }

    pub(super) fn before(&self, pid: u32) -> u64 {
        self.tasks.get(&pid).map_or(0, |doing| doing.before)
    }

    /// The pages of a range of bytes.
    pub(super) fn pages_of(bytes: &Range<u64>) -> Range<u64> {
        let first = (bytes.start / PAGE).min(MOST_PAGE);
        first..bytes.end.div_ceil(PAGE).min(first + MOST_PAGES).min(MOST_PAGE)
    }

    pub(super) fn outside(&mut self, bytes: Range<u64>, why: Outside) {
        for page in Self::pages_of(&bytes) {
            if let Some(story) = self.pages.get_mut(&page).and_then(|page| page.story.as_mut()) {
                story.is_outside(why);
            }
        }
    }

    /// The file ended at a byte: no page behind it is cached.
    pub(super) fn was_empty(&mut self, end: u64) {
        let first = end.div_ceil(PAGE);
        self.empty_from = Some(self.empty_from.map_or(first, |known| known.min(first)));
        for known in self.pages.range_mut(first..).map(|(_, known)| known) {
            known.cached.get_or_insert(false);
        }
    }

    /// What is known of a page.
    pub(super) fn page(&mut self, page: u64) -> &mut Page {
        let empty = self.empty_from.is_some_and(|first| page >= first);
        let fresh = || Page { cached: empty.then_some(false), ..Page::default() };
        self.pages.entry(page).or_insert_with(fresh)
    }

    pub(super) fn story(&mut self, page: u64) -> Option<&mut Story> {
        self.pages.get_mut(&page).and_then(|page| page.story.as_mut())
    }

    /// A page that something happens to; if that is the beginning of a story, what its blocks were at a line.
    pub(super) fn begin(&mut self, page: u64, since: u64) -> Option<&mut Story> {
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
            let before = self.cached_before();
            let known = self.page(page);
            if known.cached == Some(true) {
                story.is_outside(before);
            }
            known.story = Some(story);
        }
        self.story(page)
    }

    /// A write has the folio: it is in the page cache. If nothing said so, it has been since before the trace began.
    pub(super) fn is_cached(&mut self, page: u64) {
        let before = self.cached_before();
        let known = self.page(page);
        if known.cached.is_none() {
            known.cached = Some(true);
            if let Some(story) = &mut known.story {
                story.is_outside(before);
            }
        }
    }

    /// Why nothing is known of a page that is cached, though nothing said how it came there.
    pub(super) fn cached_before(&self) -> Outside {
        if self.lost > 0 { Outside::EventsLost } else { Outside::CachedBefore }
    }

    /// The pages of a range of bytes that are in the folio that it begins in.
    pub(super) fn in_folio(&self, bytes: &Range<u64>) -> Range<u64> {
        let pages = Self::pages_of(bytes);
        let folio = self.folios.range(..=pages.start).next_back().map(|(head, count)| head + count);
        pages.start..pages.end.min(folio.filter(|end| *end > pages.start).unwrap_or(pages.start + 1))
    }

    /// A story ends where the page is not cached, and nobody has to do with it.
    pub(super) fn close(&mut self, page: u64) {
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
pub(super) fn tell_change(story: &mut Story, first: u64, line: u64, task: &Task, change: &Change) {
    let (blocks, from, to) = change.clone();
    story.change(change);
    story.rule(Rule::ChangeIsPrintedNearby);
    for block in blocks {
        story.sees_until_next(task, Sight::Changed { blocks: block..block + 1, from, to }, first, line);
    }
}

/// The pages of a range of bytes, each with the bytes in it.
pub(super) fn parts(bytes: &Range<u64>) -> impl Iterator<Item = (u64, Range<u64>)> + use<> {
    let bytes = bytes.clone();
    let pages = if bytes.is_empty() { 0..0 } else { Pieces::pages_of(&bytes) };
    pages.map(move |page| {
        let start = page * PAGE;
        (page, bytes.start.max(start) - start..bytes.end.min(start + PAGE) - start)
    })
}
