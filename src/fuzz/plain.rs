//! Files as plain bytes: what commands leave that one actor runs, one after the other, whatever the kernel does for that.

use std::ops::Range;

use stalemap_model::words::command::Command;
use stalemap_model::words::config::FileCommand;
use stalemap_model::words::geometry::Geometry;

/// The contents that commands leave in the files.
#[derive(Clone, Debug)]
pub struct PlainFiles {
    block: u64,
    contents: Vec<Vec<u8>>,
    /// How far the copy of the next write comes.
    fails: Option<u64>,
    /// Something was stored behind the end of a file, where it is anybody's.
    stored_behind: bool,
}

fn at(range: &Range<u64>) -> Range<usize> {
    range.start as usize..range.end as usize
}

fn grow(file: &mut Vec<u8>, size: u64) {
    file.resize(file.len().max(size as usize), 0);
}

impl PlainFiles {
    /// Empty files.
    pub fn new(files: usize, block: u64) -> Self {
        PlainFiles { block, contents: vec![Vec::new(); files], fails: None, stored_behind: false }
    }

    /// Files of zeros.
    pub fn fixed(files: usize, block: u64, size: u64) -> Self {
        PlainFiles { contents: vec![vec![0; size as usize]; files], ..Self::new(files, block) }
    }

    /// The size of a file.
    pub fn size(&self, file: u8) -> u64 {
        self.contents[usize::from(file)].len() as u64
    }

    /// Whether a range is one of whole blocks.
    pub fn is_aligned(&self, range: &Range<u64>) -> bool {
        range.start.is_multiple_of(self.block) && range.end.is_multiple_of(self.block)
    }

    fn write(&mut self, file: u8, range: Range<u64>, byte: u8) {
        if !range.is_empty() {
            let file = &mut self.contents[usize::from(file)];
            grow(file, range.end);
            file[at(&range)].fill(byte);
        }
    }

    /// Fills what of a range lies in the file.
    fn fill(&mut self, file: u8, range: &Range<u64>, byte: u8) {
        let size = self.size(file);
        self.contents[usize::from(file)][at(&(range.start.min(size)..range.end.min(size)))].fill(byte);
    }

    /// Takes whole blocks out of a file that goes on behind them.
    fn collapse(&mut self, file: u8, range: &Range<u64>) {
        if self.is_aligned(range) && range.end < self.size(file) {
            self.contents[usize::from(file)].drain(at(range));
        }
    }

    /// Puts whole blocks of zeros in.
    fn insert(&mut self, file: u8, range: &Range<u64>) {
        if self.is_aligned(range) && range.start < self.size(file) {
            let zeros = vec![0; (range.end - range.start) as usize];
            let start = range.start as usize;
            self.contents[usize::from(file)].splice(start..start, zeros);
        }
    }

    /// A range of another file becomes that of this one.
    fn share(&mut self, file: u8, source: u8, from: u64, range: &Range<u64>) {
        let shared = from..from + (range.end - range.start);
        if shared.end > self.size(source) {
            // EINVAL.
            return;
        }
        let shared = self.contents[usize::from(source)][at(&shared)].to_vec();
        let file = &mut self.contents[usize::from(file)];
        grow(file, range.end);
        file[at(range)].copy_from_slice(&shared);
    }

    /// A range of two files changes places, if it lies in both.
    fn exchange(&mut self, file: u8, with: u8, range: &Range<u64>) {
        let [own, other] = [file, with].map(|file| self.size(file));
        let inside = range.end <= own.min(other);
        let whole = self.is_aligned(range) || range.end == own && range.end == other;
        let files = self.contents.get_disjoint_mut([file, with].map(usize::from));
        if let (true, Ok([a, b])) = (inside && whole, files) {
            a[at(range)].swap_with_slice(&mut b[at(range)]);
        }
    }

    /// What one command does.
    pub fn run(&mut self, call: &FileCommand) {
        let fails = self.fails.take();
        let file = call.file;
        match &call.command {
            Command::Fail { after } => self.fails = Some(*after),
            Command::Short { .. } => self.fails = fails,
            Command::Pwrite { range, fill, .. } => {
                let end = fails.map_or(range.end, |after| range.end.min(range.start + after));
                self.write(file, range.start..end, *fill);
            }
            Command::Mwrite { range, fill } => {
                self.stored_behind |= range.end > self.size(file);
                self.fill(file, range, *fill);
            }
            Command::Truncate { size } => self.contents[usize::from(file)].resize(*size as usize, 0),
            Command::Falloc { range, keep_size: false } | Command::Funshare { range } => {
                grow(&mut self.contents[usize::from(file)], range.end);
            }
            Command::Fpunch { range } => self.fill(file, range, 0),
            Command::Fzero { range, keep_size } => {
                self.fill(file, range, 0);
                if !keep_size {
                    grow(&mut self.contents[usize::from(file)], range.end);
                }
            }
            Command::Fcollapse { range } => self.collapse(file, range),
            Command::Finsert { range } => self.insert(file, range),
            Command::Reflink { source, from, range } => self.share(file, *source, *from, range),
            Command::Exchange { with, range } => self.exchange(file, *with, range),
            // What leaves the bytes of the file alone. The last four store by other ways than a task's: nothing is said
            // of them here.
            Command::Falloc { keep_size: true, .. }
            | Command::Pread { .. }
            | Command::Seek { .. }
            | Command::Fiemap { .. }
            | Command::CopySparse
            | Command::Wait
            | Command::Mmap { .. }
            | Command::Munmap
            | Command::Mread { .. }
            | Command::Msync { .. }
            | Command::Fsync
            | Command::Fdatasync
            | Command::Sync
            | Command::Syncfs
            | Command::SyncRange { .. }
            | Command::Flusher
            | Command::Relocate { .. }
            | Command::Redirty { .. }
            | Command::Layoutget { .. }
            | Command::Layoutreturn
            | Command::Cowextsize { .. }
            | Command::Chattr { .. }
            | Command::Shutdown { .. }
            | Command::Crash
            | Command::FadviseDontneed { .. }
            | Command::MadviseDontneed { .. }
            | Command::Extension { .. }
            | Command::Kill { .. }
            | Command::BufferStore { .. }
            | Command::Dma { .. }
            | Command::Layoutwrite { .. }
            | Command::Layoutcommit => {}
        }
    }

    /// Whether something was stored behind the end of a file.
    pub fn stored_behind(&self) -> bool {
        self.stored_behind
    }

    /// The contents of the first bytes of each file as they are observed: cell by cell. `None` where a cell is not all one value, since
    /// other commands have cut the file.
    pub fn show(&self, geometry: &Geometry, bytes: u64) -> Option<Vec<String>> {
        let cell = |file: &Vec<u8>, cell| {
            let bytes = geometry.byte_at(cell) as usize..geometry.byte_at(cell + 1) as usize;
            let Some(inside) = file.get(bytes) else { return Some("--".to_owned()) };
            let first = inside.first()?;
            inside.iter().all(|byte| byte == first).then(|| format!("{first:02x}"))
        };
        let cells = || (0..geometry.cells()).take_while(|cell| geometry.byte_at(*cell) < bytes);
        let show = |file: &Vec<u8>| -> Option<String> {
            Some(cells().map(|at| cell(file, at)).collect::<Option<Vec<String>>>()?.join(" "))
        };
        self.contents.iter().map(show).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_does_not_have_is_not_shared() {
        let mut plain = PlainFiles::fixed(2, 4096, 4096);
        let clone = |range| FileCommand::new(1, Command::Reflink { source: 0, from: 0, range });
        plain.run(&clone(4096..12_288));
        assert_eq!(plain.size(1), 4096);
        plain.run(&clone(4096..8192));
        assert_eq!(plain.size(1), 8192);
    }
}
