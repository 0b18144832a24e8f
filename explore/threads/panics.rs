//! Panics end here: what a library, or the system under it, panics with becomes an error.
//!
//! Each library wraps the panic hook of the process once, when it first runs, for good. That of loom's coroutines is
//! needed and harmless: it hides how they end. That of shuttle reports every panic of the process, coroutines of loom
//! included, as a failed test; so shuttle's first run happens here, and what it put in place is taken out again.
//! A hook of ours remains, which keeps what a caught panic says and passes on everything else.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::error::EngineError;

thread_local! {
    /// How many calls of [`caught`] this thread is in.
    static CATCHING: Cell<u32> = const { Cell::new(0) };
    /// What the first panic in the outermost of them said, and where.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs something that may panic, silently. `engine` is what is running.
pub(super) fn caught<R>(engine: &'static str, run: impl FnOnce() -> R) -> Result<R, EngineError> {
    set_hook_once();
    if CATCHING.replace(CATCHING.get() + 1) == 0 {
        SAID.set(None);
    }
    let result = catch_unwind(AssertUnwindSafe(run));
    CATCHING.set(CATCHING.get() - 1);
    result.map_err(|payload| {
        let said = SAID.take().or_else(|| text(&*payload));
        let message = said.unwrap_or_else(|| "without a message".to_owned());
        EngineError::Panicked { engine, message }
    })
}

/// What a panic says, by its payload. One that says nothing ends a coroutine.
fn text(payload: &(dyn Any + Send)) -> Option<String> {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
}

fn set_hook_once() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[cfg(feature = "loom")]
        run_loom_once();
        let before = std::panic::take_hook();
        #[cfg(feature = "shuttle")]
        run_shuttle_once();
        std::panic::set_hook(Box::new(move |info| {
            if CATCHING.get() == 0 {
                before(info);
                return;
            }
            let Some(text) = text(info.payload()) else { return };
            let place = info.location().map_or_else(String::new, |place| format!(" ({place})"));
            SAID.with_borrow_mut(|said| {
                said.get_or_insert(text + &place);
            });
        }));
    });
}

#[cfg(feature = "loom")]
fn run_loom_once() {
    let mut builder = ::loom::model::Builder::new();
    builder.checkpoint_file = None;
    builder.check(|| ());
}

#[cfg(feature = "shuttle")]
fn run_shuttle_once() {
    let scheduler = ::shuttle::scheduler::DfsScheduler::new(Some(1), false);
    ::shuttle::Runner::new(scheduler, ::shuttle::Config::new()).run(|| ());
}
