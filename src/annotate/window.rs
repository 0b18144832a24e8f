//! The window of a schedule: from where a mapping was sampled to where it was used or rejected, through which path, and
//! which of the others have to come while it is open.

use stalemap_explore::Replay;
use stalemap_facade::{ActorId, Role};
use stalemap_model::state::event::Sampler;

use super::clocks::Clock;
use super::events;
use super::mappings::Life;

/// Whose mapping went out of date, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    /// Who had it cached.
    pub actor: ActorId,
    /// Through which path.
    pub path: Path,
    /// In which of the folios that it is used for it misled.
    pub misled: Misled,
    /// The main actors that are done before, in the order of their first steps.
    pub before: Vec<ActorId>,
    /// Those that come while it is open, in the same order.
    pub during: Vec<Turn>,
}

/// An actor that comes while a window is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turn {
    /// Which.
    pub actor: ActorId,
    /// Whether I/O completes between the actor before it and the end of this one's first step.
    pub after_io: bool,
}

/// In which folio a mapping misled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misled {
    /// In none: it was refused, or did no harm.
    Nowhere,
    /// In the first one: nothing was done by it before.
    First,
    /// In a later one.
    Later,
}

/// A path that caches mappings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Path {
    /// A buffered write.
    Write,
    /// Writeback.
    Writeback,
    /// A read, a fault or direct I/O.
    Other,
}

/// The window of the mapping that was used although it was out of date; without one, of the first that went out of date.
pub fn window(replay: &Replay, lives: &[Life], clocks: &[Clock]) -> Option<Window> {
    let misused = lives.iter().find(|life| !life.misused.is_empty());
    let life = misused.or_else(|| lives.iter().find(|life| !life.invalidated.is_empty()))?;
    let path = match life.by {
        Sampler::Write => Path::Write,
        Sampler::Writeback => Path::Writeback,
        Sampler::Zero
        | Sampler::Unshare
        | Sampler::DirectWrite
        | Sampler::DirectRead
        | Sampler::Seek
        | Sampler::Fiemap
        | Sampler::Relocate
        | Sampler::Layout => Path::Other,
    };
    let misled = life.misused.first().map_or(Misled::Nowhere, |(used, _)| {
        let mut before = (life.sampled + 1..*used).filter(|row| replay.played[*row].actor == life.actor);
        if before.any(|row| replay.played[row].events.iter().any(events::is_of_folio_done)) {
            Misled::Later
        } else {
            Misled::First
        }
    });
    let mut others: Vec<(usize, ActorId)> = (0..replay.actors.len())
        .filter(|actor| *actor != life.actor && replay.actors[*actor].role == Role::Main)
        .filter_map(|actor| Some((steps_of(replay, actor).next()?, actor)))
        .collect();
    others.sort_unstable();
    let is_before = |actor: ActorId| {
        let done = steps_of(replay, actor).all(|row| row < life.sampled);
        let knows = |row: usize| clocks[row].contains_key(&actor);
        // Whoever the change comes from has to come late, unless the mapping comes from it, too.
        done && (knows(life.sampled) || !life.invalidated.iter().any(|(row, _)| knows(*row)))
    };
    let (before, during): (Vec<_>, Vec<_>) = others.into_iter().partition(|(_, actor)| is_before(*actor));
    let turn = |(place, (first, actor)): (usize, &(usize, ActorId))| {
        let after = place.checked_sub(1).map(|place| during[place].0);
        let is_io = |row: usize| replay.actors[replay.played[row].actor].role == Role::Daemon;
        Turn { actor: *actor, after_io: after.is_some_and(|after| (after..*first).any(is_io)) }
    };
    let during = during.iter().enumerate().map(turn).collect();
    Some(Window {
        actor: life.actor,
        path,
        misled,
        before: before.into_iter().map(|(_, actor)| actor).collect(),
        during,
    })
}

/// The rows of an actor.
fn steps_of(replay: &Replay, actor: ActorId) -> impl Iterator<Item = usize> {
    replay.played.iter().enumerate().filter(move |(_, step)| step.actor == actor).map(|(row, _)| row)
}
