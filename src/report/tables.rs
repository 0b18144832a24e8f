//! Tables without rules, whose cells are as wide as they have to be.

use comfy_table::{ContentArrangement, Table, presets};

/// An empty one, in plain text.
pub(super) fn new_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
    table
}
