//! Offsets, lengths and sizes, and where they may lie.

use std::ops::Range;

use stalemap_model::words::geometry::Bytes;

use super::call::Call;
use crate::scenario::errors::Errors;
use crate::scenario::names::quote;
use crate::scenario::number::{self, MAX_OFFSET};
use crate::scenario::text::Word;

/// What an offset or length must be a multiple of.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// What a block device transfers.
    Sector,
    /// What the file system allocates.
    Block(u64),
    /// What is mapped.
    Page(u64),
}

impl Unit {
    /// Bytes of a sector, as of most disks.
    const SECTOR: u64 = 512;

    fn bytes(self) -> u64 {
        match self {
            Unit::Sector => Unit::SECTOR,
            Unit::Block(bytes) | Unit::Page(bytes) => bytes,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Unit::Sector => "sector",
            Unit::Block(_) => "block",
            Unit::Page(_) => "page",
        }
    }
}

impl Call<'_, '_> {
    /// An offset, a length or a size.
    pub(super) fn size(&self, word: &Word<'_>, errors: &mut Errors) -> Option<u64> {
        let size = number::size(word.text, self.session.block);
        size.map_err(|error| errors.add(word.span.clone(), error.message(&quote(word.text)), error.help()))
            .ok()
    }

    pub(super) fn offset_and_length(&self, errors: &mut Errors) -> Option<(u64, u64)> {
        let [.., offset, length] = self.options.arguments.as_slice() else { return None };
        // Both are read before either is given up, so that both are reported.
        let (offset, length) = (self.size(offset, errors), self.size(length, errors));
        Some((offset?, length?))
    }

    /// `off len`, the last two arguments; not empty.
    pub(super) fn range(&self, errors: &mut Errors) -> Option<Range<u64>> {
        let (start, length) = self.offset_and_length(errors)?;
        if let (0, Some(word)) = (length, self.options.arguments.last()) {
            errors.add(word.span.clone(), "the range is empty", "the length is at least 1 byte");
            return None;
        }
        self.bounded(start, length, errors)
    }

    /// `off len`, as sync_file_range(2) and posix_fadvise(2) have it: a length of 0 reaches to the end of file.
    pub(super) fn range_to_end(&self, errors: &mut Errors) -> Option<Range<u64>> {
        let (start, length) = self.offset_and_length(errors)?;
        if length == 0 { Some(start..u64::MAX) } else { self.bounded(start, length, errors) }
    }

    /// A range that ends inside what a file can hold.
    pub(super) fn bounded(&self, start: u64, length: u64, errors: &mut Errors) -> Option<Range<u64>> {
        // Neither exceeds 2^63, so the sum of both does not overflow.
        let end = start + length;
        if end > MAX_OFFSET {
            let help = "offset plus length is below `8e`, 2^63 bytes";
            errors.add(self.arguments_span(), "the range ends beyond the largest file", help);
            return None;
        }
        Some(start..end)
    }

    /// The offset of a range starts at a page: the kernel takes addresses at page boundaries only.
    pub(super) fn at_page(&self, range: &Range<u64>, errors: &mut Errors) -> Option<()> {
        self.multiple(
            "offset",
            range.start,
            self.options.arguments.first(),
            Unit::Page(self.session.page),
            errors,
        )
    }

    /// Both ends of `off len`, the last two arguments, lie at multiples of a unit.
    pub(super) fn aligned(&self, range: &Range<u64>, unit: Unit, errors: &mut Errors) -> Option<()> {
        let mut places = self.options.arguments.iter().rev();
        let (length, offset) = (places.next(), places.next());
        // Both are looked at, so that both are reported.
        let offset = self.multiple("offset", range.start, offset, unit, errors);
        let length = self.multiple("length", range.end - range.start, length, unit, errors);
        offset.and(length)
    }

    /// Whether a number is a multiple of a unit. `what` is how messages call it.
    pub(super) fn multiple(
        &self,
        what: &str,
        number: u64,
        place: Option<&Word<'_>>,
        unit: Unit,
        errors: &mut Errors,
    ) -> Option<()> {
        if number.is_multiple_of(unit.bytes()) {
            return Some(());
        }
        let span = place.unwrap_or(self.name).span.clone();
        let (name, bytes) = (unit.name(), Bytes(unit.bytes()));
        let direct = if matches!(unit, Unit::Sector) { "direct " } else { "" };
        let verb = self.syntax.name;
        let message = format!("the {what} of {direct}{verb} is not a multiple of the {name} size, {bytes}");
        let lower = number - number % unit.bytes();
        let help = match lower {
            _ if what.ends_with("offset") => format!("the {name} starts at `{}`", Bytes(lower)),
            0 => format!("the least is `{bytes}`"),
            _ => format!("the next less is `{}`", Bytes(lower)),
        };
        errors.add(span, message, help);
        None
    }

    /// The place of all arguments together.
    pub(super) fn arguments_span(&self) -> Range<usize> {
        match self.options.arguments.as_slice() {
            // An option may stand between them.
            [first, .., last] => first.span.start.min(last.span.start)..first.span.end.max(last.span.end),
            [only] => only.span.clone(),
            [] => self.name.span.clone(),
        }
    }
}
