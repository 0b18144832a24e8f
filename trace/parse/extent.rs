//! The extent map and its counters (`fs/xfs/xfs_trace.h`, `xfs_bmap_class`).

use super::map::{function, on_device};
use crate::event::{BlockChange, Event, Fork};
use crate::fields::{Fields, Missing};

/// The bits of the state of a change (`BMAP_ATTRFORK`, `BMAP_COWFORK` in `fs/xfs/libxfs/xfs_bmap.h`), as probes see it.
const ATTR: u64 = 1 << 8;
const COW: u64 = 1 << 9;

pub(super) fn event(name: &str, fields: Fields<'_>) -> Option<Result<Event, Missing>> {
    Some(match name {
        "xfs_iext_insert" => extent(BlockChange::Insert, fields),
        "xfs_iext_remove" => extent(BlockChange::Remove, fields),
        "xfs_bmap_pre_update" => extent(BlockChange::Before, fields),
        "xfs_bmap_post_update" => extent(BlockChange::After, fields),
        "iext_insert" => counter(BlockChange::Insert, fields),
        "iext_remove" => counter(BlockChange::Remove, fields),
        "iext_update" => counter(BlockChange::After, fields),
        "xfs_unwritten_convert" => convert(fields),
        "conv_unwritten" => begin(fields),
        _ => return None,
    })
}

fn extent(change: BlockChange, fields: Fields<'_>) -> Result<Event, Missing> {
    let block = fields.number_of(&["startblock", "block"])?;
    let state = fields.word("state")?;
    let has = |name| state.split('|').any(|bit| bit == name);
    Ok(Event::Extent {
        change,
        fork: if has("COW") {
            Fork::Cow
        } else if has("ATTR") {
            Fork::Attr
        } else {
            Fork::Data
        },
        start: fields.number_of(&["fileoff", "offset"])?,
        block: on_device(block),
        blocks: fields.number_of(&["fsbcount", "count"])?,
        unwritten: fields.number("flag")? != 0,
        caller: function(fields.word("caller")?),
    })
}

fn counter(change: BlockChange, fields: Fields<'_>) -> Result<Event, Missing> {
    let state = fields.number("state")?;
    let fork = if state & COW != 0 {
        Fork::Cow
    } else if state & ATTR != 0 {
        Fork::Attr
    } else {
        Fork::Data
    };
    Ok(Event::Counter { change, fork, before: fields.number("dseq")? })
}

/// The probe on `xfs_iomap_write_unwritten`: before the first transaction.
fn begin(fields: Fields<'_>) -> Result<Event, Missing> {
    let (offset, length) = (fields.number("off")?, fields.number("count")?);
    Ok(Event::Completion { what: "xfs_iomap_write_unwritten".to_owned(), offset, length })
}

fn convert(fields: Fields<'_>) -> Result<Event, Missing> {
    Ok(Event::Convert {
        offset: fields.number_of(&["pos", "offset"])?,
        length: fields.number_of(&["bytecount", "count"])?,
    })
}
