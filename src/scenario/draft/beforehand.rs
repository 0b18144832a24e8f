//! What an actor does first, done in the setup.

use toml_edit::{Array, Item, Table, Value};

use super::{Draft, Whose};

/// What an actor says whose commands mean the same in the setup.
const PLAIN: [&str; 2] = ["name", "run"];

impl Draft {
    /// The text in which an actor's first command is the last one of the setup. `None`: it has none, or it would not be the same there.
    pub fn beforehand(&self, actor: usize) -> Option<Self> {
        let table = self.tables("actor")?.get(actor)?;
        if table.iter().any(|(key, _)| !PLAIN.contains(&key)) {
            return None;
        }
        let whose = Whose::Actor(actor);
        let first = self.commands(&whose)?.get(0)?.as_str()?.to_owned();
        let mut draft = self.clone();
        draft.remove_command(&whose, 0);
        if draft.commands(&whose).is_none_or(Array::is_empty) {
            draft.remove_actor(actor);
        }
        draft.setup_mut()?.push(first);
        Some(draft)
    }

    /// The commands of the setup, which there may be none of.
    fn setup_mut(&mut self) -> Option<&mut Array> {
        if self.commands(&Whose::Setup).is_none() {
            let mut setup = Table::new();
            setup.insert("run", Item::Value(Value::Array(Array::new())));
            self.document.insert("setup", Item::Table(setup));
        }
        self.commands_mut(&Whose::Setup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read;

    const SOURCE: &str = "\
title = \"x\"

[[actor]]
name = \"one\"
run = [\"pwrite 0 4k\", \"fsync\"]

[[actor]]
name = \"two\"
run = [\"pread 0 4k\"]

[[actor]]
name = \"direct\"
open = \"-d\"
run = [\"pread 0 4k\"]
";

    #[test]
    fn commands_go_into_the_setup_one_after_the_other_and_who_has_no_more_goes() {
        let draft = Draft::new(SOURCE, 4096).expect("a text");
        let once = draft.beforehand(0).expect("a command");
        let all = once.beforehand(0).and_then(|twice| twice.beforehand(0)).expect("a command each");
        let scenario = read("x", all.to_string().as_bytes()).expect("a scenario");
        let texts: Vec<&str> = scenario.setup_lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["pwrite 0 4k", "fsync", "pread 0 4k"]);
        assert_eq!((once.size(), all.size()), ((3, 4), (1, 4)));
    }

    #[test]
    fn who_opens_the_file_in_another_way_does_it_then() {
        let draft = Draft::new(SOURCE, 4096).expect("a text");
        assert!(draft.beforehand(2).is_none() && draft.beforehand(3).is_none());
    }
}
