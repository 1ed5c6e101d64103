//! XML bodies.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use waf_core::limits::Limits;
use waf_core::parse::xml::Xml;

use crate::lanes::Lanes;
use crate::{cuts, limits};

/// `data` as XML: the same in pieces, and never found valid where `quick-xml` finds it broken.
pub fn check(data: &[u8]) {
    for limits in limits::both() {
        let lanes = cuts::same(data, |pieces| read(pieces, &limits));
        lanes.assert_sound(data.len());
        let valid = lanes.main.findings.is_empty() && lanes.raw.findings.is_empty();
        if let (true, Ok(text)) = (valid && !data.is_empty(), std::str::from_utf8(data)) {
            assert_eq!(well_formed(text), Ok(()));
        }
    }
}

fn read(pieces: &[&[u8]], limits: &Limits) -> Lanes {
    let mut lanes = Lanes::default();
    let mut xml = Xml::new(limits);
    pieces.iter().for_each(|piece| xml.feed(piece, &mut lanes));
    xml.finish(&mut lanes);
    lanes
}

fn well_formed(text: &str) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut depth = 0_usize;
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Eof if depth == 0 => return Ok(()),
            Event::Eof => return Err("open elements".to_owned()),
            Event::Start(tag) => {
                depth += 1;
                attributes(&tag)?;
            }
            Event::Empty(tag) => attributes(&tag)?,
            Event::End(_) => depth -= 1,
            Event::Text(text) => drop(text.unescape().map_err(|error| error.to_string())?),
            _ => {}
        }
    }
}

fn attributes(tag: &BytesStart<'_>) -> Result<(), String> {
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        attribute.unescape_value().map_err(|error| error.to_string())?;
    }
    Ok(())
}
