//! Guests: a kernel, booted in qemu for one job, and what the job left behind.
//!
//! A guest has two processors, 1 GiB, and two disks: the device under test, filled with one byte, and one for the results. It
//! has no network and nothing of the host's. It ends when its job does, or is ended when its time is over.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::cpio::Cpio;
use super::error::{LabError, Result};
use super::inside::Inside;
use super::store::{Kernel, Store};
use super::{design, initramfs, module, tar};

/// Bytes of the device under test, `/dev/vda`.
pub const DEVICE_BYTES: u64 = 640 << 20;

/// Bytes of the disk with the results, `/dev/vdb`.
const RESULT_BYTES: u64 = 64 << 20;

/// What every kernel is told: where its console is, to stop where it would boot anew, and to leave nothing to chance.
const ARGUMENTS: [&str; 7] =
    ["console=ttyS0", "panic=-1", "edd=off", "no_timer_check", "nokaslr", "mitigations=off", "quiet"];

/// How often it is looked whether a guest has ended.
const LOOK: Duration = Duration::from_millis(20);

/// What a guest is for.
#[derive(Clone, Debug)]
pub struct Job {
    /// `/job.sh`, for the shell of busybox. What is in `/out` when it ends is kept; `hold.ko` is in `/mods`.
    pub script: String,
    /// More files, with their paths; all are executable.
    pub files: Vec<(String, Vec<u8>)>,
    /// More arguments for the kernel, `init_on_alloc=0`.
    pub boot: Vec<String>,
    /// The byte that `/dev/vda` is filled with.
    pub device_fill: u8,
    /// The design whose `xfs.ko` is loaded instead of the distribution's.
    pub module: Option<String>,
    /// When the guest is ended, if it has not ended by then.
    pub timeout: Duration,
}

/// What came of a job.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What the guest printed on its console.
    pub console: String,
    /// The files of `/out`, by their names in it.
    pub out: BTreeMap<String, Vec<u8>>,
    /// How long the guest ran.
    pub seconds: f64,
    /// Whether it was ended.
    pub timed_out: bool,
}

/// What a line of the kernel's log has that tells of something wrong.
const WARNINGS: [&str; 5] = ["WARNING:", "BUG:", "Corruption", "general protection", "Assertion failed"];

impl Ran {
    /// A file of `/out` as text, if it is there.
    pub fn text(&self, name: &str) -> Option<String> {
        self.out.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The lines of the kernel's log that tell of something wrong.
    pub fn warnings(&self) -> Vec<String> {
        let log = self.text("dmesg.txt").unwrap_or_default();
        let warns = |line: &&str| WARNINGS.iter().any(|sign| line.contains(sign));
        log.lines().filter(warns).map(str::to_owned).collect()
    }

    /// The first line on the console that tells of something wrong: of a guest that left no log.
    pub fn trouble(&self) -> Option<&str> {
        self.console.lines().map(str::trim).find(|line| WARNINGS.iter().any(|sign| line.contains(sign)))
    }

    /// The files, and the console beside them.
    pub fn left(self) -> BTreeMap<String, Vec<u8>> {
        let mut left = self.out;
        left.insert("console.txt".to_owned(), self.console.into_bytes());
        left
    }
}

/// What executes a guest's instructions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Accelerator {
    /// The host's processor.
    Kvm,
    /// qemu itself.
    Tcg,
}

impl Accelerator {
    /// Its arguments for qemu. Five levels of page tables are slower to emulate.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Accelerator::Kvm => &["-accel", "kvm", "-cpu", "host"],
            Accelerator::Tcg => &["-accel", "tcg,thread=multi", "-cpu", "max,la57=off"],
        }
    }

    /// The one that was found to work when kernels were fetched.
    fn of(store: &Store) -> Self {
        match fs::read_to_string(accelerator_file(store)).as_deref() {
            Ok("kvm") => Accelerator::Kvm,
            _ => Accelerator::Tcg,
        }
    }
}

fn accelerator_file(store: &Store) -> PathBuf {
    store.folder().join("accelerator")
}

/// Finds out once whether KVM works here; a device that can be opened does not say so.
pub(super) fn try_kvm(store: &Store, kernel: &Kernel, say: &dyn Fn(&str)) -> Result<()> {
    let place = accelerator_file(store);
    if place.is_file() {
        return Ok(());
    }
    let mut found = "tcg";
    if File::options().read(true).write(true).open("/dev/kvm").is_ok() {
        say("trying whether KVM works here");
        let job = Job {
            script: "echo works > /out/kvm".to_owned(),
            files: Vec::new(),
            boot: Vec::new(),
            device_fill: 0,
            module: None,
            timeout: Duration::from_secs(30),
        };
        if boot_on(store, kernel, &job, Accelerator::Kvm).is_ok_and(|ran| ran.out.contains_key("kvm")) {
            found = "kvm";
        }
    }
    say(if found == "kvm" { "KVM works" } else { "KVM does not work; qemu emulates the processor" });
    fs::write(&place, found).map_err(LabError::file(&place))
}

/// Boots a kernel for a job, and waits for its end.
pub fn boot(store: &Store, kernel: &Kernel, job: &Job) -> Result<Ran> {
    boot_on(store, kernel, job, Accelerator::of(store))
}

fn boot_on(store: &Store, kernel: &Kernel, job: &Job, accelerator: Accelerator) -> Result<Ran> {
    let temporary = store.temporary()?;
    let folder = temporary.path();
    let (console, results) = (folder.join("console"), folder.join("results"));
    write_initramfs(store, kernel, job, &folder.join("initramfs"))?;
    File::create(&results).and_then(|file| file.set_len(RESULT_BYTES)).map_err(LabError::file(&results))?;
    let device = device(store, job.device_fill)?;
    let inside = Inside::of(store);
    let mut qemu = inside.command(&arguments(&inside, kernel, job, accelerator, folder, &device)?);
    let said = folder.join("qemu");
    let log = File::create(&said).map_err(LabError::file(&said))?;
    qemu.stdout(Stdio::null()).stderr(log);
    let begin = Instant::now();
    let (ended_well, timed_out) = wait(qemu, job.timeout)?;
    let seconds = begin.elapsed().as_secs_f64();
    if !ended_well && !timed_out {
        return Err(LabError::failed("qemu", &fs::read(&said).unwrap_or_default()));
    }
    let console = fs::read(&console).unwrap_or_default();
    let out = tar::files(&fs::read(&results).map_err(LabError::file(&results))?);
    Ok(Ran { console: String::from_utf8_lossy(&console).into_owned(), out, seconds, timed_out })
}

/// The initramfs of the kernel, and the job's files behind it.
fn write_initramfs(store: &Store, kernel: &Kernel, job: &Job, place: &Path) -> Result<()> {
    if !initramfs::is_there(kernel) || !module::is_there(kernel) {
        return Err(LabError::NotFetched {
            what: format!("what guests of linux {} begin with, as this stalemap makes it,", kernel.full),
            store: store.folder().display().to_string(),
            ask: kernel.full.clone(),
        });
    }
    let base = initramfs::place(kernel);
    let read = |path: &Path| fs::read(path).map_err(LabError::file(path));
    let mut cpio = Cpio::default();
    cpio.file("job.sh", job.script.as_bytes());
    cpio.file("mods/hold.ko", &read(&module::place(kernel))?);
    if let Some(name) = &job.module {
        cpio.file("mods/xfs.ko", &read(&design::module(store, kernel, name)?)?);
    }
    for (path, contents) in &job.files {
        cpio.file(path, contents);
    }
    fs::copy(&base, place).map_err(LabError::file(&base))?;
    let appended =
        File::options().append(true).open(place).and_then(|mut file| file.write_all(&cpio.finish()));
    appended.map_err(LabError::file(place))
}

/// An image filled with a byte. It is kept, and guests write into copies.
fn device(store: &Store, fill: u8) -> Result<PathBuf> {
    let place = store.devices().join(format!("{fill:02x}"));
    if fs::metadata(&place).is_ok_and(|image| image.len() == DEVICE_BYTES) {
        return Ok(place);
    }
    let mut image = tempfile::NamedTempFile::new_in(store.work()).map_err(LabError::file(&store.work()))?;
    let written = fill_file(image.as_file_mut(), fill);
    written.map_err(LabError::file(image.path()))?;
    image.persist(&place).map_err(|error| error.error).map_err(LabError::file(&place))?;
    Ok(place)
}

fn fill_file(file: &mut File, byte: u8) -> io::Result<()> {
    if byte == 0 {
        return file.set_len(DEVICE_BYTES);
    }
    let chunk = vec![byte; 1 << 20];
    for _ in 0..DEVICE_BYTES / chunk.len() as u64 {
        file.write_all(&chunk)?;
    }
    Ok(())
}

/// qemu, with all that it is told. It ends when whoever waits for it does.
fn arguments(
    inside: &Inside<'_>,
    kernel: &Kernel,
    job: &Job,
    accelerator: Accelerator,
    folder: &Path,
    device: &Path,
) -> Result<Vec<String>> {
    let mine = |name: &str| inside.path(&folder.join(name));
    let disk = |path: &str, more: &str| format!("file={path},format=raw,if=virtio,cache=unsafe{more}");
    let boot: Vec<&str> = ARGUMENTS.into_iter().chain(job.boot.iter().map(String::as_str)).collect();
    let mut all = vec!["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64"];
    all.extend(accelerator.arguments());
    all.extend([
        "-smp",
        "2",
        "-m",
        "1G",
        "-display",
        "none",
        "-monitor",
        "none",
        "-nic",
        "none",
        "-no-reboot",
    ]);
    let mut all: Vec<String> = all.into_iter().map(str::to_owned).collect();
    let mut add = |option: &str, value: String| all.extend([option.to_owned(), value]);
    add("-serial", format!("file:{}", mine("console")));
    add("-kernel", inside.path(&kernel.image()?));
    add("-initrd", mine("initramfs"));
    add("-append", boot.join(" "));
    add("-drive", disk(&inside.path(device), ",snapshot=on"));
    add("-drive", disk(&mine("results"), ""));
    Ok(all)
}

/// A process that does not outlive what waits for it.
struct Guest(Child);

impl Drop for Guest {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a program until it ends or its time is over: whether it ended well, and whether it was ended.
fn wait(mut program: Command, timeout: Duration) -> Result<(bool, bool)> {
    let cannot = |error| LabError::Other(format!("qemu cannot be started: {error}"));
    let begin = Instant::now();
    let mut guest = Guest(program.spawn().map_err(cannot)?);
    loop {
        if let Some(status) = guest.0.try_wait().map_err(cannot)? {
            return Ok((status.success(), false));
        }
        if begin.elapsed() > timeout {
            return Ok((false, true));
        }
        thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_ended() {
        let mut slow = Command::new("sleep");
        slow.arg("600");
        assert_eq!(wait(slow, Duration::from_millis(50)).expect("an end"), (false, true));
        assert_eq!(wait(Command::new("true"), Duration::from_mins(1)).expect("an end"), (true, false));
        assert_eq!(wait(Command::new("false"), Duration::from_mins(1)).expect("an end"), (false, false));
        assert!(wait(Command::new("no-such-program-at-all"), Duration::from_secs(1)).is_err());
    }

    #[test]
    fn a_kernel_that_another_stalemap_made_ready_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::at(folder.path()).expect("a store");
        let kernel = Kernel {
            release: "6.12.1-amd64".to_owned(),
            version: "6.12".to_owned(),
            full: "6.12.1".to_owned(),
            package: "6.12.1-1".to_owned(),
            folder: store.kernels().join("6.12.1-amd64"),
        };
        let job = Job {
            script: String::new(),
            files: Vec::new(),
            boot: Vec::new(),
            device_fill: 0,
            module: None,
            timeout: Duration::from_secs(1),
        };
        let error = boot(&store, &kernel, &job).expect_err("not ready").to_string();
        assert!(error.contains("`stalemap lab fetch 6.12.1` brings it"), "{error}");
        assert_eq!(fs::read_dir(store.work()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_device_is_filled_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::at(folder.path()).expect("a store");
        let image = device(&store, 0).expect("an image");
        assert_eq!(fs::metadata(&image).expect("an image").len(), DEVICE_BYTES);
        assert_eq!(device(&store, 0).expect("the same"), image);
        assert_eq!(fs::read_dir(store.work()).expect("a folder").count(), 0);
    }
}
