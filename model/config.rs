//! Everything that defines one system to explore: what a scenario file says, ready for the model.

use std::ops::Range;

use crate::command::Command;
use crate::design::Design;
use crate::fs::Personality;
use crate::geometry::{Geometry, GeometryError};

/// A concurrent actor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActorConfig {
    /// Its name in schedules and reports.
    pub name: String,
    /// What it does, in order.
    pub run: Vec<Command>,
}

/// An actor that stands still at a place while the others run to their ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// The actor, by its place in [`Config::actors`].
    pub actor: usize,
    /// It is held when about to copy into the folio of this byte.
    pub at: u64,
}

/// One system: a file, its setup, the actors, a design and a personality.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// Bytes of a block.
    pub block: u64,
    /// Bytes of a folio.
    pub folio: u64,
    /// The file system.
    pub fs: Personality,
    /// The design.
    pub design: Design,
    /// What happens first, alone.
    pub setup: Vec<Command>,
    /// What happens concurrently.
    pub actors: Vec<ActorConfig>,
    /// Directed runs.
    pub holds: Vec<Hold>,
    /// Byte ranges whose final contents are counted.
    pub observe: Vec<Range<u64>>,
    /// Mappings of one write that may go stale before the run is given up.
    pub retries: Option<u32>,
    /// Evictions before the run is given up.
    pub evictions: Option<u32>,
}

impl Config {
    /// The cut of the file.
    pub fn geometry(&self) -> Result<Geometry, GeometryError> {
        let commands = || self.setup.iter().chain(self.actors.iter().flat_map(|actor| &actor.run));
        let holds = self.holds.iter().map(|hold| hold.at);
        let observed = self.observe.iter().flat_map(|range| [range.start, range.end]);
        let reach = commands().map(Command::reach).chain(holds).max().unwrap_or(0);
        let lists = std::iter::once(&self.setup).chain(self.actors.iter().map(|actor| &actor.run));
        let faults = lists.flat_map(|commands| Command::fault_cuts(commands));
        let cuts = commands().flat_map(Command::cuts).chain(observed).chain(faults);
        Geometry::new(self.block, self.folio, reach.max(1), cuts)
    }
}
