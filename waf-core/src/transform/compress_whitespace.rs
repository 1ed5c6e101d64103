//! `compress_whitespace`: runs of blanks to one space.

use super::Machine;
use super::remove_whitespace::BLANKS;
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CompressWhitespace {
    /// In a run of blanks; its space is out.
    in_run: bool,
    /// ModSecurity reports runs of two and more only, not a tab made a space.
    changed: bool,
}

/// Bytes that are looked at together.
const STRIDE: usize = 32;

/// [`BLANKS`], as comparisons: many bytes at a time.
fn is_blank(byte: u8) -> bool {
    (byte == b' ') | (byte.wrapping_sub(b'\t') < 5) | (byte == 0xa0)
}

impl Machine for CompressWhitespace {
    const TRIGGERS: ByteSet = BLANKS;

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        if !BLANKS.contains(byte) {
            self.in_run = false;
            out.push(byte);
        } else if self.in_run {
            self.changed = true;
        } else {
            self.in_run = true;
            out.push(b' ');
        }
    }

    /// A lone space between other bytes stays as it is: most blanks of text are such.
    fn run(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let after = input.get(1..).unwrap_or(&[]);
        let wakes = |(&byte, &next): (&u8, &u8)| is_blank(byte) & ((byte != b' ') | is_blank(next));
        let mut plain = 0;
        for (bytes, next) in input.chunks_exact(STRIDE).zip(after.chunks_exact(STRIDE)) {
            // Without branches: all of them at once.
            if bytes.iter().zip(next).fold(0, |any, pair| any | u8::from(wakes(pair))) != 0 {
                break;
            }
            plain += STRIDE;
        }
        let rest = input[plain..].iter().zip(after.get(plain..).unwrap_or(&[]));
        plain += rest.take_while(|pair| !wakes(*pair)).count();
        out.extend_from_slice(&input[..plain]);
        plain
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn is_idle(&self) -> bool {
        !self.in_run
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn blanks_are_those_that_wake_it() {
        for byte in 0..=u8::MAX {
            assert_eq!(is_blank(byte), BLANKS.contains(byte), "{byte}");
        }
    }

    /// Many bytes at a time or each by itself: the first blank of a run becomes a space.
    #[test]
    fn lone_spaces_are_stepped_over_and_all_else_is_not() {
        let mut random = Random::new(13);
        for length in 0..400 {
            let odd = [1, 40, 200][length % 3];
            let mut byte = || match random.below(odd) {
                0 => b" \t\xa0\n"[random.below(4)],
                _ => b"abcde f"[random.below(7)],
            };
            let value: Vec<u8> = (0..length).map(|_| byte()).collect();
            let follows = |at: usize| at > 0 && BLANKS.contains(value[at - 1]);
            let expected: Vec<u8> = (0..length)
                .filter(|&at| !BLANKS.contains(value[at]) || !follows(at))
                .map(|at| if BLANKS.contains(value[at]) { b' ' } else { value[at] })
                .collect();
            let (mut machine, mut out) = (CompressWhitespace::default(), Vec::new());
            machine.feed(&value, &mut out);
            assert_eq!(out, expected, "{value:?}");
            let runs = (1..length).any(|at| follows(at) && BLANKS.contains(value[at]));
            assert_eq!(machine.changed(), runs, "{value:?}");
        }
    }
}
