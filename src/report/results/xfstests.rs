//! What came of exported tests in the lab, for people, and as lines for scripts.

use std::fmt::Write as _;

use serde_json::json;
use stalemap_facade::Property;

use crate::annotate::About;
use crate::lab::variant::Variant;
use crate::lab::xfstests::{Ended, Results};

/// A test, and what it was run on.
#[derive(Clone, Copy, Debug)]
pub struct Exported<'a> {
    /// What it is a test of.
    pub about: &'a About,
    /// What is changed in the kernel.
    pub variant: Variant,
    /// Whether the model of that kernel violates the property that the test is about; `None` if that is not known.
    pub violates: Option<bool>,
}

impl Exported<'_> {
    /// How the test should end, by the model.
    const fn predicted(&self) -> Option<&'static str> {
        match self.violates {
            Some(true) => Some("fail"),
            Some(false) => Some("pass"),
            None => None,
        }
    }
}

/// The word of xfstests.
const fn result(ended: &Ended) -> &'static str {
    match ended {
        Ended::Passed => "pass",
        Ended::Failed { .. } => "fail",
        Ended::NotRun(_) => "not run",
        Ended::Broken(_) => "no result",
    }
}

/// For people.
pub fn text(played: &Exported<'_>, results: &Results) -> String {
    let Exported { about, variant, .. } = played;
    let check = variant.design().map_or_else(String::new, |design| format!(", check of design {design}"));
    let property = about.property.map_or_else(String::new, |property| format!(" ({property})"));
    let mut text = format!(
        "{} on {}{check}: the test of a counterexample to {}{property}\n",
        about.scenario, results.release, about.design
    );
    let predicted = match (&results.ended, played.predicted()) {
        (Ended::Passed | Ended::Failed { .. }, Some(predicted)) => format!("; by the model: {predicted}"),
        _ => String::new(),
    };
    let _ = writeln!(text, "  {}{predicted}", results.ended);
    if let Ended::Failed { diff, .. } = &results.ended {
        for line in diff.lines() {
            let _ = writeln!(text, "    {}", line.trim_end());
        }
    }
    for warning in &results.warnings {
        let _ = writeln!(text, "  the kernel's log: {warning}");
    }
    let _ = writeln!(text, "  {:.0} s", results.seconds);
    text
}

/// One line: what was run on what, how it ended and why.
pub fn jsonl(played: &Exported<'_>, results: &Results) -> String {
    let Exported { about, variant, .. } = played;
    let (mut why, mut diff, mut wrong) = (None, None, false);
    match &results.ended {
        Ended::Passed => {}
        Ended::Failed { wrong_contents, diff: differs } => {
            (diff, wrong) = (Some(differs.lines().collect::<Vec<_>>()), *wrong_contents);
        }
        Ended::NotRun(reason) | Ended::Broken(reason) => why = Some(reason),
    }
    let line = json!({
        "schema": "stalemap.lab-xfstests/1",
        "scenario": about.scenario,
        "kernel": results.release,
        "design": variant.design(),
        "counterexample_to": about.design,
        "property": about.property.map(Property::name),
        "result": result(&results.ended),
        "why": why,
        "wrong_contents": wrong,
        "diff": diff,
        "predicted": played.predicted(),
        "warnings": results.warnings,
        "seconds": (results.seconds * 10.0).round() / 10.0,
    });
    format!("{line}\n")
}
