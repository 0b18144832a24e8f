//! The page-table entries of a folio: which actors map which of its pages, and for what.
//!
//! An entry is of a page, also where the folio is larger. Who takes entries away by the folio, as writeback, truncation and
//! reclaim do, takes those of all its pages.

use stalemap_facade::ActorId;

/// A page's place in its folio.
pub type PageInFolio = u16;

/// What an actor may do with a page without a fault.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Pte {
    /// Nothing.
    Absent,
    /// Loads.
    ReadOnly,
    /// Loads and stores.
    Writable,
}

/// Which actors map a page: sets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Mapped {
    read_only: u16,
    writable: u16,
}

/// The entries for the pages of a folio.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Ptes {
    /// By page, up to the last one that anybody maps.
    pages: Vec<Mapped>,
}

impl Ptes {
    /// An actor's entry for a page.
    pub fn of(&self, page: PageInFolio, actor: ActorId) -> Pte {
        match self.pages.get(usize::from(page)) {
            Some(mapped) if mapped.writable & (1 << actor) != 0 => Pte::Writable,
            Some(mapped) if mapped.read_only & (1 << actor) != 0 => Pte::ReadOnly,
            _ => Pte::Absent,
        }
    }

    /// Sets an actor's entry for a page.
    pub fn set(&mut self, page: PageInFolio, actor: ActorId, pte: Pte) {
        let page = usize::from(page);
        if page >= self.pages.len() {
            self.pages.resize(page + 1, Mapped::default());
        }
        let mapped = &mut self.pages[page];
        mapped.read_only &= !(1 << actor);
        mapped.writable &= !(1 << actor);
        match pte {
            Pte::Absent => {}
            Pte::ReadOnly => mapped.read_only |= 1 << actor,
            Pte::Writable => mapped.writable |= 1 << actor,
        }
        self.trim();
    }

    fn trim(&mut self) {
        while self.pages.last().is_some_and(|mapped| *mapped == Mapped::default()) {
            self.pages.pop();
        }
    }

    /// Whether an actor maps no page of the folio.
    pub fn none_of(&self, actor: ActorId) -> bool {
        self.pages.iter().all(|mapped| (mapped.read_only | mapped.writable) & (1 << actor) == 0)
    }

    /// No actor can store into any page without a fault any more.
    pub fn write_protect(&mut self) {
        for mapped in &mut self.pages {
            mapped.read_only |= mapped.writable;
            mapped.writable = 0;
        }
    }

    /// Drops all entries for a page.
    pub fn clear_page(&mut self, page: PageInFolio) {
        if let Some(mapped) = self.pages.get_mut(usize::from(page)) {
            *mapped = Mapped::default();
        }
        self.trim();
    }

    /// Drops all entries.
    pub fn clear(&mut self) {
        self.pages.clear();
    }

    /// Whether somebody maps a page of the folio.
    pub fn is_mapped(&self) -> bool {
        !self.pages.is_empty()
    }

    /// Whether somebody maps a page of the folio writable.
    pub fn is_writable(&self) -> bool {
        self.pages.iter().any(|mapped| mapped.writable != 0)
    }

    /// Whether somebody maps a page.
    pub fn is_page_mapped(&self, page: PageInFolio) -> bool {
        self.pages.get(usize::from(page)).is_some_and(|mapped| (mapped.read_only | mapped.writable) != 0)
    }

    /// How many entries allow stores.
    pub fn count_writable(&self) -> u32 {
        self.pages.iter().map(|mapped| mapped.writable.count_ones()).sum()
    }

    /// Whether somebody maps a page writable.
    pub fn is_page_writable(&self, page: PageInFolio) -> bool {
        self.pages.get(usize::from(page)).is_some_and(|mapped| mapped.writable != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_of_one_page_and_write_protection_of_all() {
        let mut ptes = Ptes::default();
        ptes.set(0, 1, Pte::Writable);
        assert_eq!([ptes.of(0, 1), ptes.of(1, 1), ptes.of(0, 0)], [Pte::Writable, Pte::Absent, Pte::Absent]);
        ptes.set(2, 0, Pte::Writable);
        assert!(ptes.is_page_writable(2) && !ptes.is_page_writable(1));
        ptes.write_protect();
        assert_eq!([ptes.of(0, 1), ptes.of(2, 0)], [Pte::ReadOnly, Pte::ReadOnly]);
        assert!(ptes.is_mapped() && !ptes.is_writable());
    }

    #[test]
    fn what_was_mapped_and_is_no_longer_leaves_nothing_behind() {
        let mut ptes = Ptes::default();
        ptes.set(3, 2, Pte::ReadOnly);
        assert!(!ptes.none_of(2) && ptes.none_of(1));
        ptes.set(3, 2, Pte::Absent);
        assert_eq!(ptes, Ptes::default());
        ptes.set(1, 0, Pte::Writable);
        ptes.clear_page(1);
        assert_eq!(ptes, Ptes::default());
    }
}
