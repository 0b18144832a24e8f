//! What an actor does, in the words in which kernel people name a task: the system calls that it makes.

use std::collections::BTreeMap;

use stalemap_model::words::actor_names::KWORKER;
use stalemap_model::words::config::ActorConfig;

/// What each actor does, by its name.
pub fn calls(actors: &[ActorConfig]) -> BTreeMap<String, String> {
    let of_actor = |actor: &ActorConfig| {
        let mut calls: Vec<&str> = Vec::new();
        for call in actor.run.iter().filter_map(|call| call.command.facts().call) {
            if !calls.contains(&call) {
                calls.push(call);
            }
        }
        (actor.name.clone(), calls.join(", "))
    };
    let named = actors.iter().map(of_actor).filter(|(_, calls)| !calls.is_empty());
    named.chain([(KWORKER.to_owned(), "end_io".to_owned())]).collect()
}
