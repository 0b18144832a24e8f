//! A program, run once: what it printed, how long it took, how much memory.
//!
//! The system says of processes that have ended only the greatest memory of them all. So each program is run by a process that
//! runs no other: this program, called with [`COMMAND`].

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, UsageWho, getrusage, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::sys::time::TimeValLike;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// The command of this program that runs another one and says what it took.
pub const COMMAND: &str = "measured";

/// When a program is stopped.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Seconds.
    pub seconds: u64,
    /// Bytes of its address space.
    pub memory: u64,
}

/// What a program took, from its start to its exit.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Seconds that passed.
    pub elapsed: f64,
    /// Seconds of processors.
    pub processor: f64,
    /// The most memory, in KiB. Below some 4,000 it is that of the process that started it.
    pub memory: u64,
    /// It came to its end by itself.
    pub ended: bool,
    /// What it printed.
    pub printed: String,
}

/// Runs a program in a process of its own, by one that runs no other.
pub fn run(command: &[String], limits: Limits) -> io::Result<Run> {
    let numbers = [limits.seconds.to_string(), limits.memory.to_string()];
    let output = Command::new(std::env::current_exe()?)
        .arg(COMMAND)
        .args(numbers)
        .args(command)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("{} could not be run", command.join(" "))));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What the process does that runs no other.
pub fn measured(command: &[String], limits: Limits) -> io::Result<Run> {
    let [program, arguments @ ..] = command else {
        return Err(io::Error::other("no program to run"));
    };
    setrlimit(Resource::RLIMIT_AS, limits.memory, limits.memory)?;
    let began = Instant::now();
    let mut child =
        Command::new(program).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
    let (done, waits) = channel::<()>();
    let watch = thread::spawn(move || {
        let is_late =
            waits.recv_timeout(Duration::from_secs(limits.seconds)) == Err(RecvTimeoutError::Timeout);
        is_late && kill(pid, Signal::SIGKILL).is_ok()
    });
    let mut printed = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_string(&mut printed)?;
    }
    // It has closed its output: what it still does is to end.
    drop(done);
    let status = child.wait()?;
    let elapsed = began.elapsed().as_secs_f64();
    let was_killed = watch.join().unwrap_or(false);
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let processor = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Run {
        elapsed,
        processor: processor as f64 / 1e6,
        memory: u64::try_from(usage.max_rss()).unwrap_or(0),
        ended: !was_killed && status.code().is_some(),
        printed,
    })
}
