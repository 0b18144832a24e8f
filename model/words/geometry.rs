//! How a file is cut: folios, blocks, cells.
//!
//! Users write byte offsets. A *cell* is an interval of bytes that no command of the scenario and no block
//! or folio boundary splits: all its bytes behave alike, so tracking cells instead of bytes loses nothing.
//! Everything in the model counts cells, and only reports count bytes again.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

/// A cell of the file, counted from 0. As a position it is the boundary before that cell.
pub type Cell = u16;
/// A file-system block of the file, counted from 0.
pub type FileBlock = u16;
/// A folio's place in the page cache, counted in folios from 0.
pub type FolioIndex = u16;

/// The most cells that a file may be cut into.
pub const MAX_CELLS: usize = 4096;
/// Bytes of a page of memory.
pub(super) const PAGE_SIZE: u64 = 4096;
/// The most folios of a file.
pub const MAX_FOLIOS: usize = 256;
/// The most blocks of a folio: their state is a set in one word.
pub const MAX_BLOCKS_PER_FOLIO: u64 = 64;

/// Why a file cannot be cut.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GeometryError {
    /// The block size is zero.
    NoBlock,
    /// The folio size is not a multiple of the block size.
    FolioNotBlocks {
        /// Bytes.
        block: u64,
        /// Bytes.
        folio: u64,
    },
    /// More blocks in a folio than their state has room for.
    TooManyBlocks {
        /// How many there are in each folio.
        blocks: u64,
    },
    /// More folios than the page cache can hold.
    TooManyFolios {
        /// How many it would take.
        folios: u64,
    },
    /// More cells than can be tracked.
    TooManyCells {
        /// How many it would take.
        cells: u64,
    },
}

impl fmt::Display for GeometryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GeometryError::NoBlock => f.write_str("a block has at least one byte"),
            GeometryError::FolioNotBlocks { block, folio } => {
                write!(f, "a folio of {} is not a multiple of a block of {}", Bytes(*folio), Bytes(*block))
            }
            GeometryError::TooManyBlocks { blocks } => {
                write!(f, "a folio has {blocks} blocks; at most {MAX_BLOCKS_PER_FOLIO} can be explored")
            }
            GeometryError::TooManyFolios { folios } => {
                write!(f, "the commands reach over {folios} folios; at most {MAX_FOLIOS} can be explored")
            }
            GeometryError::TooManyCells { cells } => {
                write!(f, "the commands cut the file into {cells} cells; at most {MAX_CELLS} can be explored")
            }
        }
    }
}

impl std::error::Error for GeometryError {}

/// The cut of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Geometry {
    block: u64,
    folio: u64,
    /// Byte offsets of the cell boundaries, from 0 to the end.
    boundaries: Vec<u64>,
    /// First cell of each block, and the number of cells.
    block_starts: Vec<Cell>,
    block_of: Vec<FileBlock>,
    blocks_per_folio: u16,
}

impl Geometry {
    /// Cuts a file of at least `size` bytes (rounded up to whole folios) at all `cuts`.
    pub fn new(
        block: u64,
        folio: u64,
        size: u64,
        cuts: impl IntoIterator<Item = u64>,
    ) -> Result<Self, GeometryError> {
        let blocks = Self::blocks_of(block, folio, size)?;
        let cuts = cuts.into_iter().filter(|cut| *cut < blocks * block);
        Self::at(block, folio, (0..=blocks).map(|index| index * block).chain(cuts).collect())
    }

    /// Cuts every block alike, wherever `cuts` cut one: for files whose blocks may come to lie elsewhere.
    pub fn uniform(
        block: u64,
        folio: u64,
        size: u64,
        cuts: impl IntoIterator<Item = u64>,
    ) -> Result<Self, GeometryError> {
        let blocks = Self::blocks_of(block, folio, size)?;
        let offsets: BTreeSet<u64> = cuts.into_iter().map(|cut| cut % block).chain([0]).collect();
        let cells = blocks * offsets.len() as u64;
        if cells > MAX_CELLS as u64 {
            return Err(GeometryError::TooManyCells { cells });
        }
        let cells = (0..blocks).flat_map(|index| offsets.iter().map(move |offset| index * block + offset));
        Self::at(block, folio, cells.chain([blocks * block]).collect())
    }

    /// The number of blocks of a file of at least `size` bytes.
    fn blocks_of(block: u64, folio: u64, size: u64) -> Result<u64, GeometryError> {
        if block == 0 {
            return Err(GeometryError::NoBlock);
        }
        if folio == 0 || !folio.is_multiple_of(block) {
            return Err(GeometryError::FolioNotBlocks { block, folio });
        }
        if folio / block > MAX_BLOCKS_PER_FOLIO {
            return Err(GeometryError::TooManyBlocks { blocks: folio / block });
        }
        let folios = size.div_ceil(folio).max(1);
        if folios > MAX_FOLIOS as u64 {
            return Err(GeometryError::TooManyFolios { folios });
        }
        let blocks = folios * folio / block;
        if blocks > MAX_CELLS as u64 {
            return Err(GeometryError::TooManyCells { cells: blocks });
        }
        Ok(blocks)
    }

    fn at(block: u64, folio: u64, boundaries: BTreeSet<u64>) -> Result<Self, GeometryError> {
        let cells = boundaries.len() as u64 - 1;
        if cells > MAX_CELLS as u64 {
            return Err(GeometryError::TooManyCells { cells });
        }
        let boundaries: Vec<u64> = boundaries.into_iter().collect();
        let starts = boundaries.iter().enumerate().filter(|(_, byte)| byte.is_multiple_of(block));
        let block_starts = starts.map(|(cell, _)| cell as Cell).collect();
        let block_of =
            boundaries[..boundaries.len() - 1].iter().map(|byte| (byte / block) as FileBlock).collect();
        let blocks_per_folio = (folio / block) as u16;
        Ok(Geometry { block, folio, boundaries, block_starts, block_of, blocks_per_folio })
    }

    /// Bytes of a block.
    pub fn block_size(&self) -> u64 {
        self.block
    }

    /// Bytes of a folio.
    pub fn folio_size(&self) -> u64 {
        self.folio
    }

    /// The number of cells.
    pub fn cells(&self) -> Cell {
        (self.boundaries.len() - 1) as Cell
    }

    /// The number of blocks.
    pub fn blocks(&self) -> FileBlock {
        (self.block_starts.len() - 1) as FileBlock
    }

    /// The number of folios.
    pub fn folios(&self) -> FolioIndex {
        self.blocks() / self.blocks_per_folio
    }

    /// Blocks of one folio.
    pub fn blocks_per_folio(&self) -> u16 {
        self.blocks_per_folio
    }

    /// The cell that starts at a byte; past the end, the number of cells. Offsets of commands are cell
    /// boundaries by construction; any other byte gives the cell that it lies in.
    pub fn cell_at(&self, byte: u64) -> Cell {
        match self.boundaries.binary_search(&byte) {
            Ok(cell) => cell as Cell,
            Err(after) if after == self.boundaries.len() => self.cells(),
            Err(after) => (after - 1) as Cell,
        }
    }

    /// The cells of a range of bytes.
    pub fn cells_of_bytes(&self, bytes: &Range<u64>) -> Range<Cell> {
        self.cell_at(bytes.start)..self.cell_at(bytes.end)
    }

    /// The byte offset of a cell boundary.
    pub fn byte_at(&self, cell: Cell) -> u64 {
        self.boundaries[usize::from(cell)]
    }

    /// The byte at which the page begins that a cell lies in. Faults go by pages, whatever the folios are.
    pub fn page_at(&self, cell: Cell) -> u64 {
        self.byte_at(cell) / PAGE_SIZE * PAGE_SIZE
    }

    /// Which page of its folio a cell lies in.
    pub fn page_in_folio(&self, cell: Cell) -> u16 {
        (self.byte_at(cell) % self.folio / PAGE_SIZE) as u16
    }

    /// The pages that a folio has.
    pub fn pages_per_folio(&self) -> u16 {
        self.folio.div_ceil(PAGE_SIZE) as u16
    }

    /// The pages that a range of bytes touches, as bytes.
    pub fn whole_pages(&self, bytes: &Range<u64>) -> Range<u64> {
        bytes.start / PAGE_SIZE * PAGE_SIZE..bytes.end.div_ceil(PAGE_SIZE) * PAGE_SIZE
    }

    /// Bytes of a page; where folios are smaller, of a folio.
    pub fn page_size(&self) -> u64 {
        PAGE_SIZE.min(self.folio)
    }

    /// The end of the cells of the page that a cell lies in; where folios are smaller, of its folio.
    pub fn page_end(&self, cell: Cell) -> Cell {
        let end = self.page_at(cell) + PAGE_SIZE;
        let after = self.boundaries.partition_point(|boundary| *boundary < end) as Cell;
        after.min(self.cells_of_folio(self.folio_of(cell)).end)
    }

    /// The pages, and blocks if those are larger, that a range of cells touches, as cells. The range is not empty.
    pub fn pages_touched(&self, cells: &Range<Cell>) -> Range<Cell> {
        let last = cells.end - 1;
        let blocks = self.cells_of_blocks(&self.blocks_touched(cells));
        let page = self.page_at(cells.start);
        let start = self.boundaries.partition_point(|boundary| *boundary < page) as Cell;
        blocks.start.min(start)..blocks.end.max(self.page_end(last))
    }

    /// The block that a cell lies in.
    pub fn block_of(&self, cell: Cell) -> FileBlock {
        self.block_of[usize::from(cell)]
    }

    /// The folio that a cell lies in.
    pub fn folio_of(&self, cell: Cell) -> FolioIndex {
        self.block_of(cell) / self.blocks_per_folio
    }

    /// The cells of a block.
    pub fn cells_of_block(&self, block: FileBlock) -> Range<Cell> {
        self.block_starts[usize::from(block)]..self.block_starts[usize::from(block) + 1]
    }

    /// The blocks of a folio.
    pub fn blocks_of_folio(&self, index: FolioIndex) -> Range<FileBlock> {
        index * self.blocks_per_folio..(index + 1) * self.blocks_per_folio
    }

    /// The cells of a folio.
    pub fn cells_of_folio(&self, index: FolioIndex) -> Range<Cell> {
        let blocks = self.blocks_of_folio(index);
        self.block_starts[usize::from(blocks.start)]..self.block_starts[usize::from(blocks.end)]
    }

    /// The blocks that a range of cells touches.
    pub fn blocks_touched(&self, cells: &Range<Cell>) -> Range<FileBlock> {
        if cells.is_empty() { 0..0 } else { self.block_of(cells.start)..self.block_of(cells.end - 1) + 1 }
    }

    /// The folios that a range of cells touches.
    pub fn folios_touched(&self, cells: &Range<Cell>) -> Range<FolioIndex> {
        if cells.is_empty() { 0..0 } else { self.folio_of(cells.start)..self.folio_of(cells.end - 1) + 1 }
    }

    /// The cells of a block range.
    pub fn cells_of_blocks(&self, blocks: &Range<FileBlock>) -> Range<Cell> {
        self.block_starts[usize::from(blocks.start)]..self.block_starts[usize::from(blocks.end)]
    }

    /// The bytes of a range of cells.
    pub fn bytes_of_cells(&self, cells: &Range<Cell>) -> Range<u64> {
        self.byte_at(cells.start)..self.byte_at(cells.end)
    }

    /// The bytes of a range of blocks.
    pub fn bytes_of_blocks(&self, blocks: &Range<FileBlock>) -> Range<u64> {
        self.bytes_of_cells(&self.cells_of_blocks(blocks))
    }

    /// A range of cells in bytes, as people write it.
    pub fn show_cells(&self, cells: &Range<Cell>) -> String {
        ByteRange(self.byte_at(cells.start), self.byte_at(cells.end)).to_string()
    }

    /// A range of blocks in bytes, as people write it.
    pub fn show_blocks(&self, blocks: &Range<FileBlock>) -> String {
        self.show_cells(&self.cells_of_blocks(blocks))
    }
}

/// A number of bytes, printed with the largest suffix that divides it (`6k`, `512`, `1m`), and in hexadecimal
/// where none does and the decimal number would say little (`0x8200`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0"),
            n if n.is_multiple_of(1 << 20) => write!(f, "{}m", n >> 20),
            n if n.is_multiple_of(1 << 10) => write!(f, "{}k", n >> 10),
            n if n > 1 << 12 => write!(f, "{n:#x}"),
            n => write!(f, "{n}"),
        }
    }
}

/// A range of bytes from one to before another, both ends in one notation where the end has to be in hexadecimal
/// (`0x200-0x1200`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByteRange(pub u64, pub u64);

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (Bytes(self.0).to_string(), Bytes(self.1).to_string());
        let is_plain = self.0 > 0 && start.ends_with(|last: char| last.is_ascii_digit());
        if is_plain && end.starts_with("0x") {
            write!(f, "{:#x}-{end}", self.0)
        } else {
            write!(f, "{start}-{end}")
        }
    }
}

/// The cells of `wanted` that lie in a folio's cells, counted from the folio's first cell.
pub fn within(folio: &Range<Cell>, wanted: &Range<Cell>) -> Range<usize> {
    let start = wanted.start.clamp(folio.start, folio.end) - folio.start;
    let end = wanted.end.clamp(folio.start, folio.end) - folio.start;
    usize::from(start)..usize::from(end.max(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut() -> Geometry {
        Geometry::new(1024, 4096, 8192, [512, 4096, 6000]).unwrap()
    }

    #[test]
    fn commands_and_blocks_cut_the_file() {
        let geometry = cut();
        assert_eq!(geometry.cells(), 10);
        assert_eq!(geometry.blocks(), 8);
        assert_eq!(geometry.folios(), 2);
        assert_eq!(geometry.cells_of_block(0), 0..2);
        assert_eq!(geometry.cells_of_folio(1), 5..10);
        assert_eq!(geometry.byte_at(1), 512);
        assert_eq!(geometry.cell_at(8192), 10);
    }

    #[test]
    fn a_range_touches_the_blocks_that_it_lies_in() {
        let geometry = cut();
        assert_eq!(geometry.blocks_touched(&(1..2)), 0..1);
        assert!(geometry.blocks_touched(&(3..3)).is_empty());
    }

    #[test]
    fn blocks_that_may_move_are_cut_alike() {
        let geometry = Geometry::uniform(4096, 4096, 8192, [512, 4096]).unwrap();
        assert_eq!((geometry.cells_of_block(0), geometry.cells_of_block(1)), (0..2, 2..4));
        assert_eq!(geometry.byte_at(3), 4096 + 512);
    }

    #[test]
    fn a_folio_may_have_several_pages() {
        let geometry = Geometry::new(1024, 8192, 16384, [4500]).unwrap();
        let at = |byte| geometry.cell_at(byte);
        assert_eq!([0, 4096, 4500, 8192].map(|byte| geometry.page_in_folio(at(byte))), [0, 1, 1, 0]);
        assert_eq!([0, 4500, 8192].map(|byte| geometry.page_end(at(byte))), [4096, 8192, 12288].map(at));
        assert_eq!((geometry.pages_per_folio(), cut().page_end(5)), (2, 10));
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(Geometry::new(0, 4096, 1, []), Err(GeometryError::NoBlock));
        assert!(matches!(Geometry::new(4096, 1024, 1, []), Err(GeometryError::FolioNotBlocks { .. })));
        assert!(matches!(Geometry::new(4096, 4096, 1 << 40, []), Err(GeometryError::TooManyFolios { .. })));
    }

    #[test]
    fn bytes_read_like_commands() {
        let shown: Vec<String> =
            [0, 512, 1024, 6144, 0x8200, 1 << 20].iter().map(|n| Bytes(*n).to_string()).collect();
        let ranges = [(0, 0x1200), (512, 0x1200), (512, 8192), (0x1200, 8192)];
        assert_eq!(
            ranges.map(|(start, end)| ByteRange(start, end).to_string()),
            ["0-0x1200", "0x200-0x1200", "512-8k", "0x1200-8k"]
        );
        assert_eq!(shown, ["0", "512", "1k", "6k", "0x8200", "1m"]);
    }
}
