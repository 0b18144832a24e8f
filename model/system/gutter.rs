//! The shared state in a few letters, for the columns beside a schedule.

use stalemap_facade::{Backend, Leaf, Lock};

use crate::state::inode::Inode;
use crate::state::world::World;
use crate::state::zones::ZoneState;
use crate::words::config::Config;
use crate::words::extent::{ExtentMap, Fork};
use crate::words::geometry::Bytes;

/// The columns of a world, each with its head: those of each file, and one of the zones where there are any.
pub(crate) fn columns<B: Backend>(w: &World<B>, config: &Config) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    for inode in &w.inodes {
        let head = |what: &str| match config.label(inode.number) {
            Some(name) => format!("{name}:{what}"),
            None => what.to_owned(),
        };
        columns.extend(of_file(inode).into_iter().map(|(what, value)| (head(what), value)));
    }
    let mut zones = Vec::new();
    w.sb.space.audit(|space| zones = space.zones());
    if !zones.is_empty() {
        columns.push(("zones".to_owned(), zones.into_iter().map(letters).collect::<Vec<_>>().join(" ")));
    }
    columns
}

fn of_file<B: Backend>(inode: &Inode<B>) -> Vec<(&'static str, String)> {
    let mut columns = Vec::new();
    let stuffed = inode.audit_stuffed().is_some();
    inode.audit_map(|map: &ExtentMap| {
        let mut letters = map.letters();
        if stuffed {
            letters.replace_range(..1, "I");
        }
        columns.push(("ext", letters));
        if let Some(valid) = map.valid {
            columns.push(("valid", Bytes(inode.sb.geometry.byte_at(valid)).to_string()));
        }
    });
    columns.push(("seq", inode.counters.show(Fork::Data)));
    let mut folios = Vec::new();
    for page in &inode.pages {
        page.audit(|slot| folios.push(slot.letters()));
    }
    columns.push(("folios", folios.join(" ")));
    columns
}

/// A zone in a few characters. Of one that is open: how many blocks are written, how many were given to I/O, how many it has.
fn letters(zone: ZoneState) -> String {
    let ZoneState { open, written, allocated, size } = zone;
    match (open, allocated) {
        (true, _) => format!("o{written}/{allocated}/{size}"),
        (false, 0) => "-".to_owned(),
        (false, _) => "F".to_owned(),
    }
}
