//! Events in words, for every report: the only place that makes text of them.

use std::ops::Range;

use stalemap_facade::Event;
use stalemap_model::state::event::{
    AfterStale, Coverage, DataEvent, Dropped, Errno, Fill, FolioEvent, KernelEvent, MapChange, Mapping, Says,
    Seq, Shift, Skip, Truth, Use, Verdict, What,
};
use stalemap_model::state::mapping::IomapType;
use stalemap_model::words::extent::Fork;
use stalemap_model::words::geometry::Bytes;

/// An event in words, without the file that it concerns; empty where it says nothing to a reader.
pub fn event(event: &Event) -> String {
    match event.of::<KernelEvent>() {
        Some(event) => what(&event.what),
        None => event.words(),
    }
}

fn what(what: &What) -> String {
    match what {
        What::Tracepoint(_) | What::Counted { .. } | What::Dropped(Dropped::Done) => String::new(),
        What::MapChanged(change) => map_change(change),
        What::Sampled(_, sampled) => mapping(sampled),
        What::SampledCookie(cookie) => format!("the cookie is seq {}", seq(*cookie)),
        What::Checked(_, verdict) => checked(verdict),
        What::Used(used) => self::used(used),
        What::Dropped(Dropped::IomapEnd) => "iomap_end".to_owned(),
        What::Dropped(Dropped::Failed(error)) | What::Failed(error) => errno(*error).to_owned(),
        What::MkwriteMapped { folio_locked: true, mapping: mapped } => {
            format!("folio locked, then mapped: {}", mapping(mapped))
        }
        What::MkwriteMapped { folio_locked: false, mapping: mapped } => {
            format!("mapped, folio not locked: {}", mapping(mapped))
        }
        What::Folio(event) => folio(event),
        What::Data(event) => data(event),
        What::Size(bytes) => format!("i_size = {}", Bytes(*bytes)),
        What::Sigbus(Some(error)) => format!("{}, SIGBUS", errno(*error)),
        What::Sigbus(None) => "SIGBUS".to_owned(),
        What::BufferedInstead => "ENOTBLK: buffered instead".to_owned(),
        What::SourceMissing => "fault in the source".to_owned(),
        What::BudgetLeft(blocks) => format!("{blocks} blocks left of the budget"),
        What::FlushToZero => "dirty: flush and map again".to_owned(),
        What::BuffersJoined => "buffers joined to the transaction".to_owned(),
    }
}

/// A mapping: `written SHARED NEW 0-8k, seq 3/1`.
fn mapping(mapping: &Mapping) -> String {
    let shared = if mapping.fork == Fork::Cow { " SHARED" } else { "" };
    let new = if mapping.new { " NEW" } else { "" };
    format!("{}{shared}{new} {}, seq {}", mapping.kind, range(&mapping.bytes), seq(mapping.cookie))
}

/// A cookie or the counters: the data fork's, and the COW fork's where that counts (`3/1`).
pub fn seq(seq: Seq) -> String {
    match seq.cow {
        None => seq.data.to_string(),
        Some(cow) => format!("{}/{cow}", seq.data),
    }
}

fn checked(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Valid => "still valid".to_owned(),
        Verdict::Stale { then: AfterStale::LookUp, .. } | Verdict::Stale { now: None, .. } => {
            "stale: look up again".to_owned()
        }
        Verdict::Stale { sampled, now: Some(now), then } => {
            let kept = if *then == AfterStale::Kept { "; it is kept, with the new seq" } else { "" };
            format!("stale: sampled at seq {}, now {}{kept}", seq(*sampled), seq(*now))
        }
    }
}

/// A use of a mapping: what it says, and what is so instead.
pub fn used(used: &Use) -> String {
    let says = match used.says {
        Says::IntoInode => return "into the inode".to_owned(),
        Says::Kind(kind) => kind.to_string(),
        Says::WrittenNew => "written NEW".to_owned(),
        Says::Device(phys) => format!("device block {phys}"),
    };
    let at: Vec<String> = used.at.iter().map(range).collect();
    let at = if at.is_empty() { String::new() } else { format!(" at {}", at.join(", ")) };
    let truth = match used.truth {
        Truth::AsItSays | Truth::Elsewhere => String::new(),
        Truth::Extent(extent) => format!(", the extent is {}", extent.letter()),
        Truth::At(phys) => format!(", the extent is at device block {phys}"),
        Truth::WrittenSince => ", the block has been written since".to_owned(),
        Truth::Unbacked => ", which has neither block nor reservation".to_owned(),
        Truth::Shared => ", the extent is shared".to_owned(),
        Truth::BlockPointers => ", the inode has block pointers".to_owned(),
    };
    let skipped = match used.skips {
        None => "",
        Some(Skip::Zeroing) => ": zeroing skipped",
        Some(Skip::Unsharing) => ": unsharing skipped",
    };
    format!("mapping says {says}{at}{truth}{skipped}")
}

fn errno(error: Errno) -> &'static str {
    match error {
        Errno::Again => "EAGAIN",
        Errno::NoSpace => "ENOSPC",
        Errno::Io => "EIO",
        Errno::Fault => "EFAULT",
        Errno::NoMemory => "ENOMEM",
        Errno::Invalid => "EINVAL",
    }
}

fn folio(event: &FolioEvent) -> String {
    match event {
        FolioEvent::Added(_) => "new folio".to_owned(),
        FolioEvent::Dropped(index) => format!("drop folio {index}"),
        FolioEvent::Kept(index) => format!("folio {index} stays"),
        FolioEvent::KeptStateLost(index) => format!("folio {index} stays, per-block state lost"),
        FolioEvent::KeptDirty(index) => format!("folio {index} is dirty and stays"),
        FolioEvent::Removed(index) => format!("folio {index} removed"),
        FolioEvent::GoneForWrite(index) => format!("folio {index} has left the cache: look up again"),
        FolioEvent::GoneForFault(index) => format!("folio {index} has left the cache: fault again"),
        FolioEvent::Cleaned(index) => format!("folio {index} clean"),
        FolioEvent::Filled(index, kinds) => {
            let mut kinds: Vec<String> = kinds.iter().map(IomapType::to_string).collect();
            kinds.sort_unstable();
            format!("fill folio {index}: {}", kinds.join(", "))
        }
        FolioEvent::Written(index) => format!("folio {index} on disk"),
        FolioEvent::Mapped { index, writable: true } => format!("map folio {index} writable"),
        FolioEvent::Mapped { index, writable: false } => format!("map folio {index} read-only"),
        FolioEvent::Pinned(index) => format!("pin folio {index}"),
    }
}

fn data(event: &DataEvent) -> String {
    match event {
        DataEvent::Copied { fill, bytes, short } => {
            let what = match fill {
                Fill::Data => "copy",
                Fill::Zero => "zero",
                Fill::Unshare => "unshare",
            };
            let short = if *short { ", short" } else { "" };
            format!("{what} {}{short}", range(bytes))
        }
        DataEvent::Read(bytes) => format!("read {}", range(bytes)),
        DataEvent::Loaded(bytes) => format!("load {}", range(bytes)),
        DataEvent::Stored(bytes) => format!("store {}", range(bytes)),
        DataEvent::DeviceStored(bytes) => format!("the device stores {}", range(bytes)),
        DataEvent::BlockRead(bytes) => format!("read {} from disk", range(bytes)),
        DataEvent::ZeroedInMemory(bytes) => format!("zero {} in memory", range(bytes)),
        DataEvent::ZeroedInCache(bytes) => format!("{} zeroed in the cache", range(bytes)),
        DataEvent::ZeroedInInode(bytes) => format!("{} zeroed in the inode", range(bytes)),
        DataEvent::Submitted(bytes) => format!("write {}", range(bytes)),
        DataEvent::WriteFailed(bytes) => format!("EIO for {}", range(bytes)),
        DataEvent::OnDevice { bytes, zeros } => {
            let zeros = if *zeros { "zeros for " } else { "" };
            format!("{zeros}{} on disk", range(bytes))
        }
    }
}

/// The letter of an extent in tables; `none` for what the COW fork does not have.
fn letter(fork: Fork, kind: IomapType) -> &'static str {
    match kind {
        IomapType::Hole if fork == Fork::Cow => "none",
        IomapType::Hole => "H",
        IomapType::Delalloc => "D",
        IomapType::Unwritten => "U",
        IomapType::Mapped => "W",
        IomapType::Inline => "I",
    }
}

/// A change of the extent map: `U -> W 4k-8k`.
pub fn map_change(change: &MapChange) -> String {
    match change {
        MapChange::Extents { fork, from, to, bytes, coverage } => {
            let cow = if *fork == Fork::Cow { "COW " } else { "" };
            let from = from.map_or_else(String::new, |from| format!("{} ", letter(*fork, from)));
            let parts = if *coverage == Coverage::Parts { "in " } else { "" };
            format!("{cow}{from}-> {} {parts}{}", letter(*fork, *to), range(bytes))
        }
        MapChange::CowToData { bytes } => format!("COW W -> data W {}", range(bytes)),
        MapChange::Remapped { bytes } => format!("remapped {}", range(bytes)),
        MapChange::Unstuffed { bytes } => format!("data move out of the inode: I -> W {}", range(bytes)),
        MapChange::Shifted { shift: Shift::Down, bytes } => {
            format!("what lies behind moves down onto {}", range(bytes))
        }
        MapChange::Shifted { shift: Shift::Up, bytes } => {
            format!("what lies behind moves up from {}", range(bytes))
        }
        MapChange::CounterOnly => "look-up moves the counter".to_owned(),
    }
}

/// Bytes as people write them: `4k-8k`.
fn range(bytes: &Range<u64>) -> String {
    format!("{}-{}", Bytes(bytes.start), Bytes(bytes.end))
}
