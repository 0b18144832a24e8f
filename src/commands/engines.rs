//! `agree` and `power`: other engines beside the exhaustive one.

use std::fs;

use stalemap_explore::Limits;

use super::progress::counted;
use super::{Exit, Report, Result, all_of, over_all_runs, threads, under, unwritable, write_schedule};
use crate::agree::agree;
use crate::cli::{AgreeArgs, Format, PowerArgs, WhatArgs, When};
use crate::engine::Engine;
use crate::input;
use crate::power::{Measurement, measure};
use crate::report::engines as report;
use crate::run::{Job, limits_beside_others};

/// `agree`: whether the engines find the same.
pub(super) fn agreements(args: &AgreeArgs) -> Result<Report> {
    let scenarios = input::scenarios(&args.what.paths)?;
    let jobs = under::jobs(&scenarios, &args.what.paths, &args.what.under, Engine::Exhaustive)?;
    let ran = counted(&jobs, threads(args.what.limits.jobs), (When::Auto, false), |job| {
        agree(job, args.iterations, &limits_of(&args.what, job, jobs.len()))
    });
    let agreements = all_of(ran)?;
    let mut saved = String::new();
    if let Some(folder) = &args.save {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        for agreement in &agreements {
            for difference in &agreement.differences {
                let Some(schedule) = &difference.schedule else { continue };
                let name = format!("{}-{}", agreement.design, difference.engine);
                saved.push_str(&write_schedule(folder, &agreement.scenario, &name, schedule)?);
            }
        }
    }
    let results = match args.what.format {
        Format::Json => report::agreements_json(&agreements),
        Format::Text => report::agreements(&agreements) + &saved,
    };
    let exit = if agreements.iter().any(|agreement| !agreement.differences.is_empty()) {
        Exit::Defect
    } else if agreements.iter().any(|agreement| !agreement.is_checked()) {
        Exit::Incomplete
    } else {
        Exit::Expected
    };
    Ok(Report::of(results, exit))
}

/// `power`: what random schedules would have found.
pub(super) fn power(args: &PowerArgs) -> Result<Report> {
    let scenarios = input::scenarios(&args.what.paths)?;
    let jobs = under::jobs(&scenarios, &args.what.paths, &args.what.under, Engine::Exhaustive)?;
    let ran = counted(&jobs, threads(args.what.limits.jobs), (When::Auto, false), |job| {
        measure(job, args.iterations, args.seed, &limits_of(&args.what, job, jobs.len()))
    });
    let measurements = all_of(ran)?;
    let (mut powers, mut unknown) = (Vec::new(), Vec::new());
    for measurement in measurements {
        match measurement {
            Measurement::Power(power) => powers.push(power),
            Measurement::Unknown(other) => unknown.push(other),
            Measurement::NothingToHit => {}
        }
    }
    let results = match args.what.format {
        Format::Json => report::powers_json(&powers, &unknown),
        Format::Text => report::powers(&powers, &unknown),
    };
    Ok(Report::of(results, if unknown.is_empty() { Exit::Expected } else { Exit::Incomplete }))
}

/// The limits of the exhaustive engine where others are compared with it.
fn limits_of(what: &WhatArgs, job: &Job<'_>, jobs: usize) -> Limits {
    limits_beside_others(
        job.scenario,
        over_all_runs(&what.limits.search),
        threads(what.limits.jobs).min(jobs),
    )
}
