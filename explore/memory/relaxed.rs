//! Relaxed memory: each word keeps the stores that somebody can still see.
//!
//! The operational semantics of release, acquire and relaxed accesses without promises (J. Kang, C.-K. Hur, O. Lahav,
//! V. Vafeiadis, D. Dreyer, "A promising semantics for relaxed-memory concurrency", POPL 2017, section 4 without
//! promises). Each word is a sequence of *messages* in modification order. A *view* says, for each word, up to which
//! message one has seen it; each actor has one. A load reads any message that its actor's view does not lie behind; a
//! store goes to any place that its actor's view does not lie behind; both move the view there. A releasing store
//! puts the view into its message, and an acquiring load that reads the message joins it into its actor's. A
//! read-modify-write goes right behind the message that it reads, nothing may come between the two afterwards, and it
//! passes on the view that it found there (release sequences, as C++20 has them). Locks and other hand-overs are
//! views that actors join into theirs and theirs into.
//!
//! In the kernel's model a release is *A-cumulative*: it passes on also what was released to a message that its actor
//! has read without acquiring it. So an actor has a second view there, of what it has read and may pass on.
//!
//! What no schedule of it shows is a load that reads a store that comes after it in some causal order (load
//! buffering): that takes promises. The kernel's model allows it for accesses without a dependency between them.
//!
//! **Identity.** Views hold ranks of messages, and a message that every actor has seen a later one of is forgotten, so
//! that memory is equal if and only if nobody can tell it apart: what two histories have in common is one state.
//! A word that is stored into for ever while somebody never looks has no finite set of states.

use stalemap_facade::ActorId;

/// A message's place in the modification order of its word, counted from the oldest that is kept.
type Rank = u16;

/// Bytes of what a vector has allocated, with what an allocator rounds up to.
fn allocated<T>(vector: &Vec<T>) -> usize {
    (vector.capacity() * size_of::<T>()).next_multiple_of(16)
}

/// By word, the newest message seen.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Seen(Vec<Rank>);

impl Seen {
    fn at(&self, word: usize) -> Rank {
        self.0.get(word).copied().unwrap_or(0)
    }

    fn set(&mut self, word: usize, rank: Rank) {
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] = rank;
    }

    fn raise(&mut self, word: usize, rank: Rank) {
        if rank > self.at(word) {
            self.set(word, rank);
        }
    }

    fn join(&mut self, other: &Seen) {
        for (word, rank) in other.0.iter().enumerate() {
            self.raise(word, *rank);
        }
    }

    /// Forgets what another view says as well.
    fn keep_beyond(&mut self, other: Option<&Seen>) {
        for (word, rank) in self.0.iter_mut().enumerate() {
            if other.is_none_or(|other| other.at(word) >= *rank) {
                *rank = 0;
            }
        }
        self.trim();
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// A message came into `word` at `rank`.
    fn make_room(&mut self, word: usize, rank: Rank) {
        if let Some(seen) = self.0.get_mut(word).filter(|seen| **seen >= rank) {
            *seen += 1;
        }
    }

    /// Bytes that it owns.
    fn owned(&self) -> usize {
        allocated(&self.0)
    }

    /// The first messages of each word are gone.
    fn forget(&mut self, gone: &[Rank]) {
        for (seen, gone) in self.0.iter_mut().zip(gone) {
            *seen = seen.saturating_sub(*gone);
        }
        self.trim();
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Message {
    value: u64,
    /// What an acquiring load of it joins.
    seen: Seen,
    /// Whether it is that of a read-modify-write that read the message before it.
    attached: bool,
}

/// What a release passes on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) enum Releases {
    /// What the actor has seen.
    #[default]
    Seen,
    /// And what was released to any message that it has read.
    Read,
}

/// Messages and views.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Messages {
    words: Vec<Vec<Message>>,
    /// By actor. Who has none runs alone, and sees everything.
    actors: Vec<Option<Seen>>,
    /// By actor, what it passes on when it releases, beyond what it has seen.
    read: Vec<Seen>,
    releases: Releases,
    /// What was released to each lock and hand-over.
    views: Vec<Seen>,
}

/// Whether a store releases, or a load acquires.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sides {
    Neither,
    Acquire,
    Release,
    Both,
}

impl Sides {
    fn acquires(self) -> bool {
        matches!(self, Sides::Acquire | Sides::Both)
    }

    fn releases(self) -> bool {
        matches!(self, Sides::Release | Sides::Both)
    }
}

impl Messages {
    pub(super) fn new(releases: Releases) -> Self {
        Messages { releases, ..Messages::default() }
    }

    /// A word with one message, which everybody has seen.
    pub(super) fn new_word(&mut self, value: u64) -> usize {
        self.words.push(vec![Message { value, seen: Seen::default(), attached: false }]);
        self.words.len() - 1
    }

    /// A lock or hand-over.
    pub(super) fn new_view(&mut self) -> usize {
        self.views.push(Seen::default());
        self.views.len() - 1
    }

    /// These actors run concurrently from here on. They have seen everything.
    pub(super) fn start(&mut self, actors: impl Iterator<Item = ActorId>) {
        for word in &mut self.words {
            word.drain(..word.len() - 1);
            word[0].attached = false;
            word[0].seen = Seen::default();
        }
        self.views.fill(Seen::default());
        for actor in actors {
            self.actors.resize(self.actors.len().max(actor + 1), None);
            self.actors[actor] = Some(Seen::default());
        }
        self.read = vec![Seen::default(); self.actors.len()];
    }

    /// An actor has finished, and looks at nothing any more.
    pub(super) fn retire(&mut self, actor: ActorId) {
        if let Some(seen) = self.actors.get_mut(actor) {
            *seen = None;
            self.read[actor] = Seen::default();
        }
    }

    /// What an actor passes on when it releases.
    fn passed_on(&self, actor: ActorId) -> Option<Seen> {
        let mut seen = self.seen(actor)?.clone();
        seen.join(&self.read[actor]);
        Some(seen)
    }

    /// All views.
    fn views(&mut self) -> impl Iterator<Item = &mut Seen> {
        let messages = self.words.iter_mut().flatten().map(|message| &mut message.seen);
        messages.chain(self.actors.iter_mut().flatten()).chain(&mut self.read).chain(&mut self.views)
    }

    /// Bytes that they own: many times their canonical bytes, which leave out what is empty, and all that is reserved.
    pub(super) fn owned(&self) -> usize {
        let messages = self.words.iter().flatten().map(|message| &message.seen);
        let views = messages.chain(self.actors.iter().flatten()).chain(&self.read).chain(&self.views);
        let lists =
            [allocated(&self.words), allocated(&self.actors), allocated(&self.read), allocated(&self.views)];
        let words = self.words.iter().map(allocated);
        lists.into_iter().chain(words).chain(views.map(Seen::owned)).sum()
    }

    fn seen(&self, actor: ActorId) -> Option<&Seen> {
        self.actors.get(actor)?.as_ref()
    }

    fn newest(&self, word: usize) -> Rank {
        (self.words[word].len() - 1) as Rank
    }

    /// The messages that an actor may read, newest first.
    pub(super) fn readable(&self, actor: ActorId, word: usize) -> Vec<Rank> {
        let newest = self.newest(word);
        let oldest = self.seen(actor).map_or(newest, |seen| seen.at(word));
        (oldest..=newest).rev().collect()
    }

    /// Whether a message may come right behind the one at `rank`.
    pub(super) fn has_room_behind(&self, word: usize, rank: Rank) -> bool {
        self.words[word].get(usize::from(rank) + 1).is_none_or(|next| !next.attached)
    }

    /// The value of a message.
    pub(super) fn value(&self, word: usize, rank: Rank) -> u64 {
        self.words[word][usize::from(rank)].value
    }

    /// The value of the newest message.
    pub(super) fn newest_value(&self, word: usize) -> u64 {
        self.value(word, self.newest(word))
    }

    /// An actor reads a message.
    pub(super) fn read(&mut self, actor: ActorId, word: usize, rank: Rank, sides: Sides) {
        let Some(Some(seen)) = self.actors.get_mut(actor) else { return };
        let released = &self.words[word][usize::from(rank)].seen;
        if sides.acquires() {
            seen.join(released);
        } else if self.releases == Releases::Read {
            self.read[actor].join(released);
        }
        seen.raise(word, rank);
    }

    /// An actor stores right behind the message at `rank`; `attached`: because it has read that.
    pub(super) fn store_behind(
        &mut self,
        actor: ActorId,
        word: usize,
        rank: Rank,
        value: u64,
        sides: Sides,
        attached: bool,
    ) {
        let place = rank + 1;
        self.views().for_each(|seen| seen.make_room(word, place));
        let mut passed_on =
            if attached { self.words[word][usize::from(rank)].seen.clone() } else { Seen::default() };
        if let Some(Some(seen)) = self.actors.get_mut(actor) {
            seen.raise(word, place);
        }
        if sides.releases() {
            passed_on.join(&self.passed_on(actor).unwrap_or_default());
        }
        self.words[word].insert(usize::from(place), Message { value, seen: passed_on, attached });
    }

    /// An actor joins what was released to a lock or hand-over.
    pub(super) fn acquire(&mut self, actor: ActorId, view: usize) {
        if let Some(Some(seen)) = self.actors.get_mut(actor) {
            seen.join(&self.views[view]);
        }
    }

    /// An actor reads what was released, and acquires nothing.
    pub(super) fn observe(&mut self, actor: ActorId, view: usize) {
        if self.releases == Releases::Read && self.seen(actor).is_some() {
            self.read[actor].join(&self.views[view]);
        }
    }

    /// An actor releases what it has seen.
    pub(super) fn release(&mut self, actor: ActorId, view: usize) {
        if let Some(seen) = self.passed_on(actor) {
            self.views[view].join(&seen);
        }
    }

    /// Nothing has been released.
    pub(super) fn reset(&mut self, view: usize) {
        self.views[view] = Seen::default();
    }

    /// What was released.
    pub(super) fn released(&self, view: usize) -> &Seen {
        &self.views[view]
    }

    /// Forgets the messages that nobody can read any more, and what views say of them.
    pub(super) fn forget(&mut self) {
        let words = 0..self.words.len();
        let oldest = |word| self.actors.iter().flatten().map(|seen| seen.at(word)).min();
        let gone: Vec<Rank> = words.map(|word| oldest(word).unwrap_or(self.newest(word))).collect();
        for (messages, gone) in self.words.iter_mut().zip(&gone) {
            messages.drain(..usize::from(*gone));
            // Nobody can store before the oldest.
            messages[0].attached = false;
        }
        self.views().for_each(|seen| seen.forget(&gone));
        for (seen, read) in self.actors.iter().zip(&mut self.read) {
            read.keep_beyond(seen.as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_actors() -> (Messages, usize) {
        let mut memory = Messages::default();
        let word = memory.new_word(0);
        memory.start(0..2);
        (memory, word)
    }

    #[test]
    fn a_message_is_forgotten_when_the_last_actor_has_seen_a_later_one() {
        let (mut memory, word) = two_actors();
        memory.store_behind(0, word, 0, 1, Sides::Neither, false);
        memory.forget();
        assert_eq!(memory.readable(0, word), [1]);
        assert_eq!(memory.readable(1, word), [1, 0]);
        memory.read(1, word, 1, Sides::Neither);
        memory.forget();
        assert_eq!(memory.readable(1, word), [0]);
        assert_eq!(memory.newest_value(word), 1);
    }

    #[test]
    fn who_has_finished_holds_nothing_back() {
        let (mut memory, word) = two_actors();
        memory.store_behind(0, word, 0, 1, Sides::Neither, false);
        memory.retire(1);
        memory.forget();
        assert_eq!(memory.readable(0, word), [0]);
    }

    #[test]
    fn nothing_comes_between_a_read_modify_write_and_what_it_read() {
        let (mut memory, word) = two_actors();
        memory.store_behind(0, word, 0, 1, Sides::Both, true);
        assert!(!memory.has_room_behind(word, 0));
        assert!(memory.has_room_behind(word, 1));
    }

    #[test]
    fn a_view_is_what_was_seen_and_moves_with_the_messages() {
        let (mut memory, word) = two_actors();
        let view = memory.new_view();
        memory.store_behind(0, word, 0, 1, Sides::Neither, false);
        memory.release(0, view);
        // Another store, before the first.
        memory.store_behind(1, word, 0, 2, Sides::Neither, false);
        memory.acquire(1, view);
        assert_eq!(memory.readable(1, word).len(), 1);
        assert_eq!(memory.newest_value(word), 1);
        memory.reset(view);
        assert_eq!(memory.released(view), &Seen::default());
    }
}
