//! What the model predicts of the files' bytes, read off the states of a replay.

use stalemap_explore::Replay;
use stalemap_facade::Picture;
use stalemap_model::system::panel::{Fact, Panel, Part as ShownPart, Shows, Span};
use stalemap_model::words::cell_contents::CellContents;
use stalemap_model::words::personality::{FsType, Personality};

use super::calls::{calls, value};
use super::plan::{Contents, Left, Part, Value};

/// What a schedule that ends in a final state leaves: what is cached at its end, and what is on the device after the epilogue.
/// XFS alone is modelled with a size in memory and another one on the device.
pub fn left(replay: &Replay, fs: &Personality) -> Left {
    let remounted = if fs.fs_type == FsType::Xfs { recovered } else { on_device };
    let last = replay.played.last().map_or(&replay.initial_picture, |played| &played.picture);
    let stable = replay.epilogue.as_ref().map_or(last, |epilogue| &epilogue.picture);
    Left {
        calls: calls(replay, replay.played.len()),
        cached: Some(contents(last, cached)),
        stable: Some(contents(stable, on_device)),
        remounted: contents(stable, remounted),
    }
}

/// What is left when power is lost before the step at `cut`: the size that is on the device, and what lies below it.
pub(super) fn left_by_crash(replay: &Replay, cut: usize) -> Left {
    let last = replay.played[..cut].last().map_or(&replay.initial_picture, |played| &played.picture);
    Left { calls: calls(replay, cut), cached: None, stable: None, remounted: contents(last, recovered) }
}

/// The contents of all files in a state, each by `of`.
fn contents(picture: &Picture, of: fn(&Panel) -> Contents) -> Vec<Contents> {
    let panels = picture.of::<Vec<Panel>>();
    let files = panels.into_iter().flatten().filter(|panel| !panel.strips.is_empty());
    files.map(of).collect()
}

/// What a read finds: the folio where it is valid, else the device.
fn cached(panel: &Panel) -> Contents {
    let mut parts = strip(panel, Shows::OnDisk);
    for valid in strip(panel, Shows::PageCache) {
        parts = over(&parts, &valid);
    }
    below(parts, size(panel))
}

fn on_device(panel: &Panel) -> Contents {
    below(strip(panel, Shows::OnDisk), size(panel))
}

fn recovered(panel: &Panel) -> Contents {
    below(strip(panel, Shows::OnDisk), disk_size(panel))
}

/// The parts of a strip in which something is valid.
fn strip(panel: &Panel, shows: Shows) -> Vec<Part> {
    let strips = panel.strips.iter().filter(|strip| strip.shows == shows);
    strips.flat_map(|strip| &strip.spans).filter_map(part).collect()
}

fn part(span: &Span) -> Option<Part> {
    let ShownPart::Contents(contents) = &span.part else { return None };
    if *contents == CellContents::Nothing {
        return None;
    }
    Some(Part { bytes: span.bytes.clone(), value: value(contents) })
}

/// The parts with another one laid over them.
fn over(parts: &[Part], top: &Part) -> Vec<Part> {
    let cut = |part: &Part, bytes: std::ops::Range<u64>| {
        (bytes.start < bytes.end).then_some(Part { bytes, value: part.value })
    };
    let before = |part: &Part| cut(part, part.bytes.start..part.bytes.end.min(top.bytes.start));
    let behind = |part: &Part| cut(part, part.bytes.start.max(top.bytes.end)..part.bytes.end);
    let heads: Vec<Part> = parts.iter().filter_map(before).collect();
    let tails: Vec<Part> = parts.iter().filter_map(behind).collect();
    heads.into_iter().chain([top.clone()]).chain(tails).collect()
}

/// What lies below end of file; neighbours that contain the same are one.
fn below(parts: Vec<Part>, size: u64) -> Contents {
    let mut joined: Vec<Part> = Vec::new();
    for part in parts {
        let bytes = part.bytes.start..part.bytes.end.min(size);
        if bytes.start >= bytes.end {
            continue;
        }
        match joined.last_mut() {
            Some(last) if last.value == part.value && last.bytes.end == bytes.start => {
                last.bytes.end = bytes.end;
            }
            _ => joined.push(Part { bytes, value: part.value }),
        }
    }
    let end = joined.last().map_or(0, |part| part.bytes.end);
    if end < size {
        joined.push(Part { bytes: end..size, value: Value::Byte(0) });
    }
    Contents { parts: joined }
}

fn size(panel: &Panel) -> u64 {
    fact(panel, |fact| if let Fact::Size(bytes) = fact { Some(*bytes) } else { None })
}

fn disk_size(panel: &Panel) -> u64 {
    fact(panel, |fact| if let Fact::DiskSize(bytes) = fact { Some(*bytes) } else { None })
}

fn fact(panel: &Panel, which: impl Fn(&Fact) -> Option<u64>) -> u64 {
    panel.facts.iter().find_map(which).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(parts: &[(u64, u64, u8)]) -> Vec<Part> {
        let part = |&(start, end, byte)| Part { bytes: start..end, value: Value::Byte(byte) };
        parts.iter().map(part).collect()
    }

    #[test]
    fn a_valid_folio_lies_over_the_device() {
        let device = parts(&[(0, 8, 1), (8, 12, 2)]);
        let top = parts(&[(4, 10, 3)]).remove(0);
        assert_eq!(over(&device, &top), parts(&[(0, 4, 1), (4, 10, 3), (10, 12, 2)]));
    }

    #[test]
    fn a_file_ends_at_its_size_and_is_zero_where_nothing_is_known() {
        assert_eq!(below(parts(&[(0, 4, 1), (4, 8, 1)]), 6).parts, parts(&[(0, 6, 1)]));
        assert_eq!(below(parts(&[(0, 4, 1)]), 6).parts, parts(&[(0, 4, 1), (4, 6, 0)]));
        assert_eq!(below(Vec::new(), 0).parts, []);
    }
}
