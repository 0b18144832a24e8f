//! What tells transitions apart that cost something: the items that somebody reads off their events.
//!
//! A label is made where a transition is executed, and kept with the transitions that are known: what a transition says of
//! itself depends on what its outcome depends on, and on nothing else. But for the properties that it violates, of which
//! only the first time is told; these are not shown to whoever reads.

use std::collections::HashMap;

use stalemap_facade::Event;

/// The number of a list of items.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Label(u32);

impl Label {
    /// No items.
    pub(crate) const NOTHING: Label = Label(0);
}

/// Reads the items of an event.
pub(crate) type Reader<'r> = Box<dyn Fn(&Event, &mut Vec<u32>) + 'r>;

/// The labels given so far.
pub(crate) struct Labels<'r> {
    reader: Reader<'r>,
    lists: Vec<Box<[u32]>>,
    numbers: HashMap<Box<[u32]>, Label>,
}

impl<'r> Labels<'r> {
    pub(crate) fn new(reader: Reader<'r>) -> Self {
        let nothing: Box<[u32]> = Box::default();
        Labels { reader, lists: vec![nothing.clone()], numbers: HashMap::from([(nothing, Label::NOTHING)]) }
    }

    /// The label of a transition that has told this.
    pub(crate) fn of(&mut self, events: &[Event]) -> Label {
        let mut items = Vec::new();
        let told = events.iter().filter(|event| matches!(event, Event::System(_)));
        told.for_each(|event| (self.reader)(event, &mut items));
        if let Some(label) = self.numbers.get(items.as_slice()) {
            return *label;
        }
        let label = Label(self.lists.len() as u32);
        let items: Box<[u32]> = items.into();
        self.lists.push(items.clone());
        self.numbers.insert(items, label);
        label
    }

    /// The items of a label.
    pub(crate) fn items(&self, label: Label) -> &[u32] {
        &self.lists[label.0 as usize]
    }
}
