//! The look-up of dirty folios, batch by batch: `write_cache_pages` (mm/page-writeback.c), `writeback_iter` from 6.12 on.
//!
//! A pass looks up to [`writeback_batch`](crate::words::design::Design::writeback_batch) folios up by their tag, without a lock,
//! and then writes these. What becomes dirty behind the look-up, or takes a folio's place, the pass does not see; it looks
//! further only if the batch was full. So what happens between two folios of a batch is not what happens between two batches.

use std::collections::VecDeque;
use std::ops::Range;

use crate::state::folio::FolioRef;
use crate::words::geometry::FolioIndex;

/// The folios of a pass.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Batch {
    /// Those that no look-up has come to.
    ahead: Range<FolioIndex>,
    /// Those that were found and not written yet.
    found: VecDeque<FolioRef>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Phase {
    LookUp,
    Write,
}

/// What a pass does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Looks whether the folio of this index is dirty.
    LookUp(FolioIndex),
    /// Writes this one.
    Write(FolioRef),
    /// There is no other one.
    End,
}

impl Batch {
    /// Nothing is looked up yet.
    pub fn new(folios: Range<FolioIndex>) -> Self {
        Batch { ahead: folios, found: VecDeque::new(), phase: Phase::LookUp }
    }

    /// What is next, for batches of `most` folios.
    pub fn next(&mut self, most: u16) -> Next {
        if self.phase == Phase::LookUp
            && self.found.len() < usize::from(most.max(1))
            && let Some(index) = self.ahead.next()
        {
            return Next::LookUp(index);
        }
        let Some(folio) = self.found.pop_front() else { return Next::End };
        // With nothing left to write, what comes next is the same whatever was found before: one state, not two.
        self.phase = if self.found.is_empty() { Phase::LookUp } else { Phase::Write };
        Next::Write(folio)
    }

    /// The folio that was looked up is dirty.
    pub fn found(&mut self, folio: FolioRef) {
        self.found.push_back(folio);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::state::folio::FolioId;

    /// What a pass does to folios of which all are dirty.
    fn order(most: u16, folios: u8) -> String {
        let mut batch = Batch::new(0..folios.into());
        let mut text = String::new();
        loop {
            match batch.next(most) {
                Next::LookUp(index) => {
                    let _ = write!(text, "l{index} ");
                    batch.found(FolioRef { index, id: index as FolioId });
                }
                Next::Write(folio) => {
                    let _ = write!(text, "w{} ", folio.index);
                }
                Next::End => return text.trim_end().to_owned(),
            }
        }
    }

    #[test]
    fn a_batch_is_looked_up_before_it_is_written() {
        assert_eq!(order(1, 3), "l0 w0 l1 w1 l2 w2");
        assert_eq!(order(2, 3), "l0 l1 w0 w1 l2 w2");
        assert_eq!(order(15, 3), "l0 l1 l2 w0 w1 w2");
        assert_eq!(order(15, 0), "");
    }
}
