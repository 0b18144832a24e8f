//! What the document of `compare` has beside the verdicts: the answer, and the groups of scenarios by what differs.

use serde_json::{Value, json};

use super::answer::sentences;
use super::{cells, title};
use crate::comparison::Comparison;
use crate::comparison::matrix::{Group, Likeness, Matrix};

/// The comparison, with a version of its own.
pub fn comparison(comparison: &Comparison<'_>) -> Value {
    let tables = comparison.matrices().into_iter().zip(["designs", "series", "kernels"]);
    json!({
        "schema": "stalemap.compare/1",
        "answer": sentences(comparison),
        "tables": tables.map(|(matrix, name)| table(matrix, name)).collect::<Vec<_>>(),
        "defined_by_files": comparison.own.len(),
    })
}

fn table(matrix: &Matrix<'_>, name: &str) -> Value {
    let groups = matrix.groups();
    json!({
        "of": name,
        "columns": matrix.columns,
        "scenarios": matrix.rows.len(),
        "groups": groups.iter().map(|found| group(found, matrix)).collect::<Vec<_>>(),
    })
}

fn group(group: &Group<'_, '_>, matrix: &Matrix<'_>) -> Value {
    let classes = matrix.columns.iter().zip(&group.classes);
    let classes: serde_json::Map<String, Value> =
        classes.filter_map(|(column, class)| Some((column.clone(), class.as_ref()?.name().into()))).collect();
    let rows = group.rows.iter().map(|row| {
        json!({
            "scenario": row.scenario.name,
            "title": row.scenario.title,
            "cells": cells(row, &matrix.columns),
        })
    });
    json!({
        "title": title(group, matrix),
        "differs": group.differs(),
        "likeness": match group.likeness {
            Likeness::Alone => "alone",
            Likeness::Alike => "alike",
            Likeness::BrokenOtherwise => "broken-otherwise",
            Likeness::Differ => "differ",
        },
        "comes_to": classes,
        "rows": rows.collect::<Vec<_>>(),
    })
}
