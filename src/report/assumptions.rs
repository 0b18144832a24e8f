//! What the model leaves out, as a list.

use std::fmt::Write as _;

use serde_json::json;
use stalemap_model::words::assumptions::{ALL, Assumption};

use super::json::pretty;
use super::style::{HEAD, styled};

/// Every assumption with its source and the operations at which it matters.
pub fn list() -> String {
    let mut text = String::new();
    for Assumption { id, sentence, source, operations, on } in ALL {
        let _ = writeln!(text, "{}\n    {sentence}\n    kernel: {source}", styled(HEAD, id));
        let _ = writeln!(text, "    at:     {}", operations.join(", "));
        if let Some(clause) = on.clause() {
            let _ = writeln!(text, "    only:   {clause}");
        }
    }
    text.push_str("\n`stalemap check SCENARIO` says which of these a verdict that holds rests on.\n");
    text
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
