//! Calls: what the traced program says of itself, what XFS says of a call, its locks, and direct I/O.

use super::map::function;
use crate::event::{Call, Direct, Event, Lock, Phase};
use crate::fields::{Fields, Missing, number};

/// By this the lines of the traced program are known among what others write to `trace_marker`.
const MARK: &str = "wl ";

pub(super) fn event(name: &str, fields: Fields<'_>) -> Option<Result<Event, Missing>> {
    if let Some(call) = name.strip_prefix("xfs_file_") {
        return Some(Ok(file(call, fields)));
    }
    Some(match name {
        "tracing_mark_write" | "print" => return mark(fields),
        "xfs_ilock" => lock(Lock::Taken, fields),
        "xfs_ilock_nowait" => lock(Lock::Tried, fields),
        "xfs_iunlock" => lock(Lock::Released, fields),
        "xfs_ilock_demote" => lock(Lock::Demoted, fields),
        "xfs_zero_eof" => Ok(file("zero_eof", fields)),
        "iomap_zero_iter"
        | "xfs_setfilesize"
        | "xfs_reflink_end_cow"
        | "xfs_reflink_cancel_cow_range"
        | "xfs_reflink_unshare" => completion(name, fields),
        "iomap_dio_rw_begin" => direct(Direct::Begin, fields),
        "iomap_dio_rw_queued" => direct(Direct::Queued, fields),
        "iomap_dio_complete" => direct_complete(fields),
        "iomap_dio_invalidate_fail" => direct(Direct::InvalidateFail, fields),
        "xfs_end_io_direct_write" => direct(Direct::EndWrite, fields),
        "xfs_end_io_direct_write_unwritten" => direct(Direct::EndUnwritten, fields),
        "xfs_end_io_direct_write_append" => direct(Direct::EndAppend, fields),
        _ => return None,
    })
}

/// `wl meta kernel=… ino=… dev=… bsize=… note=…` and `wl ino=… op=… ph=B …`.
fn mark(fields: Fields<'_>) -> Option<Result<Event, Missing>> {
    let text = fields.text().strip_prefix(MARK)?;
    let fields = Fields::new(text);
    Some(if text.starts_with("meta ") { meta(fields) } else { call(fields) })
}

fn meta(fields: Fields<'_>) -> Result<Event, Missing> {
    Ok(Event::Meta {
        kernel: fields.word("kernel")?.to_owned(),
        block: fields.number("bsize")?,
        note: fields.find("note").unwrap_or_default().to_owned(),
    })
}

fn call(fields: Fields<'_>) -> Result<Event, Missing> {
    let optional = |name| fields.find(name).and_then(number);
    let phase = match fields.find("ph") {
        None => Phase::Moment,
        Some("B") => Phase::Begin,
        Some("E") => Phase::End,
        Some(_) => return Err(Missing("ph")),
    };
    Ok(Event::Call(Call {
        call: fields.word("op")?.to_owned(),
        phase,
        id: optional("id"),
        offset: optional("off"),
        length: optional("len"),
        tag: optional("tag"),
        returned: fields.find("ret").map(|_| fields.signed("ret")).transpose()?,
        bad: optional("bad"),
        first: optional("first"),
        last: optional("last"),
        what: fields.find("what").map(str::to_owned),
        round: optional("n"),
    }))
}

fn lock(action: Lock, fields: Fields<'_>) -> Result<Event, Missing> {
    let locks = fields.word("flags")?.to_owned();
    Ok(Event::Lock { action, locks, caller: function(fields.word("caller")?) })
}

/// Before 5.18 an offset is called `offset`, and a length `count`. Some have neither.
fn file(call: &str, fields: Fields<'_>) -> Event {
    let optional = |names: &[&'static str]| fields.number_of(names).ok();
    Event::File {
        call: call.to_owned(),
        offset: optional(&["pos", "offset"]),
        length: optional(&["bytecount", "count"]),
    }
}

fn completion(name: &str, fields: Fields<'_>) -> Result<Event, Missing> {
    let (offset, length) = range(fields)?;
    Ok(Event::Completion { what: name.to_owned(), offset, length })
}

fn range(fields: Fields<'_>) -> Result<(u64, u64), Missing> {
    Ok((fields.number_of(&["pos", "offset"])?, fields.number_of(&["bytecount", "length", "count"])?))
}

fn direct(station: Direct, fields: Fields<'_>) -> Result<Event, Missing> {
    let (offset, length) = range(fields)?;
    Ok(Event::Direct { station, offset, length })
}

/// Its offset is where the I/O ended, and what it returns is how much there was; or an error.
fn direct_complete(fields: Fields<'_>) -> Result<Event, Missing> {
    let end = fields.number("offset")?;
    let length = u64::try_from(fields.signed("ret")?).unwrap_or(0);
    Ok(Event::Direct { station: Direct::Complete, offset: end.saturating_sub(length), length })
}
