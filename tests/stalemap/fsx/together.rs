//! Two actors with short random lists on one file, a flusher and reclaim: under every design that validates nothing
//! is lost and nothing is exposed, in whatever order they run.

use proptest::prelude::*;
use stalemap_model::words::command::{Command, Io};
use stalemap_model::words::config::{FileCommand, MixedIo};

use crate::fsx::lists::{
    END, Theme, any_command, any_layout, beside, check, checks_nothing, failed, pread, pwrite,
};
use crate::fsx::plain::{config, holds};

/// The commands of one actor, all on one file: what it does to the file as a whole included, and what depends on a
/// known size or a second file left out.
fn as_actor(fs: &str, list: Vec<Command>, theme: Theme, first_fill: u8) -> Vec<FileCommand> {
    let direct = |io| if theme == Theme::Direct { io } else { Io::Buffered };
    let mut run = Vec::new();
    for (command, fill) in list.into_iter().zip(first_fill..) {
        let command = match command {
            Command::Pwrite { range, io, .. } => pwrite(range, fill, direct(io)),
            // Where reads take no lock they meet writes half done (ext4/read-while-filled).
            Command::Pread { .. } if fs == "ext4-iomap" => continue,
            Command::Pread { range, io, .. } => pread(range, direct(io)),
            // A page that a fault dirties beside a direct write is written back over it, store or no store.
            Command::Mwrite { .. } if theme == Theme::Direct => continue,
            Command::Mwrite { range, .. } => Command::Mwrite { range, fill },
            Command::Mread { .. }
            | Command::Truncate { .. }
            | Command::Falloc { .. }
            | Command::Fpunch { .. }
            | Command::Fsync => command,
            _ => continue,
        };
        run.push(FileCommand::new(0, command));
    }
    run
}

/// What the file is before: written, preallocated or a hole, of two folios or of one and a half.
fn any_setup() -> impl Strategy<Value = Vec<Command>> {
    let end = prop_oneof![Just(END), Just(END - 2048)];
    (end, 0..4).prop_map(|(end, how)| match how {
        0 => vec![Command::Truncate { size: end }],
        1 => vec![Command::Falloc { range: 0..end, keep_size: false }],
        2 => vec![pwrite(0..end, 0x58, Io::Buffered), Command::Fsync],
        _ => vec![pwrite(0..end, 0x58, Io::Buffered)],
    })
}

fn nothing_is_lost(fs: &'static str, theme: Theme) {
    let list = || proptest::collection::vec(any_command(), 1..=3);
    check(24, &(any_setup(), list(), list(), any_layout(fs)), |(mut setup, mut one, mut other, layout)| {
        // What is stored behind end of file in a further block of its page is dirty over a hole when the file grows
        // (before 6.13): there the size stays.
        if layout.block < layout.folio {
            setup.push(Command::Truncate { size: END });
            for list in [&mut one, &mut other] {
                list.retain(|command| !matches!(command, Command::Truncate { .. }));
            }
        }
        prop_assume!(!checks_nothing(&layout));
        for list in [&mut setup, &mut one, &mut other] {
            list.retain(|command| command.refused_by(&layout.fs, layout.block).is_none());
        }
        let mut actors =
            vec![("one", as_actor(fs, one, theme, 1)), ("other", as_actor(fs, other, theme, 0x41))];
        actors.extend(beside(1, END));
        let mut config = config(&layout, 1, actors);
        config.setup = setup.into_iter().map(|command| FileCommand::new(0, command)).collect();
        if theme == Theme::Direct {
            config.mixed_io = MixedIo::Exempt;
        }
        holds(&config, Some(20_000)).map_err(|why| failed(&why, &config))?;
        Ok(())
    });
}

#[test]
fn xfs() {
    nothing_is_lost("xfs", Theme::Cached);
}

#[test]
fn ext4_iomap() {
    nothing_is_lost("ext4-iomap", Theme::Cached);
}

#[test]
fn valid_size() {
    nothing_is_lost("valid-size-locked", Theme::Cached);
}

#[test]
fn direct_io() {
    nothing_is_lost("xfs", Theme::Direct);
}
