//! What the model reported, out of what an engine passes on.

use stalemap_facade::Event;
use stalemap_model::state::event::{KernelEvent, MappingEvent};
use stalemap_model::state::tracepoint::Tracepoint;
use stalemap_model::state::validity::Compared;

/// How an event concerns a cached mapping.
pub fn mapping(event: &Event) -> MappingEvent {
    event.of::<KernelEvent>().map_or(MappingEvent::None, |event| event.mapping)
}

/// What a comparison looks at for the use of a mapping, or looked at.
pub fn compared(event: &Event) -> Option<&Compared> {
    event.of::<KernelEvent>()?.compared.as_ref()
}

/// The tracepoint that was hit.
pub fn tracepoint(event: &Event) -> Option<&Tracepoint> {
    event.of::<KernelEvent>()?.tracepoint.as_ref()
}
