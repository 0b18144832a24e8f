//! Whether what a file speaks of lies inside the modelled file, and whether that file can be cut into cells.

use std::ops::Range;

use stalemap_model::words::command::{Command, Io};
use stalemap_model::words::config::{FileCommand, FileRange};
use stalemap_model::words::count::count;
use stalemap_model::words::geometry::{Bytes, GeometryError, MAX_BLOCKS_PER_FOLIO, MAX_FOLIOS};

use super::Scenario;
use super::errors::Errors;

/// The largest block: that of the kernel.
const MAX_BLOCK: u64 = 64 << 10;
/// The smallest block.
const MIN_BLOCK: u64 = 512;
/// The largest folio: that of the kernel's page cache on most machines.
const MAX_FOLIO: u64 = 2 << 20;

/// Something with its place in the scenario file.
#[derive(Clone)]
pub(super) struct Placed<T> {
    /// What.
    pub(super) what: T,
    /// Where.
    pub(super) span: Range<usize>,
}

/// Whether a block size is one.
pub(super) fn check_block(block: &Placed<u64>, errors: &mut Errors) -> bool {
    let fits = block.what.is_power_of_two() && (MIN_BLOCK..=MAX_BLOCK).contains(&block.what);
    if !fits {
        let message = format!("a block cannot have {}", count(block.what, "byte"));
        errors.add(block.span.clone(), message, "a power of two from `512` to `64k`");
    }
    fits
}

/// Whether a folio size goes with the block size.
pub(super) fn check_folio(block: u64, folio: &Placed<u64>, errors: &mut Errors) -> bool {
    let most = MAX_FOLIO.min(block * MAX_BLOCKS_PER_FOLIO);
    let fits = folio.what > 0 && folio.what <= most && folio.what.is_multiple_of(block);
    if !fits {
        let message = format!("a folio cannot have {}", count(folio.what, "byte"));
        let help = format!("a multiple of the block size, {}, up to `{}`", Bytes(block), Bytes(most));
        errors.add(folio.span.clone(), message, help);
    }
    fits
}

/// The parts of a file that take up room.
pub(super) struct Extent<'a> {
    /// All commands.
    pub(super) commands: &'a [Placed<FileCommand>],
    /// Where the scenario's holds say their bytes.
    pub(super) holds: &'a [Range<usize>],
    /// The observed ranges.
    pub(super) observed: &'a [Placed<FileRange>],
}

/// Checks a scenario all of whose commands could be read.
pub(super) fn check(scenario: &Scenario, extent: &Extent<'_>, errors: &mut Errors) {
    let before = errors.count();
    let folio = scenario.folio;
    let Some(design) = scenario.design("none") else { return };
    let config = scenario.config(design);
    let reach = config.reach().max(1);
    let end = reach.div_ceil(folio).saturating_mul(folio);
    let help = format!("the commands use {} of the file", Bytes(end));
    for (hold, place) in scenario.holds.iter().zip(extent.holds) {
        let run = scenario.actors.get(hold.actor).map(|actor| actor.run.as_slice()).unwrap_or_default();
        if hold.at >= end {
            errors.add(place.clone(), "the hold is outside of the file", help.clone());
        } else if !run.iter().any(|call| copies_into(call, hold.at / folio, folio)) {
            let message = "the actor never copies into the folio of this byte";
            let help = match scenario.files.as_slice() {
                [first, _, ..] => {
                    format!("name a byte near one that a `pwrite` of the actor writes to `{first}`")
                }
                _ => "name a byte near one that a `pwrite` of the actor writes".to_owned(),
            };
            errors.add(place.clone(), message, help);
        }
    }
    for range in extent.observed.iter().filter(|observed| observed.what.range.end > end) {
        errors.add(range.span.clone(), "the range is outside of the file", help.clone());
    }
    if errors.count() > before {
        // The cut also counts what was just refused.
        return;
    }
    let Err(error) = config.geometry() else { return };
    let by = |size: fn(&Command) -> u64| extent.commands.iter().max_by_key(|call| size(&call.what.command));
    let (culprit, help) = if matches!(error, GeometryError::TooManyCells { .. }) {
        let most_cuts = by(|command| command.cuts().len() as u64);
        (most_cuts, "use larger chunks (`-b`), larger blocks, or fewer bytes".to_owned())
    } else {
        let most = Bytes(folio.saturating_mul(MAX_FOLIOS as u64));
        (by(Command::reach), format!("with folios of {}, stay within {most}", Bytes(folio)))
    };
    let span = culprit.map_or(0..0, |command| command.span.clone());
    errors.add(span, format!("the file is too large: {error}"), help);
}

/// Whether a command copies into a folio of the first file.
fn copies_into(call: &FileCommand, index: u64, folio: u64) -> bool {
    let Command::Pwrite { range, io: Io::Buffered, .. } = &call.command else { return false };
    call.file == 0 && range.start / folio <= index && index <= (range.end - 1) / folio
}
