//! The skeleton of a regression test for xfstests: the setup and the actors in xfs_io's commands, the delay that holds
//! the window open, the tracepoint that says that it was hit, and the expected file.
//!
//! A skeleton, because a kernel is not driven step by step: the actor that holds the mapping is delayed, and the others run
//! meanwhile.
//! What xfs_io cannot do is left as a comment for whoever finishes the test.

mod call;
mod natural;
mod script;

use std::collections::BTreeSet;

use stalemap_facade::ActorId;
use stalemap_model::words::config::Config;
use stalemap_model::words::count::count;

use self::call::{Call, JOURNALLED, THREADS, calls, commands, is_journalled, names, path, setup_of, written};
use self::natural::Loop;
use self::script::Script;
pub use self::script::WRONG;
use crate::annotate::expected::{Contents, Expected};
use crate::annotate::program::{ActorProgram, Program};
use crate::annotate::window::{Misled, Path, Window};
use crate::annotate::{AnnotatedSchedule, list};
use crate::report::cause;
use crate::scenario::Asks;

/// Milliseconds that a write or writeback is delayed: the others have to be done before, by other programs, on a slow machine, too.
const DELAY: u32 = 4000;
/// How often it is looked whether whoever is delayed has its mapping, a tenth of a second apart.
const LOOKS: u32 = 300;
/// Seconds after which whoever is not delayed has begun, as far as can be said.
const HEAD_START: &str = "0.2";

/// The command after which the data of a file are journalled, or are no more.
const CHATTR: &str = "chattr";
/// What the script is called, and what it prints if nothing is wrong.
const NAME: &str = "NNN";
const SILENCE: &str = "Silence is golden";

/// NNN.out: what the test of any schedule prints if nothing is wrong.
pub fn output() -> String {
    format!("QA output created by {NAME}\n{SILENCE}\n")
}

/// A delay of XFS's error injection and what tells that it was long enough.
struct Delay {
    tag: &'static str,
    /// What says that whoever is delayed has sampled a mapping.
    sampled: [&'static str; 2],
    /// What says that it was found stale.
    events: &'static str,
    why: &'static str,
}

/// The delay that holds a window of a path open.
fn delay(path: Path) -> Option<Delay> {
    match path {
        Path::Write => Some(Delay {
            tag: "write_delay_ms",
            sampled: ["xfs_iomap_found", "xfs_iomap_alloc"],
            events: "xfs_iomap_invalid",
            why: "Each folio of a write waits after its mapping was found valid, with the folio locked: the others have \
                  that time before the next folio.",
        }),
        Path::Writeback => Some(Delay {
            tag: "wb_delay_ms",
            sampled: ["xfs_map_blocks_found", "xfs_map_blocks_alloc"],
            events: "xfs_wb_*_iomap_invalid",
            why: "Each folio of writeback waits before its mapping is looked up, or a cached one is found valid: the others \
                  have that time once the first folio has its mapping.",
        }),
        Path::Other => None,
    }
}

/// A test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Test {
    /// As a script.
    pub script: String,
    /// Whether it is a loop, which may pass where something is wrong.
    pub is_loop: bool,
}

/// The test of a schedule of a scenario, of which `config` is the system.
pub fn test(schedule: &AnnotatedSchedule, config: &Config, expected: &Expected) -> Test {
    let mut script = Script::default();
    let looped = looped(schedule, config, expected);
    let is_loop = matches!(looped, Some(Ok(_)));
    match looped {
        Some(Ok(natural)) => {
            head(schedule, natural::ABOUT, &mut script);
            requirements(schedule, None, &mut script);
            file_system(&schedule.about.program, &mut script);
            natural::script(&schedule.about.program, &natural, &mut script);
        }
        Some(Err(why)) => once(schedule, expected, Some(why), &mut script),
        None => once(schedule, expected, None, &mut script),
    }
    end(&mut script);
    Test { script: script.text, is_loop }
}

/// The loop of a schedule that no delay forces, or why it has none; `None` where a delay does, or where more is lacking.
fn looped(
    schedule: &AnnotatedSchedule,
    config: &Config,
    expected: &Expected,
) -> Option<Result<Loop, &'static str>> {
    if forcing(schedule).is_some() || !lacking(schedule, &calls(&schedule.about.program)).is_empty() {
        return None;
    }
    Some(natural::of(schedule, config, expected))
}

/// The delay that forces a schedule.
fn forcing(schedule: &AnnotatedSchedule) -> Option<Delay> {
    let window = schedule.window.as_ref().filter(|_| unforced(schedule).is_none());
    window.and_then(|window| delay(window.path))
}

/// The test that runs the actors once, delayed where that can be. `no_loop` is why there is no loop of it.
fn once(schedule: &AnnotatedSchedule, expected: &Expected, no_loop: Option<&str>, script: &mut Script) {
    let (window, delay) = (schedule.window.as_ref(), forcing(schedule));
    let about = window.filter(|window| window.misled != Misled::Nowhere).map(|_| fails(schedule));
    head(schedule, &about.unwrap_or_default(), script);
    requirements(schedule, delay.as_ref(), script);
    not_made(schedule, no_loop, script);
    setup(&schedule.about.program, script);
    race(schedule, window, delay.as_ref(), script);
    compare(&schedule.about.program, expected.serial.as_deref(), script);
    heard(window, schedule, delay.as_ref(), script);
}

fn end(script: &mut Script) {
    script.line("");
    script.line(&format!("echo \"{SILENCE}\""));
    script.line("status=0");
    script.line("exit");
    script.line("");
    script.line(&format!("# {NAME}.out:"));
    for line in output().lines() {
        script.line(&format!("# {line}"));
    }
}

/// Why the delays of XFS cannot hold the window of a schedule open.
fn unforced(schedule: &AnnotatedSchedule) -> Option<&'static str> {
    let window = schedule.window.as_ref()?;
    let program = &schedule.about.program;
    if other_file_system(program).is_some() {
        return Some("XFS alone has delays");
    }
    let during = window.during.iter().filter_map(|turn| program.actor(&schedule.name(turn.actor)));
    let mut calls = during.flat_map(|actor| &actor.run).map(|line| Call::of(program, line));
    match (window.path, window.misled) {
        (Path::Write, Misled::First) => Some(
            "the delay of a write comes behind the check, with the folio locked, and here the first folio is the \
             one that goes wrong: write and flush in a loop, many rounds",
        ),
        (Path::Writeback, _) if calls.any(|call| call.asks() == Some(Asks::Reflink)) => {
            Some("a clone waits for the folio whose writeback is delayed")
        }
        (Path::Other, _) => Some("XFS can delay buffered writes and writeback only"),
        _ if window.during.is_empty() => {
            Some("nobody else moves while a mapping is cached, and no delay is within the look-up of one")
        }
        (Path::Write | Path::Writeback, _) => None,
    }
}

/// Where a test fails that runs the actors once.
fn fails(schedule: &AnnotatedSchedule) -> String {
    let delays = "The delays need CONFIG_XFS_DEBUG, and are in no kernel without the check: to see it fail, take the \
                  check out of one that has it.";
    let delays = if unforced(schedule).is_none() { delays } else { "" };
    format!(
        "It fails with wrong contents on a kernel whose check does not see that the mapping is stale, and passes on \
         one whose check does. {delays}"
    )
}

/// `fails` says on which kernels it fails, if that is known.
fn head(schedule: &AnnotatedSchedule, fails: &str, script: &mut Script) {
    let about = &schedule.about;
    script.line("#! /bin/bash");
    script.line("# SPDX-License-Identifier: GPL-2.0");
    script.line("#");
    script.line(&format!("# FS QA Test No. {NAME}"));
    script.line("#");
    script.comment(&format!("{}: {}", about.scenario, about.title));
    script.line("#");
    script.comment(&cause::headline(schedule));
    if let Some(critical) = &cause::critical_order(schedule) {
        script.comment(critical);
    }
    script.line("#");
    script.comment(&format!("A counterexample to {}.", about.design));
    if !fails.is_empty() {
        script.comment(fails);
    }
    if let Some(border) = &schedule.border {
        script.comment(border.needed());
    }
    script.line(". ./common/preamble");
    script.line("_begin_fstest auto quick rw");
    script.line("");
}

fn requirements(schedule: &AnnotatedSchedule, delay: Option<&Delay>, script: &mut Script) {
    if let Some(Delay { tag, .. }) = delay {
        script.line("_cleanup()");
        script.line("{");
        // Before the tag is set there is nothing to be set back, and the device need not be mounted.
        script.line("\tif [ -n \"$sentry\" ]; then");
        script.line("\t\trm -f $sentry");
        script.line(&format!("\t\t_scratch_inject_error \"{tag}\" 0"));
        script.line("\tfi");
        script.line("\twait");
        script.line("\t_ftrace_cleanup");
        script.line("\tcd /");
        script.line("\trm -rf $tmp.*");
        script.line("}");
        script.line("");
    }
    script.line(". ./common/filter");
    if delay.is_some() {
        script.line(". ./common/inject");
        script.line(". ./common/tracing");
    }
    let program = &schedule.about.program;
    let all = calls(program);
    let reflinks = all.iter().any(|call| call.asks() == Some(Asks::Reflink));
    if reflinks {
        script.line(". ./common/reflink");
    }
    script.line("");
    script.line("_require_scratch");
    if let Some(kind) = other_file_system(program) {
        script.line(&format!("test \"$FSTYP\" = {kind} || _notrun \"this race is one of {kind}\""));
    }
    if all.iter().any(|call| call.verb == CHATTR) || is_journalled(program) {
        script.line("_require_chattr j");
    }
    if let Some(Delay { tag, .. }) = delay {
        script.line("_require_ftrace");
        script.line(&format!("_require_xfs_io_error_injection \"{tag}\""));
    }
    // What every xfs_io has need not be asked for.
    let asked = all.iter().filter(|call| call.asks() == Some(Asks::Command));
    for verb in asked.filter_map(Call::command).collect::<BTreeSet<_>>() {
        script.line(&format!("_require_xfs_io_command \"{verb}\""));
    }
    if reflinks {
        script.line("_require_scratch_reflink");
    }
    script.line("");
}

/// What a file of this race has and the skeleton does not make: field, values without it, and what is needed.
const NOT_MADE: &[(&str, &[&str], &str)] = &[
    (
        "data_checksum",
        &["false"],
        "a device that checks a checksum of the data (scsi_debug with dif=1 dix=1)",
    ),
    (
        "valid_size",
        &["false"],
        "a file system with a valid size, exFAT or ntfs3, and what it calls these fields",
    ),
    ("zone_blocks", &["0"], "a device with zones of as many blocks, and max_open_zones=1"),
];

/// What a test would need that is not made.
fn lacking(schedule: &AnnotatedSchedule, calls: &[Call]) -> BTreeSet<String> {
    let program = &schedule.about.program;
    let set = |field: &str, unless: &[&str]| {
        program.fs.get(field).is_some_and(|value| !unless.contains(&value.as_str()))
    };
    let fields = NOT_MADE.iter().filter(|(field, unless, _)| set(field, unless));
    let fields = fields.map(|(field, _, needed)| format!("{field}: needs {needed}"));
    let buffers = calls.iter().find(|call| call.is_of_buffer());
    let buffers = buffers.map(|_| format!("pwrite -i: needs {THREADS}"));
    let unsaid = calls.iter().filter(|call| !call.is_of_buffer());
    let unsaid = unsaid.filter_map(|call| Some(format!("{}: {}", call.verb, call.said().err()?)));
    fields.chain(buffers).chain(unsaid).collect()
}

/// Ends the test where it would be about something else: whoever finishes it makes what is needed, and takes the line out.
fn not_made(schedule: &AnnotatedSchedule, no_loop: Option<&str>, script: &mut Script) {
    let mut reasons = lacking(schedule, &calls(&schedule.about.program));
    let no_loop = no_loop.map_or_else(String::new, |why| format!("; and there is no loop of it: {why}"));
    reasons.extend(unforced(schedule).map(|why| format!("the order cannot be forced: {why}{no_loop}")));
    if reasons.is_empty() {
        return;
    }
    script.comment("Not made here; take a line out when it is.");
    for reason in reasons {
        script.line(&format!("_notrun \"{}\"", reason.replace('`', "'")));
    }
    script.line("");
}

fn file_system(program: &Program, script: &mut Script) {
    let options = program.block.as_ref().map_or_else(String::new, |block| format!(" -b size={block}"));
    script.line(&format!("_scratch_mkfs{options} >> $seqres.full"));
    script.line("_scratch_mount");
    // It asks what is mounted.
    if program.fs.get("personality").is_some_and(|name| name == "xfs-zoned") {
        script.line("_require_xfs_scratch_zoned");
    }
    script.line("");
}

fn setup(program: &Program, script: &mut Script) {
    file_system(program, script);
    script.comment("The files as the race finds them.");
    for name in names(program) {
        script.line(&format!("$XFS_IO_PROG -f -c \"truncate 0\" {}", path(name)));
        if is_journalled(program) {
            script.line(&format!("$CHATTR_PROG +j {}", path(name)));
        }
    }
    commands(program, &setup_of(program), "", script);
    script.line("");
}

/// The file system that the race is one of, if it is another one than XFS: what mkfs and mount call it.
fn other_file_system(program: &Program) -> Option<&'static str> {
    match program.fs.get("personality")?.as_str() {
        "gfs2" | JOURNALLED => Some("gfs2"),
        "zonefs" => Some("zonefs"),
        "ext4-iomap" => Some("ext4"),
        _ => None,
    }
}

/// An actor beside the script.
fn background(program: &Program, actor: &ActorProgram, script: &mut Script) {
    script.line("(");
    // Bash wants a command here, and xfs_io may have none for this actor.
    script.line("\t:");
    commands(program, actor, "\t", script);
    script.line(") &");
}

/// The actors in three groups: those that are done before the window opens, the one that holds it, and the others.
fn race(schedule: &AnnotatedSchedule, window: Option<&Window>, delay: Option<&Delay>, script: &mut Script) {
    let program = &schedule.about.program;
    let actor = |actor: ActorId| program.actor(&schedule.name(actor));
    for actor in window.iter().flat_map(|window| &window.before).filter_map(|before| actor(*before)) {
        script.comment(&format!("{}, which is done before.", actor.name));
        commands(program, actor, "", script);
    }
    if let Some(delay) = delay {
        watch(delay, script);
    } else if window.is_some() {
        script.comment("Nobody is delayed: see above.");
    } else {
        script.comment("No mapping that is followed here goes out of date: all run at the same time.");
    }
    if let Some(actor) = window.and_then(|window| actor(window.actor)) {
        let beside = if delay.is_some() {
            "is delayed; the others wait until it has its mapping."
        } else {
            "runs beside the others."
        };
        script.comment(&format!("{} {beside}", actor.name));
        background(program, actor, script);
        script.line("held=$!");
        head_start(delay, script);
        script.line("");
    }
    let files = names(program);
    for turn in window.iter().flat_map(|window| &window.during) {
        let Some(actor) = actor(turn.actor) else { continue };
        let when = if turn.after_io { ", when the I/O has completed" } else { "" };
        script.comment(&format!("{}{when}:", actor.name));
        if turn.after_io {
            let file = files.first().copied().unwrap_or("file");
            script.xfs_io("", "", &["sync_range -a 0 0".to_owned()], &path(file), "");
        }
        commands(program, actor, "", script);
    }
    if window.is_none() {
        for actor in &program.actors {
            script.comment(&format!("{}:", actor.name));
            background(program, actor, script);
        }
    }
    wait(delay, script);
    script.line("");
}

/// Gives whoever holds the window the time to begin.
fn head_start(delay: Option<&Delay>, script: &mut Script) {
    let Some(delay) = delay else {
        script.line(&format!("sleep {HEAD_START}"));
        return;
    };
    let [found, allocated] = delay.sampled;
    script.line(&format!("for look in {{1..{LOOKS}}}; do"));
    script.line(&format!("\t_ftrace_dump | grep -q '{found}\\|{allocated}' && break"));
    script.line("\tsleep 0.1");
    script.line("done");
}

/// Delays the actor that holds the window, until the tracepoint says that it was hit.
fn watch(delay: &Delay, script: &mut Script) {
    script.comment(delay.why);
    script.line("sentry=$TEST_DIR/$seq.sentry");
    script.line("seen=$tmp.seen");
    // xfs_io knows more tags than an old kernel does, and then `_scratch_inject_error` fails.
    let knob = format!("/sys/fs/xfs/$(basename $(realpath $SCRATCH_DEV))/errortag/{}", delay.tag);
    script.line(&format!("test -w {knob} || _notrun \"the kernel has no error tag {}\"", delay.tag));
    script.line(&format!("_scratch_inject_error \"{}\" {DELAY}", delay.tag));
    script.line("_ftrace_setup");
    let [found, allocated] = delay.sampled;
    script.line(&format!("_ftrace_record_events '{}' '{found}' '{allocated}'", delay.events));
    script.line("");
    script.comment("Once the tracepoint has fired the window was hit, and nobody need be delayed any more.");
    script.line("touch $sentry");
    script.line("watch_trace()");
    script.line("{");
    script.line("\twhile [ -e $sentry ]; do");
    let pattern = delay.events.replace('*', ".*");
    script.line(&format!("\t\tif _ftrace_dump | grep '{pattern}' >> $seen; then"));
    script.line(&format!("\t\t\t_scratch_inject_error \"{}\" 0", delay.tag));
    script.line("\t\t\tbreak");
    script.line("\t\tfi");
    script.line("\t\tsleep 0.1");
    script.line("\tdone");
    script.line("}");
    script.line("watch_trace &");
    script.line("watcher=$!");
    script.line("");
}

/// Waits for everybody.
fn wait(delay: Option<&Delay>, script: &mut Script) {
    let Some(delay) = delay else {
        script.line("wait");
        return;
    };
    script.line("wait $held");
    script.line("rm -f $sentry");
    script.line("wait $watcher");
    script.line(&format!("_scratch_inject_error \"{}\" 0", delay.tag));
}

/// Where all is as it should be, the window has to have been hit: or nothing was tested.
fn heard(window: Option<&Window>, schedule: &AnnotatedSchedule, delay: Option<&Delay>, script: &mut Script) {
    let (Some(window), Some(_)) = (window, delay) else { return };
    let program = &schedule.about.program;
    let during = window.during.iter().filter_map(|turn| program.actor(&schedule.name(turn.actor)));
    let names: Vec<String> = during.map(|actor| actor.name.clone()).collect();
    script.line("");
    script.comment("A kernel that checks has said that its mapping is stale.");
    script.line(&format!(
        "test -n \"$wrong\" -o -s $seen || _notrun \"no mapping was found stale: {} came too early or too late\"",
        list(&names)
    ));
}

fn compare(program: &Program, expected: Option<&[Contents]>, script: &mut Script) {
    let Some(expected) = expected else {
        script.comment(
            "What the files should contain depends on more than the order of whole commands: say it here.",
        );
        return;
    };
    script.comment("What the actors leave when they run one after the other, in any order.");
    for contents in expected {
        let name = if program.files.is_empty() { "file" } else { contents.name.as_str() };
        let file = format!("{}.compare", path(name));
        script.xfs_io("", "-f ", &written(contents), &file, "");
    }
    script.line("");
    script.comment("Look at the disk, not at the page cache.");
    script.line("_scratch_cycle_mount");
    for contents in expected {
        let name = path(if program.files.is_empty() { "file" } else { contents.name.as_str() });
        if contents.parts.iter().all(|part| part.value.is_some()) {
            script.line(&format!("if ! cmp -s {name} {name}.compare; then"));
            script.line("\twrong=yes");
            script.line(&format!("\techo \"{name} {WRONG}\""));
            script.line(&format!("\tod -A x -t x1z {name} >> $seqres.full"));
            script.line("fi");
            continue;
        }
        for part in &contents.parts {
            let (start, length) = (part.bytes.start, part.bytes.end - part.bytes.start);
            if part.value.is_some() {
                script.line(&format!("if ! cmp -s -i {start} -n {length} {name} {name}.compare; then"));
                script.line("\twrong=yes");
                script.line(&format!("\techo \"{name} {WRONG} from {start} on\""));
                script.line("fi");
            } else {
                let bytes = count(length, "byte");
                let are = if length == 1 { "is" } else { "are" };
                script.line(&format!("# Not compared: {bytes} from {start} on {are} the last writer's."));
            }
        }
    }
}
