//! Debian's packages, by their names: an apt of the store's own, which touches nothing that is installed.
//!
//! Its status is empty, so that a package comes with all that it depends on. Where Debian is mirrored is taken from
//! the host's own apt, or from `$STALEMAP_MIRROR`; what it serves is checked against Debian's keys.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::{LabError, Result};
use super::inside::{need, output};
use super::store::Store;
use super::version::{Candidate, Version, newest, series};

/// What the host has to have.
const PROGRAMS: [&str; 8] =
    ["apt-get", "apt-cache", "apt-config", "dpkg-deb", "unshare", "mount", "chroot", "sh"];

/// The suites of the archive, each with whether it is one of the security team's. Kernels before 6.12 are those of bookworm;
/// later ones, and the tools, those of trixie and of what is ported back to it.
/// From the one after trixie nothing is taken but what is asked for by its name.
const SUITES: [(&str, bool); 6] = [
    ("bookworm", false),
    ("bookworm-security", true),
    ("trixie", false),
    ("trixie-security", true),
    ("trixie-backports", false),
    (NEXT, false),
];

/// The suite of Debian's next release.
pub(super) const NEXT: &str = "forky";

/// Where Debian's keys are, if the host has them as a file.
const KEYS: [&str; 2] =
    ["/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg"];

/// Packages of one kernel begin so.
const OF_A_KERNEL: [&str; 6] =
    ["linux-base-", "linux-image-", "linux-binary-", "linux-modules-", "linux-headers-", "linux-kbuild-"];

/// The archive, with its lists as they are now.
#[derive(Debug)]
pub(super) struct Archive<'s> {
    store: &'s Store,
}

impl<'s> Archive<'s> {
    /// Writes the configuration and brings the lists up to date.
    pub(super) fn open(store: &'s Store, say: &dyn Fn(&str)) -> Result<Self> {
        need(&PROGRAMS)?;
        let archive = Archive { store };
        let apt = store.apt();
        for folder in ["lists/partial", "cache/archives/partial", "none"] {
            let folder = apt.join(folder);
            fs::create_dir_all(&folder).map_err(LabError::file(&folder))?;
        }
        let (debian, security) = mirrors()?;
        let keys = KEYS.into_iter().find(|keys| Path::new(keys).is_file());
        archive.write("sources.list", &sources(&debian, &security, keys))?;
        archive.write("preferences", &format!("Package: *\nPin: release n={NEXT}\nPin-Priority: 1\n"))?;
        archive.write("status", "")?;
        archive.write("apt.conf", &configuration(&apt, &host_acquires()))?;
        say("bringing the lists of packages up to date");
        archive.run("apt-get", &["-q", "update"], "apt-get update")?;
        Ok(archive)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.store.apt().join(name);
        fs::write(&path, text).map_err(LabError::file(&path))
    }

    fn run(&self, program: &str, arguments: &[&str], what: &str) -> Result<String> {
        self.run_in(self.store.folder(), program, arguments, what)
    }

    fn run_in(&self, folder: &Path, program: &str, arguments: &[&str], what: &str) -> Result<String> {
        let mut command = Command::new(program);
        command.current_dir(folder).args(arguments);
        command.env("APT_CONFIG", self.store.apt().join("apt.conf")).env("LC_ALL", "C");
        output(command, what).map(|printed| String::from_utf8_lossy(&printed).into_owned())
    }

    /// The newest kernel that is asked for.
    pub(super) fn kernel(&self, asked: &Version) -> Result<Candidate> {
        let names = self.run("apt-cache", &["pkgnames", "linux-image-"], "listing kernels")?;
        // Of 6.1 the version is not in the name; of later ones it begins it.
        let prefix = format!("linux-image-{}.", asked.series());
        let likely: Vec<&str> = names.lines().filter(|name| name.starts_with(&prefix)).collect();
        let mut found = None;
        if !likely.is_empty() {
            let shown = self.run("apt-cache", &[&["show"], &likely[..]].concat(), "looking kernels up")?;
            found = newest(&shown, asked);
        }
        found.ok_or_else(|| {
            let there = series(&names).join(", ");
            LabError::Other(format!("Debian has no kernel {asked} now; it has versions of {there}"))
        })
    }

    /// The names of the packages of a kernel: image, modules, headers, and what builds modules.
    pub(super) fn packages_of(&self, kernel: &Candidate) -> Result<Vec<String>> {
        let mut names = vec![kernel.package.clone(), format!("linux-headers-{}", kernel.release)];
        let mut looked_up = 0;
        while looked_up < names.len() {
            let new: Vec<&str> = names[looked_up..].iter().map(String::as_str).collect();
            let printed = self.run("apt-cache", &[&["depends"], &new[..]].concat(), "looking packages up")?;
            looked_up = names.len();
            for name in needed(&printed) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    /// Downloads packages and unpacks them into a folder.
    pub(super) fn unpack(&self, packages: &[String], folder: &Path) -> Result<()> {
        let temporary = self.store.temporary()?;
        let names: Vec<&str> = packages.iter().map(String::as_str).collect();
        let arguments = [&["-q", "download"], &names[..]].concat();
        self.run_in(temporary.path(), "apt-get", &arguments, "downloading packages")?;
        unpack_all(temporary.path(), folder)
    }

    /// The same, with all that the packages depend on.
    pub(super) fn unpack_closure(&self, packages: &[&str], folder: &Path) -> Result<()> {
        let arguments = [&["-q", "-y", "--download-only", "install"], packages].concat();
        self.run("apt-get", &arguments, "downloading packages")?;
        let archives = self.store.apt().join("cache/archives");
        unpack_all(&archives, folder)?;
        self.run("apt-get", &["clean"], "apt-get clean").map(drop)
    }
}

/// Unpacks every package that is in a folder.
fn unpack_all(archives: &Path, folder: &Path) -> Result<()> {
    let entries = fs::read_dir(archives).map_err(LabError::file(archives))?;
    let mut packages: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    packages.retain(|path| path.extension().is_some_and(|extension| extension == "deb"));
    packages.sort();
    for package in packages {
        let mut command = Command::new("dpkg-deb");
        command.arg("-x").arg(&package).arg(folder);
        output(command, &format!("unpacking {}", package.display()))?;
    }
    Ok(())
}

/// The packages of a kernel that others depend on, from what `apt-cache depends` prints.
fn needed(printed: &str) -> Vec<String> {
    let names =
        printed.lines().filter_map(|line| line.trim_start_matches([' ', '|']).strip_prefix("Depends: "));
    let of_a_kernel = |name: &&str| OF_A_KERNEL.iter().any(|prefix| name.starts_with(prefix));
    names.filter(of_a_kernel).filter(|name| !name.ends_with("-unsigned")).map(str::to_owned).collect()
}

/// Where Debian's archive and its security updates are.
fn mirrors() -> Result<(String, String)> {
    let problem = |problem: &str| LabError::Other(problem.to_owned());
    if let Some(mirror) = env::var("STALEMAP_MIRROR").ok().filter(|mirror| !mirror.is_empty()) {
        let wrong = || {
            problem("STALEMAP_MIRROR: the address of a mirror of Debian, which ends in /debian, was expected")
        };
        return mirrors_among(&mirror).ok_or_else(wrong);
    }
    let mut command = Command::new("apt-get");
    command.args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
    let uris = output(command, "asking apt for its mirrors")?;
    mirrors_among(&String::from_utf8_lossy(&uris)).ok_or_else(|| {
        problem(
            "apt of this host knows no mirror of Debian; set STALEMAP_MIRROR to the address of one, which ends \
             in /debian",
        )
    })
}

/// The two, among addresses, one a line.
fn mirrors_among(uris: &str) -> Option<(String, String)> {
    let ends = |end: &str| {
        uris.lines()
            .map(|uri| uri.trim().trim_end_matches('/'))
            .find(|uri| uri.ends_with(end))
            .map(str::to_owned)
    };
    let debian = ends("/debian")?;
    let security = ends("/debian-security").unwrap_or_else(|| format!("{debian}-security"));
    let plain = |uri: &str| !uri.contains(|c: char| c.is_whitespace() || "[]#".contains(c));
    (plain(&debian) && plain(&security)).then_some((debian, security))
}

/// The list of sources.
fn sources(debian: &str, security: &str, keys: Option<&str>) -> String {
    let options = keys.map_or_else(String::new, |keys| format!("[signed-by={keys}] "));
    let line = |(suite, of_security): &(&str, bool)| {
        format!("deb {options}{} {suite} main\n", if *of_security { security } else { debian })
    };
    SUITES.iter().map(line).collect()
}

/// How the host's apt reaches its servers (proxies), as lines of a configuration.
fn host_acquires() -> String {
    let mut command = Command::new("apt-config");
    command.args(["dump", "Acquire"]);
    let printed = output(command, "asking apt for its configuration").unwrap_or_default();
    String::from_utf8_lossy(&printed).into_owned()
}

/// The configuration: all state is in the store, nothing is installed, and no hook of the host runs.
fn configuration(apt: &Path, acquires: &str) -> String {
    let apt = apt.display();
    format!(
        "{acquires}\
        Dir::State \"{apt}\";\n\
        Dir::State::status \"{apt}/status\";\n\
        Dir::Cache \"{apt}/cache\";\n\
        Dir::Etc::sourcelist \"{apt}/sources.list\";\n\
        Dir::Etc::sourceparts \"{apt}/none\";\n\
        Dir::Etc::parts \"{apt}/none\";\n\
        Dir::Etc::preferencesparts \"{apt}/none\";\n\
        Dir::Etc::main \"{apt}/none/apt.conf\";\n\
        Dir::Etc::preferences \"{apt}/preferences\";\n\
        APT::Architecture \"amd64\";\n\
        APT::Architectures {{ \"amd64\"; }};\n\
        APT::Install-Recommends \"false\";\n\
        APT::Sandbox::User \"\";\n\
        Acquire::Languages \"none\";\n\
        Debug::NoLocking \"true\";\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_told_from_other_repositories() {
        let uris =
            "https://other.invalid/apt/\nhttp://m.invalid/debian/\nhttp://s.invalid/debian-security/\n";
        let found = mirrors_among(uris).expect("mirrors");
        assert_eq!(
            found,
            ("http://m.invalid/debian".to_owned(), "http://s.invalid/debian-security".to_owned())
        );
        let one = mirrors_among("http://m.invalid/debian\n").expect("mirrors");
        assert_eq!(one.1, "http://m.invalid/debian-security");
        assert_eq!(mirrors_among("http://m.invalid/ubuntu/\n"), None);
        assert_eq!(mirrors_among("http://m.invalid/[trusted=yes] x/debian\n"), None);
    }

    #[test]
    fn every_suite_is_checked_against_the_keys() {
        let list = sources("http://m/debian", "http://m/debian-security", Some("/keys.gpg"));
        assert_eq!(list.lines().count(), SUITES.len());
        assert!(
            list.lines().all(|line| line.starts_with("deb [signed-by=/keys.gpg] http://m/debian")),
            "{list}"
        );
        assert!(list.contains("http://m/debian-security trixie-security main\n"), "{list}");
        assert!(sources("a", "b", None).starts_with("deb a bookworm main\n"));
    }

    #[test]
    fn what_a_kernel_is_made_of_is_read_off_the_dependencies() {
        let printed = "linux-image-7.3.4+deb13-amd64\n  PreDepends: linux-base\n  Depends: linux-base-7.3.4+deb13-amd64\n  \
            Depends: linux-binary-7.3.4+deb13-amd64\n  Depends: linux-modules-7.3.4+deb13-amd64\n\
            linux-headers-7.3.4+deb13-amd64\n |Depends: linux-image-7.3.4+deb13-amd64\n  \
            Depends: linux-image-7.3.4+deb13-amd64-unsigned\n  Depends: linux-kbuild-7.3.4+deb13\n  \
            Recommends: linux-image-x\n";
        assert_eq!(
            needed(printed),
            [
                "linux-base-7.3.4+deb13-amd64",
                "linux-binary-7.3.4+deb13-amd64",
                "linux-modules-7.3.4+deb13-amd64",
                "linux-image-7.3.4+deb13-amd64",
                "linux-kbuild-7.3.4+deb13"
            ]
        );
    }

    #[test]
    fn all_of_apts_state_is_in_the_store() {
        let text = configuration(Path::new("/s/apt"), "Acquire::http::Proxy \"http://p\";\n");
        assert!(text.starts_with("Acquire::http::Proxy"));
        let folders = text.lines().filter(|line| line.starts_with("Dir::"));
        assert!(
            folders.clone().count() > 5 && folders.clone().all(|line| line.contains("\"/s/apt")),
            "{text}"
        );
    }
}
