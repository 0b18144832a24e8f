//! Folios, writeback and faults (`include/trace/events/filemap.h`, `include/trace/events/writeback.h`, `fs/iomap/trace.h`).

use super::map::mapping;
use crate::event::{Event, FolioChange, Place};
use crate::fields::{Fields, Missing, number};

pub(super) fn event(name: &str, fields: Fields<'_>) -> Option<Result<Event, Missing>> {
    Some(match name {
        "mm_filemap_add_to_page_cache" => cached(FolioChange::Added, fields),
        "mm_filemap_delete_from_page_cache" => cached(FolioChange::Deleted, fields),
        "writeback_dirty_folio" | "writeback_dirty_page" => page(FolioChange::Dirtied, "index", fields),
        "clear_dirty" => page(FolioChange::Cleaned, "idx", fields),
        "start_wb" => page(FolioChange::WritebackStarted, "idx", fields),
        "end_wb" => page(FolioChange::WritebackEnded, "idx", fields),
        "iomap_release_folio" | "iomap_releasepage" => range(FolioChange::Released, fields),
        "iomap_invalidate_folio" | "iomap_invalidatepage" => range(FolioChange::Invalidated, fields),
        "iomap_readahead" | "iomap_readpage" => fields.number("nr_pages").map(|pages| Event::Read { pages }),
        "iomap_writepage" | "iomap_writeback_folio" => writeback(fields),
        "iomap_writepage_map" | "iomap_add_to_ioend" => writeback_mapping(fields),
        "xfs_filemap_fault" | "xfs_write_fault" | "xfs_read_fault" => fault(name, fields),
        "page_mkwrite" => fields.number("pgoff").map(|page| Event::Mkwrite { page }),
        _ => return None,
    })
}

/// Offsets are decimal; the order is there since 6.1.
fn cached(change: FolioChange, fields: Fields<'_>) -> Result<Event, Missing> {
    let offset = fields.number("ofs")?;
    let order = fields.find("order").map_or(Ok(0), |_| fields.number("order"))?;
    let order = u32::try_from(order).map_err(|_| Missing("order"))?;
    Ok(Event::Folio { change, place: Place::Order { offset, order } })
}

fn page(change: FolioChange, name: &'static str, fields: Fields<'_>) -> Result<Event, Missing> {
    fields.number(name).map(|page| Event::Folio { change, place: Place::Page { page } })
}

/// Hexadecimal digits, with 0x since 5.17.
fn range(change: FolioChange, fields: Fields<'_>) -> Result<Event, Missing> {
    let place = Place::Bytes { offset: fields.hexadecimal("offset")?, length: fields.hexadecimal("length")? };
    Ok(Event::Folio { change, place })
}

/// Hexadecimal digits here, too.
fn writeback(fields: Fields<'_>) -> Result<Event, Missing> {
    Ok(Event::Writeback {
        offset: fields.hexadecimal("offset")?,
        length: fields.hexadecimal("length")?,
        size: fields.hexadecimal("size")?,
    })
}

fn writeback_mapping(fields: Fields<'_>) -> Result<Event, Missing> {
    let of = fields.find("pos").map(|_| fields.number("pos")).transpose()?;
    let dirty = fields.find("len").and_then(number);
    mapping(fields).map(|mapping| Event::WritebackMapping { of, dirty, mapping })
}

/// Since 6.13 reads and stores have events of their own.
fn fault(name: &str, fields: Fields<'_>) -> Result<Event, Missing> {
    let write = match name {
        "xfs_write_fault" => true,
        "xfs_read_fault" => false,
        _ => fields.number("write_fault")? != 0,
    };
    Ok(Event::Fault { write })
}
