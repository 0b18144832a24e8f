//! The scripts of docs/cluster: what they run is run here, and what they are written for is asked whether it understands them.
//!
//! Where GNU parallel, an ssh server or one of the checkers is not installed, its test says so and passes, unless STALEMAP_REQUIRE_CLUSTER
//! is set.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::Duration;

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;

use crate::common::{elsewhere, in_repository, page, stalemap, text};

const REQUIRED: &str = "STALEMAP_REQUIRE_CLUSTER";

/// Where a program is; servers are in folders that are not everybody's.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/sbin"]);
    let found = folders.map(|folder| Path::new(folder).join(program)).find(|path| path.is_file());
    assert!(
        found.is_some() || env::var_os(REQUIRED).is_none(),
        "{program} is not installed, and {REQUIRED} is set"
    );
    if found.is_none() {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

fn script(name: &str) -> PathBuf {
    in_repository("docs/cluster").join(name)
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    output
}

/// A run that is small, and that every script is given.
const RUN: [&str; 3] = ["check", "mine.toml", "gfs2/t6"];

/// A folder with a file that the run names, and what the undivided run says.
fn undivided() -> (tempfile::TempDir, String) {
    let folder = elsewhere();
    fs::copy(in_repository("scenarios/xfs/t1.toml"), folder.path().join("mine.toml")).expect("a copy");
    let whole = stalemap(folder.path(), &[&RUN[..], &["--format", "json", "--no-times"]].concat());
    (folder, text(&whole.stdout))
}

/// The results of a document, without what depends on how the states were cut.
fn results(document: &str) -> Value {
    let mut document: Value =
        serde_json::from_str(document).unwrap_or_else(|_| panic!("no JSON: {document}"));
    for result in document["results"].as_array_mut().expect("results") {
        for key in ["transitions", "executions", "max_depth", "elapsed_ms"] {
            result[key] = Value::Null;
        }
    }
    document["results"].take()
}

/// An ssh server of one's own, for one's own key.
struct Server {
    folder: tempfile::TempDir,
    port: u16,
    process: Child,
}

impl Server {
    fn start(sshd: &Path) -> Self {
        let folder = elsewhere();
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        for key in ["host", "user"] {
            let keygen = ["-q", "-t", "ed25519", "-N", "", "-f", key];
            succeeds(Command::new("ssh-keygen").args(keygen).current_dir(folder.path()));
        }
        let at = folder.path().display();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nPidFile {at}/pid\nAuthorizedKeysFile {at}/user.pub\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        );
        fs::write(folder.path().join("sshd_config"), config).expect("a file");
        // Where the server runs as root it wants this folder, which only root can make.
        let _ = fs::create_dir_all("/run/sshd");
        let process = Command::new(sshd)
            .args(["-D", "-f", &format!("{at}/sshd_config"), "-E", &format!("{at}/log")])
            .spawn()
            .expect("the server starts");
        Server { folder, port, process }
    }

    /// As parallel wants it.
    fn login(&self) -> String {
        let (port, at) = (self.port, self.folder.path().display());
        format!(
            "ssh -p {port} -i {at}/user -o StrictHostKeyChecking=no -o UserKnownHostsFile={at}/known -o BatchMode=yes \
             -o LogLevel=ERROR 127.0.0.1"
        )
    }

    /// Waits until it answers.
    fn wait(&self) {
        let login = self.login();
        let mut words = login.split(' ');
        let ssh = words.next().expect("ssh");
        let arguments: Vec<&str> = words.collect();
        for _ in 0..100 {
            let answer = Command::new(ssh).args(&arguments).arg("true").output().expect("ssh starts");
            if answer.status.success() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server does not answer");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs the script of GNU parallel.
fn in_parallel(folder: &Path, hosts: &str, parts: &str, run: &[&str]) -> Output {
    Command::new(script("parallel.sh"))
        .args([hosts, parts])
        .args(run)
        .current_dir(folder)
        .env("STALEMAP", env!("CARGO_BIN_EXE_stalemap"))
        .env("MERGE", "--format json --no-times")
        .env_remove("RUST_LOG")
        .output()
        .expect("the script starts")
}

/// The programs that the script needs, and an ssh server.
fn ssh_and_parallel() -> Option<PathBuf> {
    let all: Vec<Option<PathBuf>> =
        ["parallel", "rsync", "ssh", "ssh-keygen"].into_iter().map(find).collect();
    find("sshd").filter(|_| all.iter().all(Option::is_some))
}

#[test]
fn parallel_over_ssh_comes_to_the_whole_and_goes_on() {
    let Some(sshd) = ssh_and_parallel() else { return };
    let server = Server::start(&sshd);
    server.wait();
    let (folder, whole) = undivided();
    let hosts = format!("2/{}", server.login());
    let merged = in_parallel(folder.path(), &hosts, "5", &RUN);
    assert_eq!(
        (text(&merged.stdout), merged.status.code()),
        (whole.clone(), Some(0)),
        "{}",
        text(&merged.stderr)
    );
    // All of them are there.
    let again = in_parallel(folder.path(), &hosts, "5", &RUN);
    assert_eq!(text(&again.stdout), whole, "{}", text(&again.stderr));
    let other = in_parallel(folder.path(), &hosts, "5", &["check", "gfs2/t6"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other.stderr).contains("parts has parts of another run"), "{}", text(&other.stderr));
}

/// Slices of one state space, each explored in another process, and what lies in between only in files.
#[test]
fn parallel_over_ssh_explores_one_state_space_in_slices() {
    let Some(sshd) = ssh_and_parallel() else { return };
    let server = Server::start(&sshd);
    server.wait();
    let folder = elsewhere();
    fs::copy(in_repository("tests/stalemap/inputs/twice.toml"), folder.path().join("twice.toml"))
        .expect("a copy");
    let run = ["check", "twice.toml"];
    let whole = stalemap(folder.path(), &[&run[..], &["--format", "json"]].concat());
    let merged = in_parallel(folder.path(), &format!("2/{}", server.login()), "2", &run);
    assert_eq!(merged.status.code(), whole.status.code(), "{}", text(&merged.stderr));
    assert_eq!(results(&text(&merged.stdout)), results(&text(&whole.stdout)));
    let states = fs::metadata(folder.path().join("parts/part-2.states")).expect("states").len();
    assert!(states > 16 << 14, "it was cut: {states} bytes of states");
}

#[test]
fn tasks_of_a_slurm_array_come_to_the_whole() {
    let (folder, whole) = undivided();
    for task in 1..=4 {
        succeeds(
            Command::new(script("slurm.sh"))
                .args(RUN)
                .current_dir(folder.path())
                .env("STALEMAP", env!("CARGO_BIN_EXE_stalemap"))
                .env("SLURM_ARRAY_TASK_ID", task.to_string())
                // One that is run again alone is told of how many it is.
                .env("SLURM_ARRAY_TASK_COUNT", if task == 3 { "1" } else { "4" })
                .envs((task == 3).then_some(("PARTS", "4"))),
        );
    }
    let parts: Vec<String> = (1..=4).map(|part| format!("parts/part-{part}.json")).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let merged =
        stalemap(folder.path(), &[&["merge", "--format", "json", "--no-times"], &parts[..]].concat());
    assert_eq!(text(&merged.stdout), whole, "{}", text(&merged.stderr));
}

#[test]
fn slurm_understands_the_options_of_the_array() {
    let Some(sbatch) = find("sbatch") else { return };
    let folder = elsewhere();
    let config = "ClusterName=none\nSlurmctldHost=localhost\nAuthType=auth/none\nNodeName=localhost CPUs=1\n\
                  PartitionName=p Nodes=localhost Default=YES\nSlurmctldTimeout=1\nMessageTimeout=1\n";
    fs::write(folder.path().join("slurm.conf"), config).expect("a file");
    let asked = |script: &Path| {
        let output = Command::new(&sbatch)
            .args([Path::new("--test-only"), script, Path::new("check")])
            .env("SLURM_CONF", folder.path().join("slurm.conf"))
            .output()
            .expect("sbatch starts");
        text(&output.stderr)
    };
    // There is nobody to give the job to; but what it says has been read by then.
    let said = asked(&script("slurm.sh"));
    assert!(said.contains("Unable to contact slurm controller"), "{said}");
    let wrong = folder.path().join("wrong.sh");
    fs::write(&wrong, page("docs/cluster/slurm.sh").replace("--cpus-per-task=1", "--cpus-for-task=1"))
        .expect("a file");
    assert!(asked(&wrong).contains("unrecognized option"));
}

/// The documents of the page for Kubernetes.
fn kubernetes() -> Vec<Yaml<'static>> {
    let page: &'static str = Box::leak(page("docs/cluster/kubernetes.yaml").into_boxed_str());
    Yaml::load_from_str(page).expect("YAML")
}

/// The first container of a job.
fn container<'y>(document: &'y Yaml<'static>) -> &'y Yaml<'static> {
    &document["spec"]["template"]["spec"]["containers"][0]
}

/// The shell script of a container, with its folders in this one.
fn script_of(document: &Yaml<'_>, folder: &Path) -> String {
    let script = document["spec"]["template"]["spec"]["containers"][0]["args"][0].as_str().expect("a script");
    let at = |name: &str| folder.join(name).display().to_string();
    script.replace("/races/wall.toml", "mine.toml gfs2/t6").replace("/parts", &at("parts"))
}

#[test]
fn pods_of_an_indexed_job_come_to_the_whole() {
    let documents = kubernetes();
    let [_, job, merge] = &documents[..] else { panic!("{} documents", documents.len()) };
    let spec = &job["spec"];
    let parts = spec["completions"].as_integer().expect("a number");
    assert_eq!(spec["completionMode"].as_str(), Some("Indexed"));
    for container in [container(job), container(merge)] {
        assert_eq!(container["env"][0]["value"].as_str(), Some(parts.to_string().as_str()), "PARTS");
    }
    let (folder, whole) = undivided();
    fs::create_dir(folder.path().join("parts")).expect("a folder");
    let bin = Path::new(env!("CARGO_BIN_EXE_stalemap")).parent().expect("a folder");
    let path = format!("{}:{}", bin.display(), env::var("PATH").unwrap_or_default());
    let shell = |script: &str, index: i64| {
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-ec", script])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("PARTS", parts.to_string());
        shell.env("JOB_COMPLETION_INDEX", index.to_string());
        succeeds(&mut shell)
    };
    for index in 0..parts {
        shell(&script_of(job, folder.path()), index);
    }
    let merging = format!("{} --format json --no-times", script_of(merge, folder.path()).trim_end());
    assert_eq!(text(&shell(&merging, 0).stdout), whole);
}

#[test]
fn checkers_find_nothing_in_the_scripts() {
    if let Some(shellcheck) = find("shellcheck") {
        succeeds(Command::new(shellcheck).args([script("parallel.sh"), script("slurm.sh")]));
    }
    if let Some(validate) = find("kubernetes-validate") {
        succeeds(Command::new(&validate).arg("--strict").arg(script("kubernetes.yaml")));
        let folder = elsewhere();
        let wrong = folder.path().join("wrong.yaml");
        let page = page("docs/cluster/kubernetes.yaml").replace("completionMode", "completionMod");
        fs::write(&wrong, page).expect("a file");
        let output = Command::new(&validate).arg("--strict").arg(&wrong).output().expect("it starts");
        assert!(!output.status.success(), "it looks at keys");
    }
    if let Some(hadolint) = find("hadolint") {
        succeeds(Command::new(hadolint).arg(script("Containerfile")));
    }
}

/// What the image is built from is there, and is all that the workspace is made of.
#[test]
fn the_image_is_built_from_the_whole_workspace() {
    let page = page("docs/cluster/Containerfile");
    let lines =
        page.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|copy| !copy.starts_with("--from"));
    let copied: Vec<&str> =
        lines.flat_map(|copy| copy.rsplit_once(' ').expect("a source and a place").0.split(' ')).collect();
    for source in &copied {
        assert!(in_repository(source).exists(), "{source}");
    }
    let manifest: toml::Table = crate::common::page("Cargo.toml").parse().expect("TOML");
    let members = manifest["workspace"]["members"].as_array().expect("a list");
    for member in members.iter().filter_map(|member| member.as_str()) {
        let top = member.split('/').next().expect("a folder");
        assert!(copied.contains(&top), "{member} is not copied");
    }
    let rust = manifest["workspace"]["package"]["rust-version"].as_str().expect("a version");
    assert!(page.contains(&format!("/rust:{rust}-")), "the oldest compiler that is supported");
}
