//! Running programs of the store's root: in a namespace of mounts, with the root as `/` and the store in it as `/store`.
//!
//! So what they need of libraries is what Debian packed with them, whatever the host has. As root a namespace of mounts is
//! enough; others get a namespace of users as well, in which they are root.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::{LabError, Result};
use super::store::Store;

/// Mounts what the arguments say, and becomes the program that they name. The first is the store; pairs of a folder and the
/// place in the root where it is to be seen follow, up to `--`.
const ENTER: &str = r#"set -e
store=$1; shift
root=$store/root
mkdir -p "$root/store" "$root/dev" "$root/proc"
mount --bind "$store" "$root/store"
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
while [ "$1" != -- ]; do
	mkdir -p "$root$2"
	mount --bind "$1" "$root$2"
	shift 2
done
shift
exec chroot "$root" "$@""#;

/// Where programs are, on a host as in the root.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The root, to run programs in.
#[derive(Clone, Debug)]
pub(super) struct Inside<'s> {
    store: &'s Store,
    seen_at: Vec<(PathBuf, String)>,
}

impl<'s> Inside<'s> {
    /// The root of a store.
    pub(super) fn of(store: &'s Store) -> Self {
        Inside { store, seen_at: Vec::new() }
    }

    /// The same, in which a folder is seen at another place, too.
    pub(super) fn with(mut self, folder: PathBuf, place: String) -> Self {
        self.seen_at.push((folder, place));
        self
    }

    /// What a path of the store is called inside.
    pub(super) fn path(&self, path: &Path) -> String {
        let inner = path.strip_prefix(self.store.folder()).unwrap_or(path);
        format!("/store/{}", inner.display())
    }

    /// A program with its arguments, to be started.
    pub(super) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new("unshare");
        let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        command.arg(if is_root { "-m" } else { "-rm" }).args(["sh", "-c", ENTER, "sh"]);
        command.arg(self.store.folder());
        for (folder, place) in &self.seen_at {
            command.arg(folder).arg(place);
        }
        command.arg("--").args(arguments);
        command.env_clear().env("PATH", PATH).env("LC_ALL", "C").env("HOME", "/");
        command.stdin(Stdio::null());
        command
    }

    /// Runs a program to its end; what it prints. `what` says what it is for, should it fail.
    pub(super) fn run<A: AsRef<OsStr>>(&self, what: &str, arguments: &[A]) -> Result<Vec<u8>> {
        output(self.command(arguments), what)
    }
}

/// What a program prints.
pub(super) fn output(mut command: Command, what: &str) -> Result<Vec<u8>> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| LabError::Other(format!("{what}: {}: {error}", command.get_program().display())))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let mut said = output.stdout;
    said.extend(output.stderr);
    Err(LabError::failed(what, &said))
}

/// That the host has these programs.
pub(super) fn need(programs: &[&str]) -> Result<()> {
    let path = std::env::var("PATH").unwrap_or_default() + ":" + PATH;
    let is_there = |program: &str| path.split(':').any(|folder| Path::new(folder).join(program).is_file());
    let named = |programs: &mut dyn Iterator<Item = &&str>| programs.map(ToString::to_string).collect();
    let lacking: Vec<String> = named(&mut programs.iter().filter(|program| !is_there(program)));
    if lacking.is_empty() {
        return Ok(());
    }
    Err(LabError::Lacking { lacking, needed: named(&mut programs.iter()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_the_host_lacks_are_named() {
        assert!(need(&["sh"]).is_ok());
        let error = need(&["sh", "no-such-program-at-all"]).expect_err("lacking").to_string();
        assert!(error.starts_with("no-such-program-at-all: not found"), "{error}");
        assert!(error.ends_with("needs sh, no-such-program-at-all"), "{error}");
    }

    #[test]
    fn the_store_is_seen_inside() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::at(folder.path()).expect("a store");
        let inside = Inside::of(&store).with(PathBuf::from("/a"), "/usr/src".to_owned());
        assert_eq!(inside.path(&store.kernels().join("x")), "/store/kernels/x");
        let command = inside.command(&["make", "modules"]);
        let arguments: Vec<_> = command.get_args().skip(6).collect();
        assert_eq!(arguments, ["/a", "/usr/src", "--", "make", "modules"]);
    }
}
