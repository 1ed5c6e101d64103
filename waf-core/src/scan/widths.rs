//! How the bytes of a gathered value are spelled in the source: `%41` is one byte of value and
//! three of source. Asked only for matches, so it is kept small, not fast.

/// Source bytes per value byte, in order. `start + sum of the first n = source offset after byte n`.
#[derive(Clone, Debug, Default)]
pub(super) struct Widths {
    start: u64,
    /// Numbers of seven bits a byte, the low ones first. Empty while every byte stands for itself
    /// and there is no gap.
    widths: Vec<u8>,
    /// Value bytes seen.
    length: usize,
    /// Source offset after the last of them.
    end: u64,
}

/// More of the number follows.
const MORE: u8 = 0x80;

impl Widths {
    /// A value begins, or goes on, at a source offset.
    pub(super) fn restart(&mut self, start: u64) {
        self.widths.clear();
        self.length = 0;
        self.start = start;
        self.end = start;
    }

    /// `count` value bytes that stand in the source at `at`. That may be before what is known
    /// already: a long name becomes known with the byte behind it, which is the value's next.
    pub(super) fn verbatim(&mut self, count: usize, at: u64) {
        if at == self.end && self.widths.is_empty() {
            self.length += count;
            self.end += count as u64;
            return;
        }
        let known = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX).min(count);
        self.spelled(known, self.end);
        if known < count {
            let rest = count - known;
            self.spelled(1, at + known as u64 + 1);
            self.widths.resize(self.widths.len() + rest - 1, 1);
            self.length += rest - 1;
            self.end += rest as u64 - 1;
        }
    }

    /// `count` value bytes that become known with the source byte before `end`.
    pub(super) fn spelled(&mut self, count: usize, end: u64) {
        if count == 0 {
            return;
        }
        if count == 1 && end == self.end + 1 && self.widths.is_empty() {
            return self.verbatim(1, self.end);
        }
        self.spell_out();
        self.push(end.saturating_sub(self.end));
        self.widths.resize(self.widths.len() + count - 1, 0);
        self.length += count - 1;
        self.end = end;
    }

    /// The source offset after the first `count` value bytes.
    pub(super) fn source_after(&self, count: usize) -> u64 {
        if self.widths.is_empty() {
            return self.start + count as u64;
        }
        let (mut after, mut left, mut shift) = (self.start, count, 0);
        for &byte in &self.widths {
            if left == 0 {
                break;
            }
            after += u64::from(byte & !MORE) << shift;
            let ends = byte & MORE == 0;
            left -= usize::from(ends);
            shift = if ends { 0 } else { shift + 7 };
        }
        after
    }

    /// The source offset after everything.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    fn spell_out(&mut self) {
        if self.widths.is_empty() {
            self.widths.resize(self.length, 1);
        }
    }

    fn push(&mut self, width: u64) {
        let mut left = width;
        while left >= u64::from(MORE) {
            self.widths.push(left.to_le_bytes()[0] | MORE);
            left >>= 7;
        }
        self.widths.push(left.to_le_bytes()[0]);
        self.length += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_gaps_and_runs_add_up() {
        let mut widths = Widths::default();
        widths.restart(10);
        widths.verbatim(2, 10); // 10, 11
        widths.spelled(1, 15); // 12..15
        widths.verbatim(1, 15);
        widths.spelled(2, 1_000); // a wide one
        widths.verbatim(1, 1_005); // a gap of five
        let after: Vec<u64> = (0..=7).map(|count| widths.source_after(count)).collect();
        assert_eq!(after, [10, 11, 12, 15, 16, 1_000, 1_000, 1_006]);
        assert_eq!(widths.end(), 1_006);
    }

    #[test]
    fn bytes_before_what_is_known_are_known() {
        let mut widths = Widths::default();
        widths.restart(0);
        widths.spelled(3, 4); // three bytes, known with the fourth
        widths.verbatim(3, 3); // which is the first of these
        let after: Vec<u64> = (0..=6).map(|count| widths.source_after(count)).collect();
        assert_eq!(after, [0, 4, 4, 4, 4, 5, 6]);
        assert_eq!(widths.end(), 6);
    }

    #[test]
    fn a_plain_run_needs_no_table() {
        let mut widths = Widths::default();
        widths.restart(5);
        widths.verbatim(3, 5);
        widths.verbatim(4, 8);
        assert!(widths.widths.is_empty());
        assert_eq!(widths.source_after(7), 12);
    }
}
