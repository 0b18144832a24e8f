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

/// What the row of a field says, and the cell behind that: what the field is if nobody says.
fn cells(section: &'static str, field: &str) -> (&'static str, &'static str) {
    let row = row(section, field).trim_end_matches(" |");
    let (_, cells) = row.split_once("` | ").expect("a cell");
    cells.rsplit_once(" | ").unwrap_or_else(|| panic!("the row of `{field}` says no default"))
}

/// Values of several names as the last cell of a row has them: that of the first name, and those of others where they differ.
fn by_name(values: &[(&str, String)]) -> String {
    let quoted = |value: &str| {
        let value = value.trim_matches('"');
        // There is no such number.
        if value == "enough" { value.to_owned() } else { format!("`{value}`") }
    };
    let (_, first) = &values[0];
    let mut others: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, value) in values.iter().filter(|(_, value)| value != first) {
        match others.iter_mut().find(|(other, _)| other == value) {
            Some((_, names)) => names.push(name),
            None => others.push((value, vec![name])),
        }
    }
    let other = |(value, names): &(&str, Vec<&str>)| {
        // Patches of a series that follow each other.
        let (series, others): (Vec<&str>, Vec<&str>) =
            names.iter().partition(|name| name.starts_with("series-"));
        let range = match series[..] {
            [first, _, .., last] => vec![format!("{first} to {last}")],
            _ => series.into_iter().map(str::to_owned).collect(),
        };
        let names: Vec<String> = others.into_iter().map(str::to_owned).chain(range).collect();
        format!("; {}: {}", names.join(", "), quoted(value))
    };
    quoted(first) + &others.iter().map(other).collect::<String>()
}

/// The fields that have a row.
fn rows(section: &'static str) -> Vec<&'static str> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(field, _)| field).collect()
}

/// What a field takes, where that is one of some names.
fn values(error: Result<(), SettingError>) -> Vec<String> {
    let Err(SettingError::WrongValue { allowed, .. }) = error else {
        panic!("no field takes this: {error:?}")
    };
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
                cells(designs, field).0.contains(&format!("`{value}`")),
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
                cells(personalities, field).0.contains(&format!("`{value}`")),
                "the row of `{field}` lacks `{value}`"
            );
        }
    }
}

#[test]
fn every_row_of_a_field_says_what_it_is_by_default() {
    let designs: Vec<Design> = ["iomap_valid"]
        .iter()
        .chain(Design::BUILT_IN.iter().filter(|name| **name != "iomap_valid"))
        .map(|name| Design::built_in(name).expect("a design"))
        .collect();
    let personalities: Vec<Personality> = Personality::BUILT_IN
        .iter()
        .map(|name| Personality::built_in(name).expect("a personality"))
        .collect();
    let of_designs = Design::FIELDS.iter().map(|field| {
        let values: Vec<_> =
            designs.iter().map(|design| (design.name.as_str(), design.value(field))).collect();
        ("Designs", *field, by_name(&values))
    });
    let of_personalities = Personality::FIELDS.iter().map(|field| {
        let values: Vec<_> = personalities.iter().map(|fs| (fs.base, fs.value(field))).collect();
        ("Personalities", *field, by_name(&values))
    });
    let wrong: Vec<String> = of_designs
        .chain(of_personalities)
        .filter(|(heading, field, right)| cells(section(heading), field).1 != right)
        .map(|(_, field, right)| format!("`{field}`: {right}"))
        .collect();
    assert!(wrong.is_empty(), "docs/scenarios.md should say by default\n{}", wrong.join("\n"));
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
