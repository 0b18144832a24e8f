//! What a guest wrote to its second disk: an archive of the tar of busybox, read.

use std::collections::BTreeMap;

const BLOCK: usize = 512;

/// The files of an archive, by their names without a leading `./`. What is cut off is left out.
pub(super) fn files(mut bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut long = None;
    while let Some((header, rest)) = bytes.split_at_checked(BLOCK) {
        let Some(size) = octal(&header[124..136]).filter(|_| header[0] != 0) else { break };
        let Some(contents) = rest.get(..size) else { break };
        match header[156] {
            b'L' => long = Some(text(contents)),
            b'0' | 0 => {
                let name = long.take().unwrap_or_else(|| name(header));
                files.insert(name.trim_start_matches("./").to_owned(), contents.to_vec());
            }
            _ => long = None,
        }
        bytes = rest.get(size.next_multiple_of(BLOCK)..).unwrap_or_default();
    }
    files
}

/// The name in a header, which may be in two parts.
fn name(header: &[u8]) -> String {
    let prefix = if header[257..].starts_with(b"ustar\0") { text(&header[345..500]) } else { String::new() };
    let name = text(&header[..100]);
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn octal(bytes: &[u8]) -> Option<usize> {
    usize::from_str_radix(text(bytes).trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    #[test]
    fn what_tar_writes_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let long = "a-name-of-ten/".repeat(12) + "file";
        let inner = folder.path().join("in");
        fs::create_dir_all(inner.join(&long).parent().expect("a folder")).expect("folders");
        fs::write(inner.join(&long), b"deep").expect("a file");
        fs::write(inner.join("job.log"), vec![7; 1000]).expect("a file");
        for format in ["gnu", "ustar"] {
            let tar = Command::new("tar")
                .arg(format!("--format={format}"))
                .arg("-cC")
                .arg(&inner)
                .arg(".")
                .output();
            let mut bytes = tar.expect("tar").stdout;
            // The disk goes on behind it.
            bytes.extend([0; 4096]);
            let files = files(&bytes);
            assert_eq!(files.len(), 2, "{format}");
            assert_eq!(files[&long], b"deep");
            assert_eq!(files["job.log"], [7; 1000]);
        }
    }

    #[test]
    fn a_disk_that_nothing_was_written_to_has_no_files() {
        assert!(files(&[]).is_empty());
        assert!(files(&[0; 8192]).is_empty());
        assert!(files(&[0xe5; 8192]).is_empty());
    }
}
