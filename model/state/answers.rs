//! What the calls of some actors returned, where a scenario asks for it (`[observe] calls`). It is nothing that the kernel
//! keeps: the answers are part of the state so that final states with different ones are told apart.

use std::collections::BTreeMap;
use std::ops::Range;

use stalemap_facade::{ActorId, Backend, Leaf};

use crate::state::event::Errno;
use crate::state::mapping::IomapType;
use crate::words::geometry::Cell;
use crate::words::value::Value;

/// What one call returned.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Answer {
    /// read(2): the cells that it was given.
    Read(BTreeMap<Cell, Value>),
    /// lseek(2): the place; `None` for ENXIO.
    Seek(Option<Cell>),
    /// fiemap: what was mapped, holes included.
    Map(Vec<(Range<Cell>, IomapType)>),
    /// Any of them: an error.
    Failed(Errno),
}

/// The answers, by actor, in the order of the calls; those of actors that are not listened to are not kept.
pub struct Answers<B: Backend>(Vec<Option<B::Leaf<Vec<Answer>>>>);

impl<B: Backend> Answers<B> {
    /// None yet. `heard` has the actors that are listened to, by their places in the scenario.
    pub fn new(backend: &B, actors: usize, heard: &[usize]) -> Self {
        // The setup is actor 0.
        let leaf = |actor: usize| heard.contains(&actor).then(|| backend.leaf("answers", Vec::new()));
        Answers(std::iter::once(None).chain((0..actors).map(leaf)).collect())
    }

    fn change(&self, actor: ActorId, change: impl FnOnce(&mut Vec<Answer>)) {
        if let Some(answers) = self.0.get(actor).and_then(Option::as_ref) {
            answers.update(change);
        }
    }

    /// A read(2) begins.
    pub fn reads(&self, actor: ActorId) {
        self.change(actor, |answers| answers.push(Answer::Read(BTreeMap::new())));
    }

    /// The latest read(2) is given what `cells` hold.
    pub fn read(&self, actor: ActorId, cells: impl Iterator<Item = Cell>, values: &[Value]) {
        self.change(actor, |answers| {
            if let Some(Answer::Read(given)) = answers.last_mut() {
                given.extend(cells.zip(values.iter().copied()));
            }
        });
    }

    /// The latest read(2) or fiemap fails, whatever it was given before: `iomap_dio_complete` returns the error alone.
    pub fn call_fails(&self, actor: ActorId, error: Errno) {
        self.change(actor, |answers| {
            if let Some(answer) = answers.last_mut() {
                *answer = Answer::Failed(error);
            }
        });
    }

    /// A call fails before it has begun.
    pub fn refused(&self, actor: ActorId, error: Errno) {
        self.change(actor, |answers| answers.push(Answer::Failed(error)));
    }

    /// An lseek(2) returns.
    pub fn sought(&self, actor: ActorId, found: Option<Cell>) {
        self.change(actor, |answers| answers.push(Answer::Seek(found)));
    }

    /// A fiemap begins.
    pub fn maps(&self, actor: ActorId) {
        self.change(actor, |answers| answers.push(Answer::Map(Vec::new())));
    }

    /// The latest fiemap has found `cells` of one kind.
    pub fn mapped(&self, actor: ActorId, cells: Range<Cell>, kind: IomapType) {
        self.change(actor, |answers| {
            if let Some(Answer::Map(found)) = answers.last_mut() {
                found.push((cells, kind));
            }
        });
    }

    /// Shows the answers of an actor to an observer.
    pub fn of(&self, actor: ActorId) -> Vec<Answer> {
        let mut all = Vec::new();
        if let Some(answers) = self.0.get(actor).and_then(Option::as_ref) {
            answers.audit(|answers| all.clone_from(answers));
        }
        all
    }
}
