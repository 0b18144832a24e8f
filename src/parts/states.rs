//! The file of a slice: the fingerprints of its states, by which states that several slices have are counted once, and what its final
//! states show.
//!
//! Fingerprints are random numbers, so there is nothing to compress. They come in order, so that however many there are they can be
//! counted while they are read. The sum of all that is before stands at the end, and in the document of the part.

use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use stalemap_explore::FinalContents;
use tempfile::Builder;
use xxhash_rust::xxh3::Xxh3;

const FIRST_LINE: &[u8] = b"stalemap states 1\n";

/// The most bytes of what a final state shows.
const MOST_BYTES: u64 = 1 << 20;

/// Writes the states of a slice, in order, and what its final states show; returns the sum.
pub fn write(path: &Path, states: &[u128], contents: &BTreeMap<u128, FinalContents>) -> io::Result<u128> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let new =
        Builder::new().prefix(".states-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
    let sum = write_to(new.as_file(), states, contents)?;
    new.persist(path).map_err(|error| error.error)?;
    Ok(sum)
}

fn write_to(file: &File, states: &[u128], contents: &BTreeMap<u128, FinalContents>) -> io::Result<u128> {
    let mut to = Summed { of: BufWriter::new(file), sum: Xxh3::new() };
    to.write_all(FIRST_LINE)?;
    let mut texts: BTreeMap<&str, u64> = BTreeMap::new();
    for observed in contents.values().filter_map(|contents| contents.observed.as_deref()) {
        texts.insert(observed, 0);
    }
    to.write_number(texts.len() as u64)?;
    for (number, (text, place)) in (1..).zip(&mut texts) {
        *place = number;
        to.write_number(text.len() as u64)?;
        to.write_all(text.as_bytes())?;
    }
    to.write_number(contents.len() as u64)?;
    for (state, FinalContents { observed, violating }) in contents {
        to.write_all(&state.to_be_bytes())?;
        // 0 is for what is not observed.
        to.write_number(observed.as_deref().map_or(0, |observed| texts[observed]))?;
        to.write_number((*violating).into())?;
    }
    to.write_number(states.len() as u64)?;
    for state in states {
        to.write_all(&state.to_be_bytes())?;
    }
    let sum = to.sum.digest128();
    to.of.write_all(&sum.to_be_bytes())?;
    to.of.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(sum)
}

/// What is written or read, and its sum so far.
struct Summed<T> {
    of: T,
    sum: Xxh3,
}

impl<T: Write> Summed<T> {
    fn write_number(&mut self, number: u64) -> io::Result<()> {
        self.write_all(&number.to_be_bytes())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.of.write_all(bytes)
    }
}

impl<T: Read> Summed<T> {
    fn bytes<const BYTES: usize>(&mut self) -> Result<[u8; BYTES], String> {
        let mut bytes = [0; BYTES];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        self.of.read_exact(bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
            _ => error.to_string(),
        })?;
        self.sum.update(bytes);
        Ok(())
    }

    fn number(&mut self) -> Result<u64, String> {
        self.bytes().map(u64::from_be_bytes)
    }
}

/// What is in such a file: the final states, and, as they are read, all states.
pub struct States {
    /// What there is to say of each final state.
    pub contents: BTreeMap<u128, FinalContents>,
    /// How many states there are.
    pub count: u64,
    from: Summed<BufReader<File>>,
    left: u64,
    last: Option<u128>,
    expected: u128,
}

impl States {
    /// Opens a file whose sum is known.
    pub fn open(path: &Path, sum: u128) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let mut from = Summed { of: BufReader::new(file), sum: Xxh3::new() };
        let mut first = [0; FIRST_LINE.len()];
        from.fill(&mut first)?;
        if first != FIRST_LINE {
            return Err("it is no file that `--states` has written".to_owned());
        }
        let mut texts = Vec::new();
        for _ in 0..from.number()? {
            let length = from.number()?;
            if length > MOST_BYTES {
                return Err(damaged());
            }
            let mut text = vec![0; length as usize];
            from.fill(&mut text)?;
            texts.push(String::from_utf8(text).map_err(|_| damaged())?);
        }
        let mut contents = BTreeMap::new();
        for _ in 0..from.number()? {
            let (state, text, violating) =
                (u128::from_be_bytes(from.bytes()?), from.number()?, from.number()?);
            let observed = match text {
                0 => None,
                text => Some(texts.get(text as usize - 1).ok_or_else(damaged)?.clone()),
            };
            contents.insert(state, FinalContents { observed, violating: violating != 0 });
        }
        let count = from.number()?;
        let mut states = States { contents, count, from, left: count, last: None, expected: sum };
        if count == 0 {
            states.end()?;
        }
        Ok(states)
    }

    fn state(&mut self) -> Result<u128, String> {
        let state = u128::from_be_bytes(self.from.bytes()?);
        if self.last.replace(state).is_some_and(|last| last >= state) {
            return Err(damaged());
        }
        self.left -= 1;
        if self.left == 0 {
            self.end()?;
        }
        Ok(state)
    }

    /// Whether the sum is right, and nothing follows.
    fn end(&mut self) -> Result<(), String> {
        let sum = self.from.sum.digest128();
        let right = self.from.bytes() == Ok(sum.to_be_bytes()) && sum == self.expected;
        let nothing = self.from.of.read(&mut [0]).is_ok_and(|read| read == 0);
        if right && nothing { Ok(()) } else { Err(damaged()) }
    }
}

impl Iterator for States {
    type Item = Result<u128, String>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.left > 0).then(|| self.state())
    }
}

fn damaged() -> String {
    "it is damaged, or another than the part says".to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A file, and what is in it.
    fn written(folder: &Path) -> (std::path::PathBuf, u128, Vec<u128>, BTreeMap<u128, FinalContents>) {
        let contents = |observed: Option<&str>, violating| FinalContents {
            observed: observed.map(str::to_owned),
            violating,
        };
        let last = 1 << 99;
        let all =
            [(7, contents(Some("a"), true)), (9, contents(None, false)), (last, contents(Some(""), false))];
        let (path, states, all) = (folder.join("states"), vec![3, 7, 9, last], all.into());
        let sum = write(&path, &states, &all).expect("a file");
        (path, sum, states, all)
    }

    /// All that is in a file.
    fn read(path: &Path, sum: u128) -> Result<(Vec<u128>, BTreeMap<u128, FinalContents>), String> {
        let mut states = States::open(path, sum)?;
        let contents = std::mem::take(&mut states.contents);
        Ok((states.collect::<Result<_, _>>()?, contents))
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, sum, states, contents) = written(folder.path());
        assert_eq!(read(&path, sum), Ok((states, contents)));
        assert!(read(&path, sum + 1).is_err(), "the part speaks of another file");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1, "nothing else is left");
        let none = write(&path, &[], &BTreeMap::new()).expect("a file");
        assert_eq!(read(&path, none), Ok((Vec::new(), BTreeMap::new())));
    }

    #[test]
    fn what_is_cut_off_changed_or_longer_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, sum, ..) = written(folder.path());
        let bytes = fs::read(&path).expect("a file");
        for place in 0..bytes.len() {
            fs::write(&path, &bytes[..place]).expect("a file");
            assert!(read(&path, sum).is_err(), "cut off at {place}");
            let mut changed = bytes.clone();
            changed[place] ^= 0x40;
            fs::write(&path, changed).expect("a file");
            assert!(read(&path, sum).is_err(), "byte {place}");
        }
        fs::write(&path, [&bytes[..], &[0]].concat()).expect("a file");
        assert!(read(&path, sum).is_err(), "something follows");
    }
}
