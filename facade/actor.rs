//! Who acts.

/// The number of an actor: its place in [`System::actors`](crate::System::actors).
pub type ActorId = usize;
