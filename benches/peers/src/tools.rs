//! The tools, each with the settings that it is run with.

use std::time::Duration;

use crate::race::Race;
use crate::report::Counts;
use crate::{by_loom, by_shuttle, by_stalemap, by_stateright};

/// How a tool is run.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// By this program, which looks at the clock itself if the tool can be stopped.
    Here(fn(Race, Duration) -> Counts),
    /// By SPIN's verifier, compiled with these flags besides.
    Spin(&'static [&'static str]),
    /// By the product, on its own model of the race.
    Product,
}

/// A tool with its settings.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// What it is called on the command line.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its settings.
    pub settings: &'static str,
    /// How it is run.
    pub how: How,
    /// What it can be expected to finish in a minute.
    pub reach: Reach,
}

/// Up to where a tool gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// All of these races.
    All,
    /// The small ones; of the others it is only tried on the first.
    Small,
}

/// What everything else is compared with.
pub const FIRST: &Tool = &ALL[0];

/// All of them.
pub const ALL: &[Tool] = &[
    Tool {
        id: "stalemap",
        name: "stalemap",
        settings: "as the product searches",
        how: How::Here(|race, _| by_stalemap::explore(race, by_stalemap::Search::Product)),
        reach: Reach::All,
    },
    Tool {
        id: "stalemap-all",
        name: "stalemap",
        settings: "depth first, no reduction",
        how: How::Here(|race, _| by_stalemap::explore(race, by_stalemap::Search::All)),
        reach: Reach::All,
    },
    Tool {
        id: "stalemap-bfs",
        name: "stalemap",
        settings: "breadth first, 1 thread",
        how: How::Here(|race, _| by_stalemap::explore(race, by_stalemap::Search::BreadthFirst(1))),
        reach: Reach::All,
    },
    Tool {
        id: "stalemap-bfs-2",
        name: "stalemap",
        settings: "breadth first, 2 threads",
        how: How::Here(|race, _| by_stalemap::explore(race, by_stalemap::Search::BreadthFirst(2))),
        reach: Reach::All,
    },
    Tool {
        id: "stateright-bfs",
        name: "Stateright",
        settings: "breadth first, 1 thread",
        how: How::Here(|race, _| by_stateright::explore(race, by_stateright::Order::Breadth, 1)),
        reach: Reach::All,
    },
    Tool {
        id: "stateright-dfs",
        name: "Stateright",
        settings: "depth first, 1 thread",
        how: How::Here(|race, _| by_stateright::explore(race, by_stateright::Order::Depth, 1)),
        reach: Reach::All,
    },
    Tool {
        id: "stateright-bfs-2",
        name: "Stateright",
        settings: "breadth first, 2 threads",
        how: How::Here(|race, _| by_stateright::explore(race, by_stateright::Order::Breadth, 2)),
        reach: Reach::All,
    },
    Tool {
        id: "stateright-dfs-2",
        name: "Stateright",
        settings: "depth first, 2 threads",
        how: How::Here(|race, _| by_stateright::explore(race, by_stateright::Order::Depth, 2)),
        reach: Reach::All,
    },
    Tool {
        id: "spin",
        name: "SPIN",
        settings: "partial-order reduction",
        how: How::Spin(&[]),
        reach: Reach::All,
    },
    Tool {
        id: "spin-all",
        name: "SPIN",
        settings: "-DNOREDUCE",
        how: How::Spin(&["-DNOREDUCE"]),
        reach: Reach::All,
    },
    Tool {
        id: "spin-collapse",
        name: "SPIN",
        settings: "-DCOLLAPSE",
        how: How::Spin(&["-DCOLLAPSE"]),
        reach: Reach::All,
    },
    Tool {
        id: "loom",
        name: "loom",
        settings: "threads, mutexes, condition variables; no bound",
        how: How::Here(|race, most| by_loom::explore(race, most).0),
        reach: Reach::Small,
    },
    Tool {
        id: "loom-facade",
        name: "loom",
        settings: "the actors of stalemap, under its facade; no bound",
        how: How::Here(by_stalemap::under_loom),
        reach: Reach::Small,
    },
    Tool {
        id: "shuttle",
        name: "shuttle",
        settings: "depth first; threads, mutexes, condition variables",
        how: How::Here(|race, most| by_shuttle::explore(race, most).0),
        reach: Reach::Small,
    },
    Tool {
        id: "shuttle-facade",
        name: "shuttle",
        settings: "depth first; the actors of stalemap, under its facade",
        how: How::Here(by_stalemap::under_shuttle),
        reach: Reach::Small,
    },
    Tool {
        id: "product",
        name: "the product",
        settings: "`stalemap check`, its full model of the kernel",
        how: How::Product,
        reach: Reach::All,
    },
];
