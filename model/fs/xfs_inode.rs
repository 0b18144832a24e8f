//! What XFS locks of two files at once: `xfs_ilock2_io_mmap`, fs/xfs/xfs_inode.c, 6.7.

use stalemap_facade::{ActorId, Backend, Op};

use crate::state::dio_count;
use crate::state::leases::{break_layout, wait_for_layouts};
use crate::state::world::World;
use crate::words::command::FileId;
use crate::words::dio_design::DioWait;

/// The next lock of `xfs_ilock2_io_mmap`, of which `held` are held: both i_rwsem, then both invalidate_locks, exclusively
/// and in one order; clients that have layouts are waited for before, and looked for again (`xfs_iolock_two_inodes_and_break_layout`, of
/// which the look between the two locks is left out). (The kernel takes them in the order of their addresses.) `files` may be one twice. Returns how many are held then, of [`ALL_LOCKS`].
pub(crate) async fn xfs_ilock2_io_mmap<B: Backend>(
    w: &World<B>,
    me: ActorId,
    files: [FileId; 2],
    held: u8,
) -> u8 {
    if held == 0 {
        inode_dio_wait_both(w, files, DioWait::BeforeLock).await;
    }
    let [first, second] = [files[0].min(files[1]), files[0].max(files[1])];
    if held == 0 {
        wait_for_layouts(&w.inodes[usize::from(first)]).await;
        if second != first {
            wait_for_layouts(&w.inodes[usize::from(second)]).await;
        }
    }
    let number = if held.is_multiple_of(2) { first } else { second };
    let inode = &w.inodes[usize::from(number)];
    // Of one file there is one lock each.
    if number != first || held.is_multiple_of(2) {
        if held < 2 {
            inode.i_rwsem.down_write(Op::on("down_write i_rwsem", u32::from(number)), me).await;
        } else {
            let op = Op::on("down_write invalidate_lock", u32::from(number));
            inode.invalidate_lock.down_write(op, me).await;
        }
    }
    // Nobody may have got in and been handed out blocks.
    if held == 1
        && (break_layout(&w.inodes[usize::from(first)]).await || second != first && break_layout(inode).await)
    {
        w.inodes[usize::from(first)].i_rwsem.up_write(me);
        if second != first {
            inode.i_rwsem.up_write(me);
        }
        return 0;
    }
    held + 1
}

/// How many locks there are.
pub(crate) const ALL_LOCKS: u8 = 4;

/// `xfs_iunlock2_io_mmap`: lets all the others in again, at once.
pub(crate) fn xfs_iunlock2_io_mmap<B: Backend>(w: &World<B>, me: ActorId, files: [FileId; 2]) {
    for number in [Some(files[0]), Some(files[1]).filter(|second| *second != files[0])].into_iter().flatten()
    {
        let inode = &w.inodes[usize::from(number)];
        inode.invalidate_lock.up_write(me);
        inode.i_rwsem.up_write(me);
    }
}

/// `inode_dio_wait` on both files, if it is `here` that the design waits.
pub(crate) async fn inode_dio_wait_both<B: Backend>(w: &World<B>, files: [FileId; 2], here: DioWait) {
    let [first, second] = [files[0].min(files[1]), files[0].max(files[1])];
    dio_count::wait_if(&w.inodes[usize::from(first)], here).await;
    if second != first {
        dio_count::wait_if(&w.inodes[usize::from(second)], here).await;
    }
}
