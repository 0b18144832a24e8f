//! docs/fidelity.md has a row for every operation of the model, and no row for one that there is not. A row without an operation
//! says why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use stalemap_model::state::glock::Mode;
use stalemap_model::words::personality::{Names, Personality};

use crate::common::page;

/// The head of each table of the page.
const HEAD: &str = "| kernel (6.1 / 6.12 / 7.3) | lock | looks again at | model's operations | left out, and what that costs |";

/// What makes an operation, or hands the name of one on.
const MAKERS: [&str; 3] = ["Op::new", "Op::on", "Extend { name:"];

/// Names that are no literals, and come from one, and in which files: file systems' names, the glock's modes, another operation,
/// the job that [`MAKERS`] has last, and that job's declaration.
const HANDED_ON: [(&str, &str); 6] = [
    (".rs", "config.fs.names()."),
    (".rs", "fs.names()."),
    ("fs/glock.rs", "mode.name()"),
    ("state/validity/counter.rs", "op.name"),
    ("fallocate.rs", "name)"),
    ("fs/change.rs", "&'static str"),
];

/// The code of the model's files, without comments and unit tests, and with single spaces, by their names.
fn model() -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("model")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&entry).expect("a file");
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                let code =
                    code.lines().filter_map(|line| line.split("//").next()).collect::<Vec<_>>().join(" ");
                let words = code.split_whitespace().collect::<Vec<_>>().join(" ");
                texts.insert(entry.display().to_string(), words);
            }
        }
    }
    texts
}

/// The names in a file's code that are literals. Other ways to make a name would escape, and are refused.
fn literals(file: &str, code: &str) -> BTreeSet<String> {
    assert!(!code.contains("Op { name"), "{file}: an operation is made by Op::new or Op::on");
    let mut names = BTreeSet::new();
    for maker in MAKERS {
        for after in code.split(maker).skip(1) {
            let argument = after.trim_start().trim_start_matches('(').trim_start();
            if let Some((name, _)) = argument.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                names.insert(name.to_owned());
            } else {
                let from = argument.trim_start_matches("inode.sb.");
                let known = |(of, what): &(&str, &str)| file.ends_with(of) && from.starts_with(what);
                assert!(HANDED_ON.iter().any(known), "{file}: a name that cannot be read: {argument:.40}");
            }
        }
    }
    names
}

/// A file system's names. A name that is added to [`Names`] has to be added here.
fn names(fs: &Personality) -> Vec<&'static str> {
    let Names {
        read_begin,
        seek_begin,
        write_begin,
        fault_begin,
        imap_valid,
        map_blocks,
        end_ioend,
        setattr_size,
        alloc_file_space,
        truncate_extents,
        remove_extents,
        collapse_extents,
        insert_extents,
        setfilesize,
        dio_end_io,
        log_force,
    } = fs.names;
    [
        vec![read_begin, seek_begin, write_begin, fault_begin, imap_valid, map_blocks],
        vec![end_ioend, setattr_size, alloc_file_space, truncate_extents, remove_extents],
        vec![collapse_extents, insert_extents, setfilesize, dio_end_io, log_force],
    ]
    .concat()
}

/// The rows of the page's tables, cell by cell.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    let (heads, rows): (Vec<&str>, Vec<&str>) = lines.iter().partition(|line| **line == HEAD);
    let (rules, rows): (Vec<&str>, Vec<&str>) = rows.iter().partition(|line| line.starts_with("|---"));
    assert_eq!(heads.len(), rules.len(), "a table has another head");
    rows.iter().map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// What stands in back-ticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_operation_has_a_row() {
    let mut operations: BTreeSet<String> = Mode::ALL.map(|mode| mode.name().to_owned()).into();
    for (file, code) in model() {
        operations.extend(literals(&file, &code));
    }
    let systems = Personality::BUILT_IN.iter().filter_map(|name| Personality::built_in(name));
    operations.extend(systems.flat_map(|fs| names(&fs)).map(str::to_owned));

    let page = page("docs/fidelity.md");
    let rows = rows(&page);
    let named: BTreeSet<String> = rows.iter().flat_map(|row| quoted(row[3])).map(str::to_owned).collect();
    let missing: Vec<_> = operations.difference(&named).collect();
    let unknown: Vec<_> = named.difference(&operations).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "without a row: {missing:?}; unknown: {unknown:?}");
}

#[test]
fn a_row_without_an_operation_says_why() {
    for row in rows(&page("docs/fidelity.md")) {
        assert!(row.len() == 5 && row.iter().all(|cell| !cell.is_empty()), "not five cells: {row:?}");
        let explained = quoted(row[3]).next().is_some() || row[4].starts_with("left out: ");
        assert!(explained, "no operation, and no reason: {row:?}");
    }
}
