//! Draws scenarios at random: number N of a seed is always the same one.
//!
//! What is drawn one by one at random hardly ever races: somebody has to hold a mapping of a range while another one changes it, and
//! that takes blocks that can change, a range that both touch, and often somebody who writes back. So a scenario is made of a file in a
//! state in which something can change ([`begun`]), somebody who maps it ([`calls::MAPS`]), somebody who changes it
//! ([`calls::CHANGES`]), and others; and their ranges lie near one place.

mod begun;
mod calls;
mod ranges;

use self::calls::Kind;
use self::ranges::Span;
use super::random::Random;
use super::recipe::{Call, Player, Recipe};

/// Names of actors, in the order of their places.
const NAMES: [&str; 5] = ["a1", "a2", "a3", "a4", "a5"];

/// How many actors there are, by weight.
const ACTORS: [(u64, usize); 4] = [(42, 2), (38, 3), (15, 4), (5, 5)];

/// How many commands one has, by weight.
const COMMANDS: [(u64, usize); 3] = [(70, 1), (24, 2), (6, 3)];

/// Bytes of a block and of a folio, by weight.
const GEOMETRIES: [(u64, (u64, u64)); 5] =
    [(50, (4096, 4096)), (20, (2048, 4096)), (12, (1024, 4096)), (14, (4096, 8192)), (4, (4096, 16384))];

/// Fields of the environment, by weight: most scenarios have none.
const FIELDS: [(u64, &[&str]); 6] = [
    (62, &[]),
    (28, &["allocator = \"lowest\""]),
    (4, &["io_errors = true"]),
    (2, &["io_errors = true", "allocator = \"lowest\""]),
    (2, &["short_copies = true"]),
    (2, &["alloc_errors = true"]),
];

/// Through what data go, by weight: where direct I/O meets the page cache the kernel promises little.
const THROUGH: [(u64, Through); 3] = [(58, Through::Cache), (18, Through::Device), (24, Through::Both)];

/// What a scenario is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Focus {
    /// A write that holds its mapping over several folios, and somebody who changes extents meanwhile, whom i_rwsem does not stop.
    Check,
    /// Whatever it is.
    Anything,
}

/// Through what the data of a scenario go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Through {
    /// The page cache.
    Cache,
    /// Direct I/O, and reads of all kinds.
    Device,
    /// Either.
    Both,
}

/// A file system to draw for, by its name and what it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct On {
    /// The personality.
    pub personality: &'static str,
    /// Whether files can share blocks.
    pub shares: bool,
    /// Whether it counts changes of extents, so that a mapping can be seen to be stale.
    pub checks: bool,
}

/// What there is where a scenario is to run.
pub trait Has {
    /// Whether there is a file system of this name.
    fn has(&self, personality: &str) -> bool;

    /// Whether its files can exchange ranges, if files share blocks.
    fn exchanges(&self) -> bool;
}

/// The file systems, each as often as its weight says.
const SYSTEMS: [(u64, On); 6] = [
    (60, On { personality: "xfs", shares: true, checks: true }),
    (12, On { personality: "xfs-zoned", shares: false, checks: true }),
    (12, On { personality: "gfs2", shares: false, checks: false }),
    (5, On { personality: "gfs2-jdata", shares: false, checks: false }),
    (5, On { personality: "zonefs", shares: false, checks: false }),
    (6, On { personality: "ext4-iomap", shares: false, checks: true }),
];

/// Draws a scenario on one of the file systems that are there. `None`: there is none.
pub fn draw(seed: u64, number: u64, there: &dyn Has) -> Option<Recipe> {
    let mut random = Random::of(seed, number);
    let on = *random.weighted(&SYSTEMS, |on| there.has(on.personality))?;
    let (block, folio) = geometry(&mut random, on);
    let shared = on.shares && random.percent(35);
    let focus = if on.checks && random.percent(55) { Focus::Check } else { Focus::Anything };
    let files: Vec<&'static str> = if shared { vec!["a", "b"] } else { vec!["file"] };
    let span = Span::drawn(&mut random, block, folio);
    let setup = if shared {
        begun::shared(&mut random, &span)
    } else {
        begun::alone(&mut random, &span, on.personality, focus)
    };
    // Failing I/O is not modelled for all that these have.
    let may_fail = !matches!(on.personality, "zonefs" | "xfs-zoned");
    let fields = random.weighted(&FIELDS, |fields| may_fail || fields.is_empty());
    let fields = fields.map_or_else(Vec::new, |fields| fields.to_vec());
    let through = match focus {
        Focus::Check => Through::Cache,
        Focus::Anything => random.weighted(&THROUGH, |_| true).copied().unwrap_or(Through::Cache),
    };
    let exchanges = there.exchanges();
    let mut cast = Cast { random, span, on, files: files.len(), through, focus, exchanges, next_fill: 0x41 };
    let players = cast.players();
    let Cast { mut random, .. } = cast;
    let mixed_exempt = random.percent(93);
    let eof_exempt = random.percent(60);
    let mut recipe = Recipe {
        title: format!("Number {number} of seed {seed}"),
        block,
        folio,
        personality: on.personality,
        fields,
        files,
        setup,
        players,
        judges_mixed_io: true,
        judges_behind_eof: true,
        observed: (0, 0),
    };
    recipe.observed.1 = recipe.reach();
    recipe.judges_mixed_io = !(mixed_exempt && is_mixed(&recipe));
    recipe.judges_behind_eof = !(eof_exempt && says(&recipe, "mwrite"));
    Some(recipe)
}

fn geometry(random: &mut Random, on: On) -> (u64, u64) {
    let drawn = random.weighted(&GEOMETRIES, |_| true).copied();
    let (block, folio) = drawn.unwrap_or((4096, 4096));
    if on.personality == "zonefs" { (4096, folio) } else { (block, folio) }
}

/// Whether direct I/O meets the page cache.
fn is_mixed(recipe: &Recipe) -> bool {
    let direct = ["@direct", "@aio"].iter().any(|word| says(recipe, word));
    direct && ["pwrite", "mwrite", "mread", "pread"].iter().any(|word| says(recipe, word))
}

fn says(recipe: &Recipe, what: &str) -> bool {
    recipe.text().contains(what)
}

/// What actors are drawn with.
struct Cast {
    random: Random,
    span: Span,
    on: On,
    files: usize,
    through: Through,
    focus: Focus,
    exchanges: bool,
    /// The pattern of the next write, so that each is told from the others.
    next_fill: u8,
}

impl Cast {
    /// The actors: one who maps, one who changes, and others.
    fn players(&mut self) -> Vec<Player> {
        let many = self.random.weighted(&ACTORS, |_| true).copied().unwrap_or(2);
        let kinds = match self.focus {
            Focus::Check => [Kind::HoldsLong, Kind::ChangesUnder],
            Focus::Anything => [Kind::Maps, Kind::Changes],
        };
        let mut players: Vec<Player> = Vec::new();
        for (at, name) in NAMES.iter().enumerate().take(many) {
            let kind = kinds.get(at).copied().unwrap_or_else(|| self.further());
            players.push(Player { name: (*name).to_owned(), run: self.run(kind) });
        }
        if self.random.percent(6) && calls::can_crash(self.on) {
            players.truncate(NAMES.len() - 1);
            players.push(Player { name: "power".to_owned(), run: vec![Call::new(0, "@crash")] });
        }
        players
    }

    fn further(&mut self) -> Kind {
        *self.random.one(&[Kind::Cleans, Kind::Cleans, Kind::Changes, Kind::Maps])
    }

    /// What an actor does: first what it is there for.
    fn run(&mut self, kind: Kind) -> Vec<Call> {
        let many = self.random.weighted(&COMMANDS, |_| true).copied().unwrap_or(1);
        let mut run: Vec<Call> = Vec::new();
        let mut state = calls::Before::default();
        for at in 0..many {
            let kind = if at == 0 { kind } else { self.further() };
            let file = if self.files > 1 && self.random.percent(30) { 1 } else { 0 };
            run.extend(calls::drawn(self, kind, file, &mut state));
            if state.killed {
                break;
            }
        }
        if state.submitted {
            run.push(Call::new(0, "@wait"));
        }
        run
    }

    fn fill(&mut self) -> String {
        self.next_fill += 1;
        format!("0x{:x}", self.next_fill - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::scenario::read;

    /// Where there are these file systems.
    struct Only(&'static [&'static str]);

    impl Has for Only {
        fn has(&self, personality: &str) -> bool {
            self.0.contains(&personality)
        }

        fn exchanges(&self) -> bool {
            true
        }
    }

    const ALL: Only = Only(&["xfs", "xfs-zoned", "gfs2", "gfs2-jdata", "zonefs", "ext4-iomap"]);

    #[test]
    fn a_number_is_always_the_same_scenario() {
        let text = |seed, number| draw(seed, number, &ALL).map(|recipe| recipe.text());
        for number in 0..50 {
            assert_eq!(text(1, number), text(1, number));
        }
        let all: BTreeSet<_> = (0..200).map(|number| text(1, number)).collect();
        assert_eq!(all.len(), 200);
        assert_ne!(text(1, 3), text(2, 3));
    }

    #[test]
    fn there_is_none_without_a_file_system() {
        assert_eq!(draw(1, 1, &Only(&[])), None);
        assert_eq!(draw(1, 1, &Only(&["zonefs"])).map(|recipe| recipe.personality), Some("zonefs"));
    }

    /// What is drawn is what can be said: few are refused by the reader of scenarios.
    #[test]
    fn most_of_what_is_drawn_is_a_scenario() {
        let mut refused = Vec::new();
        for number in 0..1000 {
            let text = draw(5, number, &ALL).expect("a file system").text();
            if let Err(errors) = read("drawn", text.as_bytes()) {
                refused.push(format!("{errors}"));
            }
        }
        assert!(refused.len() <= 10, "{} are refused\n{}", refused.len(), refused.join("\n"));
    }
}
