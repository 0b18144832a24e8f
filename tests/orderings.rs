//! The designs in relaxed memory, and which orderings they need there.

use stalemap::scenario::{Scenario, catalogue, read};
use stalemap_explore::{Exploration, Options, explore};
use stalemap_model::backend::MemoryModel;
use stalemap_model::event::Branch;
use stalemap_model::fs::Bump;
use stalemap_model::kernel::Kernel;
use stalemap_model::oracle::Property;
use stalemap_model::ordering::{Link, Orderings};

fn scenario(name: &str) -> Scenario {
    let (name, source) = catalogue::find(name).expect("a shipped scenario");
    read(&name, source.as_bytes()).expect("a good scenario")
}

fn explored(name: &str, design: &str, weakened: &[Link], bump: Bump) -> Exploration {
    let scenario = scenario(name);
    let design = scenario.design(design).expect("a built-in design");
    let mut config = scenario.config(design);
    config.memory = MemoryModel::Relaxed;
    config.orderings = Orderings::without(weakened);
    config.fs.bump_convert = bump;
    let kernel = Kernel::new(config).expect("a scenario that fits");
    let found = explore(&kernel, &Options::default(), &mut |_| ()).expect("a sound model");
    assert!(found.is_complete());
    found
}

#[test]
fn probe() {
    for name in ["xfs/t1", "xfs/t2", "xfs/t10"] {
        for design in ["none", "iomap_valid", "modern"] {
            for bump in [Bump::Inside, Bump::Early] {
                let t = std::time::Instant::now();
                let found = explored(name, design, &[], bump);
                println!(
                    "{name} {design} {bump:?} {:?} {:?} {:?}",
                    found.statistics,
                    Property::of_bits(found.violated),
                    t.elapsed()
                );
            }
        }
        for link in Link::ALL {
            let found = explored(name, "iomap_valid", &[*link], Bump::Inside);
            println!(
                "{name} {link} {:?} {:?} stale {}",
                found.statistics.states,
                Property::of_bits(found.violated),
                found.reached & Branch::Stale.bit() != 0
            );
        }
    }
}
