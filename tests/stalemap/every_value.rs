//! No value of a field makes an exploration endless.
//!
//! Each value of each field of designs and personalities is explored, alone and together with the values that make a
//! write retry, with one actor and with two. The spaces are small, so that the limit of states, which nobody reaches who
//! comes to an end, tells an endless one; whatever else ends a run has a name.

use stalemap::run::{GivenLimits, Job, run_all};
use stalemap::scenario::{Scenario, read};
use stalemap_explore::LimitHit;
use stalemap_model::words::design::Design;
use stalemap_model::words::personality::Personality;
use stalemap_model::words::settings::{Setting, SettingError};

/// More than any of them has.
const MOST_STATES: u64 = 40_000;

/// What can be set: `field = value`, as a file has it.
fn settings(
    fields: &[&'static str],
    set: impl Fn(&str, Setting<'_>) -> Result<(), SettingError>,
) -> Vec<String> {
    let mut settings = Vec::new();
    for field in fields {
        let Err(SettingError::WrongValue { allowed: values, .. }) =
            set(field, Setting::Text("no such value"))
        else {
            panic!("{field} takes anything");
        };
        for value in values {
            // Names are quoted; a number is described.
            match value.as_str() {
                "true" | "false" => settings.push(format!("{field} = {value}")),
                name if name.starts_with('"') => settings.push(format!("{field} = {name}")),
                _ => settings.extend([0, 1, 512].map(|number| format!("{field} = {number}"))),
            }
        }
    }
    settings
}

const ACTORS: [&str; 2] = [
    "[[actor]]\nname = \"writer\"\nrun = [\"pwrite -S 0x57 -b 2k 1k 2k\"]\n",
    "[[actor]]\nname = \"writer\"\nrun = [\"pwrite -S 0x57 -b 2k 1k 2k\"]\n\
     [[actor]]\nname = \"other\"\nrun = [\"sync_range -w 0 4k\"]\n",
];

/// Designs in which a write retries, to be combined with each value.
const CONTEXTS: [&str; 4] = [
    "",
    "compare = \"type\"",
    "on_stale = \"keep-mapping\"",
    "compare = \"type\"\non_stale = \"keep-mapping\"",
];

fn scenario(personality: &str, fs: &str, design: &str, actors: &str) -> Option<Scenario> {
    let source = format!(
        "title = \"x\"\n[fs]\npersonality = {personality:?}\n{fs}\n\
         [setup]\nrun = [\"@may_fail pwrite -S 0x58 2k 2k\"]\n{actors}\
         [design.mine]\nbased_on = \"iomap_valid\"\n{design}\n"
    );
    // Some values do not go together; the file says so.
    read("x", source.as_bytes()).ok()
}

/// Explores them all. How many there were.
fn explore(scenarios: &[Scenario]) -> usize {
    let mine = |scenario: &Scenario| scenario.implementation("mine").expect("the file defines it");
    let job = |scenario| Job {
        scenario,
        implementation: mine(scenario),
        engine: stalemap::engine::Engine::Exhaustive,
    };
    let jobs: Vec<Job<'_>> = scenarios.iter().map(job).collect();
    let limits = GivenLimits { states: Some(MOST_STATES), ..GivenLimits::default() };
    let outcomes = run_all(&jobs, limits, 2, &|_| ());
    for (outcome, scenario) in outcomes.iter().zip(scenarios) {
        let source = &scenario.source;
        match outcome {
            Ok(outcome) => {
                let named = outcome.limits_hit.iter().all(|limit| matches!(limit, LimitHit::Bound(_)));
                assert!(
                    named,
                    "{:?} after {} states: {source}",
                    outcome.limits_hit, outcome.statistics.states
                );
            }
            Err(stalemap::run::RunError::Config { .. }) => {}
            Err(error) => panic!("{error}: {source}"),
        }
    }
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

#[test]
fn no_value_of_a_design_is_endless() {
    let built_in = Design::built_in("iomap_valid").expect("a built-in design");
    let values = settings(Design::FIELDS, |field, setting| built_in.clone().set(field, setting));
    assert!(values.len() > 2 * Design::FIELDS.len(), "every field has values: {values:?}");
    let mut scenarios = Vec::new();
    for personality in Personality::BUILT_IN {
        for (context, actors) in CONTEXTS.iter().flat_map(|context| ACTORS.map(|actors| (context, actors))) {
            let taken = |value: &&String| {
                let field = |line: &str| line.split(" = ").next().map(str::to_owned);
                context.lines().all(|line| field(line) != field(value))
            };
            let designs = values.iter().filter(taken).map(|value| format!("{context}\n{value}"));
            scenarios.extend(designs.filter_map(|design| scenario(personality, "", &design, actors)));
        }
    }
    assert!(explore(&scenarios) > 8 * values.len());
}

#[test]
fn no_value_of_a_personality_is_endless() {
    let mut scenarios = Vec::new();
    let mut most = 0;
    for personality in Personality::BUILT_IN {
        let built_in = Personality::built_in(personality).expect("a built-in personality");
        let values = settings(Personality::FIELDS, |field, setting| built_in.clone().set(field, setting));
        most = most.max(values.len());
        for (context, actors) in CONTEXTS.iter().flat_map(|context| ACTORS.map(|actors| (context, actors))) {
            let files = values.iter().filter_map(|value| scenario(personality, value, context, actors));
            scenarios.extend(files);
        }
    }
    assert!(explore(&scenarios) > 8 * most);
}
