//! `replay`: what a schedule file does, laid out as asked.

use std::fs;
use std::path::Path;

use stalemap_checker::{follow_with_shuttle, halted_setup};
use stalemap_explore::{EngineError, Follow, ReplayError, Schedule, Step};
use stalemap_facade::{MemoryModel, Property};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::branches;
use stalemap_model::words::config::Config;
use stalemap_model::words::design::Design;
use stalemap_model::words::ordering::{Link, Orderings};

use super::{Exit, Report, Result, Stop, look, under, unusual, unwritable, width};
use crate::annotate::expected::Expected;
use crate::annotate::inner::StateKind;
use crate::annotate::program::Program;
use crate::annotate::{About, AnnotatedSchedule, annotate, calls, setup};
use crate::between::{Fits, Parting, fits};
use crate::cli::{Engine, ReplayArgs, ReplayFormat, State};
use crate::idle;
use crate::input::{self, InputError};
use crate::lab::plan::Plan;
use crate::lab::planner::Subject;
use crate::lab::program;
use crate::lab::release::Release;
use crate::lab::sequential;
use crate::lab::variant::Variant;
use crate::litmus::Core;
use crate::report::characters::Characters;
use crate::report::export::{ftrace, mermaid, perfetto, shiviz, xfstests};
use crate::report::timeline::{self, Look, Show};
use crate::report::{beside, html, json, svg};
use crate::run::{HaltedSetup, kernel};
use crate::scenario::implementations::Kind;
use crate::scenario::{Scenario, read};
use crate::shell::quoted;
use crate::stdin::{argument, is_stdin};
use crate::wrap::fill;

pub(super) fn command(args: &ReplayArgs) -> Result<Report> {
    if args.engine == Engine::Loom {
        let problem = "loom cannot be told who moves; replay on the exhaustive engine or on shuttle";
        return Err(Stop::other(problem));
    }
    if is_stdin(&args.schedule) && args.against.as_deref().is_some_and(is_stdin) {
        let problem = "both schedules would come from stdin, which has one; name the file of the other";
        return Err(Stop::other(problem));
    }
    let loaded = match (args.format, &args.design) {
        (ReplayFormat::C | ReplayFormat::Xfstests, None) => load_lean(&args.schedule)?,
        (_, design) => load_under(&args.schedule, design.as_deref())?,
    };
    if let Some(problem) = cannot_follow(args.engine, &loaded) {
        return Err(Stop::Defect(format!("{}: {problem}", input::shown(&args.schedule))));
    }
    let against = args.against.as_deref().map(load).transpose()?;
    let mut results = String::new();
    if let Some(path) = &args.html {
        let page = match &against {
            None => html::page(&loaded.schedule),
            Some(against) => html::comparison(&loaded.schedule, &against.schedule),
        };
        results.push_str(&write(path, &page)?);
    }
    if let Some(path) = &args.svg {
        results.push_str(&write(path, &svg::picture(&loaded.schedule))?);
    }
    if results.is_empty() {
        results = match (&against, args.format) {
            (Some(against), ReplayFormat::Text | ReplayFormat::Mail | ReplayFormat::Terminal) => {
                let columns = args.width.map_or_else(width, usize::from);
                beside::render([&loaded.schedule, &against.schedule], None, columns)
            }
            (Some(_), _) => {
                let problem = "`--against` is drawn as text, or on a page (`--html`); leave out `--format`";
                return Err(Stop::other(problem));
            }
            (None, _) => laid_out(&loaded, args)?,
        };
    }
    if let (Some(stop), ReplayFormat::Text | ReplayFormat::Mail | ReplayFormat::Terminal) =
        (&loaded.stop, args.format)
    {
        let columns = args.width.map_or_else(width, usize::from);
        results = format!("{}\n\n{results}", fill(stop, columns, 2).join("\n"));
    }
    let Some(property) = loaded.missed else { return Ok(Report::of(results, Exit::Expected)) };
    let path = input::shown(&args.schedule);
    let errors = format!("{path}: the schedule plays to its end, and `{property}` is not violated\n");
    Ok(Report { results, errors, exit: Exit::Unexpected })
}

/// The schedule in the form that was asked for.
fn laid_out(loaded: &Loaded, args: &ReplayArgs) -> Result<String> {
    Ok(match args.format {
        ReplayFormat::Json => json::replay(&loaded.schedule),
        ReplayFormat::Text => timeline::render(&loaded.schedule, drawn(args, look())),
        ReplayFormat::Mail => timeline::render(&loaded.schedule, drawn(args, Look::mail())),
        ReplayFormat::Terminal => {
            let look = Look::terminal(TERMINAL).of(Characters::of_environment());
            timeline::render(&loaded.schedule, drawn(args, look))
        }
        ReplayFormat::Perfetto => perfetto::trace(&loaded.schedule),
        ReplayFormat::Ftrace => ftrace::trace(&loaded.schedule),
        ReplayFormat::Mermaid => mermaid::diagram(&loaded.schedule),
        ReplayFormat::Shiviz => shiviz::log(&loaded.schedule),
        ReplayFormat::Litmus => core(loaded, args)?.render()?,
        ReplayFormat::C => program(loaded, args)?,
        ReplayFormat::Xfstests => loaded.xfstest()?.script,
    })
}

/// What of a schedule is a litmus test, with the orderings that it was found without left out.
fn core(loaded: &Loaded, args: &ReplayArgs) -> Result<Core> {
    Core::of(&branches::of_bits(loaded.schedule.replay.reached), loaded.orderings).ok_or_else(|| {
        let problem = format!(
            "{} has no litmus test: no folio is evicted in it, nor does one lose its per-block state; take a \
             schedule in which writeback has ended and reclaim follows, as the one of xfs/t1 does",
            input::shown(&args.schedule)
        );
        Stop::other(problem)
    })
}

/// The program of a schedule, for a real kernel.
fn program(loaded: &Loaded, args: &ReplayArgs) -> Result<String> {
    let plan = match forced(loaded) {
        Some(Ok(plan)) => plan,
        Some(Err(problem)) => return Err(Stop::other(problem)),
        None => sequential(loaded)?,
    };
    let why = program::withheld(&plan).map(str::to_owned).or_else(|| program::unsayable(&plan));
    match why {
        None => Ok(program::program(&plan)),
        Some(why) => {
            let problem = format!("{}: there is no program of it: {why}", input::shown(&args.schedule));
            Err(Stop::other(problem))
        }
    }
}

/// The plan that forces a schedule of a kernel that the lab knows. None: it is one of a design, of which `lab plan` makes a plan for a
/// kernel with that check.
fn forced(loaded: &Loaded) -> Option<Result<Plan, String>> {
    let design = &loaded.schedule.about.design;
    let release = Release::from_name(design).filter(|release| release.kernel() == design)?;
    let subject = Subject::new(&loaded.scenario, release, Variant::Stock)?;
    let plan = subject.of_schedule(&loaded.steps, loaded.schedule.about.property);
    Some(plan.map_err(|error| error.to_string()))
}

/// A plan without holds: for the control, and for rounds in a loop.
fn sequential(loaded: &Loaded) -> Result<Plan, EngineError> {
    let about = &loaded.schedule.about;
    let actors = &loaded.config.actors;
    let task = |name: String| actors.iter().position(|actor| actor.name == name);
    let steps = loaded.schedule.steps.iter();
    let order: Vec<usize> = steps.filter_map(|step| task(loaded.schedule.name(step.actor))).collect();
    let plan = sequential::plan(
        &loaded.config,
        &order,
        sequential::About {
            scenario: about.scenario.clone(),
            title: about.title.clone(),
            kernel: about.design.clone(),
            property: about.property,
        },
    )?;
    let touches_others = loaded.schedule.replay.violated.contains(&properties::WRONG_ADDRESS);
    Ok(Plan { touches_others, ..plan })
}

/// The columns of a terminal that is none.
const TERMINAL: usize = 100;

/// How a timeline is drawn, as the options have it.
fn drawn(args: &ReplayArgs, look: Look) -> Look {
    let look = args.width.map_or(look, |width| look.wide(usize::from(width)));
    let asked = |kind: StateKind| {
        args.show.iter().any(|state| match state {
            State::Pte => kind == StateKind::Pte,
            State::Blocks => kind == StateKind::Blocks,
            State::Size => kind == StateKind::Size || kind == StateKind::DiskSize,
        })
    };
    let kinds = StateKind::ALL.map(|kind| Some(kind).filter(|kind| asked(*kind)));
    let look = if args.show.is_empty() { look } else { look.showing(Show::These(kinds)) };
    if args.full { look.full() } else { look }
}

/// Writes a file; says so.
fn write(path: &Path, text: &str) -> Result<String> {
    fs::write(path, text).map_err(|error| unwritable(path, &error))?;
    Ok(format!("wrote {}\n", path.display()))
}

/// A schedule file, played.
pub(super) struct Loaded {
    kernel: Kernel,
    steps: Vec<Step>,
    /// What it does.
    pub(super) schedule: AnnotatedSchedule,
    /// The scenario in it.
    pub(super) scenario: Scenario,
    /// The orderings that it was found with.
    orderings: Orderings,
    /// The system under a design that loses nothing.
    config: Config,
    /// The property that it was saved as a counterexample to, if it does not violate that any more.
    missed: Option<Property>,
    /// How far it fits, if it was played under another design than its own.
    stop: Option<String>,
}

impl Loaded {
    /// The skeleton of a test of it.
    pub(super) fn xfstest(&self) -> Result<xfstests::Test, EngineError> {
        let checked = Design::built_in("get_folio").map(|design| self.scenario.config(design));
        let expected = Expected::of(&self.config, checked.as_slice())?;
        Ok(xfstests::test(&self.schedule, &self.config, &expected))
    }
}

/// The same as [`load`], under another design or kernel than its own if one is given, as far as it fits there.
fn load_under(path: &Path, design: Option<&str>) -> Result<Loaded> {
    let Some(design) = design else { return load(path) };
    let text = input::schedule(path)?;
    let shown = input::shown(path);
    let mut schedule = parsed(&shown, &text)?;
    let stop = cut_to_fit(&shown, &mut schedule, design)?;
    let mut loaded = load_schedule(&shown, schedule)?;
    loaded.schedule.about.replay =
        Some(format!("stalemap replay {} --design {}", argument(&shown), quoted(design)));
    Ok(Loaded { stop: Some(stop), ..loaded })
}

/// Puts a schedule under another design or kernel, and leaves out what does not fit there. Says what that is.
fn cut_to_fit(shown: &str, schedule: &mut Schedule, design: &str) -> Result<String> {
    let scenario = embedded(shown, schedule)?;
    let implementation = under::any(&scenario, design)?;
    let design = implementation.name();
    let kernel = kernel(&scenario, &implementation)?;
    let all = schedule.steps.len();
    let stop = match fits(&kernel, &schedule.steps) {
        Ok(Fits::ToTheEnd(_)) => format!("All {all} steps of the schedule fit under {design}."),
        Ok(Fits::Until(Parting { at, problem })) => {
            let line = |step: &Step| step.line.map_or_else(String::new, |line| format!("line {line}, "));
            let step = schedule.steps.get(at);
            let step = step.map_or_else(String::new, |step| format!("{}`{step}`", line(step)));
            schedule.steps.truncate(at);
            format!(
                "Under {design} the schedule fits for {at} of its {all} steps, and stops at {step}: {problem}."
            )
        }
        Err(ReplayError::Engine(error)) => return Err(error.into()),
        Err(error @ ReplayError::DoesNotFit { .. }) => {
            return Err(Stop::other(format!("{shown}: {error}")));
        }
    };
    // What is known of its cost is known of its own design.
    let of_its_own = ["design", "violates", "preemptions", "operations", "certificate", "among"];
    schedule.headers.retain(|(key, _)| !of_its_own.contains(&key.as_str()));
    schedule.headers.push(("design".to_owned(), design.to_owned()));
    Ok(stop)
}

/// Reads and plays a schedule file. A file that does not fit is bad input; an engine that does not is a defect.
pub(super) fn load(path: &Path) -> Result<Loaded> {
    let text = input::schedule(path)?;
    load_text(&input::shown(path), &text)
}

/// The same without the actors that take no part in it: what is made a test of.
fn load_lean(path: &Path) -> Result<Loaded> {
    let text = input::schedule(path)?;
    load_lean_text(&input::shown(path), &text)
}

/// The same of its text.
pub(super) fn load_lean_text(shown: &str, text: &str) -> Result<Loaded> {
    let loaded = load_text(shown, text)?;
    let idle = loaded.schedule.about.idle.as_ref();
    match idle.and_then(|idle| idle::without(&loaded.scenario, idle)) {
        Some(scenario) => load_schedule(shown, Schedule { scenario, ..parsed(shown, text)? }),
        None => Ok(loaded),
    }
}

/// The same of its text; `shown` is what it is called in messages.
pub(super) fn load_text(shown: &str, text: &str) -> Result<Loaded> {
    load_schedule(shown, parsed(shown, text)?)
}

/// A schedule, read and not played.
fn parsed(shown: &str, text: &str) -> Result<Schedule> {
    Schedule::parse(text).map_err(|error| Stop::other(format!("{shown}: {error}")))
}

/// The scenario in a schedule, on its memory.
fn embedded(shown: &str, schedule: &Schedule) -> Result<Scenario> {
    let bad = |problem: String| Stop::other(format!("{shown}: {problem}"));
    let mut scenario = read(&format!("{shown} (the scenario in it)"), schedule.scenario.as_bytes())
        .map_err(InputError::Scenario)?;
    if let Some(name) = schedule.header("memory") {
        let unknown = || bad(format!("there is no memory `{name}`; there are `sc`, `relaxed` and `lkmm`"));
        scenario.memory = MemoryModel::from_name(name).ok_or_else(unknown)?;
    }
    if let Some(names) = schedule.header("without") {
        let link = |name: &str| {
            Link::from_name(name.trim()).ok_or_else(|| bad(format!("there is no ordering `{}`", name.trim())))
        };
        scenario.orderings = Orderings::without(&names.split(',').map(link).collect::<Result<Vec<_>>>()?);
    }
    Ok(scenario)
}

fn load_schedule(shown: &str, schedule: Schedule) -> Result<Loaded> {
    let bad = |problem: String| Stop::other(format!("{shown}: {problem}"));
    for key in ["preemptions", "operations"] {
        if let Some(number) = schedule.header(key).filter(|number| number.parse::<u64>().is_err()) {
            let problem = format!("`{key} = {number}`: expected a whole number, for example `{key} = 1`");
            return Err(bad(problem));
        }
    }
    let name = schedule.header("scenario").unwrap_or("(embedded scenario)").to_owned();
    let scenario = embedded(shown, &schedule)?;
    let design =
        schedule.header("design").ok_or_else(|| bad("there is no line `design = NAME`".to_owned()))?;
    let violates = match schedule.header("violates") {
        None => None,
        Some(name) => {
            Some(properties::from_name(name).ok_or_else(|| bad(format!("there is no property `{name}`")))?)
        }
    };
    let Some(implementation) = scenario.implementation(design) else {
        let kind = if design.starts_with("linux-") { Kind::Kernel } else { Kind::Design };
        return Err(under::unknown(&scenario, kind, design).into());
    };
    let kernel = kernel(&scenario, &implementation)?;
    let sequential = under::sequential(&scenario).ok_or_else(Vec::new)?;
    let about = About {
        scenario: name,
        title: scenario.title.clone(),
        design: design.to_owned(),
        kind: under::kind_of(&scenario, design),
        memory: unusual(scenario.memory),
        property: violates,
        setup_lines: setup::lines(&scenario),
        does: calls(&scenario.actors),
        replay: Some(format!("stalemap replay {}", argument(shown))),
        program: Program::of(&scenario.source),
        ..About::default()
    };
    let halted = halted_setup(&kernel).ok().flatten();
    let about = About { halted_at: halted.map(|halted| HaltedSetup::of(&scenario, &halted).line), ..about };
    let mut annotated = match annotate(&kernel, &schedule, about) {
        Ok(annotated) => annotated,
        Err(error @ ReplayError::DoesNotFit { .. }) => return Err(bad(error.to_string())),
        Err(ReplayError::Engine(error)) => return Err(error.into()),
    };
    annotated.find_border(&implementation.design);
    let missed = violates.filter(|property| !annotated.replay.violated.contains(property));
    if missed.is_none() {
        annotated.record_cost(&schedule);
        if let Some(property) = violates {
            annotated.about.idle = idle::of_schedule(&scenario, design, property, &schedule.steps)?;
        }
    }
    let config = scenario.config_of(sequential);
    let orderings = scenario.orderings;
    let (steps, schedule) = (schedule.steps, annotated);
    Ok(Loaded { kernel, steps, schedule, scenario, orderings, config, missed, stop: None })
}

/// Drives shuttle along a schedule that the exhaustive engine has played. Says how they differ.
fn cannot_follow(engine: Engine, loaded: &Loaded) -> Option<String> {
    if engine != Engine::Shuttle || loaded.schedule.replay.halted.is_some() {
        return None;
    }
    match follow_with_shuttle(&loaded.kernel, &loaded.steps) {
        Err(error) => Some(error.to_string()),
        Ok(Follow::Differs(step)) => {
            let step = loaded.steps.get(step).map_or_else(String::new, ToString::to_string);
            Some(format!("under shuttle, `{step}` cannot happen there"))
        }
        Ok(Follow::Followed(runs)) => {
            let missed = |property: &&Property| {
                **property != properties::LIVELOCK && runs.violated & property.bit() == 0
            };
            let missed = loaded.schedule.replay.violated.iter().find(missed)?;
            Some(format!("under shuttle, `{missed}` is not violated by it"))
        }
    }
}
