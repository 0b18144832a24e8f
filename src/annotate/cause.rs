//! The cause in sentences. Nothing is said that the replay does not show.

use stalemap_model::judge::properties;
use stalemap_model::state::validity::Compared;
use stalemap_model::words::design::CookieScope;
use std::ops::Range;

use stalemap_explore::Replay;
use stalemap_facade::Event;
use stalemap_model::state::event::{MapChange, Seq, Use, Verdict, What};
use stalemap_model::words::extent::Fork;

use super::files::Note;
use super::mappings::Life;
use super::phrases::{count, harmless, list};
use super::{About, Ending, events, files, movers, name, told, violation};
use crate::report::words;
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
        let told: Vec<String> = told(&epilogue.events).iter().map(Note::shown).collect();
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
    changed: Option<&'r (usize, MapChange)>,
    /// The row that used the mapping.
    used: usize,
    /// What it was used for, and what was so instead.
    found: &'r Use,
}

impl<'r> Misuse<'r> {
    fn of(replay: &'r Replay, life: &'r Life) -> Option<Self> {
        let (used, found) = life.misused.first()?;
        let changes = life.invalidated.iter().filter(|(row, _)| row < used).rev();
        // A use that names no blocks concerns the whole file.
        let used_in = |a: &Range<u64>| {
            found.at.is_empty() || found.at.iter().any(|b| a.start < b.end && b.start < a.end)
        };
        let mut changes = changes.filter(|(_, change)| change.bytes().is_some_and(|bytes| used_in(&bytes)));
        // A mapping of the COW fork says nothing about the other, if it was that fork that changed.
        let is_shared = life.mapping.fork == Fork::Cow;
        let cow = is_shared.then(|| changes.clone().find(|(_, change)| change.is_of_cow())).flatten();
        let latest = cow.or_else(|| changes.next());
        Some(Misuse { replay, life, changed: latest, used: *used, found })
    }

    /// Whose cached mapping outlived which change, made by whom.
    fn outlived(&self) -> String {
        let actor = name(self.replay, self.life.actor);
        if let Some((row, change)) = self.changed {
            let (who, what) = (self.changed_by(*row), self.shown(&words::map_change(change)));
            format!("The mapping that {actor} had cached outlived a change by {who} ({what}).")
        } else {
            let what = self.shown(&words::used(self.found));
            format!("The mapping that {actor} had cached misled it ({what}).")
        }
    }

    /// A text about the file of the mapping.
    fn shown(&self, text: &str) -> String {
        harmless(&files::named(self.life.file.as_deref(), text))
    }

    fn changed_by(&self, row: usize) -> String {
        name(self.replay, self.replay.played[row].actor)
    }

    fn order(&self) -> String {
        let actor = name(self.replay, self.life.actor);
        let (a, c) = (self.life.sampled + 1, self.used + 1);
        let (order, changed) = if let Some((row, change)) = self.changed {
            let (who, b) = (self.changed_by(*row), row + 1);
            let what = self.shown(&words::map_change(change));
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
    let cookie = life.mapping.cookie;
    let sampled = words::seq(cookie);
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
        let now = Now::after(replay, life, check);
        return Some(if check < changed {
            format!("The check at {} came too early to see it.", check + 1)
        } else if !now.seq.is_newer_than(cookie) {
            format!(
                "The check at {} passed: the mapping was sampled at seq {sampled}, and {}.",
                check + 1,
                now.unmoved()
            )
        } else {
            format!(
                "The check at {} passed, although the mapping was sampled at seq {sampled} and seq was {}.",
                check + 1,
                words::seq(now.seq)
            )
        });
    }
    if changed > locked {
        return Some(
            "The folio was locked already: a check right after taking its lock would not have seen it."
                .to_owned(),
        );
    }
    let now = Now::after(replay, life, used);
    let seq = words::seq(now.seq);
    Some(if now.seq.is_newer_than(cookie) {
        format!(
            "Comparing the sampled seq ({sampled}) with {} ({seq}) under the folio lock, before the use at {}, would have shown it.",
            now.whose(),
            used + 1
        )
    } else {
        format!(
            "Comparing {} ({sampled} when sampled, {seq} at {}) would not have shown it.",
            now.what(),
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
    let compared = compared_at(replay, check);
    let concerns = |row: usize| {
        compared.is_none_or(|compared| {
            let changed = replay.played[row].events.iter().filter_map(events::what);
            compared.scope == CookieScope::Fork
                || changed
                    .into_iter()
                    .any(|what| matches!(what, What::Counted { blocks, .. } if compared.finds(blocks)))
        })
    };
    life.invalidated.iter().map(|(row, _)| *row).rfind(|row| *row < check && concerns(*row))
}

/// What the last comparison or use in a row looks at.
fn compared_at(replay: &Replay, row: usize) -> Option<&Compared> {
    replay.played[row].events.iter().rev().find_map(events::compared)
}

/// Whether a check at a row found a mapping stale.
fn rejects(replay: &Replay, row: usize) -> bool {
    let stale = |event| matches!(events::what(event), Some(What::Checked(_, Verdict::Stale { .. })));
    replay.played[row].events.iter().any(stale)
}

/// What a comparison with a mapping's cookie finds.
struct Now {
    seq: Seq,
    /// Which changes it counts.
    scope: CookieScope,
}

impl Now {
    /// What it finds at a row: in the counters as the row left them.
    fn after(replay: &Replay, life: &Life, row: usize) -> Self {
        let compared = compared_at(replay, row);
        let counter = |fork, sampled| counter_after(replay, life, fork, row, compared).unwrap_or(sampled);
        let Seq { data, cow } = life.mapping.cookie;
        let seq = Seq { data: counter(Fork::Data, data), cow: cow.map(|cow| counter(Fork::Cow, cow)) };
        Now { seq, scope: compared.map_or(CookieScope::Fork, |compared| compared.scope) }
    }

    fn unmoved(&self) -> String {
        let seq = words::seq(self.seq);
        match self.scope {
            CookieScope::Fork => format!("seq still was {seq}"),
            CookieScope::Range => format!("none of its blocks had changed since (seq {seq})"),
            CookieScope::Block => format!("the block at the position had not changed since (seq {seq})"),
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

/// A counter of the mapping's file after a row, as far as a comparison looks at it; `None` where it never moves.
fn counter_after(
    replay: &Replay,
    life: &Life,
    fork: Fork,
    row: usize,
    compared: Option<&Compared>,
) -> Option<u64> {
    let moves = |row: usize| {
        let events = replay.played[row].events.iter();
        let of_file = events.filter(|event| events::file(event) == life.file.as_deref());
        of_file.filter_map(move |event| match events::what(event) {
            Some(What::Counted { fork: moved, from, to, blocks })
                if *moved == fork && compared.is_none_or(|compared| compared.finds(blocks)) =>
            {
                Some((*from, *to))
            }
            _ => None,
        })
    };
    let latest = (0..=row).rev().find_map(|row| moves(row).next_back().map(|(_, to)| to));
    if compared.is_some_and(|compared| compared.scope != CookieScope::Fork) {
        // What blocks were stamped with before is in the cookie.
        return latest;
    }
    // Where no step before moved it, it is what the next one that does finds.
    let next = || (row + 1..replay.played.len()).find_map(|row| moves(row).next().map(|(from, _)| from));
    latest.or_else(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_starts_with_a_capital() {
        assert_eq!(capital("lost write"), "Lost write");
        assert_eq!(capital(""), "");
    }
}
