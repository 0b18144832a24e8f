//! The quantities of which the greatest value over all runs is reported.

use stalemap_facade::Counter;

stalemap_facade::names! { Counter {
    /// Mappings rejected by the check in one run.
    STALE_ABORTS = "stale-aborts",
    /// Of these, rejections after which the fresh mapping said the same for the position.
    SPURIOUS_ABORTS = "spurious-aborts",
} }
