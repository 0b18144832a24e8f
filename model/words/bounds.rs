//! The bounds on the modelled system that a scenario may set.

use stalemap_facade::Bound;

stalemap_facade::names! { Bound {
    /// Mappings of one write that may go stale.
    RETRIES = "retries",
    /// Folios that may be evicted in one run.
    EVICTIONS = "evictions",
} }
