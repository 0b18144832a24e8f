//! What a crash leaves.

use stalemap_model::judge::properties;
use stalemap_model::words::branches;
use stalemap_model::words::personality::{
    Completion, DeviceCache, Freed, FsyncLog, LogOrdered, Personality, SizeLog, SyncFs,
};

use super::{Mutation, caught, holds, violates};

/// A flush of gfs2's log waits for ordered data under `nobarrier` alone; with `data=writeback` it does not even write them.
#[test]
fn ordered_data_are_not_waited_for() {
    let submits: Mutation = |_, fs| fs.log_ordered = LogOrdered::Submit;
    let writes_none: Mutation = |_, fs| fs.log_ordered = LogOrdered::Nothing;
    for name in ["append", "stuffed"] {
        for mutation in [submits, writes_none] {
            let lost = [properties::CRASH_EXPOSURE];
            caught(&format!("gfs2/crash-{name}-nobarrier"), mutation, &lost, &[]);
        }
    }
}

/// A block that was freed on gfs2 can be allocated again before the log is flushed.
#[test]
fn freed_blocks_are_taken_at_once() {
    let at_once: Mutation = |_, fs| fs.freed = Freed::AtOnce;
    let lost = [properties::CRASH_LOST, properties::CRASH_EXPOSURE];
    caught("gfs2/crash-reuse", at_once, &lost, &[branches::UNMAP]);
    holds("gfs2/t9-short", at_once, &[branches::PUNCH, branches::RETRY]);
    let with_the_log: Mutation = |_, fs| fs.freed = Freed::WithTheLog;
    violates("gfs2/t9-short-at-once", with_the_log, &[properties::WRONG_ADDRESS]);
}

/// A direct write of gfs2 changes no times, and an fsync behind it finds the inode clean.
#[test]
fn direct_writes_change_no_times() {
    let lost = [properties::CRASH_LOST];
    caught("gfs2/device-cache-direct", |_, fs| fs.dio_times = false, &lost, &[]);
}

/// fsync on gfs2 flushes the log only if it finds the inode dirty.
#[test]
fn fsync_trusts_the_inode() {
    let always: Mutation = |_, fs| fs.fsync_log = FsyncLog::Always;
    let if_dirty: Mutation = |_, fs| fs.fsync_log = FsyncLog::IfDirty;
    for name in [
        "fsync-twice",
        "fsync-twice-size",
        "jdata-fsync-twice",
        "flusher-fsync",
        "jdata-flusher-fsync",
        "jdata-sync-fsync",
        "device-cache",
        "punch-fsync",
    ] {
        holds(&format!("gfs2/{name}"), always, &[]);
    }
    for name in ["fsync-twice-size", "flusher-fsync"] {
        violates(&format!("gfs2/{name}"), if_dirty, &[properties::CRASH_LOST]);
    }
    for name in ["fsync-twice", "device-cache", "msync-hole"] {
        violates(&format!("gfs2/{name}-always"), if_dirty, &[properties::CRASH_LOST]);
    }
}

/// Unwritten extents are converted when the I/O is submitted.
#[test]
fn conversion_before_the_data() {
    caught(
        "xfs/crash-falloc",
        |_, fs| fs.completion = Completion::ConvertAtSubmission,
        &[properties::CRASH_EXPOSURE],
        &[branches::CONVERT],
    );
}

/// The size on disk is raised by the write, before the data are there.
#[test]
fn size_before_the_data() {
    caught(
        "xfs/append-crash",
        |_, fs| fs.size_log = SizeLog::Write,
        &[properties::SIZE_ORDER],
        &[branches::CONVERT, branches::ALLOCATE],
    );
}

/// The log is written without flushing the device's cache.
#[test]
fn conversion_without_a_flush() {
    caught(
        "xfs/device-cache",
        |_, fs| fs.device_cache = DeviceCache::Unflushed,
        &[properties::CRASH_EXPOSURE, properties::CRASH_LOST],
        &[branches::CONVERT, branches::ALLOCATE],
    );
}

/// A sync leaves to the log what is to be flushed, and the log may have nothing to write.
#[test]
fn sync_without_a_flush() {
    let flush: Mutation = |_, fs| fs.sync_fs = SyncFs::Flush;
    let nothing: Mutation = |_, fs| fs.sync_fs = SyncFs::Nothing;
    holds("xfs/sync-cache", flush, &[]);
    violates("xfs/sync-cache", nothing, &[properties::CRASH_LOST]);
    holds("zonefs/sync-cache", flush, &[]);
    let log: Mutation = |_, fs| fs.sync_fs = SyncFs::Log;
    violates("zonefs/sync-cache", log, &[properties::CRASH_LOST]);
    // What is written out of place is mapped by a transaction behind it, which the log is written for.
    let zoned: Mutation = |_, fs| {
        *fs = Personality { device_cache: fs.device_cache, ..Personality::built_in("xfs-zoned").unwrap() };
    };
    holds("xfs/sync-cache", zoned, &[]);
}

/// A shutdown leaves what the device has completed, flushed or not.
#[test]
fn shutdown_without_a_flush() {
    let unflushed: Mutation = |_, fs| fs.device_cache = DeviceCache::Unflushed;
    holds("xfs/generic-737", unflushed, &[branches::CONVERT]);
}
