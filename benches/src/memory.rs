//! What a worker, an open stream and a request hold.

use waf_core::transaction::Transaction;
use waf_corpus::Request;

use crate::cost::resident;
use crate::crs::Crs;
use crate::engine::{Engine, detecting};
use crate::inputs;
use crate::report::{Cell, Table};
use crate::texts::{Material, percent};
use crate::workload;

/// A row for each of them, in KiB of resident memory. To be called once in a process, at its start.
///
/// # Errors
/// When the rules do not load.
pub fn measure(crs: &Crs, material: &Material, paranoia: u8) -> Result<Table, String> {
    let mut table = Table::new("memory", &["PL", "what", "KiB"]);
    let mut tell = |what: String, kib: f64| {
        table.push(vec![Cell::count(paranoia.into()), Cell::Text(what), Cell::Number(kib, 1)]);
    };
    let mixed = material.mixed(1 << 20);
    let long = [b"text=", percent(&mixed).as_slice()].concat();
    let workloads = workload::all();
    let start = resident().0;
    let policy = crs.policy(paranoia, detecting())?;
    let loaded = resident().0;
    tell("rules, loaded".to_owned(), (loaded - start) as f64);
    let mut engine = Engine::new(policy);
    for request in workloads.iter().flat_map(|workload| &workload.requests) {
        engine.request(request);
    }
    let form = |body| inputs::request("POST", "/", Some("application/x-www-form-urlencoded"), body);
    engine.request(&form(long.clone()));
    tell("a worker after four workloads and a long body".to_owned(), grown(loaded));
    let mut open = |name: &str, count: usize, request: &Request, length: usize| {
        let before = resident().0;
        let body = &request.body[..length];
        let held: Vec<Transaction> = (0..count).map(|_| half(&mut engine, request, body)).collect();
        let each = grown(before) / count as f64;
        drop(held);
        tell(format!("{name}, each of {count}"), each);
    };
    open("a GET, its head judged", 500, &workloads[0].requests[0], 0);
    let json = &workloads[2].requests[0];
    open("JSON of 10 KB, half of it", 200, json, json.body.len() / 2);
    let long = form(long);
    open("a form value, 100 KB of it (held)", 40, &long, 100_000);
    open("a form value, 200 KB of it (a stream)", 20, &long, 200_000);
    Ok(table)
}

fn grown(before: u64) -> f64 {
    resident().0.saturating_sub(before) as f64
}

/// A request that is still coming.
fn half(engine: &mut Engine, request: &Request, body: &[u8]) -> Transaction {
    let (mut transaction, _) = engine.begin(&request.head);
    for piece in body.chunks(crate::PIECE) {
        engine.feed(&mut transaction, piece);
    }
    transaction
}
