//! What happens to one page, while it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::piece::{Cutting, Deed, Doer, Does, Outside, Piece, Rule, Seen, Sight};
use crate::event::MapKind;
use crate::line::Task;

/// More things seen of a page make no piece.
const MOST_SEEN: usize = 160;

/// More tasks make no piece.
const MOST_DOERS: usize = 9;

/// How many changes elsewhere are told apart between two things seen.
const MOST_ELSEWHERE: usize = 8;

/// A line that has not come yet.
pub(super) const LATER: u64 = u64::MAX;

/// A page's blocks changed: which, from what, to what.
pub(super) type Change = (Range<u64>, MapKind, MapKind);

#[derive(Debug)]
pub(super) struct Story {
    page: u64,
    block: u64,
    /// In the beginning, and now.
    kinds: Vec<Option<MapKind>>,
    now: Vec<Option<MapKind>>,
    doers: Vec<Doer>,
    pids: Vec<u32>,
    seen: Vec<Seen>,
    elsewhere: Vec<(u64, u64)>,
    /// How many things had been seen when the last change elsewhere came.
    elsewhere_at: usize,
    /// How many changes elsewhere there were before the last thing seen.
    elsewhere_since: usize,
    needed: Vec<usize>,
    rules: BTreeMap<Rule, u64>,
    outside: Option<Outside>,
    lines: Vec<u64>,
    /// It was written or stored to since it was last taken for writeback.
    dirty: bool,
    /// The last line in which a folio of several pages that it is a part of was dirtied.
    pub(super) dirtied_with: Option<u64>,
    /// Tasks whose write has not come past the page.
    pub(super) writers: BTreeSet<u32>,
    /// Tasks that read it.
    pub(super) readers: BTreeSet<u32>,
    /// What was seen whose last line is the next one of its task.
    open: Vec<(u32, usize)>,
    /// Ends of writeback, which are over by the next line of their task.
    ending: Vec<(u32, usize)>,
}

impl Story {
    pub(super) fn new(page: u64, block: u64, kinds: Vec<Option<MapKind>>) -> Self {
        Story {
            page,
            block,
            now: kinds.clone(),
            kinds,
            doers: Vec::new(),
            pids: Vec::new(),
            seen: Vec::new(),
            elsewhere: Vec::new(),
            elsewhere_at: usize::MAX,
            elsewhere_since: 0,
            needed: Vec::new(),
            rules: BTreeMap::new(),
            outside: None,
            lines: Vec::new(),
            dirty: false,
            dirtied_with: None,
            writers: BTreeSet::new(),
            readers: BTreeSet::new(),
            open: Vec::new(),
            ending: Vec::new(),
        }
    }

    /// It is no piece; the first reason counts.
    pub(super) fn is_outside(&mut self, why: Outside) {
        self.outside.get_or_insert(why);
    }

    pub(super) fn rule(&mut self, rule: Rule) {
        *self.rules.entry(rule).or_default() += 1;
    }

    /// A line is about the page, and nothing more need be said of it.
    pub(super) fn line(&mut self, line: u64) {
        self.lines.push(line);
    }

    fn doer(&mut self, task: &Task) -> usize {
        if let Some(known) = self.pids.iter().position(|pid| *pid == task.pid) {
            return known;
        }
        self.pids.push(task.pid);
        self.doers.push(Doer { task: task.clone(), does: Vec::new() });
        if self.doers.len() > MOST_DOERS {
            self.is_outside(Outside::TooLong);
        }
        self.doers.len() - 1
    }

    /// A task does something with the page.
    pub(super) fn does(&mut self, task: &Task, deed: Deed, from: u64) {
        let doer = self.doer(task);
        self.doers[doer].does.push(Does { deed, from });
    }

    /// Whether the last thing that a task does is to store.
    pub(super) fn has_stored(&self, pid: u32) -> bool {
        let doer = self.pids.iter().position(|known| *known == pid);
        let last = doer.and_then(|doer| self.doers[doer].does.last());
        last.is_some_and(|does| does.deed == Deed::Store)
    }

    /// The write of a task that began last and is of this call.
    pub(super) fn has_write_since(&self, pid: u32, from: u64) -> bool {
        let doer = self.pids.iter().position(|known| *known == pid);
        let is_this = |does: &Does| matches!(does.deed, Deed::Write { .. }) && does.from == from;
        doer.is_some_and(|doer| self.doers[doer].does.iter().any(is_this))
    }

    pub(super) fn sees(&mut self, task: Option<&Task>, sight: Sight, lines: (u64, u64), line: u64) {
        if self.seen.len() >= MOST_SEEN {
            self.is_outside(Outside::TooLong);
            self.lines.push(line);
            return;
        }
        match sight {
            Sight::Copied { .. } | Sight::Stored { .. } => self.dirty = true,
            Sight::Cleaned => self.dirty = false,
            _ => {}
        }
        let doer = task.map(|task| self.doer(task));
        let (first, last) = lines;
        self.seen.push(Seen { sight, doer, first, last, line, required: true });
    }

    /// The same, until the next line of a task.
    pub(super) fn sees_until_next(&mut self, task: &Task, sight: Sight, first: u64, line: u64) {
        let place = self.seen.len();
        let of_doer = matches!(sight, Sight::Copied { .. });
        self.sees(of_doer.then_some(task), sight, (first, LATER), line);
        if self.seen.len() > place {
            self.open.push((task.pid, place));
        }
    }

    /// A task has a new line.
    pub(super) fn next_line_of(&mut self, pid: u32, line: u64) {
        let seen = &mut self.seen;
        self.open.retain(|(of, place)| {
            if *of == pid {
                seen[*place].last = line;
            }
            *of != pid
        });
    }

    /// Its writeback begins to end, by a task or in an interrupt of it. The idle tasks of all processors have one number.
    pub(super) fn sees_writeback_end(&mut self, task: &Task, line: u64) {
        let place = self.seen.len();
        self.sees(None, Sight::WrittenBack, (line, LATER), line);
        if self.seen.len() > place && task.pid != 0 {
            self.ending.push((task.pid, place));
        }
    }

    /// A task goes on: what it, or an interrupt of it, was ending is over.
    pub(super) fn writeback_is_over(&mut self, pid: u32, line: u64) {
        let seen = &mut self.seen;
        self.ending.retain(|(of, place)| {
            if *of == pid {
                seen[*place].last = line;
            }
            *of != pid
        });
    }

    /// Its writeback ends: what was converted for that is.
    pub(super) fn is_converted(&mut self, line: u64) {
        let seen = &mut self.seen;
        self.open.retain(|(_, place)| {
            let converted = matches!(seen[*place].sight, Sight::Changed { to: MapKind::Mapped, .. });
            if converted {
                seen[*place].last = line;
            }
            !converted
        });
    }

    /// Blocks change. What they were is compared with what was known of them.
    pub(super) fn change(&mut self, change: &Change) {
        let (blocks, from, to) = change;
        for block in blocks.clone() {
            let place = block as usize;
            if self.now[place].is_none() {
                self.kinds[place] = Some(*from);
            }
            self.now[place] = Some(*to);
        }
    }

    /// A mapping says what a block is of which nothing was known.
    pub(super) fn learns(&mut self, blocks: Range<u64>, kind: MapKind) {
        for block in blocks {
            let place = block as usize;
            if self.now[place].is_none() {
                self.now[place] = Some(kind);
                self.kinds[place] = Some(kind);
            }
        }
    }

    /// The counter moves for something else. What one change of the map does between two things seen is one; of others there are not
    /// more than a few, since each page of a file remembers them.
    pub(super) fn changed_elsewhere(&mut self, (first, line): (u64, u64)) {
        if self.elsewhere_at != self.seen.len() {
            self.elsewhere_at = self.seen.len();
            self.elsewhere_since = self.elsewhere.len();
        }
        let full = self.elsewhere.len() - self.elsewhere_since >= MOST_ELSEWHERE;
        match self.elsewhere[self.elsewhere_since..].last_mut() {
            Some(last) if last.0 == first || full => *last = (last.0.min(first), line),
            _ => self.elsewhere.push((first, line)),
        }
    }

    /// A mapping of a task was rejected before it came to the page: it need not be explained here.
    pub(super) fn rejected_before(&mut self, task: &Task, lines: (u64, u64), line: u64) {
        let doer = self.doer(task);
        let last = self.seen.iter_mut().rev().find(|seen| seen.doer == Some(doer));
        if let Some(seen @ Seen { sight: Sight::Sampled { .. }, .. }) = last {
            seen.required = false;
        }
        self.rule(Rule::MappingNotReached);
        self.sees(Some(task), Sight::RejectedBefore, lines, line);
        if let Some(seen) = self.seen.last_mut() {
            seen.required = false;
        }
    }

    /// Which changes elsewhere have to be there: where a mapping was rejected under which no block of the page has changed, one that
    /// may have come between; where it was said to be valid, one that has come between for certain.
    fn find_needed(&mut self) {
        for (place, answer) in self.seen.iter().enumerate() {
            let rejected = match answer.sight {
                Sight::Answered { valid } => !valid,
                Sight::RejectedBefore => true,
                _ => continue,
            };
            let of_doer =
                |seen: &&Seen| seen.doer == answer.doer && matches!(seen.sight, Sight::Sampled { .. });
            let Some(sampled) = self.seen[..place].iter().rev().find(of_doer) else { continue };
            let reserved = matches!(sampled.sight, Sight::Sampled { says: MapKind::Delalloc, .. });
            if answer.sight == Sight::RejectedBefore && !reserved || self.changes(sampled.last, answer.line) {
                continue;
            }
            let between = |(_, (first, end)): &(usize, &(u64, u64))| {
                if rejected {
                    *end > sampled.last && *first < answer.line
                } else {
                    *first >= sampled.last && *end <= answer.first
                }
            };
            let elsewhere = self.elsewhere.iter().enumerate().rfind(between).map(|(place, _)| place);
            self.needed.extend(elsewhere.filter(|place| !self.needed.contains(place)));
        }
    }

    /// Whether a block of the page changes between two lines.
    fn changes(&self, first: u64, last: u64) -> bool {
        let changes = |seen: &Seen| matches!(seen.sight, Sight::Changed { .. });
        self.seen.iter().any(|seen| changes(seen) && seen.first >= first && seen.line <= last)
    }

    /// It is about to be taken for writeback: what has not been written itself is dirty by its folio.
    pub(super) fn is_dirty_by(&mut self, before: u64) {
        let Some(line) = self.dirtied_with.filter(|_| !self.dirty) else { return };
        self.rule(Rule::DirtyWithFolio);
        let others = Task { pid: u32::MAX, comm: "others".to_owned() };
        self.does(&others, Deed::DirtyFolio, line.min(before));
    }

    /// Whether it was taken for writeback in this line.
    pub(super) fn cleaned_at(&self, line: u64) -> bool {
        self.seen.iter().any(|seen| seen.sight == Sight::Cleaned && seen.line == line)
    }

    /// Whether the last mapping of a task for the writeback that is under way says the same.
    pub(super) fn mapped_as(&self, pid: u32, kind: MapKind) -> bool {
        let doer = self.pids.iter().position(|known| *known == pid);
        let of_task = self.seen.iter().rev().filter(|seen| seen.doer == doer && doer.is_some());
        let mut of_task =
            of_task.skip_while(|seen| !matches!(seen.sight, Sight::Cleaned | Sight::Mapped { .. }));
        of_task.next().is_some_and(|seen| seen.sight == Sight::Mapped { says: kind })
    }

    /// Whether the last thing seen of a task is a mapping that it has not used.
    pub(super) fn has_open_mapping(&self, pid: u32) -> bool {
        let doer = self.pids.iter().position(|known| *known == pid);
        let last = self.seen.iter().rev().find(|seen| seen.doer == doer && doer.is_some());
        last.is_some_and(|seen| matches!(seen.sight, Sight::Sampled { .. }))
    }

    /// What came of it.
    pub(super) fn finish(mut self, complete: bool) -> Cutting {
        let known: Option<Vec<MapKind>> = self.kinds.iter().copied().collect();
        let mut lines = std::mem::take(&mut self.lines);
        lines.extend(self.seen.iter().map(|seen| seen.line));
        let Some(kinds) = known else {
            let why = self.outside.unwrap_or(Outside::BeginningUnseen);
            return Cutting::Outside(self.page, why, lines);
        };
        if kinds.iter().any(|kind| matches!(kind, MapKind::Delalloc | MapKind::Inline)) {
            self.is_outside(Outside::AllocatedWithOthers);
        }
        if let Some(why) = self.outside {
            return Cutting::Outside(self.page, why, lines);
        }
        self.find_needed();
        if !self.elsewhere.is_empty() {
            self.rules.insert(Rule::ChangedElsewhere, self.elsewhere.len() as u64);
        }
        Cutting::Piece(Piece {
            page: self.page,
            block: self.block,
            kinds,
            doers: self.doers,
            seen: self.seen,
            elsewhere: self.elsewhere,
            needed: self.needed,
            complete,
            rules: self.rules,
        })
    }
}
