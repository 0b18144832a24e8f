//! Whether a mapping is current, by its cookie.

use stalemap_facade::{Atomic, Backend, Op};

use crate::state::inode::Inode;
use crate::state::mapping::Iomap;
use crate::state::validity::COW_SHIFT;
use crate::words::ordering::Link;

/// Whether a mapping's cookie is what `xfs_iomap_inode_sequence` gives now: two loads for a SHARED mapping, the
/// COW fork's counter first. When that has moved, nothing depends on the other any more.
pub(crate) async fn cookie_is_current<B: Backend>(inode: &Inode<B>, iomap: &Iomap, op: Op) -> bool {
    let mut cookie = 0;
    if iomap.shared {
        let cow = inode.cow_seq.load(Op::new("cow_seq"), inode.order(Link::CounterLoad)).await;
        if cow != iomap.cookie >> COW_SHIFT {
            return false;
        }
        cookie = cow << COW_SHIFT;
    }
    cookie | inode.data_seq.load(op, inode.order(Link::CounterLoad)).await == iomap.cookie
}
