//! A counterexample as text, a line for each transition.
//!
//! A counterexample is the choices alone, so that it can be kept, compared and sent elsewhere; what came of them only the
//! system knows. So its trace is made with the system at hand, by playing it again.

use std::fmt::{self, Write as _};

use stalemap_facade::{Event, Property, System};

use crate::counterexample::Counterexample;
use crate::machine::{Halt, Halted};
use crate::replay::{Epilogue, Played, Replay, ReplayError, replay};
use crate::schedule::Step;

/// The widest column of operations; behind a wider one, what was reported stands on the next line.
const WIDEST: usize = 48;

/// A counterexample that was played again. It prints itself: what is violated, how least it is, and the schedule, with
/// `*` at preemptions, `>>>` at what is violated, and beside each operation what the system reported of it and what
/// changed in its [`gutter`](System::gutter).
///
/// ```text
/// violates wrong: 1 preemption, 4 operations
/// least: none of the 8 states reached without a preemption violates it
///
///     (setup)     x = 0, y = 0
///  1  one: load
///  2* two: load
///  3  two: store  x = 1
///  4  one: store
///     (the end)   >>> wrong: x is 1
///                 x is 1 in the end
/// ```
#[derive(Clone, Debug)]
pub struct Trace {
    /// What it says, as data.
    pub replay: Replay,
    steps: Vec<Step>,
    /// What it cost, and why that is the least.
    head: String,
}

impl Counterexample {
    /// Plays the counterexample again, on the system in which it was found.
    pub fn trace<S: System>(&self, system: &S) -> Result<Trace, ReplayError> {
        let specs = system.actors();
        // Errors name the line that the trace would have.
        let numbered = self.schedule.iter().zip(1..);
        let steps = numbered.map(|(choice, line)| Step { line: Some(line), ..choice.to_step(&specs) });
        let steps: Vec<Step> = steps.collect();
        let replay = replay(system, &steps)?;
        let among = self.among();
        let certificate = match replay.violated[..] {
            _ if !self.certified => "not shown to be the least".to_owned(),
            // A witness of a branch.
            [] => format!(
                "{}: none has fewer preemptions, or as many and fewer operations",
                Self::least(among.as_deref())
            ),
            _ => self.certificate(among.as_deref()),
        };
        let cost = format!(
            "{}, {}",
            count(self.preemptions as usize, "preemption"),
            count(self.operations as usize, "operation")
        );
        let head = match names(&replay.violated) {
            violated if violated.is_empty() => format!("{cost}\n{certificate}\n"),
            violated => format!("violates {violated}: {cost}\n{certificate}\n"),
        };
        Ok(Trace { replay, steps, head })
    }

    /// Why it is the least, and among which runs, if not among all. `among` says what is known of them: `runs with at
    /// most 2 retries`.
    pub fn certificate(&self, among: Option<&str>) -> String {
        let least = Self::least(among);
        let below = match self.preemptions {
            0 => return format!("{least}: no preemption, and none with fewer operations"),
            1 => "without a preemption".to_owned(),
            more => format!("with fewer than {more} preemptions"),
        };
        format!("{least}: none of the {} states reached {below} violates it", self.states_below)
    }

    /// `least`, or `least among` some runs.
    pub fn least(among: Option<&str>) -> String {
        among.map_or_else(|| "least".to_owned(), |among| format!("least among {among}"))
    }

    /// The runs among which it is the least, by the names of the limits that cut others.
    fn among(&self) -> Option<String> {
        let limits: Vec<&str> = self.within.iter().map(|limit| limit.name()).collect();
        (!limits.is_empty()).then(|| format!("runs within the limit of {}", limits.join(" and of ")))
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let width = rows.iter().map(|row| row.label.chars().count()).filter(|&width| width <= WIDEST).max();
        let width = width.unwrap_or(0);
        f.write_str(&self.head)?;
        f.write_char('\n')?;
        rows.iter().try_for_each(|row| row.write(f, width))
    }
}

/// A transition, or what came before or after all of them, with what there is to say of it.
struct Row {
    label: String,
    notes: Vec<String>,
}

impl Row {
    fn aside(label: &str, notes: Vec<String>) -> Option<Self> {
        (!notes.is_empty()).then(|| Row { label: format!("    ({label})"), notes })
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, width: usize) -> fmt::Result {
        let mut notes = self.notes.iter();
        let fits = self.label.chars().count() <= width;
        match notes.next() {
            Some(first) if fits => writeln!(f, "{:width$}  {first}", self.label),
            Some(first) => writeln!(f, "{}\n{:width$}  {first}", self.label, ""),
            None => writeln!(f, "{}", self.label),
        }?;
        notes.try_for_each(|note| writeln!(f, "{:width$}  {note}", ""))
    }
}

impl Trace {
    fn rows(&self) -> Vec<Row> {
        let replay = &self.replay;
        let mut rows = Vec::new();
        rows.extend(Row::aside("setup", before(replay)));
        let mut gutter = &replay.initial;
        for (index, (played, step)) in replay.played.iter().zip(&self.steps).enumerate() {
            if replay.cycle_from == Some(index) {
                rows.push(Row { label: "    (from here on for ever)".to_owned(), notes: Vec::new() });
            }
            let mark = if played.preempts { '*' } else { ' ' };
            let label = format!("{:>2}{mark} {step}", index + 1);
            rows.push(Row { label, notes: notes(played, gutter) });
            gutter = &played.gutter;
        }
        rows.extend(Row::aside("the end", after(replay)));
        rows.extend(Row::aside(
            "and so on",
            replay.cycle_from.map(|from| livelock(replay, from)).into_iter().collect(),
        ));
        rows
    }
}

/// What there is to say before anybody moves.
fn before(replay: &Replay) -> Vec<String> {
    let mut notes = Vec::new();
    let columns: Vec<String> =
        replay.initial.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    notes.extend((!columns.is_empty()).then(|| columns.join(", ")));
    let engines = |property: &&Property| [Property::DEADLOCK, Property::LIVELOCK].contains(*property);
    let own: Vec<Property> =
        replay.violated_in_setup.iter().filter(|property| !engines(property)).copied().collect();
    notes.extend((!own.is_empty()).then(|| alarm(&names(&own))));
    notes.extend(replay.halted.as_ref().map(|halted| alarm(&halted_in_words(halted))));
    notes
}

fn halted_in_words(halted: &Halted) -> String {
    let actor = halted.actor.as_deref().unwrap_or("the setup");
    match &halted.why {
        Halt::GivenUp(bound) => format!("{actor} is given up at the limit of {bound}"),
        Halt::Waits(op) => format!("{}: {actor}, alone, waits for ever at `{op}`", Property::DEADLOCK),
        Halt::GoesRound => format!("{}: {actor}, alone, goes round for ever", Property::LIVELOCK),
    }
}

/// What the system reported of a transition, and what changed.
fn notes(played: &Played, before: &[(String, String)]) -> Vec<String> {
    let mut notes: Vec<String> = played.events.iter().map(note).collect();
    let changed = played.gutter.iter().filter(|column| !before.contains(column));
    let changed: Vec<String> = changed.map(|(name, value)| format!("{name} = {value}")).collect();
    notes.extend((!changed.is_empty()).then(|| changed.join(", ")));
    notes
}

/// What there is to say when nobody moves any more.
fn after(replay: &Replay) -> Vec<String> {
    let mut notes: Vec<String> = replay.epilogue.as_ref().map(epilogue).unwrap_or_default();
    if !replay.deadlock.is_empty() {
        let waiting = replay.deadlock.iter();
        let waiting = waiting.map(|(actor, op)| format!("{} waits at `{op}`", replay.actors[*actor].name));
        let waiting: Vec<String> = waiting.collect();
        notes.push(alarm(&format!("{}: {}", Property::DEADLOCK, waiting.join(", "))));
    }
    notes
}

/// What repeats, from the number of the transition before which the system first stood where it stands at the end.
fn livelock(replay: &Replay, from: usize) -> String {
    let round = match (from + 1, replay.played.len()) {
        (first, last) if first == last => format!("operation {first} repeats"),
        (first, last) => format!("operations {first} to {last} repeat"),
    };
    alarm(&format!("{}: {round} for ever, and nobody who could always move is left out", Property::LIVELOCK))
}

/// What the epilogue said and found.
fn epilogue(found: &Epilogue) -> Vec<String> {
    let mut notes: Vec<String> = found.events.iter().map(note).collect();
    for property in &found.violated {
        match *property {
            Property::DEADLOCK => notes.push(alarm(&format!("{property}: the epilogue waits for ever"))),
            Property::LIVELOCK => notes.push(alarm(&format!("{property}: the epilogue goes round for ever"))),
            // The system has said it.
            _ => {}
        }
    }
    notes.extend(found.observed.clone());
    notes
}

fn note(event: &Event) -> String {
    match event {
        Event::Violated { .. } => alarm(&event.words()),
        _ => event.words(),
    }
}

fn alarm(what: &str) -> String {
    format!(">>> {what}")
}

fn names(properties: &[Property]) -> String {
    properties.iter().map(|property| property.name()).collect::<Vec<_>>().join(", ")
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
