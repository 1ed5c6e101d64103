//! Agreement with `quick-xml`: what it refuses we refuse, and where nothing is wrong, both see the
//! same texts and attributes under the same paths.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::tests::{row, xml};
use crate::parse::testing::Row;
use crate::random::Random;

/// A document as another parser reads it.
#[derive(Default)]
struct Document {
    path: Vec<String>,
    /// The text of the current element since its last tag.
    text: String,
    rows: Vec<Row>,
}

impl Document {
    fn read(body: &str) -> Result<Vec<Row>, String> {
        let mut reader = Reader::from_str(body);
        reader.config_mut().check_comments = true;
        let mut document = Self::default();
        loop {
            let event = reader.read_event().map_err(|error| error.to_string())?;
            match event {
                Event::Eof if document.path.is_empty() => return Ok(document.rows),
                Event::Eof => return Err("open elements".to_owned()),
                Event::Text(text) => {
                    document.text += &text.unescape().map_err(|error| error.to_string())?;
                }
                Event::CData(text) => document.text += &String::from_utf8_lossy(&text),
                Event::Start(tag) => document.open(&tag)?,
                Event::Empty(tag) => {
                    document.open(&tag)?;
                    document.close();
                }
                Event::End(_) => document.close(),
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::DocType(_) => {}
            }
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        self.end_text();
        self.path.push(String::from_utf8_lossy(tag.name().as_ref()).into_owned());
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value = attribute.unescape_value().map_err(|error| error.to_string())?;
            let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
            self.rows.push(row(&format!("/{}/@{name}", self.path.join("/")), &value));
        }
        Ok(())
    }

    fn close(&mut self) {
        self.end_text();
        self.path.pop();
    }

    fn end_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim_start_matches([' ', '\t', '\r', '\n']);
        if !text.is_empty() {
            self.rows.push(row(&format!("/{}", self.path.join("/")), text));
        }
    }
}

/// A random document, valid by construction.
fn element(random: &mut Random, depth: usize) -> String {
    let name = random.pick(&["a", "b", "x:y", "_z-1.2"]);
    let mut tag = format!("<{name}");
    for _ in 0..random.below(3) {
        let name = random.pick(&["c", "d", "xml:e"]);
        let value = random.pick(&["", "1", "a > b", "&amp;&#65;", "a\tb", "\"", "é"]);
        tag += &match value.contains('"') {
            true => format!(" {name}='{value}'"),
            false => format!(" {name} = \"{value}\""),
        };
    }
    if random.below(5) == 0 {
        return tag + "/>";
    }
    let inner: String = (0..random.below(6)).map(|_| content(random, depth)).collect();
    format!("{tag}>{inner}</{name} >")
}

fn content(random: &mut Random, depth: usize) -> String {
    match random.below(if depth > 4 { 6 } else { 8 }) {
        0 => "<!-- a - b -->".to_owned(),
        1 => "<?p q ?>".to_owned(),
        2 => format!("<![CDATA[{}]]>", random.pick(&["", "<b>", "]", "&lt;", " x "])),
        3..6 => random.pick(&["one", " ", "\n", "&lt;", "&#x42;", "é", "a]b", "x>y"]).to_owned(),
        _ => element(random, depth + 1),
    }
}

/// Whether both agree; gives whether the document is valid for us.
fn assert_agrees(body: &str) -> bool {
    let lanes = xml(body);
    let valid = lanes.main.findings().is_empty();
    match Document::read(body) {
        Ok(rows) if valid => assert_eq!(lanes.main.rows(), rows, "{body}"),
        // It checks less than we do.
        Ok(_) => {}
        Err(error) => assert!(!valid, "{body}: {error}"),
    }
    valid
}

#[test]
fn agrees_with_quick_xml_on_random_documents() {
    for seed in 0..2_000 {
        let body = element(&mut Random::new(seed), 0);
        assert!(assert_agrees(&body), "the generator makes XML: {body}");
    }
}

#[test]
fn agrees_with_quick_xml_on_mutated_documents() {
    let mut valid = 0;
    for seed in 0..4_000 {
        let mut random = Random::new(seed);
        let body = element(&mut random, 0);
        let body = random.mutate(body.as_bytes(), b"<>/=\"'&;!?-[]ab1 \n");
        let Ok(body) = String::from_utf8(body) else { continue };
        valid += usize::from(!body.is_empty() && assert_agrees(&body));
    }
    assert!((500..3_500).contains(&valid), "{valid} valid of 4000");
}
