//! kswapd: looks at each folio of a range once and evicts what can be evicted.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend};

use crate::actors::actor::Actor;
use crate::reclaim;
use crate::state::inode::Inode;
use crate::words::command::{Extension, InXfsIo};
use crate::words::geometry::{Cell, FolioIndex};

/// The folios that are left.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Kswapd(Range<FolioIndex>);

impl Actor for Kswapd {
    const COMMAND: Extension = Extension::new(
        "@reclaim",
        "kswapd looks at each folio of the range once",
        InXfsIo::As("fadvise -d $1 $2"),
    );

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
