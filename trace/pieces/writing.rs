//! The steps of a write.

use std::ops::Range;

use super::answer::Answer;
use super::piece::{Deed, Outside, Sight};
use super::task::For;
use super::teller::{MOST_PAGE, MOST_PAGES, Pieces, parts};
use crate::folios::PAGE;
use crate::line::Task;

impl Pieces {
    /// A write of a task is over: it comes to no page any more.
    pub(super) fn write_ends(&mut self, task: &Task) {
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

    pub(super) fn write_begins(&mut self, task: &Task, line: u64, offset: u64, length: u64) {
        self.write_steps(task, line);
        let moved = self.suspicions.moved;
        let doing = self.doing(task.pid);
        let bytes = offset..offset.saturating_add(length);
        doing.begins = Some((bytes.clone(), line));
        (doing.compares, doing.moved_when_compared) = (line, moved);
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
    pub(super) fn writes(&mut self, task: &Task, page: u64, call: &Range<u64>, since: u64, from: u64) {
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

    pub(super) fn answered(&mut self, task: &Task, line: u64, valid: bool) {
        let pid = task.pid;
        self.suspects_answer(task, line, valid);
        let begins = self.traces.write_begins;
        let answer = Answer::to(self.doing(pid), line, valid, begins);
        self.answers.push(answer);
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

    pub(super) fn write_begun(&mut self, task: &Task, line: u64, returned: i64) {
        if returned != 0 {
            self.write_fails(task);
        }
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

    pub(super) fn write_end(&mut self, task: &Task, line: u64, offset: u64, length: u64, copied: u64) {
        self.write_steps(task, line);
        let doing = self.doing(task.pid);
        if doing.asks != For::Write {
            return;
        }
        let bytes = offset..offset.saturating_add(copied);
        if copied < length {
            self.outside(offset..offset.saturating_add(length), Outside::ShortCopy);
        }
        for (page, inside) in parts(&bytes) {
            if let Some(story) = self.story(page).filter(|story| story.writers.contains(&task.pid)) {
                // The folio is this task's until now: whoever else has had it since has so before the copy, or behind it.
                story.sees(Some(task), Sight::Copied { bytes: inside }, (line, line), line);
            }
        }
        self.came_past(task, bytes.end);
    }

    /// A write has come to a place: it has to do with the pages before it no more.
    pub(super) fn came_past(&mut self, task: &Task, position: u64) {
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
        for page in closing {
            self.close(page);
        }
    }
}
