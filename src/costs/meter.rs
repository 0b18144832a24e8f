//! What the modelled kernel's transitions cost: the model's expenses as tolls.
//!
//! Some tolls hang on what the same call has done before, and on who holds which lock. That is what is noted, as a sorted set
//! of facts, each a number.

use stalemap_explore::{Amount, Meter, Note, Quantity, Toll};
use stalemap_facade::{ActorId, Event};
use stalemap_model::state::event::{
    Expense, KernelEvent, LockKind, LookedUp, Method, Needless, Sampler, Spent, What,
};

use super::quantity::{self, Counted, excess_of_call, needless_of_call, of_call};

/// Reads the kernel's expenses.
pub struct KernelMeter;

/// An item: what it is, the file, and a number.
#[derive(Clone, Copy)]
struct Item {
    kind: Kind,
    file: u32,
    value: u32,
}

/// What an item is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mapped,
    ForMapping,
    ForFolio,
    ForWriteback,
    Abort,
    NeedlessAbort,
    InVain,
    Folio,
    Changed,
    Reserved,
    Punched,
    NothingToRead,
    Read,
    Took,
    Gave,
    Returned,
    Lookup,
}

impl Kind {
    const ALL: [Kind; 17] = [
        Kind::Mapped,
        Kind::ForMapping,
        Kind::ForFolio,
        Kind::ForWriteback,
        Kind::Abort,
        Kind::NeedlessAbort,
        Kind::InVain,
        Kind::Folio,
        Kind::Changed,
        Kind::Reserved,
        Kind::Punched,
        Kind::NothingToRead,
        Kind::Read,
        Kind::Took,
        Kind::Gave,
        Kind::Returned,
        Kind::Lookup,
    ];
}

impl Item {
    fn pack(self) -> u32 {
        (self.kind as u32) << 27 | (self.file & 0x7f) << 20 | self.value & 0xf_ffff
    }

    fn unpack(packed: u32) -> Self {
        Item { kind: Kind::ALL[(packed >> 27) as usize], file: packed >> 20 & 0x7f, value: packed & 0xf_ffff }
    }
}

/// Something to be noted. The first number says what.
mod facts {
    use stalemap_facade::ActorId;

    /// Room for the numbers of a fact: 4 bits what it is, 4 the actor, 8 the file, 16 what else.
    const fn fact(what: u32, actor: ActorId, file: u32, value: u32) -> u32 {
        what << 28 | (actor as u32 & 15) << 24 | (file & 0xff) << 16 | value & 0xffff
    }

    /// The call of an actor has had a mapping of a file.
    pub(super) fn mapped(actor: ActorId, file: u32) -> u32 {
        fact(1, actor, file, 0)
    }

    /// The call of an actor has given a mapping up.
    pub(super) fn aborted(actor: ActorId) -> u32 {
        fact(2, actor, 0, 0)
    }

    /// And has punched the reservation of a block since.
    pub(super) fn punched(actor: ActorId, file: u32, block: u32) -> u32 {
        fact(3, actor, file, block)
    }

    /// The mapping that the call of an actor has given up had nothing to read of a block.
    pub(super) fn nothing_to_read(actor: ActorId, file: u32, block: u32) -> u32 {
        fact(4, actor, file, block)
    }

    /// The call of an actor has read a block for a write.
    pub(super) fn has_read(actor: ActorId, file: u32, block: u32) -> u32 {
        fact(5, actor, file, block)
    }

    /// An actor holds a lock.
    pub(super) fn holds(actor: ActorId, file: u32, lock: u32) -> u32 {
        fact(6, actor, file, lock)
    }

    pub(super) fn is_of_call(fact: u32, actor: ActorId) -> bool {
        (1..=5).contains(&(fact >> 28)) && fact >> 24 & 15 == actor as u32
    }

    /// Whose call has had a mapping of the file, if the fact is that.
    pub(super) fn who_mapped(fact: u32, file: u32) -> Option<ActorId> {
        (fact >> 28 == 1 && fact >> 16 & 0xff == file).then_some((fact >> 24 & 15) as ActorId)
    }

    /// Which lock the actor holds, if the fact is that.
    pub(super) fn lock_of(fact: u32, actor: ActorId) -> Option<u32> {
        (fact >> 28 == 6 && fact >> 24 & 15 == actor as u32).then_some(fact & 0xffff)
    }
}

/// A lock's number: its kind in the upper four bits, the folio below.
fn number(lock: LockKind) -> u32 {
    let (kind, folio) = match lock {
        LockKind::IRwsem => (0, 0),
        LockKind::InvalidateLock => (1, 0),
        LockKind::Folio(index) => (2, u32::from(index)),
        LockKind::Ilock => (3, 0),
        LockKind::Glock => (4, 0),
    };
    kind << 12 | folio & 0xfff
}

/// What counts the operations under a lock, by the kind of its number.
const UNDER: [Counted; 5] = [
    quantity::UNDER_I_RWSEM,
    quantity::UNDER_INVALIDATE_LOCK,
    quantity::UNDER_FOLIO_LOCK,
    quantity::UNDER_ILOCK,
    quantity::UNDER_GLOCK,
];

fn items_of(spent: Spent) -> [Option<(Kind, u32)>; 2] {
    let one = |kind| [Some((kind, 0)), None];
    match spent.what {
        Expense::Mapped => one(Kind::Mapped),
        Expense::Called(
            Method::IomapBegin | Method::IomapEnd | Method::IomapNext | Method::IomapValidForDirect,
        ) => one(Kind::ForMapping),
        Expense::Called(Method::IomapValid | Method::GetFolio | Method::PutFolio) => one(Kind::ForFolio),
        Expense::Called(Method::MapBlocks | Method::IomapValidForWriteback) => one(Kind::ForWriteback),
        Expense::Aborted { needless, folio } => {
            let kind = if needless == Needless::Yes { Kind::NeedlessAbort } else { Kind::Abort };
            [Some((kind, 0)), (folio == LookedUp::Yes).then_some((Kind::InVain, 0))]
        }
        Expense::LockedFolio => one(Kind::Folio),
        Expense::LockedInVain => one(Kind::InVain),
        Expense::Changed => one(Kind::Changed),
        Expense::Reserved(block) => [Some((Kind::Reserved, block.into())), None],
        Expense::Punched(block) => [Some((Kind::Punched, block.into())), None],
        Expense::NothingToRead(block) => [Some((Kind::NothingToRead, block.into())), None],
        Expense::ReadBlock(block) => [Some((Kind::Read, block.into())), None],
        Expense::Took(lock) => [Some((Kind::Took, number(lock))), None],
        Expense::Gave(lock) => [Some((Kind::Gave, number(lock))), None],
    }
}

impl Meter for KernelMeter {
    fn read(&self, event: &Event, items: &mut Vec<u32>) {
        if let Some(spent) = event.of::<Spent>() {
            let file = spent.file.into();
            let of = items_of(*spent).into_iter().flatten();
            items.extend(of.map(|(kind, value)| Item { kind, file, value }.pack()));
        } else if let Some(told) = event.of::<KernelEvent>() {
            let kind = match told.what {
                What::Returned(..) => Kind::Returned,
                What::Sampled(Sampler::Writeback, _) => Kind::Lookup,
                _ => return,
            };
            items.push(Item { kind, file: 0, value: 0 }.pack());
        }
    }

    fn pay(&self, note: &mut Note, actor: ActorId, items: &[u32], tolls: &mut Vec<Toll>) {
        let mut under = [false; UNDER.len()];
        let held = |note: &Note, under: &mut [bool; UNDER.len()]| {
            let locks = note.iter().filter_map(|fact| facts::lock_of(*fact, actor));
            locks.for_each(|lock| under[(lock >> 12) as usize] = true);
        };
        held(note, &mut under);
        for item in items.iter().map(|packed| Item::unpack(*packed)) {
            pay_item(note, actor, item, tolls);
            held(note, &mut under);
        }
        more(tolls, quantity::OPERATIONS.quantity);
        for (counted, _) in UNDER.iter().zip(under).filter(|(_, held)| *held) {
            more(tolls, counted.quantity);
        }
    }
}

fn more(tolls: &mut Vec<Toll>, quantity: Quantity) {
    tolls.push(Toll { quantity, amount: Amount::Add(1) });
}

/// Enters a fact; whether it is new.
fn enter(note: &mut Note, fact: u32) -> bool {
    match note.binary_search(&fact) {
        Ok(_) => false,
        Err(place) => {
            note.insert(place, fact);
            true
        }
    }
}

/// Forgets a fact; whether it was one.
fn forget(note: &mut Note, fact: u32) -> bool {
    note.binary_search(&fact).map(|place| note.remove(place)).is_ok()
}

fn pay_item(note: &mut Note, actor: ActorId, Item { kind, file, value }: Item, tolls: &mut Vec<Toll>) {
    let has_aborted = note.contains(&facts::aborted(actor));
    match kind {
        Kind::Mapped => {
            more(tolls, quantity::MAPPINGS.quantity);
            if enter(note, facts::mapped(actor, file)) {
                tolls.push(Toll { quantity: excess_of_call(actor), amount: Amount::Restart });
            }
        }
        Kind::ForMapping => more(tolls, quantity::MAPPING_CALLS.quantity),
        Kind::ForFolio => more(tolls, quantity::FOLIO_CALLS.quantity),
        Kind::ForWriteback => more(tolls, quantity::WRITEBACK_CALLS.quantity),
        Kind::Lookup => more(tolls, quantity::LOOKUPS.quantity),
        Kind::Abort | Kind::NeedlessAbort => {
            for quantity in [quantity::ABORTS.quantity, of_call(actor), excess_of_call(actor)] {
                more(tolls, quantity);
            }
            if kind == Kind::NeedlessAbort {
                more(tolls, quantity::NEEDLESS.quantity);
                more(tolls, needless_of_call(actor));
            }
            enter(note, facts::aborted(actor));
        }
        Kind::InVain => more(tolls, quantity::IN_VAIN.quantity),
        Kind::Folio => more(tolls, quantity::FOLIOS.quantity),
        Kind::Changed => {
            let others = note.iter().filter_map(|fact| facts::who_mapped(*fact, file));
            for other in others.filter(|other| *other != actor) {
                tolls.push(Toll { quantity: excess_of_call(other), amount: Amount::Add(-1) });
            }
        }
        Kind::Punched if has_aborted => {
            more(tolls, quantity::PUNCHED.quantity);
            enter(note, facts::punched(actor, file, value));
        }
        Kind::Reserved => {
            if forget(note, facts::punched(actor, file, value)) {
                more(tolls, quantity::AGAIN.quantity);
            }
        }
        Kind::Punched => {}
        Kind::NothingToRead => {
            enter(note, facts::nothing_to_read(actor, file, value));
        }
        Kind::Read => pay_read(note, actor, (file, value), tolls),
        Kind::Took => {
            enter(note, facts::holds(actor, file, value));
        }
        Kind::Gave => give_back(note, actor, file, value),
        Kind::Returned => {
            note.retain(|fact| !facts::is_of_call(*fact, actor));
            for quantity in [of_call(actor), needless_of_call(actor), excess_of_call(actor)] {
                tolls.push(Toll { quantity, amount: Amount::Restart });
            }
        }
    }
}

/// A block is read. It would not be if the call had used the mappings that it has given up, of which one had nothing to read there;
/// or it was read for one of them already.
fn pay_read(note: &mut Note, actor: ActorId, (file, block): (u32, u32), tolls: &mut Vec<Toll>) {
    more(tolls, quantity::READS.quantity);
    let is_for_write = note.contains(&facts::mapped(actor, file));
    let is_again = is_for_write && !enter(note, facts::has_read(actor, file, block));
    let had_nothing = forget(note, facts::nothing_to_read(actor, file, block));
    if had_nothing || is_again && note.contains(&facts::aborted(actor)) {
        more(tolls, quantity::READS_ADDED.quantity);
    }
}

/// A lock is given back: by who holds it, or for him (a folio that completion unlocks).
fn give_back(note: &mut Note, actor: ActorId, file: u32, lock: u32) {
    if !forget(note, facts::holds(actor, file, lock)) {
        let others = (0..stalemap_explore::MAX_ACTORS).map(|other| facts::holds(other, file, lock));
        for fact in others {
            if forget(note, fact) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid(note: &mut Note, actor: ActorId, kinds: &[(Kind, u32)]) -> Vec<Toll> {
        let items: Vec<u32> =
            kinds.iter().map(|(kind, value)| Item { kind: *kind, file: 0, value: *value }.pack()).collect();
        let mut tolls = Vec::new();
        KernelMeter.pay(note, actor, &items, &mut tolls);
        tolls
    }

    fn sum(tolls: &[Toll], quantity: Quantity) -> i32 {
        let amount = |toll: &Toll| if let Amount::Add(more) = toll.amount { more } else { 0 };
        tolls.iter().filter(|toll| toll.quantity == quantity).map(amount).sum()
    }

    #[test]
    fn an_item_is_read_as_it_was_written() {
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
            let Item { kind: read, file, value } = Item::unpack(Item { kind, file: 3, value: 70_000 }.pack());
            assert!(read == kind && file == 3 && value == 70_000);
        }
    }

    #[test]
    fn a_change_counts_for_calls_of_others_that_have_a_mapping() {
        let mut note = Note::new();
        let before = paid(&mut note, 1, &[(Kind::Changed, 0)]);
        assert_eq!(sum(&before, excess_of_call(0)), 0);
        paid(&mut note, 0, &[(Kind::Mapped, 0)]);
        assert_eq!(sum(&paid(&mut note, 1, &[(Kind::Changed, 0)]), excess_of_call(0)), -1);
        assert_eq!(sum(&paid(&mut note, 0, &[(Kind::Changed, 0)]), excess_of_call(0)), 0, "its own");
        let aborted = paid(&mut note, 0, &[(Kind::Abort, 0)]);
        assert_eq!(sum(&aborted, excess_of_call(0)), 1);
        paid(&mut note, 0, &[(Kind::Returned, 0)]);
        assert!(note.is_empty());
    }

    #[test]
    fn only_what_is_punched_after_an_abort_is_taken_again() {
        let mut note = Note::new();
        let punched =
            |note: &mut Note| sum(&paid(note, 2, &[(Kind::Punched, 5)]), quantity::PUNCHED.quantity);
        assert_eq!(punched(&mut note), 0);
        paid(&mut note, 2, &[(Kind::NeedlessAbort, 0)]);
        assert_eq!(punched(&mut note), 1);
        let again = |note: &mut Note, block| {
            sum(&paid(note, 2, &[(Kind::Reserved, block)]), quantity::AGAIN.quantity)
        };
        assert_eq!((again(&mut note, 4), again(&mut note, 5), again(&mut note, 5)), (0, 1, 0));
    }

    #[test]
    fn a_read_is_added_by_what_was_given_up() {
        let mut note = Note::new();
        let added = |note: &mut Note, actor, block| {
            sum(&paid(note, actor, &[(Kind::Read, block)]), quantity::READS_ADDED.quantity)
        };
        paid(&mut note, 1, &[(Kind::Mapped, 0)]);
        assert_eq!((added(&mut note, 1, 3), added(&mut note, 1, 4)), (0, 0));
        paid(&mut note, 1, &[(Kind::Abort, 0), (Kind::NothingToRead, 5)]);
        assert_eq!(added(&mut note, 2, 5), 0, "of another");
        assert_eq!((added(&mut note, 1, 5), added(&mut note, 1, 6)), (1, 0));
        assert_eq!(added(&mut note, 1, 3), 1, "again");
        paid(&mut note, 1, &[(Kind::Returned, 0)]);
        assert!(note.is_empty());
    }

    #[test]
    fn an_operation_is_under_the_locks_that_it_takes_gives_back_or_finds_held() {
        let mut note = Note::new();
        let folio = number(LockKind::Folio(3));
        let under = quantity::UNDER_FOLIO_LOCK.quantity;
        assert_eq!(sum(&paid(&mut note, 1, &[(Kind::Took, folio)]), under), 1);
        assert_eq!(sum(&paid(&mut note, 1, &[]), under), 1);
        assert_eq!(sum(&paid(&mut note, 2, &[]), under), 0);
        assert_eq!(sum(&paid(&mut note, 2, &[(Kind::Gave, folio)]), under), 0, "for the other");
        assert_eq!(sum(&paid(&mut note, 1, &[]), under), 0);
    }
}
