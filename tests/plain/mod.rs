//! A file as plain bytes, and the comparison of the modelled kernel with it.
//!
//! One actor runs a list of commands while a flusher and reclaim work beside it. Whatever those two do, every run
//! must end with the bytes that the commands alone leave, and violate nothing.

use stalemap_explore::{Limits, Options, explore};
use stalemap_model::command::Command;
use stalemap_model::config::{ActorConfig, Config, FileCommand, FileRange};
use stalemap_model::design::Design;
use stalemap_model::fs::Personality;
use stalemap_model::geometry::Geometry;
use stalemap_model::kernel::Kernel;
use stalemap_model::oracle::Property;

/// The contents that commands leave.
#[derive(Default)]
pub(crate) struct PlainFile(pub(crate) Vec<u8>);

impl PlainFile {
    fn at(range: &std::ops::Range<u64>) -> std::ops::Range<usize> {
        range.start as usize..range.end as usize
    }

    fn grow(&mut self, size: u64) {
        self.0.resize(self.0.len().max(size as usize), 0);
    }

    /// What one command does to the file.
    pub(crate) fn run(&mut self, block: u64, command: &Command) {
        let size = self.0.len() as u64;
        let inside =
            |range: &std::ops::Range<u64>| PlainFile::at(&(range.start.min(size)..range.end.min(size)));
        let aligned = |range: &std::ops::Range<u64>| {
            range.start.is_multiple_of(block) && range.end.is_multiple_of(block)
        };
        match command {
            Command::Pwrite { range, fill, .. } => {
                self.grow(range.end);
                self.0[PlainFile::at(range)].fill(*fill);
            }
            Command::Mwrite { range, fill } => self.0[inside(range)].fill(*fill),
            Command::Truncate { size } => self.0.resize(*size as usize, 0),
            Command::Falloc { range, keep_size: false } => self.grow(range.end),
            Command::Fpunch { range } => self.0[inside(range)].fill(0),
            Command::Fzero { range, keep_size } => {
                self.0[inside(range)].fill(0);
                if !keep_size {
                    self.grow(range.end);
                }
            }
            Command::Fcollapse { range } if aligned(range) && range.end < size => {
                self.0.drain(PlainFile::at(range));
            }
            Command::Finsert { range } if aligned(range) && range.start < size => {
                let zeros = vec![0; (range.end - range.start) as usize];
                self.0.splice(range.start as usize..range.start as usize, zeros);
            }
            _ => {}
        }
    }

    /// The contents as [`Config::observe`] shows them: cell by cell.
    fn show(&self, geometry: &Geometry) -> String {
        let cell = |cell| {
            let bytes = geometry.byte_at(cell) as usize..geometry.byte_at(cell + 1) as usize;
            let Some(inside) = self.0.get(bytes) else { return "--".to_owned() };
            assert!(inside.iter().all(|byte| *byte == inside[0]), "a cell is one value");
            format!("{:02x}", inside[0])
        };
        (0..geometry.cells()).map(cell).collect::<Vec<_>>().join(" ")
    }
}

/// One actor with `run`, and those beside it.
pub(crate) fn config(
    block: u64,
    folio: u64,
    run: &[Command],
    beside: &[(&str, Vec<Command>)],
    fs: Personality,
) -> Config {
    let calls = |commands: &[Command]| -> Vec<FileCommand> {
        commands.iter().map(|command| FileCommand { file: 0, command: command.clone() }).collect()
    };
    let mut actors = vec![ActorConfig { name: "fsx".to_owned(), run: calls(run) }];
    for (name, run) in beside {
        actors.push(ActorConfig { name: (*name).to_owned(), run: calls(run) });
    }
    let mut config = Config {
        mixed_io: stalemap_model::config::MixedIo::Strict,
        block,
        folio,
        fs,
        design: Design::built_in("iomap_valid").unwrap(),
        files: vec!["file".to_owned()],
        setup: Vec::new(),
        actors,
        holds: Vec::new(),
        observe: Vec::new(),
        retries: None,
        evictions: None,
    };
    let end = config.reach().max(1).next_multiple_of(folio);
    config.observe = vec![FileRange { file: 0, range: 0..end }];
    config
}

/// Explores `config` and compares what every run leaves with the plain file. `Err` says what differs; `Ok(false)`
/// that there were too many states to look at all of them.
pub(crate) fn agrees(config: &Config, states: Option<u64>) -> Result<bool, String> {
    let mut plain = PlainFile::default();
    for call in &config.actors[0].run {
        plain.run(config.block, &call.command);
    }
    let kernel = Kernel::new(config.clone()).map_err(|error| error.to_string())?;
    let options = Options { limits: Limits { states, ..Limits::default() }, ..Options::default() };
    let exploration = explore(&kernel, &options, &mut |_| ()).map_err(|error| error.to_string())?;
    let violated = Property::of_bits(exploration.violated);
    if !violated.is_empty() {
        return Err(format!("violates {violated:?}"));
    }
    let expected = plain.show(kernel.geometry());
    for outcome in exploration.outcomes.keys() {
        let (_, found) = outcome.split_once('=').unwrap();
        if found.trim_end_matches(';') != expected {
            return Err(format!("the file is {expected}, the model leaves {found}"));
        }
    }
    Ok(exploration.is_complete())
}
