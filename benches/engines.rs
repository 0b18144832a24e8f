//! How long each engine takes to decide the smallest scenario completely, in one run, and the ratios.
//!
//! `cargo bench --bench engines`. No criterion here: the question is one number for each engine, and the ratio
//! between them, on whatever machine this is.

use std::time::{Duration, Instant};

use stalemap::scenario::{catalogue, read};
// The allocator of the program.
use stalemap_allocator as _;
use stalemap_checker::{explore, run_loom, run_shuttle};
use stalemap_explore::{Budget, Loom, Options, Shuttle, Strategy};
use stalemap_model::system::kernel::Kernel;

/// Writers, writeback and reclaim on one folio, small enough for all engines.
const SCENARIO: &str = "gfs2/t15-resident";
const DESIGN: &str = "none";
/// Rounds, of which the fastest counts.
const ROUNDS: usize = 10;

fn fastest(mut run: impl FnMut()) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        run();
        began.elapsed()
    });
    rounds.min().unwrap_or_default()
}

fn main() {
    let (name, source) = catalogue::find(SCENARIO).expect("a shipped scenario");
    let scenario = read(&name, source.as_bytes()).expect("a good scenario");
    let kernel = Kernel::new(scenario.config_of(scenario.implementation(DESIGN).expect("a built-in design")))
        .expect("a scenario that fits");
    let shuttle = Shuttle { strategy: Strategy::Dfs, budget: Budget::default() };

    let truth = explore(&kernel, &Options::default(), &mut |_| ()).expect("a sound model");
    let shuttled = run_shuttle(&kernel, &shuttle).expect("a sound model");
    let loomed = run_loom(&kernel, &Loom::default()).expect("a sound model");
    assert!(shuttled.is_complete() && loomed.is_complete());
    assert_eq!(truth.ends.len(), shuttled.ends.len());
    assert_eq!(truth.ends.len(), loomed.ends.len());

    let exhaustive = fastest(|| {
        explore(&kernel, &Options::default(), &mut |_| ()).expect("a sound model");
    });
    let dfs = fastest(|| {
        run_shuttle(&kernel, &shuttle).expect("a sound model");
    });
    let dpor = fastest(|| {
        run_loom(&kernel, &Loom::default()).expect("a sound model");
    });
    println!("{SCENARIO} under {DESIGN}, decided completely; the fastest of {ROUNDS} rounds");
    let ratio = |time: Duration| time.as_secs_f64() / exhaustive.as_secs_f64();
    let states = truth.statistics.states;
    println!("exhaustive   {exhaustive:>12.3?}    x1.0    {states} states");
    println!("shuttle dfs  {dfs:>12.3?}    x{:.1}    {} executions", ratio(dfs), shuttled.executions);
    println!(
        "loom         {dpor:>12.3?}    x{:.1}    {} executions and {} abandoned",
        ratio(dpor),
        loomed.executions,
        loomed.abandoned
    );
}
