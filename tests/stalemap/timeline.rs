//! Timelines of replayed schedules, as they are printed.

use stalemap::annotate::{About, AnnotatedSchedule, annotate};
use stalemap::report::timeline::{Look, render};
use stalemap_explore::{Schedule, Step};
use stalemap_facade::Property;
use stalemap_model::actors::actor::Actor;
use stalemap_model::actors::kswapd::Kswapd;
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::asked::Asked;
use stalemap_model::words::command::{Command, Io, Then};
use stalemap_model::words::config::{
    ActorConfig, Config, DEFAULT_RETRIES, FileCommand, Hold, MixedIo, PostEof, Repeats,
};
use stalemap_model::words::design::Design;
use stalemap_model::words::personality::Personality;
use stalemap_model::words::settings::Setting;
use unicode_width::UnicodeWidthStr;

use crate::common::{elsewhere, least, stalemap, text};

/// One schedule to draw.
struct Drawn {
    name: &'static str,
    schedule: AnnotatedSchedule,
}

impl Drawn {
    fn new(name: &'static str, title: &str, kernel: &Kernel, design: &str, steps: &[Step]) -> Self {
        let about = About { design: design.to_owned(), ..About::default() };
        Self::about(name, title, kernel, steps, about)
    }

    fn about(name: &'static str, title: &str, kernel: &Kernel, steps: &[Step], about: About) -> Self {
        let about = About { scenario: format!("xfs/{name}"), title: title.to_owned(), ..about };
        let schedule = Schedule { steps: steps.to_vec(), ..Schedule::default() };
        Drawn { name, schedule: annotate(kernel, &schedule, about).unwrap() }
    }

    /// The least counterexample to a property.
    fn counterexample(name: &'static str, title: &str, config: Config, violates: Property) -> Self {
        let design = config.design.unnoted().name.clone();
        let kernel = Kernel::new(config).unwrap();
        let (found, steps) = least(&kernel, violates);
        let about = About {
            design,
            property: Some(violates),
            preemptions: Some(found.preemptions),
            certified: found.certified.then(|| {
                format!(
                    "Certified: none of the {} states reached with fewer preemptions violates it.",
                    found.states_below
                )
            }),
            ..About::default()
        };
        Self::about(name, title, &kernel, &steps, about)
    }

    fn print(&self, width: usize) -> String {
        render(&self.schedule, Look::mail().wide(width))
    }
}

fn pwrite(offset: u64, length: u64) -> Command {
    Command::Pwrite {
        range: offset..offset + length,
        chunk: length,
        fill: 0x57,
        then: Then::Nothing,
        io: Io::Buffered,
        nowait: false,
        dontcache: false,
        buffer: None,
    }
}

fn sync(offset: u64, length: u64, wait: bool) -> Command {
    Command::SyncRange { range: offset..offset + length, before: false, write: true, after: wait }
}

fn design(name: &str) -> Design {
    Design::built_in(name).unwrap()
}

fn mutant(name: &str, field: &str, value: &str) -> Design {
    let mut mutant = Design { name: format!("{name} with {field} = {value}"), ..design(name) };
    mutant.set(field, Setting::Text(value)).unwrap();
    mutant
}

fn calls(commands: Vec<Command>) -> Vec<FileCommand> {
    commands.into_iter().map(|command| FileCommand::new(0, command)).collect()
}

fn config(design: Design, setup: Vec<Command>, actors: Vec<(&str, Vec<Command>)>) -> Config {
    Config {
        block: 4096,
        folio: 4096,
        fs: Asked::new(Personality::built_in("xfs").unwrap()),
        design: Asked::new(design),
        files: vec!["file".to_owned()],
        buffers: Vec::new(),
        setup: calls(setup),
        actors: actors
            .into_iter()
            .map(|(name, run)| ActorConfig { name: name.to_owned(), run: calls(run), repeats: Repeats::Once })
            .collect(),
        holds: Vec::new(),
        observe: Vec::new(),
        heard: Vec::new(),
        retries: DEFAULT_RETRIES,
        evictions: None,
        mixed_io: MixedIo::Strict,
        post_eof: PostEof::Judged,
        memory: stalemap_facade::MemoryModel::Sequential,
        orderings: stalemap_model::words::ordering::Orderings::default(),
    }
}

/// A write over two folios of an unwritten extent, the second one dirty.
fn t1(design: Design) -> Config {
    config(
        design,
        vec![Command::Falloc { range: 0..8192, keep_size: false }, pwrite(6144, 2048)],
        vec![
            ("writer", vec![pwrite(0, 6144)]),
            ("flusher", vec![sync(4096, 4096, false)]),
            ("kswapd", vec![Kswapd::COMMAND.on(4096..8192)]),
        ],
    )
}

/// The same in the second of three files, while the first one grows and the last one does nothing.
fn files(design: Design) -> Config {
    let mut config = t1(design);
    let runs = config.actors.iter_mut().map(|actor| &mut actor.run);
    runs.chain([&mut config.setup]).flatten().for_each(|call| call.file = 1);
    config.actors[1].run.push(FileCommand::new(0, pwrite(0, 4096)));
    Config { files: ["log", "data", "idle"].map(str::to_owned).into(), ..config }
}

/// The same over a hole, with the second folio dirtied through a mapping.
fn t2(design: Design) -> Config {
    let mmap = vec![
        Command::Mmap { range: 0..8192, writable: true },
        Command::Mwrite { range: 6144..8192, fill: 0x42 },
    ];
    let mut actors = t1(design.clone()).actors;
    actors.insert(1, ActorConfig { name: "fault".to_owned(), run: calls(mmap), repeats: Repeats::Once });
    Config { actors, ..config(design, vec![Command::Truncate { size: 8192 }], Vec::new()) }
}

/// A directed run over 16 pages: the writer stands still while page 8 is written back and dropped.
fn real(block: u64) -> Config {
    let setup = vec![
        Command::Truncate { size: 0x10000 },
        Command::Falloc { range: 0..0x10000, keep_size: false },
        Command::Fsync,
        Command::FadviseDontneed { range: 0..0x10000 },
        pwrite(0x8000, 0x1000),
    ];
    let other = vec![sync(0x8000, 0x1000, true), Command::FadviseDontneed { range: 0x8000..0x9000 }];
    let actors = vec![("writer", vec![pwrite(0, 0x8200)]), ("other", other)];
    Config { block, holds: vec![Hold { actor: 0, at: 0x4000 }], ..config(design("none"), setup, actors) }
}

/// A run in which the check rejects the mapping in time, and one operation is left to the end.
fn rejected() -> Drawn {
    let schedule = "stalemap schedule 1\nscenario = xfs/t1\n
flusher: writeback_get_folio 1
flusher: folio_lock 1
flusher: xfs_map_blocks
flusher: folio_start_writeback 1
flusher: submit_bio
writer: down_write i_rwsem
writer: iomap_begin
writer: filemap_get_folio 0
writer: iomap_valid
writer: copy 0
kworker: bio_end_io
kworker: device_write 1
kworker: xfs_end_ioend
kworker: folio_end_writeback 1
kswapd: shrink_folio 1
writer: filemap_get_folio 1
writer: iomap_valid
writer: iomap_begin
writer: filemap_get_folio 1
writer: folio_lock 1
writer: iomap_valid
writer: iomap_read_folio_sync 1
writer: copy 1

scenario file:
";
    let steps = Schedule::parse(schedule).unwrap().steps;
    let kernel = Kernel::new(t1(design("iomap_valid"))).unwrap();
    Drawn::new("rejected", "The check in time", &kernel, "iomap_valid", &steps)
}

/// The first steps of the same.
fn unfinished() -> Drawn {
    let config = t1(design("get_folio"));
    let kernel = Kernel::new(config).unwrap();
    let step = |actor: &str, op: &str| Step {
        line: None,
        actor: actor.to_owned(),
        op: op.to_owned(),
        outcome: None,
        older: Vec::new(),
    };
    let steps = [step("writer", "down_write i_rwsem"), step("writer", "iomap_begin")];
    Drawn::new("unfinished", "Not played to the end", &kernel, "get_folio", &steps)
}

fn all() -> Vec<Drawn> {
    let counterexample = Drawn::counterexample;
    let flush_only = |design: Design| {
        let mut config = t1(design);
        config.actors.truncate(2);
        config
    };
    let failing = |design: Design| {
        let run = vec![Command::Fail { after: 0 }, pwrite(0, 8192)];
        config(design, vec![Command::Truncate { size: 8192 }], vec![("writer", run)])
    };
    vec![
        counterexample(
            "t1",
            "Unwritten to written under a write",
            t1(design("none")),
            properties::LOST_WRITE,
        ),
        counterexample("t2", "Delalloc, shared through mmap", t2(design("none")), properties::LOST_WRITE),
        counterexample("real", "A directed run", real(4096), properties::LOST_WRITE),
        counterexample("real-1k", "A directed run, small blocks", real(1024), properties::LOST_WRITE),
        counterexample(
            "deadlock",
            "A folio that stays locked",
            flush_only(mutant("iomap_valid", "hook_release", "forget-unlock")),
            properties::DEADLOCK,
        ),
        counterexample(
            "early-check",
            "The check before the folio lock",
            t1(mutant("iomap_valid", "check", "before-lock")),
            properties::LOST_WRITE,
        ),
        counterexample(
            "epilogue",
            "A reservation that nobody frees",
            failing(mutant("iomap_valid", "punch", "none")),
            properties::LEAKED_RESERVATION,
        ),
        counterexample("files", "Several files", files(design("none")), properties::LOST_WRITE),
        rejected(),
        unfinished(),
    ]
}

#[test]
fn timelines() {
    for drawn in all() {
        insta::assert_snapshot!(drawn.name, drawn.print(100));
    }
}

#[test]
fn timelines_in_a_mail() {
    for drawn in all().iter().filter(|drawn| ["t1", "real", "rejected", "files"].contains(&drawn.name)) {
        insta::assert_snapshot!(format!("{}_72", drawn.name), drawn.print(72));
    }
}

#[test]
fn no_line_is_too_wide_and_none_ends_in_spaces() {
    for drawn in all() {
        for width in (48..=110).step_by(3) {
            for line in drawn.print(width).lines() {
                assert!(line.width() <= width, "{} at {width}: {line:?}", drawn.name);
                assert_eq!(line, line.trim_end());
                assert!(line.is_ascii(), "{}: {line:?}", drawn.name);
            }
        }
        assert_eq!(drawn.print(0), drawn.print(48));
    }
}

#[test]
fn every_transition_is_there_at_any_width() {
    for drawn in all() {
        for width in [60, 72, 80, 100, 200] {
            let text = drawn.print(width);
            for (n, played) in drawn.schedule.replay.played.iter().enumerate() {
                let number = (n + 1).to_string();
                let mut rows = text.lines().skip_while(|line| !line.contains("---"));
                let line = rows.find(|line| line.trim_start().split([' ', '*']).next() == Some(&number));
                let line = line.unwrap_or_else(|| panic!("{} at {width}: no line {}", drawn.name, n + 1));
                let op = &played.op[..played.op.find([' ', '_']).unwrap_or(played.op.len())];
                assert!(line.contains(op), "{} at {width}: {op} in {line:?}", drawn.name);
            }
        }
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    for drawn in all() {
        let look = Look::terminal(100);
        let coloured = render(&drawn.schedule, look);
        let mut plain = String::new();
        let mut escape = false;
        for character in coloured.chars() {
            escape |= character == '\u{1b}';
            if !escape {
                plain.push(character);
            }
            escape &= character != 'm';
        }
        assert_eq!(plain, render(&drawn.schedule, look.plain()));
        assert_ne!(coloured, plain);
    }
}

#[test]
fn odd_names_neither_break_the_columns_nor_reach_the_terminal() {
    let mut config = t1(design("none"));
    config.actors[0].name = "書く人\u{1b}[2J".to_owned();
    config.actors[1].name = "a-name-of-quite-some-length-for-a-flusher".to_owned();
    config.design.unnoted_mut().name = "\u{9b}none".to_owned();
    let drawn = Drawn::counterexample(
        "names",
        "Zwölf Boxkämpfer\u{7}\nund so weiter",
        config,
        properties::LOST_WRITE,
    );
    for width in 48..=100 {
        let text = drawn.print(width);
        for line in text.lines() {
            assert!(line.width() <= width, "{width}: {line:?}");
        }
        assert!(!text.contains(|character: char| character.is_control() && character != '\n'));
    }
    insta::assert_snapshot!("odd_names", drawn.print(90));
}

#[test]
fn timelines_on_a_terminal() {
    for drawn in all() {
        let look = Look::terminal(110).plain();
        let folded = render(&drawn.schedule, look);
        insta::assert_snapshot!(format!("{}_terminal", drawn.name), folded);
        let full = render(&drawn.schedule, look.full());
        let shown = |text: &str| drawn.schedule.steps.iter().filter(|step| text.contains(&step.op)).count();
        assert!(folded.lines().count() <= full.lines().count(), "{}", drawn.name);
        for violation in drawn.schedule.steps.iter().flat_map(|step| &step.violations) {
            let start = violation.split(':').next().unwrap();
            assert!(folded.contains(start), "{}: {violation}", drawn.name);
        }
        assert!(shown(&folded) <= shown(&full));
    }
}

#[test]
fn state_is_shown_where_it_decides_or_is_asked_for() {
    let folder = elsewhere();
    let saved = |scenario: &str, under: &[&str]| {
        let arguments = [&["check", scenario, "--save", "s"][..], under].concat();
        let saved = stalemap(folder.path(), &arguments);
        let said = text(&saved.stdout);
        let path = said
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("saved "))
            .unwrap_or_else(|| panic!("{said}"));
        path.to_owned()
    };
    let heads = |arguments: &[&str]| -> Vec<String> {
        let drawn = text(&stalemap(folder.path(), &[&["replay"][..], arguments].concat()).stdout);
        let head = drawn.lines().find(|line| line.contains("ext") && line.contains("folios"));
        head.unwrap_or_else(|| panic!("{drawn}")).split_whitespace().map(str::to_owned).collect()
    };
    let ends_with = |heads: &[String], expected: &[&str]| {
        heads.ends_with(&expected.iter().map(|head| (*head).to_owned()).collect::<Vec<_>>())
    };
    let write = saved("xfs/t1", &["--design", "none"]);
    let plain = heads(&[&write, "--width", "120"]);
    assert!(ends_with(&plain, &["ext", "seq", "folios"]), "nothing else decides: {plain:?}");
    let all = heads(&[&write, "--width", "120", "--show", "pte,blocks,size"]);
    assert!(ends_with(&all, &["folios", "pte", "blocks", "i_size", "disk"]), "{all:?}");
    let size = heads(&[&write, "--width", "120", "--show", "size"]);
    assert!(ends_with(&size, &["folios", "i_size", "disk"]), "{size:?}");
    let shown =
        |arguments: &[&str]| text(&stalemap(folder.path(), &[&["replay"][..], arguments].concat()).stdout);
    let still = shown(&[&write, "--show", "pte,blocks,size"]);
    assert!(still.contains("\nNo step changes pte, blocks, i_size or disk.\n"), "{still}");
    assert!(!shown(&[&write]).contains("No step changes"), "it was not asked for");
    // The size on disk runs ahead.
    let ahead = saved("gfs2/crash-append", &["--design", "none"]);
    let heads_of_ahead = heads(&[&ahead, "--width", "140"]);
    assert!(ends_with(&heads_of_ahead, &["i_size", "disk"]), "{heads_of_ahead:?}");
    let moves = shown(&[&ahead, "--show", "size,pte"]);
    assert!(moves.contains("\nNo step changes pte or disk.\n"), "{moves}");
    let unknown = stalemap(folder.path(), &["replay", &write, "--show", "locks"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("pte"), "{}", text(&unknown.stderr));
}

#[test]
fn the_order_that_decides_stands_above_the_drawing() {
    for drawn in all() {
        let text = drawn.print(100);
        let (order, table) =
            (text.find("Critical order"), text.find("\n    ---").or_else(|| text.find("---")));
        if let Some(order) = order {
            assert!(table.is_some_and(|table| order < table), "{text}");
        }
    }
}

#[test]
fn who_looks_at_the_data_mode_and_who_sets_it_say_which() {
    let folder = elsewhere();
    let run = ["witness", "gfs2/jdata-flip", "--design", "none", "--reach", "data-mode"];
    let said = text(&stalemap(folder.path(), &run).stdout);
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("a_ops: as for data that are not journalled"), "{said}");
    assert!(words.contains("gfs2_set_aops: data are journalled from here on"), "{said}");
}

/// Six blocks are too many to be printed whole: of each fork what changed is printed, by number.
#[test]
fn forks_of_many_blocks_have_numbers_of_their_own() {
    let folder = elsewhere();
    let source = "title = \"x\"\n[fs]\npersonality = \"xfs-zoned\"\n\
                  [setup]\nrun = [\"pwrite -S 0x11 -b 24k 0 24k\", \"fsync\"]\n\
                  [[actor]]\nname = \"w\"\nrun = [\"pwrite -S 0x22 4k 4k\", \"fsync\"]\n\
                  [[actor]]\nname = \"gc\"\nrun = [\"@relocate 4k 4k\"]\n\
                  [design.blind]\nbased_on = \"linux-7.3\"\nrelocate_recheck = \"none\"\n\
                  [expect]\nblind = [\"lost-write\"]\n";
    std::fs::write(folder.path().join("s.toml"), source).unwrap();
    let drawing = text(&stalemap(folder.path(), &["check", "s.toml"]).stdout);
    let line = |start: &str| drawing.lines().find(|line| line.trim_start().starts_with(start));
    for (start, state) in [
        ("after the setup ", "  W*6       1    C*6"),
        ("2    .      iomap_begin:", "  cow 1:D"),
        ("15    .      xfs_zoned_map_blocks: COW D -> none", "  cow none"),
    ] {
        assert!(line(start).is_some_and(|line| line.ends_with(state)), "{start}: {drawing}");
    }
    for legend in [
        "W*6 6 times W   1:D number 1 is D now   cow the COW fork",
        "seq 1/8: the counter of the data fork, that of the COW fork",
    ] {
        assert!(drawing.lines().any(|line| line == legend), "{drawing}");
    }
    assert!(!drawing.contains("/ then the COW fork") && !drawing.contains("- nothing"), "{drawing}");
}

/// What is judged of one of several files says which one it is, also of what a load or a read(2) returned.
#[test]
fn a_violation_names_its_file() {
    let folder = elsewhere();
    let run = |read: &str| {
        let source = format!(
            "title = \"x\"\n[geometry]\nblock = \"1k\"\nfolio = \"4k\"\n\
             [[file]]\nname = \"log\"\n[[file]]\nname = \"data\"\n\
             [setup]\nrun = [\"[data] pwrite -S 0x58 0 1k\", \"[data] fsync\"]\n\
             [[actor]]\nname = \"fault\"\nrun = [\"[data] mmap -rw 0 4k\", \"[data] mwrite -S 0x47 3k 1k\", \
             \"[data] truncate 8k\", \"{read}\"]\n\
             [expect]\nnone = [\"stale-exposure\", \"dropped-dirty\"]\n"
        );
        std::fs::write(folder.path().join("s.toml"), source).unwrap();
        text(&stalemap(folder.path(), &["check", "s.toml", "--design", "none"]).stdout)
    };
    for read in ["[data] mread 3k 1k", "[data] pread 3k 1k"] {
        let drawing = run(read);
        assert!(drawing.contains("stale exposure: [data] a read of 3k-4k returned 0x47"), "{drawing}");
    }
}
