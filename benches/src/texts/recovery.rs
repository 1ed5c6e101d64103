//! What honest texts cost after somebody has filled the tables: at once, and when the tables were
//! begun anew, as the proxy does once a minute.

use super::{Class, Material, fresh, length, timed};
use crate::cost::cpu;
use crate::crs::Crs;
use crate::engine::Engine;
use crate::report::{Cell, Table, median};

/// Passes over warm text, each as long as the median needs.
const PASSES: usize = 5;

/// Bytes of a value beyond the window, of which the tables alone are asked.
const STREAM: usize = 2_000_000;

/// CPU nanoseconds between two looks at the tables.
const MINUTE: u64 = 60_000_000_000;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Levels of the rule set.
    pub paranoia: Vec<u8>,
    /// CPU minutes of hostile text.
    pub minutes: u64,
}

/// A row for each level and honest class. By turns with an engine that saw no hostile text, so that
/// what else happens on the machine meets both.
///
/// # Errors
/// When the rules do not load.
pub fn measure(crs: &Crs, material: &Material, options: &Options) -> Result<Table, String> {
    let mut table = Table::new(
        "recovery",
        &["PL", "text", "warm MB/s", "flooded, ratio", "renewed, ratio", "tables renewed"],
    );
    let mut honest = material.classes();
    honest.retain(|class| !class.hostile);
    honest.push(material.stream(STREAM));
    for &paranoia in &options.paranoia {
        let [mut clean, mut kept, mut renewed] =
            [fresh(crs, paranoia)?, fresh(crs, paranoia)?, fresh(crs, paranoia)?];
        for class in &honest {
            for engine in [&mut clean, &mut kept, &mut renewed] {
                pass(engine, class);
            }
        }
        let mut times = 0;
        for minute in 1..=options.minutes {
            for engine in [&mut kept, &mut renewed] {
                let end = cpu() + MINUTE;
                for seed in (minute << 32).. {
                    if cpu() > end {
                        break;
                    }
                    let stream = [material.hostile_stream(STREAM / 10, seed)];
                    material.flood(20, seed).iter().chain(&stream).for_each(|request| {
                        engine.request(request);
                    });
                }
            }
            times += u64::from(renewed.policy().ruleset().renew_full_tables());
            eprintln!("PL{paranoia}: minute {minute} of {}", options.minutes);
        }
        for class in &honest {
            let engines = [&mut clean, &mut kept, &mut renewed];
            let [clean, kept, renewed] = turns(engines, class);
            let bytes: usize = class.requests.iter().map(length).sum();
            table.push(vec![
                Cell::count(paranoia.into()),
                class.name.into(),
                Cell::Number(bytes as f64 / 1e6 / (clean / 1e9), 2),
                Cell::Number(kept / clean, 2),
                Cell::Number(renewed / clean, 2),
                Cell::count(times),
            ]);
        }
    }
    Ok(table)
}

fn pass(engine: &mut Engine, class: &Class) -> f64 {
    timed(|| {
        for request in &class.requests {
            engine.request(request);
        }
    })
}

/// The median of each engine, taking turns.
fn turns(mut engines: [&mut Engine; 3], class: &Class) -> [f64; 3] {
    let mut taken = [const { Vec::new() }; 3];
    for round in 0..=PASSES {
        for (engine, taken) in engines.iter_mut().zip(&mut taken) {
            let one = pass(engine, class);
            // The first one warms.
            taken.extend((round > 0).then_some(one));
        }
    }
    taken.map(|taken| median(&taken))
}
