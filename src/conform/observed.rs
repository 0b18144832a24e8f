//! What was seen of a page, as the explorer is asked for it: each event of the model is one of those seen, or not of a kind that
//! is traced, or it contradicts the trace.

use std::ops::Range;

use stalemap_explore::{Move, Observation};
use stalemap_facade::{Event, Op};
use stalemap_model::state::event::{
    Checker, DataEvent, Fill, FolioEvent, KernelEvent, MapChange, Mapping, Sampler, Verdict, What,
};
use stalemap_model::state::mapping::IomapType;
use stalemap_model::words::extent::{Extent, Fork};
use stalemap_trace::{Deed, MapKind, Piece, Seen, Sight, Traces};

use super::staged::{FOLIO, PAGE, Stage};
use crate::words;

/// How far a run has explained what was seen: a bit for each thing seen, and behind these a word for each doer, of how far its
/// write is.
pub(super) type Position = Vec<u64>;

/// What was seen, and how it is staged.
pub(super) struct Observed<'p> {
    pub(super) piece: &'p Piece,
    pub(super) stage: &'p Stage,
    pub(super) traces: Traces,
    /// The model compares mappings; one that does not has no answers.
    pub(super) compares: bool,
}

/// What a model's event is to the trace.
enum Is {
    /// Of a kind that is not traced, or of something else.
    Free,
    /// One of those: which of them are taken together. Each list is a way to explain it.
    Any(Vec<Vec<usize>>),
}

impl Is {
    const CONTRADICTION: Is = Is::Any(Vec::new());
}

/// Which deed a move belongs to.
#[derive(Clone, Copy)]
struct Who<'p> {
    doer: Option<usize>,
    command: usize,
    deed: Option<&'p Deed>,
    /// The change elsewhere that it is to make, by its place in the piece.
    elsewhere: Option<usize>,
}

impl Observation for Observed<'_> {
    type Position = Position;

    fn start(&self) -> Position {
        vec![0; self.words() + self.piece.doers.len()]
    }

    fn after(&self, position: &Position, moved: &Move<'_>) -> Vec<Position> {
        let who = self.who(moved);
        if !self.may_have_begun(position, moved) {
            return Vec::new();
        }
        let mut positions = self.ended(position, moved);
        for event in moved.events.iter().filter_map(|event| event.of::<KernelEvent>()) {
            let mut next: Vec<Position> = Vec::new();
            for position in positions {
                for after in self.event(&position, who, &event.what) {
                    if !next.contains(&after) {
                        next.push(after);
                    }
                }
            }
            positions = next;
        }
        positions
    }

    fn explained(&self, position: &Position) -> usize {
        position[..self.words()].iter().map(|word| word.count_ones() as usize).sum()
    }

    fn says(&self, events: &[Event]) -> Vec<String> {
        events.iter().map(words::event).filter(|words| !words.is_empty()).collect()
    }

    fn is_complete(&self, position: &Position, ended: bool) -> bool {
        let all = self.missing(position).next().is_none();
        all && (ended || !self.piece.complete)
    }
}

impl<'p> Observed<'p> {
    /// The lines that each step explains, by how far all is explained after it.
    pub(super) fn lines(&self, positions: &[Position]) -> Vec<Vec<u64>> {
        let mut before = self.start();
        let mut lines = Vec::new();
        for position in positions {
            let seen = self.piece.seen.iter().enumerate();
            let new = seen.filter(|(place, _)| Self::has(position, *place) && !Self::has(&before, *place));
            lines.push(new.map(|(_, seen)| seen.line).collect());
            before.clone_from(position);
        }
        lines
    }

    fn words(&self) -> usize {
        self.piece.seen.len().div_ceil(64)
    }

    fn has(position: &Position, place: usize) -> bool {
        position[place / 64] & 1 << (place % 64) != 0
    }

    /// What has to be explained, and is not yet.
    pub(super) fn missing<'a>(
        &'a self,
        position: &'a Position,
    ) -> impl Iterator<Item = (usize, &'p Seen)> + 'a {
        let piece = self.piece;
        piece
            .seen
            .iter()
            .enumerate()
            .filter(|(place, seen)| self.counts(seen) && !Self::has(position, *place))
    }

    /// Whether something seen has to be explained by this model.
    pub(super) fn counts(&self, seen: &Seen) -> bool {
        let answered = matches!(seen.sight, Sight::Answered { valid: true });
        seen.required && (self.compares || !answered)
    }

    fn who(&self, moved: &Move<'_>) -> Who<'p> {
        let doer = moved.actor.checked_sub(1).filter(|doer| *doer < self.piece.doers.len());
        let command = moved.command.unwrap_or(0);
        let deed = doer.and_then(|doer| {
            let staged = self.stage.commands[doer].get(command)?;
            self.piece.doers[doer].does.get(staged.deed).map(|does| &does.deed)
        });
        let change = moved.actor.checked_sub(1).filter(|actor| *actor == self.piece.doers.len());
        let change = change.and_then(|actor| self.stage.commands.get(actor)?.get(command));
        let elsewhere = change.and_then(|staged| self.piece.needed.get(staged.deed).copied());
        Who { doer, command, deed, elsewhere }
    }

    /// Whether a task may be in a command: everything that was over before it began is explained.
    fn may_have_begun(&self, position: &Position, moved: &Move<'_>) -> bool {
        let commands = moved.actor.checked_sub(1).and_then(|actor| self.stage.commands.get(actor));
        let staged = commands.and_then(|commands| commands.get(moved.command?));
        staged.is_none_or(|staged| self.missing(position).all(|(_, seen)| seen.last >= staged.from))
    }

    /// Whether something seen may happen now: nothing that has to be explained was over before it, and what its task did before it is
    /// done.
    fn is_next(&self, position: &Position, place: usize) -> bool {
        let seen = &self.piece.seen[place];
        let waits = |(other, before): (usize, &Seen)| {
            let same = before.doer.is_some() && before.doer == seen.doer;
            let unseen = matches!(before.sight, Sight::Filled { .. });
            other != place && (before.last < seen.first || same && other < place && !unseen)
        };
        let late = |(other, after): (usize, &Seen)| Self::has(position, other) && after.first > seen.last;
        !Self::has(position, place)
            && !self.missing(position).any(waits)
            && !self.piece.seen.iter().enumerate().any(late)
    }

    /// Everything seen that may be this.
    fn those(&self, position: &Position, doer: Option<usize>, is: impl Fn(&Sight) -> bool) -> Is {
        let seen = self.piece.seen.iter().enumerate();
        let fits = seen.filter(|(_, seen)| (seen.doer.is_none() || seen.doer == doer) && is(&seen.sight));
        let next = fits.filter(|(place, _)| self.is_next(position, *place));
        Is::Any(next.map(|(place, _)| vec![place]).collect())
    }

    fn event(&self, position: &Position, who: Who<'_>, what: &What) -> Vec<Position> {
        match self.is(position, who, what) {
            Is::Free => vec![self.noted(position.clone(), who, what)],
            Is::Any(ways) => {
                let taken = ways.into_iter().map(|way| self.noted(with(position, way), who, what));
                taken.collect()
            }
        }
    }

    fn is(&self, position: &Position, who: Who<'_>, what: &What) -> Is {
        let on = |traced: bool, is: Is| if traced { is } else { Is::Free };
        match what {
            What::Sampled(Sampler::Write, mapping) => {
                on(self.traces.mappings, self.sampled(position, who, mapping))
            }
            What::Sampled(Sampler::Writeback, mapping) => {
                on(self.traces.writeback_mappings, self.mapped(position, who, mapping))
            }
            What::Checked(Checker::Write, verdict) => {
                on(self.traces.answers, self.checked(position, who, *verdict == Verdict::Valid))
            }
            What::MkwriteMapped { mapping, .. } => {
                on(self.traces.mappings, self.stored(position, who, mapping))
            }
            What::Folio(event) => self.folio(position, who, event),
            What::Data(DataEvent::BlockRead(bytes)) if matches!(who.deed, Some(Deed::Write { .. })) => {
                let Some(inside) = inside(bytes) else { return Is::Free };
                let block = inside.start / self.piece.block;
                let read = self.those(position, who.doer, |sight| *sight == Sight::BlockRead { block });
                on(self.traces.block_reads, read)
            }
            What::Data(DataEvent::Copied { fill: Fill::Data, bytes, .. }) => {
                let Some(inside) = inside(bytes) else { return Is::Free };
                let copied = Sight::Copied { bytes: inside };
                on(self.traces.write_begins, self.those(position, who.doer, |sight| *sight == copied))
            }
            What::MapChanged(change) => on(self.traces.extents, self.changed(position, who, change)),
            _ => Is::Free,
        }
    }

    /// The end of writeback is an operation, about which the model says nothing more.
    fn ended(&self, position: &Position, moved: &Move<'_>) -> Vec<Position> {
        let of_page = |op: Op| op == Op::on("folio_end_writeback", (PAGE.start / FOLIO) as u32);
        if !self.traces.writeback_ends || !moved.op.is_some_and(of_page) {
            return vec![position.clone()];
        }
        let Is::Any(ways) = self.those(position, None, |sight| *sight == Sight::WrittenBack) else {
            return vec![position.clone()];
        };
        // A page of several blocks may be written in several pieces, of which the last one ends it.
        let not_yet = (self.piece.block < FOLIO).then(|| position.clone());
        ways.into_iter().map(|way| with(position, way)).chain(not_yet).collect()
    }

    fn folio(&self, position: &Position, who: Who<'_>, event: &FolioEvent) -> Is {
        let of_page =
            |index: &stalemap_model::words::geometry::FolioIndex| u64::from(*index) * FOLIO == PAGE.start;
        let (traced, sight) = match event {
            FolioEvent::Added(index) if of_page(index) => (self.traces.folios, Sight::Added),
            FolioEvent::Dropped(index) | FolioEvent::Removed(index) if of_page(index) => {
                (self.traces.folios, Sight::Dropped)
            }
            FolioEvent::Cleaned(index) if of_page(index) => (self.traces.cleanings, Sight::Cleaned),
            FolioEvent::Filled { index, kinds, .. } if of_page(index) => {
                let kinds: Vec<MapKind> = kinds.iter().map(|kind| kind_of(*kind)).collect();
                let same = |sight: &Sight| match sight {
                    Sight::Filled { kinds: seen } => kinds.iter().all(|kind| seen.contains(kind)),
                    _ => false,
                };
                let traced = self.traces.reads && self.traces.mappings && self.traces.folios;
                return if traced { self.those(position, who.doer, same) } else { Is::Free };
            }
            _ => return Is::Free,
        };
        if traced { self.those(position, who.doer, |seen| *seen == sight) } else { Is::Free }
    }

    /// A write's mapping, as far as it covers what is still to be written of the page.
    fn sampled(&self, position: &Position, who: Who<'_>, mapping: &Mapping) -> Is {
        let Some(covers) = inside(&mapping.bytes).filter(|_| !self.is_past(position, who)) else {
            return Is::Free;
        };
        let says = kind_of(mapping.kind);
        self.those(position, who.doer, |sight| match sight {
            Sight::Sampled { says: seen, bytes } => {
                *seen == says && covers.start <= bytes.start && bytes.end <= covers.end
            }
            _ => false,
        })
    }

    fn mapped(&self, position: &Position, who: Who<'_>, mapping: &Mapping) -> Is {
        if who.deed != Some(&Deed::WriteBack) || inside(&mapping.bytes).is_none() {
            return Is::Free;
        }
        let sight = Sight::Mapped { says: kind_of(mapping.kind) };
        self.or_again(position, who, &sight, |sight| matches!(sight, Sight::Mapped { .. } | Sight::Cleaned))
    }

    fn stored(&self, position: &Position, who: Who<'_>, mapping: &Mapping) -> Is {
        if who.deed != Some(&Deed::Store) || inside(&mapping.bytes).is_none() {
            return Is::Free;
        }
        let sight = Sight::Stored { says: kind_of(mapping.kind) };
        self.or_again(position, who, &sight, |sight| matches!(sight, Sight::Stored { .. } | Sight::Added))
    }

    /// Something that the trace says once and the model for each block: the same again is no more than it was.
    fn or_again(
        &self,
        position: &Position,
        who: Who<'_>,
        sight: &Sight,
        of_kind: impl Fn(&Sight) -> bool,
    ) -> Is {
        let found = self.those(position, who.doer, |seen| seen == sight);
        let none = matches!(&found, Is::Any(ways) if ways.is_empty());
        let mut before = self.piece.seen.iter().enumerate().rev().filter(|(place, seen)| {
            Self::has(position, *place) && seen.doer == who.doer && of_kind(&seen.sight)
        });
        if none && before.next().is_some_and(|(_, seen)| seen.sight == *sight) { Is::Free } else { found }
    }

    /// A comparison, which is made at the page, at a neighbour before it, or behind it.
    fn checked(&self, position: &Position, who: Who<'_>, valid: bool) -> Is {
        let Some(Deed::Write { before, .. }) = who.deed else { return Is::Free };
        if self.is_past(position, who) {
            return Is::Free;
        }
        let at_neighbour = *before && self.stage.before && !self.has_come(position, who);
        match (at_neighbour, valid) {
            (true, true) => Is::Free,
            (true, false) => self.those(position, who.doer, |sight| *sight == Sight::RejectedBefore),
            (false, _) => self.those(position, who.doer, |sight| *sight == Sight::Answered { valid }),
        }
    }

    /// The extents change: blocks of the page do, all that the trace says so of together, or others.
    fn changed(&self, position: &Position, who: Who<'_>, change: &MapChange) -> Is {
        let (bytes, from, to) = match change {
            MapChange::Extents { fork: Fork::Data, from, to, bytes, .. } => {
                (bytes, Some(kind_of(*from)), Some(kind_of(*to)))
            }
            MapChange::Replaced { to, bytes, .. } => (bytes, None, Some(kind_of_extent(*to))),
            MapChange::Extents { .. } => return Is::Free,
            _ => return Is::CONTRADICTION,
        };
        let Some(inside) = inside(bytes) else {
            // A neighbour is reserved so that it can be written back: no earlier than the page's blocks are allocated for that.
            let reserves = matches!(who.deed, Some(Deed::WriteBackNeighbour { .. }));
            let own = who.elsewhere.map(|place| &self.piece.elsewhere[place..=place]);
            // When all is over it makes no difference.
            let over = own.is_none() && self.missing(position).next().is_none();
            let changes = self.changes_elsewhere(position, own.unwrap_or(&self.piece.elsewhere));
            return if reserves || over || changes { Is::Free } else { Is::CONTRADICTION };
        };
        let blocks = inside.start / self.piece.block..inside.end.div_ceil(self.piece.block);
        let mut all = Vec::new();
        for block in blocks {
            let one = self.those(position, None, |sight| match sight {
                Sight::Changed { blocks, from: was, to: is } => {
                    blocks.start == block
                        && from.is_none_or(|from| from == *was)
                        && to.is_none_or(|to| to == *is)
                }
                _ => false,
            });
            if let Is::Any(ways) = one {
                all.extend(ways.into_iter().next().unwrap_or_default());
            }
        }
        if all.is_empty() { Is::CONTRADICTION } else { Is::Any(vec![all]) }
    }

    /// Whether the counter moves now for something else.
    fn changes_elsewhere(&self, position: &Position, when: &[(u64, u64)]) -> bool {
        when.iter().any(|(first, last)| {
            let before = self.missing(position).all(|(_, seen)| seen.last >= *first);
            let after = |(place, seen): (usize, &Seen)| Self::has(position, place) && seen.first > *last;
            before && !self.piece.seen.iter().enumerate().any(after)
        })
    }

    /// What is remembered of a write: the command whose write has come to the page, and the one whose write is past it.
    fn noted(&self, mut position: Position, who: Who<'_>, what: &What) -> Position {
        let What::Data(DataEvent::Copied { fill: Fill::Data, bytes, .. }) = what else { return position };
        let (Some(doer), Some(Deed::Write { bytes: written, .. })) = (who.doer, who.deed) else {
            return position;
        };
        let word = self.words() + doer;
        let number = who.command as u64 + 1;
        if bytes.start < PAGE.start && bytes.end >= PAGE.start {
            position[word] = position[word] & !0xffff | number;
        }
        if bytes.end >= PAGE.start + written.end {
            position[word] = position[word] & 0xffff | number << 16;
        }
        position
    }

    fn has_come(&self, position: &Position, who: Who<'_>) -> bool {
        who.doer.is_some_and(|doer| position[self.words() + doer] & 0xffff == who.command as u64 + 1)
    }

    fn is_past(&self, position: &Position, who: Who<'_>) -> bool {
        who.doer.is_some_and(|doer| position[self.words() + doer] >> 16 == who.command as u64 + 1)
    }
}

/// A position with more that is explained.
fn with(position: &Position, way: Vec<usize>) -> Position {
    let mut position = position.clone();
    for place in way {
        position[place / 64] |= 1 << (place % 64);
    }
    position
}

/// The bytes of the page in a range of the file, from the page's first.
fn inside(bytes: &Range<u64>) -> Option<Range<u64>> {
    let inside = bytes.start.max(PAGE.start)..bytes.end.min(PAGE.end);
    (!inside.is_empty()).then(|| inside.start - PAGE.start..inside.end - PAGE.start)
}

fn kind_of(kind: IomapType) -> MapKind {
    match kind {
        IomapType::Hole => MapKind::Hole,
        IomapType::Delalloc => MapKind::Delalloc,
        IomapType::Mapped => MapKind::Mapped,
        IomapType::Unwritten => MapKind::Unwritten,
        IomapType::Inline => MapKind::Inline,
    }
}

fn kind_of_extent(extent: Extent) -> MapKind {
    match extent {
        Extent::Hole => MapKind::Hole,
        Extent::Delalloc => MapKind::Delalloc,
        Extent::Unwritten(_) => MapKind::Unwritten,
        Extent::Written(_) => MapKind::Mapped,
    }
}
