//! The few styles of the reports. Whether they reach the reader is decided where the text is printed: a pipe
//! or NO_COLOR strips them. What is laid out for its reader, as a timeline or a table, is told before ([`Paint`]).
//!
//! [`Paint`]: crate::paint::Paint

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// Something is as it should be.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// A violation, as expected or not.
pub const BAD: Style = AnsiColor::Red.on_default();
/// Not decided, or needing a look.
pub const DOUBT: Style = AnsiColor::Yellow.on_default();
/// Titles and heads.
pub const HEAD: Style = Style::new().bold();

/// Beside the point.
pub const DIM: Style = Style::new().dimmed();

/// `text` in a style.
pub fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
