//! What an actor does first, done in the setup.

use toml_edit::{Array, Item, Table, Value};

use super::{Draft, Whose};

/// What an actor says whose commands mean the same in the setup.
const PLAIN: [&str; 2] = ["name", "run"];

impl Draft {
    /// The text in which an actor's first commands, so many, are the last ones of the setup. `None`: it has fewer, or they would not be the
    /// same there, or not over when the actors begin.
    pub fn beforehand(&self, actor: usize, commands: usize) -> Option<Self> {
        let table = self.tables("actor")?.get(actor)?;
        if table.iter().any(|(key, _)| !PLAIN.contains(&key)) {
            return None;
        }
        let whose = Whose::Actor(actor);
        let own = self.commands(&whose)?;
        let first: Vec<String> =
            own.iter().take(commands).map(|text| text.as_str().map(str::to_owned)).collect::<Option<_>>()?;
        if first.len() < commands || first.iter().any(|text| text.contains("@aio")) {
            return None;
        }
        let mut draft = self.clone();
        (0..commands).for_each(|_| draft.remove_command(&whose, 0));
        if draft.commands(&whose).is_none_or(Array::is_empty) {
            draft.remove_actor(actor);
        }
        draft.setup_mut()?.extend(first);
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
run = [\"pread 0 4k\", \"@aio pread 0 4k\"]

[[actor]]
name = \"direct\"
open = \"-d\"
run = [\"pread 0 4k\"]
";

    #[test]
    fn commands_go_into_the_setup_one_after_the_other_and_who_has_no_more_goes() {
        let draft = Draft::new(SOURCE, 4096).expect("a text");
        let once = draft.beforehand(0, 1).expect("a command");
        let all = once.beforehand(0, 1).and_then(|twice| twice.beforehand(0, 1)).expect("a command each");
        let scenario = read("x", all.to_string().as_bytes()).expect("a scenario");
        let texts: Vec<&str> = scenario.setup_lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["pwrite 0 4k", "fsync", "pread 0 4k"]);
        assert_eq!((once.size(), all.size()), ((3, 5), (2, 5)));
        let both = draft.beforehand(0, 2).and_then(|both| both.beforehand(0, 1)).expect("as many");
        assert_eq!(both.to_string(), all.to_string());
    }

    #[test]
    fn what_is_not_over_then_or_not_the_same_stays() {
        let draft = Draft::new(SOURCE, 4096).expect("a text");
        assert!(draft.beforehand(1, 2).is_none(), "it would be in flight");
        assert!(draft.beforehand(2, 1).is_none(), "it opens the file in another way");
        assert!(draft.beforehand(0, 3).is_none() && draft.beforehand(3, 1).is_none());
    }
}
