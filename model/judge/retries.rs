//! How often a writer has to begin again because its mapping has gone stale.
//!
//! A design that compares too much lets a writer begin again for ever although nobody changes anything; one that compares too
//! coarsely, for changes elsewhere. Both are told here: the first violates [`UNBOUNDED_RETRY`](super::properties::UNBOUNDED_RETRY), the second is counted.

use stalemap_facade::{ActorId, Backend, Leaf};

use super::properties;
use crate::words::config::labelled;
use crate::words::counters;

/// Whether retries are counted: not where somebody goes on for ever, since a count would make every state a new one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counted {
    /// They are.
    Yes,
    /// Somebody goes on for ever.
    No,
}

/// What one writer has met since its last `iomap_begin`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Writer {
    /// Whether somebody else changed the extent map since.
    disturbed: bool,
    /// Mappings that others made stale in this run.
    stale: u16,
    /// Mappings that went stale although nobody else had changed anything, and that it has changed the extent map for
    /// again.
    own: u16,
    /// Where it stands between two of these.
    retrying: Retrying,
    /// Of these, those whose successor said the same.
    spurious: u16,
}

/// Where a writer stands whose mappings go stale by themselves. As long as nothing changes in between, it comes back to
/// the same state, and the engine sees that it goes round for ever: a count would hide it. When the writer itself changes
/// the extent map on the way, the counters that it is checked by grow without end, and no state comes again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Retrying {
    /// None of its mappings has gone stale by itself.
    #[default]
    No,
    /// One has.
    Same,
    /// It has changed the extent map since.
    Changed,
}

/// The retries of all writers of a file.
pub struct Retries<B: Backend> {
    backend: B,
    /// By actor.
    writers: Vec<B::Leaf<Writer>>,
    /// Whether they are counted.
    counted: Counted,
    /// What messages call the file, where there are several.
    label: Option<String>,
}

impl<B: Backend> Retries<B> {
    /// None yet.
    pub fn new(backend: &B, actors: usize, counted: Counted, label: Option<&str>) -> Self {
        Retries {
            backend: backend.clone(),
            writers: (0..actors).map(|_| backend.leaf("writer", Writer::default())).collect(),
            counted,
            label: label.map(str::to_owned),
        }
    }

    /// `actor` sampled a mapping.
    pub fn sampled(&self, actor: ActorId) {
        self.writers[actor].update(|writer| writer.disturbed = false);
    }

    /// `actor` changed the extent map.
    pub fn bumped(&self, actor: ActorId) {
        let mut retries = false;
        self.writers[actor].audit(|writer| retries = writer.retrying == Retrying::Same);
        if retries {
            self.writers[actor].update(|writer| writer.retrying = Retrying::Changed);
        }
        for (other, writer) in self.writers.iter().enumerate() {
            let mut undisturbed = false;
            writer.audit(|writer| undisturbed = !writer.disturbed);
            if other != actor && undisturbed {
                writer.update(|writer| writer.disturbed = true);
            }
        }
    }

    /// What a mapping of `actor` was compared with beside the extent map has moved, by whoever it was: a write that has got further
    /// does that itself.
    pub fn moved_beside(&self, actor: ActorId) {
        self.writers[actor].update(|writer| writer.disturbed = true);
    }

    /// A check of `actor` found its mapping stale; `spurious` if a fresh one would have said the same.
    pub fn stale(&self, actor: ActorId, spurious: bool) {
        let writer = &self.writers[actor];
        let mut disturbed = false;
        writer.audit(|writer| disturbed = writer.disturbed);
        if !disturbed {
            let say = || "a mapping went stale although nobody else had changed anything".to_owned();
            self.backend.violate(properties::UNBOUNDED_RETRY, || labelled(self.label.as_deref(), say()));
            writer.update(|writer| {
                writer.own += u16::from(writer.retrying == Retrying::Changed && self.counted == Counted::Yes);
                writer.retrying = Retrying::Same;
            });
            return;
        }
        if self.counted == Counted::No {
            return;
        }
        writer.update(|writer| {
            writer.stale += 1;
            writer.spurious += u16::from(spurious);
        });
        writer.audit(|writer| {
            self.backend.maximum(counters::STALE_ABORTS, u32::from(writer.stale));
            self.backend.maximum(counters::SPURIOUS_ABORTS, u32::from(writer.spurious));
        });
    }

    /// How often `actor` has found a mapping stale and begun again: those that others had made stale, and those after
    /// which it changed the extent map itself.
    pub fn of(&self, actor: ActorId) -> u32 {
        self.writers[actor].read(|writer| u32::from(writer.stale) + u32::from(writer.own))
    }
}
