//! Fields of a file system that do not go together, or not with the size of a block.

use std::fmt;

use crate::words::count::count;
use crate::words::personality::{Allocate, Freed, Hooks, Personality, WriteEnd, WriteLock};

/// Fields that do not go together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misfit {
    /// These; the first is the one that asks for something.
    pub fields: Vec<&'static str>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.help)
    }
}

impl Personality {
    /// What does not go together; nothing where all does. `block` is the size of a block in bytes.
    pub fn misfits(&self, block: u64) -> Vec<Misfit> {
        [self.stuffed_misfit(block), self.zones_misfit(), self.freed_misfit(), self.valid_size_misfit()]
            .into_iter()
            .flatten()
            .collect()
    }

    /// What of a file lies in its inode must fit there, on a file system that does that.
    fn stuffed_misfit(&self, block: u64) -> Option<Misfit> {
        let bytes = u64::from(self.stuffed);
        if bytes > 0 && self.allocate != Allocate::Written {
            let message = "this file system keeps no data in its inodes (`stuffed`)".to_owned();
            let help = "only gfs2 does (`allocate = \"written\"`): leave `stuffed` out, or take `personality = \"gfs2\"`";
            return Some(Misfit { fields: vec!["stuffed", "allocate"], message, help: help.to_owned() });
        }
        (bytes >= block).then(|| Misfit {
            fields: vec!["stuffed"],
            message: format!("{bytes} bytes do not fit into an inode, which is smaller than a block"),
            help: format!("expected less than {block}, the size of a block"),
        })
    }

    /// A device of zones is written out of place, and is as large as some zones.
    fn zones_misfit(&self) -> Option<Misfit> {
        let zone = self.zone_blocks;
        if zone == 0 {
            return None;
        }
        if !self.is_out_of_place() {
            return Some(Misfit {
                fields: vec!["zone_blocks", "allocate"],
                message: "there are zones (`zone_blocks`) only where blocks are written out of place"
                    .to_owned(),
                help: "leave `zone_blocks` out, or take `allocate = \"out-of-place\"`, as `personality = \"xfs-zoned\"` has it".to_owned(),
            });
        }
        let Some(free) = self.free_blocks else {
            return Some(Misfit {
                fields: vec!["zone_blocks"],
                message: "how many zones (`zone_blocks`) the device has is not said".to_owned(),
                help: format!("add `free_blocks`, for example `free_blocks = {}`", zone.saturating_mul(4)),
            });
        };
        let less = free - free % zone;
        let help = match less.checked_add(zone) {
            Some(more) if less > 0 => format!("make `free_blocks` {less} or {more}"),
            Some(more) => format!("make `free_blocks` {more}"),
            None => format!("make `free_blocks` {less}"),
        };
        (free != less).then(|| Misfit {
            fields: vec!["zone_blocks", "free_blocks"],
            message: format!(
                "{} (`free_blocks`) are no whole number of zones of {zone}",
                count(u64::from(free), "block")
            ),
            help: format!("{help}, a multiple of `zone_blocks`"),
        })
    }

    /// What is freed in a zone is free when the zone is erased, whatever is said of other devices.
    fn freed_misfit(&self) -> Option<Misfit> {
        let has_zones = self.zone_blocks > 0 && self.is_out_of_place();
        (has_zones && self.freed != Freed::AtOnce).then(|| Misfit {
            fields: vec!["freed", "zone_blocks"],
            message: "a block of a zone can be taken again when the zone is erased, whatever `freed` says"
                .to_owned(),
            help: "leave `freed` out, or `zone_blocks`".to_owned(),
        })
    }

    /// Files with a valid size are modelled on one kind of file system.
    fn valid_size_misfit(&self) -> Option<Misfit> {
        let wanted = [
            ("allocate", self.allocate == Allocate::Written, "\"written\""),
            ("write_lock", self.write_lock == WriteLock::Exclusive, "\"exclusive\""),
            ("glock", !self.glock, "false"),
            ("hooks", self.hooks == Hooks::Nothing, "\"none\""),
            ("write_end", self.write_end != WriteEnd::TruncateAndFree, "\"none\""),
            ("stuffed", self.stuffed == 0, "0"),
        ];
        let wrong: Vec<_> = wanted.iter().filter(|(_, right, _)| !right).collect();
        if !self.valid_size || wrong.is_empty() {
            return None;
        }
        let list = |texts: Vec<String>| texts.join(", ");
        let is = list(wrong.iter().map(|(field, ..)| format!("`{field} = {}`", self.value(field))).collect());
        let right = list(wrong.iter().map(|(field, _, right)| format!("`{field} = {right}`")).collect());
        Some(Misfit {
            fields: ["valid_size"].into_iter().chain(wrong.iter().map(|(field, ..)| *field)).collect(),
            message: format!("files with a valid size (`valid_size`) are not modelled with {is}"),
            help: format!("add {right}, or leave `valid_size` out"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_goes_together() {
        for name in Personality::BUILT_IN {
            assert_eq!(Personality::built_in(name).expect("a personality").misfits(512), []);
        }
    }

    #[test]
    fn a_number_of_blocks_that_is_proposed_is_right() {
        let zoned = Personality::built_in("xfs-zoned").expect("a personality");
        for (free, zone, proposed) in [
            (7, 2, "make `free_blocks` 6 or 8,"),
            (1, 2, "make `free_blocks` 2,"),
            (u16::MAX, 2, "make `free_blocks` 65534,"),
        ] {
            let fs = Personality { free_blocks: Some(free), zone_blocks: zone, ..zoned.clone() };
            let [misfit] = &fs.misfits(512)[..] else { panic!("{free} in {zone}") };
            assert!(misfit.help.starts_with(proposed), "{misfit}");
        }
        for free in [0, 2, 65534] {
            let fs = Personality { free_blocks: Some(free), zone_blocks: 2, ..zoned.clone() };
            assert_eq!(fs.misfits(512), [], "{free}");
        }
    }
}
