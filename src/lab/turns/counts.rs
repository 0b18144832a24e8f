//! Which call is the one at a place, of those that a task makes in a command.
//!
//! A hold of a task is armed before its command begins, and counts from there: whoever waits is let go in somebody else's
//! turn, and who is in a call already is not caught by a hold for what comes after it.

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

impl Weaver<'_> {
    /// Which call is the one before a step, from the beginning of its command on, or why that is not known.
    pub(super) fn call(&self, row: usize, place: &Place) -> Result<Call, &'static str> {
        let earlier: Vec<usize> = self.of_command(row).collect();
        self.call_behind(&earlier, place)
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
