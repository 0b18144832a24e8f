//! What must hold: properties that a system's code finds violated, and two that the engines find.

use crate::name::kind;

kind! {
    /// What can be violated. A system lists its own with [`names!`](crate::names); numbers 62 and 63 are the engines', and no
    /// property of a system's own may have them.
    Property
}

impl Property {
    /// Unfinished actors, and none can move. Found by the engines.
    pub const DEADLOCK: Property = Property::new(63, "deadlock");
    /// The actors can go round for ever without getting anywhere. Found by the engines.
    pub const LIVELOCK: Property = Property::new(62, "livelock");
}
