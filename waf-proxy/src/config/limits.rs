//! Bounds on memory, work and waiting.

use std::time::Duration;

use waf_core::limits::Limits;

use super::units::{Size, Time};
use super::{Builder, written};
use crate::settings::{BodySettings, HoldFull, Timeouts};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Without a length, this is what the proxy library can give back of a body it has read.
const HOLD_UNKNOWN: u64 = 64 * KIB;

/// Bytes of a head that the proxy library reads.
const HEAD: u64 = MIB;

/// Header lines that the proxy library reads.
const HEADERS: usize = 256;

/// A bound per request above this is surely a mistake: thousands of requests run side by side.
const KEPT: u64 = 64 * MIB;

/// Waiting longer than this is waiting for ever.
const WAIT: Duration = Duration::from_secs(24 * 60 * 60);

impl Builder<'_> {
    /// The limits of a route, or the global ones; `path` is `""` or `routes[n].`.
    pub(super) fn limits(
        &mut self,
        path: &str,
        written: &written::Limits,
        body: &written::Body,
    ) -> Limits {
        let default = Limits::default();
        let hold = body.hold.map_or(default.hold, |size| size.0);
        let hold = self.check.between(&format!("{path}body.hold"), hold, (0, KEPT));
        let window = written.field_window.unwrap_or(Size(hold.max(KIB)));
        let mut size = |key: &str, size: Option<Size>, default: usize, (least, most)| {
            let value = size.map_or(default as u64, |size| size.0);
            let value = self.check.between(&format!("{path}limits.{key}"), value, (least, most));
            usize::try_from(value).unwrap_or(usize::MAX)
        };
        let url = size("url", written.url, default.url, (64, HEAD));
        let header_bytes =
            size("header_bytes", written.header_bytes, default.header_bytes, (KIB, HEAD));
        let field_name = size("field_name", written.field_name, default.field_name, (16, MIB));
        let field_window = size("field_window", Some(window), 0, (KIB, KEPT));
        let part_headers =
            size("part_headers", written.part_headers, default.part_headers, (64, MIB));
        let mut count = |key: &str, count: Option<usize>, default: usize, most: usize| {
            let value = count.unwrap_or(default);
            self.check.between(&format!("{path}limits.{key}"), value, (1, most))
        };
        Limits {
            hold,
            url,
            header_bytes,
            headers: count("headers", written.headers, default.headers, HEADERS),
            body: written.body.and_then(|bound| bound.0),
            fields: count("fields", written.fields, default.fields, 1_000_000),
            field_name,
            field_window,
            depth: count("depth", written.depth, default.depth, 1_000),
            parts: count("parts", written.parts, default.parts, 100_000),
            part_headers,
            inflate_ratio: written.inflate_ratio.unwrap_or(default.inflate_ratio).max(1),
            record_matches: count(
                "record_matches",
                written.record_matches,
                default.record_matches,
                1_000,
            ),
        }
    }

    pub(super) fn body(&mut self, written: Option<&written::Body>) -> BodySettings {
        let written = written.cloned().unwrap_or_default();
        let default = BodySettings::default();
        let unknown = written.hold_unknown_length.map_or(default.hold_unknown_length, |s| s.0);
        let path = "body.hold_unknown_length";
        let hold_unknown_length = self.check.between(path, unknown, (0, HOLD_UNKNOWN));
        let total = written.hold_total.map_or(default.hold_total as u64, |size| size.0);
        let hold = written.hold.map_or(Limits::default().hold, |size| size.0);
        if total < hold {
            self.check.error("body.hold_total", "`hold_total` is less than one body's `hold`");
        }
        BodySettings {
            hold_unknown_length,
            hold_total: usize::try_from(total).unwrap_or(usize::MAX),
            hold_full: match written.hold_full {
                Some(written::HoldFull::Refuse) => HoldFull::Refuse,
                Some(written::HoldFull::Stream) | None => HoldFull::Stream,
            },
        }
    }

    pub(super) fn in_flight(&mut self, written: Option<&written::Limits>) -> usize {
        let in_flight = written.and_then(|limits| limits.in_flight).unwrap_or(2_048);
        self.check.between("limits.in_flight", in_flight, (1, 1_000_000))
    }

    pub(super) fn h2_streams(&mut self, written: Option<&written::Limits>) -> u32 {
        let streams = written.and_then(|limits| limits.h2_streams).unwrap_or(100);
        self.check.between("limits.h2_streams", streams, (1, 10_000))
    }

    pub(super) fn timeouts(&mut self, written: Option<&written::Timeouts>) -> Timeouts {
        let written = written.cloned().unwrap_or_default();
        let default = Timeouts::default();
        let mut time = |key: &str, time: Option<Time>, default: Duration| {
            let value = time.map_or(default, |time| time.0);
            if value.is_zero() || value > WAIT {
                let message = format!("`{key}` must be more than 0 and at most 24h");
                self.check.error(&format!("timeouts.{key}"), message);
            }
            value
        };
        Timeouts {
            header: time("header", written.header, default.header),
            body_gap: time("body_gap", written.body_gap, default.body_gap),
            keepalive: time("keepalive", written.keepalive, default.keepalive),
            drain: time("drain", written.drain, default.drain),
            stop: time("stop", written.stop, default.stop),
            body_min_rate: written.body_min_rate.map_or(default.body_min_rate, |rate| rate.0),
        }
    }
}
