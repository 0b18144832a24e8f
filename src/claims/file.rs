//! The files of claims, compiled in, so that the program works from any folder.

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::pattern::Pattern;

static CLAIMS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/claims");

/// The most columns of a title: what a line of the list has room for.
const TITLE: usize = 41;

/// What somebody said, and what would show whether it is so.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Its number, in the order of the thread; what was said elsewhere comes after that.
    pub number: u32,
    /// It in few words, for a list.
    pub title: String,
    /// Who said it.
    pub author: String,
    /// When, as far as it is known: `2023-01-08`, `2022-11`.
    pub date: String,
    /// The subject of the mail.
    pub mail: String,
    /// The sentence itself.
    pub quote: Option<String>,
    /// What was said, where there is no sentence to quote.
    pub sense: Option<String>,
    /// What is asked of the model.
    pub asked: Option<String>,
    /// Why exploration cannot decide it, if so; then there are no runs.
    pub undecidable: Option<String>,
    /// The runs that decide it.
    #[serde(default, rename = "run")]
    pub runs: Vec<Run>,
}

/// Runs of scenarios, each under each name, and what it would mean how they come out. What is none of `supports`,
/// `refutes` and `limits` decides nothing.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What the runs are about.
    pub about: String,
    /// Names in the catalogue.
    pub scenarios: Vec<String>,
    /// Designs and kernels.
    pub under: Vec<String>,
    /// What speaks for the claim.
    pub supports: Option<Pattern>,
    /// What speaks against it.
    pub refutes: Option<Pattern>,
    /// What says that it is so under a condition.
    pub limits: Option<Pattern>,
    /// The condition, as a sentence.
    pub condition: Option<String>,
}

impl Run {
    /// The design or kernel that the runs are compared with.
    pub fn beside(&self) -> Option<&str> {
        self.patterns().into_iter().find_map(Pattern::beside)
    }

    fn patterns(&self) -> Vec<&Pattern> {
        [&self.supports, &self.refutes, &self.limits].into_iter().flatten().collect()
    }
}

impl Claim {
    /// The author's surname: what follows the first name and initials.
    pub fn surname(&self) -> String {
        let words = self.author.split_whitespace().skip(1).filter(|word| !word.ends_with('.'));
        words.collect::<Vec<_>>().join(" ")
    }

    /// What was said, in quotation marks if these are the words.
    pub fn said(&self) -> String {
        match (&self.quote, &self.sense) {
            (Some(quote), _) => format!("\"{}\"", quote.trim()),
            (None, Some(sense)) => sense.trim().to_owned(),
            (None, None) => String::new(),
        }
    }

    /// What is wrong with it.
    fn problem(&self) -> Option<String> {
        if self.quote.is_some() == self.sense.is_some() {
            return Some("it has either `quote` or `sense`".to_owned());
        }
        if self.undecidable.is_some() != self.runs.is_empty()
            || self.undecidable.is_some() == self.asked.is_some()
        {
            return Some("it has either `asked` and `[[run]]`, or `undecidable`".to_owned());
        }
        if self.title.chars().count() > TITLE {
            return Some(format!("its title has more than {TITLE} characters"));
        }
        self.runs.iter().find_map(|run| {
            let what = match run {
                _ if run.scenarios.is_empty() || run.under.is_empty() => {
                    "names no scenario, or nothing to run it under"
                }
                // What can only come out one way decides nothing.
                _ if run.patterns().len() < 2 => "has one outcome only; say what another one would mean",
                _ if run.limits.is_some() != run.condition.is_some() => {
                    "has `limits` and `condition` together or not at all"
                }
                _ => return None,
            };
            Some(format!("its run about {:?} {what}", run.about))
        })
    }
}

/// A file that is no claim: a defect of the program that has it in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("claims/{file}: {problem}")]
pub struct ClaimError {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

/// All claims by number.
///
/// # Errors
///
/// The first file that is none.
pub fn all() -> Result<Vec<Claim>, ClaimError> {
    let files =
        CLAIMS.files().filter(|file| file.path().extension().is_some_and(|extension| extension == "toml"));
    let mut claims = files
        .map(|file| read(&file.path().display().to_string(), file.contents_utf8().unwrap_or_default()))
        .collect::<Result<Vec<_>, _>>()?;
    claims.sort_by_key(|claim| claim.number);
    Ok(claims)
}

/// Reads one file.
///
/// # Errors
///
/// If it is not TOML, has other fields, or its fields do not go together.
pub fn read(file: &str, text: &str) -> Result<Claim, ClaimError> {
    let error = |problem: String| ClaimError { file: file.to_owned(), problem };
    let claim: Claim = toml::from_str(text).map_err(|problem| error(problem.to_string()))?;
    if !file.starts_with(&format!("{:02}-", claim.number)) {
        return Err(error(format!("its number is {}, and its name does not begin with that", claim.number)));
    }
    match claim.problem() {
        None => Ok(claim),
        Some(problem) => Err(error(problem)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "number = 7\ntitle = \"t\"\nauthor = \"Darrick J. Wong\"\ndate = \"2023\"\nmail = \"m\"\nquote = \"q\"\n\
                        asked = \"a\"\n[[run]]\nabout = \"r\"\nscenarios = [\"xfs/t1\"]\nunder = [\"none\"]\n\
                        supports = \"holds\"\nrefutes = \"violates\"\n";

    #[test]
    fn a_claim_is_read() {
        let claim = read("07-x.toml", GOOD).expect("a claim");
        assert_eq!((claim.surname().as_str(), claim.said().as_str()), ("Wong", "\"q\""));
        assert_eq!(claim.runs[0].supports, Some(Pattern::Holds));
    }

    #[test]
    fn what_does_not_go_together_is_an_error() {
        for (from, to, part) in [
            ("number = 7", "number = 8", "does not begin with that"),
            ("quote = \"q\"", "quote = \"q\"\nsense = \"s\"", "either `quote` or `sense`"),
            ("asked = \"a\"", "undecidable = \"u\"", "either `asked`"),
            ("asked = \"a\"\n", "", "either `asked`"),
            ("title = \"t\"", "title = \"a title that a line of the list has no room for\"", "more than 41"),
            ("under = [\"none\"]", "under = []", "names no scenario"),
            ("refutes = \"violates\"\n", "", "one outcome only"),
            ("refutes = \"violates\"", "limits = \"violates\"", "`condition` together"),
            ("refutes = \"violates\"", "refutes = \"loses\"", "nothing that a run can come to"),
            ("about = \"r\"", "about = \"r\"\nverdict = \"true\"", "unknown field `verdict`"),
        ] {
            let text = GOOD.replace(from, to);
            let error = read("07-x.toml", &text).expect_err(to).to_string();
            assert!(error.starts_with("claims/07-x.toml: ") && error.contains(part), "{error}");
        }
    }
}
