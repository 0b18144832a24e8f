//! `shutdown -f`: the file system writes its log and stops (`xfs_fs_goingdown`, fs/xfs/xfs_fsops.c). That it stops is
//! judged at every state and need not happen; what it writes first counts.

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Backend};

use crate::fsync::{Upto, log_force};
use crate::path::{Part, Path, Stepped};
use crate::state::inode::Inode;
use crate::state::world::World;
use crate::words::command::Command;

/// Before the log is forced.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ShutdownState;

impl Path for ShutdownState {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let Command::Shutdown { flush: true } = part.first()? else { return None };
        Some(ShutdownState)
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, _: ActorId) -> Stepped<Self> {
        log_force(inode, Upto::End).await;
        inode.audit_crash();
        ControlFlow::Break(())
    }
}
