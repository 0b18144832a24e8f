//! What a user may point the program at: folders with loops, FIFOs, devices, files that are too long, the same file
//! several times, commands that fail. Each has its exit code and its message, and none is waited for without end.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{elsewhere, stalemap, text};

const GOOD: &str = "title = \"x\"\n[[actor]]\nname = \"a\"\nrun = [\"fsync\"]\n";

/// Bad input: exit code 2, nothing on stdout, and the message.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = stalemap(folder, arguments);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    errors
}

fn listed(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["list", "--format", "json"], arguments].concat();
    let output = stalemap(folder, &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let scenarios = document["scenarios"].as_array().expect("scenarios");
    scenarios.iter().map(|entry| entry["scenario"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_folder_is_walked_once_whatever_its_links_lead_to() {
    let folder = elsewhere();
    let deep = folder.path().join("loop/a/b");
    fs::create_dir_all(&deep).expect("folders");
    fs::write(folder.path().join("loop/a/a.toml"), GOOD).expect("a file");
    symlink("..", deep.join("up")).expect("a link");
    symlink("../..", deep.join("up2")).expect("a link");
    symlink("self", deep.join("self")).expect("a link");
    symlink("nowhere", deep.join("dangling")).expect("a link");
    assert_eq!(listed(folder.path(), &["loop"]), ["loop/a/a.toml"]);
    // A link to a file that is listed anyway, one to a file outside, and one to a folder outside.
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).expect("a folder");
    fs::write(outside.join("b.toml"), GOOD).expect("a file");
    symlink("a.toml", folder.path().join("loop/a/0.toml")).expect("a link");
    symlink("../outside", folder.path().join("loop/z")).expect("a link");
    assert_eq!(listed(folder.path(), &["loop"]), ["loop/a/a.toml"]);
    symlink("../outside/b.toml", folder.path().join("loop/b.toml")).expect("a link");
    assert_eq!(listed(folder.path(), &["loop"]), ["loop/a/a.toml", "loop/b.toml"]);
    // A folder that is named itself may be a link.
    assert_eq!(listed(folder.path(), &["loop/z"]), ["loop/z/b.toml"]);
    // A link that is called a scenario and leads nowhere is an error.
    symlink("nowhere", folder.path().join("loop/c.toml")).expect("a link");
    assert!(refused(folder.path(), &["list", "loop"]).contains("loop/c.toml is a symbolic link to nothing"));
}

#[test]
fn what_is_named_twice_is_read_once() {
    let folder = elsewhere();
    fs::create_dir(folder.path().join("d")).expect("a folder");
    fs::write(folder.path().join("d/a.toml"), GOOD).expect("a file");
    assert_eq!(listed(folder.path(), &["d", "./d/a.toml", "d/../d", "d/a.toml"]), ["d/a.toml"]);
    assert_eq!(listed(folder.path(), &["xfs/t1", "xfs/t1"]), ["xfs/t1"]);
    let scenarios = listed(folder.path(), &["xfs", "xfs/t1"]);
    assert_eq!(scenarios.iter().filter(|name| *name == "xfs/t1").count(), 1);
}

#[test]
fn what_is_named_in_place_of_something_else_is_told_apart() {
    let folder = elsewhere();
    let shipped = refused(folder.path(), &["show", "xfs"]);
    assert!(shipped.contains("xfs is a folder of the catalogue; name one scenario, like xfs/"), "{shipped}");
    let scenario = refused(folder.path(), &["replay", "xfs/t1"]);
    let says =
        "xfs/t1 is a scenario, not a schedule; `stalemap check xfs/t1 --save DIR` writes its schedules";
    assert!(scenario.contains(says), "{scenario}");
}

#[test]
fn only_regular_files_are_read() {
    let folder = elsewhere();
    let fifo = folder.path().join("fifo.toml");
    let made = Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
    assert!(made.success());
    let message = "is a FIFO; only regular files and folders are read, and stdin, whose name is `-`\n";
    for arguments in [&["check", "--design", "none", "fifo.toml"][..], &["show", "fifo.toml"], &["list", "."]]
    {
        assert!(refused(folder.path(), arguments).ends_with(message), "{arguments:?}");
    }
    assert!(refused(folder.path(), &["replay", "fifo.toml"]).ends_with(message));
    for command in ["show", "check", "replay", "orderings"] {
        let errors = refused(folder.path(), &[command, "/dev/zero"]);
        assert!(errors.starts_with("error: /dev/zero is a device; only regular files and folders are read"));
    }
    for command in ["show", "replay", "orderings"] {
        assert_eq!(refused(folder.path(), &[command, "."]), "error: . is a folder; name one file\n");
    }
    assert!(
        refused(folder.path(), &["replay", "nothing"])
            .starts_with("error: cannot read nothing: No such file")
    );
}

#[test]
fn no_more_is_read_than_a_file_may_have() {
    let folder = elsewhere();
    let sparse = |name: &str, bytes: u64| {
        let file = fs::File::create(folder.path().join(name)).expect("a file");
        file.set_len(bytes).expect("a length");
    };
    // 1 TiB of zeros.
    sparse("huge.toml", 1 << 40);
    sparse("huge.schedule", 1 << 40);
    let errors = refused(folder.path(), &["show", "huge.toml"]);
    assert!(errors.starts_with("error: the file has more than 1048576 bytes\n"), "{errors}");
    let errors = refused(folder.path(), &["replay", "huge.schedule"]);
    assert!(errors.starts_with("error: huge.schedule has more than 16777216 bytes"), "{errors}");
}

#[test]
fn an_unreadable_file_is_named() {
    let folder = elsewhere();
    let path = folder.path().join("secret.toml");
    fs::write(&path, GOOD).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("permissions");
    if fs::read(&path).is_ok() {
        // Who runs as root reads everything.
        return;
    }
    for arguments in [["list", "."], ["show", "secret.toml"]] {
        assert!(refused(folder.path(), &arguments).contains("secret.toml: Permission denied"));
    }
}

/// A scenario with little room, and what its actors do.
fn scarce(free_blocks: u16, setup: &str, actors: &[(&str, &str)]) -> String {
    let mut source = format!(
        "title = \"Little room\"\n[fs]\nfree_blocks = {free_blocks}\n[setup]\nrun = [{setup}]\n\
         [expect]\nget_folio = \"holds\"\n[reach]\nmust = []\n"
    );
    for (name, run) in actors {
        let _ = write!(source, "[[actor]]\nname = \"{name}\"\nrun = [{run}]\n");
    }
    source
}

fn with(source: &str) -> TempDir {
    let folder = elsewhere();
    fs::write(folder.path().join("s.toml"), source).expect("a file");
    folder
}

#[test]
fn a_setup_that_fails_is_an_error_with_its_line() {
    let write = "\"pwrite -S 0x58 -b 8k 0 8k\"";
    let reader = [("a", "\"pread 0 4k\"")];
    let folder = with(&scarce(1, &format!("\"truncate 4k\", {write}, \"fsync\""), &reader));
    insta::assert_snapshot!(refused(folder.path(), &["check", "s.toml"]));
    for command in ["agree", "power", "orderings"] {
        assert!(refused(folder.path(), &[command, "s.toml"]).contains("of the setup fails"), "{command}");
    }
    let witness = ["witness", "s.toml", "--design", "get_folio", "--reach", "evict"];
    assert!(refused(folder.path(), &witness).contains("of the setup fails"));
    // What the kernel refuses: the range ends at end of file.
    let folder = with(&scarce(9, "\"pwrite -b 8k 0 8k\", \"fcollapse 4k 4k\"", &reader));
    assert!(refused(folder.path(), &["check", "s.toml"]).contains("of the setup fails with EINVAL under"));
    // It is meant.
    for setup in [
        "\"@may_fail pwrite -b 8k 0 8k\", \"fsync\"",
        "\"@fail 4k\", \"pwrite -b 8k 0 8k\", \"fsync\"",
        "\"[file] @may_fail @direct pwrite -b 8k 0 8k\"",
    ] {
        let folder = with(&scarce(1, setup, &reader));
        let output = stalemap(folder.path(), &["check", "s.toml"]);
        assert_eq!(output.status.code(), Some(0), "{setup}: {}", text(&output.stderr));
    }
}

/// The one result of `check`.
fn checked(source: &str, arguments: &[&str]) -> (Option<i32>, Value) {
    let folder = with(source);
    let arguments = [&["check", "s.toml", "--format", "json", "--design", "get_folio"], arguments].concat();
    let output = stalemap(folder.path(), &arguments);
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    (output.status.code(), document["results"][0].clone())
}

#[test]
fn commands_that_fail_in_every_run_are_named_and_prove_nothing() {
    let setup = "\"pwrite -S 0x58 0 4k\", \"fsync\"";
    let actors = [("a", "\"pwrite -S 0x57 4k 4k\""), ("b", "\"pread 0 4k\", \"pwrite -S 0x56 8k 4k\"")];
    let source = scarce(1, setup, &actors);
    let named = serde_json::json!([
        { "actor": "a", "command": "pwrite -S 0x57 4k 4k", "line": 12, "error": "ENOSPC" },
        { "actor": "b", "command": "pwrite -S 0x56 8k 4k", "line": 15, "error": "ENOSPC" },
    ]);
    for engine in [&[][..], &["--engine", "loom"]] {
        let (exit, result) = checked(&source, engine);
        assert_eq!(exit, Some(1), "{result}");
        assert_eq!((&result["vacuous"], &result["as_expected"]), (&Value::Bool(true), &Value::Bool(false)));
        assert_eq!(result["never_succeeded"], named);
    }
    let folder = with(&source);
    insta::assert_snapshot!(text(&stalemap(folder.path(), &["check", "s.toml"]).stdout));
    // So is what fails before its actor's first operation, and is no command of the setup.
    let at_once = scarce(1, setup, &[("a", "\"@layoutwrite 0 4k\"")]);
    let (_, result) = checked(&at_once, &[]);
    assert_eq!(result["never_succeeded"][0]["error"], "EINVAL", "{result}");
    let in_setup = with(&scarce(0, setup, &[("a", "\"@layoutwrite 0 4k\"")]));
    let said = refused(in_setup.path(), &["check", "s.toml", "--design", "none"]);
    assert!(said.starts_with("error: this command of the setup fails with ENOSPC under none\n"), "{said}");
    // Of an unfinished search nobody knows.
    let (_, result) = checked(&source, &["--limit-states", "2"]);
    assert_eq!(result["never_succeeded"], serde_json::json!([]));
    // What succeeds in some run is not named: there is room for one of them.
    let (exit, result) = checked(&scarce(2, setup, &actors), &[]);
    assert_eq!((exit, &result["never_succeeded"]), (Some(0), &serde_json::json!([])), "{result}");
}

#[test]
fn an_answer_that_is_an_error_is_one() {
    let of = |fs: &str, setup: &str, actors: &str, reads: &str| {
        format!(
            "title = \"Answers\"\n[fs]\n{fs}\n[setup]\nrun = [{setup}]\n{actors}\n\
             [[actor]]\nname = \"r\"\nrun = [{reads}]\n[observe]\ncalls = [\"r\"]\n"
        )
    };
    let buffer = "[[actor]]\nname = \"x\"\nrun = [\"@direct pwrite -S 1 -i m 0 4k\"]\n\
                  [[actor]]\nname = \"y\"\nrun = [\"[m] mwrite\"]";
    let writer = "[[actor]]\nname = \"x\"\nrun = [\"pwrite 0 4k\", \"fsync\"]";
    let zoned = "personality = \"xfs-zoned\"\nio_errors = true\nzoned_write_error = \"shutdown\"";
    for (source, answers) in [
        // A checksum of something else; what is read behind end of file is nothing, and no error.
        (
            of(
                "data_checksum = true",
                "\"pwrite 0 4k\", \"fsync\"",
                buffer,
                "\"@direct pread 0 4k\", \"pread 8k 4k\"",
            ),
            &["r:0=EIO; r:1=nothing;", "r:0=01; r:1=nothing;"][..],
        ),
        // A call that begins after the file system has shut down is counted, too.
        (
            of(zoned, "\"truncate 4k\"", writer, "\"pread 0 4k\", \"seek -d 0\""),
            &["r:0=EIO; r:1=EIO;", "r:0=00; r:1=EIO;", "r:0=00; r:1=ENXIO;"],
        ),
    ] {
        let folder = with(&source);
        let run = ["check", "s.toml", "--design", "none", "--format", "json"];
        let document: Value = serde_json::from_slice(&stalemap(folder.path(), &run).stdout).expect("JSON");
        let outcomes = document["results"][0]["outcomes"].as_array().expect("a list");
        for answer in answers {
            assert!(outcomes.iter().any(|outcome| outcome["observed"] == *answer), "{answer}: {document}");
        }
    }
}

#[test]
fn the_greatest_number_of_executions_is_one() {
    let folder = with(GOOD);
    let most = u64::MAX.to_string();
    for engine in ["loom", "shuttle"] {
        let limits = ["--engine", engine, "--iterations", &most, "--limit-seconds", "1"];
        let arguments = [&["check", "s.toml", "--design", "none", "--format", "json"], &limits[..]].concat();
        let document: Value =
            serde_json::from_slice(&stalemap(folder.path(), &arguments).stdout).expect("JSON");
        assert!(document["results"][0]["executions"].as_u64().is_some_and(|count| count > 0), "{document}");
    }
}

#[test]
fn every_kind_of_failure_is_one() {
    let kept = "\"truncate 8k\"";
    for (free_blocks, setup, run, error) in [
        (9, kept, "\"fcollapse 4k 4k\"", Some("EINVAL")),
        (9, kept, "\"fcollapse 0 4k\"", None),
        (9, kept, "\"finsert 8k 4k\"", Some("EINVAL")),
        (9, kept, "\"finsert 4k 4k\"", None),
        (1, kept, "\"falloc 0 8k\"", Some("ENOSPC")),
        (2, kept, "\"falloc 0 8k\"", None),
        (1, kept, "\"@direct pwrite -b 8k 0 8k\"", Some("ENOSPC")),
        (9, kept, "\"reflink file 8k 0 4k\"", Some("EINVAL")),
        (9, kept, "\"reflink file 4k 0 4k\"", None),
        (9, "\"truncate 4k\"", "\"mmap 0 8k\", \"mread 4k 4k\"", Some("SIGBUS")),
        (9, "\"truncate 4k\"", "\"mmap 0 8k\", \"mread 0 4k\"", None),
        (0, kept, "\"mmap 0 8k\", \"mwrite 0 4k\"", Some("SIGBUS")),
        (9, kept, "\"pread 16k 4k\"", None),
        (9, kept, "\"@fail 0\", \"pwrite 0 4k\"", None),
        (9, kept, "\"@short 1k\", \"pwrite 0 4k\"", None),
        (0, kept, "\"pwrite 0 4k\"", Some("ENOSPC")),
        (0, kept, "\"@may_fail pwrite 0 4k\"", None),
        // The second call.
        (1, kept, "\"pwrite 0 8k\"", Some("ENOSPC")),
    ] {
        let (_, result) = checked(&scarce(free_blocks, setup, &[("a", run)]), &[]);
        let named = result["never_succeeded"].as_array().expect("a list");
        let errors: Vec<_> = named.iter().map(|failure| failure["error"].as_str()).collect();
        let expected: Vec<_> = error.into_iter().map(Some).collect();
        assert_eq!(errors, expected, "{run} with {free_blocks}: {result}");
        assert_eq!(result["vacuous"], error.is_some(), "{run}");
    }
}

#[test]
fn a_range_that_is_not_in_both_files_does_not_change_places() {
    for (a, b, arguments, fails) in [
        ("8k", "8k", "4k 4k", false),
        ("8k", "8k", "8k 4k", true),
        ("8k", "12k", "4k 4k", false),
        ("8k", "12k", "8k 4k", true),
        // A block that ends in the middle is the last one of both.
        ("6k", "6k", "4k 2k", false),
        ("6k", "6k", "4k 4k", true),
        ("6k", "8k", "4k 4k", true),
    ] {
        let source = format!(
            "title = \"x\"\nfile = [{{ name = \"a\" }}, {{ name = \"b\" }}]\n[setup]\n\
             run = [\"[a] truncate {a}\", \"[b] truncate {b}\", \"[b] pwrite 0 2k\"]\n\
             [[actor]]\nname = \"x\"\nrun = [\"[a] @exchange b {arguments}\"]\n\
             [expect]\nget_folio = \"holds\"\n[reach]\nmust = []\n"
        );
        let (_, result) = checked(&source, &[]);
        assert_eq!(result["vacuous"], fails, "{arguments} of {a} and {b}: {result}");
    }
}

#[test]
fn to_say_that_a_command_may_fail_costs_no_operation() {
    let plain =
        scarce(1, "\"truncate 8k\"", &[("a", "\"pwrite 4k 8k\""), ("b", "\"pread 0 8k\", \"fsync\"")]);
    let said = plain.replace("\"pwrite", "\"@may_fail pwrite").replace("\"fsync", "\"@may_fail fsync");
    let ((_, plain), (_, said)) = (checked(&plain, &[]), checked(&said, &[]));
    for count in ["states", "transitions", "executions", "max_depth", "final_states"] {
        assert_eq!(plain[count], said[count], "{count}");
    }
    assert_eq!((&plain["vacuous"], &said["vacuous"]), (&Value::Bool(true), &Value::Bool(false)));
}

#[test]
fn a_file_may_have_as_many_cells_as_the_message_says() {
    let of = |bytes: u32| {
        let run = format!("\"pwrite -b 1 0 {bytes}\"");
        let folder = with(&scarce(9, "", &[("a", &run)]));
        stalemap(folder.path(), &["check", "s.toml", "--limit-states", "50"])
    };
    // Each byte a cell, and what is left of the block.
    assert_eq!(of(4096).status.code(), Some(3));
    let refused = of(4097);
    assert_eq!(refused.status.code(), Some(2));
    let errors = text(&refused.stderr);
    assert!(errors.contains("into 4098 cells; at most 4096 can be explored"), "{errors}");
}
