//! A schedule with everything that there is to say about it: what every report of a schedule is made from.
//!
//! A replay says what happened. This module works out what it means, once: the cause, the life of each
//! cached mapping, which transitions the outcome needs, which orders decide it (tried by turning them round), and what
//! a check would have seen. The reports lay it out and compute nothing.

pub mod alignment;
pub mod border;
mod calls;
pub mod cause;
pub mod clocks;
pub mod events;
pub mod expected;
pub(crate) mod files;
pub mod idle;
pub mod inner;
pub mod mappings;
mod phrases;
pub mod program;
pub mod setup;
pub mod window;

use std::collections::BTreeMap;

use stalemap_checker::{orders, replay};
use stalemap_explore::{Order, Played, Replay, ReplayError, Schedule, Turned};
use stalemap_facade::{ActorId, Event, Property};
use stalemap_model::system::kernel::Kernel;
use stalemap_model::system::panel::Panel;
use stalemap_model::words::design::Design;

use self::border::Border;
pub use self::calls::calls;
use self::cause::Cause;
use self::clocks::Clock;
use self::files::Note;
use self::idle::Idle;
use self::mappings::Life;
pub use self::phrases::{count, harmless, list};
use self::program::Program;
use self::setup::InSetup;
use self::window::Window;
use crate::scenario::implementations::Kind;
use crate::words;

/// What is known about a schedule beside the replay itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct About {
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// The design's name.
    pub design: String,
    /// Whether that is a design or a kernel.
    pub kind: Kind,
    /// The memory that it ran on, if that is not the usual one.
    pub memory: Option<&'static str>,
    /// The property that the schedule is a counterexample to, if it was saved as one.
    pub property: Option<Property>,
    /// The least number of preemptions that violates the property, if that is known.
    pub preemptions: Option<u32>,
    /// The runs among which it is the least, if not among all: `runs with at most 0 evictions`.
    pub among: Option<String>,
    /// The lines of the setup's commands in the scenario file.
    pub setup_lines: Vec<usize>,
    /// The line of the scenario file whose setup command does not come to its end.
    pub halted_at: Option<usize>,
    /// What is proved about the schedule.
    pub certified: Option<String>,
    /// The actors that take no part in it.
    pub idle: Option<Idle>,
    /// What an actor does, in a few words, by its name: `write(2)`, `writeback`.
    pub does: BTreeMap<String, String>,
    /// The command that shows it again.
    pub replay: Option<String>,
    /// What the actors were asked to do.
    pub program: Program,
}

/// A replayed schedule and what it means. Places of steps count from 0; what is written for people counts from 1.
#[derive(Clone, Debug)]
pub struct AnnotatedSchedule {
    /// What is known beside.
    pub about: About,
    /// What happened.
    pub replay: Replay,
    /// The same in words, step by step.
    pub steps: Vec<AnnotatedStep>,
    /// What the setup violates by itself.
    pub in_setup: Vec<InSetup>,
    /// The shared state after the setup and after each step.
    pub states: Vec<Vec<Panel>>,
    /// The cached mappings, in the order of their sampling.
    pub mappings: Vec<Life>,
    /// The mapping that went out of date, and through which path it was sampled.
    pub window: Option<Window>,
    /// How much of every actor each step has seen.
    pub clocks: Vec<Clock>,
    /// The mapping that was used although it was out of date, what had changed under it, and what a check saw or would have
    /// seen.
    pub cause: Option<Cause>,
    /// The orders that decide: turned round, the property is not violated.
    pub deciding: Vec<DecidingOrder>,
    /// Where it lies between two batches of writeback, if that was asked and is so.
    pub border: Option<Border>,
}

/// A step in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnnotatedStep {
    /// Who makes it.
    pub actor: ActorId,
    /// The operation, naming the file that all of it concerns where there are several.
    pub op: String,
    /// What happened in it, but for violations.
    pub notes: Vec<String>,
    /// The operation by itself.
    operation: String,
    /// What the notes are made of.
    told: Vec<Note>,
    /// What it violates, in words.
    pub violations: Vec<String>,
    /// Whether the outcome needs it: it happened before what violates the property, as far as that depends on it.
    pub needed: bool,
}

/// Two steps whose order decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecidingOrder {
    /// The first one's place.
    pub first: usize,
    /// The second one's.
    pub second: usize,
    /// Who does what in either: `writer: iomap_begin`.
    pub who: [String; 2],
}

impl DecidingOrder {
    /// What is said of it.
    pub const DECIDES: &str = "decides: played the other way round, it does not happen.";

    /// One sentence.
    pub fn sentence(&self) -> String {
        let ([one, other], decides) = (&self.who, Self::DECIDES);
        format!("{} ({one}) before {} ({other}) {decides}", self.first + 1, self.second + 1)
    }
}

/// Replays a schedule on a kernel and annotates it.
pub fn annotate(
    kernel: &Kernel,
    schedule: &Schedule,
    about: About,
) -> Result<AnnotatedSchedule, ReplayError> {
    let replay = replay(kernel, &schedule.steps)?;
    let property = about.property.filter(|property| replay.violated.contains(property));
    let property = property.or_else(|| replay.violated.first().copied());
    let orders = match property {
        Some(property) => orders(kernel, &schedule.steps, &replay.played, property)?,
        None => Vec::new(),
    };
    Ok(AnnotatedSchedule::new(about, replay, &orders))
}

impl AnnotatedSchedule {
    /// What a replay means; `orders` are those that were turned round.
    fn new(about: About, replay: Replay, orders: &[Order]) -> Self {
        let mappings = mappings::lives(&replay);
        let clocks = clocks::clocks(&replay.played);
        let needed = needed(&replay, &mappings);
        let steps: Vec<AnnotatedStep> =
            replay.played.iter().zip(needed).map(|(played, needed)| step(played, needed)).collect();
        let deciding = orders.iter().filter(|order| order.turned == Turned::Avoided);
        let halted = replay.halted.as_ref().and_then(|halted| halted.command);
        AnnotatedSchedule {
            in_setup: InSetup::of(&replay.setup_events, &about.setup_lines, halted),
            cause: cause::cause(&replay, &mappings),
            states: states(&replay),
            window: window::window(&replay, &mappings, &clocks),
            clocks,
            deciding: deciding.map(|order| decides(&replay, &steps, order)).collect(),
            about,
            border: None,
            replay,
            steps,
            mappings,
        }
    }

    /// Takes over what the schedule says of its own cost, if that is still the cost of what was played.
    pub fn record_cost(&mut self, schedule: &Schedule) {
        let preemptions = self.replay.played.iter().filter(|played| played.preempts).count();
        let says = |key: &str, number: usize| schedule.header(key) == Some(number.to_string().as_str());
        if says("preemptions", preemptions) && says("operations", self.replay.played.len()) {
            let certificate = schedule.header("certificate");
            let said = |said: &str| {
                format!("Certified when it was saved: {}.", said.strip_prefix("least: ").unwrap_or(said))
            };
            self.about.certified = certificate.map(said);
            self.about.preemptions = u32::try_from(preemptions).ok();
            self.about.among = schedule.header("among").map(str::to_owned);
        }
    }

    /// Looks whether it lies between two batches of writeback, under the design that it was played under.
    pub fn find_border(&mut self, design: &Design) {
        self.border = Border::of(&self.replay, design);
    }

    /// An actor's name.
    pub fn name(&self, actor: ActorId) -> String {
        name(&self.replay, actor)
    }

    /// What stands above an actor's steps: its name, and what it does where the name does not say so.
    pub fn title(&self, actor: ActorId) -> String {
        let name = self.name(actor);
        match self.about.does.get(&name) {
            Some(does) if *does != name => format!("{name}: {does}"),
            _ => name,
        }
    }

    /// The actors that move, in the order in which they first do.
    pub fn movers(&self) -> Vec<ActorId> {
        movers(&self.replay)
    }
}

impl AnnotatedStep {
    /// The step with more to be noted.
    #[must_use]
    pub(crate) fn with_notes(&self, more: Vec<Note>) -> Self {
        let told: Vec<Note> = self.told.iter().cloned().chain(more).collect();
        let (op, notes) = factored(&self.operation, &told);
        AnnotatedStep { op, notes, told, ..self.clone() }
    }
}

fn step(played: &Played, needed: bool) -> AnnotatedStep {
    let (operation, told) = (harmless(&played.op), told(&played.events));
    let (op, notes) = factored(&operation, &told);
    AnnotatedStep {
        actor: played.actor,
        op,
        notes,
        operation,
        told,
        violations: played.violated.iter().map(|property| violation(*property, &played.events)).collect(),
        needed,
    }
}

/// An operation and its notes, with the file that all of them concern named once.
fn factored(op: &str, notes: &[Note]) -> (String, Vec<String>) {
    let (file, notes) = files::factored(notes);
    (files::named(file, op), notes)
}

/// What events say to a reader, but for violations.
pub(crate) fn told(events: &[Event]) -> Vec<Note> {
    let note = |event: &Event| Note {
        file: events::file(event).map(harmless),
        text: harmless(&words::event(event)),
    };
    let told = events.iter().filter(|event| !is_violation(event)).map(note);
    told.filter(|note| !note.text.is_empty()).collect()
}

/// The steps that happened before what did the damage, in the happens-before order: those that violate something or
/// use a mapping that is out of date. Where the damage shows only at the end, all are needed.
fn needed(replay: &Replay, mappings: &[Life]) -> Vec<bool> {
    let misused = mappings.iter().flat_map(|life| &life.misused).map(|(row, _)| *row);
    let violating = replay.played.iter().enumerate().filter(|(_, played)| !played.violated.is_empty());
    let mut needed = vec![false; replay.played.len()];
    misused.chain(violating.map(|(row, _)| row)).for_each(|row| needed[row] = true);
    if !needed.contains(&true) {
        return vec![true; replay.played.len()];
    }
    for row in (0..needed.len()).rev().filter(|row| needed[*row]).collect::<Vec<_>>() {
        mark_past(&replay.played, row, &mut needed);
    }
    needed
}

fn mark_past(played: &[Played], row: usize, needed: &mut [bool]) {
    let own = played[..row].iter().rposition(|before| before.actor == played[row].actor);
    for before in own.into_iter().chain(played[row].depends_on.iter().copied()) {
        if !std::mem::replace(&mut needed[before], true) {
            mark_past(played, before, needed);
        }
    }
}

fn decides(replay: &Replay, steps: &[AnnotatedStep], order: &Order) -> DecidingOrder {
    let who = |row: usize| format!("{}: {}", name(replay, steps[row].actor), steps[row].op);
    let Order { first, second, .. } = *order;
    DecidingOrder { first, second, who: [first, second].map(who) }
}

/// A violated property in words: what the model said about it, if it did.
pub(crate) fn violation(property: Property, events: &[Event]) -> String {
    let name = property.name().replace('-', " ");
    let detail = events.iter().find_map(|event| match event {
        Event::Violated { property: violated, detail } if *violated == property => Some(detail),
        _ => None,
    });
    detail.map_or_else(|| name.clone(), |detail| format!("{name}: {}", harmless(detail)))
}

/// Whether the event is the report of a violation.
fn is_violation(event: &Event) -> bool {
    matches!(event, Event::Violated { .. })
}

/// The shared state after the setup and after each step.
fn states(replay: &Replay) -> Vec<Vec<Panel>> {
    let later = replay.played.iter().map(|played| &played.picture);
    let pictures = std::iter::once(&replay.initial_picture).chain(later);
    pictures.map(|picture| picture.of::<Vec<Panel>>().cloned().unwrap_or_default()).collect()
}

/// An actor's name.
fn name(replay: &Replay, actor: ActorId) -> String {
    replay.actors.get(actor).map_or_else(|| "?".to_owned(), |spec| harmless(&spec.name))
}

/// The actors that move, in the order in which they first do.
fn movers(replay: &Replay) -> Vec<ActorId> {
    let mut actors = Vec::new();
    for played in &replay.played {
        if !actors.contains(&played.actor) {
            actors.push(played.actor);
        }
    }
    actors
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use stalemap_model::judge::properties;
    use stalemap_model::state::event::{DataEvent, Given, KernelEvent, What};

    use super::*;

    #[test]
    fn a_violation_is_told_in_words() {
        let copied = Event::System(Rc::new(KernelEvent {
            file: None,
            compared: None,
            what: What::Data(DataEvent::Read(Given { bytes: 0..4096, cells: Vec::new() })),
        }));
        let lost = Event::Violated { property: properties::LOST_WRITE, detail: "6k-8k is 0".to_owned() };
        let events = [copied, lost];
        assert_eq!(violation(properties::LOST_WRITE, &events), "lost write: 6k-8k is 0");
        assert_eq!(violation(properties::LEAKED_LOCK, &events), "leaked lock");
        assert!(!is_violation(&events[0]) && is_violation(&events[1]));
    }
}
