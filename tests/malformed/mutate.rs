//! What is done to an input: to its bytes, its words, its lines.

/// Numbers from a seed (splitmix64), the same on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of 0 to `below`, which must not be 0.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        (self.next() % below as u64) as usize
    }

    /// One in so many.
    pub(crate) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(crate) fn of<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }
}

/// Numbers at the borders of what a field, an offset or a suffix can hold.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "511",
    "512",
    "4095",
    "4096",
    "4097",
    "255",
    "256",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "99999999999999999999",
    "7e",
    "8e",
    "1b",
    "1s",
    "0x",
    "0xffffffffffffffff",
    "010",
    "088",
    "1.5k",
    "1e400",
    "64k",
    "2m",
    "inf",
    "nan",
    "",
];

/// Pieces that mean something somewhere.
const PIECES: &[&str] = &[
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ",",
    ".",
    ":",
    ": ",
    " = ",
    " older 1",
    "#",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\0",
    "\u{feff}",
    "\\",
    "\\u0000",
    "\\U0010ffff",
    "é",
    "\u{202e}",
    "\u{1b}[2J",
    "[actor]",
    "[[setup]]",
    "[[hold]]",
    "[file]",
    "[b] ",
    "[expect]",
    "[limits]\n",
    "states = 0\n",
    "seconds = 0\n",
    "@may_fail ",
    "@direct ",
    "@aio ",
    "\"@wait\", ",
    "\"@fail 1\", ",
    "\"@crash\", ",
    "-b 1 ",
    "-S 300 ",
    "-V 3 ",
    "-N ",
    "dio",
    "kworker",
    "name = \"dio\"",
    "\"sync\", ",
    "open = \"-d\"\n",
    "file = \"b\"\n",
    "free_blocks = 0\n",
    "block = \"512\"\n",
    "folio = \"2m\"\n",
    "based_on = \"xfs\"\n",
    "[design.x]\n",
    "[kernel.x]\n",
    "scenario file:\n",
    "stalemap schedule 1\n",
    "design = none\n",
    "memory = relaxed\n",
    "memory = lkmm\n",
    "without = ",
    "preemptions = 1\n",
    "umount: ",
    "setup: ",
    "kworker: ",
    " older 15 15 15",
    " = 4294967295",
    "wl meta ",
    "bsize=0",
    "ino 0x0",
    "pos 0x",
    "length 0x",
    "CPU:0 [LOST 7 EVENTS]\n",
    "[000] ",
    " 0.000000: ",
    "(null)",
];

/// Applies some mutations. `other` is another input of the same kind, to borrow from.
pub(crate) fn mutated(mut bytes: Vec<u8>, other: &[u8], random: &mut Random) -> Vec<u8> {
    // Most with few: with many, nothing gets beyond the first check.
    let mutations = 1 + random.below(3) * random.below(3);
    for _ in 0..mutations {
        match random.below(16) {
            0..=2 => of_bytes(&mut bytes, random),
            3..=8 => of_words(&mut bytes, other, random),
            9..=14 => of_lines(&mut bytes, other, random),
            _ => of_shape(&mut bytes, random),
        }
    }
    bytes
}

/// A range of at most so many bytes.
fn range(bytes: &[u8], most: usize, random: &mut Random) -> std::ops::Range<usize> {
    let from = random.below(bytes.len() + 1);
    from..(from + random.below(most)).min(bytes.len())
}

fn of_bytes(bytes: &mut Vec<u8>, random: &mut Random) {
    match random.below(6) {
        0 if !bytes.is_empty() => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        1 => drop(bytes.drain(range(bytes, 40, random))),
        2 => {
            let twice = bytes[range(bytes, 80, random)].to_vec();
            insert(bytes, &twice, random);
        }
        3 => {
            let junk: Vec<u8> = (0..random.below(9)).map(|_| random.next() as u8).collect();
            insert(bytes, &junk, random);
        }
        4 => bytes.truncate(random.below(bytes.len() + 1)),
        _ => insert(bytes, random.of(PIECES).as_bytes(), random),
    }
}

fn insert(bytes: &mut Vec<u8>, piece: &[u8], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    bytes.splice(at..at, piece.iter().copied());
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || byte >= 0x80
}

/// The words of a text, or those that begin with a digit.
fn words(bytes: &[u8], numbers: bool) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
        if end > at && (!numbers || bytes[at].is_ascii_digit()) {
            found.push(at..end);
        }
        at = end + 1;
    }
    found
}

fn of_words(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let numbers = random.one_in(2);
    let here = words(bytes, numbers);
    if here.is_empty() {
        return;
    }
    let place = random.of(&here).clone();
    let word: Vec<u8> = match random.below(4) {
        0 if numbers => random.of(NUMBERS).as_bytes().to_vec(),
        0 => random.of(PIECES).as_bytes().to_vec(),
        // One of its own kind from here or there.
        1 => bytes[random.of(&here).clone()].to_vec(),
        2 => {
            let there = words(other, numbers);
            if there.is_empty() { Vec::new() } else { other[random.of(&there).clone()].to_vec() }
        }
        _ if numbers => random.of(NUMBERS).as_bytes().to_vec(),
        _ => Vec::new(),
    };
    bytes.splice(place, word);
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn of_lines(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let (mut here, there) = (lines(bytes), lines(other));
    if here.is_empty() || there.is_empty() {
        return;
    }
    let (one, another) = (random.below(here.len()), random.below(here.len()));
    match random.below(6) {
        0 => drop(here.remove(one)),
        1 => here.insert(another, here[one].clone()),
        2 => here.swap(one, another),
        3 => here.insert(one, random.of(&there).clone()),
        4 => here[one].clone_from(random.of(&there)),
        // What stands behind the `=` or `:` of another line.
        _ => {
            let value = |line: &[u8]| line.iter().position(|byte| *byte == b'=' || *byte == b':');
            let from = random.of(&there).clone();
            if let (Some(at), Some(value)) = (value(&here[one]), value(&from)) {
                here[one].splice(at.., from[value..].iter().copied());
            }
        }
    }
    *bytes = here.concat();
}

/// What is long or deep.
fn of_shape(bytes: &mut Vec<u8>, random: &mut Random) {
    let times = 1 << random.below(14);
    match random.below(4) {
        0 => {
            let here = lines(bytes);
            if !here.is_empty() {
                let line = random.of(&here).repeat(times.min(1 << 10));
                insert(bytes, &line, random);
            }
        }
        1 => {
            let piece = random.of(PIECES).repeat(times);
            insert(bytes, piece.as_bytes(), random);
        }
        2 => {
            let here = words(bytes, false);
            if !here.is_empty() {
                let place = random.of(&here).clone();
                let word = bytes[place.clone()].repeat(times);
                bytes.splice(place, word);
            }
        }
        _ => {
            let piece = random.of(&["[", "{a=", "[[", "a.", "\"", "x = ["]).repeat(times);
            insert(bytes, piece.as_bytes(), random);
        }
    }
}
