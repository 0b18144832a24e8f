//! Who holds the inode glock of gfs2, and in which mode ([`glock`](crate::fs::glock)).

use stalemap_facade::ActorId;

/// In which mode it is held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mode {
    /// LM_ST_EXCLUSIVE: one holder.
    Exclusive,
    /// LM_ST_SHARED: any number.
    Shared,
    /// LM_ST_DEFERRED: any number, for direct I/O, which must not meet cached data.
    Deferred,
}

impl Mode {
    /// All of them.
    pub const ALL: [Mode; 3] = [Mode::Exclusive, Mode::Shared, Mode::Deferred];

    /// The name of the operation that takes the glock in this mode.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Exclusive => "gfs2_glock_nq EX",
            Mode::Shared => "gfs2_glock_nq SH",
            Mode::Deferred => "gfs2_glock_nq DF",
        }
    }
}

/// Who holds it, and how.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Holders {
    mode: Option<Mode>,
    /// As a set of actors.
    actors: u16,
}

impl Holders {
    pub(crate) fn admits(&self, wanted: u64) -> bool {
        let shared = Mode::ALL.into_iter().find(|mode| *mode as u64 == wanted);
        self.mode.is_none() || self.mode == shared && shared != Some(Mode::Exclusive)
    }

    pub(crate) fn take(&mut self, mode: Mode, me: ActorId) {
        self.mode = Some(mode);
        self.actors |= 1 << me;
    }

    pub(crate) fn put(&mut self, me: ActorId) {
        self.actors &= !(1 << me);
        if self.actors == 0 {
            self.mode = None;
        }
    }

    /// Whether nobody holds it.
    pub fn is_free(&self) -> bool {
        self.mode.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_share_a_mode_and_modes_exclude_each_other() {
        let mut holders = Holders::default();
        holders.take(Mode::Shared, 1);
        assert!(holders.admits(Mode::Shared as u64));
        assert!(!holders.admits(Mode::Deferred as u64) && !holders.admits(Mode::Exclusive as u64));
        holders.take(Mode::Shared, 2);
        holders.put(1);
        assert!(!holders.admits(Mode::Exclusive as u64));
        holders.put(2);
        assert!(holders.admits(Mode::Exclusive as u64));
        holders.take(Mode::Exclusive, 1);
        assert!(!holders.admits(Mode::Exclusive as u64));
    }
}
