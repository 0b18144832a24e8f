//! A schedule as a timeline: one column per actor in the kernel's words, the shared state beside it where it
//! changed, and the life of each mapping that went out of date as a bar.
//!
//! The layout follows the "CPU 0 / CPU 1" pictures of kernel commit messages: in plain ASCII to be pasted into a
//! mail, or with colour and box drawing on a terminal ([`Look`]). First comes the loss in one sentence and the order of steps that made
//! it, then the picture, then what the marks mean and which orders decide.

mod column;
mod fold;
mod gutter;
mod legend;
mod look;
mod space;

use std::borrow::Cow;
use std::ops::Range;

use anstyle::Style;
use stalemap_facade::ActorId;

use self::column::{Column, Sharing, columns};
use self::fold::Row;
use self::legend::legend;
use self::space::{GAP, INDENT};

pub use self::look::{Look, Show};
use super::letters;
use super::line::Line;
use super::style::{BAD, DIM, DOUBT, HEAD};
use crate::annotate::border::Border;
use crate::annotate::files::Note;
use crate::annotate::mappings::{self, Mark};
use crate::annotate::{AnnotatedSchedule, DecidingOrder, count, harmless};
use crate::report::cause::{self, Ending};
use crate::wrap::wrap;

/// What several files' state, and what is shown where it decides, must leave for the operations beside it.
const ROOM: usize = 40;
/// What is said of the state before the first step.
const BEFORE: &str = "after the setup";

/// What there is to show of a counterexample.
pub enum Drawing {
    /// It, drawn.
    Drawn(String),
    /// It was drawn, under this design.
    SameAs(String),
    /// There is none.
    Nothing,
}

impl Drawing {
    /// As text. `design` is the one that this is of.
    pub fn text(self, design: &str) -> String {
        match self {
            Drawing::Drawn(drawing) => drawing,
            Drawing::SameAs(first) => {
                format!("Under {design}: the same run as under {first}, step by step.\n")
            }
            Drawing::Nothing => String::new(),
        }
    }
}

/// Draws a schedule.
pub fn render(schedule: &AnnotatedSchedule, look: Look) -> String {
    let width = look.width;
    let page = Page::new(schedule, look);
    let mut lines = headline(schedule, width);
    if let Some(order) = cause::critical_order(schedule) {
        lines.push(Line::default());
        lines.extend(paragraph(&order, width, Style::new()));
    }
    lines.push(Line::default());
    lines.extend(page.head());
    lines.extend(page.before());
    for row in fold::rows(schedule, look.folding) {
        match row {
            Row::Step(row) => lines.extend(page.row(row)),
            Row::Folded(rows) => lines.extend(page.folded(&rows)),
        }
    }
    lines.extend(ending(schedule, width));
    let last = gutter::unchanged(schedule, look.show).into_iter();
    let last = last.chain(schedule.deciding.iter().map(DecidingOrder::sentence));
    let last = last.chain(schedule.border.iter().map(Border::sentence));
    let last = last.chain(schedule.about.idle.as_ref().map(|idle| harmless(&idle.sentence())));
    let last = last.chain(schedule.about.certified.as_deref().map(harmless));
    let last = last.chain(schedule.about.replay.as_deref().map(|line| format!("Replay: {}", harmless(line))));
    let last = last.flat_map(|text| paragraph(&text, width, Style::new())).collect();
    for part in [page.legend(), last] {
        if !part.is_empty() {
            lines.push(Line::default());
            lines.extend(part);
        }
    }
    lines.iter().map(|line| line.finish(look.paint).trim_end().to_owned() + "\n").collect()
}

/// What was lost, which bytes, under which design; then what was played.
fn headline(schedule: &AnnotatedSchedule, width: usize) -> Vec<Line> {
    let mut lines = paragraph(&cause::headline(schedule), width, HEAD);
    let scenario = [&schedule.about.scenario, &schedule.about.title].map(|text| harmless(text)).into_iter();
    let scenario: Vec<String> = scenario.filter(|text| !text.is_empty()).collect();
    let scenario = if scenario.is_empty() { String::new() } else { format!("{}; ", scenario.join(": ")) };
    lines.extend(paragraph(&format!("{scenario}{}.", cause::size(schedule)), width, Style::new()));
    lines
}

/// What came after the last step.
fn ending(schedule: &AnnotatedSchedule, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for said in &cause::ending(schedule) {
        match said {
            Ending::Said(text) => {
                lines.push(Line::default());
                lines.extend(paragraph(text, width, Style::new()));
            }
            Ending::Violated(text) => lines.extend(alarm(text, 0, width)),
        }
    }
    lines
}

/// Text over the whole width.
fn paragraph(text: &str, width: usize, style: Style) -> Vec<Line> {
    let line = |text: String| {
        let mut line = Line::default();
        let start = text.len() - text.trim_start().len();
        line.put(start, style, text.trim_start());
        line
    };
    wrap(text, width, 2).into_iter().map(line).collect()
}

/// The loud lines below a row or at the end: what was violated there.
fn alarm(violation: &str, at: usize, width: usize) -> Vec<Line> {
    let text = wrap(violation, width.saturating_sub(at + 4), 0);
    let line = |(n, text): (usize, String)| {
        let mut line = Line::default();
        line.put(at, BAD, if n == 0 { ">>> " } else { "    " });
        line.put(at + 4, BAD, &text);
        line
    };
    text.into_iter().enumerate().map(line).collect()
}

/// Where everything stands.
struct Page<'r> {
    schedule: Cow<'r, AnnotatedSchedule>,
    look: Look,
    width: usize,
    columns: Vec<Column>,
    gutter: Vec<gutter::Column>,
    /// The state after the setup that no column shows.
    aside: Vec<String>,
    /// What the letters of the state mean.
    letters: Vec<Vec<String>>,
    /// Where the gutter begins.
    gutter_at: usize,
    /// Where the first column begins: after the numbers.
    text_at: usize,
}

impl<'r> Page<'r> {
    fn new(schedule: &'r AnnotatedSchedule, look: Look) -> Self {
        let width = look.width;
        // The number, the mark of a preemption, a space.
        let text_at = schedule.steps.len().to_string().len().max(2) + 2;
        let (mut gutter, mut aside) = gutter::changing(gutter::columns(&schedule.replay));
        gutter::add(&mut gutter, gutter::of_kinds(schedule, look.show), width.saturating_sub(text_at + ROOM));
        let needed =
            |gutter: &[gutter::Column]| gutter.iter().map(|column| column.width + GAP).sum::<usize>();
        let letters = legend::letters(&gutter);
        let mut schedule = Cow::Borrowed(schedule);
        // Beside the state of many files there is no room for the operations: then it is told as they are.
        if gutter.iter().any(|column| column.file.is_some()) && text_at + needed(&gutter) + ROOM > width {
            aside.splice(0..0, gutter::told(&gutter, 0).iter().map(Note::shown));
            let steps = gutter::folded(&schedule.steps, &gutter);
            schedule.to_mut().steps = steps;
            gutter.clear();
        }
        let available = width.saturating_sub(text_at + needed(&gutter));
        let columns = columns(&schedule, &mappings::barred(&schedule.mappings), available);
        let mut page = Page { schedule, look, width, columns, gutter, aside, letters, gutter_at: 0, text_at };
        let mut at = text_at;
        for column in &mut page.columns {
            column.at = at;
            at = column.text_at() + column.width + column.gap;
        }
        let least = text_at + BEFORE.len() + GAP;
        page.gutter_at = page.columns.last().map_or(least, |last| last.text_at() + last.width + GAP);
        page
    }

    /// The heads of the columns, underlined. Those of the state stand at the bottom.
    fn head(&self) -> Vec<Line> {
        let files = usize::from(self.gutter.iter().any(|column| column.file.is_some()));
        let height = self.columns.iter().map(|column| column.heads(&self.schedule).len()).max().unwrap_or(0);
        let height = height.max(1 + files);
        let mut lines: Vec<Line> = (0..height).map(|_| Line::default()).collect();
        for column in &self.columns {
            for (line, (lanes, at, head)) in lines.iter_mut().zip(column.heads(&self.schedule)) {
                self.put_lanes(line, column, lanes);
                line.put(column.text_at() + at, HEAD, &head);
            }
        }
        if files > 0 {
            self.put_files(&mut lines[height - 2]);
        }
        self.put_gutter(&mut lines[height - 1], |column| (HEAD, column.name.clone()));
        let mut rule = Line::default();
        for column in &self.columns {
            rule.put(column.at, Style::new(), &self.look.symbols.rule.repeat(column.margin() + column.width));
        }
        self.put_gutter(&mut rule, |column| (Style::new(), self.look.symbols.rule.repeat(column.width)));
        lines.push(rule);
        lines
    }

    /// Puts the lanes that pass by on the left of a text.
    fn put_lanes(&self, line: &mut Line, column: &Column, lanes: usize) {
        for actor in &column.actors[..lanes] {
            line.put(column.text_at() + column.indent(*actor), DIM, self.look.symbols.lane);
        }
    }

    /// Puts an actor's text into its column, with the lanes on its left.
    fn put_text(&self, line: &mut Line, column: &Column, actor: ActorId, style: Style, text: &str) {
        if let Sharing::Lanes(_) = column.sharing {
            let passing = column.actors.iter().position(|other| *other == actor);
            self.put_lanes(line, column, passing.unwrap_or(0));
        }
        line.put(column.text_at() + column.indent(actor), style, text);
    }

    /// Puts the name of each file above the first of its columns.
    fn put_files(&self, line: &mut Line) {
        let mut at = self.gutter_at;
        for columns in self.gutter.chunk_by(|a, b| a.file == b.file) {
            let width = columns.iter().map(|column| column.width + GAP).sum::<usize>();
            let name = columns[0].file.as_deref().unwrap_or_default();
            let name: String = name.chars().take(width - GAP).collect();
            line.put(at, HEAD, &name);
            at += width;
        }
    }

    fn put_gutter(&self, line: &mut Line, mut text: impl FnMut(&gutter::Column) -> (Style, String)) {
        let mut at = self.gutter_at;
        for column in &self.gutter {
            let (style, text) = text(column);
            line.put(at, style, &text);
            at += column.width + GAP;
        }
    }

    fn gutter_lines(&self, state: usize) -> usize {
        self.gutter.iter().filter_map(|column| column.cells.get(state)).map(Vec::len).max().unwrap_or(0)
    }

    fn put_state(&self, line: &mut Line, state: usize, n: usize) {
        self.put_gutter(line, |column| {
            let cell = column.cells.get(state).and_then(|cell| cell.get(n));
            (Style::new(), cell.cloned().unwrap_or_default())
        });
    }

    /// The state that the setup leaves.
    fn before(&self) -> Vec<Line> {
        let line = |n: usize| {
            let mut line = Line::default();
            line.put(self.text_at, Style::new(), if n == 0 { BEFORE } else { "" });
            self.put_state(&mut line, 0, n);
            line
        };
        let mut lines: Vec<Line> = (0..self.gutter_lines(0).max(1)).map(line).collect();
        let aside = self.aside.iter().flat_map(|text| wrap(text, self.width - self.text_at - INDENT, INDENT));
        lines.extend(aside.map(|text| {
            let mut line = Line::default();
            line.put(self.text_at + INDENT, Style::new(), &text);
            line
        }));
        lines
    }

    /// One transition.
    fn row(&self, row: usize) -> Vec<Line> {
        let Some(played) = self.schedule.steps.get(row) else { return Vec::new() };
        let Some(acting) = self.columns.iter().find(|column| column.actors.contains(&played.actor)) else {
            return Vec::new();
        };
        let texts = acting.lines(&self.schedule, row, acting.width);
        let height = texts.len().max(self.gutter_lines(row + 1));
        let line = |n: usize| {
            let mut line = Line::default();
            if n == 0 {
                let digits = self.text_at - 2;
                line.put(0, Style::new(), &format!("{:>digits$}", row + 1));
                line.put(digits, DOUBT, if self.schedule.replay.played[row].preempts { "*" } else { "" });
            }
            for column in &self.columns {
                self.put_bars(&mut line, column, row, n);
                if column.at == acting.at {
                    let text = texts.get(n).map_or("", String::as_str);
                    self.put_text(&mut line, column, played.actor, Style::new(), text);
                }
            }
            self.put_state(&mut line, row + 1, n);
            line
        };
        let mut lines: Vec<Line> = (0..height).map(line).collect();
        let alarms = played.violations.iter();
        lines.extend(alarms.flat_map(|violation| alarm(violation, self.text_at, self.width)));
        lines
    }

    /// Several steps of one actor in one line, with what they left in the state.
    fn folded(&self, rows: &Range<usize>) -> Vec<Line> {
        let steps = &self.schedule.steps[rows.clone()];
        let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return Vec::new() };
        let Some(acting) = self.columns.iter().find(|column| column.actors.contains(&first.actor)) else {
            return Vec::new();
        };
        let text = format!("{}: {} to {}", count(steps.len(), "step"), first.op, last.op);
        let texts = wrap(&text, acting.width.saturating_sub(acting.indent(first.actor)), 2 * INDENT);
        let over: Vec<Vec<String>> = self.gutter.iter().map(|column| column.over(rows)).collect();
        let height = over.iter().map(Vec::len).max().unwrap_or(0).max(texts.len());
        let line = |n: usize| {
            let mut line = Line::default();
            if n == 0 {
                let digits = self.text_at - 2;
                line.put(0, DIM, &format!("{:>digits$}", self.look.symbols.folded));
            }
            for column in &self.columns {
                self.put_bars(&mut line, column, rows.start, 1);
                if column.at == acting.at {
                    let text = texts.get(n).map_or("", String::as_str);
                    self.put_text(&mut line, column, first.actor, DIM, text);
                }
            }
            let mut over = over.iter();
            self.put_gutter(&mut line, |_| {
                let text = over.next().and_then(|lines| lines.get(n));
                (DIM, text.cloned().unwrap_or_default())
            });
            line
        };
        (0..height).map(line).collect()
    }

    fn put_bars(&self, line: &mut Line, column: &Column, row: usize, n: usize) {
        for (place, actor) in column.bars.iter().enumerate() {
            let (first, further) = mappings::marks(&self.schedule.mappings, *actor, row);
            if let Some(mark) = if n == 0 { first } else { further } {
                let style = match mark {
                    Mark::Misused => BAD.bold(),
                    Mark::Stale | Mark::DroppedStale => DOUBT,
                    Mark::Sampled | Mark::Cached | Mark::Dropped => Style::new(),
                };
                line.put(column.at + 2 * place, style, self.look.symbol(mark));
            }
        }
    }

    /// What the marks and letters mean, as far as they occur.
    fn legend(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut say = |items: Vec<String>| {
            if !items.is_empty() {
                lines.extend(legend(&items, self.width));
            }
        };
        let mut marks: Vec<String> = self
            .marks()
            .iter()
            .map(|mark| format!("{} {}", self.look.symbol(*mark), mark.meaning()))
            .collect();
        if self.schedule.replay.played.iter().any(|played| played.preempts) {
            marks.push("* preemption".to_owned());
        }
        let shared = self.columns.iter().find(|column| column.sharing != Sharing::Alone);
        if let Some(column) = shared.filter(|column| column.sharing == Sharing::Names) {
            let titles = column.actors.iter().map(|actor| self.schedule.title(*actor));
            say(titles.filter(|title| title.contains(": ")).collect());
        }
        // The only bar beside lanes is that of the first.
        let told = |column: &&Column| column.bars.len() > usize::from(column.sharing != Sharing::Names);
        if let Some(column) = shared.filter(told) {
            let names: Vec<String> = column.bars.iter().map(|actor| self.schedule.name(*actor)).collect();
            marks.insert(0, format!("Bars: {}", names.join(", ")));
        }
        say(marks);
        self.letters.iter().cloned().chain(letters::signs(&self.schedule)).for_each(say);
        lines
    }

    /// The marks drawn.
    fn marks(&self) -> Vec<Mark> {
        let actors = || self.columns.iter().flat_map(|column| &column.bars);
        let drawn =
            |row: usize| actors().map(move |actor| mappings::marks(&self.schedule.mappings, *actor, row));
        let all: Vec<Mark> = (0..self.schedule.steps.len())
            .flat_map(drawn)
            .flat_map(|(first, further)| first.into_iter().chain(further))
            .map(|mark| if mark == Mark::DroppedStale { Mark::Dropped } else { mark })
            .collect();
        let order = [Mark::Sampled, Mark::Cached, Mark::Stale, Mark::Misused, Mark::Dropped];
        order.into_iter().filter(|mark| all.contains(mark)).collect()
    }
}
