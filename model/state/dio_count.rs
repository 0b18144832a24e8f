//! inode->i_dio_count: direct I/O in flight on a file.

use stalemap_facade::{Backend, Lock, Op};

use crate::state::inode::Inode;
use crate::words::dio_design::DioWait;

/// Waits until no direct I/O is in flight on the file. The caller holds i_rwsem exclusively, so none is begun; but for
/// [`DioWait::BeforeLock`].
pub async fn inode_dio_wait<B: Backend>(inode: &Inode<B>) {
    if inode.direct {
        drop(inode.i_dio_count.lock_when(Op::new("inode_dio_wait"), |count, _| *count == 0, 0).await);
    }
}

/// `inode_dio_wait` of who changes the file as a whole, if it is `here` that the design waits.
pub async fn wait_if<B: Backend>(inode: &Inode<B>, here: DioWait) {
    if inode.sb.config.design.dio_wait() == here {
        inode_dio_wait(inode).await;
    }
}

/// `inode_dio_begin`, with i_rwsem held: who waits for the count to drop holds it exclusively.
pub fn inode_dio_begin<B: Backend>(inode: &Inode<B>) {
    inode.i_dio_count.release(|count| *count += 1);
}

/// `inode_dio_end`.
pub fn inode_dio_end<B: Backend>(inode: &Inode<B>) {
    inode.i_dio_count.release(|count| *count -= 1);
}
