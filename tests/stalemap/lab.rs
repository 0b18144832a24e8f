//! Plans of the lab.

use stalemap::lab::planner::{PlanError, Subject};
use stalemap::lab::release::Release;
use stalemap::lab::variant::Variant;
use stalemap::scenario::{catalogue, read};

#[test]
fn survey() {
    let (mut plans, mut free) = (0, 0);
    for (name, source) in catalogue::all() {
        let scenario = read(name, source.as_bytes()).unwrap();
        for release in Release::ALL {
            for variant in [Variant::Stock, Variant::WithoutCheck] {
                let Some(subject) = Subject::new(&scenario, release, variant) else { continue };
                match subject.of_scenario() {
                    Ok(plan) => {
                        plans += 1;
                        free += u32::from(plan.unforced.is_empty());
                        if plan.predicted == plan.predicted_control {
                            println!("{name} {release} {:?}: no difference", plan.property);
                        }
                    }
                    Err(PlanError::Holds { .. }) => {}
                    Err(e) => println!("{name}: {release}: {e}"),
                }
            }
        }
    }
    println!("plans {plans} free {free}");
}
