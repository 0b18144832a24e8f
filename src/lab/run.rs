//! Runs of a plan: its program in a guest, forced, as a control or in a loop, and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;
use stalemap_model::words::personality::{Allocate, DeviceCache, FsType};

use super::guest::{Job, Kernel, LabError, Store, boot, compile};
use super::heard::Heard;
use super::plan::{Call, DEVICE_PATTERN, Left, Plan, Turn, Value as Holds};
use super::release::Release;

/// The seconds within which a guest boots, makes its file system, and one run comes to its end.
const A_RUN: u64 = 150;

/// The milliseconds that a write of the device takes in a forced run.
const WRITE_MS: u64 = 20;

/// How the tasks are brought into an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// In the order of the schedule, by holds.
    Forced,
    /// The same, while a trace is taken of what happens to the first file.
    Recorded,
    /// One after the other.
    Control,
    /// All at once, for so many rounds and no longer than so many seconds.
    Natural {
        /// Rounds.
        rounds: u64,
        /// Seconds.
        seconds: u64,
        /// Places of a round; of more than one, in large files ([`super::places`]).
        places: u64,
    },
}

impl Mode {
    /// Its name in the program's command line and in results.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Forced | Mode::Recorded => "forced",
            Mode::Control => "control",
            Mode::Natural { .. } => "natural",
        }
    }

    fn seconds(self) -> u64 {
        match self {
            Mode::Forced | Mode::Recorded | Mode::Control => 0,
            Mode::Natural { seconds, .. } => seconds,
        }
    }
}

/// What came of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Came {
    /// The bytes that the model predicts for the schedule.
    AsPredicted,
    /// Those of the control.
    AsControl,
    /// Others.
    Other,
    /// A turn was not reached: which, and why.
    NotReached(String),
    /// The program, or the guest, did not come to its end.
    Broken(String),
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Came::AsPredicted => f.write_str("as predicted"),
            Came::AsControl => f.write_str("as the control"),
            Came::Other => f.write_str("other bytes"),
            Came::NotReached(why) => write!(f, "order not reached: {why}"),
            Came::Broken(why) => write!(f, "no result: {why}"),
        }
    }
}

/// A run.
#[derive(Clone, Debug)]
pub struct Run {
    /// How.
    pub mode: Mode,
    /// What came of it.
    pub came: Came,
    /// The lines that the program printed.
    pub lines: Vec<Value>,
}

/// All runs of a plan on a kernel.
#[derive(Clone, Debug)]
pub struct Results {
    /// The kernel's version, `6.12.118`.
    pub version: String,
    /// Its release, `6.12.118+deb13-amd64`.
    pub release: String,
    /// The runs, in the order in which they were asked for.
    pub runs: Vec<Run>,
    /// What the guest took, in seconds.
    pub seconds: f64,
    /// Warnings of the kernel: lines of its log that say WARNING, BUG or corruption.
    pub warnings: Vec<String>,
    /// What the guest left, by the names of the files, and its console.
    pub left: BTreeMap<String, Vec<u8>>,
}

/// Runs a program in one guest, in the modes that are asked for.
pub fn run(
    store: &Store,
    kernel: &Kernel,
    plan: &Plan,
    program: &str,
    modes: &[Mode],
) -> Result<Results, LabError> {
    let compiled = compile(store, program)?;
    let seconds: u64 = modes.iter().map(|mode| A_RUN + mode.seconds()).sum();
    let job = Job {
        script: script(plan, modes),
        files: vec![
            ("/program".to_owned(), compiled),
            ("/record.sh".to_owned(), stalemap_trace::RECORD.as_bytes().to_vec()),
        ],
        boot: boot_arguments(plan),
        device_fill: DEVICE_PATTERN,
        module: plan.variant.design().map(str::to_owned),
        timeout: Duration::from_secs(seconds),
    };
    let ran = boot(store, kernel, &job)?;
    let of = |(number, mode): (usize, &Mode)| {
        let text = |name: String| ran.text(&name).unwrap_or_default();
        let (out, errors) = (text(format!("{number}.jsonl")), text(format!("{number}.err")));
        let ended = if ran.timed_out { "the guest did not come to its end within its time" } else { "" };
        listened(plan, came(*mode, &out, &errors, ended))
    };
    Ok(Results {
        version: kernel.full.clone(),
        release: kernel.release.clone(),
        runs: modes.iter().enumerate().map(of).collect(),
        seconds: ran.seconds,
        warnings: ran.warnings(),
        left: ran.left(),
    })
}

/// Pages that are not cleared are told by what they have: what the kernel fills those with that are free, which it then does not
/// clear (`page_poison`; mm/page_poison.c, `init_mem_debugging_and_hardening`).
fn boot_arguments(plan: &Plan) -> Vec<String> {
    if shows_memory(&plan.predicted) { vec!["page_poison=1".to_owned()] } else { Vec::new() }
}

fn shows_memory(left: &Left) -> bool {
    let files = left.cached.iter().chain(&left.stable).flatten().chain(&left.remounted);
    let given = left.calls.iter().flat_map(Call::bytes);
    files.chain(given).flat_map(|file| &file.parts).any(|part| part.value == Holds::Memory)
}

/// What a guest does: a file system for each run, on a device that can keep writes.
fn script(plan: &Plan, modes: &[Mode]) -> String {
    let FileSystem { first, mkfs, kind, options, nothing_ahead } = file_system(plan);
    let options =
        [options, nothing_ahead].into_iter().filter(|some| !some.is_empty()).collect::<Vec<_>>().join(",");
    let mut lines = vec![
        "insmod /mods/hold.ko || exit 1".to_owned(),
        "blocks=$(cat /sys/block/vda/size)".to_owned(),
        format!("dmsetup create lab --table \"0 $blocks {}\" || exit 1", table(modes)),
        "device=/dev/mapper/lab".to_owned(),
        "[ -e $device ] || { mkdir -p /dev/mapper; ln -s /dev/dm-0 $device; }".to_owned(),
    ];
    lines.extend((!first.is_empty()).then(|| first.to_owned()));
    for (number, mode) in modes.iter().enumerate() {
        lines.push(format!("{mkfs} $device > /out/{number}.mkfs 2>&1 || exit 1"));
        lines.push(format!("mount -t {kind} -o noatime,{options} $device /mnt || exit 1"));
        let more = match mode {
            Mode::Natural { rounds, seconds, places } => {
                format!(" --rounds {rounds} --seconds {seconds} --places {places}")
            }
            Mode::Recorded => format!(" --recorder {RECORDER}"),
            Mode::Forced | Mode::Control => String::new(),
        };
        if *mode == Mode::Recorded {
            lines.push(recorder(plan, number));
        }
        lines.push(format!(
            "/program --device $device --type {kind} --mount-options '{options}'{more} /mnt {} \
             > /out/{number}.jsonl 2> /out/{number}.err",
            mode.name()
        ));
        if *mode == Mode::Recorded {
            lines.push(format!("touch {RECORDER}.over; wait"));
        }
        lines.push("umount /mnt".to_owned());
    }
    lines.join("\n") + "\n"
}

/// The files by which a program and whoever takes a trace of it tell each other how far they are.
const RECORDER: &str = "/tmp/recorder";

/// Takes a trace of the first file from when it is there until the program has ended.
fn recorder(plan: &Plan, number: usize) -> String {
    let file = plan.files.first().map_or("file", String::as_str);
    let wait = |what: &str| format!("while [ ! -e {RECORDER}.{what} ]; do sleep 0.05; done");
    format!(
        "( {}; sh /record.sh '/mnt/{file}' /out/{number}.trace sh -c 'touch {RECORDER}.go; {}' 2> /out/{number}.recorder ) &",
        wait("ready"),
        wait("over")
    )
}

/// The table of device mapper: where tasks are to come in an order, writes take long enough that whoever submits one does not
/// find it done, and can be kept altogether (`Turn::KeepWrites`).
fn table(modes: &[Mode]) -> String {
    let natural = modes.iter().any(|mode| matches!(mode, Mode::Natural { .. }));
    if natural { "linear /dev/vda 0".to_owned() } else { format!("delay /dev/vda 0 0 /dev/vda 0 {WRITE_MS}") }
}

/// How a guest makes a file system.
pub(super) struct FileSystem {
    /// What comes before.
    pub(super) first: &'static str,
    /// The command, without the device.
    pub(super) mkfs: String,
    /// The name that it is mounted by.
    pub(super) kind: &'static str,
    /// The options that it is mounted with.
    pub(super) options: &'static str,
    /// The option that keeps it from allocating ahead where a large file grows; a small one is not allocated ahead (`xfs_iomap_prealloc_size`,
    /// below 64k).
    pub(super) nothing_ahead: &'static str,
}

pub(super) fn file_system(plan: &Plan) -> FileSystem {
    let block = plan.block;
    match plan.fs.fs_type {
        FsType::Gfs2 => FileSystem {
            first: "",
            mkfs: format!("mkfs.gfs2 -q -O -p lock_nolock -j 1 -J 16 -b {block}"),
            kind: "gfs2",
            options: "lockproto=lock_nolock",
            nothing_ahead: "",
        },
        FsType::Ext4 => FileSystem {
            first: "",
            mkfs: format!("mkfs.ext4 -q -F -b {block}"),
            kind: "ext4",
            options: "",
            nothing_ahead: "",
        },
        FsType::Xfs | FsType::Zonefs if plan.fs.allocate == Allocate::OutOfPlace => FileSystem {
            first: "insmod /mods/null_blk.ko nr_devices=1 zoned=1 zone_size=16 gb=1 memory_backed=1 || exit 1",
            mkfs: format!("mkfs.xfs.newer -q -f -b size={block} -r zoned=1,rtdev=/dev/nullb0"),
            kind: "xfs",
            options: "rtdev=/dev/nullb0",
            nothing_ahead: "",
        },
        FsType::Xfs | FsType::Zonefs => {
            let more = if exchanges(plan) { " -i exchange=1" } else { "" };
            FileSystem {
                first: "",
                mkfs: format!("mkfs.xfs -q -f -b size={block}{more}"),
                kind: "xfs",
                options: "",
                // A write that makes the file longer reserves to the end of its page, and no further.
                nothing_ahead: "allocsize=4k",
            }
        }
    }
}

/// Whether ranges of files change places.
fn exchanges(plan: &Plan) -> bool {
    let mut calls = plan.setup.iter().chain(plan.tasks.iter().flat_map(|task| &task.run));
    calls.any(|call| call.command.facts().call == Some("exchange-range"))
}

/// Why no guest makes the plan's file system, or its device.
pub fn unbootable(plan: &Plan) -> Option<&'static str> {
    let fs = &plan.fs;
    if exchanges(plan) && plan.kernel == Release::V6_1.kernel() {
        return Some("XFS exchanges no ranges before 6.10 (XFS_IOC_EXCHANGE_RANGE)");
    }
    if fs.free_blocks.is_some() {
        return Some("`free_blocks`: the guest's device has room");
    }
    if fs.device_cache != DeviceCache::Absent {
        return Some("`device_cache`: the guest's device loses nothing");
    }
    if fs.is_out_of_place() && fs.spare_blocks == 0 {
        return Some("`spare_blocks = 0`: a kernel spares some");
    }
    if fs.is_out_of_place() && plan.turns.contains(&Turn::KeepWrites) {
        return Some("the zones are of a device that keeps no writes");
    }
    match fs.fs_type {
        FsType::Gfs2 if plan.turns.contains(&Turn::Crash) => {
            Some("gfs2 withdraws when it is stopped, which leaves another log than a loss of power")
        }
        FsType::Ext4 => Some("no release has ext4 write through iomap's page cache paths"),
        FsType::Zonefs => Some("zonefs: its files are the zones of a device, and none can be made"),
        FsType::Xfs if plan.block < 1024 => Some("XFS with checksums has blocks of 1k and more"),
        FsType::Xfs | FsType::Gfs2 => None,
    }
}

/// Which tasks have died, by the last line of a run.
fn died(last: Option<&Value>) -> String {
    let who = last.and_then(|line| line.get("who")?.as_array()).into_iter().flatten();
    let who: Vec<&str> = who.filter_map(Value::as_str).collect();
    format!("{} died", who.join(" and "))
}

/// A run with what its calls gave compared, too: where they gave something else, the bytes alone are as predicted.
fn listened(plan: &Plan, run: Run) -> Run {
    let left = match run.came {
        Came::AsPredicted => &plan.predicted,
        Came::AsControl => &plan.predicted_control,
        Came::Other | Came::NotReached(_) | Came::Broken(_) => return run,
    };
    if matches!(run.mode, Mode::Natural { .. }) {
        return run;
    }
    let heard = Heard::of(plan, &run.lines);
    let differs = heard.differs(plan, left);
    if differs.is_empty() {
        return run;
    }
    // Files that are alike in both leave it to the calls which of them it is.
    let other = if run.came == Came::AsPredicted { &plan.predicted_control } else { &plan.predicted };
    if left.files() == other.files() && heard.differs(plan, other).is_empty() {
        let came = if run.came == Came::AsPredicted { Came::AsControl } else { Came::AsPredicted };
        return Run { came, ..run };
    }
    Run { came: Came::Other, lines: run.lines.into_iter().chain(differs).collect(), ..run }
}

/// What came of a run, from what its program printed.
fn came(mode: Mode, out: &str, errors: &str, ended: &str) -> Run {
    let lines: Vec<Value> = out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let last = lines.iter().rev().find(|line| line.get("result").is_some());
    let text = |key: &str| last.and_then(|line| line.get(key)?.as_str()).unwrap_or_default().to_owned();
    let came = match text("result").as_str() {
        "as predicted" => Came::AsPredicted,
        "as the control" => Came::AsControl,
        "other" => Came::Other,
        "not reached" => Came::NotReached(format!("{}: {}", text("what"), text("why"))),
        "died" => Came::Broken(died(last)),
        "" if !ended.is_empty() => Came::Broken(ended.to_owned()),
        "" if errors.trim().is_empty() => {
            Came::Broken("the program did not begin; the guest's console (`--keep`) has why".to_owned())
        }
        "" => Came::Broken(errors.trim().to_owned()),
        other => Came::Broken(other.to_owned()),
    };
    Run { mode, came, lines }
}
