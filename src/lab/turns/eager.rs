//! Who waits in the kernel goes on as soon as it is let; a schedule may have others move first. No hold is there for that, so each
//! such order is named.

use stalemap_explore::Replay;

use crate::lab::plan::Unforced;
use crate::lab::segments::{Ends, Segment};

/// Why nothing keeps it back.
const WHY: &str = "it waits for somebody, and goes on as soon as it can; the schedule has others move first";

/// The tasks and workers that go on later in the schedule than a kernel would let them, each by the step with which it goes on.
pub(super) fn eager(replay: &Replay, segments: &[Segment]) -> Vec<Unforced> {
    let late = segments.iter().filter_map(|segment| {
        let Ends::Waits(row) = segment.ends else { return None };
        let played = replay.played.get(row)?;
        // Somebody else moves although it could.
        let others =
            replay.played[segment.rows.end..row].iter().any(|other| other.enabled >> played.actor & 1 != 0);
        let actor = replay.actors[played.actor].name.clone();
        others.then(|| Unforced { step: row, actor, op: played.op.clone(), why: WHY })
    });
    late.collect()
}
