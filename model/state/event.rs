//! What a run of the modelled kernel tells those who watch a replay. None of it is part of the state.

use stalemap_facade::SystemEvent;

use crate::state::tracepoint::Tracepoint;
use crate::state::validity::Compared;

/// One thing that happened, in kernel words, with what a reader of the schedule needs to follow the mapping.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KernelEvent {
    /// What happened (`copy 0-4k`, `U -> W at 4k`). Empty when only the mapping's life or a tracepoint is.
    pub text: String,
    /// How it concerns a cached mapping.
    pub mapping: MappingEvent,
    /// Where a mapping is used or was compared: what a comparison looks at.
    pub compared: Option<Compared>,
    /// The kernel's tracepoint that is hit here; such an event has no text.
    pub tracepoint: Option<Tracepoint>,
}

impl KernelEvent {
    /// An event that does not concern a cached mapping.
    pub fn plain(text: impl Into<String>) -> Self {
        KernelEvent::of_mapping(MappingEvent::None, text)
    }

    /// An event that may concern a cached mapping.
    pub fn of_mapping(mapping: MappingEvent, text: impl Into<String>) -> Self {
        KernelEvent { text: text.into(), mapping, compared: None, tracepoint: None }
    }

    /// A use of a mapping, for which it is or could be compared.
    pub fn of_use(mapping: MappingEvent, compared: Compared, text: impl Into<String>) -> Self {
        KernelEvent { compared: Some(compared), ..KernelEvent::of_mapping(mapping, text) }
    }

    /// A tracepoint that was hit.
    pub fn of_tracepoint(tracepoint: Tracepoint) -> Self {
        KernelEvent { tracepoint: Some(tracepoint), ..KernelEvent::plain("") }
    }
}

/// The life of a mapping cached by an actor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MappingEvent {
    /// Does not concern one.
    None,
    /// The actor sampled a mapping.
    Sampled,
    /// The extent map changed: every cached mapping is out of date from here on.
    Invalidated,
    /// The actor used its mapping to decide between zeroing and reading.
    Used,
    /// The actor used its mapping where a fresh one would have said otherwise.
    Misused,
    /// The actor dropped its mapping.
    Dropped,
}

impl SystemEvent for KernelEvent {
    fn words(&self) -> String {
        self.text.clone()
    }

    fn log(&self, step: usize, actor: &str) {
        if let Some(tracepoint) = &self.tracepoint {
            tracepoint.log(step, actor);
        }
    }
}
