//! Events in words, for every report: the only place that makes text of them.

use std::ops::Range;

use stalemap_facade::Event;
use stalemap_model::state::event::{
    AfterStale, Coverage, DataEvent, Dropped, Fallback, Fill, FolioEvent, KernelEvent, MapChange, Mapping,
    Says, Seq, Shift, Skip, Truth, Use, Verdict, What,
};
use stalemap_model::state::mapping::IomapType;
use stalemap_model::words::command::Whence;
use stalemap_model::words::count::count;
use stalemap_model::words::extent::{Extent, Fork};
use stalemap_model::words::geometry::{ByteRange, Bytes};
use stalemap_model::words::personality::Hooks;

/// An event in words, without the file that it concerns; empty where it says nothing to a reader.
pub fn event(event: &Event) -> String {
    match event.of::<KernelEvent>() {
        Some(event) => what(&event.what),
        None => event.words(),
    }
}

fn what(what: &What) -> String {
    match what {
        What::Tracepoint(_) | What::Counted { .. } | What::Dropped(Dropped::Done) | What::Returned(..) => {
            String::new()
        }
        What::DataMode(Hooks::Jdata) => "data are journalled from here on".to_owned(),
        What::DataMode(Hooks::Nothing) => "data are not journalled from here on".to_owned(),
        What::LookedAtDataMode(Hooks::Jdata) => "as for journalled data".to_owned(),
        What::LookedAtDataMode(Hooks::Nothing) => "as for data that are not journalled".to_owned(),
        What::MapChanged(change) => map_change(change),
        What::Sampled(_, sampled) => mapping(sampled),
        What::SampledCookie(cookie) => format!("the cookie is seq {}", seq(*cookie)),
        What::Checked(_, verdict) => checked(verdict),
        What::Used(used) => self::used(used),
        What::Dropped(Dropped::IomapEnd) => "iomap_end".to_owned(),
        What::Dropped(Dropped::Failed(error)) | What::Failed(error) => error.name().to_owned(),
        What::MkwriteMapped { folio_locked: true, mapping: mapped } => {
            format!("folio locked, then mapped: {}", mapping(mapped))
        }
        What::MkwriteMapped { folio_locked: false, mapping: mapped } => {
            format!("mapped, folio not locked: {}", mapping(mapped))
        }
        What::Folio(event) => folio(event),
        What::Data(event) => data(event),
        What::Size(bytes) => format!("i_size = {}", Bytes(*bytes)),
        What::ValidSize(bytes) => format!("the valid size is {}", Bytes(*bytes)),
        What::Sigbus(Some(error)) => format!("{}, SIGBUS", error.name()),
        What::Sigbus(None) => "SIGBUS".to_owned(),
        What::BufferedInstead(Fallback::NotBlock) => "ENOTBLK: buffered instead".to_owned(),
        What::BufferedInstead(Fallback::Checksums) => "the file has checksums: buffered instead".to_owned(),
        What::MmapExtends(bytes) => format!("mmap(2): the valid size is to be {}", Bytes(*bytes)),
        What::SourceMissing => "fault in the source".to_owned(),
        What::BudgetLeft(blocks) => format!("{} left of the budget", count(u64::from(*blocks), "block")),
        What::FlushToZero => "dirty: flush and map again".to_owned(),
        What::BuffersJoined => "buffers joined to the transaction".to_owned(),
    }
}

/// Why a mapping says unwritten where the extent is written.
const BEHIND_VALID: &str = " (behind the valid size)";

/// A mapping: `written SHARED NEW 0-8k, seq 3/1`.
pub fn mapping(mapping: &Mapping) -> String {
    let shared = if mapping.fork == Fork::Cow { " SHARED" } else { "" };
    let new = if mapping.new { " NEW" } else { "" };
    let behind = if mapping.behind_valid { BEHIND_VALID } else { "" };
    format!("{}{shared}{new} {}{behind}, seq {}", mapping.kind, range(&mapping.bytes), seq(mapping.cookie))
}

/// A cookie or the counters: the data fork's, and the COW fork's where that counts (`3/1`); what a cookie has beside them.
pub fn seq(seq: Seq) -> String {
    let Seq { data, cow, size, dirtied } = seq;
    let cow = cow.map(|cow| format!("/{cow}")).unwrap_or_default();
    let size = size.map(|size| format!(" i_size {}", Bytes(size))).unwrap_or_default();
    let dirtied = dirtied.map(|count| format!(" dirtied {count}")).unwrap_or_default();
    format!("{data}{cow}{size}{dirtied}")
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
        Some(Skip::Writing) => ": writing skipped",
        Some(Skip::Reading) => ": called a hole",
    };
    format!("mapping says {says}{at}{truth}{skipped}")
}

fn folio(event: &FolioEvent) -> String {
    match event {
        FolioEvent::Added(_) => "new folio".to_owned(),
        FolioEvent::Dropped(index) => format!("drop folio {index}"),
        FolioEvent::Kept(index) => format!("folio {index} stays"),
        FolioEvent::Absent(_) => "no folio".to_owned(),
        FolioEvent::KeptStateLost(index) => format!("folio {index} stays, per-block state lost"),
        FolioEvent::KeptDirty(index) => format!("folio {index} is dirty and stays"),
        FolioEvent::Removed(index) => format!("folio {index} removed"),
        FolioEvent::GoneForWrite(index) => format!("folio {index} has left the cache: look up again"),
        FolioEvent::GoneForFault(index) => format!("folio {index} has left the cache: fault again"),
        FolioEvent::Cleaned(index) => format!("folio {index} clean"),
        FolioEvent::Filled { index, kinds, behind_valid } => {
            let mut kinds: Vec<String> = kinds.iter().map(IomapType::to_string).collect();
            kinds.sort_unstable();
            let behind = if *behind_valid { BEHIND_VALID } else { "" };
            format!("fill folio {index}: {}{behind}", kinds.join(", "))
        }
        FolioEvent::Summed(index) => format!("checksum of folio {index}"),
        FolioEvent::Written(index) => format!("folio {index} on disk"),
        FolioEvent::Mapped { index, writable: true } => format!("map folio {index} writable"),
        FolioEvent::Mapped { index, writable: false } => format!("map folio {index} read-only"),
        FolioEvent::Pinned(index) => format!("pin folio {index}"),
        FolioEvent::Redirtied(index) => format!("folio {index} dirty as it is"),
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
        DataEvent::Read(given) => format!("read {}", range(&given.bytes)),
        DataEvent::Sought { whence, found } => {
            let whence = match whence {
                Whence::Data => "SEEK_DATA",
                Whence::Hole => "SEEK_HOLE",
            };
            let found = found.map_or_else(|| "ENXIO".to_owned(), |found| Bytes(found).to_string());
            format!("{whence}: {found}")
        }
        DataEvent::Loaded(given) => format!("load {}", range(&given.bytes)),
        DataEvent::Stored(bytes) => format!("store {}", range(bytes)),
        DataEvent::BufferStored { buffer, bytes } => format!("store to [{buffer}] {}", range(bytes)),
        DataEvent::BufferCopied { buffer, bytes } => {
            format!("copy of [{buffer}] {}, with its checksum", range(bytes))
        }
        DataEvent::Summed(bytes) => format!("checksum of {}", range(bytes)),
        DataEvent::OtherChecksum(bytes) => {
            format!("checksum of {} is of other data", range(bytes))
        }
        DataEvent::DeviceStored(bytes) => format!("the device stores {}", range(bytes)),
        DataEvent::BlockRead(bytes) => format!("read {} from disk", range(bytes)),
        DataEvent::ZeroedInMemory(bytes) => format!("zero {} in memory", range(bytes)),
        DataEvent::ZeroedInCache(bytes) => format!("{} zeroed in the cache", range(bytes)),
        DataEvent::ZeroedInInode(bytes) => format!("{} zeroed in the inode", range(bytes)),
        DataEvent::Submitted(bytes) => format!("write {}", range(bytes)),
        DataEvent::WriteFailed(bytes) => format!("EIO for {}", range(bytes)),
        DataEvent::CopyUnused(bytes) => format!("{} has changed: the copy is dropped", range(bytes)),
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
            let from = letter(*fork, *from);
            format!("{cow}{from} -> {} {}{}", letter(*fork, *to), parts(*coverage), range(bytes))
        }
        MapChange::Replaced { from, to, bytes, coverage } => {
            let mut letters: Vec<String> = Vec::new();
            for letter in from.iter().map(|extent| extent.letter().to_string()) {
                if !letters.contains(&letter) {
                    letters.push(letter);
                }
            }
            let changed =
                format!("{} -> {} {}{}", letters.join(" and "), to.letter(), parts(*coverage), range(bytes));
            // Written before and after: what changed is where.
            let moved = from.iter().any(|extent| matches!(extent, Extent::Written(_)));
            let place = if let Extent::Written(phys) = to { Some(phys).filter(|_| moved) } else { None };
            place.map_or(changed.clone(), |phys| format!("{changed}, now at device block {phys}"))
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

/// Before a range of which only parts changed.
fn parts(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Whole => "",
        Coverage::Parts => "in ",
    }
}

/// Bytes as people write them: `4k-8k`.
fn range(bytes: &Range<u64>) -> String {
    ByteRange(bytes.start, bytes.end).to_string()
}

#[cfg(test)]
mod tests {
    use std::iter::once;

    use stalemap_facade::Returned;
    use stalemap_model::state::event::{Errno, Sampler};

    use super::*;

    const PLAIN: Seq = Seq::of_forks(3, None);
    const BOTH: Seq = Seq::of_forks(3, Some(1));
    const ALL: Seq = Seq { size: Some(8192), dirtied: Some(2), ..BOTH };
    const D: Extent = Extent::Delalloc;
    const W: Extent = Extent::Written(1);

    #[test]
    fn a_change_of_the_map_says_what_became_of_what() {
        let parts = |fork| MapChange::Extents {
            fork,
            from: IomapType::Delalloc,
            to: IomapType::Hole,
            bytes: 0..4096,
            coverage: Coverage::Parts,
        };
        let replaced = |from: &[Extent], to, bytes, coverage| {
            let from = from.to_vec();
            MapChange::Replaced { from, to, bytes, coverage }
        };
        let said = [
            (MapChange::data(IomapType::Unwritten, IomapType::Mapped, 4096..8192), "U -> W 4k-8k"),
            (replaced(&[W, W], Extent::Hole, 0..512, Coverage::Whole), "W -> H 0-512"),
            (
                replaced(&[Extent::Hole, D, Extent::Hole], Extent::Unwritten(4), 0..1 << 20, Coverage::Parts),
                "H and D -> U in 0-1m",
            ),
            (replaced(&[Extent::Hole], Extent::Written(4), 0..4096, Coverage::Whole), "H -> W 0-4k"),
            (
                replaced(&[W], Extent::Written(4), 0..4096, Coverage::Whole),
                "W -> W 0-4k, now at device block 4",
            ),
            (MapChange::cow(IomapType::Hole, IomapType::Delalloc, 0..4096), "COW none -> D 0-4k"),
            (parts(Fork::Data), "D -> H in 0-4k"),
            (parts(Fork::Cow), "COW D -> none in 0-4k"),
            (MapChange::CowToData { bytes: 0..4096 }, "COW W -> data W 0-4k"),
            (MapChange::Remapped { bytes: 0..4096 }, "remapped 0-4k"),
            (MapChange::Unstuffed { bytes: 0..4096 }, "data move out of the inode: I -> W 0-4k"),
            (
                MapChange::Shifted { shift: Shift::Down, bytes: 0..4096 },
                "what lies behind moves down onto 0-4k",
            ),
            (MapChange::Shifted { shift: Shift::Up, bytes: 0..4096 }, "what lies behind moves up from 0-4k"),
            (MapChange::CounterOnly, "look-up moves the counter"),
        ];
        for (change, words) in said {
            assert_eq!(map_change(&change), words);
        }
    }

    #[test]
    fn a_mapping_says_kind_fork_and_cookie() {
        let kind = IomapType::Delalloc;
        let mut sampled = Mapping {
            kind,
            bytes: 0..8192,
            fork: Fork::Data,
            new: true,
            behind_valid: false,
            device: None,
            cookie: PLAIN,
        };
        assert_eq!(what(&What::Sampled(Sampler::Write, sampled.clone())), "delalloc NEW 0-8k, seq 3");
        sampled.fork = Fork::Cow;
        sampled.cookie = BOTH;
        assert_eq!(mapping(&sampled), "delalloc SHARED NEW 0-8k, seq 3/1");
        let mapped = |folio_locked| What::MkwriteMapped { folio_locked, mapping: sampled.clone() };
        assert_eq!(what(&mapped(true)), "folio locked, then mapped: delalloc SHARED NEW 0-8k, seq 3/1");
        assert_eq!(what(&mapped(false)), "mapped, folio not locked: delalloc SHARED NEW 0-8k, seq 3/1");
        let behind =
            Mapping { kind: IomapType::Unwritten, behind_valid: true, new: false, ..sampled.clone() };
        assert_eq!(mapping(&behind), "unwritten SHARED 0-8k (behind the valid size), seq 3/1");
        assert_eq!(seq(ALL), "3/1 i_size 8k dirtied 2");
    }

    #[test]
    fn a_check_says_what_it_compared_and_what_becomes_of_the_mapping() {
        let now = Some(Seq::of_forks(4, None));
        let stale = |then| Verdict::Stale { sampled: PLAIN, now, then };
        assert_eq!(checked(&Verdict::Valid), "still valid");
        assert_eq!(checked(&stale(AfterStale::Dropped)), "stale: sampled at seq 3, now 4");
        assert_eq!(
            checked(&stale(AfterStale::Kept)),
            "stale: sampled at seq 3, now 4; it is kept, with the new seq"
        );
        assert_eq!(checked(&stale(AfterStale::LookUp)), "stale: look up again");
    }

    #[test]
    fn a_use_says_what_the_mapping_says_and_what_is_so() {
        let unwritten = Says::Kind(IomapType::Unwritten);
        let at = || vec![0..4096, 8192..12288];
        assert_eq!(used(&Use::good(unwritten, at())), "mapping says unwritten at 0-4k, 8k-12k");
        assert_eq!(
            used(&Use::bad(unwritten, at(), Truth::Extent(Extent::Written(7)))),
            "mapping says unwritten at 0-4k, 8k-12k, the extent is W"
        );
        assert_eq!(
            used(&Use::bad(Says::WrittenNew, once(0..4096).collect(), Truth::WrittenSince)),
            "mapping says written NEW at 0-4k, the block has been written since"
        );
        assert_eq!(
            used(&Use::bad(Says::Device(2), once(0..4096).collect(), Truth::Elsewhere)),
            "mapping says device block 2 at 0-4k"
        );
        assert_eq!(
            used(&Use::bad(Says::Kind(IomapType::Inline), Vec::new(), Truth::BlockPointers)),
            "mapping says inline, the inode has block pointers"
        );
        assert_eq!(
            used(&Use::bad(Says::Device(2), once(0..4096).collect(), Truth::At(5))),
            "mapping says device block 2 at 0-4k, the extent is at device block 5"
        );
        let skipped = Use { skips: Some(Skip::Zeroing), ..Use::good(unwritten, once(0..4096).collect()) };
        assert_eq!(used(&skipped), "mapping says unwritten at 0-4k: zeroing skipped");
        let unshared = Use::bad(Says::Kind(IomapType::Mapped), once(0..4096).collect(), Truth::Shared);
        assert_eq!(
            used(&Use { skips: Some(Skip::Unsharing), ..unshared }),
            "mapping says written at 0-4k, the extent is shared: unsharing skipped"
        );
        let hole =
            Use::bad(Says::Kind(IomapType::Hole), once(0..4096).collect(), Truth::Extent(Extent::Delalloc));
        assert_eq!(
            used(&Use { skips: Some(Skip::Writing), ..hole }),
            "mapping says hole at 0-4k, the extent is D: writing skipped"
        );
        assert_eq!(used(&Use::good(Says::IntoInode, Vec::new())), "into the inode");
    }

    #[test]
    fn what_concerns_no_reader_has_no_words() {
        assert_eq!(what(&What::Counted { fork: Fork::Cow, from: 1, to: 2, blocks: Vec::new() }), "");
        assert_eq!(what(&What::Dropped(Dropped::Done)), "");
        assert_eq!(what(&What::Dropped(Dropped::Failed(Errno::Io))), "EIO");
        let fallback = |why| what(&What::BufferedInstead(why));
        assert_eq!(fallback(Fallback::NotBlock), "ENOTBLK: buffered instead");
        assert_eq!(fallback(Fallback::Checksums), "the file has checksums: buffered instead");
        assert_eq!(what(&What::Returned(0, Returned::Error)), "");
        assert_eq!(what(&What::Sigbus(Some(Errno::NoSpace))), "ENOSPC, SIGBUS");
        let kinds = vec![IomapType::Unwritten, IomapType::Hole];
        let filled = |behind_valid| FolioEvent::Filled { index: 1, kinds: kinds.clone(), behind_valid };
        assert_eq!(folio(&filled(false)), "fill folio 1: hole, unwritten");
        assert_eq!(folio(&filled(true)), "fill folio 1: hole, unwritten (behind the valid size)");
        let bytes = 0..512;
        let copied = DataEvent::Copied { fill: Fill::Unshare, bytes: bytes.clone(), short: true };
        assert_eq!(data(&copied), "unshare 0-512, short");
        assert_eq!(data(&DataEvent::OnDevice { bytes, zeros: true }), "zeros for 0-512 on disk");
        let stored = DataEvent::BufferStored { buffer: "buffer".to_owned(), bytes: 512..0x1200 };
        assert_eq!(data(&stored), "store to [buffer] 0x200-0x1200");
    }
}
