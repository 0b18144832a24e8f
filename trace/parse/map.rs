//! Mappings: asked for, handed out, checked (`fs/iomap/trace.h`, `fs/xfs/xfs_trace.h`).

use crate::event::{Event, Fork, MapKind, Mapping, Request, Sampled, Source};
use crate::fields::{Fields, Missing};

/// From this block on it is none: a reservation has its indirect blocks in the lower bits (`STARTBLOCKMASK`).
const NULL_STARTBLOCK: u64 = ((1 << 52) - 1) & !((1 << 17) - 1);

pub(super) fn event(name: &str, fields: Fields<'_>) -> Option<Result<Event, Missing>> {
    Some(match name {
        "iomap_iter" | "iomap_apply" => request(fields),
        "iomap_iter_dstmap" | "iomap_apply_dstmap" => handed_out(Source::Destination, fields),
        "iomap_iter_srcmap" | "iomap_apply_srcmap" => handed_out(Source::Source, fields),
        "bmbt_to_iomap" => sample(fields),
        "xfs_iomap_found" | "xfs_iomap_alloc" | "xfs_map_blocks_found" | "xfs_map_blocks_alloc" => {
            found(name, fields)
        }
        "iomap_valid" => sampled(fields, "dseq").map(Event::Check),
        "iomap_valid_ret" => fields.number("valid").map(|valid| Event::Answer { valid: valid != 0 }),
        "xfs_iomap_invalid" => sampled(fields, "inodeseq").map(Event::Stale),
        "xfs_wb_data_iomap_invalid" => of_writeback(Fork::Data, fields),
        "xfs_wb_cow_iomap_invalid" => of_writeback(Fork::Cow, fields),
        _ => return None,
    })
}

fn request(fields: Fields<'_>) -> Result<Event, Missing> {
    Ok(Event::Request(Request {
        offset: fields.number("pos")?,
        length: fields.number("length")?,
        flags: fields.word("flags")?.to_owned(),
        ops: fields.word("ops")?.to_owned(),
        caller: function(fields.word("caller")?),
    }))
}

/// A block's number, if it is one: a hole and a reservation have none.
pub(super) fn on_device(block: u64) -> Option<u64> {
    (block & NULL_STARTBLOCK != NULL_STARTBLOCK).then_some(block)
}

/// A function without the place in it.
pub(super) fn function(place: &str) -> String {
    place.split('+').next().unwrap_or(place).to_owned()
}

/// A mapping as the events of iomap print it. There is no address in a hole and under a reservation (`IOMAP_NULL_ADDR`).
pub(super) fn mapping(fields: Fields<'_>) -> Result<Mapping, Missing> {
    let address = fields.number("addr")?;
    Ok(Mapping {
        offset: fields.number("offset")?,
        length: fields.number("length")?,
        address: (address != u64::MAX).then_some(address),
        kind: kind(fields.word("type")?).ok_or(Missing("type"))?,
        flags: fields.find("flags").unwrap_or_default().to_owned(),
    })
}

fn handed_out(of: Source, fields: Fields<'_>) -> Result<Event, Missing> {
    mapping(fields).map(|mapping| Event::Mapping { of, mapping })
}

/// By name, or by number (`IOMAP_HOLE` is 0).
fn kind(word: &str) -> Option<MapKind> {
    const KINDS: [(&str, MapKind); 5] = [
        ("HOLE", MapKind::Hole),
        ("DELALLOC", MapKind::Delalloc),
        ("MAPPED", MapKind::Mapped),
        ("UNWRITTEN", MapKind::Unwritten),
        ("INLINE", MapKind::Inline),
    ];
    let named = KINDS.iter().find(|(name, _)| *name == word);
    let numbered = || KINDS.get(usize::try_from(crate::fields::number(word)?).ok()?);
    named.or_else(numbered).map(|(_, kind)| *kind)
}

fn sample(fields: Fields<'_>) -> Result<Event, Missing> {
    Ok(Event::Sample {
        start: fields.number("startoff")?,
        blocks: fields.number("count")?,
        cookie: fields.number("cookie")?,
    })
}

/// Before 5.18 an offset is called `offset`, and a length `count`.
fn found(name: &str, fields: Fields<'_>) -> Result<Event, Missing> {
    Ok(Event::Found {
        by: name.to_owned(),
        offset: fields.number_of(&["pos", "offset"])?,
        length: fields.number_of(&["bytecount", "count"])?,
        fork: fork(fields.word("fork")?),
        start: fields.number("startoff")?,
        blocks: fields.number_of(&["fsbcount", "blockcount"])?,
        block: fields.number_of(&["startblock", "block"]).ok().and_then(on_device),
    })
}

fn fork(word: &str) -> Fork {
    match word {
        "cow" => Fork::Cow,
        "attr" => Fork::Attr,
        _ => Fork::Data,
    }
}

/// The probe has the mapping's own fields, XFS prints them as `pos` and `bytecount`.
fn sampled(fields: Fields<'_>, sequence: &'static str) -> Result<Sampled, Missing> {
    Ok(Sampled {
        offset: fields.number_of(&["off", "pos"])?,
        length: fields.number_of(&["length", "bytecount"])?,
        kind: kind(fields.word("type")?).ok_or(Missing("type"))?,
        flags: fields.number("flags")?,
        cookie: fields.number_of(&["cookie", "validity_cookie", "wpcseq"])?,
        sequence: fields.find(sequence).map(|_| fields.number(sequence)).transpose()?,
    })
}

fn of_writeback(fork: Fork, fields: Fields<'_>) -> Result<Event, Missing> {
    sampled(fields, "forkseq").map(|sampled| Event::WritebackStale { fork, sampled })
}
