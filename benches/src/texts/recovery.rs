//! What honest texts cost after somebody has filled the tables: at once, and when the tables were
//! begun anew, as the proxy does once a second.

use super::{Class, Material, fresh, length, pass};
use crate::cost::cpu;
use crate::crs::Crs;
use crate::engine::{Engine, Upkeep};
use crate::report::{Cell, Table, median};

/// Passes over warm text, each as long as the median needs.
const PASSES: usize = 5;

/// Bytes of a value beyond the window.
const STREAM: usize = 2_000_000;

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
    // Of values longer than the window the tables alone are asked.
    let streams: Vec<Class> =
        (0..=PASSES as u64).map(|seed| material.stream(STREAM, seed + 1)).collect();
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
            flood(&mut kept, material, minute, |_| ());
            let mut upkeep = Upkeep::begin();
            flood(&mut renewed, material, minute, |engine| {
                times += u64::from(upkeep.look(engine));
            });
            eprintln!("PL{paranoia}: minute {minute} of {}", options.minutes);
        }
        let warm = honest.iter().map(std::slice::from_ref);
        for classes in warm.chain([&streams[..]]) {
            let engines = [(&mut clean, false), (&mut kept, false), (&mut renewed, true)];
            let [clean, kept, renewed] = turns(engines, classes);
            let bytes: usize = classes[0].requests.iter().map(length).sum();
            table.push(vec![
                Cell::count(paranoia.into()),
                classes[0].name.into(),
                Cell::Number(bytes as f64 / 1e6 / (clean / 1e9), 2),
                Cell::Number(kept / clean, 2),
                Cell::Number(renewed / clean, 2),
                Cell::count(times),
            ]);
        }
    }
    Ok(table)
}

/// A CPU minute of hostile texts, no two alike; `tick` is called after each few.
fn flood(engine: &mut Engine, material: &Material, minute: u64, mut tick: impl FnMut(&Engine)) {
    let end = cpu() + MINUTE;
    for seed in (minute << 32).. {
        let stream = [material.hostile_stream(STREAM / 10, seed)];
        material.flood(20, seed).iter().chain(&stream).for_each(|request| {
            engine.request(request);
        });
        tick(engine);
        if cpu() > end {
            break;
        }
    }
}

/// The median of each engine, taking turns; by turns with the classes, too.
/// Where tables are renewed that happens before each turn: a turn takes about a second.
fn turns(mut engines: [(&mut Engine, bool); 3], classes: &[Class]) -> [f64; 3] {
    let mut taken = [const { Vec::new() }; 3];
    for (round, class) in (0..=PASSES).zip(classes.iter().cycle()) {
        for ((engine, renews), taken) in engines.iter_mut().zip(&mut taken) {
            if *renews {
                engine.policy().ruleset().renew_full_tables();
            }
            let one = pass(engine, class);
            // The first one warms.
            taken.extend((round > 0).then_some(one));
        }
    }
    taken.map(|taken| median(&taken))
}
