//! In relaxed memory, what a reader may still find in a folio after a write has made the file longer.
//!
//! The write puts the data into the folio and then stores i_size; a reader without i_rwsem loads i_size and then copies out of the
//! folio, with no lock around both. That it finds the data rests on `i_size_write` being a release and `i_size_read` an
//! acquire (include/linux/fs.h, since d8f899d13d72). So the contents that a write has brought inside end of file are a word of
//! their own, which the copy loads as the memory lets it: an older one means what was there before.
//!
//! It is so only for what is explored in relaxed memory, and where reads do not take i_rwsem. Everywhere else contents are read
//! as they are, and the load is no operation. Left out: contents that are replaced inside end of file, where nobody says that a
//! reader who is ordered by nothing has to find them; and a block that becomes valid with the write, of which
//! `folio_mark_uptodate` and `folio_test_uptodate` see to it.

use std::ops::Range;

use stalemap_facade::{Atomic, Backend, Leaf, Op, Ordering};

use crate::words::geometry::{Cell, FolioIndex};
use crate::words::value::Value;

/// What was in cells of a folio before a write brought them inside end of file.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Older {
    /// Who has not seen this version sees these.
    version: u64,
    /// Which cells.
    pub cells: Range<Cell>,
    /// What was in them.
    pub values: Vec<Value>,
}

/// What readers may still find in the folios of a file, by folio index.
pub struct Contents<B: Backend>(Vec<Folio<B>>);

struct Folio<B: Backend> {
    version: B::Atomic,
    older: B::Leaf<Vec<Older>>,
}

impl<B: Backend> Contents<B> {
    /// Of a file of so many folios; none if whoever reads finds what is there.
    pub fn new(backend: &B, folios: FolioIndex) -> Self {
        let folio = |_| Folio {
            version: backend.atomic("contents", 0),
            older: backend.leaf("older contents", Vec::new()),
        };
        Contents((0..folios).map(folio).collect())
    }

    /// Whether anything older than what is there may be found.
    pub fn are_weak(&self) -> bool {
        !self.0.is_empty()
    }

    /// A write is about to bring `cells` inside end of file, which have had these values until now. The caller has the folio
    /// locked.
    pub fn outdate(&self, index: FolioIndex, cells: Range<Cell>, values: Vec<Value>) {
        let folio = &self.0[usize::from(index)];
        let version = folio.version.peek() + 1;
        folio.older.update(|older| older.push(Older { version, cells, values }));
        folio.version.publish(version, Ordering::Relaxed);
    }

    /// There is another folio: nobody who finds it has seen the one before in its place.
    pub fn replaced(&self, index: FolioIndex) {
        if let Some(folio) = self.0.get(usize::from(index))
            && folio.older.read(|older| !older.is_empty())
        {
            folio.older.update(Vec::clear);
        }
    }

    /// A reader copies out of a folio: what it finds instead of what is there, the newest first.
    pub async fn seen(&self, index: FolioIndex) -> Vec<Older> {
        let Some(folio) = self.0.get(usize::from(index)) else { return Vec::new() };
        let version = folio.version.load(Op::on("filemap_read", u32::from(index)), Ordering::Relaxed).await;
        folio
            .older
            .read(|older| older.iter().rev().filter(|older| older.version > version).cloned().collect())
    }
}
