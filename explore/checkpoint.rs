//! Checkpoints of a search, from which it is resumed: after a limit, or after the process was killed.
//!
//! Only the exhaustive search has them. Runs with few preemptions, cycles and least counterexamples are looked at anew: they
//! take less time, and begin when the search has ended. A [`Checkpointer`] says when they are written, and where to;
//! `search/checkpoint.rs` says what. Numbers are written in little-endian order, and their sum follows, so that what is cut off or
//! damaged is noticed.

use std::io::{self, Read, Write};

use xxhash_rust::xxh3::Xxh3;

use crate::error::EngineError;

pub(crate) mod found;

/// What a search is asked to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// Go on.
    GoOn,
    /// Be written, and go on.
    Save,
    /// Be written, and stop: [`LimitHit::Interrupted`](crate::LimitHit::Interrupted).
    Stop,
}

/// Who keeps the checkpoints of a search.
pub trait Checkpointer {
    /// The checkpoint that is there; the search goes on from it. It is asked once, before the search begins. `None`: nothing.
    fn saved(&mut self) -> Result<Option<Box<dyn Read>>, EngineError>;

    /// Transitions from one question to the next; at least 1.
    fn interval(&self) -> u64 {
        1 << 13
    }

    /// What the search is to do; asked now and then.
    fn request(&mut self) -> Request;

    /// Has the search written. It is called when that was asked for, and once more when the search has ended: at its end, so
    /// that what was found is not looked for again, or at a limit. The search goes on, whatever becomes of it.
    fn save(&mut self, search: &dyn Fn(&mut dyn Write) -> io::Result<()>);
}

/// There are no checkpoints.
pub(crate) struct Nobody;

impl Checkpointer for Nobody {
    fn saved(&mut self) -> Result<Option<Box<dyn Read>>, EngineError> {
        Ok(None)
    }

    fn interval(&self) -> u64 {
        u64::MAX
    }

    fn request(&mut self) -> Request {
        Request::GoOn
    }

    fn save(&mut self, _: &dyn Fn(&mut dyn Write) -> io::Result<()>) {}
}

/// A checkpointer of which only the request to stop is heard: for a search that has no checkpoints.
pub(crate) struct OnlyStops<'r>(pub(crate) &'r mut dyn Checkpointer);

impl Checkpointer for OnlyStops<'_> {
    fn saved(&mut self) -> Result<Option<Box<dyn Read>>, EngineError> {
        Ok(None)
    }

    fn interval(&self) -> u64 {
        self.0.interval()
    }

    fn request(&mut self) -> Request {
        if self.0.request() == Request::Stop { Request::Stop } else { Request::GoOn }
    }

    fn save(&mut self, _: &dyn Fn(&mut dyn Write) -> io::Result<()>) {}
}

/// Which search was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A depth-first search.
    DepthFirst,
    /// A breadth-first search, after a depth-first one that was too small.
    BreadthFirst,
}

impl Kind {
    pub(crate) fn number(self) -> u64 {
        self as u64
    }

    /// Reads what every file begins with: the fingerprint of the state that the search began with, and the kind.
    pub(crate) fn read(from: &mut Reading<'_>, start: u128) -> Result<Kind, EngineError> {
        if from.print()? != start {
            return Err(another());
        }
        match from.number()? {
            0 => Ok(Kind::DepthFirst),
            1 => Ok(Kind::BreadthFirst),
            _ => Err(damaged()),
        }
    }
}

/// What is written, and its sum so far.
pub(crate) struct Written<'w> {
    to: &'w mut dyn Write,
    sum: Xxh3,
}

impl<'w> Written<'w> {
    pub(crate) fn new(to: &'w mut dyn Write) -> Self {
        Written { to, sum: Xxh3::new() }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.to.write_all(bytes)
    }

    pub(crate) fn number(&mut self, number: u64) -> io::Result<()> {
        self.bytes(&number.to_le_bytes())
    }

    pub(crate) fn print(&mut self, print: u128) -> io::Result<()> {
        self.bytes(&print.to_le_bytes())
    }

    /// How many there are, and each of them.
    pub(crate) fn list<T>(
        &mut self,
        list: impl ExactSizeIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T) -> io::Result<()>,
    ) -> io::Result<()> {
        self.number(list.len() as u64)?;
        for item in list {
            each(self, item)?;
        }
        Ok(())
    }

    /// Ends with the sum.
    pub(crate) fn end(self) -> io::Result<()> {
        let sum = self.sum.digest128();
        self.to.write_all(&sum.to_le_bytes())
    }
}

/// What is read, and its sum so far. Nothing that is read is to be relied on before the sum was looked at.
pub(crate) struct Reading<'r> {
    from: &'r mut dyn Read,
    sum: Xxh3,
}

impl<'r> Reading<'r> {
    pub(crate) fn new(from: &'r mut dyn Read) -> Self {
        Reading { from, sum: Xxh3::new() }
    }

    fn array<const BYTES: usize>(&mut self) -> Result<[u8; BYTES], EngineError> {
        let mut bytes = [0; BYTES];
        self.from.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => unusable("it is cut off"),
            _ => unusable(&error.to_string()),
        })?;
        self.sum.update(&bytes);
        Ok(bytes)
    }

    pub(crate) fn number(&mut self) -> Result<u64, EngineError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn half(&mut self) -> Result<u16, EngineError> {
        self.array().map(u16::from_le_bytes)
    }

    /// A number that has to be one of a smaller type.
    pub(crate) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, EngineError> {
        T::try_from(self.number()?).map_err(|_| damaged())
    }

    pub(crate) fn flag(&mut self) -> Result<bool, EngineError> {
        self.small::<u8>().map(|flag| flag != 0)
    }

    pub(crate) fn print(&mut self) -> Result<u128, EngineError> {
        self.array().map(u128::from_le_bytes)
    }

    pub(crate) fn text(&mut self) -> Result<String, EngineError> {
        let bytes = self.list(|from| from.array::<1>().map(|[byte]| byte))?;
        String::from_utf8(bytes).map_err(|_| damaged())
    }

    /// As many as it says there are. Memory is taken as they come, so that a wrong number takes none.
    pub(crate) fn list<T, L: FromIterator<T>>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<T, EngineError>,
    ) -> Result<L, EngineError> {
        let number = self.number()?;
        (0..number).map(|_| each(self)).collect()
    }

    /// Whether the sum is right, and nothing follows.
    pub(crate) fn end(mut self) -> Result<(), EngineError> {
        let sum = self.sum.digest128();
        let right = self.print()? == sum;
        let mut rest = [0];
        match self.from.read(&mut rest) {
            Ok(0) if right => Ok(()),
            Ok(_) => Err(damaged()),
            Err(error) => Err(unusable(&error.to_string())),
        }
    }
}

/// That the file is of another system, as far as the engine can tell.
pub(crate) fn another() -> EngineError {
    unusable("the system does not do what it did when the search was kept")
}

pub(crate) fn damaged() -> EngineError {
    unusable("it is damaged")
}

pub(crate) fn unusable(problem: &str) -> EngineError {
    EngineError::Checkpoint { problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut to = Written::new(&mut bytes);
        to.list([3_u64, 5].into_iter(), Written::number).expect("a vector takes all");
        to.print(7).expect("a vector takes all");
        to.end().expect("a vector takes all");
        bytes
    }

    fn read(mut bytes: &[u8]) -> Result<(Vec<u64>, u128), EngineError> {
        let mut from = Reading::new(&mut bytes);
        let read = (from.list(Reading::number)?, from.print()?);
        from.end()?;
        Ok(read)
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(read(&written()), Ok((vec![3, 5], 7)));
    }

    #[test]
    fn what_is_cut_off_changed_or_longer_is_noticed() {
        let bytes = written();
        for place in 0..bytes.len() {
            assert!(read(&bytes[..place]).is_err());
            let mut changed = bytes.clone();
            changed[place] ^= 0x40;
            assert!(read(&changed).is_err(), "byte {place}");
        }
        assert_eq!(read(&[&bytes[..], &[0]].concat()), Err(damaged()));
    }
}
