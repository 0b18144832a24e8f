//! The text of `list` and `show`.

use std::fmt::Write as _;

use stalemap_model::words::config::{MixedIo, PostEof};
use stalemap_model::words::count::count;
use stalemap_model::words::geometry::{Bytes, Geometry};

use super::style::{HEAD, styled};
use crate::scenario::{Expectation, Scenario};
use crate::wrap::hung;

/// Columns of what stands before a line of `show`.
const LABEL: usize = 10;

/// A line for each scenario, or as many as its title takes in so many columns.
pub fn list(scenarios: &[Scenario], columns: Option<usize>) -> String {
    let width = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for scenario in scenarios {
        let files = match scenario.files.as_slice() {
            [_] => String::new(),
            files => format!(" (files {})", files.join(", ")),
        };
        let title = format!("{}{files}", scenario.title);
        text.push_str(&hung(&format!("{:width$}  ", scenario.name), &title, columns));
    }
    text
}

/// One scenario: how it is cut, what is expected, and its file.
pub fn show(scenario: &Scenario, geometry: &Geometry, columns: Option<usize>) -> String {
    let mut text = format!("{}\n", styled(HEAD, &scenario.name)) + &hung("", &scenario.title, columns);
    if !scenario.refs.is_empty() {
        text.push_str(&hung("from      ", &scenario.refs.join("; "), columns));
    }
    let cuts: Vec<String> =
        (0..=geometry.cells()).map(|cell| Bytes(geometry.byte_at(cell)).to_string()).collect();
    let shown = if cuts.len() > 20 { count(u64::from(geometry.cells()), "cell") } else { cuts.join(" | ") };
    let (head, each) = match scenario.files.as_slice() {
        [_] => ("file ", String::new()),
        files => ("files", format!("{}; each of ", files.join(", "))),
    };
    let sizes = format!(
        "{each}{} of {}, {} of {}",
        count(u64::from(geometry.folios()), "folio"),
        Bytes(geometry.folio_size()),
        count(u64::from(geometry.blocks()), "block"),
        Bytes(geometry.block_size())
    );
    text.push_str(&hung(&format!("{head}     "), &sizes, columns));
    if let Some(odd) = scenario.odd_folio() {
        text.push_str(&hung("          ", &odd, columns));
    }
    text.push_str(&hung("cells     ", &shown, columns));
    for line in environment(scenario) {
        let (of, is) = line.split_at(LABEL);
        text.push_str(&hung(of, is, columns));
    }
    for actor in &scenario.actors {
        let _ = writeln!(text, "actor     {} ({})", actor.name, count(actor.run.len() as u64, "command"));
    }
    for (design, expected) in &scenario.expect {
        let expected = match expected {
            Expectation::Holds => "holds".to_owned(),
            Expectation::Violates(listed) => format!("violates {}", super::check::names(listed)),
        };
        text.push_str(&hung("expected  ", &format!("{design} {expected}"), columns));
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
