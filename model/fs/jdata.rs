//! gfs2 with journalled data: values only. What they lead to is in [`iomap::jdata`](crate::iomap::jdata) and
//! [`writeback::jdata`](crate::writeback::jdata).

use crate::fs::gfs2;
use crate::words::personality::{Hooks, Personality};

/// gfs2 as of 6.2, a file with `chattr +j`.
pub(super) fn personality() -> Personality {
    Personality { hooks: Hooks::Jdata, ..gfs2::personality() }
}
