//! Searches that are kept in files and taken up again, from the outside.
//!
//! A search that went on must end as one that was never stopped. Whatever cannot be gone on from is refused, and left as
//! it is.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{elsewhere, in_repository, program, stalemap, text};

/// A folder with copies of inputs.
fn inputs() -> TempDir {
    let folder = elsewhere();
    for name in ["large.toml", "shallow-bug.toml"] {
        let from = in_repository("tests/stalemap/inputs").join(name);
        fs::copy(from, folder.path().join(name)).expect("inputs can be copied");
    }
    folder
}

fn check(folder: &Path, arguments: &[&str]) -> Output {
    stalemap(folder, &[&["check"], arguments].concat())
}

/// The results, without what a clock put into them.
fn results(output: &Output) -> Value {
    let mut document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no JSON: {}", text(&output.stderr)));
    for result in document["results"].as_array_mut().expect("results") {
        result["elapsed_ms"] = Value::Null;
    }
    document["results"].take()
}

/// What comes of a command, and of the same one with searches that are kept.
fn both(folder: &Path, arguments: &[&str]) -> [Value; 2] {
    let arguments = [arguments, &["--format", "json"]].concat();
    let kept = check(folder, &[&arguments[..], &["--checkpoint", "kept"]].concat());
    [results(&check(folder, &arguments)), results(&kept)]
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join("kept").join(name)
}

#[test]
fn a_search_goes_on_after_a_limit() {
    let folder = inputs();
    for states in ["1000", "60000", "200000"] {
        let [whole, kept] = both(folder.path(), &["large.toml", "--limit-states", states]);
        assert_eq!(whole[0]["limits_hit"], json!(["states"]));
        assert_eq!(whole, kept);
    }
    let stopped = check(folder.path(), &["large.toml", "--limit-states", "200000", "--checkpoint", "kept"]);
    assert!(
        text(&stopped.stderr).contains("kept in kept: the same command goes on"),
        "{}",
        text(&stopped.stderr)
    );
    assert_eq!(stopped.status.code(), Some(3));
}

#[test]
fn what_was_found_before_is_found_after() {
    let folder = inputs();
    for states in ["20000", "150000"] {
        let [whole, kept] = both(folder.path(), &["shallow-bug.toml", "--limit-states", states]);
        assert_eq!(whole, kept);
    }
}

#[test]
fn every_design_of_a_scenario_has_a_file_of_its_own_and_ends_as_ever() {
    let folder = elsewhere();
    let some = check(folder.path(), &["xfs/t1", "xfs/t2", "--limit-states", "700", "--checkpoint", "kept"]);
    assert_eq!(some.status.code(), Some(3), "{}", text(&some.stderr));
    let [whole, kept] = both(folder.path(), &["xfs/t1", "xfs/t2"]);
    assert_eq!(whole, kept);
    let names = fs::read_dir(folder.path().join("kept")).expect("a folder");
    assert_eq!(names.count(), kept.as_array().expect("results").len());
    // At the end the end is kept, with no states.
    let [again, kept] = both(folder.path(), &["xfs/t1", "xfs/t2"]);
    assert_eq!((&whole, &whole), (&again, &kept));
    assert!(fs::metadata(file(folder.path(), "xfs-t1-none.checkpoint")).expect("a file").len() < 20_000);
}

/// A process that goes on with a kept search, and listens for signals.
fn going_on(folder: &Path, more: &[&str]) -> Child {
    let mut program = program();
    program.args([
        "check",
        "large.toml",
        "--checkpoint",
        "kept",
        "--format",
        "json",
        "--limit-states",
        "200000",
    ]);
    program.args(more);
    let child = program.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("the program runs");
    let listens = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?.trim().to_owned();
        Some(u64::from_str_radix(&caught, 16).ok()? & 1 << 14 != 0)
    };
    while listens() != Some(true) {
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.expect("there is a kill").success());
}

#[test]
fn several_processes_at_once_leave_a_whole_file() {
    let folder = inputs();
    for states in 1000..1004 {
        let limits = [states, states + 4].map(|limit| limit.to_string());
        let begun = limits.map(|limit| {
            let mut command = program();
            command.current_dir(folder.path());
            command.args(["check", "large.toml", "--limit-states", &limit, "--checkpoint", "kept"]);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program")
        });
        for child in begun {
            let output = child.wait_with_output().expect("its end");
            assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
            assert!(!text(&output.stderr).contains("cannot"), "{}", text(&output.stderr));
        }
    }
    let names = fs::read_dir(folder.path().join("kept")).expect("the folder").count();
    assert_eq!(names, 1, "nothing is left behind");
}

#[test]
fn a_search_goes_on_after_a_signal() {
    if !Path::new("/proc/self/status").exists() {
        return;
    }
    let folder = inputs();
    let limited = ["large.toml", "--limit-states", "5000", "--checkpoint", "kept"];
    assert_eq!(check(folder.path(), &limited).status.code(), Some(3));
    for signal in ["-TERM", "-INT", "-KILL"] {
        let child = going_on(folder.path(), &[]);
        send(signal, &child);
        let output = child.wait_with_output().expect("it ends");
        if signal == "-KILL" {
            assert_eq!(output.status.code(), None);
        } else {
            assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
            assert_eq!(results(&output)[0]["limits_hit"], json!(["interrupted"]));
        }
    }
    let [whole, kept] = both(folder.path(), &["large.toml", "--limit-states", "200000"]);
    assert_eq!(whole, kept);
}

/// What is said of a file that cannot be gone on from. It must stay as it is.
fn refused(folder: &Path, name: &str, arguments: &[&str]) -> String {
    let before = fs::read(file(folder, name)).ok();
    let output = check(folder, &[arguments, &["--checkpoint", "kept"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert!(output.stdout.is_empty());
    assert_eq!(before, fs::read(file(folder, name)).ok(), "nothing is lost");
    let said = text(&output.stderr);
    // What is damaged inside is found when it is read.
    assert!(said.lines().any(|line| line.starts_with("error: ")) && said.contains(name), "{said}");
    said
}

#[test]
fn what_cannot_be_gone_on_from_is_refused() {
    let folder = elsewhere();
    let folder = folder.path();
    let (_, source) = stalemap::scenario::catalogue::find("xfs/t1").expect("a shipped scenario");
    fs::write(folder.join("mine.toml"), source).expect("a file");
    let mine = |design| ["mine.toml", "--design", design, "--limit-states", "150"];
    let kept = check(folder, &[&mine("none")[..], &["--checkpoint", "kept"]].concat());
    assert_eq!(kept.status.code(), Some(3), "{}", text(&kept.stderr));

    let (none, other) = ("mine-none.checkpoint", "mine-get_folio.checkpoint");
    fs::copy(file(folder, none), file(folder, other)).expect("a copy");
    let said = refused(folder, other, &mine("get_folio"));
    assert!(said.contains("it is of the design `none`, and this is `get_folio`"), "{said}");
    assert!(said.contains("remove it to begin anew"), "{said}");
    let said = refused(folder, none, &[&mine("none")[..], &["--limit-preemptions", "1"]].concat());
    assert!(said.contains("it is of the limit of preemptions `none`, and this is `1`"), "{said}");
    let said = refused(folder, none, &[&mine("none")[..], &["--memory", "relaxed"]].concat());
    assert!(said.contains("it is of the memory `sc`, and this is `relaxed`"), "{said}");

    let whole = fs::read(file(folder, none)).expect("a file");
    let header = whole.windows(2).position(|pair| pair == b"\n\n").expect("a header") + 2;
    let mut damaged = whole.clone();
    damaged[header + 40] ^= 1;
    let lines = text(&whole[..header]);
    let build = lines.lines().find(|line| line.starts_with("build = ")).expect("a build");
    let with = |old: &str, new: &str| [lines.replace(old, new).as_bytes(), &whole[header..]].concat();
    for (bytes, problem) in [
        (damaged, "it is damaged"),
        (whole[..whole.len() - 1].to_vec(), "it is cut off"),
        (whole[..header].to_vec(), "it is cut off"),
        (whole[..header - 1].to_vec(), "it is damaged: an empty line is missing"),
        (with("\n\n", "\nmore = 1\n\n"), "it is damaged: an empty line is missing"),
        (whole[..40].to_vec(), "it is damaged: `build = …` is missing"),
        ([&whole[..], b"more"].concat(), "it is damaged"),
        (Vec::new(), "it is no checkpoint"),
        (b"title = \"x\"\n".to_vec(), "it is no checkpoint"),
        (vec![0xff; 1 << 20], "it is no checkpoint"),
        (with("checkpoint 1", "checkpoint 2"), "only version 1 is understood"),
        (with(build, "build = 7"), "another build of stalemap wrote it"),
        (with("\nversion = ", "\nversion = 0."), "stalemap 0."),
    ] {
        fs::write(file(folder, none), bytes).expect("a file");
        let said = refused(folder, none, &mine("none"));
        assert!(said.contains(problem), "{said}");
    }
    fs::write(file(folder, none), &whole).expect("a file");
    fs::write(folder.join("mine.toml"), format!("{source}\n[limits]\nevictions = 7\n")).expect("a file");
    let said = refused(folder, none, &mine("none"));
    assert!(said.contains("the scenario or the design has been changed since"), "{said}");
    fs::remove_file(file(folder, none)).expect("it was there");
    fs::create_dir(file(folder, none)).expect("a folder");
    assert!(refused(folder, none, &mine("none")).contains("it is no regular file"));
}

#[test]
fn a_file_of_another_scenario_with_the_same_name_is_refused() {
    let folder = elsewhere();
    let folder = folder.path();
    let (_, source) = stalemap::scenario::catalogue::find("xfs/t1").expect("a shipped scenario");
    fs::create_dir(folder.join("a")).expect("a folder");
    for name in ["a/b.toml", "a-b.toml"] {
        fs::write(folder.join(name), source).expect("a file");
    }
    let limited = |name| [name, "--design", "none", "--limit-states", "150"];
    let kept = check(folder, &[&limited("a/b.toml")[..], &["--checkpoint", "kept"]].concat());
    assert_eq!(kept.status.code(), Some(3), "{}", text(&kept.stderr));
    let said = refused(folder, "a-b-none.checkpoint", &limited("a-b.toml"));
    assert!(said.contains("it is of the scenario `a/b.toml`, and this is `a-b.toml`"), "{said}");
    // Nothing runs where one of several searches cannot go on.
    let said = refused(folder, "a-b-none.checkpoint", &["xfs/t2", "a-b.toml", "--limit-states", "150"]);
    assert!(said.contains("remove it to begin anew"), "{said}");
    assert_eq!(fs::read_dir(folder.join("kept")).expect("a folder").count(), 1);
}

#[test]
fn a_bound_of_preemptions_is_one_wherever_it_stands() {
    let folder = elsewhere();
    let folder = folder.path();
    let (_, source) = stalemap::scenario::catalogue::find("xfs/t1").expect("a shipped scenario");
    let bounded = |most: u32| format!("{source}\n[limits]\npreemptions = {most}\n");
    let mine = ["mine.toml", "--design", "none", "--limit-states", "100"];
    fs::write(folder.join("mine.toml"), bounded(2)).expect("a file");
    let kept = check(folder, &[&mine[..], &["--checkpoint", "kept"]].concat());
    assert_eq!(kept.status.code(), Some(3), "{}", text(&kept.stderr));
    fs::write(folder.join("mine.toml"), bounded(1)).expect("a file");
    let said = refused(folder, "mine-none.checkpoint", &mine);
    assert!(said.contains("it is of the limit of preemptions `2`, and this is `1`"), "{said}");
    let again = [&mine[..], &["--limit-preemptions", "2", "--checkpoint", "kept"]].concat();
    assert_eq!(check(folder, &again).status.code(), Some(3));
}

#[test]
fn another_program_does_not_go_on() {
    let folder = elsewhere();
    let folder = folder.path();
    let arguments = ["check", "xfs/t1", "--design", "none", "--limit-states", "150", "--checkpoint", "kept"];
    assert_eq!(stalemap(folder, &arguments).status.code(), Some(3));
    // What stands behind the sections of a program is not loaded. A shell makes the copy: a file that this process has open for
    // writing may be inherited by what other tests run, and then it is no program to run.
    let path = folder.join("other");
    let mut copy = Command::new("sh");
    copy.args(["-c", r#"cp "$0" "$1" && printf x >> "$1""#]).arg(program().get_program()).arg(&path);
    assert!(copy.status().expect("a shell").success());
    let output = Command::new(&path).args(arguments).current_dir(folder).output().expect("a program");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("another build of stalemap wrote it"), "{}", text(&output.stderr));
}

#[test]
fn a_file_is_made_in_its_folder_and_can_be_read_as_others_can() {
    let folder = elsewhere();
    let folder = folder.path();
    let mut command = program();
    command.args(["check", "xfs/t1", "--design", "none", "--limit-states", "150", "--checkpoint", "kept"]);
    let output =
        command.current_dir(folder).env("TMPDIR", folder.join("none")).output().expect("the program");
    assert_eq!(text(&output.stderr).matches("warning").count(), 0, "{}", text(&output.stderr));
    fs::write(folder.join("plain"), "").expect("a file");
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode();
    assert_eq!(mode(&file(folder, "xfs-t1-none.checkpoint")), mode(&folder.join("plain")));
}

#[test]
fn what_could_not_be_kept_is_warned_of() {
    if !Path::new("/proc/self/status").exists() {
        return;
    }
    let folder = inputs();
    let child = going_on(folder.path(), &["--checkpoint-every", "0", "--quiet"]);
    // It listens for signals before it makes the folder, and writes into it all the time.
    while fs::remove_dir_all(folder.path().join("kept")).is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let said = text(&output.stderr);
    let file = |line: &str| {
        line.strip_prefix("warning: cannot write kept/large-")?.split(": ").next().map(str::to_owned)
    };
    let mut files: Vec<String> = said.lines().filter_map(file).collect();
    let warnings = files.len();
    assert_eq!(warnings, said.lines().count(), "{said}");
    files.sort_unstable();
    files.dedup();
    assert!(warnings > files.len(), "it is said when it happens, and at the end: {said}");
}

#[test]
fn what_cannot_be_kept_is_said_at_once() {
    let folder = elsewhere();
    let folder = folder.path();
    fs::write(folder.join("file"), "").expect("a file");
    let output = check(folder, &["xfs/t1", "--checkpoint", "file"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let output = check(folder, &["xfs/t1", "--engine", "loom", "--checkpoint", "kept"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("only searches of the exhaustive engine can be kept"));
    let (_, source) = stalemap::scenario::catalogue::find("xfs/t1").expect("a shipped scenario");
    fs::create_dir(folder.join("a")).expect("a folder");
    for name in ["a/b.toml", "a-b.toml"] {
        fs::write(folder.join(name), format!("{source}\n# {name}\n")).expect("a file");
    }
    let output = check(folder, &["a/b.toml", "a-b.toml", "--checkpoint", "kept"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("would be of two of these scenarios"), "{}", text(&output.stderr));
}

/// The names of what is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> = entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn one_search_may_be_kept_in_a_file() {
    let folder = inputs();
    let folder = folder.path();
    let kept = |arguments: &[&str]| check(folder, &[arguments, &["--checkpoint", "one.checkpoint"]].concat());
    let limited = kept(&["large.toml", "--limit-states", "3000"]);
    assert_eq!(limited.status.code(), Some(3), "{}", text(&limited.stderr));
    let said = text(&limited.stderr);
    assert!(said.starts_with("nothing of this is kept in one.checkpoint yet: it begins anew\n"), "{said}");
    assert!(said.contains("kept in one.checkpoint: the same command goes on"), "{said}");
    assert_eq!(names(folder), ["large.toml", "one.checkpoint", "shallow-bug.toml"]);
    let more = ["large.toml", "--limit-states", "9000", "--format", "json"];
    let went_on = kept(&more);
    let said = text(&went_on.stderr);
    assert!(said.starts_with("goes on from one.checkpoint, and reads "), "{said}");
    assert_eq!(results(&went_on), results(&check(folder, &more)));
    assert_eq!(
        text(&kept(&[&more[..], &["--progress", "never"]].concat()).stderr)
            .matches("goes on from one")
            .count(),
        0
    );
    // A file that has another name is one when it is there.
    fs::rename(folder.join("one.checkpoint"), folder.join("one")).expect("a file");
    let other = check(folder, &["shallow-bug.toml", "--checkpoint", "one", "--design", "none"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other.stderr).contains("it is of the scenario `large.toml`"), "{}", text(&other.stderr));
    let several = kept(&["large.toml", "--design", "none", "--design", "get_folio"]);
    assert_eq!(several.status.code(), Some(2));
    assert!(text(&several.stderr).contains("is a file for one search"), "{}", text(&several.stderr));
    assert_eq!(names(folder), ["large.toml", "one", "shallow-bug.toml"]);
}

#[test]
fn what_a_killed_process_was_writing_is_removed_and_what_another_writes_is_not() {
    let folder = inputs();
    let folder = folder.path();
    let kept = folder.join("kept");
    fs::create_dir(&kept).expect("a folder");
    for name in [".checkpoint-dead", ".checkpoint-alive", "mine"] {
        fs::write(kept.join(name), "half a search").expect("a file");
    }
    let alive = fs::File::open(kept.join(".checkpoint-alive")).expect("a file");
    alive.lock().expect("a lock");
    let limited = check(folder, &["large.toml", "--limit-states", "1000", "--checkpoint", "kept"]);
    assert_eq!(limited.status.code(), Some(3), "{}", text(&limited.stderr));
    assert_eq!(names(&kept), [".checkpoint-alive", "large-get_folio.checkpoint", "mine"]);
}

/// What is known of a file from the outside; another one of its name has another number.
fn look(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|metadata| (metadata.ino(), metadata.len()))
}

/// Waits until a search has been kept so often, and for some more microseconds. Whether it is still at work then.
fn let_run(child: &mut Child, path: &Path, times: u32, more: u32) -> bool {
    for _ in 0..times {
        let before = look(path);
        while look(path) == before {
            if child.try_wait().expect("a child").is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    std::thread::sleep(Duration::from_micros(more.into()));
    child.try_wait().expect("a child").is_none()
}

/// Kills a search at moments of which nobody knows what it does then: where it writes what is kept, and in between. Whatever it was
/// at, what comes in the end has the same bytes.
#[test]
fn a_search_that_is_killed_again_and_again_ends_as_if_nothing_had_been() {
    const KILLS: u32 = 20;
    let folder = inputs();
    let folder = folder.path();
    let path = file(folder, "large-get_folio.checkpoint");
    let arguments = ["check", "large.toml", "--limit-states", "120000", "--format", "json", "--no-times"];
    let kept = [&arguments[..], &["--checkpoint", "kept", "--checkpoint-every", "0"]].concat();
    let whole = stalemap(folder, &arguments);
    assert_eq!(whole.status.code(), Some(3), "{}", text(&whole.stderr));
    let (mut sizes, mut ends) = (BTreeSet::new(), 0);
    for kill in 0..KILLS {
        let mut command = program();
        command.args(&kept).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        if let_run(&mut child, &path, 1 + kill % 3, kill * 7919 % 20_000) {
            send("-KILL", &child);
            let output = child.wait_with_output().expect("its end");
            // It may have come to its end meanwhile.
            assert!(matches!(output.status.code(), None | Some(3)), "{}", text(&output.stderr));
            sizes.extend(look(&path).map(|(_, size)| size));
        } else {
            let output = child.wait_with_output().expect("its end");
            assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
            // Then from the beginning.
            fs::remove_dir_all(folder.join("kept")).expect("a folder");
            ends += 1;
        }
    }
    println!("{} sizes of checkpoints, {ends} ends", sizes.len());
    assert!(sizes.len() > 5 && ends < KILLS / 2, "hardly a search was killed at work: {sizes:?}, {ends}");
    let end = stalemap(folder, &kept);
    assert_eq!(text(&end.stdout), text(&whole.stdout));
    assert_eq!(names(&folder.join("kept")), ["large-get_folio.checkpoint"], "nothing is left behind");
    let again = stalemap(folder, &kept);
    assert_eq!(text(&again.stdout), text(&whole.stdout));
}
