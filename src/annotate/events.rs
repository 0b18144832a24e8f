//! What the model reported, out of what an engine passes on.

use stalemap_facade::Event;
use stalemap_model::state::event::{AfterStale, DataEvent, FolioEvent, KernelEvent, Verdict, What};
use stalemap_model::state::tracepoint::Tracepoint;
use stalemap_model::state::validity::Compared;

/// What happened to a file.
pub fn what(event: &Event) -> Option<&What> {
    event.of::<KernelEvent>().map(|event| &event.what)
}

/// What the file is called that an event concerns, where there are several.
pub fn file(event: &Event) -> Option<&str> {
    event.of::<KernelEvent>()?.file.as_deref()
}

/// What a comparison looks at for the use of a mapping, or looked at.
pub fn compared(event: &Event) -> Option<&Compared> {
    event.of::<KernelEvent>()?.compared.as_ref()
}

/// The tracepoint that was hit.
pub fn tracepoint(event: &Event) -> Option<&Tracepoint> {
    match what(event)? {
        What::Tracepoint(tracepoint) => Some(tracepoint),
        _ => None,
    }
}

/// Whether the event is of what decides beside mappings what is read: the valid size, checksums, what a write finds in its
/// buffer, whether data are journalled.
pub fn is_beside_mappings(event: &Event) -> bool {
    match what(event) {
        Some(What::ValidSize(_) | What::MmapExtends(_) | What::DataMode(_)) => true,
        Some(What::Folio(folio)) => {
            matches!(folio, FolioEvent::Summed(_) | FolioEvent::Filled { behind_valid: true, .. })
        }
        Some(What::Data(data)) => matches!(
            data,
            DataEvent::Summed(_)
                | DataEvent::OtherChecksum(_)
                | DataEvent::BufferStored { .. }
                | DataEvent::BufferCopied { .. }
        ),
        _ => false,
    }
}

/// Whether data were copied into a folio: then the next copy is into another one.
pub fn is_of_folio_done(event: &Event) -> bool {
    matches!(what(event), Some(What::Data(DataEvent::Copied { .. })))
}

/// Whether the event begins or ends a mapping, makes one stale, or is the use of one that misleads.
pub fn is_of_mapping(event: &Event) -> bool {
    match what(event) {
        Some(What::Sampled(..) | What::Dropped(_) | What::MapChanged(_)) => true,
        Some(What::Used(used)) => used.misleads(),
        Some(What::Checked(_, Verdict::Stale { then, .. })) => *then == AfterStale::Dropped,
        _ => false,
    }
}
