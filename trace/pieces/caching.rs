//! Pages come into the page cache, are written back, and go.

use std::ops::Range;

use super::piece::{Deed, Outside, Rule, Sight};
use super::task::Reading;
use super::teller::{MOST_PAGE, Pieces, parts};
use crate::event::{FolioChange, MapKind, Mapping, Place};
use crate::folios::PAGE;
use crate::line::Task;

impl Pieces {
    pub(super) fn folio(&mut self, task: &Task, line: u64, change: FolioChange, place: Place) {
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
                FolioChange::WritebackEnded => self.written_back(task, line, page),
                _ => {}
            }
        }
        if change == FolioChange::Deleted {
            self.folios.remove(&head);
        }
    }

    pub(super) fn added(&mut self, task: &Task, line: u64, page: u64, pages: u64) {
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

    pub(super) fn dirtied(&mut self, line: u64, page: u64, pages: u64) {
        let known = self.page(page);
        known.dirty = true;
        if let Some(story) = known.story.as_mut().filter(|_| pages > 1) {
            story.dirtied_with = Some(line);
        }
    }

    /// Taken for writeback. What becomes of it the mapping says, where that is traced.
    pub(super) fn cleaned(&mut self, task: &Task, line: u64, page: u64) {
        self.page(page).dirty = false;
        if !self.traces.writeback_mappings {
            let before = self.before(task.pid);
            self.page_written(task, page, (before, line), line, None);
        }
    }

    pub(super) fn deleted(&mut self, task: &Task, line: u64, page: u64) {
        let (first, why) = (self.before(task.pid), self.cached_before());
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
                story.is_outside(why);
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

    pub(super) fn written_back(&mut self, task: &Task, line: u64, page: u64) {
        let known = self.page(page);
        if !std::mem::take(&mut known.writeback) {
            return;
        }
        if let Some(story) = &mut known.story {
            story.is_converted(line);
            story.rule(Rule::WritebackEndsLater);
            story.sees_writeback_end(task, line);
        }
        self.close(page);
    }

    /// Writeback has a mapping for what is dirty; a kernel before 6.7 does not say what that is: the folio that it has taken.
    pub(super) fn writeback_mapping(
        &mut self,
        task: &Task,
        line: u64,
        dirty: Option<Range<u64>>,
        mapping: &Mapping,
    ) {
        let Some((folio, before, cleaned)) = self.doing(task.pid).cleaned.clone() else { return };
        let dirty = dirty.unwrap_or(folio.start * PAGE..folio.end * PAGE);
        let end = mapping.offset.saturating_add(mapping.length);
        let written = dirty.start.max(mapping.offset)..dirty.end.min(end);
        for (page, _) in parts(&written) {
            self.page_written(task, page, (before, cleaned), line, Some(mapping.kind));
        }
        if self.doing(task.pid).writes_copy || mapping.flags.split('|').any(|flag| flag == "SHARED") {
            self.outside(written, Outside::SharedBlocks);
        }
    }

    pub(super) fn page_written(
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
}
