//! What concerns all files of the file system at once: whether it has shut down, and whether there is room in a zone (struct
//! xfs_mount, fs/xfs, 7.3: XFS_OPSTATE_SHUTDOWN of m_opstate, and what zi_zone_wait is woken for).

use crate::words::config::Config;

/// What concerns everybody.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Mount {
    /// Nothing is written any more, and every call fails.
    pub shut_down: bool,
    /// A zone with room can be selected.
    pub zone: bool,
}

impl Mount {
    /// What it is at first, where anybody could find it otherwise later.
    pub fn of(config: &Config) -> Option<Self> {
        (config.may_shut_down() || config.fs.zone_blocks() > 0)
            .then_some(Mount { shut_down: false, zone: true })
    }
}
