//! The shared memory of one modelled file system.

use std::sync::Arc;

use stalemap_facade::Backend;

use crate::state::inode::Inode;
use crate::state::superblock::SuperBlock;

/// Everything that actors share.
pub struct World<B: Backend> {
    /// What the files have in common.
    pub sb: Arc<SuperBlock<B>>,
    /// The files, by number.
    pub inodes: Vec<Inode<B>>,
}
