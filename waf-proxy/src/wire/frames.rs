//! Follows the frames of an HTTP/2 connection (RFC 9113 section 4) as bytes pass, without keeping
//! them.

/// Bytes of a frame's head.
const HEAD: usize = 9;

/// Bytes of a payload that are told: GOAWAY's error code ends with the eighth.
const SHOWN: usize = 8;

/// One frame, told when enough of it has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Bytes of its payload.
    pub(super) length: usize,
    /// Its type.
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Its stream; 0 is the connection.
    pub(super) stream: u32,
    /// The first bytes of its payload; what it does not have is 0.
    pub(super) payload: [u8; SHOWN],
}

/// HEADERS.
pub(super) const HEADERS: u8 = 1;
/// RST_STREAM.
pub(super) const RST_STREAM: u8 = 3;
/// GOAWAY.
pub(super) const GOAWAY: u8 = 7;
/// CONTINUATION.
pub(super) const CONTINUATION: u8 = 9;

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD],
    head_len: usize,
    payload: [u8; SHOWN],
    payload_len: usize,
    /// Bytes to pass before anything is read.
    skip: usize,
}

impl Frames {
    /// Behind so many bytes that are no frames.
    pub(super) fn behind(skip: usize) -> Self {
        Self { skip, ..Self::default() }
    }

    /// Bytes have passed.
    pub(super) fn feed(&mut self, bytes: &[u8], told: &mut impl FnMut(Frame)) {
        let mut rest = bytes;
        loop {
            let skipped = self.skip.min(rest.len());
            self.skip -= skipped;
            rest = &rest[skipped..];
            rest = fill(&mut self.head, &mut self.head_len, HEAD, rest);
            if self.skip > 0 || self.head_len < HEAD {
                return;
            }
            let length = self.length();
            rest = fill(&mut self.payload, &mut self.payload_len, length.min(SHOWN), rest);
            if self.payload_len < length.min(SHOWN) {
                return;
            }
            told(self.frame());
            *self = Self::behind(length - self.payload_len);
        }
    }

    fn length(&self) -> usize {
        let [high, middle, low, ..] = self.head;
        usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low)
    }

    fn frame(&self) -> Frame {
        let [_, _, _, kind, flags, a, b, c, d] = self.head;
        // The highest bit is reserved.
        let stream = u32::from_be_bytes([a & 0x7f, b, c, d]);
        Frame { length: self.length(), kind, flags, stream, payload: self.payload }
    }
}

/// Copies bytes until `len` reaches `full`; returns what is left of them.
fn fill<'a>(into: &mut [u8], len: &mut usize, full: usize, from: &'a [u8]) -> &'a [u8] {
    let count = full.saturating_sub(*len).min(from.len());
    let (now, rest) = from.split_at(count);
    into[*len..*len + count].copy_from_slice(now);
    *len += count;
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    #[test]
    fn frames_are_told_however_their_bytes_come() {
        let bytes = [
            b"PRI".to_vec(),
            frame(4, 0, 0, b""),
            frame(HEADERS, 4, 1, b"abc"),
            frame(0, 0, 1, &[7; 1_000]),
            frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 9, 5, 5]),
            frame(RST_STREAM, 0, 0x8000_0003, &[0, 0, 0, 1]),
        ]
        .concat();
        let expected = [(0, 4, 0, 0), (3, HEADERS, 4, 1), (1_000, 0, 0, 1), (10, GOAWAY, 0, 0)];
        let expected = expected.into_iter().chain([(4, RST_STREAM, 0, 3)]);
        let payloads: [&[u8; 8]; 5] = [
            &[0; 8],
            b"abc\0\0\0\0\0",
            &[7; 8],
            &[0, 0, 0, 1, 0, 0, 0, 9],
            &[0, 0, 0, 1, 0, 0, 0, 0],
        ];
        let expected: Vec<Frame> = expected
            .zip(payloads)
            .map(|((length, kind, flags, stream), &payload)| Frame {
                length,
                kind,
                flags,
                stream,
                payload,
            })
            .collect();
        for size in [1, 2, 7, 100, bytes.len()] {
            let mut frames = Frames::behind(3);
            let mut told = Vec::new();
            for piece in bytes.chunks(size) {
                frames.feed(piece, &mut |frame| told.push(frame));
            }
            assert_eq!(told, expected, "{size}");
        }
    }
}
