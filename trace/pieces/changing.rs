//! The extents change: under a page, or elsewhere.

use std::ops::Range;

use super::piece::{Deed, Outside};
use super::story::Change;
use super::teller::{Pieces, Recent, tell_change};
use crate::event::{BlockChange, MapKind};
use crate::extents::Record;
use crate::folios::PAGE;
use crate::line::Task;

/// Who changes extents for pages: reservation, allocation, conversion, and what gives a reservation back.
const FOR_PAGES: [&str; 4] = [
    "xfs_bmap_add_extent_hole_delay",
    "xfs_bmap_add_extent_delay_real",
    "xfs_bmap_add_extent_unwritten_real",
    "xfs_bmap_del_extent_delay",
];

/// How many changes of extents are remembered: a mapping is printed after the changes that were made for it.
const MOST_CHANGES: usize = 256;

impl Pieces {
    /// Who changes the map: for pages, or by a call that is about blocks.
    pub(super) fn changes_for(&mut self, task: &Task, caller: &str) {
        self.doing(task.pid).changes_for_pages = FOR_PAGES.iter().any(|name| caller.starts_with(name));
    }

    /// Whether changes since a line are not remembered any more.
    pub(super) fn forgets_changes_since(&self, line: u64) -> bool {
        self.recent.len() == MOST_CHANGES && self.recent.front().is_some_and(|first| first.line > line)
    }

    /// A task has no more taken out of the map than it puts back.
    pub(super) fn settle(&mut self, task: &Task, line: u64) {
        let taken_out = self.data.unsettled(task.pid);
        let before: Vec<_> = taken_out.iter().map(|blocks| self.data.parts(blocks)).collect();
        self.data.settle(task.pid);
        for (blocks, before) in taken_out.iter().zip(before) {
            self.changed(task, line, &before, blocks);
        }
    }

    pub(super) fn extent(&mut self, task: &Task, line: u64, change: BlockChange, record: Record) {
        let Record { blocks, kind, .. } = record.clone();
        let mut before = self.data.parts(&blocks);
        if matches!(change, BlockChange::Before | BlockChange::Remove) {
            // It says what was there.
            self.data.learn(blocks.clone(), kind);
            before = Vec::new();
        }
        self.data.change(task.pid, change, record);
        // The counter moves after a removal is printed: that is told when the record is put back, or is not.
        if matches!(change, BlockChange::Insert | BlockChange::After) {
            self.changed(task, line, &before, &blocks);
        }
    }

    /// The map has changed; for pages of which no block has, the counter moved.
    pub(super) fn changed(
        &mut self,
        task: &Task,
        line: u64,
        before: &[(Range<u64>, MapKind)],
        blocks: &Range<u64>,
    ) {
        let first = self.tasks.get(&task.pid).map_or(0, |doing| doing.changes.unwrap_or(doing.changed));
        let after = self.data.parts(blocks);
        let changes = differences(before, &after);
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
