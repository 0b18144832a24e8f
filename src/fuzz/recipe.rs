//! A scenario that was drawn, before it is text: what can be done to it that must change nothing is done here.

use std::fmt::Write as _;

/// A word of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Word {
    /// As it stands.
    Plain(String),
    /// A place in the file, or its size.
    Place(u64),
    /// A number of bytes.
    Bytes(u64),
    /// The name of a file, by its place in the list.
    File(usize),
}

/// A command on a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// Which file, by its place.
    pub file: usize,
    /// What it says.
    pub words: Vec<Word>,
}

impl Call {
    /// A command without a range.
    pub fn new(file: usize, plain: &str) -> Self {
        Call { file, words: vec![Word::Plain(plain.to_owned())] }
    }

    /// And then something.
    #[must_use]
    pub fn then(mut self, word: Word) -> Self {
        self.words.push(word);
        self
    }

    /// And then a range.
    #[must_use]
    pub fn on(self, start: u64, length: u64) -> Self {
        self.then(Word::Place(start)).then(Word::Bytes(length))
    }

    /// As a line of a scenario file.
    fn text(&self, files: &[&str]) -> String {
        let name = |file: usize| files.get(file).copied().unwrap_or_default();
        let mut text = if files.len() > 1 { format!("[{}]", name(self.file)) } else { String::new() };
        for word in &self.words {
            if !text.is_empty() {
                text.push(' ');
            }
            match word {
                Word::Plain(plain) => text.push_str(plain),
                Word::Place(bytes) | Word::Bytes(bytes) => text.push_str(&size(*bytes)),
                Word::File(file) => text.push_str(name(*file)),
            }
        }
        text
    }
}

/// A number of bytes, in kibibytes where it is whole ones.
fn size(bytes: u64) -> String {
    if bytes > 0 && bytes.is_multiple_of(1024) { format!("{}k", bytes / 1024) } else { bytes.to_string() }
}

/// Somebody who acts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Player {
    /// The name.
    pub name: String,
    /// What it does.
    pub run: Vec<Call>,
}

/// A scenario.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recipe {
    /// What it is called.
    pub title: String,
    /// Bytes of a block.
    pub block: u64,
    /// Bytes of a folio.
    pub folio: u64,
    /// The file system.
    pub personality: &'static str,
    /// Its fields that belong to the environment, as in a file.
    pub fields: Vec<&'static str>,
    /// The names of the files.
    pub files: Vec<&'static str>,
    /// What is done first.
    pub setup: Vec<Call>,
    /// Who acts.
    pub players: Vec<Player>,
    /// Whether what direct and buffered writes touch together is judged.
    pub judges_mixed_io: bool,
    /// Whether stores behind end of file are.
    pub judges_behind_eof: bool,
    /// What of each file is looked at, at the end.
    pub observed: (u64, u64),
}

impl Recipe {
    /// As a scenario file.
    pub fn text(&self) -> String {
        let lines = |calls: &[Call]| {
            let quoted: Vec<String> =
                calls.iter().map(|call| format!("\"{}\"", call.text(&self.files))).collect();
            quoted.join(", ")
        };
        let mut text = format!("title = \"{}\"\n", self.title);
        if !self.judges_mixed_io {
            text.push_str("mixed_io = \"exempt\"\n");
        }
        if !self.judges_behind_eof {
            text.push_str("post_eof = \"exempt\"\n");
        }
        let (block, folio) = (size(self.block), size(self.folio));
        let _ = write!(text, "\n[geometry]\nblock = \"{block}\"\nfolio = \"{folio}\"\n");
        let _ = write!(text, "\n[fs]\npersonality = \"{}\"\n", self.personality);
        for field in &self.fields {
            let _ = writeln!(text, "{field}");
        }
        if self.files.len() > 1 {
            for file in &self.files {
                let _ = write!(text, "\n[[file]]\nname = \"{file}\"\n");
            }
        }
        let _ = write!(text, "\n[setup]\nrun = [{}]\n", lines(&self.setup));
        for Player { name, run } in &self.players {
            let _ = write!(text, "\n[[actor]]\nname = \"{name}\"\nrun = [{}]\n", lines(run));
        }
        let (start, length) = (size(self.observed.0), size(self.observed.1));
        let all = |file: &&str| {
            let of = if self.files.len() > 1 { format!("[{file}] ") } else { String::new() };
            format!("\"{of}{start} {length}\"")
        };
        let observed: Vec<String> = self.files.iter().map(all).collect();
        let _ = write!(text, "\n[observe]\nranges = [{}]\n", observed.join(", "));
        text
    }

    /// How far its commands reach into a file, as far as they say it.
    pub fn reach(&self) -> u64 {
        let ends = self.calls().flat_map(|call| {
            call.words.iter().enumerate().map(|(at, word)| match (word, call.words.get(at + 1)) {
                (Word::Place(place), Some(Word::Bytes(bytes))) => place + bytes,
                (Word::Place(place), _) => *place,
                _ => 0,
            })
        });
        ends.max().unwrap_or(0)
    }

    /// All commands, those of the setup first.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.setup.iter().chain(self.players.iter().flat_map(|player| &player.run))
    }

    /// The actors the other way round.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let mut other = self.clone();
        other.players.reverse();
        other
    }

    /// The actors with other names, in another order of the alphabet, too.
    #[must_use]
    pub fn renamed(&self) -> Self {
        let mut other = self.clone();
        let many = other.players.len();
        for (at, player) in other.players.iter_mut().enumerate() {
            player.name = format!("p{}", many - at);
        }
        other
    }

    /// With somebody who maps the file and touches nothing there.
    #[must_use]
    pub fn with_bystander(&self) -> Self {
        let mut other = self.clone();
        other.players.push(Player {
            name: "bystander".to_owned(),
            run: vec![Call::new(0, "mmap -r").on(0, self.folio)],
        });
        other
    }

    /// Simpler ones: in an environment with less that can go wrong, and with less that is judged.
    pub fn simpler(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for at in 0..self.fields.len() {
            let mut other = self.clone();
            other.fields.remove(at);
            all.push(other);
        }
        let text = self.text();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if self.judges_mixed_io && has(&["@direct", "@aio"]) {
            all.push(Recipe { judges_mixed_io: false, ..self.clone() });
        }
        if self.judges_behind_eof && has(&["mwrite"]) {
            all.push(Recipe { judges_behind_eof: false, ..self.clone() });
        }
        all
    }

    /// Without one of the actors.
    #[must_use]
    pub fn without(&self, player: usize) -> Self {
        let mut other = self.clone();
        other.players.remove(player);
        other
    }

    /// Everything so many bytes further behind, with a hole in front.
    #[must_use]
    pub fn shifted(&self, by: u64) -> Self {
        let mut other = self.clone();
        let calls = other.players.iter_mut().flat_map(|player| &mut player.run);
        for word in other.setup.iter_mut().chain(calls).flat_map(|call| &mut call.words) {
            if let Word::Place(place) = word {
                *place += by;
            }
        }
        let hole = |file| Call::new(file, "truncate").then(Word::Bytes(by));
        other.setup.splice(0..0, (0..self.files.len()).map(hole));
        other.observed.0 += by;
        other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read;

    fn recipe() -> Recipe {
        let player = |name: &str, call: Call| Player { name: name.to_owned(), run: vec![call] };
        Recipe {
            title: "two files".to_owned(),
            block: 1024,
            folio: 4096,
            personality: "xfs",
            fields: vec!["allocator = \"lowest\""],
            files: vec!["a", "b"],
            setup: vec![Call::new(0, "pwrite -S 0x30").on(0, 4096)],
            players: vec![
                player("one", Call::new(1, "reflink").then(Word::File(0)).then(Word::Place(0)).on(0, 4096)),
                player("two", Call::new(0, "truncate").then(Word::Place(1536))),
            ],
            judges_mixed_io: false,
            judges_behind_eof: true,
            observed: (0, 4096),
        }
    }

    #[test]
    fn the_text_is_a_scenario() {
        let text = recipe().text();
        let scenario = read("drawn", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        assert_eq!((scenario.block, scenario.actors.len(), scenario.observe.len()), (1024, 2, 2));
        assert!(
            text.contains("\"[b] reflink a 0 0 4k\"") && text.contains("\"[a] truncate 1536\""),
            "{text}"
        );
    }

    #[test]
    fn what_is_shifted_begins_later_and_is_as_long() {
        let text = recipe().shifted(4096).text();
        read("shifted", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        for line in [
            "[a] truncate 4k\"",
            "[b] truncate 4k\"",
            "0x30 4k 4k\"",
            "a 4k 4k 4k\"",
            "[a] truncate 5632\"",
            "4k 4k\"",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }

    #[test]
    fn the_order_of_actors_turns_and_their_names_change() {
        let names = |recipe: &Recipe| -> Vec<String> {
            recipe.players.iter().map(|player| player.name.clone()).collect()
        };
        let recipe = recipe();
        assert_eq!(names(&recipe.reversed()), ["two", "one"]);
        assert_eq!(names(&recipe.renamed()), ["p2", "p1"]);
        assert_eq!(names(&recipe.with_bystander()), ["one", "two", "bystander"]);
        assert_eq!(names(&recipe.without(0)), ["two"]);
    }
}
