//! What the calls of a run gave, from the lines that its program printed, beside what the model predicts of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::plan::{Answer, Call, DEVICE_PATTERN, Left, MEMORY_PATTERN, Part, Plan, Turn, Value as Holds};

/// What the commands of the tasks gave, by task and command, both by their places.
#[derive(Debug, Default)]
pub(super) struct Heard(BTreeMap<(usize, usize), Said>);

/// What the program said about one command.
#[derive(Debug, Default)]
struct Said {
    gave: Vec<Gave>,
    failed: bool,
}

/// An answer of the kernel.
#[derive(Debug, PartialEq, Eq)]
enum Gave {
    /// Bytes, each part of one: where it begins and ends, and the byte. A part that says `None` was not printed.
    Bytes(Vec<(u64, u64, Option<u8>)>),
    /// A place, or ENXIO.
    Place(Option<u64>),
}

impl Heard {
    /// From the lines of a run.
    pub(super) fn of(plan: &Plan, lines: &[Value]) -> Self {
        let mut heard = Heard::default();
        for line in lines {
            let task = line.get("task").and_then(Value::as_str);
            let task = plan.tasks.iter().position(|each| Some(each.name.as_str()) == task);
            let (Some(task), Some(command)) = (task, line.get("number").and_then(Value::as_u64)) else {
                continue;
            };
            let said = heard.0.entry((task, command as usize)).or_default();
            said.failed |= line.get("call").is_some();
            said.gave.extend(line.get("got").and_then(Value::as_str).and_then(|call| gave(call, line)));
        }
        heard
    }

    /// Where it is not what is predicted: nothing is said of tasks that are killed, which print what they like.
    pub(super) fn differs(&self, plan: &Plan, left: &Left) -> Vec<Value> {
        let is_killed = |task: usize| plan.turns.contains(&Turn::Kill(task));
        let nothing = Said::default();
        let of = |call: &Call| -> Option<Value> {
            let said = self.0.get(&(call.task, call.command)).unwrap_or(&nothing);
            (!is_killed(call.task) && !said.is_as(call)).then(|| {
                json!({ "differs": {
                    "task": plan.tasks[call.task].name,
                    "call": plan.task_lines[call.task].get(call.command),
                    "is": said.words(),
                    "predicted": words_of(call),
                } })
            })
        };
        left.calls.iter().filter_map(of).collect()
    }
}

impl Said {
    fn is_as(&self, call: &Call) -> bool {
        // What a failed call has read before is nobody's business.
        if self.failed || call.failed {
            return self.failed == call.failed;
        }
        let gave: Vec<&Gave> = self.gave.iter().filter(|gave| **gave != Gave::Bytes(Vec::new())).collect();
        gave.len() == call.gave.len() && gave.iter().zip(&call.gave).all(|(gave, answer)| gave.is_as(answer))
    }

    fn words(&self) -> String {
        let words = |gave: &Gave| match gave {
            Gave::Bytes(parts) => {
                let part = |(from, to, byte): &(u64, u64, Option<u8>)| {
                    let byte = byte.map_or_else(|| "?".to_owned(), |byte| format!("{byte:02x}"));
                    format!("{from}-{to} {byte}")
                };
                parts.iter().map(part).collect::<Vec<_>>().join(", ")
            }
            Gave::Place(place) => place.map_or_else(|| "ENXIO".to_owned(), |place| place.to_string()),
        };
        said(self.failed, &self.gave.iter().map(words).filter(|words| !words.is_empty()).collect::<Vec<_>>())
    }
}

fn words_of(call: &Call) -> String {
    let words = |answer: &Answer| match answer {
        Answer::Bytes(contents) => {
            let part = |part: &Part| {
                let byte = byte(part.value).map_or_else(|| "?".to_owned(), |byte| format!("{byte:02x}"));
                format!("{}-{} {byte}", part.bytes.start, part.bytes.end)
            };
            contents.parts.iter().map(part).collect::<Vec<_>>().join(", ")
        }
        Answer::Place(place) => place.map_or_else(|| "ENXIO".to_owned(), |place| place.to_string()),
    };
    said(call.failed, &call.gave.iter().map(words).collect::<Vec<_>>())
}

fn said(failed: bool, words: &[String]) -> String {
    match (failed, words.is_empty()) {
        (true, _) => "an error, or less than was asked for".to_owned(),
        (false, true) => "success".to_owned(),
        (false, false) => words.join("; "),
    }
}

impl Gave {
    fn is_as(&self, answer: &Answer) -> bool {
        match (self, answer) {
            (Gave::Place(one), Answer::Place(other)) => one == other,
            (Gave::Bytes(parts), Answer::Bytes(contents)) => {
                let ends = |start: Option<u64>, end: Option<u64>| (start, end);
                let given = ends(parts.first().map(|part| part.0), parts.last().map(|part| part.1));
                let first = contents.parts.first().map(|part| part.bytes.start);
                let last = contents.parts.last().map(|part| part.bytes.end);
                given == ends(first, last) && parts.iter().all(|part| is_in(part, &contents.parts))
            }
            _ => false,
        }
    }
}

/// Whether what is predicted has the byte wherever the part lies.
fn is_in(&(from, to, is): &(u64, u64, Option<u8>), predicted: &[Part]) -> bool {
    let overlap = |part: &&Part| part.bytes.start < to && from < part.bytes.end;
    let same = |part: &Part| is.is_none() || byte(part.value).is_none() || is == byte(part.value);
    predicted.iter().filter(overlap).all(same)
}

/// The byte that a guest has there; none where the model does not say.
fn byte(value: Holds) -> Option<u8> {
    match value {
        Holds::Byte(byte) => Some(byte),
        Holds::Device => Some(DEVICE_PATTERN),
        Holds::Memory => Some(MEMORY_PATTERN),
        Holds::Unknown => None,
    }
}

/// An answer as the program prints it. What fiemap says is not compared.
fn gave(call: &str, line: &Value) -> Option<Gave> {
    if call.starts_with("SEEK_") {
        let answer = line.get("answer").and_then(Value::as_str)?;
        return Some(Gave::Place(answer.parse().ok()));
    }
    let at = line.get("at").and_then(Value::as_u64)?;
    let part = |part: &Value| -> Option<(u64, u64, Option<u8>)> {
        let [from, to, byte] = part.as_array()?.as_slice() else { return None };
        Some((at + from.as_u64()?, at + to.as_u64()?, u8::from_str_radix(byte.as_str()?, 16).ok()))
    };
    let mut parts: Vec<_> = line.get("parts")?.as_array()?.iter().filter_map(part).collect();
    let end = at + line.get("size").and_then(Value::as_u64)?;
    if let Some(&(_, last, _)) = parts.last()
        && last < end
    {
        parts.push((last, end, None));
    }
    Some(Gave::Bytes(parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::plan::Contents;

    fn read(parts: &[(u64, u64, u8)]) -> Call {
        let part = |&(start, end, byte)| Part { bytes: start..end, value: Holds::Byte(byte) };
        let gave = vec![Answer::Bytes(Contents { parts: parts.iter().map(part).collect() })];
        Call { task: 0, command: 0, gave, failed: false }
    }

    fn said(lines: &[Value]) -> Said {
        let call = |line: &Value| line.get("got").and_then(Value::as_str).and_then(|call| gave(call, line));
        Said { gave: lines.iter().filter_map(call).collect(), failed: false }
    }

    #[test]
    fn bytes_are_compared_and_so_is_how_many_there_are() {
        let line =
            json!({ "got": "pread", "at": 0, "size": 4096, "parts": [[0, 1024, "57"], [1024, 4096, "00"]] });
        let heard = said(&[line]);
        assert!(heard.is_as(&read(&[(0, 1024, 0x57), (1024, 4096, 0)])));
        assert!(!heard.is_as(&read(&[(0, 2048, 0x57), (2048, 4096, 0)])));
        assert!(!heard.is_as(&read(&[(0, 1024, 0x57)])), "fewer bytes");
        assert!(!heard.is_as(&Call { failed: true, ..read(&[]) }), "an error");
        assert_eq!(heard.words(), "0-1024 57, 1024-4096 00");
    }

    #[test]
    fn places_are_compared_and_a_read_of_nothing_is_none() {
        let lines = [
            json!({ "got": "SEEK_DATA", "answer": "4096" }),
            json!({ "got": "pread", "at": 4096, "size": 0, "parts": [] }),
            json!({ "got": "SEEK_DATA", "answer": "ENXIO" }),
        ];
        let places = |gave: &[Option<u64>]| Call {
            gave: gave.iter().copied().map(Answer::Place).collect(),
            ..read(&[])
        };
        assert!(said(&lines).is_as(&places(&[Some(4096), None])));
        assert!(!said(&lines).is_as(&places(&[Some(4096)])));
        assert!(!said(&lines).is_as(&places(&[Some(0), None])));
    }
}
