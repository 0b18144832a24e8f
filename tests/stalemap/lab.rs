//! Plans of the lab.

use stalemap::lab::planner::{PlanError, Subject};
use stalemap::lab::release::Release;
use stalemap::lab::variant::Variant;
use stalemap::scenario::{catalogue, read};

#[test]
fn survey() {
    let (mut plans, mut free) = (0, 0);
    for (name, source) in catalogue::all() {
        let scenario = read(name, source.as_bytes()).unwrap();
        for release in Release::ALL {
            for variant in [Variant::Stock, Variant::WithoutCheck] {
                let Some(subject) = Subject::new(&scenario, release, variant) else { continue };
                match subject.of_scenario() {
                    Ok(plan) => {
                        plans += 1;
                        free += u32::from(plan.unforced.is_empty());
                        if plan.predicted == plan.predicted_control {
                            println!("{name} {release} {:?}: no difference", plan.property);
                        }
                    }
                    Err(PlanError::Holds { .. }) => {}
                    Err(e) => println!("{name}: {release}: {e}"),
                }
            }
        }
    }
    println!("plans {plans} free {free}");
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
