//! What must hold of any bytes: the bodies of the fuzz targets, as plain functions.
//!
//! Each check takes bytes and panics when a promise is broken. `fuzz/fuzz_targets/` feeds them from
//! libFuzzer, `tests/seeds.rs` feeds every kept input as an ordinary test. A check compares with
//! something independent where there is one: another parser, an encoder, the grammar written down
//! plainly.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod chunking;
pub mod cookie;
pub mod encoding;
pub mod engines;
pub mod framing;
pub mod head;
pub mod injection;
pub mod json;
pub mod multipart;
pub mod seclang;
pub mod transform;
pub mod uri;
pub mod urlencoded;
pub mod xml;
pub mod yaml;

mod cuts;
mod engine;
mod lanes;
mod limits;
mod percent;

/// A check: it panics when a promise is broken.
pub type Check = fn(&[u8]);

/// Every target: its name (also that of its folders of seeds) and its check.
pub const TARGETS: &[(&str, Check)] = &[
    ("head", head::check),
    ("framing", framing::check),
    ("uri", uri::check),
    ("urlencoded", urlencoded::check),
    ("cookie", cookie::check),
    ("json", json::check),
    ("multipart", multipart::check),
    ("xml", xml::check),
    ("encoding", encoding::check),
    ("yaml", yaml::check),
    ("seclang", seclang::check),
    ("transform", transform::check),
    ("chunking", chunking::check),
    ("engines", engines::check),
    ("injection", injection::check),
];
