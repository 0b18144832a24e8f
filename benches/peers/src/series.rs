//! What the chart of the wall shows: scenarios in which one thing grows, and what a program made of them.

use serde::{Deserialize, Serialize};

/// A scenario of the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Point {
    /// Folios of the file.
    pub folios: usize,
    /// Actors.
    pub actors: usize,
    /// How often the writer, writeback and reclaim act.
    pub times: usize,
}

/// What a program made of a scenario.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Reached {
    /// The scenario.
    pub point: Point,
    /// It was decided.
    pub decided: bool,
    /// States, if it was not decided, those that were reached.
    pub states: Option<u64>,
    /// Transitions, likewise.
    pub transitions: Option<u64>,
    /// Seconds of processors.
    pub seconds: f64,
    /// The most memory, in KiB.
    pub memory: u64,
}

/// A program, and what it made of all scenarios.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Series {
    /// The commit that it was built from.
    pub commit: String,
    /// In the order of [`points`].
    pub reached: Vec<Reached>,
}

impl Series {
    /// What there is about a scenario.
    pub fn at(&self, point: Point) -> Option<&Reached> {
        self.reached.iter().find(|reached| reached.point == point)
    }
}

/// A part of the chart: one thing grows, the others stay.
pub struct Axis {
    /// What grows.
    pub title: &'static str,
    /// The scenarios, and what stands below each.
    pub points: Vec<(usize, Point)>,
}

/// The parts of the chart.
pub fn axes() -> [Axis; 3] {
    let axis = |title, grows: &[usize], point: fn(usize) -> Point| {
        let points = grows.iter().map(|n| (*n, point(*n))).collect();
        Axis { title, points }
    };
    [
        axis("folios (5 actors, once each)", &[2, 3, 4], |folios| Point { folios, actors: 5, times: 1 }),
        axis("actors (4 folios, once each)", &[3, 4, 5], |actors| Point { folios: 4, actors, times: 1 }),
        axis("commands of each (5 actors, 2 folios)", &[1, 2, 3, 4], |times| Point {
            folios: 2,
            actors: 5,
            times,
        }),
    ]
}

/// All scenarios, each once.
pub fn points() -> Vec<Point> {
    let mut points = Vec::new();
    for (_, point) in axes().into_iter().flat_map(|axis| axis.points) {
        if !points.contains(&point) {
            points.push(point);
        }
    }
    points
}
