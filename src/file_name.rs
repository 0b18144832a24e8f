//! What files are called that are written for a scenario.

/// A name made of the scenario's and of what the file is of, without characters that a shell or a folder would take for
/// something else. Of different scenarios it may be the same.
pub(crate) fn file_name(scenario: &str, of: &str, extension: &str) -> String {
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() || "-_.".contains(character) { character } else { '-' }
    };
    let name: String = scenario.trim_end_matches(".toml").chars().map(plain).collect();
    format!("{}-{of}.{extension}", name.trim_start_matches(['-', '.']))
}
