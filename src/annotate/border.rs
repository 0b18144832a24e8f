//! Whether a schedule lies between two batches of writeback.
//!
//! A kernel looks up 15 dirty folios at a time, from 6.12 on 31, and then writes them. Designs look up one, so that what lies between two
//! batches is put to a test in files of two folios. What they lose there, a kernel loses only behind a batch that is full, and in a
//! file that is as small as the scenario's not at all.

use stalemap_explore::{Played, Replay};
use stalemap_model::words::design::Design;

/// The look-up of a folio that is dirty.
const LOOK_UP: &str = "writeback_get_folio";

/// A look-up that would have been made earlier in a larger batch, and would have seen something else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Border {
    /// The row of the look-up.
    row: usize,
    /// The row that it depends on, and that an earlier one would not have seen.
    change: usize,
}

impl Border {
    /// The first one of a schedule that was played under a design which looks up one folio at a time.
    pub(super) fn of(replay: &Replay, design: &Design) -> Option<Self> {
        let is_one = design.writeback_batch.get() == 1;
        (0..replay.played.len()).filter(|_| is_one).find_map(|row| Self::at(&replay.played, row))
    }

    fn at(played: &[Played], row: usize) -> Option<Self> {
        let look_up = &played[row];
        let index = folio(look_up)?;
        // The rows of the pass: a look-up of a folio that does not lie further on is one of another pass.
        let mut first = None;
        let mut before = index;
        for (at, own) in played[..row].iter().enumerate().rev() {
            if own.actor != look_up.actor || own.command != look_up.command {
                continue;
            }
            match folio(own) {
                Some(earlier) if earlier < before => (first, before) = (Some(at), earlier),
                Some(_) => break,
                None => {}
            }
        }
        let first = first?;
        let writes = |at: usize| played[at].actor == look_up.actor && folio(&played[at]).is_none();
        if !(first + 1..row).any(writes) {
            return None;
        }
        let seen = look_up.depends_on.iter().chain(&look_up.depends_indirectly_on);
        let change = seen.copied().filter(|change| *change > first).min()?;
        Some(Border { row, change })
    }

    /// What it means for the kernels.
    pub fn sentence(&self) -> String {
        format!(
            "{} looks up what {} has touched since the pass began: folios are looked up one at a time here, as behind a batch \
             that is full. Kernels look up 15, from 6.12 on 31, and come here only behind as many dirty folios; --kernel all \
             says what they do.",
            self.row + 1,
            self.change + 1
        )
    }

    /// What a test on a real kernel needs.
    pub fn needed(&self) -> &'static str {
        "This lies between two batches of writeback, which looks up 15 folios at a time, from 6.12 on 31: without as many dirty \
         folios in front of those of the race, less one, no kernel comes there, and the test passes."
    }
}

/// The folio that a step looks up.
fn folio(played: &Played) -> Option<u32> {
    let rest = played.op.strip_prefix(LOOK_UP)?;
    rest.split_whitespace().next()?.parse().ok()
}
