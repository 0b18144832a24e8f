//! A schedule as a picture for documents: a lifeline for each actor, the bar of each stale mapping, the shared state at
//! the right. Text stays text, so that it can be searched and selected.

use maud::{Markup, PreEscaped, html};

use super::letters;
use crate::annotate::mappings::{self, Mark};
use crate::annotate::{AnnotatedSchedule, harmless};
use crate::report::cause;
use crate::wrap::wrap;

/// Width of a character of the monospaced font at 12 pixels, with a little to spare.
const CHARACTER: usize = 8;
/// Height of a line.
const LINE: usize = 16;
/// The characters of an actor's column.
const COLUMN: usize = 26;
/// Space around the picture, and before the text of a column.
const MARGIN: usize = 16;
/// What the numbers take.
const NUMBERS: usize = 40;

const STYLE: &str = "\
text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1b1f24}\
.head{font-weight:700}.soft{fill:#57606a}.bad{fill:#b3261e;font-weight:700}\
.life{stroke:#d0d7de}.rule{stroke:#eaeef2}.ground{fill:#fff}\
.sampled,.cached,.dropped{fill:#8cb4e8}.stale,.dropped-stale{fill:#e3a008}.misused{fill:#b3261e}";

/// The words of one step, broken into lines.
struct Row {
    lines: Vec<String>,
    violations: Vec<String>,
    top: usize,
    height: usize,
}

/// The picture of a schedule.
pub fn picture(schedule: &AnnotatedSchedule) -> String {
    let movers = schedule.movers();
    let width_of = |column: usize| NUMBERS + MARGIN + column * (COLUMN * CHARACTER + 2 * MARGIN);
    let gutter_at = width_of(movers.len());
    let gutters = gutters(schedule);
    let total = gutter_at + gutters.iter().map(|gutter| gutter.1).sum::<usize>() + MARGIN;
    let headline = cause::headline(schedule);
    let title = wrap(&headline, (total - 2 * MARGIN) / CHARACTER, 2);
    let order = cause::critical_order(schedule)
        .map_or_else(Vec::new, |order| wrap(&order, (total - 2 * MARGIN) / CHARACTER, 2));
    let top = MARGIN + LINE * (title.len() + order.len() + 3);
    let rows = rows(schedule, top, (total - gutter_at.min(total / 3)) / CHARACTER);
    let bottom = rows.last().map_or(top, |row| row.top + row.height) + LINE;
    let letters = letters::of_schedule(schedule);
    let height = bottom + LINE * (1 + letters.len()) + MARGIN;
    let barred = mappings::barred(&schedule.mappings);
    let head_at = top - LINE;
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(total) height=(height) viewBox={ "0 0 " (total) " " (height) } role="img" {
            title { (headline) }
            style { (PreEscaped(STYLE)) }
            rect.ground width=(total) height=(height) {}
            @for (n, line) in title.iter().enumerate() { (text(MARGIN, MARGIN + LINE * (n + 1), "head", line)) }
            (text(MARGIN, MARGIN + LINE * (title.len() + 1), "soft", &format!("{}; {}", harmless(&schedule.about.scenario), cause::size(schedule))))
            @for (n, line) in order.iter().enumerate() { (text(MARGIN, MARGIN + LINE * (title.len() + n + 2), "", line)) }
            @for (n, actor) in movers.iter().enumerate() {
                @let x = width_of(n);
                line.life x1=(x) y1=(head_at + 4) x2=(x) y2=(bottom) {}
                (text(x + MARGIN, head_at, "head", &schedule.name(*actor)))
            }
            @for (name, _, x) in &gutters { (text(*x, head_at, "head", name)) }
            @for (n, (row, step)) in rows.iter().zip(&schedule.steps).enumerate() {
                @let column = movers.iter().position(|actor| *actor == step.actor).unwrap_or(0);
                line.rule x1=(MARGIN) y1=(row.top) x2=(total - MARGIN) y2=(row.top) {}
                (text(MARGIN, row.top + LINE - 4, "soft", &number(schedule, n)))
                @for (m, actor) in movers.iter().enumerate() {
                    @if barred.contains(actor) {
                        @if let (Some(mark), _) = mappings::marks(&schedule.mappings, *actor, n) {
                            rect class=(class(mark)) x=(width_of(m) - 4) y=(row.top) width="8" height=(row.height - LINE * row.violations.len()) { title { (mark.meaning()) } }
                        }
                    }
                }
                @for (l, line) in row.lines.iter().enumerate() {
                    (text(width_of(column) + MARGIN, row.top + LINE * (l + 1) - 4, if l == 0 { "head" } else { "soft" }, line))
                }
                @for (l, line) in row.violations.iter().enumerate() {
                    (text(width_of(0) + MARGIN, row.top + LINE * (row.lines.len() + l + 1), "bad", line))
                }
                @for (name, _, x) in &gutters {
                    @if let Some(value) = changed(schedule, n, name) { (text(*x, row.top + LINE - 4, "", value)) }
                }
            }
            (text(MARGIN, bottom + LINE, "soft", "bars: a cached mapping; blue: valid, yellow: the extent map changed since, red: used although out of date   *: preemption"))
            @for (n, line) in letters.iter().enumerate() { (text(MARGIN, bottom + LINE * (n + 2), "soft", line)) }
        }
    }
    .into_string()
}

fn text(x: usize, y: usize, class: &str, words: &str) -> Markup {
    html! { text class=(class) x=(x) y=(y) xml:space="preserve" { (words) } }
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

fn number(schedule: &AnnotatedSchedule, row: usize) -> String {
    let preempts = schedule.replay.played[row].preempts;
    format!("{}{}", row + 1, if preempts { "*" } else { "" })
}

/// The columns of the state: name, width and place, in pixels.
fn gutters(schedule: &AnnotatedSchedule) -> Vec<(String, usize, usize)> {
    let replay = &schedule.replay;
    let mut at = NUMBERS + MARGIN + schedule.movers().len() * (COLUMN * CHARACTER + 2 * MARGIN);
    let column = |(n, (name, initial)): (usize, &(String, String))| {
        let values =
            replay.played.iter().filter_map(|played| played.gutter.get(n)).map(|(_, value)| value.len());
        let characters = values.chain([name.len(), initial.len()]).max().unwrap_or(0) + 2;
        let place = at;
        at += characters * CHARACTER;
        (name.clone(), characters * CHARACTER, place)
    };
    replay.initial.iter().enumerate().map(column).collect()
}

/// The value of a column of the state, where the step changed it.
fn changed<'s>(schedule: &'s AnnotatedSchedule, row: usize, name: &str) -> Option<&'s str> {
    let state = |state: &'s [(String, String)]| {
        state.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    };
    let before = row.checked_sub(1).map_or(&schedule.replay.initial, |at| &schedule.replay.played[at].gutter);
    let now = state(&schedule.replay.played[row].gutter)?;
    (state(before) != Some(now)).then_some(now)
}

fn rows(schedule: &AnnotatedSchedule, top: usize, wide: usize) -> Vec<Row> {
    let mut at = top;
    let row = |step: &crate::annotate::AnnotatedStep| {
        let told = std::iter::once(&step.op).chain(&step.notes);
        let lines: Vec<String> = told.flat_map(|text| wrap(text, COLUMN, 2)).collect();
        let violations: Vec<String> = step.violations.iter().flat_map(|text| wrap(text, wide, 2)).collect();
        let height = LINE * (lines.len() + violations.len()) + if violations.is_empty() { 4 } else { 8 };
        let row = Row { lines, violations, top: at, height };
        at += height;
        row
    };
    schedule.steps.iter().map(row).collect()
}
