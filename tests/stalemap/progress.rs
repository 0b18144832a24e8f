//! What stderr says while a search runs: it is asked for, it is not in the results, and its estimate is not far off.

use std::process::Output;

use crate::common::{in_repository, stalemap, text};

fn check(arguments: &[&str]) -> Output {
    let folder = in_repository("tests/stalemap/inputs");
    stalemap(&folder, &[&["check"], arguments].concat())
}

/// A number as it is shown: `1.6 M`.
fn number(words: &str) -> f64 {
    let (number, unit) = words.split_once(' ').unwrap_or((words, ""));
    let unit = match unit {
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        other => panic!("{other}"),
    };
    number.parse::<f64>().unwrap_or_else(|_| panic!("no number: {words}")) * unit
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no `{before}`: {text}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no `{after}`: {text}")).0
}

#[test]
fn a_long_search_is_estimated_and_comes_to_about_that() {
    let output = check(&["twice.toml", "--progress", "always", "--quiet", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stderr);
    let estimate = said.lines().find(|line| line.contains("takes long")).unwrap_or_else(|| panic!("{said}"));
    assert!(estimate.starts_with("twice.toml under iomap_valid takes long: about "), "{estimate}");
    assert!(estimate.contains("from every 2 of its actors alone"), "{estimate}");
    let about = number(between(estimate, "about ", " states"));
    let (least, most) = (between(estimate, "states (", " to "), between(estimate, " to ", ")"));
    assert!(number(least) < about && about < number(most), "{estimate}");
    let end = said.lines().last().expect("a line");
    assert!(end.ends_with(" s: all of 1 done"), "{end}");
    let states = 1_589_652.0;
    assert!((0.5..2.0).contains(&(about / states)), "{estimate}");
    // Of what was as expected the document has nothing.
    assert!(text(&output.stdout).contains("\"results\": []"), "{}", text(&output.stdout));
}

#[test]
fn progress_is_no_part_of_the_results() {
    let limited = ["twice.toml", "--limit-states", "600000", "--format", "json", "--no-times"];
    let with = |when: &'static str| check(&[&limited[..], &["--progress", when]].concat());
    let (always, never) = (with("always"), with("never"));
    assert_eq!(always.status.code(), Some(3));
    assert_eq!(text(&always.stdout), text(&never.stdout));
    assert!(text(&always.stderr).contains(" s: all of 1 done\n"));
    assert_eq!(text(&never.stderr), "");
    let wrong = with("sometimes");
    assert_eq!(wrong.status.code(), Some(2));
}
