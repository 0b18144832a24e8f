//! What is changed in a kernel so that a design can be tried on it: a module of the distribution's source with a patch.

use stalemap_model::words::design::Design;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::settings::Setting;

/// A kernel as it is, or with another check.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Variant {
    /// As the distribution ships it.
    #[default]
    Stock,
    /// `xfs_iomap_valid` says that every mapping is valid: design `none`.
    WithoutCheck,
    /// As it is, with XFS_DEBUG, so that there are error tags: design `iomap_valid`.
    Debug,
    /// `xfs_imap_valid` compares the COW fork's counter for a mapping of that fork: design `chinner-cow`. Other mappings are compared as
    /// before; the design compares both counters for all of them, so what it rejects is more.
    CowCounter,
}

impl Variant {
    /// All.
    pub const ALL: [Variant; 4] =
        [Variant::Stock, Variant::WithoutCheck, Variant::Debug, Variant::CowCounter];

    /// The design that stands for it, and its name; none for the kernel as it is.
    pub const fn design(self) -> Option<&'static str> {
        match self {
            Variant::Stock => None,
            Variant::WithoutCheck => Some("none"),
            Variant::Debug => Some("iomap_valid"),
            Variant::CowCounter => Some("chinner-cow"),
        }
    }

    /// The variant that a design is tried by.
    pub fn of_design(name: &str) -> Option<Self> {
        Variant::ALL.into_iter().find(|variant| variant.design() == Some(name))
    }

    /// A kernel with the change.
    pub fn of(self, mut kernel: Implementation) -> Implementation {
        let from = |field: &'static str| {
            let design = Design::built_in(self.design()?)?;
            Some((field, design.value(field)))
        };
        let changed = match self {
            Variant::Stock | Variant::Debug => None,
            Variant::WithoutCheck => from("check"),
            Variant::CowCounter => from("writeback_check"),
        };
        if let Some((field, value)) = changed {
            // A field's own value fits it.
            let _ = kernel.set(field, Setting::Text(value.trim_matches('"')));
        }
        kernel
    }
}

#[cfg(test)]
mod tests {
    use stalemap_model::words::kernel_version::KernelVersion;
    use stalemap_model::words::personality::Personality;

    use super::*;

    #[test]
    fn a_variant_changes_one_field() {
        let fs = Personality::built_in("xfs").expect("a personality");
        let kernel = KernelVersion::NEWEST.implementation(&fs).expect("a kernel");
        let changes = |variant: Variant| -> Vec<&'static str> {
            variant.of(kernel.clone()).differences(&kernel).map(|(field, ..)| field).collect()
        };
        assert_eq!(changes(Variant::Stock), [""; 0]);
        assert_eq!(changes(Variant::Debug), [""; 0]);
        assert_eq!(changes(Variant::WithoutCheck), ["check"]);
        assert_eq!(changes(Variant::CowCounter), ["writeback_check"]);
    }

    #[test]
    fn a_variant_is_found_by_its_design() {
        assert_eq!(Variant::of_design("none"), Some(Variant::WithoutCheck));
        assert_eq!(Variant::of_design("get_folio"), None);
    }
}
