//! One actor with a random list, a flusher, and power that may be lost at any time: what fsync(2) has acknowledged
//! survives, and nothing comes up that nobody wrote.

use stalemap_model::words::command::Command;
use stalemap_model::words::config::FileCommand;
use stalemap_model::words::design::IoendSize;
use stalemap_model::words::personality::LogOrdered;

use crate::fsx::lists::{END, Theme, any_layout, any_list, as_run, beside, check, checks_nothing, failed};
use crate::fsx::plain::{PlainFiles, agrees, config};

/// Takes out of a list for gfs2 what leaves a hole before end of file: when that is filled, a crash may show the block
/// before its data (gfs2/crash-hole, gfs2/crash-fault).
fn without_holes(run: &mut Vec<FileCommand>) {
    let mut size = 0;
    run.retain(|FileCommand { command, .. }| {
        let kept = match command {
            Command::Pwrite { range, .. } | Command::Falloc { range, .. } => range.start <= size,
            Command::Truncate { size: new_size } => *new_size <= size,
            // A write that comes less far than it should grows the file less.
            Command::Fpunch { .. } | Command::Fail { .. } | Command::Short { .. } => false,
            _ => true,
        };
        if kept {
            size = command.size_after(size);
        }
        kept
    });
}

fn what_was_synced_survives(fs: &'static str) {
    check(48, &(any_list(7), any_layout(fs)), |(mut list, layout)| {
        // What is written in place after a shift is found where it was before, if the shift is lost.
        list.retain(|(_, command)| !matches!(command, Command::Fcollapse { .. } | Command::Finsert { .. }));
        if fs == "xfs-zoned" {
            // A short copy loses data there with or without a crash (zoned/short-copy).
            list.retain(|(_, command)| !matches!(command, Command::Fail { .. } | Command::Short { .. }));
        }
        let empty = || match fs {
            "zonefs" => PlainFiles::fixed(1, layout.block, END),
            _ => PlainFiles::new(1, layout.block),
        };
        let mut run = as_run(&layout, Theme::Cached, list, &mut empty());
        if fs.starts_with("gfs2") {
            without_holes(&mut run);
            let list = run.into_iter().map(|call| (call.file, call.command)).collect();
            run = as_run(&layout, Theme::Cached, list, &mut empty());
        }
        let mut actors = vec![("fsx", run)];
        if !checks_nothing(&layout) {
            actors.extend(beside(1, END));
        }
        actors.push(("power", vec![FileCommand::new(0, Command::Crash)]));
        let mut config = config(&layout, 1, actors);
        // Before, a file that grows in the block that is being written ends in zeros (xfs/append-concurrent).
        config.design.unnoted_mut().ioend_size = IoendSize::Submitted;
        if fs.starts_with("gfs2") {
            // With barriers the log may say that data are there which are on their way (gfs2/crash-append).
            config.fs.unnoted_mut().log_ordered = LogOrdered::Wait;
        }
        agrees(&config, empty(), Some(50_000)).map_err(|why| failed(&why, &config))?;
        Ok(())
    });
}

#[test]
fn xfs() {
    what_was_synced_survives("xfs");
}

#[test]
fn xfs_zoned() {
    what_was_synced_survives("xfs-zoned");
}

#[test]
fn zonefs() {
    what_was_synced_survives("zonefs");
}

#[test]
fn gfs2() {
    what_was_synced_survives("gfs2");
}

#[test]
fn gfs2_stuffed() {
    what_was_synced_survives("gfs2-stuffed");
}

#[test]
fn gfs2_jdata() {
    what_was_synced_survives("gfs2-jdata");
}

#[test]
fn gfs2_jdata_stuffed() {
    what_was_synced_survives("gfs2-jdata-stuffed");
}
