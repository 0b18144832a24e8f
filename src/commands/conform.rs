//! `trace --conforms`: whether a trace is a run of the model.

use std::path::Path;

use stalemap_explore::Limits;
use stalemap_model::words::implementation::Implementation;
use stalemap_trace::{ReadError, Reader, Which};

use super::trace_file::{block_is_one, open, other};
use super::{Exit, Report, Result, under, width};
use crate::cli::{TraceArgs, TraceFormat};
use crate::conform::{Asker, PAIRS, Survey, Verdict, kernel_of};
use crate::report::{conform, trace};
use crate::scenario::{Scenario, read};
use crate::stdin::is_stdin;

/// The size of a page.
const PAGE: u64 = 4096;

pub(super) fn command(args: &TraceArgs, file: &Path, asked: &str) -> Result<Report> {
    if is_stdin(file) {
        return Err(other(file, "a trace is read twice for this; name its file").into());
    }
    let known = survey(args, file)?;
    if known.block > PAGE {
        let problem = format!("blocks of {} bytes: a piece is a page of {PAGE} bytes", known.block);
        return Err(other(file, &problem).into());
    }
    if known.counts.backwards > 0 {
        let problem = format!(
            "times go back {} times, and the order of lines has to be that of events; print it anew, \
             or sort it by time",
            known.counts.backwards
        );
        return Err(other(file, &problem).into());
    }
    let name = name(&known, file, asked)?;
    let name = implementation_of(file, &name)?.name().to_owned();
    let implementation = |scenario: &Scenario| -> Option<Implementation> { scenario.implementation(&name) };
    let unreadable = |error: ReadError| other(file, &error.to_string());
    let limits = Limits { states: Some(PAIRS), ..Limits::default() };
    let reader = Reader::new(open(file)?, Which::Inode(known.inode)).map_err(unreadable)?;
    let pieces = Asker::new(&implementation, known.traces, limits);
    let found = pieces.ask_all(reader, known.block).map_err(unreadable)?;
    let exit = match found.verdict() {
        Verdict::DoesNotConform => Exit::Unexpected,
        Verdict::NoPieces | Verdict::Undecided | Verdict::Incomplete => Exit::Incomplete,
        Verdict::Conforms => Exit::Expected,
    };
    let shown = conform::Shown {
        file: file.display().to_string(),
        inode: known.inode,
        release: known.release,
        kernel: name,
        counts: known.counts,
        found,
    };
    let text = match args.format {
        TraceFormat::Text => conform::text(&shown, width()),
        TraceFormat::Json => conform::json(&shown),
        TraceFormat::Jsonl => {
            return Err(other(file, "`--format jsonl` prints events; take `json` or `text`").into());
        }
    };
    Ok(Report::of(text, exit))
}

/// Reads a trace for what it is of.
pub(super) fn survey(args: &TraceArgs, file: &Path) -> Result<Survey> {
    let unreadable = |error: ReadError| other(file, &error.to_string());
    let which = args.inode.map_or(Which::First, Which::Inode);
    let mut reader = Reader::new(open(file)?, which).map_err(unreadable)?;
    let survey = Survey::of(&mut reader, args.block).map_err(unreadable)?;
    let survey = survey.ok_or_else(|| other(file, &trace::nothing(reader.counts(), args.inode)))?;
    block_is_one(file, survey.block)?;
    Ok(survey)
}

/// The kernel or design that is asked for.
pub(super) fn name(known: &Survey, file: &Path, asked: &str) -> Result<String> {
    if !asked.is_empty() {
        return Ok(asked.to_owned());
    }
    let Some(release) = &known.release else {
        let problem = "the trace does not say of which kernel it is; name one: `--conforms linux-6.12`";
        return Err(other(file, problem).into());
    };
    let kernel = kernel_of(release).map(str::to_owned);
    let unknown =
        || other(file, &format!("`{release}` is no release of a kernel; name one: `--conforms linux-6.12`"));
    Ok(kernel.ok_or_else(unknown)?)
}

/// A kernel or design by its name, on XFS.
pub(super) fn implementation_of(file: &Path, name: &str) -> Result<Implementation> {
    let any = "title = \"any\"\n\n[[actor]]\nname = \"any\"\nrun = [\"fsync\"]\n";
    let scenario = read(&file.display().to_string(), any.as_bytes()).map_err(|_| Vec::new())?;
    Ok(under::any(&scenario, name)?)
}
