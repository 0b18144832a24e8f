//! How a pass of a buffered write fails, and what is then cut off beyond end of file (`iomap_write_failed`).

use std::ops::Range;

use stalemap_facade::Backend;

use crate::iomap::write_state::{IomapIter, WriteState};
use crate::state::event::{Errno, Fill, What};
use crate::state::inode::Inode;
use crate::truncate::TruncateState;
use crate::words::design::BeginCut;
use crate::words::geometry::{Cell, FolioIndex};

/// `iomap_write_begin` fails: the write ends with what it has done so far, and of what it was about to write is cut off
/// beyond end of file what the design says. The folio, if it had one, is unlocked by now.
pub(super) fn begin_failed<B: Backend>(
    inode: &Inode<B>,
    iter: IomapIter,
    error: Errno,
    folio: Option<FolioIndex>,
) -> WriteState {
    let rest = iter.write.pos..iter.write.end.min(iter.mapped_end(inode));
    let cut = match (inode.sb.config.design.begin_cut(), folio) {
        (BeginCut::WithFolio, Some(index)) => {
            Some(rest.start..rest.end.min(inode.sb.geometry.cells_of_folio(index).end))
        }
        (BeginCut::Always, _) if iter.write.fill == Fill::Data => Some(rest),
        _ => None,
    };
    let next = fail(inode, iter, error);
    match cut {
        Some(cells) => cut_beyond_eof(inode, cells, next),
        None => next,
    }
}

/// The write ends with what it has done so far.
pub(super) fn fail<B: Backend>(inode: &Inode<B>, mut iter: IomapIter, error: Errno) -> WriteState {
    inode.emit(|| What::Failed(error));
    iter.write.failed = true;
    WriteState::End(iter, None)
}

/// `iomap_write_failed`: cuts the page cache of `cells` beyond end of file.
pub(super) fn cut_beyond_eof<B: Backend>(
    inode: &Inode<B>,
    cells: Range<Cell>,
    next: WriteState,
) -> WriteState {
    let size = inode.i_size_peek();
    if cells.end <= size {
        return next;
    }
    let cells = cells.start.max(size)..cells.end;
    WriteState::Cleanup(TruncateState::new(inode, cells), Box::new(next))
}
