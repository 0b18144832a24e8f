//! What is said of scenarios that were drawn at random.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use stalemap_model::words::count::count;

use super::json::pretty;
use crate::annotate::harmless;
use crate::fuzz::campaign::{Campaign, Plan};
use crate::fuzz::find::{Find, Times};
use crate::fuzz::oracles::Broken;
use crate::fuzz::tally::Tally;
use crate::fuzz::under::Under;
use crate::times::Times as Elapsed;
use crate::wrap::fill;

/// One line about how far it is.
pub fn progress(campaign: &Campaign) -> String {
    let all = sum(campaign);
    format!(
        "{} s: up to number {}, {}, {}, {}",
        campaign.elapsed().as_secs(),
        campaign.next,
        count(all.states, "state"),
        count(campaign.finds.len() as u64, "find"),
        count(campaign.broken.len() as u64, "wrong answer")
    )
}

/// For people.
///
/// `before` are the names of finds that were there before, and `goes_on` is the command that takes the next numbers.
pub fn text(
    plan: &Plan,
    campaign: &Campaign,
    (before, goes_on): (&BTreeSet<String>, &str),
    elapsed: Elapsed,
    width: usize,
) -> String {
    let mut text = head(plan, campaign, elapsed, width);
    text.push_str(&table(campaign));
    for (under, tally) in &campaign.tallies {
        if let Under::Design(name) = under {
            text.push_str(&firsts(name, tally, elapsed));
        }
    }
    text.push_str(&explained(campaign, width));
    text.push_str(&asked(campaign, width));
    let (old, new): (Vec<&Find>, Vec<&Find>) =
        campaign.finds.iter().partition(|find| before.contains(&find.name()));
    for (at, find) in new.iter().enumerate() {
        let _ = write!(text, "\n{}", of_find(at + 1, find, width));
    }
    if !old.is_empty() {
        let names: Vec<String> = old.iter().map(|find| find.name()).collect();
        let said = format!("Found before: {}.", names.join(", "));
        let _ = write!(text, "\n{}\n", fill(&said, width, 2).join("\n"));
    }
    for broken in &campaign.broken {
        let _ = write!(text, "\n{}", of_broken(broken, width));
    }
    for (number, refused) in &campaign.refused {
        let first = refused.0.lines().next().unwrap_or_default();
        let said = format!("number {number} is refused: {}", harmless(first));
        let _ = writeln!(text, "{}", fill(&said, width, 2).join("\n"));
    }
    let _ = writeln!(text, "\n{}", fill(&format!("To go on: {goes_on}"), width, 2).join("\n"));
    text
}

fn head(plan: &Plan, campaign: &Campaign, elapsed: Elapsed, width: usize) -> String {
    let all = sum(campaign);
    let took = match elapsed {
        Elapsed::Said => format!(", in {:.1} s", campaign.elapsed().as_secs_f64()),
        Elapsed::LeftOut => String::new(),
    };
    let numbers = match campaign.next.checked_sub(1).filter(|last| *last >= plan.from) {
        None => "no numbers".to_owned(),
        Some(last) => format!("numbers {} to {last}", plan.from),
    };
    let said = format!(
        "Seed {}, {numbers}: {} explored{took} ({}), {} refused.",
        plan.seed,
        count(all.explored(), "scenario"),
        count(all.states, "state"),
        all.refused
    );
    let proofs = all.proofs();
    let vacuous = if proofs == 0 {
        String::new()
    } else {
        format!(
            " {} hold, {:.0} % of them vacuously: no mapping goes stale, or a command never succeeds.",
            proofs,
            all.vacuous as f64 * 100.0 / proofs as f64
        )
    };
    let interrupted = if campaign.interrupted { " It was interrupted." } else { "" };
    fill(&(said + &vacuous + interrupted), width, 0).join("\n") + "\n\n"
}

fn table(campaign: &Campaign) -> String {
    let mut text = format!(
        "{:<14}{:>9}{:>7}{:>11}{:>9}{:>12}\n",
        "", "explored", "hold", "vacuously", "violate", "incomplete"
    );
    for (under, tally) in &campaign.tallies {
        let _ = writeln!(
            text,
            "{:<14}{:>9}{:>7}{:>11}{:>9}{:>12}",
            under.name(),
            tally.explored(),
            tally.proofs(),
            tally.vacuous,
            tally.violates,
            tally.incomplete,
        );
    }
    text
}

/// When each property was first violated under a design.
fn firsts(design: &str, tally: &Tally, elapsed: Elapsed) -> String {
    let mut text = format!("\nUnder {design}, first violated:\n");
    let mut properties: Vec<_> = tally.properties.iter().collect();
    properties.sort_by_key(|(_, (times, _))| times.first);
    for (property, (Times { times, first }, after)) in properties {
        let after = match elapsed {
            Elapsed::Said => format!(", after {:.1} s", after.as_secs_f64()),
            Elapsed::LeftOut => String::new(),
        };
        let _ = writeln!(text, "  {property:<20} by number {first}{after}; by {times} in all");
    }
    let _ = writeln!(text, "  {}", count(tally.classes.len() as u64, "kind") + " of losses");
    text
}

/// How many losses there are under kernels, and which of them are known. A scenario may lose in several ways.
fn explained(campaign: &Campaign, width: usize) -> String {
    let mut by: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, times) in campaign.tallies.values().flat_map(|tally| &tally.explained) {
        *by.entry(name).or_default() += times;
    }
    let explained: u64 = by.values().sum();
    let unexplained: u64 = campaign.tallies.values().map(|tally| tally.unexplained).sum();
    if explained + unexplained == 0 {
        return String::new();
    }
    let losses = match explained + unexplained {
        1 => "1 loss".to_owned(),
        losses => format!("{losses} losses"),
    };
    let all: Vec<String> = by.iter().map(|(name, times)| format!("{name} ({times})")).collect();
    let by = if all.is_empty() { String::new() } else { format!(" Explained by {}.", all.join(", ")) };
    let said = format!("{losses}, {explained} explained by docs/findings.md, {unexplained} not.{by}");
    format!("\n{}\n", fill(&said, width, 2).join("\n"))
}

fn asked(campaign: &Campaign, width: usize) -> String {
    if campaign.asked.is_empty() {
        return String::new();
    }
    let all: Vec<String> = campaign.asked.iter().map(|(name, times)| format!("{name} ({times})")).collect();
    let said = format!("Asked beside: {}.", all.join(", "));
    format!("\n{}\n", fill(&said, width, 2).join("\n"))
}

fn of_find(at: usize, find: &Find, width: usize) -> String {
    let mut text = fill(&format!("Find {at}: {}", find.class), width, 2).join("\n") + "\n";
    for class in &find.beside {
        text.push_str(&(fill(&format!("  and {class}"), width, 4).join("\n") + "\n"));
    }
    for (under, Times { times, first }) in &find.under {
        let _ = writeln!(text, "  {under}: {}, first in number {first}", count(*times, "time"));
    }
    let (actors, commands) =
        (count(find.size.actors as u64, "actor"), count(find.size.commands as u64, "command"));
    let minimal = match find.certificate {
        certificate if certificate.tried() == 0 => "not made smaller",
        certificate if certificate.undecided > 0 => "perhaps not minimal",
        _ => "minimal",
    };
    let _ = writeln!(text, "  {actors}, {commands}, {}; {minimal}:", count(find.size.states, "state"));
    // What is not saved can be looked at all the same.
    for line in find.source.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let _ = writeln!(text, "    {}", harmless(line));
    }
    text
}

fn of_broken(broken: &Broken, width: usize) -> String {
    let said = format!(
        "Does not hold: {}, of number {} under {}: {}",
        broken.oracle,
        broken.number,
        broken.under,
        harmless(&broken.what)
    );
    fill(&said, width, 2).join("\n") + "\n"
}

fn sum(campaign: &Campaign) -> Tally {
    let mut all = Tally::default();
    for tally in campaign.tallies.values() {
        all.refused += tally.refused;
        all.holds += tally.holds;
        all.vacuous += tally.vacuous;
        all.violates += tally.violates;
        all.incomplete += tally.incomplete;
        all.states += tally.states;
    }
    all
}

/// For programs.
pub fn json(plan: &Plan, campaign: &Campaign, before: &BTreeSet<String>, elapsed: Elapsed) -> String {
    let milliseconds = |time: Duration| match elapsed {
        Elapsed::Said => json!(time.as_millis() as u64),
        Elapsed::LeftOut => Value::Null,
    };
    let tallies: Vec<Value> = campaign
        .tallies
        .iter()
        .map(|(under, tally)| {
            let first: BTreeMap<&str, Value> = tally
                .properties
                .iter()
                .map(|(name, (times, after))| {
                    let value =
                        json!({ "times": times.times, "first": times.first, "after_ms": milliseconds(*after) });
                    (*name, value)
                })
                .collect();
            let classes: BTreeMap<&str, Value> =
                tally.classes.iter().map(|(class, times)| (class.as_str(), of_times(*times))).collect();
            json!({
                "under": under.name(),
                "kernel": matches!(under, Under::Kernel(_)),
                "refused": tally.refused,
                "holds": tally.holds,
                "vacuous": tally.vacuous,
                "violates": tally.violates,
                "incomplete": tally.incomplete,
                "bounded": tally.bounded,
                "states": tally.states,
                "violated": first,
                "classes": classes,
                "explained": tally.explained,
                "unexplained": tally.unexplained,
            })
        })
        .collect();
    pretty(&json!({
        "schema": "stalemap.fuzz/1",
        "seed": plan.seed,
        "from": plan.from,
        "next": campaign.next,
        "interrupted": campaign.interrupted,
        "elapsed_ms": milliseconds(campaign.elapsed()),
        "results": tallies,
        "finds": campaign.finds.iter().map(|find| find_json(find, before)).collect::<Vec<_>>(),
        "asked": campaign.asked,
        "broken": campaign.broken.iter().map(broken_json).collect::<Vec<_>>(),
    }))
}

fn of_times(times: Times) -> Value {
    json!({ "times": times.times, "first": times.first })
}

fn find_json(find: &Find, before: &BTreeSet<String>) -> Value {
    let under: BTreeMap<&str, Value> =
        find.under.iter().map(|(name, times)| (name.as_str(), of_times(*times))).collect();
    json!({
        "name": find.name(),
        "found_before": before.contains(&find.name()),
        "class": find.class.to_string(),
        "beside": find.beside.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "fs": find.class.fs,
        "property": find.class.property.name(),
        "under": under,
        "actors": find.size.actors,
        "commands": find.size.commands,
        "states": find.size.states,
        "minimal": find.certificate.tried() > 0 && find.certificate.undecided == 0,
        "source": find.source,
        "schedule": find.schedule,
    })
}

fn broken_json(broken: &Broken) -> Value {
    json!({
        "oracle": broken.oracle,
        "number": broken.number,
        "under": broken.under,
        "what": broken.what,
        "source": broken.source,
    })
}
