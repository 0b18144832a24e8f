//! Costs as a document.

use serde_json::{Map, Value, json};

use crate::costs::{Cost, Costs, OfOneCall, Retries};
use crate::report::json::pretty;
use crate::times::Times;

/// The document of `costs`.
pub fn document(counted: &[Costs], times: Times) -> String {
    pretty(&json!({ "schema": "stalemap.costs/1", "results": results(counted, times) }))
}

/// The document of `compare`, with costs.
pub fn added(document: &str, counted: &[Costs], times: Times) -> String {
    match serde_json::from_str::<Map<String, Value>>(document) {
        Ok(mut object) => {
            object.insert("costs".to_owned(), results(counted, times));
            pretty(&Value::Object(object))
        }
        Err(_) => document.to_owned(),
    }
}

fn results(counted: &[Costs], times: Times) -> Value {
    let one = |costs: &Costs| {
        let mut result = result(costs);
        if times == Times::Said {
            result["elapsed_ms"] = json!(costs.elapsed.as_millis() as u64);
        }
        result
    };
    counted.iter().map(one).collect()
}

fn result(costs: &Costs) -> Value {
    let counts: Map<String, Value> =
        costs.counts.iter().map(|cost| (cost.counted.key.to_owned(), count(cost))).collect();
    let OfOneCall { stale_aborts, spurious_aborts } = costs.of_one_call;
    json!({
        "scenario": costs.scenario,
        "design": costs.design,
        "cookie": costs.cookie.name(),
        "states": costs.vertices,
        "transitions": costs.transitions,
        "limits_hit": costs.limits_hit.iter().map(|limit| limit.name()).collect::<Vec<_>>(),
        "halted": costs.halted,
        "counts": counts,
        "of_one_call": { "stale_aborts": stale_aborts, "spurious_aborts": spurious_aborts },
        "retries": retries(&costs.retries),
        "most_stale": costs.most_stale.as_ref().map(ToString::to_string),
    })
}

fn count(cost: &Cost) -> Value {
    json!({
        "most": cost.most,
        "mean_of_final_states": cost.mean.map(|mean| mean.of_states),
        "mean_of_runs": cost.mean.map(|mean| mean.of_runs),
    })
}

fn retries(retries: &Retries) -> Value {
    let (verdict, by, schedule) = match retries {
        Retries::NoCheck => ("no-check", None, None),
        Retries::NeverStale => ("never-stale", None, None),
        Retries::Bounded => ("bounded", None, None),
        Retries::BoundedSoFar => ("incomplete", None, None),
        Retries::Exceeded { by, schedule } => ("exceeded", Some(*by), Some(schedule)),
        Retries::Endless { schedule } => ("endless", None, schedule.as_ref()),
    };
    json!({ "verdict": verdict, "by": by, "schedule": schedule.map(ToString::to_string) })
}
