//! What designs differ in where a helper lets the ILOCK go and takes it again: what it knew may have changed, and what it
//! looks at again is a value. Values, as in [`design`](crate::words::design).

use crate::words::settings::choices;

choices! {
    /// In how many sections of the ILOCK writeback looks up where a block goes (`xfs_map_blocks`).
    MapLookup {
        /// Both forks in one.
        OneSection = "one-section",
        /// The COW fork, and then the data fork in another one, whose mapping ends where the COW fork has an extent by then: that
        /// may be before the block (4.9 to 4.18, before 5c665e5b5af6).
        TwoSections = "two-sections",
    }
}

choices! {
    /// What writeback makes of a fork that is not as it was looked up, when it has a transaction and the ILOCK again to allocate
    /// what was delayed there (`xfs_bmapi_convert_delalloc`).
    ConvertRecheck {
        /// What has become real is taken as it is. An extent of the COW fork that is gone is looked up once more, in both forks.
        Retry = "retry",
        /// What has become real is taken as it is. What is gone is not written.
        NoRetry = "no-retry",
        /// Nothing: what was looked up is allocated, whatever is there by now (a mutant).
        Nothing = "none",
    }
}
