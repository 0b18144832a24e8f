//! The test of a race whose order no error tag forces: a natural loop. All actors run at the same time, in many places, round
//! after round, and what is left is compared with what the model says of every run that loses nothing.
//!
//! Where the commands allow it the places lie far apart in one large file, as in the program of the lab; else each place has small
//! files of its own. A kernel that is right passes. One that is wrong may pass, too, and the test says so.

use std::ops::Range;

use stalemap_model::judge::properties;
use stalemap_model::words::command::Io;
use stalemap_model::words::config::Config;
use stalemap_model::words::personality::{FsType, Personality};

use super::call::{Call, Said, commands, is_journalled, names, path, setup_of, written};
use super::script::{Script, WRONG};
use crate::annotate::AnnotatedSchedule;
use crate::annotate::expected::{Contents, Expected, Part};
use crate::annotate::program::{ActorProgram, Program};
use crate::lab::places::{Race, STRIDE};
use crate::lab::plan::Value;
use crate::lab::predicted::left;
use crate::report::export::word;

/// Places of a round in a large file, and with small files, whose actors are processes of their own in each place.
const PLACES: [u32; 2] = [100, 20];

/// Rounds, and seconds, with which a loop ends, before LOAD_FACTOR and TIME_FACTOR.
const ROUNDS: u32 = 50;
const LONGEST: u32 = 30;

/// What a right kernel does not do, so that nothing is handed out that does it.
const TOUCHES_OTHERS: &str = "it would overwrite a block of another file, or a free one";
const UNKNOWN: &str = "the model does not say what every run leaves that loses nothing";
const UNSEEN: &str =
    "what goes wrong is not seen in the contents of the files, or an order of the commands leaves the same";

const ZONES: &str = "its files are the zones of a device, and none can be made";

/// A loop.
pub(super) struct Loop {
    /// What every run that loses nothing leaves, in each place.
    expected: Vec<Contents>,
    /// The commands of the setup and of each actor in a large file; none where places have small files.
    placed: Option<(Vec<Placed>, Vec<Placed>)>,
}

/// One xfs_io, or another program, on a large file.
struct Placed {
    /// The program with its options.
    program: String,
    /// The file.
    file: String,
    /// The commands, `$at` bytes from the beginning of the file on; for another program, none.
    lines: Vec<String>,
    may_fail: bool,
}

/// The loop of a schedule, or why there is none.
pub(super) fn of(
    schedule: &AnnotatedSchedule,
    config: &Config,
    expected: &Expected,
) -> Result<Loop, &'static str> {
    if schedule.replay.violated.contains(&properties::WRONG_ADDRESS) {
        return Err(TOUCHES_OTHERS);
    }
    if config.fs.unnoted().fs_type == FsType::Zonefs {
        return Err(ZONES);
    }
    let expected = expected.every_run.clone().ok_or(UNKNOWN)?;
    if !shows(schedule, config.fs.unnoted(), &expected) {
        return Err(UNSEEN);
    }
    let has_places = Race::from(config).one_alone().is_none();
    let placed = has_places.then(|| placed(&schedule.about.program)).flatten();
    Ok(Loop { expected, placed })
}

/// Whether a schedule leaves bytes that no run leaves that loses nothing.
fn shows(schedule: &AnnotatedSchedule, fs: &Personality, expected: &[Contents]) -> bool {
    let left = left(&schedule.replay, fs).stable.unwrap_or_default();
    left.iter().zip(expected).any(|(left, expected)| {
        left.parts.iter().any(|is| {
            let known = |part: &&Part| part.bytes.start < is.bytes.end && is.bytes.start < part.bytes.end;
            let mut should = expected.parts.iter().filter(known);
            should.any(|part| part.value.is_some_and(|value| is.value != Value::Byte(value)))
        })
    })
}

/// The setup and the actors in a large file; `None` where a command cannot be moved, or an actor is more than one process.
fn placed(program: &Program) -> Option<(Vec<Placed>, Vec<Placed>)> {
    let first = setup_of(program);
    let mut setup = Vec::new();
    for line in &first.run {
        // The file has its size.
        if Call::of(program, line).verb != "truncate" {
            setup.extend(processes(program, &first, std::slice::from_ref(line))?);
        }
    }
    let mut actors = Vec::new();
    for actor in &program.actors {
        let mut processes = processes(program, actor, &actor.run)?;
        let mut process =
            processes.pop().filter(|process| processes.is_empty() && !process.lines.is_empty())?;
        // What is mapped in one place is not in the next one.
        let maps = process.lines.iter().rev().find(|line| line.contains("mmap") || line.contains("munmap"));
        if maps.is_some_and(|line| line.starts_with("mmap")) {
            process.lines.push("munmap".to_owned());
        }
        actors.push(process);
    }
    Some((setup, actors))
}

/// The processes of some commands of an actor.
fn processes(program: &Program, actor: &ActorProgram, run: &[String]) -> Option<Vec<Placed>> {
    let own = actor.file.as_deref().or_else(|| names(program).first().copied()).unwrap_or("file");
    let mut all: Vec<Placed> = Vec::new();
    for line in run {
        let call = Call::of(program, line);
        let file = path(call.file.as_deref().unwrap_or(own));
        let (program, line) = match call.said().ok()? {
            Said::Tool(program) => (program, None),
            Said::XfsIo(line) => {
                let direct = actor.direct || call.io != Io::Buffered;
                (if direct { "$XFS_IO_PROG -d" } else { "$XFS_IO_PROG" }.to_owned(), Some(at_place(&line)?))
            }
        };
        let may_fail = call.may_fail;
        let same =
            |last: &&mut Placed| (&last.program, &last.file, last.may_fail) == (&program, &file, may_fail);
        match (all.last_mut().filter(same), line) {
            (Some(last), Some(line)) => last.lines.push(line),
            (_, line) => all.push(Placed { program, file, lines: line.into_iter().collect(), may_fail }),
        }
    }
    Some(all)
}

/// Options of xfs_io's commands that stand before a value.
const WITH_VALUE: [&str; 2] = ["-S", "-b"];

/// A command of xfs_io with its offsets in a place; as it is, where it names none.
fn at_place(line: &str) -> Option<String> {
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let verb = words.first()?.clone();
    let is_value = |word: usize| WITH_VALUE.contains(&words[word - 1].as_str());
    let of_options = |word: &usize| words[*word].starts_with('-') || is_value(*word);
    let given: Vec<usize> = (1..words.len()).filter(|word| !of_options(word)).collect();
    let offsets = match (verb.as_str(), &given[..]) {
        ("exchangerange", _) => vec![2, 4],
        ("reflink", [_, from, to, _]) => vec![*from, *to],
        (_, [offset, length]) => {
            // To end of file.
            if words[*length] == "0" {
                "$stride".clone_into(&mut words[*length]);
            }
            vec![*offset]
        }
        // The whole file, or all that is mapped.
        ("reflink" | "cowextsize", [_]) | (_, []) => Vec::new(),
        _ => return None,
    };
    for offset in offsets {
        let bytes = bytes_of(words.get(offset)?)?;
        words[offset] = if bytes == 0 { "$at".to_owned() } else { format!("$((at + {bytes}))") };
    }
    Some(words.join(" "))
}

/// A number of bytes, as scenario files write it.
fn bytes_of(word: &str) -> Option<u64> {
    let (digits, unit) = match word.strip_suffix('k') {
        Some(digits) => (digits, 1024),
        None => (word.strip_suffix('m').unwrap_or(word), if word.ends_with('m') { 1 << 20 } else { 1 }),
    };
    let number = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    number.checked_mul(unit)
}

/// What the comment at the head says of the test.
pub(super) const ABOUT: &str = "It runs the actors at the same time, in many places, round after round: no error tag forces the order \
    of this schedule. A failure means contents that no run leaves which loses nothing. It may pass on a kernel with the bug, too: \
    then the order did not come about.";

/// The loop: functions for the setup, the actors and the comparison, and the rounds.
pub(super) fn script(program: &Program, natural: &Loop, script: &mut Script) {
    let [large, small] = PLACES;
    let places = if natural.placed.is_some() { large } else { small };
    script.comment("It ends after so many rounds or seconds, whichever comes first.");
    script.line(&format!("rounds=$(({ROUNDS} * $LOAD_FACTOR))"));
    script.line(&format!("longest=$(({LONGEST} * $TIME_FACTOR))"));
    script.line(&format!("places={places}"));
    if natural.placed.is_some() {
        script.comment(
            "Bytes from a place to the next one: more than what is allocated or read ahead at once.",
        );
        script.line(&format!("stride={STRIDE}"));
    }
    script.line("wrong=");
    script.line("");
    match &natural.placed {
        Some((setup, actors)) => in_large_file(program, setup, actors, script),
        None => in_small_files(program, script),
    }
    right(program, &natural.expected, script);
    compare(program, natural, script);
    rounds(program, natural, script);
}

/// A function of the script.
fn function(name: &str, what: &str, body: &[String], script: &mut Script) {
    script.comment(what);
    script.line(&format!("{name}()"));
    script.line("{");
    for line in body {
        script.line(format!("\t{line}").trim_end());
    }
    script.line("}");
    script.line("");
}

const EVERYWHERE: &str = "for ((at = 0; at < places * stride; at += stride)); do";

/// The lines that run a process in all places. What it says is of no interest, but for errors.
fn process(placed: &Placed) -> Vec<String> {
    let errors = if placed.may_fail { " 2>> $seqres.full" } else { "" };
    let Placed { program, file, lines, .. } = placed;
    if lines.is_empty() {
        return vec![format!("{program} {file} > /dev/null{errors}")];
    }
    let add = |line: &String| format!("commands+=(-c \"{line}\")");
    let mut body = vec!["commands=()".to_owned()];
    // What names no place is done once, but beside what does.
    if lines.iter().any(|line| line.contains("$at") || line.contains("$((at")) {
        body.push(EVERYWHERE.to_owned());
        body.extend(lines.iter().map(|line| format!("\t{}", add(line))));
        body.push("done".to_owned());
    } else {
        body.extend(lines.iter().map(add));
    }
    body.push(format!("{program} \"${{commands[@]}}\" {file} > /dev/null{errors}"));
    body
}

fn in_large_file(program: &Program, setup: &[Placed], actors: &[Placed], script: &mut Script) {
    let local = "local at commands".to_owned();
    let mut body = vec![local.clone(), String::new()];
    for name in names(program) {
        let file = path(name);
        body.push(format!("rm -f {file}"));
        body.push(format!("$XFS_IO_PROG -f -c \"truncate 0\" {file}"));
        if is_journalled(program) {
            body.push(format!("$CHATTR_PROG +j {file}"));
        }
        body.push(format!("$XFS_IO_PROG -c \"truncate $((places * stride))\" {file}"));
    }
    body.extend(setup.iter().flat_map(process));
    let what = "The files as a round finds them: each command in all places, before the next one.";
    function("prepare", what, &body, script);
    for (number, (actor, placed)) in program.actors.iter().zip(actors).enumerate() {
        let body: Vec<String> = [local.clone(), String::new()].into_iter().chain(process(placed)).collect();
        let what = format!("{}: through all places.", actor.name);
        function(&task(number), &what, &body, script);
    }
}

/// The function of an actor.
fn task(number: usize) -> String {
    format!("task_{}", number + 1)
}

/// The lines of an actor, on the files of a place.
fn lines_here(program: &Program, actor: &ActorProgram) -> Vec<String> {
    let mut script = Script::default();
    commands(program, actor, "", &mut script);
    script.text.replace("$SCRATCH_MNT/", "$here/").lines().map(str::to_owned).collect()
}

fn in_small_files(program: &Program, script: &mut Script) {
    let mut body = vec!["rm -rf $here".to_owned(), "mkdir $here".to_owned()];
    for name in names(program) {
        let file = path(name).replace("$SCRATCH_MNT/", "$here/");
        body.push(format!("$XFS_IO_PROG -f -c \"truncate 0\" {file}"));
        if is_journalled(program) {
            body.push(format!("$CHATTR_PROG +j {file}"));
        }
    }
    body.extend(lines_here(program, &setup_of(program)));
    function("prepare", "The files as the race finds them, in the folder of a place.", &body, script);
    for (number, actor) in program.actors.iter().enumerate() {
        let mut body = lines_here(program, actor);
        // Bash wants a command here.
        body.insert(0, ":".to_owned());
        function(&task(number), &format!("{}:", actor.name), &body, script);
    }
}

/// The files of a place as they should be.
fn right_file(program: &Program, contents: &Contents) -> (String, String) {
    let name = if program.files.is_empty() { "file" } else { contents.name.as_str() };
    (path(name), format!("$tmp.{}", word(name)))
}

fn right(program: &Program, expected: &[Contents], script: &mut Script) {
    script.comment("What every run leaves in a place that loses nothing, however its steps come.");
    for contents in expected {
        let (_, file) = right_file(program, contents);
        script.xfs_io("", "-f ", &written(contents), &file, "");
    }
    script.line("");
}

/// The bytes of which it is known what they should be.
fn known(contents: &Contents) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for part in contents.parts.iter().filter(|part| part.value.is_some()) {
        match ranges.last_mut() {
            Some(last) if last.end == part.bytes.start => last.end = part.bytes.end,
            _ => ranges.push(part.bytes.clone()),
        }
    }
    ranges
}

fn compare(program: &Program, natural: &Loop, script: &mut Script) {
    let is_large = natural.placed.is_some();
    let mut body = vec!["local is=$1 should=$2 at=$3 from=$4 length=$5".to_owned(), String::new()];
    body.push("cmp -s -i $((at + from)):$from -n $length $is $should && return".to_owned());
    body.push(format!("test -n \"$wrong\" || echo \"$is {WRONG} from $((at + from)) on, in round $round\""));
    body.push("wrong=yes".to_owned());
    body.push("od -A x -t x1z -j $((at + from)) -N $length $is >> $seqres.full".to_owned());
    function("compare_part", "Compares a part of a place; the first that is wrong is told.", &body, script);
    let mut body = Vec::new();
    for contents in &natural.expected {
        let (file, right) = right_file(program, contents);
        let file = if is_large { file } else { file.replace("$SCRATCH_MNT/", "$here/") };
        let at = if is_large { "$at" } else { "0" };
        let ranges = known(contents);
        let length = |range: &Range<u64>| range.end - range.start;
        let parts = ranges.iter().map(|range| (range.start, length(range)));
        body.extend(parts.map(|(from, length)| format!("compare_part {file} {right} {at} {from} {length}")));
    }
    let what = "Compares what is left in a place. What the last writer decides is not compared.";
    function("compare", what, &body, script);
}

fn rounds(program: &Program, natural: &Loop, script: &mut Script) {
    let tasks: Vec<String> =
        (0..program.actors.len()).map(|actor| format!("{} 2>> $seqres.full &", task(actor))).collect();
    let race = ["prepare".to_owned()].into_iter().chain(tasks).chain(["wait".to_owned()]);
    let place = "for ((place = 0; place < places; place++)); do";
    script.line("SECONDS=0");
    script.line("for ((round = 1; round <= rounds && SECONDS < longest; round++)); do");
    let mut body = vec!["echo \"round $round\" >> $seqres.full".to_owned()];
    if natural.placed.is_some() {
        body.extend(race);
    } else {
        body.extend([place.to_owned(), "\there=$SCRATCH_MNT/$place".to_owned()]);
        body.extend(race.map(|line| format!("\t{line}")));
        body.push("done".to_owned());
    }
    body.push("# Look at the disk, not at the page cache.".to_owned());
    body.push("_scratch_cycle_mount".to_owned());
    if natural.placed.is_some() {
        body.extend([EVERYWHERE.to_owned(), "\tcompare".to_owned(), "done".to_owned()]);
    } else {
        let lines = ["\there=$SCRATCH_MNT/$place", "\tcompare", "done"].map(str::to_owned);
        body.extend([place.to_owned()].into_iter().chain(lines));
    }
    body.push("test -z \"$wrong\" || break".to_owned());
    for line in body {
        script.line(&format!("\t{line}"));
    }
    script.line("done");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_moved_to_a_place_and_lengths_are_not() {
        for (line, placed) in [
            ("pwrite -S 0x57 -b 6k 0 6k", "pwrite -S 0x57 -b 6k $at 6k"),
            ("sync_range -w 4k 4k", "sync_range -w $((at + 4096)) 4k"),
            ("sync_range -w -a 0 0", "sync_range -w -a $at $stride"),
            (
                "reflink $SCRATCH_MNT/src 4k 8k 4k",
                "reflink $SCRATCH_MNT/src $((at + 4096)) $((at + 8192)) 4k",
            ),
            ("reflink $SCRATCH_MNT/src", "reflink $SCRATCH_MNT/src"),
            (
                "exchangerange -s 0x1000 -d 4k -l 4k other",
                "exchangerange -s $((at + 4096)) -d $((at + 4096)) -l 4k other",
            ),
            ("mwrite -S 0x46 1m 2", "mwrite -S 0x46 $((at + 1048576)) 2"),
            ("munmap", "munmap"),
            ("cowextsize 8k", "cowextsize 8k"),
        ] {
            assert_eq!(at_place(line).as_deref(), Some(placed));
        }
        for line in ["truncate 4k", "pwrite 1b 4k", "pwrite x 4k"] {
            assert_eq!(at_place(line), None, "{line}");
        }
    }
}
