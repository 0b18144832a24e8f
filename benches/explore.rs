//! How fast the engine is: states and transitions a second on the five-actor scenario.
//!
//! `cargo bench` prints the time of one whole exploration and the rates in states and in transitions.
//! Absolute numbers depend on the machine; the counts do not, and are what the tests assert.

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stalemap::scenario::{catalogue, read};
// The allocator of the program.
use stalemap_allocator as _;
use stalemap_checker::explore;
use stalemap_explore::{Exploration, Options};
use stalemap_model::system::kernel::Kernel;
use tracing_subscriber::filter::LevelFilter;

/// Writer, flusher, completion, reclaim and page fault over two folios.
const SCENARIO: &str = "xfs/five-actors";

fn kernel(design: &str) -> Kernel {
    let (name, source) = catalogue::find(SCENARIO).expect("a shipped scenario");
    let scenario = read(&name, source.as_bytes()).expect("a good scenario");
    let implementation = scenario.implementation(design).expect("a built-in design");
    Kernel::new(scenario.config_of(implementation)).expect("a scenario that fits")
}

fn search(kernel: &Kernel, options: &Options) -> Exploration {
    explore(kernel, options, &mut |_| ()).expect("a sound model")
}

fn five_actors(criterion: &mut Criterion) {
    for design in ["none", "iomap_valid"] {
        let kernel = kernel(design);
        let counts = search(&kernel, &Options::default()).statistics;
        let rates = [("states", counts.states), ("transitions", counts.transitions)];
        for (what, number) in rates {
            let mut group = criterion.benchmark_group(format!("five actors, {design}, {what}"));
            group.throughput(Throughput::Elements(number)).sample_size(20);
            group.bench_function(number.to_string(), |bencher| {
                bencher.iter(|| black_box(search(&kernel, &Options::default())));
            });
            group.finish();
        }
    }
}

/// What the reductions buy: the same scenario without sleep sets.
fn reductions(criterion: &mut Criterion) {
    let kernel = kernel("iomap_valid");
    let mut group = criterion.benchmark_group("five actors, reductions");
    group.sample_size(10);
    for (name, sleep_sets) in [("visited set and sleep sets", true), ("visited set alone", false)] {
        let options = Options { sleep_sets, ..Options::default() };
        let counts = search(&kernel, &options).statistics;
        group.throughput(Throughput::Elements(counts.transitions));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(search(&kernel, &options))));
    }
    group.finish();
}

/// What it costs to explore while somebody listens to everything that a replay would tell: it should be nothing. The
/// ratio is of searches that take turns, so that both see the same machine.
fn tracing_while_exploring(criterion: &mut Criterion) {
    let kernel = kernel("iomap_valid");
    let listener =
        || tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(std::io::sink).finish();
    let once = || {
        let start = Instant::now();
        black_box(search(&kernel, &Options::default()));
        start.elapsed().as_secs_f64()
    };
    let mut ratios: Vec<f64> = (0..7)
        .map(|_| {
            let alone = once();
            tracing::subscriber::with_default(listener(), once) / alone
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!(
        "exploring with a listener takes {:.3} times as long (median of {})",
        ratios[ratios.len() / 2],
        ratios.len()
    );
    let mut group = criterion.benchmark_group("five actors, tracing");
    group.sample_size(10);
    group.bench_function("nobody listens", |bencher| bencher.iter(once));
    group.bench_function("all is listened to", |bencher| {
        bencher.iter(|| tracing::subscriber::with_default(listener(), once));
    });
    group.finish();
}

criterion_group!(benches, five_actors, reductions, tracing_while_exploring);
criterion_main!(benches);
