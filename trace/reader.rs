//! Reads a trace line by line, and keeps none.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use serde::Serialize;

use crate::counts::Counts;
use crate::event::Event;
use crate::line::{Head, Line};
use crate::parse::{Whose, parse};

/// Longer lines are no events: the kernel prints at most a page.
const LONGEST: u64 = 64 << 10;

/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How many tasks are remembered with the inode that they had to do with.
const MOST_TASKS: usize = 4096;

/// Which inode's events are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one's.
    Inode(u64),
    /// The one that the traced program names in the beginning (`wl meta`), and for want of that the first that any event is of.
    First,
}

/// A trace cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read, or is damaged gzip.
    #[error("line {line}: {error}")]
    Io {
        /// The line that could not be read.
        line: u64,
        /// Why.
        error: io::Error,
    },
}

/// An event, and who was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Traced {
    /// The number of its line, from 1.
    pub line: u64,
    /// Who, where and when.
    #[serde(flatten)]
    pub head: Head,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What is compressed, as far as it is there: where it is cut off, it ends.
struct Compressed<R> {
    input: R,
    cut: Rc<Cell<bool>>,
}

impl<R: Read> Read for Compressed<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.input.read(bytes) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                self.cut.set(true);
                Ok(0)
            }
            read => read,
        }
    }
}

/// The events of an inode, one after the other.
pub struct Reader<'r> {
    input: Box<dyn BufRead + 'r>,
    /// Whether the end of what was compressed is missing; known at the end.
    cut: Rc<Cell<bool>>,
    line: Vec<u8>,
    inode: Option<u64>,
    /// The inode that each task had to do with last.
    tasks: BTreeMap<u32, u64>,
    /// The time of the last line.
    time: (u64, u64),
    counts: Counts,
}

impl<'r> Reader<'r> {
    /// Begins to read. What begins as gzip does is taken for that.
    pub fn new(input: impl Read + 'r, which: Which) -> Result<Self, ReadError> {
        let mut input = BufReader::with_capacity(1 << 16, input);
        let compressed =
            input.fill_buf().map_err(|error| ReadError::Io { line: 1, error })?.starts_with(&GZIP);
        let cut = Rc::new(Cell::new(false));
        let mut input: Box<dyn BufRead + 'r> = if compressed {
            let cut = Rc::clone(&cut);
            Box::new(BufReader::new(Compressed { input: MultiGzDecoder::new(input), cut }))
        } else {
            Box::new(input)
        };
        let inode = match which {
            Which::Inode(inode) => Some(inode),
            Which::First => named(input.fill_buf().map_err(|error| ReadError::Io { line: 1, error })?),
        };
        Ok(Reader {
            input,
            cut,
            line: Vec::new(),
            inode,
            tasks: BTreeMap::new(),
            time: (0, 0),
            counts: Counts::default(),
        })
    }

    /// The inode whose events are read, as soon as it is known.
    pub fn inode(&self) -> Option<u64> {
        self.inode
    }

    /// What was understood so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The next event; `None` at the end.
    pub fn next_event(&mut self) -> Result<Option<Traced>, ReadError> {
        while self.next_line()? {
            if let Some(traced) = self.event_of_line() {
                return Ok(Some(traced));
            }
        }
        Ok(None)
    }

    /// Reads a line; a long one is cut and its rest passed over. Whether there was one.
    fn next_line(&mut self) -> Result<bool, ReadError> {
        self.line.clear();
        let at = |error| ReadError::Io { line: self.counts.lines + 1, error };
        let read = self.input.by_ref().take(LONGEST).read_until(b'\n', &mut self.line).map_err(at)?;
        if read as u64 == LONGEST && self.line.last() != Some(&b'\n') {
            self.input.skip_until(b'\n').map_err(at)?;
        }
        if read > 0 {
            self.counts.lines += 1;
            self.counts.unfinished = self.line.last() != Some(&b'\n') && (read as u64) < LONGEST;
        } else {
            self.counts.unfinished |= self.cut.get();
        }
        Ok(read > 0)
    }

    fn event_of_line(&mut self) -> Option<Traced> {
        let counts = &mut self.counts;
        if self.line.len() as u64 == LONGEST {
            counts.unreadable("it is longer than any event");
            return None;
        }
        let Ok(text) = str::from_utf8(&self.line) else {
            counts.unreadable("it is not text");
            return None;
        };
        let (head, name, text) = match Line::read(text) {
            Line::Event(head, name, text) => (head, name, text),
            Line::Lost(lost) => {
                counts.lost += lost;
                return None;
            }
            Line::Nothing => return None,
            Line::Unreadable => {
                counts.unreadable("it is no event: `TASK-PID [CPU] TIME: EVENT: …` was expected");
                return None;
            }
        };
        counts.events += 1;
        let time = head.order();
        counts.backwards += u64::from(time < self.time);
        self.time = time;
        match parse(name, text) {
            None => {
                counts.unknown(name);
                None
            }
            Some(Err(missing)) => {
                counts.unreadable(format!("`{name}` has no `{}` that can be read", missing.0));
                None
            }
            Some(Ok((whose, event))) => {
                let ours = is_ours(&mut self.inode, &mut self.tasks, counts, whose, head.task.pid);
                counts.understood += u64::from(ours);
                ours.then_some(Traced { line: counts.lines, head, event })
            }
        }
    }
}

/// The inode that the traced program names, if it does so in the beginning of a trace.
fn named(beginning: &[u8]) -> Option<u64> {
    let lines = beginning.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    lines.filter_map(|line| str::from_utf8(line).ok()).find_map(|line| {
        let Line::Event(_, name, text) = Line::read(line) else { return None };
        match parse(name, text) {
            Some(Ok((Whose::Inode(inode), Event::Meta { .. }))) => Some(inode),
            _ => None,
        }
    })
}

/// Whether an event is of the inode that is read.
fn is_ours(
    inode: &mut Option<u64>,
    tasks: &mut BTreeMap<u32, u64>,
    counts: &mut Counts,
    whose: Whose,
    pid: u32,
) -> bool {
    let of = match whose {
        Whose::Inode(of) => {
            let wanted = *inode.get_or_insert(of);
            if tasks.len() < MOST_TASKS || tasks.contains_key(&pid) {
                tasks.insert(pid, of);
            }
            if of != wanted {
                counts.other(of);
            }
            Some(of)
        }
        // Of a task that was not seen yet: it can only be about the one inode that is traced.
        Whose::Task => {
            let of = tasks.get(&pid).copied().or(*inode);
            counts.without_inode += u64::from(of.is_none() || of != *inode);
            of
        }
    };
    of.is_some() && of == *inode
}
