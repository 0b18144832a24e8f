//! What happened to the folio that a stale mapping did harm to: enough to ask whether it can happen at all.
//!
//! A window is found once all of it was seen; this reads the trace again, up to the use.

use serde::Serialize;

use crate::event::{Event, FolioChange, MapKind, Place};
use crate::folios::PAGE;
use crate::line::Task;
use crate::reader::{ReadError, Reader, Traced};
use crate::windows::Window;

/// What a task does to the folio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Stores into it through a mapping.
    Store,
    /// Writes it back.
    WriteBack,
    /// Drops it from the page cache.
    Drop,
}

/// A task with what it does, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Who.
    pub task: Task,
    /// What.
    pub acts: Vec<Act>,
}

/// A folio, a mapping over it, and who changes what under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// The size of a block, in bytes.
    pub block: u64,
    /// What the mapping says.
    pub says: MapKind,
    /// Which bytes of the folio the holder writes: the first, and the one behind the last.
    pub written: (u64, u64),
    /// The mapping begins before the folio.
    pub begins_before: bool,
    /// The folio is dirty when the mapping is sampled.
    pub dirty: bool,
    /// What the others do from then on until the use.
    pub parts: Vec<Part>,
}

/// Reads a trace up to the use of a mapping.
pub fn cut(mut reader: Reader<'_>, window: &Window, block: u64) -> Result<Cut, ReadError> {
    let first = window.judgement.wrong.first().map(|wrong| wrong.first);
    let differs = || window.differs.as_ref().map(|(bytes, _)| bytes.first.max(window.use_offset));
    let byte = first.or_else(differs).unwrap_or(window.use_offset);
    let page = byte / PAGE * PAGE;
    let inside = |byte: u64| byte.clamp(page, page + PAGE) - page;
    let mut cut = Cut {
        block,
        says: window.says,
        written: (inside(window.use_offset), inside(window.use_offset.saturating_add(window.use_length))),
        begins_before: window.offset < page,
        dirty: false,
        parts: Vec::new(),
    };
    let mut folio = page;
    while let Some(traced) = reader.next_event()?.filter(|traced| traced.line < window.used.line) {
        if let Some(happened) = happened(&traced.event, page, &mut folio) {
            cut.see(&traced, happened, window);
        }
    }
    Ok(cut)
}

impl Cut {
    fn see(&mut self, traced: &Traced, happened: Happened, window: &Window) {
        if traced.line < window.sampled.line {
            return self.see_before(&traced.head.task, happened);
        }
        let Happened::Act(act) = happened else { return };
        if traced.head.task.pid == window.task.pid {
            return;
        }
        match self.parts.iter_mut().find(|part| part.task.pid == traced.head.task.pid) {
            Some(part) => part.acts.push(act),
            None => self.parts.push(Part { task: traced.head.task.clone(), acts: vec![act] }),
        }
    }

    /// Writeback that is still under way when the mapping is sampled is one of the others' acts: where it begins does not matter.
    fn see_before(&mut self, task: &Task, happened: Happened) {
        self.parts.clear();
        self.dirty = match happened {
            Happened::Act(Act::Store) => true,
            Happened::Act(Act::WriteBack) => {
                self.parts.push(Part { task: task.clone(), acts: vec![Act::WriteBack] });
                true
            }
            Happened::Act(Act::Drop) | Happened::WrittenBack => false,
        };
    }
}

/// What an event says of the folio.
#[derive(Clone, Copy)]
enum Happened {
    Act(Act),
    /// Writeback has ended.
    WrittenBack,
}

/// What an event says of the folio that a page is in, if it is about that. A folio has the number of its first page.
fn happened(event: &Event, page: u64, folio: &mut u64) -> Option<Happened> {
    let Event::Folio { change, place } = event else { return None };
    let there = match *place {
        Place::Page { page: index } => index * PAGE == *folio,
        Place::Order { offset, order } => (offset..offset + (PAGE << order.min(9))).contains(&page),
        Place::Bytes { .. } => false,
    };
    if !there {
        return None;
    }
    Some(match change {
        FolioChange::Dirtied => Happened::Act(Act::Store),
        FolioChange::Cleaned => Happened::Act(Act::WriteBack),
        FolioChange::Deleted => Happened::Act(Act::Drop),
        FolioChange::WritebackEnded => Happened::WrittenBack,
        FolioChange::Added => {
            if let Place::Order { offset, .. } = *place {
                *folio = offset;
            }
            return None;
        }
        FolioChange::WritebackStarted | FolioChange::Released | FolioChange::Invalidated => return None,
    })
}
