//! What is wrong with a file: every error with its place, shown the way rustc shows its own.

use std::fmt;
use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet, normalize_untrusted_str};

use crate::paint::Paint;

/// The most errors of one file that are printed; the rest is counted.
const SHOWN: usize = 50;
/// The most bytes of one line that are printed. A file may be one line of a megabyte.
const LINE: usize = 400;

/// One error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// The offending bytes of the file; empty where something is missing.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

/// All errors of one file, by position.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostics {
    name: String,
    /// The text that spans point into, or `None` for a file that is not worth showing.
    source: Option<String>,
    errors: Vec<Diagnostic>,
}

impl Diagnostics {
    /// The errors of a file that is called `name` in messages.
    pub(super) fn new(name: &str, source: Option<String>, mut errors: Vec<Diagnostic>) -> Self {
        errors.sort_by_key(|error| (error.span.start, error.span.end));
        errors.dedup();
        Diagnostics { name: name.to_owned(), source, errors }
    }

    /// The errors, by position.
    pub fn errors(&self) -> &[Diagnostic] {
        &self.errors
    }

    /// The errors as text for people: file, line and column, the offending text underlined, and what would be
    /// right. Ends with a line break.
    pub fn render(&self, paint: Paint) -> String {
        let renderer = match paint {
            Paint::Colored => Renderer::styled(),
            Paint::Plain => Renderer::plain(),
        };
        let mut text = String::new();
        for error in self.errors.iter().take(SHOWN) {
            text.push_str(&self.render_one(&renderer, error));
            text.push_str("\n\n");
        }
        if let Some(more) = self.errors.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let errors = if more == 1 { "error" } else { "errors" };
            let _ = writeln!(text, "… and {more} more {errors} in {}\n", normalize_untrusted_str(&self.name));
        }
        text.pop();
        text
    }

    fn render_one(&self, renderer: &Renderer, error: &Diagnostic) -> String {
        let title = Level::ERROR.primary_title(&error.message);
        let group = if let Some(source) = &self.source {
            let line = Line::at(source, error.span.start);
            let annotation = AnnotationKind::Primary.span(line.within(&error.span));
            let snippet = Snippet::source(line.text).line_start(line.number).path(&self.name);
            title.element(snippet.annotation(annotation))
        } else {
            title.element(Origin::path(&self.name))
        };
        renderer.render(&[group.element(Level::HELP.message(normalize_untrusted_str(&error.help)))])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Paint::Plain))
    }
}

impl std::error::Error for Diagnostics {}

/// The line that an error is shown in. Only that line goes to the renderer, so that its work does not grow
/// with the file, and an error that spans lines (an unclosed array) does not print all of them.
struct Line<'s> {
    text: &'s str,
    start: usize,
    /// Counted from 1.
    number: usize,
}

impl<'s> Line<'s> {
    fn at(source: &'s str, offset: usize) -> Self {
        let offset = source.floor_char_boundary(offset.min(source.len()));
        let (before, after) = source.split_at(offset);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let end = after.find('\n').map_or(source.len(), |at| offset + at);
        let text = &source[start..end];
        let text = text.strip_suffix('\r').unwrap_or(text);
        let text = &text[..text.ceil_char_boundary(LINE.max(offset - start + LINE / 2))];
        Line { text, start, number: before.matches('\n').count() + 1 }
    }

    /// The part of a span that lies in this line.
    fn within(&self, span: &Range<usize>) -> Range<usize> {
        let clamp = |offset: usize| {
            self.text.floor_char_boundary(offset.saturating_sub(self.start).min(self.text.len()))
        };
        clamp(span.start)..clamp(span.end.max(span.start))
    }
}
