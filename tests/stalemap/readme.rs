//! What the README shows is what the program prints, and its example is a scenario that works, like the sample of
//! docs/scenarios.md.

use std::collections::BTreeSet;
use std::fs;

use stalemap::scenario::catalogue;
use stalemap_model::words::design::Design;
use stalemap_model::words::kernel_version::KernelVersion;
use stalemap_model::words::personality::Personality;

use crate::common::{elsewhere, page, program, stalemap, text};

fn readme() -> String {
    page("README.md")
}

/// The contents of the first fenced block after `start` with the given language.
fn block(readme: &str, language: &str) -> String {
    let fence = format!("```{language}\n");
    let from = readme.find(&fence).expect("a block") + fence.len();
    let length = readme[from..].find("```").expect("its end");
    readme[from..from + length].to_owned()
}

#[test]
fn the_counterexample_is_what_replay_draws() {
    let folder = elsewhere();
    stalemap(folder.path(), &["check", "--design", "none", "xfs/t1", "--save", "schedules"]);
    let replayed = stalemap(folder.path(), &["replay", "schedules/xfs-t1-none.schedule", "--format", "mail"]);
    assert_eq!(replayed.status.code(), Some(0));
    assert_eq!(block(&readme(), ""), text(&replayed.stdout));
}

/// The whole catalogue is explored for it.
#[test]
fn the_answer_is_what_compare_prints_first() {
    let mut compare = program();
    compare.args(["compare", "--quiet"]).env_remove("COLUMNS");
    let compared = compare.output().expect("the program starts");
    assert_eq!(compared.status.code(), Some(0), "{}", text(&compared.stderr));
    assert_eq!(block(&readme(), "text"), text(&compared.stdout));
}

#[test]
fn the_example_is_as_it_expects() {
    let folder = elsewhere();
    fs::write(folder.path().join("my.toml"), block(&readme(), "toml")).expect("a file");
    let checked = stalemap(folder.path(), &["check", "my.toml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));
}

#[test]
fn the_sample_of_the_language_is_as_it_expects() {
    let folder = elsewhere();
    fs::write(folder.path().join("sample.toml"), block(&page("docs/scenarios.md"), "toml")).expect("a file");
    let checked = stalemap(folder.path(), &["check", "sample.toml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));
}

#[test]
fn the_gate_runs_the_commands_of_the_readme() {
    let gate = page(".ci/run");
    for command in ["cargo run -- compare", "cargo test --workspace"] {
        assert!(readme().contains(command), "{command}");
        assert!(gate.contains(command), "{command}");
    }
}

#[test]
fn the_numbers_are_right() {
    let (designs, kernels) = (Design::BUILT_IN.len(), KernelVersion::ALL.len());
    let scenarios = catalogue::all().len();
    let sentence =
        format!("There are {designs} built-in designs, {kernels} kernels and {scenarios} scenarios.");
    let words = readme().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&sentence), "{sentence}");
    assert_eq!(Personality::BUILT_IN.len(), 6);
    assert!(words.contains("on six file systems"));
    // Folders of the catalogue that are about none of them.
    let folders: BTreeSet<&str> =
        catalogue::all().iter().filter_map(|(name, _)| name.split('/').next()).collect();
    let built_in =
        |folder: &&str| Personality::BUILT_IN.iter().any(|name| name.split('-').any(|part| part == *folder));
    for folder in folders.iter().filter(|folder| !built_in(folder)) {
        assert!(words.contains(&format!("`scenarios/{folder}`")), "README.md says nothing of {folder}");
    }
}
