//! What lies behind a dinode of gfs2, in its buffer.

use crate::words::asked::Asked;
use crate::words::personality::{Allocate, Personality};
use crate::words::value::Value;

/// What lies behind the dinode: the cells of the file's first block, or `None` for the pointers of a file that is
/// not stuffed.
pub type Dinode = Option<Vec<Value>>;

/// The dinode's data of an empty file, where the file system stuffs files.
pub fn empty_dinode(fs: &Asked<Personality>, cells: usize) -> Option<Dinode> {
    (fs.stuffed() > 0 && fs.allocate() == Allocate::Written).then(|| Some(vec![Value::ZERO; cells]))
}
