//! What a direct write puts on the device.

use stalemap_facade::{Backend, Leaf};

use crate::judge::properties;
use crate::state::aio::DeviceWrite;
use crate::state::event::{DataEvent, What};
use crate::state::inode::Inode;
use crate::words::value::Value;
use crate::writeback::io::{audit_owned, is_at};

/// The device writes.
pub fn write_device<B: Backend>(inode: &Inode<B>, write: &DeviceWrite) {
    let geometry = &inode.sb.geometry;
    let blocks = geometry.blocks_touched(&write.cells);
    for block in blocks.clone() {
        let phys = write.phys + (block - blocks.start);
        let cells = geometry.cells_of_block(block);
        let inside = crate::words::geometry::within(&cells, &write.cells);
        inode.sb.supersede(phys);
        inode.sb.disk[usize::from(phys)].update(|contents| {
            let contents = contents.get_or_insert_with(|| vec![Value::garbage(phys); cells.len()]);
            contents[inside].fill(write.value);
        });
        audit_owned(inode, phys);
        let mut misplaced = false;
        inode.audit_map(|map| misplaced = !is_at(map, block, phys, write.shared));
        let mut others = 0;
        inode.sb.space.audit(|space| others = space.references(phys).saturating_sub(1));
        if misplaced || others > 0 {
            inode.violate(properties::WRONG_ADDRESS, || {
                let block = geometry.show_blocks(&(block..block + 1));
                let why = if misplaced { "not where it is" } else { "shared" };
                format!("{block} is written to device block {phys}, which is {why}")
            });
        }
    }
    inode.audit_crash();
    inode.emit(|| {
        let bytes = geometry.bytes_of_cells(&write.cells);
        What::Data(DataEvent::OnDevice { bytes, zeros: write.value == Value::ZERO })
    });
}
