//! Signals that end a long run early, with what is known by then.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::Result;
use crate::input::InputError;

/// What the first SIGINT or SIGTERM sets. The second one does what it does to other programs.
pub(super) fn on_signals() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let listen = |signal| {
        flag::register_conditional_default(signal, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))
    };
    let listening = [SIGINT, SIGTERM].into_iter().try_for_each(|signal| listen(signal).map(drop));
    listening.map_err(|error| vec![InputError::Other(format!("signals cannot be listened for: {error}"))])?;
    Ok(stop)
}
