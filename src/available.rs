//! How much memory a process may take, when nobody says.

use std::fs;
use std::sync::OnceLock;

/// The limit where the machine does not tell: 2 GiB.
const FALLBACK: u64 = 2 << 30;

/// Half of the machine's memory, or half of what the control group allows if that is less: the rest is for whoever else
/// runs there. Linux only; elsewhere, and where nothing can be read, 2 GiB. It is read once: every search asks for it.
pub(crate) fn default_limit() -> u64 {
    static LIMIT: OnceLock<u64> = OnceLock::new();
    *LIMIT.get_or_init(read_limit)
}

fn read_limit() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    let files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let allowed = files.iter().filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok());
    machine.into_iter().chain(allowed).min().map_or(FALLBACK, |bytes| bytes / 2)
}

/// `MemTotal` of /proc/meminfo, in bytes; it is given in KiB.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read() {
        assert_eq!(total_of("MemTotal:       24731904 kB\nMemFree: 3 kB\n"), Some(24_731_904 * 1024));
        assert_eq!(total_of("MemFree: 3 kB\n"), None);
        assert_eq!(total_of("MemTotal: much\n"), None);
    }

    #[test]
    fn there_is_a_default() {
        assert!(default_limit() > 0);
    }
}
