//! Who ends I/O: a worker of the kernel, or the interrupt of the device, in which nobody can be held.
//!
//! Writeback is sent to `xfs_end_io` where it has to change the extents or the size on disk (`xfs_prepare_ioend`, in 7.3
//! `xfs_ioend_needs_wq_completion`); one run of it ends all I/O of the file that has arrived.

use std::ops::Range;

use stalemap_facade::ActorId;
use stalemap_model::state::event::{DataEvent, FolioEvent, Mapping, Sampler, What};
use stalemap_model::state::mapping::IomapType;
use stalemap_model::system::panel::{Fact, Panel};
use stalemap_model::words::extent::Fork;

use super::super::holds::Path;
use super::super::release::Release;
use super::Weaver;
use super::places::parsed;
use crate::annotate::events;

/// Why there is no place.
const INTERRUPT: &str = "the interrupt of the device ends it, and no worker does";

/// Why it is not known whose the run of a worker is.
pub(super) const TOGETHER: &str = "one run of the worker ends all I/O that has arrived";

/// I/O of writeback.
struct Submitted<'r> {
    row: usize,
    bytes: Range<u64>,
    file: Option<&'r str>,
}

impl Weaver<'_> {
    /// Whether the I/O that a step of a worker of the model ends is ended by a worker of the kernel. Of a task's steps it is not asked.
    pub(super) fn is_ended_by_worker(&self, row: usize) -> Result<(), &'static str> {
        let played = &self.replay.played[row];
        match self.path_of(played.actor, played.command) {
            Path::EndIo => self.is_writeback_by_worker(row),
            Path::EndDirectIo => self.is_direct_by_worker(row),
            _ => Ok(()),
        }
    }

    /// The steps of the model's worker for the same I/O.
    fn completion(&self, row: usize, begins: &str) -> Range<usize> {
        let actor = self.replay.played[row].actor;
        let is_first = |at: &usize| self.is_by(*at, actor) && self.name_of(*at) == begins;
        let first = (0..=row).rev().find(is_first).unwrap_or(row);
        let end = (row + 1..self.replay.played.len()).find(is_first).unwrap_or(self.replay.played.len());
        first..end
    }

    fn is_by(&self, row: usize, actor: ActorId) -> bool {
        self.replay.played[row].actor == actor
    }

    fn name_of(&self, row: usize) -> String {
        parsed(&self.replay.played[row].op).0
    }

    /// A direct write from 7.3 on is completed in the interrupt if nothing has to be done for it that may sleep (`iomap_dio_done`).
    fn is_direct_by_worker(&self, row: usize) -> Result<(), &'static str> {
        let actor = self.replay.played[row].actor;
        let rows = || self.completion(row, "aio").filter(|at| self.is_by(*at, actor));
        let fails = self.release == Release::V7_3
            && rows().any(|at| self.tells(at, |what| matches!(what, What::Failed(_))));
        let reads = rows().any(|at| self.name_of(at) == "device_read");
        let works = |at: usize| {
            let sleeps = ["xfs_dio_write_end_io", "xfs_reflink_end_cow", "spin_lock i_flags_lock"];
            let name = self.name_of(at);
            sleeps.contains(&name.as_str()) || name == "invalidate_inode_pages2"
        };
        let at_once = self.release == Release::V7_3 && !rows().any(works);
        if (reads || at_once) && !fails { Err(INTERRUPT) } else { Ok(()) }
    }

    fn is_writeback_by_worker(&self, row: usize) -> Result<(), &'static str> {
        let here = self.completion(row, "bio_end_io");
        let submitted =
            self.submitted(&here).filter(|submitted| self.needs_worker(submitted)).ok_or(INTERRUPT)?;
        let actor = self.replay.played[row].actor;
        let mut others = (0..self.replay.played.len())
            .filter(|at| self.is_by(*at, actor) && self.name_of(*at) == "bio_end_io" && *at != here.start)
            .map(|at| self.completion(at, "bio_end_io"));
        let is_together = others.any(|other| {
            let both = self.submitted(&other).filter(|submitted| self.needs_worker(submitted));
            both.is_some_and(|both| {
                let (first, second) =
                    if other.start < here.start { (&other, submitted.row) } else { (&here, both.row) };
                both.file == submitted.file && second < self.ended(first)
            })
        });
        if is_together { Err(TOGETHER) } else { Ok(()) }
    }

    /// Behind the last step of a completion.
    fn ended(&self, completion: &Range<usize>) -> usize {
        let actor = self.replay.played[completion.start].actor;
        completion.clone().rev().find(|row| self.is_by(*row, actor)).unwrap_or(completion.start) + 1
    }

    /// What a completion ends.
    fn submitted(&self, completion: &Range<usize>) -> Option<Submitted<'_>> {
        let actor = self.replay.played[completion.start].actor;
        let (file, folio) = completion.clone().filter(|row| self.is_by(*row, actor)).find_map(|row| {
            self.replay.played[row].events.iter().find_map(|event| match events::what(event) {
                Some(What::Folio(FolioEvent::Written(index))) => {
                    Some((events::file(event), u64::from(*index)))
                }
                _ => None,
            })
        })?;
        let folio = folio * self.folio..(folio + 1) * self.folio;
        (0..completion.start).rev().find_map(|row| {
            self.replay.played[row].events.iter().find_map(|event| match events::what(event) {
                Some(What::Data(DataEvent::Submitted(bytes)))
                    if events::file(event) == file && meet(bytes, &folio) =>
                {
                    Some(Submitted { row, bytes: bytes.clone(), file })
                }
                _ => None,
            })
        })
    }

    /// Whether it is sent to a worker: it makes the size on disk larger, or the extents have to be changed.
    fn needs_worker(&self, submitted: &Submitted<'_>) -> bool {
        if self.fs.glock {
            return false;
        }
        if self.fs.is_out_of_place() {
            return true;
        }
        let (size, on_disk) = self.sizes(submitted);
        // 6.1 adds whole blocks to an ioend.
        let end =
            if self.release == Release::V6_1 { submitted.bytes.end } else { submitted.bytes.end.min(size) };
        let mapping = self.of_command(submitted.row).rev().find_map(|row| {
            let whats = self.replay.played[row].events.iter().filter_map(events::what);
            whats.filter_map(|what| mapped_for_writeback(what, &submitted.bytes)).next_back()
        });
        let changes =
            mapping.is_some_and(|mapping| mapping.kind == IomapType::Unwritten || mapping.fork == Fork::Cow);
        end > on_disk || changes
    }

    /// i_size, and the size on disk, when I/O is submitted.
    fn sizes(&self, submitted: &Submitted<'_>) -> (u64, u64) {
        let panels = self.replay.played[submitted.row].picture.of::<Vec<Panel>>();
        let panel = panels.and_then(|panels| {
            panels.iter().find(|panel| submitted.file.is_none() || panel.title.as_deref() == submitted.file)
        });
        // Where it is not known, it is no worker's.
        let mut sizes = (0, u64::MAX);
        for fact in panel.iter().flat_map(|panel| &panel.facts) {
            match fact {
                Fact::Size(size) => sizes.0 = *size,
                Fact::DiskSize(size) => sizes.1 = *size,
                _ => {}
            }
        }
        sizes
    }
}

fn meet(left: &Range<u64>, right: &Range<u64>) -> bool {
    left.start < right.end && right.start < left.end
}

fn mapped_for_writeback<'w>(what: &'w What, bytes: &Range<u64>) -> Option<&'w Mapping> {
    match what {
        What::Sampled(Sampler::Writeback, mapping) if meet(&mapping.bytes, bytes) => Some(mapping),
        _ => None,
    }
}
