//! Which event is about what.

use super::piece::Outside;
use super::piece::Sight;
use super::teller::Pieces;
use crate::event::{BlockChange, Event, FolioChange, Fork, MapKind, Phase, Source};
use crate::extents::Record;
use crate::folios::PAGE;
use crate::line::Task;
use crate::reader::Traced;

/// Calls of a traced program that drop clean pages alone.
const DROPS: [&str; 2] = ["dontneed", "drop_caches"];

impl Pieces {
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
        if let Event::Extent { fork: fork @ (Fork::Data | Fork::Cow), .. } = &traced.event {
            self.record_changes(task, *fork == Fork::Cow);
        }
        match &traced.event {
            Event::Extent { change, fork: Fork::Data, start, block, blocks, unwritten, caller } => {
                let kind = match (block, unwritten) {
                    (None, _) => MapKind::Delalloc,
                    (Some(_), true) => MapKind::Unwritten,
                    (Some(_), false) => MapKind::Mapped,
                };
                self.changes_for(task, caller);
                // A removal is printed before the counter moves.
                self.suspicions.moved +=
                    u64::from(matches!(change, BlockChange::Insert | BlockChange::After));
                let blocks = *start..start.saturating_add(*blocks);
                self.extent(task, line, *change, Record { blocks, kind, at: *block });
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

    /// What a task does by itself.
    pub(super) fn step(&mut self, task: &Task, line: u64, event: &Event) {
        let pid = task.pid;
        match event {
            Event::File { call, offset: Some(offset), length: Some(length) } if call == "buffered_write" => {
                self.write_ends(task);
                self.write_is_called(task, line);
                let doing = self.doing(pid);
                doing.call = Some((*offset..offset.saturating_add(*length), line));
                doing.position = *offset;
                doing.call_seen = true;
            }
            // What was the end of the file until now is where zeroing begins.
            Event::File { call, offset: Some(offset), .. } if call == "zero_eof" => self.was_empty(*offset),
            Event::Request(request) => {
                self.request(task, line, request.offset, request.length, &request.flags);
            }
            Event::Found { by, fork, .. } if by.starts_with("xfs_map_blocks") => {
                self.doing(pid).writes_copy = *fork == Fork::Cow;
            }
            Event::Found { offset, length, fork, .. } => {
                let doing = self.doing(pid);
                doing.found = Some((*offset, *length));
                doing.found_copy |= *fork == Fork::Cow;
            }
            Event::WriteBegin { offset, length } => self.write_begins(task, line, *offset, *length),
            Event::Check(sampled) => self.compares(task, line, sampled),
            Event::Answer { valid } => self.answered(task, line, *valid),
            Event::Stale(_) if !self.traces.answers => self.answered(task, line, false),
            Event::WriteBegun { returned } => self.write_begun(task, line, *returned),
            Event::WriteEnd { offset, length, copied } => {
                self.write_end(task, line, *offset, *length, *copied);
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
}
