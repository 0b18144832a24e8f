//! Whether what a crash leaves is whole.

use std::ops::Range;

use crate::words::geometry::Cell;
use crate::words::value::{Value, WriteId};

/// A transaction of which there is a part: some of its cells are older than it, and some are not. Those behind the size
/// that was recovered are of another transaction, and cells that something else was put into say nothing.
pub(crate) fn torn(
    transactions: &[(WriteId, Range<Cell>)],
    recovered: &[Value],
    size: Cell,
) -> Option<(WriteId, Range<Cell>)> {
    let newest = |cell: Cell, id: WriteId| {
        transactions.iter().rposition(|(other, cells)| *other == id && cells.contains(&cell))
    };
    let is_torn = |number: usize, cells: &Range<Cell>| {
        let known = cells.clone().filter(|cell| *cell < size).filter_map(|cell| {
            let id = recovered[usize::from(cell)].write()?;
            match newest(cell, id) {
                Some(found) => Some(found >= number),
                // Older than all of them.
                None => Some(false),
            }
        });
        let known: Vec<bool> = known.collect();
        known.contains(&true) && known.contains(&false)
    };
    let mut numbered = transactions.iter().enumerate();
    numbered.find(|(number, (_, cells))| is_torn(*number, cells)).map(|(_, transaction)| transaction.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_torn_when_a_part_of_it_is_older() {
        let values = |ids: [WriteId; 3]| ids.map(|id| Value::written(id, 0));
        let transactions = [(1, 0..2), (2, 1..3)];
        for whole in [[0, 0, 0], [1, 1, 0], [1, 2, 2]] {
            assert_eq!(torn(&transactions, &values(whole), 3), None);
        }
        assert_eq!(torn(&transactions, &values([1, 0, 0]), 3), Some((1, 0..2)));
        assert_eq!(torn(&transactions, &values([1, 2, 0]), 3), Some((2, 1..3)));
        assert_eq!(torn(&transactions, &values([1, 2, 0]), 2), None);
    }
}
