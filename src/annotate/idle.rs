//! Actors of a scenario that take no part in a counterexample.

use stalemap_facade::Property;
use stalemap_model::words::count::count;

use super::phrases::list;

/// How it was seen that an actor takes no part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// All runs without it were explored.
    Explored {
        /// The states without it.
        without: u64,
        /// The states with it.
        with: u64,
    },
    /// Some run without it violates the same; a limit ended the search.
    Found,
    /// The same steps were played without it.
    Played,
}

/// Actors without which the same property is violated: they make no step of the counterexample, and the scenario was run without them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Idle {
    /// Their names, in the order of the file.
    pub actors: Vec<String>,
    /// What is violated without them.
    pub property: Property,
    /// How that is known.
    pub seen: Seen,
}

impl Idle {
    /// One sentence.
    pub fn sentence(&self) -> String {
        let (names, property) = (list(&self.actors), self.property.name());
        let (take, them) = if self.actors.len() == 1 { ("takes", "it") } else { ("take", "them") };
        match self.seen {
            Seen::Explored { without, with } => format!(
                "{names} {take} no part: without {them} {property} is violated, too, in {} instead of {with}.",
                count(without, "state")
            ),
            Seen::Found => format!("{names} {take} no part: without {them} {property} is violated, too."),
            Seen::Played => {
                format!("{names} {take} no part: the same steps violate {property} without {them}.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use stalemap_model::judge::properties;

    use super::*;

    #[test]
    fn what_is_known_is_said_and_no_more() {
        let idle = |actors: &[&str], seen| Idle {
            actors: actors.iter().map(|name| (*name).to_owned()).collect(),
            property: properties::LOST_WRITE,
            seen,
        };
        assert_eq!(
            idle(&["kswapd"], Seen::Explored { without: 1758, with: 16011 }).sentence(),
            "kswapd takes no part: without it lost-write is violated, too, in 1758 states instead of 16011."
        );
        assert_eq!(
            idle(&["a", "b"], Seen::Played).sentence(),
            "a and b take no part: the same steps violate lost-write without them."
        );
    }
}
