//! Malformed scenario files: each is refused with all of its errors, in words that say what would be right.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use stalemap::paint::Paint;
use stalemap::scenario::{Diagnostics, read};

use crate::common::in_repository;

/// The files of `tests/bad_input`, by name.
fn malformed() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> =
        fs::read_dir(in_repository("tests/bad_input")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files.into_iter().map(|path| (name(&path), fs::read(&path).unwrap())).collect()
}

fn refused(name: &str, source: &[u8]) -> Diagnostics {
    read(name, source).map(|scenario| scenario.title).expect_err(name)
}

#[test]
fn every_malformed_file_is_refused() {
    let files = malformed();
    assert!(files.len() >= 45, "only {} malformed files", files.len());
    let accepted: Vec<&String> =
        files.iter().filter(|(name, source)| read(name, source).is_ok()).map(|(name, _)| name).collect();
    assert!(accepted.is_empty(), "accepted, although malformed: {accepted:?}");
}

#[test]
fn every_error_has_its_place_and_what_would_be_right() {
    for (name, source) in malformed() {
        if let Err(errors) = read(&format!("bad_input/{name}.toml"), &source) {
            insta::assert_snapshot!(name, errors.render(Paint::Plain));
        }
    }
}

#[test]
fn errors_come_in_the_order_of_the_file() {
    for (name, source) in malformed() {
        let errors = refused(&name, &source);
        assert!(errors.errors().is_sorted_by_key(|error| error.span.start), "{name}");
        for error in errors.errors() {
            assert!(!error.message.is_empty() && !error.help.is_empty(), "{name}: {error:?}");
            assert!(error.span.start <= error.span.end, "{name}: {error:?}");
        }
    }
}

#[test]
fn colour_is_only_where_it_is_asked_for() {
    for (name, source) in malformed() {
        let errors = refused(&name, &source);
        assert!(errors.render(Paint::Colored).contains('\u{1b}'), "{name}");
        assert!(!errors.render(Paint::Plain).contains('\u{1b}'), "{name}");
    }
}

/// A file with one actor that runs `fsync`, and whatever else.
fn with(rest: &str) -> String {
    format!("title = \"x\"\n[[actor]]\nname = \"a\"\nrun = [\"fsync\"]\n{rest}")
}

#[test]
fn a_file_over_a_megabyte_is_not_looked_into() {
    let good = with("");
    let padding = |bytes: usize| format!("{good}#{}", "x".repeat(bytes - good.len() - 1));
    assert!(read("x", padding(1 << 20).as_bytes()).is_ok());
    insta::assert_snapshot!(
        "over_a_megabyte",
        refused("x.toml", padding((1 << 20) + 1).as_bytes()).render(Paint::Plain)
    );
}

#[test]
fn a_byte_that_is_not_text_is_named_by_its_offset() {
    for offset in [0, 7, 20] {
        let mut source = with("").into_bytes();
        source.insert(offset, 0xff);
        let errors = refused("x", &source);
        assert!(errors.errors()[0].message.ends_with(&format!("offset {offset}")), "{errors}");
    }
}

#[test]
fn files_that_are_large_in_some_way_are_refused_briefly() {
    let most = 1 << 18;
    let repeated = |text: &str| text.repeat(most / text.len());
    let many = |item: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        for number in 0.. {
            let item = item(number);
            if text.len() + item.len() > most {
                break;
            }
            text.push_str(&item);
        }
        text
    };
    let cases = [
        ("brackets", repeated("[")),
        ("nested arrays", format!("title = {}", repeated("["))),
        ("nested tables", format!("title = {}", repeated("{a="))),
        ("nested keys", format!("{}a = 1", repeated("a."))),
        ("one line", with(&format!("oops = \"{}\"", repeated("x")))),
        ("one word", with(&format!("[observe]\nranges = [\"{}\"]", repeated("9")))),
        ("one line of errors", format!("title = \"x\"\nrefs = [{}]", repeated("3,"))),
        ("lines of errors", many(&|number| format!("k{number} = 1\n"))),
        ("broken lines", repeated("= = =\n")),
        ("quotes", repeated("\"")),
        ("no text", "\0".repeat(most)),
        (
            "commands",
            format!("title = \"x\"\n[[actor]]\nname = \"a\"\nrun = [{}]", repeated("\"pread -b 1 0 4k\",")),
        ),
        ("actors", with(&many(&|number| format!("[[actor]]\nname = \"a{number}\"\nrun = [\"fsync\"]\n")))),
        ("holds", with(&repeated("[[hold]]\nactor = \"a\"\nat = 0\n"))),
        ("ranges", with(&format!("[observe]\nranges = [{}]", repeated("\"0 8k\",")))),
        ("properties", with(&format!("[expect]\nnone = [{}]", repeated("\"lost-write\",")))),
        ("designs", {
            let design = |number: usize| format!("[design.d{number}]\nbased_on = \"d{}\"\n", number + 1);
            with(&many(&design))
        }),
    ];
    for (name, source) in cases {
        assert!(source.len() <= 1 << 19, "{name}: {}", source.len());
        let text = refused(name, source.as_bytes()).render(Paint::Plain);
        assert!(text.len() < 100_000, "{name}: {} bytes of errors", text.len());
    }
}

const GOOD: &[&str] = &[
    r#"
title = "A multi-folio write zeroes data that writeback and reclaim moved to disk"
refs = ["xfs/559", "thread 2023-01-08 22:02"]

[geometry]
block = "1k"
folio = 4_096

[fs]
personality = "xfs"
block_dirty = false

[setup]
run = ["falloc 0 8k", "pwrite -S 0x58 6k 2k"]

[[actor]]
name = "writer"
open = ""
run = ["@short 1k", "pwrite -qS 0x57 -b 6k 0 6k", "fsync"]

[[actor]]
name = "flusher"
run = ["sync_range -w 4k 4k", 'w -W 010 0x10']

[[hold]]
actor = "writer"
at = "4k"

[observe]
ranges = ["4k 4k"]

[expect]
none = ["lost-write", "wrong-zero"]
iomap_valid = "holds"
mine = "holds"

[reach]
must = ["stale"]
never = []

[limits]
states = 1000
memory = "64m"

[design.mine]
based_on = "iomap_valid"
check = "once"
"#,
    r#"
title = "Stores through a mapping"
actor = [
    { name = "mapper", run = ["mmap -rw 4k 8k", "mwrite -S 300 4k 1s", "mread", "msync -s", "madvise -d", "munmap"] },
    { name = "ünused"  , run = [] },
]
"#,
    r#"
title = "Clones"
file = [{ name = "a" }, { name = "b" }]
[setup]
run = ["pwrite 0 6k", "[b] finsert 0 4k"]
[[actor]]
name = "cloner"
file = "b"
open = "-d"
run = ["reflink a", "@aio pwrite 0 1s", "@wait", "open a", "[b] falloc -c 0 4k", "@crash"]
[observe]
ranges = ["[b] 0 4k"]
"#,
];

#[test]
fn the_file_to_mutilate_is_right() {
    read("good", GOOD[0].as_bytes()).unwrap();
}

#[test]
fn no_mutilated_file_makes_the_reader_panic() {
    let check = |source: &[u8]| {
        if let Err(errors) = read("mutilated", source) {
            assert!(!errors.errors().is_empty());
            assert!(errors.render(Paint::Plain).contains("help:"));
        }
    };
    for good in GOOD.iter().map(|good| good.as_bytes()) {
        for at in 0..good.len() {
            check(&good[..at]);
            check(&good[at..]);
            // One after the other in turn: each meets everything that stands in these files more than once.
            let others = [b"".as_slice(), b"\"", b"[", b"\n", b"9", b"\xc3\xa4", b"\xff", b"\\"];
            for replacement in others.iter().skip(at % 2).step_by(2) {
                check(&[&good[..at], replacement, &good[at + 1..]].concat());
            }
        }
    }
}

#[test]
fn no_mutilated_command_makes_the_reader_panic() {
    let of_one_file =
        ["pwrite", "mmap", "mwrite", "-S", "-b", "-qw", "--", "-", "0", "4k", "-1", "8e", "0x", "ä", "@fail"];
    let of_files =
        ["pwrite", "reflink", "open", "-d", "-c", "0", "8e", "@aio", "@wait", "[file]", "[", "file"];
    no_words_make_the_reader_panic(&of_one_file);
    no_words_make_the_reader_panic(&of_files);
}

fn no_words_make_the_reader_panic(words: &[&str]) {
    for a in words {
        for b in words {
            for c in words {
                let mut line = String::new();
                for word in [a, b, c] {
                    let _ = write!(line, "{word} ");
                }
                let source = format!(
                    "title = 'x'\n[[actor]]\nname = 'a'\nrun = ['mmap 0 4k', '{line}', '{line}0 4k']"
                );
                if let Err(errors) = read("mutilated", source.as_bytes()) {
                    assert!(errors.render(Paint::Plain).contains("help:"));
                }
            }
        }
    }
}
