//! `->iomap_valid`: whether a mapping may still be used (fs/iomap/buffered-io.c and fs/xfs/xfs_iomap.c, 6.2), or the same test inside
//! `->get_folio`. In the kernel write(2), zeroing and unsharing ask; a design may have others ask, too, each by an operation
//! of its own name.

use stalemap_facade::{Backend, Op};

use crate::fs;
use crate::state::event::{AfterStale, Checker, Seq, Verdict, What};
use crate::state::inode::Inode;
use crate::state::map_change::MapSection;
use crate::state::mapping::{Iomap, IomapType};
use crate::words::branches;
use crate::words::design::Compare;
use crate::words::extent::Extent;
use crate::words::geometry::FileBlock;

/// The comparison's operation.
pub(crate) fn op_of<B: Backend>(inode: &Inode<B>, checker: Checker) -> Op {
    match checker {
        Checker::Write => Op::new("iomap_valid"),
        Checker::Zero => Op::new("iomap_valid_zero"),
        Checker::Unshare => Op::new("iomap_valid_unshare"),
        Checker::Fault => Op::new("iomap_valid_fault"),
        Checker::Read => Op::new("iomap_valid_read"),
        Checker::DirectWrite => Op::new("iomap_valid_dio_write"),
        Checker::DirectRead => Op::new("iomap_valid_dio_read"),
        Checker::Reflink => Op::new("iomap_valid_reflink"),
        Checker::Seek => Op::new("iomap_valid_seek"),
        Checker::Writeback => Op::new(inode.sb.config.fs.names().imap_valid),
    }
}

/// Whether a mapping may still be used for `block`. A valid one is reported to observers; whoever finds one stale says himself
/// what he makes of it.
pub(crate) async fn iomap_valid<B: Backend>(
    inode: &Inode<B>,
    iomap: &Iomap,
    block: FileBlock,
    checker: Checker,
) -> bool {
    let (op, used) = (op_of(inode, checker), iomap.used_at(block));
    let valid = match inode.sb.config.design.compare() {
        Compare::Counter => {
            inode.counters.is_current(iomap.cookie, &used, op).await
                && inode.counters.beside_is_current(iomap.cookie, &used, &inode.i_size).await
        }
        Compare::DataCounter => {
            inode.counters.data_moved(iomap.cookie, &used, op).await.is_none()
                && inode.counters.beside_is_current(iomap.cookie, &used, &inode.i_size).await
        }
        Compare::Type if matches!(checker, Checker::Read | Checker::DirectRead) => {
            let map = inode.lock_map(op).await;
            let fresh = fs::read_begin(inode, &map, block);
            (fresh.kind, fresh.addr_of(block)) == (iomap.kind, iomap.addr_of(block))
        }
        Compare::Type => {
            let map = inode.lock_map(op).await;
            // Of a copy over a hole the data fork has to say that it is one. Out of place every mapping looks like that.
            let copy = iomap.shared && iomap.source.is_none() && !inode.sb.config.fs.is_out_of_place();
            match iomap.kind {
                IomapType::Inline => inode.is_stuffed(),
                _ if copy => map.get(block) == Extent::Hole,
                _ => iomap.agrees_with(block, map.get(block)),
            }
        }
    };
    if valid {
        inode.emit_use(iomap, block, || What::Checked(checker, Verdict::Valid));
    }
    valid
}

/// The same for those who drop a stale mapping, and get another one.
pub(crate) async fn valid_or_dropped<B: Backend>(
    inode: &Inode<B>,
    iomap: &Iomap,
    block: FileBlock,
    checker: Checker,
) -> bool {
    let valid = iomap_valid(inode, iomap, block, checker).await;
    if !valid {
        report_dropped(inode, iomap, block, checker);
    }
    valid
}

/// The same for those who hold the ILOCK: whether the counters are what they were.
pub(crate) fn current_or_dropped<B: Backend>(
    inode: &Inode<B>,
    _: &MapSection<'_, B>,
    iomap: &Iomap,
    block: FileBlock,
    checker: Checker,
) -> bool {
    let now = inode.counters.sample_again(iomap.cookie, iomap.start..iomap.end, &inode.i_size);
    let valid =
        !inode.counters.have_moved(iomap.cookie, now) && !inode.counters.beside_has_moved(iomap.cookie, now);
    if valid {
        inode.emit_use(iomap, block, || What::Checked(checker, Verdict::Valid));
    } else {
        report_dropped(inode, iomap, block, checker);
    }
    valid
}

/// A mapping was found stale, and is dropped.
fn report_dropped<B: Backend>(inode: &Inode<B>, iomap: &Iomap, block: FileBlock, checker: Checker) {
    inode.sb.backend.reach(branches::STALE);
    inode.emit_use(iomap, block, || {
        // Observers must not load: that would be an observation of the actor's.
        let now = inode.counters.newest(iomap.cookie, &iomap.used_at(block), &inode.i_size);
        let seq = |cookie| Seq::of_cookie(&inode.sb.geometry, cookie);
        let (sampled, now) = (seq(iomap.cookie), Some(seq(now)));
        What::Checked(checker, Verdict::Stale { sampled, now, then: AfterStale::Dropped })
    });
}
