//! The page cache: one slot per index, and the folios that were ever found there and are still referenced.
//!
//! A slot is one shared object: its folio's flags, contents, references and page-table entries change
//! together in the kernel's short sections (xa_lock, page-table lock, the flag word), and each of these is
//! one operation here. The folio lock is a bit in it that is held across operations, and so is the
//! reference that a waiter holds, because it makes reclaim fail.
//!
//! Functions that need the folio lock say so and assert it.

use std::ops::ControlFlow;

use stalemap_facade::ActorId;

use crate::state::folio::{Folio, FolioId};
use crate::state::owed::Debt;
use crate::words::design::{EndWriteback, ReclaimDirty, ReclaimWriteback};
use crate::words::value::Value;

/// What removing a folio from the page cache found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Eviction {
    /// It is gone.
    Evicted,
    /// It stays, and nothing happened to it.
    Kept,
    /// It stays, but its per-block state is gone: blocks that were valid no longer count as valid.
    KeptIfsLost,
    /// There was none.
    Absent,
}

/// Whether a folio's per-block state, freed for its removal, knew of valid blocks that nothing else knows of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IfsGone {
    /// It did: if the folio stays, they no longer count as valid.
    Missed,
    /// It did not.
    NotMissed,
}

/// A slot of the page cache.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Slot {
    current: Option<FolioId>,
    folios: Vec<Option<Folio>>,
    /// Whether there is a shadow entry, which reclaim has left in the place of a folio (`workingset_eviction`, mm/workingset.c).
    /// It is kept where somebody can tell.
    shadow: bool,
}

impl Slot {
    /// The folio in the page cache, if any.
    pub fn current(&self) -> Option<(FolioId, &Folio)> {
        let id = self.current?;
        Some((id, self.folios.get(usize::from(id))?.as_ref()?))
    }

    /// The folio that the page cache has now, to change it.
    pub fn current_mut(&mut self) -> Option<&mut Folio> {
        let id = self.current?;
        self.folios.get_mut(usize::from(id))?.as_mut()
    }

    /// A folio that somebody references.
    pub fn folio(&self, id: FolioId) -> Option<&Folio> {
        self.folios.get(usize::from(id))?.as_ref()
    }

    /// A folio that an actor refers to, to change it.
    ///
    /// # Panics
    /// When nobody references it: a defect of the model.
    pub fn folio_mut(&mut self, id: FolioId) -> &mut Folio {
        match self.folios.get_mut(usize::from(id)) {
            Some(Some(folio)) => folio,
            _ => unreachable!("a referenced folio exists"),
        }
    }

    /// A folio that `me` has locked.
    ///
    /// # Panics
    /// When `me` has not: a defect of the model.
    pub fn locked_mut(&mut self, id: FolioId, me: ActorId) -> &mut Folio {
        let folio = self.folio_mut(id);
        assert_eq!(folio.locked, Some(me), "this needs the folio lock");
        folio
    }

    /// `filemap_add_folio`: a fresh folio, locked, with a reference, enters the empty slot.
    pub fn insert_locked(&mut self, me: ActorId, blocks: u16, cells: Vec<Value>) -> FolioId {
        let mut folio = Folio::new(blocks, cells);
        folio.locked = Some(me);
        folio.refs = 1 << me;
        let id = self.folios.iter().position(Option::is_none).unwrap_or(self.folios.len());
        if id == self.folios.len() {
            self.folios.push(None);
        }
        self.folios[id] = Some(folio);
        self.current = Some(id as FolioId);
        self.shadow = false;
        id as FolioId
    }

    /// Whether a folio is unlocked (or gone): what waiting for its lock waits for.
    pub fn is_unlocked(&self, id: FolioId) -> bool {
        self.folio(id).is_none_or(|folio| folio.locked.is_none())
    }

    /// `folio_unlock` by `me`.
    ///
    /// # Panics
    /// In debug builds, when something was done to the folio under its lock that the judge has not been asked about.
    pub fn unlock(&mut self, id: FolioId, me: ActorId) {
        let dirtied = self.locked_mut(id, me).owed.is_owed(Debt::Backing);
        assert!(
            !dirtied,
            "a folio is unlocked that was dirtied: Slot::unlock_dirtied, and then Inode::audit_backing"
        );
        self.unlock_dirtied(id, me);
    }

    /// `folio_unlock` by `me`, of a folio that may have been dirtied under its lock. The caller asks
    /// [`audit_backing`](crate::state::inode::Inode::audit_backing) when others may see it.
    ///
    /// # Panics
    /// In debug builds, when blocks of the folio became valid under its lock and the judge has not seen their contents.
    pub fn unlock_dirtied(&mut self, id: FolioId, me: ActorId) {
        let folio = self.locked_mut(id, me);
        assert!(
            !folio.owed.is_owed(Debt::Contents),
            "a folio is unlocked whose blocks became valid: Inode::audit_folio comes first"
        );
        folio.owed.pay(Debt::Backing);
        folio.locked = None;
    }

    /// `folio_unlock` and `folio_put` by `me`.
    pub fn unlock_and_put(&mut self, id: FolioId, me: ActorId) {
        self.unlock(id, me);
        self.put(id, me);
    }

    /// `folio_put` by `me`.
    pub fn put(&mut self, id: FolioId, me: ActorId) {
        self.folio_mut(id).refs &= !(1 << me);
        self.free_dead();
    }

    /// `iomap_finish_folio_write`: one of the ioends that write the folio is done; with the last one, writeback
    /// ends. The folio's memory stays as long as the device may read it. Returns whether that was the last one of a folio
    /// that is still there.
    pub fn end_writeback(&mut self, id: FolioId, end: EndWriteback) -> bool {
        let folio = self.folio_mut(id);
        folio.pending = folio.pending.saturating_sub(1);
        folio.writeback &= folio.pending > 0 && end == EndWriteback::LastIo;
        let ended = folio.pending == 0;
        self.free_dead();
        ended && self.folio(id).is_some()
    }

    /// `filemap_remove_folio`: the slot becomes empty; the folio lives on as long as it is referenced.
    pub fn remove(&mut self) {
        if let Some(folio) = self.current_mut() {
            folio.in_cache = false;
            folio.unmap();
        }
        self.current = None;
        self.free_dead();
    }

    fn free_dead(&mut self) {
        for folio in &mut self.folios {
            if folio.as_ref().is_some_and(Folio::is_dead) {
                *folio = None;
            }
        }
        while self.folios.last().is_some_and(Option::is_none) {
            self.folios.pop();
        }
    }

    /// How far reclaim gets: the folio that it locks, if any, and whether it tries to remove it.
    pub fn reclaims(&self, writeback: ReclaimWriteback) -> (Option<FolioId>, bool) {
        let Some((id, folio)) = self.current().filter(|(_, folio)| folio.locked.is_none()) else {
            return (None, false);
        };
        let in_use = folio.is_in_use(writeback) || folio.has_busy_buffers();
        (Some(id), !in_use)
    }

    /// vmscan's way to drop the folio (`shrink_folio_list`), with the folio lock held: per-block state is
    /// freed *before* it is known whether the removal succeeds. Goes on with what became of that.
    pub fn prepare_removal(&mut self, writeback: ReclaimWriteback) -> ControlFlow<Eviction, IfsGone> {
        let Some(folio) = self.current_mut() else { return ControlFlow::Break(Eviction::Absent) };
        if folio.locked.is_some() || folio.is_in_use(writeback) {
            return ControlFlow::Break(Eviction::Kept);
        }
        folio.unmap();
        if folio.has_busy_buffers() {
            return ControlFlow::Break(Eviction::Kept);
        }
        ControlFlow::Continue(if folio.release() { IfsGone::Missed } else { IfsGone::NotMissed })
    }

    /// The end of it (`__remove_mapping`): nobody may refer to the folio, and nobody may have dirtied it.
    pub fn remove_mapping(&mut self, ifs: IfsGone, dirty: ReclaimDirty) -> Eviction {
        let Some(folio) = self.current_mut() else { return Eviction::Absent };
        if folio.refs != 0 || folio.dirty && dirty == ReclaimDirty::Frozen {
            return if ifs == IfsGone::Missed { Eviction::KeptIfsLost } else { Eviction::Kept };
        }
        self.remove();
        Eviction::Evicted
    }

    /// Whether a shadow entry stands for the folio that was there.
    pub fn has_shadow(&self) -> bool {
        self.shadow
    }

    /// Reclaim has removed the folio, and leaves an entry for it.
    pub fn leave_shadow(&mut self) {
        self.shadow = true;
    }

    /// The entry goes: with what invalidates the range (`clear_shadow_entries`, mm/truncate.c), or by reclaim of its own.
    pub fn clear_shadow(&mut self) {
        self.shadow = false;
    }

    /// Locks the folio in the page cache, which nobody has locked, for callers that need no reference to it.
    pub fn lock_current(&mut self, me: ActorId) {
        if let Some(folio) = self.current_mut() {
            folio.locked = Some(me);
        }
    }

    /// Unlocks it.
    pub fn unlock_current(&mut self, me: ActorId) {
        if let Some(folio) = self.current_mut().filter(|folio| folio.locked == Some(me)) {
            folio.locked = None;
        }
    }

    /// POSIX_FADV_DONTNEED's way (mapping_evict_folio): looks at references and mappings first.
    pub fn invalidate(&mut self) -> Eviction {
        self.clear_shadow();
        let Some(folio) = self.current_mut() else { return Eviction::Absent };
        if folio.locked.is_some()
            || folio.writeback
            || folio.dirty
            || folio.ptes.is_mapped()
            || folio.refs != 0
        {
            return Eviction::Kept;
        }
        if folio.has_busy_buffers() {
            return Eviction::Kept;
        }
        folio.release();
        self.remove();
        Eviction::Evicted
    }

    /// `invalidate_inode_pages2_range` for the folio, which is neither locked nor under writeback: it is unmapped
    /// and, unless it is dirty, removed. Unlike for eviction, references do not keep it.
    pub fn invalidate_unless_dirty(&mut self) -> Eviction {
        self.clear_shadow();
        let Some(folio) = self.current_mut() else { return Eviction::Evicted };
        folio.unmap();
        if folio.dirty {
            return Eviction::Kept;
        }
        self.remove();
        Eviction::Evicted
    }

    /// Whether anybody still holds a lock or a reference.
    pub fn is_quiet(&self) -> bool {
        self.folios.iter().flatten().all(|folio| folio.locked.is_none() && folio.refs == 0)
    }

    /// The slot in a few letters: `-` absent, else `C`lean, `D`irty, `W`riteback, with `l` when locked and
    /// `?` when not wholly valid.
    pub fn letters(&self) -> String {
        let Some((_, folio)) = self.current() else { return "-".to_owned() };
        let mut letters = String::new();
        letters.push(if folio.dirty { 'D' } else { 'C' });
        if folio.writeback {
            letters.push('W');
        }
        if folio.locked.is_some() {
            letters.push('l');
        }
        if !folio.uptodate {
            letters.push('?');
        }
        letters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::owed::{self, Step};

    fn slot_with(blocks: u16) -> (Slot, FolioId) {
        let mut slot = Slot::default();
        let id = slot.insert_locked(0, blocks, vec![Value::UNINITIALISED; 4]);
        (slot, id)
    }

    fn shrink(slot: &mut Slot) -> Eviction {
        match slot.prepare_removal(ReclaimWriteback::Skip) {
            ControlFlow::Continue(ifs) => slot.remove_mapping(ifs, ReclaimDirty::Frozen),
            ControlFlow::Break(outcome) => outcome,
        }
    }

    #[test]
    fn a_failed_eviction_forgets_which_blocks_were_valid() {
        let (mut slot, id) = slot_with(2);
        let folio = slot.locked_mut(id, 0);
        folio.set_uptodate(1..2);
        folio.owed.pay(Debt::Contents);
        slot.unlock(id, 0);
        assert!(slot.folio(id).is_some_and(|folio| folio.block_uptodate(1)));
        assert_eq!(shrink(&mut slot), Eviction::KeptIfsLost);
        assert!(slot.folio(id).is_some_and(|folio| !folio.block_uptodate(1)));
        slot.put(id, 0);
        assert_eq!(shrink(&mut slot), Eviction::Evicted);
        assert_eq!(slot, Slot::default());
        assert_eq!((shrink(&mut slot), slot.invalidate()), (Eviction::Absent, Eviction::Absent));
    }

    #[test]
    fn a_removed_folio_lives_while_it_is_referenced() {
        let (mut slot, id) = slot_with(1);
        slot.remove();
        assert!(slot.folio(id).is_some_and(|folio| !folio.in_cache));
        assert!(slot.current().is_none());
        slot.unlock_and_put(id, 0);
        assert_eq!(slot, Slot::default());
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "Inode::audit_folio comes first")]
    fn contents_that_nobody_judged_are_not_shown() {
        let (mut slot, id) = slot_with(2);
        slot.locked_mut(id, 0).set_uptodate(0..1);
        slot.unlock_and_put(id, 0);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "and then Inode::audit_backing")]
    fn who_dirties_a_folio_says_so_when_it_is_unlocked() {
        let (mut slot, id) = slot_with(2);
        slot.locked_mut(id, 0).set_dirty(0..1);
        slot.unlock_and_put(id, 0);
    }

    #[test]
    fn what_is_owed_is_no_state_and_ends_with_the_step() {
        let (mut slot, id) = slot_with(1);
        let folio = slot.locked_mut(id, 0);
        folio.set_uptodate(0..1);
        let judged = folio.clone();
        judged.owed.pay(Debt::Contents);
        assert_eq!(*folio, judged);
        assert_eq!(folio.owed.is_owed(Debt::Contents), cfg!(debug_assertions));
        assert!(!judged.owed.is_owed(Debt::Contents));
        let step = Step::begin();
        slot.unlock_and_put(id, 0);
        step.end();
    }

    /// A step in which somebody who has only a reference to a folio changes it.
    fn step_without_the_lock(change: impl FnOnce(&mut Folio)) {
        let (mut slot, id) = slot_with(2);
        slot.unlock(id, 0);
        let step = Step::begin();
        change(slot.folio_mut(id));
        step.end();
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "an unlocked folio was dirtied: Inode::audit_backing comes next")]
    fn who_dirties_an_unlocked_folio_asks_the_judge_in_the_same_step() {
        step_without_the_lock(|folio| folio.set_dirty(0..1));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "blocks of an unlocked folio became valid: Inode::audit_folio comes next")]
    fn who_fills_an_unlocked_folio_asks_the_judge_in_the_same_step() {
        step_without_the_lock(|folio| folio.set_uptodate(0..1));
    }

    #[test]
    fn what_was_paid_is_not_owed_and_neither_is_what_another_may_have_done() {
        step_without_the_lock(|folio| {
            folio.set_dirty(0..1);
            folio.set_uptodate(0..1);
            owed::pay_unlocked(Debt::Contents);
            owed::pay_unlocked(Debt::Backing);
        });
        // Whose debt it is cannot be told when two steps are under way.
        let _other = Step::begin();
        step_without_the_lock(|folio| folio.set_dirty(0..1));
    }
}
