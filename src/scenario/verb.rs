//! The commands that scenarios know: xfs_io's names, and those that it cannot say, which start with `@`.
//!
//! The actors of the model that are called by a range alone are not listed here: their names come from the model.

use std::borrow::Cow;
use std::sync::LazyLock;

use stalemap_model::actors;
use stalemap_model::words::command::{Extension, Io};

/// A command by its form: which options it takes and how many arguments.
#[derive(Clone, Debug)]
pub(super) struct Verb {
    /// xfs_io's name.
    pub(super) name: &'static str,
    /// xfs_io's short name, where it has one.
    alias: &'static str,
    /// The options as getopt(3) writes them: letters, those with a value followed by a colon.
    pub(super) options: &'static str,
    /// Options that xfs_io has and the model has not, in the same notation.
    pub(super) later: &'static str,
    /// How many arguments it takes: one of these.
    pub(super) arguments: &'static [usize],
    /// The form in messages.
    pub(super) syntax: Cow<'static, str>,
    /// The actor of the model that it calls, if that is all it does.
    pub(super) extension: Option<Extension>,
}

const fn verb(
    (name, alias): (&'static str, &'static str),
    (options, later): (&'static str, &'static str),
    arguments: &'static [usize],
    syntax: &'static str,
) -> Verb {
    Verb { name, alias, options, later, arguments, syntax: Cow::Borrowed(syntax), extension: None }
}

/// The command that calls an actor of the model.
fn extension(extension: Extension) -> Verb {
    let name = extension.name();
    let syntax = Cow::Owned(format!("{name} off len"));
    Verb { syntax, extension: Some(extension), ..verb((name, ""), ("", ""), &[2], "") }
}

/// The commands that are modelled.
static VERBS: LazyLock<Vec<Verb>> = LazyLock::new(|| {
    let actors = actors::ALL.iter().copied().map(extension);
    XFS_IO.iter().cloned().chain(actors).chain(OWN.iter().cloned()).collect()
});

/// Those of xfs_io.
const XFS_IO: &[Verb] = &[
    verb(
        ("pwrite", "w"),
        ("S:b:V:NwWq", "i:ds:DBRFZ:OACPXf"),
        &[2],
        "pwrite [-S pattern] [-b size] [-V vectors] [-N] [-w|-W] off len",
    ),
    verb(("pread", "r"), ("b:V:vq", "BRFZ:UXf"), &[2], "pread [-b size] [-V vectors] off len"),
    verb(("mmap", "mm"), ("rwx", "Ss:"), &[2], "mmap [-r] [-w] [-x] off len"),
    verb(("munmap", "mu"), ("", ""), &[0], "munmap"),
    verb(("mread", "mr"), ("vfr", ""), &[0, 2], "mread [-r] [off len]"),
    verb(("mwrite", "mw"), ("S:r", ""), &[0, 2], "mwrite [-S pattern] [-r] [off len]"),
    verb(("msync", "ms"), ("as", "i"), &[0, 2], "msync [-a|-s] [off len]"),
    verb(("fsync", "s"), ("", ""), &[0], "fsync"),
    verb(("fdatasync", "ds"), ("", ""), &[0], "fdatasync"),
    verb(("sync_range", ""), ("abw", ""), &[2], "sync_range [-a] [-b] [-w] off len"),
    verb(("sync", ""), ("", ""), &[0], "sync"),
    verb(("syncfs", ""), ("", ""), &[0], "syncfs"),
    verb(("truncate", "t"), ("", ""), &[1], "truncate size"),
    verb(("falloc", ""), ("cikpu", ""), &[2], "falloc [-k] [-c|-i|-p|-u] off len"),
    verb(("fpunch", ""), ("", ""), &[2], "fpunch off len"),
    verb(("fzero", ""), ("k", ""), &[2], "fzero [-k] off len"),
    verb(("fcollapse", ""), ("", ""), &[2], "fcollapse off len"),
    verb(("finsert", ""), ("", ""), &[2], "finsert off len"),
    verb(("funshare", ""), ("", ""), &[2], "funshare off len"),
    verb(("resvsp", ""), ("", ""), &[2], "resvsp off len"),
    verb(("unresvsp", ""), ("", ""), &[2], "unresvsp off len"),
    verb(("zero", ""), ("", ""), &[2], "zero off len"),
    verb(("reflink", "rl"), ("q", "C"), &[1, 4], "reflink [-q] source [source-off off len]"),
    verb(("cowextsize", ""), ("", "RD"), &[1], "cowextsize size"),
    verb(("open", "o"), ("d", "acfrstRTPL"), &[0, 1], "open [-d] [file]"),
    verb(("shutdown", ""), ("f", ""), &[0], "shutdown [-f]"),
    verb(("fadvise", ""), ("d", "nrsw"), &[2], "fadvise -d off len"),
    verb(("madvise", "ma"), ("d", "rsw"), &[0, 2], "madvise -d [off len]"),
];

/// Those with a form of their own that xfs_io cannot say.
const OWN: &[Verb] = &[
    verb(("@dma", ""), ("S:", ""), &[0, 2], "@dma [-S pattern] [off len]"),
    verb(("@wait", ""), ("", ""), &[0], "@wait"),
    verb(("@crash", ""), ("", ""), &[0], "@crash"),
    verb(("@fail", ""), ("", ""), &[1], "@fail bytes"),
    verb(("@short", ""), ("", ""), &[1], "@short bytes"),
];

/// What stands before a `pwrite` or `pread` and says through what it goes.
const PREFIXES: &[(&str, Io)] = &[("@direct", Io::Direct), ("@aio", Io::Aio)];

/// What stands before a command that is meant to fail, if it does.
pub(super) const MAY_FAIL: &str = "@may_fail";

/// The commands that are known by name, and that is all.
const LATER: &[&str] = &[
    "dedupe",
    "copy_range",
    "extsize",
    "inject",
    "bmap",
    "fiemap",
    "fsmap",
    "seek",
    "stat",
    "statx",
    "swapext",
    "exchangerange",
    "chattr",
    "lsattr",
    "allocsp",
    "freesp",
    "mremap",
    "mincore",
    "readahead",
    "sendfile",
    "freeze",
    "thaw",
    "close",
    "file",
    "quit",
];

/// What a name stands for.
pub(super) enum Lookup {
    /// A command of the model.
    Known(&'static Verb),
    /// A command of xfs_io, or one planned, that the model does not have.
    Later,
    /// Nothing.
    Unknown,
}

/// Looks a command up.
pub(super) fn lookup(name: &str) -> Lookup {
    let known = VERBS.iter().find(|verb| verb.name == name || (!name.is_empty() && verb.alias == name));
    match known {
        Some(verb) => Lookup::Known(verb),
        None if LATER.contains(&name) => Lookup::Later,
        None => Lookup::Unknown,
    }
}

/// What a word before a command says about it, if it is one of the prefixes.
pub(super) fn prefix(word: &str) -> Option<Io> {
    PREFIXES.iter().find(|(name, _)| *name == word).map(|(_, io)| *io)
}

/// The names of the modelled commands.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    VERBS.iter().map(|verb| verb.name).chain(PREFIXES.iter().map(|(name, _)| *name)).chain([MAY_FAIL])
}
