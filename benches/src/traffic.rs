//! Real requests of many kinds, each of which comes once and then again: what is learnt from values
//! that were never seen costs more than all else, and workloads of few words hide it.

use std::collections::BTreeMap;
use std::path::Path;

use waf_corpus::{Request, read};

use crate::cost::cpu;
use crate::crs::Crs;
use crate::engine::{Engine, Upkeep, detecting};
use crate::report::{Cell, Table, median};
use crate::rules;

/// A row for each class of a corpus, each through a policy of its own: the built-in rules, or a Core
/// Rule Set at a paranoia level.
///
/// # Errors
/// When the rules or the corpus cannot be read.
pub fn measure(corpus: &Path, crs: Option<(&Crs, u8)>, passes: usize) -> Result<Table, String> {
    let mut classes: BTreeMap<String, Vec<Request>> = BTreeMap::new();
    for request in read(corpus) {
        let request = request.map_err(|error| error.to_string())?;
        classes.entry(request.class.clone()).or_default().push(request);
    }
    let mut table = Table::new("traffic", &["requests of", "count", "KB", "first µs", "again µs"]);
    for (class, requests) in &classes {
        let mut engine = Engine::warm(match crs {
            Some((crs, paranoia)) => crs.policy(paranoia, detecting())?,
            None => rules::policy(detecting()),
        });
        let mut upkeep = Upkeep::begin();
        let first = pass(&mut engine, requests, &mut upkeep);
        let again: Vec<f64> =
            (0..passes.max(1)).map(|_| pass(&mut engine, requests, &mut upkeep)).collect();
        let bytes: usize = requests.iter().map(|request| request.body.len()).sum();
        table.push(vec![
            class.as_str().into(),
            Cell::count(requests.len() as u64),
            Cell::Number(bytes as f64 / 1e3, 0),
            Cell::Number(first, 1),
            Cell::Number(median(&again), 1),
        ]);
    }
    Ok(table)
}

/// The CPU microseconds of a request, on average.
fn pass(engine: &mut Engine, requests: &[Request], upkeep: &mut Upkeep) -> f64 {
    let begun = cpu();
    for request in requests {
        engine.request(request);
        upkeep.look(engine);
    }
    (cpu() - begun) as f64 / 1e3 / requests.len() as f64
}
