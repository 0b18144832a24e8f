//! What gfs2 does when a file is changed as a whole: `gfs2_setattr_size` (fs/gfs2/bmap.c) and `gfs2_fallocate`
//! (fs/gfs2/file.c), 6.2.
//!
//! A [stuffed](super::stuffed) file is unstuffed first where it would not fit into its inode any more, or is to have blocks;
//! a hole in it is zeroed where the data are.
//!
//! Left out: gfs2's own order of the jobs; it is XFS's here.

use std::ops::Range;

use stalemap_facade::Backend;

use super::stuffed;
use super::xfs_file::{below, xfs_file_fallocate};
use super::xfs_iops::xfs_setattr_size;
use crate::fs::change::{AtOnce, FallocMode, Job, Meaning, Plan, Refused};
use crate::state::inode::Inode;
use crate::words::geometry::Cell;

/// `gfs2_setattr_size` from `size` to `new_size`.
pub(super) fn gfs2_setattr_size<B: Backend>(inode: &Inode<B>, size: Cell, new_size: Cell) -> Plan {
    let plan = xfs_setattr_size(inode, size, new_size);
    if stuffed::outgrown(inode, new_size) { unstuffed_first(plan) } else { plan }
}

/// `gfs2_fallocate` in a file of `size`. There are no other modes than allocation and the punching of holes.
pub(super) fn gfs2_fallocate<B: Backend>(
    inode: &Inode<B>,
    size: Cell,
    mode: &FallocMode,
) -> Result<Plan, Refused> {
    match mode {
        FallocMode::PunchHole(cells) if inode.is_stuffed() => Ok(punch_stuffed(size, cells)),
        FallocMode::Allocate(..) if inode.is_stuffed() => {
            xfs_file_fallocate(inode, size, mode).map(unstuffed_first)
        }
        _ => xfs_file_fallocate(inode, size, mode),
    }
}

fn unstuffed_first(mut plan: Plan) -> Plan {
    plan.jobs.insert(0, Job::Unstuff);
    plan
}

/// `__gfs2_punch_hole` in a stuffed file, which stays one.
fn punch_stuffed(size: Cell, cells: &Range<Cell>) -> Plan {
    let zeroed = below(size, cells);
    let jobs = if zeroed.is_empty() {
        Vec::new()
    } else {
        vec![Job::AtOnce(AtOnce::ZeroStuffed(zeroed.clone())), Job::Drop(cells.clone())]
    };
    Plan { jobs, meaning: Meaning { zeroed, ..Meaning::default() } }
}
