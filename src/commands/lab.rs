//! `lab`: a schedule on a real kernel.

use std::fs;

use stalemap_explore::{Schedule, Step};
use stalemap_facade::Property;
use stalemap_model::judge::properties;
use stalemap_model::words::personality::FsType;

use super::booted::{keep, lacking, release, stable_series, variant};
use super::{Exit, Report, Result, Stop, conforming, exported, unwritable, width};
use crate::cli::lab::{
    FetchArgs, LabArgs, LabCommand, LabPlanArgs, LabRunArgs, LabSubject, LabTableArgs, PlanFormat,
    ResultFormat,
};
use crate::input::{self, InputError, Named};
use crate::lab::guest::{self, Store};
use crate::lab::places::Race;
use crate::lab::plan::Plan;
use crate::lab::planner::{PlanError, Subject};
use crate::lab::program;
use crate::lab::run::{self, Came, Mode, Results, Run};
use crate::lab::variant::Variant;
use crate::report::{lab as shown, results};
use crate::scenario::{Scenario, read};

pub(super) fn command(args: &LabArgs) -> Result<Report> {
    let (report, kernel) = match &args.command {
        LabCommand::Plan(args) => (plan_command(args)?, args.subject.kernel.as_str()),
        LabCommand::Run(args) => (run_command(args)?, args.subject.kernel.as_str()),
        LabCommand::Conform(args) => (conforming::command(args)?, args.kernel.as_str()),
        LabCommand::Xfstests(args) => (exported::command(args)?, args.kernel.as_str()),
        LabCommand::Table(args) => return table_command(args),
        LabCommand::Fetch(args) => (fetch(args)?, args.kernel.as_str()),
    };
    Ok(Report { errors: stable_series(kernel).unwrap_or_default() + &report.errors, ..report })
}

fn table_command(args: &LabTableArgs) -> Result<Report> {
    let mut results = String::new();
    for path in &args.files {
        let shown = path.display();
        let text =
            fs::read_to_string(path).map_err(|error| Stop::other(format!("cannot read {shown}: {error}")))?;
        results::table::markdown(&text).map_err(|error| Stop::other(format!("{shown}: {error}")))?;
        results.push_str(&text);
        results.push('\n');
    }
    let table = results::table::markdown(&results).map_err(|error| Stop::other(error.to_string()))?;
    Ok(Report::of(table, Exit::Expected))
}

fn fetch(args: &FetchArgs) -> Result<Report> {
    release(&args.kernel)?;
    let store = Store::open().map_err(|error| lacking(&error))?;
    let say = |what: &str| eprintln!("{what}");
    let kernel = guest::fetch(&store, &args.kernel, &args.designs, &say).map_err(|error| lacking(&error))?;
    let text = format!("linux {} ({}) is in {}\n", kernel.full, kernel.release, store.folder().display());
    Ok(Report::of(text, Exit::Expected))
}

fn plan_command(args: &LabPlanArgs) -> Result<Report> {
    let Planned { plan, notes } = plan(&args.subject)?;
    let text = match args.format {
        PlanFormat::Text => shown::text(&plan, width()),
        PlanFormat::Json => shown::json(&plan),
        PlanFormat::C => match program::withheld(&plan) {
            Some(why) => {
                let name = &plan.scenario;
                return Err(Stop::other(format!("{name}: there is no program of it: {why}")));
            }
            None => program(&plan)?,
        },
    };
    Ok(Report { results: text, errors: notes, exit: Exit::Expected })
}

/// The program of a plan.
fn program(plan: &Plan) -> Result<String> {
    match program::unsayable(plan) {
        Some(why) => Err(Stop::other(format!("{}: there is no program of it: {why}", plan.scenario))),
        None => Ok(program::program(plan)),
    }
}

/// What the guest leaves of the trace of its first run.
const TRACE: &str = "0.trace";

fn run_command(args: &LabRunArgs) -> Result<Report> {
    let Planned { plan, notes } = plan(&args.subject)?;
    if let Some(why) = run::unbootable(&plan) {
        return Err(Stop::other(format!("{}: no guest can run it: {why}", plan.scenario)));
    }
    if let (Some(order), None) = (plan.unforced.first(), args.natural) {
        return Err(Stop::other(format!(
            "{}: step {} ({}: {}) cannot be forced: {}; play it in a loop, with `--natural 1000`",
            plan.scenario,
            order.step + 1,
            order.actor,
            order.op,
            order.why
        )));
    }
    let program = program(&plan)?;
    let store = Store::fetched().map_err(|error| lacking(&error))?;
    let kernel = store.kernel(&args.subject.kernel).map_err(|error| lacking(&error))?;
    let one = Race::from(&plan).one_alone().filter(|_| args.places > 1);
    let places = if one.is_some() { 1 } else { args.places };
    let modes = match args.natural {
        Some(rounds) => vec![Mode::Natural { rounds, seconds: args.seconds, places }],
        None if args.trace.is_some() => vec![Mode::Recorded, Mode::Control],
        None => vec![Mode::Forced, Mode::Control],
    };
    let results = run::run(&store, &kernel, &plan, &program, &modes).map_err(|error| lacking(&error))?;
    if let Some(folder) = &args.keep {
        let handed_out = if program::withheld(&plan).is_none() { &program[..] } else { "" };
        keep(folder, ("program.c", handed_out), &results.left)?;
    }
    if let Some(path) = &args.trace {
        let trace = results.left.get(TRACE).map_or(&[][..], Vec::as_slice);
        fs::write(path, trace).map_err(|error| unwritable(path, &error))?;
    }
    let text = match args.format {
        ResultFormat::Text => results::text(&plan, &results),
        ResultFormat::Jsonl => results::jsonl(&plan, &results),
    };
    let errors = one.map_or_else(String::new, |why| {
        format!("note: {}: one place a round, in small files: {why}\n", plan.scenario)
    });
    Ok(Report { results: text, errors: notes + &errors, exit: exit_of(&plan, &results) })
}

/// A run that came as predicted is expected, and a control that came as one. Where both are predicted to be alike, they are.
fn exit_of(plan: &Plan, results: &Results) -> Exit {
    let as_expected = |run: &Run| match run.mode {
        Mode::Control => run.came == Came::AsControl,
        Mode::Natural { .. } if !plan.tells() => run.came == Came::AsControl || run.came == Came::AsPredicted,
        Mode::Forced | Mode::Recorded | Mode::Natural { .. } => run.came == Came::AsPredicted,
    };
    if results.runs.iter().all(as_expected) {
        return Exit::Expected;
    }
    let unknown = |run: &Run| matches!(run.came, Came::NotReached(_) | Came::Broken(_));
    if results.runs.iter().any(unknown) { Exit::Incomplete } else { Exit::Unexpected }
}

/// A plan, with what is to be said of how it was found: for stderr.
struct Planned {
    plan: Plan,
    notes: String,
}

/// The plan of what was asked for; a scenario that holds has none, which is told.
fn plan(asked: &LabSubject) -> Result<Planned> {
    let (release, variant) = (release(&asked.kernel)?, variant(asked.design.as_deref())?);
    let property = asked.property.as_deref().map(property).transpose()?;
    let given = given(asked)?;
    let subject = Subject::new(&given.scenario, release, variant).ok_or_else(|| {
        let name = &given.scenario.name;
        Stop::other(format!(
            "{name}: the model has no such file system for {}, so there is nothing to boot",
            release.kernel()
        ))
    })?;
    let subject = if asked.full_batch { subject.behind_full_batch() } else { subject };
    if variant != Variant::Stock && given.scenario.fs.fs_type != FsType::Xfs {
        let name = &given.scenario.name;
        return Err(Stop::other(format!(
            "{name}: `--design` changes XFS alone, and this is another file system"
        )));
    }
    let fits = given.fits(&subject)?;
    let planned = match (&fits, property, given.violates) {
        (Fits::As(steps), asked, violated) => subject.of_schedule(steps, asked.or(violated)),
        (_, Some(asked), _) => subject.of_property(asked),
        (Fits::Not(_), None, Some(violated)) => match subject.of_property(violated) {
            Err(PlanError::Holds { .. }) => subject.of_scenario(),
            planned => planned,
        },
        (_, None, _) => subject.of_scenario(),
    };
    let overruled = given.scenario.overruled(&subject.implementation);
    let overruled = overruled.iter().map(|(field, value)| {
        let kernel = release.kernel();
        format!("note: {kernel}: `{field}` is {value} here, whatever [fs] says\n")
    });
    let elsewhere = match &fits {
        Fits::Not(of) => Some(format!(
            "note: the schedule is of {of}; another one was looked for under {}\n",
            subject.implementation.name()
        )),
        Fits::As(_) | Fits::None => None,
    };
    match planned {
        Ok(plan) => Ok(Planned { plan, notes: elsewhere.into_iter().chain(overruled).collect() }),
        Err(PlanError::Engine(error)) => Err(error.into()),
        Err(error @ PlanError::Unknown { .. }) => {
            Err(Stop::Told(Report::of(format!("{error}\n"), Exit::Incomplete)))
        }
        Err(error @ PlanError::Holds { .. }) => {
            Err(Stop::Told(Report::of(format!("{error}\n"), Exit::Unexpected)))
        }
        Err(error) => Err(Stop::other(error.to_string())),
    }
}

/// A scenario, and the schedule if there is one.
struct Given {
    scenario: Scenario,
    schedule: Option<Schedule>,
    violates: Option<Property>,
}

/// Whether what was given is a schedule of the kernel that is booted.
enum Fits<'g> {
    /// It is: its steps are played as they are.
    As(&'g [Step]),
    /// It is one of another kernel, or of a design: of this one.
    Not(&'g str),
    /// It is no schedule.
    None,
}

impl Given {
    fn fits(&self, subject: &Subject<'_>) -> Result<Fits<'_>> {
        let Some(schedule) = &self.schedule else { return Ok(Fits::None) };
        let of = schedule.header("design").unwrap_or_default();
        if self.scenario.implementation(of).is_none() {
            let problem = format!("the schedule is of `{of}`, and there is no such design or kernel");
            return Err(Stop::other(problem));
        }
        let same = of == subject.release.kernel() && subject.variant == Variant::Stock;
        Ok(if same { Fits::As(&schedule.steps) } else { Fits::Not(of) })
    }
}

/// Reads a schedule with its scenario, or a scenario.
fn given(asked: &LabSubject) -> Result<Given> {
    let text = match input::either(&asked.path)? {
        Named::Scenario(scenario) => {
            return Ok(Given { scenario: *scenario, schedule: None, violates: None });
        }
        Named::Schedule(text) => text,
    };
    let shown = input::shown(&asked.path);
    let bad = |problem: String| Stop::other(format!("{shown}: {problem}"));
    let schedule = Schedule::parse(&text).map_err(|error| bad(error.to_string()))?;
    let mut scenario = read(&format!("{shown} (the scenario in it)"), schedule.scenario.as_bytes())
        .map_err(InputError::Scenario)?;
    if let Some(name) = schedule.header("scenario") {
        name.clone_into(&mut scenario.name);
    }
    let violates = schedule.header("violates").map(property).transpose()?;
    Ok(Given { scenario, schedule: Some(schedule), violates })
}

fn property(name: &str) -> Result<Property> {
    properties::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = properties::ALL.iter().map(|property| property.name()).collect();
        Stop::other(format!("there is no property `{name}`; there are {}", names.join(", ")))
    })
}
