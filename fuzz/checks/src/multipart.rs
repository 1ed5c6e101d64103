//! Multipart bodies, and the choice of a parser by Content-Type.

use waf_core::field::Collection;
use waf_core::limits::Limits;
use waf_core::parse::body::{Body, Processor};

use crate::lanes::{Lanes, findings, rows};
use crate::{cuts, limits};

/// The first line of `data` as a Content-Type, the rest as a body of it: the same in pieces. And
/// `data` as values of a form that is written here and must be read back.
pub fn check(data: &[u8]) {
    let mark = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let content_type = data[..mark].trim_ascii_end();
    let body = data.get(mark + 1..).unwrap_or_default();
    let processor = Processor::choose(Some(content_type), true);
    for limits in limits::both() {
        let lanes = cuts::same(body, |pieces| read(&processor, pieces, &limits));
        lanes.assert_sound(body.len());
    }
    assert_round_trip(data);
}

fn read(processor: &Processor, pieces: &[&[u8]], limits: &Limits) -> Lanes {
    let mut lanes = Lanes::default();
    let mut body = Body::new(processor, limits);
    pieces.iter().for_each(|piece| body.feed(piece, &mut lanes));
    body.finish(&mut lanes);
    lanes
}

const BOUNDARY: &str = "b-o";

/// A form of the stretches of `data` between bytes 0xFF, as clients write it (RFC 7578).
fn assert_round_trip(data: &[u8]) {
    let delimiter = format!("--{BOUNDARY}");
    if data.windows(delimiter.len()).any(|window| window == delimiter.as_bytes()) {
        return;
    }
    let values: Vec<&[u8]> = data.split(|&byte| byte == 0xff).take(5).collect();
    let mut body = Vec::new();
    for (number, value) in values.iter().enumerate() {
        let head =
            format!("{delimiter}\r\nContent-Disposition: form-data; name=\"n{number}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("{delimiter}--\r\n").as_bytes());
    let processor = Processor::Multipart(BOUNDARY.as_bytes().to_vec());
    let lanes = cuts::same(&body, |pieces| read(&processor, pieces, &Limits::default()));
    lanes.assert_sound(body.len());
    assert_eq!(findings(&lanes.main), Vec::<&str>::new());
    let names: Vec<String> = (0..values.len()).map(|number| format!("n{number}")).collect();
    let expected: Vec<(&[u8], &[u8])> =
        names.iter().map(String::as_bytes).zip(values.iter().copied()).collect();
    assert_eq!(rows(&lanes.main, Collection::ArgsPost), expected);
}
