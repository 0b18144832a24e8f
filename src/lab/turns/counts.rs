//! Which call is the one at a place, of those that a task makes in a command.
//!
//! A hold of a task is armed before its command begins, and counts from there: whoever waits is let go in somebody else's
//! turn, and who is in a call already is not caught by a hold for what comes after it.

use stalemap_model::system::panel::{Panel, Part, Shows};
use stalemap_model::words::extent::{Extent, Fork};

use super::super::holds::{self, Nth, Path, Place, Where};
use super::super::plan::At;
use super::super::release::Release;
use super::Weaver;

/// Which call it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Call {
    /// From 1.
    pub(super) nth: u32,
    /// Of those with this folio among their arguments.
    pub(super) folio: Option<u64>,
}

/// With which mappings are asked for in a read.
const READS: &[&str] = &["xfs_read_iomap_begin", "gfs2_iomap_begin"];
/// With which a mapping is looked up for writeback, or compared.
const MAPS: &[&str] = &["xfs_imap_valid", "xfs_map_blocks", "gfs2_map_blocks"];

/// Whether two blocks that lie side by side in a file are of one extent.
fn joins(one: Extent, next: Extent) -> bool {
    let follows = one.phys().zip(next.phys()).is_none_or(|(one, next)| next == one + 1);
    std::mem::discriminant(&one) == std::mem::discriminant(&next) && follows
}

impl Weaver<'_> {
    /// Which call is the one before a step, from the beginning of its command on, or why that is not known.
    pub(super) fn call(&self, row: usize, place: &Place) -> Result<Call, &'static str> {
        let earlier: Vec<usize> = self.of_command(row).collect();
        let call = self.call_behind(&earlier, place)?;
        let more =
            if place.nth == Nth::Only && place.at == At::After { self.further_extents(row) } else { 0 };
        Ok(Call { nth: call.nth + more, ..call })
    }

    /// How many mappings a read of a folio asks for behind the first one: it goes through the extents of the folio one by one, also
    /// behind end of file, where the model looks at all at once. Held behind the last one, it has them all.
    fn further_extents(&self, row: usize) -> u32 {
        let asked = self.of_command(row).rfind(|row| READS.contains(&self.place_of(*row).op.as_str()));
        let (Some(folio), Some(asked)) = (self.place_of(row).target, asked) else { return 0 };
        let bytes = folio * self.folio..(folio + 1) * self.folio;
        let panels = self.replay.played[asked].picture.of::<Vec<Panel>>();
        let panel = panels.and_then(|panels| panels.get(self.file_of(row)));
        let strips = panel.into_iter().flat_map(|panel| &panel.strips);
        let of_data = strips.filter(|strip| strip.shows == Shows::Extents(Fork::Data));
        let spans = of_data.flat_map(|strip| &strip.spans).filter(|span| bytes.contains(&span.bytes.start));
        let extents: Vec<Extent> = spans
            .filter_map(|span| if let Part::Block { extent, .. } = span.part { Some(extent) } else { None })
            .collect();
        extents.windows(2).filter(|pair| !joins(pair[0], pair[1])).count() as u32
    }

    /// Which call is the one behind these steps, all that a command has made so far.
    pub(super) fn call_behind(&self, earlier: &[usize], place: &Place) -> Result<Call, &'static str> {
        let nth = match place.nth {
            Nth::Next => self.next(earlier, place),
            Nth::Last(ops) => self.led_by(ops, earlier, place).max(1),
            Nth::After(ops) => 1 + self.led_by(ops, earlier, place),
            Nth::AfterFailures => 1 + self.count(earlier, |at| at.fails),
            Nth::Only => self.only(earlier, place)?,
            Nth::OfFolio => return self.call_of_folio(earlier),
            Nth::Untried => {
                self.is_untried(earlier)?;
                self.next(earlier, place)
            }
        };
        let ended = if holds::goes_on_to_next(place.function) { self.loops_ended(earlier) } else { 0 };
        Ok(Call { nth: nth + ended, folio: place.folio })
    }

    /// The call behind those that earlier steps are places of.
    fn next(&self, earlier: &[usize], place: &Place) -> u32 {
        1 + earlier.iter().filter(|row| self.place(**row) == Ok(*place)).count() as u32
    }

    /// How many calls earlier steps of some operations lead to.
    fn led_by(&self, ops: &[&str], earlier: &[usize], place: &Place) -> u32 {
        self.count(earlier, |at| {
            ops.contains(&at.op.as_str())
                && place.folio.is_none_or(|folio| at.target == Some(folio))
                && self.is_call(at, place.function)
        })
    }

    /// How many steps are such.
    fn count(&self, rows: &[usize], is: impl Fn(&Where) -> bool) -> u32 {
        rows.iter().filter(|row| is(&self.place_of(**row))).count() as u32
    }

    /// Whether an operation that is counted leads to the function.
    fn is_call(&self, at: &Where, function: &str) -> bool {
        if holds::asks_for_mapping(&at.op) {
            return (function == "xfs_direct_write_iomap_begin") == (at.path == Path::DirectWrite);
        }
        let looks_up = at.op == "filemap_get_folio" || at.op == "filemap_grab_folio";
        !looks_up || holds::is_look_up_by(at, function, self.release)
    }

    /// A loop over mappings ends with a call that asks for no other one.
    fn loops_ended(&self, earlier: &[usize]) -> u32 {
        let at = earlier.iter().map(|row| self.place_of(*row));
        let begun: Vec<Path> = at.filter(|at| holds::asks_for_mapping(&at.op)).map(|at| at.path).collect();
        begun.windows(2).filter(|pair| pair[0] == Path::Zero && pair[1] == Path::Write).count() as u32
    }

    /// The first call of a command.
    fn only(&self, earlier: &[usize], place: &Place) -> Result<u32, &'static str> {
        let calls = self.count(earlier, |at| READS.contains(&at.op.as_str()));
        if calls > u32::from(place.at == At::After) {
            return Err("a mapping is asked for once for each extent, and that is not what the model counts");
        }
        Ok(1)
    }

    /// The first call for the folio that is written back: up to 6.12 the function has no folio among its arguments, and is called
    /// for each block of it (6.1), or each dirty range and mapping.
    fn call_of_folio(&self, earlier: &[usize]) -> Result<Call, &'static str> {
        let unknown = Err("how often a mapping is looked up for a folio is not what the model counts");
        let mut folio = None;
        let mut written = Vec::new();
        let mut is_mapped = false;
        for row in earlier {
            let at = self.place_of(*row);
            match at.op.as_str() {
                "folio_lock" => (folio, is_mapped) = (at.target, false),
                "folio_start_writeback" if !written.contains(&at.target) => written.push(at.target),
                op => is_mapped |= MAPS.contains(&op),
            }
        }
        if is_mapped || folio.is_none() {
            return unknown;
        }
        if self.release == Release::V7_3 {
            return Ok(Call { nth: 1, folio });
        }
        let others = written.iter().filter(|written| **written != folio).count() as u32;
        if others > 0 && self.folio != self.block {
            return unknown;
        }
        Ok(Call { nth: 1 + others, folio: None })
    }

    /// A fault that has to wait for a folio, or to read one, lets go of the lock of the address space, and is tried again.
    fn is_untried(&self, earlier: &[usize]) -> Result<(), &'static str> {
        let waits = earlier.iter().any(|row| {
            let played = &self.replay.played[*row];
            played.command.is_some_and(|command| self.waited.contains(&(played.actor, command)))
        });
        if waits || self.count(earlier, |at| at.op == "iomap_read_folio") > 0 {
            return Err(
                "a fault that waits is tried again, and the model does not say whether it waits in the kernel",
            );
        }
        Ok(())
    }
}
