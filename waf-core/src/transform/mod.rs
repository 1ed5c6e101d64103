//! Transformations made ready: one file each, one table.
//!
//! A [`Transducer`] rewrites a value piece by piece, as ModSecurity 2 would rewrite the whole.
//! What it emits depends on the bytes alone, never on where a piece ends: an output byte appears
//! with the first input byte that makes it certain, so the place of a match can be told from the
//! piece that produced it.
//!
//! ```
//! use waf_core::rule::Transformation;
//! use waf_core::transform::Transducer;
//!
//! let mut transducer = Transducer::new(Transformation::UrlDecode);
//! let mut out = Vec::new();
//! transducer.feed(b"1%2", &mut out);
//! assert_eq!(out, b"1");
//! transducer.feed(b"7+or", &mut out);
//! transducer.finish(&mut out);
//! assert_eq!(out, b"1' or");
//! ```
//!
//! Differences from ModSecurity 2, all on purpose:
//! * nothing stops at a NUL byte (its `cmdLine` does);
//! * `normalize_path_win` reads every `\` as `/`; its loop leaves some, such as the last in `\.\\`.
//!
//! A new transformation is a variant of [`Transformation`], a file here with a `Machine`, its
//! `mod` and table line below, and a file of cases in `tests/data/transform/`.

mod base64_decode;
mod best_fit;
mod cmd_line;
mod compress_whitespace;
mod css_decode;
mod escape_seq_decode;
mod hex_encode;
mod html_entity_decode;
mod js_decode;
mod length;
mod lowercase;
mod normalize_path;
mod pending;
mod remove_comments_char;
mod remove_nulls;
mod remove_whitespace;
mod replace_comments;
mod sha1;
mod text;
mod url_decode;
mod url_decode_uni;
mod utf8_to_unicode;

use crate::bytes::ByteSet;
use crate::rule::Transformation;

/// A transformation at work on one value.
///
/// A few bytes of state; only the path transformations keep the whole value (the caller feeds them
/// no more than `field_window`), and `sha1` keeps one block. Two equal transducers give equal
/// output for equal input from here on.
#[derive(Clone, Debug, PartialEq)]
pub struct Transducer(State);

/// How large the output may be: at most `factor` bytes per `per` input bytes and `extra` bytes
/// besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Output bytes…
    pub factor: usize,
    /// … for so many input bytes, at least one.
    pub per: usize,
    /// Output bytes that even an empty value may give.
    pub extra: usize,
}

impl Growth {
    /// Never longer than the input.
    const NONE: Self = Self { factor: 1, per: 1, extra: 0 };

    /// The most bytes that `input` bytes can become.
    pub const fn bound(self, input: usize) -> usize {
        (input.saturating_mul(self.factor) / self.per).saturating_add(self.extra)
    }

    /// The fewest bytes that can become `output` bytes or more; `usize::MAX`: none can.
    pub const fn least_input(self, output: usize) -> usize {
        match (output.saturating_sub(self.extra), self.factor) {
            (0, _) => 0,
            (_, 0) => usize::MAX,
            (rest, factor) => rest.saturating_mul(self.per).div_ceil(factor),
        }
    }
}

macro_rules! table {
    ($( $variant:ident => $machine:ty, )*) => {
        #[derive(Clone, Debug, PartialEq)]
        enum State {
            $( $variant($machine), )*
        }

        impl Transducer {
            /// The transformation at the start of a value.
            pub fn new(transformation: Transformation) -> Self {
                Self(match transformation {
                    $( Transformation::$variant => State::$variant(<$machine>::default()), )*
                })
            }

            /// Puts it at the start of another value.
            fn restart(&mut self) {
                match &mut self.0 {
                    $( State::$variant(machine) => machine.restart(), )*
                }
            }

            /// Reads the next piece of the value and appends to `out` what became certain.
            pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
                match &mut self.0 {
                    $( State::$variant(machine) => machine.feed(input, out), )*
                }
            }

            /// Ends the value: appends what was still open. Call it once, as the last.
            pub fn finish(&mut self, out: &mut Vec<u8>) {
                match &mut self.0 {
                    $( State::$variant(machine) => machine.finish(out), )*
                }
            }

            /// Whether the transformation reports, so far, that it changed the value: what
            /// `multiMatch` asks. This is ModSecurity 2's own report, not a comparison: `cmd_line`,
            /// `hex_encode`, `length` and `sha1` always say yes, `base64_decode` when it gave
            /// output; `compress_whitespace` says no to a lone tab made a space,
            /// `utf8_to_unicode` to bytes it dropped, the path transformations to a final `..`.
            pub fn changed(&self) -> bool {
                match &self.0 {
                    $( State::$variant(machine) => machine.changed(), )*
                }
            }

            /// Whether the state is that of a new transducer, but for [`Self::changed`]: nothing is
            /// open, so bytes outside [`triggers`] come out as they went in and leave it idle. They
            /// need not be fed. The path transformations, `length`, `sha1` and `base64_decode` look
            /// at the value as a whole and never are idle.
            pub fn is_idle(&self) -> bool {
                match &self.0 {
                    $( State::$variant(machine) => machine.is_idle(), )*
                }
            }
        }

        /// The bytes that wake a transformation. A value with none of them is its own output; the
        /// same holds for the rest of a value while the transducer is idle.
        pub const fn triggers(transformation: Transformation) -> ByteSet {
            match transformation {
                $( Transformation::$variant => <$machine as Machine>::TRIGGERS, )*
            }
        }

        /// How much longer than its input an output can be.
        pub const fn max_growth(transformation: Transformation) -> Growth {
            match transformation {
                $( Transformation::$variant => <$machine as Machine>::GROWTH, )*
            }
        }
    };
}

table! {
    Lowercase => lowercase::Lowercase,
    UrlDecode => url_decode::UrlDecode,
    UrlDecodeUni => url_decode_uni::UrlDecodeUni,
    Utf8ToUnicode => utf8_to_unicode::Utf8ToUnicode,
    HtmlEntityDecode => html_entity_decode::HtmlEntityDecode,
    JsDecode => js_decode::JsDecode,
    CssDecode => css_decode::CssDecode,
    EscapeSeqDecode => escape_seq_decode::EscapeSeqDecode,
    Base64Decode => base64_decode::Base64Decode,
    HexEncode => hex_encode::HexEncode,
    RemoveNulls => remove_nulls::RemoveNulls,
    RemoveWhitespace => remove_whitespace::RemoveWhitespace,
    CompressWhitespace => compress_whitespace::CompressWhitespace,
    ReplaceComments => replace_comments::ReplaceComments,
    RemoveCommentsChar => remove_comments_char::RemoveCommentsChar,
    CmdLine => cmd_line::CmdLine,
    NormalizePath => normalize_path::NormalizePath<false>,
    NormalizePathWin => normalize_path::NormalizePath<true>,
    Length => length::Length,
    Sha1 => sha1::Sha1,
}

/// One transducer of each transformation, for values at hand as a whole: they are used one after the
/// other and keep their memory.
#[derive(Debug)]
pub struct Transducers(Vec<Transducer>);

impl Transducers {
    /// The transformation at the start of a value.
    pub fn fresh(&mut self, transformation: Transformation) -> &mut Transducer {
        let transducer = &mut self.0[transformation as usize];
        transducer.restart();
        transducer
    }
}

impl Default for Transducers {
    fn default() -> Self {
        Self(Transformation::ALL.iter().copied().map(Transducer::new).collect())
    }
}

/// A transformation as a machine that reads byte by byte.
trait Machine: Default {
    /// See [`triggers`].
    const TRIGGERS: ByteSet;

    /// See [`max_growth`].
    const GROWTH: Growth = Growth::NONE;

    /// [`Self::TRIGGERS`] as a table: one load per byte instead of a shift and a mask.
    const IS_TRIGGER: [bool; 256] = flags(Self::TRIGGERS);

    /// The trigger, if it is only one.
    const TRIGGER: Option<u8> = Self::TRIGGERS.only();

    /// Reads one byte.
    fn step(&mut self, byte: u8, out: &mut Vec<u8>);

    /// Reads many.
    fn feed(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        loop {
            if self.is_idle() {
                input = &input[self.run(input, out)..];
            }
            let Some((&byte, rest)) = input.split_first() else { return };
            self.step(byte, out);
            input = rest;
        }
    }

    /// Reads, while idle, the bytes in front that leave it so, in one piece: at least those that
    /// wake nothing. How many they are.
    fn run(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let wakes = |&byte: &u8| Self::IS_TRIGGER[usize::from(byte)];
        let woken = match Self::TRIGGER {
            Some(trigger) => memchr::memchr(trigger, input),
            None => input.iter().position(wakes),
        };
        let plain = woken.unwrap_or(input.len());
        out.extend_from_slice(&input[..plain]);
        plain
    }

    /// Puts it at the start of another value; what has memory keeps it.
    fn restart(&mut self) {
        *self = Self::default();
    }

    /// See [`Transducer::finish`].
    fn finish(&mut self, _out: &mut Vec<u8>) {}

    /// See [`Transducer::changed`].
    fn changed(&self) -> bool;

    /// See [`Transducer::is_idle`].
    fn is_idle(&self) -> bool {
        true
    }
}

const fn flags(set: ByteSet) -> [bool; 256] {
    let mut flags = [false; 256];
    let mut byte = 0;
    while byte < flags.len() {
        flags[byte] = set.contains(byte as u8);
        byte += 1;
    }
    flags
}
