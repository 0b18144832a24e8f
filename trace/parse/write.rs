//! The steps of a buffered write, by the probes of `stalemap trace record`.

use crate::event::Event;
use crate::fields::{Fields, Missing};

pub(super) fn event(name: &str, fields: Fields<'_>) -> Option<Result<Event, Missing>> {
    Some(match name {
        "write_begin" => begin(fields),
        "write_begin_ret" => fields.signed("ret").map(|returned| Event::WriteBegun { returned }),
        "write_end" => end(fields),
        "read_folio_sync" => read(fields),
        "uffd" => fields.number("addr").map(|address| Event::Stall { address }),
        _ => return None,
    })
}

fn begin(fields: Fields<'_>) -> Result<Event, Missing> {
    Ok(Event::WriteBegin { offset: fields.number("pos")?, length: fields.number("len")? })
}

fn end(fields: Fields<'_>) -> Result<Event, Missing> {
    Ok(Event::WriteEnd {
        offset: fields.number("pos")?,
        length: fields.number("len")?,
        copied: fields.number("copied")?,
    })
}

fn read(fields: Fields<'_>) -> Result<Event, Missing> {
    Ok(Event::ReadBlock { offset: fields.number("block")?, length: fields.number("plen")? })
}
