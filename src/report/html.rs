//! A schedule as a page: one file that needs nothing else, to be opened from disk, mailed or printed.
//!
//! The steps are a table with a column for each actor, complete without a script. The script adds stepping with
//! keyboard and links, and the state beside the chosen step. Two schedules stand side by side, and the steps that both
//! have are chosen together.

use maud::{Markup, PreEscaped, html};
use serde_json::json;
use stalemap_facade::ActorId;

use super::{letters, panel};
use crate::annotate::alignment::align;
use crate::annotate::mappings::{self, Mark};
use crate::annotate::{AnnotatedSchedule, DecidingOrder, harmless};
use crate::report::cause::{self, Ending};
use crate::report::page::document;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The page of a schedule.
pub fn page(schedule: &AnnotatedSchedule) -> String {
    page_of(&[schedule], &serde_json::Value::Null)
}

/// The page of two schedules beside each other.
pub fn comparison(schedule: &AnnotatedSchedule, against: &AnnotatedSchedule) -> String {
    page_of(&[schedule, against], &json!(align(schedule, against)))
}

fn page_of(schedules: &[&AnnotatedSchedule], pairs: &serde_json::Value) -> String {
    let title = schedules.first().map_or_else(String::new, |schedule| harmless(&schedule.about.scenario));
    let data = json!({
        "pairs": pairs,
        "schedules": schedules.iter().map(|schedule| data(schedule)).collect::<Vec<_>>(),
    });
    // Within a script element nothing but `</` and `<!--` would end it.
    let data = data.to_string().replace('<', "\\u003c");
    let body = html! {
        nav.keys aria-label="keys" { kbd { "j" } " " kbd { "k" } " or arrows: step; " kbd { "Home" } " " kbd { "End" } ": first, last" }
        main.beside[schedules.len() > 1] {
            @for (n, schedule) in schedules.iter().enumerate() { (article(n, schedule)) }
        }
        script id="data" type="application/json" { (PreEscaped(data)) }
    };
    document(&title, STYLE, &body, SCRIPT)
}

/// What the script needs: the states, and which steps belong together.
fn data(schedule: &AnnotatedSchedule) -> serde_json::Value {
    json!({
        "depends_on": schedule.replay.played.iter().map(|played| &played.depends_on).collect::<Vec<_>>(),
        "states": panel::states(schedule),
    })
}

/// The same with arrows that no line is broken in.
fn arrows(text: &str) -> String {
    text.replace("->", "\u{2192}")
}

fn article(n: usize, schedule: &AnnotatedSchedule) -> Markup {
    let about = &schedule.about;
    html! {
        article data-schedule=(n) {
            header {
                h1 { (arrows(&cause::headline(schedule))) }
                p { b { (harmless(&about.scenario)) } @if !about.title.is_empty() { ": " (harmless(&about.title)) } "; " (cause::size(schedule)) "." }
                @if let Some(critical) = &cause::critical_order(schedule) { p.critical { (critical) } }
            }
            div.picture {
                div.steps { (table(n, schedule)) }
                aside.state aria-live="polite" aria-label={ "state after the chosen step" @if n > 0 { " of the second schedule" } } {}
            }
            (after(n, schedule))
        }
    }
}

/// The link to a step; those of a second schedule have a name of their own.
fn anchor(n: usize, row: usize) -> String {
    let name = if n == 0 { "step" } else { "against" };
    format!("{name}={}", row + 1)
}

fn table(n: usize, schedule: &AnnotatedSchedule) -> Markup {
    let movers = schedule.movers();
    let barred = mappings::barred(&schedule.mappings);
    let gutter: Vec<&str> = schedule.replay.initial.iter().map(|(name, _)| name.as_str()).collect();
    html! {
        table {
            caption.sr { "The steps, one row each; a column for each actor, then the shared state where it changed" }
            thead {
                tr {
                    th scope="col" { "#" }
                    @for actor in &movers { th.actor scope="col" { (schedule.name(*actor)) } }
                    @for name in &gutter { th.gutter scope="col" { (name) } }
                }
            }
            tbody {
                tr.before id={ "s" (n) "-0" } tabindex="-1" data-step="0" {
                    th scope="row" { a href={ "#" (zero(n)) } { "0" } }
                    td.actor colspan=(movers.len()) { "after the setup" }
                    @for (_, value) in &schedule.replay.initial { td.gutter { (value) } }
                }
                @for row in 0..schedule.steps.len() {
                    (step(n, schedule, row, &movers, &barred))
                }
            }
        }
    }
}

fn zero(n: usize) -> &'static str {
    if n == 0 { "step=0" } else { "against=0" }
}

fn step(
    n: usize,
    schedule: &AnnotatedSchedule,
    row: usize,
    movers: &[ActorId],
    barred: &[ActorId],
) -> Markup {
    let (step, played) = (&schedule.steps[row], &schedule.replay.played[row]);
    let before =
        row.checked_sub(1).map_or(&schedule.replay.initial, |before| &schedule.replay.played[before].gutter);
    html! {
        tr id={ "s" (n) "-" (row + 1) } tabindex="-1" data-step=(row + 1) .incidental[!step.needed] .violates[!step.violations.is_empty()] {
            th scope="row" {
                a href={ "#" (anchor(n, row)) } { (row + 1) }
                @if played.preempts { span.preempts title="preemption: the actor before could have gone on" { "*" } }
            }
            @for actor in movers {
                td.actor {
                    @if barred.contains(actor) { (bar(schedule, *actor, row)) }
                    @if *actor == step.actor {
                        div.event {
                            span.op { (breakable(&step.op)) }
                            @for note in &step.notes { span.note { (breakable(note)) } }
                            @for violation in &step.violations { strong.violation { (violation) } }
                        }
                    }
                }
            }
            @for ((_, now), (_, before)) in played.gutter.iter().zip(before) {
                td.gutter { @if now != before { (now) } }
            }
        }
    }
}

/// A kernel name may be broken after an underscore, a range of bytes nowhere.
fn breakable(text: &str) -> Markup {
    let is_range = |word: &str| word.contains('-') && word.starts_with(|first: char| first.is_ascii_digit());
    html! {
        @for word in text.split_inclusive(' ') {
            @if is_range(word) {
                span.whole { (word) }
            } @else {
                @for part in word.split_inclusive('_') { (part) @if part.ends_with('_') { wbr; } }
            }
        }
    }
}

/// The life of an actor's mapping, shaded.
fn bar(schedule: &AnnotatedSchedule, actor: ActorId, row: usize) -> Markup {
    let (first, _) = mappings::marks(&schedule.mappings, actor, row);
    html! {
        @if let Some(mark) = first {
            span class={ "bar " (class(mark)) } title=(mark.meaning()) { span.sr { (mark.meaning()) } }
        }
    }
}

fn class(mark: Mark) -> &'static str {
    match mark {
        Mark::Sampled => "sampled",
        Mark::Cached => "cached",
        Mark::Dropped => "dropped",
        Mark::DroppedStale => "dropped-stale",
        Mark::Stale => "stale",
        Mark::Misused => "misused",
    }
}

/// What comes below the table.
fn after(n: usize, schedule: &AnnotatedSchedule) -> Markup {
    let link = |row: usize| html! { a href={ "#" (anchor(n, row)) } { (row + 1) } };
    html! {
        footer {
            @for ending in &cause::ending(schedule) {
                @match ending {
                    Ending::Said(text) => p { (text) },
                    Ending::Violated(text) => p { strong.violation { (text) } },
                }
            }
            @if !schedule.deciding.is_empty() {
                h2 { "Orders that decide" }
                ul {
                    @for order in &schedule.deciding {
                        @let [one, other] = &order.who;
                        li {
                            (link(order.first)) " (" (one) ") before " (link(order.second)) " (" (other) ") "
                            (DecidingOrder::DECIDES)
                        }
                    }
                }
            }
            @if let Some(idle) = &schedule.about.idle { p { (harmless(&idle.sentence())) } }
            @if let Some(certified) = &schedule.about.certified { p { (harmless(certified)) } }
            p.legend {
                @for mark in [Mark::Sampled, Mark::Cached, Mark::Stale, Mark::Misused, Mark::DroppedStale] {
                    span { span class={ "bar " (class(mark)) } {} " " (mark.meaning()) }
                }
                span { "* preemption" }
                @for line in letters::of_schedule(schedule) { span { (line) } }
            }
        }
    }
}
