//! `claims`: what explorations say to each claim of the thread.

use super::progress::Progress;
use super::{Exit, Report, Result, Stop, all_of, over_all_runs, threads, width};
use crate::claims::decide::{Decision, Says};
use crate::claims::file::{self, Claim};
use crate::claims::plan::Plan;
use crate::cli::{ClaimsArgs, ClaimsFormat, When};
use crate::input::InputError;
use crate::report::claims;
use crate::run::{of_searches, run_all};
use crate::tally::Tally;

pub(super) fn command(args: &ClaimsArgs) -> Result<Report> {
    if args.format == ClaimsFormat::Markdown && !args.what.is_empty() {
        let problem = "the page is of all claims: leave numbers and authors out, or take another format";
        return Err(Stop::other(problem));
    }
    let all = file::all()?;
    let claims = selected(&all, &args.what)?;
    let plan = Plan::of(&claims)?;
    let jobs = plan.jobs();
    let given = over_all_runs(&args.limits.search);
    let progress = Progress::new(jobs.len() as u64, of_searches(given.memory), When::Auto, args.quiet);
    let ran = run_all(&jobs, given, threads(args.limits.jobs), &|tally: &Tally| progress.show(tally));
    progress.finish();
    let outcomes = all_of(ran)?;
    let decisions: Vec<Decision<'_>> = claims.iter().map(|claim| Decision::of(claim, &outcomes)).collect();
    let results = match (args.format, &decisions[..]) {
        (ClaimsFormat::Text, [one]) => claims::one(one, &plan, width()),
        (ClaimsFormat::Text, some) => claims::list(some, width()),
        (ClaimsFormat::Json, some) => claims::json(some, &plan),
        (ClaimsFormat::Markdown, all) => claims::page(all, &plan),
    };
    Ok(Report::of(results, exit(&decisions)))
}

/// What came out otherwise than the claims foresee beats what did not come to its end.
fn exit(decisions: &[Decision<'_>]) -> Exit {
    let says = || decisions.iter().flat_map(|decision| &decision.pieces).map(|piece| &piece.says);
    if says().any(|says| matches!(says, Says::Unforeseen(_))) {
        Exit::Unexpected
    } else if says().any(|says| matches!(says, Says::Incomplete(_))) {
        Exit::Incomplete
    } else {
        Exit::Expected
    }
}

/// The claims that are asked for, by number or by author; without any, all.
fn selected<'c>(all: &'c [Claim], what: &[String]) -> Result<Vec<&'c Claim>> {
    let mut unknown = Vec::new();
    for asked in what.iter().filter(|asked| !all.iter().any(|claim| is_asked(claim, asked))) {
        let mut authors: Vec<String> = Vec::new();
        for surname in all.iter().map(Claim::surname) {
            if !authors.contains(&surname) {
                authors.push(surname);
            }
        }
        unknown.push(InputError::Other(format!(
            "there is no claim `{asked}`; name a number from 1 to {}, or an author: {}",
            all.len(),
            authors.join(", ")
        )));
    }
    if !unknown.is_empty() {
        return Err(unknown.into());
    }
    let asked = |claim: &&Claim| what.is_empty() || what.iter().any(|asked| is_asked(claim, asked));
    Ok(all.iter().filter(asked).collect())
}

/// Whether a number, or a part of an author's name, is that of a claim.
fn is_asked(claim: &Claim, asked: &str) -> bool {
    match asked.parse::<u32>() {
        Ok(number) => claim.number == number,
        Err(_) => !asked.is_empty() && claim.author.to_lowercase().contains(&asked.to_lowercase()),
    }
}
