//! The names that the systems of these tests report under.

pub(crate) mod properties {
    use stalemap_facade::Property;

    stalemap_facade::names! { Property {
        LOST_WRITE = "lost-write",
        STALE_READ = "stale-read",
        DEADLOCK: Property::DEADLOCK,
        LIVELOCK: Property::LIVELOCK,
    } }
}

pub(crate) mod branches {
    use stalemap_facade::Branch;

    stalemap_facade::names! { Branch {
        STALE = "stale",
        EVICT = "evict",
    } }
}

pub(crate) mod counters {
    use stalemap_facade::Counter;

    stalemap_facade::names! { Counter { STALE_ABORTS = "stale-aborts", } }
}

pub(crate) mod bounds {
    use stalemap_facade::Bound;

    stalemap_facade::names! { Bound { RETRIES = "retries", EVICTIONS = "evictions", } }
}
