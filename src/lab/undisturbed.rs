//! The tasks of a control: nothing is taken from under them. Sources stay resident, and nobody is killed.

use stalemap_model::words::command::Command;
use stalemap_model::words::command::facts::FaultKind;
use stalemap_model::words::config::ActorConfig;

/// Takes out of the tasks what needs somebody else at the right moment.
pub(super) fn undisturb(actors: &mut [ActorConfig]) {
    for actor in actors {
        for at in 1..actor.run.len() {
            let Command::Pwrite { range, .. } = &actor.run[at].command else { continue };
            let all = range.end - range.start;
            if let Command::Short { after } = &mut actor.run[at - 1].command {
                *after = all;
            }
        }
        actor.run.retain(|call| call.command.fault().is_none_or(|fault| fault.kind != FaultKind::Kill));
    }
}
