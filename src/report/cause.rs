//! The cause in sentences, and what came after the last step.

use stalemap_explore::Replay;
use stalemap_facade::Event;
use stalemap_model::judge::properties;
use stalemap_model::system::panel::Fact;
use stalemap_model::words::design::CookieScope;

use super::zones;
use crate::annotate::cause::{Cause, Change, Check, Misuse, Now, Rejection};
use crate::annotate::files::{self, Note};
use crate::annotate::setup::InSetup;
use crate::annotate::{About, AnnotatedSchedule, count, harmless, list, told, violation};
use crate::run::HaltedSetup;
use crate::words;

/// Where writeback waits for room in a zone.
const SELECT_ZONE: &str = "xfs_select_zone";

/// Something said about the time after the last step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Plain words.
    Said(String),
    /// Something was violated.
    Violated(String),
}

/// What was lost, which bytes, under which design, and whose cached mapping outlived which change.
pub fn headline(schedule: &AnnotatedSchedule) -> String {
    let sentence = sentence(schedule);
    match &schedule.cause {
        Some(Cause::Misused(misuse)) if !schedule.replay.violated.is_empty() => {
            format!("{sentence} {}", outlived(schedule, misuse))
        }
        _ => sentence,
    }
}

/// How large the schedule is.
pub fn size(schedule: &AnnotatedSchedule) -> String {
    let (replay, about) = (&schedule.replay, &schedule.about);
    let preemptions = replay.played.iter().filter(|played| played.preempts).count();
    let least = match (about.preemptions, &about.among) {
        (Some(least), among) if usize::try_from(least) == Ok(preemptions) && least > 0 => match among {
            None => " (the least)".to_owned(),
            Some(among) => format!(" (the least among {})", harmless(among)),
        },
        _ => String::new(),
    };
    let (actors, steps) = (count(schedule.movers().len(), "actor"), count(replay.played.len(), "step"));
    format!("{actors}, {steps}, {}{least}", count(preemptions, "preemption"))
}

fn sentence(schedule: &AnnotatedSchedule) -> String {
    let (replay, about) = (&schedule.replay, &schedule.about);
    let design = harmless(&about.design);
    let memory = about.memory.map_or_else(String::new, |memory| format!(", {memory} memory"));
    let under = if design.is_empty() {
        String::new()
    } else {
        format!(" under {} {design}{memory}", about.kind.name())
    };
    let wanted = about.property.filter(|property| replay.violated.contains(property));
    match wanted.or_else(|| replay.violated.first().copied()) {
        Some(properties::DEADLOCK) if !replay.deadlock.is_empty() => {
            let why = no_zone(schedule).map_or_else(String::new, |why| format!(" {why}."));
            format!("Deadlock{under}: {}.{why}", list(&waiting(schedule)))
        }
        Some(properties::LIVELOCK) if replay.cycle_from.is_some() => {
            let from = replay.cycle_from.unwrap_or(0) + 1;
            let to = replay.played.len();
            format!("Livelock{under}: operations {from} to {to} lead back to where they began, for ever.")
        }
        Some(property) if replay.violated_in_setup.contains(&property) => {
            let name = capital(&property.name().replace('-', " "));
            let found = schedule.in_setup.iter().find(|found| found.property == property);
            let why = halted(replay, about).or_else(|| found.map(InSetup::sentence));
            format!("{name}{under}, {}.", why.unwrap_or_else(|| "in the setup already".to_owned()))
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
    Some(format!("in the setup already: {}", harmless(&halted.sentence())))
}

fn all_events(replay: &Replay) -> Vec<Event> {
    let played = replay.played.iter().flat_map(|played| &played.events);
    played.chain(replay.epilogue.iter().flat_map(|epilogue| &epilogue.events)).cloned().collect()
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn waiting(schedule: &AnnotatedSchedule) -> Vec<String> {
    let one = |(actor, op): &(usize, String)| format!("{} waits at {}", schedule.name(*actor), harmless(op));
    schedule.replay.deadlock.iter().map(one).collect()
}

/// Why somebody waits for a zone for ever.
fn no_zone(schedule: &AnnotatedSchedule) -> Option<String> {
    schedule.replay.deadlock.iter().find(|(_, op)| op == SELECT_ZONE)?;
    let facts = schedule.states.last()?.iter().flat_map(|panel| &panel.facts);
    let zones =
        facts.into_iter().find_map(|fact| if let Fact::Zones(zones) = fact { Some(zones) } else { None })?;
    zones::no_room(zones)
}

/// What came after the last step: a deadlock, or what the epilogue found.
pub fn ending(schedule: &AnnotatedSchedule) -> Vec<Ending> {
    let replay = &schedule.replay;
    let mut said = Vec::new();
    if !replay.deadlock.is_empty() {
        said.push(Ending::Said(format!("at the end: nobody can move; {}", list(&waiting(schedule)))));
        said.extend(no_zone(schedule).map(|why| Ending::Said(format!("{why}."))));
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
pub fn critical_order(schedule: &AnnotatedSchedule) -> Option<String> {
    Some(match schedule.cause.as_ref()? {
        Cause::Misused(misuse) => misused(schedule, misuse),
        Cause::Rejected(rejection) => rejected(schedule, rejection),
    })
}

/// Whose cached mapping outlived which change, made by whom.
fn outlived(schedule: &AnnotatedSchedule, misuse: &Misuse) -> String {
    let actor = schedule.name(misuse.actor);
    if let Some(Change { by, change, .. }) = &misuse.changed {
        let (who, what) = (schedule.name(*by), shown(misuse, &words::map_change(change)));
        format!("The mapping that {actor} had cached outlived a change by {who} ({what}).")
    } else {
        let what = shown(misuse, &words::used(&misuse.found));
        format!("The mapping that {actor} had cached misled it ({what}).")
    }
}

/// A text about the file of the mapping.
fn shown(misuse: &Misuse, text: &str) -> String {
    harmless(&files::named(misuse.file.as_deref(), text))
}

fn misused(schedule: &AnnotatedSchedule, misuse: &Misuse) -> String {
    let actor = schedule.name(misuse.actor);
    let (a, c) = (misuse.sampled + 1, misuse.used + 1);
    let order = if let Some(Change { row, by, change }) = &misuse.changed {
        let (who, b) = (schedule.name(*by), row + 1);
        let what = shown(misuse, &words::map_change(change));
        format!(
            "Critical order: {a}, {b}, {c}. {who} changed the extent ({what}) at {b}, after {actor} had sampled its mapping at {a} and before it used it at {c}."
        )
    } else {
        format!(
            "Critical order: {a}, {c}. {actor} sampled its mapping at {a} and was misled by it at {c}, although no extent had changed."
        )
    };
    match &misuse.check {
        Some(check) => format!("{order} {}", checked(misuse, check)),
        None => order,
    }
}

fn checked(misuse: &Misuse, check: &Check) -> String {
    let sampled = words::seq(misuse.cookie);
    match check {
        Check::Ignored(at) => {
            format!("The check at {} saw it, and the mapping was used all the same.", at + 1)
        }
        Check::TooEarly(at) => format!("The check at {} came too early to see it.", at + 1),
        Check::Passed(at, now) if now.seq.is_newer_than(misuse.cookie) => format!(
            "The check at {} passed, although the mapping was sampled at seq {sampled} and seq was {}.",
            at + 1,
            words::seq(now.seq)
        ),
        Check::Passed(at, now) => format!(
            "The check at {} passed: the mapping was sampled at seq {sampled}, and {}.",
            at + 1,
            unmoved(*now)
        ),
        Check::FolioLocked => {
            "The folio was locked already: a check right after taking its lock would not have seen it."
                .to_owned()
        }
        Check::Missing(now) if now.seq.is_newer_than(misuse.cookie) => format!(
            "Comparing the sampled seq ({sampled}) with {} ({}) under the folio lock, before the use at {}, would have shown it.",
            whose(now.scope),
            words::seq(now.seq),
            misuse.used + 1
        ),
        Check::Missing(now) => format!(
            "Comparing {} ({sampled} when sampled, {} at {}) would not have shown it.",
            what(now.scope),
            words::seq(now.seq),
            misuse.used + 1
        ),
    }
}

fn rejected(schedule: &AnnotatedSchedule, rejection: &Rejection) -> String {
    let (actor, by) = (schedule.name(rejection.actor), schedule.name(rejection.by));
    let Rejection { sampled, changed, checked, again, .. } = rejection;
    let (sampled, changed, checked, again) = (sampled + 1, changed + 1, checked + 1, again + 1);
    format!(
        "Critical order: {sampled}, {changed}, {checked}. {by} changed the extent map at {changed}, after {actor} had sampled its mapping at {sampled}; the check at {checked} rejected it, and {actor} sampled a new one at {again}."
    )
}

fn unmoved(now: Now) -> String {
    let seq = words::seq(now.seq);
    match now.scope {
        CookieScope::Fork => format!("seq still was {seq}"),
        CookieScope::Range => format!("none of its blocks had changed since (seq {seq})"),
        CookieScope::Block => format!("the block at the position had not changed since (seq {seq})"),
    }
}

fn what(scope: CookieScope) -> &'static str {
    match scope {
        CookieScope::Fork => "seq",
        CookieScope::Range => "the seq of the mapping's blocks",
        CookieScope::Block => "the seq of the block at the position",
    }
}

fn whose(scope: CookieScope) -> &'static str {
    match scope {
        CookieScope::Fork => "the inode's",
        CookieScope::Range => "that of its blocks",
        CookieScope::Block => "that of the block at the position",
    }
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
