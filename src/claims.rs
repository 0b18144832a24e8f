//! The claims of the mailing-list thread of January 2023, each with the runs that decide it.
//!
//! A claim is a file in `claims/`: who said what, and for each run what its outcome would mean. No file says a verdict;
//! it is computed from what the runs come to, each time anew.

pub mod decide;
pub mod file;
pub mod pattern;
pub mod plan;
