//! Which of the things that cannot be are so for the kernel that is asked about.

use stalemap_model::words::design::{Check, Compare, Design, Sample};
use stalemap_trace::{Answer, Impossible};

/// What of that which was seen a kernel with such a check cannot have done, with the lines.
pub(super) fn of(
    design: Option<Design>,
    seen: &[(u64, Impossible)],
    answers: &[Answer],
) -> Vec<(u64, Impossible)> {
    let Some(design) = design else { return Vec::new() };
    let never = design.check == Check::Never;
    let counts = !never && design.compare == Compare::Counter && design.sample == Sample::Inside;
    let applies = |what: Impossible| match what {
        Impossible::ValidThoughMoved
        | Impossible::ValidThoughDifferent
        | Impossible::RejectedThoughUnmoved => counts,
        Impossible::RejectedUncompared => never,
        Impossible::DroppedUnrejected | Impossible::WritesOverlap | Impossible::MappingDiffers => true,
    };
    let rejections = answers.iter().filter(|answer| !answer.valid);
    let rejections = rejections.map(|answer| (answer.line, Impossible::RejectedUncompared));
    seen.iter().copied().chain(rejections).filter(|(_, what)| applies(*what)).collect()
}
