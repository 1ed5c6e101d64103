//! The same bytes whole and in pieces.

use std::fmt::Debug;

use waf_corpus::Cut;

/// Asserts that `read` tells the same of `data` whole, byte by byte and in other pieces; gives what
/// it told.
pub(crate) fn same<T: PartialEq + Debug>(data: &[u8], read: impl Fn(&[&[u8]]) -> T) -> T {
    let whole = read(&Cut::Whole.pieces(data));
    for cut in others(data) {
        assert_eq!(read(&cut.pieces(data)), whole, "left: {cut:?}, right: whole");
    }
    whole
}

/// Ways to cut `data` other than not at all. They follow from the bytes, so that an input fails
/// again alone, and stay the bytes that are read, so that seeds are plain text.
pub(crate) fn others(data: &[u8]) -> [Cut; 4] {
    let seed = fnv1a(data);
    [
        Cut::Every(1),
        Cut::Every(2 + (seed >> 32) as usize % 8),
        Cut::Random(seed),
        Cut::Random(!seed),
    ]
}

/// Fowler, Noll and Vo's hash, 64 bits.
fn fnv1a(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
