//! What reaches a person: colour where it is asked for, ASCII where nothing else can be shown, what a shell completes, and the pages of
//! the manual.

use std::process::Output;

use clap::CommandFactory;
use stalemap::cli::Cli;
use tempfile::TempDir;

use crate::common::{elsewhere, in_repository, program, stalemap, text};

fn with(environment: &[(&str, &str)], folder: &TempDir, arguments: &[&str]) -> Output {
    let mut program = program();
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "LC_ALL", "LC_CTYPE", "LANG", "COLUMNS"] {
        program.env_remove(name);
    }
    let program = program.envs(environment.iter().copied()).args(arguments).current_dir(folder.path());
    program.output().expect("the program starts")
}

/// A folder with the schedule of a loss.
fn saved() -> TempDir {
    let folder = elsewhere();
    let saved = stalemap(folder.path(), &["check", "xfs/t1", "--save", "s"]);
    assert_eq!(saved.status.code(), Some(0), "{}", text(&saved.stderr));
    folder
}

const SCHEDULE: &str = "s/xfs-t1-none.schedule";

#[test]
fn colour_is_printed_where_it_is_asked_for() {
    let folder = saved();
    let check = ["check", "xfs/t1", "--design", "none"];
    let escapes = |environment: &[(&str, &str)], arguments: &[&str]| {
        text(&with(environment, &folder, arguments).stdout).matches('\u{1b}').count()
    };
    let when = |when: &'static str| [&check[..], &["--color", when]].concat();
    assert_eq!(escapes(&[], &check), 0);
    assert_eq!(escapes(&[], &when("auto")), 0);
    assert!(escapes(&[], &when("always")) > 0);
    assert!(escapes(&[("NO_COLOR", "1")], &when("always")) > 0, "who says always means it");
    assert!(escapes(&[("CLICOLOR_FORCE", "1")], &check) > 0);
    assert_eq!(escapes(&[("CLICOLOR_FORCE", "1")], &when("never")), 0);
    // The drawing, too, and a mail never.
    assert!(escapes(&[], &["--color", "always", "replay", SCHEDULE]) > 0);
    assert_eq!(escapes(&[], &["--color", "always", "replay", SCHEDULE, "--format", "mail"]), 0);
    assert_eq!(escapes(&[], &["--color", "never", "replay", SCHEDULE, "--format", "terminal"]), 0);
    let wrong = with(&[], &folder, &["check", "--color", "sometimes"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn nothing_beyond_ascii_is_printed_where_it_cannot_be_shown() {
    let folder = saved();
    let trace = in_repository("tests/fixtures/traces/v6.1.192nofix-4k-race-us.txt.gz");
    let trace = trace.to_str().expect("UTF-8");
    let commands: [&[&str]; 22] = [
        &["check", "xfs/t1", "xfs/t8"],
        &["check", "xfs/t1"],
        &["compare", "xfs/t1", "--all"],
        &["compare", "--between", "none", "iomap_valid", "xfs/t1"],
        &["compare", "--bisect", "series-00..series-10", "gfs2/t6"],
        &["costs", "xfs/t1"],
        &["orderings", "xfs/t1"],
        &["agree", "xfs/t1", "--design", "none", "--iterations", "5"],
        &["power", "xfs/t1", "--design", "none", "--iterations", "10"],
        &["replay", SCHEDULE, "--format", "terminal"],
        &["replay", SCHEDULE],
        &["replay", SCHEDULE, "--design", "iomap_valid", "--format", "terminal"],
        &["replay", SCHEDULE, "--against", "s/xfs-t1-once.schedule"],
        &["witness", "xfs/t1", "--reach", "stale"],
        &["list"],
        &["show", "xfs/t1"],
        &["kernels"],
        &["kernels", "linux-6.1", "linux-7.3"],
        &["claims", "18"],
        &["assumptions"],
        &["trace", trace, "--all"],
        // A message that leaves words out.
        &["check", "this-is-no-scenario-but-a-name-of-more-than-forty-letters"],
    ];
    let terminal = &["replay", SCHEDULE, "--format", "terminal"][..];
    for (environment, commands) in [
        ([("LC_ALL", "C")], &commands[..]),
        ([("LANG", "C")], &[terminal]),
        ([("TERM", "dumb")], &[terminal]),
    ] {
        for command in commands {
            let Output { stdout, stderr, .. } = with(&environment, &folder, command);
            assert!(!stdout.is_empty() || !stderr.is_empty(), "{command:?}");
            for said in [text(&stdout), text(&stderr)] {
                let beyond = said.lines().find(|line| !line.is_ascii());
                assert_eq!(beyond, None, "{command:?} with {environment:?}");
            }
        }
    }
    let drawn =
        text(&with(&[("LC_ALL", "C.UTF-8")], &folder, &["replay", SCHEDULE, "--format", "terminal"]).stdout);
    assert!(!drawn.is_ascii(), "elsewhere boxes are drawn");
    let file = folder.path().join("long.toml");
    std::fs::write(&file, format!("title = \"x\"\n{} = 1\n", "k".repeat(60))).expect("a file");
    let [utf8, ascii] = ["C.UTF-8", "C"]
        .map(|locale| text(&with(&[("LC_ALL", locale)], &folder, &["check", "long.toml"]).stderr));
    assert!(utf8.contains("k\u{2026}`") && ascii.contains("k...`"), "{utf8}\n{ascii}");
}

/// The commands, with those in them.
fn commands(of: &clap::Command, before: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for command in of.get_subcommands().filter(|command| command.get_name() != "help") {
        let names = [before, &[command.get_name().to_owned()]].concat();
        found.push(names.clone());
        found.extend(commands(command, &names));
    }
    found
}

#[test]
fn every_command_is_completed_in_every_shell() {
    let folder = elsewhere();
    let all = commands(&Cli::command(), &[]);
    assert!(all.len() > 15 && all.contains(&vec!["lab".to_owned(), "run".to_owned()]), "{all:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = stalemap(folder.path(), &["completions", shell]);
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "{shell}");
        let script = text(&output.stdout);
        for name in all.iter().filter_map(|names| names.last()) {
            assert!(script.contains(name), "{shell}: {name}");
        }
        assert!(script.contains("sarif-expected"), "{shell}: options");
        if ["bash", "zsh", "fish"].contains(&shell) {
            assert!(
                script.contains("get_folio") && script.contains("linux-6.12"),
                "{shell}: designs and kernels"
            );
        }
    }
    let unknown = stalemap(folder.path(), &["completions", "csh"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("bash"), "{}", text(&unknown.stderr));
}

/// Whether bash takes a script as one.
#[test]
fn bash_reads_its_script() {
    let folder = elsewhere();
    let script = stalemap(folder.path(), &["completions", "bash"]).stdout;
    std::fs::write(folder.path().join("script"), script).expect("a file");
    let Ok(read) =
        std::process::Command::new("bash").args(["-n", "script"]).current_dir(folder.path()).output()
    else {
        return println!("skipped: there is no bash");
    };
    assert!(read.status.success(), "{}", text(&read.stderr));
}

#[test]
fn every_command_has_a_page() {
    let folder = elsewhere();
    let page = |names: &[String]| {
        let mut arguments = vec!["man"];
        arguments.extend(names.iter().map(String::as_str));
        let output = stalemap(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{names:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let main = page(&[]);
    assert!(main.contains(".TH stalemap 1"), "{main}");
    for names in commands(&Cli::command(), &[]) {
        let page = page(&names);
        let title = format!(".TH stalemap-{}", names.join("-"));
        assert!(page.contains(&title) && page.contains(".SH SYNOPSIS"), "{title}\n{page}");
        let head = page.lines().find(|line| line.starts_with(".TH")).expect("a title");
        assert!(head.contains("\"stalemap 0."), "the foot has the program's name: {head}");
        if let [name] = &names[..] {
            let named = format!("stalemap\\-{}(1)", name.replace('-', "\\-"));
            assert!(main.contains(&named), "{named}\n{main}");
        }
    }
    let check = page(&["check".to_owned()]);
    assert!(check.contains("Exit codes") && check.contains("\\-\\-limit\\-states"), "{check}");
    for (names, says) in [
        (&["chekc"][..], "did you mean `check`?"),
        (&["lab", "x"], "there are"),
        (&["list", "x"], "has none"),
    ] {
        let refused = stalemap(folder.path(), &[&["man"], names].concat());
        assert_eq!(refused.status.code(), Some(2), "{names:?}");
        assert!(text(&refused.stderr).contains(says), "{}", text(&refused.stderr));
    }
}

#[test]
fn documents_and_the_version_say_what_made_them() {
    let folder = elsewhere();
    let said = text(&stalemap(folder.path(), &["--version"]).stdout);
    let list = stalemap(folder.path(), &["list", "xfs/t1", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&list.stdout).expect("JSON");
    let made_by = &document["stalemap"];
    let (version, commit) =
        (made_by["version"].as_str().expect("a version"), made_by["commit"].as_str().expect("a commit"));
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let is_commit = |text: &str| text.len() == 12 && text.chars().all(|digit| digit.is_ascii_hexdigit());
    assert!(commit == "unknown" || is_commit(commit.trim_end_matches(", changed")), "{commit}");
    let built_from = if commit == "unknown" { String::new() } else { format!(" ({commit})") };
    assert_eq!(said, format!("stalemap {version}{built_from}\n"));
    let page = text(&stalemap(folder.path(), &["man"]).stdout);
    assert!(page.contains(&format!("{version}{built_from}")) && !page.contains("(unknown)"), "{page}");
}
