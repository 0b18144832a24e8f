//! What comes from stdin, named `-`: a scenario that is piped in, a schedule that is pasted; and a schedule that was quoted in a mail.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{elsewhere, fed, page, stalemap, text};

const TWO_WRITERS: &str = r#"title = "Two writers"
[[actor]]
name = "writer"
run = ["pwrite 0 4k"]
[[actor]]
name = "other"
run = ["pwrite 0 4k"]
"#;

/// Bad input: exit code 2, nothing on stdout, and the message.
fn refused(arguments: &[&str], stdin: &[u8]) -> String {
    let output = fed(elsewhere().path(), arguments, stdin);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    text(&output.stderr)
}

/// The counterexample to xfs/t1 without a check, saved in a folder.
fn saved(folder: &Path) -> String {
    stalemap(folder, &["check", "xfs/t1", "--design", "none", "--save", "."]);
    fs::read_to_string(folder.join("xfs-t1-none.schedule")).expect("a schedule")
}

#[test]
fn a_scenario_that_is_piped_in_is_checked() {
    let folder = elsewhere();
    let arguments = ["check", "-", "--design", "iomap_valid", "--format", "json"];
    let output = fed(folder.path(), &arguments, TWO_WRITERS.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["results"][0]["scenario"], "<stdin>");
    let changed = page("scenarios/xfs/t1.toml") + "# mine\n";
    let arguments = ["check", "-", "--design", "none", "--save", "."];
    let said = text(&fed(folder.path(), &arguments, changed.as_bytes()).stdout);
    assert!(said.contains("stalemap check - --design none\n"), "{said}");
    assert!(folder.path().join("stdin-none.schedule").is_file(), "{said}");
    // The shipped one has its name, and the command can be given again.
    let said = text(&fed(folder.path(), &arguments, page("scenarios/xfs/t1.toml").as_bytes()).stdout);
    assert!(said.contains("stalemap check xfs/t1 --design none\n"), "{said}");
}

#[test]
fn whatever_reads_a_scenario_reads_it_from_stdin() {
    let folder = elsewhere();
    for command in ["show", "list", "costs", "compare", "orderings"] {
        let output = fed(folder.path(), &[command, "-"], TWO_WRITERS.as_bytes());
        assert!(matches!(output.status.code(), Some(0 | 1)), "{command}: {}", text(&output.stderr));
    }
    // A file of that name is named with its folder.
    fs::write(folder.path().join("-"), TWO_WRITERS).expect("a file");
    assert!(text(&stalemap(folder.path(), &["show", "./-"]).stdout).contains("Two writers"));
}

#[test]
fn what_is_wrong_with_stdin_is_said_of_it() {
    let schedule = saved(elsewhere().path());
    let cases: [(&str, &[&str], &[u8]); 9] = [
        (
            "a wrong scenario",
            &["check", "-"],
            b"title = \"x\"\n[[actor]]\nname = \"a\"\nrun = [\"pwrit 0\"]\n",
        ),
        ("not UTF-8", &["check", "-"], b"title = \"\xff\"\n"),
        ("a schedule for a scenario", &["check", "-"], schedule.as_bytes()),
        ("a scenario for a schedule", &["replay", "-"], TWO_WRITERS.as_bytes()),
        ("nothing for a schedule", &["replay", "-"], b""),
        ("a schedule that is not UTF-8", &["replay", "-"], b"stalemap schedule 1\n\xff"),
        ("two schedules", &["replay", "-", "--against", "-"], schedule.as_bytes()),
        ("a file to change", &["check", "--accept", "-"], TWO_WRITERS.as_bytes()),
        ("a quotation that is cut", &["replay", "-"], b"> stalemap schedule 1\n> design = none\nHow so?\n"),
    ];
    let mut said = String::new();
    for (name, arguments, stdin) in cases {
        writeln!(said, "== {name}\n{}", refused(arguments, stdin)).expect("a string takes it");
    }
    insta::assert_snapshot!(said);
    let endless = vec![b'#'; 17 << 20];
    assert!(refused(&["check", "-"], &endless).contains("more than 1048576 bytes\n"));
    let long = [b"stalemap schedule 1\n".to_vec(), endless].concat();
    assert!(refused(&["replay", "-"], &long).starts_with("error: <stdin> has more than 16777216 bytes"));
}

#[test]
fn a_schedule_is_replayed_as_a_mail_quotes_it() {
    let folder = elsewhere();
    let schedule = saved(folder.path());
    let expected = text(&stalemap(folder.path(), &["replay", "xfs-t1-none.schedule"]).stdout);
    let of_stdin = expected.replace("replay xfs-t1-none.schedule", "replay -");
    for (mark, end) in
        [("", "\n"), ("", "\r\n"), ("> ", "\n"), (">", "\n"), ("> > ", " \n"), (">> ", "  \r\n")]
    {
        let lines: Vec<String> = schedule.lines().map(|line| format!("{mark}{line}{end}")).collect();
        let quoted = lines.concat();
        let output = fed(folder.path(), &["replay", "-"], quoted.as_bytes());
        assert_eq!(text(&output.stdout), of_stdin, "{mark:?} {end:?}: {}", text(&output.stderr));
        fs::write(folder.path().join("quoted"), &quoted).expect("a file");
        let said = text(&stalemap(folder.path(), &["replay", "quoted"]).stdout);
        assert_eq!(said, expected.replace("xfs-t1-none.schedule", "quoted"), "{mark:?} {end:?}");
    }
    // An error is where it is in the mail.
    let wrong = schedule.replace("writer: iomap_begin\n", "writer: iomap_end\n");
    let line = wrong.lines().position(|line| line == "writer: iomap_end").expect("a line") + 1;
    let lines: Vec<String> = wrong.lines().map(|line| format!("> {line}\n")).collect();
    let quoted = lines.concat();
    let said = refused(&["replay", "-"], quoted.as_bytes());
    assert!(said.starts_with(&format!("error: <stdin>: line {line}: `writer: iomap_end`")), "{said}");
}
