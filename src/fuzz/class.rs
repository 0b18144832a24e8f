//! What a loss is called, so that two of a kind are one: which mapping was used although it was out of date, what had changed, and who
//! used it for what. Where no mapping misled, a cause that is seen in the run (`causes.rs`); or else the operation by which it shows, and
//! the calls that have a step in it.
//!
//! No place, no pattern, no name of an actor and no number of a scenario is in it.

use std::collections::BTreeSet;
use std::fmt;

use stalemap_explore::{Played, Replay};
use stalemap_facade::{ActorId, Property};
use stalemap_model::judge::properties::{CRASH_EXPOSURE, SIZE_ORDER, STALE_EXPOSURE, WRONG_ADDRESS};
use stalemap_model::state::event::{MapChange, Mapping, Sampler, Says, Skip, Truth, Use, What};
use stalemap_model::state::mapping::IomapType;
use stalemap_model::words::actor_names::{SETUP, UMOUNT};
use stalemap_model::words::command::Io;
use stalemap_model::words::extent::{Extent, Fork};

pub use super::by::By;
use super::causes;
use super::order::{Order, call_of, operation};
use crate::annotate::cause::{Cause, Misuse, cause};
use crate::annotate::events::what;
use crate::annotate::mappings::{Life, lives};
use crate::scenario::Scenario;

/// A kind of loss.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Class {
    /// The personality of the file system.
    pub fs: String,
    /// What is violated.
    pub property: Property,
    /// What goes wrong by itself, as far as the scenario says that it may.
    pub environment: BTreeSet<&'static str>,
    /// By what.
    pub by: By,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.fs, self.property, self.by)?;
        for wrong in &self.environment {
            write!(f, "; with {wrong}")?;
        }
        Ok(())
    }
}

impl Class {
    /// The class of a run that violates a property.
    pub fn of(scenario: &Scenario, property: Property, replay: &Replay) -> Self {
        let lives = lives(replay);
        let by = match cause(replay, &lives) {
            // No mapping says how long a file is.
            Some(Cause::Misused(misuse)) if property != SIZE_ORDER => {
                of_mapping(scenario, replay, &lives, &misuse)
            }
            Some(Cause::Misused(_) | Cause::Rejected(_)) | None => {
                of_order(scenario, property, replay, &lives)
            }
        };
        let fs = &scenario.fs;
        let may = [
            (fs.io_errors, "failing I/O"),
            (fs.alloc_errors, "failing allocation"),
            (fs.short_copies, "short copies"),
        ];
        let matters = |may: bool| may && !matches!(by, By::Cause { .. });
        let environment = may.into_iter().filter(|(may, _)| matters(*may)).map(|(_, what)| what).collect();
        Class { fs: scenario.personality.clone(), property, environment, by }
    }

    /// Whether it comes from the same as another one, whatever is lost by it and where that shows.
    pub fn is_beside(&self, other: &Class) -> bool {
        let same = match (&self.by, &other.by) {
            (By::Order { calls, .. }, By::Order { calls: others, .. }) => calls == others,
            (one, another) => one == another,
        };
        same && self.fs == other.fs && self.environment == other.environment
    }

    /// Whether it is a loss of this class that needs no more: the same shows in the same way, perhaps with fewer calls, and with less that
    /// goes wrong by itself.
    pub fn needs_no_more_than(&self, other: &Class) -> bool {
        let by = match (&self.by, &other.by) {
            (By::Order { shows, calls }, By::Order { shows: others_show, calls: others }) => {
                shows == others_show && calls.is_subset(others)
            }
            (one, another) => one == another,
        };
        by && (&self.fs, self.property) == (&other.fs, other.property)
            && self.environment.is_subset(&other.environment)
    }

    /// Whether a loss of this class is explained by one that is known: the same mapping is misled by the same change, or the same cause is
    /// seen, whatever is lost by it, unless somebody finds what is not the file's, and nobody does by what is known; or the same property shows at the same operation with the same calls. In a scenario from which
    /// nothing can be left out, a further call, or something further that goes wrong by itself, is another loss.
    pub fn is_explained_by(&self, known: &Class) -> bool {
        if self.fs != known.fs {
            return false;
        }
        match (&self.by, &known.by) {
            (
                By::Mapping { mapping, change, used },
                By::Mapping { mapping: known_mapping, change: known_change, used: known_used },
            ) => {
                (mapping, change, used) == (known_mapping, known_change, known_used)
                    && known.environment.is_subset(&self.environment)
            }
            (By::Order { shows, calls }, By::Order { shows: known_shows, calls: known_calls }) => {
                (self.property, shows, calls, &self.environment)
                    == (known.property, known_shows, known_calls, &known.environment)
            }
            (By::Cause { .. }, By::Cause { .. }) => {
                self.by == known.by && (exposes(known.property) || !exposes(self.property))
            }
            (By::Mapping { .. } | By::Order { .. } | By::Cause { .. }, _) => false,
        }
    }
}

/// Whether somebody finds, or changes, what is not the file's.
fn exposes(property: Property) -> bool {
    [STALE_EXPOSURE, CRASH_EXPOSURE, WRONG_ADDRESS].contains(&property)
}

fn of_mapping(scenario: &Scenario, replay: &Replay, lives: &[Life], misuse: &Misuse) -> By {
    let life = lives.iter().find(|life| life.actor == misuse.actor && life.sampled == misuse.sampled);
    let mapping =
        life.map_or_else(String::new, |life| format!("{} ({})", sampler(life.by), said(&life.mapping)));
    let change = match misuse.changed.as_ref() {
        None => "nothing but the data".to_owned(),
        // A search looks at nothing again, whatever has changed.
        Some(_) if misuse.found.skips == Some(Skip::Reading) => "what lies there".to_owned(),
        Some(changed) => {
            let by = call_at(scenario, replay, changed.row, changed.by);
            format!("{} by {by}", change(&changed.change))
        }
    };
    By::Mapping { mapping, change, used: used(&misuse.found) }
}

fn of_order(scenario: &Scenario, property: Property, replay: &Replay, lives: &[Life]) -> By {
    let row = replay.played.iter().position(|played| played.violated.contains(&property));
    if replay.violated_in_setup.contains(&property) {
        let calls = scenario.setup_lines.iter().map(|line| call_of(&line.text)).collect();
        return By::Order { shows: SETUP.to_owned(), calls };
    }
    let order = Order { scenario, property, replay, lives, shows: row };
    let named = |row: usize, actor: ActorId| call_at(scenario, replay, row, actor);
    if let Some(by) = causes::of(&order, &named) {
        return by;
    }
    let shows = match row {
        Some(row) => {
            let played = &replay.played[row];
            format!("{} of {}", operation(&played.op), named(row, played.actor))
        }
        None if !replay.deadlock.is_empty() => {
            let waiting: BTreeSet<String> =
                replay.deadlock.iter().map(|(_, op)| operation(op).to_owned()).collect();
            waiting.into_iter().collect::<Vec<_>>().join(" and ")
        }
        None => UMOUNT.to_owned(),
    };
    By::Order { shows, calls: order.names(&named) }
}

/// The call that an actor is in: what its line begins with, without the file, options and numbers; or who serves others.
fn call_at(scenario: &Scenario, replay: &Replay, row: usize, actor: ActorId) -> String {
    let name = replay.actors.get(actor).map_or("", |spec| spec.name.as_str());
    let place = scenario.actors.iter().position(|own| own.name == name);
    let said = place.and_then(|place| {
        let command = replay.played.get(row)?.command.unwrap_or(0);
        let call = call_of(&scenario.actor_lines.get(place)?.get(command)?.text);
        let run = &scenario.actors.get(place)?.run;
        let through = match run.get(command)?.command.io() {
            Some(Io::Direct | Io::Aio) if !buffered_instead(replay, actor, command) => "direct ",
            Some(Io::Direct | Io::Aio | Io::Buffered) | None => "",
        };
        let fault = command.checked_sub(1).filter(|before| run[*before].command.fault().is_some());
        let fault = fault.and_then(|before| scenario.actor_lines.get(place)?.get(before));
        let fault = fault.map_or_else(String::new, |line| format!(" after {}", call_of(&line.text)));
        Some(format!("{through}{call}{fault}"))
    });
    match said {
        Some(said) => said,
        None => name.trim_end_matches(|digit: char| digit.is_ascii_digit()).to_owned(),
    }
}

/// Whether a direct write was done as a buffered one, in each of its parts, and had done nothing to the page cache or the device before
/// that was decided: then it is one.
fn buffered_instead(replay: &Replay, actor: ActorId, command: usize) -> bool {
    let own = |played: &&Played| played.actor == actor && played.command == Some(command);
    let (mut any, mut decided) = (false, false);
    for event in replay.played.iter().filter(own).flat_map(|played| &played.events) {
        match what(event) {
            Some(What::BufferedInstead(_)) => (any, decided) = (true, true),
            Some(What::Returned(..)) if decided => decided = false,
            Some(What::Returned(..) | What::Folio(_) | What::Data(_) | What::MapChanged(_)) if !decided => {
                return false;
            }
            _ => {}
        }
    }
    any
}

fn sampler(by: Sampler) -> &'static str {
    match by {
        Sampler::Write => "a write",
        Sampler::Zero => "zeroing",
        Sampler::Unshare => "unsharing",
        Sampler::DirectWrite => "a direct write",
        Sampler::DirectRead => "a direct read",
        Sampler::Seek => "a search",
        Sampler::Fiemap => "fiemap",
        Sampler::Writeback => "writeback",
        Sampler::Relocate => "garbage collection",
        Sampler::Layout => "a layout",
    }
}

fn kind(kind: IomapType) -> &'static str {
    match kind {
        IomapType::Hole => "hole",
        IomapType::Delalloc => "delalloc",
        IomapType::Mapped => "written",
        IomapType::Unwritten => "unwritten",
        IomapType::Inline => "inline",
    }
}

fn extent(extent: Extent) -> &'static str {
    match extent {
        Extent::Hole => "hole",
        Extent::Delalloc => "delalloc",
        Extent::Unwritten(_) => "unwritten",
        Extent::Written(_) => "written",
    }
}

fn said(mapping: &Mapping) -> String {
    let fork = match mapping.fork {
        Fork::Data => "",
        Fork::Cow => ", a copy",
    };
    format!("{}{fork}", kind(mapping.kind))
}

fn change(change: &MapChange) -> String {
    match change {
        MapChange::Extents { fork, from, to, .. } => {
            let fork = if *fork == Fork::Cow { " of the copies" } else { "" };
            format!("{} becomes {}{fork}", kind(*from), kind(*to))
        }
        MapChange::Replaced { to, .. } => format!("it becomes {}", extent(*to)),
        MapChange::CowToData { .. } => "the copy takes its place".to_owned(),
        MapChange::Remapped { .. } => "another file's blocks take its place".to_owned(),
        MapChange::Unstuffed { .. } => "the data leave the inode".to_owned(),
        MapChange::Shifted { .. } => "extents move".to_owned(),
        MapChange::CounterOnly => "the counter alone".to_owned(),
    }
}

fn used(used: &Use) -> String {
    let says = match used.says {
        Says::Kind(says) => kind(says),
        Says::WrittenNew => "new",
        Says::Device(_) => "a place",
        Says::IntoInode => "in the inode",
    };
    let truth = match &used.truth {
        Truth::AsItSays => "as it says",
        Truth::Extent(is) => extent(*is),
        Truth::At(_) => "elsewhere on the device",
        Truth::WrittenSince => "written since",
        Truth::Unbacked => "neither block nor reservation",
        Truth::Elsewhere => "no block of the file alone",
        Truth::Shared => "shared",
        Truth::BlockPointers => "in blocks",
    };
    let skips = match used.skips {
        None => "",
        Some(Skip::Zeroing) => ", not zeroed",
        Some(Skip::Unsharing) => ", not unshared",
        Some(Skip::Writing) => ", not written",
        Some(Skip::Reading) => ", not read",
    };
    format!("as {says}, is {truth}{skips}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use stalemap_model::judge::properties::LOST_WRITE;

    #[test]
    fn a_call_is_its_name() {
        for (line, call) in [
            ("[a] @may_fail @direct pwrite -S 0x41 0 4k", "pwrite"),
            ("@aio pread 0 4k", "pread"),
            ("sync_range -w 0 4k", "writeback"),
            ("@wait", "@wait"),
        ] {
            assert_eq!(call_of(line), call);
        }
    }

    fn order(property: Property, shows: &str, calls: &[&str]) -> Class {
        let calls = calls.iter().map(|call| (*call).to_owned()).collect();
        Class {
            fs: "xfs".to_owned(),
            property,
            environment: BTreeSet::new(),
            by: By::Order { shows: shows.to_owned(), calls },
        }
    }

    #[test]
    fn what_is_simpler_needs_fewer_calls_and_shows_the_same() {
        let large = order(LOST_WRITE, "umount", &["pwrite", "truncate"]);
        let failing = Class { environment: BTreeSet::from(["failing I/O"]), ..large.clone() };
        let small = order(LOST_WRITE, "umount", &["truncate"]);
        assert!(small.needs_no_more_than(&large) && large.needs_no_more_than(&failing));
        for (one, other) in [
            (large.clone(), small.clone()),
            (failing, large.clone()),
            (order(LOST_WRITE, "setup", &["truncate"]), large.clone()),
            (order(STALE_EXPOSURE, "umount", &["truncate"]), large.clone()),
            (mapping(LOST_WRITE, "written becomes hole by fpunch"), large),
        ] {
            assert!(!one.needs_no_more_than(&other), "{one}, {other}");
        }
    }

    #[test]
    fn a_cause_is_the_same_whatever_is_lost_by_it() {
        let class = |property, what: &str, calls: &[&str]| {
            let calls = calls.iter().map(|call| (*call).to_owned()).collect();
            Class { by: By::Cause { what: what.to_owned(), calls }, ..order(property, "umount", &[]) }
        };
        let known = class(LOST_WRITE, "one", &["pwrite"]);
        let exposes = class(STALE_EXPOSURE, "one", &["pwrite"]);
        assert!(class(SIZE_ORDER, "one", &["pwrite"]).is_explained_by(&known));
        assert!(known.is_explained_by(&exposes));
        for other in [class(LOST_WRITE, "another", &["pwrite"]), class(LOST_WRITE, "one", &[]), exposes] {
            assert!(!other.is_explained_by(&known), "{other}");
        }
    }

    fn mapping(property: Property, change: &str) -> Class {
        let by = By::Mapping {
            mapping: "a write (unwritten)".to_owned(),
            change: change.to_owned(),
            used: "as unwritten, is written".to_owned(),
        };
        Class { fs: "xfs".to_owned(), property, environment: BTreeSet::new(), by }
    }

    #[test]
    fn what_needs_other_calls_is_not_explained() {
        let known = order(LOST_WRITE, "umount", &["pwrite", "truncate"]);
        assert!(known.is_explained_by(&known));
        for other in [
            order(LOST_WRITE, "umount", &["pread", "pwrite", "truncate"]),
            order(LOST_WRITE, "umount", &["pwrite"]),
            order(STALE_EXPOSURE, "umount", &["pwrite", "truncate"]),
            order(LOST_WRITE, "folio_unlock of pwrite", &["pwrite", "truncate"]),
            Class { fs: "gfs2".to_owned(), ..known.clone() },
            Class { environment: BTreeSet::from(["failing I/O"]), ..known.clone() },
            mapping(LOST_WRITE, "unwritten becomes written by kworker"),
        ] {
            assert!(!other.is_explained_by(&known), "{other}");
        }
    }

    #[test]
    fn a_mapping_that_misleads_in_the_same_way_is_the_same_whatever_is_lost() {
        let known = mapping(LOST_WRITE, "unwritten becomes written by kworker");
        assert!(mapping(STALE_EXPOSURE, "unwritten becomes written by kworker").is_explained_by(&known));
        assert!(!mapping(LOST_WRITE, "written becomes hole by fpunch").is_explained_by(&known));
    }
}
