//! The tools mean the same race: the same states where nothing is left out, and the same final states.

use std::env;
use std::path::Path;
use std::time::Duration;

use stalemap_peers::race::{Cast, Check, Finals, Race};
use stalemap_peers::report::Counts;
use stalemap_peers::{by_loom, by_shuttle, by_spin, by_stalemap, by_stateright};

/// Races over so many folios.
fn races(folios: impl IntoIterator<Item = usize>) -> Vec<Race> {
    let casts = |folios| Cast::ALL.into_iter().map(move |cast| (folios, cast));
    let sizes = folios.into_iter().flat_map(casts);
    sizes.flat_map(|(folios, cast)| Check::ALL.map(|check| Race { folios, cast, check })).collect()
}

/// What must come out: data is lost where there is no check and the folio can go.
fn loses(race: Race) -> bool {
    race.check == Check::None && race.cast.has_reclaim()
}

fn assert_verdict(race: Race, counts: &Counts) {
    assert!(counts.finished, "{race:?}: {counts:?}");
    assert_eq!(counts.lost, loses(race), "{race:?}: {counts:?}");
}

/// Whether there is a SPIN. Without one the test says that it did nothing, unless it must.
fn has_spin() -> bool {
    let found = by_spin::versions();
    if found.is_none() {
        assert!(
            env::var_os("STALEMAP_REQUIRE_PEERS").is_none(),
            "spin and gcc are required, and not installed"
        );
        eprintln!("not compared with SPIN: spin or gcc is not installed");
    }
    found.is_some()
}

#[test]
fn stateright_has_the_states_transitions_and_final_states_of_stalemap() {
    let races = races(1..=3);
    assert_eq!(races.len(), 18);
    for race in races {
        let here = by_stalemap::explore(race, by_stalemap::Search::All);
        assert_verdict(race, &here);
        let there = by_stateright::explore(race, by_stateright::Order::Breadth, 1);
        assert_eq!(here, there, "{race:?}");
        assert_eq!(here, by_stalemap::explore(race, by_stalemap::Search::BreadthFirst(2)), "{race:?}");
        assert_eq!(there, by_stateright::explore(race, by_stateright::Order::Depth, 2), "{race:?}");
        let finals = by_stalemap::finals(race);
        assert!(finals.len() >= 3, "{race:?}: {finals:?}");
        assert_eq!(finals, by_stateright::finals(race), "{race:?}");
    }
}

#[test]
fn sleep_sets_leave_out_transitions_and_no_state() {
    for race in races(1..=3) {
        let all = by_stalemap::explore(race, by_stalemap::Search::All);
        let some = by_stalemap::explore(race, by_stalemap::Search::Product);
        assert_eq!((all.states, all.lost), (some.states, some.lost), "{race:?}");
        assert!(some.transitions < all.transitions, "{race:?}");
    }
}

#[test]
fn spin_has_the_states_and_final_states_of_stalemap() {
    if !has_spin() {
        return;
    }
    for race in races(1..=3) {
        let folder = tempfile::tempdir().expect("a folder");
        compare_with_spin(race, folder.path());
    }
}

fn compare_with_spin(race: Race, folder: &Path) {
    let here = by_stalemap::explore(race, by_stalemap::Search::All);
    let (there, finals) = by_spin::finals(race, folder).expect("a verifier");
    assert_verdict(race, &there);
    assert_eq!(finals, by_stalemap::finals(race), "{race:?}");
    assert_behind(race, &here, &there, finals.len() as u64);
}

/// SPIN has what is there besides, and a little more.
fn assert_behind(race: Race, here: &Counts, there: &Counts, judged: u64) {
    // Behind a final state that it reports, the judge has moved, and then it is gone: two states more.
    let more = by_spin::BEFORE + 2 * judged;
    assert_eq!(there.states, here.states.map(|states| states + more), "{race:?}");
    // A move into each of these states, and one that SPIN counts for the first.
    assert_eq!(there.transitions, here.transitions.map(|moves| moves + more + 1), "{race:?}");
}

#[test]
fn what_is_measured_of_spin_is_the_same_with_and_without_its_reduction() {
    if !has_spin() {
        return;
    }
    for check in Check::ALL {
        let race = Race { folios: 3, cast: Cast::Five, check };
        let folder = tempfile::tempdir().expect("a folder");
        let here = by_stalemap::explore(race, by_stalemap::Search::All);
        let judged = lost(race, &by_stalemap::finals(race));
        assert_eq!(judged > 0, loses(race), "{race:?}");
        for flags in [&[][..], &["-DNOREDUCE"], &["-DCOLLAPSE"]] {
            let there = by_spin::explore(race, flags, folder.path()).expect("a verifier");
            assert_verdict(race, &there);
            assert_behind(race, &here, &there, judged);
        }
    }
}

/// How many of the final states a reader complains about.
fn lost(race: Race, finals: &Finals) -> u64 {
    let expected = (race.expected() as u8).to_string();
    let is_lost = |said: &&String| {
        let last = said.split(' ').nth(race.folios).expect("a word for each folio");
        let words: Vec<&str> = last.split(':').collect();
        let tail = match (words[0].starts_with("11"), words[2]) {
            (true, _) => &words[1][1..],
            (false, "1") => "0",
            (false, _) => &words[3][1..],
        };
        tail != expected
    };
    finals.iter().filter(is_lost).count() as u64
}

/// loom and shuttle finish only the smallest.
const SMALLEST: Duration = Duration::from_mins(10);

#[test]
fn under_the_facade_loom_and_shuttle_find_what_stalemap_finds() {
    let race = |cast, check| Race { folios: 1, cast, check };
    let both = Check::ALL.map(|check| race(Cast::Three, check));
    for race in both.into_iter().chain([race(Cast::Four, Check::None)]) {
        let (shuttle, loom) =
            (by_stalemap::under_shuttle(race, SMALLEST), by_stalemap::under_loom(race, SMALLEST));
        assert_verdict(race, &shuttle);
        assert_verdict(race, &loom);
        // Neither leaves an order out.
        assert_eq!(
            (shuttle.executions, shuttle.transitions),
            (loom.executions, loom.transitions),
            "{race:?}"
        );
    }
}

#[test]
fn loom_with_threads_has_the_final_states_of_stalemap() {
    let race = Race { folios: 1, cast: Cast::Three, check: Check::None };
    let (counts, finals) = by_loom::explore(race, SMALLEST);
    assert_verdict(race, &counts);
    assert_eq!(finals, by_stalemap::finals(race));
}

/// What a tool that cannot finish does find is a part of what there is.
#[test]
fn no_thread_finds_what_is_not_there() {
    for race in races(1..=2) {
        let all = by_stalemap::finals(race);
        for (_, finals) in [
            by_loom::explore(race, Duration::from_millis(500)),
            by_shuttle::explore(race, Duration::from_millis(500)),
        ] {
            assert!(!finals.is_empty() && finals.is_subset(&all), "{race:?}: {finals:?}");
        }
    }
}
