//! What a direct write puts on the device.

use stalemap_facade::{Backend, Leaf};

use crate::judge::properties;
use crate::state::aio::{DeviceWrite, Payload};
use crate::state::event::{DataEvent, What};
use crate::state::inode::Inode;
use crate::words::branches;
use crate::words::geometry::within;
use crate::words::value::Value;
use crate::writeback::io::{audit_owned, is_at, report_checksum};

/// The device writes.
pub fn write_device<B: Backend>(inode: &Inode<B>, write: &DeviceWrite) {
    let geometry = &inode.sb.geometry;
    let blocks = geometry.blocks_touched(&write.cells);
    let given = given(inode, write);
    for block in blocks.clone() {
        let phys = write.phys + (block - blocks.start);
        let cells = geometry.cells_of_block(block);
        let inside = within(&cells, &write.cells);
        inode.sb.supersede(phys);
        inode.sb.disk[usize::from(phys)].update(|contents| {
            let contents = contents.get_or_insert_with(|| vec![Value::garbage(phys); cells.len()]);
            contents[inside].copy_from_slice(&given[within(&write.cells, &cells)]);
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
        What::Data(DataEvent::OnDevice { bytes, zeros: write.data == Payload::Zeros })
    });
    report_checksum(inode, &write.cells, &given);
}

/// What the device gets, with the checksum that was calculated before it read the data.
fn given<B: Backend>(inode: &Inode<B>, write: &DeviceWrite) -> Vec<Value> {
    let buffers = &inode.sb.user_buffers;
    match &write.data {
        Payload::Zeros => vec![Value::ZERO; write.cells.len()],
        Payload::Written(id) => Value::written_to(*id, write.cells.clone()).collect(),
        Payload::Copied(id, submitted) => {
            if buffers.audit(*id, &write.cells) != *submitted {
                inode.sb.backend.reach(branches::BUFFER_CHANGED);
            }
            submitted.clone()
        }
        Payload::InPlace(id, submitted) => {
            let mut data = buffers.contents(*id, &write.cells);
            if data != *submitted {
                inode.sb.backend.reach(branches::BUFFER_CHANGED);
            }
            if inode.sb.config.fs.data_checksum() {
                inode.sb.with_checksums(&mut data, submitted);
            }
            data
        }
    }
}
