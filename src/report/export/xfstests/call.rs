//! The commands of a scenario as those of xfs_io: which process has which, and what xfs_io cannot do.

use stalemap_model::words::command::{InXfsIo, Io};

use super::script::Script;
use crate::annotate::expected::{Contents, Part};
use crate::annotate::program::{ActorProgram, Program};
use crate::report::export::word;
use crate::scenario::{Asks, MAY_FAIL, XfsIo, in_xfs_io, prefix};

/// The personality whose files have journalled data.
pub(super) const JOURNALLED: &str = "gfs2-jdata";

/// What a write from a buffer, and a store there, need.
pub(super) const THREADS: &str =
    "a program with threads, of which one stores to memory while another writes from it";

/// The setup, as an actor.
pub(super) fn setup_of(program: &Program) -> ActorProgram {
    ActorProgram {
        name: "setup".to_owned(),
        line: 0,
        file: None,
        direct: false,
        run: program.setup.iter().map(|line| in_folios(line, program)).collect(),
    }
}

/// A write of the setup in pieces of a folio: what is written in one piece may be one large folio.
pub(super) fn in_folios(line: &str, program: &Program) -> String {
    let folio = program.folio.as_deref().or(program.block.as_deref()).unwrap_or("4k");
    let mut words: Vec<&str> = line.split_whitespace().collect();
    if words.iter().any(|word| matches!(*word, "pwrite" | "w"))
        && let Some(size) = words.iter().position(|word| *word == "-b").map(|option| option + 1)
        && size < words.len()
    {
        words[size] = folio;
        return words.join(" ");
    }
    line.to_owned()
}

/// Whether the data of the files are journalled from the beginning.
pub(super) fn is_journalled(program: &Program) -> bool {
    program.fs.get("personality").is_some_and(|name| name == JOURNALLED)
}

/// The names of the files.
pub(super) fn names(program: &Program) -> Vec<&str> {
    if program.files.is_empty() { vec!["file"] } else { program.files.iter().map(String::as_str).collect() }
}

pub(super) fn path(name: &str) -> String {
    format!("$SCRATCH_MNT/{}", word(name))
}

/// Commands of one process: the file, whether its I/O is direct, whether they may fail, and what they are.
pub(super) type Pending = ((String, bool, bool), Vec<String>);

/// The commands of one task, a process as long as they concern one file in one way.
pub(super) fn commands(program: &Program, task: &ActorProgram, indent: &str, script: &mut Script) {
    let file = task.file.as_deref().or_else(|| names(program).first().copied());
    let own = file.unwrap_or("file").to_owned();
    let mut pending = ((own.clone(), task.direct, false), Vec::new());
    let flush = |((file, direct, may_fail), commands): &mut Pending, script: &mut Script| {
        // What is meant to fail, and does, says so nowhere but in the log.
        let errors = if *may_fail { " 2>&1" } else { "" };
        script.xfs_io(indent, if *direct { "-d " } else { "" }, commands, &path(file), errors);
        commands.clear();
    };
    for line in &task.run {
        let call = Call::of(program, line);
        let file = call.file.clone().unwrap_or_else(|| own.clone());
        match call.said() {
            Ok(Said::Tool(command)) => {
                flush(&mut pending, script);
                let errors = if call.may_fail { " 2>&1" } else { "" };
                script.line(&format!("{indent}{command} {} >> $seqres.full{errors}", path(&file)));
            }
            Ok(Said::XfsIo(command)) => {
                let way = (file, task.direct || call.io != Io::Buffered, call.may_fail);
                if pending.0 != way {
                    flush(&mut pending, script);
                    pending.0 = way;
                }
                pending.1.push(command);
            }
            Err(reason) => {
                flush(&mut pending, script);
                script.line(&format!("{indent}# {line}: {reason}"));
            }
        }
    }
    flush(&mut pending, script);
}

/// All commands.
pub(super) fn calls(program: &Program) -> Vec<Call> {
    let all = program.setup.iter().chain(program.actors.iter().flat_map(|actor| &actor.run));
    all.map(|line| Call::of(program, line)).collect()
}

/// A command of a scenario in the script.
pub(super) enum Said {
    /// By xfs_io.
    XfsIo(String),
    /// By another program, which is given the file.
    Tool(String),
}

/// A command of a scenario.
pub(super) struct Call {
    pub(super) file: Option<String>,
    /// `@may_fail`.
    pub(super) may_fail: bool,
    /// `@direct` or `@aio`.
    pub(super) io: Io,
    pub(super) verb: String,
    arguments: Vec<String>,
    files: Vec<String>,
}

impl Call {
    pub(super) fn of(program: &Program, line: &str) -> Self {
        let named = line.trim().strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (file, rest) = named.map_or((None, line), |(file, rest)| (Some(file.trim().to_owned()), rest));
        let mut words = rest.split_whitespace().map(str::to_owned).peekable();
        let may_fail = words.next_if(|first| first == MAY_FAIL).is_some();
        let io = words.peek().and_then(|first| prefix(first)).unwrap_or_default();
        if io != Io::Buffered {
            words.next();
        }
        let verb = words.next().unwrap_or_default();
        let files = names(program).into_iter().map(str::to_owned).collect();
        Call { file, may_fail, io, verb, arguments: words.collect(), files }
    }

    /// What it asks for, if xfs_io has it.
    pub(super) fn asks(&self) -> Option<Asks> {
        match in_xfs_io(&self.verb)? {
            XfsIo::Same(asks) => Some(asks),
            XfsIo::Own(InXfsIo::As(_)) => Some(Asks::Nothing),
            XfsIo::Own(InXfsIo::AsRecent(_)) => Some(Asks::Command),
            XfsIo::Own(InXfsIo::Not(_)) | XfsIo::Tool(_) => None,
        }
    }

    /// The name of xfs_io's command, if it has one.
    pub(super) fn command(&self) -> Option<&str> {
        match in_xfs_io(&self.verb)? {
            XfsIo::Same(_) => Some(&self.verb),
            XfsIo::Own(InXfsIo::As(line) | InXfsIo::AsRecent(line)) => line.split_whitespace().next(),
            XfsIo::Own(InXfsIo::Not(_)) | XfsIo::Tool(_) => None,
        }
    }

    /// Whether it takes its data from memory that others store to, or stores there.
    pub(super) fn is_of_buffer(&self) -> bool {
        let named = |argument: &String| argument.starts_with('-') && argument.contains('i');
        let writes = matches!(self.verb.as_str(), "pwrite" | "w");
        let into_memory = self.file.as_ref().is_some_and(|file| !self.files.contains(file));
        into_memory || writes && self.arguments.iter().any(named)
    }

    /// The same in the script, or why it cannot be said.
    pub(super) fn said(&self) -> Result<Said, &'static str> {
        match self.io {
            Io::Buffered | Io::Direct => {}
            Io::Aio => return Err("asynchronous; use a program that submits with io_submit(2)"),
        }
        if self.is_of_buffer() {
            return Err(THREADS);
        }
        let path_of = |word: &String| if self.files.contains(word) { path(word) } else { word.clone() };
        let (verb, arguments) = match in_xfs_io(&self.verb) {
            Some(XfsIo::Same(Asks::Nothing | Asks::Command)) => {
                (self.verb.as_str(), self.arguments.join(" "))
            }
            Some(XfsIo::Same(Asks::File | Asks::Reflink)) => {
                let arguments: Vec<String> = self.arguments.iter().map(path_of).collect();
                (self.verb.as_str(), arguments.join(" "))
            }
            Some(XfsIo::Own(InXfsIo::As(line) | InXfsIo::AsRecent(line))) => {
                let words = line.split_whitespace().map(|word| {
                    let number = word.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
                    let argument = number.and_then(|number| self.arguments.get(number.checked_sub(1)?));
                    argument.map_or_else(|| word.to_owned(), path_of)
                });
                return Ok(Said::XfsIo(words.collect::<Vec<_>>().join(" ")));
            }
            Some(XfsIo::Tool(program)) => {
                return Ok(Said::Tool(format!("{program} {}", self.arguments.join(" "))));
            }
            Some(XfsIo::Own(InXfsIo::Not(why))) => return Err(why),
            None => return Err("not a command"),
        };
        Ok(Said::XfsIo(format!("{verb} {arguments}").trim_end().to_owned()))
    }
}

/// The commands that make a file of these contents.
pub(super) fn written(contents: &Contents) -> Vec<String> {
    let end = contents.parts.last().map_or(0, |part| part.bytes.end);
    let known = |part: &&Part| part.value.is_some_and(|value| value != 0);
    let writes = contents.parts.iter().filter(known).map(|part| {
        let value = part.value.unwrap_or(0);
        format!("pwrite -S {value:#04x} {} {}", part.bytes.start, part.bytes.end - part.bytes.start)
    });
    std::iter::once(format!("truncate {end}")).chain(writes).collect()
}
