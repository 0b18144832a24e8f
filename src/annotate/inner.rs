//! State that columns do not show by themselves: what page-table entries allow, which blocks of a folio are valid and dirty, and both sizes.
//! It is shown where it decides: what page-table entries allow and the blocks of folios, where a step changes them whose order with
//! another decides; sizes, where a step that the outcome needs changes them, and what is violated may be their fault.

use stalemap_facade::Property;
use stalemap_model::judge::properties;
use stalemap_model::system::panel::{BlockState, Fact, FolioState, MappedFor, Panel, Part, Shows};
use stalemap_model::words::geometry::Bytes;

use super::AnnotatedSchedule;

/// A kind of such state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StateKind {
    /// What page-table entries allow, a letter a page.
    Pte,
    /// The blocks of folios, a letter a block.
    Blocks,
    /// i_size.
    Size,
    /// The size on disk.
    DiskSize,
}

/// A column: the file, its kind, and the value after the setup and after each step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inner {
    /// The file, where there are several.
    pub file: Option<String>,
    /// What it shows.
    pub kind: StateKind,
    /// After the setup, and after each step.
    pub values: Vec<String>,
}

/// Violations that sizes may be the reason of.
const OF_SIZES: [Property; 4] =
    [properties::SIZE_ORDER, properties::STALE_EXPOSURE, properties::CRASH_LOST, properties::CRASH_EXPOSURE];

impl StateKind {
    /// All, in the order of columns.
    pub const ALL: [StateKind; 4] = [StateKind::Pte, StateKind::Blocks, StateKind::Size, StateKind::DiskSize];

    /// The head of its column.
    pub fn name(self) -> &'static str {
        match self {
            StateKind::Pte => "pte",
            StateKind::Blocks => "blocks",
            StateKind::Size => "i_size",
            StateKind::DiskSize => "disk",
        }
    }
}

impl Inner {
    /// All columns of these kinds.
    pub fn of(schedule: &AnnotatedSchedule, kinds: &[StateKind]) -> Vec<Self> {
        let files = schedule.states.first().map_or(0, Vec::len);
        let column = |kind: StateKind, file: usize| {
            let panel = schedule.states.first()?.get(file)?;
            let value =
                |panels: &Vec<Panel>| panels.get(file).map_or_else(String::new, |panel| value(panel, kind));
            let values: Vec<String> = schedule.states.iter().map(value).collect();
            let says = values.iter().any(|value| !value.is_empty());
            says.then(|| Inner { file: panel.title.clone(), kind, values })
        };
        (0..files).flat_map(|file| kinds.iter().filter_map(move |kind| column(*kind, file))).collect()
    }

    /// Those that decide.
    pub fn deciding(schedule: &AnnotatedSchedule) -> Vec<Self> {
        let all = Self::of(schedule, &StateKind::ALL);
        let of_an_order =
            |row: usize| schedule.deciding.iter().any(|order| [order.first, order.second].contains(&row));
        let is_needed = |row: usize| schedule.steps.get(row).is_some_and(|step| step.needed);
        let of_sizes = OF_SIZES.iter().any(|property| schedule.replay.violated.contains(property));
        let decides = |inner: &Inner| match inner.kind {
            StateKind::Pte => inner.changes_in(&of_an_order),
            // What is alike in all blocks of a folio is said by the folio's letters.
            StateKind::Blocks => {
                inner.values.iter().any(|value| is_mixed(value)) && inner.changes_in(&of_an_order)
            }
            StateKind::Size | StateKind::DiskSize => of_sizes && inner.changes_in(&is_needed),
        };
        let found: Vec<Inner> = all.iter().filter(|inner| decides(inner)).cloned().collect();
        // Of two sizes one alone says nothing.
        let has_size = found.iter().any(|inner| matches!(inner.kind, StateKind::Size | StateKind::DiskSize));
        let wanted = |inner: &Inner| {
            found.contains(inner) || has_size && matches!(inner.kind, StateKind::Size | StateKind::DiskSize)
        };
        if found.is_empty() { Vec::new() } else { all.into_iter().filter(wanted).collect() }
    }

    /// The kinds that no step changes in any file.
    pub fn unchanged(schedule: &AnnotatedSchedule, kinds: &[StateKind]) -> Vec<StateKind> {
        let changes =
            |kind: StateKind| Self::of(schedule, &[kind]).iter().any(|inner| inner.changes_in(&|_| true));
        kinds.iter().copied().filter(|kind| !changes(*kind)).collect()
    }

    /// Whether one of these steps changes it.
    fn changes_in(&self, steps: &dyn Fn(usize) -> bool) -> bool {
        self.values.windows(2).enumerate().any(|(row, pair)| steps(row) && pair[0] != pair[1])
    }
}

fn is_mixed(value: &str) -> bool {
    value.split(' ').any(|folio| folio.chars().any(|letter| !folio.starts_with(letter)))
}

fn value(panel: &Panel, kind: StateKind) -> String {
    let folios = |letters: fn(&FolioState) -> String| {
        let strip = panel.strips.iter().find(|strip| strip.shows == Shows::Folios);
        let spans = strip.iter().flat_map(|strip| &strip.spans);
        let parts: Vec<String> = spans
            .map(|span| match &span.part {
                Part::Folio(folio) => letters(folio),
                Part::NoFolio | Part::Block { .. } | Part::Contents(_) => "-".to_owned(),
            })
            .collect();
        parts.join(" ")
    };
    let size = |wanted: fn(&Fact) -> Option<u64>| {
        panel.facts.iter().find_map(wanted).map_or_else(String::new, |bytes| Bytes(bytes).to_string())
    };
    match kind {
        StateKind::Pte => folios(|folio| folio.pages.iter().map(|page| pte(*page)).collect()),
        StateKind::Blocks => folios(|folio| match &folio.blocks[..] {
            [] => "-".to_owned(),
            blocks => blocks.iter().map(|state| block(*state)).collect(),
        }),
        StateKind::Size => size(|fact| if let Fact::Size(bytes) = fact { Some(*bytes) } else { None }),
        StateKind::DiskSize => {
            size(|fact| if let Fact::DiskSize(bytes) = fact { Some(*bytes) } else { None })
        }
    }
}

fn pte(page: Option<MappedFor>) -> char {
    match page {
        None => '-',
        Some(MappedFor::Reading) => 'r',
        Some(MappedFor::Writing) => 'w',
    }
}

fn block(BlockState { uptodate, dirty }: BlockState) -> char {
    match (uptodate, dirty) {
        (_, true) => 'D',
        (true, false) => 'C',
        (false, false) => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_say_what_is_so_of_a_page_and_of_a_block() {
        let pages = [None, Some(MappedFor::Reading), Some(MappedFor::Writing)];
        assert_eq!(pages.map(pte), ['-', 'r', 'w']);
        let blocks = [(false, false), (true, false), (true, true)];
        assert_eq!(blocks.map(|(uptodate, dirty)| block(BlockState { uptodate, dirty })), ['?', 'C', 'D']);
        assert!(is_mixed("- C?CC") && !is_mixed("DDDD ----") && !is_mixed(""));
    }
}
