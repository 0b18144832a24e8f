//! `--design` and `--kernel`: what scenarios are run under.

use std::path::{Path, PathBuf};

use stalemap_model::words::count::count;
use stalemap_model::words::design::Design;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::kernel_version::KernelVersion;

use super::{Result, Stop};
use crate::cli::UnderArgs;
use crate::cli::under::ALL;
use crate::engine::Engine;
use crate::input::InputError;
use crate::kernel_name;
use crate::run::Job;
use crate::scenario::Scenario;
use crate::scenario::implementations::{Kind, canonical, lacked};
use crate::shell::quoted;

/// Which scenario runs under what. Without a name that is what its file expects something of, and for a file without
/// expectations every built-in design, and what it defines.
pub(super) fn jobs<'s>(
    scenarios: &'s [Scenario],
    paths: &[PathBuf],
    under: &UnderArgs,
    engine: Engine,
) -> Result<Vec<Job<'s>>> {
    let mut jobs = Vec::new();
    let mut without = Vec::new();
    for scenario in scenarios {
        let before = jobs.len();
        let mut refused = None;
        let mut seen: Vec<String> = Vec::new();
        for (kind, name) in names(scenario, under) {
            if seen.contains(&name) {
                continue;
            }
            match resolve(scenario, kind, &name) {
                Ok(implementation) => jobs.push(Job { scenario, implementation, engine }),
                // With several files, one that is defined in one of them, or has the file system of one, is run there.
                Err(error) if scenarios.iter().any(|other| resolve(other, kind, &name).is_ok()) => {
                    refused = refused.or(Some(error));
                }
                Err(error) => return Err(error.into()),
            }
            seen.push(name);
        }
        if jobs.len() == before {
            without.push((scenario, refused));
        }
    }
    // Of a folder, those run that can; whoever names a file asks for it.
    without.retain(|(scenario, _)| jobs.is_empty() || paths.iter().any(|path| names_it(path, scenario)));
    if without.is_empty() {
        Ok(jobs)
    } else {
        let why = |(scenario, refused): (&Scenario, Option<InputError>)| {
            refused.unwrap_or_else(|| has_none(scenario, under))
        };
        Err(Stop::BadInput(without.into_iter().map(why).collect()))
    }
}

/// How many names of scenarios are shown of those that are left out.
const SHOWN: usize = 8;

/// A line about the scenarios of a folder that run under nothing that was asked for, if there are such.
pub(super) fn left_out(scenarios: &[Scenario], jobs: &[Job<'_>]) -> String {
    let without: Vec<&str> = unused(scenarios, jobs).map(|scenario| scenario.name.as_str()).collect();
    left_out_names(&without)
}

/// The scenarios that run under nothing that was asked for.
pub(super) fn unused<'s>(scenarios: &'s [Scenario], jobs: &[Job<'_>]) -> impl Iterator<Item = &'s Scenario> {
    let runs = |scenario: &&Scenario| jobs.iter().any(|job| std::ptr::eq(job.scenario, *scenario));
    scenarios.iter().filter(move |scenario| !runs(scenario))
}

/// [`left_out`], by their names.
pub(super) fn left_out_names(out: &[&str]) -> String {
    if out.is_empty() {
        return String::new();
    }
    let more = match out.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = out[..out.len().min(SHOWN)].join(", ");
    format!("{} left out, with nothing to run under: {named}{more}\n", count(out.len() as u64, "scenario"))
}

/// Whether a path is that of the scenario itself, and not of a folder that it lies in.
pub(super) fn names_it(path: &Path, scenario: &Scenario) -> bool {
    path.with_extension("").ends_with(&scenario.name) || Path::new(&scenario.name).ends_with(path)
}

/// Why a scenario runs under nothing, where all designs or all kernels were asked for.
fn has_none(scenario: &Scenario, under: &UnderArgs) -> InputError {
    let name = &scenario.name;
    let kind = if under.kernels.iter().any(|name| name == ALL) { Kind::Kernel } else { Kind::Design };
    let known = kind.built_in();
    let refused = |built_in: &&str| resolve(scenario, kind, built_in).err();
    if kind == Kind::Kernel && !known.iter().any(|kernel| scenario.implementation(kernel).is_some()) {
        let (lacked, design) = (lacked(&scenario.fs), a_design(scenario));
        return InputError::Other(format!(
            "{name}: no kernel has the file system of this scenario: {lacked}; leave it out, or run it under a design, \
             like `--design {design}`"
        ));
    }
    let last = known.last().and_then(refused);
    last.unwrap_or_else(|| InputError::Other(format!("{name}: it runs under nothing that was asked for")))
}

/// What to write in place of a kernel that has not the file system of a scenario.
fn instead(scenario: &Scenario) -> String {
    let having: Vec<String> = all(scenario, Kind::Kernel).into_iter().map(|(_, name)| name).collect();
    if having.is_empty() {
        let design = a_design(scenario);
        return format!("no kernel has it; leave it out, or run it under a design, like `--design {design}`");
    }
    format!("leave it out, or take a kernel that has it: `{}`", having.join("`, `"))
}

/// A design to run a scenario under: one that its file expects something of, if there is one.
fn a_design(scenario: &Scenario) -> String {
    let designs = || scenario.expected().into_iter().filter(|name| kind_of(scenario, name) == Kind::Design);
    let checks = designs().find(|name| name != "none");
    checks.or_else(|| designs().next()).unwrap_or_else(|| "iomap_valid".to_owned())
}

/// What one scenario is run under by a command that runs one thing after the other; `default` is a design.
pub(super) fn each(scenario: &Scenario, under: &UnderArgs, default: &str) -> Result<Vec<Implementation>> {
    let names = if under.is_empty() {
        vec![(kind_of(scenario, default), default.to_owned())]
    } else {
        names(scenario, under)
    };
    let found = names.iter().map(|(kind, name)| resolve(scenario, *kind, name));
    Ok(found.collect::<Result<_, _>>()?)
}

/// The option that asks for a name: `--design NAME`.
pub(super) fn option(scenario: &Scenario, name: &str) -> String {
    format!("--{} {}", kind_of(scenario, name).name(), quoted(name))
}

pub(super) fn kind_of(scenario: &Scenario, name: &str) -> Kind {
    scenario.kind_of(name)
}

fn names(scenario: &Scenario, under: &UnderArgs) -> Vec<(Kind, String)> {
    if under.is_empty() {
        let expected = scenario.expected();
        let named = expected.into_iter().map(|name| (kind_of(scenario, &name), name));
        let named: Vec<_> = named.collect();
        if named.is_empty() {
            let own = own(scenario, Kind::Kernel).map(|name| (Kind::Kernel, name.to_owned()));
            return all(scenario, Kind::Design).into_iter().chain(own).collect();
        }
        return named;
    }
    let given = [(Kind::Design, &under.designs), (Kind::Kernel, &under.kernels)];
    let each = given.into_iter().flat_map(|(kind, names)| names.iter().map(move |name| (kind, name)));
    each.flat_map(
        |(kind, name)| if name == ALL { all(scenario, kind) } else { vec![named(scenario, kind, name)] },
    )
    .collect()
}

/// A name as it was given, of a kernel also its version. What was called `modern` was a design once: whoever asks for it as one gets the kernel.
fn named(scenario: &Scenario, kind: Kind, name: &str) -> (Kind, String) {
    let of_version = kernel_name::of_version(name).filter(|_| scenario.implementation(name).is_none());
    let name = of_version.map_or(name, |kernel| kernel.name());
    let canonical = canonical(name, &scenario.fs);
    let kind = if canonical == name { kind } else { kind_of(scenario, canonical) };
    (kind, canonical.to_owned())
}

fn all(scenario: &Scenario, kind: Kind) -> Vec<(Kind, String)> {
    let runs =
        |name: &&str| scenario.implementation(name).is_some_and(|it| scenario.refused_by(&it).is_none());
    let built_in = kind.built_in().into_iter().filter(runs);
    let own = own(scenario, kind);
    built_in.chain(own).map(|name| (kind, name.to_owned())).collect()
}

fn own(scenario: &Scenario, kind: Kind) -> impl Iterator<Item = &str> {
    let own = match kind {
        Kind::Design => &scenario.designs,
        Kind::Kernel => &scenario.kernels,
    };
    own.keys().map(String::as_str)
}

fn resolve(scenario: &Scenario, kind: Kind, name: &str) -> Result<Implementation, InputError> {
    let error = |text: String| InputError::Other(format!("{}: {text}", scenario.name));
    let found = scenario.implementation(name);
    match found {
        Some(found) if kind_of(scenario, name) == kind => match scenario.refused_by(&found) {
            None => Ok(found),
            Some(why) => Err(error(format!("{name} {why}"))),
        },
        Some(_) => {
            let is = kind_of(scenario, name).name();
            Err(error(format!("`{name}` is a {is}; write `--{is} {name}`")))
        }
        None if KernelVersion::from_name(name).is_some() => {
            let (lacked, instead) = (lacked(&scenario.fs), instead(scenario));
            Err(error(format!("{name} has no {lacked}, on which this scenario is; {instead}")))
        }
        None => Err(unknown(scenario, kind, name)),
    }
}

/// What a name stands for, a design or a kernel.
pub(super) fn any(scenario: &Scenario, name: &str) -> Result<Implementation, InputError> {
    let (_, name) = named(scenario, kind_of(scenario, name), name);
    let known = kernel_name::meant(&name).is_some() || KernelVersion::from_name(&name).is_some();
    if !known && scenario.implementation(&name).is_none() {
        if name.starts_with("linux-") {
            return Err(unknown(scenario, Kind::Kernel, &name));
        }
        let kernels = Kind::Kernel.built_in().into_iter().chain(own(scenario, Kind::Kernel));
        let kernels: Vec<&str> = kernels.collect();
        let unknown = no_such(scenario, Kind::Design, &name);
        return Err(InputError::Other(format!("{unknown}; known kernels: `{}`", kernels.join("`, `"))));
    }
    resolve(scenario, kind_of(scenario, &name), &name)
}

/// The error for a name that stands for nothing.
pub(super) fn unknown(scenario: &Scenario, kind: Kind, name: &str) -> InputError {
    InputError::Other(no_such(scenario, kind, name))
}

fn no_such(scenario: &Scenario, kind: Kind, name: &str) -> String {
    let known: Vec<&str> = kind.built_in().into_iter().chain(own(scenario, kind)).collect();
    // Releases are near each other in spelling, and few.
    let near = crate::scenario::nearest(name, known.iter().copied()).filter(|_| kind == Kind::Design);
    let hint = kernel_name::meant(name).unwrap_or_else(|| match near {
        None => format!("known {}s: `{}`", kind.name(), known.join("`, `")),
        Some(near) => format!("did you mean `{near}`?"),
    });
    format!("{}: there is no {} `{name}`; {hint}", scenario.name, kind.name())
}

/// What a run without concurrency is played under to know what a file should have: its result does not depend on the check,
/// and the newest kernel has the fewest other errors. A file system that no release has gets the design of 6.2.
pub(super) fn sequential(scenario: &Scenario) -> Option<Implementation> {
    KernelVersion::NEWEST.implementation(&scenario.fs).or_else(|| {
        Some(Implementation { design: Design::built_in("iomap_valid")?, fs: scenario.fs.clone() })
    })
}
