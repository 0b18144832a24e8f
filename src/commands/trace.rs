//! `trace`: what a trace of a real kernel shows.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use stalemap_trace::{Finder, ReadError, Reader, Which};

use super::{Exit, Report, Result};
use crate::cli::{TraceArgs, TraceFormat};
use crate::input::InputError;
use crate::report::trace::{self, Read as Shown};

pub(super) fn command(args: &TraceArgs, out: &mut dyn Write) -> Result<Report> {
    let which = args.inode.map_or(Which::First, Which::Inode);
    let unreadable = |error: ReadError| vec![other(&args.file, &error.to_string())];
    let mut reader = Reader::new(open(&args.file)?, which).map_err(unreadable)?;
    let mut finder = Finder::new(args.block);
    let mut kernel = None;
    while let Some(traced) = reader.next_event().map_err(unreadable)? {
        if args.format == TraceFormat::Jsonl && trace::line(&traced, out).is_err() {
            // Nobody reads any more.
            return Ok(Report::of(String::new(), Exit::Expected));
        }
        if let stalemap_trace::Event::Meta { kernel: release, .. } = &traced.event {
            kernel.get_or_insert_with(|| release.clone());
        }
        finder.see(&traced);
    }
    let counts = reader.counts();
    let Some(inode) = reader.inode().filter(|_| counts.understood > 0) else {
        return Err(vec![other(&args.file, &trace::nothing(counts, args.inode))]);
    };
    let shown = Shown {
        file: args.file.display().to_string(),
        inode,
        kernel,
        block: finder.block(),
        counts: counts.clone(),
        windows: finder.finish(),
    };
    let text = match args.format {
        TraceFormat::Text => trace::text(&shown, args.all),
        TraceFormat::Json => trace::json(&shown),
        TraceFormat::Jsonl => String::new(),
    };
    Ok(Report::of(text, Exit::Expected))
}

fn other(path: &Path, problem: &str) -> InputError {
    InputError::Other(format!("{}: {problem}", path.display()))
}

/// A trace may be as long as it likes, and may come from a pipe.
fn open(path: &Path) -> Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let unreadable = |error| vec![InputError::Unreadable { path: path.display().to_string(), error }];
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(vec![InputError::Folder { path: path.display().to_string() }]);
    }
    Ok(Box::new(file))
}
