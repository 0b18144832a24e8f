//! Why no scenario of the catalogue notices a value: `reasons.toml`, a table for each kind of reason.

use std::collections::BTreeMap;

use super::values::{Value, values};

const FILE: &str = include_str!("reasons.toml");

/// The reasons, by the value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reasons(BTreeMap<String, String>);

impl Reasons {
    /// Those that are compiled in. An error says what is wrong with the file.
    pub fn built_in() -> Result<Self, String> {
        Self::read(FILE)
    }

    fn read(text: &str) -> Result<Self, String> {
        let reasons: BTreeMap<String, BTreeMap<String, String>> =
            toml::from_str(text).map_err(|error| format!("reasons.toml: {error}"))?;
        let known: Vec<String> = values().iter().map(Value::setting).collect();
        let mut all = BTreeMap::new();
        for (field, values) in reasons {
            for (value, reason) in values {
                let flag = format!("{field} = {value}");
                let setting = if known.contains(&flag) { flag } else { format!("{field} = \"{value}\"") };
                if !known.contains(&setting) {
                    return Err(format!("reasons.toml: there is no value `{setting}`"));
                }
                if reason.trim().is_empty() {
                    return Err(format!("reasons.toml: the reason of `{setting}` is empty"));
                }
                all.insert(setting, reason);
            }
        }
        Ok(Reasons(all))
    }

    /// The reason for which no scenario notices a value.
    pub fn of(&self, setting: &str) -> Option<&str> {
        self.0.get(setting).map(String::as_str)
    }

    /// All values that have one.
    pub fn settings(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_right_and_mistakes_in_it_are_told() {
        Reasons::built_in().expect("a file that is right");
        let one = Reasons::read("[check]\nnone = \"x\"\n[glock]\ntrue = \"y\"\n").expect("right");
        assert_eq!(one.settings().collect::<Vec<_>>(), ["check = \"none\"", "glock = true"]);
        for (wrong, says) in [
            ("[check]\nnonesuch = \"x\"\n", "there is no value `check = \"nonesuch\"`"),
            ("[nonesuch]\ntrue = \"x\"\n", "there is no value"),
            ("[check]\nnone = \" \"\n", "the reason of `check = \"none\"` is empty"),
            ("check = 1\n", "reasons.toml"),
        ] {
            let problem = Reasons::read(wrong).expect_err(wrong);
            assert!(problem.contains(says), "{problem}");
        }
    }
}
