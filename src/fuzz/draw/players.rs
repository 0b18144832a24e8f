//! The actors of a scenario: one who maps, one who changes, and others.

use super::calls::{self, Kind};
use super::cast::{Cast, Focus};
use crate::fuzz::recipe::{Call, Player};

/// Names of actors, in the order of their places.
const NAMES: [&str; 5] = ["a1", "a2", "a3", "a4", "a5"];

/// How many actors there are, by weight.
const ACTORS: [(u64, usize); 4] = [(42, 2), (38, 3), (15, 4), (5, 5)];

/// How many commands one has, by weight.
const COMMANDS: [(u64, usize); 3] = [(70, 1), (24, 2), (6, 3)];

impl Cast {
    /// The actors: one who maps, one who changes, and others.
    pub(super) fn players(&mut self) -> Vec<Player> {
        let many = self.random.weighted(&ACTORS, |_| true).copied().unwrap_or(2);
        let kinds = match self.focus {
            Focus::Check => [Kind::HoldsLong, Kind::ChangesUnder],
            Focus::Anything => [Kind::Maps, Kind::Changes],
        };
        let mut players: Vec<Player> = Vec::new();
        for (at, name) in NAMES.iter().enumerate().take(many) {
            let kind = kinds.get(at).copied().unwrap_or_else(|| self.further());
            players.push(Player { name: (*name).to_owned(), run: self.run(kind) });
        }
        if self.random.percent(6) && calls::can_crash(self.on) {
            players.truncate(NAMES.len() - 1);
            players.push(Player { name: "power".to_owned(), run: vec![Call::new(0, "@crash")] });
        }
        players
    }

    fn further(&mut self) -> Kind {
        *self.random.one(&[Kind::Cleans, Kind::Cleans, Kind::Changes, Kind::Maps])
    }

    /// What an actor does: first what it is there for.
    fn run(&mut self, kind: Kind) -> Vec<Call> {
        let many = self.random.weighted(&COMMANDS, |_| true).copied().unwrap_or(1);
        let mut run: Vec<Call> = Vec::new();
        let mut state = calls::Before::default();
        for at in 0..many {
            let kind = if at == 0 { kind } else { self.further() };
            let file = usize::from(self.files > 1 && self.random.percent(30));
            run.extend(calls::drawn(self, kind, file, &mut state));
            if state.killed {
                break;
            }
        }
        if state.submitted {
            run.push(Call::new(0, "@wait"));
        }
        run
    }
}
