//! What an actor does, in the words in which kernel people name a task: the system calls that it makes.

use std::collections::BTreeMap;

use stalemap_model::system::kernel::KWORKER;
use stalemap_model::words::command::{Command, Io};
use stalemap_model::words::config::ActorConfig;

/// What each actor does, by its name.
pub fn calls(actors: &[ActorConfig]) -> BTreeMap<String, String> {
    let of_actor = |actor: &ActorConfig| {
        let mut calls: Vec<&str> = Vec::new();
        for call in actor.run.iter().filter_map(|call| name(&call.command)) {
            if !calls.contains(&call) {
                calls.push(call);
            }
        }
        (actor.name.clone(), calls.join(", "))
    };
    let named = actors.iter().map(of_actor).filter(|(_, calls)| !calls.is_empty());
    named.chain([(KWORKER.to_owned(), "end_io".to_owned())]).collect()
}

/// The system call behind a command; `None` where there is none that is worth a name.
fn name(command: &Command) -> Option<&'static str> {
    Some(match command {
        Command::Pwrite { io: Io::Buffered, .. } => "write(2)",
        Command::Pwrite { .. } => "direct write",
        Command::Pread { io: Io::Buffered, .. } => "read(2)",
        Command::Pread { .. } => "direct read",
        Command::Mread { .. } => "load",
        Command::Mwrite { .. } => "store",
        Command::Msync { .. } => "msync(2)",
        Command::Fsync | Command::Fdatasync => "fsync(2)",
        Command::SyncRange { .. } => "writeback",
        Command::Truncate { .. } => "truncate(2)",
        Command::Falloc { .. }
        | Command::Fpunch { .. }
        | Command::Fzero { .. }
        | Command::Fcollapse { .. }
        | Command::Finsert { .. }
        | Command::Funshare { .. } => "fallocate(2)",
        Command::Reflink { .. } => "reflink",
        Command::FadviseDontneed { .. } => "fadvise(2)",
        Command::MadviseDontneed { .. } => "madvise(2)",
        Command::Extension { extension, .. } => extension.name().trim_start_matches('@'),
        _ => return None,
    })
}
