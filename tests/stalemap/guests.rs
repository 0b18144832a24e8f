//! Kernels and guests. What needs no kernel is tested beside the code; these boot kernels that were fetched before, and
//! are run by hand:
//!
//! ```sh
//! stalemap lab fetch 6.12
//! STALEMAP_LAB_KERNELS=6.12 cargo test --test stalemap lab:: -- --ignored --nocapture
//! ```

use std::time::Duration;

use stalemap::lab::release::Release;
use stalemap::lab::{self, Job, Kernel, Ran, Store};

/// Which kernels are booted, separated by commas, if it is not all that there are.
const KERNELS: &str = "STALEMAP_LAB_KERNELS";

fn job(script: &str) -> Job {
    Job {
        script: script.to_owned(),
        files: Vec::new(),
        boot: Vec::new(),
        device_fill: 0xe5,
        module: None,
        timeout: Duration::from_secs(240),
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
    let ran = lab::boot(store, kernel, job).expect("a guest");
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
