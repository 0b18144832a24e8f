//! What is checked: what the iomap core does about a mapping that may be out of date, on a file system that does its part.
//!
//! A design alone says nothing about a kernel: the same check is sound on one file system and not on another. So verdicts are
//! about both together, under one name: a design on the file system of the scenario, a
//! [kernel](crate::words::kernel_version::KernelVersion), or what a scenario file makes of either.

use crate::words::design::Design;
use crate::words::personality::Personality;
use crate::words::settings::{Setting, SettingError};

/// A design on a file system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Implementation {
    /// What the iomap core and its callers do. Its name is that of the whole.
    pub design: Design,
    /// What the file system does.
    pub fs: Personality,
}

impl Implementation {
    /// The name in tables and in `[expect]`.
    pub fn name(&self) -> &str {
        &self.design.name
    }

    /// Sets a field of either part by name.
    pub fn set(&mut self, field: &str, setting: Setting<'_>) -> Result<(), SettingError> {
        if Personality::FIELDS.contains(&field) {
            return self.fs.set(field, setting);
        }
        self.design.set(field, setting).map_err(|error| match error {
            SettingError::UnknownField { field, known } => SettingError::UnknownField {
                field,
                known: known.into_iter().chain(Personality::FIELDS.iter().copied()).collect(),
            },
            wrong @ SettingError::WrongValue { .. } => wrong,
        })
    }

    /// The fields in which this one differs from another, each with both values as they stand in files.
    pub fn differences<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (&'static str, String, String)> + 'a {
        let values = |one: &Implementation| {
            let design = Design::FIELDS.iter().map(|field| (*field, one.design.value(field)));
            design
                .chain(Personality::FIELDS.iter().map(|field| (*field, one.fs.value(field))))
                .collect::<Vec<_>>()
        };
        let pairs = values(self).into_iter().zip(values(other));
        pairs.filter(|(one, two)| one != two).map(|((field, one), (_, two))| (field, one, two))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_one_of_the_design_or_of_the_file_system() {
        assert!(Design::FIELDS.iter().all(|field| !Personality::FIELDS.contains(field)));
    }

    #[test]
    fn either_part_is_set_and_compared_by_name() {
        let design = Design::built_in("iomap_valid").expect("a design");
        let plain = Implementation { design, fs: Personality::built_in("xfs").expect("a personality") };
        let mut changed = plain.clone();
        changed.set("check", Setting::Text("none")).expect("a value");
        changed.set("block_dirty", Setting::Flag(true)).expect("a value");
        let differences: Vec<_> = plain.differences(&changed).collect();
        let texts = |field, one: &str, two: &str| (field, one.to_owned(), two.to_owned());
        assert_eq!(
            differences,
            [texts("check", "\"after-lock\"", "\"none\""), texts("block_dirty", "false", "true")]
        );
        let Err(SettingError::UnknownField { known, .. }) = changed.set("nonesuch", Setting::Flag(true))
        else {
            panic!("there is no such field")
        };
        assert_eq!(known.len(), Design::FIELDS.len() + Personality::FIELDS.len());
        let wrong = changed.set("block_dirty", Setting::Text("yes")).map_err(|error| error.to_string());
        assert_eq!(wrong, Err("`block_dirty` cannot be \"yes\"; expected true, false".to_owned()));
    }
}
