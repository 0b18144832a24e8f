//! munmap and MADV_DONTNEED: page-table entries go, and what was stored stays in the folio.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::path::{Part, Path, Stepped};
use crate::state::inode::Inode;
use crate::state::world::World;
use crate::words::command::Command;
use crate::words::geometry::Cell;

/// munmap and MADV_DONTNEED drop this actor's page-table entries, folio by folio: those that are left. What was
/// stored is in the folio, which is dirty.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Zap(Range<Cell>);

impl Path for Zap {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        match part.first()? {
            Command::Munmap => Some(Zap(0..part.inode.sb.geometry.cells())),
            Command::MadviseDontneed { range } => Some(Zap(part.cells(range))),
            _ => None,
        }
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        let Zap(cells) = self;
        if cells.is_empty() {
            return ControlFlow::Break(());
        }
        let geometry = &inode.sb.geometry;
        let index = geometry.folio_of(cells.start);
        let here = cells.start..cells.end.min(geometry.cells_of_folio(index).end);
        let mut slot = inode.page(index).lock(Op::on("zap_pte", u32::from(index))).await;
        if let Some(folio) = slot.current_mut() {
            let pages = geometry.page_in_folio(here.start)..=geometry.page_in_folio(here.end - 1);
            folio.zap(pages, me);
        }
        drop(slot);
        ControlFlow::Continue(Zap(here.end..cells.end))
    }
}
