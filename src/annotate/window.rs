//! The window of a schedule: from where a mapping was sampled to where it was used or rejected, and through which path.

use stalemap_explore::Replay;
use stalemap_model::backend::ActorId;
use stalemap_model::event::Event;

use super::mappings::Life;

/// Whose mapping went out of date, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    /// Who had it cached.
    pub actor: ActorId,
    /// The row that sampled it.
    pub sampled: usize,
    /// Through which path.
    pub path: Path,
}

/// A path that caches mappings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Path {
    /// A buffered write.
    Write,
    /// Writeback.
    Writeback,
    /// A read, a fault or direct I/O.
    Other,
}

/// The window of the mapping that was used although it was out of date; without one, of the first that went out of date.
pub fn window(replay: &Replay, lives: &[Life]) -> Option<Window> {
    let misused = lives.iter().find(|life| !life.misused.is_empty());
    let life = misused.or_else(|| lives.iter().find(|life| !life.invalidated.is_empty()))?;
    Some(Window { actor: life.actor, sampled: life.sampled, path: path(&replay.played[life.sampled].events) })
}

/// Which path a step belongs to, by the tracepoints that it hits.
fn path(events: &[Event]) -> Path {
    let mut tracepoints = events.iter().filter_map(|event| event.tracepoint.as_ref());
    let path = tracepoints.find_map(|tracepoint| match tracepoint.name {
        "iomap_writepage_map" => Some(Path::Writeback),
        "iomap_iter" if tracepoint.to_string().ends_with("flags WRITE (0x1)") => Some(Path::Write),
        _ => None,
    });
    path.unwrap_or(Path::Other)
}
