//! Kernel read-write semaphores on top of the facade.
//!
//! A semaphore is held from one step of a path to a later one, so there is no guard: the word itself says
//! who holds it, and the step state knows. Taking is a visible operation that is enabled when it can
//! succeed; releasing is part of the transition that does it.
//!
//! Who takes it sees what was done under it before. Between those who hold it shared nothing passes.

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::state::event::{Expense, KernelEvent, LockKind, Spent, What};
use crate::state::handover::Handover;
use crate::state::tracepoint::{self, Mode};
use crate::words::command::FileId;
use crate::words::ordering::{Link, Orderings};

/// How i_rwsem is held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IoLock {
    /// Shared.
    Shared,
    /// Exclusively.
    Exclusive,
}

/// The word of a semaphore.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Holders {
    writer: Option<ActorId>,
    /// Readers, as a set of actors.
    readers: u16,
}

/// A `struct rw_semaphore` (i_rwsem, invalidate_lock).
pub struct RwSemaphore<B: Backend> {
    word: B::Lock<Holders>,
    /// From who held it exclusively.
    written: Handover<B>,
    /// From who held it shared.
    read: Handover<B>,
    traced: Option<Traced<B>>,
    of_file: Option<OfFile<B>>,
}

/// Of a semaphore of a file: which one, for whoever counts costs.
struct OfFile<B: Backend> {
    backend: B,
    file: FileId,
    kind: LockKind,
}

/// Of a semaphore whose taking and releasing is traced: by whom, and as what.
struct Traced<B: Backend> {
    backend: B,
    lock: &'static str,
    file: FileId,
}

impl<B: Backend> RwSemaphore<B> {
    /// Creates a free semaphore.
    pub fn new(backend: &B, name: &'static str, orderings: Orderings, link: Link) -> Self {
        let handover = || Handover::new(backend, name, orderings, link, link);
        RwSemaphore {
            word: backend.unordered(name, Holders::default()),
            written: handover(),
            read: handover(),
            traced: None,
            of_file: None,
        }
    }

    /// The semaphore, as a lock of a file.
    #[must_use]
    pub fn of_file(self, backend: &B, file: FileId, kind: LockKind) -> Self {
        RwSemaphore { of_file: Some(OfFile { backend: backend.clone(), file, kind }), ..self }
    }

    fn account(&self, expense: impl Fn(LockKind) -> Expense) {
        if let Some(OfFile { backend, file, kind }) = &self.of_file {
            backend.account(|| Some(Spent { file: *file, what: expense(*kind) }));
        }
    }

    /// The semaphore, traced as XFS's name for a lock of a file.
    #[must_use]
    pub fn traced(self, backend: &B, lock: &'static str, file: FileId) -> Self {
        RwSemaphore { traced: Some(Traced { backend: backend.clone(), lock, file }), ..self }
    }

    fn trace(&self, name: &'static str, mode: Mode) {
        if let Some(Traced { backend, lock, file }) = &self.traced {
            let what = || What::Tracepoint(tracepoint::xfs_ilock(*file, name, lock, mode));
            backend.emit(|| KernelEvent { file: None, compared: None, what: what() });
        }
    }

    fn acquire_all(&self) {
        self.written.acquire();
        self.read.acquire();
    }

    /// `down_read`.
    pub async fn down_read(&self, op: Op, me: ActorId) {
        self.word.lock_when(op, |word, _| word.writer.is_none(), 0).await.readers |= 1 << me;
        self.written.acquire();
        self.account(Expense::Took);
        self.trace("xfs_ilock", Mode::Shared);
    }

    /// `down_read_trylock`.
    pub async fn down_read_trylock(&self, op: Op, me: ActorId) -> bool {
        let mut word = self.word.lock(op).await;
        let free = word.writer.is_none();
        if free {
            word.readers |= 1 << me;
            self.written.acquire();
            self.account(Expense::Took);
            self.trace("xfs_ilock_nowait", Mode::Shared);
        }
        free
    }

    /// `up_read`.
    pub fn up_read(&self, me: ActorId) {
        self.read.release();
        self.word.release(|word| word.readers &= !(1 << me));
        self.account(Expense::Gave);
        self.trace("xfs_iunlock", Mode::Shared);
    }

    /// `down_write`.
    pub async fn down_write(&self, op: Op, me: ActorId) {
        self.word.lock_when(op, |word, _| word.writer.is_none() && word.readers == 0, 0).await.writer =
            Some(me);
        self.acquire_all();
        self.account(Expense::Took);
        self.trace("xfs_ilock", Mode::Exclusive);
    }

    /// `down_write_trylock`.
    pub async fn down_write_trylock(&self, op: Op, me: ActorId) -> bool {
        let mut word = self.word.lock(op).await;
        let free = *word == Holders::default();
        if free {
            word.writer = Some(me);
            self.acquire_all();
            self.account(Expense::Took);
            self.trace("xfs_ilock_nowait", Mode::Exclusive);
        }
        free
    }

    /// `up_write`.
    pub fn up_write(&self, me: ActorId) {
        self.written.release();
        self.word.release(|word| {
            debug_assert_eq!(word.writer, Some(me), "up_write by who does not hold it");
            word.writer = None;
        });
        self.account(Expense::Gave);
        self.trace("xfs_iunlock", Mode::Exclusive);
    }

    /// `downgrade_write`: the holder lets others read beside it.
    pub fn downgrade_write(&self, me: ActorId) {
        self.written.release();
        self.word.release(|word| {
            debug_assert_eq!(word.writer, Some(me), "downgrade_write by who does not hold it");
            word.writer = None;
            word.readers |= 1 << me;
        });
        self.trace("xfs_ilock_demote", Mode::Exclusive);
    }

    /// Who holds it, for observers: the actors, and whether as a writer. `None`: nobody.
    pub fn holders(&self) -> Option<(Vec<ActorId>, bool)> {
        let mut holders = None;
        self.word.audit(|word| {
            let readers = (0..16).filter(|actor| word.readers & 1 << actor != 0);
            holders = match word.writer {
                Some(writer) => Some((vec![writer], true)),
                None if word.readers != 0 => Some((readers.collect(), false)),
                None => None,
            };
        });
        holders
    }

    /// Calls `complain` if somebody holds it.
    pub fn audit_free(&self, complain: impl FnOnce()) {
        self.word.audit(|word| {
            if *word != Holders::default() {
                complain();
            }
        });
    }
}
