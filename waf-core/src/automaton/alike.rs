//! What two pieces have in common: most of what transformations make is what they were given, but
//! for an escape here and there.
//!
//! ```text
//! a letter from M%C3%BCnchen of July 7%
//! a letter from Mü        nchen of July 7%      two stretches
//! ```

use memchr::memmem;

/// A part of a piece that stands in another one too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Where it begins in the piece.
    pub(super) at: usize,
    /// Where it begins in the other one.
    pub(super) from: usize,
    /// Bytes.
    pub(super) length: usize,
}

/// Bytes that are compared at once.
const BLOCK: usize = 32;

/// Equal bytes behind a difference, by which it is told where the pieces go on alike.
const SIGHT: usize = 8;

/// Bytes of a piece that may stand in the place of others: `%u00fc` in that of a letter.
const WRITTEN: usize = 6;

/// Bytes in whose place they may stand: a comment that is left out.
const READ: usize = 256;

/// Differences after which it is looked whether they are few.
const SOME: usize = 8;

/// Bytes to a difference, if they are few. It also bounds what a sender can make this cost.
const APART: usize = 256;

/// The stretches of `piece` that stand in `other` too, in order in both; `None`: too few bytes of it do,
/// or in too many stretches, for that to be of use.
pub(super) fn stretches(other: &[u8], piece: &[u8]) -> Option<Vec<Stretch>> {
    let (mut found, mut common) = (Vec::new(), 0);
    let (mut from, mut at) = (0, 0);
    loop {
        let length = prefix(&other[from..], &piece[at..]);
        if length > 0 {
            found.push(Stretch { at, from, length });
            common += length;
        }
        (from, at) = (from + length, at + length);
        if found.len() > SOME && at < found.len() * APART {
            return None;
        }
        match resume(&other[from..], &piece[at..]) {
            Some((read, written)) => (from, at) = (from + read, at + written),
            None => break,
        }
    }
    // What must be gone over: what differs, and some way behind each difference.
    let rest = piece.len() - common + found.len() * APART / 4;
    (rest < piece.len() / 4).then_some(found)
}

/// Equal bytes at the beginnings.
fn prefix(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.as_chunks::<BLOCK>().0.iter().zip(b.as_chunks::<BLOCK>().0);
    let equal = BLOCK * blocks.take_while(|(a, b)| a == b).count();
    let rest = a[equal..].iter().zip(&b[equal..]);
    equal + rest.take_while(|(a, b)| a == b).count()
}

/// Bytes of both behind which they go on alike.
fn resume(other: &[u8], piece: &[u8]) -> Option<(usize, usize)> {
    let near = &other[..other.len().min(READ + SIGHT)];
    (0..=WRITTEN).find_map(|written| {
        let sight = piece.get(written..written + SIGHT)?;
        Some((memmem::find(near, sight)?, written))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::random::Random;

    fn text(length: usize) -> Vec<u8> {
        let mut random = Random::new(11);
        (0..length).map(|_| b'a' + random.below(26) as u8).collect()
    }

    #[test]
    fn what_differs_lies_between_stretches() {
        let other = text(4_000);
        let mut piece = other.clone();
        piece.splice(3_000..3_006, *b"!");
        piece.splice(2_000..2_000, *b"%u00fc");
        piece.drain(1_000..1_200);
        piece.splice(500..501, *b"?");
        let found = stretches(&other, &piece).unwrap();
        let expected = [
            (0, 0, 500),
            (501, 501, 499),
            (1_000, 1_200, 800),
            (1_806, 2_000, 1_000),
            (2_807, 3_006, 994),
        ];
        let found: Vec<_> = found.iter().map(|it| (it.at, it.from, it.length)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_not_alike_is_told() {
        let other = text(4_000);
        assert_eq!(stretches(&other, &[]), None);
        assert_eq!(stretches(&[], &other), None);
        assert_eq!(stretches(&other, &text(8_000)[4_000..]), None);
        let often: Vec<u8> = other.chunks(20).flat_map(|part| [part, b"%"].concat()).collect();
        assert_eq!(stretches(&other, &often), None);
        let whole = [Stretch { at: 0, from: 0, length: 4_000 }];
        assert_eq!(stretches(&other, &other).as_deref(), Some(&whole[..]));
    }
}
