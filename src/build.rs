//! Which build of the program runs: what one has found, another one may understand differently.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use crate::VERSION;

/// The commit that it was built from, what it was built from otherwise, or `unknown`.
const COMMIT: &str = env!("STALEMAP_COMMIT");

/// The sum of the program that runs.
pub(crate) fn sum() -> io::Result<u128> {
    // The path of a program that was replaced meanwhile is not the one that runs.
    let running = Path::new("/proc/self/exe");
    let program = if running.exists() { running.to_owned() } else { std::env::current_exe()? };
    sum_of(File::open(program)?)
}

/// What every build that finds the same has in common: the version and its commit; where no commit says what it was built from, the build.
pub(crate) fn identity() -> io::Result<String> {
    let is_of_a_commit = COMMIT.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_of_a_commit { Ok(VERSION.to_owned()) } else { Ok(format!("{VERSION}, build {:032x}", sum()?)) }
}

fn sum_of(mut file: impl Read) -> io::Result<u128> {
    let mut sum = Xxh3::new();
    let mut bytes = vec![0; 1 << 16];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(sum.digest128()),
            read => sum.update(&bytes[..read]),
        }
    }
}
