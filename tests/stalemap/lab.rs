//! Plans of the lab: of everything that the catalogue violates on a kernel that can be booted, as it is and without the check.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use stalemap::lab::plan::{At, Hold, Plan, Turn, Whom};
use stalemap::lab::planner::{PlanError, Subject};
use stalemap::lab::program;
use stalemap::lab::release::Release;
use stalemap::lab::run::unbootable;
use stalemap::lab::variant::Variant;

use crate::common::{all_shipped, elsewhere, shipped, stalemap, text};

/// The plans of all scenarios on a release: of what it violates, or would without its check.
fn plans(release: Release) -> Vec<Plan> {
    let mut plans = Vec::new();
    for scenario in all_shipped() {
        let Some(subject) = Subject::new(&scenario, release, Variant::Stock) else { continue };
        match subject.of_scenario() {
            Ok(plan) => plans.push(plan),
            Err(PlanError::Holds { .. }) => {}
            Err(error) => panic!("{} on {release}: {error}", scenario.name),
        }
    }
    plans
}

/// What a plan comes to, in a few words.
fn in_words(plan: &Plan) -> String {
    let property = plan.property.map_or("", |property| property.name());
    let others = plan.beside.as_ref().is_some_and(|(_, beside)| *beside != plan.predicted);
    let prevented = others && plan.predicted == plan.predicted_control;
    let how = if let Some(why) = unbootable(plan) {
        format!("not booted: {why}")
    } else if let Some(why) = program::unsayable(plan) {
        format!("no program: {why}")
    } else if let Some(order) = plan.unforced.first() {
        format!("in a loop: {} ({})", order.op, order.why)
    } else {
        let differs = match plan.predicted == plan.predicted_control {
            true if prevented => ", other bytes without the check",
            true => ", the bytes of the control",
            false => "",
        };
        format!("forced by {} holds in {} turns{differs}", plan.holds.len(), plan.turns.len())
    };
    format!("{property}: {how}")
}

/// Who is held, where, and at which call.
fn hold_in_words(plan: &Plan, hold: &Hold) -> String {
    let who = match hold.whom {
        Whom::Task(task) => &plan.tasks[task].name,
        Whom::Worker => "[kernel]",
    };
    let at = match hold.at {
        At::Before => "before",
        At::After => "after",
        At::SizeStore => "stores i_size in",
    };
    let folio = hold.folio.map_or(String::new(), |(_, index)| format!(" of folio {index}"));
    format!("{who}, {at} {} {}{folio}", hold.function, hold.nth)
}

#[test]
fn everything_that_is_violated_has_a_plan_as_recorded() {
    let mut table = String::new();
    let mut forced = BTreeMap::new();
    for release in Release::ALL {
        for plan in plans(release) {
            assert_well_formed(&plan);
            *forced.entry(release).or_insert(0) += usize::from(plan.unforced.is_empty());
            let _ = writeln!(table, "{release:<5} {:<34} {}", plan.scenario, in_words(&plan));
            for hold in plan.holds.iter().filter(|_| plan.unforced.is_empty()) {
                let _ = writeln!(table, "{:8}{}", "", hold_in_words(&plan, hold));
            }
        }
    }
    let counts = forced.iter().map(|(release, plans)| format!("{release}: {plans}"));
    let counts = counts.collect::<Vec<_>>().join(", ");
    insta::assert_snapshot!("plans", format!("plans of which every order is forced: {counts}\n{table}"));
}

fn turn_arms(turn: &Turn) -> bool {
    matches!(turn, Turn::Arm(_))
}

fn begins(turn: &Turn, task: usize) -> bool {
    matches!(turn, Turn::Begin(begun, _) if *begun == task)
}

/// Every task goes through its commands, one after the other; who is waited for at a hold was to be held there, and is let go.
fn assert_well_formed(plan: &Plan) {
    let name = &plan.scenario;
    let mut begun = vec![0; plan.tasks.len()];
    let mut done = begun.clone();
    let (mut armed, mut stands) = (vec![0; plan.holds.len()], vec![0_i32; plan.holds.len()]);
    for (at, turn) in plan.turns.iter().enumerate() {
        match *turn {
            Turn::Arm(hold) => {
                armed[hold] += 1;
                // A task is met by its holds from the beginning of its command on.
                let next = plan.turns[at..].iter().find(|turn| !turn_arms(turn));
                if let Whom::Task(task) = plan.holds[hold].whom {
                    assert!(next.is_some_and(|next| begins(next, task)), "{name}: {turn:?}");
                }
            }
            Turn::Begin(task, command) => {
                assert_eq!(command, begun[task], "{name}: {turn:?}");
                assert_eq!(begun[task], done[task], "{name}: {turn:?}");
                begun[task] += 1;
            }
            Turn::UntilDone(task, command) => {
                assert_eq!(command + 1, begun[task], "{name}: {turn:?}");
                done[task] = command + 1;
            }
            Turn::UntilHeld(hold) => {
                assert_eq!(armed[hold], 1, "{name}: {turn:?}");
                stands[hold] += 1;
            }
            Turn::Release(hold) => stands[hold] -= 1,
            _ => {}
        }
    }
    assert!(stands.iter().all(|stands| *stands == 0), "{name}: {:?}", plan.turns);
    assert!(armed.iter().all(|armed| *armed == 1), "{name}: {:?}", plan.turns);
    if !plan.turns.contains(&Turn::Crash) {
        let commands: Vec<usize> = plan.tasks.iter().map(|task| task.run.len()).collect();
        assert_eq!(done, commands, "{name}: {:?}", plan.turns);
    }
}

#[test]
fn a_plan_is_shown_as_recorded() {
    let folder = elsewhere();
    let show = |arguments: &[&str]| {
        let output = stalemap(folder.path(), &[&["lab", "plan"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    insta::assert_snapshot!("plan-t1-none", show(&["xfs/t1", "--kernel", "6.12", "--design", "none"]));
    insta::assert_snapshot!("plan-dio-append", show(&["xfs/dio-append", "--kernel", "linux-6.12"]));
    let json = show(&["xfs/append-concurrent", "--kernel", "6.1", "--format", "json"]);
    // What made it is another thing with each commit.
    let made_by = json
        .split("  \"stalemap\": {")
        .nth(1)
        .and_then(|rest| rest.split_once("  },\n"))
        .map(|(inside, _)| inside);
    let made_by = made_by.unwrap_or_else(|| panic!("{json}"));
    assert!(made_by.contains("\"version\": ") && made_by.contains("\"commit\": "), "{json}");
    let json = json.replace(&format!("  \"stalemap\": {{{made_by}  }},\n"), "");
    insta::assert_snapshot!("plan-append-concurrent", json);
}

#[test]
fn a_schedule_of_the_kernel_is_played_as_it_is() {
    let folder = elsewhere();
    let run = |arguments: &[&str]| stalemap(folder.path(), arguments);
    run(&["check", "xfs/t9b-clone", "--kernel", "linux-6.12", "--save", "."]);
    let of_schedule = run(&["lab", "plan", "xfs-t9b-clone-linux-6.12.schedule", "--kernel", "6.12"]);
    assert_eq!(of_schedule.status.code(), Some(0), "{}", text(&of_schedule.stderr));
    assert!(text(&of_schedule.stdout).contains("flusher, after folio_unlock of folio 0 of src"));
}

#[test]
fn what_overwrites_another_file_is_not_handed_out() {
    let folder = elsewhere();
    let run = |arguments: &[&str]| stalemap(folder.path(), arguments);
    let plan = |scenario: &str, more: &[&str]| {
        run(&[&["lab", "plan", scenario, "--kernel", "6.12", "--format", "c"], more].concat())
    };
    for (scenario, more) in [("xfs/t9b-clone", &[][..]), ("xfs/t9b-truncate", &["--full-batch"])] {
        let output = plan(scenario, more);
        assert_eq!(output.status.code(), Some(2), "{scenario}");
        assert!(text(&output.stderr).contains("overwrites a block of another file"), "{scenario}");
    }
    // The same program would do it on the kernel as it is.
    for design in ["none", "iomap_valid", "chinner-cow"] {
        let output = plan("xfs/t9b-clone", &["--design", design]);
        assert_eq!(output.status.code(), Some(2), "{design}");
    }
    run(&["check", "xfs/t9b-clone", "--kernel", "linux-6.12", "--save", "."]);
    let replayed = run(&["replay", "xfs-t9b-clone-linux-6.12.schedule", "--format", "c"]);
    assert_eq!(replayed.status.code(), Some(2));
    let own = plan("xfs/dio-append", &[]);
    assert_eq!(own.status.code(), Some(0));
    assert!(
        text(&own.stdout).contains("{ \"writer\", \"iomap_file_buffered_write\", \"i_size\", 1, -1, 0 }")
    );
}

#[test]
fn what_cannot_be_planned_is_told_apart() {
    let folder = elsewhere();
    let told = |arguments: &[&str], code| {
        let output = stalemap(folder.path(), &[&["lab"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout) + &text(&output.stderr)
    };
    let holds = told(&["plan", "gfs2/t9-short", "--kernel", "6.12"], 1);
    assert_eq!(holds, "gfs2/t9-short holds under linux-6.12: there is no schedule to be played\n");
    let unknown = told(&["plan", "xfs/t1", "--kernel", "6.2"], 2);
    assert_eq!(unknown, "error: the lab has no kernel `6.2`; it has 6.1, 6.12, 7.3\n");
    let design = told(&["plan", "xfs/t1", "--kernel", "6.12", "--design", "get_folio"], 2);
    assert!(design.contains("no kernel is made to check like `get_folio`; there are none, "), "{design}");
    let property = told(&["plan", "xfs/t1", "--kernel", "6.12", "--property", "lost"], 2);
    assert!(property.contains("there is no property `lost`; there are lost-write, "), "{property}");
    let other = told(&["plan", "xfs/t9b-clone", "--kernel", "6.12", "--property", "size-order"], 1);
    assert!(other.starts_with("xfs/t9b-clone does not violate size-order under linux-6.12: "), "{other}");
    let gfs2 = told(&["plan", "gfs2/t9-short", "--kernel", "6.12", "--design", "none"], 2);
    assert!(gfs2.contains("`--design` changes XFS alone"), "{gfs2}");
    let lacks = told(&["plan", "ext4/t1", "--kernel", "6.12"], 2);
    assert!(lacks.contains("ext4/t1: the model has no such file system for linux-6.12"), "{lacks}");
    let chance = told(&["run", "xfs/copy-of-nothing", "--kernel", "6.12"], 2);
    assert!(chance.contains("cannot be forced") && chance.contains("--natural 1000"), "{chance}");
}

#[test]
fn of_which_kernel_a_schedule_is_is_looked_at() {
    let folder = elsewhere();
    let run = |arguments: &[&str]| stalemap(folder.path(), arguments);
    run(&["check", "xfs/t1", "--design", "none", "--save", "."]);
    run(&["check", "xfs/t9b-clone", "--kernel", "linux-6.12", "--save", "."]);
    let plan = |more: &[&str], code| {
        let output = run(&[&["lab", "plan"], more].concat());
        assert_eq!(output.status.code(), Some(code), "{more:?}: {}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    let (planned, note) = plan(&["xfs-t1-none.schedule", "--kernel", "6.12"], 0);
    assert_eq!(note, "note: the schedule is of none; another one was looked for under linux-6.12\n");
    let title = "\nA multi-folio write zeroes";
    let first = planned.split(title).next().unwrap_or_default().replace("\n  ", " ");
    assert_eq!(
        first,
        "xfs/t1 on linux-6.12: prevented; the turns are those of a counterexample to it with the check of design none \
         (lost-write)"
    );
    let clone = "xfs-t9b-clone-linux-6.12.schedule";
    assert_eq!(plan(&[clone, "--kernel", "6.12"], 0).1, "");
    let (_, wrong) = plan(&[clone, "--kernel", "6.12", "--property", "size-order"], 2);
    assert!(wrong.contains("the schedule does not violate size-order; it violates lost-write"), "{wrong}");
    let schedule = fs::read_to_string(folder.path().join(clone)).unwrap();
    fs::write(
        folder.path().join("odd.schedule"),
        schedule.replace("design = linux-6.12", "design = linux-9.9"),
    )
    .unwrap();
    let (_, odd) = plan(&["odd.schedule", "--kernel", "6.12"], 2);
    assert!(odd.contains("`linux-9.9`, and there is no such design or kernel"), "{odd}");
}

/// The lab has no package of the first release, which the model calls `linux-6.1`.
#[test]
fn the_first_release_is_said_to_be_its_stable_series() {
    let folder = elsewhere();
    let noted = |kernel: &str| {
        let output = stalemap(folder.path(), &["lab", "plan", "xfs/t9b-clone", "--kernel", kernel]);
        text(&output.stderr)
    };
    let said = noted("linux-6.1");
    assert!(
        said.starts_with("note: `linux-6.1` is the first release ") && said.contains("`linux-6.1.y`"),
        "{said}"
    );
    for kernel in ["6.1", "linux-6.1.y", "linux-6.12"] {
        assert!(!noted(kernel).contains("first release"), "{kernel}");
    }
}

#[test]
fn a_run_makes_no_store() {
    let folder = elsewhere();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_stalemap"));
    program
        .args(["lab", "run", "xfs/t1", "--kernel", "6.12"])
        .env("STALEMAP_LAB", folder.path().join("none"));
    let output = program.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("there is no store of kernels at "), "{}", text(&output.stderr));
    assert!(!folder.path().join("none").exists());
}

#[test]
fn a_hold_of_a_schedule_is_before_its_step() {
    let scenario = shipped("xfs/t1");
    let subject = Subject::new(&scenario, Release::V6_12, Variant::WithoutCheck).unwrap();
    let plan = subject.of_scenario().unwrap();
    let held: Vec<_> = plan.holds.iter().map(|hold| (hold.function, hold.nth)).collect();
    assert!(held.contains(&("balance_dirty_pages_ratelimited_flags", 2)), "{held:?}");
    assert!(plan.predicted != plan.predicted_control);
    // With its check the kernel leaves what the control does, whoever comes in between.
    let kernel = Subject::new(&scenario, Release::V6_12, Variant::Stock).unwrap().of_scenario().unwrap();
    assert_eq!((&kernel.turns, &kernel.predicted), (&plan.turns, &plan.predicted_control));
    assert_eq!(kernel.beside, Some((Variant::WithoutCheck, plan.predicted)));
}

#[test]
fn what_is_overwritten_in_place_is_waited_for_without_a_worker() {
    let plan = |name: &str, release| {
        Subject::new(&shipped(name), release, Variant::Stock).unwrap().of_scenario().unwrap()
    };
    let workers = |plan: &Plan| plan.holds.iter().filter(|hold| hold.whom == Whom::Worker).count();
    let overwrites = plan("xfs/c9-writeback", Release::V6_1);
    assert_eq!(workers(&overwrites), 0);
    assert!(overwrites.turns.contains(&Turn::UntilWritten));
    // What makes the size on disk larger is a worker's.
    assert_eq!(workers(&plan("xfs/c9-append", Release::V6_1)), 1);
    // gfs2 has no such worker.
    for release in Release::ALL {
        assert_eq!(workers(&plan("gfs2/punch-fault", release)), 0);
    }
}
