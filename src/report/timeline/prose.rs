//! The sentences around the picture. Nothing is said that the replay does not show.

use std::ops::Range;

use anstyle::Style;
use stalemap_explore::Replay;
use stalemap_model::event::Event;
use stalemap_model::oracle::Property;

use super::bars::Life;
use super::files;
use super::gutter::value_after;
use super::text::{Line, harmless, list};
use super::{About, alarms, name, paragraph, size, violation};
use crate::report::style::HEAD;

/// What was lost, which bytes, under which design; then what was played.
pub(super) fn headline(replay: &Replay, about: &About, width: usize) -> Vec<Line> {
    let mut lines = paragraph(&sentence(replay, about), width, HEAD);
    let scenario = [&about.scenario, &about.title].map(|text| harmless(text)).into_iter();
    let scenario: Vec<String> = scenario.filter(|text| !text.is_empty()).collect();
    let scenario = if scenario.is_empty() { String::new() } else { format!("{}; ", scenario.join(": ")) };
    lines.extend(paragraph(&format!("{scenario}{}.", size(replay, about)), width, Style::new()));
    lines
}

fn sentence(replay: &Replay, about: &About) -> String {
    let design = harmless(&about.design);
    let under = if design.is_empty() { String::new() } else { format!(" under design {design}") };
    let wanted = about.property.filter(|property| replay.violated.contains(property));
    match wanted.or_else(|| replay.violated.first().copied()) {
        Some(Property::Deadlock) if !replay.deadlock.is_empty() => {
            let waiting: Vec<String> = waiting(replay);
            format!("Deadlock{under}: {}.", list(&waiting))
        }
        Some(Property::Livelock) if replay.cycle_from.is_some() => {
            let from = replay.cycle_from.unwrap_or(0) + 1;
            let to = replay.played.len();
            format!("Livelock{under}: operations {from} to {to} lead back to where they began, for ever.")
        }
        Some(property) => {
            let text = violation(property, &all_events(replay));
            let (name, detail) = text.split_once(": ").map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
            let detail = detail.map_or_else(String::new, |detail| format!(": {detail}"));
            format!("{}{under}{detail}.", capital(name))
        }
        None => format!("Nothing is violated{under} on this schedule."),
    }
}

fn all_events(replay: &Replay) -> Vec<Event> {
    let played = replay.played.iter().flat_map(|played| &played.events);
    played.chain(replay.epilogue.iter().flat_map(|epilogue| &epilogue.events)).cloned().collect()
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn waiting(replay: &Replay) -> Vec<String> {
    let one = |(actor, op): &(usize, String)| format!("{} waits at {}", name(replay, *actor), harmless(op));
    replay.deadlock.iter().map(one).collect()
}

/// What came after the last transition: a deadlock, or what the epilogue found.
pub(super) fn ending(replay: &Replay, width: usize) -> Vec<Line> {
    let plain = Style::new();
    let mut lines = Vec::new();
    if !replay.deadlock.is_empty() {
        lines.push(Line::default());
        lines.extend(paragraph(
            &format!("at the end: nobody can move; {}", list(&waiting(replay))),
            width,
            plain,
        ));
        lines.extend(alarms(&[Property::Deadlock], &[], 0, width));
    }
    let Some(epilogue) = &replay.epilogue else {
        if replay.deadlock.is_empty() && replay.violated.is_empty() {
            lines.push(Line::default());
            lines.extend(paragraph("at the end: somebody could still move", width, plain));
        }
        return lines;
    };
    if !epilogue.violated.is_empty() {
        lines.push(Line::default());
        let told =
            epilogue.events.iter().filter(|event| !event.text.is_empty() && !super::is_violation(event));
        let told: Vec<String> = told.map(|event| harmless(&event.text)).collect();
        let told = if told.is_empty() { String::new() } else { format!(" ({})", told.join("; ")) };
        let several = replay.initial.iter().any(|(name, _)| files::column(name).0.is_some());
        let read = if several { "the files are read" } else { "the file is read" };
        let text = format!(
            "at the end: the page cache is checked, everything is written back, and {read} from disk{told}"
        );
        lines.extend(paragraph(&text, width, plain));
        lines.extend(alarms(&epilogue.violated, &epilogue.events, 0, width));
    }
    if let Some(observed) = &epilogue.observed {
        lines.push(Line::default());
        lines.extend(paragraph(&format!("at the end: {}", harmless(observed)), width, plain));
    }
    lines
}

/// Which transition before which other decided the outcome, and what a check would have seen.
pub(super) fn critical_order(replay: &Replay, lives: &[Life], width: usize) -> Vec<Line> {
    let text = lives.iter().find_map(|life| misuse(replay, life)).or_else(|| rejection(replay, lives));
    text.map_or_else(Vec::new, |text| paragraph(&text, width, Style::new()))
}

/// A mapping that was used although it was out of date.
fn misuse(replay: &Replay, life: &Life) -> Option<String> {
    let (used, place) = *life.misused.first()?;
    let blocks = ranges(&replay.played[used].events.get(place)?.text);
    // The last change of the blocks concerned is what a fresh mapping would have shown.
    let mut changes = life.invalidated.iter().filter(|(row, _)| *row < used).rev();
    let event = |(row, place): &(usize, usize)| replay.played.get(*row)?.events.get(*place);
    let overlaps =
        |text: &str| ranges(text).iter().any(|a| blocks.iter().any(|b| a.start < b.end && b.start < a.end));
    let latest = changes.find(|change| event(change).is_some_and(|event| overlaps(&event.text)))?;
    let (row, who) = (latest.0, name(replay, replay.played[latest.0].actor));
    let what = harmless(&event(latest)?.text);
    let actor = name(replay, life.actor);
    let (a, b, c) = (life.sampled + 1, row + 1, used + 1);
    let order = format!(
        "Critical order: {a}, {b}, {c}. {who} changed the extent ({what}) at {b}, after {actor} had sampled its mapping at {a} and before it used it at {c}."
    );
    Some(match verdict(replay, life, row, used) {
        Some(verdict) => format!("{order} {verdict}"),
        None => order,
    })
}

/// What comparing the counter after the folio was locked said, or would have said.
fn verdict(replay: &Replay, life: &Life, changed: usize, used: usize) -> Option<String> {
    let sampled = sequence_sampled(replay, life)?;
    let mine = |rows: Range<usize>, op: &str| {
        rows.rev().find(|row| {
            let played = &replay.played[*row];
            played.actor == life.actor && played.op.split(' ').next() == Some(op)
        })
    };
    let locked = mine(life.sampled..used, "folio_lock").max(mine(life.sampled..used, "filemap_get_folio"))?;
    if let Some(check) = mine(life.sampled..used, "iomap_valid") {
        let now = sequence_after(replay, life, check)?;
        return Some(if check < changed {
            format!("The check at {} came too early to see it.", check + 1)
        } else if now == sampled {
            format!(
                "The check at {} passed: the mapping was sampled at seq {sampled}, and seq still was {now}.",
                check + 1
            )
        } else {
            format!(
                "The check at {} passed, although the mapping was sampled at seq {sampled} and seq was {now}.",
                check + 1
            )
        });
    }
    if changed > locked {
        return Some(
            "The folio was locked already: a check right after taking its lock would not have seen it."
                .to_owned(),
        );
    }
    let now = sequence_after(replay, life, used)?;
    Some(if now == sampled {
        format!("Comparing seq ({sampled} when sampled, {now} at {}) would not have shown it.", used + 1)
    } else {
        format!(
            "Comparing the sampled seq ({sampled}) with the inode's ({now}) under the folio lock, before the use at {}, would have shown it.",
            used + 1
        )
    })
}

/// A mapping that a check rejected in time.
fn rejection(replay: &Replay, lives: &[Life]) -> Option<String> {
    if !replay.violated.is_empty() {
        return None;
    }
    let rejected = |life: &&Life| {
        life.end.is_some_and(|end| {
            replay.played[end].events.iter().any(|event| files::split(&event.text).1.starts_with("stale: "))
        })
    };
    let life = lives.iter().find(rejected)?;
    let end = life.end?;
    let (row, _) = *life.invalidated.iter().rfind(|(row, _)| *row < end)?;
    let again = lives.iter().find(|next| next.actor == life.actor && next.sampled > end)?;
    let (actor, changed_by) = (name(replay, life.actor), name(replay, replay.played[row].actor));
    Some(format!(
        "Critical order: {}, {}, {}. {changed_by} changed the extent map at {}, after {actor} had sampled its mapping at {}; the check at {} rejected it, and {actor} sampled a new one at {}.",
        life.sampled + 1,
        row + 1,
        end + 1,
        row + 1,
        life.sampled + 1,
        end + 1,
        again.sampled + 1
    ))
}

fn sequence_after(replay: &Replay, life: &Life, row: usize) -> Option<u64> {
    value_after(replay, row, life.file.as_deref(), "seq")?.parse().ok()
}

fn sequence_sampled(replay: &Replay, life: &Life) -> Option<u64> {
    let events = &replay.played.get(life.sampled)?.events;
    let mut numbers =
        events.iter().filter_map(|event| event.text.split_once("seq ")?.1.split(' ').next()?.parse().ok());
    numbers.next_back()
}

/// The byte ranges that a text names (`4k-8k`).
fn ranges(text: &str) -> Vec<Range<u64>> {
    let bytes = |text: &str| {
        let (digits, unit) = match text.strip_suffix(['k', 'm']) {
            Some(digits) => (digits, if text.ends_with('k') { 10 } else { 20 }),
            None => (text, 0),
        };
        digits.parse::<u64>().ok()?.checked_mul(1 << unit)
    };
    let words = text.split([' ', ',']);
    words.filter_map(|word| word.split_once('-')).filter_map(|(a, b)| Some(bytes(a)?..bytes(b)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_in_words() {
        assert_eq!(ranges("U -> W 4k-8k"), vec![4096..8192]);
        assert_eq!(
            ranges("mapping says unwritten at 512-1k, 1m-2m, the extent is W"),
            [512..1024, 1 << 20..2 << 20]
        );
        assert!(ranges("look-up moves the counter, 5 at 4").is_empty());
    }

    #[test]
    fn a_sentence_starts_with_a_capital() {
        assert_eq!(capital("lost write"), "Lost write");
        assert_eq!(capital(""), "");
    }
}
