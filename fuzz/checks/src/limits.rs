//! Limits that short inputs reach.

use waf_core::limits::Limits;

/// The default limits, and small ones.
pub(crate) fn both() -> [Limits; 2] {
    [Limits::default(), small()]
}

/// Every limit within reach of a few hundred bytes.
pub(crate) fn small() -> Limits {
    Limits {
        hold: 96,
        url: 200,
        header_bytes: 400,
        headers: 8,
        body: None,
        fields: 12,
        field_name: 24,
        field_window: 64,
        depth: 6,
        parts: 4,
        part_headers: 160,
        inflate_ratio: 10,
        record_matches: 100,
    }
}
