//! The command line from the outside: what a script or a person gets.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use serde_json::Value;
use stalemap_model::words::design::Design;
use tempfile::TempDir;

use crate::common::{elsewhere, in_repository, program, stalemap, text};

/// The document without what a clock put into it.
fn timeless(bytes: &[u8]) -> Value {
    let mut document: Value = serde_json::from_slice(bytes).expect("JSON");
    for result in document["results"].as_array_mut().expect("results") {
        assert!(result["elapsed_ms"].is_u64());
        result["elapsed_ms"] = Value::Null;
    }
    document
}

/// A scenario that violates something under `none`, small.
const RACE: &str = r#"
title = "A write zeroes data that writeback and reclaim moved to disk"
[setup]
run = ["falloc 0 8k", "pwrite -S 0x58 6k 2k"]
[[actor]]
name = "writer"
run = ["pwrite -S 0x57 -b 6k 0 6k"]
[[actor]]
name = "flusher"
run = ["sync_range -w 4k 4k"]
[[actor]]
name = "kswapd"
run = ["@reclaim 4k 4k"]
"#;

fn file_with(folder: &TempDir, name: &str, contents: &str) -> String {
    fs::write(folder.path().join(name), contents).expect("a file");
    name.to_owned()
}

#[test]
fn what_is_checked_is_as_expected_and_the_json_says_so() {
    let folder = in_repository("scenarios");
    let check = ["check", "--format", "json", "ext4", "gfs2", "zoned", "zonefs"];
    let output = stalemap(&folder, &check);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["schema"], "stalemap.check/1");
    let results = document["results"].as_array().expect("results");
    assert!(results.len() > 60);
    let scenarios: BTreeSet<&str> = results.iter().filter_map(|result| result["scenario"].as_str()).collect();
    assert!(scenarios.len() >= 40, "{} scenarios", scenarios.len());
    for result in results {
        assert_eq!(result["as_expected"], true, "{} under {}", result["scenario"], result["design"]);
        assert_eq!(result["vacuous"], false);
        assert_eq!(result["engine"], "exhaustive");
        assert!(result["limits_hit"].as_array().is_some_and(Vec::is_empty));
        let violates = result["verdict"] == "violates";
        assert_eq!(violates, result["counterexample"].is_object());
        if violates {
            assert_eq!(result["counterexample"]["certified"], true, "{}", result["scenario"]);
        }
    }
}

#[test]
fn output_does_not_depend_on_the_run_or_on_the_number_of_jobs() {
    // Enough to get them out of order, and quickly explored.
    let folder = in_repository("scenarios");
    let said = |command: &[&str]| stalemap(&folder, &[command, &["ext4", "zonefs"]].concat()).stdout;
    let compare = |jobs: &str| said(&["compare", "--all", "--jobs", jobs]);
    let (one, two) = (compare("1"), compare("2"));
    assert!(text(&one).contains("ext4/t11") && text(&one).contains("zonefs/"), "{}", text(&one));
    assert_eq!(text(&one), text(&two));
    assert_eq!(one, compare("2"));
    let json = |jobs: &str| timeless(&said(&["check", "--format", "json", "--jobs", jobs]));
    assert_eq!(json("1"), json("3"));
    let check = |jobs: &str| stalemap(&folder, &["check", "--jobs", jobs, "xfs/t1", "xfs/t2"]).stdout;
    assert_eq!(check("1"), check("2"));
}

#[test]
fn a_saved_schedule_replays_to_the_same_loss() {
    let folder = elsewhere();
    let saved = stalemap(folder.path(), &["check", "--design", "none", "xfs/t1", "--save", "out"]);
    assert_eq!(saved.status.code(), Some(0), "{}", text(&saved.stderr));
    let files: Vec<_> = fs::read_dir(folder.path().join("out")).expect("a folder").collect();
    assert_eq!(files.len(), 1);
    let path = files[0].as_ref().expect("an entry").path();
    let schedule = fs::read_to_string(&path).expect("a schedule");
    assert!(schedule.contains("violates = lost-write"), "{schedule}");
    assert!(schedule.contains("certificate = least"), "{schedule}");
    let path = path.to_str().expect("UTF-8");
    let replayed = stalemap(folder.path(), &["replay", path]);
    assert_eq!(replayed.status.code(), Some(0), "{}", text(&replayed.stderr));
    assert!(text(&replayed.stdout).contains("lost"), "{}", text(&replayed.stdout));
    assert!(text(&replayed.stdout).lines().all(|line| line.chars().count() <= 100));
    let json = stalemap(folder.path(), &["replay", path, "--format", "json"]);
    let document: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(document["schema"], "stalemap.replay/1");
    assert!(document["violated"].as_array().expect("a list").contains(&Value::from("lost-write")));
}

#[test]
fn a_schedule_of_a_kernel_is_told_as_one() {
    let folder = elsewhere();
    let arguments = ["check", "--kernel", "linux-6.12", "xfs/dio-checksum", "--save", "out"];
    let found = text(&stalemap(folder.path(), &arguments).stdout);
    let replayed = stalemap(folder.path(), &["replay", "out/xfs-dio-checksum-linux-6.12.schedule"]);
    for said in [found, text(&replayed.stdout)] {
        assert!(said.contains("Spurious error under kernel linux-6.12: EIO for 0-4k"), "{said}");
    }
}

#[test]
fn a_schedule_of_a_mended_design_replays_and_says_that_nothing_is_lost() {
    let folder = elsewhere();
    stalemap(folder.path(), &["check", "--design", "none", "xfs/t1", "--save", "out"]);
    let path = fs::read_dir(folder.path().join("out"))
        .expect("a folder")
        .next()
        .expect("a file")
        .expect("it")
        .path();
    let schedule = fs::read_to_string(&path).expect("a schedule");
    // Up to the last folio the two designs do the same operations in the same order.
    let mended = schedule.replace("design = none", "design = iomap_valid");
    fs::write(&path, mended).expect("a file");
    let replayed = stalemap(folder.path(), &["replay", path.to_str().expect("UTF-8")]);
    assert_eq!(replayed.status.code(), Some(2));
    let said = text(&replayed.stderr);
    assert!(said.contains("is about to do `iomap_valid`"), "{said}");
}

#[test]
fn exit_codes() {
    let folder = elsewhere();
    let race = file_with(&folder, "race.toml", RACE);
    let expecting = |expectation: &str| format!("{RACE}\n[expect]\nnone = {expectation}\n");
    let right = file_with(&folder, "right.toml", &expecting("[\"lost-write\"]"));
    let wrong = file_with(&folder, "wrong.toml", &expecting("\"holds\""));
    let bad = file_with(&folder, "bad.toml", "title = 3\n");
    let code = |arguments: &[&str]| stalemap(folder.path(), arguments).status.code();
    assert_eq!(code(&["check", &right]), Some(0));
    assert_eq!(code(&["check", &race, "--design", "none"]), Some(1), "no expectation, and violated");
    assert_eq!(code(&["check", &race, "--design", "iomap_valid"]), Some(0), "no expectation, and holds");
    assert_eq!(code(&["check", &wrong]), Some(1));
    assert_eq!(code(&["check", &right, &wrong]), Some(1));
    assert_eq!(code(&["check", &bad]), Some(2));
    assert_eq!(code(&["check", "no-such-file.toml"]), Some(2));
    assert_eq!(code(&["check", &right, "--design", "nonesuch"]), Some(2));
    assert_eq!(code(&["check", &race, "--design", "iomap_valid", "--limit-states", "10"]), Some(3));
    assert_eq!(code(&["check", &wrong, "--limit-memory", "1"]), Some(3), "undecided is not unexpected");
    assert_eq!(code(&["frobnicate"]), Some(2));
    assert_eq!(code(&["check", "--jobs", "0"]), Some(2));
    assert_eq!(code(&["compare", &right]), Some(0));
    assert_eq!(code(&["list"]), Some(0));
    assert_eq!(code(&["show", "xfs/t1"]), Some(0));
    assert_eq!(code(&["show", "xfs/t11111"]), Some(2));
    assert_eq!(code(&["--help"]), Some(0));
}

#[test]
fn a_limited_search_never_claims_to_hold() {
    let folder = elsewhere();
    let race = file_with(&folder, "race.toml", RACE);
    let arguments = ["check", &race, "--design", "iomap_valid", "--limit-states", "100", "--format", "json"];
    let document = timeless(&stalemap(folder.path(), &arguments).stdout);
    let result = &document["results"][0];
    assert_eq!(result["verdict"], "incomplete");
    assert_eq!(result["limits_hit"][0], "states");
    assert_eq!(result["states"], 100);
    assert_eq!(result["scenario"], "race.toml");
}

#[test]
fn a_shipped_file_has_the_same_name_wherever_it_is_read_from() {
    let root = in_repository("");
    let name = |argument: &str| {
        let output = stalemap(&root, &["check", argument, "--design", "none", "--format", "json"]);
        timeless(&output.stdout)["results"][0]["scenario"].as_str().map(str::to_owned)
    };
    assert_eq!(name("scenarios/xfs/t1.toml").as_deref(), Some("xfs/t1"));
    assert_eq!(name("xfs/t1").as_deref(), Some("xfs/t1"));
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let folder = elsewhere();
    let mut child = program()
        .args(["list"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn colour_is_for_terminals() {
    let folder = elsewhere();
    for arguments in [&["check", "xfs/t1"][..], &["compare", "xfs/t1"], &["show", "xfs/t1"]] {
        assert!(!text(&stalemap(folder.path(), arguments).stdout).contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn quiet_prints_only_surprises() {
    let folder = elsewhere();
    assert_eq!(text(&stalemap(folder.path(), &["check", "xfs/t1", "--quiet"]).stdout), "");
    let wrong = file_with(&folder, "wrong.toml", &format!("{RACE}\n[expect]\nnone = \"holds\"\n"));
    let said = text(&stalemap(folder.path(), &["check", &wrong, "--quiet"]).stdout);
    assert!(said.starts_with("FAIL wrong.toml"), "{said}");
    let json = stalemap(folder.path(), &["check", "xfs/t1", &wrong, "--quiet", "--format", "json"]);
    let document: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let results = document["results"].as_array().expect("results");
    let shown: Vec<&Value> = results.iter().map(|result| &result["scenario"]).collect();
    assert_eq!(shown, ["wrong.toml"]);
    for format in ["json", "csv", "junit", "sarif"] {
        let refused = stalemap(folder.path(), &["compare", "xfs/t1", "--quiet", "--format", format]);
        assert_eq!(refused.status.code(), Some(2), "{format}");
        assert!(text(&refused.stderr).contains("prints the answer of a comparison alone"), "{format}");
    }
    let row = ["compare", "--bisect", "series-00..series-10", "gfs2/t6"];
    let (all, quiet) =
        (stalemap(folder.path(), &row), stalemap(folder.path(), &[&row[..], &["--quiet"]].concat()));
    let (all, quiet) = (text(&all.stdout), text(&quiet.stdout));
    assert!(
        all.starts_with(&quiet) && all.contains("\n\ngfs2/t6: ") && !quiet.contains("\n\n"),
        "{all}\n{quiet}"
    );
    let between = ["compare", "--between", "none", "iomap_valid", "xfs/t1", "--quiet"];
    let said = text(&stalemap(folder.path(), &between).stdout);
    assert!(said.contains("They part at step 9") && !said.contains(" | "), "{said}");
}

#[test]
fn a_folder_without_scenarios_does_not_hide_the_catalogue() {
    let folder = elsewhere();
    fs::create_dir_all(folder.path().join("ext4/t1")).expect("a folder");
    fs::create_dir(folder.path().join("nothing")).expect("a folder");
    let listed = |path: &str| text(&stalemap(folder.path(), &["list", path]).stdout);
    let shipped = listed("ext4");
    assert!(
        shipped.lines().count() > 5 && shipped.lines().all(|line| line.starts_with("ext4/")),
        "{shipped}"
    );
    assert!(listed("ext4/t1").starts_with("ext4/t1 "));
    let shown = text(&stalemap(folder.path(), &["show", "ext4/t1"]).stdout);
    assert!(shown.starts_with("ext4/t1\n"), "{shown}");
    let refused = text(&stalemap(folder.path(), &["list", "nothing"]).stderr);
    let names_both = "nothing is a folder without a scenario (*.toml), and no folder of the catalogue is called \"nothing\"";
    assert!(refused.contains(names_both), "{refused}");
    fs::write(folder.path().join("ext4/own.toml"), RACE).expect("a file");
    assert!(listed("ext4").starts_with("ext4/own.toml "), "{}", listed("ext4"));
}

#[test]
fn every_folder_with_such_a_scenario_is_suggested() {
    let refused = text(&stalemap(elsewhere().path(), &["compare", "t1"]).stderr);
    for name in ["ext4/t1", "xfs/t1", "zoned/t1"] {
        assert!(refused.contains(&format!("\"{name}\"")), "{name}: {refused}");
    }
}

#[test]
fn a_second_design_that_is_missing_is_asked_for() {
    for scenario in ["xfs/t1", "gfs2"] {
        let refused = stalemap(elsewhere().path(), &["compare", "--between", "none", scenario]);
        let said = text(&refused.stderr);
        assert_eq!((refused.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains(&format!("write `--between none SECOND {scenario}`")), "{said}");
    }
}

#[test]
fn lines_fit_the_columns_that_are_asked_for() {
    let folder = elsewhere();
    let saved = stalemap(folder.path(), &["check", "xfs/t1", "--design", "none", "--save", "s"]);
    assert_eq!(saved.status.code(), Some(0));
    let replay = ["replay", "s/xfs-t1-none.schedule", "--design", "iomap_valid", "--width", "60"];
    let commands: [&[&str]; 6] = [
        &["check", "xfs/t1", "xfs/t2"],
        &["compare", "xfs/t1"],
        &["compare", "--between", "none", "iomap_valid", "xfs/t1"],
        &["compare", "--bisect", "series-00..series-10", "gfs2/t6"],
        &["costs", "xfs/t1"],
        &replay,
    ];
    for columns in [40, 60, 120] {
        for command in commands.iter().filter(|command| command[0] != "replay" || columns == 60) {
            let output = program()
                .args(*command)
                .env("COLUMNS", columns.to_string())
                .current_dir(folder.path())
                .output();
            let said = text(&output.expect("the program starts").stdout);
            let longest = said.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(longest <= columns, "{command:?} at {columns}: {longest}\n{said}");
        }
    }
    let wide =
        program().args(["costs", "xfs/t1"]).env("COLUMNS", "120").output().expect("the program starts");
    assert!(text(&wide.stdout).lines().any(|line| line.chars().count() > 80));
}

/// What is told in sentences, too, also where there is no terminal. A command, a path or a field has its line to itself.
#[test]
fn what_is_told_at_length_keeps_to_the_columns() {
    let folder = elsewhere();
    let trace = in_repository("tests/fixtures/traces/v6.1.192nofix-4k-orig-mmap.txt.gz");
    let trace = trace.to_str().expect("UTF-8");
    let commands: [&[&str]; 6] = [
        &["claims", "--quiet", "14", "1", "2"],
        &["claims", "--quiet", "14"],
        &["lab", "plan", "xfs/t1", "--kernel", "6.1"],
        &["lab", "plan", "xfs/d19", "--kernel", "6.12"],
        &["trace", trace, "--conforms"],
        &["trace", trace, "--conforms", "linux-6.12"],
    ];
    for command in commands {
        let said = |columns: Option<&str>| {
            let mut program = program();
            program.args(command).current_dir(folder.path()).env_remove("COLUMNS");
            program.envs(columns.map(|columns| ("COLUMNS", columns)));
            text(&program.output().expect("the program starts").stdout)
        };
        for (columns, most) in [(Some("40"), 40), (Some("60"), 60), (Some("80"), 80), (None, 80)] {
            let said = said(columns);
            let long: Vec<&str> = said.lines().filter(|line| line.chars().count() > most).collect();
            assert!(long.iter().all(|line| line.split_whitespace().count() == 1), "{command:?}: {long:#?}");
            assert!(!said.is_empty(), "{command:?}");
        }
        assert_eq!(said(Some("80")), said(None), "{command:?}");
        let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join("");
        assert_eq!(words(said(Some("60"))), words(said(Some("120"))), "{command:?}");
    }
}

/// What a sign means stands below the table that has it, and nowhere else.
#[test]
fn signs_are_explained_where_they_occur() {
    let folder = elsewhere();
    let silent = "title = \"x\"\n[[actor]]\nname = \"a\"\nrun = [\"pwrite 0 4k\"]\n";
    fs::write(folder.path().join("silent.toml"), silent).expect("a file");
    let silent = "-: without an expectation";
    let cut = "??: incomplete, and without an expectation";
    let no_engine = "??: no second engine came to its end";
    let no_mean = "`-`: no mean, where a limit cut runs";
    let all = [silent, cut, no_engine, no_mean, "-: it orders nothing as it is"];
    let cases: [(&[&str], &[&str]); 9] = [
        (&["check", "silent.toml", "--design", "none"], &all[..1]),
        (&["check", "silent.toml", "--design", "none", "--limit-states", "2"], &all[1..2]),
        (&["check", "silent.toml", "xfs/t1", "--design", "none"], &all[..1]),
        (&["check", "xfs/t1", "--design", "none"], &[]),
        (&["agree", "xfs/t1", "--design", "none", "--limit-states", "10"], &all[2..3]),
        (&["agree", "silent.toml", "--design", "none"], &[]),
        (&["costs", "xfs/t1", "--design", "none", "--limit-states", "10"], &all[3..4]),
        (&["costs", "xfs/t1", "--design", "none"], &[]),
        (&["orderings", "xfs/t1", "--memory", "lkmm"], &all[4..]),
    ];
    for (command, expected) in cases {
        let said = text(&stalemap(folder.path(), command).stdout);
        let found: Vec<&str> = all.into_iter().filter(|sign| said.contains(sign)).collect();
        assert_eq!(found, expected, "{command:?}: {said}");
    }
}

/// What is only listed, too. At 60 columns some names of functions and files have no room.
#[test]
fn lists_keep_to_the_columns() {
    let folder = elsewhere();
    let trace = in_repository("tests/fixtures/traces/v6.1.192nofix-4k-race-us.txt.gz");
    let trace = trace.to_str().expect("UTF-8");
    let commands: [&[&str]; 6] = [
        &["list"],
        &["assumptions"],
        &["kernels"],
        &["kernels", "linux-7.3"],
        &["kernels", "linux-6.1", "linux-7.3"],
        &["trace", trace],
    ];
    for command in commands {
        let output = program().args(command).env("COLUMNS", "80").current_dir(folder.path()).output();
        let said = text(&output.expect("the program starts").stdout);
        let long: Vec<&str> = said.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(long.iter().all(|line| line.split_whitespace().count() == 1), "{command:?}: {long:#?}");
        assert!(!said.is_empty());
    }
    let show = program().args(["show", "xfs/t1"]).env("COLUMNS", "60").current_dir(folder.path()).output();
    let shown = text(&show.expect("the program starts").stdout);
    let (head, source) = shown.split_once("\n\n").expect("the file below");
    assert!(head.lines().all(|line| line.chars().count() <= 60), "{head}");
    assert!(source.lines().any(|line| line.chars().count() > 60), "the file is as it is");
}

/// Some shells set it to 0 where they do not know.
#[test]
fn no_columns_are_as_good_as_unknown() {
    let said = |columns: Option<&str>| {
        let mut program = program();
        program.args(["check", "xfs/t1"]).env_remove("COLUMNS");
        program.envs(columns.map(|columns| ("COLUMNS", columns)));
        text(&program.output().expect("the program starts").stdout)
    };
    assert_eq!(said(Some("0")), said(None));
    let help = |columns: &str| {
        let help = program().args(["check", "--help"]).env("COLUMNS", columns).output();
        text(&help.expect("the program starts").stdout)
    };
    assert_eq!(help("0"), help("100"));
    assert!(help("60").lines().count() > help("100").lines().count());
}

/// A size that is taken, for what it tells of others.
#[test]
fn a_folio_of_no_kernel_is_said_to_be_one() {
    let folder = elsewhere();
    let said = |arguments: &[&str]| text(&stalemap(folder.path(), arguments).stdout);
    for size in ["3k", "12k", "4k"] {
        let odd =
            RACE.replacen("[setup]", &format!("[geometry]\nblock = \"1k\"\nfolio = \"{size}\"\n[setup]"), 1);
        let file = file_with(&folder, "odd.toml", &odd);
        let named = format!("no kernel has folios of {size}");
        for arguments in [&["show", &file][..], &["check", &file, "--design", "none"]] {
            assert_eq!(said(arguments).contains(&named), size != "4k", "{}", said(arguments));
        }
    }
}

/// A name is one line, whatever is in it.
#[test]
fn a_line_break_in_the_name_of_a_file_ends_no_line() {
    let folder = elsewhere();
    let file = file_with(&folder, "a\nb.toml", RACE);
    let output = stalemap(folder.path(), &["check", &file, "--design", "none"]);
    let said = text(&output.stdout);
    assert!(said.lines().next().is_some_and(|line| line.contains("a\\nb.toml  none  violates ")), "{said}");
}

#[test]
fn what_is_not_explored_to_its_end_is_no_more_than_as_expected() {
    let folder = elsewhere();
    let expecting = format!("{RACE}\n[expect]\nnone = [\"lost-write\"]\n");
    let right = file_with(&folder, "right.toml", &expecting);
    let said = |more: &[&str]| {
        let output = stalemap(folder.path(), &[&["check", &right], more].concat());
        (output.status.code(), text(&output.stdout))
    };
    let (code, whole) = said(&[]);
    assert!(code == Some(0) && whole.contains("\n1 as expected: "), "{whole}");
    let cut = (1..100).map(|more| said(&["--limit-states", &(more * 10).to_string()]));
    let (code, cut) =
        cut.into_iter().find(|(_, said)| said.contains("violates")).expect("a loss before the end");
    assert!(code == Some(3) && cut.contains("\n1 as expected, not explored to the end: "), "{cut}");
}

/// Long work is not done for a page that cannot be written.
#[test]
fn a_page_that_cannot_be_written_is_refused_before_anything_is_explored() {
    let folder = elsewhere();
    for path in ["nowhere/x.html", "."] {
        let output = stalemap(folder.path(), &["compare", "--html", path, "--progress", "always"]);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(
            said.starts_with(&format!("error: cannot write {path}: ")) && said.lines().count() == 1,
            "{said}"
        );
    }
    let written = stalemap(folder.path(), &["compare", "xfs/t1", "--html", "x.html"]);
    assert_eq!((written.status.code(), text(&written.stdout)), (Some(0), "wrote x.html\n".to_owned()));
}

#[test]
fn files_are_named_where_there_are_several() {
    let folder = elsewhere();
    let files = "[[file]]\nname = \"log\"\n[[file]]\nname = \"data\"\n";
    let scenario = RACE.replace("run = [\"", "run = [\"[data] ").replace("\", \"", "\", \"[data] ");
    let scenario = scenario.replacen("[setup]", &format!("{files}[setup]"), 1);
    let two =
        file_with(&folder, "two.toml", &format!("{scenario}\n[observe]\nranges = [\"[data] 4k 4k\"]\n"));
    let one = file_with(&folder, "one.toml", RACE);
    let said = |arguments: &[&str]| text(&stalemap(folder.path(), arguments).stdout);
    assert!(said(&["list", &two]).ends_with("(files log, data)\n"));
    assert!(
        said(&["show", &two]).contains("\nfiles     log, data; each of 2 folios of 4k, 2 blocks of 4k\n")
    );
    assert!(said(&["show", &one]).contains("\nfile      2 folios of 4k, 2 blocks of 4k\n"));
    let document: Value = serde_json::from_str(&said(&["show", &two, "--format", "json"])).expect("JSON");
    assert_eq!(document["files"], serde_json::json!(["log", "data"]));
    let checked = said(&["check", &two, "--design", "none"]);
    for told in ["none: [data] 6k-8k is 0 in", "    >>> lost write: [data] 6k-8k", "*>[data] 4k-8k=57 00;"] {
        assert!(checked.contains(told), "{told} in {checked}");
    }
    assert!(!said(&["check", &one, "--design", "none"]).contains('['));
}

#[test]
fn a_kernel_that_does_not_fit_says_which_fields_or_which_command() {
    let folder = elsewhere();
    let file = |name: &str, fs: &str, command: &str| {
        let actor = format!("[[actor]]\nname = \"a\"\nrun = [{command:?}]\n");
        file_with(&folder, name, &format!("title = \"x\"\n[fs]\n{fs}\n{actor}"))
    };
    let zones = "allocate = \"out-of-place\"\nfree_blocks = 8\nzone_blocks = 2";
    let zones = file("zones.toml", zones, "pwrite 0 4k");
    let uncached = file("uncached.toml", "", "pwrite -U 0 4k");
    for (kernel, file, said) in [
        ("linux-7.3", &zones, "linux-7.3 does not fit to this file: there are zones (`zone_blocks`) only"),
        (
            "linux-6.1",
            &uncached,
            "linux-6.1 cannot run `pwrite -U 0 4k`: reads and writes with RWF_DONTCACHE",
        ),
    ] {
        let output = stalemap(folder.path(), &["check", file, "--kernel", kernel]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
    let shown = text(&stalemap(folder.path(), &["show", &uncached]).stdout);
    let lines = ["file      1 folio of 4k, 1 block of 4k", "actor     a (1 command)"];
    assert!(lines.iter().all(|line| shown.lines().any(|shown| shown == *line)), "{shown}");
}

#[test]
fn what_is_shown_has_the_file_system_and_the_buffers() {
    let folder = elsewhere();
    let said = |arguments: &[&str]| text(&stalemap(folder.path(), arguments).stdout);
    let one = file_with(&folder, "one.toml", RACE);
    let shown = said(&["show", &one]);
    assert!(shown.contains("\nfs        xfs\nactor "), "{shown}");
    let source = "title = \"x\"\nmixed_io = \"exempt\"\npost_eof = \"exempt\"\n[fs]\npersonality = \"gfs2\"\n\
                  data_checksum = true\nfree_blocks = 9\nallocator = \"lowest\"\n[[file]]\nname = \"a\"\n[[file]]\nname = \"b\"\n\
                  [[actor]]\nname = \"x\"\nrun = [\"[m] mwrite\", \"[n] mwrite\"]\n\
                  [[actor]]\nname = \"y\"\nrun = [\"pwrite 0 4k\", \"[b] pwrite -i n 4k 2k\", \"pwrite -i m 0 1k\"]\n";
    let two = file_with(&folder, "two.toml", source);
    let shown = said(&["show", &two]);
    let lines = "\nfs        gfs2, free_blocks = 9, allocator = \"lowest\", data_checksum = true\n\
                 buffer    n, for the write of [b] 4k-6k\nbuffer    m, for the write of [a] 0-1k\n\
                 mixed_io  exempt\npost_eof  exempt\n";
    assert!(shown.contains(lines), "{shown}");
    let document: Value = serde_json::from_str(&said(&["show", &two, "--format", "json"])).expect("JSON");
    assert_eq!(document["personality"], "gfs2");
    let set = serde_json::json!({ "free_blocks": "9", "allocator": "\"lowest\"", "data_checksum": "true" });
    assert_eq!(document["fs"], set);
    assert_eq!(document["buffers"][0]["file"], "b");
    assert_eq!(
        (&document["buffers"][1]["name"], &document["buffers"][1]["length"]),
        (&"m".into(), &1024.into())
    );
}

#[test]
fn all_designs_are_the_built_in_ones_and_those_of_the_file() {
    let folder = elsewhere();
    let own = file_with(&folder, "own.toml", &format!("{RACE}\n[design.mine]\nbased_on = \"none\"\n"));
    let output = stalemap(folder.path(), &["check", &own, "--design", "all", "--format", "json"]);
    let document = timeless(&output.stdout);
    let designs: Vec<&str> =
        document["results"].as_array().expect("a list").iter().filter_map(|r| r["design"].as_str()).collect();
    let expected: Vec<&str> = Design::BUILT_IN.iter().copied().chain(["mine"]).collect();
    assert_eq!(designs, expected);
}

#[test]
fn every_bad_scenario_exits_with_2_and_prints_no_results() {
    let folder = in_repository("tests/bad_input");
    let mut files = 0;
    for entry in fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let output = stalemap(&folder, &["check", path.to_str().expect("UTF-8")]);
            assert_eq!(output.status.code(), Some(2), "{}", path.display());
            assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{}", path.display());
            files += 1;
        }
    }
    assert!(files >= 40, "{files} files");
}

#[test]
fn what_is_left_out_is_told() {
    let folder = elsewhere();
    let arguments = ["check", "ntfs3", "gfs2/control", "--kernel", "linux-6.12"];
    let output = stalemap(folder.path(), &arguments);
    let said = text(&output.stderr);
    assert!(said.contains(" scenarios left out, with nothing to run under: ntfs3/"), "{said}");
    assert_eq!(text(&stalemap(folder.path(), &[&arguments[..], &["--quiet"]].concat()).stderr), "");
}

#[test]
fn a_file_without_expectations_runs_under_what_it_defines() {
    let folder = elsewhere();
    let own = "[design.d]\nbased_on = \"none\"\n[kernel.k]\nbased_on = \"linux-6.12\"\n";
    let file = file_with(&folder, "own.toml", &format!("{RACE}{own}"));
    let output = stalemap(folder.path(), &["check", &file, "--format", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let results = document["results"].as_array().expect("results").iter();
    let names: Vec<&str> = results.map(|result| result["design"].as_str().expect("a name")).collect();
    assert!(names.starts_with(&["none", "iomap_valid"]) && names.ends_with(&["d", "k"]), "{names:?}");
}

#[test]
fn a_folder_that_is_a_file_and_a_device_that_is_full_are_named() {
    let folder = elsewhere();
    let file = file_with(&folder, "race.toml", RACE);
    for (option, problem) in [
        ("--save", "error: cannot write race.toml: it is no folder\n"),
        (
            "--checkpoint",
            "error: race.toml is no beginning of this search: it is no checkpoint: the first line must be `stalemap \
             checkpoint 1`; keep the search elsewhere\n",
        ),
    ] {
        let output = stalemap(folder.path(), &["check", &file, "--design", "none", option, "race.toml"]);
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(2), problem));
    }
    let full = "title = \"x\"\n[fs]\npersonality = \"xfs-zoned\"\nfree_blocks = 3\n[setup]\nrun = [\"pwrite 0 4k\"]\n\
                [[actor]]\nname = \"a\"\nrun = [\"fsync\"]\n";
    let full = file_with(&folder, "full.toml", full);
    let output = stalemap(folder.path(), &["check", &full, "--design", "none"]);
    let said = text(&output.stderr);
    let help =
        "a write out of place reserves 3 blocks more than it fills (`spare_blocks`): raise `free_blocks`";
    assert!(said.contains("fails with ENOSPC") && said.contains(help), "{said}");
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else { return };
    for arguments in [&["list"][..], &["--help"], &["check", "--help"], &["--version"]] {
        let mut program = program();
        program.args(arguments).stdout(full.try_clone().expect("a file"));
        let output = program.output().expect("the program starts");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).starts_with("error: cannot write the results: "), "{arguments:?}");
    }
}

const ALONE: &str = "\
title = \"What is dirty is lost\"
[setup]
run = [\"falloc 0 8k\", \"pwrite -S 0x58 6k 2k\"]
[[actor]]
name = \"kswapd\"
run = [\"@reclaim 4k 4k\"]
[fs]
completion = \"clear-then-convert\"
[observe]
ranges = [\"4k 4k\"]
[expect]
none = [\"lost-write\"]
iomap_valid = [\"lost-write\"]
[reach]
must = []
";

/// What is printed can be typed in, numbers agree with their nouns, and the first final contents are introduced.
#[test]
fn what_is_printed_of_a_file_can_be_typed_in_and_is_introduced_once() {
    let folder = elsewhere();
    file_with(&folder, "my f.toml", ALONE);
    let said = text(&stalemap(folder.path(), &["check", "my f.toml"]).stdout);
    assert!(said.contains("\nReplay: stalemap check 'my f.toml' --design none\n"), "{said}");
    assert!(said.contains("0 preemptions, 1 operation, 2 states"), "{said}");
    assert_eq!(said.matches("Final contents, in the form of herd7").count(), 1, "{said}");
    assert_eq!(said.matches("\nTest my f.toml/").count(), 2, "{said}");
    let introduced = said.find("Final contents").expect("a line");
    assert!(said[introduced..].contains("Test my f.toml/none Allowed"), "{said}");
    let help = text(&stalemap(folder.path(), &["replay", "--help"]).stdout);
    assert!(help.contains("0  it was replayed") && !help.contains("as the files expect"), "{help}");
}

/// The legend of a comparison has the signs of its cells, and no others.
#[test]
fn a_comparison_explains_the_signs_that_occur() {
    let folder = elsewhere();
    for (arguments, signs) in [
        (&["xfs/t1", "xfs/t2"][..], [true, false, false]),
        (&["xfs/t1", "--all"], [true, false, true]),
        (&["xfs/t1", "--design", "iomap_valid", "--all"], [false, false, true]),
        (&["xfs/t1", "xfs/t2", "--design", "iomap_valid"], [false, false, false]),
    ] {
        let said = text(&stalemap(folder.path(), &[&["compare"][..], arguments].concat()).stdout);
        let found = ["[P]:", "[<=P]:", "(N):"].map(|sign| said.contains(sign));
        assert_eq!(found, signs, "{arguments:?}: {said}");
    }
    let between = stalemap(folder.path(), &["compare", "--between", "none", "iomap_valid", "xfs/t1"]);
    let said = text(&between.stdout);
    assert!(said.contains("; iomap_valid holds (324 states)."), "{said}");
}
