//! What the marks and letters of a timeline mean, as far as they occur.

use anstyle::Style;

use super::gutter::{self, Short};
use crate::report::letters;
use crate::report::line::Line;
use crate::wrap::{width as width_of, wrap};

/// Items of a legend, on as many lines as they take; an item is broken only if it is wider than a line.
pub(super) fn legend(items: &[String], width: usize) -> Vec<Line> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if width_of(line) + 3 + width_of(item) <= width => {
                line.push_str("   ");
                line.push_str(item);
            }
            _ => lines.push(item.clone()),
        }
    }
    let fits = |text: &String| if width_of(text) > width { wrap(text, width, 2) } else { vec![text.clone()] };
    let line = |text: String| {
        let mut line = Line::default();
        line.put(0, Style::new(), &text);
        line
    };
    lines.iter().flat_map(fits).map(line).collect()
}

/// What the letters of the shared state mean, as far as they occur.
pub(super) fn letters(gutter: &[gutter::Column]) -> Vec<Vec<String>> {
    let mut letters = letters::meanings(|name, letter| {
        gutter.iter().any(|column| column.name == name && column.letters.contains(letter))
    });
    let mut short = Short::default();
    for column in gutter.iter().filter_map(|column| column.short.as_ref()) {
        short.run = short.run.or_else(|| column.run.clone());
        short.numbers = short.numbers.or_else(|| column.numbers.clone());
        short.cow |= column.cow;
    }
    letters.extend(Some(short.meanings()).filter(|meanings| !meanings.is_empty()));
    letters
}
