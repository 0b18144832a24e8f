//! kswapd (actor A7): looks at each folio of a range once and evicts what can be evicted.

use std::ops::{ControlFlow, Range};

use super::Actor;
use stalemap_facade::{ActorId, Backend};
use crate::command::Extension;
use crate::geometry::{Cell, FolioIndex};
use crate::inode::Inode;
use crate::reclaim;

/// The folios that are left.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Kswapd(Range<FolioIndex>);

impl Actor for Kswapd {
    const COMMAND: Extension = Extension::new("@reclaim", "kswapd looks at each folio of the range once");

    fn begin<B: Backend>(inode: &Inode<B>, cells: Range<Cell>) -> Self {
        Kswapd(inode.sb.geometry.folios_touched(&cells))
    }

    async fn step<B: Backend>(self, inode: &Inode<B>, me: ActorId) -> ControlFlow<(), Self> {
        let Kswapd(mut folios) = self;
        let Some(index) = folios.next() else { return ControlFlow::Break(()) };
        reclaim::shrink_folio(inode, me, index).await;
        ControlFlow::Continue(Kswapd(folios))
    }
}
