//! Whether a trace is a run of the model, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};
use stalemap_trace::{Counts, Sight};

use super::style::{HEAD, styled};
use super::trace::understood;
use crate::conform::{Conformance, Difference, Verdict};
use crate::wrap::{broken, fill, hung};

/// What is shown.
#[derive(Debug)]
pub struct Shown {
    /// The trace's file.
    pub file: String,
    /// The inode.
    pub inode: u64,
    /// The release that it says it is of.
    pub release: Option<String>,
    /// The kernel or design that it was asked about.
    pub kernel: String,
    /// What was understood of it.
    pub counts: Counts,
    /// What was found.
    pub found: Conformance,
}

/// How many differences are shown to people.
const MOST_SHOWN: usize = 3;

/// How many answers that are in no explained piece are shown to people.
const MOST_ANSWERS: usize = 5;

/// How many of the model's offers are shown to people.
const MOST_OFFERS: usize = 6;

/// For people, in so many columns.
pub fn text(shown: &Shown, columns: usize) -> String {
    let found = &shown.found;
    let release = shown.release.as_ref().map_or_else(String::new, |release| format!(", kernel {release}"));
    let head = format!("{}: inode {:#x}{release}, under {}", shown.file, shown.inode, shown.kernel);
    let head: Vec<String> =
        fill(&head, columns, 2).iter().map(|line| format!("{}\n", styled(HEAD, line))).collect();
    let mut text = totals(found);
    answers(&mut text, found);
    understood(&mut text, &shown.counts);
    kinds(&mut text, found);
    let mut text = head.concat() + &broken(&text, Some(columns));
    for (number, difference) in found.differences.iter().take(MOST_SHOWN).enumerate() {
        text.push_str(&self::difference(number + 1, difference, columns));
    }
    if found.unexplained > MOST_SHOWN as u64 {
        let _ = writeln!(text, "\n{} more; JSON has them", found.unexplained - MOST_SHOWN as u64);
    }
    text
}

/// The verdict, and of how much it is.
fn totals(found: &Conformance) -> String {
    let mut text = format!("{}\n", verdict(found));
    let _ = writeln!(
        text,
        "{} pieces, {} of them different: {} explained, {} not, {} undecided",
        found.pieces,
        found.asked,
        found.explained,
        found.unexplained,
        found.undecided.values().sum::<u64>()
    );
    let _ = writeln!(
        text,
        "{} events explained; {} more that are about pages, mappings or extents are in no piece that is",
        found.events,
        found.subjects - found.events
    );
    text
}

/// What is impossible, undecided or in no piece, and which rules were needed.
fn kinds(text: &mut String, found: &Conformance) {
    for (what, lines) in &found.impossible {
        let first = lines.first().copied().unwrap_or(0);
        let _ = writeln!(text, "impossible: {} {}, the first in line {first}", lines.len(), what.words());
    }
    for (why, pages) in &found.undecided {
        let _ = writeln!(text, "undecided: {pages}: {why}");
    }
    for (why, pages) in &found.outside {
        let _ = writeln!(text, "no piece: {pages}: {}", why.words());
    }
    for (rule, times) in &found.rules {
        let _ = writeln!(text, "rule {}: {times}", rule.name());
    }
}

fn verdict(found: &Conformance) -> &'static str {
    match found.verdict() {
        Verdict::DoesNotConform => "does not conform",
        Verdict::NoPieces => "cannot be said: nothing of it makes a piece",
        Verdict::Undecided => "undecided",
        Verdict::Incomplete => "incomplete",
        Verdict::Conforms => "conforms",
    }
}

/// Where the answers of the kernel's check are.
fn answers(text: &mut String, found: &Conformance) {
    if found.answers == 0 {
        return;
    }
    let outside = found.answers - found.answers_explained;
    let _ = writeln!(
        text,
        "{} answers of the kernel's check: {} in explained pieces, {outside} in none",
        found.answers, found.answers_explained
    );
    for answer in found.answers_outside.iter().take(MOST_ANSWERS) {
        let what = if answer.valid { "answer \"valid\"" } else { "rejection" };
        let page = answer.page.map_or_else(String::new, |page| format!("page {page:#x}: "));
        let _ = writeln!(
            text,
            "    the {what} in line {} is in no explained piece: {page}{}",
            answer.line, answer.why
        );
    }
    let shown = found.answers_outside.len().min(MOST_ANSWERS) as u64;
    if shown < outside {
        let _ = writeln!(text, "    and {} more", outside - shown);
    }
}

fn difference(number: usize, difference: &Difference, columns: usize) -> String {
    let piece = &difference.piece;
    let head = format!("{number}. page {:#x}", piece.page);
    let seen =
        format!("{head}: {} of {} things seen are explained\n", difference.explained, piece.seen.len());
    let seen = broken(&seen, Some(columns)).replacen(&head, &styled(HEAD, &head), 1);
    let mut text = format!("\n{seen}");
    if let Some(seen) = &difference.seen {
        let who = seen.doer.and_then(|doer| piece.doers.get(doer));
        let who = who.map_or_else(String::new, |who| format!("{}-{}: ", who.task.comm, who.task.pid));
        let what = format!("{who}{}: nothing explains it", sight(&seen.sight));
        text.push_str(&hung(&format!("    line {:>7}  ", seen.line), &what, Some(columns)));
    } else {
        let on = "    all is explained, but the run goes on with what was not seen\n";
        text.push_str(&broken(on, Some(columns)));
    }
    let could = "    what the model could do there, and the trace does not show:\n";
    text.push_str(&broken(could, Some(columns)));
    for offer in difference.offers.iter().take(MOST_OFFERS) {
        let says =
            if offer.says.is_empty() { String::new() } else { format!(" ({})", offer.says.join("; ")) };
        let offer = format!("        {}: {}{says}\n", offer.actor, offer.op);
        text.push_str(&broken(&offer, Some(columns)));
    }
    if difference.offers.is_empty() {
        text.push_str("        nothing\n");
    }
    text
}

/// Something seen, in words.
pub fn sight(sight: &Sight) -> String {
    let lower = |kind: &stalemap_trace::MapKind| format!("{kind:?}").to_lowercase();
    match sight {
        Sight::Sampled { says, .. } => format!("a mapping is sampled that says {}", lower(says)),
        Sight::RejectedBefore => "its mapping is rejected before it comes here".to_owned(),
        Sight::Answered { valid: true } => "the kernel says that its mapping is valid".to_owned(),
        Sight::Answered { valid: false } => "the kernel says that its mapping is stale".to_owned(),
        Sight::Added => "the page is added".to_owned(),
        Sight::Filled { kinds } => {
            let kinds: Vec<String> = kinds.iter().map(lower).collect();
            format!("the page is read from what is {}", kinds.join(" and "))
        }
        Sight::BlockRead { block } => {
            format!("block {block} of the page is read before a part of it is written")
        }
        Sight::Copied { bytes } => {
            format!("bytes {:#x} to {:#x} of the page are copied", bytes.start, bytes.end - 1)
        }
        Sight::Stored { says } => format!("a store maps the page as {}", lower(says)),
        Sight::Cleaned => "the page is taken for writeback".to_owned(),
        Sight::Mapped { says } => format!("writeback maps the page as {}", lower(says)),
        Sight::WrittenBack => "its writeback ends".to_owned(),
        Sight::Changed { blocks, from, to } => {
            format!("block {} of the page, {}, becomes {}", blocks.start, lower(from), lower(to))
        }
        Sight::Dropped => "the page is dropped".to_owned(),
    }
}

/// For programs.
pub fn json(shown: &Shown) -> String {
    let found = &shown.found;
    let named = |rules: &std::collections::BTreeMap<stalemap_trace::Rule, u64>| -> Value {
        rules
            .iter()
            .map(|(rule, times)| (rule.name().to_owned(), json!(times)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let differences: Vec<Value> = found.differences.iter().map(of_difference).collect();
    let document = json!({
        "schema": "stalemap.conformance/1",
        "file": shown.file,
        "inode": shown.inode,
        "release": shown.release,
        "kernel": shown.kernel,
        "verdict": verdict(found),
        "pieces": found.pieces,
        "different": found.asked,
        "explained": found.explained,
        "unexplained": found.unexplained,
        "undecided": found.undecided,
        "impossible": found.impossible,
        "answers": found.answers,
        "answers_explained": found.answers_explained,
        "rejections_outside": found.rejections_outside,
        "answers_outside": found.answers_outside,
        "counts": shown.counts,
        "events": found.subjects,
        "events_explained": found.events,
        "outside": found.outside,
        "rules": named(&found.rules),
        "differences": differences,
    });
    format!("{document:#}\n")
}

fn of_difference(difference: &Difference) -> Value {
    let offers: Vec<Value> = difference
        .offers
        .iter()
        .map(|offer| json!({ "actor": offer.actor, "op": offer.op, "says": offer.says }))
        .collect();
    json!({
        "page": difference.piece.page,
        "seen": difference.seen,
        "words": difference.seen.as_ref().map(|seen| sight(&seen.sight)),
        "explained": difference.explained,
        "of": difference.piece.seen.len(),
        "offers": offers,
        "piece": difference.piece,
        "scenario": difference.scenario,
        "steps": difference.steps.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
