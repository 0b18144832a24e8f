//! The fixed part of the program, in the order in which C needs it: `lab/program/`, by subject.

use std::collections::BTreeSet;

use stalemap_model::words::command::Io;

use crate::lab::places::STRIDE;
use crate::lab::plan::Plan;

const BASE: &str = include_str!("../../../lab/program/base.h");
const REPORT: &str = include_str!("../../../lab/program/report.c");
const IO: &str = include_str!("../../../lab/program/io.c");
const AIO: &str = include_str!("../../../lab/program/aio.c");
const MAP: &str = include_str!("../../../lab/program/map.c");
const SPACE: &str = include_str!("../../../lab/program/space.c");
const CACHE: &str = include_str!("../../../lab/program/cache.c");

/// What stands before the generated part: what a plan is made of, and what calls do.
pub(super) fn before(plan: &Plan) -> String {
    let (folio, block) = (plan.folio, plan.block);
    let page = format!("#define FOLIO {folio}ULL\n#define BLOCK {block}\n#define PLACE {STRIDE}ULL\n\n");
    [BASE, "\n", &page, REPORT, "\n", IO, "\n", AIO, "\n", MAP, "\n", SPACE, "\n", CACHE, "\n"].concat()
}

/// What stands behind it: tasks, holds, turns, and what is left.
pub(super) fn after() -> String {
    [
        include_str!("../../../lab/program/tasks.c"),
        include_str!("../../../lab/program/ends.c"),
        include_str!("../../../lab/program/hold.c"),
        include_str!("../../../lab/program/device.c"),
        include_str!("../../../lab/program/files.c"),
        include_str!("../../../lab/program/stages.c"),
        include_str!("../../../lab/program/turns.c"),
        include_str!("../../../lab/program/modes.c"),
        include_str!("../../../lab/program/main.c"),
    ]
    .join("\n")
}

/// The files on which some command does direct I/O, by their places.
pub(super) fn direct(plan: &Plan) -> BTreeSet<usize> {
    let calls = plan.setup.iter().chain(plan.tasks.iter().flat_map(|task| &task.run));
    let direct = calls.filter(|call| matches!(call.command.io(), Some(Io::Direct | Io::Aio)));
    direct.map(|call| usize::from(call.file)).collect()
}
