//! The comparison of the modelled kernel with files as plain bytes.
//!
//! One actor runs a list of commands while a flusher and reclaim work beside it. Whatever those two do, every run
//! must end with the bytes that the commands alone leave, and violate nothing.

pub(crate) use stalemap::fuzz::plain::PlainFiles;
use stalemap_checker::explore;
use stalemap_explore::{Exploration, Limits, Options};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::asked::Asked;
use stalemap_model::words::config::{
    ActorConfig, Config, DEFAULT_RETRIES, FileCommand, FileRange, MixedIo, PostEof, Repeats,
};
use stalemap_model::words::design::Design;
use stalemap_model::words::personality::{Hooks, Personality};

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
        fs: Asked::new(layout.fs.clone()),
        design: Asked::new(layout.design.clone()),
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

/// Explores `config`. `Err` says what is violated; that journalled data are in place before the log has them is no matter where they are
/// written twice (gfs2/jdata-pinned).
pub(crate) fn holds(config: &Config, states: Option<u64>) -> Result<(Kernel, Exploration), String> {
    let kernel = Kernel::new(config.clone()).map_err(|error| error.to_string())?;
    let options = Options { limits: Limits { states, ..Limits::default() }, ..Options::default() };
    let exploration = explore(&kernel, &options, &mut |_| ()).map_err(|error| error.to_string())?;
    let mut violated = properties::of_bits(exploration.violated);
    violated.retain(|property| {
        config.fs.unnoted().hooks != Hooks::Jdata || *property != properties::BROKEN_TRANSACTION
    });
    if violated.is_empty() { Ok((kernel, exploration)) } else { Err(format!("violates {violated:?}")) }
}

/// Explores `config` and compares what every run leaves with what its first actor leaves in `plain`. `Err` says what
/// differs; `Ok(false)` that there were too many states to look at all of them.
pub(crate) fn agrees(config: &Config, mut plain: PlainFiles, states: Option<u64>) -> Result<bool, String> {
    let (kernel, exploration) = holds(config, states)?;
    config.actors[0].run.iter().for_each(|call| plain.run(call));
    let geometry = kernel.geometry();
    let expected = plain.show(geometry, u64::MAX).expect("a cell is one value");
    for outcome in exploration.outcomes.keys() {
        let found = outcome.split(';').filter_map(|file| file.split_once('=')).map(|(_, found)| found);
        let found: Vec<&str> = found.collect();
        if found != expected {
            return Err(format!("the files are {expected:?}, the model leaves {found:?}"));
        }
    }
    Ok(exploration.is_complete())
}
