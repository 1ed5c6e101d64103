//! Ways to cut a body into pieces: where it is cut must never change what is found.

use crate::random::Random;

/// How to cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// Not at all.
    #[default]
    Whole,
    /// Pieces of so many bytes.
    Every(usize),
    /// Pieces of random lengths, mostly short; the seed makes them the same again.
    Random(u64),
}

impl Cut {
    /// The pieces of `body`, in order. An empty body has none.
    pub fn pieces(self, body: &[u8]) -> Vec<&[u8]> {
        match self {
            Self::Whole if body.is_empty() => Vec::new(),
            Self::Whole => vec![body],
            Self::Every(length) => body.chunks(length.max(1)).collect(),
            Self::Random(seed) => random(body, seed),
        }
    }
}

fn random(mut body: &[u8], seed: u64) -> Vec<&[u8]> {
    let mut random = Random::new(seed);
    let mut pieces = Vec::new();
    while !body.is_empty() {
        let state = random.number();
        // One byte, a few, or a block: borders everywhere, and long stretches without.
        let most = [1, 7, 64, 4_096][(state >> 60) as usize & 3];
        let length = (1 + (state >> 20) as usize % most).min(body.len());
        let (piece, rest) = body.split_at(length);
        pieces.push(piece);
        body = rest;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up_to_the_body() {
        let body: Vec<u8> = (0..20_000_u32).map(|n| n as u8).collect();
        let seeds = (0..50).map(Cut::Random);
        for cut in [Cut::Whole, Cut::Every(1), Cut::Every(7)].into_iter().chain(seeds) {
            assert_eq!(cut.pieces(&body).concat(), body, "{cut:?}");
            assert!(cut.pieces(&body).iter().all(|piece| !piece.is_empty()));
            assert!(cut.pieces(b"").is_empty());
        }
    }
}
