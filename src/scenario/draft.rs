//! A scenario's file as a text from which parts are taken away: an actor, a command, a file, some of a range.
//!
//! What is left is a text again, with the comments of what is left. Whether that is a scenario is for its reader to say.

mod array;
mod beforehand;
mod cut;

use std::fmt;

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, TableLike, TomlError, Value};

use self::cut::Cut;

/// Whose commands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whose {
    /// The setup's.
    Setup,
    /// An actor's, by its place.
    Actor(usize),
}

/// Something that a scenario may be able to do without.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// An actor with all of its commands, by its place.
    Actor(usize),
    /// A file, with all commands on it, by its place. The first is the one of commands that name none.
    File(usize),
    /// A directed run, by its place.
    Hold(usize),
    /// A command, by its place.
    Command(Whose, usize),
    /// A range that is observed, by its place.
    Range(usize),
    /// An actor whose calls are observed, by its place there.
    Calls(usize),
    /// Bytes of the range of a command.
    Bytes(Whose, usize, Cut),
}

/// The text of a scenario, which can be made smaller.
#[derive(Clone, Debug)]
pub struct Draft {
    document: DocumentMut,
    /// Bytes of a block.
    block: u64,
}

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.document)
    }
}

/// The lists of tables, which may be written as arrays of inline tables, too.
const LISTS: [&str; 3] = ["actor", "file", "hold"];

impl Draft {
    /// The text of a scenario with blocks of so many bytes.
    pub fn new(source: &str, block: u64) -> Result<Self, TomlError> {
        let mut document: DocumentMut = source.parse()?;
        for list in LISTS {
            if document.get(list).is_some_and(Item::is_array)
                && let Some(item) = document.remove(list)
                && let Ok(tables) = item.into_array_of_tables()
            {
                document.insert(list, Item::ArrayOfTables(tables));
            }
        }
        Ok(Draft { document, block })
    }

    /// All parts, the largest first.
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        let actors = self.tables("actor").map_or(0, ArrayOfTables::len);
        if actors > 1 {
            parts.extend((0..actors).map(Part::Actor));
        }
        let files = self.tables("file").map_or(0, ArrayOfTables::len);
        if files > 1 {
            parts.extend((0..files).map(Part::File));
        }
        parts.extend((0..self.tables("hold").map_or(0, ArrayOfTables::len)).map(Part::Hold));
        let lists = || [Whose::Setup].into_iter().chain((0..actors).map(Whose::Actor));
        for whose in lists() {
            let commands = self.commands(&whose).map_or(0, Array::len);
            // The last command of an actor is the actor.
            if commands > 1 || whose == Whose::Setup {
                parts.extend((0..commands).map(|at| Part::Command(whose.clone(), at)));
            }
        }
        let observed = |key: &str| self.observed(key).map_or(0, Array::len);
        parts.extend((0..observed("ranges")).map(Part::Range));
        parts.extend((0..observed("calls")).map(Part::Calls));
        for whose in lists() {
            let commands = self.commands(&whose).into_iter().flat_map(Array::iter).enumerate();
            for (at, command) in commands.filter_map(|(at, value)| Some((at, value.as_str()?))) {
                let cuts = cut::cuts(command, self.block);
                parts.extend(cuts.into_iter().map(|cut| Part::Bytes(whose.clone(), at, cut)));
            }
        }
        parts
    }

    /// The text without a part. What speaks of the part goes with it.
    #[must_use]
    pub fn without(&self, part: &Part) -> Self {
        let mut draft = self.clone();
        match part {
            Part::Actor(at) => draft.remove_actor(*at),
            Part::File(at) => draft.remove_file(*at),
            Part::Hold(at) => draft.remove_table("hold", *at),
            Part::Command(whose, at) => draft.remove_command(whose, *at),
            Part::Range(at) => draft.remove_observed("ranges", *at),
            Part::Calls(at) => draft.remove_observed("calls", *at),
            Part::Bytes(whose, at, cut) => draft.cut(whose, *at, *cut),
        }
        draft
    }

    /// The text that expects of one name that it violates these properties, and of no other anything.
    #[must_use]
    pub fn expecting(&self, name: &str, violated: &[&str]) -> Self {
        let mut draft = self.clone();
        draft.document.remove("reach");
        let listed: Array = violated.iter().copied().collect();
        let mut expect = Table::new();
        expect.insert(name, Item::Value(Value::Array(listed)));
        if let Some(Item::Table(old)) = draft.document.get("expect") {
            *expect.decor_mut() = old.decor().clone();
            expect.set_position(old.position());
        }
        draft.document.insert("expect", Item::Table(expect));
        draft
    }

    /// The text without what the file defines under other names than one, but for what that is based on.
    #[must_use]
    pub fn defining(&self, name: &str) -> Self {
        let mut draft = self.clone();
        let mut needed = vec![name.to_owned()];
        while let Some(base) =
            needed.last().and_then(|name| self.base_of(name)).filter(|base| !needed.contains(base))
        {
            needed.push(base);
        }
        for kind in ["design", "kernel"] {
            let Some(table) = draft.document.get_mut(kind).and_then(Item::as_table_like_mut) else {
                continue;
            };
            let surplus: Vec<String> =
                table.iter().map(|(key, _)| key.to_owned()).filter(|key| !needed.contains(key)).collect();
            for key in &surplus {
                table.remove(key);
            }
            if table.is_empty() {
                draft.document.remove(kind);
            }
        }
        draft
    }

    /// The text with a comment before everything else; each line of it is one of the comment.
    #[must_use]
    pub fn with_head(&self, comment: &str) -> String {
        let lines: Vec<String> = comment.lines().map(|line| format!("# {line}")).collect();
        let text = self.document.to_string();
        format!("{}\n\n{}", lines.join("\n"), text.trim_start_matches('\n'))
    }

    /// How many actors and commands there are.
    pub fn size(&self) -> (usize, usize) {
        let actors = self.tables("actor").map_or(0, ArrayOfTables::len);
        let lists = [Whose::Setup].into_iter().chain((0..actors).map(Whose::Actor));
        (actors, lists.map(|whose| self.commands(&whose).map_or(0, Array::len)).sum())
    }

    /// A part in words, as something that is left out.
    pub fn words(&self, part: &Part) -> String {
        let of = |whose: &Whose| match whose {
            Whose::Setup => "the setup".to_owned(),
            Whose::Actor(at) => self.actor(*at),
        };
        let command = |whose: &Whose, at: usize| format!("`{}` of {}", self.command(whose, at), of(whose));
        let observed = |key: &str, at: usize| {
            let value = self.observed(key).and_then(|array| array.get(at));
            value.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        match part {
            Part::Actor(at) => format!("the actor {}", self.actor(*at)),
            Part::File(at) => format!("the file {}", self.name("file", *at)),
            Part::Hold(at) => format!("hold {}", at + 1),
            Part::Command(whose, at) => command(whose, *at),
            Part::Range(at) => format!("the observed range `{}`", observed("ranges", *at)),
            Part::Calls(at) => format!("the observed calls of {}", observed("calls", *at)),
            Part::Bytes(whose, at, _) => format!("bytes of {}", command(whose, *at)),
        }
    }

    /// A command as it stands; `None` for a part that is none, nor bytes of one.
    pub fn command_of(&self, part: &Part) -> Option<String> {
        match part {
            Part::Command(whose, at) | Part::Bytes(whose, at, _) => Some(self.command(whose, *at)),
            Part::Actor(_) | Part::File(_) | Part::Hold(_) | Part::Range(_) | Part::Calls(_) => None,
        }
    }

    fn tables(&self, key: &str) -> Option<&ArrayOfTables> {
        self.document.get(key)?.as_array_of_tables()
    }

    /// The name of an actor.
    pub fn actor(&self, at: usize) -> String {
        self.name("actor", at)
    }

    /// The text without these actors.
    #[must_use]
    pub fn without_actors<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> Self {
        names.into_iter().fold(self.clone(), |draft, name| match draft.place_of(name) {
            Some(at) => draft.without(&Part::Actor(at)),
            None => draft,
        })
    }

    /// The place of an actor.
    pub fn place_of(&self, actor: &str) -> Option<usize> {
        let actors = self.tables("actor")?;
        actors.iter().position(|table| table.get("name").and_then(Item::as_str) == Some(actor))
    }

    fn name(&self, list: &str, at: usize) -> String {
        let name = self.tables(list).and_then(|tables| tables.get(at)?.get("name")?.as_str());
        name.unwrap_or_default().to_owned()
    }

    fn commands(&self, whose: &Whose) -> Option<&Array> {
        let table: &dyn TableLike = match whose {
            Whose::Setup => self.document.get("setup")?.as_table_like()?,
            Whose::Actor(at) => self.tables("actor")?.get(*at)?,
        };
        table.get("run")?.as_array()
    }

    fn commands_mut(&mut self, whose: &Whose) -> Option<&mut Array> {
        let table: &mut dyn TableLike = match whose {
            Whose::Setup => self.document.get_mut("setup")?.as_table_like_mut()?,
            Whose::Actor(at) => self.document.get_mut("actor")?.as_array_of_tables_mut()?.get_mut(*at)?,
        };
        table.get_mut("run")?.as_array_mut()
    }

    fn command(&self, whose: &Whose, at: usize) -> String {
        let command = self.commands(whose).and_then(|commands| commands.get(at)?.as_str());
        command.unwrap_or_default().to_owned()
    }

    fn observed(&self, key: &str) -> Option<&Array> {
        self.document.get("observe")?.as_table_like()?.get(key)?.as_array()
    }

    /// What a design or kernel of the file is based on.
    fn base_of(&self, name: &str) -> Option<String> {
        ["design", "kernel"].into_iter().find_map(|kind| {
            let own = self.document.get(kind)?.as_table_like()?.get(name)?.as_table_like()?;
            Some(own.get("based_on")?.as_str()?.to_owned())
        })
    }

    fn remove_table(&mut self, list: &str, at: usize) {
        let Some(tables) = self.document.get_mut(list).and_then(Item::as_array_of_tables_mut) else { return };
        tables.remove(at);
        if tables.is_empty() {
            self.document.remove(list);
        }
    }

    /// An actor, its holds, and what is observed of it.
    fn remove_actor(&mut self, at: usize) {
        let name = self.actor(at);
        self.remove_table("actor", at);
        let holds = self.tables("hold").into_iter().flat_map(ArrayOfTables::iter);
        let of_it = |hold: &Table| hold.get("actor").and_then(Item::as_str) == Some(&name);
        let holds: Vec<usize> = holds.enumerate().filter(|(_, hold)| of_it(hold)).map(|(at, _)| at).collect();
        holds.into_iter().rev().for_each(|at| self.remove_table("hold", at));
        let heard = |draft: &Self| {
            draft
                .observed("calls")
                .and_then(|calls| calls.iter().position(|call| call.as_str() == Some(&name)))
        };
        while let Some(at) = heard(self) {
            self.remove_observed("calls", at);
        }
    }

    /// A file, the commands on it, and the actors that are left with none.
    fn remove_file(&mut self, at: usize) {
        let file = Of { name: self.name("file", at), is_first: at == 0 };
        self.remove_table("file", at);
        let actors = self.tables("actor").map_or(0, ArrayOfTables::len);
        for at in (0..actors).rev() {
            let actor = self.tables("actor").and_then(|actors| actors.get(at));
            let own = actor.and_then(|actor| actor.get("file")?.as_str()).map(str::to_owned);
            let unnamed = Of { is_first: file.is_first && own.is_none(), ..file.clone() };
            self.remove_commands_on(&Whose::Actor(at), &unnamed);
            let is_idle = self.commands(&Whose::Actor(at)).is_none_or(Array::is_empty);
            if own.as_ref() == Some(&file.name) || is_idle {
                self.remove_actor(at);
            }
        }
        self.remove_commands_on(&Whose::Setup, &file);
        let of_it = |range: &Value| range.as_str().is_some_and(|range| file.is_meant_by(range));
        while let Some(at) = self.observed("ranges").and_then(|ranges| ranges.iter().position(of_it)) {
            self.remove_observed("ranges", at);
        }
    }

    fn remove_commands_on(&mut self, whose: &Whose, file: &Of) {
        let commands = self.commands(whose).map_or(0, Array::len);
        for at in (0..commands).rev() {
            if file.is_meant_by(&self.command(whose, at)) {
                self.remove_command(whose, at);
            }
        }
    }

    fn remove_command(&mut self, whose: &Whose, at: usize) {
        let Some(commands) = self.commands_mut(whose) else { return };
        array::remove(commands, at);
        if commands.is_empty() && *whose == Whose::Setup {
            self.document.remove("setup");
        }
    }

    fn remove_observed(&mut self, key: &str, at: usize) {
        let Some(observe) = self.document.get_mut("observe").and_then(Item::as_table_like_mut) else {
            return;
        };
        let Some(array) = observe.get_mut(key).and_then(Item::as_array_mut) else { return };
        array::remove(array, at);
        if array.is_empty() {
            observe.remove(key);
        }
        if observe.is_empty() {
            self.document.remove("observe");
        }
    }

    fn cut(&mut self, whose: &Whose, at: usize, cut: Cut) {
        let shorter = cut.applied(&self.command(whose, at), self.block);
        let command = self.commands_mut(whose).and_then(|commands| commands.get_mut(at));
        if let (Some(shorter), Some(command)) = (shorter, command) {
            let decor = command.decor().clone();
            *command = Value::from(shorter);
            *command.decor_mut() = decor;
        }
    }
}

/// A file that commands and ranges are on.
#[derive(Clone)]
struct Of {
    name: String,
    /// What names no file is on this one.
    is_first: bool,
}

/// Commands that have another file as a word.
const OF_TWO_FILES: [&str; 5] = ["reflink", "rl", "@exchange", "open", "o"];

impl Of {
    /// Whether a command or a range is on the file: named in brackets, as a word, or since none is named.
    fn is_meant_by(&self, text: &str) -> bool {
        let words: Vec<&str> = text.split_whitespace().collect();
        let in_brackets =
            |word: &&str| word.strip_prefix('[').and_then(|word| word.strip_suffix(']')).map(str::to_owned);
        let named: Vec<String> = words.iter().filter_map(in_brackets).collect();
        let other = words.iter().position(|word| OF_TWO_FILES.contains(word));
        let as_word = other.is_some_and(|at| words[at + 1..].contains(&self.name.as_str()));
        named.contains(&self.name) || as_word || self.is_first && named.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
# What it is about.
title = \"x\"

[[file]]
name = \"a\"

[[file]]
name = \"b\"

[setup]
run = [\"falloc 0 8k\", \"[b] pwrite 0 4k\"]

[[actor]]
name = \"one\"
run = [
    \"pwrite 0 8k\", # the first
    # before the second
    \"fsync\", # the second
    \"reflink b\", # the third
]

# Of the other one.
[[actor]]
name = \"two\"
run = [\"pread 0 4k\"]

[[hold]]
actor = \"two\"
at = \"4k\"

[design.mine]
based_on = \"base\"
[design.base]
based_on = \"iomap_valid\"
[design.other]
based_on = \"base\"

[observe]
ranges = [\"0 4k\"]
calls = [\"two\"]

[expect]
none = \"holds\"
mine = \"holds\"
";

    fn draft() -> Draft {
        Draft::new(SOURCE, 4096).expect("a text")
    }

    #[test]
    fn an_actor_goes_with_all_that_is_said_of_it() {
        let text = draft().without(&Part::Actor(1)).to_string();
        for gone in ["two", "[[hold]]", "Of the other one", "calls"] {
            assert!(SOURCE.contains(gone) && !text.contains(gone), "{gone}: {text}");
        }
        assert!(text.contains("# What it is about.") && text.contains("ranges"), "{text}");
    }

    #[test]
    fn a_command_goes_with_the_comments_about_it_alone() {
        let text = draft().without(&Part::Command(Whose::Actor(0), 1)).to_string();
        for gone in ["fsync", "before the second", "# the second"] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        assert!(text.contains("\"pwrite 0 8k\", # the first\n    \"reflink b\", # the third\n]"), "{text}");
        let text = draft().without(&Part::Command(Whose::Actor(0), 2)).to_string();
        assert!(text.contains("\"fsync\", # the second\n]"), "{text}");
        let text = draft().without(&Part::Command(Whose::Actor(0), 0)).to_string();
        assert!(text.contains("run = [\n    # before the second\n    \"fsync\", # the second\n"), "{text}");
        let text = draft().without(&Part::Command(Whose::Setup, 0)).to_string();
        assert!(text.contains("run = [\"[b] pwrite 0 4k\"]"), "{text}");
    }

    #[test]
    fn a_file_goes_with_the_commands_that_name_it() {
        let text = draft().without(&Part::File(1)).to_string();
        for gone in ["[b]", "reflink", "\"b\""] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        assert!(text.contains("\"fsync\"") && text.contains("falloc 0 8k"), "{text}");
    }

    #[test]
    fn the_first_file_goes_with_the_commands_that_name_none() {
        let text = draft().without(&Part::File(0)).to_string();
        assert!(text.contains("run = [\"[b] pwrite 0 4k\"]") && text.contains("name = \"b\""), "{text}");
        for gone in ["falloc", "[[actor]]", "ranges", "name = \"a\""] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        // A file may be called like a command.
        let fsync = Of { name: "fsync".to_owned(), is_first: false };
        assert!(
            !fsync.is_meant_by("fsync")
                && fsync.is_meant_by("[fsync] pwrite 0 4k")
                && fsync.is_meant_by("rl fsync")
        );
    }

    #[test]
    fn of_what_is_expected_one_name_is_left_and_what_it_is_based_on() {
        let text = draft().expecting("mine", &["lost-write"]).defining("mine").to_string();
        assert!(text.contains("[expect]\nmine = [\"lost-write\"]\n"), "{text}");
        assert!(text.contains("[design.base]") && text.contains("[design.mine]"), "{text}");
        assert!(!text.contains("[design.other]") && !text.contains("none"), "{text}");
    }

    #[test]
    fn every_part_makes_the_text_another_one() {
        let draft = draft();
        let parts = draft.parts();
        // Actors, file, hold, commands of setup and of the first actor, range, calls.
        assert_eq!(
            parts.iter().filter(|part| !matches!(part, Part::Bytes(..))).count(),
            2 + 2 + 1 + 2 + 3 + 2
        );
        for part in parts {
            let smaller = draft.without(&part).to_string();
            assert_ne!(smaller, SOURCE, "{part:?}");
            assert!(!draft.words(&part).is_empty());
        }
    }
}
