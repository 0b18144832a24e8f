//! A step of a path keeps for the next what that needs: transitions that begin alike and find the same do the same. It is what the
//! visited set and the transition cache rest on, and is looked at without them: every transition is executed.

use stalemap::scenario::Scenario;
use stalemap_checker::{effects, explore};
use stalemap_explore::{Effects, Limits, Options};
use stalemap_model::system::kernel::Kernel;

use crate::common::{all_shipped, shipped};

/// States that are looked at of each scenario of the catalogue.
const STATES_OF_EACH: u64 = 300;

fn kernel_of(scenario: &Scenario, name: &str) -> Kernel {
    let implementation = scenario.implementation(name).unwrap();
    Kernel::new(scenario.config_of(implementation)).unwrap()
}

fn agreeing(kernel: &Kernel, limits: &Limits, about: &str) -> Effects {
    let found = effects(kernel, limits).unwrap();
    assert_eq!(found.contradictions, 0, "{about}: {:?}", found.first);
    found
}

#[test]
fn what_is_alike_does_the_same_all_over_the_catalogue() {
    let limits = Limits { states: Some(STATES_OF_EACH), ..Limits::default() };
    let (mut pairs, mut repeated) = (0, 0);
    for scenario in all_shipped() {
        for name in scenario.expected() {
            let kernel = kernel_of(&scenario, &name);
            let found = agreeing(&kernel, &limits, &format!("{} under {name}", scenario.name));
            pairs += 1;
            repeated += found.transitions - found.different;
        }
    }
    assert!(pairs > 1000 && repeated > 100_000, "{pairs} pairs, {repeated} transitions like others");
}

#[test]
fn what_is_alike_does_the_same_in_every_state() {
    let whole = [
        ("xfs/five-actors", "iomap_valid"),
        ("xfs/five-actors", "linux-6.1"),
        ("xfs/cow-srcmap", "iomap_valid"),
        ("gfs2/t2-no-glock", "iomap_valid"),
        ("ext4/t2", "get_folio"),
        ("xfs/dontcache", "ungated"),
        ("ntfs3/valid-moved-late", "iomap-end"),
    ];
    for (scenario, name) in whole {
        let kernel = kernel_of(&shipped(scenario), name);
        let found = agreeing(&kernel, &Limits::default(), scenario);
        let explored = explore(&kernel, &Options::default(), &mut |_| ()).unwrap();
        assert_eq!(found.states, explored.statistics.states, "{scenario} under {name}");
        assert!(found.different < found.transitions, "{scenario} under {name}");
    }
}
