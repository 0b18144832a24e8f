//! What the README shows is what the program prints, and its example is a scenario that works.

use std::fs;
use std::path::Path;
use std::process::Command;

use stalemap::scenario::catalogue;
use stalemap_model::design::Design;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("a README")
}

/// The contents of the first fenced block after `start` with the given language.
fn block(readme: &str, language: &str) -> String {
    let fence = format!("```{language}\n");
    let from = readme.find(&fence).expect("a block") + fence.len();
    let length = readme[from..].find("```").expect("its end");
    readme[from..from + length].to_owned()
}

fn stalemap(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stalemap"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn the_counterexample_is_what_replay_draws() {
    let folder = tempfile::tempdir().expect("a folder");
    stalemap(folder.path(), &["check", "--design", "none", "xfs/t1", "--save", "schedules"]);
    let (code, drawn) =
        stalemap(folder.path(), &["replay", "schedules/xfs-t1-none.schedule", "--format", "mail"]);
    assert_eq!(code, Some(0));
    assert_eq!(block(&readme(), ""), drawn);
}

#[test]
fn the_example_is_as_it_expects() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("my.toml"), block(&readme(), "toml")).expect("a file");
    let (code, said) = stalemap(folder.path(), &["check", "my.toml"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn the_gate_runs_the_commands_of_the_readme() {
    let gate = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/run");
    let gate = fs::read_to_string(gate).expect("a gate");
    for command in ["cargo run --release -- compare", "cargo test --workspace"] {
        assert!(readme().contains(command), "{command}");
        assert!(gate.contains(command), "{command}");
    }
}

#[test]
fn the_numbers_are_right() {
    let (designs, scenarios) = (Design::BUILT_IN.len(), catalogue::all().len());
    let sentence = format!("There are {designs} built-in designs and {scenarios} scenarios.");
    let words = readme().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&sentence), "{sentence}");
}
