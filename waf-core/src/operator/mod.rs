//! Operators made ready: one file each, one table.
//!
//! A [`Check`] is an operator that neither patterns nor phrases can do. It reads a value piece by
//! piece and says where its answer became certain; that place depends on the bytes alone, never on
//! where a piece ends. [`detect_sqli`] and [`detect_xss`] need the whole value.
//!
//! ```
//! use waf_core::operator::Check;
//! use waf_core::rule::Operator;
//!
//! let check = Check::new(&Operator::Gt(100)).unwrap();
//! let mut state = check.start();
//! assert_eq!(check.feed(&mut state, b"10"), None);
//! assert_eq!(check.feed(&mut state, b"24"), Some(1)); // 102 and whatever follows
//! assert!(check.finish(state));
//! ```
//!
//! A new operator is a variant of [`Operator`], a file here with a `Machine`, its `mod` and table
//! line below, and its tests.

mod backtrack;
mod byte_range;
mod captures;
mod check_digits;
mod expanded;
mod integer;
mod ip_match;
mod parts;
mod search;
mod sqli;
mod url_encoding;
mod utf8_encoding;
mod within;
mod xss;

use crate::rule::Operator;

pub use backtrack::{Backtrack, BacktrackError, Outcome};
pub use captures::{Captures, Capturing};
pub use expanded::holds_expanded;
pub use integer::atoi;
pub use parts::Parts;
pub use sqli::{Fingerprint, detect_sqli};
pub use xss::detect_xss;

pub(crate) use sqli::{detect_sqli_with, may_be_sqli};
pub(crate) use xss::{detect_xss_with, may_be_xss};

/// How sure the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Still open; the value must be read on.
    Open,
    /// True, whatever follows.
    True,
}

/// An operator as a machine that reads byte by byte.
trait Machine {
    /// What is known of the value so far.
    type State: Clone + PartialEq;

    /// Before the first byte.
    fn start(&self) -> Self::State;

    /// Reads one byte. Not called again once it answered [`Answer::True`].
    fn step(&self, state: &mut Self::State, byte: u8) -> Answer;

    /// Whether it matches when the value ends here.
    fn finish(&self, state: Self::State) -> bool;
}

macro_rules! table {
    ($( $variant:ident: $machine:ty, from $pattern:pat => $make:expr; )*) => {
        /// An operator ready to read values. Immutable, shared by all of them.
        #[derive(Clone, Debug)]
        pub struct Check(Kind);

        #[derive(Clone, Debug)]
        enum Kind {
            $( $variant($machine), )*
        }

        /// What a [`Check`] knows of one value so far. Bounded: the largest holds the text of an
        /// address or of a bank account.
        #[derive(Clone, Debug, PartialEq)]
        pub struct CheckState(Progress);

        #[derive(Clone, Debug, PartialEq)]
        enum Progress {
            /// It matches, whatever follows.
            Certain,
            $( $variant(<$machine as Machine>::State), )*
        }

        impl Check {
            /// The operator made ready; `None` for those that run elsewhere: patterns, phrases,
            /// findings and libinjection.
            pub fn new(operator: &Operator) -> Option<Self> {
                let kind = match operator {
                    $( $pattern => Kind::$variant($make), )*
                    _ => return None,
                };
                Some(Self(kind))
            }

            /// Whether a value is a part of `text` once it stands between two others.
            pub(crate) fn within(before: &[u8], text: &[u8], behind: &[u8]) -> Self {
                Self(Kind::Within(within::Within::between(before, text, behind)))
            }

            /// The state before the first byte of a value.
            pub fn start(&self) -> CheckState {
                CheckState(match &self.0 {
                    $( Kind::$variant(machine) => Progress::$variant(machine.start()), )*
                })
            }

            /// Reads the next piece of the value. Returns, once a value, the index one past the
            /// byte of this piece at which a match became certain.
            ///
            /// A state of another check is left as it is.
            pub fn feed(&self, state: &mut CheckState, input: &[u8]) -> Option<usize> {
                let certain = match (&self.0, &mut state.0) {
                    $( (Kind::$variant(machine), Progress::$variant(state)) => {
                        let is_certain = |&byte: &u8| machine.step(state, byte) == Answer::True;
                        input.iter().position(is_certain)?
                    } )*
                    _ => return None,
                };
                state.0 = Progress::Certain;
                Some(certain + 1)
            }

            /// Whether the value matches, now that it ended.
            pub fn finish(&self, state: CheckState) -> bool {
                match (&self.0, state.0) {
                    (_, Progress::Certain) => true,
                    $( (Kind::$variant(machine), Progress::$variant(state)) => {
                        machine.finish(state)
                    } )*
                    _ => false,
                }
            }
        }
    };
}

table! {
    Within: within::Within, from Operator::Within(text) => within::Within::new(text);
    Eq: integer::Integer, from Operator::Eq(number) => integer::Integer::Eq(*number);
    Ge: integer::Integer, from Operator::Ge(number) => integer::Integer::Ge(*number);
    Gt: integer::Integer, from Operator::Gt(number) => integer::Integer::Gt(*number);
    Le: integer::Integer, from Operator::Le(number) => integer::Integer::Le(*number);
    Lt: integer::Integer, from Operator::Lt(number) => integer::Integer::Lt(*number);
    IpMatch: ip_match::IpMatch, from Operator::IpMatch(networks) => ip_match::IpMatch::new(networks);
    ByteRange: byte_range::ByteRange,
        from Operator::ValidateByteRange(allowed) => byte_range::ByteRange(*allowed);
    UrlEncoding: url_encoding::UrlEncoding,
        from Operator::ValidateUrlEncoding => url_encoding::UrlEncoding;
    Utf8Encoding: utf8_encoding::Utf8Encoding,
        from Operator::ValidateUtf8Encoding => utf8_encoding::Utf8Encoding;
    Luhn: check_digits::CheckDigits, from Operator::Luhn => check_digits::CheckDigits::Luhn;
    Iban: check_digits::CheckDigits, from Operator::Iban => check_digits::CheckDigits::Iban;
}
