//! What docs/extending.md shows works as it says: its scenarios are as they expect, and its files and lines, put into
//! a copy of the workspace, build and add what they should to the crate that depends on it ([`outside`]). The rest of its
//! Rust is run as doctests of the crate.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use stalemap::run::{GivenLimits, Job, run_all};

use crate::common::{self, good, text};
use crate::outside::{self, tests};

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

/// A copy of the workspace with the files and lines of the page. Files keep their times: what was built from the same files
/// before need not be built again.
pub(crate) struct Extended {
    /// Where it is.
    pub(crate) root: PathBuf,
    /// The scenario of the page that needs what was added.
    pub(crate) scenario: String,
}

impl Extended {
    pub(crate) fn new() -> Self {
        let page = page();
        let (_, scenarios) = scenarios(&page);
        let [scenario] = scenarios[..] else { panic!("{} scenarios need what is added", scenarios.len()) };
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("extended");
        let _ = fs::remove_dir_all(&root);
        for name in ["Cargo.toml", "build.rs"] {
            common::copy_file(&Path::new(WORKSPACE).join(name), &root.join(name)).expect("a copy");
        }
        for name in [
            "facade",
            "model",
            "explore",
            "checker",
            "macros",
            "trace",
            "src",
            "scenarios",
            "claims",
            "tests",
            "benches",
            "docs",
            "lab",
        ] {
            common::copy_tree(&Path::new(WORKSPACE).join(name), &root.join(name)).expect("a copy");
        }
        let extended = Extended { root, scenario: scenario.to_owned() };
        extended.add_all(&page);
        extended
    }

    /// Adds each file of the page, and each line to its list.
    fn add_all(&self, page: &str) {
        let (mut files, mut lines) = (0, 0);
        for (before, block) in blocks(page, "rust,ignore") {
            let (_, paragraph) = before.trim_end().rsplit_once("\n\n").expect("a paragraph");
            let named: Vec<&str> = paragraph.split('`').skip(1).step_by(2).collect();
            let path =
                named.iter().rev().find(|name| name.starts_with("model/")).expect("the path of a file");
            if let Some(list) = named.iter().find(|name| name.ends_with('!')) {
                assert_eq!(block.lines().count(), 1, "one line:\n{block}");
                self.register(path, list, block);
                lines += 1;
            } else if Path::new(path).extension().is_some_and(|extension| extension == "rs") {
                self.add(path, block);
                files += 1;
            }
        }
        assert_eq!((files, lines), (2, 2));
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
}

#[test]
fn a_file_and_a_line_add_a_personality_and_an_actor() {
    let runs = outside::runs();
    assert_eq!(tests(&runs.good, "ok").iter().filter(|test| test.starts_with("extended::")).count(), 2);
    // Messages know both without being told.
    assert_eq!(
        tests(&runs.bad, "FAILED").iter().filter(|test| test.starts_with("more::unknown::")).count(),
        2
    );
    for said in ["`@memory_failure`", "`ext4-nodelalloc`"] {
        assert!(runs.bad.contains(said), "{said}:\n{}", runs.bad);
    }
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
