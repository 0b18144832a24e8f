//! The scenarios and the claims are compiled in; a file that is added has to be noticed. And which commit it is built from.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// What the program is made of, and what a commit of it is compared with.
const SOURCES: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "build.rs",
    "src",
    "facade",
    "explore",
    "model",
    "checker",
    "trace",
    "macros",
    "lab",
    "scenarios",
    "claims",
];

fn main() {
    println!("cargo::rerun-if-changed=scenarios");
    println!("cargo::rerun-if-changed=claims");
    let commit = commit();
    let built_from = commit.as_ref().map_or_else(String::new, |commit| format!(" ({commit})"));
    println!("cargo::rustc-env=STALEMAP_BUILT_FROM={built_from}");
    println!("cargo::rustc-env=STALEMAP_COMMIT={}", commit.unwrap_or_else(|| "unknown".to_owned()));
}

/// The commit, where that is known: of a package that cargo has made, or of a release that is built in the repository. Other
/// profiles are for work on it, where each commit would cost a build.
fn commit() -> Option<String> {
    let folder = env::var("CARGO_MANIFEST_DIR").ok()?;
    if let Some(packaged) = packaged(Path::new(&folder)) {
        return Some(packaged);
    }
    if env::var("PROFILE").ok()? != "release" {
        return None;
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(&folder).args(arguments).output().ok()?;
        let said = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| said.trim().to_owned())
    };
    // A copy in somebody else's repository has no commit of its own.
    if fs::canonicalize(git(&["rev-parse", "--show-toplevel"])?).ok()? != fs::canonicalize(&folder).ok()? {
        return None;
    }
    watch(&folder, &git);
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&[&["status", "--porcelain", "--"], SOURCES].concat())?;
    Some(if changed.is_empty() { commit } else { format!("{commit}, changed") })
}

/// What cargo wrote down when it made a package.
fn packaged(folder: &Path) -> Option<String> {
    let info = fs::read_to_string(folder.join(".cargo_vcs_info.json")).ok()?;
    let commit = info.split("\"sha1\"").nth(1)?.split('"').nth(1)?;
    let changed = info.contains("\"dirty\": true");
    let commit = commit.get(..12)?;
    Some(if changed { format!("{commit}, changed") } else { commit.to_owned() })
}

/// Says which files a commit, and a change that is none yet, would change.
fn watch(folder: &str, git: &dyn Fn(&[&str]) -> Option<String>) {
    let head = git(&["symbolic-ref", "--quiet", "HEAD"]);
    let names = ["HEAD", "packed-refs"].into_iter().map(str::to_owned).chain(head);
    let of_git = names.filter_map(|name| git(&["rev-parse", "--git-path", &name]));
    for path in of_git.chain(SOURCES.iter().map(|source| (*source).to_owned())) {
        let path = Path::new(folder).join(path);
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
}
