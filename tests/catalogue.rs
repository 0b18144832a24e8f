//! One test for each shipped scenario and design: the verdict is what the file expects, and not vacuous.
//!
//! Made from the files, so that a scenario that is added is tested without anybody thinking of it (`build.rs` names the
//! folder).

// Searches take memory from it as those of the command do.
use stalemap_allocator as _;

stalemap::scenario_tests!("scenarios/");
