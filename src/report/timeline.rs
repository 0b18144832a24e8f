//! A schedule as a timeline: one column per actor in the kernel's words, the shared state beside it where it
//! changed, and the life of each mapping that went out of date as a bar.
//!
//! The layout follows the "CPU 0 / CPU 1" pictures of kernel commit messages: plain ASCII, at most as wide
//! as asked for, to be pasted into a mail. First comes the loss in one sentence, then the picture, then what
//! the marks mean and which two transitions decided it.

mod gutter;

use std::borrow::Cow;
use std::iter::once;

use anstyle::Style;
use stalemap_model::backend::ActorId;

use super::style::{BAD, DOUBT, HEAD};
use super::text::{Line, width as width_of, wrap};
use crate::annotate::mappings::{self, Mark};
use crate::annotate::{AnnotatedSchedule, AnnotatedStep, Ending, harmless};

/// The narrowest page; a narrower one is drawn like this one.
const NARROWEST: usize = 48;
/// The least width of an actor's column that people can read. With less, all actors share one column.
const READABLE: usize = 14;
/// What several files' state must leave for the operations beside it.
const ROOM: usize = 40;
/// Spaces between two columns.
const GAP: usize = 2;
/// A longer name does not move what is said of the other actors to the right.
const LONG_NAME: usize = 16;
/// On more than a page, a column for each actor is not worth this many times the lines of a single one.
const MUCH_LONGER: usize = 2;
/// The lines of a page.
const PAGE: usize = 60;
/// How far what happened is indented below its operation.
const INDENT: usize = 1;

/// Draws a schedule, no line of it wider than `width` columns (but at least 48).
pub fn render(schedule: &AnnotatedSchedule, width: usize, color: bool) -> String {
    let width = width.max(NARROWEST);
    let page = Page::new(schedule, width);
    let mut lines = headline(schedule, width);
    lines.push(Line::default());
    lines.extend(page.head());
    lines.extend(page.before());
    for row in 0..schedule.steps.len() {
        lines.extend(page.row(row));
    }
    lines.extend(ending(schedule, width));
    let last = schedule.critical.iter().cloned();
    let last = last.chain(schedule.deciding.iter().map(|order| order.text.clone()));
    let last = last.chain(schedule.about.certified.as_deref().map(harmless));
    let last = last.flat_map(|text| paragraph(&text, width, Style::new())).collect();
    for part in [page.legend(), last] {
        if !part.is_empty() {
            lines.push(Line::default());
            lines.extend(part);
        }
    }
    lines.iter().map(|line| line.finish(color).trim_end().to_owned() + "\n").collect()
}

/// What was lost, which bytes, under which design; then what was played.
fn headline(schedule: &AnnotatedSchedule, width: usize) -> Vec<Line> {
    let mut lines = paragraph(&schedule.headline, width, HEAD);
    let scenario = [&schedule.about.scenario, &schedule.about.title].map(|text| harmless(text)).into_iter();
    let scenario: Vec<String> = scenario.filter(|text| !text.is_empty()).collect();
    let scenario = if scenario.is_empty() { String::new() } else { format!("{}; ", scenario.join(": ")) };
    lines.extend(paragraph(&format!("{scenario}{}.", schedule.size), width, Style::new()));
    lines
}

/// What came after the last step.
fn ending(schedule: &AnnotatedSchedule, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for said in &schedule.ending {
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

/// One column of text, for one actor or for all.
struct Column {
    head: String,
    actors: Vec<ActorId>,
    /// The actors whose bars stand left of it.
    bars: Vec<ActorId>,
    at: usize,
    width: usize,
    /// Spaces between it and the next one.
    gap: usize,
    /// Whether each transition says who made it.
    named: bool,
}

impl Column {
    fn new(head: String, actors: Vec<ActorId>, barred: &[ActorId], named: bool) -> Self {
        let bars = actors.iter().copied().filter(|actor| barred.contains(actor)).collect();
        Column { head, actors, bars, at: 0, width: 0, gap: GAP, named }
    }

    /// The columns that bars take.
    fn margin(&self) -> usize {
        2 * self.bars.len()
    }

    fn text_at(&self) -> usize {
        self.at + self.margin()
    }

    /// The rows of its actors.
    fn rows(&self, schedule: &AnnotatedSchedule) -> Vec<usize> {
        let played = schedule.steps.iter().enumerate();
        played.filter(|(_, played)| self.actors.contains(&played.actor)).map(|(row, _)| row).collect()
    }

    /// The width at which no line is broken.
    fn ideal(&self, schedule: &AnnotatedSchedule) -> usize {
        let rows = self.rows(schedule).into_iter();
        let lines = rows.flat_map(|row| self.lines(schedule, row, usize::MAX / 2));
        once(self.head.clone()).chain(lines).map(|line| width_of(&line)).max().unwrap_or(1)
    }

    /// A transition's lines in a column of the given width.
    fn lines(&self, schedule: &AnnotatedSchedule, row: usize, width: usize) -> Vec<String> {
        let Some(played) = schedule.steps.get(row) else { return Vec::new() };
        let AnnotatedStep { op, notes, .. } = played;
        let short = format!("{op}: {}", notes.join("; "));
        if self.named {
            let text = if notes.is_empty() { op } else { &short };
            return self.named_lines(schedule, row, text, width);
        }
        if notes.is_empty() {
            return wrap(op, width, 2 * INDENT);
        }
        if notes.len() == 1 && width_of(&short) <= width {
            return wrap(&short, width, 2 * INDENT);
        }
        let indented = |note: &String| wrap(note, width.saturating_sub(INDENT), INDENT);
        let below = notes.iter().flat_map(indented).map(|line| format!("{:INDENT$}{line}", ""));
        wrap(op, width, 2 * INDENT).into_iter().chain(below).collect()
    }

    /// Lines behind the actor's name, which is not repeated while the same actor goes on.
    fn named_lines(&self, schedule: &AnnotatedSchedule, row: usize, text: &str, width: usize) -> Vec<String> {
        let actor = |row: usize| schedule.steps.get(row).map(|played| played.actor);
        let goes_on = row.checked_sub(1).is_some_and(|before| actor(before) == actor(row));
        let actor = actor(row).map_or_else(String::new, |actor| schedule.name(actor));
        let all = self.actors.iter().map(|actor| width_of(&schedule.name(*actor)));
        let names = all.filter(|name| *name <= LONG_NAME.min(width / 3)).max().unwrap_or(0) + GAP;
        if !goes_on && width_of(&actor) + GAP > names {
            return wrap(&format!("{actor}: {text}"), width, 2 * INDENT);
        }
        let texts = wrap(text, width.saturating_sub(names), 2 * INDENT);
        let line = |(n, text): (usize, String)| {
            let actor = if n == 0 && !goes_on { actor.as_str() } else { "" };
            format!("{actor}{}{text}", " ".repeat(names - width_of(actor)))
        };
        texts.into_iter().enumerate().map(line).collect()
    }
}

/// Where everything stands.
struct Page<'r> {
    schedule: Cow<'r, AnnotatedSchedule>,
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
    fn new(schedule: &'r AnnotatedSchedule, width: usize) -> Self {
        // The number, the mark of a preemption, a space.
        let text_at = schedule.steps.len().to_string().len().max(2) + 2;
        let (mut gutter, mut aside) = gutter::changing(gutter::columns(&schedule.replay));
        let needed =
            |gutter: &[gutter::Column]| gutter.iter().map(|column| column.width + GAP).sum::<usize>();
        let letters = letters(&gutter);
        let mut schedule = Cow::Borrowed(schedule);
        // Beside the state of many files there is no room for the operations: then it is told as they are.
        if gutter.iter().any(|column| column.file.is_some()) && text_at + needed(&gutter) + ROOM > width {
            aside.splice(0..0, gutter::told(&gutter, 0));
            let steps = gutter::folded(&schedule.steps, &gutter);
            schedule.to_mut().steps = steps;
            gutter.clear();
        }
        let available = width.saturating_sub(text_at + needed(&gutter));
        let columns = columns(&schedule, &mappings::barred(&schedule.mappings), available);
        let mut page = Page { schedule, width, columns, gutter, aside, letters, gutter_at: 0, text_at };
        let mut at = text_at;
        for column in &mut page.columns {
            column.at = at;
            at = column.text_at() + column.width + column.gap;
        }
        page.gutter_at = page.columns.last().map_or(text_at, |last| last.text_at() + last.width + GAP);
        page
    }

    /// The heads of the columns, underlined.
    fn head(&self) -> Vec<Line> {
        let heads: Vec<Vec<String>> =
            self.columns.iter().map(|column| wrap(&column.head, column.width, 0)).collect();
        let files = usize::from(self.gutter.iter().any(|column| column.file.is_some()));
        let height = heads.iter().map(Vec::len).max().unwrap_or(0).max(1 + files);
        let mut lines: Vec<Line> = (0..height).map(|_| Line::default()).collect();
        for (n, line) in lines.iter_mut().enumerate() {
            for (column, head) in self.columns.iter().zip(&heads) {
                line.put(column.text_at(), HEAD, head.get(n).map_or("", String::as_str));
            }
            if n < files {
                self.put_files(line);
            } else if n == files {
                self.put_gutter(line, |column| (HEAD, column.name.clone()));
            }
        }
        let mut rule = Line::default();
        for column in &self.columns {
            rule.put(column.at, Style::new(), &"-".repeat(column.margin() + column.width));
        }
        self.put_gutter(&mut rule, |column| (Style::new(), "-".repeat(column.width)));
        lines.push(rule);
        lines
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

    fn put_gutter(&self, line: &mut Line, text: impl Fn(&gutter::Column) -> (Style, String)) {
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
            line.put(self.text_at, Style::new(), if n == 0 { "after the setup" } else { "" });
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
                    line.put(column.text_at(), Style::new(), text);
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

    fn put_bars(&self, line: &mut Line, column: &Column, row: usize, n: usize) {
        for (place, actor) in column.bars.iter().enumerate() {
            let (first, further) = mappings::marks(&self.schedule.mappings, *actor, row);
            if let Some(mark) = if n == 0 { first } else { further } {
                let style = match mark {
                    Mark::Misused => BAD.bold(),
                    Mark::Stale => DOUBT,
                    Mark::Sampled | Mark::Cached | Mark::Dropped => Style::new(),
                };
                line.put(column.at + 2 * place, style, mark.symbol());
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
        let mut marks: Vec<String> =
            self.marks().iter().map(|mark| format!("{} {}", mark.symbol(), mark.meaning())).collect();
        if self.schedule.replay.played.iter().any(|played| played.preempts) {
            marks.push("* preemption".to_owned());
        }
        let shared = self.columns.iter().find(|column| column.named && !column.bars.is_empty());
        if let Some(column) = shared {
            let names: Vec<String> = column.bars.iter().map(|actor| self.schedule.name(*actor)).collect();
            marks.insert(0, format!("Bars: {}", names.join(", ")));
        }
        say(marks);
        self.letters.iter().cloned().for_each(say);
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
            .collect();
        let order = [Mark::Sampled, Mark::Cached, Mark::Stale, Mark::Misused, Mark::Dropped];
        order.into_iter().filter(|mark| all.contains(mark)).collect()
    }
}

/// Items of a legend, on as many lines as they take; an item is broken only if it is wider than a line.
fn legend(items: &[String], width: usize) -> Vec<Line> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if width_of(line) + 3 + width_of(item) <= width => {
                line.push_str("   ");
                line.push_str(item);
            }
            _ => lines.push(item.clone()),
        }
    }
    let fits = |text: &String| if width_of(text) > width { wrap(text, width, 2) } else { vec![text.clone()] };
    let line = |text: String| {
        let mut line = Line::default();
        line.put(0, Style::new(), &text);
        line
    };
    lines.iter().flat_map(fits).map(line).collect()
}

/// What the letters of the shared state mean, as far as they occur.
fn letters(gutter: &[gutter::Column]) -> Vec<Vec<String>> {
    const MEANINGS: [(&str, &[(char, &str)]); 2] = [
        ("ext", &[('H', "hole"), ('D', "delalloc"), ('U', "unwritten"), ('W', "written")]),
        (
            "folios",
            &[
                ('-', "absent"),
                ('C', "clean"),
                ('D', "dirty"),
                ('W', "writeback"),
                ('l', "locked"),
                ('?', "not all valid"),
            ],
        ),
    ];
    let explain = |(name, meanings): (&str, &[(char, &str)])| {
        let columns = gutter.iter().filter(|column| column.name == name);
        let used = meanings.iter().filter(|(letter, _)| columns.clone().any(|c| c.letters.contains(*letter)));
        let mut items: Vec<String> = used.map(|(letter, meaning)| format!("{letter} {meaning}")).collect();
        if let Some(first) = items.first_mut() {
            first.insert_str(0, &format!("{name}: "));
        }
        items
    };
    let mut letters: Vec<Vec<String>> = MEANINGS.into_iter().map(explain).collect();
    letters.retain(|items| !items.is_empty());
    if let Some(last) = letters.last_mut().filter(|_| gutter.iter().any(|column| column.abbreviated)) {
        last.push("2-3:C numbers 2 to 3 changed to C".to_owned());
    }
    letters
}

/// The columns of the actors, with their widths: one each, or one for all where that would be too narrow to
/// be read with pleasure.
fn columns(schedule: &AnnotatedSchedule, barred: &[ActorId], available: usize) -> Vec<Column> {
    let movers = schedule.movers();
    let mut shared = Column::new("actor, operation".to_owned(), movers.clone(), barred, true);
    let room = available.saturating_sub(shared.margin()).max(READABLE);
    shared.width = shared.ideal(schedule).clamp(READABLE, room);
    let shared = vec![shared];
    let each = |actor: ActorId| Column::new(schedule.name(actor), vec![actor], barred, false);
    match fitted(movers.into_iter().map(each).collect(), schedule, available) {
        Some(columns) if lines(&columns, schedule) <= PAGE.max(MUCH_LONGER * lines(&shared, schedule)) => {
            columns
        }
        _ => shared,
    }
}

/// The lines that transitions take.
fn lines(columns: &[Column], schedule: &AnnotatedSchedule) -> usize {
    let lines_of = |column: &Column| -> usize {
        column.rows(schedule).iter().map(|row| column.lines(schedule, *row, column.width).len()).sum()
    };
    columns.iter().map(lines_of).sum()
}

/// The columns with widths that fit.
fn fitted(mut columns: Vec<Column>, schedule: &AnnotatedSchedule, available: usize) -> Option<Vec<Column>> {
    let costs: Vec<Costs> = columns.iter().map(|column| Costs::of(column, schedule)).collect();
    let margins: usize = columns.iter().map(Column::margin).sum();
    let with_gap = |gap: usize| {
        let room = available.checked_sub(margins + gap * columns.len().saturating_sub(1))?;
        Some((gap, share(&costs, room)?))
    };
    let (gap, widths) = (1..=GAP).rev().find_map(with_gap)?;
    for (column, width) in columns.iter_mut().zip(widths) {
        (column.width, column.gap) = (width, gap);
    }
    Some(columns)
}

/// What a column costs at each width, up to the one at which nothing is broken.
struct Costs {
    /// From [`READABLE`] columns on, or from the ideal width if that is less.
    from: usize,
    costs: Vec<usize>,
}

impl Costs {
    fn of(column: &Column, schedule: &AnnotatedSchedule) -> Self {
        let rows = column.rows(schedule);
        let ideal = column.ideal(schedule);
        let from = ideal.min(READABLE);
        let cost = |width| {
            rows.iter().map(|row| cost(&column.lines(schedule, *row, width), &schedule.steps[*row])).sum()
        };
        Costs { from, costs: (from..=ideal).map(cost).collect() }
    }
}

/// A line costs, and a broken word a little.
fn cost(lines: &[String], step: &AnnotatedStep) -> usize {
    let words = lines.iter().flat_map(|line| line.split_whitespace()).count();
    let unbroken =
        once(&step.op).chain(&step.notes).map(|text| text.split_whitespace().count()).sum::<usize>();
    4 * lines.len() + words.saturating_sub(unbroken)
}

/// Divides the room so that the columns together take the least lines; `None` if some column would be too
/// narrow to be read.
fn share(columns: &[Costs], room: usize) -> Option<Vec<usize>> {
    // For each room the least cost of the columns so far, with their widths.
    let mut best: Vec<Option<(usize, Vec<usize>)>> = vec![Some((0, Vec::new())); room + 1];
    for column in columns {
        let with = |room: usize| {
            let choices = column.costs.iter().enumerate().filter_map(|(n, cost)| {
                let width = column.from + n;
                let (others, widths) = best.get(room.checked_sub(width)?)?.as_ref()?;
                Some((others + cost, width, widths))
            });
            let (cost, width, widths) = choices.min_by_key(|(cost, width, _)| (*cost, *width))?;
            Some((cost, widths.iter().copied().chain(once(width)).collect()))
        };
        best = (0..=room).map(with).collect();
    }
    best.pop()?.map(|(_, widths)| widths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_shared_so_that_least_lines_are_needed() {
        let steep = || Costs { from: 14, costs: vec![9, 8, 4] };
        let flat = || Costs { from: 10, costs: vec![5, 5, 5, 4] };
        assert_eq!(share(&[steep(), flat()], 40), Some(vec![16, 13]), "all that is needed");
        assert_eq!(share(&[steep(), flat()], 26), Some(vec![16, 10]), "to whom it helps most");
        assert_eq!(share(&[steep(), steep()], 27), None, "too narrow to be read");
        assert_eq!(share(&[], 20), Some(vec![]));
    }
}
