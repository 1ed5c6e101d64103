//! Finding a record by the time in its id. Ids are UUIDv7, whose first 48 bits are milliseconds (RFC
//! 9562, section 5.7), and records are written as requests end: nearly in the order of their ids. So
//! half of the file is ruled out at a time, and a window around the place that is left is searched.
//! What took longer than the window is wide is left to the search of the whole file.

use std::io::{self, Read, Seek, SeekFrom};

use memchr::{memchr, memmem};
use waf_core::record::DecisionRecord;

use super::lookup::last_in;

/// Bytes searched before the place and behind it: seconds of a busy proxy.
const WINDOW: u64 = 8 << 20;

/// Bytes read to find the id of a line. Longer lines are rare, and left to the whole search.
const LINE: u64 = 64 << 10;

/// The record of a request, where it lies about where its id says.
pub(super) fn record(
    file: &mut (impl Read + Seek),
    request_id: &str,
) -> io::Result<Option<DecisionRecord>> {
    let Some(wanted) = time_of(request_id.as_bytes()) else { return Ok(None) };
    let end = file.seek(SeekFrom::End(0))?;
    let (mut low, mut high) = (0, end);
    while high - low > LINE {
        let middle = low.midpoint(high);
        match time_at(file, middle)? {
            Some(time) if time < wanted => low = middle,
            Some(_) => high = middle,
            None => return Ok(None),
        }
    }
    let text = read(file, low.saturating_sub(WINDOW), 2 * WINDOW)?;
    Ok(last_in(&text, request_id))
}

/// The time of the first record that begins behind a place.
fn time_at(file: &mut (impl Read + Seek), place: u64) -> io::Result<Option<u64>> {
    const KEY: &[u8] = b"\"request_id\":\"";
    let text = read(file, place, LINE)?;
    let Some(line) = memchr(b'\n', &text).map(|at| &text[at..]) else { return Ok(None) };
    Ok(memmem::find(line, KEY).and_then(|at| time_of(&line[at + KEY.len()..])))
}

fn read(file: &mut (impl Read + Seek), place: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(place))?;
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text)?;
    Ok(text)
}

/// Milliseconds since 1970 of a UUIDv7; `None` for other ids.
fn time_of(id: &[u8]) -> Option<u64> {
    let id = id.get(..36)?;
    if id[8] != b'-' || id[13] != b'-' || id[14] != b'7' {
        return None;
    }
    let digits = [&id[..8], &id[9..13]].concat();
    u64::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use std::io::Cursor;

    use super::*;
    use crate::test_record::passed;

    /// Not a number that counts: a digit that is told apart.
    fn id(time: u64) -> String {
        let hex = format!("{time:012x}");
        format!("{}-{}-7000-8000-{time:012}", &hex[..8], &hex[8..])
    }

    #[test]
    fn time_is_read_from_ids_of_version_7() {
        // The example of RFC 9562, appendix A.6: 2022-02-22 14:22:22 -05:00.
        assert_eq!(time_of(b"017f22e2-79b0-7cc3-98c4-dc0c0c07398f"), Some(1_645_557_742_000));
        assert_eq!(time_of(b"919108f7-52d1-4320-9bac-f847db4148a8"), None);
        assert_eq!(time_of(b"017f22e2"), None);
    }

    #[test]
    fn records_are_found_though_requests_end_out_of_order() {
        let mut record = passed("a");
        let mut text = String::new();
        for place in 0..60_000_u64 {
            // Every seventh request took as long as two hundred others.
            let time = if place % 7 == 0 { place.saturating_sub(200) * 7 } else { place * 7 + 1 };
            record.request_id = id(time);
            text += &serde_json::to_string(&record).unwrap();
            text.push('\n');
        }
        assert!(text.len() as u64 > 3 * WINDOW);
        let mut file = Cursor::new(text.as_bytes());
        for place in (0..60_000_u64).step_by(1_117) {
            let time = if place % 7 == 0 { place.saturating_sub(200) * 7 } else { place * 7 + 1 };
            let found = super::record(&mut file, &id(time)).unwrap().unwrap();
            assert_eq!(found.request_id, id(time));
        }
        assert!(super::record(&mut file, &id(3)).unwrap().is_none());
        assert!(super::record(&mut Cursor::new(b"no record\n"), &id(3)).unwrap().is_none());
    }
}
