//! A command with some of its range left out.

use crate::scenario::number::size;

/// Bytes of a sector: less is not cut off.
const SECTOR: u64 = 512;

/// What of a range is left out: a whole number of blocks. Of bytes that are read or written, sectors, if there is no more than a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// The first half.
    FirstHalf,
    /// The last half.
    LastHalf,
    /// The first block or sector.
    First,
    /// The last block or sector.
    Last,
}

/// Commands that read or write bytes; others are about blocks and folios.
const BYTES: [&str; 8] = ["pwrite", "w", "pread", "r", "mwrite", "mw", "mread", "mr"];
/// Commands that have an offset in another file before the two numbers of their range.
const SHIFTED: [&str; 2] = ["reflink", "rl"];
/// Commands whose last two words are numbers, and no range.
const WITHOUT_RANGE: [&str; 2] = ["cowextsize", "truncate"];

impl Cut {
    const ALL: [Cut; 4] = [Cut::FirstHalf, Cut::LastHalf, Cut::First, Cut::Last];

    /// The command with the shorter range; `None` if it has no range, or one that cannot be made shorter in this way.
    pub(super) fn applied(self, command: &str, block: u64) -> Option<String> {
        let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let at = place_of_range(&words, block)?;
        let (offset, length) = (size(&words[at], block).ok()?, size(&words[at + 1], block).ok()?);
        let has = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
        let front = matches!(self, Cut::FirstHalf | Cut::First);
        if has(&WITHOUT_RANGE) || front && has(&SHIFTED) {
            return None;
        }
        let least = if has(&BYTES) { SECTOR } else { block };
        let less = self.bytes(length, if length > block { block } else { least })?;
        let left = length - less;
        // One call stays one call.
        if let Some(call) = words.iter().position(|word| word == "-b")
            && let Some(Ok(bytes)) = words.get(call + 1).map(|word| size(word, block))
            && bytes >= length
        {
            words[call + 1] = written(left);
        }
        words[at] = if front { written(offset + less) } else { words[at].clone() };
        words[at + 1] = written(left);
        Some(words.join(" "))
    }

    /// How many bytes are left out of so many, in such units.
    fn bytes(self, length: u64, unit: u64) -> Option<u64> {
        if length <= unit {
            return None;
        }
        let half = length / 2 / unit * unit;
        match self {
            // Where half of it is one unit, or less, the others do that.
            Cut::FirstHalf | Cut::LastHalf => (half > unit).then_some(half),
            Cut::First | Cut::Last => Some(unit),
        }
    }
}

/// Where the two numbers of a range stand; options may be behind them.
fn place_of_range(words: &[String], block: u64) -> Option<usize> {
    let is_size = |at: usize| size(&words[at], block).is_ok();
    let last = words.len().checked_sub(1)?;
    (1..last).rev().find(|at| is_size(*at) && is_size(at + 1) && !takes_value(&words[at - 1]))
}

/// Whether the word after an option is its value.
fn takes_value(option: &str) -> bool {
    ["-S", "-b", "-V", "-i"].contains(&option)
}

/// All ways in which the range of a command can be made shorter.
pub(super) fn cuts(command: &str, block: u64) -> Vec<Cut> {
    Cut::ALL.into_iter().filter(|cut| cut.applied(command, block).is_some()).collect()
}

/// A number of bytes as people write it.
fn written(bytes: u64) -> String {
    if bytes > 0 && bytes.is_multiple_of(1024) { format!("{}k", bytes / 1024) } else { bytes.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_by_blocks_and_then_by_sectors() {
        let all = |command: &str| -> Vec<String> {
            cuts(command, 4096).into_iter().map(|cut| cut.applied(command, 4096).expect("a cut")).collect()
        };
        assert_eq!(
            all("@direct pwrite -S 0x57 -b 16k 4k 16k"),
            [
                "@direct pwrite -S 0x57 -b 8k 12k 8k",
                "@direct pwrite -S 0x57 -b 8k 4k 8k",
                "@direct pwrite -S 0x57 -b 12k 8k 12k",
                "@direct pwrite -S 0x57 -b 12k 4k 12k",
            ]
        );
        assert_eq!(all("pread -b 4k 1k 1k"), ["pread -b 512 1536 512", "pread -b 512 1k 512"]);
        assert_eq!(all("[b] fpunch 1k 8k"), ["[b] fpunch 5k 4k", "[b] fpunch 1k 4k"]);
        assert_eq!(all("reflink b 0 4k 8k"), ["reflink b 0 4k 4k"]);
        assert_eq!(
            all("pwrite 0 1k -S 0x57 -b 1k"),
            ["pwrite 512 512 -S 0x57 -b 512", "pwrite 0 512 -S 0x57 -b 512"]
        );
        for command in
            ["fsync", "truncate 8k", "cowextsize 8k", "seek -d 4k", "mwrite -S 8192 8192", "fpunch 1k 1k"]
        {
            assert_eq!(all(command), [""; 0], "{command}");
        }
    }
}
