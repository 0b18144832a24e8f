//! `synthesize`, and `check --weakest`.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::progress::Progress;
use super::{Exit, Report, Result, Stop, interrupt, over_all_runs, threads, under, verdicts, width};
use crate::cli::synthesize::{Over, SynthesizeArgs, SynthesizeFormat};
use crate::cli::{CheckArgs, CheckFormat, Engine, Memory, When};
use crate::input;
use crate::kernel_name;
use crate::report::synthesis as report;
use crate::run::{RunError, limits_beside_others, of_searches};
use crate::scenario::Scenario;
use crate::synthesis::answer::{Answer, answer};
use crate::synthesis::question::{self, Question};
use crate::synthesis::scope::{BASE, Scope, Wanted, alone, scopes};
use crate::synthesis::search::{MOST_CANDIDATES, Saves, Study};
use crate::tally::Tally;

pub(super) fn command(args: &SynthesizeArgs) -> Result<Report> {
    let mut scenarios = input::scenarios(&args.paths)?;
    let named = &args.personalities;
    scenarios.retain(|scenario| named.is_empty() || named.iter().any(|name| name == scenario.fs.base));
    let base = base(args.kernel.as_deref())?;
    let threads = threads(args.limits.jobs);
    let given = over_all_runs(&args.limits.search);
    let saves = if args.every_candidate { Saves::Nothing } else { Saves::Everything };
    let stop = interrupt::listen()?;
    let mut scopes = scopes(&scenarios, question(args.over), base, wanted(&args.paths), |scenario| {
        limits_beside_others(scenario, given, threads)
    });
    if scopes.iter().all(|scope| scope.subjects.is_empty()) {
        return Err(Stop::other(nothing_to_ask(args)));
    }
    if let Some(problem) = saves_too_little(saves, &scopes) {
        return Err(Stop::other(problem));
    }
    stopped_by(&mut scopes, &stop);
    let progress = Progress::new(subjects(&scopes) as u64, of_searches(given.memory), When::Auto, args.quiet);
    let answers = answers(scopes, saves, threads, &progress)?;
    progress.finish();
    let results = match args.format {
        SynthesizeFormat::Text => report::text::render(&answers, width()),
        SynthesizeFormat::Json => report::json::document(&answers),
        SynthesizeFormat::Markdown => report::markdown::sections(&answers),
    };
    Ok(Report { errors: interrupt::note(Some(&stop)), ..Report::of(results, exit(&answers)) })
}

/// `check --weakest`.
pub(super) fn weakest(args: &CheckArgs) -> Result<Report> {
    let run = &args.run;
    let scenarios = verdicts::scenarios(run)?;
    if let Some(problem) = not_together(args) {
        return Err(Stop::other(problem));
    }
    let named: Vec<&String> = run.under.designs.iter().chain(&run.under.kernels).collect();
    let base = named.first().map_or(BASE, |name| name.as_str());
    let (given, threads) = (verdicts::given(run), threads(run.limits.jobs));
    let limits = |scenario: &Scenario| limits_beside_others(scenario, given, threads);
    let stop = interrupt::listen()?;
    let mut scopes = alone(&scenarios, &question::PLACES, |scenario| under::any(scenario, base), limits)?;
    stopped_by(&mut scopes, &stop);
    let progress =
        Progress::new(subjects(&scopes) as u64, of_searches(given.memory), run.progress, run.quiet);
    let answers = answers(scopes, Saves::Everything, threads, &progress)?;
    progress.finish();
    let results = match args.format {
        CheckFormat::Json => report::json::document(&answers),
        _ => report::text::weakest(&answers, width()),
    };
    Ok(Report { errors: interrupt::note(Some(&stop)), ..Report::of(results, exit(&answers)) })
}

/// Has all explorations stop when this is set; what was not explored is undecided.
fn stopped_by<'s>(scopes: &mut [Scope<'s>], stop: &'s AtomicBool) {
    for subject in scopes.iter_mut().flat_map(|scope| &mut scope.subjects) {
        subject.stop = Some(stop);
    }
}

/// What does not go with `--weakest`.
fn not_together(args: &CheckArgs) -> Option<&'static str> {
    let run = &args.run;
    let wrong = [
        (
            !matches!(args.format, CheckFormat::Text | CheckFormat::Json),
            "the weakest checks are printed as text or JSON; choose one of these with `--format`",
        ),
        (
            run.under.designs.len() + run.under.kernels.len() > 1
                || run.under.designs.iter().chain(&run.under.kernels).any(|name| name == "all"),
            "checks are left out of one design or kernel; name one, or none for `iomap_valid`",
        ),
        (
            run.memory != Memory::Sc,
            "the weakest checks are looked for on sequentially consistent memory; leave out `--memory` or `--weakest`",
        ),
        (
            run.engine.engine != Engine::Exhaustive,
            "only the exhaustive engine can say that something is enough; leave out `--engine` or `--weakest`",
        ),
        (
            run.limit_preemptions.is_some(),
            "what is enough must be so in all runs; leave out `--limit-preemptions` or `--weakest`",
        ),
    ];
    wrong.into_iter().find(|(wrong, _)| *wrong).map(|(_, problem)| problem)
}

fn question(over: Over) -> &'static Question {
    match over {
        Over::Places => &question::PLACES,
        Over::Cookie => &question::COOKIE,
        Over::Compare => &question::COMPARE,
        Over::Locks => &question::LOCKS,
    }
}

/// What candidates are put on.
fn base(kernel: Option<&str>) -> Result<&str> {
    let Some(name) = kernel else { return Ok(BASE) };
    let kernel = kernel_name::kernel(name).map_err(Stop::other)?;
    Ok(kernel.name())
}

/// A scenario whose file is named is asked about, whatever file system it makes.
fn wanted(paths: &[PathBuf]) -> impl Fn(&Scenario) -> Wanted + '_ {
    |scenario| {
        let named = paths.iter().any(|path| under::names_it(path, scenario));
        if named { Wanted::ByName } else { Wanted::AmongOthers }
    }
}

fn nothing_to_ask(args: &SynthesizeArgs) -> String {
    let on = if args.personalities.is_empty() {
        String::new()
    } else {
        format!(" on {}", args.personalities.join(", "))
    };
    let under = args.kernel.as_ref().map_or_else(String::new, |kernel| format!(" that {kernel} can run"));
    format!(
        "there is no scenario{on}{under}, on a file system as it is built in; name another folder or kernel, or the file of a \
         scenario that changes its file system"
    )
}

fn saves_too_little(saves: Saves, scopes: &[Scope<'_>]) -> Option<String> {
    let most = scopes.iter().flat_map(|scope| &scope.subjects).map(|subject| subject.lattice.size()).max()?;
    (saves == Saves::Nothing && most > MOST_CANDIDATES).then(|| {
        format!(
            "there are {most} candidates, too many to explore every one (at most {MOST_CANDIDATES}); leave out \
             `--every-candidate`, or ask `--over` something else"
        )
    })
}

fn subjects(scopes: &[Scope<'_>]) -> usize {
    scopes.iter().map(|scope| scope.subjects.len()).sum()
}

fn answers<'s>(
    scopes: Vec<Scope<'s>>,
    saves: Saves,
    threads: usize,
    progress: &Progress,
) -> Result<Vec<Answer<'s>>, RunError> {
    let tally = Tally::default();
    let tick = |_: &Study| {
        tally.jobs.fetch_add(1, Ordering::Relaxed);
        progress.show(&tally);
    };
    let threads = NonZero::new(threads).unwrap_or(NonZero::<usize>::MIN);
    scopes.into_iter().map(|scope| answer(scope, saves, threads, &tick)).collect()
}

/// What is not as it should be beats what is not known.
fn exit(answers: &[Answer<'_>]) -> Exit {
    let sets = || answers.iter().flat_map(|answer| &answer.sets);
    let broken = sets().flat_map(|set| &set.not_confirmed).any(|(_, standing)| standing.breaks());
    let needs = || sets().flat_map(|set| &set.needs);
    let in_vain = needs().any(|need| need.shown.is_none() && need.open.is_empty());
    let known = answers.iter().flat_map(|answer| &answer.studies).all(Study::all_known);
    let no_set = answers.iter().any(|answer| !answer.conflict.is_empty());
    if broken || in_vain || (no_set && known) {
        Exit::Unexpected
    } else if !known
        || sets().any(|set| !set.not_confirmed.is_empty())
        || needs().any(|need| need.shown.is_none())
    {
        Exit::Incomplete
    } else {
        Exit::Expected
    }
}
