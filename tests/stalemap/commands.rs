//! No code decides about commands that it does not name: where a command is taken apart, the compiler asks for every one.

use std::fs;
use std::path::{Path, PathBuf};

const WORKSPACE: &str = env!("CARGO_MANIFEST_DIR");

/// How far a line is indented.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Whether a line begins the pattern of an arm that names a command.
fn names_a_command(line: &str) -> bool {
    let pattern = line.trim_start().trim_start_matches("| ");
    let pattern = pattern.trim_start_matches("(_, ").trim_start_matches("Some(").trim_start_matches('&');
    pattern.starts_with("Command::")
}

/// Whether a line is an arm that takes whatever is left.
fn takes_the_rest(line: &str) -> bool {
    let Some((pattern, _)) = line.trim_start().split_once(" =>") else { return false };
    let pattern = pattern.split(" if ").next().unwrap_or(pattern);
    let inner = pattern.trim_start_matches("Some(").trim_end_matches(')');
    inner == ".." || inner.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

/// The lines of rustfmt's text, from 1, in which a `match` over commands has an arm for the rest, or a `matches!` names
/// some. A path's `begin` may: which commands lead into a path is said by a match in `model/system/task.rs` that may not.
fn hidden(text: &str) -> Vec<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let inside = lines[..at].iter().rev().find(|line| line.contains("fn "));
        if inside
            .is_some_and(|function| function.contains("fn begin<B: Backend>(part: &Part<'_, B>) -> Option<"))
        {
            continue;
        }
        if takes_the_rest(line) {
            let arms = lines[..at]
                .iter()
                .rev()
                .take_while(|other| indent(other) >= indent(line) || other.trim().is_empty());
            if arms.filter(|other| indent(other) == indent(line)).any(|other| names_a_command(other)) {
                found.push(at + 1);
            }
        }
        let asked = line.split_once("matches!(").map(|(_, rest)| rest);
        if asked.is_some_and(|rest| rest.contains("Command::"))
            || asked == Some("") && lines[at..].iter().skip(1).take(3).any(|line| line.contains("Command::"))
        {
            found.push(at + 1);
        }
    }
    found
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            collect(&entry, files);
        } else if entry.extension().is_some_and(|extension| extension == "rs") && !entry.ends_with("tests.rs")
        {
            files.push(entry);
        }
    }
}

#[test]
fn no_command_is_among_the_rest() {
    let mut files = Vec::new();
    for folder in ["model", "src"] {
        collect(&Path::new(WORKSPACE).join(folder), &mut files);
    }
    let mut matches = 0;
    for file in files {
        let text = fs::read_to_string(&file).expect("a file");
        matches += text.lines().filter(|line| names_a_command(line)).count();
        assert_eq!(hidden(&text), [0; 0], "{}", file.display());
    }
    assert!(matches > 40, "{matches} arms were read");
}

#[test]
fn an_arm_for_the_rest_is_found() {
    let arm =
        "match c {\n    Command::A => 1,\n    Command::B { .. } => {\n        2\n    }\n    _ => 0,\n}\n";
    assert_eq!(hidden(arm), [6]);
    let named = "match c {\n    Some(Command::A) => 1,\n    Some(other) if x => 0,\n    None => 2,\n}\n";
    assert_eq!(hidden(named), [3]);
    assert_eq!(hidden("let a = matches!(c, Command::A { .. });\n"), [1]);
    assert_eq!(hidden("matches!(\n    c,\n    Command::A\n)\n"), [1]);
    let other = "match c {\n    Command::A => match d {\n        D::E => 1,\n        _ => 0,\n    },\n}\n";
    assert_eq!(hidden(other), [0; 0]);
    let begin = "fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {\n    match c {\n        Command::A => 1,\n        _ => 0,\n    }\n}\n";
    assert_eq!(hidden(begin), [0; 0]);
}
