//! XFS, without COW: delayed allocation, unwritten extents, one change counter.

use super::{Bump, Completion, Personality};

/// XFS as of 6.2 (fs/xfs/xfs_iomap.c, xfs_aops.c, xfs_file.c).
pub(super) fn personality() -> Personality {
    Personality {
        delalloc: true,
        read_takes_i_rwsem: true,
        completion: Completion::ConvertThenClear,
        bump_convert: Bump::Inside,
        bump_allocate: true,
        bump_lookup: false,
        block_dirty: false,
        free_blocks: None,
    }
}
