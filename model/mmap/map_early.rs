//! A mutant's write fault (`mkwrite_map`): the blocks are mapped before the folio is locked.
//!
//! Whoever needs no invalidate_lock to take the blocks away may do so until then, and the mappings are stale. Whether they are
//! compared once the folio is locked is `mkwrite_check`.

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Backend, Lock, Returned};

use crate::fs;
use crate::mmap::mkwrite::{
    lock_mapped, map_next, mark_dirty, passes, put_for_no_space, report_mapped, unlock_mapping,
};
use crate::mmap::state::{Mapped, MmapState, VmFault, before_early};
use crate::state::folio::FolioRef;
use crate::state::inode::Inode;
use crate::state::mapping::Iomap;
use crate::words::check_design::MkwriteCheck;
use crate::words::geometry::FileBlock;

/// A mutant: maps the blocks of a folio that anybody may take away meanwhile who needs no invalidate_lock for it.
pub(super) async fn map_early<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    vmf: VmFault,
    block: FileBlock,
    mut mapped: Vec<(FileBlock, Iomap)>,
) -> ControlFlow<Returned, MmapState> {
    let Ok(Mapped { iomap, next }) = map_next(inode, vmf.folio.index, block, &mut 0).await else {
        return put_for_no_space(inode, me, vmf.folio);
    };
    report_mapped(inode, &iomap);
    if fs::mkwrite_check(&inode.sb.config) == MkwriteCheck::AfterLock {
        mapped.push((block, iomap));
    }
    ControlFlow::Continue(match next {
        None => MmapState::LockLate(vmf, mapped),
        Some(next) => MmapState::MapEarly { vmf, block: next, mapped },
    })
}

/// Locks and dirties a folio whose blocks were mapped before (a mutant). If a mapping is stale by then, all are mapped anew.
pub(super) async fn lock_late<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    vmf: VmFault,
    mapped: &[(FileBlock, Iomap)],
) -> MmapState {
    let FolioRef { index, id } = vmf.folio;
    if !lock_mapped(inode, me, vmf.folio).await {
        return vmf.again();
    }
    for (block, iomap) in mapped {
        if !passes(inode, iomap, *block).await {
            inode.folio_unlocked(index, id);
            inode.page(index).release(|slot| slot.unlock(id, me));
            return before_early(inode, vmf);
        }
    }
    mark_dirty(inode, me, vmf.folio).await;
    unlock_mapping(inode, me);
    MmapState::Install(vmf)
}
