//! Files as plain bytes, and the comparison of the modelled kernel with them.
//!
//! One actor runs a list of commands while a flusher and reclaim work beside it. Whatever those two do, every run
//! must end with the bytes that the commands alone leave, and violate nothing.

use std::ops::Range;

use stalemap_checker::explore;
use stalemap_explore::{Exploration, Limits, Options};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::command::Command;
use stalemap_model::words::config::{
    ActorConfig, Config, DEFAULT_RETRIES, FileCommand, FileRange, MixedIo, PostEof, Repeats,
};
use stalemap_model::words::design::Design;
use stalemap_model::words::geometry::Geometry;
use stalemap_model::words::personality::Personality;

/// What a file system is made of.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Bytes of a block.
    pub(crate) block: u64,
    /// Bytes of a folio.
    pub(crate) folio: u64,
    /// The file system.
    pub(crate) fs: Personality,
    /// The design.
    pub(crate) design: Design,
}

/// The contents that commands leave in the files.
pub(crate) struct PlainFiles {
    block: u64,
    contents: Vec<Vec<u8>>,
    /// How far the copy of the next write comes.
    fails: Option<u64>,
}

fn at(range: &Range<u64>) -> Range<usize> {
    range.start as usize..range.end as usize
}

fn grow(file: &mut Vec<u8>, size: u64) {
    file.resize(file.len().max(size as usize), 0);
}

impl PlainFiles {
    /// Empty files.
    pub(crate) fn new(files: usize, block: u64) -> Self {
        PlainFiles { block, contents: vec![Vec::new(); files], fails: None }
    }

    /// Files of zeros.
    pub(crate) fn fixed(files: usize, block: u64, size: u64) -> Self {
        PlainFiles { contents: vec![vec![0; size as usize]; files], ..Self::new(files, block) }
    }

    /// The size of a file.
    pub(crate) fn size(&self, file: u8) -> u64 {
        self.contents[usize::from(file)].len() as u64
    }

    /// Whether a range is one of whole blocks.
    pub(crate) fn is_aligned(&self, range: &Range<u64>) -> bool {
        range.start.is_multiple_of(self.block) && range.end.is_multiple_of(self.block)
    }

    /// What one command does.
    pub(crate) fn run(&mut self, call: &FileCommand) {
        let fails = self.fails.take();
        let aligned = match &call.command {
            Command::Fcollapse { range } | Command::Finsert { range } => self.is_aligned(range),
            _ => false,
        };
        if let Command::Reflink { source, from, range } = &call.command {
            let shared = from..&(from + (range.end - range.start));
            let shared = self.contents[usize::from(*source)][at(&(*shared.start..*shared.end))].to_vec();
            let file = &mut self.contents[usize::from(call.file)];
            grow(file, range.end);
            file[at(range)].copy_from_slice(&shared);
            return;
        }
        if let Command::Exchange { with, range } = &call.command {
            let [own, other] = [call.file, *with].map(|file| self.size(file));
            let inside = range.end <= own.min(other);
            let whole = self.is_aligned(range) || range.end == own && range.end == other;
            if inside && whole {
                let [a, b] = self.contents.get_disjoint_mut([call.file, *with].map(usize::from)).unwrap();
                a[at(range)].swap_with_slice(&mut b[at(range)]);
            }
            return;
        }
        let file = &mut self.contents[usize::from(call.file)];
        let size = file.len() as u64;
        let inside = |range: &Range<u64>| at(&(range.start.min(size)..range.end.min(size)));
        match &call.command {
            Command::Fail { after } => self.fails = Some(*after),
            Command::Short { .. } => self.fails = fails,
            Command::Pwrite { range, fill, .. } => {
                let end = fails.map_or(range.end, |after| range.end.min(range.start + after));
                if end > range.start {
                    grow(file, end);
                    file[at(&(range.start..end))].fill(*fill);
                }
            }
            Command::Mwrite { range, fill } => file[inside(range)].fill(*fill),
            Command::Truncate { size } => file.resize(*size as usize, 0),
            Command::Falloc { range, keep_size: false } | Command::Funshare { range } => {
                grow(file, range.end);
            }
            Command::Fpunch { range } => file[inside(range)].fill(0),
            Command::Fzero { range, keep_size } => {
                file[inside(range)].fill(0);
                if !keep_size {
                    grow(file, range.end);
                }
            }
            Command::Fcollapse { range } if aligned && range.end < size => {
                file.drain(at(range));
            }
            Command::Finsert { range } if aligned && range.start < size => {
                let zeros = vec![0; (range.end - range.start) as usize];
                file.splice(range.start as usize..range.start as usize, zeros);
            }
            _ => {}
        }
    }

    /// The contents as [`Config::observe`] shows them: cell by cell, file by file.
    fn show(&self, geometry: &Geometry) -> Vec<String> {
        let show = |file: &Vec<u8>| {
            let cell = |cell| {
                let bytes = geometry.byte_at(cell) as usize..geometry.byte_at(cell + 1) as usize;
                let Some(inside) = file.get(bytes) else { return "--".to_owned() };
                assert!(inside.iter().all(|byte| *byte == inside[0]), "a cell is one value");
                format!("{:02x}", inside[0])
            };
            (0..geometry.cells()).map(cell).collect::<Vec<_>>().join(" ")
        };
        self.contents.iter().map(show).collect()
    }
}

/// A system of these actors, each with its name.
pub(crate) fn config(layout: &Layout, files: usize, actors: Vec<(&str, Vec<FileCommand>)>) -> Config {
    let actors = actors.into_iter().map(|(name, run)| ActorConfig {
        name: name.to_owned(),
        run,
        repeats: Repeats::Once,
    });
    let mut config = Config {
        block: layout.block,
        folio: layout.folio,
        fs: layout.fs.clone(),
        design: layout.design.clone(),
        files: (0..files).map(|file| format!("file{file}")).collect(),
        buffers: Vec::new(),
        setup: Vec::new(),
        actors: actors.collect(),
        holds: Vec::new(),
        observe: Vec::new(),
        heard: Vec::new(),
        retries: DEFAULT_RETRIES,
        evictions: None,
        mixed_io: MixedIo::Strict,
        post_eof: PostEof::Judged,
        memory: stalemap_facade::MemoryModel::Sequential,
        orderings: stalemap_model::words::ordering::Orderings::default(),
    };
    let range = 0..config.reach().max(1).next_multiple_of(layout.folio);
    config.observe = (0..files as u8).map(|file| FileRange { file, range: range.clone() }).collect();
    config
}

/// Explores `config`. `Err` says what is violated.
pub(crate) fn holds(config: &Config, states: Option<u64>) -> Result<(Kernel, Exploration), String> {
    let kernel = Kernel::new(config.clone()).map_err(|error| error.to_string())?;
    let options = Options { limits: Limits { states, ..Limits::default() }, ..Options::default() };
    let exploration = explore(&kernel, &options, &mut |_| ()).map_err(|error| error.to_string())?;
    let violated = properties::of_bits(exploration.violated);
    if violated.is_empty() { Ok((kernel, exploration)) } else { Err(format!("violates {violated:?}")) }
}

/// Explores `config` and compares what every run leaves with what its first actor leaves in `plain`. `Err` says what
/// differs; `Ok(false)` that there were too many states to look at all of them.
pub(crate) fn agrees(config: &Config, mut plain: PlainFiles, states: Option<u64>) -> Result<bool, String> {
    let (kernel, exploration) = holds(config, states)?;
    config.actors[0].run.iter().for_each(|call| plain.run(call));
    let expected = plain.show(kernel.geometry());
    for outcome in exploration.outcomes.keys() {
        let found = outcome.split(';').filter_map(|file| file.split_once('=')).map(|(_, found)| found);
        let found: Vec<&str> = found.collect();
        if found != expected {
            return Err(format!("the files are {expected:?}, the model leaves {found:?}"));
        }
    }
    Ok(exploration.is_complete())
}
