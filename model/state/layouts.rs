//! Layouts: blocks of a file that were handed out to clients, who write to them by themselves, with none of the kernel's
//! locks. What keeps them valid is a lease: whoever takes blocks away breaks it, by which the client is asked to give the
//! layout back, and waits until it has ([`leases`](crate::state::leases)).
//!
//! With the lease stands here what the client knows: which blocks it has, and what it has written and not yet said.
//!
//! Left out: that a client who does not answer is fenced after two lease periods and loses its layout: it is waited for here for
//! ever; that a layout is not handed out while another one is recalled.

use std::collections::BTreeMap;
use std::ops::Range;

use stalemap_facade::ActorId;

use crate::words::extent::Phys;
use crate::words::geometry::{Cell, FileBlock};
use crate::words::personality::LayoutReturned;
use crate::words::value::WriteId;

/// What one client has.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Layout {
    /// The place of each block.
    pub blocks: BTreeMap<FileBlock, Phys>,
    /// What it has written and not committed.
    pub written: Vec<(WriteId, Range<Cell>)>,
    /// It has given it back, and has not forgotten it (a mutant).
    returned: bool,
}

/// The layouts of a file, by client.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Layouts(BTreeMap<ActorId, Layout>);

impl Layouts {
    /// A client is handed out blocks, beside those that it has.
    pub fn hand_out(&mut self, client: ActorId, blocks: impl IntoIterator<Item = (FileBlock, Phys)>) {
        let layout = self.0.entry(client).or_default();
        if layout.returned {
            *layout = Layout::default();
        }
        layout.blocks.extend(blocks);
    }

    /// What a client takes for its own.
    pub fn known_to(&mut self, client: ActorId) -> Option<&mut Layout> {
        self.0.get_mut(&client)
    }

    /// What a client has.
    pub fn of(&mut self, client: ActorId) -> Option<&mut Layout> {
        self.known_to(client).filter(|layout| !layout.returned)
    }

    /// A client gives back what it has. Returns what it has written and not committed.
    pub fn give_back(&mut self, client: ActorId, then: LayoutReturned) -> Vec<(WriteId, Range<Cell>)> {
        let Some(layout) = self.of(client) else { return Vec::new() };
        let written = std::mem::take(&mut layout.written);
        layout.returned = true;
        if then == LayoutReturned::Forgotten {
            self.0.remove(&client);
        }
        written
    }

    /// Whether nobody has anything.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|layout| layout.returned)
    }
}
