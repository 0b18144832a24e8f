//! Candidates: a value for each dimension. They are a lattice, since the values of each dimension are one.

use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::personality::Personality;
use stalemap_model::words::settings::{Setting, SettingError};

use super::dimension::{Dimension, Kind};
use super::question::Question;

/// The folios of a batch of writeback.
pub const BATCH: u64 = 1;

/// A value for each dimension of a lattice, by its place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Candidate(Vec<usize>);

impl Candidate {
    /// The value of a dimension.
    pub fn at(&self, dimension: usize) -> usize {
        self.0.get(dimension).copied().unwrap_or(0)
    }

    /// The same with another value of a dimension.
    #[must_use]
    pub fn with(&self, dimension: usize, value: usize) -> Self {
        let mut changed = self.clone();
        if let Some(place) = changed.0.get_mut(dimension) {
            *place = value;
        }
        changed
    }

    /// Whether everything is absent.
    pub fn is_bottom(&self) -> bool {
        self.0.iter().all(|value| *value == 0)
    }

    /// The dimensions that are not absent, by their places.
    pub fn present(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.0.len()).filter(|dimension| self.at(*dimension) != 0)
    }
}

/// All candidates of a question on a file system.
#[derive(Clone, Debug)]
pub struct Lattice {
    question: &'static Question,
    /// The dimensions that the file system has.
    pub dimensions: Vec<&'static Dimension>,
}

impl Lattice {
    /// The candidates of a question on a file system.
    pub fn new(question: &'static Question, fs: &Personality) -> Self {
        let on = |dimension: &&&'static Dimension| (dimension.on)(fs);
        Lattice { question, dimensions: question.dimensions.iter().filter(on).copied().collect() }
    }

    /// What is asked.
    pub fn question(&self) -> &'static Question {
        self.question
    }

    /// Nothing at all.
    pub fn bottom(&self) -> Candidate {
        Candidate(vec![0; self.dimensions.len()])
    }

    /// Everything, as strong as it gets.
    pub fn top(&self) -> Candidate {
        Candidate(self.dimensions.iter().map(|dimension| dimension.strongest()).collect())
    }

    /// How many candidates there are.
    pub fn size(&self) -> u64 {
        self.dimensions.iter().map(|dimension| dimension.values.len() as u64).product()
    }

    /// All candidates, the weakest first.
    pub fn all(&self) -> Vec<Candidate> {
        let mut all = vec![self.bottom()];
        for (place, dimension) in self.dimensions.iter().enumerate() {
            let with = |candidate: &Candidate| {
                let candidate = candidate.clone();
                (0..dimension.values.len()).map(move |value| candidate.with(place, value))
            };
            all = all.iter().flat_map(with).collect();
        }
        all.sort_by_key(|candidate| self.rank(candidate));
        all
    }

    /// How strong a candidate is: what is weaker than another has a smaller rank.
    pub fn rank(&self, candidate: &Candidate) -> usize {
        let weaker = |(place, dimension): (usize, &&Dimension)| {
            dimension.values.get(candidate.at(place)).map_or(0, |value| value.weaker.len())
        };
        self.dimensions.iter().enumerate().map(weaker).sum()
    }

    /// Whether a candidate is as weak as another in every dimension, or weaker.
    pub fn is_at_most(&self, one: &Candidate, other: &Candidate) -> bool {
        let mut dimensions = self.dimensions.iter().enumerate();
        dimensions.all(|(place, dimension)| dimension.is_at_most(one.at(place), other.at(place)))
    }

    /// The weakest candidate that is at least as strong as both.
    pub fn join(&self, one: &Candidate, other: &Candidate) -> Candidate {
        let joined = self.dimensions.iter().enumerate();
        let joined = joined.map(|(place, dimension)| dimension.join(one.at(place), other.at(place)));
        Candidate(joined.collect())
    }

    /// The candidates right below one.
    pub fn right_below(&self, candidate: &Candidate) -> Vec<Candidate> {
        let dimensions = self.dimensions.iter().enumerate();
        let below = dimensions.flat_map(|(place, dimension)| {
            let values = dimension.right_below(candidate.at(place)).into_iter();
            values.map(move |value| candidate.with(place, value))
        });
        below.collect()
    }

    /// The largest candidates that are at most `bound`, and not at least `other`.
    pub fn largest_without(&self, bound: &Candidate, other: &Candidate) -> Vec<Candidate> {
        if !self.is_at_most(other, bound) {
            return vec![bound.clone()];
        }
        let dimensions = self.dimensions.iter().enumerate();
        let cut = dimensions.flat_map(|(place, dimension)| {
            let values = dimension.strongest_without(bound.at(place), other.at(place)).into_iter();
            values.map(move |value| bound.with(place, value))
        });
        cut.collect()
    }

    /// Those of some candidates than which none of them is weaker, each once.
    pub fn minimal(&self, candidates: &[Candidate]) -> Vec<Candidate> {
        extremes(candidates, |other, one| self.is_at_most(other, one))
    }

    /// Those than which none is stronger.
    pub fn maximal(&self, candidates: &[Candidate]) -> Vec<Candidate> {
        extremes(candidates, |other, one| self.is_at_most(one, other))
    }

    /// A candidate on a base. Where it compares anything, changes of the extent map are counted. Writeback looks folios up one at
    /// a time, as it does between two batches that are full: files as small as those of scenarios fill none, and what comes in
    /// between would be put to no test.
    ///
    /// # Errors
    ///
    /// If the table names a field or a value that there is not; a test sets all of them.
    pub fn implementation(
        &self,
        base: &Implementation,
        candidate: &Candidate,
    ) -> Result<Implementation, SettingError> {
        let mut made = base.clone();
        for (field, setting) in self.fields(candidate) {
            made.set(field, setting)?;
        }
        made.design.name = self.name(candidate);
        Ok(made)
    }

    /// The fields that a candidate sets, with their values.
    pub fn fields(&self, candidate: &Candidate) -> Vec<(&'static str, Setting<'static>)> {
        let values = self.dimensions.iter().enumerate();
        let values =
            values.filter_map(|(place, dimension)| Some(dimension.values.get(candidate.at(place))?.sets));
        let mut fields = vec![("writeback_batch", Setting::Number(BATCH))];
        fields.extend(self.question.fixed.iter().chain(values.flatten()).copied());
        if self.needs_counter(candidate) && !fields.iter().any(|(field, _)| *field == "counter") {
            fields.push(("counter", Setting::Flag(true)));
        }
        fields
    }

    /// Whether a candidate compares anything, and so needs changes to be counted.
    pub fn needs_counter(&self, candidate: &Candidate) -> bool {
        let mut present = candidate.present().filter_map(|place| self.dimensions.get(place));
        present.any(|dimension| dimension.kind == Kind::Check)
    }

    /// A name for a candidate: `write=after-lock,writeback=range-data`; `none` for the weakest.
    pub fn name(&self, candidate: &Candidate) -> String {
        let part = |place: usize| {
            let dimension = self.dimensions.get(place)?;
            Some(format!("{}={}", dimension.key, dimension.values.get(candidate.at(place))?.name))
        };
        let parts: Vec<String> = candidate.present().filter_map(part).collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(",") }
    }
}

/// Those that no other one beats, each once.
fn extremes(candidates: &[Candidate], beats: impl Fn(&Candidate, &Candidate) -> bool) -> Vec<Candidate> {
    let beaten = |one: &Candidate| candidates.iter().any(|other| other != one && beats(other, one));
    let mut kept: Vec<Candidate> =
        candidates.iter().filter(|candidate| !beaten(candidate)).cloned().collect();
    kept.sort();
    kept.dedup();
    kept
}
