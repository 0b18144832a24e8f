//! What a run is to reach: a branch, contents of a file at the end, or what a call returned.
//!
//! `stale`; `[clone] 4k 4k = 57`: at the end all of these bytes of the file on disk are 0x57; `reader: pread 0 4k = 00`: the call was given
//! nothing but zeros.

use std::ops::Range;

use stalemap_facade::Branch;
use stalemap_model::words::branches;
use stalemap_model::words::command::Command;
use stalemap_model::words::config::FileRange;
use stalemap_model::words::geometry::{Bytes, Geometry};

use super::diagnostics::{Diagnostic, Diagnostics};
use super::errors::Errors;
use super::expectations::observed;
use super::names::{list, quote, suggest};
use super::number;
use super::text::Text;
use super::{Scenario, nearest};

/// The option that says it.
const OPTION: &str = "--reach";
/// What conditions look like.
const EXAMPLES: &str = "`0 4k = 57`, `[clone] 4k 4k = 57` or `reader: pread 0 4k = 00`";

/// What a run is to reach.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// A branch.
    Branch(Branch),
    /// The contents of a range on disk at the end: all of its cells are this.
    Contents {
        /// The range.
        range: FileRange,
        /// Two hexadecimal digits, `--` or `~~`.
        is: String,
    },
    /// What a call returned: all that it was given is this.
    Answer {
        /// The actor, by its place.
        actor: usize,
        /// Its name.
        name: String,
        /// The number of the call, among those of the actor that have an answer.
        call: usize,
        /// What it returned.
        is: String,
    },
}

impl Wanted {
    /// Reads it; the error points into the text.
    pub fn read(text: &str, scenario: &Scenario, geometry: &Geometry) -> Result<Self, Diagnostics> {
        if text.trim().is_empty() {
            let help = format!("name a branch, for example `stale`, or write a condition: {EXAMPLES}");
            let nothing = error(0..0, "nothing is named that a run is to reach", help);
            return Err(Diagnostics::new(OPTION, None, vec![nothing]));
        }
        if !text.contains(['=', ':', '[', ' ']) {
            return branches::from_name(text).map(Wanted::Branch).ok_or_else(|| unknown_branch(text));
        }
        condition(text, scenario, geometry)
            .map_err(|error| Diagnostics::new(OPTION, Some(text.to_owned()), vec![error]))
    }

    /// The ranges whose contents have to be observed for it, and the actors that have to be listened to.
    pub fn observes(&self) -> (Vec<FileRange>, Vec<usize>) {
        match self {
            Wanted::Branch(_) => (Vec::new(), Vec::new()),
            Wanted::Contents { range, .. } => (vec![range.clone()], Vec::new()),
            Wanted::Answer { actor, .. } => (Vec::new(), vec![*actor]),
        }
    }

    /// Whether it is so where an observer of that sees this: `0-8k=11 00;`, `reader:0=57;`.
    pub fn is_met(&self, observed: &str) -> bool {
        let mut items = observed.split(';').filter_map(|item| item.trim().split_once('='));
        match self {
            Wanted::Branch(_) => false,
            Wanted::Contents { is, .. } => items.next().is_some_and(|(_, found)| all_are(found, is)),
            Wanted::Answer { name, call, is, .. } => {
                let key = format!("{name}:{call}");
                items.any(|(known, found)| known == key && (found == is || all_are(found, is)))
            }
        }
    }
}

fn all_are(cells: &str, is: &str) -> bool {
    !cells.is_empty() && cells.split(' ').all(|cell| cell == is)
}

fn unknown_branch(name: &str) -> Diagnostics {
    let names: Vec<&str> = branches::ALL.iter().map(|branch| branch.name()).collect();
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}; a condition is written like `[clone] 4k 4k = 57`", names.join(", ")),
    };
    let error = Diagnostic {
        span: 0..name.len(),
        message: format!("there is no branch {}", quote(name)),
        help: hint,
    };
    Diagnostics::new(OPTION, Some(name.to_owned()), vec![error])
}

fn error(span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    Diagnostic { span, message: message.into(), help: help.into() }
}

fn condition(text: &str, scenario: &Scenario, geometry: &Geometry) -> Result<Wanted, Diagnostic> {
    let help = || format!("for example {EXAMPLES}");
    let Some((left, right)) = text.rsplit_once('=') else {
        return Err(error(text.len()..text.len(), "what is to be there is missing", help()));
    };
    let is = Part::of(text, left.len() + 1..text.len());
    if is.text.is_empty() {
        return Err(error(text.len()..text.len(), "nothing stands behind the `=`", help()));
    }
    debug_assert!(right.trim() == is.text);
    match left.split_once(':').filter(|(actor, _)| !actor.contains(['[', ' '])) {
        Some((actor, _)) => {
            let call = Part::of(text, actor.len() + 1..left.len());
            answer(&Part::of(text, 0..actor.len()), &call, &is, scenario)
        }
        None => contents(&Part::of(text, 0..left.len()), &is, scenario, geometry),
    }
}

/// A part of the text, without spaces around it.
struct Part<'t> {
    text: &'t str,
    span: Range<usize>,
}

impl<'t> Part<'t> {
    fn of(text: &'t str, span: Range<usize>) -> Self {
        let part = &text[span.clone()];
        let start = span.start + part.len() - part.trim_start().len();
        let part = part.trim();
        Part { text: part, span: start..start + part.len() }
    }

    /// A byte as observers show it, or one of these words.
    fn value(&self, words: &[&str], also: &str) -> Result<String, Diagnostic> {
        let is_byte = self.text.len() == 2 && self.text.chars().all(|digit| digit.is_ascii_hexdigit());
        if is_byte {
            return Ok(self.text.to_ascii_lowercase());
        }
        if words.contains(&self.text) {
            return Ok(self.text.to_owned());
        }
        let message = format!("{} is not what a byte can be", quote(self.text));
        Err(error(self.span.clone(), message, format!("two hexadecimal digits, like `57`; {also}")))
    }
}

fn contents(
    range: &Part<'_>,
    is: &Part<'_>,
    scenario: &Scenario,
    geometry: &Geometry,
) -> Result<Wanted, Diagnostic> {
    // As a string of a file stands there, in quotes, one character further to the right.
    let quoted = format!("\"{}\"", range.text);
    let text = Text::new(&quoted, range.text, 0..quoted.len());
    let mut errors = Errors::default();
    let found = observed(&text, scenario.block, &scenario.files, &mut errors);
    let moved = |span: Range<usize>| {
        let place = |at: usize| range.span.start + at.saturating_sub(1).min(range.text.len());
        place(span.start)..place(span.end)
    };
    let Some(found) = found else {
        let first = errors.into_list().into_iter().next();
        let first = first.map(|found| Diagnostic { span: moved(found.span.clone()), ..found });
        return Err(
            first.unwrap_or_else(|| error(range.span.clone(), "this is no range", "for example `4k 4k`"))
        );
    };
    let end = u64::from(geometry.folios()) * geometry.folio_size();
    let cut = |byte: u64| (0..=geometry.cells()).any(|cell| geometry.byte_at(cell) == byte);
    if found.range.end > end || !cut(found.range.start) || !cut(found.range.end) {
        let places: Vec<String> =
            (0..=geometry.cells()).map(|cell| Bytes(geometry.byte_at(cell)).to_string()).collect();
        let help = format!("a range begins and ends where the files are cut: at {}", places.join(", "));
        return Err(error(range.span.clone(), "the files are not cut there", help));
    }
    let is =
        is.value(&["--", "~~"], "or `--` (behind the end of the file), `~~` (what no command has written)")?;
    Ok(Wanted::Contents { range: found, is })
}

fn answer(
    name: &Part<'_>,
    call: &Part<'_>,
    is: &Part<'_>,
    scenario: &Scenario,
) -> Result<Wanted, Diagnostic> {
    let names: Vec<&str> = scenario.actors.iter().map(|actor| actor.name.as_str()).collect();
    let Some(actor) = names.iter().position(|known| *known == name.text) else {
        let message = format!("there is no actor {}", quote(name.text));
        return Err(error(name.span.clone(), message, suggest(name.text, names.iter().copied(), "actor")));
    };
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let calls = scenario.actors[actor].run.iter().zip(&scenario.actor_lines[actor]);
    let answering: Vec<(&Command, String)> = calls
        .filter(|(call, _)| call.command.may_answer())
        .map(|(call, line)| (&call.command, plain(&line.text)))
        .collect();
    let said = plain(call.text);
    let alike: Vec<usize> = (0..answering.len()).filter(|at| answering[*at].1 == said).collect();
    if alike.len() > 1 {
        let message = format!("{} of {}'s calls are written like that", alike.len(), quote(name.text));
        let numbers: Vec<String> = alike.iter().map(|at| format!("{}:{at}", name.text)).collect();
        let help = format!("ask for one by its number, as final states have it: {}", numbers.join(", "));
        return Err(error(call.span.clone(), message, help));
    }
    let numbered = said.parse().ok().filter(|number| *number < answering.len());
    let Some(number) = numbered.or(alike.first().copied()) else {
        let lines: Vec<&str> = answering.iter().map(|(_, line)| line.as_str()).collect();
        let message = format!("{} has no such call with an answer", quote(name.text));
        let help = if lines.is_empty() {
            "none of its calls has one".to_owned()
        } else {
            format!("its calls with an answer are {}", list(lines))
        };
        return Err(error(call.span.clone(), message, help));
    };
    if let Some((_, line)) = answering[..=number].iter().find(|(command, _)| !answers_once(command)) {
        let message =
            format!("{} may answer more than once, and what comes behind it has no number", quote(line));
        return Err(error(call.span.clone(), message, "ask for a call before it, or for contents of a file"));
    }
    let is = returned(answering[number].0, is, scenario.block)?;
    Ok(Wanted::Answer { actor, name: name.text.to_owned(), call: number, is })
}

/// What a call is to return, as an observer shows it.
fn returned(command: &Command, is: &Part<'_>, block: u64) -> Result<String, Diagnostic> {
    let is_error = is.text.starts_with('E') && is.text.chars().all(|letter| letter.is_ascii_uppercase());
    if is_error {
        return Ok(is.text.to_owned());
    }
    if let Command::Pread { .. } = command {
        return is.value(
            &["nothing", "~~"],
            "or `nothing`, `~~` (what no command has written), an error like `EIO`",
        );
    }
    if let Command::Seek { .. } = command {
        let wrong =
            |wrong: number::NumberError| error(is.span.clone(), wrong.message(&quote(is.text)), wrong.help());
        return Ok(Bytes(number::size(is.text, block).map_err(wrong)?).to_string());
    }
    Ok(is.text.to_owned())
}

/// Whether a call has one answer in every run: a read of several pieces is several calls, as many as the file is long for.
fn answers_once(command: &Command) -> bool {
    if let Command::Pread { range, chunk, .. } = command {
        return range.end - range.start <= *chunk;
    }
    *command != Command::CopySparse
}
