//! Direct I/O in flight (struct iomap_dio), and the queues of what is not waited for.

use std::ops::Range;

use stalemap_facade::ActorId;

use crate::state::sync::IoLock;
use crate::words::command::FileId;
use crate::words::extent::Phys;
use crate::words::geometry::{Cell, FileBlock};
use crate::words::value::{Value, WriteId};

/// How a write is submitted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Submission {
    /// Beside others.
    Plain,
    /// Beside others, as long as it only overwrites.
    OverwriteOnly,
    /// Alone, since it may have to zero parts of blocks.
    Alone,
    /// With nobody beside it but what is in flight already, and waited for, since it makes the file longer.
    Extending,
}

/// What the device is given.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Payload {
    /// Zeros.
    Zeros,
    /// What a write was given, which nobody changes.
    Written(WriteId),
    /// A copy of the user's buffer of a write that was made at submission.
    Copied(WriteId, Vec<Value>),
    /// Whatever that buffer has when the device reads it; with what it had at submission.
    InPlace(WriteId, Vec<Value>),
}

/// A write to the device.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct DeviceWrite {
    pub(crate) cells: Range<Cell>,
    /// The device block of the first cell.
    pub(crate) phys: Phys,
    pub(crate) data: Payload,
    /// The device block is the COW fork's.
    pub(crate) shared: bool,
}

/// Who completes a direct write.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Completer {
    /// Its submitter, who waits for it.
    Submitter,
    /// A worker: a place in [`SuperBlock::aio`](crate::state::superblock::SuperBlock).
    Worker(u8),
    /// A worker, behind the back of a submitter who has waited until the data are on the device.
    WorkerAfterData(u8),
}

/// A direct write (struct iomap_dio).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Dio {
    /// Which write of the scenario.
    pub id: WriteId,
    /// What it was asked to write.
    pub request: Range<Cell>,
    /// Who completes it.
    pub completer: Completer,
    /// IOCB_NOWAIT: it would rather fail than wait.
    pub(crate) nowait: bool,
    /// IOCB_DONTCACHE: done as a buffered write, it leaves nothing in the page cache.
    pub(crate) dontcache: bool,
    pub(crate) submission: Submission,
    /// How i_rwsem is held, or is going to be.
    pub(crate) lock: IoLock,
    pub(crate) begun: bool,
    /// Nothing of the range was cached when it was looked at before i_rwsem.
    pub(crate) uncached: bool,
    /// IOMAP_DIO_UNWRITTEN: some mapping was.
    pub unwritten: bool,
    /// IOMAP_DIO_COW: some mapping was of the COW fork.
    pub cow: bool,
    /// What is not on the device yet.
    pub device: Vec<DeviceWrite>,
    /// The size before what it zeroes in front of it made the file longer, if it may have.
    pub(crate) size_before: Option<Cell>,
    /// An error ended it.
    pub failed: bool,
    /// The device may fail it.
    pub may_fail: bool,
    /// A folio that was cached behind its back is dirty, and stays.
    pub(crate) collided: bool,
    /// It was acknowledged already.
    pub acknowledged: bool,
}

impl Dio {
    /// One that waits for locks, and may be cached where it is done as a buffered write.
    pub(crate) fn new(id: WriteId, request: Range<Cell>, completer: Completer) -> Self {
        Dio {
            id,
            request,
            completer,
            nowait: false,
            dontcache: false,
            submission: Submission::Plain,
            lock: IoLock::Shared,
            begun: false,
            uncached: false,
            unwritten: false,
            cow: false,
            device: Vec::new(),
            size_before: None,
            failed: false,
            may_fail: false,
            collided: false,
            acknowledged: false,
        }
    }
}

/// Who completes a read that is not waited for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Reader {
    /// The actor that the data is returned to, for the judge.
    pub actor: ActorId,
    /// The worker, as a place in [`SuperBlock::aio`](crate::state::superblock::SuperBlock); without one the read is
    /// waited for.
    pub worker: Option<u8>,
}

/// A direct read (struct iomap_dio).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct DirectRead {
    pub(crate) reader: Reader,
    /// What was asked for.
    pub(crate) request: Range<Cell>,
    /// The end, clipped to the size.
    pub(crate) end: Cell,
    /// Blocks that read as zeros.
    pub(crate) zeros: Vec<FileBlock>,
    /// Blocks that the device has not read yet, with the first of each run's place.
    pub(crate) device: Vec<(Range<FileBlock>, Phys)>,
    /// The valid size that they were mapped with, if the file has one: what lies behind it is zeroed in the buffer.
    pub(crate) valid: Option<Cell>,
}

/// Direct I/O that is not waited for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Aio {
    /// A write.
    Write(FileId, Dio),
    /// A read.
    Read(FileId, DirectRead),
}

/// What one command has submitted.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct AioQueue {
    /// What its worker has not begun with.
    pub(crate) queued: Vec<Aio>,
    /// What is not acknowledged.
    pub(crate) outstanding: u8,
}

impl AioQueue {
    /// Something is submitted.
    pub fn add(&mut self, aio: Aio) {
        self.queued.push(aio);
        self.outstanding += 1;
    }
}
