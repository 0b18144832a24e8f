//! What the actors of a schedule were asked to do, in the words of the scenario file, and where it says so.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// The commands of a scenario.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Program {
    /// The names of the files; none if there is only one.
    pub files: Vec<String>,
    /// Bytes of a block, as the file writes it.
    pub block: Option<String>,
    /// Bytes of a folio, if the file says it.
    pub folio: Option<String>,
    /// What `[fs]` sets, as the file writes it.
    pub fs: BTreeMap<String, String>,
    /// Commands that run first, alone.
    pub setup: Vec<String>,
    /// The actors.
    pub actors: Vec<ActorProgram>,
}

/// The commands of an actor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActorProgram {
    /// Its name.
    pub name: String,
    /// The line of the scenario file that names it, from 1.
    pub line: usize,
    /// The file that its commands work on, if it says so.
    pub file: Option<String>,
    /// Whether it does direct I/O.
    pub direct: bool,
    /// What it does.
    pub run: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    geometry: Geometry,
    #[serde(default)]
    fs: BTreeMap<String, toml::Value>,
    #[serde(default)]
    file: Vec<File>,
    #[serde(default)]
    setup: Setup,
    #[serde(default)]
    actor: Vec<Actor>,
}

#[derive(Default, Deserialize)]
struct Geometry {
    block: Option<toml::Value>,
    folio: Option<toml::Value>,
}

#[derive(Deserialize)]
struct File {
    name: String,
}

#[derive(Default, Deserialize)]
struct Setup {
    #[serde(default)]
    run: Vec<String>,
}

#[derive(Deserialize)]
struct Actor {
    name: Spanned<String>,
    file: Option<String>,
    open: Option<String>,
    #[serde(default)]
    run: Vec<String>,
}

impl Program {
    /// The commands in a scenario file that was read before; nothing of what cannot be understood.
    pub fn of(source: &str) -> Self {
        let Ok(document) = toml::from_str::<Document>(source) else { return Program::default() };
        let actor = |actor: Actor| ActorProgram {
            line: source[..actor.name.span().start].matches('\n').count() + 1,
            name: actor.name.into_inner(),
            file: actor.file,
            direct: actor.open.is_some_and(|open| open.split_whitespace().any(|option| option == "-d")),
            run: actor.run,
        };
        let text = |value: toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Program {
            files: document.file.into_iter().map(|file| file.name).collect(),
            block: document.geometry.block.map(text),
            folio: document.geometry.folio.map(text),
            fs: document.fs.into_iter().map(|(field, value)| (field, text(value))).collect(),
            setup: document.setup.run,
            actors: document.actor.into_iter().map(actor).collect(),
        }
    }

    /// An actor by name.
    pub fn actor(&self, name: &str) -> Option<&ActorProgram> {
        self.actors.iter().find(|actor| actor.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_knows_its_line() {
        let program = Program::of(
            "title = \"x\"\n[setup]\nrun = [\"fsync\"]\n\n[[actor]]\nopen = \"-d\"\nname = \"a\"\n",
        );
        assert_eq!(program.setup, ["fsync"]);
        assert_eq!((program.actors[0].line, program.actors[0].direct), (7, true));
        assert_eq!(Program::of("["), Program::default());
    }
}
