//! What one actor does with a file, whatever writeback and reclaim do meanwhile, must leave what it would leave in a
//! file of plain bytes: under every design that validates and every kernel, on every file system.

use crate::fsx::lists::{
    END, Theme, any_layout, any_list, as_run, beside, check, checks_nothing, failed, themes,
};
use crate::fsx::plain::{PlainFiles, agrees, config};

/// Random lists on one file system.
fn compare(fs: &'static str) {
    let theme = proptest::sample::select(themes(fs));
    check(48, &(any_list(9), theme, any_layout(fs)), |(list, theme, layout)| {
        let files = if theme == Theme::Shared { 2 } else { 1 };
        let empty = || match fs {
            "zonefs" => PlainFiles::fixed(files, layout.block, END),
            _ => PlainFiles::new(files, layout.block),
        };
        let run = as_run(&layout, theme, list, &mut empty());
        let mut actors = vec![("fsx", run)];
        if !checks_nothing(&layout) {
            actors.extend(beside(files as u8, END));
        }
        let config = config(&layout, files, actors);
        agrees(&config, empty(), Some(100_000)).map_err(|why| failed(&why, &config))?;
        Ok(())
    });
}

#[test]
fn xfs() {
    compare("xfs");
}

#[test]
fn xfs_zoned() {
    compare("xfs-zoned");
}

#[test]
fn ext4_iomap() {
    compare("ext4-iomap");
}

#[test]
fn gfs2() {
    compare("gfs2");
}

#[test]
fn gfs2_jdata() {
    compare("gfs2-jdata");
}

#[test]
fn gfs2_stuffed() {
    compare("gfs2-stuffed");
}

#[test]
fn gfs2_jdata_stuffed() {
    compare("gfs2-jdata-stuffed");
}

#[test]
fn zonefs() {
    compare("zonefs");
}

#[test]
fn valid_size_locked() {
    compare("valid-size-locked");
}

#[test]
fn valid_size_late() {
    compare("valid-size-late");
}
