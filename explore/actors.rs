//! Sets of actors.

use stalemap_facade::ActorId;

/// The most actors a system may have: sets of actors are kept in 16 bits.
pub const MAX_ACTORS: usize = 16;

/// A set of actors.
pub(crate) type ActorSet = u16;

/// The members of a set, in ascending order.
pub(crate) fn actors_of(set: ActorSet) -> impl Iterator<Item = ActorId> {
    let mut rest = set;
    std::iter::from_fn(move || {
        let actor = rest.trailing_zeros() as ActorId;
        // Clears the lowest bit; an empty set has none.
        rest &= rest.wrapping_sub(1);
        (actor < MAX_ACTORS).then_some(actor)
    })
}
