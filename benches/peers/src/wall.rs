//! How far the product gets: states and time over folios, actors and commands, measured with the program as it is and compared
//! with what an older one took.

use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

use crate::chart;
use crate::measure::Limits;
use crate::product;
use crate::race::{Cast, Check};
use crate::rounds::{Least, least};
use crate::series::{Point, Reached, Series, points};

/// What the older program took: printed by `record`.
const BEFORE: &str = include_str!("../before.json");

fn measured(program: &Path, limits: Limits) -> io::Result<Series> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("scenario.toml");
    let mut reached = Vec::new();
    for point in points() {
        eprintln!("{}", words(point));
        let cast = Cast::ALL.into_iter().find(|cast| cast.actors() == point.actors);
        let cast = cast.ok_or_else(|| io::Error::other("no such actors"))?;
        fs::write(&file, product::scenario(point.folios, cast, point.times))?;
        let (command, outer) = product::command(program, Check::IomapValid, &file, limits);
        let Least { processor, memory, counts, .. } = least(&command, outer, product::counts)?;
        reached.push(Reached {
            point,
            decided: counts.is_some_and(|counts| counts.finished),
            states: counts.and_then(|counts| counts.states),
            transitions: counts.and_then(|counts| counts.transitions),
            seconds: processor,
            memory,
        });
    }
    Ok(Series { commit: product::commit(program)?, reached })
}

/// Measures a program.
pub fn record(program: &Path, limits: Limits) -> io::Result<String> {
    Ok(serde_json::to_string_pretty(&measured(program, limits)?)? + "\n")
}

/// Writes the page and its picture into a folder, of what `record` has printed for a program. Returns where they are.
pub fn write(recorded: &str, docs: &Path) -> io::Result<String> {
    let before: Series = serde_json::from_str(BEFORE)?;
    let after: Series = serde_json::from_str(recorded)?;
    let (page, picture) = (docs.join("wall.md"), docs.join("wall.svg"));
    fs::write(&picture, chart::picture(&before, &after))?;
    fs::write(&page, text(&before, &after))?;
    Ok(format!("{}\n{}\n", page.display(), picture.display()))
}

fn words(point: Point) -> String {
    let often = match point.times {
        1 => "once each",
        2 => "twice each",
        3 => "three times each",
        _ => "four times each",
    };
    format!("{} actors, {} folios, {often}", point.actors, point.folios)
}

fn text(before: &Series, after: &Series) -> String {
    let mut text = format!(
        "# Where the wall is\n\n\
         A buffered write, writeback, its completion, reclaim and a store through a mapping, over a file of a few folios, under\n\
         `iomap_valid`: how the states and the time to decide grow with folios, with actors, and with how often the writer, writeback and\n\
         reclaim act (beside one store).\n\n\
         ![States and seconds over folios, actors and commands, before and after](wall.svg)\n\n\
         *Before* is the program of commit {}, *after* that of {}: `stalemap check --jobs 1 --design iomap_valid`, each scenario in a\n\
         process of its own, the least of at least three runs (one of what takes half a minute). Seconds are of processors. What a run that was\n\
         stopped, by time or memory, had reached by then stands behind `>`.\n\n",
        before.commit, after.commit
    );
    text.push_str(
        "| scenario | states before | after | ratio | transitions before | after | seconds before | after | ratio | MiB before | after |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for point in points() {
        if let Some(is) = after.at(point) {
            row(&mut text, before.at(point), is);
        }
    }
    let open: Vec<String> =
        after.reached.iter().filter(|reached| !reached.decided).map(|reached| words(reached.point)).collect();
    let now = if open.is_empty() {
        "All of these are decided.".to_owned()
    } else {
        format!("The wall is now at: {}. All others are decided.", open.join("; "))
    };
    let _ = write!(
        text,
        "\n{now}\n\n`cargo run --release -- wall` in `benches/peers` makes this page and the picture anew, and `cargo run -- scenario 2 5 3` there\n\
         prints the scenario of two folios and five actors that act three times.\n"
    );
    text
}

/// A row; what the older program was not tried on has dashes.
fn row(text: &mut String, was: Option<&Reached>, is: &Reached) {
    let bound = |reached: &Reached| if reached.decided { "" } else { "> " };
    let both = |cell: &dyn Fn(&Reached) -> String| {
        let was = was.map_or_else(|| "–".to_owned(), cell);
        format!("{was} | {}", cell(is))
    };
    let count = |reached: &Reached, number: Option<u64>| {
        number.map_or_else(|| "stopped".to_owned(), |number| format!("{}{number}", bound(reached)))
    };
    let ratio = |of: fn(&Reached) -> Option<f64>| match (was, was.and_then(of), of(is)) {
        (Some(was), Some(before), Some(after)) if is.decided => {
            format!("{}{:.1}", bound(was), before / after)
        }
        _ => "–".to_owned(),
    };
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} | {} | {} | {} |",
        words(is.point),
        both(&|reached| count(reached, reached.states)),
        ratio(|reached| reached.states.map(|states| states as f64)),
        both(&|reached| count(reached, reached.transitions)),
        both(&|reached| format!("{}{:.3}", bound(reached), reached.seconds)),
        ratio(|reached| Some(reached.seconds)),
        both(&|reached| format!("{}{}", bound(reached), reached.memory >> 10)),
    );
}
