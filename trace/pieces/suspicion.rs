//! What cannot be, by name, and what is remembered of a trace and of its tasks to find it.

use std::collections::VecDeque;

use serde::Serialize;

/// What cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impossible {
    /// An answer "valid", though the counter had moved since the mapping was handed out: of a kernel that compares it.
    ValidThoughMoved,
    /// An answer "valid", though the values that were compared differ, as the probe printed them.
    ValidThoughDifferent,
    /// A rejection, though no record of the file changed since the mapping was asked for: of a kernel that compares the counter.
    RejectedThoughUnmoved,
    /// A rejection, of a kernel that compares nothing.
    RejectedUncompared,
    /// A write asked for a mapping anew in the middle of the one that it had, which was not rejected.
    DroppedUnrejected,
    /// Two writes were under way at a time.
    WritesOverlap,
    /// A mapping says of a block what that is not, and no record of it changed since the mapping was asked for.
    MappingDiffers,
}

impl Impossible {
    /// In a few words, as they stand behind a number.
    pub const fn words(self) -> &'static str {
        match self {
            Impossible::ValidThoughMoved => {
                "answers \"valid\" when the counter had moved since the mapping was handed out"
            }
            Impossible::ValidThoughDifferent => "answers \"valid\" of a comparison of different values",
            Impossible::RejectedThoughUnmoved => {
                "rejections though no record had changed since the mapping was asked for"
            }
            Impossible::RejectedUncompared => "rejections, and this kernel compares nothing",
            Impossible::DroppedUnrejected => {
                "mappings asked for anew by a write that had another one, which was not rejected"
            }
            Impossible::WritesOverlap => "steps of a write while another one was under way",
            Impossible::MappingDiffers => "mappings that say of a block what it is not",
        }
    }
}

/// For how many rejections a change that is printed late is waited for.
pub(super) const MOST_UNMOVED: usize = 256;

/// What is remembered for that.
#[derive(Debug, Default)]
pub(super) struct Suspicions {
    /// How often the counter of the data fork has moved for certain.
    pub(super) moved: u64,
    /// How many lines of records there were, of any fork with contents.
    pub(super) records: u64,
    /// Rejections for which no change was printed so far: one may be printed late.
    pub(super) unmoved: VecDeque<u64>,
    /// Some comparison was of equal values: the probe reads the counter where it is.
    pub(super) equal: bool,
    /// The last task that had a step in a write, and the line.
    pub(super) writer: Option<(u32, u64)>,
    /// The file has copies of shared blocks; then mappings are of two maps.
    pub(super) copies: bool,
    pub(super) found: Vec<(u64, Impossible)>,
}

/// What is remembered of a task.
#[derive(Debug, Default)]
pub(super) struct Suspect {
    /// How many lines of records there were when it asked for its mapping.
    pub(super) records: Option<u64>,
    /// What it compares: the values for the data fork.
    pub(super) compared: Option<(u32, u32)>,
    /// It could not get a folio: then it gives its mapping up.
    pub(super) failed: bool,
    /// It has asked anew in the middle of a mapping.
    pub(super) dropped: Option<u64>,
}
