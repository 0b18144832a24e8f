//! `trace`: what a trace of a real kernel shows.

use std::io::Write;
use std::path::Path;

use stalemap_trace::{Finder, ReadError, Reader, Which, Window};

use super::trace_file::{block_is_one, open, other};
use super::{Exit, Report, Result, columns, conform, picture, write_new};
use crate::cli::{TraceArgs, TraceCommand, TraceFormat};
use crate::report::cut;
use crate::report::trace::{self, Read as Shown};
use crate::stdin::is_stdin;
use crate::wrap::broken;

pub(super) fn command(args: &TraceArgs, out: &mut dyn Write) -> Result<Report> {
    match (&args.instead, &args.file) {
        (None, Some(file)) if args.conforms.is_some() && !is_drawn(args) => {
            conform::command(args, file, args.conforms.as_deref().unwrap_or_default())
        }
        (None, Some(file)) => read(args, file, out),
        (Some(TraceCommand::Record), _) | (None, None) => {
            Ok(Report::of(stalemap_trace::RECORD.to_owned(), Exit::Expected))
        }
    }
}

fn read(args: &TraceArgs, file: &Path, out: &mut dyn Write) -> Result<Report> {
    let which = args.inode.map_or(Which::First, Which::Inode);
    let unreadable = |error: ReadError| other(file, &error.to_string());
    let mut reader = Reader::new(open(file)?, which).map_err(unreadable)?;
    let mut finder = Finder::new(args.block);
    let mut kernel = None;
    while let Some(traced) = reader.next_event().map_err(unreadable)? {
        if args.format == TraceFormat::Jsonl && trace::line(&traced, out).is_err() {
            // Nobody reads any more.
            return Ok(Report::of(String::new(), Exit::Expected));
        }
        if let stalemap_trace::Event::Meta { kernel: release, block, .. } = &traced.event {
            block_is_one(file, *block)?;
            kernel.get_or_insert_with(|| release.clone());
        }
        finder.see(&traced);
    }
    let counts = reader.counts();
    let Some(inode) = reader.inode().filter(|_| counts.understood > 0) else {
        return Err(other(file, &trace::nothing(counts, args.inode)).into());
    };
    let shown = Shown {
        file: file.display().to_string(),
        inode,
        kernel,
        block: finder.block(),
        counts: counts.clone(),
        windows: finder.finish(),
    };
    if args.scenario.is_some() || is_drawn(args) {
        return of_window(args, file, &shown);
    }
    let text = match args.format {
        TraceFormat::Text => broken(&trace::text(&shown, args.all), columns()),
        TraceFormat::Json => trace::json(&shown),
        TraceFormat::Jsonl => String::new(),
    };
    Ok(Report::of(text, Exit::Expected))
}

/// A picture is asked for.
fn is_drawn(args: &TraceArgs) -> bool {
    args.html.is_some() || args.svg.is_some()
}

/// Cuts a window out of the trace, which is read again for that.
fn of_window(args: &TraceArgs, file: &Path, shown: &Shown) -> Result<Report> {
    let windows = &shown.windows.windows;
    let number = args.window.unwrap_or(1);
    let window = usize::try_from(number - 1).ok().and_then(|n| windows.get(n));
    let Some(window) = window else {
        let problem = match windows.len() {
            0 => "no mapping went stale in it".to_owned(),
            many => format!("there is no stale mapping {number}; there are {many}"),
        };
        return Err(other(file, &problem).into());
    };
    if is_stdin(file) {
        return Err(other(file, "a trace is read twice for a scenario; name its file").into());
    }
    let mut report = match &args.scenario {
        Some(path) => write_scenario(file, path, window, shown)?,
        None => Report::of(String::new(), Exit::Expected),
    };
    if is_drawn(args) {
        report.results.push_str(&picture::command(args, file, window)?.results);
    }
    Ok(report)
}

fn write_scenario(file: &Path, path: &Path, window: &Window, shown: &Shown) -> Result<Report> {
    let unreadable = |error: ReadError| other(file, &error.to_string());
    let reader = Reader::new(open(file)?, Which::Inode(shown.inode)).map_err(unreadable)?;
    let cut = stalemap_trace::cut(reader, window, shown.block).map_err(unreadable)?;
    write_new(path, &cut::scenario(&cut, window, &shown.file))?;
    Ok(Report::of(format!("wrote {}\n", path.display()), Exit::Expected))
}
