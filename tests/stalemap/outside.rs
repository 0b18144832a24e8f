//! What a crate of somebody else's can do: a system of its own, and scenarios that are its tests. `tests/fixtures/outside`
//! is one, outside of the workspace; it is built and run here, and then again with scenarios that fail.
//!
//! What it depends on is a copy of the workspace with what docs/extending.md adds ([`extending`](crate::extending)), so that
//! the engines are built once for both subjects.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use toml::{Table, Value};

use crate::common::{self, in_repository, text};
use crate::extending::Extended;

/// A copy of the crate beside what the tests are built into, so that most dependencies need not be built again.
struct Outside {
    root: PathBuf,
    target: PathBuf,
}

impl Outside {
    fn new(workspace: &Path) -> Self {
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let root = temporary.join("outside");
        let _ = fs::remove_dir_all(&root);
        let outside = Outside { root, target: temporary.parent().expect("the target directory").to_owned() };
        common::copy_tree(&in_repository("tests/fixtures/outside"), &outside.root).expect("a copy");
        common::copy_file(&in_repository("Cargo.lock"), &outside.root.join("Cargo.lock")).expect("a copy");
        let manifest = outside.read("Cargo.toml").replace("../../..", &workspace.display().to_string());
        outside.write("Cargo.toml", &with_dependencies_as_ours(&manifest));
        // What an earlier run was built from was newer.
        for file in ["scenarios/check-before-lock.toml", "scenarios/more/no-reclaim.toml"] {
            outside.write(file, &outside.read(file));
        }
        outside.write("profile.toml", &profile());
        outside
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).expect("a file")
    }

    fn write(&self, path: &str, contents: &str) {
        fs::write(self.root.join(path), contents).expect("a file");
    }

    fn test(&self) -> Output {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        cargo.args(["test", "--tests", "--offline", "--no-fail-fast", "--config", "profile.toml"]);
        cargo.output().expect("cargo")
    }
}

/// The manifest with what our own tests depend on, and with the same resolver: so the dependencies of both have the same
/// features, and are built once.
fn with_dependencies_as_ours(manifest: &str) -> String {
    let mut manifest: Table = manifest.parse().expect("a manifest");
    let ours: Table = common::page("Cargo.toml").parse().expect("a manifest");
    let dependencies = ours["dev-dependencies"].as_table().expect("dependencies").clone();
    manifest["dev-dependencies"].as_table_mut().expect("dependencies").extend(dependencies);
    let workspace = manifest["workspace"].as_table_mut().expect("a workspace");
    workspace.insert("resolver".to_owned(), ours["workspace"]["resolver"].clone());
    manifest.to_string()
}

/// The profile that the tests are built with, for the sake of the dependencies; what is built again is quickly built
/// rather than quick.
fn profile() -> String {
    let manifest: Table = common::page("Cargo.toml").parse().expect("a manifest");
    let mut test = manifest["profile"]["dev"].as_table().expect("a profile").clone();
    test.insert("opt-level".to_owned(), Value::Integer(0));
    for (package, profile) in test["package"].as_table_mut().expect("packages") {
        if package.starts_with("stalemap") {
            let profile = profile.as_table_mut().expect("a profile");
            profile.insert("opt-level".to_owned(), Value::Integer(0));
            profile.remove("codegen-units");
        }
    }
    let profile = Table::from_iter([("test".to_owned(), Value::Table(test))]);
    Table::from_iter([("profile".to_owned(), Value::Table(profile))]).to_string()
}

/// What its tests say.
pub(crate) struct Runs {
    /// When all are as they expect.
    pub(crate) good: String,
    /// When some fail.
    pub(crate) bad: String,
}

/// Builds and runs the crate, and again with one scenario changed and others added.
pub(crate) fn runs() -> &'static Runs {
    static RUNS: OnceLock<Runs> = OnceLock::new();
    RUNS.get_or_init(|| {
        let Extended { root, scenario: extended } = Extended::new();
        let outside = Outside::new(&root);
        outside.write("scenarios/extended.toml", &extended);
        let first = outside.test();
        let good = text(&first.stdout);
        assert!(first.status.success(), "{good}{}", text(&first.stderr));

        let scenario = outside.read("scenarios/check-before-lock.toml");
        outside.write(
            "scenarios/check-before-lock.toml",
            &scenario.replace(r#"mine = ["lost-write"]"#, r#"mine = "holds""#),
        );
        outside.write("scenarios/more/misspelt.toml", &scenario.replace("@reclaim", "@reclam"));
        outside
            .write("scenarios/more/silent.toml", scenario.split("[expect]").next().expect("its beginning"));
        outside.write("scenarios/unclosed.toml", &scenario.replace("[expect]", "[expect"));
        let unknown =
            extended.replace("@memory_failure", "@memory_failur").replace("nodelalloc\"", "nodelaloc\"");
        outside.write("scenarios/more/unknown.toml", &unknown);
        let second = outside.test();
        let bad = text(&second.stdout);
        assert_eq!(second.status.code(), Some(101), "{bad}{}", text(&second.stderr));
        Runs { good, bad }
    })
}

/// The tests of which the output says this, sorted.
pub(crate) fn tests(output: &str, what: &str) -> Vec<String> {
    let lines = output.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(what));
    let mut tests: Vec<String> = lines.map(|test| test.trim_end_matches(" ... ").to_owned()).collect();
    tests.sort();
    tests
}

#[test]
fn a_crate_of_ones_own_explores_its_system_and_tests_its_scenarios() {
    let Runs { good, bad } = runs();
    let all = [
        "check_before_lock::iomap_valid",
        "check_before_lock::mine",
        "every_scenario_has_its_tests",
        "extended::iomap_valid",
        "extended::none",
        "more::no_reclaim::none",
        "the_flag_after_the_message_holds",
        "the_flag_before_the_message_prints_how_it_fails",
    ];
    assert_eq!(tests(good, "ok"), all);
    let failed = [
        "check_before_lock::mine",
        "more::misspelt::iomap_valid",
        "more::misspelt::mine",
        "more::silent::expects_something",
        "more::unknown::iomap_valid",
        "more::unknown::none",
        "unclosed::expects_something",
    ];
    assert_eq!(tests(bad, "FAILED"), failed);
    assert_eq!(tests(bad, "ok").len(), all.len() - 1);
    for said in [
        "`lost-write` was not expected",
        // The drawing.
        ">>>",
        "Replay: stalemap check scenarios/check-before-lock.toml --design mine",
        "scenarios/more/misspelt.toml:",
        "a command with a similar name exists: `@reclaim`",
        "scenarios/more/silent.toml expects nothing of any design",
        "scenarios/unclosed.toml:",
    ] {
        assert!(bad.contains(said), "{said}:\n{bad}");
    }
    assert!(!bad.contains('\u{1b}'), "a message is plain text:\n{bad}");
}

#[test]
fn a_file_that_was_added_since_has_no_tests_and_that_is_a_failure() {
    let folder = common::elsewhere();
    let root = folder.path().to_str().expect("UTF-8");
    let complete = |listed: &'static [&'static str]| {
        let root = root.to_owned();
        std::panic::catch_unwind(move || stalemap::testing::assert_complete(&root, "scenarios/", listed))
    };
    assert!(complete(&[]).is_ok(), "no folder has no files");
    fs::create_dir_all(folder.path().join("scenarios/xfs")).expect("a folder");
    fs::write(folder.path().join("scenarios/xfs/t1.toml"), "").expect("a file");
    assert!(complete(&["scenarios/xfs/t1.toml"]).is_ok());
    let failure = complete(&["scenarios/xfs/t2.toml"]).expect_err("it has no tests");
    let message = failure.downcast_ref::<String>().expect("a message");
    assert!(message.contains("scenarios/xfs/t1.toml: compile the tests again"), "{message}");
}
