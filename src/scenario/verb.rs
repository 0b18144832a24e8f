//! The commands that scenarios know: xfs_io's names, and those that it cannot say, which start with `@`.
//!
//! The actors of the model that are called by a range alone are not listed here: their names come from the model.

use std::borrow::Cow;
use std::sync::LazyLock;

use stalemap_model::actors;
use stalemap_model::words::command::{Command, Extension, InXfsIo, Io};

use super::command::call::Reader;
use super::options::Syntax;

/// What a command's name stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// A command.
    Plain(Reader),
    /// read(2) or write(2): `@direct` and `@aio` may stand before it.
    Io(Reader),
    /// What is said about the next write. It cannot fail.
    Fault(Reader),
    /// `@crash`.
    Crash,
    /// `open`, which the model does not hear of.
    Open,
    /// `sync` or `syncfs`: this command for every file.
    SyncAll(fn() -> Command),
    /// An actor of the model.
    Extension(Extension),
}

/// How xfs_io says a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum XfsIo {
    /// With the same line.
    Same(Asks),
    /// If at all, otherwise.
    Own(InXfsIo),
    /// Not at all: this other program does it, which is given the arguments and the file. The variable of xfstests that names
    /// it.
    Tool(&'static str),
}

/// What a line of xfs_io asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asks {
    /// Nothing that not every xfs_io has.
    Nothing,
    /// An xfs_io, and a file system, that have the command.
    Command,
    /// The path of a file that it may name.
    File,
    /// The path of the file that it names, and a file system on which files share blocks.
    Reflink,
}

/// A command.
#[derive(Clone, Debug)]
pub(super) struct Verb {
    /// How it is written.
    pub(super) syntax: Syntax,
    /// xfs_io's short name, where it has one.
    alias: &'static str,
    /// What it stands for.
    pub(super) form: Form,
    /// How xfs_io says it.
    xfs_io: XfsIo,
}

/// A command of xfs_io: its name and its short name.
const fn verb(
    (name, alias): (&'static str, &'static str),
    form: Form,
    (options, later): (&'static str, &'static str),
    arguments: &'static [usize],
    syntax: &'static str,
    asks: Asks,
) -> Verb {
    assert!(!has_at(name), "what begins with @ is none of xfs_io's");
    let syntax = Syntax { name, options, later, arguments, form: Cow::Borrowed(syntax) };
    Verb { syntax, alias, form, xfs_io: XfsIo::Same(asks) }
}

/// A command that xfs_io has not.
const fn own(
    (name, alias): (&'static str, &'static str),
    form: Form,
    (options, later): (&'static str, &'static str),
    arguments: &'static [usize],
    syntax: &'static str,
    in_xfs_io: InXfsIo,
) -> Verb {
    assert!(has_at(name), "what is none of xfs_io's begins with @");
    let syntax = Syntax { name, options, later, arguments, form: Cow::Borrowed(syntax) };
    Verb { syntax, alias, form, xfs_io: XfsIo::Own(in_xfs_io) }
}

/// A command of another program than xfs_io, whose options may begin with `+`: its reader counts them.
const fn tool(
    name: &'static str,
    form: Form,
    options: &'static str,
    syntax: &'static str,
    program: &'static str,
) -> Verb {
    let syntax = Syntax { name, options, later: "", arguments: &[], form: Cow::Borrowed(syntax) };
    Verb { syntax, alias: "", form, xfs_io: XfsIo::Tool(program) }
}

const fn has_at(name: &str) -> bool {
    matches!(name.as_bytes(), [b'@', ..])
}

/// The command that calls an actor of the model.
fn extension(extension: Extension) -> Verb {
    let name = extension.name();
    let form = Form::Extension(extension);
    let verb = own((name, ""), form, ("", ""), &[2], "", extension.in_xfs_io());
    let syntax = Syntax { form: Cow::Owned(format!("{name} off len")), ..verb.syntax };
    Verb { syntax, ..verb }
}

/// The commands that are modelled.
static VERBS: LazyLock<Vec<Verb>> = LazyLock::new(|| {
    let actors = actors::ALL.iter().copied().map(extension);
    XFS_IO.iter().cloned().chain(actors).chain(OWN.iter().cloned()).collect()
});

/// Those of xfs_io.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the methods are of calls of one lifetime each"
)]
const XFS_IO: &[Verb] = &[
    verb(
        ("pwrite", "w"),
        Form::Io(|call, errors| call.pwrite(errors)),
        ("S:b:V:i:NUwWq", "ds:DBRFZ:OACPXf"),
        &[2],
        "pwrite [-S pattern] [-i buffer] [-b size] [-V vectors] [-N] [-U] [-w|-W] off len",
        Asks::Nothing,
    ),
    verb(
        ("pread", "r"),
        Form::Io(|call, errors| call.pread(errors)),
        ("b:V:Uvq", "BRFZ:Xf"),
        &[2],
        "pread [-b size] [-V vectors] [-U] off len",
        Asks::Nothing,
    ),
    verb(
        ("seek", ""),
        Form::Plain(|call, errors| call.seek(errors)),
        ("dh", "ars"),
        &[1],
        "seek -d|-h off",
        Asks::Nothing,
    ),
    verb(
        ("fiemap", ""),
        Form::Plain(|call, errors| call.fiemap(errors)),
        ("lv", "an:"),
        &[0, 2],
        "fiemap [off len]",
        Asks::Command,
    ),
    verb(
        ("mmap", "mm"),
        Form::Plain(|call, errors| call.mmap(errors)),
        ("rwx", "Ss:"),
        &[2],
        "mmap [-r] [-w] [-x] off len",
        Asks::Nothing,
    ),
    verb(
        ("munmap", "mu"),
        Form::Plain(|call, errors| call.munmap(errors)),
        ("", ""),
        &[0],
        "munmap",
        Asks::Nothing,
    ),
    verb(
        ("mread", "mr"),
        Form::Plain(|call, errors| call.mread(errors)),
        ("vfr", ""),
        &[0, 2],
        "mread [-r] [off len]",
        Asks::Nothing,
    ),
    verb(
        ("mwrite", "mw"),
        Form::Plain(|call, errors| call.mwrite(errors)),
        ("S:r", ""),
        &[0, 2],
        "mwrite [-S pattern] [-r] [off len]",
        Asks::Nothing,
    ),
    verb(
        ("msync", "ms"),
        Form::Plain(|call, errors| call.msync(errors)),
        ("as", "i"),
        &[0, 2],
        "msync [-a|-s] [off len]",
        Asks::Nothing,
    ),
    verb(("fsync", "s"), Form::Plain(|_, _| Some(Command::Fsync)), ("", ""), &[0], "fsync", Asks::Nothing),
    verb(
        ("fdatasync", "ds"),
        Form::Plain(|_, _| Some(Command::Fdatasync)),
        ("", ""),
        &[0],
        "fdatasync",
        Asks::Nothing,
    ),
    verb(
        ("sync_range", ""),
        Form::Plain(|call, errors| call.sync_range(errors)),
        ("abw", ""),
        &[2],
        "sync_range [-a] [-b] [-w] off len",
        Asks::Nothing,
    ),
    verb(("sync", ""), Form::SyncAll(|| Command::Sync), ("", ""), &[0], "sync", Asks::Nothing),
    verb(("syncfs", ""), Form::SyncAll(|| Command::Syncfs), ("", ""), &[0], "syncfs", Asks::Nothing),
    verb(
        ("truncate", "t"),
        Form::Plain(|call, errors| call.truncate(errors)),
        ("", ""),
        &[1],
        "truncate size",
        Asks::Nothing,
    ),
    verb(
        ("falloc", ""),
        Form::Plain(|call, errors| call.falloc(errors)),
        ("cikpu", ""),
        &[2],
        "falloc [-k] [-c|-i|-p|-u] off len",
        Asks::Command,
    ),
    verb(
        ("fpunch", ""),
        Form::Plain(|call, errors| call.fpunch(errors)),
        ("", ""),
        &[2],
        "fpunch off len",
        Asks::Command,
    ),
    verb(
        ("fzero", ""),
        Form::Plain(|call, errors| call.fzero(errors)),
        ("k", ""),
        &[2],
        "fzero [-k] off len",
        Asks::Command,
    ),
    verb(
        ("fcollapse", ""),
        Form::Plain(|call, errors| call.fcollapse(errors)),
        ("", ""),
        &[2],
        "fcollapse off len",
        Asks::Command,
    ),
    verb(
        ("finsert", ""),
        Form::Plain(|call, errors| call.finsert(errors)),
        ("", ""),
        &[2],
        "finsert off len",
        Asks::Command,
    ),
    verb(
        ("funshare", ""),
        Form::Plain(|call, errors| call.funshare(errors)),
        ("", ""),
        &[2],
        "funshare off len",
        Asks::Command,
    ),
    verb(
        ("resvsp", ""),
        Form::Plain(|call, errors| call.resvsp(errors)),
        ("", ""),
        &[2],
        "resvsp off len",
        Asks::Nothing,
    ),
    verb(
        ("unresvsp", ""),
        Form::Plain(|call, errors| call.fpunch(errors)),
        ("", ""),
        &[2],
        "unresvsp off len",
        Asks::Nothing,
    ),
    verb(
        ("zero", ""),
        Form::Plain(|call, errors| call.zero(errors)),
        ("", ""),
        &[2],
        "zero off len",
        Asks::Nothing,
    ),
    verb(
        ("reflink", "rl"),
        Form::Plain(|call, errors| call.reflink(errors)),
        ("q", "C"),
        &[1, 4],
        "reflink [-q] source [source-off off len]",
        Asks::Reflink,
    ),
    verb(
        ("cowextsize", ""),
        Form::Plain(|call, errors| call.cowextsize(errors)),
        ("", "RD"),
        &[1],
        "cowextsize size",
        Asks::Nothing,
    ),
    verb(("open", "o"), Form::Open, ("d", "acfrstRTPL"), &[0, 1], "open [-d] [file]", Asks::File),
    verb(
        ("shutdown", ""),
        Form::Plain(|call, errors| call.shutdown(errors)),
        ("f", ""),
        &[0],
        "shutdown [-f]",
        Asks::Nothing,
    ),
    verb(
        ("fadvise", ""),
        Form::Plain(|call, errors| call.fadvise(errors)),
        ("d", "nrsw"),
        &[2],
        "fadvise -d off len",
        Asks::Nothing,
    ),
    verb(
        ("madvise", "ma"),
        Form::Plain(|call, errors| call.madvise(errors)),
        ("d", "rsw"),
        &[0, 2],
        "madvise -d [off len]",
        Asks::Nothing,
    ),
];

/// What `@fail` and `@short` need.
const NOT_RESIDENT: InXfsIo =
    InXfsIo::Not("a source buffer that is not resident; use a program with a mapping of its own");

/// What is done with a layout.
const IN_LAYOUT: InXfsIo =
    InXfsIo::Not("a client of pNFS that has block layouts; export the file system and mount it with NFS 4.1");

/// Those with a form of their own that xfs_io cannot say.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the methods are of calls of one lifetime each"
)]
const OWN: &[Verb] = &[
    tool(
        "chattr",
        Form::Plain(|call, errors| call.chattr(errors)),
        "j",
        "chattr +j` or `chattr -j",
        // That of e2fsprogs: xfs_io's knows no `j`.
        "$CHATTR_PROG",
    ),
    own(
        ("@dma", ""),
        Form::Plain(|call, errors| call.dma(errors)),
        ("S:", ""),
        &[0, 2],
        "@dma [-S pattern] [off len]",
        InXfsIo::Not("a direct read(2) from elsewhere into the mapping; use a program that does one"),
    ),
    own(
        ("@exchange", ""),
        Form::Plain(|call, errors| call.exchange(errors)),
        ("", ""),
        &[3],
        "@exchange file off len",
        InXfsIo::AsRecent("exchangerange -s $2 -d $2 -l $3 $1"),
    ),
    own(
        ("@relocate", ""),
        Form::Plain(|call, errors| call.relocate(errors)),
        ("", ""),
        &[2],
        "@relocate off len",
        InXfsIo::Not("garbage collection of these blocks; fill the device, so that it begins"),
    ),
    own(
        ("@redirty", ""),
        Form::Plain(|call, errors| call.redirty(errors)),
        ("", ""),
        &[2],
        "@redirty off len",
        InXfsIo::Not(
            "folios are read and dirtied as they are, by nobody who writes; use a module of the kernel",
        ),
    ),
    own(
        ("@flusher", ""),
        Form::Plain(|_, _| Some(Command::Flusher)),
        ("", ""),
        &[0],
        "@flusher",
        InXfsIo::Not(
            "the flusher writes an inode when it wants to; wait for it here (vm.dirty_expire_centisecs)",
        ),
    ),
    own(
        ("@layoutget", ""),
        Form::Plain(|call, errors| call.layoutget(errors)),
        ("", ""),
        &[2],
        "@layoutget off len",
        IN_LAYOUT,
    ),
    own(
        ("@layoutwrite", ""),
        Form::Plain(|call, errors| call.layoutwrite(errors)),
        ("S:", ""),
        &[2],
        "@layoutwrite [-S pattern] off len",
        IN_LAYOUT,
    ),
    own(
        ("@layoutcommit", ""),
        Form::Plain(|_, _| Some(Command::Layoutcommit)),
        ("", ""),
        &[0],
        "@layoutcommit",
        IN_LAYOUT,
    ),
    own(
        ("@layoutreturn", ""),
        Form::Plain(|_, _| Some(Command::Layoutreturn)),
        ("", ""),
        &[0],
        "@layoutreturn",
        IN_LAYOUT,
    ),
    own(
        ("@copy_sparse", ""),
        Form::Plain(|_, _| Some(Command::CopySparse)),
        ("", ""),
        &[0],
        "@copy_sparse",
        InXfsIo::Not("a copy by SEEK_DATA and SEEK_HOLE; use cp --sparse=auto and compare"),
    ),
    own(
        ("@wait", ""),
        Form::Plain(|call, errors| call.wait(errors)),
        ("", ""),
        &[0],
        "@wait",
        InXfsIo::Not("wait for the asynchronous I/O here"),
    ),
    own(
        ("@crash", ""),
        Form::Crash,
        ("", ""),
        &[0],
        "@crash",
        InXfsIo::Not("power is lost here; use common/dmflakey or shutdown"),
    ),
    own(
        ("@fail", ""),
        Form::Fault(|call, errors| call.fail(errors)),
        ("", ""),
        &[1],
        "@fail bytes",
        NOT_RESIDENT,
    ),
    own(
        ("@short", ""),
        Form::Fault(|call, errors| call.short(errors)),
        ("", ""),
        &[1],
        "@short bytes",
        NOT_RESIDENT,
    ),
    own(
        ("@kill", ""),
        Form::Fault(|call, errors| call.kill(errors)),
        ("", ""),
        &[1],
        "@kill bytes",
        InXfsIo::Not("a fatal signal in the middle of a write(2); use a program that is killed"),
    ),
];

/// What stands before a `pwrite` or `pread` and says through what it goes.
const PREFIXES: &[(&str, Io)] = &[("@direct", Io::Direct), ("@aio", Io::Aio)];

/// What stands before a command that is meant to fail, if it does.
pub(crate) const MAY_FAIL: &str = "@may_fail";

/// The commands that are known by name, and that is all.
const LATER: &[&str] = &[
    "dedupe",
    "copy_range",
    "extsize",
    "inject",
    "bmap",
    "fsmap",
    "stat",
    "statx",
    "swapext",
    "exchangerange",
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

fn find(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.syntax.name == name || (!name.is_empty() && verb.alias == name))
}

/// How xfs_io says the command of a name; `None` if there is no such command.
pub(crate) fn in_xfs_io(name: &str) -> Option<XfsIo> {
    find(name).map(|verb| verb.xfs_io)
}

/// Looks a command up.
pub(super) fn lookup(name: &str) -> Lookup {
    match find(name) {
        Some(verb) => Lookup::Known(verb),
        None if LATER.contains(&name) => Lookup::Later,
        None => Lookup::Unknown,
    }
}

/// What a word before a command says about it, if it is one of the prefixes.
pub(crate) fn prefix(word: &str) -> Option<Io> {
    PREFIXES.iter().find(|(name, _)| *name == word).map(|(_, io)| *io)
}

/// The names of the modelled commands.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    VERBS.iter().map(|verb| verb.syntax.name).chain(PREFIXES.iter().map(|(name, _)| *name)).chain([MAY_FAIL])
}
