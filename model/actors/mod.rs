//! Actors that a scenario calls by `@name off len`: each is one file here and one line below.
//!
//! Such an actor looks at the folios or blocks of a range on its own account, as kernel threads do: it puts no data
//! into the file, leaves its size alone and gives no block to another place. The line declares the file as a module
//! and gives the actor its place among the states of a task and its command among [`ALL`], from where the scenario
//! language, its messages and its page take it.

pub mod actor;

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Backend};

use crate::actors::actor::Actor;
use crate::path::{Part, Path, Stepped};
use crate::state::inode::Inode;
use crate::state::world::World;
use crate::words::command::{Command, Extension};

/// Lists the actors: file and state.
macro_rules! actors {
    ($($file:ident::$actor:ident,)*) => {
        $(pub mod $file;)*

        /// The commands of all actors.
        pub const ALL: &[Extension] = &[$(<$file::$actor as Actor>::COMMAND,)*];

        /// Where one of them stands.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub enum ActorState {
            $(
                #[doc = concat!("[`", stringify!($file), "`].")]
                $actor($file::$actor),
            )*
        }

        impl Path for ActorState {
            type Ended = ();

            fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
                let Command::Extension { extension, range } = part.first()? else { return None };
                $(if *extension == <$file::$actor as Actor>::COMMAND {
                    let actor = <$file::$actor as Actor>::begin(part.inode, part.cells(range));
                    return Some(ActorState::$actor(actor));
                })*
                None
            }

            async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
                match self {
                    $(ActorState::$actor(actor) => match Actor::step(actor, inode, me).await {
                        ControlFlow::Continue(actor) => ControlFlow::Continue(ActorState::$actor(actor)),
                        ControlFlow::Break(()) => ControlFlow::Break(()),
                    },)*
                }
            }
        }
    };
}

actors! {
    kswapd::Kswapd,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_name_of_its_own() {
        for (n, command) in ALL.iter().enumerate() {
            assert!(command.name().starts_with('@'), "{}", command.name());
            assert!(ALL[..n].iter().all(|other| other.name() != command.name()), "{}", command.name());
        }
    }
}
