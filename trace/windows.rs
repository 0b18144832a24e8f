//! Stale windows: a task holds a mapping, the extents under it change, the mapping is used.
//!
//! For each mapping that a task was handed out: what changed under it, by whom, when; whether the kernel's check saw it; and what
//! the use that followed did. A use of a stale mapping is *harmful* when it goes by what is not so any more:
//!
//! - A part of a block is written that is not in the page cache. The mapping says that nothing was ever written there, so the rest
//!   of the block is zeroed; but the block has data on the device by now, and these are lost.
//! - The mapping says that the block is on the device, where the file has none any more: the rest of the block becomes whatever is there,
//!   or what is written is dropped or overwrites what is not the file's.
//!
//! It is *harmless* when the block was in the page cache, when all of it is written, or when the mapping still says what is so at
//! that block: most changes are elsewhere in the extent. Where the trace does not say what the page cache or the map had, it
//! *cannot be known*.

mod finder;
mod held;
mod judge;
mod window;

pub use finder::Finder;
pub use window::{Bytes, Change, Harm, Judgement, Moment, Purpose, Totals, Window, Windows, WrongContents};
