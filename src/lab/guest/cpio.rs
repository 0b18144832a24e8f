//! An initramfs: what the kernel unpacks into its first root, in the format that cpio calls newc.
//!
//! The kernel takes several, one after the other in one file; a later file replaces an earlier one of its name.

use std::collections::BTreeSet;
use std::path::Path;

/// Types and permissions, as stat(2) has them.
const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const LINK: u32 = 0o120_777;

/// An archive that grows.
#[derive(Debug, Default)]
pub(super) struct Cpio {
    bytes: Vec<u8>,
    folders: BTreeSet<String>,
    entries: u32,
}

impl Cpio {
    /// Adds a folder with those above it.
    pub(super) fn folder(&mut self, path: &str) {
        let path = path.trim_matches('/');
        if path.is_empty() || !self.folders.insert(path.to_owned()) {
            return;
        }
        self.above(path);
        self.entry(path, FOLDER, &[]);
    }

    /// Adds a file that can be executed.
    pub(super) fn file(&mut self, path: &str, contents: &[u8]) {
        let path = path.trim_matches('/');
        self.above(path);
        self.entry(path, PROGRAM, contents);
    }

    /// Adds a symbolic link.
    pub(super) fn link(&mut self, path: &str, to: &str) {
        let path = path.trim_matches('/');
        self.above(path);
        self.entry(path, LINK, to.as_bytes());
    }

    /// The archive.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }

    fn above(&mut self, path: &str) {
        if let Some(above) = Path::new(path).parent().and_then(Path::to_str) {
            self.folder(above);
        }
    }

    /// A header of 13 numbers in hexadecimal, the name, and the contents, each filled up to four bytes.
    fn entry(&mut self, name: &str, mode: u32, contents: &[u8]) {
        self.entries += 1;
        let links = 1;
        let size = u32::try_from(contents.len()).expect("a file of an initramfs is small");
        let name_size = u32::try_from(name.len() + 1).expect("a name is short");
        let numbers = [self.entries, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name_size, 0];
        self.bytes.extend(b"070701");
        for number in numbers {
            self.bytes.extend(format!("{number:08x}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.fill();
        self.bytes.extend(contents);
        self.fill();
    }

    fn fill(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
pub(super) fn names(mut bytes: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    while bytes.starts_with(b"070701") {
        let number = |n: usize| {
            let digits = std::str::from_utf8(&bytes[6 + 8 * n..14 + 8 * n]).expect("digits");
            usize::from_str_radix(digits, 16).expect("a number")
        };
        let (size, name) = (number(6), number(11));
        names.push(String::from_utf8_lossy(&bytes[110..109 + name]).into_owned());
        bytes = &bytes[(110 + name).next_multiple_of(4) + size.next_multiple_of(4)..];
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_once_and_before_what_is_in_them() {
        let mut cpio = Cpio::default();
        cpio.file("/lib/x/libc.so", b"12345");
        cpio.file("lib/x/libm.so", b"");
        cpio.link("/bin/sh", "busybox");
        let bytes = cpio.finish();
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(
            names(&bytes),
            ["lib", "lib/x", "lib/x/libc.so", "lib/x/libm.so", "bin", "bin/sh", "TRAILER!!!"]
        );
    }

    #[test]
    fn the_host_reads_it() {
        use std::io::Write;
        use std::process::{Command, Stdio};
        let Ok(mut child) = Command::new("cpio")
            .args(["--extract", "--to-stdout", "--quiet", "a/b"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
        else {
            eprintln!("skipped: no cpio");
            return;
        };
        let mut cpio = Cpio::default();
        cpio.file("a/b", b"contents");
        child.stdin.take().expect("a pipe").write_all(&cpio.finish()).expect("written");
        assert_eq!(child.wait_with_output().expect("an end").stdout, b"contents");
    }
}
