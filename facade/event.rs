//! What a run reports to whoever watches a replay. None of it is part of the state.

use std::any::Any;
use std::fmt::Debug;
use std::rc::Rc;

use crate::property::Property;

/// A system's own event, as data: text is made of it last, by who shows it.
pub trait SystemEvent: Any + Debug {
    /// The event in words, for readers that know nothing of the system.
    fn words(&self) -> String {
        format!("{self:?}")
    }

    /// Hands the event to `tracing`, if the system wants it there. `step` is the transition's number in the replay.
    fn log(&self, step: usize, actor: &str) {
        let _ = (step, actor);
    }
}

impl SystemEvent for String {
    fn words(&self) -> String {
        self.clone()
    }
}

impl SystemEvent for &'static str {
    fn words(&self) -> String {
        (*self).to_owned()
    }
}

/// One thing that happened in a transition.
#[derive(Clone, Debug)]
pub enum Event {
    /// A property was found violated, for the first time in this run.
    Violated {
        /// Which.
        property: Property,
        /// What a reader wants to know about it.
        detail: String,
    },
    /// A load in relaxed memory saw an older store than the latest.
    SawOlder {
        /// The word.
        word: &'static str,
        /// What was seen.
        value: u64,
        /// How many stores are later, at least 1.
        behind: usize,
    },
    /// A store in relaxed memory took its place before stores of others that were there already.
    StoredBefore {
        /// The word.
        word: &'static str,
        /// What was stored.
        value: u64,
    },
    /// Something of the system's own.
    System(Rc<dyn SystemEvent>),
}

impl Event {
    /// The system's own event, if it is one and of that type.
    pub fn of<E: SystemEvent>(&self) -> Option<&E> {
        match self {
            Event::System(event) => {
                let event: &dyn Any = &**event;
                event.downcast_ref()
            }
            _ => None,
        }
    }

    /// The event in words.
    pub fn words(&self) -> String {
        match self {
            Event::Violated { property, detail } => format!("{property}: {detail}"),
            Event::SawOlder { word, value, behind } => {
                let stores = if *behind == 1 { "store" } else { "stores" };
                format!("{word} is still seen as {value}, {behind} {stores} behind")
            }
            Event::StoredBefore { word, value } => {
                format!("{word} = {value} comes before what others have stored")
            }
            Event::System(event) => event.words(),
        }
    }
}
