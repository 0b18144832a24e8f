//! The reports of `agree` and `power`.

use std::fmt::Write as _;

use serde_json::{Value, json};
use stalemap_explore::LimitHit;
use stalemap_model::words::count::count;

use super::check::stopped_by;
use super::json::pretty;
use super::style::{BAD, DOUBT, GOOD, styled};
use super::tables::new_table;
use crate::agree::{Agreement, Took};
use crate::power::{Measured, Power, Unknown};

/// `agree` for people: a line for each scenario and design, and the differences with their schedules.
pub fn agreements(agreements: &[Agreement]) -> String {
    let widest = |name: fn(&Agreement) -> &str| agreements.iter().map(|a| name(a).len()).max().unwrap_or(0);
    let (scenario, design) = (widest(|a| &a.scenario), widest(|a| &a.design));
    let mut text = String::new();
    for agreement in agreements {
        let mark = if !agreement.differences.is_empty() {
            styled(BAD, "DIFFER")
        } else if agreement.is_checked() {
            styled(GOOD, "agree ")
        } else {
            styled(DOUBT, "??    ")
        };
        let _ = write!(
            text,
            "{mark} {:scenario$}  {:design$}  {}, {}",
            agreement.scenario,
            agreement.design,
            count(agreement.ends, "end"),
            count(agreement.states, "state")
        );
        for (engine, took) in &agreement.engines {
            let _ = write!(text, "; {engine}: {}", took.words());
        }
        if !agreement.stopped_by.is_empty() {
            let _ = write!(text, "; incomplete: {}", stopped_by(&agreement.stopped_by));
        }
        text.push('\n');
        for difference in &agreement.differences {
            let _ = writeln!(text, "       {} finds {}", difference.engine, difference.what);
            if let Some(schedule) = &difference.schedule {
                for step in &schedule.steps {
                    let _ = writeln!(text, "         {step}");
                }
            }
        }
    }
    if agreements.iter().any(|agreement| agreement.differences.is_empty() && !agreement.is_checked()) {
        text.push_str("\n??: no second engine came to its end\n");
    }
    let differ = agreements.iter().filter(|a| !a.differences.is_empty()).count();
    let checked = agreements.iter().filter(|a| a.is_checked()).count();
    let finished = |wanted: &str| {
        let of = |a: &&Agreement| {
            a.engines.iter().any(|(engine, took)| *engine == wanted && matches!(took, Took::Finished(_)))
        };
        agreements.iter().filter(of).count()
    };
    let stopped = agreements.iter().filter(|a| !a.stopped_by.is_empty()).count();
    let _ = writeln!(
        text,
        "\n{} compared: {} differ; {checked} were finished by a second engine ({} by shuttle, {} by loom), the others \
         found nothing that is not there",
        count((agreements.len() - stopped) as u64, "pair"),
        differ,
        finished("shuttle"),
        finished("loom")
    );
    if stopped > 0 {
        let _ = writeln!(
            text,
            "{} not compared: the exhaustive engine was stopped",
            count(stopped as u64, "pair")
        );
    }
    text
}

/// `agree` for programs.
pub fn agreements_json(agreements: &[Agreement]) -> String {
    let results: Vec<Value> = agreements
        .iter()
        .map(|agreement| {
            let engines: Vec<Value> = agreement
                .engines
                .iter()
                .map(|(engine, took)| {
                    let (finished, executions) = match took {
                        Took::Finished(executions) => (true, Some(*executions)),
                        Took::Stopped(executions) => (false, Some(*executions)),
                        Took::TooManyActors => (false, None),
                    };
                    json!({ "engine": engine, "finished": finished, "executions": executions })
                })
                .collect();
            let differences: Vec<Value> = agreement
                .differences
                .iter()
                .map(|difference| {
                    let schedule = difference.schedule.as_ref().map(ToString::to_string);
                    json!({ "engine": difference.engine, "what": difference.what, "schedule": schedule })
                })
                .collect();
            json!({
                "scenario": agreement.scenario,
                "design": agreement.design,
                "agree": agreement.differences.is_empty(),
                "checked": agreement.is_checked(),
                "states": agreement.states,
                "ends": agreement.ends,
                "limits_hit": names_of(&agreement.stopped_by),
                "engines": engines,
                "differences": differences,
            })
        })
        .collect();
    pretty(&json!({ "schema": "stalemap.agree/1", "results": results }))
}

fn names_of(limits: &[LimitHit]) -> Vec<&'static str> {
    limits.iter().map(|limit| limit.name()).collect()
}

/// `power` for people: one table, and a line for each pair of which it is not known what there is to hit.
pub fn powers(powers: &[Power], unknown: &[Unknown]) -> String {
    let mut text = if powers.is_empty() && unknown.is_empty() {
        "nothing is violated there, so there is nothing to hit\n".to_owned()
    } else if powers.is_empty() {
        String::new()
    } else {
        table(powers)
    };
    for Unknown { scenario, design, states, stopped_by: limits } in unknown {
        let states = count(*states, "state");
        let _ =
            writeln!(text, "{scenario} under {design}: incomplete after {states}: {}", stopped_by(limits));
    }
    text
}

fn table(powers: &[Power]) -> String {
    let mut table = new_table();
    let mut header =
        vec!["scenario".to_owned(), "design".to_owned(), "violates".to_owned(), "states".to_owned()];
    if let Some(first) = powers.first() {
        header.extend(first.measured.iter().map(|measured| measured.strategy.to_owned()));
    }
    table.set_header(header);
    for power in powers {
        let mut row = vec![
            power.scenario.clone(),
            power.design.clone(),
            power.property.to_string(),
            power.states.to_string(),
        ];
        row.extend(power.measured.iter().map(|measured| cell(power, measured)));
        table.add_row(row);
    }
    let mut text = table.trim_fmt();
    text.push_str(
        "\n\nA % [LOW-HIGH] xN, S %: A % of the executions hit the violation (95 % confidence interval), so it takes N on \
         average; S % of the final states and deadlocks were seen. dfs: the number of the execution that hit first.\n",
    );
    for strategy in powers.first().map_or(&[][..], |power| &power.measured) {
        let of = |power: &Power| power.measured.iter().find(|m| m.strategy == strategy.strategy).cloned();
        let all: Vec<(Measured, u64)> =
            powers.iter().filter_map(|power| Some((of(power)?, power.ends))).collect();
        let hit = all.iter().filter(|(measured, _)| measured.hits > 0).count();
        let complete = all.iter().filter(|(measured, ends)| measured.ends == *ends).count();
        let _ = writeln!(
            text,
            "{}: found the violation in {hit} of {}, all final states in {complete}",
            strategy.strategy,
            powers.len()
        );
    }
    text
}

fn cell(power: &Power, measured: &Measured) -> String {
    let seen = 100.0 * measured.ends as f64 / power.ends.max(1) as f64;
    if !measured.is_random() {
        let first = measured
            .first
            .map_or_else(|| format!("none in {}", measured.executions), |first| format!("execution {first}"));
        return format!("{first}, {seen:.0} %");
    }
    let (low, high) = measured.interval();
    let runs = measured.expected_runs().map_or_else(|| "never".to_owned(), |runs| format!("x{runs:.0}"));
    format!("{:.1} % [{:.1}-{:.1}] {runs}, {seen:.0} %", 100.0 * measured.rate(), 100.0 * low, 100.0 * high)
}

/// `power` for programs.
pub fn powers_json(powers: &[Power], unknown: &[Unknown]) -> String {
    let results: Vec<Value> = powers
        .iter()
        .map(|power| {
            let strategies: Vec<Value> = power
                .measured
                .iter()
                .map(|measured| {
                    let interval = measured.is_random().then(|| measured.interval());
                    json!({
                        "strategy": measured.strategy,
                        "executions": measured.executions,
                        "hits": measured.hits,
                        "first": measured.first,
                        "rate": measured.rate(),
                        "low": interval.map(|(low, _)| low),
                        "high": interval.map(|(_, high)| high),
                        "expected_runs": measured.is_random().then(|| measured.expected_runs()).flatten(),
                        "ends": measured.ends,
                    })
                })
                .collect();
            json!({
                "scenario": power.scenario,
                "design": power.design,
                "property": power.property.name(),
                "states": power.states,
                "ends": power.ends,
                "strategies": strategies,
            })
        })
        .collect();
    let unknown = unknown.iter().map(|unknown| {
        json!({
            "scenario": unknown.scenario,
            "design": unknown.design,
            "states": unknown.states,
            "limits_hit": names_of(&unknown.stopped_by),
        })
    });
    let incomplete: Vec<Value> = unknown.collect();
    pretty(&json!({ "schema": "stalemap.power/1", "results": results, "incomplete": incomplete }))
}
