//! Directed runs: an actor stands still at a place while the others run to their ends.
//!
//! xfstests force a race with delays; a directed run is the same without the clock. The held actor runs
//! alone to its place, the others start then, and it goes on when they are done.

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::state::superblock::SuperBlock;

/// Waits until every hold is reached. For actors that are not held, before they start.
pub async fn wait_for_holds<B: Backend>(sb: &SuperBlock<B>) {
    for hold in &sb.holds {
        hold.lock_when(Op::new("start_when_held"), |state, _| state.reached, 0).await;
    }
}

/// Stands still at hold number `number` until `others` actors have finished.
pub async fn stand_still<B: Backend>(sb: &SuperBlock<B>, number: usize, others: usize) {
    let hold = &sb.holds[number];
    hold.lock(Op::new("hold")).await.reached = true;
    hold.lock_when(Op::new("resume"), |state, others| u64::from(state.finished) >= others, others as u64)
        .await;
}

/// An actor has finished. Nobody need wait any more for one that was held; one that was not counts for
/// those that are.
pub fn finished<B: Backend>(sb: &SuperBlock<B>, me: ActorId) {
    let actor = sb.config_actor(me);
    if actor.is_none() {
        return;
    }
    let is_held = sb.is_held(me);
    for (hold, config) in sb.holds.iter().zip(&sb.config.holds) {
        if Some(config.actor) == actor {
            hold.release(|state| state.reached = true);
        } else if !is_held {
            hold.release(|state| state.finished += 1);
        }
    }
}
