//! What the model leaves out, as a list.

use std::fmt::Write as _;

use serde_json::json;
use stalemap_model::words::assumptions::{ALL, Assumption};

use super::json::pretty;
use super::style::{HEAD, styled};
use crate::wrap::{broken, hung};

/// Every assumption with its source and the operations at which it matters.
pub fn list(columns: Option<usize>) -> String {
    let mut text = String::new();
    for Assumption { id, sentence, source, operations, on } in ALL {
        let _ = writeln!(text, "{}", styled(HEAD, id));
        let _ = writeln!(text, "    {sentence}");
        text.push_str(&hung("    kernel: ", source, columns));
        text.push_str(&hung("    at:     ", &operations.join(", "), columns));
        if let Some(clause) = on.clause() {
            text.push_str(&hung("    only:   ", clause, columns));
        }
    }
    text.push_str("\n`stalemap check SCENARIO` says which of these a verdict that holds rests on.\n");
    broken(&text, columns)
}

/// The document of `assumptions`.
pub fn json() -> String {
    let entry = |assumption: &Assumption| {
        json!({
            "id": assumption.id,
            "sentence": assumption.sentence,
            "source": assumption.source,
            "operations": assumption.operations,
            "only": assumption.on.clause(),
        })
    };
    pretty(
        &json!({ "schema": "stalemap.assumptions/1", "assumptions": ALL.iter().map(entry).collect::<Vec<_>>() }),
    )
}
