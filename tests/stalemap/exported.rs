//! Exported tests of xfstests, as the lab runs them: what they call is there, and they end as they should. The last test boots
//! kernels that were fetched before, with designs, and is run by hand:
//!
//! ```sh
//! stalemap lab fetch 6.12 --design none --design iomap_valid
//! STALEMAP_LAB_KERNELS=6.12 cargo test --test stalemap exported:: -- --ignored --nocapture
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use stalemap::lab::guest::{Kernel, Store};
use stalemap::lab::xfstests::{COMMON, Ended, Test, run};
use stalemap::report::export::xfstests;

use crate::common::{elsewhere, in_repository, stalemap, text};
use crate::exports::Broken;

/// The lines of a script that are no comments.
fn code(script: &str) -> impl Iterator<Item = &str> {
    script.lines().filter(|line| !line.trim_start().starts_with('#'))
}

/// The names in code that begin with an underscore: those of xfstests' functions.
fn functions(script: &str) -> BTreeSet<String> {
    // The stars are those of names of tracepoints.
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '*';
    let words = code(script).flat_map(|line| line.split(move |c| !is_of_word(c)));
    words.filter(|word| word.starts_with('_') && word.len() > 1).map(str::to_owned).collect()
}

/// The functions that a script defines.
fn defined(script: &str) -> BTreeSet<String> {
    script.lines().filter_map(|line| line.strip_suffix("()")).map(str::to_owned).collect()
}

/// The names in capitals that a script takes from its environment: `$SCRATCH_MNT`.
fn variables(script: &str) -> BTreeSet<String> {
    let name = |rest: &str| {
        let end = rest.find(|c: char| !(c.is_ascii_uppercase() || c == '_')).unwrap_or(rest.len());
        rest[..end].to_owned()
    };
    let names = code(script).flat_map(|line| line.split('$').skip(1).map(name));
    names.filter(|name| name.len() > 1).collect()
}

#[test]
fn what_exported_tests_call_is_there_and_nothing_else() {
    let ours: String = COMMON.iter().map(|(_, text)| *text).collect();
    let there: BTreeSet<String> = defined(&ours).into_iter().filter(|name| name.starts_with('_')).collect();
    let job = fs::read_to_string(in_repository("lab/xfstests/run")).expect("the job");
    let exports = code(&job).filter_map(|line| line.strip_prefix("export "));
    let set: BTreeSet<String> = exports
        .flat_map(str::split_whitespace)
        .filter_map(|pair| Some(pair.split_once('=')?.0.to_owned()))
        .collect();
    let (mut scripts, mut called) = (0, BTreeSet::new());
    for broken in Broken::everywhere() {
        let (name, script) = (&broken.name, broken.xfstests());
        let calls = functions(&script);
        let own = defined(&script);
        let lacking: Vec<&String> =
            calls.iter().filter(|call| !there.contains(*call) && !own.contains(*call)).collect();
        assert!(lacking.is_empty(), "{name}: lab/xfstests has no {lacking:?}\n{script}");
        let unset: Vec<String> = variables(&script).difference(&set).cloned().collect();
        assert!(unset.is_empty(), "{name}: lab/xfstests/run sets no {unset:?}\n{script}");
        for file in code(&script).filter_map(|line| line.strip_prefix(". ./common/")) {
            assert!(COMMON.iter().any(|(name, _)| *name == file), "{name}: no common/{file}");
        }
        called.extend(calls);
        scripts += 1;
    }
    assert!(scripts > 100, "{scripts}");
    // What nothing calls need not be kept up.
    let idle: Vec<&String> = there.difference(&called).collect();
    assert!(idle.is_empty(), "no exported test calls {idle:?}");
    let unset: Vec<String> = variables(&ours).difference(&set).cloned().collect();
    assert!(unset.is_empty(), "lab/xfstests/run sets no {unset:?}");
}

#[test]
fn names_of_functions_and_variables_are_seen() {
    let script = "# _not_this\n_begin_fstest auto\nif ! _a | grep -q x; then\n\ttest -n \"$FSTYP\" || _b \"$seq\"\nfi\n_c()\n{\n}\n";
    let names = |names: &[&str]| -> BTreeSet<String> { names.iter().map(ToString::to_string).collect() };
    assert_eq!(functions(script), names(&["_begin_fstest", "_a", "_b", "_c"]));
    assert_eq!(defined(script), names(&["_c"]));
    assert_eq!(variables(script), names(&["FSTYP"]));
}

/// How a test of these lines ends here: its status, what it prints, and why it is not run.
fn ends(lines: &str) -> Option<(Option<i32>, String, Option<String>)> {
    let folder = elsewhere();
    let common = folder.path().join("common");
    fs::create_dir(&common).expect("a folder");
    for (name, text) in COMMON {
        fs::write(common.join(name), text).expect("a file");
    }
    fs::write(folder.path().join("NNN"), format!(". ./common/preamble\n_begin_fstest auto\n{lines}"))
        .expect("a file");
    let mut bash = Command::new("bash");
    bash.arg("./NNN").current_dir(folder.path()).env("RESULT_DIR", folder.path());
    let output = bash.output().ok()?;
    let why = fs::read_to_string(folder.path().join("NNN.notrun")).ok();
    Some((output.status.code(), text(&output.stdout), why))
}

#[test]
fn tests_end_as_they_say() {
    let Some(passed) = ends("echo \"Silence is golden\"\nstatus=0\nexit\n") else {
        eprintln!("skipped: there is no bash");
        return;
    };
    assert_eq!(passed, (Some(0), xfstests::output(), None));
    let begin = "QA output created by NNN\n";
    let said = |lines: &str| ends(lines).expect("bash, which was there");
    // Nobody has said that all is well.
    assert_eq!(said("exit\n"), (Some(1), begin.to_owned(), None));
    assert_eq!(said("fail \"no device\"\n"), (Some(1), format!("{begin}no device\n"), None));
    let first = "_cleanup()\n{\n\t_notrun second\n}\n_notrun first\necho never\n";
    assert_eq!(said(first), (Some(0), begin.to_owned(), Some("first\n".to_owned())));
    // What is not there is said in the words of the reason, and the clean-up of a test that has begun nothing says nothing.
    let tag = ". ./common/inject\nSCRATCH_DEV=/dev/nothing\n_scratch_inject_error no_delay_ms 1\n";
    let why = "the kernel has no error tag no_delay_ms\n";
    assert_eq!(said(tag), (Some(0), begin.to_owned(), Some(why.to_owned())));
}

/// What a design loses between two folios that it looks up one after the other, a kernel loses behind a full batch. That one of two
/// folios is dirtied, cut off or cloned before both are looked up says nothing.
#[test]
fn a_loss_between_two_batches_is_said_to_be_one() {
    let folder = elsewhere();
    for (name, between) in [("xfs/t9b-truncate", true), ("xfs/t9b-clone", false), ("xfs/t1", false)] {
        let under = if name == "xfs/t1" { "none" } else { "iomap_valid" };
        let check = ["check", name, "--design", under, "--save", "s"];
        let drawn = text(&stalemap(folder.path(), &check).stdout);
        let schedule = format!("s/{}-{under}.schedule", name.replace('/', "-"));
        let exported = text(&stalemap(folder.path(), &["replay", &schedule, "--format", "xfstests"]).stdout);
        assert!(drawn.contains("violates") && exported.contains("_begin_fstest"), "{name}: {drawn}");
        // Of words, since lines are broken between them.
        let has = |said: &str, words: &str| {
            let said: Vec<&str> = said.split_whitespace().filter(|word| *word != "#").collect();
            said.join(" ").contains(words)
        };
        assert_eq!(has(&drawn, "one at a time here, as behind a batch that is full."), between, "{drawn}");
        assert_eq!(has(&exported, "This lies between two batches of writeback"), between, "{exported}");
    }
}

#[test]
fn what_no_test_can_be_run_of_is_said() {
    let folder = elsewhere();
    for (arguments, problem) in [
        (&["xfs/t1", "--kernel", "5.10"][..], "the lab has no kernel `5.10`; it has 6.1, 6.12, 7.3"),
        (
            &["xfs/t1", "--kernel", "6.12", "--design", "series-04"],
            "no kernel is made to check like `series-04`; there are none, iomap_valid, chinner-cow",
        ),
        (&["zoned/t1", "--kernel", "6.1"], "the model has no such file system for linux-6.1.y"),
        (&["no-such-scenario", "--kernel", "6.12"], "no-such-scenario"),
        (&["gfs2/t9-short", "--kernel", "6.12"], "the tests are of XFS"),
        (&["xfs/t1", "--kernel", "6.12"], "`--design` is needed"),
    ] {
        let output = stalemap(folder.path(), &[&["lab", "xfstests"], arguments].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.starts_with("error: ") && said.contains(problem), "{arguments:?}: {said}");
    }
}

/// How the test of a scenario ends on a kernel with the check of a design.
fn ended(store: &Store, kernel: &Kernel, name: &'static str, design: &str) -> Ended {
    let script = Broken::find(name).xfstests();
    let test = Test { script: &script, output: &xfstests::output(), wrong: xfstests::WRONG };
    let results = run(store, kernel, Some(design), test).expect("a guest");
    eprintln!("{name} on {}, {design}: {}, {:.1} s", kernel.release, results.ended, results.seconds);
    results.ended
}

#[test]
#[ignore = "boots kernels that were fetched, with designs"]
fn exported_tests_tell_kernels_with_the_check_from_those_without() {
    let versions = std::env::var("STALEMAP_LAB_KERNELS").unwrap_or_else(|_| "6.1,6.12,7.3".to_owned());
    let store = Store::open().expect("a store");
    for version in versions.split(',') {
        let kernel = store.kernel(version).expect("a kernel that was fetched");
        for name in ["xfs/t1", "xfs/t2", "xfs/xfs-559"] {
            let (with, without) =
                (ended(&store, &kernel, name, "iomap_valid"), ended(&store, &kernel, name, "none"));
            if kernel.version == "6.1" {
                let none = Ended::NotRun("the kernel has no error tag write_delay_ms".to_owned());
                assert_eq!((&with, &without), (&none, &none), "{name} on {version}");
                continue;
            }
            assert_eq!(with, Ended::Passed, "{name} on {version}");
            let is_wrong = matches!(without, Ended::Failed { wrong_contents: true, .. });
            assert!(is_wrong, "{name} on {version}: {without:?}");
        }
        let Ended::NotRun(why) = ended(&store, &kernel, "xfs/t9b-clone", "iomap_valid") else {
            panic!("xfs/t9b-clone on {version}")
        };
        assert!(why.starts_with("the order cannot be forced: "), "{version}: {why}");
        // A loop, which a kernel with the check passes, however often it is run.
        for name in ["xfs/t10", "xfs/c9-truncate"] {
            assert_eq!(ended(&store, &kernel, name, "iomap_valid"), Ended::Passed, "{name} on {version}");
        }
    }
}
