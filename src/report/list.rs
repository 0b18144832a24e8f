//! The text of `list` and `show`.

use std::fmt::Write as _;

use stalemap_model::words::config::{MixedIo, PostEof};
use stalemap_model::words::count::count;
use stalemap_model::words::geometry::{Bytes, Geometry};

use super::style::{HEAD, styled};
use crate::scenario::{Expectation, Scenario};

/// A line for each scenario.
pub fn list(scenarios: &[Scenario]) -> String {
    let width = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for scenario in scenarios {
        let _ = write!(text, "{:width$}  {}", scenario.name, scenario.title);
        let _ = match scenario.files.as_slice() {
            [_] => writeln!(text),
            files => writeln!(text, " (files {})", files.join(", ")),
        };
    }
    text
}

/// One scenario: how it is cut, what is expected, and its file.
pub fn show(scenario: &Scenario, geometry: &Geometry) -> String {
    let mut text = format!("{}\n{}\n", styled(HEAD, &scenario.name), scenario.title);
    if !scenario.refs.is_empty() {
        let _ = writeln!(text, "from      {}", scenario.refs.join("; "));
    }
    let cuts: Vec<String> =
        (0..=geometry.cells()).map(|cell| Bytes(geometry.byte_at(cell)).to_string()).collect();
    let shown = if cuts.len() > 20 { count(u64::from(geometry.cells()), "cell") } else { cuts.join(" | ") };
    let (head, each) = match scenario.files.as_slice() {
        [_] => ("file ", String::new()),
        files => ("files", format!("{}; each of ", files.join(", "))),
    };
    let _ = writeln!(
        text,
        "{head}     {each}{} of {}, {} of {}",
        count(u64::from(geometry.folios()), "folio"),
        Bytes(geometry.folio_size()),
        count(u64::from(geometry.blocks()), "block"),
        Bytes(geometry.block_size())
    );
    let _ = writeln!(text, "cells     {shown}");
    for line in environment(scenario) {
        let _ = writeln!(text, "{line}");
    }
    for actor in &scenario.actors {
        let _ = writeln!(text, "actor     {} ({})", actor.name, count(actor.run.len() as u64, "command"));
    }
    for (design, expected) in &scenario.expect {
        let expected = match expected {
            Expectation::Holds => "holds".to_owned(),
            Expectation::Violates(listed) => format!("violates {}", super::check::names(listed)),
        };
        let _ = writeln!(text, "expected  {design} {expected}");
    }
    let _ = write!(text, "\n{}", scenario.source);
    text
}

/// The file system, what of it the file sets, and what else is not as it is unless a file says so.
fn environment(scenario: &Scenario) -> Vec<String> {
    let set = scenario.set_fields().into_iter().map(|(field, value)| format!("{field} = {value}"));
    let fs = std::iter::once(scenario.personality.clone()).chain(set).collect::<Vec<_>>().join(", ");
    let mut lines = vec![format!("fs        {fs}")];
    for (name, of) in scenario.written_from_buffers() {
        let file = match scenario.files.as_slice() {
            [_] => String::new(),
            files => files.get(usize::from(of.file)).map_or_else(String::new, |file| format!("[{file}] ")),
        };
        let (from, to) = (Bytes(of.range.start), Bytes(of.range.end));
        lines.push(format!("buffer    {name}, for the write of {file}{from}-{to}"));
    }
    if scenario.mixed_io != MixedIo::Strict {
        lines.push(format!("mixed_io  {}", scenario.mixed_io.name()));
    }
    if scenario.post_eof != PostEof::Judged {
        lines.push(format!("post_eof  {}", scenario.post_eof.name()));
    }
    lines
}
