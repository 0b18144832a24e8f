//! The cause in sentences. Nothing is said that the replay does not show.

use stalemap_model::judge::properties;
use stalemap_model::words::design::CookieScope;
use std::ops::Range;

use stalemap_explore::Replay;
use stalemap_facade::Event;

use super::mappings::Life;
use super::words::{count, harmless, list};
use super::{About, Ending, events, files, is_violation, movers, name, violation};
use crate::run::HaltedSetup;

/// What was lost, which bytes, under which design, and whose cached mapping outlived which change.
pub(super) fn headline(replay: &Replay, about: &About, lives: &[Life]) -> String {
    let sentence = sentence(replay, about);
    match lives.iter().find_map(|life| Misuse::of(replay, life)) {
        Some(misuse) if !replay.violated.is_empty() => format!("{sentence} {}", misuse.outlived()),
        _ => sentence,
    }
}

/// How large the schedule is.
pub(super) fn size(replay: &Replay, about: &About) -> String {
    let preemptions = replay.played.iter().filter(|played| played.preempts).count();
    let least = match (about.preemptions, &about.among) {
        (Some(least), among) if usize::try_from(least) == Ok(preemptions) && least > 0 => match among {
            None => " (the least)".to_owned(),
            Some(among) => format!(" (the least among {})", harmless(among)),
        },
        _ => String::new(),
    };
    let (actors, steps) = (count(movers(replay).len(), "actor"), count(replay.played.len(), "step"));
    format!("{actors}, {steps}, {}{least}", count(preemptions, "preemption"))
}

fn sentence(replay: &Replay, about: &About) -> String {
    let design = harmless(&about.design);
    let memory = about.memory.map_or_else(String::new, |memory| format!(", {memory} memory"));
    let under = if design.is_empty() { String::new() } else { format!(" under design {design}{memory}") };
    let wanted = about.property.filter(|property| replay.violated.contains(property));
    match wanted.or_else(|| replay.violated.first().copied()) {
        Some(properties::DEADLOCK) if !replay.deadlock.is_empty() => {
            let waiting: Vec<String> = waiting(replay);
            format!("Deadlock{under}: {}.", list(&waiting))
        }
        Some(properties::LIVELOCK) if replay.cycle_from.is_some() => {
            let from = replay.cycle_from.unwrap_or(0) + 1;
            let to = replay.played.len();
            format!("Livelock{under}: operations {from} to {to} lead back to where they began, for ever.")
        }
        Some(property) if replay.violated_in_setup.contains(&property) => {
            let name = capital(&property.name().replace('-', " "));
            let why = halted(replay, about).unwrap_or_else(|| "nobody has to race for it".to_owned());
            format!("{name}{under}, in the setup already: {why}.")
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

/// The command of the setup that does not come to its end, and why.
fn halted(replay: &Replay, about: &About) -> Option<String> {
    let halted = HaltedSetup { line: about.halted_at?, why: replay.halted.as_ref()?.why.clone() };
    Some(harmless(&halted.sentence()))
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

/// What came after the last step: a deadlock, or what the epilogue found.
pub(super) fn ending(replay: &Replay) -> Vec<Ending> {
    let mut said = Vec::new();
    if !replay.deadlock.is_empty() {
        said.push(Ending::Said(format!("at the end: nobody can move; {}", list(&waiting(replay)))));
        said.push(Ending::Violated(violation(properties::DEADLOCK, &[])));
    }
    let Some(epilogue) = &replay.epilogue else {
        if replay.deadlock.is_empty() && replay.violated.is_empty() {
            said.push(Ending::Said("at the end: somebody could still move".to_owned()));
        }
        return said;
    };
    if !epilogue.violated.is_empty() {
        let told = epilogue.events.iter().filter(|event| !event.words().is_empty() && !is_violation(event));
        let told: Vec<String> = told.map(|event| harmless(&event.words())).collect();
        let told = if told.is_empty() { String::new() } else { format!(" ({})", told.join("; ")) };
        let several = replay.initial.iter().any(|(name, _)| files::column(name).0.is_some());
        let read = if several { "the files are read" } else { "the file is read" };
        said.push(Ending::Said(format!(
            "at the end: the page cache is checked, everything is written back, and {read} from disk{told}"
        )));
        let violated = epilogue.violated.iter();
        said.extend(violated.map(|property| Ending::Violated(violation(*property, &epilogue.events))));
    }
    if let Some(observed) = &epilogue.observed {
        said.push(Ending::Said(format!("at the end: {}", harmless(observed))));
    }
    said
}

/// Which step before which other made a mapping stale, and what a check saw or would have seen.
pub(super) fn critical_order(replay: &Replay, lives: &[Life]) -> Option<String> {
    let misuse = lives.iter().find_map(|life| Misuse::of(replay, life));
    misuse.map(|misuse| misuse.order()).or_else(|| rejection(replay, lives))
}

/// A mapping that was used although it was out of date.
struct Misuse<'r> {
    replay: &'r Replay,
    life: &'r Life,
    /// The last row that changed the extents concerned, and what it did: what a fresh mapping would have shown. `None`
    /// where no extent changed: a block that was NEW has been written since.
    changed: Option<(usize, String)>,
    /// The row that used the mapping.
    used: usize,
    /// What it found.
    found: String,
}

impl<'r> Misuse<'r> {
    fn of(replay: &'r Replay, life: &'r Life) -> Option<Self> {
        let (used, place) = *life.misused.first()?;
        let found = harmless(&replay.played[used].events.get(place)?.words());
        let blocks = ranges(&found);
        let changes = life.invalidated.iter().filter(|(row, _)| *row < used).rev();
        let event = |(row, place): &(usize, usize)| replay.played.get(*row)?.events.get(*place);
        // A use that names no blocks concerns the whole file.
        let used_in = |a: &Range<u64>| blocks.iter().any(|b| a.start < b.end && b.start < a.end);
        let overlaps = |text: &str| ranges(text).iter().any(|a| blocks.is_empty() || used_in(a));
        let mut changes = changes.filter_map(|change| {
            let event = event(change).filter(|event| overlaps(&event.words()))?;
            Some((change.0, harmless(&event.words())))
        });
        // A mapping of the COW fork says nothing about the other, if it was that fork that changed.
        let of_cow = |(_, what): &(usize, String)| files::split(what).1.starts_with("COW");
        let cow = is_shared(replay, life).then(|| changes.clone().find(of_cow)).flatten();
        Some(Misuse { replay, life, changed: cow.or_else(|| changes.next()), used, found })
    }

    /// Whose cached mapping outlived which change, made by whom.
    fn outlived(&self) -> String {
        let actor = name(self.replay, self.life.actor);
        match &self.changed {
            Some((row, what)) => {
                let who = self.changed_by(*row);
                format!("The mapping that {actor} had cached outlived a change by {who} ({what}).")
            }
            None => format!("The mapping that {actor} had cached misled it ({}).", self.found),
        }
    }

    fn changed_by(&self, row: usize) -> String {
        name(self.replay, self.replay.played[row].actor)
    }

    fn order(&self) -> String {
        let actor = name(self.replay, self.life.actor);
        let (a, c) = (self.life.sampled + 1, self.used + 1);
        let (order, changed) = if let Some((row, what)) = &self.changed {
            let (who, b) = (self.changed_by(*row), row + 1);
            let order = format!(
                "Critical order: {a}, {b}, {c}. {who} changed the extent ({what}) at {b}, after {actor} had sampled its mapping at {a} and before it used it at {c}."
            );
            (order, *row)
        } else {
            let order = format!(
                "Critical order: {a}, {c}. {actor} sampled its mapping at {a} and was misled by it at {c}, although no extent had changed."
            );
            (order, self.life.sampled)
        };
        match verdict(self.replay, self.life, changed, self.used) {
            Some(verdict) => format!("{order} {verdict}"),
            None => order,
        }
    }
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
    let own = |row: &usize| replay.played[*row].actor == life.actor;
    if let Some(check) = (life.sampled..used).filter(own).find(|row| rejects(replay, *row)) {
        return Some(format!("The check at {} saw it, and the mapping was used all the same.", check + 1));
    }
    if let Some(check) = mine(life.sampled..used, "iomap_valid") {
        let now = Now::after(replay, life, check)?;
        return Some(if check < changed {
            format!("The check at {} came too early to see it.", check + 1)
        } else if now.seq <= sampled {
            format!(
                "The check at {} passed: the mapping was sampled at seq {sampled}, and {}.",
                check + 1,
                now.unmoved()
            )
        } else {
            format!(
                "The check at {} passed, although the mapping was sampled at seq {sampled} and seq was {}.",
                check + 1,
                now.seq
            )
        });
    }
    if changed > locked {
        return Some(
            "The folio was locked already: a check right after taking its lock would not have seen it."
                .to_owned(),
        );
    }
    let now = Now::after(replay, life, used)?;
    Some(if now.seq <= sampled {
        format!(
            "Comparing {} ({sampled} when sampled, {} at {}) would not have shown it.",
            now.what(),
            now.seq,
            used + 1
        )
    } else {
        format!(
            "Comparing the sampled seq ({sampled}) with {} ({}) under the folio lock, before the use at {}, would have shown it.",
            now.whose(),
            now.seq,
            used + 1
        )
    })
}

/// A mapping that a check rejected in time.
fn rejection(replay: &Replay, lives: &[Life]) -> Option<String> {
    if !replay.violated.is_empty() {
        return None;
    }
    let rejected = |life: &&Life| life.end.is_some_and(|end| rejects(replay, end));
    let life = lives.iter().find(rejected)?;
    let end = life.end?;
    let row = rejected_for(replay, life, end)?;
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

/// The last change that makes a mapping stale before a check that rejects it.
fn rejected_for(replay: &Replay, life: &Life, check: usize) -> Option<usize> {
    let mut changes = life.invalidated.iter().filter(|(row, _)| *row < check).rev();
    let whole_fork = Now::after(replay, life, check)?.scope == CookieScope::Fork;
    let texts = replay.played[life.sampled].events.iter().map(Event::words);
    let mapped: Vec<Range<u64>> = texts.flat_map(|text| ranges(&text)).collect();
    let concerns = |(row, place): &&(usize, usize)| {
        let changed = ranges(&replay.played[*row].events[*place].words());
        whole_fork || mapped.iter().any(|a| changed.iter().any(|b| a.start < b.end && b.start < a.end))
    };
    changes.find(concerns).map(|(row, _)| *row)
}

/// Whether a check at a row found a mapping stale.
fn rejects(replay: &Replay, row: usize) -> bool {
    replay.played[row].events.iter().any(|event| files::split(&event.words()).1.starts_with("stale: "))
}

/// What a comparison finds.
struct Now {
    seq: u64,
    /// Which changes it counts.
    scope: CookieScope,
}

impl Now {
    /// What a comparison at a row finds: in the counters as the row left them.
    fn after(replay: &Replay, life: &Life, row: usize) -> Option<Self> {
        let played = replay.played.get(row)?;
        let shown = files::value_after(&played.gutter, life.file.as_deref(), "seq")?;
        match played.events.iter().rev().find_map(events::compared) {
            Some(compared) => Some(Now { seq: compared.find(shown)?, scope: compared.scope }),
            None => Some(Now { seq: shown.parse().ok()?, scope: CookieScope::Fork }),
        }
    }

    fn unmoved(&self) -> String {
        match self.scope {
            CookieScope::Fork => format!("seq still was {}", self.seq),
            CookieScope::Range => format!("none of its blocks had changed since (seq {})", self.seq),
            CookieScope::Block => {
                format!("the block at the position had not changed since (seq {})", self.seq)
            }
        }
    }

    fn what(&self) -> &'static str {
        match self.scope {
            CookieScope::Fork => "seq",
            CookieScope::Range => "the seq of the mapping's blocks",
            CookieScope::Block => "the seq of the block at the position",
        }
    }

    fn whose(&self) -> &'static str {
        match self.scope {
            CookieScope::Fork => "the inode's",
            CookieScope::Range => "that of its blocks",
            CookieScope::Block => "that of the block at the position",
        }
    }
}

/// Whether the mapping is one of the COW fork.
fn is_shared(replay: &Replay, life: &Life) -> bool {
    let mut texts = replay.played[life.sampled].events.iter().map(Event::words);
    texts.any(|text| text.contains(" SHARED "))
}

fn sequence_sampled(replay: &Replay, life: &Life) -> Option<u64> {
    let events = &replay.played.get(life.sampled)?.events;
    let mut numbers =
        events.iter().filter_map(|event| event.words().split_once("seq ")?.1.split(' ').next()?.parse().ok());
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
