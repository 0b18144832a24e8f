//! What can be asked: which places, what in the cookie, what compared, which locks.

use stalemap_model::words::settings::Setting;

use super::dimension::Dimension;
use super::table::locks::{
    CLONE_LOCK, DIO_CACHED, DIO_WAIT, FAULT_MAP, FILL_MAP, INVALIDATE_LOCK, LAYOUT_LOCK, PUNCH_LOCK,
    READ_LOCK, REDIRTY_LOCK, RELOCATE_LOCK, SEEK_LOCK, UNALIGNED_LOCK, WRITE_LOCK, WRITEBACK_LOOKUP,
    ZERO_LOCK,
};
use super::table::{
    ALLOC_RECHECK, CONVERT_RECHECK, COOKIE_NEW, COOKIE_SIZE, COW_HOLE, COW_RECHECK, DIO_READ, DIO_WRITE,
    FAULT, READ, REFLINK, RELOCATE_RECHECK, SCOPE, SEEK, UNSHARE, WRITE, WRITE_COMPARED, WRITE_COOKIE,
    WRITEBACK, WRITEBACK_EACH, ZERO,
};

/// A question: the dimensions that are varied, and what stays as it is.
#[derive(Debug)]
pub struct Question {
    /// Its name on the command line.
    pub key: &'static str,
    /// What its sets are sets of: `places at which a mapping is validated`.
    pub words: &'static str,
    /// What is varied.
    pub dimensions: &'static [&'static Dimension],
    /// The fields that have the same value in all candidates.
    pub fixed: &'static [(&'static str, Setting<'static>)],
    /// What belongs to it and has no field: it is not asked about.
    pub not_modelled: &'static [&'static str],
}

/// Where mappings are validated.
pub const PLACES: Question = Question {
    key: "places",
    words: "places at which a mapping is validated",
    dimensions: &[
        &WRITE,
        &ZERO,
        &UNSHARE,
        &WRITEBACK,
        &WRITEBACK_EACH,
        &FAULT,
        &READ,
        &DIO_WRITE,
        &DIO_READ,
        &REFLINK,
        &SEEK,
    ],
    fixed: &[],
    not_modelled: &[],
};

/// What the validity cookie contains, where every place compares it.
pub const COOKIE: Question = Question {
    key: "cookie",
    words: "what the validity cookie contains",
    dimensions: &[&WRITE_COOKIE, &COW_HOLE, &WRITEBACK, &SCOPE, &COOKIE_SIZE, &COOKIE_NEW],
    fixed: &[("counter", Setting::Flag(true)), ("seek_check", Setting::Text("after-probe"))],
    not_modelled: &[],
};

/// What is compared, or looked at again.
pub const COMPARE: Question = Question {
    key: "compare",
    words: "what is compared, or looked at again",
    dimensions: &[&WRITE_COMPARED, &RELOCATE_RECHECK, &COW_RECHECK, &CONVERT_RECHECK, &ALLOC_RECHECK],
    fixed: &[
        ("counter", Setting::Flag(true)),
        ("writeback_check", Setting::Text("cookie-cow")),
        ("seek_check", Setting::Text("after-probe")),
    ],
    not_modelled: &[],
};

/// Locks, waits and look-ups, beside the comparisons that they can stand in for.
pub const LOCKS: Question = Question {
    key: "locks",
    words: "locks, waits and look-ups, and of comparisons that they can stand in for",
    dimensions: &[
        &WRITE,
        &WRITEBACK_LOOKUP,
        &FAULT,
        &READ,
        &REFLINK,
        &SEEK,
        &SEEK_LOCK,
        &READ_LOCK,
        &FAULT_MAP,
        &FILL_MAP,
        &WRITE_LOCK,
        &INVALIDATE_LOCK,
        &PUNCH_LOCK,
        &ZERO_LOCK,
        &REDIRTY_LOCK,
        &UNALIGNED_LOCK,
        &DIO_WAIT,
        &DIO_CACHED,
        &LAYOUT_LOCK,
        &CLONE_LOCK,
        &RELOCATE_LOCK,
    ],
    fixed: &[],
    not_modelled: &[],
};

/// All questions, in the order of the help.
pub const ALL: &[&Question] = &[&PLACES, &COOKIE, &COMPARE, &LOCKS];

#[cfg(test)]
mod tests {
    use stalemap_model::words::design::Design;
    use stalemap_model::words::implementation::Implementation;
    use stalemap_model::words::personality::Personality;

    use super::*;
    use crate::synthesis::lattice::Lattice;

    fn base(fs: &str) -> Implementation {
        let fs = Personality::built_in(fs).expect("a personality");
        Implementation { design: Design::built_in("iomap_valid").expect("a design"), fs }
    }

    #[test]
    fn every_setting_is_one_of_a_design_or_a_personality() {
        for question in ALL {
            let sets = question.dimensions.iter().flat_map(|dimension| dimension.values);
            for (field, setting) in question.fixed.iter().chain(sets.flat_map(|value| value.sets)) {
                base("xfs")
                    .set(field, *setting)
                    .unwrap_or_else(|error| panic!("{field} = {setting}: {error}"));
            }
        }
    }

    #[test]
    fn the_values_of_a_dimension_set_the_same_fields_and_are_a_lattice() {
        for dimension in ALL.iter().flat_map(|question| question.dimensions) {
            let fields = |value: usize| {
                let mut fields: Vec<&str> =
                    dimension.values[value].sets.iter().map(|(field, _)| *field).collect();
                fields.sort_unstable();
                fields
            };
            let all = 0..dimension.values.len();
            for one in all.clone() {
                assert!(fields(one).iter().all(|field| fields(dimension.strongest()).contains(field)));
                assert!(dimension.is_at_most(0, one) && dimension.is_at_most(one, dimension.strongest()));
                for other in all.clone() {
                    let both =
                        one != other && dimension.is_at_most(one, other) && dimension.is_at_most(other, one);
                    assert!(!both, "{}: {one} and {other} are weaker than each other", dimension.key);
                    let bounds = all.clone().filter(|bound| {
                        dimension.is_at_most(one, *bound) && dimension.is_at_most(other, *bound)
                    });
                    let join = dimension.join(one, other);
                    for bound in bounds {
                        assert!(dimension.is_at_most(join, bound), "{}: {one} and {other}", dimension.key);
                    }
                    for third in all.clone() {
                        let chain = dimension.is_at_most(one, other) && dimension.is_at_most(other, third);
                        assert!(!chain || dimension.is_at_most(one, third), "{}", dimension.key);
                    }
                }
            }
        }
    }

    #[test]
    fn no_two_dimensions_of_a_question_have_one_name_or_set_one_field() {
        for question in ALL {
            let mut keys: Vec<&str> = question.dimensions.iter().map(|dimension| dimension.key).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), question.dimensions.len(), "{}", question.key);
            let field_of = |place: usize| {
                let values = question.dimensions[place].values.iter();
                values.flat_map(|value| value.sets).map(|(field, _)| *field).collect::<Vec<_>>()
            };
            for one in 0..question.dimensions.len() {
                for other in one + 1..question.dimensions.len() {
                    let shared = field_of(one).into_iter().any(|field| field_of(other).contains(&field));
                    assert!(!shared, "{}: {one} and {other}", question.key);
                }
            }
        }
    }

    #[test]
    fn the_largest_candidates_without_another_are_all_that_there_are() {
        let lattice = Lattice::new(&COOKIE, &base("xfs").fs);
        let all = lattice.all();
        assert_eq!(all.len() as u64, lattice.size());
        for other in &all {
            let largest = lattice.largest_without(&lattice.top(), other);
            let without: Vec<_> = all.iter().filter(|one| !lattice.is_at_most(other, one)).cloned().collect();
            assert_eq!(lattice.maximal(&largest), lattice.maximal(&without), "{}", lattice.name(other));
        }
    }

    #[test]
    fn what_compares_nothing_needs_no_counter() {
        let (base, lattice) = (base("gfs2"), Lattice::new(&LOCKS, &base("gfs2").fs));
        for (place, dimension) in lattice.dimensions.iter().enumerate() {
            let candidate = lattice.bottom().with(place, 1);
            let made = lattice.implementation(&base, &candidate).expect("a candidate");
            let checks = dimension.kind == crate::synthesis::dimension::Kind::Check;
            assert_eq!(made.fs.counter, checks, "{}", dimension.key);
        }
    }
}
