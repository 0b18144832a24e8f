//! Programs of the store's root, as a guest needs them: with the libraries that they are linked with.

use std::collections::BTreeSet;
use std::fs;

use super::error::{LabError, Result};
use super::inside::Inside;
use super::store::Store;

/// Programs, each named by its place in the root and its place in the guest; with the libraries of all, where they are.
pub(crate) fn with_libraries(store: &Store, programs: &[(&str, &str)]) -> Result<Vec<(String, Vec<u8>)>> {
    let inside = Inside::of(store);
    let read = |path: &str| {
        let path = store.root().join(path.trim_start_matches('/'));
        fs::read(&path).map_err(LabError::file(&path))
    };
    let mut files = Vec::new();
    let mut libraries = BTreeSet::new();
    for (place, name) in programs {
        files.push(((*name).to_owned(), read(place)?));
        let listed = inside
            .run("listing libraries", &["/lib64/ld-linux-x86-64.so.2", "--list", &format!("/{place}")])?;
        libraries.extend(libraries_in(&String::from_utf8_lossy(&listed)));
    }
    for library in libraries {
        let contents = read(&library)?;
        files.push((library, contents));
    }
    Ok(files)
}

/// The files in what the dynamic loader lists.
fn libraries_in(listed: &str) -> Vec<String> {
    let words = listed.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_read_off_the_loader() {
        let listed = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibuuid.so.1 => /lib/x86_64-linux-gnu/libuuid.so.1 (0x7f)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        assert_eq!(
            libraries_in(listed),
            ["/lib/x86_64-linux-gnu/libuuid.so.1", "/lib64/ld-linux-x86-64.so.2"]
        );
    }
}
