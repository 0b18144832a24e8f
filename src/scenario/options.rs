//! The words of a command, taken apart as getopt(3) does: options in any order, values attached or not.

use std::borrow::Cow;
use std::ops::Range;

use super::errors::Errors;
use super::names::{count, quote};
use super::number::NumberError;
use super::text::{Text, Word};

/// A command by how it is written: which options it takes and how many arguments.
#[derive(Clone, Debug)]
pub(super) struct Syntax {
    /// Its name.
    pub(super) name: &'static str,
    /// The options as getopt(3) writes them: letters, those with a value followed by a colon.
    pub(super) options: &'static str,
    /// Options that xfs_io has and the model has not, in the same notation.
    pub(super) later: &'static str,
    /// How many arguments it takes: one of these, or as many as its reader finds right.
    pub(super) arguments: &'static [usize],
    /// The form in messages.
    pub(super) form: Cow<'static, str>,
}

/// A command's words by their role.
pub(super) struct Options<'s> {
    flags: Vec<char>,
    values: Vec<(char, Word<'s>)>,
    /// What is neither an option nor the value of one.
    pub(super) arguments: Vec<Word<'s>>,
}

/// What a letter means to a command.
enum Letter {
    Flag,
    Value,
    Later,
    Unknown,
}

impl<'s> Options<'s> {
    /// Takes the words after the command's name apart, or reports what is wrong with them.
    pub(super) fn parse(
        syntax: &Syntax,
        text: &Text<'s>,
        words: &[Word<'s>],
        errors: &mut Errors,
    ) -> Option<Self> {
        let (name, rest) = words.split_first()?;
        let mut options = Options { flags: Vec::new(), values: Vec::new(), arguments: Vec::new() };
        let mut rest = rest.iter();
        let mut sound = true;
        while let Some(word) = rest.next() {
            if word.text == "--" {
                options.arguments.extend(rest.by_ref().cloned());
            } else if word.text.len() > 1 && word.text.starts_with('-') {
                sound &= options.cluster(syntax, text, word, &mut rest, errors);
            } else {
                options.arguments.push(word.clone());
            }
        }
        (sound && options.counted(syntax, name, errors)).then_some(options)
    }

    /// Whether a flag was given.
    pub(super) fn flag(&self, letter: char) -> bool {
        self.flags.contains(&letter)
    }

    /// How often a flag was given.
    pub(super) fn flags(&self, letter: char) -> usize {
        self.flags.iter().filter(|flag| **flag == letter).count()
    }

    /// The values of an option, in their order.
    pub(super) fn values(&self, letter: char) -> impl Iterator<Item = &Word<'s>> {
        self.values.iter().filter(move |(other, _)| *other == letter).map(|(_, word)| word)
    }

    /// The value of an option; of several, the last.
    pub(super) fn value(&self, letter: char) -> Option<&Word<'s>> {
        self.values(letter).last()
    }

    /// One word of options: `-w`, `-qw`, `-S 1`, `-S1`.
    fn cluster(
        &mut self,
        syntax: &Syntax,
        text: &Text<'s>,
        word: &Word<'s>,
        rest: &mut std::slice::Iter<'_, Word<'s>>,
        errors: &mut Errors,
    ) -> bool {
        for (at, letter) in word.text.char_indices().skip(1) {
            let next = at + letter.len_utf8();
            let span = text.part(&(word.at + at..word.at + next));
            match meaning(syntax, letter) {
                Letter::Flag => self.flags.push(letter),
                Letter::Value => {
                    let attached = (next < word.text.len()).then(|| word.tail(text, next));
                    let Some(value) = attached.or_else(|| rest.next().cloned()) else {
                        let message = format!("`-{letter}` of {} lacks its value", syntax.name);
                        errors.add(span, message, usage(syntax));
                        return false;
                    };
                    self.values.push((letter, value));
                    return true;
                }
                Letter::Later => {
                    let message = format!("`-{letter}` of {} is not modelled yet", syntax.name);
                    errors.add(span, message, usage(syntax));
                    return false;
                }
                Letter::Unknown if letter.is_ascii_digit() && at == 1 => {
                    let message = format!("{} is negative", quote(word.text));
                    errors.add(word.span.clone(), message, NumberError::Negative.help());
                    return false;
                }
                Letter::Unknown => {
                    let message = format!("{} has no option {}", syntax.name, quote(&format!("-{letter}")));
                    errors.add(span, message, usage(syntax));
                    return false;
                }
            }
        }
        true
    }

    /// Whether there are as many arguments as the command takes.
    fn counted(&self, syntax: &Syntax, name: &Word<'_>, errors: &mut Errors) -> bool {
        let given = self.arguments.len();
        if syntax.arguments.is_empty() || syntax.arguments.contains(&given) {
            return true;
        }
        let most = syntax.arguments.last().copied().unwrap_or(0);
        let span: Range<usize> = match self.arguments.get(most) {
            Some(surplus) => surplus.span.clone(),
            None => name.span.clone(),
        };
        let takes: Vec<String> = syntax.arguments.iter().map(ToString::to_string).collect();
        let takes = match syntax.arguments {
            [one] => count(*one, "argument"),
            _ => format!("{} arguments", takes.join(" or ")),
        };
        errors.add(span, format!("{} takes {takes}, not {given}", syntax.name), usage(syntax));
        false
    }
}

fn meaning(syntax: &Syntax, letter: char) -> Letter {
    let find = |options: &str| {
        let at = options.find(letter).filter(|_| letter != ':')?;
        Some(options[at + letter.len_utf8()..].starts_with(':'))
    };
    match find(syntax.options) {
        Some(true) => Letter::Value,
        Some(false) => Letter::Flag,
        None if find(syntax.later).is_some() => Letter::Later,
        None => Letter::Unknown,
    }
}

/// How a command is written.
pub(super) fn usage(syntax: &Syntax) -> String {
    format!("the form is `{}`", syntax.form)
}
