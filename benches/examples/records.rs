//! Decision records of a made-up day, 600 bytes each on average, for `pinpoint tune` and `why`:
//!
//!     cargo run --release -p pinpoint-benches --example records -- 10000000 | pinpoint tune --log -
//!
//! The same number gives the same records: 24 hours, 50,000 visitors, 40 paths of 30 fields, each of
//! which trips one of three rules; one in a hundred records has a path of its own. Five in six
//! requests pass; the others take 850 bytes.

use std::io::{self, BufWriter, Write};

fn main() -> io::Result<()> {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut state = 1_u64;
    for number in 0..count {
        record(&mut out, number, count, &mut state)?;
    }
    out.flush()
}

/// splitmix64 (Steele and others, 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn record(out: &mut impl Write, number: u64, count: u64, state: &mut u64) -> io::Result<()> {
    const START: u64 = 1_795_392_000_000;
    let millisecond = number * 86_400_000 / count;
    let [hour, minute, second] =
        [millisecond / 3_600_000, millisecond / 60_000 % 60, millisecond / 1_000 % 60];
    let id = format!("{:012x}", START + millisecond);
    let (visitor, place, what) = (next(state) % 50_000, next(state) % 40, next(state));
    let field = what % 30;
    let rule = (place * 7 + field * 3 + what / 30 % 3) % 20;
    let path = match next(state) % 100 {
        0 => format!("/p{place}/{}", next(state)),
        _ => format!("/p{place}/form"),
    };
    let is_flagged = next(state).is_multiple_of(6);
    let (decision, score) = if is_flagged { ("would_block", 5) } else { ("pass", 0) };
    write!(
        out,
        "{{\"time\":\"2026-11-23T{hour:02}:{minute:02}:{second:02}.{:03}Z\",\"request_id\":\"{}-{}-7000-8000-{number:012x}\",\
         \"mode\":\"detect\",\"decision\":\"{decision}\",\"status\":200,\"source\":\"origin\",\"route\":\"default\",\
         \"client\":{{\"ip\":\"203.0.{}.{}\"}},\"request\":{{\"method\":\"POST\",\"host\":\"shop.example\",\"path\":\"{path}\",\
         \"query\":\"\",\"content_type\":null,\"body_bytes\":812}},\"score\":{{\"inbound\":{score},\"inbound_threshold\":5,\
         \"outbound\":0,\"outbound_threshold\":4}},\"matches\":[",
        millisecond % 1_000,
        &id[..8],
        &id[8..],
        visitor / 250,
        visitor % 250,
    )?;
    if is_flagged {
        write!(
            out,
            "{{\"rule_id\":\"rule-{rule}\",\"name\":\"A rule\",\"severity\":\"critical\",\"score\":5,\"paranoia\":1,\
             \"phase\":\"request_body\",\"target\":\"ARGS_POST:field{field}\",\"decode\":[\"form\"],\"offset\":7,\
             \"length\":9,\"at\":12,\"excerpt\":\"\",\"message\":\"A rule\",\"data\":\"\",\"tags\":[],\
             \"file\":\"r.yaml\",\"line\":1}}"
        )?;
    }
    writeln!(
        out,
        "],\"verdict_offset\":812,\"coverage\":{{\"body_seen\":812,\"body_total\":812,\"stop\":null,\
         \"inexact\":[]}},\"ruleset\":\"sha256:0\",\"timing_us\":{{\"inspect\":41,\"total\":1830}}}}"
    )
}
