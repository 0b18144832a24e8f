//! A schedule that was quoted in a mail: each line begins with `> `, once for each answer that it went through.

/// How a schedule begins.
const BEGINNING: &str = "stalemap schedule";
/// What a line is quoted with; mail programs put a blank behind it, or not.
const MARK: char = '>';
/// So much is shown of a line.
const SHOWN: usize = 60;

/// Whether this is a schedule, quoted or not.
pub(super) fn is_schedule(bytes: &[u8]) -> bool {
    let is_mark = |byte: &u8| *byte == MARK as u8 || byte.is_ascii_whitespace();
    let begins = bytes.iter().position(|byte| !is_mark(byte)).unwrap_or(bytes.len());
    let quoted = bytes[..begins].contains(&(MARK as u8));
    bytes.starts_with(BEGINNING.as_bytes()) || (quoted && bytes[begins..].starts_with(BEGINNING.as_bytes()))
}

/// The text without its quotation marks, line by line; one without them is left as it is. Blanks at the ends of quoted lines go with
/// the marks: mail programs add and remove them.
pub(super) fn taken_off(text: String) -> Result<String, String> {
    let marks = Marks::of(text.lines().next().unwrap_or_default());
    if marks.depth == 0 {
        return Ok(without_blanks(text));
    }
    let mut plain = String::new();
    for (at, line) in text.lines().enumerate() {
        let rest = marks.off(line).ok_or_else(|| missing(at + 1, line))?;
        plain.push_str(rest.trim_end());
        plain.push('\n');
    }
    Ok(plain)
}

/// The text without blanks at the end of its first line, by which a schedule is known.
fn without_blanks(text: String) -> String {
    let end = text.find('\n').unwrap_or(text.len());
    let first = text[..end].trim_end();
    if first.len() == end || !first.starts_with(BEGINNING) {
        return text;
    }
    format!("{first}{}", &text[end..])
}

/// How lines are quoted.
#[derive(Clone, Copy)]
struct Marks {
    /// How often.
    depth: usize,
    /// Whether a blank stands behind the last mark.
    blank: bool,
}

impl Marks {
    /// Those of the first line, which begins with no blank of its own.
    fn of(first: &str) -> Self {
        let mut marks = Marks { depth: 0, blank: false };
        let mut rest = first;
        while let Some(inner) = rest.strip_prefix(MARK) {
            let behind = inner.strip_prefix(' ');
            marks = Marks { depth: marks.depth + 1, blank: behind.is_some() };
            rest = behind.unwrap_or(inner);
        }
        marks
    }

    /// A line without them. One that is empty needs none.
    fn off(self, line: &str) -> Option<&str> {
        if line.trim().is_empty() {
            return Some("");
        }
        let mut rest = line;
        for left in (0..self.depth).rev() {
            rest = rest.strip_prefix(MARK)?;
            if left > 0 || self.blank {
                rest = rest.strip_prefix(' ').unwrap_or(rest);
            }
        }
        Some(rest)
    }
}

fn missing(number: usize, line: &str) -> String {
    let shown: String = line.trim_end().chars().take(SHOWN).collect();
    format!(
        "line {number}: `{shown}` is not quoted as the first line is (`{MARK} `); if it is the end of the line above, join them, \
         and leave out what is not of the schedule"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_off_and_lines_keep_their_numbers() {
        let plain = "stalemap schedule 1\ndesign = none\n\na: op\n  > b\n";
        for (mark, empty) in [("> ", ">"), ("> > ", "> >"), (">> ", ">> "), (">", ""), ("> ", " ")] {
            for end in ["\n", "\r\n", " \t\n", "  \r\n"] {
                let quote =
                    |line: &str| if line.is_empty() { empty.to_owned() } else { format!("{mark}{line}") };
                let text: String = plain.lines().map(|line| quote(line) + end).collect();
                assert!(is_schedule(text.as_bytes()), "{text}");
                assert_eq!(taken_off(text.clone()).as_deref(), Ok(plain), "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_not_quoted_is_left_as_it_is() {
        let blank = taken_off("stalemap schedule 1 \r\n a \r\n".to_owned());
        assert_eq!(blank.as_deref(), Ok("stalemap schedule 1\n a \r\n"));
        for text in ["", "stalemap schedule 1\n> a\r\n", "title = \"x\"\n"] {
            assert_eq!(taken_off(text.to_owned()).as_deref(), Ok(text));
        }
        assert!(
            !is_schedule(b"title = \"x\"") && !is_schedule(b"> title") && !is_schedule(b" stalemap schedule")
        );
    }

    #[test]
    fn a_line_without_its_mark_is_named() {
        let problem = taken_off("> stalemap schedule 1\n> a =\nb\n".to_owned()).unwrap_err();
        assert!(problem.starts_with("line 3: `b` is not quoted"), "{problem}");
    }
}
