//! Kernels and guests. What needs no kernel is tested beside the code; these boot kernels that were fetched before, and
//! are run by hand:
//!
//! ```sh
//! stalemap lab fetch 6.12
//! STALEMAP_LAB_KERNELS=6.12 cargo test --test stalemap guests:: -- --ignored --nocapture
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use crate::common::{self, elsewhere, program};
use stalemap::lab;
use stalemap::lab::guest::{self, Job, Kernel, Ran, Store};
use stalemap::lab::release::Release;

#[test]
fn what_cannot_be_fetched_is_said_before_anything_is_fetched() {
    let folder = elsewhere();
    let fetch = |arguments: &[&str]| {
        let mut program = program();
        program.arg("lab").arg("fetch").args(arguments).env("STALEMAP_LAB", folder.path().join("lab"));
        program.env("STALEMAP_MIRROR", "http://mirror.invalid/ubuntu");
        let output = program.output().expect("the program starts");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(common::text(&output.stdout), "");
        common::text(&output.stderr)
    };
    for unknown in ["twelve", "6.6"] {
        let said = format!("error: the lab has no kernel `{unknown}`; it has 6.1, 6.12, 7.3\n");
        assert_eq!(fetch(&[unknown]), said);
    }
    let error = fetch(&["6.12", "--design", "series-04"]);
    assert!(error.contains("design `series-04`; there are none, iomap_valid, chinner-cow"), "{error}");
    let error = fetch(&["6.12"]);
    let reasons = ["STALEMAP_MIRROR: the address of a mirror of Debian", "not found in PATH"];
    assert!(reasons.iter().any(|reason| error.contains(reason)), "{error}");
    let kernels = fs::read_dir(folder.path().join("lab/kernels")).expect("a folder");
    assert_eq!(kernels.count(), 0);
}

/// Which kernels are booted, separated by commas, if it is not all that there are.
const KERNELS: &str = "STALEMAP_LAB_KERNELS";

fn job(script: &str) -> Job {
    Job {
        script: script.to_owned(),
        files: Vec::new(),
        boot: Vec::new(),
        device_fill: 0xe5,
        module: None,
        timeout: Duration::from_mins(4),
    }
}

fn on_each_kernel(test: impl Fn(&Store, &Kernel)) {
    let versions = std::env::var(KERNELS).unwrap_or_else(|_| "6.1,6.12,7.3".to_owned());
    let store = Store::open().expect("a store");
    for version in versions.split(',') {
        let kernel = store.kernel(version).expect("a kernel that was fetched");
        test(&store, &kernel);
    }
}

fn run(store: &Store, kernel: &Kernel, job: &Job) -> Ran {
    let ran = guest::boot(store, kernel, job).expect("a guest");
    eprintln!("{}: {:.1} s\n{}", kernel.release, ran.seconds, ran.console);
    for (name, contents) in ran.out.iter().filter(|(name, _)| *name != "dmesg.txt") {
        eprintln!("{name}: {}", String::from_utf8_lossy(contents));
    }
    assert!(!ran.timed_out, "{}", ran.console);
    ran
}

fn text<'r>(ran: &'r Ran, name: &str) -> std::borrow::Cow<'r, str> {
    String::from_utf8_lossy(ran.out.get(name).unwrap_or_else(|| panic!("no file {name} in /out")))
}

const HOLDS_A_WRITER: &str = r#"
control=/sys/kernel/debug/hold
insmod /mods/hold.ko || exit 1
mkfs.xfs -q -f /dev/vda && mount /dev/vda /mnt || exit 1
echo "arm 0 before 1 20000 dd xfs_file_buffered_write" > $control || echo "not armed" >> /out/result
echo "arm 1 after 1 20000 dd iomap_file_buffered_write" > $control || echo "not armed" >> /out/result
echo "until 0 50" 2>> /out/early > $control || echo "not hit too early" >> /out/result
dd if=/dev/zero of=/mnt/file bs=8k count=1 2> /dev/null &
echo "until 0 10000" > $control && echo "held before" >> /out/result
echo "size $(stat -c %s /mnt/file)" >> /out/result
echo "go 0" > $control
echo "until 1 10000" > $control && echo "held after" >> /out/result
echo "returned 0 50" 2>> /out/early > $control || echo "not returned" >> /out/result
echo "size $(stat -c %s /mnt/file)" >> /out/result
echo "go 1" > $control
echo "returned 0 10000" > $control && echo "returned" >> /out/result
wait
cat $control > /out/slots
echo "clear all" > $control
cat $control > /out/cleared
rmmod hold && echo "unloaded" >> /out/result
umount /mnt
"#;

#[test]
#[ignore = "boots kernels that were fetched"]
fn a_writer_is_held_before_and_after_a_function() {
    on_each_kernel(|store, kernel| {
        let ran = run(store, kernel, &job(HOLDS_A_WRITER));
        let told = "not hit too early\nheld before\nsize 0\nheld after\nnot returned\nsize 8192\nreturned\nunloaded\n";
        assert_eq!(text(&ran, "result"), told);
        let slots = text(&ran, "slots");
        assert_eq!(
            slots.matches(" state=returned calls=1 hit=1 released=1 timed_out=0 atomic=0 us=").count(),
            2
        );
        assert_eq!(slots.matches(" comm=dd pid=").count(), 2);
        assert_eq!(text(&ran, "cleared"), "");
        let dmesg = text(&ran, "dmesg.txt");
        assert!(!dmesg.contains("WARNING") && !dmesg.contains("BUG"), "{dmesg}");
    });
}

const HOLDS_ONCE_MORE: &str = r#"
control=/sys/kernel/debug/hold
insmod /mods/hold.ko || exit 1
mkfs.xfs -q -f /dev/vda && mount /dev/vda /mnt || exit 1
say() { echo "$1" >> /out/result; }
write() { dd if=/dev/zero of=/mnt/file bs=$1 count=1 conv=notrunc 2> /dev/null; }
echo "arm 0 before 1 20000 dd iomap_file_buffered_write" > $control
write 4k &
echo "until 0 10000" > $control && say "before"
echo "arm 1 after 1 20000 dd iomap_file_buffered_write" > $control
echo "go 0" > $control
echo "until 1 10000" > $control && say "after the same call, size $(stat -c %s /mnt/file)"
echo "go 1" > $control
wait
echo "set 2 before 1 300 dd iomap_file_buffered_write" > $control
write 4k
echo "arm 2" > $control && write 4k
echo "until 2 1000" 2>> /out/errors > $control || say "it had gone on"
echo "go 2" 2>> /out/errors > $control || say "and is told so"
case $(uname -r) in
6.1.*) ;;
*)
	echo "arm 3 i_size 1 20000 dd iomap_file_buffered_write" > $control
	write 8k &
	echo "until 3 10000" > $control && say "before the store, size $(stat -c %s /mnt/file)"
	dmsetup create zero --table "0 8 zero" && dmsetup remove zero && say "nobody waits for it"
	echo "go 3" > $control
	echo "returned 3 10000" > $control
	wait
	say "size $(stat -c %s /mnt/file)" ;;
esac
rmmod hold && say "unloaded"
umount /mnt
"#;

#[test]
#[ignore = "boots kernels that were fetched"]
fn a_hold_that_ran_out_is_told_and_one_that_is_set_in_time_is_met() {
    on_each_kernel(|store, kernel| {
        let ran = run(store, kernel, &job(HOLDS_ONCE_MORE));
        let store_of_size = match kernel.version.as_str() {
            "6.1" => "",
            _ => "before the store, size 4096\nnobody waits for it\nsize 8192\n",
        };
        let told = format!(
            "before\nafter the same call, size 4096\nit had gone on\nand is told so\n{store_of_size}unloaded\n"
        );
        assert_eq!(text(&ran, "result"), told);
        let dmesg = text(&ran, "dmesg.txt");
        assert!(!dmesg.contains("WARNING") && !dmesg.contains("BUG"), "{dmesg}");
    });
}

const HOLDS_A_FOLIO: &str = r#"
control=/sys/kernel/debug/hold
mount_at() { mkdir -p /mnt && mount $1 /dev/vda /mnt; }
insmod /mods/hold.ko || exit 1
mkfs.xfs -q -f /dev/vda && mount_at "-t xfs" || exit 1
dd if=/dev/zero of=/mnt/other bs=4k count=4 2> /dev/null
for folio in 0 1 2 3; do
	dd if=/dev/zero of=/mnt/file bs=4k count=1 seek=$folio conv=notrunc 2> /dev/null
done
sync
number=$(stat -c %i /mnt/file)
echo "arm 0 before 1 20000 * folio_end_writeback folio $number 2" > $control
echo "arm 1 before 1 20000 * folio_end_writeback folio $number 77" > $control
echo "arm 2 before 2 300 dd vfs_write" > $control
echo "arm 3 before 3 1 dd xfs_iomap_valid inode $number" > $control
echo "arm 4 before 1 1 dd xfs_iomap_valid inode 1" > $control
for name in other file; do
	dd if=/dev/zero of=/mnt/$name bs=4k count=4 conv=notrunc 2> /dev/null
done
sync &
echo "until 0 10000" 2> /out/atomic > $control
echo "go 0" > $control
wait
cat $control > /out/slots
echo "arm 40 before 1 1 * vfs_write" 2> /out/error > $control
echo "arm 0 before 1 1 * no_such_function" 2>> /out/error > $control
echo "arm 0 between 1 1 * vfs_write" 2>> /out/error > $control
echo "arm 0 before 0 1 * vfs_write" 2>> /out/error > $control
echo "until 9 1" 2>> /out/error > $control
rmmod hold
umount /mnt
"#;

#[test]
#[ignore = "boots kernels that were fetched"]
fn calls_are_told_apart_by_their_folio_and_inode() {
    on_each_kernel(|store, kernel| {
        let ran = run(store, kernel, &job(HOLDS_A_FOLIO));
        let slots = text(&ran, "slots");
        let line = |n: usize| slots.lines().nth(n).unwrap_or_else(|| panic!("no slot {n}"));
        assert!(line(0).contains(" calls=1 hit=1 "), "{slots}");
        assert!(line(1).contains(" state=armed calls=0 hit=0 "), "{slots}");
        assert!(line(2).contains(" calls=2 hit=1 released=0 timed_out=1 "), "{slots}");
        assert!(line(3).contains(" calls=3 hit=1 "), "{slots}");
        assert!(line(4).contains(" state=armed calls=0 hit=0 "), "{slots}");
        let errors: Vec<_> = text(&ran, "error").lines().map(str::to_owned).collect();
        let reasons =
            ["out of range", "No such file", "Invalid argument", "out of range", "No data available"];
        assert_eq!(errors.len(), reasons.len());
        assert!(errors.iter().zip(reasons).all(|(error, reason)| error.contains(reason)), "{errors:?}");
    });
}

const MOUNTS_EACH: &str = r#"
check() {
	mount $2 /dev/vda /mnt || exit 1
	dd if=/dev/zero of=/mnt/file bs=4k count=3 2> /dev/null
	sync
	echo "$1 $(stat -c %s /mnt/file)" >> /out/result
	umount /mnt
}
mkfs.xfs -q -f -b size=1024 /dev/vda && check xfs "-t xfs"
mkfs.gfs2 -O -q -p lock_nolock /dev/vda > /dev/null && check gfs2 "-t gfs2"
mkfs.ext4 -q -F /dev/vda && check ext4 "-t ext4"
dd if=/dev/vda bs=1 count=4 skip=600M 2> /dev/null | od -An -tx1 > /out/filled
insmod /mods/null_blk.ko nr_devices=1 zoned=1 zone_size=16 gb=1 memory_backed=1 && echo "zones $(cat /sys/block/nullb0/queue/zoned)" >> /out/result
case $(uname -r) in
7.*)
	mkfs.xfs.newer -q -f -r zoned=1,rtdev=/dev/nullb0 /dev/vda && mount -t xfs -o rtdev=/dev/nullb0 /dev/vda /mnt &&
	xfs_io -f -c "pwrite -q 0 12k" -c fsync /mnt/file &&
	echo "zoned xfs, $(grep -c max_open_zones= /proc/mounts) mount" >> /out/result
	umount /mnt ;;
esac
dmsetup create slow --table "0 $(blockdev --getsz /dev/vda) delay /dev/vda 0 0 /dev/vda 0 50" && echo "slow" >> /out/result
/prog >> /out/result
cat /proc/cmdline > /out/cmdline
"#;

const PROGRAM: &str = r#"
#include <pthread.h>
#include <stdio.h>
static void *say(void *word) { puts(word); return NULL; }
int main(void)
{
	pthread_t thread;
	return pthread_create(&thread, NULL, say, "a thread") || pthread_join(thread, NULL);
}
"#;

#[test]
#[ignore = "boots kernels that were fetched"]
fn file_systems_devices_and_programs_are_there() {
    on_each_kernel(|store, kernel| {
        let program = guest::compile(store, PROGRAM).expect("a program");
        let files = vec![("/prog".to_owned(), program)];
        let boot = vec!["init_on_alloc=0".to_owned()];
        let ran = run(store, kernel, &Job { files, boot, ..job(MOUNTS_EACH) });
        let zoned = if kernel.version.starts_with("7.") { "zoned xfs, 1 mount\n" } else { "" };
        let told = format!("xfs 12288\ngfs2 12288\next4 12288\nzones host-managed\n{zoned}slow\na thread\n");
        assert_eq!(text(&ran, "result"), told);
        assert_eq!(text(&ran, "filled").trim(), "e5 e5 e5 e5");
        assert!(text(&ran, "cmdline").contains(" init_on_alloc=0"));
    });
}

#[test]
#[ignore = "boots kernels that were fetched"]
fn a_guest_that_does_not_end_is_ended() {
    on_each_kernel(|store, kernel| {
        let work = || -> BTreeSet<_> {
            let entries = fs::read_dir(store.folder().join("work")).expect("a folder");
            entries.map(|entry| entry.expect("an entry").file_name()).collect()
        };
        let (before, timeout) = (work(), Duration::from_secs(20));
        let ran = guest::boot(store, kernel, &Job { timeout, ..job("sleep 1000") }).expect("a guest");
        assert!(ran.timed_out && ran.out.is_empty() && ran.seconds < 30.0, "{ran:?}");
        assert!(work().is_subset(&before), "temporary files");
    });
}

#[test]
#[ignore = "compiles with tools that were fetched"]
fn a_program_with_mistakes_is_refused_with_what_the_compiler_says() {
    let store = Store::open().expect("a store");
    let error =
        guest::compile(&store, "int main(void) { return nothing; }").expect_err("no program").to_string();
    assert!(error.contains("compiling the program failed") && error.contains("nothing"), "{error}");
}

/// The writer samples its mapping and is held before the check; meanwhile writeback converts another block of the file, which
/// moves the counter.
const GOES_STALE: &str = r#"
control=/sys/kernel/debug/hold
insmod /mods/hold.ko || exit 1
mkfs.xfs -q -f /dev/vda && mount -t xfs /dev/vda /mnt || exit 1
xfs_io -f -c "falloc 0 2m" -c "pwrite -q 1m 4k" /mnt/file
echo "arm 0 before 1 20000 writer xfs_iomap_valid" > $control
echo "arm 1 before 99 20000 writer xfs_iomap_valid" > $control
ln -s /sbin/xfs_io /bin/writer
writer -c "pwrite -q 0 4k" /mnt/file &
echo "until 0 10000" > $control || echo "not held" >> /out/result
xfs_io -c "sync_range -w 1m 4k" -c "sync_range -a 1m 4k" /mnt/file
echo "go 0" > $control
wait
echo "asked $(grep -c 'symbol=xfs_iomap_valid.* calls=2 ' $control) times more" >> /out/result
[ -e /sys/fs/xfs/vda/errortag ] && echo "debug" >> /out/result
rmmod hold
umount /mnt
"#;

#[test]
#[ignore = "boots kernels that were fetched, with designs"]
fn a_design_decides_what_becomes_of_a_stale_mapping() {
    on_each_kernel(|store, kernel| {
        for (design, told) in [
            (None, "asked 1 times more\n"),
            (Some("iomap_valid"), "asked 1 times more\ndebug\n"),
            (Some("none"), "asked 0 times more\ndebug\n"),
            (Some("chinner-cow"), "asked 1 times more\ndebug\n"),
        ] {
            let module = design.map(str::to_owned);
            let ran = run(store, kernel, &Job { module, ..job(GOES_STALE) });
            assert_eq!(text(&ran, "result"), told, "{design:?}");
        }
    });
}

#[test]
#[ignore = "boots kernels that were fetched"]
fn every_function_of_the_table_can_be_hooked() {
    on_each_kernel(|store, kernel| {
        let functions = lab::functions(Release::from_name(&kernel.version).expect("a release"));
        let of_each = functions.iter().map(|name| {
            format!("arm=\"arm 0 before 1 1000 nobody {name}\"\necho \"$arm\" > $control && echo {name} >> /out/hooked\necho \"clear 0\" > $control\n")
        });
        let script =
            format!("insmod /mods/hold.ko\ncontrol=/sys/kernel/debug/hold\n{}", of_each.collect::<String>());
        let ran = run(store, kernel, &job(&script));
        let hooked = text(&ran, "hooked").into_owned();
        let is_lacking = |name: &&&str| !hooked.lines().any(|line| line == **name);
        let lacking: Vec<&str> = functions.iter().filter(is_lacking).copied().collect();
        assert!(lacking.is_empty(), "{}: {lacking:?}", kernel.release);
    });
}
