//! The look-up of dirty folios, batch by batch: `write_cache_pages` (mm/page-writeback.c), `writeback_iter` from 6.12 on.
//!
//! A pass looks up to [`writeback_batch`](crate::words::design::Design::writeback_batch) folios up by their tag, without a lock,
//! and then writes these. What becomes dirty behind the look-up, or takes a folio's place, the pass does not see; it looks
//! further only if the batch was full. So what happens between two folios of a batch is not what happens between two batches.
//!
//! A pass for integrity first tags what is dirty (`tag_pages_for_writeback`), and looks up what has that tag
//! ([`towrite`](crate::words::design::Design::towrite)). Where all of its folios are one batch, nothing can happen between the
//! two that a look-up does not tell as well: what somebody else writes meanwhile is found not to be dirty, and waited for. There
//! the look-up stands for both, unless the tag may go before the folio is clean.

use std::num::NonZero;
use std::ops::Range;

use crate::state::folio::FolioRef;
use crate::words::geometry::FolioIndex;

/// The folios of a pass.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Batch {
    /// Those that no look-up has come to.
    ahead: Range<FolioIndex>,
    /// Those that were found and not written yet.
    found: Vec<FolioRef>,
    phase: Phase,
    tag: Tag,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Phase {
    /// Tagging, with the folio that is next.
    Tag(FolioIndex),
    LookUp,
    Write,
}

/// The tag of the page cache by which a pass looks folios up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Tag {
    /// PAGECACHE_TAG_DIRTY.
    Dirty,
    /// PAGECACHE_TAG_TOWRITE, which it gives them first.
    Towrite,
}

/// What a pass does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Tags the folio of this index, if it is dirty.
    Tag(FolioIndex),
    /// Looks whether the folio of this index has the tag.
    LookUp(FolioIndex),
    /// Writes this one.
    Write(FolioRef),
    /// There is no other one.
    End,
}

impl Batch {
    /// Nothing is looked up yet.
    pub fn new(folios: Range<FolioIndex>, tag: Tag) -> Self {
        let phase = if tag == Tag::Towrite { Phase::Tag(folios.start) } else { Phase::LookUp };
        Batch { ahead: folios, found: Vec::new(), phase, tag }
    }

    /// By which tag folios are looked up.
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// What is next, for batches of `most` folios.
    pub fn next(&mut self, most: NonZero<u16>) -> Next {
        if let Phase::Tag(index) = self.phase {
            if index < self.ahead.end {
                self.phase = Phase::Tag(index + 1);
                return Next::Tag(index);
            }
            self.phase = Phase::LookUp;
        }
        if self.phase == Phase::LookUp
            && self.found.len() < usize::from(most.get())
            && let Some(index) = self.ahead.next()
        {
            return Next::LookUp(index);
        }
        if self.found.is_empty() {
            return Next::End;
        }
        let folio = self.found.remove(0);
        // With nothing left to write, what comes next is the same whatever was found before: one state, not two.
        self.phase = if self.found.is_empty() { Phase::LookUp } else { Phase::Write };
        Next::Write(folio)
    }

    /// The folio that was looked up is dirty.
    pub fn found(&mut self, folio: FolioRef) {
        self.found.push(folio);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::state::folio::FolioId;

    /// What a pass does to folios of which all are dirty.
    fn order(most: u16, folios: u8, tag: Tag) -> String {
        let mut batch = Batch::new(0..folios.into(), tag);
        let mut text = String::new();
        loop {
            match batch.next(NonZero::new(most).unwrap()) {
                Next::Tag(index) => {
                    let _ = write!(text, "t{index} ");
                }
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
        let order = |most, folios| order(most, folios, Tag::Dirty);
        assert_eq!(order(1, 3), "l0 w0 l1 w1 l2 w2");
        assert_eq!(order(2, 3), "l0 l1 w0 w1 l2 w2");
        assert_eq!(order(15, 3), "l0 l1 l2 w0 w1 w2");
        assert_eq!(order(15, 0), "");
    }

    #[test]
    fn all_folios_are_tagged_before_the_first_is_looked_up() {
        assert_eq!(order(1, 2, Tag::Towrite), "t0 t1 l0 w0 l1 w1");
        assert_eq!(order(15, 2, Tag::Towrite), "t0 t1 l0 l1 w0 w1");
        assert_eq!(order(15, 0, Tag::Towrite), "");
    }
}
