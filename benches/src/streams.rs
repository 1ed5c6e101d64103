//! Long bodies in pieces: speed and memory.

use waf_core::parse::head::RequestHead;

use crate::cost::{cpu, forget_peak, resident};
use crate::crs::Crs;
use crate::engine::{Engine, detecting, record};
use crate::report::{Cell, Table};
use crate::texts::{Material, base64, percent};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// The level of the rule set.
    pub paranoia: u8,
    /// Bytes of a body.
    pub size: u64,
    /// Bytes of its pieces.
    pub pieces: Vec<usize>,
    /// Only bodies whose name holds this.
    pub only: Option<String>,
}

/// A body: what comes before and after a text that is repeated.
struct Stream {
    name: &'static str,
    content_type: &'static str,
    before: &'static [u8],
    block: Vec<u8>,
    after: &'static [u8],
}

/// Bytes of the text that is repeated.
const BLOCK: usize = 1 << 20;

fn streams(material: &Material) -> Vec<Stream> {
    let mixed = material.mixed(BLOCK);
    let plain =
        |name, block| Stream { name, content_type: "text/plain", before: b"", block, after: b"" };
    vec![
        plain("base64, text/plain", base64(BLOCK)),
        plain("mixed, text/plain", mixed.clone()),
        Stream {
            name: "mixed, one form value",
            content_type: "application/x-www-form-urlencoded",
            before: b"text=",
            block: percent(&mixed),
            after: b"",
        },
        Stream {
            name: "mixed, one JSON value",
            content_type: "application/json",
            before: b"{\"text\":\"",
            block: escape(&mixed),
            after: b"\"}",
        },
    ]
}

/// As it stands in a JSON string.
fn escape(text: &[u8]) -> Vec<u8> {
    let text = serde_json::Value::from(String::from_utf8_lossy(text)).to_string();
    text.as_bytes()[1..text.len() - 1].to_vec()
}

/// A row for each body and length of pieces. Every body goes through one engine after a short one
/// of its kind, so that tables have grown before.
///
/// # Errors
/// When the rules do not load, or a body was not inspected to its end.
pub fn measure(crs: &Crs, material: &Material, options: &Options) -> Result<Table, String> {
    let mut table = Table::new(
        "streams",
        &[
            "PL",
            "body",
            "MB",
            "piece",
            "MB/s a core",
            "resident before, KiB",
            "most, KiB",
            "growth, KiB",
        ],
    );
    let wanted =
        |stream: &&Stream| options.only.as_ref().is_none_or(|only| stream.name.contains(only));
    for stream in streams(material).iter().filter(wanted) {
        for &piece in &options.pieces {
            let mut engine = Engine::new(crs.policy(options.paranoia, detecting())?);
            run(&mut engine, stream, 2 * BLOCK as u64, 16 * 1024)?;
            if !forget_peak() {
                return Err("the peak of memory cannot be begun anew here".to_owned());
            }
            let before = resident().0;
            let begun = cpu();
            let sent = run(&mut engine, stream, options.size, piece)?;
            let seconds = (cpu() - begun) as f64 / 1e9;
            let most = resident().1;
            let speed = sent as f64 / 1e6 / seconds;
            eprintln!("{} by {piece}: {speed:.1} MB/s", stream.name);
            table.push(vec![
                Cell::count(options.paranoia.into()),
                stream.name.into(),
                Cell::Number(sent as f64 / 1e6, 0),
                Cell::count(piece as u64),
                Cell::Number(speed, 2),
                Cell::count(before),
                Cell::count(most),
                Cell::count(most.saturating_sub(before)),
            ]);
        }
    }
    Ok(table)
}

/// Sends a body of about `size` bytes; how many they were.
fn run(engine: &mut Engine, stream: &Stream, size: u64, piece: usize) -> Result<u64, String> {
    let blocks = (size / stream.block.len() as u64).max(1);
    let length =
        blocks * stream.block.len() as u64 + (stream.before.len() + stream.after.len()) as u64;
    let headers = [
        ("Host", "shop.example".to_owned()),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0)".to_owned()),
        ("Accept", "*/*".to_owned()),
        ("Content-Type", stream.content_type.to_owned()),
        ("Content-Length", length.to_string()),
    ];
    let headers = headers.map(|(name, value)| (name.into(), value.into())).to_vec();
    let head = RequestHead::from_parts("POST", "/notes", "HTTP/1.1", headers);
    let (mut transaction, _) = engine.begin(&head);
    let blocks = (0..blocks).map(|_| stream.block.as_slice());
    for part in [stream.before].into_iter().chain(blocks).chain([stream.after]) {
        for piece in part.chunks(piece) {
            engine.feed(&mut transaction, piece);
        }
    }
    engine.end(&mut transaction);
    transaction.finish();
    let coverage = record(&transaction).coverage;
    if coverage.body_seen != length || coverage.stop.is_some() {
        return Err(format!("{}: not inspected to its end: {coverage:?}", stream.name));
    }
    Ok(length)
}
