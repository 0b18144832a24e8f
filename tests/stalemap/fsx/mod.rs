//! Random lists of commands, and logs in the language of fsx, explored with writeback and reclaim free beside them.
//!
//! * [`alone`]: what one actor does must leave what it would leave in a file of plain bytes.
//! * [`logs`]: the same for logs of fsx (fsx --replay-ops, xfstests).
//! * [`together`]: two actors at once violate nothing under a design that validates.
//! * [`crashes`]: neither does one actor whose power is lost.
//!
//! `STALEMAP_FSX_CASES` gives the number of random lists for each test.

mod alone;
mod crashes;
mod lists;
mod logs;
mod plain;
mod together;
