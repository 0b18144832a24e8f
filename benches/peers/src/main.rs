//! `cargo run --release -- table` and `-- wall` make the pages; `README.md` says more.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, io};

use stalemap_peers::measure::{self, Limits};
use stalemap_peers::race::{Cast, Check, MOST, Race};
use stalemap_peers::tools::{self, How};
use stalemap_peers::{product, table, wall};

/// What the product allocates with; here all tools that are linked do.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of memory within which a tool is to finish, and within which the product is to decide what is large.
const MEMORY_OF_TABLE: u64 = 4 << 30;
const MEMORY_OF_WALL: u64 = 8 << 30;

const USAGE: &str = "\
usage: stalemap-peers table [--stalemap PROGRAM] [--limit-seconds N]
         prints docs/peers.md
       stalemap-peers wall [--stalemap PROGRAM] [--limit-seconds N]
         measures, and writes docs/wall.md and docs/wall.svg
       stalemap-peers record [--stalemap PROGRAM] [--limit-seconds N]
         prints what wall measures: before.json is that of an older program
       stalemap-peers draw FILE
         writes docs/wall.md and docs/wall.svg of what record has printed
       stalemap-peers scenario FOLIOS ACTORS TIMES
         prints the product's scenario
       stalemap-peers explore TOOL FOLIOS,ACTORS,DESIGN SECONDS
         explores the race in this process";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match answer(&arguments) {
        Ok(text) => {
            // Who reads no further has enough.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn answer(arguments: &[String]) -> io::Result<String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["table", ref rest @ ..] => {
            let (product, limits) = options(rest, MEMORY_OF_TABLE)?;
            table::page(table::Setting { limits, product: &product })
        }
        ["wall", ref rest @ ..] => {
            let (product, limits) = options(rest, MEMORY_OF_WALL)?;
            wall::write(&wall::record(&product, limits)?, &repository().join("docs"))
        }
        ["record", ref rest @ ..] => {
            let (product, limits) = options(rest, MEMORY_OF_WALL)?;
            wall::record(&product, limits)
        }
        ["draw", file] => wall::write(&fs::read_to_string(file)?, &repository().join("docs")),
        ["scenario", folios, actors, times] => {
            let (folios, times) = (within(folios, 64)?, within(times, 64)?);
            Ok(product::scenario(folios, cast(actors)?, times))
        }
        ["explore", tool, race, seconds] => explore(tool, race, number(seconds)? as u64),
        [measure::COMMAND, seconds, memory, ..] => {
            let limits = Limits { seconds: number(seconds)? as u64, memory: number(memory)? as u64 };
            Ok(serde_json::to_string(&measure::measured(&arguments[3..], limits)?)?)
        }
        _ => Err(io::Error::other(USAGE)),
    }
}

fn repository() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The product's program and the limits, with so many bytes of memory.
fn options(words: &[&str], memory: u64) -> io::Result<(PathBuf, Limits)> {
    let mut product = repository().join("target/release/stalemap");
    let mut seconds = 60;
    for pair in words.chunks(2) {
        match pair {
            ["--stalemap", path] => product = PathBuf::from(path),
            ["--limit-seconds", text] => seconds = number(text)? as u64,
            _ => return Err(io::Error::other(USAGE)),
        }
    }
    if !product.is_file() {
        let what =
            format!("there is no {}: run `cargo build --release` in the repository", product.display());
        return Err(io::Error::other(what));
    }
    Ok((product, Limits { seconds, memory }))
}

fn explore(tool: &str, race: &str, seconds: u64) -> io::Result<String> {
    let ids: Vec<&str> = tools::ALL.iter().map(|tool| tool.id).collect();
    let Some(tool) = tools::ALL.iter().find(|known| known.id == tool) else {
        return Err(io::Error::other(format!("no tool {tool}: {}", ids.join(", "))));
    };
    let How::Here(explore) = tool.how else {
        return Err(io::Error::other(format!("{} is a program of its own", tool.id)));
    };
    Ok(serde_json::to_string(&explore(race_of(race)?, Duration::from_secs(seconds)))?)
}

fn race_of(text: &str) -> io::Result<Race> {
    let [folios, actors, design] = text.split(',').collect::<Vec<_>>()[..] else {
        return Err(io::Error::other(format!("{text}: FOLIOS,ACTORS,DESIGN are wanted")));
    };
    let folios = within(folios, MOST)?;
    let check = Check::ALL.into_iter().find(|check| check.design() == design);
    let check = check.ok_or_else(|| io::Error::other(format!("{design}: none or iomap_valid is wanted")))?;
    Ok(Race { folios, cast: cast(actors)?, check })
}

fn cast(text: &str) -> io::Result<Cast> {
    let cast = Cast::ALL.into_iter().find(|cast| cast.actors().to_string() == text);
    cast.ok_or_else(|| io::Error::other(format!("{text} actors: 3, 4 or 5 are wanted")))
}

fn within(text: &str, most: usize) -> io::Result<usize> {
    let number = number(text)?;
    if (1..=most).contains(&number) {
        Ok(number)
    } else {
        Err(io::Error::other(format!("{number}: 1 to {most} is wanted")))
    }
}

fn number(text: &str) -> io::Result<usize> {
    text.parse().map_err(|_| io::Error::other(format!("{text} is no number")))
}
