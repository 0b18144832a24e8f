//! With which error commands fail. A search knows only that they do; one run that is watched says why.

use std::collections::BTreeMap;

use stalemap_checker::{replay, serial, watch_opening};
use stalemap_facade::{ActorId, Event, Returned};
use stalemap_model::state::event::{Dropped, What};
use stalemap_model::system::kernel::Kernel;

use crate::annotate::events;

/// The errors of commands by their places in what an actor does; those that nothing is told of are left out.
pub(crate) type Errors = BTreeMap<usize, &'static str>;

/// The errors of the setup.
pub(crate) fn of_setup(kernel: &Kernel) -> Errors {
    watch_opening(kernel).map_or_else(|_| Errors::new(), |opening| told(opening.setup.iter()))
}

/// The errors of an actor in a run in which it goes first and the others follow, one after the other; or, of commands that
/// succeed there, or are not reached, in one in which it goes last.
pub(crate) fn of_actor(kernel: &Kernel, actor: ActorId, actors: usize) -> Errors {
    let others = || (1..=actors).filter(|other| *other != actor);
    let orders: [Vec<ActorId>; 2] =
        [std::iter::once(actor).chain(others()).collect(), others().chain([actor]).collect()];
    let mut errors = Errors::new();
    // What fails before the actor's first operation has no step of its own.
    let opening = watch_opening(kernel).map_or_else(|_| Vec::new(), |opening| opening.actors);
    let opening: Vec<&Event> =
        opening.iter().filter(|(other, _)| *other == actor).flat_map(|(_, events)| events).collect();
    for order in orders {
        let Ok(Some(steps)) = serial(kernel, &order) else { continue };
        let Ok(replay) = replay(kernel, &steps) else { continue };
        let own = replay.played.iter().filter(|played| played.actor == actor);
        let own = own.flat_map(|played| &played.events);
        for (command, error) in told(opening.iter().copied().chain(own)) {
            errors.entry(command).or_insert(error);
        }
    }
    errors
}

/// The errors that an actor's events tell of.
fn told<'e>(events: impl Iterator<Item = &'e Event>) -> Errors {
    let (mut errors, mut last) = (Errors::new(), None);
    for event in events {
        match events::what(event) {
            Some(What::Failed(error) | What::Dropped(Dropped::Failed(error))) => last = Some(error.name()),
            Some(What::Sigbus(_)) => last = Some("SIGBUS"),
            Some(What::Returned(command, returned)) => {
                let error = last.take().filter(|_| *returned == Returned::Error);
                errors.extend(error.map(|error| (usize::from(*command), error)));
            }
            _ => {}
        }
    }
    errors
}
