//! Signals that stop searches: SIGINT (ctrl-C) and SIGTERM. The second one does what it does to other programs.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::{Result, Stop};

/// What is set by a signal. A process listens once, however many commands it runs.
static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// What is said where that was set, of answers that cannot say it themselves.
pub(super) fn note(stop: Option<&AtomicBool>) -> String {
    if stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
        "it was interrupted: what was not explored by then is undecided\n".to_owned()
    } else {
        String::new()
    }
}

/// Listens for the signals, from now on.
pub(super) fn listen() -> Result<Arc<AtomicBool>> {
    if let Some(stop) = STOP.get() {
        return Ok(Arc::clone(stop));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let listen = |signal| -> io::Result<()> {
        flag::register_conditional_default(signal, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop)).map(drop)
    };
    [SIGINT, SIGTERM]
        .into_iter()
        .try_for_each(listen)
        .map_err(|error| Stop::other(format!("signals cannot be listened for: {error}")))?;
    Ok(Arc::clone(STOP.get_or_init(|| stop)))
}
