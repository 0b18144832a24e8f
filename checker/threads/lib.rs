//! loom and shuttle, compiled for the modelled kernel.
//!
//! They run the paths of the kernel on a memory of their own, so the paths are compiled for it once more. In an execution the
//! time goes into the libraries' own bookkeeping, not into the paths: so this is less optimised than the exhaustive engine,
//! and a crate of its own, which is compiled beside it.

#![forbid(unsafe_code)]

use stalemap_explore::{EngineError, Follow, Loom, Runs, Shuttle, Step};
use stalemap_model::system::kernel::Kernel;

/// [`stalemap_explore::run_loom`].
#[inline(never)]
pub fn run_loom(kernel: &Kernel, loom: &Loom) -> Result<Runs, EngineError> {
    stalemap_explore::run_loom(kernel, loom)
}

/// [`stalemap_explore::run_shuttle`].
#[inline(never)]
pub fn run_shuttle(kernel: &Kernel, shuttle: &Shuttle) -> Result<Runs, EngineError> {
    stalemap_explore::run_shuttle(kernel, shuttle)
}

/// [`stalemap_explore::follow_with_shuttle`].
#[inline(never)]
pub fn follow_with_shuttle(kernel: &Kernel, schedule: &[Step]) -> Result<Follow, EngineError> {
    stalemap_explore::follow_with_shuttle(kernel, schedule)
}
