//! What tests of several subjects need: the program as a script runs it, shipped scenarios and their counterexamples, and
//! the files of the repository.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use stalemap::engine::Engine;
use stalemap::run::{GivenLimits, Job, Outcome, run_all};
use stalemap::scenario::{Scenario, catalogue, read};
use stalemap_checker::minimal_counterexample;
use stalemap_explore::{Counterexample, Limits, Step};
use stalemap_facade::{Property, System};
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::kernel_version::KernelVersion;
use tempfile::TempDir;

/// The program, without what the environment of the tests would make it log.
pub(crate) fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_stalemap"));
    program.env_remove("RUST_LOG");
    program
}

/// What the program says when it is run in a folder.
pub(crate) fn stalemap(folder: &Path, arguments: &[&str]) -> Output {
    program().args(arguments).current_dir(folder).output().expect("the program starts")
}

/// The same, with this on its stdin.
pub(crate) fn fed(folder: &Path, arguments: &[&str], stdin: &[u8]) -> Output {
    let mut program = program();
    program.args(arguments).current_dir(folder);
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().expect("the program starts");
    // A program that wants no more of it has closed the pipe.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin);
    child.wait_with_output().expect("it ends")
}

/// A folder that goes when it is dropped.
pub(crate) fn elsewhere() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// What the program printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A file or folder of the repository.
pub(crate) fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A page of the repository.
pub(crate) fn page(path: &str) -> String {
    fs::read_to_string(in_repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// When a file was last changed.
pub(crate) fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|metadata| metadata.modified()).expect("a time")
}

/// Gives a file a time.
pub(crate) fn keep_time(path: &Path, time: SystemTime) -> io::Result<()> {
    fs::File::options().write(true).open(path)?.set_modified(time)
}

/// Copies a file into a folder that need not be there, with its time.
pub(crate) fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to.parent().expect("a directory"))?;
    fs::write(to, fs::read(from)?)?;
    keep_time(to, modified(from))
}

/// Copies a folder and what is in it.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() { copy_tree(&from, &to)? } else { copy_file(&from, &to)? }
    }
    Ok(())
}

/// A scenario that is right.
pub(crate) fn good(name: &str, source: &str) -> Scenario {
    read(name, source.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
}

/// A scenario of the catalogue.
pub(crate) fn shipped(name: &str) -> Scenario {
    let (name, source) = catalogue::find(name).unwrap_or_else(|unknown| panic!("{unknown}"));
    good(&name, source)
}

/// Every scenario of the catalogue.
pub(crate) fn all_shipped() -> Vec<Scenario> {
    catalogue::all().iter().map(|(name, source)| good(name, source)).collect()
}

/// A scenario of the catalogue under a design, as a system to explore.
pub(crate) fn kernel(scenario: &str, design: &str) -> Kernel {
    let scenario = shipped(scenario);
    let implementation =
        scenario.implementation(design).unwrap_or_else(|| panic!("there is no design or kernel {design}"));
    Kernel::new(scenario.config_of(implementation)).expect("a sound configuration")
}

/// What the exhaustive engine says of a scenario of the catalogue under a design.
pub(crate) fn checked(scenario: &str, design: &str) -> Outcome {
    let scenario = shipped(scenario);
    let implementation =
        scenario.implementation(design).unwrap_or_else(|| panic!("there is no design or kernel {design}"));
    let jobs = [Job { scenario: &scenario, implementation, engine: Engine::Exhaustive }];
    run_all(&jobs, GivenLimits::default(), 1, &|_| ()).remove(0).expect("a run")
}

/// The least counterexample to a property, and its steps as a schedule has them.
pub(crate) fn least(kernel: &Kernel, property: Property) -> (Counterexample, Vec<Step>) {
    let found = minimal_counterexample(kernel, property, &Limits::default()).expect("a sound model");
    let found = found.unwrap_or_else(|| panic!("{property} is not violated"));
    let specs = kernel.actors();
    let steps = found.schedule.iter().map(|choice| choice.to_step(&specs)).collect();
    (found, steps)
}

/// A limit that keeps a test short, in proportion greater or less where `STALEMAP_CASES` asks for other than 256 cases.
pub(crate) fn thorough(usual: u64) -> u64 {
    const USUAL_CASES: u64 = 256;
    let asked = env::var("STALEMAP_CASES").ok().and_then(|cases| cases.parse::<u64>().ok());
    (usual * asked.unwrap_or(USUAL_CASES) / USUAL_CASES).max(1)
}

/// Runs the body of a test in a process of its own: for what other tests, in the threads beside it, would disturb.
///
/// `name` is the whole name of the test, with its modules.
pub(crate) fn alone(name: &str, body: impl FnOnce()) {
    const ALONE: &str = "STALEMAP_TEST_ALONE";
    if env::var_os(ALONE).is_some() {
        return body();
    }
    let program = env::current_exe().expect("the path of this program");
    let output = Command::new(program).args([name, "--exact", "--nocapture"]).env(ALONE, "1").output();
    let output = output.expect("the tests start");
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Of the jobs of one scenario those of designs and of the file's own, and for want of the design of 6.2 that of the newest kernel: where
/// an engine or the memory is tested, releases that differ in the values of some fields say nothing more.
pub(crate) fn of_one_release(mut jobs: Vec<Job<'_>>) -> Vec<Job<'_>> {
    let newest = KernelVersion::NEWEST;
    let has_design = jobs.iter().any(|job| job.implementation.name() == "iomap_valid");
    jobs.retain(|job| {
        let kernel = KernelVersion::from_name(job.implementation.name());
        kernel.is_none_or(|kernel| kernel == newest && !has_design)
    });
    jobs
}
