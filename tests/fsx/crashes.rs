//! One actor with a random list, a flusher, and power that may be lost at any time: what fsync(2) has acknowledged
//! survives, and nothing comes up that nobody wrote.

use stalemap_model::command::Command;
use stalemap_model::config::FileCommand;
use stalemap_model::design::IoendSize;

use crate::lists::{END, Theme, any_layout, any_list, as_run, beside, check, failed};
use crate::plain::{PlainFiles, agrees, config};

#[test]
fn what_was_synced_survives() {
    check(48, &(any_list(7), any_layout("xfs")), |(mut list, layout)| {
        // What is written in place after a shift is found where it was before, if the shift is lost.
        list.retain(|(_, command)| !matches!(command, Command::Fcollapse { .. } | Command::Finsert { .. }));
        let empty = || PlainFiles::new(1, layout.block);
        let run = as_run("xfs", Theme::Cached, list, &mut empty());
        let mut actors = vec![("fsx", run)];
        actors.extend(beside(1, END));
        actors.push(("power", vec![FileCommand { file: 0, command: Command::Crash }]));
        let mut config = config(&layout, 1, actors);
        // Before, a file that grows in the block that is being written ends in zeros (xfs/append-concurrent).
        config.design.ioend_size = IoendSize::Submitted;
        agrees(&config, empty(), Some(50_000)).map_err(|why| failed(&why, &config))?;
        Ok(())
    });
}
