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

    /// What one command does.
    pub fn run(&mut self, call: &FileCommand) {
        let fails = self.fails.take();
        let aligned = if let Command::Fcollapse { range } | Command::Finsert { range } = &call.command {
            self.is_aligned(range)
        } else {
            false
        };
        if let Command::Reflink { source, from, range } = &call.command {
            let shared = from..&(from + (range.end - range.start));
            if *shared.end > self.size(*source) {
                // EINVAL.
                return;
            }
            let shared = self.contents[usize::from(*source)][at(&(*shared.start..*shared.end))].to_vec();
            let file = &mut self.contents[usize::from(call.file)];
            grow(file, range.end);
            file[at(range)].copy_from_slice(&shared);
            return;
        }
        if let Command::Exchange { with, range } = &call.command {
            let [own, other] = [call.file, *with].map(|file| self.size(file));
            let inside = range.end <= own.min(other);
            let whole = self.is_aligned(range) || range.end == own && range.end == other;
            if inside && whole {
                let [a, b] = self.contents.get_disjoint_mut([call.file, *with].map(usize::from)).unwrap();
                a[at(range)].swap_with_slice(&mut b[at(range)]);
            }
            return;
        }
        let file = &mut self.contents[usize::from(call.file)];
        let size = file.len() as u64;
        let inside = |range: &Range<u64>| at(&(range.start.min(size)..range.end.min(size)));
        match &call.command {
            Command::Fail { after } => self.fails = Some(*after),
            Command::Short { .. } => self.fails = fails,
            Command::Pwrite { range, fill, .. } => {
                let end = fails.map_or(range.end, |after| range.end.min(range.start + after));
                if end > range.start {
                    grow(file, end);
                    file[at(&(range.start..end))].fill(*fill);
                }
            }
            Command::Mwrite { range, fill } => {
                self.stored_behind |= range.end > size;
                file[inside(range)].fill(*fill);
            }
            Command::Truncate { size } => file.resize(*size as usize, 0),
            Command::Falloc { range, keep_size: false } | Command::Funshare { range } => {
                grow(file, range.end);
            }
            Command::Fpunch { range } => file[inside(range)].fill(0),
            Command::Fzero { range, keep_size } => {
                file[inside(range)].fill(0);
                if !keep_size {
                    grow(file, range.end);
                }
            }
            Command::Fcollapse { range } if aligned && range.end < size => {
                file.drain(at(range));
            }
            Command::Finsert { range } if aligned && range.start < size => {
                let zeros = vec![0; (range.end - range.start) as usize];
                file.splice(range.start as usize..range.start as usize, zeros);
            }
            // Nothing of the contents; what was refused; what was done above.
            Command::BufferStore { .. }
            | Command::Pread { .. }
            | Command::Seek { .. }
            | Command::Fiemap { .. }
            | Command::Mmap { .. }
            | Command::Mread { .. }
            | Command::Dma { .. }
            | Command::Msync { .. }
            | Command::SyncRange { .. }
            | Command::Falloc { .. }
            | Command::Fcollapse { .. }
            | Command::Finsert { .. }
            | Command::Reflink { .. }
            | Command::Exchange { .. }
            | Command::Relocate { .. }
            | Command::Redirty { .. }
            | Command::Layoutget { .. }
            | Command::Layoutwrite { .. }
            | Command::Cowextsize { .. }
            | Command::Chattr { .. }
            | Command::Extension { .. }
            | Command::Kill { .. }
            | Command::CopySparse { .. }
            | Command::Wait { .. }
            | Command::Munmap { .. }
            | Command::Fsync { .. }
            | Command::Fdatasync { .. }
            | Command::Layoutcommit { .. }
            | Command::Layoutreturn { .. }
            | Command::Crash { .. }
            | Command::FadviseDontneed { .. }
            | Command::MadviseDontneed { .. }
            | Command::Shutdown { .. } => {}
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
