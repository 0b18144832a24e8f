//! What docs/extending.md shows works as it says: its scenarios are as they expect, and its files and lines, put into
//! a copy of the workspace, build and add what they should. The rest of its Rust is run as doctests of the crate.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use stalemap::run::{GivenLimits, Job, run_all};

use crate::common::{self, good, text};

const WORKSPACE: &str = env!("CARGO_MANIFEST_DIR");
const PAGE: &str = "docs/extending.md";

fn page() -> String {
    common::page(PAGE)
}

/// The code blocks of a language, each with the text before it.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<(&'p str, &'p str)> {
    let fence = format!("```{language}\n");
    let starts = page.match_indices(&fence);
    starts.filter_map(|(at, _)| Some((&page[..at], page[at + fence.len()..].split_once("```")?.0))).collect()
}

/// The scenarios that need nothing added, and those that do.
fn scenarios(page: &str) -> (Vec<&str>, Vec<&str>) {
    let blocks = blocks(page, "toml").into_iter().map(|(_, block)| block);
    blocks.partition(|block| !block.contains("ext4-nodelalloc"))
}

#[test]
fn the_scenarios_of_the_page_are_as_they_expect() {
    let page = page();
    let (scenarios, _) = scenarios(&page);
    assert_eq!(scenarios.len(), 2);
    for block in scenarios {
        let scenario = good(PAGE, block);
        for outcome in run_all(&Job::expected(&scenario), GivenLimits::default(), 1, &|_| ()) {
            let judgement = outcome.expect("a run").judgement;
            assert_eq!(judgement.as_expected, Some(true), "{}: {:?}", scenario.title, judgement.reasons);
        }
    }
}

#[test]
fn the_page_has_the_system_of_the_front_pages() {
    let front = common::page("facade/peterson.md");
    let [(_, system)] = blocks(&front, "rust")[..] else { panic!("one block") };
    assert!(blocks(&page(), "rust").iter().any(|(_, block)| *block == system), "{PAGE} differs");
}

/// A copy of the workspace beside what the tests are built into, so that dependencies need not be built again. Files
/// keep their times: what was built from the same files before need not be, either.
struct Copy {
    root: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn new() -> Self {
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let root = temporary.join("extending");
        let _ = fs::remove_dir_all(&root);
        for name in ["Cargo.toml", "Cargo.lock", "build.rs"] {
            common::copy_file(&Path::new(WORKSPACE).join(name), &root.join(name)).expect("a copy");
        }
        for name in [
            "facade",
            "model",
            "explore",
            "checker",
            "macros",
            "src",
            "scenarios",
            "tests",
            "benches",
            "docs",
        ] {
            common::copy_tree(&Path::new(WORKSPACE).join(name), &root.join(name)).expect("a copy");
        }
        // The binary of the same name stays what it is.
        let main = Path::new(WORKSPACE).join("src/main.rs");
        common::copy_file(&main, &root.join("examples/extended.rs")).expect("a copy");
        Copy { root, target: temporary.parent().expect("the target directory").to_owned() }
    }

    /// Adds a file, as it stands on the page.
    fn add(&self, path: &str, contents: &str) {
        let path = self.root.join(path);
        assert!(!path.exists(), "{} is there already", path.display());
        fs::write(&path, contents).expect("a file");
        common::keep_time(&path, common::modified(&Path::new(WORKSPACE).join(PAGE))).expect("its time");
    }

    /// Adds a line at the end of a list.
    fn register(&self, path: &str, list: &str, line: &str) {
        let path = self.root.join(path);
        let time = common::modified(&path).max(common::modified(&Path::new(WORKSPACE).join(PAGE)));
        let text = fs::read_to_string(&path).expect("a file");
        let start = text.find(&format!("\n{list} {{\n")).expect("the list");
        let end = start + text[start..].find("\n}").expect("its end") + 1;
        fs::write(&path, format!("{}{line}{}", &text[..end], &text[end..])).expect("a file");
        common::keep_time(&path, time).expect("its time");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        cargo.args(["run", "--offline", "--locked", "--quiet", "--example", "extended"]);
        // The profile of the tests, for the sake of the dependencies; the rest is quickly built rather than quick.
        cargo.args(["--profile", "test"]);
        for package in ["facade", "model", "explore", "checker", "threads"] {
            cargo.args(["--config", &format!("profile.test.package.stalemap-{package}.opt-level=0")]);
        }
        cargo.arg("--");
        cargo.args(arguments).output().expect("cargo")
    }
}

#[test]
fn a_file_and_a_line_add_a_personality_and_an_actor() {
    let page = page();
    let copy = Copy::new();
    let (mut files, mut lines) = (0, 0);
    for (before, block) in blocks(&page, "rust,ignore") {
        let (_, paragraph) = before.trim_end().rsplit_once("\n\n").expect("a paragraph");
        let named: Vec<&str> = paragraph.split('`').skip(1).step_by(2).collect();
        let path = named.iter().rev().find(|name| name.starts_with("model/")).expect("the path of a file");
        if let Some(list) = named.iter().find(|name| name.ends_with('!')) {
            assert_eq!(block.lines().count(), 1, "one line:\n{block}");
            copy.register(path, list, block);
            lines += 1;
        } else if Path::new(path).extension().is_some_and(|extension| extension == "rs") {
            copy.add(path, block);
            files += 1;
        }
    }
    assert_eq!((files, lines), (2, 2));

    let (_, scenarios) = scenarios(&page);
    let [scenario] = scenarios.as_slice() else { panic!("{} scenarios need what is added", scenarios.len()) };
    fs::write(copy.root.join("extended.toml"), scenario).expect("a file");
    let checked = copy.run(&["check", "extended.toml"]);
    let (output, errors) = (text(&checked.stdout), text(&checked.stderr));
    assert_eq!(checked.status.code(), Some(0), "{output}{errors}");

    // Messages know both without being told.
    let misspelt =
        scenario.replace("@memory_failure", "@memory_failur").replace("nodelalloc\"", "nodelaloc\"");
    fs::write(copy.root.join("misspelt.toml"), misspelt).expect("a file");
    let refused = copy.run(&["check", "misspelt.toml"]);
    let errors = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{errors}");
    assert!(errors.contains("`@memory_failure`") && errors.contains("`ext4-nodelalloc`"), "{errors}");
}

/// `cargo fmt` finds modules that are declared as such, and these are declared by the lists that they stand in.
#[test]
fn what_a_list_declares_is_formatted() {
    let rustfmt = Path::new(env!("CARGO")).with_file_name("rustfmt");
    for directory in ["model/fs", "model/actors"] {
        let entries = fs::read_dir(Path::new(WORKSPACE).join(directory)).expect("a directory");
        let files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        let checked = Command::new(&rustfmt).args(["--check", "--edition", "2024"]).args(files).output();
        let checked = checked.expect("rustfmt");
        assert!(checked.status.success(), "{}", text(&checked.stdout));
    }
}
