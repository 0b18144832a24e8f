//! Draws scenarios at random: number N of a seed is always the same one.
//!
//! What is drawn one by one at random hardly ever races: somebody has to hold a mapping of a range while another one changes it, and
//! that takes blocks that can change, a range that both touch, and often somebody who writes back. So a scenario is made of a file in a
//! state in which something can change (`begun.rs`), somebody who maps it and somebody who changes it (`calls.rs`), and others; their
//! ranges lie near one place.

mod begun;
mod calls;
mod cast;
mod players;
mod ranges;

use self::cast::{Cast, Focus, On, Through};
use self::ranges::Span;
use super::random::Random;
use super::recipe::Recipe;

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
