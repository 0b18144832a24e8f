//! Whether the states that were found form a cycle.
//!
//! Mostly the effects say that they do not (`acyclic/effects.rs`). Else states are counted: how often each was come to is known. So
//! states are taken away, beginning with the first, and with each the transitions from it; a state to which no transition
//! leads any more is taken away next (A. B. Kahn, "Topological sorting of large networks", CACM 5(11), 1962). What is left
//! over is on a cycle, or behind one.

use stalemap_facade::System;

mod effects;

use super::numbering::Refused;
use super::{Breadth, Expanded};
use crate::checkpoint::{Checkpointer, Request};
use crate::exploration::Progress;
use crate::limits::LimitHit;
use crate::visited::Part;

/// Transitions from one question to the next, at least: nothing is kept of what is done in between, so whoever asks after each
/// few would never come to the end.
const LEAST_INTERVAL: u64 = 1 << 18;

impl<S: System> Breadth<'_, '_, S> {
    /// Whether the effects say that there is no cycle.
    pub(super) fn effects_form_no_cycle(&self) -> bool {
        effects::form_no_cycle(&self.numbering.known)
    }

    /// What there is to be kept was kept before.
    fn ask_whether_to_stop(&mut self, checkpointer: &mut dyn Checkpointer) {
        match checkpointer.request() {
            Request::GoOn | Request::Save => {}
            Request::Stop => {
                self.limits_hit.insert(LimitHit::Interrupted);
            }
        }
    }

    /// Whether all states can be taken away. The counts of the visited set, and the level, are used up.
    pub(super) fn can_be_taken_away(
        &mut self,
        checkpointer: &mut dyn Checkpointer,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<bool, Refused> {
        if self.visited.has_too_many_arrivals() || self.visited.arrivals(self.start.1) != 0 {
            return Ok(false);
        }
        self.begin_level();
        let mut taken = 1;
        let mut unasked = 0;
        loop {
            loop {
                let tasks = self.tasks();
                if tasks.is_empty() {
                    break;
                }
                progress(&self.progress());
                self.look_at_the_clock();
                let expanded = self.look_up(tasks);
                unasked += expanded.iter().map(|expanded| expanded.transitions).sum::<u64>();
                if unasked >= checkpointer.interval().max(LEAST_INTERVAL) {
                    unasked = 0;
                    self.ask_whether_to_stop(checkpointer);
                }
                let needs = expanded.iter().map(Expanded::bytes).sum::<u64>();
                if self.options.limits.memory.is_some_and(|most| self.bytes() + needs > most) {
                    self.limits_hit.insert(LimitHit::Memory);
                }
                if self.is_stopped() {
                    return Ok(false);
                }
                self.arrive(&expanded, Part::count_down);
                self.forget_expanded();
                self.spare = expanded;
            }
            taken += self.found() as u64;
            if !self.next_level() {
                return Ok(taken == self.statistics.states);
            }
        }
    }
}
