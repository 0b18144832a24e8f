//! Folios that are cached no longer than it takes to read or write them (RWF_DONTCACHE; PG_dropbehind, 6.14).
//!
//! A read or write that is not to leave anything behind marks the folios that it adds, and whoever looks one up for a write or a
//! fault without such a wish takes the mark away (`__filemap_get_folio`). The completion of writeback, and any reader, drops
//! what is still marked, if it can lock it at once. Before that lock anybody may have dirtied the folio, and begun to write it.

use stalemap_facade::ActorId;

use crate::state::folio::FolioId;
use crate::state::slot::{Eviction, Slot};
use crate::words::personality::Dropbehind;

/// Who drops a folio that is marked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dropper {
    /// The completion of its writeback.
    Completion,
    /// Who has read it.
    Reader,
}

impl Slot {
    /// `__filemap_get_folio` has found the folio that is in the page cache, for somebody who has no objection to its staying.
    pub fn looked_up(&mut self) {
        if let Some(folio) = self.current_mut() {
            folio.dropbehind = false;
        }
    }

    /// Writeback of a folio is about to end for `me`: whether it is to be dropped then. If so, `me` refers to it.
    pub fn drops_behind(&mut self, id: FolioId, me: ActorId, design: impl FnOnce() -> Dropbehind) -> bool {
        let folio = self.folio_mut(id);
        if !folio.dropbehind {
            return false;
        }
        let design = design();
        let drops = match design {
            Dropbehind::Absent => false,
            Dropbehind::Gated => true,
            Dropbehind::Ungated => !folio.dirty,
        };
        if drops {
            folio.refs |= 1 << me;
            // Up to 6.15 the mark goes before it is known whether the folio can be locked.
            folio.dropbehind = design != Dropbehind::Ungated;
        }
        drops
    }

    /// `me` has read a folio: whether it is to be dropped (`filemap_end_dropbehind_read`). If so, `me` refers to it.
    pub fn drops_behind_read(&mut self, id: FolioId, me: ActorId) -> bool {
        let folio = self.folio_mut(id);
        let drops = folio.dropbehind && !folio.dirty && !folio.writeback;
        if drops {
            folio.refs |= 1 << me;
        }
        drops
    }

    /// `folio_end_dropbehind` of a folio that `me` refers to, in the kernel's short section under the folio lock, which is
    /// only tried. A reference does not keep the folio.
    pub fn end_dropbehind(&mut self, id: FolioId, me: ActorId, by: Dropper, design: Dropbehind) -> Eviction {
        let folio = self.folio_mut(id);
        let marked = folio.dropbehind || by == Dropper::Completion && design == Dropbehind::Ungated;
        let drops = folio.in_cache
            && folio.locked.is_none()
            && marked
            && match design {
                Dropbehind::Absent => false,
                Dropbehind::Gated => {
                    let at_rest = !folio.dirty && !folio.writeback;
                    folio.dropbehind &= !at_rest;
                    at_rest && !folio.ptes.is_mapped()
                }
                Dropbehind::Ungated => {
                    folio.dropbehind &= by == Dropper::Completion;
                    folio.unmap();
                    !folio.dirty && !folio.keeps_state()
                }
            };
        if drops {
            folio.release();
            self.remove();
        }
        self.put(id, me);
        if drops { Eviction::Evicted } else { Eviction::Kept }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::value::Value;

    const KWORKER: ActorId = 1;

    /// A marked folio, unlocked, whose writeback is about to end, or has ended and begun again.
    fn slot(writeback: bool, dirty: bool) -> (Slot, FolioId) {
        let mut slot = Slot::default();
        let id = slot.insert_locked(0, 1, vec![Value::ZERO]);
        slot.folio_mut(id).dropbehind = true;
        slot.unlock_and_put(id, 0);
        let folio = slot.folio_mut(id);
        (folio.writeback, folio.dirty) = (writeback, dirty);
        (slot, id)
    }

    #[test]
    fn what_is_written_again_stays_unless_nobody_looks() {
        for (design, outcome) in
            [(Dropbehind::Gated, Eviction::Kept), (Dropbehind::Ungated, Eviction::Evicted)]
        {
            let (mut slot, id) = slot(false, false);
            assert!(slot.drops_behind(id, KWORKER, || design));
            slot.folio_mut(id).writeback = true;
            assert_eq!(slot.end_dropbehind(id, KWORKER, Dropper::Completion, design), outcome);
        }
    }

    #[test]
    fn what_is_dirty_again_stays() {
        let (mut slot, id) = slot(false, true);
        assert!(!slot.drops_behind(id, KWORKER, || Dropbehind::Ungated));
        assert!(slot.folio_mut(id).dropbehind);
        assert!(slot.drops_behind(id, KWORKER, || Dropbehind::Gated));
        assert_eq!(slot.end_dropbehind(id, KWORKER, Dropper::Completion, Dropbehind::Gated), Eviction::Kept);
        assert!(slot.folio_mut(id).dropbehind);
    }

    #[test]
    fn what_was_looked_up_stays() {
        let (mut slot, id) = slot(false, false);
        slot.looked_up();
        assert!(!slot.drops_behind(id, KWORKER, || Dropbehind::Gated));
    }

    #[test]
    fn a_reader_drops_what_is_clean_and_still_marked() {
        for design in [Dropbehind::Gated, Dropbehind::Ungated] {
            let (mut slot, id) = slot(false, false);
            assert!(slot.drops_behind_read(id, KWORKER));
            slot.looked_up();
            assert_eq!(slot.end_dropbehind(id, KWORKER, Dropper::Reader, design), Eviction::Kept);
            slot.folio_mut(id).dropbehind = true;
            assert!(slot.drops_behind_read(id, KWORKER));
            assert_eq!(slot.end_dropbehind(id, KWORKER, Dropper::Reader, design), Eviction::Evicted);
        }
        let (mut slot, id) = slot(true, false);
        assert!(!slot.drops_behind_read(id, KWORKER));
    }

    #[test]
    fn what_nobody_else_wants_goes() {
        let (mut slot, id) = slot(false, false);
        assert!(slot.drops_behind(id, KWORKER, || Dropbehind::Gated));
        assert_eq!(
            slot.end_dropbehind(id, KWORKER, Dropper::Completion, Dropbehind::Gated),
            Eviction::Evicted
        );
        assert_eq!(slot, Slot::default());
    }
}
