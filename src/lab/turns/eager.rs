//! Who waits in the kernel goes on as soon as it is let; a schedule may have others move first. No hold is there for that, so each
//! such order is named.

use stalemap_explore::Replay;
use stalemap_facade::Role;

use crate::lab::plan::Unforced;
use crate::lab::segments::{Ends, Segment};

/// Why nothing keeps it back.
const WHY: &str = "it waits for somebody, and goes on as soon as it can; the schedule has others move first";

/// The tasks that go on later in the schedule than a kernel would let them, each by the step with which it goes on.
pub(super) fn eager(replay: &Replay, segments: &[Segment]) -> Vec<Unforced> {
    let tasks = segments.iter().filter(|segment| replay.actors[segment.actor].role == Role::Main);
    let late = tasks.filter_map(|segment| {
        let Ends::Waits(row) = segment.ends else { return None };
        let played = replay.played.get(row)?;
        let woken = played.depends_on.iter().chain(&played.depends_indirectly_on).max()?;
        let others = replay.played[woken + 1..row].iter().any(|between| between.actor != played.actor);
        let actor = replay.actors[played.actor].name.clone();
        others.then(|| Unforced { step: row, actor, op: played.op.clone(), why: WHY })
    });
    late.collect()
}
