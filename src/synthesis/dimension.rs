//! What can be chosen: a dimension has values, which set fields of designs and personalities, and of which some are weaker than
//! others. The table of them is in [`table`](super::table).

use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::personality::Personality;
use stalemap_model::words::settings::Setting;

/// One thing that can be chosen, with what it can be.
#[derive(Debug)]
pub struct Dimension {
    /// Its name in tables and documents: `write`.
    pub key: &'static str,
    /// What it is, as the end of a sentence: `a buffered write compares its mapping`.
    pub words: &'static str,
    /// Whether something is compared, or locked.
    pub kind: Kind,
    /// How runs show that it is looked at.
    pub shows: Shows,
    /// Its values. The first is the weakest and counts as absent, the last is the strongest.
    pub values: &'static [Value],
    /// Whether a file system has it at all.
    pub on: fn(&Personality) -> bool,
}

/// A value of a dimension.
#[derive(Debug)]
pub struct Value {
    /// As it stands in tables: `after-lock`.
    pub name: &'static str,
    /// What it adds to the words of the dimension: `once it has locked the folio`.
    pub words: &'static str,
    /// All values that are weaker, by their places.
    pub weaker: &'static [usize],
    /// The fields that it sets.
    pub sets: &'static [(&'static str, Setting<'static>)],
}

/// What kind of thing is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Something is compared, for which changes of the extent map have to be counted.
    Check,
    /// Something is locked, waited for, or looked up anew.
    Lock,
}

/// How runs show that a dimension is looked at: where no run performs the operation, leaving it out changes no run.
#[derive(Clone, Copy, Debug)]
pub enum Shows {
    /// By this operation; others may perform it as well.
    Operation(&'static str),
    /// By the file system's own name of what validates the mapping of writeback.
    ImapValid,
    /// Not by one operation.
    Nothing,
}

impl Dimension {
    /// The operation that shows it, on a file system.
    pub fn operation(&self, implementation: &Implementation) -> Option<&'static str> {
        match self.shows {
            Shows::Operation(name) => Some(name),
            Shows::ImapValid => Some(implementation.fs.names.imap_valid),
            Shows::Nothing => None,
        }
    }

    /// The place of its strongest value.
    pub fn strongest(&self) -> usize {
        self.values.len().saturating_sub(1)
    }

    /// Whether a value is as weak as another, or weaker.
    pub fn is_at_most(&self, value: usize, other: usize) -> bool {
        value == other || self.values.get(other).is_some_and(|other| other.weaker.contains(&value))
    }

    /// The weakest value that is at least as strong as both.
    pub fn join(&self, one: usize, other: usize) -> usize {
        let above = |value: &usize| self.is_at_most(one, *value) && self.is_at_most(other, *value);
        let all = (0..self.values.len()).filter(above);
        all.min_by_key(|value| self.values[*value].weaker.len()).unwrap_or_else(|| self.strongest())
    }

    /// The values right below one: weaker, with none in between.
    pub fn right_below(&self, value: usize) -> Vec<usize> {
        let weaker = self.values.get(value).map_or(&[][..], |value| value.weaker);
        let between = |low: &usize| weaker.iter().any(|other| other != low && self.is_at_most(*low, *other));
        weaker.iter().copied().filter(|low| !between(low)).collect()
    }

    /// The strongest values that are at most `bound`, and not at least `other`.
    pub fn strongest_without(&self, bound: usize, other: usize) -> Vec<usize> {
        let fits = |value: &usize| self.is_at_most(*value, bound) && !self.is_at_most(other, *value);
        let all: Vec<usize> = (0..self.values.len()).filter(fits).collect();
        let covered = |value: &usize| all.iter().any(|more| more != value && self.is_at_most(*value, *more));
        all.iter().copied().filter(|value| !covered(value)).collect()
    }
}
