//! What is counted, and what each count is of.

use stalemap_explore::Quantity;
use stalemap_facade::ActorId;

/// Something that is counted over a whole run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counted {
    /// Its number in the graph of runs.
    pub quantity: Quantity,
    /// Its name in JSON.
    pub key: &'static str,
    /// The head of its column.
    pub head: &'static str,
    /// What it is, in a sentence's part.
    pub meaning: &'static str,
}

/// Lists what is counted over a run: constants, and all of them in the order of the list.
macro_rules! counted {
    ($($(#[$meta:meta])* $NAME:ident, $key:literal, $head:literal, $meaning:literal;)+) => {
        /// Numbers the list.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Number { $($NAME,)+ }

        $(#[doc = $meaning] pub const $NAME: Counted = Counted {
            quantity: Number::$NAME as Quantity, key: $key, head: $head, meaning: $meaning,
        };)+

        /// All of them.
        pub const ALL: &[Counted] = &[$($NAME,)+];
    };
}

counted! {
    ABORTS, "stale_aborts", "stale", "mappings that buffered writes gave up as stale";
    NEEDLESS, "spurious_aborts", "spurious", "of these, where a fresh mapping says the same for what is left";
    MAPPINGS, "mappings", "maps", "mappings obtained by writes, zeroing, unsharing, write faults and direct writes";
    LOOKUPS, "writeback_lookups", "wbmaps", "mappings obtained by writeback, which its cached one did not serve for";
    FOLIOS, "folios", "folios", "folios that buffered writes had locked and in the page cache";
    FOLIO_CALLS, "folio_calls", "/folio", "indirect calls for folios: ->iomap_valid, ->get_folio, ->put_folio";
    MAPPING_CALLS, "mapping_calls", "/map", "indirect calls for mappings: ->iomap_begin and ->iomap_end, or ->iomap_next (7.3); ->iomap_valid of direct I/O";
    WRITEBACK_CALLS, "writeback_calls", "/wb", "indirect calls of writeback: ->map_blocks, or ->iomap_valid before it";
    IN_VAIN, "folios_in_vain", "vain", "folios that were looked up and locked in vain: the mapping was stale, or the folio gone";
    PUNCHED, "reservations_punched", "punch", "blocks whose reservation a write punched after its mapping was stale";
    AGAIN, "reservations_again", "again", "of these, blocks that it reserved again";
    READS, "disk_reads", "reads", "blocks read from the device into the page cache";
    READS_ADDED, "disk_reads_added", "added", "of these, by a write that had given a mapping up as stale: of what that mapping had nothing to read of, or what it had read before";
    UNDER_I_RWSEM, "under_i_rwsem", "i_rwsem", "operations of tasks that hold i_rwsem";
    UNDER_INVALIDATE_LOCK, "under_invalidate_lock", "inval", "operations of tasks that hold invalidate_lock";
    UNDER_FOLIO_LOCK, "under_folio_lock", "folio", "operations of tasks that hold a folio lock";
    UNDER_ILOCK, "under_ilock", "ILOCK", "operations of tasks that hold the ILOCK (XFS), i_data_sem (ext4) or i_rw_mutex (gfs2)";
    UNDER_GLOCK, "under_glock", "glock", "operations of tasks that hold the inode glock (gfs2)";
    OPERATIONS, "operations", "ops", "operations in all";
}

/// Where the counts of single actors begin, each with as many places as there may be actors.
const OF_ACTORS: [Quantity; 3] = [64, 80, 96];

/// Mappings that one call of an actor has given up so far.
pub fn of_call(actor: ActorId) -> Quantity {
    OF_ACTORS[0] + actor as Quantity
}

/// Of these, the needless ones.
pub fn needless_of_call(actor: ActorId) -> Quantity {
    OF_ACTORS[1] + actor as Quantity
}

/// How many more mappings a call of an actor has given up than others have moved change counters of its file since it got
/// its first one.
pub fn excess_of_call(actor: ActorId) -> Quantity {
    OF_ACTORS[2] + actor as Quantity
}

#[cfg(test)]
mod tests {
    use stalemap_explore::MAX_ACTORS;

    use super::*;

    #[test]
    fn no_two_counts_share_a_number() {
        assert!(ALL.iter().zip(0..).all(|(counted, number)| counted.quantity == number));
        assert!(ALL.len() <= usize::from(OF_ACTORS[0]));
        assert!(OF_ACTORS.windows(2).all(|pair| usize::from(pair[1] - pair[0]) >= MAX_ACTORS));
    }
}
