//! Lines of styled text.

use anstyle::Style;

use crate::paint::Paint;
use crate::wrap::width;

/// One line under construction: texts put at places, from left to right.
#[derive(Default)]
pub(crate) struct Line {
    spans: Vec<(Style, String)>,
    end: usize,
}

impl Line {
    /// Puts `text` at a place, or behind what is there already.
    pub(crate) fn put(&mut self, at: usize, style: Style, text: &str) {
        if text.is_empty() {
            return;
        }
        self.spans.push((Style::new(), " ".repeat(at.saturating_sub(self.end))));
        self.end = self.end.max(at) + width(text);
        self.spans.push((style, text.to_owned()));
    }

    /// The line as it is printed.
    pub(crate) fn finish(&self, paint: Paint) -> String {
        let span = |(style, text): &(Style, String)| {
            let colored = paint == Paint::Colored && !style.is_plain();
            if colored { format!("{style}{text}{style:#}") } else { text.clone() }
        };
        self.spans.iter().map(span).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_keep_their_places() {
        let mut line = Line::default();
        line.put(2, Style::new().bold(), "ab");
        line.put(6, Style::new(), "c");
        assert_eq!(line.finish(Paint::Plain), "  ab  c");
        assert_eq!(line.finish(Paint::Colored), "  \u{1b}[1mab\u{1b}[0m  c");
    }
}
