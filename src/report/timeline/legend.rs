//! What the marks and letters of a timeline mean, as far as they occur.

use anstyle::Style;

use super::gutter;
use crate::report::letters;
use crate::report::text::{Line, width as width_of, wrap};

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
    if let Some(last) = letters.last_mut().filter(|_| gutter.iter().any(|column| column.abbreviated)) {
        last.push("2-3:C numbers 2 to 3 changed to C".to_owned());
    }
    letters
}
