//! The columns of the actors: one each, or lanes in one column where that would be too narrow, and how wide they are.
//!
//! In lanes, each actor's text begins a little further to the right and goes on over the lanes behind it, as the
//! "CPU0 CPU1" drawings of commit messages have it where they are tight. So the place says who acts, and the text has
//! room. Bars stand in front of all lanes, and who has one comes first.

use std::iter::once;

use stalemap_facade::ActorId;

use super::space::{GAP, INDENT};
use crate::annotate::{AnnotatedSchedule, AnnotatedStep};
use crate::wrap::{width as width_of, wrap};

/// The least width of an actor's column that people can read. With less, all actors share one column.
const READABLE: usize = 14;
/// A longer name does not move what is said of the other actors to the right.
const LONG_NAME: usize = 16;
/// What the last lane leaves for its text. With less, each step says who made it instead.
const LAST_LANE: usize = 28;
/// The narrowest and the widest lane.
const LANES: std::ops::RangeInclusive<usize> = 3..=12;

/// One column of text, for one actor or for all.
pub(super) struct Column {
    pub(super) head: String,
    pub(super) actors: Vec<ActorId>,
    /// The actors whose bars stand left of it.
    pub(super) bars: Vec<ActorId>,
    pub(super) at: usize,
    pub(super) width: usize,
    /// Spaces between it and the next one.
    pub(super) gap: usize,
    pub(super) sharing: Sharing,
}

/// How several actors share a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sharing {
    /// There is one actor only.
    Alone,
    /// Each actor's text begins this much further to the right.
    Lanes(usize),
    /// Each transition says who made it.
    Names,
}

impl Column {
    fn new(head: String, actors: Vec<ActorId>, barred: &[ActorId], sharing: Sharing) -> Self {
        let bars = actors.iter().copied().filter(|actor| barred.contains(actor)).collect();
        Column { head, actors, bars, at: 0, width: 0, gap: GAP, sharing }
    }

    /// The columns that bars take.
    pub(super) fn margin(&self) -> usize {
        2 * self.bars.len()
    }

    pub(super) fn text_at(&self) -> usize {
        self.at + self.margin()
    }

    /// How far an actor's text is moved to the right.
    pub(super) fn indent(&self, actor: ActorId) -> usize {
        match self.sharing {
            Sharing::Lanes(lane) => lane * self.actors.iter().position(|other| *other == actor).unwrap_or(0),
            Sharing::Alone | Sharing::Names => 0,
        }
    }

    /// The lines of its head: how many lanes pass by, where it begins, and what it says.
    pub(super) fn heads(&self, schedule: &AnnotatedSchedule) -> Vec<(usize, usize, String)> {
        let Sharing::Lanes(_) = self.sharing else {
            return wrap(&self.head, self.width, 0).into_iter().map(|head| (0, 0, head)).collect();
        };
        let head = |(lane, actor): (usize, &ActorId)| {
            let at = self.indent(*actor);
            let lines = wrap(&schedule.title(*actor), self.width.saturating_sub(at), 2 * INDENT);
            lines.into_iter().map(move |head| (lane, at, head))
        };
        self.actors.iter().enumerate().flat_map(head).collect()
    }

    /// The rows of its actors.
    fn rows(&self, schedule: &AnnotatedSchedule) -> Vec<usize> {
        let played = schedule.steps.iter().enumerate();
        played.filter(|(_, played)| self.actors.contains(&played.actor)).map(|(row, _)| row).collect()
    }

    /// The width at which no line is broken.
    fn ideal(&self, schedule: &AnnotatedSchedule) -> usize {
        let rows = self.rows(schedule).into_iter();
        let widths = rows.flat_map(|row| {
            let indent = self.indent(schedule.steps[row].actor);
            self.lines(schedule, row, usize::MAX / 2).into_iter().map(move |line| indent + width_of(&line))
        });
        let titles = self.actors.iter().map(|actor| match self.sharing {
            Sharing::Lanes(_) => self.indent(*actor) + width_of(&schedule.title(*actor)),
            Sharing::Alone | Sharing::Names => 0,
        });
        once(width_of(&self.head)).chain(titles).chain(widths).max().unwrap_or(1)
    }

    /// A transition's lines in a column of the given width.
    pub(super) fn lines(&self, schedule: &AnnotatedSchedule, row: usize, width: usize) -> Vec<String> {
        let Some(played) = schedule.steps.get(row) else { return Vec::new() };
        let AnnotatedStep { op, notes, .. } = played;
        let short = format!("{op}: {}", notes.join("; "));
        let text = if notes.is_empty() { op } else { &short };
        match self.sharing {
            Sharing::Names => return self.named_lines(schedule, row, text, width),
            Sharing::Lanes(_) => {
                return wrap(text, width.saturating_sub(self.indent(played.actor)), 2 * INDENT);
            }
            Sharing::Alone => {}
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

/// The columns of the actors, with their widths: one each, or one for all where that is shorter, or one each would be too narrow to be
/// read with pleasure.
pub(super) fn columns(schedule: &AnnotatedSchedule, barred: &[ActorId], available: usize) -> Vec<Column> {
    let movers = schedule.movers();
    let mut shared = shared(schedule, barred, available);
    let room = available.saturating_sub(shared.margin()).max(READABLE);
    shared.width = shared.ideal(schedule).clamp(READABLE, room);
    let shared = vec![shared];
    let each = |actor: ActorId| Column::new(schedule.title(actor), vec![actor], barred, Sharing::Alone);
    match fitted(movers.into_iter().map(each).collect(), schedule, available) {
        Some(columns) if lines(&columns, schedule) <= lines(&shared, schedule) => columns,
        _ => shared,
    }
}

/// One column for all: in lanes, if the last one is wide enough.
fn shared(schedule: &AnnotatedSchedule, barred: &[ActorId], available: usize) -> Column {
    let movers = schedule.movers();
    let (first, others): (Vec<ActorId>, Vec<ActorId>) =
        movers.iter().copied().partition(|actor| barred.contains(actor));
    let lanes = Column::new(String::new(), [first, others].concat(), barred, Sharing::Lanes(0));
    let room = available.checked_sub(lanes.margin() + LAST_LANE);
    let lane = room.map_or(0, |room| room / (movers.len().max(2) - 1)).min(*LANES.end());
    if lane < *LANES.start() {
        return Column::new("actor, operation".to_owned(), movers, barred, Sharing::Names);
    }
    Column { sharing: Sharing::Lanes(lane), ..lanes }
}

/// The lines that heads and transitions take.
fn lines(columns: &[Column], schedule: &AnnotatedSchedule) -> usize {
    let lines_of = |column: &Column| -> usize {
        column.rows(schedule).iter().map(|row| column.lines(schedule, *row, column.width).len()).sum()
    };
    let heads = columns.iter().map(|column| column.heads(schedule).len()).max().unwrap_or(0);
    heads + columns.iter().map(lines_of).sum::<usize>()
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
