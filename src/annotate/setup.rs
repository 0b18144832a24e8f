//! What a setup violates by itself, before anybody has to race for it.

use stalemap_facade::{Event, Property};
use stalemap_model::state::event::What;

use super::events;
use super::phrases::harmless;
use crate::scenario::Scenario;

/// A property that the setup violates.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InSetup {
    /// Which.
    pub property: Property,
    /// The line of the command in which that happens, from 1; `None` for what is judged when all of them are done.
    pub line: Option<usize>,
    /// What the model says about it.
    pub detail: String,
}

impl InSetup {
    /// What the events of a setup tell; `lines` are those of its commands, and `halted` is the one that does not come to its end.
    pub fn of(events: &[Event], lines: &[usize], halted: Option<usize>) -> Vec<Self> {
        let violated = events.iter().enumerate().filter_map(|(at, event)| match event {
            Event::Violated { property, detail } => {
                // A command returns after what happens in it.
                let command = events[at..].iter().find_map(returns).or(halted);
                let line = command.and_then(|command| lines.get(command).copied());
                Some(InSetup { property: *property, line, detail: harmless(detail) })
            }
            _ => None,
        });
        violated.collect()
    }

    /// Where, and what, in words.
    pub fn sentence(&self) -> String {
        let place = self.line.map_or_else(|| "at its end".to_owned(), |line| format!("line {line}"));
        format!("in the setup already, {place}: {}", self.detail)
    }
}

/// The command of the setup that the event is the return of.
fn returns(event: &Event) -> Option<usize> {
    match events::what(event)? {
        What::Returned(command, _) => Some(usize::from(*command)),
        _ => None,
    }
}

/// The lines of a scenario's setup, command by command.
pub fn lines(scenario: &Scenario) -> Vec<usize> {
    scenario.setup_lines.iter().map(|line| scenario.line_of(line)).collect()
}
