//! What files are called that are written for a scenario.

use xxhash_rust::xxh3::xxh3_64;

use crate::stdin::STDIN;

/// A name made of the scenario's and of what the file is of, without characters that a shell or a folder would take for
/// something else. Where these were more than the `/` of folders, a sum of the scenario's name stands behind it. Of different
/// scenarios it may be the same all the same: of `a/b` and `a-b`.
pub(crate) fn file_name(scenario: &str, of: &str, extension: &str) -> String {
    let scenario = if scenario == STDIN { "stdin" } else { scenario.trim_end_matches(".toml") };
    let is_plain = |character: char| character.is_alphanumeric() || "-_.".contains(character);
    let name: String = scenario.chars().map(|one| if is_plain(one) { one } else { '-' }).collect();
    // A name that begins with `-` is taken for an option, and one with `.` is hidden.
    let name = name.trim_start_matches(['-', '.']);
    let is_lossy = scenario.chars().any(|one| one != '/' && !is_plain(one)) || name.is_empty();
    let sum = if is_lossy { format!("{:08x}", xxh3_64(scenario.as_bytes()) >> 32) } else { String::new() };
    let parts = [name, &sum].into_iter().filter(|part| !part.is_empty());
    format!("{}-{of}.{extension}", parts.collect::<Vec<_>>().join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_of_different_files_different() {
        let name = |scenario| file_name(scenario, "none", "schedule");
        assert_eq!(name("xfs/t1"), "xfs-t1-none.schedule");
        assert_eq!(name("/tmp/lost.toml"), "tmp-lost-none.schedule");
        assert_eq!(name("ä.toml"), "ä-none.schedule");
        assert_eq!(name("<stdin>"), "stdin-none.schedule");
        let odd = [name("a b.toml"), name("a?b.toml"), name("?.toml"), name("..toml"), name("竞 争.toml")];
        for (at, one) in odd.iter().enumerate() {
            assert!(!one.starts_with(['-', '.']) && !one.contains([' ', '?']), "{one}");
            assert!(!odd[..at].contains(one), "{one}");
        }
    }
}
