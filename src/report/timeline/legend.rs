//! What the marks and letters of a timeline mean, as far as they occur.

use anstyle::Style;

use super::gutter;
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
    const MEANINGS: [(&str, &[(char, &str)]); 2] = [
        ("ext", &[('H', "hole"), ('D', "delalloc"), ('U', "unwritten"), ('W', "written"), ('I', "inline")]),
        (
            "folios",
            &[
                ('-', "absent"),
                ('C', "clean"),
                ('D', "dirty"),
                ('W', "writeback"),
                ('l', "locked"),
                ('?', "not all valid"),
            ],
        ),
    ];
    let explain = |(name, meanings): (&str, &[(char, &str)])| {
        let columns = gutter.iter().filter(|column| column.name == name);
        let used = meanings.iter().filter(|(letter, _)| columns.clone().any(|c| c.letters.contains(*letter)));
        let mut items: Vec<String> = used.map(|(letter, meaning)| format!("{letter} {meaning}")).collect();
        if let Some(first) = items.first_mut() {
            first.insert_str(0, &format!("{name}: "));
        }
        items
    };
    let mut letters: Vec<Vec<String>> = MEANINGS.into_iter().map(explain).collect();
    letters.retain(|items| !items.is_empty());
    if let Some(last) = letters.last_mut().filter(|_| gutter.iter().any(|column| column.abbreviated)) {
        last.push("2-3:C numbers 2 to 3 changed to C".to_owned());
    }
    letters
}
