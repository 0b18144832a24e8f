//! Sections of the ILOCK: what a path knows of the extent map holds as long as it is in one, and no longer where it lets the
//! lock go and takes it again.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use stalemap_explore::{Options, explore};
use stalemap_facade::{ActorId, ActorSpec, Backend, Op, Role, System};
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::design::Design;
use stalemap_model::words::extent::{Extent, Fork};

use crate::common::good;

/// A file without blocks.
const FILE: &str = r#"
title = "A file"
[[actor]]
name = "actor"
run = ["pwrite 0 4k"]
"#;

/// How somebody looks at the map twice.
#[derive(Clone, Copy)]
enum Between {
    /// In one section.
    Nothing,
    /// The lock is let go and taken again.
    Cycle,
}

/// One looks at the first block twice, the other reserves it.
struct Looks {
    kernel: Kernel,
    between: Between,
    /// What was seen, over all runs.
    seen: RefCell<BTreeSet<[&'static str; 2]>>,
}

fn name(extent: Extent) -> &'static str {
    if extent == Extent::Hole { "hole" } else { "reserved" }
}

impl System for Looks {
    type World<B: Backend> = <Kernel as System>::World<B>;
    type State = ();

    fn world<B: Backend>(&self, backend: &B) -> Self::World<B> {
        self.kernel.world(backend)
    }

    fn actors(&self) -> Vec<ActorSpec> {
        ["looks", "reserves"].map(|name| ActorSpec { name: name.to_owned(), role: Role::Main }).into()
    }

    fn start(&self, _: ActorId) -> Self::State {}

    async fn step<B: Backend>(&self, w: &Self::World<B>, me: ActorId, (): ()) -> ControlFlow<()> {
        let mut map = w.inodes[0].lock_map(Op::new("xfs_ilock")).await;
        if me == 0 {
            let first = map.get(0);
            if let Between::Cycle = self.between {
                map = map.cycle(Op::new("xfs_ilock again")).await;
            }
            self.seen.borrow_mut().insert([name(first), name(map.get(0))]);
        } else {
            map.reserve(Fork::Data, &(0..1)).expect("there is room");
        }
        map.end();
        ControlFlow::Break(())
    }
}

/// What is seen over all runs, and how many states they have: who is how far, and, between two sections, what was seen first.
fn looks(between: Between) -> (Vec<[&'static str; 2]>, u64) {
    let config = good("file", FILE).config(Design::built_in("iomap_valid").expect("a design"));
    let kernel = Kernel::new(config).expect("a kernel");
    let system = Looks { kernel, between, seen: RefCell::default() };
    let found = explore(&system, &Options::default(), &mut |_| ()).expect("a run");
    (system.seen.into_inner().into_iter().collect(), found.statistics.states)
}

#[test]
fn what_was_looked_up_holds_until_the_lock_is_let_go() {
    let (both_before, both_after) = (["hole", "hole"], ["reserved", "reserved"]);
    assert_eq!(looks(Between::Nothing), (vec![both_before, both_after], 4));
    assert_eq!(looks(Between::Cycle), (vec![both_before, ["hole", "reserved"], both_after], 7));
}
