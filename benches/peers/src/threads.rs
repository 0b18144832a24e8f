//! The race for tools that run threads: compiled for loom and for shuttle, each as `tool`.
//!
//! A mutex is held for one operation. What lasts longer, a folio's lock, is a flag under a mutex, for reclaim only tries to take
//! it, and a store through a page table does not ask for it.

use std::sync::Arc;

use super::tool::sync::{Condvar, Mutex, MutexGuard};
use super::tool::thread;
use crate::executions::End;
use crate::race::{Check, Data, Folio, Race, final_state, is_unwritten};

/// Data that somebody may wait for.
struct Object<T> {
    value: Mutex<Waited<T>>,
    changed: Condvar,
}

/// Data, and how many wait: to wake nobody is an operation, too, and these tools would try all its orders.
struct Waited<T> {
    data: T,
    waiting: usize,
}

impl<T> Object<T> {
    fn new(data: T) -> Self {
        Object { value: Mutex::new(Waited { data, waiting: 0 }), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Waited<T>> {
        self.value.lock().expect("nobody panics")
    }

    fn lock_when(&self, condition: impl Fn(&T) -> bool) -> MutexGuard<'_, Waited<T>> {
        let mut value = self.lock();
        while !condition(&value.data) {
            value.waiting += 1;
            value = self.changed.wait(value).expect("nobody panics");
        }
        value
    }

    /// Changes the data so that somebody may be able to go on.
    fn release(&self, change: impl FnOnce(&mut T)) {
        let mut value = self.lock();
        change(&mut value.data);
        if std::mem::take(&mut value.waiting) > 0 {
            self.changed.notify_all();
        }
    }
}

struct Extents {
    unwritten: u8,
    seq: u64,
}

#[derive(Default)]
struct Device {
    ioends: u8,
    submitted: bool,
}

struct Shared {
    race: Race,
    folios: Vec<Object<Folio>>,
    extents: Mutex<Extents>,
    device: Object<Device>,
}

/// One run. The calling thread is the writer.
pub(super) fn run(race: Race) -> End {
    let shared = Arc::new(Shared {
        race,
        folios: race.file()[..race.folios].iter().copied().map(Object::new).collect(),
        extents: Mutex::new(Extents { unwritten: race.unwritten(), seq: 0 }),
        device: Object::new(Device::default()),
    });
    let mut others: Vec<fn(&Shared)> = vec![Shared::flush, Shared::complete];
    if race.cast.has_reclaim() {
        others.push(Shared::reclaim);
    }
    if race.cast.has_fault() {
        others.push(Shared::fault);
    }
    let spawn = |actor: fn(&Shared)| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || actor(&shared))
    };
    let others: Vec<_> = others.into_iter().map(spawn).collect();
    shared.write();
    for actor in others {
        actor.join().expect("nobody panics");
    }
    let folios: Vec<Folio> = shared.folios.iter().map(|folio| folio.lock().data).collect();
    let extents = shared.extents();
    End {
        said: final_state(&folios, extents.unwritten, extents.seq),
        lost: race.is_lost(&folios[race.last()], extents.unwritten),
    }
}

impl Shared {
    fn extents(&self) -> MutexGuard<'_, Extents> {
        self.extents.lock().expect("nobody panics")
    }

    /// The folio's lock. Returns whether its contents are the file's, which will be so as long as it is held.
    fn folio_lock(&self, at: usize) -> bool {
        let folio = &mut self.folios[at].lock_when(|folio| !folio.locked).data;
        (folio.locked, folio.present) = (true, true);
        folio.uptodate
    }

    fn read_in(&self, at: usize, is_unwritten: bool) {
        let folio = &mut self.folios[at].lock().data;
        (folio.head, folio.tail) = folio.below(is_unwritten);
        folio.uptodate = true;
    }

    fn write(&self) {
        let mut at = 0;
        while at < self.race.folios {
            at = self.write_mapping(at);
        }
    }

    /// Samples a mapping and writes what it is good for. Returns the folio to go on with.
    fn write_mapping(&self, first: usize) -> usize {
        let (unwritten, cookie) = {
            let extents = self.extents();
            (extents.unwritten, extents.seq)
        };
        for at in first..self.race.folios {
            let uptodate = self.folio_lock(at);
            if self.race.check == Check::IomapValid && self.extents().seq != cookie {
                self.folios[at].release(|folio| folio.locked = false);
                return at;
            }
            let is_last = at == self.race.last();
            if is_last && !uptodate {
                self.read_in(at, is_unwritten(unwritten, at));
            }
            self.folios[at].release(|folio| {
                folio.head = Data::Written;
                if !is_last {
                    folio.tail = Data::Written;
                }
                (folio.uptodate, folio.dirty, folio.locked) = (true, true, false);
            });
        }
        self.race.folios
    }

    fn fault(&self) {
        let last = self.race.last();
        loop {
            if !self.folio_lock(last) {
                let is_unwritten = is_unwritten(self.extents().unwritten, last);
                self.read_in(last, is_unwritten);
            }
            self.folios[last].release(|folio| {
                (folio.dirty, folio.writable, folio.locked) = (true, true, false);
            });
            let folio = &mut self.folios[last].lock().data;
            if folio.writable {
                folio.tail = Data::Stored;
                return;
            }
        }
    }

    fn flush(&self) {
        for (at, object) in self.folios.iter().enumerate() {
            let mut folio = object.lock_when(|folio| !folio.wants_writeback() || !folio.locked);
            if !folio.data.wants_writeback() {
                continue;
            }
            folio.data.locked = true;
            drop(folio);
            object.release(|folio| {
                (folio.dirty, folio.writable, folio.writeback, folio.locked) = (false, false, true, false);
            });
            let mut folio = object.lock();
            (folio.data.disk_head, folio.data.disk_tail) = (folio.data.head, folio.data.tail);
            self.device.release(|device| device.ioends |= 1 << at);
        }
        self.device.release(|device| device.submitted = true);
    }

    fn complete(&self) {
        loop {
            let mut device = self.device.lock_when(|device| device.ioends != 0 || device.submitted);
            let ioends = device.data.ioends;
            if ioends == 0 {
                return;
            }
            let at = ioends.trailing_zeros() as usize;
            device.data.ioends &= ioends - 1;
            drop(device);
            let mut extents = self.extents();
            if is_unwritten(extents.unwritten, at) {
                extents.unwritten &= !(1 << at);
                extents.seq += 1;
            }
            drop(extents);
            self.folios[at].lock().data.writeback = false;
        }
    }

    fn reclaim(&self) {
        for object in &self.folios {
            let mut folio = object.lock();
            if !folio.data.is_reclaimable() {
                continue;
            }
            folio.data.locked = true;
            drop(folio);
            object.release(|folio| {
                (folio.present, folio.uptodate, folio.locked) = (false, false, false);
                (folio.head, folio.tail) = (Data::Zero, Data::Zero);
            });
        }
    }
}
