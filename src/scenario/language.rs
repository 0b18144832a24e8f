//! The page about the scenario language speaks of everything that a scenario can say.

use stalemap_model::actors;
use stalemap_model::judge::properties;
use stalemap_model::words::branches;
use stalemap_model::words::design::Design;
use stalemap_model::words::personality::Personality;
use stalemap_model::words::settings::{Setting, SettingError};

use super::{read, verb};

const PAGE: &str = include_str!("../../docs/scenarios.md");

/// What the page has in back-ticks, as whole words.
fn words() -> Vec<&'static str> {
    let quoted = PAGE.split('`').skip(1).step_by(2);
    quoted.flat_map(|text| text.split([' ', '"', '[', ']', '|', '\\', ',', '='])).collect()
}

/// The part of the page under a heading.
fn section(heading: &str) -> &'static str {
    let from = PAGE.find(&format!("\n## {heading}\n")).expect("a heading") + 4;
    let length = PAGE[from..].find("\n## ").unwrap_or(PAGE.len() - from);
    &PAGE[from..from + length]
}

/// The row of a table that is about a field.
fn row(section: &'static str, field: &str) -> &'static str {
    let start = format!("| `{field}` |");
    section
        .lines()
        .find(|line| line.starts_with(&start))
        .unwrap_or_else(|| panic!("no row starts with {start}"))
}

/// The fields that have a row.
fn rows(section: &'static str) -> Vec<&'static str> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(field, _)| field).collect()
}

/// What a field takes, where that is one of some names.
fn values(error: Result<(), SettingError>) -> Vec<String> {
    let Err(SettingError::WrongValue(allowed)) = error else { panic!("no field takes this: {error:?}") };
    allowed
        .into_iter()
        .filter_map(|value| Some(value.strip_prefix('"')?.strip_suffix('"')?.to_owned()))
        .collect()
}

#[test]
fn every_command_property_and_branch_is_there() {
    let words = words();
    let properties = properties::ALL.iter().map(|property| property.name());
    let branches = branches::ALL.iter().map(|branch| branch.name());
    for name in verb::names().chain(properties).chain(branches) {
        assert!(words.contains(&name), "docs/scenarios.md says nothing of `{name}`");
    }
}

#[test]
fn every_actor_that_is_called_by_a_range_has_the_row_that_it_says() {
    for command in actors::ALL {
        let row = format!("| `{} off len` | {} |", command.name(), command.summary());
        assert!(
            section("Commands").lines().any(|line| line == row),
            "docs/scenarios.md lacks the row\n{row}"
        );
    }
}

#[test]
fn every_design_and_field_is_there_with_its_values() {
    let designs = section("Designs");
    for name in Design::BUILT_IN {
        assert!(designs.contains(&format!("`{name}`")), "docs/scenarios.md says nothing of `{name}`");
    }
    assert_eq!(rows(designs), Design::FIELDS);
    let mut design = Design::built_in("none").expect("a design");
    for field in Design::FIELDS {
        for value in values(design.set(field, Setting::Text("\0"))) {
            assert!(
                row(designs, field).contains(&format!("`{value}`")),
                "the row of `{field}` lacks `{value}`"
            );
        }
    }
}

#[test]
fn every_personality_and_field_is_there_with_its_values() {
    let personalities = section("Personalities");
    for name in Personality::BUILT_IN {
        assert!(personalities.contains(&format!("`{name}`")), "docs/scenarios.md says nothing of `{name}`");
    }
    assert_eq!(rows(personalities), Personality::FIELDS);
    let mut personality = Personality::built_in("xfs").expect("a personality");
    for field in Personality::FIELDS {
        for value in values(personality.set(field, Setting::Text("\0"))) {
            assert!(
                row(personalities, field).contains(&format!("`{value}`")),
                "the row of `{field}` lacks `{value}`"
            );
        }
    }
}

#[test]
fn the_example_is_a_scenario() {
    let from = PAGE.find("```toml\n").expect("a block") + "```toml\n".len();
    let length = PAGE[from..].find("```").expect("its end");
    let source = &PAGE[from..from + length];
    let scenario = read("docs/scenarios.md", source.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
    let tables = ["geometry", "fs", "setup", "observe", "expect", "reach", "limits"];
    assert!(tables.iter().all(|table| source.contains(&format!("[{table}]"))));
    assert_eq!((scenario.files.len(), scenario.actors.len(), scenario.holds.len()), (2, 3, 1));
}
