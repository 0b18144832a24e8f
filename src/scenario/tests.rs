//! What files that are right mean.

use stalemap_model::actors::actor::Actor;
use stalemap_model::actors::kswapd::Kswapd;
use stalemap_model::judge::properties;
use stalemap_model::words::branches;
use stalemap_model::words::command::Command::{self, *};
use stalemap_model::words::command::{Io, Then, Whence};
use stalemap_model::words::config::{FileCommand, FileRange, Hold};
use stalemap_model::words::design::{Check, Design};
use stalemap_model::words::personality::Hooks;

use super::{Expectation, Reach, Scenario, catalogue, read};

fn accepted(source: &str) -> Scenario {
    read("test", source.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The commands that the lines of one actor mean, in a file with blocks of 1k.
fn meant(lines: &[&str]) -> Vec<Command> {
    let head = "title = 'x'\n[geometry]\nblock = '1k'\n[[actor]]\nname = 'a'\n";
    accepted(&format!("{head}run = {lines:?}"))
        .actors
        .remove(0)
        .run
        .into_iter()
        .map(|call| call.command)
        .collect()
}

fn pwrite(range: std::ops::Range<u64>) -> Command {
    Pwrite {
        range,
        chunk: 4096,
        fill: 0xcd,
        then: Then::Nothing,
        io: Io::Buffered,
        nowait: false,
        dontcache: false,
        buffer: None,
    }
}

#[test]
fn writes_and_reads_have_the_defaults_of_xfs_io() {
    assert_eq!(
        meant(&["pwrite 0 8k", "w 4k 1s", "pread 0 2b"]),
        [
            pwrite(0..8192),
            pwrite(4096..4608),
            Pread { range: 0..2048, chunk: 4096, io: Io::Buffered, dontcache: false },
        ]
    );
}

#[test]
fn options_stand_anywhere_and_in_any_grouping() {
    let meant = meant(&[
        "pwrite -S 0x57 -b 6k 0 6k",
        "pwrite 0 6k -b6k -S0x57",
        "pwrite -qwS 300 0 010",
        "pwrite -wW -- 0 1",
        "pwrite -S 1 -S -1 0 1",
        "pread -v -q -b 1b 0 4k",
    ]);
    let wide = Pwrite {
        range: 0..6144,
        chunk: 6144,
        fill: 0x57,
        then: Then::Nothing,
        io: Io::Buffered,
        nowait: false,
        dontcache: false,
        buffer: None,
    };
    assert_eq!(
        meant,
        [
            wide.clone(),
            wide,
            Pwrite {
                range: 0..8,
                chunk: 4096,
                fill: 0x2c,
                then: Then::Fdatasync,
                io: Io::Buffered,
                nowait: false,
                dontcache: false,
                buffer: None
            },
            Pwrite {
                range: 0..1,
                chunk: 4096,
                fill: 0xcd,
                then: Then::Fsync,
                io: Io::Buffered,
                nowait: false,
                dontcache: false,
                buffer: None
            },
            Pwrite {
                range: 0..1,
                chunk: 4096,
                fill: 0xff,
                then: Then::Nothing,
                io: Io::Buffered,
                nowait: false,
                dontcache: false,
                buffer: None
            },
            Pread { range: 0..4096, chunk: 1024, io: Io::Buffered, dontcache: false },
        ]
    );
}

#[test]
fn a_range_left_out_is_that_of_the_mapping() {
    let meant = meant(&[
        "mmap 4k 8k",
        "mwrite",
        "mread -rv",
        "msync",
        "msync -s 8k 1",
        "madvise -d",
        "mwrite -S 1 5k 1k",
        "@dma",
        "@dma -S 2 5k 1k",
    ]);
    let range = 4096..12288;
    assert_eq!(
        meant,
        [
            Mmap { range: range.clone(), writable: true },
            Mwrite { range: range.clone(), fill: 0x58 },
            Mread { range: range.clone() },
            Msync { range: range.clone(), wait: false },
            Msync { range: 8192..8193, wait: true },
            MadviseDontneed { range: range.clone() },
            Mwrite { range: 5120..6144, fill: 1 },
            Dma { range, fill: 0x58 },
            Dma { range: 5120..6144, fill: 2 },
        ]
    );
}

#[test]
fn a_mapping_has_the_modes_that_it_names() {
    let meant = meant(&["mmap -r 0 4k", "munmap", "mmap -rw 0 4k", "munmap", "mmap -x 0 4k"]);
    let writable =
        |command: &Command| if let Mmap { writable, .. } = command { Some(*writable) } else { None };
    assert_eq!(meant.iter().filter_map(writable).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn sync_range_starts_writeback_unless_told_otherwise() {
    let sync = |before, write, after| SyncRange { range: 0..4096, before, write, after };
    assert_eq!(
        meant(&["sync_range 0 4k", "sync_range -a 0 4k", "sync_range -a -w 0 4k", "sync_range -baw 0 4k"]),
        [sync(false, true, false), sync(false, false, true), sync(false, true, true), sync(true, true, true),]
    );
    let to_the_end = SyncRange { range: 4096..u64::MAX, before: false, write: true, after: false };
    assert_eq!(meant(&["sync_range 4k 0"]), [to_the_end]);
}

#[test]
fn the_other_commands() {
    let lines = ["s", "fsync", "ds", "fdatasync", "truncate 9k", "falloc 100 100", "falloc -k 0 8k"];
    assert_eq!(
        meant(&lines),
        [
            Fsync,
            Fsync,
            Fdatasync,
            Fdatasync,
            Truncate { size: 9216 },
            Falloc { range: 100..200, keep_size: false },
            Falloc { range: 0..8192, keep_size: true },
        ]
    );
    assert_eq!(
        meant(&["fadvise -d 0 4k", "fadvise -d 4k 0", "@reclaim 4k 4k", "@short 1", "@fail 0", "pwrite 0 2"]),
        [
            FadviseDontneed { range: 0..4096 },
            FadviseDontneed { range: 4096..u64::MAX },
            Kswapd::COMMAND.on(4096..8192),
            Short { after: 1 },
            Fail { after: 0 },
            pwrite(0..2),
        ]
    );
    assert_eq!(
        meant(&["seek -d 4k", "seek -h 010", "fiemap", "fiemap -lv 4k 4k", "@copy_sparse"]),
        [
            Seek { whence: Whence::Data, from: 4096 },
            Seek { whence: Whence::Hole, from: 8 },
            Fiemap { range: 0..u64::MAX },
            Fiemap { range: 4096..8192 },
            CopySparse,
        ]
    );
}

#[test]
fn a_size_may_be_a_number_of_the_file_format() {
    let scenario =
        accepted("title='x'\nactor=[{name='a', run=['fsync']}]\n[geometry]\nblock=0x400\nfolio=1_024\n");
    assert_eq!((scenario.block, scenario.folio), (1024, 1024));
}

#[test]
fn a_folio_is_a_page_or_a_larger_block() {
    let folio = |geometry: &str| {
        accepted(&format!("title='x'\nactor=[{{name='a', run=['fsync']}}]\n{geometry}")).folio
    };
    assert_eq!(folio(""), 4096);
    assert_eq!(folio("[geometry]\nblock = '1k'"), 4096);
    assert_eq!(folio("[geometry]\nblock = '16k'"), 16384);
    assert_eq!(folio("[geometry]\nblock = '1k'\nfolio = '16b'"), 16384);
}

#[test]
fn a_truncate_goes_both_ways() {
    assert_eq!(
        meant(&["pwrite 0 8k", "truncate 100", "truncate 1m"])[1..],
        [Truncate { size: 100 }, Truncate { size: 1 << 20 }]
    );
}

#[test]
fn fallocate_has_a_mode_for_each_command() {
    let range = 0..4096;
    let lines = [
        "fpunch 0 4k",
        "falloc -p 0 4k",
        "falloc -kp 0 4k",
        "unresvsp 0 4k",
        "fzero 0 4k",
        "fzero -k 0 4k",
        "zero 0 4k",
        "fcollapse 0 4k",
        "falloc -c 0 4k",
        "finsert 0 4k",
        "falloc -i 0 4k",
        "funshare 0 4k",
        "falloc -u 0 4k",
        "resvsp 0 4k",
        "cowextsize 64k",
    ];
    let punch = Fpunch { range: range.clone() };
    let zero = |keep_size| Fzero { range: range.clone(), keep_size };
    let collapse = Fcollapse { range: range.clone() };
    let insert = Finsert { range: range.clone() };
    let unshare = Funshare { range: range.clone() };
    assert_eq!(
        meant(&lines),
        [
            punch.clone(),
            punch.clone(),
            punch.clone(),
            punch,
            zero(false),
            zero(true),
            zero(true),
            collapse.clone(),
            collapse,
            insert.clone(),
            insert,
            unshare.clone(),
            unshare,
            Falloc { range, keep_size: true },
            Cowextsize { size: 65536 },
        ]
    );
}

#[test]
fn what_ends_everything() {
    assert_eq!(
        meant(&["shutdown", "shutdown -f", "@crash"]),
        [Shutdown { flush: false }, Shutdown { flush: true }, Crash]
    );
}

/// Through what the reads and writes of some lines go.
#[test]
fn data_are_journalled_where_the_file_system_can() {
    let file = |fs: &str, lines: &[&str]| {
        format!("title = 'x'\n[fs]\npersonality = '{fs}'\n[[actor]]\nname = 'a'\nrun = {lines:?}")
    };
    let run = accepted(&file("gfs2", &["chattr +j", "chattr -j"])).actors.remove(0).run;
    let run: Vec<Command> = run.into_iter().map(|call| call.command).collect();
    assert_eq!(run, [Chattr { hooks: Hooks::Jdata }, Chattr { hooks: Hooks::Nothing }]);
    let refused = [
        ("xfs", &["chattr +j"][..], "EOPNOTSUPP"),
        ("zonefs", &["chattr -j"], "ENOTTY"),
        ("ext4-iomap", &["chattr +j"], "ext4 with journalled data is not modelled"),
        ("gfs2", &["chattr +x"], "`+x` of chattr is not modelled"),
        ("gfs2", &["chattr -x"], "no option `-x`"),
        ("gfs2", &["chattr -j +j"], "1 attribute, not 2"),
        ("gfs2", &["chattr -j -j"], "1 attribute, not 2"),
        ("gfs2", &["chattr +j file"], "1 attribute, not 2"),
        ("gfs2", &["chattr"], "1 attribute, not 0\n"),
        ("gfs2", &["chattr"], "the form is `chattr +j` or `chattr -j`\n"),
        ("gfs2", &["chattr +j", "@direct pread 0 4k"], "error: direct I/O is not modelled beside `chattr`"),
        ("gfs2", &["chattr +j", "@crash"], "error: what a crash leaves is not modelled beside `chattr`"),
    ];
    for (fs, lines, why) in refused {
        let error = read("x.toml", file(fs, lines).as_bytes()).expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }
}

fn ios(actor: &str, lines: &[&str]) -> Vec<Io> {
    let head = "title = 'x'\n[[file]]\nname = 'a'\n[[file]]\nname = 'b'\n[[actor]]\nname = 'x'\n";
    let io = |command: Command| match command {
        Pwrite { io, .. } | Pread { io, .. } => Some(io),
        _ => None,
    };
    let run = accepted(&format!("{head}{actor}\nrun = {lines:?}")).actors.remove(0).run;
    run.into_iter().filter_map(|call| io(call.command)).collect()
}

#[test]
fn direct_io_is_a_matter_of_the_open() {
    let lines = ["pwrite 0 512", "@aio pread 0 4k", "@wait", "[b] w 0 4k", "open", "r 0 1", "[b] r 0 4k"];
    assert_eq!(ios("open = '-d'", &lines), [Io::Direct, Io::Aio, Io::Direct, Io::Buffered, Io::Direct]);
    let lines = ["pwrite 0 1", "@direct pwrite 0 4k", "pwrite 0 1", "[b] open -d", "r 0 1", "[b] r 0 1s"];
    assert_eq!(ios("", &lines), [Io::Buffered, Io::Direct, Io::Buffered, Io::Buffered, Io::Direct]);
    assert_eq!(ios("", &["open -d b", "pwrite 0 4k", "[a] pwrite 0 1"]), [Io::Direct, Io::Buffered]);
}

#[test]
fn reads_and_writes_may_refuse_to_be_cached() {
    let dontcache = |command: &Command| match command {
        Pwrite { dontcache, .. } | Pread { dontcache, .. } => Some(*dontcache),
        _ => None,
    };
    let meant = meant(&[
        "pwrite -U 0 4k",
        "pwrite -qU -V 1 -b 8k 0 8k",
        "pwrite 0 8k",
        "pread -vU 0 8k",
        "pread 0 8k",
    ]);
    assert_eq!(meant.iter().filter_map(dontcache).collect::<Vec<_>>(), [true, true, false, true, false]);
}

#[test]
fn a_write_may_take_its_data_from_memory_that_others_store_to() {
    let scenario = accepted(
        "title = 'x'\nfile = [{name = 'a'}, {name = 'b'}]\n\
         [[actor]]\nname = 'x'\nrun = ['[m] mwrite -S 1', '[n] mwrite -r -S 2 1k 1k']\n\
         [[actor]]\nname = 'y'\nrun = ['[b] @aio pwrite -S 3 -i m 4k 4k', 'pwrite -i n 0 2k']",
    );
    let [stores, writes] = [0, 1].map(|actor: usize| &scenario.actors[actor].run);
    let store = |buffer, range, fill| BufferStore { buffer, range, fill };
    assert_eq!((stores[0].file, &stores[0].command), (1, &store(0, 4096..8192, 1)));
    assert_eq!((stores[1].file, &stores[1].command), (0, &store(1, 1024..2048, 2)));
    let buffer = |command: &Command| if let Pwrite { buffer, .. } = command { *buffer } else { None };
    assert_eq!(writes.iter().map(|call| buffer(&call.command)).collect::<Vec<_>>(), [Some(0), Some(1)]);
    let design = Design::built_in("none").unwrap();
    let buffers = scenario.config(design).user_buffers();
    let facts: Vec<_> = buffers.into_iter().map(|buffer| (buffer.write, buffer.stores)).collect();
    assert_eq!(facts, [(3, vec![1]), (4, vec![2])]);
}

#[test]
fn a_write_may_refuse_to_wait() {
    let nowait = |command: &Command| {
        if let Pwrite { nowait, chunk, .. } = command { Some((*nowait, *chunk)) } else { None }
    };
    let meant = meant(&["pwrite -N 0 4k", "pwrite -N -V 1 -b 8k 0 8k", "pwrite -V 2 0 8k"]);
    assert_eq!(
        meant.iter().filter_map(nowait).collect::<Vec<_>>(),
        [(true, 4096), (true, 8192), (false, 8192)]
    );
}

/// The commands of a scenario with files a and b, in short.
fn with_files(setup: &[&str], actor: &str, lines: &[&str]) -> Scenario {
    accepted(&format!(
        "title = 'x'\nfile = [{{name = 'a'}}, {{name = 'b'}}]\n[setup]\nrun = {setup:?}\n\
         [[actor]]\nname = 'x'\n{actor}\nrun = {lines:?}\n[observe]\nranges = ['0 1', '[b] 0 4k']"
    ))
}

#[test]
fn a_command_works_on_the_file_that_it_names() {
    let scenario = with_files(&["[b] pwrite 0 4k"], "", &["fsync", "[a] fsync", "[b] fsync", "sync"]);
    assert_eq!(scenario.files, ["a", "b"]);
    assert_eq!(scenario.setup, [FileCommand::new(1, pwrite(0..4096))]);
    let files = |scenario: &Scenario| scenario.actors[0].run.iter().map(|call| call.file).collect::<Vec<_>>();
    assert_eq!(files(&scenario), [0, 0, 1, 0, 1]);
    let observed = [FileRange { file: 0, range: 0..1 }, FileRange { file: 1, range: 0..4096 }];
    assert_eq!(scenario.observe, observed);
    let scenario = with_files(&["pwrite 0 4k"], "file = 'b'", &["fsync", "[a] fsync", "open a", "fsync"]);
    assert_eq!(files(&scenario), [1, 0, 0]);
}

#[test]
fn each_file_has_a_mapping_and_a_size_of_its_own() {
    let lines = ["mmap 0 8k", "[b] mmap 0 4k", "mwrite", "[b] mwrite", "munmap", "[b] mread"];
    let run = with_files(&["pwrite 0 8k", "[b] pwrite 0 4k"], "", &lines).actors.remove(0).run;
    assert_eq!(run[2], FileCommand::new(0, Mwrite { range: 0..8192, fill: 0x58 }));
    assert_eq!(run[3], FileCommand::new(1, Mwrite { range: 0..4096, fill: 0x58 }));
}

/// The command that the last line means.
fn last_meant(setup: &[&str], lines: &[&str]) -> Command {
    with_files(setup, "", lines).actors.remove(0).run.pop().expect("a command").command
}

#[test]
fn a_clone_without_a_range_is_of_the_whole_source() {
    let whole = |end| Reflink { source: 1, from: 0, range: 0..end };
    assert_eq!(last_meant(&["[b] pwrite 0 6k"], &["reflink -q b"]), whole(6144));
    let setup = ["[b] pwrite 0 16k", "[b] truncate 8k"];
    assert_eq!(last_meant(&setup, &["[b] finsert 0 4k", "reflink b"]), whole(12288));
    assert_eq!(last_meant(&setup, &["[b] fcollapse 0 4k", "reflink b"]), whole(4096));
    // Refused at end of file, and so without effect.
    assert_eq!(last_meant(&setup, &["[b] fcollapse 4k 4k", "[b] finsert 8k 4k", "rl b"]), whole(8192));
    assert_eq!(last_meant(&setup, &["[b] fzero -k 0 16k", "reflink b"]), whole(8192));
    assert_eq!(last_meant(&setup, &["[b] funshare 4k 8k", "reflink b"]), whole(12288));
}

#[test]
fn a_clone_of_a_range_may_end_where_the_source_does() {
    let setup = ["[b] pwrite 0 6k"];
    let part = Reflink { source: 1, from: 4096, range: 8192..10240 };
    assert_eq!(last_meant(&setup, &["reflink b 4k 8k 2k"]), part);
    let own = Reflink { source: 1, from: 0, range: 4096..8192 };
    assert_eq!(last_meant(&setup, &["[b] reflink b 0 4k 4k"]), own);
}

#[test]
fn an_exchange_may_end_where_both_files_do() {
    let setup = ["[a] pwrite 0 6k", "[b] pwrite 0 6k"];
    let tail = Exchange { with: 1, range: 4096..6144 };
    assert_eq!(last_meant(&setup, &["@exchange b 4k 2k"]), tail);
    let own = Exchange { with: 0, range: 0..4096 };
    assert_eq!(last_meant(&setup, &["[b] @exchange a 0 4k"]), own);
}

#[test]
fn everything_stays_inside_of_the_file() {
    let folios = |setup: &[&str], lines: &[&str]| {
        let scenario = with_files(setup, "", lines);
        let config = scenario.config(Design::built_in("none").expect("a design"));
        config.geometry().expect("a cut").folios()
    };
    assert_eq!(folios(&["pwrite 0 8k"], &["finsert 0 4k", "[b] finsert 0 4k"]), 4);
    assert_eq!(folios(&["pwrite 0 8k"], &["[b] reflink a 0 64k 8k"]), 18);
    assert_eq!(folios(&["pwrite 0 8k"], &["[b] reflink a 64k 0 8k"]), 18);
    assert_eq!(folios(&["pwrite 0 8k"], &["fcollapse 0 4k", "truncate 100", "sync_range 0 0"]), 2);
}

const WHOLE: &str = r#"
title = "Whole"
refs = ["xfs/559"]

[fs]
personality = "xfs"
block_dirty = false
free_blocks = 3

[[actor]]
name = "writer"
run = ["pwrite 0 8k", "pread 0 4k"]

[[hold]]
actor = "writer"
at = "4k"

[observe]
ranges = ["4k 4k"]
calls = ["writer"]

[expect]
child = ["lost-write", "wrong-zero"]
get_folio = "holds"
none = ["lost-write"]

[reach]
must = ["stale"]

[limits]
states = 1000
memory = "64m"
preemptions = 3

[design.child]
based_on = "parent"
clear_stale = false

[design.parent]
based_on = "iomap_valid"
check = "once"
"#;

#[test]
fn every_table_finds_its_place() {
    let scenario = accepted(WHOLE);
    assert_eq!(scenario.title, "Whole");
    assert_eq!(scenario.refs, ["xfs/559"]);
    assert!(!scenario.fs.block_dirty);
    assert_eq!(scenario.fs.free_blocks, Some(3));
    assert_eq!(scenario.holds, [Hold { actor: 0, at: 4096 }]);
    assert_eq!(scenario.observe, [FileRange { file: 0, range: 4096..8192 }]);
    assert_eq!(scenario.heard, [0]);
    assert_eq!(scenario.reach.must, Some(vec![branches::STALE]));
    assert_eq!(scenario.limits.states, Some(1000));
    assert_eq!(scenario.limits.memory, Some(64 << 20));
    assert_eq!(scenario.limits.preemptions, Some(3));
    let lost = vec![properties::LOST_WRITE, properties::WRONG_ZERO];
    assert_eq!(scenario.expect.get("child"), Some(&Expectation::Violates(lost)));
    assert_eq!(scenario.expect.get("get_folio"), Some(&Expectation::Holds));
    assert_eq!(scenario.source, WHOLE);
}

#[test]
fn a_design_may_be_based_on_a_later_one() {
    let child = accepted(WHOLE).design("child").unwrap();
    let base = Design::built_in("iomap_valid").unwrap();
    assert_eq!(child, Design { name: "child".to_owned(), check: Check::Once, clear_stale: false, ..base });
}

#[test]
fn expected_designs_stand_in_the_order_of_tables() {
    assert_eq!(accepted(WHOLE).expected(), ["none", "get_folio", "child"]);
}

/// Buggy and fixed stand in one file: a design or a kernel changes fields of the file system, too.
const BOTH: &str = r#"
title = "Both"

[fs]
personality = "xfs"
free_blocks = 3
block_dirty = true

[[actor]]
name = "writer"
run = ["pwrite 0 8k"]

[design.buggy]
based_on = "iomap_valid"
truncate_flush = "none"

[kernel.fixed]
based_on = "newer"
truncate_flush = "before"

[kernel.newer]
based_on = "linux-6.1"
check = "after-lock"

[expect]
fixed = "holds"
buggy = ["lost-write"]
"linux-6.12" = "holds"
"linux-6.1" = ["lost-write"]
none = ["lost-write"]

[reach]
must = ["stale"]

[reach."linux-6.12"]
must = []
never = ["evict"]
"#;

#[test]
fn a_kernel_brings_its_file_system_and_a_design_takes_that_of_the_file() {
    let scenario = accepted(BOTH);
    let named = |name: &str| scenario.implementation(name).expect("it is defined");
    assert_eq!(named("iomap_valid").fs, scenario.fs);
    let [old, newer, fixed, buggy] = ["linux-6.1", "newer", "fixed", "buggy"].map(named);
    assert!(!old.fs.block_dirty, "writeback of 6.1 knows no dirty blocks, whatever the file says");
    assert_eq!(old.fs.free_blocks, Some(3), "how large the device is the file says");
    assert_eq!(newer.differences(&old).map(|(field, ..)| field).collect::<Vec<_>>(), ["check"]);
    assert_eq!(fixed.differences(&newer).count(), 0, "6.1 flushes before");
    let plain = named("iomap_valid");
    assert_eq!(buggy.differences(&plain).map(|(field, ..)| field).collect::<Vec<_>>(), ["truncate_flush"]);
    assert_eq!(scenario.config_of(buggy.clone()).fs.unnoted(), &buggy.fs);
    assert_eq!(scenario.implementation("linux-5.10"), None);
}

#[test]
fn designs_kernels_and_those_of_the_file_stand_in_the_order_of_tables() {
    assert_eq!(accepted(BOTH).expected(), ["none", "linux-6.1", "linux-6.12", "buggy", "fixed"]);
}

#[test]
fn what_has_to_be_reached_may_be_said_of_one_alone() {
    let scenario = accepted(BOTH);
    assert_eq!(scenario.reach("none"), &Reach { must: Some(vec![branches::STALE]), never: Vec::new() });
    assert_eq!(scenario.reach("linux-6.12"), &Reach { must: Some(Vec::new()), never: vec![branches::EVICT] });
}

#[test]
fn every_shipped_scenario_can_be_read() {
    let all = catalogue::all();
    assert!(all.is_sorted());
    for (name, source) in all {
        read(name, source.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(catalogue::find(name), Ok((name.clone(), *source)));
    }
}

#[test]
fn a_name_that_is_not_shipped_gets_a_similar_one() {
    assert_eq!(catalogue::find("no/such-scenario").map_err(|error| error.near), Err(Vec::new()));
    if let Some((name, _)) = catalogue::all().last() {
        let found = catalogue::find(&format!("{name}x"));
        assert!(!found.unwrap_err().near.is_empty());
    }
}

#[test]
fn a_kernel_has_a_valid_size_where_its_table_says_so() {
    let file = |fs: &str, own: &str| {
        format!(
            "title = 'x'\n[fs]\npersonality = 'xfs'\n{fs}\n[[actor]]\nname = 'a'\nrun = ['pwrite 0 4k']\n\
             [kernel.mine]\nbased_on = 'linux-7.3'\nallocate = 'written'\n{own}\n[expect]\nmine = 'holds'"
        )
    };
    let of_file = "allocate = 'written'\nvalid_size = true";
    for fs in ["", of_file] {
        assert!(accepted(&file(fs, "valid_size = true")).kernels["mine"].fs.valid_size, "{fs}");
    }
    let refused = read("test", file(of_file, "").as_bytes()).expect_err("no release has one").to_string();
    assert!(refused.contains("`linux-7.3` has no file system with a valid size (`valid_size`)"), "{refused}");
}
