//! Programs in C that do on a real kernel what a schedule says: that there is one wherever a command can be said, that they
//! compile, and what they report.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use stalemap::lab::places::Race;
use stalemap::lab::plan::{At, Hold, Left, Order, Part, Plan, Turn, Value as Byte, Whom};
use stalemap::lab::program::{generated, program, unsayable};
use stalemap::lab::sequential::{About, plan};
use stalemap::scenario::Scenario;
use stalemap_model::words::design::Design;

use crate::common::{all_shipped, elsewhere, good, in_repository, shipped, stalemap, text};

/// Scenarios that between them have every call that a program can make.
const VARIED: &[&str] = &[
    "xfs/t1",
    "xfs/t2",
    "xfs/t14",
    "xfs/t15",
    "xfs/c1",
    "xfs/d2",
    "xfs/dio-append",
    "xfs/dio-buffer",
    "xfs/exchange-aio",
    "xfs/append-concurrent",
    "xfs/fiemap",
    "xfs/free-mmap",
    "xfs/m23",
    "xfs/nowait",
    "xfs/redirty-punch",
    "xfs/seek-cow-untrimmed",
    "xfs/seek-hole",
    "xfs/sigbus-page",
    "xfs/zero-range-fault",
    "gfs2/jdata-flip",
    "gfs2/msync-hole",
    "gfs2/seek",
    "ext4/t1",
    "zoned/t1",
];

fn sequential(scenario: &Scenario) -> Plan {
    let config = scenario.config(Design::built_in("iomap_valid").unwrap());
    let about = About {
        scenario: scenario.name.clone(),
        title: scenario.title.clone(),
        kernel: "iomap_valid".to_owned(),
        property: None,
    };
    plan(&config, &[], about).unwrap()
}

/// A scenario of one's own.
fn own(setup: &str, actors: &[(&str, &str)]) -> Plan {
    let mut source = format!("title = \"x\"\n[setup]\nrun = [{setup}]\n");
    for (name, run) in actors {
        let _ = writeln!(source, "[[actor]]\nname = \"{name}\"\nrun = [{run}]");
    }
    // Nobody is held in it, so that its turns can be played here.
    Plan { order: Order::Schedule, ..sequential(&good("own", &source)) }
}

#[test]
fn an_order_of_whole_commands_is_not_forced() {
    let plan = Plan { order: Order::Commands, ..own("", &[("writer", "\"pwrite -S 0x57 0 4k\"")]) };
    let (output, _) = run(&plan, &["files", "forced"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nobody is held in this program"), "{}", text(&output.stderr));
    assert_eq!(run(&plan, &["files", "control"]).0.status.code(), Some(0));
}

/// Compiles programs, as strictly as a compiler can; files are told by their names.
fn compile(folder: &Path, programs: &[(String, String)], options: &[&str]) {
    let mut paths: Vec<PathBuf> = Vec::new();
    for (name, source) in programs {
        paths.push(folder.join(format!("{name}.c")));
        fs::write(paths.last().unwrap(), source).unwrap();
    }
    let mut cc = Command::new("cc");
    cc.args(["-Wall", "-Wextra", "-Werror", "-pthread"]).args(options).args(&paths).current_dir(folder);
    let output = cc.output().expect("a C compiler");
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// Compiles the program of a plan and runs it in a folder that is empty.
fn run(plan: &Plan, arguments: &[&str]) -> (Output, Vec<Value>) {
    run_program(program(plan), arguments)
}

/// Compiles a program and runs it in a folder that is empty.
fn run_program(program: String, arguments: &[&str]) -> (Output, Vec<Value>) {
    let folder = elsewhere();
    compile(folder.path(), &[("race".to_owned(), program)], &["-O1", "-o", "race"]);
    fs::create_dir(folder.path().join("files")).unwrap();
    let output = Command::new(folder.path().join("race"))
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    let lines = text(&output.stdout);
    let document = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let lines = lines.lines().map(document).collect();
    (output, lines)
}

#[test]
fn every_scenario_has_a_program_or_a_reason() {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut programs = 0;
    for scenario in all_shipped() {
        let plan = sequential(&scenario);
        if let Some(why) = unsayable(&plan) {
            *reasons.entry(why).or_default() += 1;
            continue;
        }
        programs += 1;
        let program = program(&plan);
        for task in 0..plan.tasks.len() {
            assert!(program.contains(&format!("static void task_{task}(")), "{}", scenario.name);
        }
        // A command without a statement would be one that nobody does.
        assert!(!generated(&plan).contains("*/\n\t\tbreak;"), "{}: {}", scenario.name, generated(&plan));
    }
    let reasons: Vec<String> = reasons.iter().map(|(why, count)| format!("{count} {why}")).collect();
    insta::assert_snapshot!(format!("{programs} programs\n{}", reasons.join("\n")));
}

/// The functions of `lab/program/` that stand for commands.
fn calls() -> BTreeSet<String> {
    let files = fs::read_dir(in_repository("lab/program")).unwrap().map(|file| file.unwrap().path());
    let texts: Vec<String> = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    let heads = texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("PART void "));
    heads.map(|head| head.split('(').next().unwrap().to_owned()).collect()
}

#[test]
fn no_function_is_without_a_scenario() {
    let text: String = VARIED.iter().map(|name| generated(&sequential(&shipped(name)))).collect();
    let unused = |name: &String| !text.contains(&format!("{name}(")) && !name.starts_with("note");
    let unused: Vec<String> = calls().into_iter().filter(unused).collect();
    // A turn drops sources; the others are run by `memory_is_stored_to_and_dropped`.
    assert_eq!(unused, ["drop_source", "forget_mapped", "write_from_buffer"]);
}

#[test]
fn varied_programs_compile() {
    let folder = elsewhere();
    let of = |name: &&str| {
        let plan = sequential(&shipped(name));
        assert_eq!(unsayable(&plan), None, "{name}");
        (name.replace('/', "-"), program(&plan))
    };
    let programs: Vec<(String, String)> = VARIED.iter().map(of).collect();
    compile(folder.path(), &programs, &["-fsyntax-only"]);
}

/// xfs/t1 with the writer held, as a planner has it.
fn held() -> Plan {
    let mut plan = sequential(&shipped("xfs/t1"));
    plan.holds = vec![
        Hold { whom: Whom::Task(0), function: "iomap_write_begin", at: At::Before, nth: 2, folio: None },
        Hold {
            whom: Whom::Worker,
            function: "folio_end_writeback",
            at: At::After,
            nth: 1,
            folio: Some((0, 1)),
        },
    ];
    plan.turns = vec![
        Turn::Arm(0),
        Turn::Arm(1),
        Turn::Begin(0, 0),
        Turn::UntilHeld(0),
        Turn::Begin(1, 0),
        Turn::UntilHeld(1),
        Turn::Release(1),
        Turn::UntilReturned(1),
        Turn::UntilDone(1, 0),
        Turn::Begin(2, 0),
        Turn::UntilDone(2, 0),
        Turn::Release(0),
        Turn::UntilDone(0, 0),
    ];
    let wrong = |value| stalemap::lab::plan::Contents {
        parts: vec![Part { bytes: 0..6144, value: Byte::Byte(0x57) }, Part { bytes: 6144..8192, value }],
    };
    plan.predicted = Left {
        calls: Vec::new(),
        cached: Some(vec![wrong(Byte::Byte(0))]),
        stable: Some(vec![wrong(Byte::Device)]),
        remounted: vec![wrong(Byte::Device)],
    };
    plan
}

#[test]
fn the_generated_part_is_as_recorded() {
    insta::assert_snapshot!("held", generated(&held()));
    insta::assert_snapshot!("dio-append", generated(&sequential(&shipped("xfs/dio-append"))));
}

/// Every turn that there is, and whatever a title may contain.
#[test]
fn every_turn_compiles() {
    let mut plan = held();
    plan.title = "ends */ a comment, \"quotes\", \\ and ??/\n".to_owned();
    plan.turns.extend([
        Turn::UntilWaits(0),
        Turn::DropSource(0),
        Turn::Kill(0),
        Turn::KeepWrites,
        Turn::LetWrites,
        Turn::Crash,
    ]);
    let folder = elsewhere();
    compile(folder.path(), &[("turns".to_owned(), program(&plan))], &["-fsyntax-only"]);
}

#[test]
fn the_control_reports_what_is_left() {
    let plan = own(
        "\"pwrite -S 0x58 0 8k\"",
        &[("writer", "\"pwrite -S 0x57 -b 6k 0 6k\", \"pread 4k 4k\""), ("cutter", "\"truncate 7k\"")],
    );
    let (output, lines) = run(&plan, &["files", "control"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let find = |key: &str, value: &str| lines.iter().find(|line| line[key] == value).unwrap();
    let parts = serde_json::json!([[0, 6144, "57"], [6144, 7168, "58"]]);
    for stage in ["cached", "stable"] {
        assert_eq!(find("stage", stage)["parts"], parts);
        assert_eq!(find("stage", stage)["size"], 7168);
    }
    assert_eq!(find("got", "pread")["parts"], serde_json::json!([[0, 2048, "57"], [2048, 4096, "58"]]));
    let last = lines.last().unwrap();
    assert_eq!((&last["result"], &last["mode"]), (&"as the control".into(), &"control".into()));
}

#[test]
fn what_differs_is_told() {
    let mut plan = own("", &[("writer", "\"pwrite -S 0x57 0 4k\"")]);
    plan.predicted_control.stable.as_mut().unwrap()[0].parts[0].value = Byte::Byte(0x58);
    let (output, lines) = run(&plan, &["files", "control"]);
    assert_eq!(output.status.code(), Some(1));
    let differs = lines.iter().find(|line| !line["differs"].is_null()).unwrap();
    let told = serde_json::json!({ "stage": "stable", "file": "file", "from": 0, "to": 4096, "is": "57", "predicted": "58" });
    assert_eq!(differs["differs"], told);
    assert_eq!(lines.last().unwrap()["result"], "other");
}

#[test]
fn a_turn_that_is_not_reached_is_told() {
    let mut plan = own("", &[("writer", "\"pwrite -S 0x57 0 4k\"")]);
    plan.turns.push(Turn::UntilDone(0, 1));
    let (output, lines) = run(&plan, &["files", "forced"]);
    assert_eq!(output.status.code(), Some(1));
    let last = lines.last().unwrap();
    assert_eq!((&last["order"], &last["turn"]), (&"not reached".into(), &3.into()));
    assert_eq!(
        (&last["why"], &last["left"]),
        (&"the call did not come to its end".into(), &"as the control".into())
    );
}

#[test]
fn a_source_that_ends_makes_a_write_short() {
    let plan = own(
        "",
        &[
            ("writer", "\"@fail 4k\", \"pwrite -S 0x57 -b 8k 0 8k\""),
            ("other", "\"mmap -rw 0 4k\", \"munmap\""),
        ],
    );
    let (_, lines) = run(&plan, &["files", "control"]);
    let call = lines.iter().find(|line| line["call"] == "pwrite").unwrap();
    assert_eq!(
        (&call["returned"], &call["task"], &call["number"]),
        (&4096.into(), &"writer".into(), &1.into())
    );
    assert_eq!(lines.last().unwrap()["failed calls"], 1);
}

#[test]
fn memory_is_stored_to_and_dropped() {
    let mut plan = own(
        "",
        &[
            ("scribbler", "\"[buffer] mwrite -S 0x59 4k 4k\""),
            (
                "writer",
                "\"pwrite -S 0x57 -i buffer -b 8k 0 8k\", \"@short 4k\", \"pwrite -S 0x5a -b 8k 8k 8k\"",
            ),
            ("mapper", "\"mmap -rw 0 16k\", \"madvise -d 0 16k\", \"mread 2k 4k\""),
        ],
    );
    plan.turns.push(Turn::DropSource(1));
    let (output, lines) = run(&plan, &["files", "forced"]);
    let find = |key: &str, value: &str| lines.iter().find(|line| line[key] == value).unwrap();
    let parts = serde_json::json!([[0, 4096, "57"], [4096, 8192, "59"], [8192, 16384, "5a"]]);
    assert_eq!(find("stage", "stable")["parts"], parts, "{}", text(&output.stderr));
    assert_eq!(find("got", "mread")["parts"], serde_json::json!([[0, 2048, "57"], [2048, 4096, "59"]]));
    assert_eq!(lines.last().unwrap()["failed calls"], 0);
}

/// A writer in whose write a fatal signal is to come, and somebody else.
fn killed() -> Plan {
    own(
        "",
        &[("writer", "\"@kill 4k\", \"pwrite -S 0x57 -b 8k 0 8k\""), ("other", "\"pwrite -S 0x5a 8k 4k\"")],
    )
}

#[test]
fn a_control_kills_nobody() {
    let (output, lines) = run(&killed(), &["files", "control"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let stable = lines.iter().find(|line| line["stage"] == "stable").unwrap();
    assert_eq!(stable["parts"], serde_json::json!([[0, 8192, "57"], [8192, 12288, "5a"]]));
    assert_eq!(lines.last().unwrap()["result"], "as the control");
}

#[test]
fn a_killed_task_is_done_at_its_end() {
    let mut plan = killed();
    let begins = plan.turns.iter().position(|turn| *turn == Turn::Begin(0, 1)).unwrap();
    plan.turns.insert(begins, Turn::Kill(0));
    let contents = stalemap::lab::plan::Contents {
        parts: vec![
            Part { bytes: 0..8192, value: Byte::Byte(0) },
            Part { bytes: 8192..12288, value: Byte::Byte(0x5a) },
        ],
    };
    let left = vec![contents];
    plan.predicted =
        Left { calls: Vec::new(), cached: Some(left.clone()), stable: Some(left.clone()), remounted: left };
    let (output, lines) = run(&plan, &["files", "forced"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(lines.iter().all(|line| line["died"].is_null()), "{lines:?}");
    assert_eq!(lines.last().unwrap()["result"], "as predicted");
    plan.turns.push(Turn::Kill(0));
    let (output, lines) = run(&plan, &["files", "forced"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines.last().unwrap()["why"], "the task is at its end already");
}

#[test]
fn rounds_kill_and_drop_sources() {
    let writes = |fault: &str| format!("\"{fault} 4k\", \"pwrite -S 0x57 -b 8k 0 8k\"");
    let plan = own("", &[("killed", &writes("@kill")), ("short", &writes("@short"))]);
    let (output, lines) = run(&plan, &["files", "natural", "--rounds", "20"]);
    let last = lines.last().unwrap();
    assert_eq!(last["rounds"], 20, "{}{}", text(&output.stdout), text(&output.stderr));
    // Whoever was killed, the other one has written the same, and nothing else.
    assert_eq!((&last["as the control"], &last["tasks with failed calls"]), (&20.into(), &0.into()));
}

#[test]
fn a_task_that_dies_is_told_in_every_mode() {
    let plan =
        own("", &[("writer", "\"fsync\", \"pwrite -S 0x57 0 4k\""), ("other", "\"pwrite -S 0x5a 8k 4k\"")]);
    let program = program(&plan);
    let dies = program.replacen("sync_file(task, files[0].fd, 0);", "raise(SIGSEGV);", 1);
    assert_ne!(dies, program);
    for mode in ["forced", "control", "natural"] {
        let (output, lines) = run_program(dies.clone(), &["files", mode]);
        assert_eq!(output.status.code(), Some(1), "{mode}: {}{}", text(&output.stdout), text(&output.stderr));
        let death = lines.iter().find(|line| !line["died"].is_null()).unwrap();
        assert_eq!(
            *death,
            serde_json::json!({ "died": "writer", "number": 0, "signal": "Segmentation fault" })
        );
        let last = serde_json::json!({ "result": "died", "mode": mode, "who": ["writer"] });
        assert_eq!(*lines.last().unwrap(), last);
    }
}

#[test]
fn rounds_are_counted() {
    let plan = own(
        "\"pwrite -S 0x58 0 4k\"",
        &[("a", "\"pwrite -S 0x61 0 4k\""), ("b", "\"pwrite -S 0x62 4k 4k\"")],
    );
    let (output, lines) = run(&plan, &["files", "natural", "--rounds", "5"]);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["rounds"], &last["as the control"]),
        (&5.into(), &5.into()),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(1), "nothing is as predicted");
}

/// A race of which both tasks stay where they are, and one whose tasks write to the same bytes.
fn placed() -> Plan {
    own(
        "\"pwrite -S 0x58 0 8k\", \"fsync\"",
        &[
            ("a", "\"mmap -rw 0 4k\", \"mwrite -S 0x61 0 2k\", \"sync_range -w 0 0\""),
            ("b", "\"@aio pwrite -S 0x62 4k 4k\", \"pread 4k 4k\""),
            ("c", "\"pwrite -S 0x63 2k 1k\""),
            ("d", "\"pwrite -S 0x64 2k 1k\""),
        ],
    )
}

#[test]
fn a_round_has_many_places() {
    let plan = placed();
    assert_eq!(Race::from(&plan).one_alone(), None);
    let arguments = ["files", "natural", "--rounds", "4", "--places", "7"];
    let (output, lines) = run(&plan, &arguments);
    let last = lines.last().unwrap();
    let all = text(&output.stdout) + &text(&output.stderr);
    assert_eq!((&last["rounds"], &last["places"]), (&4.into(), &28.into()), "{all}");
    // Whoever was the last of two who write the same bytes: that is no matter of this race.
    assert_eq!((&last["as the control"], &last["other places"]), (&4.into(), &0.into()), "{all}");
    assert_eq!(last["tasks with failed calls"], 0, "{all}");

    // What goes wrong in one place is told of that place.
    let right = program(&plan);
    let wrong = right.replacen("0, 2048, 0x61);", "0, 2048, here == 5 * PLACE ? 0x65 : 0x61);", 1);
    assert_ne!(wrong, right);
    let (output, lines) = run_program(wrong, &arguments);
    let last = lines.last().unwrap();
    let all = text(&output.stdout) + &text(&output.stderr);
    assert_eq!((&last["other"], &last["other places"]), (&4.into(), &4.into()), "{all}");
    let told: Vec<&Value> = lines.iter().filter(|line| line["is"] == "other").collect();
    assert!(told.len() == 4 && told.iter().all(|line| line["place"] == 5), "{all}");
}

#[test]
fn a_race_of_whole_files_has_one_place_and_says_so() {
    let plan = own("\"pwrite -S 0x58 0 8k\"", &[("a", "\"truncate 4k\""), ("b", "\"pwrite -S 0x61 0 4k\"")]);
    let (output, lines) = run(&plan, &["files", "natural", "--rounds", "2", "--places", "7"]);
    let warning = "one place a round: `truncate` is about the end of the file";
    assert_eq!(lines[0]["warning"], warning, "{}", text(&output.stdout));
    let last = lines.last().unwrap();
    assert_eq!((&last["rounds"], &last["places"]), (&2.into(), &2.into()), "{}", text(&output.stdout));
    let (output, _) = run(&plan, &["--places", "2", "files", "control"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("--places 2: for natural rounds alone"),
        "{}",
        text(&output.stderr)
    );
}

/// Which races may have many places, and why others may not.
#[test]
fn what_has_one_place_alone_has_a_reason() {
    let of = |setup: &str, run: &str| Race::from(&own(setup, &[("a", run)])).one_alone();
    let (pages, write) = ("\"pwrite -S 0x58 0 8k\"", "\"pwrite -S 0x61 2k 4k\"");
    assert_eq!(of(pages, write), None);
    assert_eq!(of("\"truncate 8k\", \"falloc 0 4k\", \"pwrite 4k 1k\", \"fsync\"", write), None);
    for (setup, run, why) in [
        ("\"pwrite -S 0x58 0 7k\"", write, "ends within a folio"),
        ("", "\"pwrite -S 0x61 0 4k\"", "is empty at first"),
        (pages, "\"pwrite -S 0x61 6k 4k\"", "behind the end of the file"),
        ("\"pwrite -S 0x58 0 16k\", \"truncate 8k\"", write, "`truncate` is about"),
        (pages, "\"fsync\"", "`fsync` is about"),
        (pages, "\"pwrite -W 0 4k\"", "`fsync` is about"),
        (pages, "\"fcollapse 0 4k\"", "move all that is behind"),
        (pages, "\"seek -d 0\"", "anywhere in the file"),
        (pages, "\"@kill 0\", \"pwrite 0 4k\"", "comes to no other place"),
        (pages, "\"pwrite 0 4k\", \"@crash\"", "power is lost once"),
        (pages, "\"pwrite -i buffer 0 4k\", \"[buffer] mwrite 0 4k\"", "there is one of it"),
        ("\"pwrite -S 0x58 0 8k\", \"pwrite 516k 8k\"", write, "too long"),
    ] {
        let said = of(setup, run);
        assert!(said.is_some_and(|said| said.contains(why)), "{setup} {run}: {said:?}");
    }
}

#[test]
fn bad_input_is_told_apart() {
    let plan = own("", &[("writer", "\"pwrite -S 0x57 0 4k\"")]);
    let folder = elsewhere();
    compile(folder.path(), &[("race".to_owned(), program(&plan))], &["-O1", "-o", "race"]);
    let told = |arguments: &[&str]| {
        let output =
            Command::new(folder.path().join("race")).args(arguments).current_dir(folder.path()).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        text(&output.stderr)
    };
    for (arguments, said) in [
        (&["."][..], "usage:"),
        (&["nowhere", "control"], "nowhere: No such file or directory"),
        (&[".", "backwards"], "backwards: expected forced, control or natural"),
        (&[".", "natural", "--rounds", "many"], "--rounds many: expected a whole number from 1 on"),
        (&["--device", "/dev/null", ".", "control"], "needs --type, one of xfs, gfs2, ext4"),
        (&["--device", "/dev/null", "--type", "xfs", ".", "control"], "/dev/null is not mounted there"),
    ] {
        let errors = told(arguments);
        assert!(errors.contains(said), "{arguments:?}: {errors}");
    }
    let mut keeps = plan.clone();
    keeps.turns.push(Turn::KeepWrites);
    let (output, _) = run(&keeps, &["files", "forced"]);
    assert!(
        text(&output.stderr).contains("has to be a `delay` of device mapper"),
        "{}",
        text(&output.stderr)
    );
    let mut crashes = plan;
    crashes.turns.push(Turn::Crash);
    let (output, _) = run(&crashes, &["files", "forced"]);
    assert!(text(&output.stderr).contains("power is lost in this race"), "{}", text(&output.stderr));
}

#[test]
fn the_tool_writes_the_program_or_the_reason() {
    let folder = elsewhere();
    let saved = |design: &str, scenario: &str| {
        stalemap(folder.path(), &["check", "--design", design, scenario, "--save", "."]);
        let file = format!("{}-{design}.schedule", scenario.replace('/', "-"));
        stalemap(folder.path(), &["replay", &file, "--format", "c"])
    };
    let output = saved("none", "xfs/t1");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("writer begins: pwrite -S 0x57 -b 6k 0 6k"));
    let output = saved("at-mmap", "exfat/mmap-grow");
    assert_eq!(output.status.code(), Some(2));
    let said =
        "there is no program of it: a valid size: which file system has it, exFAT or ntfs3, is not said";
    assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
}

#[test]
fn names_that_the_kernel_cuts_are_told_apart() {
    let plan = own("", &[("a-very-long-name-1", "\"fsync\""), ("a-very-long-name-2", "\"fsync\"")]);
    let why = unsayable(&plan).unwrap();
    assert!(why.contains("`a-very-long-nam`"), "{why}");
}
